// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The program under test as a child process, with signals as a shell would give them. Nothing here waits for
// a time: what is waited for is a text, an end, or a pipe that is full.
#pragma once
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <csignal>
#include <string>
#include <utility>
#include <vector>

namespace slope::test {

class Process {
 public:
  enum class Kind { pipes, terminal };
  // In this folder, with these words after the program's name, these settings of the environment, and perhaps
  // a signal that it is to ignore.
  Process(const std::string& folder, std::vector<std::string> words, Kind kind = Kind::pipes,
          const std::vector<std::pair<std::string, std::string>>& environment = {}, int ignored = 0) {
    int in[2] = {-1, -1}, err[2] = {-1, -1}, terminal = -1;
    if (kind == Kind::pipes) REQUIRE((::pipe2(in, O_CLOEXEC) == 0 && ::pipe2(err, O_CLOEXEC) == 0));
    if (kind == Kind::pipes) REQUIRE(::fcntl(err[0], F_SETPIPE_SZ, 4096) > 0);
    winsize size{30, 100, 0, 0};
    child_ = kind == Kind::pipes ? ::fork() : ::forkpty(&terminal, nullptr, nullptr, &size);
    REQUIRE(child_ >= 0);
    if (child_ == 0) {
      if (kind == Kind::pipes) {
        ::dup2(in[0], 0);
        ::dup2(err[1], 1);
        ::dup2(err[1], 2);
      }
      // Those who run the tests in the background ignore some signals.
      for (int signal : {SIGINT, SIGTERM, SIGHUP}) std::signal(signal, SIG_DFL);
      if (ignored) std::signal(ignored, SIG_IGN);
      ::setenv("XDG_CACHE_HOME", "/dev/null", 1);  // no compile cache, and not the one of the user
      for (const auto& [name, value] : environment) ::setenv(name.c_str(), value.c_str(), 1);
      words.insert(words.begin(), SLOPE_BINARY);
      std::vector<char*> arguments;
      for (std::string& word : words) arguments.push_back(word.data());
      arguments.push_back(nullptr);
      if (::chdir(folder.c_str()) == 0) ::execv(arguments[0], arguments.data());
      std::_Exit(99);
    }
    if (kind == Kind::pipes) {
      ::close(in[0]);
      ::close(err[1]);
    }
    in_ = kind == Kind::pipes ? in[1] : ::dup(terminal);
    out_ = kind == Kind::pipes ? err[0] : terminal;
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process() {
    if (child_ > 0) {
      ::kill(child_, SIGKILL);
      ::waitpid(child_, nullptr, 0);
    }
    ::close(in_);
    ::close(out_);
  }

  void signal(int number) { REQUIRE(::kill(child_, number) == 0); }
  void type(const std::string& text) {
    REQUIRE(::write(in_, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  // Until everything that was written to its standard input has been read.
  void await_reader() {
    for (int unread = 1; unread > 0;) {
      REQUIRE(::ioctl(in_, FIONREAD, &unread) == 0);
      if (unread > 0) ::poll(nullptr, 0, 1);
    }
  }
  // Reads what it prints until there is `text`; false when it ends before.
  bool await(const std::string& text) {
    while (printed_.find(text) == std::string::npos)
      if (!read()) return false;
    return true;
  }
  // Until its output has no room for a line of so many bytes: then it waits for a reader.
  void await_full_pipe(int line) {
    int capacity = ::fcntl(out_, F_GETPIPE_SZ), unread = 0;
    for (;;) {
      REQUIRE(::ioctl(out_, FIONREAD, &unread) == 0);
      if (unread > capacity - line) return;
      ::poll(nullptr, 0, 1);
    }
  }
  bool runs() { return ::waitpid(child_, nullptr, WNOHANG) == 0; }
  // Whether it ends though nobody reads what it prints. It gets a minute, for busy machines.
  bool ends_unread() {
    siginfo_t info{};
    for (int i = 0; i < 60'000 && info.si_pid == 0; ++i) {
      REQUIRE(::waitid(P_PID, static_cast<id_t>(child_), &info, WEXITED | WNOWAIT | WNOHANG) == 0);
      if (info.si_pid == 0) ::poll(nullptr, 0, 1);
    }
    return info.si_pid != 0;
  }
  // Its exit code, or minus the signal that killed it; all that it prints is read before.
  int end() {
    while (read()) {
    }
    int status = 0;
    REQUIRE(::waitpid(std::exchange(child_, -1), &status, 0) > 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  const std::string& printed() const { return printed_; }

 private:
  bool read() {
    char buffer[4096];
    ssize_t got;
    do got = ::read(out_, buffer, sizeof buffer);
    while (got < 0 && errno == EINTR);
    if (got <= 0) return false;  // a terminal whose last process has ended gives EIO
    printed_.append(buffer, static_cast<std::size_t>(got));
    return true;
  }

  pid_t child_ = -1;
  int in_ = -1, out_ = -1;
  std::string printed_;
};

}  // namespace slope::test
