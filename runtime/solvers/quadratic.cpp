// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The minimum of a quadratic loss. A sum of squares is solved by the QR decomposition of its derivatives,
// which keeps twice the digits that the Hessian would; any other by the eigenvectors of the Hessian. A second
// solve from the point found takes back what the first one's rounding cost.
#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>

#include "runtime/solvers/methods.h"
#include "runtime/solvers/triangular.h"

namespace slope {

namespace {

constexpr int solves = 3;

// Goes on while the sum of squares does not rise.
VectorXd solve_squares(Search& s, Search::Stop& stop) {
  VectorXd x = s.from;
  double squares = s.at.residuals(x);
  stop.redundant = redundant_columns(s.at.triangle());
  stop.left = true;
  for (int k = 0; k < solves; ++k) {
    VectorXd next = x + least_squares_step(s.at.triangle(), stop.redundant);
    double sum = s.at.residuals(next);
    if (!std::isfinite(sum) || (k > 0 && sum > squares)) break;
    x = next;
    squares = sum;
  }
  s.at.residuals(x);
  MatrixXd triangle = s.at.triangle();
  stop.promised = predicted_decrease(triangle, least_squares_step(triangle, stop.redundant));
  return x;
}

VectorXd solve_hessian(Search& s, Search::Stop& stop) {
  VectorXd x = s.from, g;
  s.at.objective(x, g);
  MatrixXd h = s.at.hessian(x);
  // Units of the parameters out of the way.
  VectorXd unit = h.diagonal().cwiseAbs().cwiseSqrt();
  for (Eigen::Index i = 0; i < unit.size(); ++i) unit[i] = unit[i] > 0 ? 1 / unit[i] : 1;
  Eigen::SelfAdjointEigenSolver<MatrixXd> parts(unit.asDiagonal() * h * unit.asDiagonal());
  const VectorXd& values = parts.eigenvalues();
  double none = values.cwiseAbs().maxCoeff() * rounding * 8 * static_cast<double>(x.size());
  if (values[0] < -none) stop.end = SolverEnd::unbounded;
  VectorXd weight = VectorXd::Zero(x.size());
  for (Eigen::Index k = 0; k < x.size(); ++k)
    if (values[k] <= none) weight += parts.eigenvectors().col(k).cwiseAbs();
  for (int step = 0; step < 2; ++step) {
    if (step > 0) s.at.objective(x, g);
    VectorXd along = parts.eigenvectors().transpose() * unit.cwiseProduct(g);
    double largest = along.cwiseAbs().maxCoeff();
    for (Eigen::Index k = 0; k < x.size(); ++k) {
      // Flat along k: no minimum where the loss still falls.
      if (values[k] <= none && step == 0 && std::fabs(along[k]) > 1e-8 * largest)
        stop.end = SolverEnd::unbounded;
      along[k] = values[k] <= none ? 0 : along[k] / values[k];
    }
    if (stop.end == SolverEnd::unbounded) return x;
    x -= unit.cwiseProduct(parts.eigenvectors() * along);
  }
  for (Eigen::Index i = 0; i < x.size(); ++i)
    if (weight[i] > 1e-8) stop.redundant.push_back(i);
  stop.nearest = true;
  return x;
}

}  // namespace

Search::Stop solve_exactly(Search& search) {
  Search::Stop stop;
  if (!search.may_step(std::numeric_limits<double>::quiet_NaN(), search.from, stop)) return stop;
  // A negative weight has no root: such a loss is quadratic, but no sum of squares.
  bool squares = search.at.least_squares() &&
                 (std::isfinite(search.at.residuals(search.from)) || !search.at.has_product());
  stop.x = squares ? solve_squares(search, stop) : solve_hessian(search, stop);
  stop.by = stop.end == SolverEnd::unbounded ? "no minimum" : "solved";
  search.steps += stop.end == SolverEnd::unbounded ? 0 : 1;
  return stop;
}

}  // namespace slope
