// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Runs the program under test with a fault (shim.cpp) and tells what became of it.
#pragma once
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <csignal>
#include <sstream>
#include <string>
#include <vector>

#include "tests/unit/folder.h"

namespace slope::test {

struct Call {
  std::string name, path;
  bool failed = false;
};

struct Outcome {
  int exit = 0;  // or minus the signal that killed it
  std::string out, err;
  std::vector<Call> calls;

  const Call* fault() const {
    auto found = std::find_if(calls.begin(), calls.end(), [](const Call& call) { return call.failed; });
    return found == calls.end() ? nullptr : &*found;
  }
};

inline std::vector<Call> read_trace(const std::string& text) {
  std::vector<Call> calls;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    bool failed = line.starts_with("!");
    std::size_t space = line.find(' ');
    calls.push_back({line.substr(failed, space - failed), line.substr(space + 1), failed});
  }
  return calls;
}

// `slope` with these words in this folder; what the shim gets is in its own words. Without a cache of
// compiled code unless one is named, by a full path: it would add calls, or save some.
inline Outcome run(const Folder& folder, std::vector<std::string> words, const std::string& calls = "",
                   const std::string& fault = "", const std::string& cache = "/dev/null") {
  static Folder side;  // not where the program may see it
  for (const char* name : {"out", "err", "trace"}) std::filesystem::remove(side.path(name));
  pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    auto redirect = [](const std::string& path, int to) {
      ::dup2(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), to);
    };
    ::dup2(::open("/dev/null", O_RDONLY | O_CLOEXEC), 0);
    redirect(side.path("out"), 1);
    redirect(side.path("err"), 2);
    for (int signal : {SIGINT, SIGTERM, SIGHUP}) std::signal(signal, SIG_DFL);
    ::setenv("LC_ALL", "C", 1);
    ::setenv("XDG_CACHE_HOME", cache.c_str(), 1);
    if (!calls.empty()) {
      ::setenv("LD_PRELOAD", SLOPE_SHIM, 1);
      ::setenv("SLOPE_FAULT_CALLS", calls.c_str(), 1);
      ::setenv("SLOPE_FAULT_TRACE", side.path("trace").c_str(), 1);
      if (!fault.empty()) ::setenv("SLOPE_FAULT", fault.c_str(), 1);
    }
    words.insert(words.begin(), SLOPE_BINARY);
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    if (::chdir(folder.path(".").c_str()) == 0) ::execv(arguments[0], arguments.data());
    std::_Exit(99);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status), Folder::read(side.path("out")),
          Folder::read(side.path("err")), read_trace(Folder::read(side.path("trace")))};
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// A line to be fitted, and its data.
inline void write_model(const Folder& folder) {
  folder.write("m.slope",
               "data x, y from \"p.csv\"\n"
               "param w = 0, b = 0\n"
               "predict = w*x + b\n"
               "loss = mse(predict, y)\n"
               "train steps=20 rate=0.02\n");
  folder.write("p.csv", "x,y\n0,1\n1,3\n2,5\n");
}

// Files that a write was to replace another with, still there.
inline int temporary_files(const Folder& folder) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path(".")))
    count += entry.path().filename().string().starts_with(".slope-");
  return count;
}

}  // namespace slope::test
