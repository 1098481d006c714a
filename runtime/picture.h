// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The picture of a fit. Over one column: its points and the predicted and the true curve (a definition or
// column named `truth`). Over several: prediction against target. Then the loss curve, where the run is at
// hand, and the residuals.
#pragma once
#include <optional>
#include <span>

#include "plot/figure.h"
#include "runtime/loss_curve.h"
#include "runtime/session.h"

namespace slope {

// At these parameters, with the data that were opened. Errors: no `predict`, nothing to show, faults of the data.
// `rows` becomes the number of rows used.
std::optional<plot::Figure> picture(Session& session, const std::vector<double>& params,
                                    std::span<const LossPoint> history, std::int64_t& rows);

// The node that the prediction is compared with: T of a difference predict − T in the loss, where T is of the
// data alone; else the one column that the loss reads and the prediction does not; invalid where there is
// none.
NodeId target_of(const Model& model);

}  // namespace slope
