// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The hyperbolic tangent, below 1.5 ulp.
#pragma once
#include "graph/math/exp.h"

namespace slope::math {

// tanh r = r + r^3*t(r^2) on |r| <= 0.55: minimax t, error 2^-60.4 of the value.
inline constexpr double tanh_double[] = {
    -0.33333333333333315,    0.13333333333328595,   -0.05396825396466047,   0.02186948840722205,
    -0.00886323290246495,    0.0035920947114965554, -0.0014555583507463586, 0.0005885025918556662,
    -0.00023351772450798375, 8.349777920354535e-05, -1.9599457461750023e-05};

// Of a small x the series; else 1 - 2/(e^(2|x|) + 1), where the quotient is below 1/2 and its errors with it.
// From the clamp on that is 1. A NaN goes the way of the series: the power of two would make a number of it.
template <class A>
A tanh_of_double(A size) {
  A ceiling = constant<A>(22.0);
  A inside = select(size > ceiling, ceiling, size);
  A one = constant<A>(1.0);
  A quotient = one / (exp_parts(inside + inside).product() + one);
  A large = fma(constant<A>(-2.0), quotient, one);
  A x2 = size * size;
  A small = fma(size, x2 * polynomial(tanh_double, x2, x2 * x2), size);
  return select(size >= constant<A>(0.55), large, small);
}

// For floats: tanh at the multiples of 1/64 up to 9.25, where it is 1 but for 2^-25.6. The powers of e^(1/32)
// have an error below 600 roundings of doubles, and so has tanh, relative to itself, once e^(2r) - 1 is what
// is multiplied.
struct TanhTable {
  static constexpr int per_unit = 64;
  static constexpr double end = 9.25;
  static constexpr int size = static_cast<int>(end * per_unit) + 1;
  double values[size];
};
constexpr TanhTable tanh_table_entries() {
  TanhTable table{};
  constexpr double step = 0x1.040ac0224fd93p-5;  // e^(1/32) - 1
  double grown = 0;                              // e^(2r) - 1
  for (double& value : table.values) {
    value = grown / (grown + 2);
    grown += step + step * grown;
  }
  return table;
}
inline constexpr TanhTable tanh_table = tanh_table_entries();

// From the nearest r of the table, d = x - r and t = tanh r:
// tanh x = t + (1 - t^2)*(d - t*d^2 + (t^2 - 1/3)*d^3), and less than 2^-27 of it more.
template <class A>
A tanh_of_float(A size) {
  A end = constant<A>(TanhTable::end);
  A inside = select(size < end, size, end);  // of a NaN too, for the lookup
  A shifter = constant<A>(magic<A> / TanhTable::per_unit);
  A shifted = inside + shifter;
  A d = inside - (shifted - shifter);
  A t = lookup<A>(tanh_table.values, bits(shifted) - bits(shifter));
  A slope = fma(-t, t, constant<A>(1.0));
  A third = constant<A>(0x1.555556p-1) - slope;
  A step = fma(d * d, fma(third, d, -t), d);
  return select(size == size, fma(slope, step, t), size);
}

template <class A>
A tanh(A x) {
  A size = abs(x);
  if constexpr (is_double<A>) return copysign(tanh_of_double(size), x);
  else return copysign(tanh_of_float(size), x);
}

}  // namespace slope::math
