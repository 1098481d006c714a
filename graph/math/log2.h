// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The logarithm to base 2, below 1.5 ulp; exact for powers of two.
#pragma once
#include "graph/math/log.h"

namespace slope::math {

// log2(1+f) = f/ln2 + f^2*q(f) on sqrt(1/2) <= 1+f <= sqrt2: minimax q, error 2^-26.7 of the value.
inline constexpr double log2_float[] = {-0.7213473320007324,  0.4808982014656067,   -0.36069682240486145,
                                        0.28856924176216125,  -0.23961403965950012, 0.20456112921237946,
                                        -0.19105195999145508, 0.18643946945667267,  -0.11031289398670197};

// double: log(1+f) = f + tail, each times 1/ln2, the tail and the rest of 1/ln2 first.
template <class A>
A log2(A x) {
  return log_anywhere(x, [](A k, A m) {
    A f = m - constant<A>(1.0);
    A inverse = constant<A>(0x1.71547652b82fep+0);
    if constexpr (is_double<A>) {
      A low = f * constant<A>(0x1.777d0ffda0d24p-56);
      return k + fma(f, inverse, fma(log_tail(f, constant<A>(0.0)), inverse, low));
    } else {
      A f2 = f * f;
      return fma(k, constant<A>(0x1p-23), fma(f, inverse, f2 * polynomial(log2_float, f, f2)));
    }
  });
}

}  // namespace slope::math
