// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// slope train
#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/text.h"
#include "codegen/schedule.h"
#include "driver/output.h"
#include "plot/svg.h"
#include "runtime/picture.h"

namespace slope {

namespace {

struct Trained {
  Fit fit;
  Dataset data;
  std::string saved;  // where the state is; "" nowhere
  std::optional<Stability> stability;
  std::string plot;  // where the picture is, the same
};

std::string save_path(const Arguments& a) {
  if (a.no_save) return "";
  if (!a.save.empty()) return a.save;
  if (a.text || a.model == "-") return "";
  return std::filesystem::path(a.model).replace_extension(".safetensors").string();
}

// One line of progress: the step, the loss and, while they are few, the parameters.
void show_line(const Arguments& a, const Model& model, const Progress& p) {
  if (a.quiet || a.json) return;
  std::string line = fmt::format("step {:>{}}  loss {:<12.6g}", p.step, std::to_string(p.total).size(),
                                 std::isnan(p.loss) ? std::fabs(p.loss) : p.loss);
  if (model.params.size() <= 6)
    for (std::size_t i = 0; i < model.params.size(); ++i)
      line += fmt::format("  {} {:<10.6g}", model.params[i].name, p.params[i]);
  while (line.ends_with(' ')) line.pop_back();
  print_error(line + "\n");
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

std::optional<std::vector<double>> starting_values(const Arguments& a, Session& s) {
  if (a.init.empty()) return take_start(s, nullptr, "", s.diagnostics);
  auto state = load(a.init, s.diagnostics);
  if (!state) return {};
  return take_start(s, &*state, a.init, s.diagnostics);
}

// --verbose: the data as they lie in memory, the functions that were made.
std::string plan_text(const Session& s, const Dataset& data, std::span<const Kernel> kernels) {
  std::string out;
  for (std::size_t i = 0; i < data.columns.size(); ++i)
    if (data.columns[i].rows() > 0)
      out += fmt::format("column {}: {} rows of {}\n", s.model().columns[i].name, data.rows,
                         to_string(data.storages[i]));
  for (const Kernel& kernel : kernels)
    out += fmt::format("function {}: {} operations\n", kernel.name, operations(*kernel.graph));
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

// The data are told of already: only errors are new.
void write_picture(const Arguments& a, Session& s, Trained& t) {
  Diagnostics said = std::exchange(s.diagnostics, {});
  std::int64_t rows = 0;
  auto figure = picture(s, t.fit.params, t.fit.history, rows);
  for (const Diagnostic& d : s.diagnostics.all())
    if (d.severity == Severity::error) said.add(d);
  s.diagnostics = std::move(said);
  if (figure && write_result(a, s, a.plot, plot::svg(*figure))) t.plot = a.plot;
}

std::optional<Trained> train_model(const Arguments& a, Session& s, const std::string& path) {
  Trained out;
  std::optional<std::vector<StepGraph>> steps;
  {
    Stopwatch watch(s.times, "differentiate");
    steps = step_graphs(*s.lowered, s.diagnostics);
  }
  if (!steps) return {};
  Fused evaluation = evaluation_graph(s.outside_model());
  std::vector<bool> wanted = columns_read(evaluation.graph, s.model().columns.size());
  for (const StepGraph& step : *steps) {
    std::vector<bool> more = columns_read(step.fused.graph, wanted.size());
    for (std::size_t i = 0; i < wanted.size(); ++i) wanted[i] = wanted[i] || more[i];
  }
  auto start = starting_values(a, s);
  if (!start) return {};
  if (s.has_data()) {
    Stopwatch watch(s.times, "load");
    auto data = read_columns(s.model(), *s.opened, wanted, true, s.diagnostics);
    if (!data) return {};
    out.data = std::move(*data);
  }
  out.stability = stability_of(s, *steps, out.data);
  std::vector<Kernel> kernels = training_kernels(s.model(), *steps, evaluation);
  std::optional<Program> program;
  {
    Stopwatch watch(s.times, "codegen");
    program = Program::compile(kernels, compile_options(s.request, out.data), s.diagnostics);
  }
  if (!program) return {};
  if (!a.json) {
    // What is known so far is said before the run, not after it.
    show_diagnostics(a, s);
    s.diagnostics = {};
    if (a.verbose) print_error(plan_text(s, out.data, kernels));
  }
  stop_waits = 1;
  Trainer trainer{s.model(), *steps, evaluation, out.data, *program, out.stability, !a.plot.empty()};
  out.fit = train(trainer, *start, [&](const Progress& p) { show_line(a, s.model(), p); }, s.diagnostics);
  s.times["train"] = out.fit.train_seconds;
  if (!path.empty() && out.fit.usable && save(make_state(s, out.fit), path, s.diagnostics)) out.saved = path;
  if (!a.plot.empty() && out.fit.usable) write_picture(a, s, out);
  return out;
}

Json parameters_json(const Model& model, const Fit& fit) {
  Json json = Json::object();
  for (std::size_t i = 0; i < model.params.size(); ++i)
    json[model.params[i].name] = number(fit.params[i], model.graph.precision());
  return json;
}

Json result_json(const Arguments& a, const Session& s, const Trained& t, int exit) {
  const Model& model = s.model();
  Precision precision = model.graph.precision();
  Json metrics = Json::object(), reports = Json::object(), runs = Json::array(), time = Json::object();
  for (std::size_t i = 0; i < model.metrics.size(); ++i)
    metrics[model.metrics[i].name] = number(t.fit.metrics[i], precision);
  for (std::size_t i = 0; i < model.reports.size(); ++i)
    reports[model.reports[i].name] =
        Json{{"estimate", number(t.fit.reports[i], precision)}, {"std_error", nullptr}};
  for (const RunReport& run : t.fit.runs)
    runs.push_back(Json{{"optimizer", run.optimizer.name},
                        {"steps", run.steps},
                        {"status", to_string(run.status)},
                        {"loss", number(run.loss, precision)},
                        {"stopped_by", run.status == Status::finished ? "steps" : to_string(run.status)}});
  for (const char* name : {"total", "frontend", "differentiate", "codegen", "load", "train"}) {
    auto found = s.times.find(name);
    time[name] = found == s.times.end() ? 0.0 : found->second;
  }
  time["per_step"] =
      t.fit.steps > 0 ? Json(t.fit.train_seconds / static_cast<double>(t.fit.steps)) : Json(nullptr);
  Json json{{"slope", 1},
            {"model", escaped(s.request.source.name())},
            {"status", to_string(t.fit.status)},
            {"steps", t.fit.steps},
            {"epochs", t.fit.epochs ? Json(t.fit.steps) : Json(nullptr)},
            {"rows", t.data.rows},
            {"precision", to_string(precision)},
            {"seed", model.seed.value_or(0)},
            {"threads", 1},
            {"loss", number(t.fit.loss, precision)},
            {"metrics", metrics},
            {"validation", nullptr},
            {"parameters", parameters_json(model, t.fit)},
            {"fit", nullptr},
            {"statistics", nullptr},
            {"reports", reports},
            {"runs", runs},
            {"stability_bound", t.stability ? Json(t.stability->bound()) : Json(nullptr)},
            {"time", time},
            {"weights", t.saved.empty() ? Json(nullptr) : Json(escaped(t.saved))}};
  if (!a.plot.empty()) json["plot"] = t.plot.empty() ? Json(nullptr) : Json(escaped(t.plot));
  if (exit != 0) json["exit"] = exit;
  json["diagnostics"] = diagnostics_json(s.diagnostics, s.sources);
  return json;
}

std::string result_text(const Session& s, const Trained& t) {
  const Model& model = s.model();
  Precision precision = model.graph.precision();
  std::vector<std::pair<std::string, double>> lines;
  for (std::size_t i = 0; i < model.params.size(); ++i)
    lines.emplace_back(model.params[i].name, t.fit.params[i]);
  lines.emplace_back("loss", t.fit.loss);
  for (std::size_t i = 0; i < model.metrics.size(); ++i)
    lines.emplace_back(model.metrics[i].name, t.fit.metrics[i]);
  for (std::size_t i = 0; i < model.reports.size(); ++i)
    lines.emplace_back(model.reports[i].name, t.fit.reports[i]);
  int widest = 0;
  for (const auto& [name, value] : lines) widest = std::max(widest, display_width(name));
  std::string out;
  for (const auto& [name, value] : lines)
    out += name + std::string(static_cast<std::size_t>(widest - display_width(name)), ' ') + " = " +
           number_text(value, precision) + "\n";
  return out;
}

// Before anything is computed for it.
bool check_plot(const Arguments& a, Session& s, const std::string& saved) {
  if (a.plot == saved)
    s.diagnostics.error(Code::usage,
                        fmt::format("`{}` cannot be both the state and the picture", escaped(saved)));
  return a.plot != saved && check_output(a, s, a.plot, s.diagnostics);
}

int exit_of(const Session& s, const Trained& t) {
  if (s.diagnostics.has_errors()) return s.diagnostics.exit_code();
  if (t.fit.status == Status::interrupted) return 128 + stop_signal;
  return exit_code::done;
}

}  // namespace

int run_train(const Arguments& a) {
  double began = seconds_now();
  Session s = open_session(a);
  std::string path = save_path(a);
  if (s.diagnostics.has_errors() || !prepare(s) ||
      (!path.empty() && !check_output(a, s, path, s.diagnostics)) ||
      (!a.plot.empty() && !check_plot(a, s, path)))
    return finish(a, s, nullptr, s.diagnostics.exit_code());
  note_assumed(s);
  auto trained = train_model(a, s, path);
  s.times["total"] = seconds_now() - began;
  if (!trained) return finish(a, s, nullptr, s.diagnostics.exit_code());
  int exit = exit_of(s, *trained);
  if (!a.json && !a.quiet && trained->fit.usable && !print(result_text(s, *trained), s.diagnostics) &&
      exit == exit_code::done)
    exit = exit_code::system;
  if (!a.json && !a.quiet && !trained->saved.empty())
    print_error(fmt::format("saved {}\n", escaped(trained->saved)));
  if (!a.json && !a.quiet && !trained->plot.empty())
    print_error(fmt::format("drawn {}\n", escaped(trained->plot)));
  Json json;
  if (a.json) json = result_json(a, s, *trained, exit);
  return finish(a, s, a.json ? &json : nullptr, exit);
}

}  // namespace slope
