// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The loss over a run of any length, in at most 2,000 points: each of the first steps; of longer runs the
// multiples of a stride that doubles as the run goes on and, as the loss moves most at the start and may be
// drawn over a logarithmic axis, in each octave of the steps the multiples of a 32nd of it.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace slope {

struct LossPoint {
  std::int64_t step = 0;
  double loss = 0;
};

class LossCurve {
 public:
  static constexpr std::size_t most = 2000;

  // Steps ascend; those that are not asked for are taken as well. Returns the next step asked for.
  std::int64_t add(std::int64_t step, double loss);
  std::span<const LossPoint> points() const { return points_; }

 private:
  std::vector<LossPoint> points_;
  std::int64_t stride_ = 1;
};

}  // namespace slope
