// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The optimizers with a stopping test: what they share, and the one door to them.
//   exact   the minimum of a loss that is quadratic in the parameters, in one solve (quadratic.cpp)
//   lm      Levenberg and Marquardt's method for sums of squares (least_squares.cpp)
//   newton  Newton's method with damping (newton.cpp)
//   lbfgs   limited memory BFGS with a line search (lbfgs.cpp)
// Where the loss has absolute values in it (graph/kinks.h), exact, newton and lbfgs are one method
// (bent.cpp), which proves its result itself. All take whole batches, work in double and never go to a point
// whose loss is not finite. Where a method stops, the final test (optimality.h) decides whether that is a
// minimum. If not, the search goes on: from a lower point that the test found, from where it stopped with
// what is known of the curvature there, from other starts; the lowest point is the result.
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

// unproven: every search stopped where the final test finds no minimum.
enum class SolverEnd : std::uint8_t { converged, limit, interrupted, unbounded, unproven };

// What the final test says of the result.
struct Verdict {
  bool tested = false;
  bool endless = false;                 // the loss goes on falling, as far as was looked
  bool vanished = false;                // no parameter matters to the loss any more
  std::int64_t worst = -1;              // the element that is to be named, among those of all parameters
  std::vector<std::int64_t> at_bound;   // elements that the loss drives into a bound
  std::vector<double> gradient, sizes;  // of all elements, as they are moved; 0 of what is not trained
  double loss = 0;
};

struct SolverRun {
  SolverEnd end = SolverEnd::converged;
  std::string
      stopped_by;  // the test that was met: "gradient", "no decrease", "tolerance", "solved", "steps", …
  std::int64_t steps = 0;      // of this call
  std::vector<double> params;  // of all parameters
  // Elements that the loss does not determine: others make up for them. `nearest`: of all minima the one
  // nearest to the start was taken; `left`: they are where they were; else one of many was.
  std::vector<std::int64_t> redundant;
  bool nearest = false, left = false;
  Verdict verdict;
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
