// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <csignal>
#include <exception>
#include <new>

#include <nlohmann/json.hpp>

#include "base/arithmetic.h"
#include "base/ending.h"
#include "base/os.h"
#include "driver/commands.h"
#include "driver/output.h"
#include "driver/progress.h"

namespace {

// What must not stay behind when the program ends at once.
void tidy() {
  slope::os::remove_pending();
  slope::erase_bar();
}

// In training the first signal lets the step finish, save and print; the second, and any before there is
// something to save, ends at once.
extern "C" void on_signal(int signal) {
  if (!slope::stop_signal && slope::stop_waits) {
    slope::stop_signal = signal;
    return;
  }
  tidy();
  std::_Exit(128 + signal);
}

// No exception where memory runs out, as LLVM cannot be unwound. Before the constructors of the libraries,
// which ask for memory.
[[gnu::constructor(101)]] void handle_shortage() { std::set_new_handler(slope::out_of_memory); }

void handle_signals() {
  // A closed pipe and a file at its largest size are errors of the write, not the end of the process.
  for (int signal : {SIGPIPE, SIGXFSZ}) std::signal(signal, SIG_IGN);
  for (int signal : {SIGINT, SIGTERM, SIGHUP, SIGXCPU})
    if (std::signal(signal, on_signal) == SIG_IGN) std::signal(signal, SIG_IGN);  // nohup: stays ignored
}

int run(int count, char** words) {
  slope::Diagnostics diagnostics;
  slope::Parsed parsed = slope::parse_arguments(count, words, diagnostics);
  slope::end_with_json(parsed.json || (parsed.arguments && parsed.arguments->json));
  slope::Activity running("carrying out the command");
  if (parsed.arguments) return slope::find_command(parsed.arguments->command)->run(*parsed.arguments);
  if (diagnostics.has_errors() && parsed.json)
    slope::print(slope::dump(slope::failure("", diagnostics, {})), diagnostics);
  else slope::print_error(slope::render_all(diagnostics, {}));
  return diagnostics.exit_code();
}

}  // namespace

namespace {

struct Words {
  int count;
  char** words;
};

int guarded(void* argument) {
  slope::StandardArithmetic standard;  // a library loaded with the program may have set another
  const Words& w = *static_cast<Words*>(argument);
  slope::handle_broken_program();
  try {
    return run(w.count, w.words);
  } catch (const std::bad_alloc&) {
    slope::out_of_memory();
  } catch (const std::exception& e) {
    slope::internal_error(e.what());
  }
}

}  // namespace

int main(int count, char** words) {
  handle_signals();
  slope::call_before_ending(tidy);
  Words w{count, words};
  return slope::os::with_large_stack(guarded, &w);
}
