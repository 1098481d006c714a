// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The hyperbolic tangent, below 1.5 ulp.
#pragma once
#include "graph/math/exp.h"

namespace slope::math {

// tanh r = r + r^3*t(r^2) on |r| <= 0.55: minimax t, error 2^-60.4 and 2^-29.7 of the value.
inline constexpr double tanh_double[] = {
    -0.33333333333333315,    0.13333333333328595,   -0.05396825396466047,   0.02186948840722205,
    -0.00886323290246495,    0.0035920947114965554, -0.0014555583507463586, 0.0005885025918556662,
    -0.00023351772450798375, 8.349777920354535e-05, -1.9599457461750023e-05};
inline constexpr double tanh_float[] = {-0.33333319425582886, 0.13332633674144745, -0.053856391459703445,
                                        0.02108609490096569, -0.006292248610407114};

// Of a small x the series; else 1 - 2/(e^(2|x|) + 1), where the quotient is below 1/2 and its errors with it.
// From the clamp on that is 1. A NaN goes the way of the series: the power of two would make a number of it.
template <class A>
A tanh(A x) {
  A size = abs(x);
  A ceiling = constant<A>(22.0, 10.0);
  A inside = select(size > ceiling, ceiling, size);
  A one = constant<A>(1.0);
  A quotient = one / (exp_parts(inside + inside).product() + one);
  A large = fma(constant<A>(-2.0), quotient, one);
  A x2 = size * size;
  A t = x2;
  if constexpr (is_double<A>) t = polynomial(tanh_double, x2, x2 * x2);
  else t = polynomial(tanh_float, x2, x2 * x2);
  A small = fma(size, x2 * t, size);
  return copysign(select(size >= constant<A>(0.55), large, small), x);
}

}  // namespace slope::math
