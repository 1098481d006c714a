// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Every call that a training makes to the file system, failing in every way.
#include <cerrno>
#include <cstring>
#include <set>

#include "tests/faults/program.h"

using namespace slope;
using namespace slope::test;

namespace {

// A run of 20 steps that goes on from its state at step 10, with a state in between and a log. Whichever of
// these states is there, it can be resumed to the same end.
class Training {
 public:
  Training() {
    write_model(folder);
    REQUIRE(run(folder, {"train", "m.slope", "--quiet", "--log", "log"}).exit == 0);
    whole_ = Folder::read(folder.path("m.safetensors"));
    REQUIRE(run(folder, {"train", "m.slope", "--quiet", "--steps", "10", "--log", "log"}).exit == 0);
    old_ = Folder::read(folder.path("m.safetensors"));
    old_log_ = Folder::read(folder.path("log"));
    REQUIRE(old_ != whole_);
    undisturbed_ = with("");
    REQUIRE(undisturbed_.exit == 0);
    REQUIRE(at_the_end());
  }

  Outcome with(const std::string& fault) {
    folder.write("m.safetensors", old_);
    folder.write("log", old_log_);
    return test::run(folder, words_, "files", fault);
  }
  const Outcome& undisturbed() const { return undisturbed_; }
  bool at_the_end() const { return Folder::read(folder.path("m.safetensors")) == whole_; }
  bool at_the_beginning() const { return Folder::read(folder.path("m.safetensors")) == old_; }
  // What is there goes on to the end; nothing is left behind then.
  void check_resumes() {
    REQUIRE(test::run(folder, words_).exit == 0);
    CHECK(at_the_end());
    CHECK(folder.files() == files);
  }

  static constexpr std::ptrdiff_t files = 4;
  Folder folder;

 private:
  std::vector<std::string> words_{"train",        "m.slope", "--resume", "m.safetensors",
                                  "--save-every", "15",      "--log",    "log",
                                  "--report",     "5",       "--color",  "never"};
  std::string whole_, old_, old_log_;
  Outcome undisturbed_;
};

// Calls whose failure changes nothing that was promised.
bool can_do_without(const Call& call) {
  // Read to the end; or closed already, by its other name.
  bool is_read =
      call.path == "m.slope" || call.path == "p.csv" || call.path == "." || call.path == "m.safetensors";
  static const std::set<std::string> tidiness{"flock", "dup", "unlink"};
  return (call.name == "close" && (is_read || call.path.starts_with(".slope-") || call.path == "log")) ||
         tidiness.contains(call.name) || (call.name == "open" && call.path.starts_with(".")) ||
         // Whether two names are one file: then the names themselves decide. A temporary file that cannot be
         // looked at.
         call.name == "stat" || call.name == "lstat" ||
         (call.name == "fstat" && call.path.starts_with(".slope-"));
}

// Whether a message names the file of a call: what is done to temporary files and their folder is for the
// state.
bool names(const std::string& message, const Call& call) {
  bool for_state = call.path.starts_with(".");
  return contains(message, "`" + call.path + "`") || (for_state && contains(message, "`m.safetensors`"));
}

}  // namespace

TEST_CASE("a call to the system that fails is told, and leaves states whole", "[calls]") {
  Training training;
  const std::vector<Call> calls = training.undisturbed().calls;
  REQUIRE(calls.size() > 60);
  constexpr int errors[] = {EIO, ENOSPC, EACCES, EDQUOT, EROFS};
  std::set<std::string> told;
  for (std::size_t n = 1; n <= calls.size(); ++n) {
    const Call& call = calls[n - 1];
    int error = errors[n % std::size(errors)];
    INFO("call " << n << ": " << call.name << " " << call.path << ": " << std::strerror(error));
    Outcome outcome = training.with(std::to_string(n) + ":" + std::to_string(error));
    INFO(outcome.err);
    REQUIRE(outcome.fault());
    CHECK(training.folder.files() == Training::files + (call.name == "unlink"));
    bool said = contains(outcome.err, std::strerror(error)) && names(outcome.err, call);
    bool goes_on = contains(outcome.err, "the training goes on");
    if (said) told.insert(call.name);
    if (said && !goes_on) CHECK(outcome.exit == 5);
    else REQUIRE(outcome.exit == 0);
    CHECK((said || can_do_without(call)));
    if (outcome.exit == 0) CHECK(training.at_the_end());
    else if (!training.at_the_beginning() && !training.at_the_end()) training.check_resumes();
    if (call.name == "unlink") training.check_resumes();
  }
  CHECK(told.size() >= 8);
}

TEST_CASE("calls that are interrupted, must wait or do a part are made again", "[calls]") {
  Training training;
  const std::vector<Call> calls = training.undisturbed().calls;
  for (std::size_t n = 1; n <= calls.size(); ++n) {
    const Call& call = calls[n - 1];
    bool moves = call.name == "read" || call.name == "write";
    for (const char* fault : {"4", "11", "short"}) {
      if (fault != std::string("4") && !moves) continue;
      INFO("call " << n << ": " << call.name << " " << call.path << ": " << fault);
      Outcome outcome = training.with(std::to_string(n) + ":" + fault);
      INFO(outcome.err);
      REQUIRE(outcome.fault());
      CHECK(outcome.exit == 0);
      CHECK(outcome.out == training.undisturbed().out);
      CHECK(outcome.err == training.undisturbed().err);
      CHECK(training.at_the_end());
      if (call.name != "unlink") CHECK(training.folder.files() == Training::files);
    }
  }
}

TEST_CASE("a training killed before or after any call goes on to the bit", "[calls]") {
  const char* when = GENERATE("before", "after");
  Training training;
  const std::vector<Call> calls = training.undisturbed().calls;
  int between = 0;
  for (std::size_t n = 1; n <= calls.size(); ++n) {
    INFO(when << " call " << n << ": " << calls[n - 1].name << " " << calls[n - 1].path);
    Outcome outcome = training.with(std::to_string(n) + ":" + when);
    REQUIRE(outcome.exit == -SIGKILL);
    bool left = training.folder.files() != Training::files;
    if (training.at_the_beginning() && !left) continue;
    between += !training.at_the_beginning();
    training.check_resumes();
  }
  CHECK(between > 10);
}

// Power may fail at any time: then what was not synced is lost, or there in any part and order. So a state is
// synced before it gets its name, and the folder after.
TEST_CASE("a state is on the disk before it has its name", "[calls]") {
  Training training;
  int renamed = 0;
  bool written = false, synced = false, name_synced = true;
  for (const Call& call : training.undisturbed().calls) {
    bool temporary = call.path.starts_with(".slope-");
    if (temporary && call.name == "write") written = true, synced = false;
    if (temporary && call.name == "fsync") synced = true;
    if (call.name == "fsync" && call.path == ".") name_synced = true;
    if (call.name != "rename") continue;
    CHECK((written && synced && name_synced));
    ++renamed;
    written = synced = name_synced = false;
  }
  CHECK(renamed == 2);
  CHECK(name_synced);
}
