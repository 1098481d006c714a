// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How an optimizer with a stopping test ended, in the words of the model.
#pragma once
#include "runtime/solvers/solve.h"

namespace slope {

// Adds to the diagnostics what is to be known of the result: why it is no minimum, which parameters the loss
// does not determine, drives into a bound or did not move. `began`: all elements where the statement did.
void report_outcome(const Model& model, const Training& training, const SolverRun& run,
                    std::span<const double> began, Diagnostics& diagnostics);

// "d loss / d w = 0.25, d loss / d b = -1.5": the largest beside the sizes of their terms, in the model's
// units, of all elements as they are moved.
std::string largest_derivatives(const Model& model, std::span<const double> params,
                                std::span<const double> gradient, std::span<const double> sizes);

// Derivatives by all elements as the model means them from those by the unbounded numbers.
std::vector<double> gradient_in_units(const Model& model, std::span<const double> params,
                                      std::span<const double> gradient);

// "`a`, `W[0, 3]` and 7 more": elements among those of all parameters.
std::string listed_elements(const Model& model, std::span<const std::int64_t> elements);

}  // namespace slope
