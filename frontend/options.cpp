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
    {"optimizer", "sgd, adam and others, lbfgs, newton, lm, exact, or a function of the model (sgd)", "NAME"},
    {"rate", "how far a step goes along the gradient; auto: 1/λmax of the loss (0.01)", "R|auto"},
    {"steps", "updates (1000)", "N"},
    {"epochs", "passes over the data, instead of steps", "N"},
    {"report", "a line of progress every N steps", "N"},
    {"seed", "of the random numbers", "N"},
    {"batch", "rows of a step, in an order drawn anew for each pass (all rows)", "N"},
    {"shuffle", "false: batches in the order of the file (true)", "BOOL"},
    {"decay", "the schedule of the rate, by name or a function of step and steps (constant)", "NAME"},
    {"warmup", "steps in which the rate rises from 0 (0)", "N"},
    {"clip_norm", "the largest norm of all gradients together", "X"},
    {"clip_value", "the largest size of an element of the gradients", "X"},
    {"weight_decay", "shrinks the parameters by this times the rate in a step (0)", "X"},
    {"l2", "a penalty of this times half the sum of the squared parameters (0)", "X"},
    {"validation", "a fraction of the rows, or a file, that is not trained on", "PART|FILE"},
    {"folds", "parts of the rows for cross-validation, each judging a run on the others", "K"},
    {"patience", "stop after so many epochs without a lower loss", "N"},
    {"min_delta", "by how much the loss must fall to count as lower (0)", "X"},
    {"tolerance", "when lbfgs, newton and lm stop", "T"},
    {"ema", "the result is a moving average of the parameters, which keeps this part in a step", "D"},
};

// Optimizers with a stopping test, and how many steps they make at most where the model does not say.
struct Solver {
  std::string_view name;
  std::int64_t steps;
};
constexpr Solver solvers[] = {{"lbfgs", 2000}, {"newton", 2000}, {"lm", 20000}, {"exact", 1}};
// What they take of the options.
constexpr std::string_view solver_options[] = {"optimizer", "steps",     "epochs",     "report",
                                               "seed",      "tolerance", "validation", "folds"};

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
bool is_plain_name(std::string_view name) { return !is_distribution(name); }

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
  if (!said_.insert({shown, 0}).second) return false;  // an option is that of every statement
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

namespace {

// A number stands for itself; anything else that --validation is given is the name of a file.
std::string option_text(std::string_view name, const std::string& text) {
  double number = 0;
  auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
  bool is_number = fault == std::errc() && end == text.data() + text.size();
  if (name != "validation" || is_number || text.empty() || text.starts_with("\"")) return text;
  std::string quoted = "\"";
  for (char c : text) quoted += c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
  return quoted + "\"";
}

}  // namespace

// What a seed must be; "" where it is.
std::string Lowering::fault_of_seed(double seed) {
  bool whole = seed == std::floor(seed) && seed >= 0 && seed <= most_steps;
  return whole ? "" : fmt::format("a whole number from 0 to {:.0f}", most_steps);
}

// Of --seed, which is read once for starts, draws and batches alike.
std::optional<std::int64_t> Lowering::seed_on_line() {
  Options given;
  for (const auto& [name, text] : settings_.options)
    if (name == "seed")
      on_command_line("train seed=" + text, "--seed " + text,
                      [&](const ast::Ast&, ast::NodeId part) { option(part, given); });
  return given.seed;
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
    if (name == "seed") {
      given.seed = model.seed;
      continue;
    }
    on_command_line(fmt::format("train {}={}", name, option_text(name, text)),
                    fmt::format("--{} {}", dashed(name), text),
                    [&](const ast::Ast&, ast::NodeId part) { option(part, given); });
    if (name == "validation" && given.validation) given.validation->span.reset();
    if (name == "folds" && given.folds) given.folds->span.reset();
  }
  if (given.optimizer) training.optimizer = *given.optimizer;
  if (given.decay) training.decay = *given.decay;
  training.rate = given.rate.value_or(default_rate(training.optimizer.name));
  training.rate_auto = given.rate_auto && !training.optimizer.solver;
  if (training.rate_auto) check_rate_auto(training, *given.rate_auto);
  training.terms = {given.l2.value_or(0), given.clip_value.value_or(0), given.clip_norm.value_or(0),
                    given.weight_decay.value_or(0), given.ema.value_or(0)};
  training.warmup = given.warmup.value_or(0);
  training.batch = given.batch;
  training.shuffle = given.shuffle.value_or(true);
  training.patience = given.patience;
  training.min_delta = given.min_delta.value_or(0);
  training.report = given.report;
  training.epochs = given.epochs;
  const Solver* solver = training.optimizer.solver ? find_solver(training.optimizer.name) : nullptr;
  training.steps = given.epochs ? *given.epochs : given.steps.value_or(solver ? solver->steps : 1000);
  training.tolerance = given.tolerance;
  if (!on_line("optimizer")) check_solver_options(training, in_file);  // what it replaces had other options
  if (solver) leave_solver_options(training);
  for (const auto& [name, text] : settings_.options)
    if (solver && name != "rate" && std::ranges::find(solver_options, name) == std::end(solver_options) &&
        said_.insert({name, 1}).second)
      diagnostics_
          ->error(Code::usage, fmt::format("--{} {}: the optimizer `{}` takes no `{}`", dashed(name), text,
                                           training.optimizer.name, name))
          .helps.push_back("it works on all rows at once and finds the length of its steps itself");
  if (given.min_delta && !given.patience)
    error(Code::bad_option_value, training.span, "`min_delta` says nothing without `patience`")
        .helps.push_back("the training stops after `patience` epochs without a loss lower by `min_delta`");
  take_validation(given);
  take_folds(given);
  training.seed = given.seed.value_or(start_seed_);  // of its own shuffling
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

// 1/λmax bounds the steps of those alone that go along the gradient, with or without momentum.
void Lowering::check_rate_auto(const Training& training, Span span) {
  const std::string& name = training.optimizer.name;
  bool own = model_scope_.names.contains(name);
  if (!own && (name == "sgd" || name == "momentum" || name == "nesterov")) return;
  bool on_line = std::any_of(settings_.options.begin(), settings_.options.end(),
                             [](const auto& o) { return o.first == "rate"; });
  if (on_line && !said_.insert({"rate=auto", 1}).second) return;
  std::string message = fmt::format(
      "`rate=auto` is 1/λmax, which is no rate for `{}`: its steps do not follow the gradient's length",
      name);
  if (own)
    message =
        fmt::format("`rate=auto` is for sgd, momentum and nesterov, `{}` is a function of the model", name);
  Diagnostic& d = on_line ? diagnostics_->error(Code::usage, "--rate auto: " + message)
                          : error(Code::bad_option_value, span, message);
  d.helps.push_back(own ? std::string("give it a number: rate=0.01")
                        : fmt::format("without `rate` it is {}", shortest(default_rate(name))));
}

// What is left of another optimizer's options does not hold for one with a stopping test.
void Lowering::leave_solver_options(Training& training) {
  training.terms = {};
  training.decay = {};
  training.warmup = 0;
  training.batch.reset();
  training.patience.reset();
}

// The rows are drawn once: what one statement does not train on, no other does.
void Lowering::take_validation(const Options& given) {
  if (!given.validation) return;
  auto& held = model.validation;
  if (held && (held->fraction != given.validation->fraction || held->file != given.validation->file)) {
    error(Code::bad_option_value, given.validation->span.value_or(Span{}),
          "the rows for validation are the same in every `train` statement")
        .notes.push_back(held->file.empty() ? fmt::format("they were validation={}", shortest(held->fraction))
                                            : fmt::format("they were those of `{}`", escaped(held->file)));
    return;
  }
  if (!held) held = given.validation;
  held->seed = start_seed_;
}

// They too are dealt once. Each row judges once, none is kept from training for good.
void Lowering::take_folds(const Options& given) {
  auto& folds = model.folds;
  if (given.folds && folds && folds->count != given.folds->count)
    error(Code::bad_option_value, given.folds->span.value_or(Span{}),
          "the folds are the same in every `train` statement")
        .notes.push_back(fmt::format("they were folds={}", folds->count));
  else if (given.folds && !folds) folds = given.folds;
  if (!folds) return;
  folds->seed = start_seed_;
  if (!model.validation || !(given.folds || given.validation) || !said_.insert({"folds", 1}).second) return;
  auto place = folds->span ? folds->span : model.validation->span;
  constexpr std::string_view both = "`folds` and `validation` cannot both be given";
  (place ? error(Code::bad_option_value, *place, std::string(both))
         : diagnostics_->error(Code::usage, std::string(both)))
      .helps.push_back("folds judge by every row in turn, `validation` by rows that are never trained on");
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
  if (option.text == "decay") return decay_option(value, given);
  if (option.text == "shuffle") return shuffle_option(value, given);
  if (option.text == "validation" && ast()[value].kind == Kind::string)
    return validation_option(value, given);
  const ast::Node& text = ast()[value];
  if (option.text == "rate") {
    given.rate.reset();
    given.rate_auto.reset();
    if (text.kind == Kind::name && text.text == "auto") {
      given.rate_auto = text.span;
      return;
    }
  }
  number_option(option, value, given);
}

void Lowering::shuffle_option(ast::NodeId value, Options& given) {
  Value truth = evaluate(value);
  if (!truth.ok()) return;
  if (truth.is == Is::truth) given.shuffle = truth.number != 0;
  else error(Code::bad_option_value, ast()[value].span, "`shuffle` must be true or false");
}

void Lowering::validation_option(ast::NodeId value, Options& given) {
  const ast::Node& node = ast()[value];
  if (node.text.empty()) error(Code::bad_option_value, node.span, "`validation` names no file");
  else given.validation = Validation{.file = node.text, .span = node.span};
}

// What a rate must be; "" where it is.
std::string Lowering::fault_of_rate(double rate) const {
  bool single = model.graph.precision() == Precision::f32;
  double least =
      single ? static_cast<double>(std::numeric_limits<float>::min()) : std::numeric_limits<double>::min();
  bool usable = rate >= least && rate < HUGE_VAL;
  if (single) usable = usable && rate <= static_cast<double>(std::numeric_limits<float>::max());
  if (usable) return "";
  if (!(rate > 0 && rate < 1)) return "a positive finite number";
  return fmt::format("at least {}, the smallest number of {} in full precision",
                     single ? shortest(std::numeric_limits<float>::min()) : shortest(least),
                     to_string(model.graph.precision()));
}

// Of an option with a range of its own: what the number must be, "" where it is that and was taken. None: of
// another option.
std::optional<std::string> Lowering::own_range(const ast::Node& option, double number, Span span,
                                               Options& given) const {
  if (option.text == "rate") {
    std::string wanted = fault_of_rate(number);
    if (wanted.empty()) given.rate = number;
    return wanted;
  }
  if (option.text == "tolerance") {
    if (!(number >= 0 && number < 1)) return "at least 0 and below 1";
    given.tolerance = number;
    return "";
  }
  if (option.text == "validation") {
    if (!(number > 0 && number < 1)) return "a fraction between 0 and 1, or the name of a file in quotes";
    given.validation = Validation{.fraction = number, .span = span};
    return "";
  }
  if (option.text == "ema") {
    bool single = model.graph.precision() == Precision::f32;
    double rounded = single ? nearest_float(shortest(number)) : number;
    if (!(rounded > 0 && rounded < 1)) return single ? "above 0 and below 1 in f32" : "above 0 and below 1";
    given.ema = number;
    return "";
  }
  if (option.text == "seed") {
    std::string wanted = fault_of_seed(number);
    if (wanted.empty()) given.seed = static_cast<std::int64_t>(number);
    return wanted;
  }
  if (option.text == "folds") {
    if (!(number == std::floor(number) && number >= 2 && number <= most_steps))
      return "a whole number of at least 2";
    given.folds = Folds{.count = static_cast<std::int64_t>(number), .span = span};
    return "";
  }
  return {};
}

void Lowering::number_option(const ast::Node& option, ast::NodeId value, Options& given) {
  const ast::Node& text = ast()[value];
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
  if (auto wanted = own_range(option, *number, text.span, given)) {
    if (!wanted->empty()) refuse(*wanted);
    return;
  }
  struct RealOption {
    std::string_view name;
    std::optional<double> Options::* target;
    bool zero;  // may be 0
  };
  constexpr RealOption reals[] = {{"l2", &Options::l2, true},
                                  {"weight_decay", &Options::weight_decay, true},
                                  {"min_delta", &Options::min_delta, true},
                                  {"clip_value", &Options::clip_value, false},
                                  {"clip_norm", &Options::clip_norm, false}};
  for (const RealOption& real : reals) {
    if (real.name != option.text) continue;
    if (!std::isfinite(*number) || *number < 0 || (*number == 0 && !real.zero))
      return refuse(real.zero ? "a finite number of at least 0" : "a positive finite number");
    given.*real.target = *number;
    return;
  }
  struct WholeOption {
    std::string_view name;
    std::optional<std::int64_t> Options::* target;
    double least;
  };
  constexpr WholeOption wholes[] = {{"steps", &Options::steps, 0},   {"epochs", &Options::epochs, 0},
                                    {"report", &Options::report, 1}, {"batch", &Options::batch, 1},
                                    {"warmup", &Options::warmup, 0}, {"patience", &Options::patience, 1}};
  for (const WholeOption& whole : wholes) {
    if (whole.name != option.text) continue;
    if (*number != std::floor(*number) || !(*number >= whole.least) || *number > most_steps)
      return refuse(*number > most_steps
                        ? fmt::format("at most {}", shortest(most_steps))
                        : fmt::format("a whole number of at least {}", shortest(whole.least)));
    given.*whole.target = static_cast<std::int64_t>(*number);
  }
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
