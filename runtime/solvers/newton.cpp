// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Newton's method. Where the loss curves down along an eigenvector of the Hessian, it is taken to curve up as
// much (Gill, Murray and Wright, Practical Optimization, 1981, section 4.4.2.1). Where a step does not bring
// the loss down as its model says, all curvatures are raised by one number, which shortens it.
#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>

#include "runtime/solvers/methods.h"
#include "runtime/solvers/optimality.h"

namespace slope {

namespace {

constexpr double least_ratio = 1e-4, first_damping = 1e-3, most_damping = 1e40, least_curvature = 1e-14,
                 flat = 1e-12;

class Newton {
 public:
  explicit Newton(Search& search) : s_(search), x_(search.from) {}

  Search::Stop run() {
    Search::Stop stop;
    loss_ = s_.at.objective(x_, gradient_);
    sizes_ = s_.at.parts(x_).sizes;
    for (;;) {
      if (is_flat()) {
        stop.by = "gradient";
        if (!s_.options.tolerance) polish();
      }
      bool goes_on = s_.may_step(loss_, x_, stop);
      if (!goes_on || !stop.by.empty()) break;
      ++s_.steps;
      if (!step()) stop.by = "no decrease";
    }
    stop.x = x_;
    return stop;
  }

 private:
  // The sizes of the gradient's terms change with the point: they are computed again where those known would
  // end the search.
  bool is_flat() {
    double tolerance = s_.options.tolerance.value_or(gradient_tolerance);
    if (relative_gradient(gradient_, sizes_) > tolerance) return false;
    sizes_ = s_.at.parts(x_).sizes;
    return relative_gradient(gradient_, sizes_) <= tolerance;
  }

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
    double largest = curvature.maxCoeff();
    VectorXd along = parts.eigenvectors().transpose() * unit.cwiseProduct(gradient_);
    // Where neither curvature nor slope is more than rounding there is no reason to move.
    VectorXd terms = parts.eigenvectors().cwiseAbs().transpose() * unit.cwiseProduct(sizes_);
    for (Eigen::Index k = 0; k < along.size(); ++k)
      if (curvature[k] <= flat * largest && std::fabs(along[k]) <= 1e-9 * terms[k]) along[k] = 0;
    curvature = curvature.cwiseMax(least_curvature * largest);
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
  VectorXd x_, gradient_, sizes_;
  double loss_ = 0, damping_ = 0;
};

}  // namespace

Search::Stop newton(Search& search) { return Newton(search).run(); }

}  // namespace slope
