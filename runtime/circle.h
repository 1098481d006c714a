// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Steps that lead back to where they began: a training that goes in a circle would do so for ever.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "runtime/pipeline.h"

namespace slope {

struct Circle {
  std::int64_t steps = 0;          // in one round
  double lowest = 0, highest = 0;  // loss on the way
};

// Makes a few steps from the parameters and looks whether they come back. `step` moves the parameters by one
// and gives the loss before it; steps must depend on nothing but the place. Steps shorter than a thousandth
// of the parameters are the last of a convergence, and no circle.
std::optional<Circle> find_circle(std::vector<double> params,
                                  const std::function<double(std::vector<double>&)>& step);

// Code::going_in_circles. `best`: the lowest loss of the run.
void warn_of_circle(const Training& training, const Circle& circle, double best, Diagnostics& diagnostics);

}  // namespace slope
