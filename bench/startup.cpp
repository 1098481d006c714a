// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The lesson as a whole process, with and without cached code, beside a process that does nothing; and where
// its time goes.
//   startup SLOPE MODEL
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
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

// Where the entries and the states of this benchmark go.
class Scratch {
 public:
  Scratch() {
    std::string name = (std::filesystem::temp_directory_path() / "slope-bench-XXXXXX").string();
    if (!mkdtemp(name.data())) fail("no folder for temporary files");
    path_ = name;
    setenv("XDG_CACHE_HOME", path_.c_str(), 1);
  }
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string path(const char* name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

bool has_torch() { return std::system("python3 -c 'import torch' >/dev/null 2>&1") == 0; }

void stages(const std::string& title, std::vector<std::string> command) {
  command.push_back("--json");
  std::map<std::string, std::vector<double>> parts;
  for (int i = 0; i < 30; ++i) {
    std::string text;
    process(command, &text);
    nlohmann::json json = nlohmann::json::parse(text);
    for (const auto& [name, seconds] : json.at("time").items())
      if (seconds.is_number() && name != "per_step") parts[name].push_back(seconds.get<double>());
  }
  std::string out;
  for (const char* name : {"frontend", "differentiate", "codegen", "load", "train", "total"})
    out += fmt::format("{}{} {:.2f}", out.empty() ? "" : ", ", name, median(parts.at(name)) * 1e3);
  row(title, out + " ms", "", "", "");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) fail("startup SLOPE MODEL");
  Scratch scratch;
  std::string slope = argv[1], model = argv[2], state = scratch.path("line.safetensors");
  const std::vector<std::string> cold{slope, "train", model, "--no-save", "--no-cache"},
      cached{slope, "train", model, "--no-save"}, saved{slope, "train", model, "--save", state};
  auto times = take_turns(40, {[&] { return process({"/bin/true"}); }, [&] { return process(cold); },
                               [&] { return process(cached); }, [&] { return process(saved); },
                               [&] { return process({slope, "--version"}); }});
  auto against_true = [&](const char* what, double seconds, const std::string& target) {
    row(what, fmt::format("{:.1f} ms", seconds * 1e3), fmt::format("{:.1f} ms", times[0] * 1e3),
        fmt::format("{:.1f}", seconds / times[0]), target);
  };
  against_true("lesson, whole process, cold (peer: /bin/true)", times[1], verdict(times[1] * 1e3, "<=", 15));
  against_true("the same with cached code", times[2], verdict(times[2] * 1e3, "<=", 5));
  against_true("the same with the state saved (two fsync)", times[3], "");
  against_true("of it: start of the program (`--version`)", times[4], "");
  stages("stages, cold", cold);
  stages("stages, cached", cached);
  if (!has_torch()) return 0;
  double torch =
      take_turns(5, {[&] { return process({"/usr/bin/env", "python3", "-c", "import torch"}); }})[0];
  row("lesson, cold (peer: `python3 -c \"import torch\"`)", fmt::format("{:.1f} ms", times[1] * 1e3),
      fmt::format("{:.0f} ms", torch * 1e3), fmt::format("{:.4f}", times[1] / torch), "");
}
