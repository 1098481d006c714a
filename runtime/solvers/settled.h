// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Whether plain steps (of sgd, adam, …) led anywhere: their loss should not end above its start, nor where it
// would still fall by much. An optimizer that stops by itself has a stricter test (optimality.h).
#pragma once
#include <functional>
#include <span>
#include <vector>

#include "runtime/pipeline.h"

namespace slope {

// Whether steps along the gradient bring the loss down. Where a part of it is held by stop_gradient they need
// not (one player of a game against another); where the part makes no difference (a shift that cancels) they
// do: told by a difference along the gradient at these parameters, or, where that is not known (empty), from
// whether the model draws or keeps something.
bool goes_down(const Model& model, const std::vector<double>& at,
               const std::function<double(const std::vector<double>&)>& loss,
               const std::function<std::vector<double>()>& gradient);

// What the steps go down where the optimizer adds to the loss: with half of the largest l2 or weight_decay
// times the squares of the parameters, as they are moved.
double penalized(const Model& model, std::span<const double> params, double loss);

// Code::rose. `rate`: of the last statement.
void report_rise(const Training& training, double start, double end, double best, double rate,
                 Diagnostics& diagnostics);

// Of a result whose statements took all rows at every step: Code::not_settled where the loss could still fall
// by more than a tenth of itself, or goes on falling as the parameters grow; Code::redundant_parameters for
// parameters that others make up for; Code::zero_gradient for those that nothing moved. Looks at all
// curvatures, so nothing is said of more than 50 numbers, nor where that takes the interpreter more than a
// moment. `params`, `began`: all elements, at the end and where the run began. `fallen`: by how much the loss
// fell.
void warn_unless_settled(const Model& model, const Training& training, const std::vector<int>& trained,
                         const Program& program, const Dataset& data, std::span<const double> params,
                         std::span<const double> began, double fallen, Diagnostics& diagnostics);

}  // namespace slope
