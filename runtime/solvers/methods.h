// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The methods behind runtime/solvers/solve.h, each from a point of the evaluator.
#pragma once
#include "runtime/solvers/evaluator.h"
#include "runtime/solvers/solve.h"

namespace slope {

// How a method sets out: methods differ in what they do in later attempts.
struct Search {
  Evaluator& at;
  const SolverOptions& options;
  const SolverStep& before_step;
  VectorXd from;  // where this attempt begins
  int attempt = 0;
  std::int64_t steps = 0;  // done, in all attempts

  // Whether one more step may be made from x; else `end` and why are in the stop.
  struct Stop {
    SolverEnd end = SolverEnd::converged;
    std::string by;
    VectorXd x;
    double loss = std::numeric_limits<double>::quiet_NaN();
    // Of a sum of squares: the fall that the linear model of the residuals promises at x.
    std::optional<double> promised = {};
    std::vector<Eigen::Index> redundant = {};
    bool nearest = false, left = false;
  };
  bool may_step(double loss, const VectorXd& x, Stop& stop) const;
};

Search::Stop solve_exactly(Search& search);
Search::Stop levenberg_marquardt(Search& search);
Search::Stop newton(Search& search);
Search::Stop lbfgs(Search& search);
Search::Stop solve_bent(Search& search);

// The largest |g_i|/T_i (graph/sizes.h): 1 where all terms of a derivative have one sign, 0 where they
// cancel.
double relative_gradient(const VectorXd& gradient, const VectorXd& sizes);

inline constexpr double gradient_tolerance = 1e-12;
inline constexpr double rounding = std::numeric_limits<double>::epsilon();

}  // namespace slope
