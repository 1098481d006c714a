// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The table of the command line: every command and every option, what it takes and what it does. The parser
// (arguments.cpp), the help (help.cpp), the manual page (manual.cpp) and the completions of the shells
// (completion.cpp) are made from it; a new command or option is a row in commands.cpp.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "driver/arguments.h"

namespace slope {

// What an option or operand takes.
struct Takes {
  std::string name;                       // as the help shows it: FILE.svg; "" for an option without a value
  std::optional<std::string> files = {};  // it names a file that ends so: "csv"; "" for any
  std::vector<std::string> choices = {};
  bool open = false;  // the choices are only some of the values
};

// An option of every `train` statement too: its text is kept for the model.
struct OfTraining {
  std::string name;
  friend bool operator==(const OfTraining&, const OfTraining&) = default;
};

// Where the value goes.
using Target =
    std::variant<std::monostate, OfTraining, bool Arguments::*, int Arguments::*, std::int64_t Arguments::*,
                 std::optional<std::int64_t> Arguments::*, std::string Arguments::*,
                 std::optional<std::string> Arguments::*, std::vector<std::string> Arguments::*,
                 std::vector<std::pair<std::string, std::string>> Arguments::*>;

struct Option {
  std::string commands;            // that have it: "train explain"
  std::vector<std::string> names;  // "-o", "--output"; the last one is long
  Takes takes;
  std::string about;
  Target target;           // a vector: may be given several times, each value counts
  bool later = false;      // part of the language or the interface that is not there yet
  std::string alias = {};  // another spelling, which is not shown

  bool of(std::string_view command) const;
};

struct Operand {
  Takes takes;
  std::string about;
  Target target;
  bool required = false;
  std::vector<std::string> later = {};  // choices to come
};

struct Example {
  std::string line, about;
};

struct Command {
  std::string name;
  std::string about;   // in a line
  std::string detail;  // in sentences; paragraphs are separated by an empty line
  std::vector<Operand> operands;
  std::vector<Example> examples;
  int (*run)(const Arguments&);
};

std::span<const Command> commands();
std::span<const Option> all_options();
std::vector<const Option*> options_of(std::string_view command);
const Command* find_command(std::string_view name);
std::vector<std::string> command_names();
bool is_future_command(std::string_view name);
bool takes_model(const Command& command);
// Whether the option goes with this command as with every one that takes a model.
bool is_common(const Option& option, const Command& command);
// "slope train [OPTION]... [MODEL]"
std::string usage(const Command& command);

// The program in a sentence, examples of its use, and what its exit codes mean.
inline constexpr std::string_view summary =
    "Slope compiles a small model language to native code and fits the model to data.";
std::span<const Example> first_examples();
struct ExitCode {
  std::string codes, about;
};
std::span<const ExitCode> exit_codes();

}  // namespace slope
