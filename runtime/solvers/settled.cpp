// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/solvers/settled.h"

#include <fmt/format.h>
#include <Eigen/Eigenvalues>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/text.h"
#include "runtime/solvers/optimality.h"
#include "runtime/solvers/outcome.h"

namespace slope {

namespace {

constexpr std::int64_t most_elements = 50;
constexpr double most_numbers = 2e6;  // to be interpreted
// The fall ahead, beside the loss's terms and beside the fall that was.
constexpr double far = 0.1, far_beside_fallen = 1e-4;

double numbers(const SolverFunction& f, std::int64_t rows) {
  double count = 0;
  for (std::size_t i = 0; i < f.fused.graph.size(); ++i) {
    NodeId id(static_cast<std::int64_t>(i));
    count += static_cast<double>(elements(f.fused.graph.shape(id))) *
             (f.fused.graph.has_rows(id) ? static_cast<double>(rows) : 1);
  }
  return count;
}

// The fall that the Hessian promises where it curves up.
double fall_ahead(Evaluator& at, const VectorXd& x, const Evaluator::Parts& parts) {
  MatrixXd hessian = at.hessian(x);
  if (!hessian.allFinite() || hessian.isZero(0)) return 0;
  VectorXd unit = units_of(hessian).cwiseSqrt().cwiseInverse();
  Eigen::SelfAdjointEigenSolver<MatrixXd> of(unit.asDiagonal() * hessian * unit.asDiagonal());
  VectorXd along = of.eigenvectors().transpose() * unit.cwiseProduct(parts.gradient);
  double fall = 0, largest = of.eigenvalues().cwiseAbs().maxCoeff();
  for (Eigen::Index k = 0; k < along.size(); ++k)
    if (double curvature = of.eigenvalues()[k]; curvature > 1e-10 * largest)
      fall += along[k] * along[k] / (2 * curvature);
  return fall;
}

std::vector<double> over_all(const Evaluator& at, const VectorXd& x, std::size_t count) {
  std::vector<double> out(count);
  for (Eigen::Index i = 0; i < x.size(); ++i) out[static_cast<std::size_t>(at.element(i))] = x[i];
  return out;
}

}  // namespace

bool goes_down(const Model& model, const std::vector<double>& at,
               const std::function<double(const std::vector<double>&)>& loss,
               const std::function<std::vector<double>()>& gradient) {
  std::vector<bool> needed = live(model.graph, std::span(&model.loss, 1));
  bool held = false;
  for (std::size_t i = 0; i < needed.size(); ++i)
    held |= needed[i] && model.graph[NodeId(static_cast<std::int64_t>(i))].kind == NodeKind::stop_gradient;
  if (!held) return true;
  std::vector<double> slope = gradient(), ahead = at, back = at;
  if (slope.empty()) return !model.keeps_or_draws();
  double squares = 0, size = 1;
  for (std::size_t i = 0; i < slope.size(); ++i) {
    squares += slope[i] * slope[i];
    size = std::max(size, std::fabs(at[i]));
  }
  double epsilon = model.graph.precision() == Precision::f32 ? std::numeric_limits<float>::epsilon()
                                                             : std::numeric_limits<double>::epsilon();
  double length = std::sqrt(epsilon) * size / std::sqrt(squares);
  for (std::size_t i = 0; i < slope.size(); ++i) {
    ahead[i] += length * slope[i];
    back[i] -= length * slope[i];
  }
  double difference = (loss(ahead) - loss(back)) / (2 * length);
  return std::fabs(difference - squares) < 0.05 * squares;
}

double penalized(const Model& model, std::span<const double> params, double loss) {
  double most = 0, squares = 0;
  for (const Training& each : model.trainings) most = std::max(most, each.terms.l2 + each.terms.weight_decay);
  for (double x : params.first(static_cast<std::size_t>(model.param_elements()))) squares += x * x;
  return loss + most / 2 * squares;
}

void report_rise(const Training& training, double start, double end, double best, double rate,
                 Diagnostics& diagnostics) {
  Diagnostic& d = diagnostics.error(
      Code::rose, training.span,
      fmt::format("the loss rose from {:.6g} at the start to {:.6g} at the end", start, end));
  d.notes.push_back(fmt::format("the result is the best seen, with a loss of {:.6g}", best));
  d.helps.push_back(
      fmt::format("the rate {} is too large for these columns: try rate={}, or read them `standardized`",
                  shortest(rate), shortest(rate / 100)));
}

void warn_unless_settled(const Model& model, const Training& training, const std::vector<int>& trained,
                         const Program& program, const Dataset& data, std::span<const double> params,
                         std::span<const double> began, double fallen, Diagnostics& diagnostics) {
  std::int64_t count = 0;
  for (int index : trained) count += std::ssize(model.params[static_cast<std::size_t>(index)].start);
  if (count > most_elements) return;
  auto graphs = proof_graphs(model, training, trained);
  double work = numbers(graphs->proof, data.rows);
  if (graphs->product) work += numbers(*graphs->product, data.rows) * static_cast<double>(count);
  if (work > most_numbers) return;
  auto own = static_cast<std::size_t>(model.param_elements());
  Evaluator at(*graphs, 0, program, model, data, params.first(own)),
      from(*graphs, 0, program, model, data, began.first(own));
  VectorXd x = at.start(), start = from.start();
  Optimality found = examine(at, x, start);
  if (found.fault == Optimality::Fault::not_finite) return;
  double ahead = fall_ahead(at, x, found.parts);
  bool endless = found.fault == Optimality::Fault::no_minimum;
  if (endless || (ahead > far * found.parts.terms && ahead > far_beside_fallen * std::fabs(fallen))) {
    std::string how =
        endless ? "the loss goes on falling, however far the parameters go"
                : fmt::format("the training ended on its way: the loss {:.6g} could fall by about {:.2g}",
                              found.parts.loss, ahead);
    Diagnostic& d = diagnostics.warning(Code::not_settled, training.span, how);
    d.notes.push_back(largest_derivatives(model, params, over_all(at, found.parts.gradient, own),
                                          over_all(at, found.parts.sizes, own)));
    d.helps.push_back(endless
                          ? "add a term such as 1e-3*sum(w^2) to the loss"
                          : "give more steps, another rate, `standardized` columns, or `optimizer=newton`");
  }
  SolverRun run;
  run.steps = 1;
  run.params.assign(params.begin(), params.begin() + static_cast<std::ptrdiff_t>(own));
  for (Eigen::Index i : found.undetermined) run.redundant.push_back(at.element(i));
  run.verdict.tested = true;
  run.verdict.gradient = over_all(at, found.parts.gradient, own);
  run.verdict.sizes = over_all(at, found.parts.sizes, own);
  report_outcome(model, training, run, began, diagnostics);
}

}  // namespace slope
