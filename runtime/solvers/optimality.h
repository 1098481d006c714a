// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The final test: whether a point is a minimum as far as doubles can tell. It is the same for every optimizer
// that stops by itself, and no unit of a column, a parameter or the loss changes what it says.
//
// With the gradient g, its terms' sizes T (graph/sizes.h: each row's part without its sign), bounds e of
// their rounding errors (runtime/rounding_errors.h) and the terms F of the loss, a point is a minimum where
//   1. |g_i| ≤ 1e-7·T_i + e_i for every i;
//   2. the fall that the Hessian promises is next to nothing: over its eigenvectors, each parameter in units
//   of
//      its own curvature, Σ (|g·v| − e·|v|)²/2λ ≤ 1e-12·F (Newton's decrement; Boyd and Vandenberghe, Convex
//      Optimization, 2004, section 9.5.1). Eigenvectors without curvature are left out and named;
//   3. no lower point was found where one is to be suspected: along eigenvectors that curve down or hardly at
//      all, and on the way that led here from the start.
// 2 and 3 where the parameters have at most most_curvature_elements numbers; of 3 the way always.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "runtime/solvers/evaluator.h"

namespace slope {

struct Optimality {
  enum class Fault : std::uint8_t {
    none,
    not_finite,  // loss or derivative
    slope,       // 1 or 2 fails
    no_minimum,  // 3: the loss goes on falling as far as was looked
    lower,       // 3: a lower point
    vanished,    // nothing of the loss depends on the parameters here
  };
  Fault fault = Fault::none;
  Evaluator::Parts parts;
  // The element that 1 fails for by most, or along which 3 finds no end; −1: none is to be named.
  Eigen::Index worst = -1;
  std::vector<Eigen::Index> undetermined;  // others make up for these: eigenvectors without curvature
  std::vector<Eigen::Index> at_bound;      // the loss still falls towards the bound
  std::optional<VectorXd> lower;           // found by 3
  bool proven() const { return fault == Fault::none; }
};

// `start`: where the search began. `promised`: of a sum of squares the fall that the linear model of its
// residuals promises, which is told more exactly than from the Hessian.
Optimality examine(Evaluator& at, const VectorXd& x, const VectorXd& start,
                   std::optional<double> promised = {});

// The curvature by which a parameter's unit is told: its own, but as large as its entries beside the others'
// curvatures ask for (|h_ij| ≤ √(u_i·u_j)), and none vanishing beside the largest.
VectorXd units_of(const MatrixXd& hessian);

}  // namespace slope
