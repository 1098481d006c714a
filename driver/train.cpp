// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// slope train
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>
#include <utility>

#include "base/ending.h"
#include "base/os.h"
#include "base/text.h"
#include "codegen/schedule.h"
#include "driver/output.h"
#include "driver/progress.h"
#include "driver/resume_command.h"
#include "driver/run_files.h"
#include "plot/svg.h"
#include "runtime/batches.h"
#include "runtime/explain.h"
#include "runtime/folds.h"
#include "runtime/loss_curve.h"
#include "runtime/parameters.h"
#include "runtime/picture.h"
#include "runtime/run_state.h"
#include "runtime/solvers/graphs.h"
#include "runtime/validation.h"

namespace slope {

namespace {

struct Trained {
  Fit fit;
  Split data;
  std::string saved;          // where the state is; "" nowhere
  bool was_finished = false;  // --resume of a finished run: nothing was done or written
  std::optional<Stability> stability;
  std::optional<CrossValidation> folds;
  std::string plot;  // where the picture is; "" nowhere
  LossCurve losses;  // for the picture
};

std::string save_path(const Arguments& a) {
  if (a.no_save) return "";
  if (!a.save.empty()) return a.save;
  if (a.text || a.model == "-") return "";
  return std::filesystem::path(a.model).replace_extension(".safetensors").string();
}

void note_assumed(Session& s) {
  const Assumed& assumed = s.model().assumed;
  std::vector<std::string> parts;
  auto quoted = [](const std::vector<std::string>& names) {
    std::vector<std::string> out;
    for (const std::string& name : names) out.push_back("`" + name + "`");
    return listed(out);
  };
  if (!assumed.columns.empty()) parts.push_back(fmt::format("{} of the data", quoted(assumed.columns)));
  if (!assumed.params.empty())
    parts.push_back(fmt::format("{} as parameters that start at 0", quoted(assumed.params)));
  if (!assumed.target.empty()) parts.push_back(fmt::format("`{}` as what is predicted", assumed.target));
  if (parts.empty()) return;
  s.diagnostics.add({.severity = Severity::note,
                     .code = Code::assumed_names,
                     .message = "taken " + listed(parts),
                     .span = {},
                     .position = {},
                     .label = {}});
}

void note_folds(Session& s) {
  s.diagnostics.add({.severity = Severity::note,
                     .code = Code::resume_differs,
                     .message = "the folds are not run again: what goes on is the fit on all rows",
                     .span = {},
                     .position = {},
                     .label = {}});
}

// Where the run begins: where the state of --resume left it, else at the parameters' starts.
std::optional<Place> starting_place(const Arguments& a, Session& s, const RunFacts& facts,
                                    const State* resumed) {
  if (resumed) return take_place(s, facts, *resumed, a.resume, s.diagnostics);
  if (a.init.empty()) return Place{{}, starts(s.model()), {}};
  auto state = load_numbers(a.init, s.diagnostics);
  auto start = state ? take_start(s, *state, a.init, s.diagnostics) : std::nullopt;
  return start ? std::optional(Place{{}, std::move(*start), {}}) : std::nullopt;
}

// --verbose: the data as they lie in memory, the functions, where their code is from.
std::string plan_text(const Session& s, const Split& split, std::span<const Kernel> kernels,
                      const Program::Making& making) {
  std::string out;
  const Dataset& data = split.training;
  for (std::size_t i = 0; i < data.columns.size(); ++i)
    if (data.columns[i].rows() > 0)
      out +=
          fmt::format("column {}: {} rows of {}{}\n", s.model().columns[i].name, data.rows,
                      data.columns[i].elements() == 1 ? "" : fmt::format("{} ", data.columns[i].elements()),
                      to_string(data.storages[i]));
  if (split.validation) out += fmt::format("validation: {} rows\n", split.validation->rows);
  for (const Kernel& kernel : kernels)
    out += fmt::format("function {}: {} operations\n", kernel.name, operations(*kernel.graph));
  out += making.interpreted ? "code: none, the functions are interpreted\n"
         : making.cached    ? "code: from the cache\n"
                            : "code: compiled\n";
  if (!making.not_kept.empty())
    out += fmt::format("the code is not kept for the next run: {}\n", making.not_kept);
  return out;
}

// Of plain gradient descent on a quadratic loss; warns of rates above the bound.
std::optional<Stability> stability_of(Session& s, const std::vector<StepGraph>& steps, const Dataset& data) {
  const StepGraph* descent = gradient_descent(steps);
  if (!descent) return {};
  Stopwatch watch(s.times, "stability");
  auto stability = constant_stability(s.model(), *descent, data);
  if (stability) warn_of_rates(s.model(), steps, *stability, s.diagnostics);
  return stability;
}

// The data in their parts; with them it is known how many steps the statements make.
std::optional<Split> load_data(Session& s, const std::vector<StepGraph>& steps, const Fused& evaluation) {
  std::vector<bool> wanted = columns_read(evaluation.graph, s.model().columns.size());
  for (const StepGraph& step : steps) {
    std::vector<bool> more = columns_read(step.fused.graph, wanted.size());
    for (std::size_t i = 0; i < wanted.size(); ++i) wanted[i] = wanted[i] || more[i];
  }
  Stopwatch watch(s.times, "load");
  std::optional<Dataset> data = Dataset{};
  if (s.has_data())
    data = read_columns(s.model(), *s.opened, wanted, true, s.diagnostics, counted_rows(s.model()));
  if (!data) return {};
  if (!check_folds(s, data->rows)) return {};
  keep_moments(s.lowered->model(), *data);
  if (s.outside) keep_moments(s.outside->model(), *data);
  auto parts = split(s, std::move(*data), wanted);
  if (!parts || !settle_trainings(s.lowered->model(), parts->training.rows, s.diagnostics)) return {};
  return parts;
}

bool solvers_fit(Session& s, const std::vector<StepGraph>& steps, std::int64_t rows) {
  for (const Training& training : s.model().trainings)
    for (const StepGraph& step : steps)
      if (step.solver && step.serves(training) &&
          !check_memory(*step.solver, rows, training.span, s.diagnostics))
        return false;
  return true;
}

// What is known so far is said before the run, not after it.
void say_before_run(const Arguments& a, Session& s, const Split& data, std::span<const Kernel> kernels,
                    const Program::Making& making, std::int64_t first_step, std::int64_t total) {
  if (a.json) return;
  show_diagnostics(a, s);
  s.diagnostics = {};
  if (a.verbose) print_error(plan_text(s, data, kernels, making));
  if (!a.resume.empty() && first_step < total && !a.quiet)
    print_error(fmt::format("resumed {} at step {} of {}\n", escaped(a.resume), first_step, total));
}

// --save-every: a save that fails leaves the file of the one before, and the run goes on.
class Saver {
 public:
  Saver(const Arguments& a, Session& s, const RunFacts& facts, os::Output& output, ProgressView& view)
      : a_(a), s_(s), facts_(facts), output_(output), view_(view) {}

  void listen(Listener& listener) {
    if (!a_.save_every) return;
    listener.save_every = *a_.save_every;
    listener.save = [this](const Place& place) { during(place); };
  }

 private:
  void during(const Place& place) {
    Diagnostics failed;
    bool good = save(make_state(s_, facts_, place), output_, failed);
    if (!good && !failed_) warn(place.steps(), failed.all()[0].message);
    failed_ = !good;
  }

  // Once for a row of failures.
  void warn(std::int64_t step, const std::string& reason) {
    Diagnostics warning;
    warning.add({.severity = Severity::warning,
                 .code = Code::cannot_write,
                 .message = fmt::format("at step {}: {}; the training goes on", step, reason),
                 .span = {},
                 .position = {},
                 .label = {}});
    view_.erase();
    if (a_.json) s_.diagnostics.add(warning.all()[0]);
    else print_error(render_all(warning, s_.sources, use_color(a_)));
  }

  const Arguments& a_;
  Session& s_;
  const RunFacts& facts_;
  os::Output& output_;
  ProgressView& view_;
  bool failed_ = false;
};

// From the end of the training until the fit is saved or printed, whatever ends the program writes it out.
class Unsaved {
 public:
  explicit Unsaved(const Model& model) : model_(model) {}
  Unsaved(const Unsaved&) = delete;
  Unsaved& operator=(const Unsaved&) = delete;
  ~Unsaved() { release(); }

  void hold(const std::vector<double>& params) {
    values_ = in_units(model_, params);
    numbers_.clear();
    for (const Parameter& param : model_.params)
      numbers_.push_back({param.name.c_str(), elements_of(param, values_)});
    would_be_lost(numbers_);
  }
  void release() { would_be_lost({}); }

 private:
  const Model& model_;
  std::vector<double> values_;
  std::vector<NamedNumbers> numbers_;
};

// The data are told of already: only errors are new.
void write_picture(const Arguments& a, Session& s, Trained& t) {
  Diagnostics said = std::exchange(s.diagnostics, {});
  std::int64_t rows = 0;
  auto figure = picture(s, t.fit.params, t.losses.points(), rows);
  for (const Diagnostic& d : s.diagnostics.all())
    if (d.severity == Severity::error) said.add(d);
  s.diagnostics = std::move(said);
  if (figure && t.fit.status == Status::diverged)
    figure->caption.push_back(fmt::format("diverged at step {}: drawn is the best before", t.fit.steps));
  if (figure && write_result(s, a.plot, plot::svg(*figure))) t.plot = a.plot;
}

// What its runs have in common with the one on all rows is said of that one.
void say_of_folds(Session& s, const CrossValidation& folds) {
  std::set<Code> said;
  for (const Diagnostic& d : s.diagnostics.all()) said.insert(d.code);
  for (const Diagnostic& d : folds.said.all())
    if (d.severity == Severity::error || !said.contains(d.code)) s.diagnostics.add(d);
}

// --folds: with a line for each.
CrossValidation fold_by_fold(const Arguments& a, Session& s, const Trainer& trainer, const Place& start) {
  Stopwatch watch(s.times, "folds");
  const Model& model = s.model();
  return cross_validate(s, trainer, start, [&](std::int64_t fold, std::span<const double> values) {
    if (a.json || a.quiet) return;
    std::string line =
        fmt::format("fold {:>{}} of {}  loss {:<12}", fold + 1, std::to_string(model.folds->count).size(),
                    model.folds->count, significant(values[0]));
    for (std::size_t i = 0; i < model.metrics.size(); ++i)
      line += fmt::format("  {} {:<10}", model.metrics[i].name, significant(values[i + 1]));
    while (line.ends_with(' ')) line.pop_back();
    print_error(line + "\n");
  });
}

// Which of the statements that this call ran patience ended, and since when nothing was better. Steps and
// passes are counted from the first statement on, as in the lines of progress.
void say_of_patience(Session& s, const Fit& fit) {
  std::int64_t steps = 0, passes = 0, here = fit.steps - fit.steps_here;
  for (std::size_t i = 0; i < fit.runs.size(); ++i) {
    const RunReport& run = fit.runs[i];
    const Training& training = s.model().trainings[i];
    steps += run.steps;
    passes += run.steps / training.epoch_steps;
    if (run.status != Status::stopped_early || steps <= here) continue;
    bool epochs = training.batches();  // else a pass is a step
    std::int64_t at = epochs ? passes : steps;
    std::string_view pass = epochs ? "epoch" : "step", watched = s.model().validation ? "val_loss" : "loss";
    std::string by = training.min_delta > 0 ? " by more than " + shortest(training.min_delta) : "";
    bool last = i + 1 == fit.runs.size();
    if (last && !fit.validation.empty() && !std::isfinite(fit.validation[0])) {
      s.diagnostics
          .note(Code::stopped_early, training.span,
                fmt::format("stopped after {} {}: {} was never a finite number", pass, at, watched))
          .notes.push_back("the result is the parameters after the last step");
      continue;
    }
    s.diagnostics
        .note(Code::stopped_early, training.span,
              fmt::format("stopped after {} {}: {} has not fallen{} since {} {}", pass, at, watched, by, pass,
                          at - *training.patience))
        .notes.push_back(
            fmt::format("the result is the best seen: the parameters of the lowest {}", watched));
  }
}

// Metrics, reports and what the rows held out say; that the loss is finite the training saw to.
void say_not_finite(Session& s, const Fit& fit, const Split& data) {
  if (!fit.usable || fit.status == Status::diverged) return;
  const Model& model = s.outside_model();
  std::vector<Result> results, held_out;
  for (std::size_t i = 0; i < model.metrics.size(); ++i)
    results.push_back({model.metrics[i].name, fit.metrics[i], model.metrics[i].value});
  for (std::size_t i = 0; i < model.reports.size(); ++i)
    results.push_back({model.reports[i].name, fit.reports[i], model.reports[i].value});
  warn_of_results(model, results, data.training, fit.params, "the data", s.diagnostics);
  std::size_t at = 0;
  for (const auto& [name, value] : named_validation(model, fit.validation)) {
    held_out.push_back({name, value, at == 0 ? model.loss : model.metrics[at - 1].value});
    ++at;
  }
  bool of_file = model.validation && !model.validation->file.empty();
  if (data.validation)
    warn_of_results(model, held_out, *data.validation, fit.params,
                    of_file ? "the validation data" : "the data", s.diagnostics);
}

std::optional<Trained> train_model(const Arguments& a, Session& s, const std::string& path,
                                   os::Output& output, const State* resumed, Unsaved& unsaved) {
  Trained out;
  std::optional<std::vector<StepGraph>> steps;
  {
    Stopwatch watch(s.times, "differentiate");
    steps = step_graphs(*s.lowered, s.diagnostics);
  }
  if (!steps) return {};
  Fused evaluation = evaluation_graph(s.outside_model());
  auto data = load_data(s, *steps, evaluation);
  if (!data) return {};
  out.data = std::move(*data);
  const Dataset& rows = out.data.training;
  const Dataset* held_out = out.data.validation ? &*out.data.validation : nullptr;
  if (!solvers_fit(s, *steps, rows.rows)) return {};
  RunFacts facts;
  if (resumed || !path.empty()) facts = run_facts(s, *steps, rows, held_out);
  auto start = starting_place(a, s, facts, resumed);
  if (!start) return {};
  if (s.model().folds) store_for_folds(s.model(), out.data.training);  // the facts are of the file's columns
  out.stability = stability_of(s, *steps, rows);
  std::int64_t first_step = start->steps(), total = total_steps(s.model(), start->runs);
  std::vector<Kernel> kernels = training_kernels(s.model(), *steps, evaluation, rows.rows);
  auto program = compile(s, kernels, rows);
  ProgressView view(a, s.model());
  if (!program || !view.open_log(first_step, s.diagnostics)) return {};
  say_before_run(a, s, out.data, kernels, program->making(), first_step, total);

  Trainer trainer{s.model(), *steps, evaluation, rows, *program, out.stability, held_out};
  if (s.model().folds && !resumed) out.folds = fold_by_fold(a, s, trainer, *start);
  Saver saver(a, s, facts, output, view);
  Listener listener;
  view.listen(listener, first_step);
  saver.listen(listener);
  if (!a.plot.empty())
    listener.loss = [&curve = out.losses](std::int64_t step, double loss) { return curve.add(step, loss); };
  listener.result = [&](const std::vector<double>& params) { unsaved.hold(params); };
  stop_waits = 1;
  out.fit = train(trainer, std::move(*start), listener, s.diagnostics);
  s.times["train"] = out.fit.train_seconds;
  view.finish(out.fit, s.diagnostics);
  say_of_patience(s, out.fit);
  say_not_finite(s, out.fit, out.data);
  if (out.folds) say_of_folds(s, *out.folds);
  bool over = out.fit.status == Status::finished || is_over(out.fit.status);
  out.was_finished = resumed && out.fit.steps_here == 0 && over;
  if (out.was_finished) out.saved = a.resume;
  else if (!path.empty() && out.fit.usable) {
    Stopwatch watch(s.times, "save");
    if (save(make_state(s, facts, out.fit), output, s.diagnostics)) out.saved = path;
  }
  if (!out.saved.empty()) unsaved.release();
  stop_waits = 0;  // there is nothing to lose any more
  if (!a.plot.empty() && out.fit.usable) write_picture(a, s, out);
  return out;
}

// Loss and metrics over the folds; null where there are none.
Json folds_json(const Model& model, const std::optional<CrossValidation>& folds) {
  if (!folds) return nullptr;
  Precision precision = model.graph.precision();
  auto one = [&](std::size_t value) {
    Json each = Json::array();
    for (double x : folds->of_folds(value)) each.push_back(number(x, precision));
    return Json{{"mean", number(folds->mean(value), Precision::f64)},
                {"sd", number(folds->deviation(value), Precision::f64)},
                {"folds", each}};
  };
  Json metrics = Json::object();
  for (std::size_t i = 0; i < model.metrics.size(); ++i) metrics[model.metrics[i].name] = one(i + 1);
  return Json{{"folds", folds->folds.size()}, {"loss", one(0)}, {"metrics", metrics}};
}

// A table of them.
std::string folds_text(const Model& model, const CrossValidation& folds) {
  std::vector<std::string> names{"loss"};
  for (const NamedValue& metric : model.metrics) names.push_back(metric.name);
  std::string title = fmt::format("{} folds", folds.folds.size());
  int widest = display_width(title);
  for (const std::string& name : names) widest = std::max(widest, display_width(name));
  auto line = [&](const std::string& name, const std::string& mean, const std::string& sd) {
    std::string space(static_cast<std::size_t>(widest - display_width(name)), ' ');
    return fmt::format("{}{}  {:>12}  {:>12}\n", name, space, mean, sd);
  };
  std::string out = line(title, "mean", "sd");
  for (std::size_t i = 0; i < names.size(); ++i)
    out += line(names[i], significant(folds.mean(i)), significant(folds.deviation(i)));
  return out;
}

double per_step(const Fit& fit) {
  return fit.steps_here > 0 ? fit.train_seconds / static_cast<double>(fit.steps_here) : 0;
}

// By the name of each number, in the model's order; of many the largest. Null where it is not known.
Json gradient_json(const Model& model, const std::vector<double>& gradient) {
  constexpr std::size_t most = 64;
  if (gradient.empty()) return nullptr;
  std::vector<std::size_t> shown(gradient.size());
  std::iota(shown.begin(), shown.end(), std::size_t{0});
  if (shown.size() > most) {
    auto larger = [&](std::size_t a, std::size_t b) {
      return std::fabs(gradient[a]) > std::fabs(gradient[b]);
    };
    std::stable_sort(shown.begin(), shown.end(), larger);
    shown.resize(most);
    std::sort(shown.begin(), shown.end());
  }
  std::vector<std::string> names = element_names(model);
  Json out = Json::object();
  for (std::size_t i : shown) out[names[i]] = number(gradient[i], Precision::f64);
  return out;
}

Json result_json(const Session& s, const Trained& t, bool full, int exit) {
  const Model& model = s.model();
  Precision precision = model.graph.precision();
  Json metrics = Json::object(), reports = Json::object(), runs = Json::array(), time = Json::object();
  for (std::size_t i = 0; i < model.metrics.size(); ++i)
    metrics[model.metrics[i].name] = number(t.fit.metrics[i], precision);
  for (std::size_t i = 0; i < model.reports.size(); ++i)
    reports[model.reports[i].name] =
        Json{{"estimate", number(t.fit.reports[i], precision)}, {"std_error", nullptr}};
  for (std::size_t i = 0; i < t.fit.runs.size(); ++i) {
    const RunReport& run = t.fit.runs[i];
    const Training& training = model.trainings[i];
    runs.push_back(
        Json{{"optimizer", run.optimizer.name},
             {"steps", run.steps},
             {"epochs", training.epochs ? Json(run.steps / training.epoch_steps) : Json(nullptr)},
             {"status", to_string(run.status)},
             {"loss", number(run.loss, precision)},
             {"rate", number(run.rate, Precision::f64)},
             {"stopped_by", !run.stopped_by.empty()               ? run.stopped_by
                            : run.status == Status::finished      ? (training.epochs ? "epochs" : "steps")
                            : run.status == Status::stopped_early ? "patience"
                                                                  : to_string(run.status)}});
  }
  for (const char* name : {"total", "frontend", "differentiate", "codegen", "load", "train"}) {
    auto found = s.times.find(name);
    time[name] = found == s.times.end() ? 0.0 : found->second;
  }
  if (auto link = s.times.find("link"); link != s.times.end())  // what is loaded is data and code
    time["load"] = time["load"].get<double>() + link->second;
  time["per_step"] = t.fit.steps_here > 0 ? Json(per_step(t.fit)) : Json(nullptr);
  Json json{{"slope", 1},
            {"model", escaped(s.request.source.name())},
            {"status", to_string(t.fit.status)},
            {"steps", t.fit.steps},
            {"epochs", t.fit.epochs ? Json(*t.fit.epochs) : Json(nullptr)},
            {"rows", t.data.training.rows},
            {"precision", to_string(precision)},
            {"seed", model.trainings.back().seed},
            {"threads", 1},
            {"loss", number(t.fit.loss, precision)},
            {"metrics", metrics},
            {"validation", validation_json(model, t.fit.validation)},
            {"cross_validation", folds_json(model, t.folds)},
            {"parameters", parameters_json(model, in_units(model, t.fit.params), full)},
            {"fit", nullptr},
            {"statistics", nullptr},
            {"reports", reports},
            {"gradient", gradient_json(model, t.fit.gradient)},
            {"runs", runs},
            {"stability_bound", t.stability ? Json(t.stability->bound()) : Json(nullptr)},
            {"time", time},
            {"weights", t.saved.empty() ? Json(nullptr) : Json(escaped(t.saved))}};
  if (exit != 0) json["exit"] = exit;
  json["diagnostics"] = diagnostics_json(s.diagnostics, s.sources);
  return json;
}

std::string result_text(const Session& s, const Trained& t) {
  const Model& model = s.model();
  Precision precision = model.graph.precision();
  std::vector<NamedText> lines;
  std::vector<double> params = in_units(model, t.fit.params);
  for (const Parameter& param : model.params) lines.push_back(parameter_text(param, params, precision));
  auto number = [&](const std::string& name, double value) {
    lines.push_back({name, " = " + number_text(value, precision)});
  };
  number("loss", t.fit.loss);
  for (std::size_t i = 0; i < model.metrics.size(); ++i) number(model.metrics[i].name, t.fit.metrics[i]);
  for (const auto& [name, value] : named_validation(model, t.fit.validation)) number(name, value);
  for (std::size_t i = 0; i < model.reports.size(); ++i) number(model.reports[i].name, t.fit.reports[i]);
  int widest = 0;
  for (const auto& [name, rest] : lines) widest = std::max(widest, display_width(name));
  std::string out;
  for (const auto& [name, rest] : lines)
    out += name + std::string(static_cast<std::size_t>(widest - display_width(name)), ' ') + rest + "\n";
  if (t.folds) out += "\n" + folds_text(model, *t.folds);
  return out;
}

// Parameters that are too many to print, in the folder for temporary files.
std::string saved_elsewhere(const Session& s, const Trained& t) {
  std::error_code none;
  std::filesystem::path folder = std::filesystem::temp_directory_path(none);
  auto now = std::chrono::system_clock::now().time_since_epoch();
  std::string path = (folder / fmt::format("slope-{}.safetensors", now.count())).string();
  Diagnostics failed;
  if (!none && save(weights_state(s, t.fit.params), path, failed))
    return fmt::format("the parameters are saved in {} instead\n", escaped(path));
  return fmt::format("the {} are lost: too many to print\n", parameter_count(s.model()));
}

// What is left of a fit that could not be saved: every number, where that is not more than anybody reads.
std::string last_resort(const Session& s, const Trained& t) {
  constexpr std::int64_t most = 100'000;
  const Model& model = s.model();
  if (model.param_elements() > most) return saved_elsewhere(s, t);
  std::vector<double> params = in_units(model, t.fit.params);
  std::string out = "the parameters, which are saved nowhere:\n";
  for (const Parameter& param : model.params)
    out += param.name + " = " + nested_text(elements_of(param, params), param.axes, model.graph.precision()) +
           "\n";
  return out;
}

// Whether the fit is neither in a file nor, whole, on standard output.
bool is_lost(const Arguments& a, const Session& s, const std::string& path, const Trained& t, bool printed) {
  bool wanted = t.fit.usable && !t.was_finished && (!path.empty() || !(a.quiet || printed));
  return wanted && t.saved.empty() && !a.json && !(printed && lists_all(s.model()));
}

int exit_of(const Session& s, const Trained& t) {
  if (s.diagnostics.has_errors()) return s.diagnostics.exit_code();
  if (t.fit.status == Status::interrupted) return 128 + stop_signal;
  return exit_code::done;
}

// Whether what is written is none of what is read, nor written twice. The state that a run goes on with may
// be where its own goes, and so may that which it begins with, unless --save says so: neither is read again.
bool check_files(const Arguments& a, const Session* s, const std::string& path, Diagnostics& diagnostics) {
  Arguments read = a;
  auto same = [&](const std::string& state) {
    auto identity = os::identity_of(state);
    return !state.empty() && (state == path || (identity && identity == os::identity_of(path)));
  };
  if (same(a.resume)) read.resume.clear();
  if (same(a.init) && a.save.empty()) read.init.clear();
  RunFiles files;
  files.reads_of(read);
  if (s) files.reads_of(*s);
  files.writes(path, "the state");
  files.writes(a.log, "the log");
  files.writes(a.plot, "the picture");
  return files.check(diagnostics);
}

// That they can be written is better known now than after the run.
bool open_outputs(const Arguments& a, Session& s, const std::string& path, os::Output& output) {
  if (!check_files(a, &s, path, s.diagnostics)) return false;
  if (path.empty()) return true;
  warn_of_links(path, s.diagnostics);
  os::Status refused = output.open(path);
  if (refused) s.diagnostics.error(Code::cannot_write, refused->message());
  return !refused;
}

// Where the state is, and how to go on with an interrupted run.
void say_saved(const Arguments& a, const Session& s, const Trained& t) {
  if (!t.saved.empty() && !t.was_finished) print_error(fmt::format("saved {}\n", escaped(t.saved)));
  if (t.fit.status != Status::interrupted) return;
  print_error(fmt::format("stopped by SIG{} at step {} of {}\n", sigabbrev_np(stop_signal), t.fit.steps,
                          total_steps(s.model(), t.fit.runs)));
  if (!t.saved.empty()) print_error(fmt::format("to go on: {}\n", resume_command(a, t.saved)));
}

}  // namespace

int run_train(const Arguments& a) {
  double began = seconds_now();
  Session s = open_session(a);
  std::string path = save_path(a);
  auto failed = [&] { return finish(a, s, nullptr, s.diagnostics.exit_code()); };
  os::Output output;
  std::optional<State> resumed;
  if (!check_files(a, nullptr, path, s.diagnostics)) return failed();
  if (!a.resume.empty() && !s.diagnostics.has_errors()) resumed = load(a.resume, s.diagnostics);
  if (resumed) take_decisions(s.request.settings, *resumed, a.resume, s.diagnostics);
  if (s.diagnostics.has_errors() || !prepare(s) || !open_outputs(a, s, path, output)) return failed();
  if (!resumed) note_assumed(s);
  else if (s.model().folds) note_folds(s);
  Unsaved unsaved(s.model());
  auto trained = train_model(a, s, path, output, resumed ? &*resumed : nullptr, unsaved);
  s.times["total"] = seconds_now() - began;
  if (!trained) return failed();
  s.times["per_step"] = per_step(trained->fit);
  int exit = exit_of(s, *trained);
  bool printed = !a.json && !a.quiet && trained->fit.usable && print(result_text(s, *trained), s.diagnostics);
  if (!a.json && !a.quiet && trained->fit.usable && !printed && exit == exit_code::done)
    exit = exit_code::system;
  if (is_lost(a, s, path, *trained, printed)) print_error(last_resort(s, *trained));
  if (!a.json && !a.quiet) say_saved(a, s, *trained);
  if (!a.json && !a.quiet && !trained->plot.empty())
    print_error(fmt::format("drawn {}\n", escaped(trained->plot)));
  Json json;
  bool full = a.full || (!path.empty() && trained->saved.empty() && !trained->was_finished);
  if (a.json) json = result_json(s, *trained, full, exit);
  if (a.json && !a.plot.empty())
    json["plot"] = trained->plot.empty() ? Json(nullptr) : Json(escaped(trained->plot));
  return finish(a, s, a.json ? &json : nullptr, exit);
}

}  // namespace slope
