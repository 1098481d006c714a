// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `rate=auto`: 1/λmax, λmax being the largest eigenvalue of the Hessian of what a step goes down, the loss
// over all rows to train on with l2 and weight_decay: half the stability bound of gradient descent
// (runtime/stability.h), so that no step overshoots along any direction where the loss is quadratic. Momentum
// with a factor μ bears 2(1 + μ)/λmax, Nesterov's 2(1 + μ)/(1 + 2μ)/λmax: there a root of its recurrence is
// −1.
//
// λmax is found by the method of Lanczos: of all polynomials in H of a degree, applied to the vector that
// power iterations would begin with, it takes the best. All vectors are kept orthogonal (Parlett, The
// Symmetric Eigenvalue Problem, 1980, sections 11 to 13). It begins with numbers of Philox, sums have one
// order, and all is in double: the same parameters and rows give the same bits.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "runtime/pipeline.h"

namespace slope {

// The largest eigenvalue of a symmetric matrix that is known by its products. The vector found is an
// eigenvector but for a part of 1e-12 of the largest eigenvalue in size; after 300 products, or where so many
// vectors would not fit, of 1e-3, by which the value itself is wrong at most. No value where not even that is
// reached or a product is not finite.
std::optional<double> largest_eigenvalue(
    std::int64_t size, const std::function<std::vector<double>(const std::vector<double>&)>& product);

// At these parameters, all elements; rounded to the model's precision. Says what it found
// (Code::chosen_rate). No value, with Code::no_rate, where the loss does not curve upwards, its second
// derivatives are not finite, or 1/λmax is no number of full precision. `number`: the step's among all.
std::optional<double> auto_rate(const StepGraph& step, std::size_t number, const Program& program,
                                const Model& model, const Dataset& data, std::span<const double> params,
                                const Training& training, Diagnostics& diagnostics);

}  // namespace slope
