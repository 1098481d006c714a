// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The rate of every step of a train statement. With t the step, counted from 0 after the warmup, and T the
// number of steps after it, the rate is multiplied by
//   step               factor^⌊t/every⌋                                          every: T/3
//   exponential        factor^(t/every)                                          every: T
//   inverse_time       1/(1 + factor·t/every)                                    every: T/10
//   linear             end + (1 − end)(1 − t/T)
//   polynomial         end + (1 − end)(1 − t/T)^power
//   cosine             α + (1 − α)(1 + cos πt/T)/2                               (Loshchilov, Hutter 2017)
//   cosine_restarts    m_mul^i·(α' + …) of cosine in cycle i, which has first·t_mul^i steps;  first: T/7
//   one_cycle          up from 1/div to 1 over the first pct_start of the steps, down to 1/(div·final_div) in
//                      the last, both along half a cosine, as PyTorch's OneCycleLR
//   plateau            `factor` once more after `patience` epochs without a lower loss, as Keras'
//                      ReduceLROnPlateau; lower is lower by more than rel_delta·|best| (1e-4), or by
//                      min_delta
// In the warmup the rate rises from 0 in equal steps and reaches its full size in the first step after it.
// All of it is computed in double with the functions of graph/math, so that it is the same on every machine.
#pragma once
#include <cstdint>
#include <limits>

#include "frontend/lower.h"

namespace slope {

// Reduces the rate where the watched loss does not fall; between two epochs it is all that a run must keep.
struct Plateau {
  double best = std::numeric_limits<double>::quiet_NaN();
  std::int64_t waits = 0, cooldown = 0;
  double multiple = 1;  // of the rate

  // After an epoch with this loss.
  void watch(const Training& training, double loss);
  friend bool operator==(const Plateau&, const Plateau&) = default;
};

class RateSchedule {
 public:
  // `steps`: those that the statement will have made at its end.
  RateSchedule(const Training& training, std::int64_t steps);
  // Whether it is the same in every step, but for a plateau.
  bool constant() const { return constant_; }
  double rate(std::int64_t step) const;
  // The place in the schedule, for a function of the model: steps after the warmup, and how many there are.
  std::int64_t step(std::int64_t step) const { return step < training_.warmup ? 0 : step - training_.warmup; }
  std::int64_t steps() const { return length_; }

 private:
  double multiple(double t) const;
  double restarts(double t) const;
  double one_cycle(double t) const;

  const Training& training_;
  enum class Form : std::uint8_t {
    constant,
    step,
    exponential,
    inverse_time,
    linear,
    polynomial,
    cosine,
    cosine_restarts,
    one_cycle
  } form_ = Form::constant;
  std::int64_t length_;
  double every_ = 1, factor_ = 1, end_ = 0, power_ = 1, t_mul_ = 1, m_mul_ = 1, div_ = 1, final_div_ = 1,
         start_ = 0;
  bool constant_ = false;
};

}  // namespace slope
