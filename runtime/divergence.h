// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What is said of a training that left the finite numbers, or cannot move: in the words of the model.
#pragma once
#include <span>
#include <vector>

#include "runtime/pipeline.h"

namespace slope {

// A loss that goes to minus infinity has no minimum, and no rate finds one: says along which element, in the
// user's units. `params`: all elements of the parameters.
void say_unbounded(const Model& model, std::span<const double> params, Diagnostic& d);

// Whether a derivative at `best` is not finite though the loss is, which no rate helps against: says so.
// `outputs`: what the step's kernel left there (step_kernel).
bool explain_gradient(const Model& model, const StepGraph& step, const Dataset& data,
                      std::span<const double> outputs, const std::vector<double>& best, Diagnostic& d);

// Code::zero_gradient where every derivative in `outputs` is exactly 0: no step moves anything.
void warn_of_zero_gradient(const Model& model, const StepGraph& step, std::span<const double> outputs,
                           Span training, Diagnostics& diagnostics);

}  // namespace slope
