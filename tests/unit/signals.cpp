// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <catch2/catch.hpp>
#include <csignal>
#include <cstring>
#include <string>

#include "runtime/state.h"
#include "tests/unit/folder.h"
#include "tests/unit/process.h"

using namespace slope;
using test::Process;

namespace {

// So slow a descent that every step moves the parameters, however many there are.
constexpr const char* model =
    "data x, y from \"p.csv\"\n"
    "param w = 0, b = 0\n"
    "predict = w*x + b\n"
    "loss = mse(predict, y)\n"
    "train rate=1e-9\n";
constexpr const char* endless = "1000000000000";

void prepare(const Folder& folder, const std::string& precision = "f64") {
  folder.write("m.slope", "precision " + precision + "\n" + model);
  folder.write("p.csv", "x,y\n0,1\n1,3\n2,5\n3,7\n");
}

std::string steps_in(const Folder& folder, const std::string& name) {
  Diagnostics d;
  auto state = load(folder.path(name), d);
  REQUIRE(state);
  return state->metadata.at("slope/steps");
}

int run(const Folder& folder, std::vector<std::string> words) {
  return Process(folder.path("."), std::move(words)).end();
}

}  // namespace

TEST_CASE("a signal in training ends it with the state saved, and resuming goes on to the bit", "[signals]") {
  int signal = GENERATE(SIGINT, SIGTERM, SIGHUP, SIGXCPU);
  std::string precision = signal == SIGINT ? "f32" : "f64";
  Folder folder;
  prepare(folder, precision);
  Process process(folder.path("."), {"train", "m.slope", "--steps", endless});
  REQUIRE(process.await("step"));
  process.signal(signal);
  CHECK(process.end() == 128 + signal);
  CHECK(process.printed().find("\nloss = ") != std::string::npos);
  CHECK(process.printed().find("saved m.safetensors") != std::string::npos);
  CHECK(folder.files() == 3);

  std::string done = steps_in(folder, "m.safetensors");
  CHECK(process.printed().find("at step " + done + " of " + endless +
                               "\nto go on: slope train m.slope --steps " + endless +
                               " --resume m.safetensors\n") != std::string::npos);
  // Without the number of steps that it was begun with.
  Process unaware(folder.path("."),
                  {"train", "m.slope", "--rate", "1e-9", "--steps", "1", "--resume", "m.safetensors"});
  CHECK(unaware.end() == 0);
  CHECK(unaware.printed().find("the run in m.safetensors was stopped at step " + done + " of " + endless +
                               ", but now 1 are asked for\n  = help: with `--steps " + endless + "`") !=
        std::string::npos);
  std::string more = std::to_string(std::stoll(done) + 100);
  CHECK(run(folder, {"train", "m.slope", "--steps", more, "--resume", "m.safetensors"}) == 0);
  CHECK(run(folder, {"train", "m.slope", "--steps", more, "--save", "straight"}) == 0);
  CHECK(steps_in(folder, "straight") == more);
  CHECK(Folder::read(folder.path("m.safetensors")) == Folder::read(folder.path("straight")));
}

TEST_CASE("the command that goes on with a stopped run has what the run was given", "[signals]") {
  Folder folder;
  prepare(folder);
  folder.write("it's.csv", "x,y\n0,1\n1,3\n");
  Process process(folder.path("."),
                  {"train",       "-e",          "const k = 1; param w = 0; loss = mse(k*w*x, y)",
                   "--data",      "it's.csv",    "--set",
                   "k=2",         "--steps",     endless,
                   "--clip-norm", "1",           "--rate",
                   "1e-9",        "--precision", "f32",
                   "--save",      "s",           "--save-every",
                   "1000000000",  "--log",       "l"});
  REQUIRE(process.await("step"));
  process.signal(SIGTERM);
  CHECK(process.end() == 128 + SIGTERM);
  INFO(process.printed());
  CHECK(process.printed().find(
            "\nto go on: slope train -e 'const k = 1; param w = 0; loss = mse(k*w*x, y)' "
            "--data 'it'\\''s.csv' --set k=2 --rate 1e-9 --steps 1000000000000 --clip-norm 1 "
            "--precision f32 --save s --save-every 1000000000 --log l --resume s\n") != std::string::npos);
}

TEST_CASE("a second signal ends training at once", "[signals]") {
  Folder folder;
  prepare(folder);
  // It starts at the minimum, so that all lines are the same but for the number of the step.
  Process process(folder.path("."), {"train", "-e", "param w = 2; param b = 1; loss = mse(w*x + b, y)",
                                     "--data", "p.csv", "--save", "s", "--steps", endless, "--report", "1"});
  REQUIRE(process.await("\nstep"));
  REQUIRE(process.await("b 1\nstep"));
  std::size_t line = process.printed().find("\nstep") + 1;
  process.await_full_pipe(static_cast<int>(process.printed().find('\n', line) + 1 - line));
  // Nobody reads: it is in the middle of the training, and stays there.
  process.signal(SIGINT);
  CHECK(process.runs());
  process.signal(SIGTERM);
  CHECK(process.ends_unread());
  // Where both are pending, the system chooses which handler runs first.
  int code = process.end();
  CHECK((code == 128 + SIGINT || code == 128 + SIGTERM));
  CHECK(process.printed().find("loss = ") == std::string::npos);
  CHECK(folder.files() == 2);
}

TEST_CASE("a program that breaks in training says where and saves nothing", "[signals]") {
  int signal = GENERATE(SIGSEGV, SIGFPE, SIGILL, SIGBUS, SIGABRT);
  Folder folder;
  prepare(folder);
  Process process(folder.path("."), {"train", "m.slope", "--steps", endless});
  REQUIRE(process.await("step"));
  process.signal(signal);
  CHECK(process.end() == exit_code::internal);
  std::string name = std::string("SIG") + sigabbrev_np(signal);
  CHECK(process.printed().find("slope: internal error: " + name + " while training, step ") !=
        std::string::npos);
  CHECK(folder.files() == 2);
}

TEST_CASE("a signal that was ignored when the program began stays ignored", "[signals]") {
  Folder folder;
  prepare(folder);
  Process process(folder.path("."), {"train", "m.slope", "--steps", endless}, Process::Kind::pipes, {},
                  SIGHUP);
  REQUIRE(process.await("step"));
  process.signal(SIGHUP);
  process.signal(SIGTERM);
  CHECK(process.end() == 128 + SIGTERM);
}

TEST_CASE("a signal while data are read ends the program at once", "[signals]") {
  int signal = GENERATE(SIGINT, SIGTERM, SIGHUP);
  Folder folder;
  prepare(folder);
  Process process(folder.path("."), {"train", "m.slope", "--data", "-"});
  process.type("x,y\n0,1\n");
  process.await_reader();
  process.signal(signal);
  CHECK(process.end() == 128 + signal);
  CHECK(process.printed().empty());
  CHECK(folder.files() == 2);
}

TEST_CASE("a terminal gets a bar, erased in the end, and what is asked for", "[signals]") {
  Folder folder;
  prepare(folder);
  std::vector<std::string> words{"train", "m.slope", "--steps", endless};
  SECTION("with what the terminal can show") {
    Process process(folder.path("."), words, Process::Kind::terminal,
                    {{"TERM", "xterm"}, {"LC_ALL", "C.UTF-8"}, {"NO_COLOR", ""}});
    REQUIRE(process.await("steps/s"));
    REQUIRE(process.await("\u2500"));
    CHECK(process.printed().find("left") != std::string::npos);
    CHECK(process.printed().find("\033[2m") != std::string::npos);
    CHECK(process.printed().find('\n') == std::string::npos);  // no line but the bar
    process.type("\x03");
    CHECK(process.end() == 130);
    // The last bar goes before anything else is written.
    const std::string& printed = process.printed();
    std::size_t bar = printed.rfind("% "), erased = printed.find("\r\033[K", bar);
    REQUIRE(erased != std::string::npos);
    CHECK(printed.find('\n', bar) > erased);
    CHECK(printed.find("saved m.safetensors") != std::string::npos);
  }
  SECTION("in ASCII and without colours") {
    Process process(folder.path("."), words, Process::Kind::terminal,
                    {{"TERM", "xterm"}, {"LC_ALL", "C"}, {"NO_COLOR", "1"}});
    REQUIRE(process.await("steps/s"));
    CHECK(process.printed().find("\033[3") == std::string::npos);
    for (char c : process.printed()) CHECK(static_cast<unsigned char>(c) < 0x80);
    process.signal(SIGTERM);
    CHECK(process.end() == 143);
  }
  SECTION("no bar where the terminal cannot") {
    Process process(folder.path("."), words, Process::Kind::terminal, {{"TERM", "dumb"}});
    REQUIRE(process.await("step"));
    process.signal(SIGTERM);
    CHECK(process.end() == 143);
    CHECK(process.printed().find('\033') == std::string::npos);
    CHECK(process.printed().find("steps/s") == std::string::npos);
  }
  SECTION("lines of report beside the bar") {
    words.insert(words.end(), {"--report", "1000000"});
    Process process(folder.path("."), words, Process::Kind::terminal, {{"TERM", "xterm"}, {"LC_ALL", "C"}});
    REQUIRE(process.await("step       1000000  loss"));
    REQUIRE(process.await("steps/s"));
    process.signal(SIGHUP);
    CHECK(process.end() == 129);
  }
  SECTION("nothing where it is quiet") {
    words.push_back("--quiet");
    words.insert(words.end(), {"--log", "l"});
    Process process(folder.path("."), words, Process::Kind::terminal, {{"TERM", "xterm"}});
    while (Folder::read(folder.path("l")).empty()) ::poll(nullptr, 0, 1);
    process.signal(SIGTERM);
    CHECK(process.end() == 143);
    CHECK(process.printed().empty());
  }
}
