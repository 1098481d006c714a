// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The optimizers with a stopping test: what they share, and the one door to them.
//   exact   the minimum of a loss that is quadratic in the parameters, in one solve (quadratic.cpp)
//   lm      Levenberg and Marquardt's method for sums of squares (least_squares.cpp)
//   newton  Newton's method with damping (newton.cpp)
//   lbfgs   limited memory BFGS with a line search (lbfgs.cpp)
// Where the loss has absolute values in it (graph/kinks.h), exact, newton and lbfgs are one method (bent.cpp).
// All take whole batches, work in double and never go to a point whose loss is not finite.
#pragma once
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "runtime/pipeline.h"
#include "runtime/solvers/graphs.h"

namespace slope {

enum class SolverEnd : std::uint8_t { converged, limit, interrupted, unbounded };

struct SolverRun {
  SolverEnd end = SolverEnd::converged;
  std::string
      stopped_by;  // the test that was met: "gradient", "no decrease", "tolerance", "solved", "steps", …
  std::int64_t steps = 0;      // of this call
  std::vector<double> params;  // of all parameters
  // Elements that the loss does not determine: others make up for them. `nearest`: of all minima the one
  // nearest to the start was taken; else they are left where they were.
  std::vector<std::int64_t> redundant;
  bool nearest = false;
};

// Before the step of that number with its loss (NaN where it was not computed) and parameters: false stops.
using SolverStep = std::function<bool(std::int64_t step, double loss, std::span<const double> params)>;

struct SolverOptions {
  std::int64_t steps = 0;           // at most
  std::optional<double> tolerance;  // of the test instead of its default
  int history = 10;                 // of lbfgs: pairs of steps and changes of the gradient
};

// From these parameters, where the loss must be finite.
SolverRun solve(const SolverGraphs& graphs, std::size_t number, const Program& program, const Model& model,
                const Dataset& data, std::span<const double> params, const SolverOptions& options,
                const SolverStep& before_step);

}  // namespace slope
