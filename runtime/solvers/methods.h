// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The methods behind runtime/solvers/solve.h, each from a point of the evaluator.
#pragma once
#include "runtime/solvers/evaluator.h"
#include "runtime/solvers/solve.h"

namespace slope {

struct Search {
  Evaluator& at;
  const SolverOptions& options;
  const SolverStep& before_step;
  std::int64_t steps = 0;  // done

  // Whether one more step may be made from x; else `end` and why are in the run.
  bool may_step(double loss, const VectorXd& x, SolverRun& run);
};

SolverRun solve_exactly(Search& search);
SolverRun levenberg_marquardt(Search& search);
SolverRun newton(Search& search);
SolverRun lbfgs(Search& search);
SolverRun solve_bent(Search& search);

// max |gᵢ|·max(|xᵢ|, 1) / max(|loss|, scale): the largest relative change of the loss by a relative change of
// one number (Dennis and Schnabel, Numerical Methods for Unconstrained Optimization, 1983, section 7.2).
double relative_gradient(const VectorXd& gradient, const VectorXd& x, double loss, double scale);

inline constexpr double gradient_tolerance = 1e-10;
inline constexpr double rounding = std::numeric_limits<double>::epsilon();

}  // namespace slope
