// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/state.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstring>
#include <limits>

#include "base/os.h"
#include "tests/unit/folder.h"

using namespace slope;

namespace {

State small_state() {
  State state;
  state.tensors = {{"w", true, {2, 1}, {0.1f, -0.0}},
                   {"b", false, {}, {0.1}},
                   {"slope/adam/\xCE\xB8", false, {3}, {1, 1e300, std::numeric_limits<double>::infinity()}},
                   {"none", false, {0, 4}, {}}};
  state.metadata = {{"model", "loss = \"x\"\n"}, {"steps", "400"}};
  return state;
}

bool loads(const std::string& path, std::string* message = nullptr) {
  Diagnostics d;
  bool loaded = load(path, d).has_value();
  if (!loaded) {
    REQUIRE(d.errors() == 1);
    CHECK(d.exit_code() == exit_code::state);
    if (message) *message = d.all()[0].message;
  }
  return loaded;
}

std::string saved(const Folder& folder, const State& state) {
  Diagnostics d;
  REQUIRE(save(state, folder.path("s.safetensors"), d));
  return Folder::read(folder.path("s.safetensors"));
}

std::uint64_t header_size(const std::string& file) {
  std::uint64_t size;
  std::memcpy(&size, file.data(), 8);
  return size;
}

}  // namespace

TEST_CASE("a state comes back as it was", "[state]") {
  Folder folder;
  State state = small_state();
  std::string first = saved(folder, state);
  Diagnostics d;
  auto back = load(folder.path("s.safetensors"), d);
  REQUIRE(back);
  CHECK(back->metadata == state.metadata);
  REQUIRE(back->tensors.size() == 4);
  for (const Tensor& tensor : state.tensors) {
    const Tensor* found = back->find(tensor.name);
    REQUIRE(found);
    CHECK(found->single == tensor.single);
    CHECK(found->shape == tensor.shape);
    CHECK(found->values == tensor.values);
  }
  CHECK(std::signbit(back->find("w")->values[1]));
  CHECK(back->find("other") == nullptr);
  std::reverse(state.tensors.begin(), state.tensors.end());
  CHECK(saved(folder, state) == first);
  CHECK(saved(folder, *back) == first);
  CHECK(folder.files() == 1);
}

TEST_CASE("the file is laid out as safetensors are", "[state]") {
  Folder folder;
  std::string file = saved(folder, small_state());
  std::uint64_t size = header_size(file);
  CHECK(size % 8 == 0);
  std::string header = file.substr(8, size);
  CHECK(header.front() == '{');
  CHECK(header.find(R"("b":{"dtype":"F64","shape":[],"data_offsets":[0,8]})") != std::string::npos);
  CHECK(header.find(R"("none":{"dtype":"F64","shape":[0,4],"data_offsets":[8,8]})") != std::string::npos);
  CHECK(header.find(R"("w":{"dtype":"F32","shape":[2,1],"data_offsets":[32,40]})") != std::string::npos);
  CHECK(header.find(R"("slope/version":"1")") != std::string::npos);
  double b;
  std::memcpy(&b, file.data() + 8 + size, 8);
  CHECK(b == 0.1);
  CHECK(file.size() == 8 + size + 40);
}

TEST_CASE("a state file cut off anywhere is not loaded", "[state]") {
  Folder folder;
  std::string file = saved(folder, small_state());
  for (std::size_t length = 0; length < file.size(); ++length) {
    INFO(length);
    REQUIRE_FALSE(loads(folder.write("cut", file.substr(0, length))));
  }
  REQUIRE_FALSE(loads(folder.write("longer", file + '\0')));
  REQUIRE_FALSE(loads(folder.write("longer", file + std::string(8, '\0'))));
}

TEST_CASE("a state file with any bit flipped is not loaded", "[state]") {
  Folder folder;
  std::string file = saved(folder, small_state());
  for (std::size_t bit = 0; bit < file.size() * 8; ++bit) {
    INFO(bit);
    std::string flipped = file;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    REQUIRE_FALSE(loads(folder.write("flipped", flipped)));
  }
}

TEST_CASE("what is no state file of slope says so", "[state]") {
  Folder folder;
  std::string message;
  std::string header = R"({"w":{"dtype":"F64","shape":[],"data_offsets":[0,8]}}   )";
  REQUIRE_FALSE(loads(folder.write("f", std::string(1, static_cast<char>(header.size())) +
                                            std::string(7, '\0') + header + std::string(8, '\0')),
                      &message));
  CHECK(message.find("not written by slope") != std::string::npos);
  REQUIRE_FALSE(loads(folder.write("f", "loss = mean(x)\npredict = 1\n"), &message));
  CHECK(message.find("not a safetensors file") != std::string::npos);
  REQUIRE_FALSE(loads(folder.write("f", ""), &message));
  CHECK(message.find("empty") != std::string::npos);
  Diagnostics d;
  CHECK_FALSE(load(folder.path("none"), d));
  CHECK_FALSE(load(folder.path(""), d));
  CHECK(d.all()[0].code == Code::cannot_open);
  CHECK(d.exit_code() == exit_code::system);
}

TEST_CASE("saving replaces a file whole and keeps its mode and links", "[state]") {
  Folder folder;
  Diagnostics d;
  folder.write("real", "old");
  ::chmod(folder.path("real").c_str(), 0640);
  REQUIRE(::symlink("real", folder.path("link").c_str()) == 0);
  REQUIRE(save(small_state(), folder.path("link"), d));
  struct stat info;
  REQUIRE(::lstat(folder.path("link").c_str(), &info) == 0);
  CHECK(S_ISLNK(info.st_mode));
  REQUIRE(::stat(folder.path("real").c_str(), &info) == 0);
  CHECK((info.st_mode & 07777) == 0640);
  CHECK(loads(folder.path("real")));

  REQUIRE(::symlink("fresh", folder.path("dangling").c_str()) == 0);
  CHECK(save(small_state(), folder.path("dangling"), d));
  CHECK(loads(folder.path("fresh")));
  REQUIRE(::symlink("loop", folder.path("loop").c_str()) == 0);
  CHECK_FALSE(save(small_state(), folder.path("loop"), d));
  CHECK_FALSE(save(small_state(), folder.path(""), d));
  REQUIRE(::mkfifo(folder.path("fifo").c_str(), 0600) == 0);
  CHECK_FALSE(save(small_state(), folder.path("fifo"), d));
  CHECK_FALSE(save(small_state(), folder.path("no/such"), d));
  CHECK(d.errors() == 4);
  CHECK(d.all()[2].message.find("is a pipe") != std::string::npos);
  CHECK(d.all()[3].code == Code::cannot_write);
  CHECK(folder.files() == 6);
}

TEST_CASE("a save that fails at any call leaves the old file whole and nothing behind", "[state]") {
  static int calls, failing, error;
  error = GENERATE(EIO, ENOSPC);
  Folder folder;
  folder.write("s", "old");
  bool saved_at_last = false;
  for (failing = 0; failing < 50 && !saved_at_last; ++failing) {
    calls = 0;
    static std::string failed;
    failed.clear();
    os::set_fault_hook([](std::string_view call) {
      if (calls++ != failing) return 0;
      failed = call;
      return error;
    });
    Diagnostics d;
    saved_at_last = save(small_state(), folder.path("s"), d);
    os::set_fault_hook(nullptr);
    INFO(failing << " " << failed);
    CHECK(folder.files() == 1);
    if (saved_at_last) break;
    CHECK(d.all().at(0).code == Code::cannot_write);
    std::string now = Folder::read(folder.path("s"));
    CHECK((now == "old" || loads(folder.path("s"))));
    if (now != "old") folder.write("s", "old");
  }
  CHECK(saved_at_last);
  CHECK(failing >= 8);
  CHECK(loads(folder.path("s")));
}

TEST_CASE("interrupted and short writes go on", "[state]") {
  static int calls;
  calls = 0;
  Folder folder;
  Diagnostics d;
  os::set_fault_hook([](std::string_view call) {
    if (call == "close") return 0;
    return ++calls % 2 ? EINTR : call == "write" ? -1 : 0;
  });
  bool good = save(small_state(), folder.path("s"), d);
  os::set_fault_hook(nullptr);
  CHECK(good);
  CHECK(loads(folder.path("s")));
}

namespace {

// A child that runs `body` and is killed at its n-th system call; whether it came to the end before.
template <class Body>
bool killed_child(int n, Body body) {
  static int left;
  left = n;
  pid_t child = ::fork();
  if (child == 0) {
    os::set_fault_hook([](std::string_view) { return left-- == 0 ? ::raise(SIGKILL) : 0; });
    body();
    std::_Exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFSIGNALED(status);
}

}  // namespace

TEST_CASE("a process killed at any call of a save leaves a whole file, and its remains are swept",
          "[state]") {
  Folder folder;
  folder.write("s", "old");
  int n = 0, remains = 0;
  for (; n < 50; ++n) {
    INFO(n);
    bool killed = killed_child(n, [&] {
      Diagnostics d;
      (void)save(small_state(), folder.path("s"), d);
    });
    std::string now = Folder::read(folder.path("s"));
    REQUIRE((now == "old" || loads(folder.path("s"))));
    REQUIRE(folder.files() <= 2);
    remains += folder.files() == 2;
    // Another process, as a folder is swept once by each.
    REQUIRE_FALSE(killed_child(-1, [&] { (void)os::write_file(folder.path("t"), "t"); }));
    std::filesystem::remove(folder.path("t"));
    REQUIRE(folder.files() == 1);
    if (!killed) break;
  }
  CHECK(n >= 8);
  CHECK(remains >= 3);
  CHECK(loads(folder.path("s")));
}

TEST_CASE("temporary files of living processes and files of other names are not swept", "[state]") {
  Folder folder;
  for (const char* name : {".slope-.tmp", ".slope-1-x.tmp", "slope-1-2.tmp", ".slope-1-2.tmp2"})
    folder.write(name, "mine");
  int file = ::open(folder.write(".slope-1-2.tmp", "being written").c_str(), O_RDONLY);
  REQUIRE(file >= 0);
  REQUIRE(::flock(file, LOCK_EX) == 0);
  folder.write(".slope-1-3.tmp", "left behind");
  CHECK_FALSE(os::write_file(folder.path("s"), "s"));
  ::close(file);
  CHECK(folder.files() == 6);
  CHECK_FALSE(std::filesystem::exists(folder.path(".slope-1-3.tmp")));
}

TEST_CASE("processes that save to one path at once leave one whole file", "[state]") {
  Folder folder;
  std::vector<pid_t> children;
  for (int i = 0; i < 4; ++i) {
    children.push_back(::fork());
    if (children.back() != 0) continue;
    State state = small_state();
    state.metadata["writer"] = std::to_string(i);
    bool good = true;
    for (int k = 0; k < 50; ++k) {
      Diagnostics d;
      good = good && save(state, folder.path("s"), d) && load(folder.path("s"), d);
    }
    std::_Exit(good ? 0 : 1);
  }
  for (pid_t child : children) {
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
  }
  CHECK(loads(folder.path("s")));
  CHECK(folder.files() == 1);
}

TEST_CASE("what cannot be written is known before", "[state]") {
  Folder folder;
  auto refused = [&](const std::string& name) { return os::Output().open(name); };
  CHECK_FALSE(refused(folder.path("new")));
  CHECK(folder.files() == 0);
  CHECK(refused(folder.path("no/such")));
  CHECK(refused(""));
  CHECK(refused(folder.path("none/")));
  auto folder_itself = refused(folder.path("."));
  REQUIRE(folder_itself);
  CHECK(folder_itself->reason == "is a directory");
  CHECK(folder.files() == 0);
}

TEST_CASE("one process at a time has a file open for writing", "[state]") {
  Folder folder;
  folder.write("s", "old");
  REQUIRE(::symlink("s", folder.path("link").c_str()) == 0);
  os::Output first;
  REQUIRE_FALSE(first.open(folder.path("s")));
  REQUIRE_FALSE(first.write("1"));
  for (const char* name : {"s", "link"}) {
    auto second = os::Output().open(folder.path(name));
    REQUIRE(second);
    CHECK(second->reason == "another slope is writing it");
  }
  os::Output other;
  CHECK_FALSE(other.open(folder.path("t")));
  CHECK_FALSE(first.write("2"));
  CHECK(Folder::read(folder.path("s")) == "2");
  // Who is killed leaves a lock that is nobody's.
  REQUIRE(killed_child(-1, [&] {
    os::Output third;
    if (!third.open(folder.path("u"))) ::raise(SIGKILL);
  }));
  CHECK(folder.files() == 5);
  CHECK_FALSE(os::Output().open(folder.path("u")));
  CHECK(folder.files() == 4);
}

TEST_CASE("one process at a time has a log open", "[state]") {
  Folder folder;
  std::string path = folder.path("log");
  {
    os::LineFile first, second;
    REQUIRE_FALSE(first.open(path, 0));
    REQUIRE_FALSE(first.append("1\n"));
    auto refused = second.open(path, 0);
    REQUIRE(refused);
    CHECK(refused->message() == "cannot write `" + path + "`: another slope is writing it");
    REQUIRE_FALSE(first.append("2\n"));
  }
  CHECK(Folder::read(path) == "1\n2\n");
  os::LineFile next, a, b;
  CHECK_FALSE(next.open(path, 2));
  CHECK(Folder::read(path) == "1\n");
  // Several may write to what is no file.
  CHECK_FALSE(a.open("/dev/null", 0));
  CHECK_FALSE(b.open("/dev/null", 0));
}

TEST_CASE("a file goes to the folder where it was opened, wherever the path leads by then", "[state]") {
  Folder folder;
  std::filesystem::create_directory(folder.path("a"));
  std::filesystem::create_directory(folder.path("b"));
  os::Output output;
  REQUIRE_FALSE(output.open(folder.path("a/s")));
  std::filesystem::rename(folder.path("a"), folder.path("moved"));
  std::filesystem::create_directory_symlink("b", folder.path("a"));
  CHECK_FALSE(output.write("1"));
  CHECK(Folder::read(folder.path("moved/s")) == "1");
  CHECK_FALSE(std::filesystem::exists(folder.path("b/s")));
  // Nor is a link followed that came later.
  std::filesystem::remove(folder.path("moved/s"));
  std::filesystem::create_symlink("../b/s", folder.path("moved/s"));
  CHECK(output.write("2"));
  std::filesystem::remove_all(folder.path("moved"));
  CHECK(output.write("3"));
}
