// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Completion for bash, zsh and fish: three ways to write down the same table. The scripts know everything and
// never run the program.
#include <fmt/format.h>

#include <algorithm>

#include "driver/help.h"

namespace slope {

namespace {

using Options = std::vector<const Option*>;

Options offered(std::string_view command) {
  Options out = options_of(command);
  std::erase_if(out, [](const Option* option) { return option->later; });
  return out;
}

std::string joined(const std::vector<std::string>& words, std::string_view between = " ") {
  return fmt::format("{}", fmt::join(words, between));
}

// In single quotes, for any of the shells; fish ends such a text only by a backslash before the quote.
std::string quoted(std::string_view text, bool fish = false) {
  std::string out = "'";
  for (char c : text) out += c == '\'' ? (fish ? "\\'" : "'\\''") : std::string(fish && c == '\\', '\\') + c;
  return out + "'";
}

bool has_value(const Option& option) { return !option.takes.name.empty(); }

// --- bash ---

// The patterns of a `case` over "COMMAND OPTION" that mean this row: without the command where the option is
// the same in all that have it.
std::string bash_patterns(const Option& option) {
  std::vector<std::string> patterns;
  for (const std::string& name : option.names) {
    auto same = [&](const Option& o) {
      return std::find(o.names.begin(), o.names.end(), name) != o.names.end();
    };
    auto rows = std::count_if(all_options().begin(), all_options().end(),
                              [&](const Option& o) { return same(o) && !o.later; });
    if (rows == 1) {
      patterns.push_back(fmt::format("*' {}'", name));
      continue;
    }
    for (const Command& command : commands())
      if (option.of(command.name)) patterns.push_back(fmt::format("'{} {}'", command.name, name));
  }
  return joined(patterns, " | ");
}

// What a value is completed with; "" for a value that only the user knows.
std::string bash_values(const Takes& value) {
  if (!value.choices.empty()) return fmt::format("words={}", quoted(joined(value.choices)));
  if (!value.files) return "";
  return fmt::format("files='*{}{}'", value.files->empty() ? "" : ".", *value.files);
}

std::string bash_option_values() {
  std::string out;
  for (const Option& option : all_options())
    if (std::string values = bash_values(option.takes); !values.empty() && !option.later)
      out += fmt::format("      {}) {} ;;\n", bash_patterns(option), values);
  return out;
}

std::string bash_operands() {
  std::string out;
  for (const Command& command : commands())
    for (std::size_t i = 0; i < command.operands.size(); ++i)
      if (std::string values = bash_values(command.operands[i].takes); !values.empty())
        out += fmt::format("      '{} {}') {} ;;\n", command.name, i, values);
  return out;
}

std::string bash_options() {
  std::string out;
  for (const Command& command : commands()) {
    std::string words;
    for (const Option* option : offered(command.name)) words += option->names.back() + " ";
    out += fmt::format("      {}) words='{}--help' ;;\n", command.name, words);
  }
  return out;
}

std::string bash_valued() {
  std::vector<std::string> names;
  for (const Option& option : all_options())
    if (has_value(option))
      for (const std::string& name : option.names)
        if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  return joined(names, " | ");
}

// --- zsh ---

// Inside a specification of _arguments or _describe.
std::string zsh_text(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string zsh_value(const Takes& value) {
  std::string action = !value.choices.empty() ? fmt::format("({})", joined(value.choices))
                       : !value.files         ? std::string(" ")
                       : value.files->empty() ? std::string("_files")
                                              : fmt::format("_files -g \"*.{}\"", *value.files);
  return fmt::format(":{}:{}", zsh_text(value.name), action);
}

bool repeats(const Option& option) {
  return std::holds_alternative<std::vector<std::string> Arguments::*>(option.target) ||
         std::holds_alternative<std::vector<std::pair<std::string, std::string>> Arguments::*>(option.target);
}

std::string zsh_option(const Option& option) {
  std::string out;
  for (const std::string& name : option.names) {
    std::string others = repeats(option) ? "*" : fmt::format("({})", joined(option.names));
    std::string equals = has_value(option) && name.starts_with("--") ? "=" : "";
    std::string value = has_value(option) ? zsh_value(option.takes) : "";
    out += " \\\n        " +
           quoted(fmt::format("{}{}{}[{}]{}", others, name, equals, zsh_text(option.about), value));
  }
  return out;
}

std::string zsh_command(const Command& command) {
  std::string out = fmt::format("      {})\n        _arguments -S", command.name);
  for (const Option* option : offered(command.name)) out += zsh_option(*option);
  out += " \\\n        '(- *)'{-h,--help}'[help]'";
  for (std::size_t i = 0; i < command.operands.size(); ++i)
    out += " \\\n        " + quoted(fmt::format("{}{}", i + 1, zsh_value(command.operands[i].takes)));
  return out + " && ret=0 ;;\n";
}

// --- fish ---

std::string fish_value(const Takes& value) {
  if (!value.choices.empty()) return " -x -a " + quoted(joined(value.choices), true);
  if (!value.files) return " -x";
  if (value.files->empty()) return " -r -F";
  return fmt::format(" -r -k -a '(__fish_complete_suffix .{})'", *value.files);
}

std::string fish_option(const Option& option) {
  std::string out = fmt::format("complete -c slope -n '__fish_seen_subcommand_from {}'", option.commands);
  for (const std::string& name : option.names)
    out += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  if (has_value(option)) out += fish_value(option.takes);
  return out + " -d " + quoted(option.about, true) + "\n";
}

// An operand with choices is offered until one of them is there; the files come behind it.
std::string fish_operands(const Command& command) {
  std::string out, seen = "__fish_seen_subcommand_from " + command.name, condition = seen;
  for (const Operand& operand : command.operands) {
    std::vector<std::string> choices = operand.takes.choices;
    std::erase(choices, command.name);
    std::string chosen = "__fish_seen_subcommand_from " + joined(choices);
    std::string when = choices.empty() ? condition : condition + "; and not " + chosen;
    out += fmt::format("complete -c slope -n '{}'{}\n", when, fish_value(operand.takes));
    if (!choices.empty()) condition += "; and " + chosen;
  }
  return out;
}

}  // namespace

std::string bash_completion() {
  return "# bash completion for slope, made by `slope completion bash`.\n"
         R"bash(_slope() {
  local cur=${COMP_WORDS[COMP_CWORD]} command= option= wanted= only= operands=0 words= files= word i
  COMPREPLY=()
  # A `=` is a word of its own here: behind it stands a value of the option before, as in --data=FILE
  # and --data NAME=FILE.
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    if [[ $only ]]; then ((operands += 1))
    elif [[ $word == = ]]; then wanted=$option
    elif [[ $wanted ]]; then wanted=
    elif [[ $word == -- ]]; then only=1
    elif [[ $word == -* ]]; then
      option=
      case $word in
        )bash" +
         bash_valued() +
         R"bash() option=$word wanted=$word ;;
      esac
    elif [[ ! $command ]]; then command=$word
    else ((operands += 1))
    fi
  done
  if [[ $cur == = ]]; then wanted=$option cur=; fi

  if [[ $wanted ]]; then
    case "$command $wanted" in
)bash" + bash_option_values() +
         R"bash(    esac
  elif [[ $cur == -* && ! $only ]]; then
    case $command in
      '') words='--help --version' ;;
)bash" + bash_options() +
         fmt::format("    esac\n  elif [[ ! $command ]]; then words='{}'\n", joined(command_names())) +
         R"bash(  else
    case "$command $operands" in
)bash" + bash_operands() +
         R"bash(    esac
  fi

  if [[ $words ]]; then
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
  elif [[ $files ]]; then
    compopt -o filenames 2>/dev/null
    while IFS= read -r word; do COMPREPLY+=("$word"); done < <(
      compgen -f -X "!$files" -- "$cur"
      [[ $files == '*' ]] || compgen -d -- "$cur"
    )
  fi
}
complete -F _slope slope
)bash";
}

std::string zsh_completion() {
  std::string out =
      "#compdef slope\n# zsh completion for slope, made by `slope completion zsh`.\n"
      R"zsh(_slope() {
  local curcontext="$curcontext" state line ret=1
  local -a commands
  typeset -A opt_args
  _arguments -C '(- *)'{-h,--help}'[help]' '(- *)--version[versions and the CPU]' \
    '1: :->command' '*:: :->words' && ret=0
  case $state in
  command)
    commands=(
)zsh";
  for (const Command& command : commands())
    out += "      " + quoted(command.name + ":" + zsh_text(command.about)) + "\n";
  out += R"zsh(    )
    _describe -t commands command commands && ret=0 ;;
  words)
    curcontext="${curcontext%:*:*}:slope-$words[1]:"
    case $words[1] in
)zsh";
  for (const Command& command : commands()) out += zsh_command(command);
  return out + R"zsh(    esac ;;
  esac
  return ret
}
# Found in $fpath it is called; read by eval it registers itself.
if [[ $funcstack[1] == _slope ]]; then _slope "$@"; else compdef _slope slope; fi
)zsh";
}

std::string fish_completion() {
  std::string out =
      "# fish completion for slope, made by `slope completion fish`.\n"
      "complete -c slope -f\n"
      "complete -c slope -s h -l help -d 'help'\n"
      "complete -c slope -n __fish_use_subcommand -l version -d 'versions and the CPU'\n";
  for (const Command& command : commands())
    out += fmt::format("complete -c slope -n __fish_use_subcommand -a {} -d {}\n", command.name,
                       quoted(command.about, true));
  for (const Option& option : all_options())
    if (!option.later) out += fish_option(option);
  for (const Command& command : commands()) out += fish_operands(command);
  return out;
}

}  // namespace slope
