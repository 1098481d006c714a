// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The lesson as a whole process, nothing cached, beside a process that does nothing; and where its time goes.
//   startup SLOPE MODEL
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "bench/measure.h"

using namespace slope;
using namespace slope::bench;

namespace {

double process(std::vector<std::string> words, std::string* output = nullptr) {
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  int ends[2];
  if (pipe(ends) != 0) fail("no pipe");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addclose(&actions, ends[0]);
  int status = 0;
  std::string text;
  double seconds = timed([&] {
    pid_t child;
    if (posix_spawn(&child, arguments[0], &actions, nullptr, arguments.data(), environ) != 0)
      fail("cannot start " + words[0]);
    close(ends[1]);
    char buffer[4096];
    for (ssize_t got; (got = read(ends[0], buffer, sizeof buffer)) > 0;)
      text.append(buffer, static_cast<std::size_t>(got));
    waitpid(child, &status, 0);
  });
  close(ends[0]);
  posix_spawn_file_actions_destroy(&actions);
  if (status != 0) fail(words[0] + " failed");
  if (output) *output = text;
  return seconds;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) fail("startup SLOPE MODEL");
  std::string slope = argv[1], model = argv[2];
  auto times =
      take_turns(30, {[&] { return process({slope, "train", model, "--no-save"}); },
                      [&] { return process({"/bin/true"}); }, [&] { return process({slope, "--version"}); }});
  row("lesson, whole process, cold (peer: /bin/true)", fmt::format("{:.1f} ms", times[0] * 1e3),
      fmt::format("{:.1f} ms", times[1] * 1e3), "", verdict(times[0] * 1e3, "<=", 15));
  row("of it: start of the program (`--version`)", fmt::format("{:.1f} ms", times[2] * 1e3), "", "", "");
  std::map<std::string, std::vector<double>> parts;
  for (int i = 0; i < 30; ++i) {
    std::string text;
    process({slope, "train", model, "--no-save", "--json"}, &text);
    nlohmann::json json = nlohmann::json::parse(text);
    for (const auto& [name, seconds] : json.at("time").items())
      if (seconds.is_number() && name != "per_step") parts[name].push_back(seconds.get<double>());
  }
  for (const char* name : {"frontend", "differentiate", "load", "codegen", "train", "total"})
    row(fmt::format("of it: {}", name), fmt::format("{:.2f} ms", median(parts.at(name)) * 1e3), "", "", "");
}
