// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Newton's method. Where the loss curves down along an eigenvector of the Hessian, it is taken to curve up as
// much (Gill, Murray and Wright, Practical Optimization, 1981, section 4.4.2.1). Where a step does not bring
// the loss down as its model says, all curvatures are raised by one number, which shortens it.
#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>

#include "runtime/solvers/methods.h"

namespace slope {

namespace {

constexpr double least_ratio = 1e-4, first_damping = 1e-3, most_damping = 1e40, least_curvature = 1e-14;

// The curvature by which a parameter's unit is told: its own, but as large as its entries beside the others'
// curvatures ask for (|h_ij| ≤ √(u_i·u_j)), and none vanishing beside the largest.
VectorXd units_of(const MatrixXd& hessian) {
  VectorXd own = hessian.diagonal().cwiseAbs(), units = own;
  for (Eigen::Index i = 0; i < own.size(); ++i)
    for (Eigen::Index j = 0; j < own.size(); ++j)
      if (own[j] > 0) units[i] = std::max(units[i], hessian(i, j) * hessian(i, j) / own[j]);
  double largest = units.maxCoeff();
  bool usable = largest > 0 && std::isfinite(largest);
  return usable ? VectorXd(units.cwiseMax(1e-12 * largest)) : VectorXd::Ones(own.size());
}

class Newton {
 public:
  explicit Newton(Search& search) : s_(search), x_(search.at.start()) {}

  SolverRun run() {
    SolverRun run;
    loss_ = s_.at.objective(x_, gradient_);
    scale_ = std::min(std::fabs(loss_), 1.0);
    double tolerance = s_.options.tolerance.value_or(gradient_tolerance);
    for (;;) {
      if (relative_gradient(gradient_, x_, loss_, scale_) <= tolerance) {
        run.stopped_by = "gradient";
        if (!s_.options.tolerance) polish();
      }
      if (!run.stopped_by.empty() || !s_.may_step(loss_, x_, run)) break;
      ++s_.steps;
      if (!step()) run.stopped_by = "no decrease";
    }
    run.steps = s_.steps;
    run.params = s_.at.all(x_);
    return run;
  }

 private:
  // Each step doubles the digits there: a few more, while they shorten the gradient.
  void polish() {
    for (int k = 0; k < 3 && gradient_.norm() > 0; ++k) {
      VectorXd x = x_, gradient = gradient_;
      double loss = loss_;
      if (step() && gradient_.norm() < gradient.norm() / 2) continue;
      x_ = x;
      gradient_ = gradient;
      loss_ = loss;
      return;
    }
  }

  // False where no step brings the loss down by a number that can be told from it.
  bool step() {
    MatrixXd hessian = s_.at.hessian(x_);
    if (!hessian.allFinite()) return false;
    VectorXd unit = units_of(hessian).cwiseSqrt().cwiseInverse();
    Eigen::SelfAdjointEigenSolver<MatrixXd> parts(unit.asDiagonal() * hessian * unit.asDiagonal());
    VectorXd curvature = parts.eigenvalues().cwiseAbs();
    curvature = curvature.cwiseMax(least_curvature * curvature.maxCoeff());
    VectorXd along = parts.eigenvectors().transpose() * unit.cwiseProduct(gradient_);
    for (; damping_ < most_damping; damping_ = std::max(4 * damping_, first_damping)) {
      VectorXd moved = -along.array() / (curvature.array() + damping_);
      double predicted = -(along.dot(moved) + moved.cwiseAbs2().dot(curvature) / 2);
      VectorXd x = x_ + unit.cwiseProduct(parts.eigenvectors() * moved), gradient;
      if (!x.allFinite() || !(predicted > 0)) continue;
      if (x == x_) return false;
      double loss = s_.at.objective(x, gradient), fall = loss_ - loss;
      bool blind = predicted <= 64 * rounding * std::fabs(loss_);
      bool finite = std::isfinite(loss) && gradient.allFinite();
      bool good = finite && fall >= least_ratio * predicted;
      // Where the loss does not tell the points apart, the gradient does.
      bool nearer = finite && blind && std::fabs(fall) <= 64 * rounding * std::fabs(loss_) &&
                    gradient.norm() < gradient_.norm() / 2;
      if (good || nearer) {
        double ratio = fall / predicted;
        if (blind || ratio > 0.75) damping_ = damping_ < first_damping ? 0 : damping_ / 10;
        else if (ratio < 0.25) damping_ = std::max(4 * damping_, first_damping);
        x_ = x;
        loss_ = loss;
        gradient_ = gradient;
        return true;
      }
      if (blind) return false;
    }
    return false;
  }

  Search& s_;
  VectorXd x_, gradient_;
  double loss_ = 0, scale_ = 1, damping_ = 0;
};

}  // namespace

SolverRun newton(Search& search) { return Newton(search).run(); }

}  // namespace slope
