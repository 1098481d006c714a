// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What only a terminal is shown.
#include <catch2/catch.hpp>

#include "tests/unit/folder.h"
#include "tests/unit/process.h"

using namespace slope;
using test::Process;

TEST_CASE("on a terminal an error says where to read more", "[terminal]") {
  Folder folder;
  folder.write("m.slope", "param w = 1\nloss = q^2 + r\n");
  Process on_terminal(folder.path(""), {"check", "m.slope"}, Process::Kind::terminal, {{"NO_COLOR", "1"}});
  CHECK(on_terminal.end() == 1);
  CHECK(on_terminal.printed().find("`slope explain S0201` tells more") != std::string::npos);
  Process quiet(folder.path(""), {"check", "m.slope", "--quiet"}, Process::Kind::terminal);
  CHECK(quiet.end() == 1);
  CHECK(quiet.printed().find("explain") == std::string::npos);
  Process piped(folder.path(""), {"check", "m.slope"});
  CHECK(piped.end() == 1);
  CHECK(piped.printed().find("explain") == std::string::npos);
}

TEST_CASE("colours on terminals that have them", "[terminal]") {
  Folder folder;
  folder.write("m.slope", "param w = 1\nloss = q^2\n");
  auto colored = [&](std::vector<std::string> words,
                     std::vector<std::pair<std::string, std::string>> environment) {
    Process run(folder.path(""), std::move(words), Process::Kind::terminal, environment);
    run.end();
    return run.printed().find('\x1b') != std::string::npos;
  };
  CHECK(colored({"check", "m.slope"}, {{"TERM", "xterm"}, {"NO_COLOR", ""}}));
  CHECK_FALSE(colored({"check", "m.slope"}, {{"TERM", "dumb"}, {"NO_COLOR", ""}}));
  CHECK_FALSE(colored({"check", "m.slope"}, {{"TERM", "xterm"}, {"NO_COLOR", "1"}}));
  CHECK_FALSE(colored({"check", "m.slope", "--color=never"}, {{"TERM", "xterm"}, {"NO_COLOR", ""}}));
  CHECK(colored({"check", "m.slope", "--color=always"}, {{"TERM", "dumb"}, {"NO_COLOR", "1"}}));
}
