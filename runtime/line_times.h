// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// After which steps of a train statement there is something to do besides the next step.
#pragma once
#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>

#include "runtime/pipeline.h"

namespace slope {

inline constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();

// When a line is due: every `interval` steps, or at doubling steps up to a tenth of the run and then ten
// times more.
class LineTimes {
 public:
  LineTimes(std::optional<std::int64_t> interval, std::int64_t steps)
      : interval_(interval.value_or(0)), steady_(std::max<std::int64_t>(steps / 10, 1)) {}
  // The first that is not before `step`.
  std::int64_t from(std::int64_t step) const {
    if (step == 0) return 0;
    std::int64_t every = interval_ > 0 ? interval_ : steady_;
    if (interval_ > 0 || step > steady_) return (step + every - 1) / every * every;
    std::int64_t due = 1;
    while (due < step) due *= 2;
    return std::min(due, steady_);
  }

 private:
  std::int64_t interval_, steady_;
};

// After how many steps to look at the clock: about 20 ms of them. Reading it costs about as much as a small
// step, so it is not read every step.
class Ticks {
 public:
  Ticks() : last_(seconds_now()) {}
  std::int64_t after(std::int64_t step) {
    double now = seconds_now(), elapsed = now - last_;
    last_ = now;
    if (elapsed < 0.01) interval_ *= 2;
    if (elapsed > 0.04) interval_ = std::max<std::int64_t>(interval_ / 2, 1);
    return step + interval_;
  }

 private:
  double last_;
  std::int64_t interval_ = 1;
};

// The steps of a statement after which something is to be done.
struct Due {
  std::int64_t line = never, tick = never, save = never, loss = never;
  std::int64_t next() const { return std::min({line, tick, save, loss}); }
};

}  // namespace slope
