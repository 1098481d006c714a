// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "driver/commands.h"

#include <fmt/format.h>

#include <algorithm>

#include "driver/output.h"
#include "frontend/train_options.h"

namespace slope {

namespace {

constexpr std::string_view future_commands[] = {"bench", "build", "explore", "fmt", "lsp"};

const std::string with_model = "train predict eval plot check explain show";
const std::string with_weights = "predict eval plot";

const Operand model_file{{"MODEL", "slope"}, "the model's file, or - for standard input", &Arguments::model};

const std::vector<std::string> stages{"ast",     "graph", "gradient", "rewrites", "formula",
                                      "kernels", "llvm",  "asm",      "prelude",  "ops"};
const std::vector<std::string> future_stages{"passes", "memory", "html"};

std::vector<Command> make_commands() {
  std::vector<Command> table{
      {"new",
       "write a first model for a data file",
       "Reads the data file and writes a model that predicts its last column of numbers from the others: a "
       "line, or a logistic regression where that column holds 0 and 1 only. The comments in it teach the "
       "language. The model's name is that of the data with .slope, in the current folder, unless it is "
       "given; - writes to standard output. A word that ends in .slope is the model, the other one the "
       "data.",
       {{{"DATA.csv", "csv"}, "the data to predict from", &Arguments::files, true},
        {{"MODEL.slope", "slope"}, "the model to write", &Arguments::files}},
       {{"slope new points.csv", "writes points.slope"},
        {"slope new points.csv line.slope", "another name"},
        {"slope new --data points.csv -", "to look at it only"}},
       run_new},
      {"train",
       "compile and train; prints the fit",
       "Compiles the model, trains it, prints the fitted parameters and saves the state beside the model "
       "(MODEL with .safetensors). Ctrl-C ends the training after the step at hand and saves; --resume goes "
       "on from there.",
       {model_file},
       {{"slope train line.slope", "fit; saves line.safetensors"},
        {"slope train line.slope --steps 1000 --rate 0.1", "other options than the model's"},
        {"slope train line.slope --resume line.safetensors", "go on from there"},
        {"slope train -e 'predict = w*x + b; loss = mse' --data points.csv", "a model in a line"}},
       run_train},
      {"predict",
       "predictions for data, as CSV",
       "Writes the column `predict`, a line for each row of the data; of a vector predict_0, predict_1 and "
       "so "
       "on; of the classes of a class column one for each label, and `class`, the label of the largest. A "
       "FILE "
       "that ends with .npy holds the numbers as an array of NumPy.",
       {model_file},
       {{"slope predict line.slope --weights line.safetensors --data new.csv", "to standard output"},
        {"slope predict line.slope --weights line.safetensors --data new.csv --keep",
         "with the columns of the input"}},
       run_predict},
      {"eval",
       "loss and metrics on other data",
       "",
       {model_file},
       {{"slope eval line.slope --weights line.safetensors --data new.csv", "how good on other data?"}},
       run_eval},
      {"plot",
       "data and fit, residuals: to the terminal or as SVG",
       "A definition or column called `truth` is drawn beside the prediction.",
       {model_file},
       {{"slope plot line.slope", "here in the terminal"}, {"slope plot line.slope -o fit.svg", "a picture"}},
       run_plot},
      {"check",
       "names, shapes and warnings, without training",
       "",
       {model_file},
       {{"slope check line.slope", "what is wrong with it?"},
        {"slope check line.slope --gradients", "and with its derivatives?"}},
       run_check},
      {"explain",
       "the model with every default written out, its derivatives; or a code of a message",
       "Given a code instead of a model, tells what that message means and how to correct what it is about.",
       {{{"MODEL|CODE", "slope"}, "the model's file, - for standard input, or a code", &Arguments::model}},
       {{"slope explain line.slope", "defaults and formulas"},
        {"slope explain line.slope --derive --row 2", "rule by rule, with the numbers of a row"},
        {"slope explain S0302", "what a message means"}},
       run_explain},
      {"show",
       "print a stage of the compiler",
       "Each line carries the line of the model that it comes from.",
       {{{"STAGE", {}, stages}, "what to print", &Arguments::stage, true, future_stages}, model_file},
       {{"slope show kernels line.slope", "the passes over the rows"},
        {"slope show llvm line.slope", "the LLVM code"},
        {"slope show prelude", "the functions that the language is born with"},
        {"slope show ops", "its operations, each with its derivatives"}},
       run_show},
      {"cache",
       "compiled code that is kept for the next run",
       "Tells where compiled code is kept and how much of it; `slope cache clean` removes it.",
       {{{"ACTION", {}, {"clean"}}, "what to do; without it, tell", &Arguments::action}},
       {{"slope cache", "where, how many, how large"}, {"slope cache clean", "remove it"}},
       run_cache},
      {"completion",
       "the completion for a shell",
       "Writes the script for commands, options and files to standard output. `cmake --install` puts it "
       "where the shells look for it.",
       {{{"SHELL", {}, {"bash", "zsh", "fish"}}, "the shell to write for", &Arguments::shell, true}},
       {{"eval \"$(slope completion bash)\"", "in ~/.bashrc"},
        {"eval \"$(slope completion zsh)\"", "in ~/.zshrc, after compinit"},
        {"slope completion fish | source", "in ~/.config/fish/config.fish"}},
       run_completion},
      {"help",
       "this text, or that of a command",
       "`slope COMMAND --help` is the same; -h is shorter.",
       {{{"COMMAND"}, "the command to tell about", &Arguments::topic}},
       {{"slope help train", "all options of training"}, {"slope help --man | man -l -", "the manual"}},
       run_help},
      {"version",
       "versions and the CPU",
       "",
       {},
       {{"slope version", "what to name in a report"}},
       run_version},
  };
  for (Command& command : table)
    if (command.name == "help")
      for (const Command& each : table) command.operands[0].takes.choices.push_back(each.name);
  return table;
}

std::vector<Option> training_options() {
  std::vector<Option> table;
  for (const TrainOption& option : train_options()) {
    std::string name(option.name), spelling = dashed(option.name);
    Takes value{option.value.empty() ? "VALUE" : std::string(option.value)};
    if (name == "optimizer") value = {value.name, {}, {"sgd"}, true};
    if (name == "decay") value = {value.name, {}, decay_names(), true};
    if (name == "shuffle") value = {value.name, {}, {"true", "false"}, true};
    table.push_back({"train explain",
                     {"--" + spelling},
                     value,
                     std::string(option.about),
                     OfTraining{name},
                     false,
                     spelling == name ? "" : "--" + name});
  }
  return table;
}

// The order is that of the help.
std::vector<Option> make_options() {
  const Takes any{"FILE", ""}, state{"FILE", "safetensors"}, svg{"FILE.svg", "svg"}, number{"N"}, none{};
  std::vector<Option> table = training_options();
  std::vector<Option> rows{
      {"train", {"--save"}, state, "where to save the state (MODEL with .safetensors)", &Arguments::save},
      {"train", {"--no-save"}, none, "save no state", &Arguments::no_save},
      {"train", {"--save-every"}, number, "save every N steps too", &Arguments::save_every},
      {"train", {"--resume"}, state, "finish the run in a state", &Arguments::resume},
      {"train",
       {"--init"},
       state,
       "take starting values from a state or any safetensors file, by name",
       &Arguments::init},
      {"train", {"--log"}, {"FILE", "jsonl"}, "a line of JSON for each line of progress", &Arguments::log},
      {"train", {"--plot"}, svg, "draw the fit, the loss by step, the residuals", &Arguments::plot},
      {"train", {"--full"}, none, "arrays in full in the JSON", &Arguments::full},
      {"train", {"--html"}, any, "a page about the run", {}, true},
      {with_weights,
       {"--weights"},
       state,
       "the state that training saved (MODEL with .safetensors)",
       &Arguments::weights},
      {"predict", {"--keep"}, none, "put the columns of the input before", &Arguments::keep},
      {"predict",
       {"--keep-missing"},
       none,
       "keep rows with a missing cell: their predictions are missing too",
       &Arguments::keep_missing},
      {"predict",
       {"-o", "--output"},
       {"FILE", "csv"},
       "where to write (standard output)",
       &Arguments::output},
      {"plot",
       {"-o", "--output"},
       svg,
       "where to draw, - for standard output (the terminal)",
       &Arguments::output},
      {"check",
       {"--gradients"},
       none,
       "check every derivative too, at the start and around it, by the order of the Taylor remainder: 2 "
       "where right; exit 1 where one is wrong",
       &Arguments::gradients},
      {"explain", {"--latex"}, none, "the formulas as LaTeX", &Arguments::latex},
      {"explain",
       {"--derive"},
       none,
       "the derivatives rule by rule, with the numbers of a row",
       &Arguments::derive},
      {"explain", {"--list"}, none, "the codes of all messages", &Arguments::list},
      {"explain", {"--row"}, number, "the row of --derive, from 1", &Arguments::row},
      {"explain show", {"-o", "--output"}, any, "where to write (standard output)", &Arguments::output},
      {"show", {"--dot"}, none, "as a graph for Graphviz", {}, true},
      {"show", {"--svg"}, none, "as a picture", {}, true},
      {"show", {"--html"}, none, "as a page", {}, true},
      {"new", {"--data"}, {"FILE", "csv"}, "the data, as an option", &Arguments::data},
      {"new", {"--force"}, none, "write over a model that is there", &Arguments::force},
      {"help", {"--man"}, none, "the manual page, for man or mandoc", &Arguments::man},
      {with_model, {"-e"}, {"TEXT"}, "the model's text itself, instead of a file", &Arguments::text},
      {with_model,
       {"--data"},
       {"[NAME=]FILE", "csv"},
       "the data of every statement, or of that which has NAME; - is standard input",
       &Arguments::data},
      {with_model, {"--set"}, {"NAME=VALUE"}, "replace a constant of the model", &Arguments::sets},
      {with_model,
       {"--precision"},
       {"f32|f64", {}, {"f32", "f64"}},
       "the numbers to compute with (the model's)",
       &Arguments::precision},
      {with_model,
       {"--cpu"},
       {"LEVEL", {}, {"native", "x86-64-v3", "x86-64-v4"}, true},
       "compile for native, x86-64-v3, x86-64-v4 or a name that LLVM knows (native); the result is the same",
       &Arguments::cpu},
      {with_model,
       {"--threads"},
       number,
       "threads (this version uses one); the result is the same",
       &Arguments::threads},
      {with_model,
       {"--color"},
       {"WHEN", {}, {"auto", "always", "never"}},
       "color messages: auto, always or never",
       &Arguments::color},
      {with_model + " cache version",
       {"--json"},
       none,
       "one JSON object on standard output",
       &Arguments::json},
      {with_model, {"--quiet"}, none, "only warnings and errors", &Arguments::quiet},
      {with_model, {"--verbose"}, none, "also the columns and functions used", &Arguments::verbose},
      {with_model, {"--time"}, none, "where the time went", &Arguments::time},
      {with_model,
       {"--no-cache"},
       none,
       "compile anew, and keep nothing for the next run",
       &Arguments::no_cache},
  };
  table.insert(table.end(), rows.begin(), rows.end());
  return table;
}

const Example examples[] = {
    {"slope new points.csv", "a first model of your data: points.slope"},
    {"slope train line.slope", "fit; saves line.safetensors"},
    {"slope train -e 'predict = w*x + b; loss = mse' --data points.csv", "a model in a line"},
    {"slope plot line.slope", "data and fit in the terminal"},
    {"slope predict line.slope --weights line.safetensors --data new.csv", "predictions, as CSV"},
    {"slope show llvm line.slope", "the code it became"},
};

const ExitCode codes[] = {
    {"0", "done"},
    {"1", "an error in the model"},
    {"2", "a wrong command line"},
    {"3", "an error in the data"},
    {"4", "training diverged"},
    {"5", "a file that cannot be opened, read or written"},
    {"6", "a limit (memory, size, depth) would be exceeded"},
    {"7", "a state that cannot be used"},
    {"70", "a fault of Slope's: please report it"},
    {"129, 130, 143, 152", "stopped by SIGHUP, SIGINT, SIGTERM, SIGXCPU; the state is saved"},
};

// Whether the words of `list` have this one.
bool has_word(std::string_view list, std::string_view word) {
  return fmt::format(" {} ", list).find(fmt::format(" {} ", word)) != std::string::npos;
}

}  // namespace

bool Option::of(std::string_view command) const { return has_word(commands, command); }

std::span<const Command> commands() {
  static const std::vector<Command> table = make_commands();
  return table;
}

std::span<const Option> all_options() {
  static const std::vector<Option> table = make_options();
  return table;
}

std::vector<const Option*> options_of(std::string_view command) {
  std::vector<const Option*> out;
  for (const Option& option : all_options())
    if (option.of(command)) out.push_back(&option);
  return out;
}

const Command* find_command(std::string_view name) {
  for (const Command& command : commands())
    if (command.name == name) return &command;
  return nullptr;
}

std::vector<std::string> command_names() {
  std::vector<std::string> names;
  for (const Command& command : commands()) names.push_back(command.name);
  return names;
}

bool is_future_command(std::string_view name) {
  return std::find(std::begin(future_commands), std::end(future_commands), name) != std::end(future_commands);
}

namespace {
// Whether its value is the model.
bool names_model(const Operand& operand) {
  auto text = std::get_if<std::string Arguments::*>(&operand.target);
  return text && *text == &Arguments::model;
}
}  // namespace

bool takes_model(const Command& command) {
  return std::any_of(command.operands.begin(), command.operands.end(), names_model);
}

bool is_common(const Option& option, const Command& command) {
  return takes_model(command) && option.commands.starts_with(with_model);
}

std::string usage(const Command& command) {
  std::string out = fmt::format("slope {}", command.name);
  if (!options_of(command.name).empty()) out += " [OPTION]...";
  for (const Operand& operand : command.operands) {
    bool needed = operand.required || names_model(operand);  // the model, or -e
    out += needed ? " " + operand.takes.name : fmt::format(" [{}]", operand.takes.name);
  }
  return out;
}

std::span<const Example> first_examples() { return examples; }
std::span<const ExitCode> exit_codes() { return codes; }

}  // namespace slope
