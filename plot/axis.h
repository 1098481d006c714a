// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// An axis of a plot: where a number lies on it, and the round numbers that are written beside it.
#pragma once
#include <span>
#include <string>
#include <vector>

namespace slope::plot {

enum class Scale {
  linear,
  log,   // of positive numbers
  steps  // of counts from 0 on: linear up to 1, logarithmic from there (0, 1, 10, 100 at equal distances)
};

struct Axis {
  std::string label;
  Scale scale = Scale::linear;
  double lo = 0, hi = 1;  // finite, lo < hi

  // 0 at lo, 1 at hi. Finite for every finite value of the scale, also where hi − lo is too large for a
  // double.
  double at(double value) const;
};

// An axis on which all these numbers (those count that are finite and, on a logarithmic scale, positive) lie
// with some room at both ends. One number alone stands in the middle; none give 0 to 1, or 0.1 to 1.
Axis axis_over(std::string label, std::span<const double> values, Scale scale = Scale::linear);

struct Tick {
  double value = 0;
  std::string label;
};

// About `most` ticks or fewer at 1, 2 or 5 times a power of ten; powers of ten on the other scales. The
// labels are the exact decimals, all with an exponent where that is shorter.
std::vector<Tick> ticks(const Axis& axis, int most);

}  // namespace slope::plot
