// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "base/ending.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <iterator>
#include <utility>

#include "base/codes.h"

namespace slope {

volatile std::int64_t step_under_way = no_step;

namespace {

std::atomic<const char*> activity{"starting"};
void (*tidy_up)() = nullptr;
bool as_json = false;

// A text on the stack; what does not fit is cut.
class Text {
 public:
  Text& operator<<(const char* text) {
    std::size_t length = std::min(std::strlen(text), sizeof bytes_ - size_);
    std::memcpy(bytes_ + size_, text, length);
    size_ += length;
    return *this;
  }
  Text& operator<<(long number) {
    char digits[24] = "", *at = digits + sizeof digits - 1;
    do *--at = static_cast<char>('0' + number % 10);
    while (number /= 10);
    return *this << at;
  }
  bool has_room(std::size_t bytes) const { return sizeof bytes_ - size_ >= bytes; }
  void write(int descriptor) const { (void)!::write(descriptor, bytes_, size_); }

 private:
  char bytes_[512];
  std::size_t size_ = 0;
};

std::span<const NamedNumbers> unsaved;

// As shell and eye read them: "W = 1 2.5 -3", row by row.
void write_numbers(const NamedNumbers& numbers) {
  Text text;
  text << numbers.name << " =";
  for (double value : numbers.values) {
    char digits[40] = " ";
    *std::to_chars(digits + 1, std::end(digits) - 1, value).ptr = '\0';
    if (!text.has_room(sizeof digits)) {
      text.write(2);
      text = {};
    }
    text << digits;
  }
  if (!text.has_room(1)) {
    text.write(2);
    text = {};
  }
  text << "\n";
  text.write(2);
}

[[noreturn]] void on_broken_program(int signal) {
  before_broken_end();
  Text text;
  text << "slope: internal error: SIG" << sigabbrev_np(signal) << " while " << activity.load();
  if (step_under_way != no_step) text << ", step " << long{step_under_way};
  text << "\nThis is a fault of slope, not of your model. Please report it with the model that shows it.\n";
  text.write(2);
  std::_Exit(exit_code::internal);
}

}  // namespace

Activity::Activity(const char* what) : before_(activity.exchange(what)) {}
Activity::~Activity() {
  if (std::uncaught_exceptions() == 0) activity = before_;
}

void would_be_lost(std::span<const NamedNumbers> numbers) { unsaved = numbers; }

void before_broken_end() {
  if (tidy_up) tidy_up();
  // Once: what ends the program may be found while this is written.
  std::span<const NamedNumbers> numbers = std::exchange(unsaved, {});
  if (numbers.empty()) return;
  (Text() << "the parameters, which are saved nowhere:\n").write(2);
  for (const NamedNumbers& each : numbers) write_numbers(each);
}

void call_before_ending(void (*tidy_first)()) { tidy_up = tidy_first; }
void end_with_json(bool json) { as_json = json; }

void out_of_memory() {
  before_broken_end();
  Text text;
  if (as_json)
    text << "{\n  \"slope\": 1,\n  \"status\": \"error\",\n  \"exit\": " << long{exit_code::limit}
         << ",\n  \"diagnostics\": [{\"severity\": \"error\", \"code\": \"S0703\", \"message\": \"out of "
            "memory while "
         << activity.load() << "\"}]\n}\n";
  else text << "slope: error[S0703]: out of memory while " << activity.load() << "\n";
  text.write(as_json ? 1 : 2);
  std::_Exit(exit_code::limit);
}

void handle_broken_program() {
  alignas(16) static char stack[64 << 10];  // a stack that has overflowed cannot run the handler
  stack_t other{};
  other.ss_sp = stack;
  other.ss_size = sizeof stack;
  ::sigaltstack(&other, nullptr);
  struct sigaction action{};
  action.sa_handler = on_broken_program;
  action.sa_flags = SA_ONSTACK | SA_RESETHAND;
  for (int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) ::sigaction(signal, &action, nullptr);
}

}  // namespace slope
