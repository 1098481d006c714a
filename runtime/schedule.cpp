// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "graph/math/pow.h"
#include "graph/math/trig.h"

namespace slope {

namespace {

double power(double base, double exponent) { return math::pow(base, exponent); }

// From 1 to 0 along half a cosine while x goes from 0 to 1.
double half_cosine(double x) { return (1 + math::cos(std::numbers::pi * x)) / 2; }

}  // namespace

RateSchedule::RateSchedule(const Training& training, std::int64_t steps)
    : training_(training), length_(std::max<std::int64_t>(steps - training.warmup, 1)) {
  const Decay& decay = training.decay;
  constexpr std::string_view names[] = {"constant",   "step",   "exponential",     "inverse_time", "linear",
                                        "polynomial", "cosine", "cosine_restarts", "one_cycle"};
  for (std::size_t i = 0; i < std::size(names); ++i)
    if (decay.name == names[i] && !decay.factor.valid()) form_ = static_cast<Form>(i);
  auto length = static_cast<double>(length_);
  double usual = form_ == Form::step ? length / 3 : form_ == Form::inverse_time ? length / 10 : length;
  every_ = decay.argument("every").value_or(usual);
  factor_ = decay.argument("factor").value_or(1);
  end_ = decay.argument(form_ == Form::linear || form_ == Form::polynomial ? "end" : "alpha").value_or(0);
  power_ = decay.argument("power").value_or(1);
  if (form_ == Form::cosine_restarts) every_ = decay.argument("first").value_or(std::max(length / 7, 1.0));
  t_mul_ = decay.argument("t_mul").value_or(1);
  m_mul_ = decay.argument("m_mul").value_or(1);
  div_ = decay.argument("div").value_or(1);
  final_div_ = decay.argument("final_div").value_or(1);
  start_ = decay.argument("pct_start").value_or(0);
  constant_ = form_ == Form::constant && training.warmup == 0 && !decay.factor.valid();
}

double RateSchedule::rate(std::int64_t step) const {
  if (step < training_.warmup)
    return training_.rate * (static_cast<double>(step) / static_cast<double>(training_.warmup));
  if (form_ == Form::constant) return training_.rate;
  return training_.rate * multiple(static_cast<double>(step - training_.warmup));
}

double RateSchedule::multiple(double t) const {
  auto length = static_cast<double>(length_);
  switch (form_) {
    case Form::constant: return 1;
    case Form::step: return power(factor_, std::floor(t / every_));
    case Form::exponential: return power(factor_, t / every_);
    case Form::inverse_time: return 1 / (1 + factor_ * t / every_);
    case Form::linear: return end_ + (1 - end_) * (1 - t / length);
    case Form::polynomial: return end_ + (1 - end_) * power(1 - t / length, power_);
    case Form::cosine: return end_ + (1 - end_) * half_cosine(t / length);
    case Form::cosine_restarts: return restarts(t);
    case Form::one_cycle: return one_cycle(t);
  }
  return 1;
}

double RateSchedule::restarts(double t) const {
  double cycle = 0, begin = 0, length = every_;
  if (t_mul_ == 1) {
    cycle = std::floor(t / length);
    begin = cycle * length;
  } else {
    for (; t >= begin + length; length *= t_mul_, ++cycle) begin += length;
  }
  return power(m_mul_, cycle) * (end_ + (1 - end_) * half_cosine((t - begin) / length));
}

double RateSchedule::one_cycle(double t) const {
  double last = static_cast<double>(length_) - 1, top = start_ * static_cast<double>(length_) - 1;
  double low = 1 / div_, lowest = low / final_div_;
  auto between = [](double from, double to, double x) { return to + (from - to) * half_cosine(x); };
  if (t <= top) return top > 0 ? between(low, 1, t / top) : 1;
  return last > top ? between(1, lowest, (t - top) / (last - top)) : lowest;
}

void Plateau::watch(const Training& training, double loss) {
  const Decay& decay = training.decay;
  auto absolute = decay.argument("min_delta");
  double least = absolute.value_or(0) + decay.argument("rel_delta").value_or(absolute ? 0 : 1e-4) *
                                            (std::isnan(best) ? 0 : std::abs(best));
  if (cooldown > 0) --cooldown;
  if (std::isnan(best) ? !std::isnan(loss) : loss < best - least) {
    best = loss;
    waits = 0;
  } else if (cooldown == 0 && ++waits >= static_cast<std::int64_t>(*decay.argument("patience"))) {
    double lowest = *decay.argument("min_rate") / training.rate;
    multiple = std::max(multiple * *decay.argument("factor"), std::min(lowest, multiple));
    cooldown = static_cast<std::int64_t>(*decay.argument("cooldown"));
    waits = 0;
  }
}

}  // namespace slope
