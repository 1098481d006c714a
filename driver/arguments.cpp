// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "driver/arguments.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>

#include "base/text.h"
#include "frontend/train_options.h"

namespace slope {

namespace {

constexpr std::string_view future_commands[] = {"bench", "build", "explore", "fmt",
                                                "lsp",   "new",   "cache",   "completion"};
constexpr std::string_view stages[] = {"ast",     "graph", "gradient", "rewrites", "formula",
                                       "kernels", "llvm",  "asm",      "prelude",  "ops"};
constexpr std::string_view future_stages[] = {"passes", "memory", "html"};

constexpr const char* later_group = "Not yet";

void add_model(CLI::App& app, Arguments& a) {
  app.add_option("model", a.model, "the model's file, or - for standard input");
  app.add_option("-e", a.text, "the model's text itself")->type_name("TEXT");
}

void add_common(CLI::App& app, Arguments& a) {
  app.add_option("--data", a.data,
                 "data file, for every statement or as NAME=FILE for one; - is standard input")
      ->type_name("[NAME=]FILE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_option("--precision", a.precision, "f32 or f64")->type_name("f32|f64");
  app.add_option("--cpu", a.cpu, "native, x86-64-v3, x86-64-v4")->type_name("LEVEL");
  app.add_option("--threads", a.threads, "threads (this version uses one); the result does not depend on it")
      ->type_name("N");
  app.add_option("--color", a.color, "auto, always or never")->type_name("WHEN");
  app.add_flag("--json", a.json, "one JSON object on standard output");
  app.add_flag("--quiet", a.quiet, "only warnings and errors");
  app.add_flag("--verbose", a.verbose, "also the columns and functions that training works with");
  app.add_flag("--time", a.time, "where the time went");
  app.add_flag("--no-cache", a.no_cache, "compile anew (there is no cache yet)");
  app.add_option_function<std::vector<std::string>>(
         "--set",
         [&a](const std::vector<std::string>& given) {
           for (const std::string& item : given) {
             std::size_t equals = item.find('=');
             if (equals == std::string::npos || equals == 0)
               throw CLI::ValidationError("--set", fmt::format("`{}` is not NAME=VALUE", item));
             a.sets.emplace_back(item.substr(0, equals), item.substr(equals + 1));
           }
         },
         "replace a constant of the model")
      ->type_name("NAME=VALUE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

void add_train_options(CLI::App& app, Arguments& a) {
  for (const TrainOption& option : train_options()) {
    std::string name(option.name), dashes = dashed(option.name);
    std::string spelling = "--" + dashes + (dashes == name ? "" : ",--" + name);
    std::string about = fmt::format("{}{}", option.takes, option.supported ? "" : " (not yet)");
    app.add_option_function<std::string>(
           spelling, [&a, name](const std::string& value) { a.options.emplace_back(name, value); }, about)
        ->type_name("VALUE");
  }
}

// One subcommand a command; what each takes is written once, here.
struct CommandLine {
  CLI::App app{"Slope compiles a small model language to native code and fits the model to data.", "slope"};
  Arguments a;

  CommandLine() {
    app.footer(
        "Examples:\n  slope train line.slope\n  slope train -e 'predict = w*x + b; loss = mse' --data "
        "points.csv\n"
        "  slope predict line.slope --weights line.safetensors --data new.csv\n  slope show llvm line.slope");
    app.require_subcommand(1);
    app.set_help_flag("-h,--help", "this text");
    CLI::App& train = command("train", "compile and train; prints the fit");
    add_train_options(train, a);
    train.add_option("--save", a.save, "where to write the state (the model's name with .safetensors)")
        ->type_name("FILE");
    train.add_flag("--no-save", a.no_save, "write no state");
    train.add_option("--init", a.init, "take starting values from a state, by name")->type_name("FILE");
    train.add_option("--save-every", a.save_every, "write the state every N steps too")->type_name("N");
    train.add_option("--resume", a.resume, "finish the run in a state")->type_name("FILE");
    train.add_option("--log", a.log, "a line of JSON for each line of progress")->type_name("FILE");
    train.add_option("--plot", a.plot, "a picture of the fit, of the loss curve and of the residuals")
        ->type_name("FILE.svg");
    train.add_flag("--full", a.full, "arrays in full in the JSON");
    future_option(train, "--html");
    CLI::App& predict = command("predict", "predictions for data, as CSV");
    predict.add_option("--weights", a.weights, "the state that training saved")->type_name("FILE");
    predict.add_option("-o,--output", a.output, "where to write (standard output)")->type_name("FILE");
    predict.add_flag("--keep", a.keep, "with the columns of the input before");
    CLI::App& eval = command("eval", "loss and metrics on other data");
    eval.add_option("--weights", a.weights, "the state that training saved")->type_name("FILE");
    CLI::App& plot = command("plot", "data and fit, residuals: to the terminal or as SVG");
    plot.add_option("--weights", a.weights,
                    "the state that training saved (the model's name with .safetensors)")
        ->type_name("FILE");
    plot.add_option("-o,--output", a.output, "the SVG file to write, - for standard output (the terminal)")
        ->type_name("FILE.svg");
    CLI::App& check = command("check", "names, shapes and warnings, without training");
    check.add_flag(
        "--gradients", a.gradients,
        "also every derivative, at the start and around it, by the order of the Taylor remainder: 2 where "
        "right (exit 1 where one is wrong)");
    CLI::App& explain = command("explain", "the model with every default written out, and its derivatives");
    add_train_options(explain, a);
    explain.add_flag("--latex", a.latex, "the formulas as LaTeX");
    explain.add_flag("--derive", a.derive, "the derivatives rule by rule, with the numbers of a row");
    explain.add_option("--row", a.row, "the row of --derive, from 1")->type_name("N");
    explain.add_option("-o,--output", a.output, "where to write (standard output)")->type_name("FILE");
    CLI::App& show =
        *app.add_subcommand("show", fmt::format("print a stage of the compiler: {}", fmt::join(stages, " ")));
    show.add_option("stage", a.stage, fmt::format("{}", fmt::join(stages, ", ")))->required();
    add_model(show, a);
    add_common(show, a);
    show.add_option("-o,--output", a.output, "where to write (standard output)")->type_name("FILE");
    for (const char* later : {"--dot", "--svg", "--html"}) future_option(show, later);
    app.add_subcommand("version", "versions and the CPU")
        ->add_flag("--json", a.json, "one JSON object on standard output");
    app.add_flag_callback(
        "--version",
        [this] {
          a.command = "version";
          throw CLI::Success();
        },
        "versions and the CPU");
  }

  CLI::App& command(const char* name, const std::string& about) {
    CLI::App& sub = *app.add_subcommand(name, about);
    add_model(sub, a);
    add_common(sub, a);
    return sub;
  }

  static void future_option(CLI::App& sub, const char* name) {
    sub.add_option(name, "not yet")->expected(0, 1)->group(later_group);
  }
};

// Options that are named in the help and not there yet.
void check_later(const CLI::App& sub, Diagnostics& diagnostics) {
  for (const CLI::Option* option : sub.get_options())
    if (option->get_group() == later_group && option->count() > 0)
      diagnostics.error(Code::usage, fmt::format("{} is not there yet in this version", option->get_name()));
}

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  return names;
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
  if (auto words = between("The following arguments were not expected: ", ""))
    return fmt::format("too many arguments: {}", *words);
  if (auto pair = between("Could not convert: ", "")) {
    std::size_t equals = pair->find(" = ");
    if (equals != std::string::npos)
      return fmt::format("{} takes a number, not `{}`", pair->substr(0, equals), pair->substr(equals + 3));
  }
  return what;
}

// What is wrong with the command line, with the nearest right word.
void explain(const CLI::ParseError& e, const CommandLine& line, int count, char** words,
             Diagnostics& diagnostics) {
  std::string first = count > 1 ? words[1] : "";
  std::vector<std::string> commands;
  for (const CLI::App* sub : line.app.get_subcommands([](const CLI::App*) { return true; }))
    commands.push_back(sub->get_name());
  bool known = std::find(commands.begin(), commands.end(), first) != commands.end();
  if (!known && !first.empty() && !first.starts_with("-")) {
    bool later =
        std::find(std::begin(future_commands), std::end(future_commands), first) != std::end(future_commands);
    Diagnostic& d = diagnostics.error(
        Code::usage, later ? fmt::format("`slope {}` is not there yet in this version", first)
                           : fmt::format("`{}` is no command", first));
    std::string near = nearest(first, commands);
    d.helps.push_back(!near.empty() && !later ? fmt::format("did you mean `slope {}`?", near)
                                              : "the commands are " + listed(commands));
    return;
  }
  const CLI::App* app = known ? line.app.get_subcommand(first) : &line.app;
  for (int i = known ? 2 : 1; i < count; ++i) {
    std::string word = words[i];
    word = word.substr(0, word.find('='));
    std::vector<std::string> names = option_names(*app);
    if (!word.starts_with("--") || word == "--" || std::find(names.begin(), names.end(), word) != names.end())
      continue;
    Diagnostic& d = diagnostics.error(
        Code::usage, fmt::format("`{}` has no option `{}`", known ? "slope " + first : "slope", word));
    if (std::string near = nearest(word, names); !near.empty())
      d.helps.push_back(fmt::format("did you mean `{}`?", near));
    else d.helps.push_back(fmt::format("`slope {} --help` lists them", first));
    return;
  }
  std::string what = e.what();
  if (std::size_t colon = what.find(": "); colon != std::string::npos)  // CLI11 may name the option twice
    if (std::string twice = what.substr(0, colon + 2); what.substr(colon + 2).starts_with(twice))
      what.erase(0, colon + 2);
  what = own_words(what);
  if (first.empty()) what = "a command is needed";
  if (std::size_t at = what.find(": At Most 1 required"); at != std::string::npos)
    what = what.substr(0, at) + " is given twice";
  diagnostics.error(Code::usage, what)
      .helps.push_back(first.empty() ? "the commands are " + listed(commands)
                                     : fmt::format("`slope {} --help` tells more", first));
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

void check_values(Arguments& a, Diagnostics& diagnostics) {
  auto one_of = [&](const std::string& option, const std::string& value, std::vector<std::string> allowed) {
    if (value.empty() || std::find(allowed.begin(), allowed.end(), value) != allowed.end()) return;
    diagnostics.error(Code::usage,
                      fmt::format("{} takes {}, not `{}`", option, listed(allowed, "or"), value));
  };
  one_of("--precision", a.precision, {"f32", "f64"});
  one_of("--color", a.color, {"auto", "always", "never"});
  if (a.threads < 1)
    diagnostics.error(Code::usage, fmt::format("--threads takes a number of at least 1, not {}", a.threads));
  if (a.save_every && *a.save_every < 1)
    diagnostics.error(Code::usage,
                      fmt::format("--save-every takes a number of at least 1, not {}", *a.save_every));
  if (!a.init.empty() && !a.resume.empty())
    diagnostics.error(Code::usage, "--init starts a new run, --resume goes on with one: give one of them");
  if (a.save_every && (a.no_save || ((a.text || a.model == "-") && a.save.empty())))
    diagnostics.error(Code::usage, "--save-every needs a file to write to: give --save FILE");
  if (a.command == "show") {
    std::vector<std::string> known(std::begin(stages), std::end(stages));
    if (std::find(std::begin(future_stages), std::end(future_stages), a.stage) != std::end(future_stages))
      diagnostics.error(Code::usage, fmt::format("the stage `{}` is not there yet in this version", a.stage))
          .helps.push_back("the stages are " + listed(known));
    else if (std::find(known.begin(), known.end(), a.stage) == known.end()) {
      Diagnostic& d = diagnostics.error(Code::usage, fmt::format("`{}` is no stage", a.stage));
      std::string near = nearest(a.stage, known);
      d.helps.push_back(near.empty() ? "the stages are " + listed(known)
                                     : fmt::format("did you mean `{}`?", near));
    }
  }
  if (a.latex && a.derive)
    diagnostics.error(Code::usage, "--latex and --derive cannot both be given")
        .helps.push_back("--derive is text; --latex writes the formulas");
  bool wants_model = a.command != "version" && !(a.command == "show" && needs_no_model(a.stage));
  if (wants_model && a.model.empty() && !a.text)
    diagnostics.error(Code::usage, "a model is needed: a file, - for standard input, or -e 'TEXT'");
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
  try {
    line.app.parse(count, words);
  } catch (const CLI::CallForHelp& help) {
    line.app.exit(help);
    return {{}, exit_code::done, json};
  } catch (const CLI::Success&) {
    return {line.a, exit_code::done, json};
  } catch (const CLI::ParseError& e) {
    explain(e, line, count, words, diagnostics);
    return {{}, exit_code::usage, json};
  }
  line.a.command = line.app.get_subcommands()[0]->get_name();
  check_later(*line.app.get_subcommands()[0], diagnostics);
  check_values(line.a, diagnostics);
  if (diagnostics.has_errors()) return {{}, exit_code::usage, json};
  return {line.a, exit_code::done, json};
}

}  // namespace slope
