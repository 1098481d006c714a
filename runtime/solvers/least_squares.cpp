// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Levenberg and Marquardt's method on QR decompositions: no J'J is formed, so a condition number is not
// squared. The damping follows the ratio of the decrease found to the one predicted, as Ceres Solver's does
// (Agarwal, Mierle and others; its rule for good steps is Nielsen's: Damping parameter in Marquardt's method,
// IMM report 1999-05). Each parameter is damped in proportion to its column's length, so its unit does not
// matter.
#include <algorithm>
#include <cmath>

#include "runtime/solvers/methods.h"
#include "runtime/solvers/triangular.h"

namespace slope {

namespace {

// How far the first step may go, in lengths of columns: short at first, as a long one may leave the valley
// for a plain where a parameter no longer matters. Where the search ends on one, it starts again with the
// next.
constexpr double first_radii[] = {1e-4, 1, 1e4};
constexpr double largest_radius = 1e32, smallest_radius = 1e-32, least_ratio = 1e-3;
// A sum of squares that is this part of the first is 0 for all that doubles can say.
constexpr double nothing_left = 1e-60;
constexpr int most_polishing = 200, most_stale = 4;

class Marquardt {
 public:
  explicit Marquardt(Search& search) : s_(search), x_(search.from) {}

  Search::Stop run() {
    Search::Stop best;
    const VectorXd start = x_;
    double lowest = HUGE_VAL;
    for (double radius : first_radii) {
      x_ = start;
      radius_ = radius;
      shrink_ = 2;
      Search::Stop stop;
      bool determined = search(stop);
      if (best.x.size() == 0 || squares_ < lowest) {
        lowest = squares_;
        best = stop;
      }
      if (determined || stop.end != SolverEnd::converged) break;
    }
    return best;
  }

 private:
  // Until a test is met. Whether there is no reason to try again: every parameter that mattered still does.
  bool search(Search::Stop& stop) {
    stop.x = x_;
    squares_ = first_squares_ = s_.at.residuals(x_);
    if (!take_derivatives()) return true;
    auto redundant = redundant_columns(triangle_);
    scale_ = (1 + lengths().array()).inverse();
    for (;;) {
      if (!s_.may_step(nan_, x_, stop)) break;
      stop.by = step();
      if (!stop.by.empty()) break;
    }
    if (!stop.by.empty() && stop.end == SolverEnd::converged) polish();
    stop.x = x_;
    stop.redundant = redundant_columns(triangle_);
    stop.promised = predicted_decrease(triangle_, least_squares_step(triangle_, stop.redundant));
    bool determined = stop.redundant.size() <= redundant.size();
    stop.redundant = dependent_columns(triangle_, stop.redundant);
    return determined;
  }

  VectorXd lengths() const { return triangle_.leftCols(x_.size()).colwise().norm().transpose(); }

  bool take_derivatives() {
    if (!s_.at.finite()) return false;
    triangle_ = s_.at.triangle();
    return triangle_.allFinite();
  }

  // One step, taken or refused; the reason to stop, or "".
  std::string step() {
    if (squares_ <= nothing_left * first_squares_) return "no decrease";
    VectorXd lengths_now = lengths().cwiseProduct(scale_).cwiseMax(1e-3).cwiseMin(1e16);
    VectorXd damping = lengths_now.cwiseQuotient(scale_) / std::sqrt(radius_);
    VectorXd d = damped_step(triangle_, damping);
    double predicted = predicted_decrease(triangle_, d);
    if (!(predicted > rounding * squares_) || x_ + d == x_ || radius_ < smallest_radius) return "no decrease";
    if (s_.options.tolerance && predicted <= *s_.options.tolerance * squares_) return "tolerance";
    ++s_.steps;
    VectorXd x = x_ + d;
    double squares = s_.at.residuals(x), ratio = (squares_ - squares) / predicted;
    bool finite = std::isfinite(squares);
    if (finite && ratio > least_ratio) {
      MatrixXd before = triangle_;
      if (take_derivatives()) {
        x_ = x;
        squares_ = squares;
        radius_ = std::min(radius_ / std::max(1.0 / 3, 1 - std::pow(2 * ratio - 1, 3)), largest_radius);
        shrink_ = 2;
        return "";
      }
      triangle_ = before;
      finite = false;
    }
    // A step beyond where the loss exists says nothing of how far its model is right: the next is shorter,
    // and the region of trust does not collapse.
    radius_ /= finite ? shrink_ : 4;
    if (finite) shrink_ *= 2;
    return "";
  }

  // Where the sum of squares no longer tells points apart, its gradient still does: undamped steps as long as
  // they become shorter. The point before the shortest is the result.
  void polish() {
    VectorXd best = x_;
    double shortest = HUGE_VAL;
    for (int k = 0, stale = 0; k < most_polishing && stale < most_stale; ++k) {
      double squares = s_.at.residuals(x_);
      if (!(squares <= squares_ * (1 + 1e-11)) || !take_derivatives()) break;
      if (!redundant_columns(triangle_).empty()) break;
      VectorXd d = least_squares_step(triangle_);
      double length = (d.array() * lengths().array()).matrix().norm();
      ++stale;
      if (length < shortest) {
        shortest = length;
        best = x_;
        stale = 0;
      }
      x_ += d;
    }
    x_ = best;
    squares_ = s_.at.residuals(x_);
    take_derivatives();
  }

  static constexpr double nan_ = std::numeric_limits<double>::quiet_NaN();
  Search& s_;
  VectorXd x_;
  double squares_ = 0, first_squares_ = 0, radius_ = 0, shrink_ = 2;
  VectorXd scale_;
  MatrixXd triangle_;  // of (J | r) at x_
};

}  // namespace

Search::Stop levenberg_marquardt(Search& search) { return Marquardt(search).run(); }

}  // namespace slope
