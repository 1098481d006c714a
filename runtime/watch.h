// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a train statement remembers from step to step of its passes over the rows: their loss, how long it has
// not been lower, what a plateau has made of the rate.
#pragma once
#include <cmath>
#include <cstdint>
#include <limits>

#include "frontend/lower.h"
#include "runtime/schedule.h"

namespace slope {

struct Watch {
  static constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
  // Of the pass under way, and the loss of the one before: the mean of the batches', weighted by their rows.
  double sum = 0;
  std::int64_t rows = 0;
  double last = unknown;
  // Patience: the loss to fall below, and for how many passes it has not.
  double reference = unknown;
  std::int64_t waits = 0;
  Plateau plateau;

  void add(double loss, std::int64_t of_rows) {
    sum += loss * static_cast<double>(of_rows);
    rows += of_rows;
  }
  double mean() const { return rows > 0 ? sum / static_cast<double>(rows) : last; }
  double end_pass() {
    last = mean();
    sum = 0;
    rows = 0;
    return last;
  }
  // What is watched after a pass: lower is lower by more than min_delta.
  void judge(const Training& training, double loss) {
    bool lower = std::isnan(reference) ? !std::isnan(loss) : loss < reference - training.min_delta;
    if (lower) reference = loss;
    waits = lower ? 0 : waits + 1;
    if (training.decay.name == "plateau") plateau.watch(training, loss);
  }
  bool patience_ended(const Training& training) const {
    return training.patience && waits >= *training.patience;
  }
};

}  // namespace slope
