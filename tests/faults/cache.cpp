// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Every call that a training makes to its cache of compiled code, failing or never coming back: the training
// is the same.
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <set>

#include "tests/faults/program.h"

using namespace slope;
using namespace slope::test;

namespace {

// A training whose cache is as it was made before: empty, or with its code in it.
class Cached {
 public:
  explicit Cached(bool filled) {
    write_model(folder_);
    if (filled) REQUIRE(run().exit == 0);
    std::filesystem::create_directories(before_);
    if (filled) copy(cache_, before_);
    undisturbed_ = with("");
    REQUIRE(undisturbed_.exit == 0);
    state_ = Folder::read(folder_.path("m.safetensors"));
  }
  const Outcome& undisturbed() const { return undisturbed_; }

  Outcome with(const std::string& fault) {
    std::filesystem::remove_all(cache_);
    copy(before_, cache_);
    std::filesystem::remove(folder_.path("m.safetensors"));
    return run("cache", fault);
  }
  Outcome run(const std::string& calls = "", const std::string& fault = "") {
    return test::run(folder_, {"train", "m.slope", "--quiet", "--color", "never"}, calls, fault, cache_);
  }
  bool trained() const { return Folder::read(folder_.path("m.safetensors")) == state_; }

 private:
  static void copy(const std::string& from, const std::string& to) {
    std::filesystem::copy(from, to, std::filesystem::copy_options::recursive);
  }
  Folder folder_, side_;
  std::string cache_ = side_.path("cache"), before_ = side_.path("before");
  std::string state_;
  Outcome undisturbed_;
};

std::set<std::string> names(const std::vector<Call>& calls) {
  std::set<std::string> out;
  for (const Call& call : calls) out.insert(call.name);
  return out;
}

}  // namespace

TEST_CASE("a cache whose calls fail never fails a training", "[cache-calls]") {
  bool filled = GENERATE(false, true);
  Cached training(filled);
  const std::vector<Call> calls = training.undisturbed().calls;
  for (const char* name : {"open", "read", "close"})
    CHECK(names(calls).contains(name) == (filled || name[0] != 'r'));
  for (const char* name : {"mkdir", "create", "write", "rename"})
    CHECK(names(calls).contains(name) != filled);
  constexpr int errors[] = {EIO, ENOSPC, EACCES, EROFS};
  for (std::size_t n = 1; n <= calls.size(); ++n) {
    for (const char* more : {"", "+"}) {
      int error = errors[n % std::size(errors)];
      INFO("call " << n << more << ": " << calls[n - 1].name << " " << calls[n - 1].path << ": "
                   << std::strerror(error));
      Outcome outcome = training.with(std::to_string(n) + more + ":" + std::to_string(error));
      INFO(outcome.err);
      REQUIRE(outcome.fault());
      CHECK(outcome.exit == 0);
      CHECK(outcome.out == training.undisturbed().out);
      CHECK(outcome.err == training.undisturbed().err);
      CHECK(training.trained());
    }
  }
}

TEST_CASE("a training killed at its cache leaves one that the next can use", "[cache-calls]") {
  bool filled = GENERATE(false, true);
  Cached training(filled);
  const std::vector<Call> calls = training.undisturbed().calls;
  for (std::size_t n = 1; n <= calls.size(); ++n) {
    for (const char* when : {"before", "after"}) {
      INFO(when << " call " << n << ": " << calls[n - 1].name << " " << calls[n - 1].path);
      REQUIRE(training.with(std::to_string(n) + ":" + when).exit == -SIGKILL);
      Outcome next = training.run();
      CHECK(next.exit == 0);
      CHECK(next.err == training.undisturbed().err);
      CHECK(training.trained());
    }
  }
}
