// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How the program ends where it cannot go on: memory has run out, or a signal says that it is broken. Nothing
// here allocates, so it works where nothing else does.
#pragma once
#include <cstdint>
#include <span>

namespace slope {

// What the program does for as long as this lives, as "out of memory while …" goes on: "reading the model".
// After an exception it stays what it was when that was thrown.
class Activity {
 public:
  explicit Activity(const char* what);
  ~Activity();
  Activity(const Activity&) = delete;
  Activity& operator=(const Activity&) = delete;

 private:
  const char* before_;
};

// The step of the training that goes on, for the message of a broken program.
extern volatile std::int64_t step_under_way;
inline constexpr std::int64_t no_step = -1;

// Takes away what must not stay behind; called by the two below. For signal handlers too.
void call_before_ending(void (*tidy)());
// What would be lost if the program ended by a fault now, until it is called anew: these numbers, which stay
// where they are. Then they are written to standard error, name by name.
struct NamedNumbers {
  const char* name = nullptr;
  std::span<const double> values;
};
void would_be_lost(std::span<const NamedNumbers> numbers);
// Takes away what must not stay behind, and writes what would be lost: before any end that is not planned.
void before_broken_end();

// Whether the message of the end is a JSON object on standard output.
void end_with_json(bool json);

// Says what it was for, exit code 6.
[[noreturn]] void out_of_memory();

// SIGSEGV and its like, stack overflow included, in this thread: say what was going on, exit code 70. Nothing
// is saved, as nothing can be trusted.
void handle_broken_program();

}  // namespace slope
