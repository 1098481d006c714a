// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// slope check: what can be said of a model without training it.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "driver/output.h"
#include "runtime/batches.h"
#include "runtime/explain.h"
#include "runtime/folds.h"
#include "runtime/gradient_check.h"
#include "runtime/inputs.h"
#include "runtime/parameters.h"
#include "runtime/solvers/graphs.h"
#include "runtime/stability.h"
#include "runtime/validation.h"

namespace slope {

namespace {

// Derivatives of one order and the numbers they are checked at.
struct Checked {
  std::string_view what;  // "derivative", "second derivative"
  std::vector<std::int64_t> rows;
  std::int64_t of_rows = 0;
  GradientCheck gradients;
};

std::string count(std::int64_t n, std::string_view what) {
  return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s");
}

// The bound for the rates of plain gradient descent, with a warning of rates above it; needs the cells of the
// data.
std::optional<Stability> check_rates(Session& s, const std::vector<StepGraph>& steps, const Dataset& data) {
  const StepGraph* descent = gradient_descent(steps);
  if (!descent) return {};
  auto stability = constant_stability(s.model(), *descent, data);
  if (stability) warn_of_rates(s.model(), steps, *stability, s.diagnostics);
  return stability;
}

// "less_equal of 0 and 0 in row 3 of the data"
std::string where_text(const Graph& graph, const Culprit& culprit, const Checked& checked) {
  const Node& node = graph[culprit.decides.valid() ? culprit.decides : culprit.node];
  std::string out(node.kind == NodeKind::reduce ? to_string(node.reduction) : info(node.op).name);
  if (node.kind == NodeKind::reduce)
    out += fmt::format(" over {}, where several are the same,",
                       graph.numbers(node)[0] == rows_axis ? "the rows" : "an axis");
  for (std::size_t k = 0; k < culprit.operands.size(); ++k)
    out += fmt::format("{}{}", k == 0 ? " of " : " and ", shortest(culprit.operands[k]));
  if (culprit.row)
    out += fmt::format(" in row {} of the data", checked.rows[static_cast<std::size_t>(*culprit.row)] + 1);
  return out;
}

std::optional<Span> place(const Graph& graph, const Culprit& culprit) {
  // The prelude's functions are inlined: the place in the model's own text tells more.
  for (Span span : graph.origins(culprit.node))
    if (span.file == 0) return span;
  return {};
}

void report_kink(const Session& s, const Graph& graph, const Checked& checked, std::size_t param,
                 Diagnostics& out) {
  const DerivativeCheck& d = checked.gradients.params[param];
  const Parameter& p = s.model().params[param];
  Diagnostic& told = out.warning(
      Code::kink, place(graph, *d.culprit).value_or(p.span),
      fmt::format("the {} by `{}` is taken at a kink, where there is none", checked.what, p.name));
  bool condition = d.culprit->decides.valid();
  told.notes.push_back(
      fmt::format("{}{}", where_text(graph, *d.culprit, checked),
                  condition ? ": the condition changes there, and the branches do not join smoothly" : ""));
  told.notes.push_back(fmt::format("around the start the {} is right", checked.what));
}

void report_wrong(const Session& s, const Graph& graph, const Checked& checked, std::size_t param,
                  Diagnostics& out) {
  const DerivativeCheck& d = checked.gradients.params[param];
  const Parameter& p = s.model().params[param];
  std::optional<Span> span = d.culprit ? place(graph, *d.culprit) : std::nullopt;
  std::string what =
      d.order ? fmt::format("is wrong: the Taylor remainder falls with order {:.2f}, not 2", *d.order)
              : std::string("is not finite at any point near the start");
  Diagnostic& told = out.error(Code::wrong_derivative, span.value_or(p.span),
                               fmt::format("the {} by `{}` {}", checked.what, p.name, what));
  if (d.mismatch) told.notes.push_back(fmt::format("it is off by {:.2g} of its size", *d.mismatch));
  if (d.culprit)
    told.notes.push_back(
        fmt::format("the first operation {}: {}",
                    d.order ? "that its own derivative does not describe" : "without a finite derivative",
                    where_text(graph, *d.culprit, checked)));
  else if (d.order)
    told.notes.push_back(
        "every operation fits its own derivative: this is a fault of Slope's, please report it");
}

// Some rows and the starts of the parameters, and what the problem's loss is there.
struct Sample {
  std::vector<std::int64_t> rows;
  Inputs<double> inputs;
  double loss = 0;
};
Sample sample_of(const Session& s, const GradientProblem& problem, const Dataset& data,
                 std::span<const double> start) {
  Sample out{spread_rows(data, most_rows_to_check(problem)), {}, 0};
  out.inputs = interpreter_inputs<double>(s.model(), data, start, out.rows);
  out.loss = evaluate<double>(problem.graph, std::span(&problem.loss, 1), out.inputs)[0][0];
  return out;
}

Checked check_sample(Session& s, const GradientProblem& problem, std::string_view what, Sample sample,
                     const Dataset& data) {
  Checked out{what, std::move(sample.rows), data.rows, check_gradient(problem, sample.inputs)};
  for (std::size_t i = 0; i < s.model().params.size(); ++i) {
    DerivativeStatus status = out.gradients.params[i].status;
    if (status == DerivativeStatus::kink) report_kink(s, problem.graph, out, i, s.diagnostics);
    if (status == DerivativeStatus::wrong) report_wrong(s, problem.graph, out, i, s.diagnostics);
  }
  return out;
}

// Whether a train statement goes by second derivatives.
bool uses_second_derivatives(const std::vector<StepGraph>& steps) {
  return std::ranges::any_of(steps, [](const StepGraph& step) {
    return step.curvature || (step.solver && step.solver->product && step.solver->name != "lbfgs");
  });
}

// Of the first order, then of the second where a train statement uses it. Needs the data; with a diagnostic
// and nothing where they, or a finite loss, are not there.
std::vector<Checked> check_gradients(Session& s, const std::vector<StepGraph>& steps, const Dataset& data) {
  const Model& model = s.model();
  GradientGraph gradient = gradient_graph(*s.lowered);
  Graph& graph = s.lowered->model().graph;
  GradientProblem problem{graph, model.loss, std::vector<NodeId>(model.params.size())};
  const std::vector<int>& trained = steps[0].trained;
  for (std::size_t i = 0; i < trained.size(); ++i)
    problem.gradient[static_cast<std::size_t>(trained[i])] = gradient.roots[i + 1];
  std::vector<double> start = starts(model);
  if (graph.precision() == Precision::f32)
    for (double& value : start) value = static_cast<float>(value);
  Sample sample = sample_of(s, problem, data, start);
  if (!std::isfinite(sample.loss)) {
    Diagnostic& d = s.diagnostics.error(Code::not_finite_at_start, model.trainings[0].span,
                                        fmt::format("the loss is {} at the start", shortest(sample.loss)));
    if (auto culprit = first_not_finite(model, graph, std::span(&model.loss, 1), data, start))
      blame(d, *culprit);
    return {};
  }
  std::vector<Checked> out{check_sample(s, problem, "derivative", std::move(sample), data)};
  if (!uses_second_derivatives(steps)) return out;
  GradientProblem second = slope_problem(graph, problem);
  sample = sample_of(s, second, data, start);
  // Where it is not, the first order has said so.
  if (std::isfinite(sample.loss))
    out.push_back(check_sample(s, second, "second derivative", std::move(sample), data));
  return out;
}

std::string table(const Session& s, const Checked& checked) {
  const Model& model = s.model();
  std::string rows = checked.of_rows == 0 ? "" : ", " + count(std::ssize(checked.rows), "row");
  if (std::ssize(checked.rows) < checked.of_rows)
    rows += fmt::format(" of {}, evenly spaced", checked.of_rows);
  std::string out = fmt::format("{}s by the order of the Taylor remainder, 2 where right ({}{}):\n",
                                checked.what, count(checked.gradients.points, "point"), rows);
  std::vector<std::pair<std::string, const DerivativeCheck*>> lines;
  for (std::size_t i = 0; i < model.params.size(); ++i)
    lines.emplace_back(model.params[i].name, &checked.gradients.params[i]);
  if (model.params.size() > 1) lines.emplace_back("(random directions)", &checked.gradients.directions);
  int widest = 0;
  for (const auto& [name, check] : lines) widest = std::max(widest, display_width(name));
  for (const auto& [name, d] : lines) {
    std::string order = d->order ? fmt::format("order {:.2f}", *d->order) : "order -";
    std::string line = fmt::format("  {}{}  {:<10}  {:<7}", name,
                                   std::string(static_cast<std::size_t>(widest - display_width(name)), ' '),
                                   order, to_string(d->status));
    bool off = d->status == DerivativeStatus::kink || d->status == DerivativeStatus::wrong;
    if (d->mismatch) line += fmt::format("  off by {}{:.1e}", off ? "" : "at most ", *d->mismatch);
    else if (d->status == DerivativeStatus::right) line += "  0 within the rounding errors";
    while (line.ends_with(' ')) line.pop_back();
    out += line + "\n";
  }
  return out;
}

Json derivative_json(const DerivativeCheck& d) {
  return Json{{"order", d.order ? Json(*d.order) : Json(nullptr)},
              {"status", to_string(d.status)},
              {"mismatch", d.mismatch ? Json(*d.mismatch) : Json(nullptr)}};
}

Json checked_json(const Session& s, const Checked& checked) {
  Json json, list = Json::array();
  for (std::size_t i = 0; i < s.model().params.size(); ++i) {
    Json item{{"parameter", s.model().params[i].name}};
    item.update(derivative_json(checked.gradients.params[i]));
    list.push_back(item);
  }
  json["gradients"] = list;
  json["directions"] = derivative_json(checked.gradients.directions);
  json["points"] = checked.gradients.points;
  json["rows_checked"] = checked.rows.size();
  return json;
}

// What needs the cells of the data and the derivatives.
struct Numbers {
  std::optional<Stability> stability;
  std::vector<Checked> checked;  // by order
};

// Whether the cells say more of the model: how many rows a batch is of, which standardized columns are
// constant.
bool cells_matter(const Model& model) {
  auto batched = [](const Training& training) { return training.batch.has_value(); };
  auto standardized = [](const DataColumn& column) { return column.standardized; };
  return std::ranges::any_of(model.columns, standardized) ||
         (std::ranges::any_of(model.trainings, batched) && growth_with_rows(model.graph, model.loss) > 0);
}

// What training would say of data and model; false where it would refuse them.
bool settle(Session& s, std::int64_t rows) {
  CountedRows counted = counted_rows(s.model());
  if (!check_folds(s, rows)) return false;
  return settle_trainings(s.lowered->model(), counted ? std::ssize(counted(rows)) : rows, s.diagnostics);
}

// The cells are read where the gradients are asked for, where the loss may have a stability bound or where
// they matter otherwise; in the latter cases faults in them are no matter.
std::optional<Numbers> check_numbers(const Arguments& a, Session& s) {
  Numbers out;
  auto steps = step_graphs(*s.lowered, s.diagnostics);
  if (!steps) return {};
  if (!s.has_data() && !settle(s, 0)) return {};
  if (!a.gradients && !may_be_quadratic(*steps) && !cells_matter(s.model())) return out;
  Dataset data;
  if (s.has_data()) {
    Diagnostics faults;
    auto read =
        read_columns(s.model(), *s.opened, columns_read((*steps)[0].fused.graph, s.model().columns.size()),
                     false, faults, counted_rows(s.model()));
    for (const Diagnostic& d : faults.all())
      if (a.gradients || (read && d.severity == Severity::warning)) s.diagnostics.add(d);
    if (!read) return a.gradients ? std::nullopt : std::optional(std::move(out));
    data = std::move(*read);
    if (!settle(s, data.rows)) return {};
  }
  out.stability = check_rates(s, *steps, data);
  if (!a.gradients) return out;
  out.checked = check_gradients(s, *steps, data);
  return out.checked.empty() ? std::nullopt : std::optional(std::move(out));
}

std::string summary(const Session& s, const Numbers& numbers) {
  std::int64_t warnings = 0;
  for (const Diagnostic& d : s.diagnostics.all()) warnings += d.severity == Severity::warning;
  std::string out =
      fmt::format("{}: {}, {}, {}\n", escaped(s.request.source.name()), parameter_count(s.model()),
                  count(std::ssize(s.model().columns), "column"), count(warnings, "warning"));
  if (numbers.stability)
    out += fmt::format("gradient descent is stable at rates below {} (2/λmax)\n",
                       significant(numbers.stability->bound()));
  for (const Checked& checked : numbers.checked) out += table(s, checked);
  return out;
}

}  // namespace

int run_check(const Arguments& a) {
  // Derivatives are the same in every precision, and in double rounding errors hide the least.
  Arguments arguments = a;
  if (a.gradients && a.precision.empty()) arguments.precision = "f64";
  Session s = open_session(arguments);
  bool fine = !s.diagnostics.has_errors() && prepare(s);
  if (fine && s.has_data()) {
    std::vector<bool> none(s.model().columns.size());
    fine = read_columns(s.model(), *s.opened, none, true, s.diagnostics).has_value();
  }
  std::optional<Numbers> numbers;
  if (fine) numbers = check_numbers(a, s);
  if (!numbers) return finish(a, s, nullptr, s.diagnostics.exit_code());
  if (a.json) {
    Json json{{"slope", 1},
              {"model", escaped(s.request.source.name())},
              {"status", s.diagnostics.has_errors() ? "error" : "finished"}};
    if (s.diagnostics.has_errors()) json["exit"] = s.diagnostics.exit_code();
    json["stability_bound"] = numbers->stability ? Json(numbers->stability->bound()) : Json(nullptr);
    if (!numbers->checked.empty()) json.update(checked_json(s, numbers->checked[0]));
    if (numbers->checked.size() > 1) json["second"] = checked_json(s, numbers->checked[1]);
    json["diagnostics"] = diagnostics_json(s.diagnostics, s.sources);
    return finish(a, s, &json, s.diagnostics.exit_code());
  }
  if (!a.quiet) print(summary(s, *numbers), s.diagnostics);
  return finish(a, s, nullptr, s.diagnostics.exit_code());
}

}  // namespace slope
