// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/loss_curve.h"

#include <algorithm>
#include <bit>

namespace slope {

namespace {

// The distance of the points around a step.
std::int64_t distance(std::int64_t step, std::int64_t stride) {
  auto octave = static_cast<std::int64_t>(std::bit_floor(static_cast<std::uint64_t>(step)));
  return std::clamp<std::int64_t>(octave / 32, 1, stride);
}

}  // namespace

std::int64_t LossCurve::add(std::int64_t step, double loss) {
  while (points_.size() >= most) {
    stride_ *= 2;
    std::int64_t first = points_.front().step;
    std::erase_if(points_,
                  [&](LossPoint p) { return p.step != first && p.step % distance(p.step, stride_) != 0; });
  }
  points_.push_back({step, loss});
  std::int64_t apart = distance(step, stride_);
  return (step / apart + 1) * apart;
}

}  // namespace slope
