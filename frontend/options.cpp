// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `train` statements and their options, from the text and from the command line, which wins.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/text.h"
#include "frontend/lowering.h"
#include "frontend/train_options.h"

namespace slope {

using ast::Kind;
using Is = Value::Is;

namespace {

constexpr TrainOption options[] = {
    {"optimizer", true, "sgd, adam and others, lbfgs, newton, lm, exact, or a function of the model (sgd)",
     "NAME"},
    {"rate", true, "how far a step goes along the gradient (0.01)", "R"},
    {"steps", true, "updates (1000)", "N"},
    {"epochs", true, "passes over the data, instead of steps", "N"},
    {"report", true, "a line of progress every N steps", "N"},
    {"seed", true, "of the random numbers", "N"},
    {"batch", false, "rows"},
    {"shuffle", false, "true or false"},
    {"decay", false, "a schedule"},
    {"warmup", false, "steps"},
    {"clip_norm", false, "a number"},
    {"clip_value", false, "a number"},
    {"weight_decay", false, "a number"},
    {"l2", false, "a number"},
    {"validation", false, "a fraction or a file"},
    {"folds", false, "a number of parts"},
    {"patience", false, "epochs"},
    {"min_delta", false, "a number"},
    {"tolerance", true, "when lbfgs, newton and lm stop", "T"},
    {"ema", false, "a number"},
};

// Optimizers with a stopping test, and how many steps they make at most where the model does not say.
struct Solver {
  std::string_view name;
  std::int64_t steps;
};
constexpr Solver solvers[] = {{"lbfgs", 2000}, {"newton", 2000}, {"lm", 20000}, {"exact", 1}};
// What they take of the options.
constexpr std::string_view solver_options[] = {"optimizer", "steps", "epochs", "report", "seed", "tolerance"};

const Solver* find_solver(std::string_view name) {
  auto found = std::ranges::find(solvers, name, &Solver::name);
  return found == std::end(solvers) ? nullptr : found;
}

constexpr double most_steps = 9007199254740992;  // 2^53: counted exactly

struct DefaultRate {
  std::string_view optimizer;
  double rate;
};
constexpr DefaultRate default_rates[] = {{"adam", 1e-3}, {"adamw", 1e-3}, {"lion", 1e-4}};

double default_rate(std::string_view optimizer) {
  for (const DefaultRate& entry : default_rates)
    if (entry.optimizer == optimizer) return entry.rate;
  return 0.01;
}

}  // namespace

std::span<const TrainOption> train_options() { return options; }
bool is_train_option(std::string_view name) {
  return std::any_of(std::begin(options), std::end(options),
                     [&](const TrainOption& o) { return o.name == name; });
}
bool is_plain_name(std::string_view name) { return !is_future_function(name); }

double nearest_float(const std::string& digits) {
  float value = 0;
  auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (fault == std::errc::result_out_of_range) {
    double wide = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), wide);
    value = static_cast<float>(wide);
  }
  return value;
}

// Reads `statement`, a text made of what stands on the command line, and lets `use` evaluate its tree. An
// error is one of the command line: `shown` names the place.
bool Lowering::on_command_line(const std::string& statement, const std::string& shown,
                               const std::function<void(const ast::Ast&, ast::NodeId)>& use) {
  Diagnostics inner;
  ast::Ast tree = parse(Source("", statement), inner);
  ast::NodeId first = tree.children(tree.root()).empty() ? ast::NodeId() : tree.child(tree.root(), 0);
  bool one = tree.children(tree.root()).size() == 1 && tree.children(first).size() == 1;
  if (!inner.has_errors() && one) {
    const ast::Ast* outer_ast = std::exchange(ast_, &tree);
    Diagnostics* outer = std::exchange(diagnostics_, &inner);
    std::set<std::string> told_of_model = std::exchange(unknown_, {});
    use(tree, tree.child(first, 0));
    unknown_ = std::move(told_of_model);
    ast_ = outer_ast;
    diagnostics_ = outer;
  } else if (!inner.has_errors()) {
    inner.error(Code::usage, "one value is needed");
  }
  if (!inner.has_errors()) return true;
  Diagnostic& d = diagnostics_->error(Code::usage, fmt::format("{}: {}", shown, inner.all()[0].message));
  d.notes = inner.all()[0].notes;
  // An unknown name cannot be declared there; a near one may be meant.
  for (const std::string& help : inner.all()[0].helps)
    if (inner.all()[0].code != Code::unknown_name || help.starts_with("did you mean"))
      d.helps.push_back(help);
  return false;
}

Value Lowering::set_value(const std::string& name, const std::string& text) {
  Value result;
  on_command_line("const value = " + text, fmt::format("--set {}={}", name, text),
                  [&](const ast::Ast& tree, ast::NodeId item) {
                    result = constant_value(tree.child(item, 0), "a constant");
                    result.literal = nullptr;  // the tree ends here
                  });
  return result;
}

void Lowering::train(ast::NodeId id) {
  Training training;
  training.span = ast()[id].span;
  Options given;
  for (ast::NodeId part : ast().children(id)) option(part, given);
  add_training(training, given);
}

void Lowering::default_training() {
  Training training;
  training.span = loss_span_;
  add_training(training, {});
}

// The command line beats the file; only then do defaults fill in what is left.
void Lowering::add_training(Training training, Options given) {
  const std::set<std::string> in_file = given.seen;
  auto on_line = [&](std::string_view name) {
    return std::any_of(settings_.options.begin(), settings_.options.end(),
                       [&](const auto& o) { return o.first == name; });
  };
  if (on_line("steps") && on_line("epochs") && model.trainings.empty())
    diagnostics_->error(Code::usage, "--steps and --epochs cannot both be given")
        .helps.push_back("steps count updates, epochs passes over the data");
  for (const auto& [name, text] : settings_.options) {
    if (name == "steps") given.epochs.reset();
    if (name == "epochs") given.steps.reset();
    given.seen.erase(name);
    given.seen.erase(name == "steps" ? "epochs" : name == "epochs" ? "steps" : name);
    on_command_line(fmt::format("train {}={}", name, text), fmt::format("--{} {}", dashed(name), text),
                    [&](const ast::Ast&, ast::NodeId part) { option(part, given); });
  }
  if (given.optimizer) training.optimizer = *given.optimizer;
  training.rate = given.rate.value_or(default_rate(training.optimizer.name));
  training.report = given.report;
  training.epochs = given.epochs.has_value();
  const Solver* solver = training.optimizer.solver ? find_solver(training.optimizer.name) : nullptr;
  training.steps = given.epochs ? *given.epochs : given.steps.value_or(solver ? solver->steps : 1000);
  training.tolerance = given.tolerance;
  if (!on_line("optimizer")) check_solver_options(training, in_file);  // what it replaces had other options
  if (given.seed) model.seed = given.seed;
  model.trainings.push_back(std::move(training));
}

// What stands in the file must mean something to the optimizer; the command line speaks to all statements.
void Lowering::check_solver_options(const Training& training, const std::set<std::string>& in_file) {
  const std::string& name = training.optimizer.name;
  bool tests = training.optimizer.solver && name != "exact";
  if (in_file.contains("tolerance") && !tests)
    error(Code::bad_option_value, training.span,
          fmt::format("`{}` has no stopping test to give a tolerance to", name))
        .helps.push_back("lbfgs, newton and lm have one");
  if (!training.optimizer.solver) return;
  for (const std::string& option : in_file)
    if (std::ranges::find(solver_options, option) == std::end(solver_options))
      error(Code::bad_option_value, training.span,
            fmt::format(
                "`{}` takes no `{}`: it works on all rows at once and finds the length of its steps itself",
                name, option))
          .helps.push_back(fmt::format("leave `{}` away, or take another optimizer", option));
}

void Lowering::option(ast::NodeId id, Options& given) {
  const ast::Node& node = ast()[id];
  const TrainOption* known = nullptr;
  std::vector<std::string> names;
  for (const TrainOption& entry : options) {
    names.emplace_back(entry.name);
    if (entry.name == node.text) known = &entry;
  }
  if (!known) {
    Diagnostic& d =
        error(Code::unknown_option, node.name, fmt::format("`train` has no option `{}`", node.text));
    if (std::string near = nearest(node.text, names); !near.empty())
      d.helps.push_back(fmt::format("did you mean `{}`?", near));
    else d.helps.push_back("its options are " + listed(names));
    return;
  }
  if (!known->supported) return not_yet(node.span, fmt::format("the option `{}`", node.text));
  if (!given.seen.insert(node.text).second) {
    error(Code::defined_twice, node.name, fmt::format("the option `{}` is given twice", node.text));
    return;
  }
  if ((node.text == "steps" && given.seen.contains("epochs")) ||
      (node.text == "epochs" && given.seen.contains("steps"))) {
    error(Code::bad_option_value, node.name, "`steps` and `epochs` cannot both be given")
        .helps.push_back("steps count updates, epochs passes over the data");
    return;
  }
  option_value(node, ast().child(id, 0), given);
}

void Lowering::option_value(const ast::Node& option, ast::NodeId value, Options& given) {
  if (option.text == "optimizer") return optimizer_option(value, given);
  const ast::Node& text = ast()[value];
  if (option.text == "rate" && text.kind == Kind::name && text.text == "auto")
    return not_yet(text.span, "`rate=auto`");
  auto number = constant_number(value, fmt::format("the option `{}`", option.text));
  if (!number) return;
  if (text.kind == Kind::truth) {
    error(Code::bad_option_value, text.span,
          fmt::format("the option `{}` needs a number, this is a truth value", option.text));
    return;
  }
  auto refuse = [&](std::string wanted) {
    error(Code::bad_option_value, text.span,
          fmt::format("`{}` is {}, but must be {}", option.text, shortest(*number), wanted));
  };
  if (option.text == "rate") {
    Precision precision = model.graph.precision();
    bool usable = *number >= std::numeric_limits<double>::min() && *number < HUGE_VAL;
    if (precision == Precision::f32)
      usable = usable && *number >= static_cast<double>(std::numeric_limits<float>::min()) &&
               *number <= static_cast<double>(std::numeric_limits<float>::max());
    if (usable) given.rate = *number;
    else if (*number > 0 && *number < 1)
      refuse(fmt::format("at least {}, the smallest number of {} in full precision",
                         precision == Precision::f32 ? shortest(std::numeric_limits<float>::min())
                                                     : shortest(std::numeric_limits<double>::min()),
                         to_string(precision)));
    else refuse("a positive finite number");
    return;
  }
  if (option.text == "tolerance") {
    if (*number >= 0 && *number < 1) given.tolerance = *number;
    else refuse("at least 0 and below 1");
    return;
  }
  double least = option.text == "report" ? 1 : option.text == "seed" ? -most_steps : 0;
  if (*number != std::floor(*number) || !(*number >= least) || *number > most_steps)
    return refuse(*number > most_steps ? fmt::format("at most {}", shortest(most_steps))
                  : least < 0          ? "a whole number"
                                       : fmt::format("a whole number of at least {}", shortest(least)));
  auto whole = static_cast<std::int64_t>(*number);
  if (option.text == "steps") given.steps = whole;
  if (option.text == "epochs") given.epochs = whole;
  if (option.text == "report") given.report = whole;
  if (option.text == "seed") given.seed = whole;
}

// `optimizer=NAME` or `optimizer=NAME(hyper=number, …)`.
void Lowering::optimizer_option(ast::NodeId value, Options& given) {
  const ast::Node& node = ast()[value];
  bool call = node.kind == Kind::call;
  const ast::Node& name = call ? ast()[ast().child(value, 0)] : node;
  if (name.kind != Kind::name) {
    error(Code::bad_option_value, node.span, "`optimizer` needs the name of a function")
        .helps.push_back("for example optimizer=sgd");
    return;
  }
  Optimizer optimizer{name.text, {}};
  if (call)
    for (ast::NodeId part : ast().children(value).subspan(1)) {
      const ast::Node& argument = ast()[part];
      if (argument.kind != Kind::argument) {
        error(Code::wrong_arguments, argument.span, "hyper-parameters of an optimizer are given by name")
            .helps.push_back(fmt::format("{}(name=value)", name.text));
        return;
      }
      Value known = evaluate(ast().child(part, 0));
      if (!known.known())
        known = {}, constant_number(ast().child(part, 0), fmt::format("`{}`", argument.text));
      if (!known.ok()) return;
      optimizer.hyper.push_back({argument.text, known.number, known.is == Is::truth});
    }
  if (find_solver(name.text) && !model_scope_.names.contains(name.text)) {
    optimizer.solver = true;
    if (check_solver_hyper(optimizer, value)) given.optimizer = optimizer;
    return;
  }
  const Function* function = optimizer_function(optimizer, name.span);
  if (function && check_hyper(*function, value)) given.optimizer = optimizer;
}

// Only lbfgs has a hyper-parameter: how many steps it remembers.
bool Lowering::check_solver_hyper(const Optimizer& optimizer, ast::NodeId value) {
  for (std::size_t i = 0; i < optimizer.hyper.size(); ++i) {
    const auto& [name, number, truth] = optimizer.hyper[i];
    Span span = ast()[ast().child(value, i + 1)].span;
    if (optimizer.name != "lbfgs" || name != "history" || i > 0) {
      error(Code::wrong_arguments, span,
            i > 0 ? fmt::format("`{}` is given twice", name)
                  : fmt::format("the optimizer `{}` has no hyper-parameter `{}`", optimizer.name, name))
          .notes.push_back("of the optimizers with a stopping test lbfgs has one: `lbfgs(history=10)`");
      return false;
    }
    if (truth || number != std::floor(number) || !(number >= 1 && number <= 1000)) {
      error(Code::bad_option_value, span,
            fmt::format("`history` is {}, but must be a whole number from 1 to 1000", shortest(number)));
      return false;
    }
  }
  return true;
}

// Each hyper-parameter is an argument of the function, behind the first three, and is given once.
bool Lowering::check_hyper(const Function& function, ast::NodeId value) {
  std::vector<std::string> known;
  for (ast::NodeId part : function.ast->children(function.def))
    if ((*function.ast)[part].kind == Kind::formal) known.push_back((*function.ast)[part].text);
  known.erase(known.begin(), known.begin() + 3);
  std::set<std::string_view> seen;
  if (ast()[value].kind != Kind::call) return true;
  for (ast::NodeId part : ast().children(value).subspan(1)) {
    const ast::Node& argument = ast()[part];
    bool fits = std::find(known.begin(), known.end(), argument.text) != known.end();
    if (fits && seen.insert(argument.text).second) continue;
    Diagnostic& d = error(
        Code::wrong_arguments, argument.span,
        fits ? fmt::format("`{}` is given twice", argument.text)
             : fmt::format("the optimizer `{}` has no hyper-parameter `{}`", function.name, argument.text));
    d.notes.push_back(fmt::format("its form is `{}`", signature(function)));
    return false;
  }
  return true;
}

const Function* Lowering::optimizer_function(const Optimizer& optimizer, Span span) {
  Binding* binding = lookup(optimizer.name);
  const Function* function = binding && binding->value.is == Is::function ? binding->value.function : nullptr;
  if (!function || !function->def.valid() || function->needed != 3) {
    Diagnostic& d = error(Code::bad_option_value, span, fmt::format("`{}` is no optimizer", optimizer.name));
    std::vector<std::string> known{"sgd",   "momentum", "nesterov", "adagrad", "rmsprop", "adam",
                                   "adamw", "lion",     "lbfgs",    "newton",  "lm",      "exact"};
    if (std::string near = nearest(optimizer.name, known); !near.empty())
      d.helps.push_back(fmt::format("did you mean `{}`?", near));
    else d.helps.push_back("an optimizer is a function of a parameter, its gradient and the rate");
    return nullptr;
  }
  binding->used = true;
  return function;
}

std::string dashed(std::string_view name) {
  std::string out(name);
  std::replace(out.begin(), out.end(), '_', '-');
  return out;
}

}  // namespace slope
