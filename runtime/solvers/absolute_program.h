// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A convex quadratic with kinks:
//   minimise  ½ d'H d + g'd + Σ_j |a_j'd + b_j|  over d
// What is found is proven: multipliers λ_j, sign(a_j'd + b_j) where that is not 0 and in [−1, 1] where it is,
// with H d + g + Σ_j λ_j a_j = 0. Units of the numbers in d, and what is nearly the same in several columns,
// do not matter: the columns are made orthonormal first.
#pragma once
#include <Eigen/Core>
#include <cstdint>
#include <vector>

namespace slope {

struct AbsoluteProgram {
  Eigen::MatrixXd rows;      // a_j
  Eigen::VectorXd values;    // b_j
  Eigen::VectorXd sizes;     // the sizes of the terms of which b_j is the sum: how exact it can be
  Eigen::MatrixXd hessian;   // H
  Eigen::VectorXd gradient;  // g
};

struct AbsoluteSolution {
  // unproven: the best point found, but no multipliers.
  enum class End : std::uint8_t { optimal, unbounded, unproven };
  End end = End::unproven;
  Eigen::VectorXd step;  // d
  // Columns that others make up for in everything: their part of d is 0.
  std::vector<Eigen::Index> redundant;
  // Columns in which other minima differ from this one.
  std::vector<Eigen::Index> loose;
  // For a start elsewhere: sign(a_j'd + b_j), 0 for the kinks that d lies on, and the multipliers.
  std::vector<int> sides;
  Eigen::VectorXd multipliers;
};

// `from`: the solution of the same program written from another point, near its minimum.
AbsoluteSolution solve(const AbsoluteProgram& program, const AbsoluteSolution* from = nullptr);

}  // namespace slope
