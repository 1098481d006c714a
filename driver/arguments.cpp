// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "driver/arguments.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/text.h"
#include "driver/commands.h"
#include "driver/words.h"
#include "frontend/ast.h"

namespace slope {

namespace {

void take_setting(Arguments& a, std::vector<std::pair<std::string, std::string>> Arguments::* list,
                  const std::string& item) {
  std::size_t equals = item.find('=');
  if (equals == std::string::npos || equals == 0)
    throw CLI::ValidationError("--set", fmt::format("`{}` is not NAME=VALUE", item));
  (a.*list).emplace_back(item.substr(0, equals), item.substr(equals + 1));
}

// A whole number of an option, written as the language writes numbers.
template <class T>
T whole_number(const std::string& option, const std::string& text) {
  bool negative = text.starts_with('-');
  std::optional<double> size = read_number(std::string_view(text).substr(negative ? 1 : 0));
  if (!size) throw CLI::ValidationError(fmt::format("{} takes a number, not `{}`", option, text));
  constexpr double most = std::min(0x1p53, static_cast<double>(std::numeric_limits<T>::max()));
  if (*size != std::floor(*size) || *size > most)
    throw CLI::ValidationError(
        fmt::format("{} takes a whole number of at most {:.0f}, not `{}`", option, most, text));
  return static_cast<T>(negative ? -*size : *size);
}

std::string spelling(const Option& option) {
  std::string out = fmt::format("{}", fmt::join(option.names, ","));
  return option.alias.empty() ? out : out + "," + option.alias;
}

// One row of the table for CLI11: how it is spelled and where its value goes.
struct AddOption {
  CLI::App& app;
  Arguments& a;
  const Option& option;

  CLI::Option* operator()(std::monostate) const { return app.add_option(spelling(option))->expected(0, 1); }
  CLI::Option* operator()(const OfTraining& of) const {
    return app.add_option_function<std::string>(
        spelling(option),
        [&args = a, name = of.name](const std::string& value) { args.options.emplace_back(name, value); });
  }
  CLI::Option* operator()(bool Arguments::* target) const {
    return app.add_flag(spelling(option), a.*target);
  }
  CLI::Option* operator()(int Arguments::* target) const { return number<int>(target); }
  CLI::Option* operator()(std::int64_t Arguments::* target) const { return number<std::int64_t>(target); }
  CLI::Option* operator()(std::optional<std::int64_t> Arguments::* target) const {
    return number<std::int64_t>(target);
  }
  template <class T>
  CLI::Option* number(auto Arguments::* target) const {
    return app.add_option_function<std::string>(
        spelling(option), [&args = a, target, name = option.names.back()](const std::string& text) {
          args.*target = whole_number<T>(name, text);
        });
  }
  template <class T>
  CLI::Option* operator()(T Arguments::* target) const {
    return app.add_option(spelling(option), a.*target);
  }
  template <class T>
  CLI::Option* operator()(std::vector<T> Arguments::* target) const {
    return app
        .add_option_function<std::vector<std::string>>(
            spelling(option),
            [&args = a, target](const std::vector<std::string>& given) {
              for (const std::string& item : given)
                if constexpr (std::is_same_v<T, std::string>) (args.*target).push_back(item);
                else take_setting(args, target, item);
            })
        ->expected(1)
        ->allow_extra_args(false)  // else the model behind it would be one more value
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  }
};

// The operand has a name of CLI11's own, which no message shows.
struct AddOperand {
  CLI::App& app;
  Arguments& a;
  std::string name;

  void operator()(std::string Arguments::* target) const { app.add_option(name, a.*target); }
  void operator()(std::vector<std::string> Arguments::* target) const {
    app.add_option_function<std::string>(
        name, [&args = a, target](const std::string& word) { (args.*target).push_back(word); });
  }
  template <class T>
  void operator()(const T&) const {
    internal_error("an operand that is no text");
  }
};

// CLI11's view of the table, and the values that it fills in.
struct CommandLine {
  CLI::App app{std::string(summary), "slope"};
  Arguments a;

  CommandLine() {
    app.require_subcommand(1);
    app.set_help_flag();
    add_help(app, "");
    app.add_flag_callback("--version", [this] {
      a.command = "version";
      throw CLI::Success();
    });
    for (const Command& command : commands()) add(command);
  }

  void add(const Command& command) {
    CLI::App& sub = *app.add_subcommand(command.name);
    add_help(sub, command.name);
    for (const Option* option : options_of(command.name))
      std::visit(AddOption{sub, a, *option}, option->target)->type_name(option->takes.name);
    for (std::size_t i = 0; i < command.operands.size(); ++i)
      std::visit(AddOperand{sub, a, fmt::format("operand{}", i)}, command.operands[i].target);
  }

  // Before all others, so that help is given whatever else is wrong.
  void add_help(CLI::App& sub, const std::string& topic) {
    for (const char* name : {"-h", "--help"})
      sub.add_flag_callback(name, [this, topic, brief = std::string_view(name) == "-h"] {
        a.command = "help";
        a.topic = topic;
        a.brief = brief;
        throw CLI::Success();
      });
  }
};

// Options that are named in the help and not there yet.
void check_later(const CLI::App& sub, Diagnostics& diagnostics) {
  for (const Option* option : options_of(sub.get_name()))
    if (std::holds_alternative<std::monostate>(option->target) &&
        sub.get_option(option->names.back())->count() > 0)
      diagnostics.error(Code::usage,
                        fmt::format("{} is not there yet in this version", option->names.back()));
}

// Every spelling that the command (or "": the program itself) knows.
std::vector<std::string> option_names(std::string_view command) {
  std::vector<std::string> names;
  for (const Option* option : options_of(command)) {
    names.insert(names.end(), option->names.begin(), option->names.end());
    if (!option->alias.empty()) names.push_back(option->alias);
  }
  if (command.empty()) names.push_back("--version");
  names.insert(names.end(), {"-h", "--help"});
  return names;
}

// "did you mean `x`?", or what there is.
std::string advice(const std::string& word, const std::vector<std::string>& known, std::string_view all,
                   std::string_view before = "") {
  std::string near = nearest(word, known);
  return near.empty() ? fmt::format("the {} are {}", all, listed(known))
                      : fmt::format("did you mean `{}{}`?", before, near);
}

void unknown_command(const std::string& word, Diagnostics& diagnostics) {
  if (is_future_command(word)) {
    diagnostics.error(Code::usage, fmt::format("`slope {}` is not there yet in this version", word))
        .helps.push_back("the commands are " + listed(command_names()));
    return;
  }
  diagnostics.error(Code::usage, fmt::format("`{}` is no command", word))
      .helps.push_back(advice(word, command_names(), "commands", "slope "));
}

// What CLI11 says, in words that tell what to do.
std::string own_words(const std::string& what) {
  auto between = [&](std::string_view before, std::string_view after) -> std::optional<std::string> {
    std::size_t begin = what.find(before);
    if (begin == std::string::npos || !what.ends_with(after)) return {};
    return what.substr(begin + before.size(), what.size() - begin - before.size() - after.size());
  };
  std::string option = what.substr(0, what.find(':'));
  if (auto type = between(": 1 required ", " missing"))
    return fmt::format("{} needs a value: {} {}", option, option, *type);
  if (auto times = between(": At Most 1 required but received ", ""))
    return fmt::format("{} is given {} times", option, *times);
  if (auto word = between("The following argument was not expected: ", ""))
    return fmt::format("one argument too many: `{}`", *word);
  if (auto words = between("The following arguments were not expected: ", "")) {
    if (words->ends_with(" --")) words->resize(words->size() - 3);  // is none
    return words->find(' ') == std::string::npos ? fmt::format("one argument too many: `{}`", *words)
                                                 : fmt::format("too many arguments: {}", *words);
  }
  if (auto pair = between("Could not convert: ", "")) {
    std::size_t equals = pair->find(" = ");
    if (equals != std::string::npos)
      return fmt::format("{} takes a number, not `{}`", pair->substr(0, equals), pair->substr(equals + 3));
  }
  return what;
}

// The first word that looks like an option of this command and is none.
std::string unknown_option(const std::string& command, int count, char** words) {
  std::vector<std::string> names = option_names(command);
  for (int i = command.empty() ? 1 : 2; i < count; ++i) {
    std::string word = words[i];
    if (word == "--") break;
    bool dashes = word.starts_with("--");
    // A minus and a digit is a number; -oFILE is -o with its value.
    if (word.size() < 2 || word[0] != '-' || (word[1] >= '0' && word[1] <= '9')) continue;
    word = dashes ? word.substr(0, word.find('=')) : word.substr(0, 2);
    if (std::find(names.begin(), names.end(), word) == names.end()) return dashes ? word : words[i];
  }
  return "";
}

// What may have been meant. Of a single letter: the options that begin with it; every other letter is as
// near.
std::vector<std::string> near_options(const std::string& word, const std::vector<std::string>& names) {
  std::vector<std::string> near;
  if (word.size() == 2)
    for (const std::string& name : names)
      if (name.starts_with("-" + word)) near.push_back("`" + name + "`");
  if (word.size() > 2)
    if (std::string name = nearest(word, names); !name.empty()) near.push_back("`" + name + "`");
  return near.size() > 4 ? std::vector<std::string>() : near;
}

// What is wrong with the command line, with the nearest right word.
void explain(const CLI::ParseError& e, int count, char** words, Diagnostics& diagnostics) {
  std::string first = count > 1 ? words[1] : "";
  bool known = find_command(first) != nullptr;
  if (!known && !first.empty() && !first.starts_with("-")) return unknown_command(first, diagnostics);
  std::string command = known ? first : "", program = known ? "slope " + first : "slope";
  if (std::string word = unknown_option(command, count, words); !word.empty()) {
    std::vector<std::string> near = near_options(word, option_names(command));
    diagnostics.error(Code::usage, fmt::format("`{}` has no option `{}`", program, word))
        .helps.push_back(near.empty() ? fmt::format("`{} --help` lists them", program)
                                      : fmt::format("did you mean {}?", listed(near, "or")));
    return;
  }
  std::string what = e.what();
  if (std::size_t colon = what.find(": "); colon != std::string::npos)  // CLI11 may name the option twice
    if (std::string twice = what.substr(0, colon + 2); what.substr(colon + 2).starts_with(twice))
      what.erase(0, colon + 2);
  what = own_words(what);
  if (command.empty()) what = "a command is needed";
  if (std::size_t at = what.find(": At Most 1 required"); at != std::string::npos)
    what = what.substr(0, at) + " is given twice";
  diagnostics.error(Code::usage, what)
      .helps.push_back(command.empty() ? "the commands are " + listed(command_names())
                                       : fmt::format("`{} --help` tells more", program));
}

void check_picture(const Arguments& a, Diagnostics& diagnostics) {
  const std::string& path = a.command == "plot" ? a.output : a.plot;
  if (a.command == "plot" && a.json && (path.empty() || path == "-"))
    diagnostics.error(Code::usage, "with --json the picture needs a file of its own: -o FILE.svg");
  if (!path.empty() && !path.ends_with(".svg") && !(a.command == "plot" && path == "-") &&
      (a.command == "plot" || a.command == "train"))
    diagnostics.error(Code::usage,
                      fmt::format("pictures are written as SVG: name `{}` with .svg", escaped(path)));
}

std::string lower_case(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

// Words of which there are only some.
void check_choices(const Arguments& a, const Command& command, Diagnostics& diagnostics) {
  auto is_in = [](const std::string& value, const std::vector<std::string>& list) {
    return std::find(list.begin(), list.end(), value) != list.end();
  };
  for (const Option* option : options_of(command.name)) {
    auto target = std::get_if<std::string Arguments::*>(&option->target);
    const Takes& value = option->takes;
    if (!target || value.choices.empty() || value.open || (a.**target).empty() ||
        is_in(a.**target, value.choices))
      continue;
    diagnostics.error(Code::usage, fmt::format("{} takes {}, not `{}`", option->names.back(),
                                               listed(value.choices, "or"), a.**target));
  }
  for (const Operand& operand : command.operands) {
    auto target = std::get_if<std::string Arguments::*>(&operand.target);
    const std::vector<std::string>& choices = operand.takes.choices;
    if (!target || choices.empty() || is_in(a.**target, choices)) continue;
    const std::string& word = a.**target;
    std::string what = lower_case(operand.takes.name), all = what + "s";
    if (word.empty()) {
      if (operand.required)
        diagnostics.error(Code::usage, fmt::format("`slope {}` needs a {}", command.name, what))
            .helps.push_back(fmt::format("the {} are {}", all, listed(choices)));
    } else if (what == "command") {
      unknown_command(word, diagnostics);
    } else if (is_in(word, operand.later)) {
      diagnostics.error(Code::usage, fmt::format("the {} `{}` is not there yet in this version", what, word))
          .helps.push_back(fmt::format("the {} are {}", all, listed(choices)));
    } else {
      diagnostics.error(Code::usage, fmt::format("`{}` is no {}", word, what))
          .helps.push_back(advice(word, choices, all));
    }
  }
}

void check_values(Arguments& a, Diagnostics& diagnostics) {
  const Command& command = *find_command(a.command);
  check_choices(a, command, diagnostics);
  if (a.threads < 1)
    diagnostics.error(Code::usage, fmt::format("--threads takes a number of at least 1, not {}", a.threads));
  if (a.save_every && *a.save_every < 1)
    diagnostics.error(Code::usage,
                      fmt::format("--save-every takes a number of at least 1, not {}", *a.save_every));
  if (!a.init.empty() && !a.resume.empty())
    diagnostics.error(Code::usage, "--init starts a new run, --resume goes on with one: give one of them");
  if (a.save_every && (a.no_save || ((a.text || a.model == "-") && a.save.empty())))
    diagnostics.error(Code::usage, "--save-every needs a file to write to: give --save FILE");
  if (a.latex && a.derive)
    diagnostics.error(Code::usage, "--latex and --derive cannot both be given")
        .helps.push_back("--derive is text; --latex writes the formulas");
  bool wants_model = takes_model(command) && !a.list && !(a.command == "show" && needs_no_model(a.stage));
  if (wants_model && a.model.empty() && !a.text)
    diagnostics.error(Code::usage, "a model is needed: a file, - for standard input, or -e 'TEXT'");
  if (a.list && (!a.model.empty() || a.text))
    diagnostics.error(Code::usage, "--list lists the codes of all messages and takes no model")
        .helps.push_back("`slope explain CODE` tells about one of them");
  if (!a.model.empty() && a.text)
    diagnostics.error(Code::usage, fmt::format("there are two models: `{}` and the text after -e", a.model));
  check_picture(a, diagnostics);
  if (a.model == "-" && std::find(a.data.begin(), a.data.end(), "-") != a.data.end())
    diagnostics.error(Code::usage, "the model and the data cannot both be standard input");
}

}  // namespace

bool needs_no_model(std::string_view stage) { return stage == "prelude" || stage == "ops"; }

Parsed parse_arguments(int count, char** words, Diagnostics& diagnostics) {
  bool json = std::find(words, words + count, std::string_view("--json")) != words + count;
  CommandLine line;
  if (!check_words(line.app, count, words, diagnostics)) return {{}, json};
  try {
    line.app.parse(count, words);
  } catch (const CLI::Success&) {
    return {line.a, json};
  } catch (const CLI::ParseError& e) {
    explain(e, count, words, diagnostics);
    return {{}, json};
  }
  const CLI::App& sub = *line.app.get_subcommands()[0];
  line.a.command = sub.get_name();
  check_later(sub, diagnostics);
  check_values(line.a, diagnostics);
  if (diagnostics.has_errors()) return {{}, json};
  return {line.a, json};
}

}  // namespace slope
