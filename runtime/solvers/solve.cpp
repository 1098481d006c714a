// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/solvers/solve.h"

#include <algorithm>
#include <cmath>

#include "runtime/solvers/methods.h"

namespace slope {

bool Search::may_step(double loss, const VectorXd& x, SolverRun& run) {
  if (steps >= options.steps) {
    run.end = SolverEnd::limit;
    run.stopped_by = "steps";
    return false;
  }
  if (!before_step(steps, loss, at.all(x))) {
    run.end = SolverEnd::interrupted;
    run.stopped_by = "interrupted";
    return false;
  }
  return true;
}

double relative_gradient(const VectorXd& g, const VectorXd& x, double loss, double scale) {
  double largest = 0;
  for (Eigen::Index i = 0; i < g.size(); ++i)
    largest = std::max(largest, std::fabs(g[i]) * std::max(std::fabs(x[i]), 1.0));
  return largest == 0 ? 0 : largest / std::max(std::fabs(loss), scale);
}

SolverRun solve(const SolverGraphs& graphs, std::size_t number, const Program& program, const Model& model,
                const Dataset& data, std::span<const double> params, const SolverOptions& options,
                const SolverStep& before_step) {
  Evaluator evaluator(graphs, number, program, model, data, params);
  Search search{evaluator, options, before_step};
  if (graphs.bent()) return solve_bent(search);
  if (graphs.name == "exact") return solve_exactly(search);
  if (graphs.name == "lm") return levenberg_marquardt(search);
  return graphs.name == "newton" ? newton(search) : lbfgs(search);
}

}  // namespace slope
