// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/stability.h"

#include <fmt/format.h>
#include <Eigen/Eigenvalues>

#include <algorithm>
#include <cmath>

#include "codegen/block_plan.h"
#include "graph/gradient.h"
#include "graph/loss_class.h"
#include "runtime/inputs.h"

namespace slope {

namespace {

constexpr std::size_t most_params = 50;

struct Budget {
  std::size_t operations;  // of the gradients, times parameters: the work of differentiating
  double numbers;          // that the interpreter computes
};

std::size_t count_live(const Graph& graph, std::span<const NodeId> roots) {
  std::vector<bool> needed = live(graph, roots);
  return static_cast<std::size_t>(std::count(needed.begin(), needed.end(), true));
}

// The second derivatives by the trained parameters, in a graph of their own: that of the model, since what is
// fused has lost the taps and the ops whose parts have kinks.
struct Hessian {
  Graph graph;
  std::vector<NodeId> entries;  // the upper triangle, row by row; invalid: identically 0
  std::vector<NodeId> roots;    // the valid ones

  Hessian(const Model& model, const StepGraph& step) : graph(model.graph) {
    std::vector<NodeId> params;
    for (int index : step.trained) params.push_back(graph.param(index));
    std::vector<NodeId> gradient = differentiate(graph, model.loss, params);
    for (std::size_t i = 0; i < params.size(); ++i) {
      std::vector<NodeId> row = differentiate(graph, gradient[i], std::span(params).subspan(i));
      entries.insert(entries.end(), row.begin(), row.end());
    }
    for (NodeId entry : entries)
      if (entry.valid()) roots.push_back(entry);
  }

  bool constant() const {
    std::vector<bool> needed = live(graph, roots);
    for (std::size_t i = 0; i < needed.size(); ++i)
      if (needed[i] && graph[NodeId(static_cast<std::int64_t>(i))].kind == NodeKind::param) return false;
    return true;
  }

  double numbers(std::int64_t rows) const {
    std::vector<bool> needed = live(graph, roots);
    double count = 0;
    for (std::size_t i = 0; i < needed.size(); ++i)
      if (needed[i])
        count += graph.has_rows(NodeId(static_cast<std::int64_t>(i))) ? static_cast<double>(rows) : 1;
    return count;
  }

  Eigen::MatrixXd at(std::size_t n, const Inputs<double>& inputs) const {
    auto values = evaluate<double>(graph, roots, inputs);
    auto size = static_cast<Eigen::Index>(n);
    Eigen::MatrixXd matrix = Eigen::MatrixXd::Zero(size, size);
    std::size_t entry = 0, value = 0;
    for (Eigen::Index i = 0; i < size; ++i)
      for (Eigen::Index j = i; j < size; ++j)
        if (entries[entry++].valid()) matrix(i, j) = matrix(j, i) = values[value++][0];
    return matrix;
  }
};

std::optional<Stability> of_matrix(const Eigen::MatrixXd& matrix, const Model& model, const StepGraph& step) {
  if (!matrix.allFinite()) return {};
  Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(matrix);
  if (solver.info() != Eigen::Success) return {};
  Stability out;
  Eigen::Index last = matrix.rows() - 1;
  out.smallest = solver.eigenvalues()(0);
  out.largest = solver.eigenvalues()(last);
  if (!(out.largest > 0) || !std::isfinite(out.bound())) return {};
  Eigen::VectorXd vector = solver.eigenvectors().col(last);
  Eigen::Index most = 0;
  vector.cwiseAbs().maxCoeff(&most);
  if (vector(most) < 0) vector = -vector;
  out.direction.resize(model.params.size());
  for (std::size_t i = 0; i < step.trained.size(); ++i)
    out.direction[static_cast<std::size_t>(step.trained[i])] = vector(static_cast<Eigen::Index>(i));
  return out;
}

bool affordable(const StepGraph& step, std::size_t most_operations) {
  const Graph& graph = step.fused.graph;
  if (has_axes(graph) || has(graph, NodeKind::state) || has(graph, NodeKind::draw)) return false;
  std::size_t n = step.trained.size();
  return n > 0 && n <= most_params && count_live(step.fused.graph, step.gradients) * n <= most_operations;
}

double cells(const Dataset& data) {
  double count = 0;
  for (const Column& column : data.columns) count += static_cast<double>(column.rows());
  return count;
}

std::optional<Stability> evaluated(const Hessian& hessian, const Model& model, const StepGraph& step,
                                   const Dataset& data, std::span<const double> params, double most_numbers) {
  if (hessian.numbers(data.rows) > most_numbers) return {};
  auto inputs = interpreter_inputs<double>(model, data, params, all_rows(data));
  auto out = of_matrix(hessian.at(step.trained.size(), inputs), model, step);
  if (out) out->constant = hessian.constant();
  return out;
}

// "w 0.99, b -0.12": the largest parts of the direction.
std::string direction_text(const Model& model, const Stability& s) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < s.direction.size(); ++i)
    if (std::fabs(s.direction[i]) >= 0.005) order.push_back(i);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return std::fabs(s.direction[a]) > std::fabs(s.direction[b]);
  });
  std::string out;
  for (std::size_t k = 0; k < std::min<std::size_t>(order.size(), 4); ++k)
    out += fmt::format("{}{} {:.2g}", k ? ", " : "", model.params[order[k]].name, s.direction[order[k]]);
  return order.size() > 4 ? out + ", …" : out;
}

}  // namespace

std::string good_rate(const Stability& s) {
  double rate = 1 / s.largest, unit = std::pow(10, std::floor(std::log10(rate)) - 1);
  return fmt::format("{:.2g}", std::floor(rate / unit) * unit);
}

std::optional<Stability> constant_stability(const Model& model, const StepGraph& step, const Dataset& data) {
  constexpr Budget most{20'000, 4e6};
  if (!affordable(step, most.operations) || Degrees(model.graph)[model.loss] > 2) return {};
  Hessian hessian(model, step);
  if (hessian.roots.empty() || !hessian.constant()) return {};
  std::vector<double> anywhere(model.params.size());
  double numbers = std::min(most.numbers, std::max(20'000.0, 4 * cells(data)));
  auto out = evaluated(hessian, model, step, data, anywhere, numbers);
  // A loss that curves down somewhere has no minimum, and no rate is right for it.
  if (out && out->smallest < -1e-9 * out->largest) return {};
  return out;
}

bool may_be_quadratic(const std::vector<StepGraph>& steps) {
  const StepGraph* step = gradient_descent(steps);
  return step && !has_axes(step->fused.graph) && Degrees(step->fused.graph)[step->loss] <= 2;
}

std::optional<Stability> stability_at(const Model& model, const StepGraph& step, const Dataset& data,
                                      std::span<const double> params) {
  constexpr Budget most{200'000, 2e7};
  if (!affordable(step, most.operations)) return {};
  Hessian hessian(model, step);
  if (hessian.roots.empty()) return {};
  return evaluated(hessian, model, step, data, params, most.numbers);
}

const StepGraph* gradient_descent(const std::vector<StepGraph>& steps) {
  for (const StepGraph& step : steps)
    if (step.gradient_descent) return &step;
  return nullptr;
}

bool steady(const Training& training) {
  return !training.batches() && training.decay.name == "constant" && training.warmup == 0;
}

void warn_of_rates(const Model& model, const std::vector<StepGraph>& steps, const Stability& s,
                   Diagnostics& diagnostics) {
  const StepGraph* descent = gradient_descent(steps);
  if (!descent) return;
  for (const Training& training : model.trainings) {
    if (!descent->serves(training) || training.rate_auto || !steady(training) || training.steps < 2 ||
        !(s.factor(training.rate) < -1))
      continue;
    double factor = s.factor(training.rate);
    Diagnostic& d = diagnostics.warning(
        Code::unstable_rate, training.span,
        fmt::format("the rate {:.6g} is above the stability bound {:.6g}: gradient descent will diverge",
                    training.rate, s.bound()));
    d.notes.push_back(
        fmt::format("the bound is 2/λmax; λmax = {:.6g} is the largest curvature of the loss", s.largest));
    d.notes.push_back(
        fmt::format("along ({}), the steepest direction, each step multiplies the error by {:.3g}, its part "
                    "of the loss by {:.3g}",
                    direction_text(model, s), factor, factor * factor));
    if (s.smallest > 0 && s.largest > 1e3 * s.smallest)
      d.notes.push_back(
          fmt::format("the curvature differs by a factor of {:.2g} between directions: columns of similar "
                      "scale, with mean "
                      "0, would allow a larger rate",
                      s.largest / s.smallest));
    d.helps.push_back("try a rate below the bound: rate=" + good_rate(s));
  }
}

bool explain_rate(const Model& model, const Stability& s, double rate, Diagnostic& d) {
  double factor = s.factor(rate);
  if (!(factor < -1)) {
    if (!s.constant)
      d.notes.push_back(fmt::format(
          "at the start rates below {:.6g} are stable (2/λmax): further on the loss is steeper", s.bound()));
    return false;
  }
  d.notes.push_back(
      fmt::format("{}: rate {:.6g} is above the stability bound {:.6g} (2/λmax{}), so the error along ({}) "
                  "is multiplied by "
                  "{:.3g} a step",
                  s.constant ? "each step overshoots" : "the first steps overshoot", rate, s.bound(),
                  s.constant ? "" : " at the start", direction_text(model, s), factor));
  d.helps.push_back("try a rate below the bound: rate=" + good_rate(s));
  return true;
}

}  // namespace slope
