// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the cache finds is what was kept, whole; everything else is as if it were not there.
#include "base/cache.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <cerrno>
#include <thread>

#include "tests/unit/folder.h"

using namespace slope;

namespace {

const std::string key("the key\0of an entry", 19), value(100, 'v');

std::optional<std::string> found(const Cache& cache, std::string_view k = key) {
  auto entry = cache.find(k);
  return entry ? std::optional(std::string(entry->value)) : std::nullopt;
}

mode_t mode(const std::string& path) {
  struct stat info;
  REQUIRE(::lstat(path.c_str(), &info) == 0);
  return info.st_mode & 07777;
}

// As if the file had been written and read so many seconds after 1970.
void set_time(const std::string& path, std::int64_t seconds) {
  timespec times[2] = {{seconds, 0}, {seconds, 0}};
  REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times, 0) == 0);
}

}  // namespace

TEST_CASE("what is kept is found again, by its own key only", "[cache]") {
  Folder folder;
  Cache cache(folder.path("a/b"));
  CHECK(!found(cache));
  REQUIRE(!cache.keep(key, value));
  CHECK(found(cache) == value);
  CHECK(!found(cache, key.substr(0, 18)));
  CHECK(!found(cache, ""));
  REQUIRE(!cache.keep(key, "another"));
  CHECK(found(cache) == "another");
  REQUIRE(!cache.keep("", ""));
  CHECK(found(cache, "") == "");
  CHECK(mode(folder.path("a/b")) == 0700);
  CHECK(mode(cache.path(key)) == 0600);
  auto aligned = cache.find(key);
  CHECK(reinterpret_cast<std::uintptr_t>(aligned->value.data()) % 16 == 0);
  // Two keys with one hash: the file is that of the other.
  std::filesystem::copy_file(cache.path(key), cache.path("other"));
  CHECK(!found(cache, "other"));
}

TEST_CASE("an entry that is damaged anywhere is passed over and replaced", "[cache]") {
  Folder folder;
  Cache cache(folder.path(""));
  REQUIRE(!cache.keep(key, value));
  std::string path = cache.path(key), name = std::filesystem::path(path).filename(),
              whole = Folder::read(path);
  std::size_t zeros = 0;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::string bytes = whole;
    bytes[i] = static_cast<char>(bytes[i] ^ 4);
    folder.write(name, bytes);
    zeros += found(cache) == value;
    CHECK((!found(cache) || found(cache) == value));
  }
  CHECK(zeros == 8 + 13);  // the last word of the header and what fills the key up are not looked at
  for (std::size_t size = 0; size < whole.size(); ++size) {
    folder.write(name, whole.substr(0, size));
    CHECK(!found(cache));
  }
  folder.write(name, whole + "x");
  CHECK(!found(cache));
  REQUIRE(!cache.keep(key, value));
  CHECK(found(cache) == value);
}

TEST_CASE("an entry that others could have written is not read but replaced", "[cache]") {
  Folder folder;
  Cache cache(folder.path(""));
  REQUIRE(!cache.keep(key, value));
  std::string path = cache.path(key);
  auto refused_then_replaced = [&] {
    CHECK(!found(cache));
    REQUIRE(!cache.keep(key, value));
    CHECK(found(cache) == value);
    CHECK(mode(path) == 0600);
  };
  for (mode_t others : {0620, 0602, 0666}) {
    REQUIRE(::chmod(path.c_str(), others) == 0);
    refused_then_replaced();
  }
  std::filesystem::rename(path, folder.path("elsewhere"));
  std::filesystem::create_symlink(folder.path("elsewhere"), path);
  refused_then_replaced();
  CHECK(Folder::read(folder.path("elsewhere")) == Folder::read(path));  // what the link led to is untouched
  std::filesystem::remove(path);
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  refused_then_replaced();
  if (::geteuid() == 0) {  // others can give files away only
    REQUIRE(::chown(path.c_str(), 1, 1) == 0);
    refused_then_replaced();
  }
}

TEST_CASE("a folder that cannot be used keeps nothing and says why", "[cache]") {
  Folder folder;
  folder.write("file", "");
  for (const std::string& path :
       {folder.path("file/cache"), folder.path("file"), std::string("/dev/null/x")}) {
    Cache cache(path);
    auto failed = cache.keep(key, value);
    REQUIRE(failed);
    CHECK(!found(cache));
  }
  std::filesystem::create_directory(folder.path("open"));
  REQUIRE(::chmod(folder.path("open").c_str(), 0755) == 0);
  Cache open(folder.path("open"));
  REQUIRE(!open.keep(key, value));
  REQUIRE(::chmod(folder.path("open").c_str(), 0770) == 0);  // others could put another file of ours there
  CHECK(!found(open));
  CHECK(open.keep(key, value)->message().ends_with("other users can write to it"));
  Cache none("");
  CHECK(!none.keep(key, value));
  CHECK(!found(none));
  if (::geteuid() == 0) {
    std::filesystem::create_directory(folder.path("theirs"));
    REQUIRE(::chown(folder.path("theirs").c_str(), 1, 1) == 0);
    CHECK(Cache(folder.path("theirs/cache")).keep(key, value));
    CHECK(!std::filesystem::exists(folder.path("theirs/cache")));
  }
}

TEST_CASE("any failing call of a write leaves the old entry or none, and no other file", "[cache]") {
  static int calls, failing;
  bool kept = false;
  for (failing = 0; failing < 50 && !kept; ++failing) {
    Folder folder;
    Cache cache(folder.path("c"), {.bytes = 2000, .entries = 10, .writes = 1});
    REQUIRE(!cache.keep(key, "old"));
    calls = 0;
    os::set_fault_hook([](std::string_view) { return calls++ == failing ? ENOSPC : 0; });
    kept = !cache.keep(key, value);
    os::set_fault_hook(nullptr);
    INFO(failing);
    CHECK((found(cache) == "old" || found(cache) == value));
    CHECK(std::distance(std::filesystem::directory_iterator(folder.path("c")), {}) == 1);
  }
  CHECK(kept);
  CHECK(failing >= 6);
}

TEST_CASE("what was not used for the longest time goes first", "[cache]") {
  Folder folder;
  auto name = [](int i) { return "key " + std::to_string(i); };
  auto kept = [&](const Cache& cache) {
    std::string out;
    for (int i = 0; i < 10; ++i) out += found(cache, name(i)) ? "x" : ".";
    return out;
  };
  auto fill = [&](const Cache& cache) {
    for (int i = 0; i < 10; ++i) {
      REQUIRE(!cache.keep(name(i), value));
      if (std::filesystem::exists(cache.path(name(i)))) set_time(cache.path(name(i)), 1000 + (i * 7) % 10);
    }
  };
  folder.write("notes.txt", std::string(100'000, 'n'));
  Cache counted(folder.path(""), {.bytes = 1'000'000, .entries = 8, .writes = 1});
  fill(Cache(folder.path("")));
  CHECK(kept(counted) == "xxxxxxxxxx");
  fill(Cache(folder.path("")));
  REQUIRE(!counted.keep(name(0), value));  // used now: the newest
  CHECK(kept(counted) == "xx..xx.xx.");    // 6 of 8: those of the latest times and the new one
  Cache sized(folder.path("s"), {.bytes = 8 * 180, .entries = 1000, .writes = 1});
  fill(sized);
  Cache::Contents contents;
  REQUIRE(!sized.count(contents));
  CHECK(contents.bytes <= 8 * 180);
  CHECK(contents.entries >= 5);
  REQUIRE(!sized.keep("large", std::string(200, 'l')));  // more than an eighth
  CHECK(!found(sized, "large"));

  REQUIRE(!counted.clean(contents = {}));
  CHECK(contents.entries == 6);
  CHECK(kept(counted) == "..........");
  CHECK(std::filesystem::exists(folder.path("notes.txt")));
}

TEST_CASE("many threads write and read one entry, each sees a whole one", "[cache]") {
  Folder folder;
  Cache cache(folder.path("c"), {.bytes = 1'000'000, .entries = 2, .writes = 3});
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0, seen = 0;
  for (char c : {'a', 'b', 'c', 'd'})
    threads.emplace_back([&, c] {
      for (int i = 0; i < 100; ++i) {
        wrong += cache.keep(key, std::string(5000, c)).has_value();
        (void)cache.keep(std::string(1, c) + std::to_string(i), value);
        auto entry = found(cache);
        if (!entry) continue;  // dropped to make room
        ++seen;
        wrong += entry->size() != 5000 || entry->find_first_not_of((*entry)[0]) != std::string::npos;
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
  CHECK(seen > 0);
}

TEST_CASE("the folder of the cache is named by the environment", "[cache]") {
  auto restore = [](const char* name) {
    const char* old = std::getenv(name);
    return [name, old = old ? std::optional<std::string>(old) : std::nullopt] {
      if (old) ::setenv(name, old->c_str(), 1);
      else ::unsetenv(name);
    };
  };
  auto restore_home = restore("HOME"), restore_cache = restore("XDG_CACHE_HOME");
  ::setenv("HOME", "/h", 1);
  ::setenv("XDG_CACHE_HOME", "/c", 1);
  CHECK(user_cache_folder() == "/c/slope");
  for (const char* unusable : {"", "relative"}) {
    ::setenv("XDG_CACHE_HOME", unusable, 1);
    CHECK(user_cache_folder() == "/h/.cache/slope");
  }
  ::unsetenv("XDG_CACHE_HOME");
  ::unsetenv("HOME");
  CHECK(user_cache_folder() == "");
  restore_home();
  restore_cache();
}
