// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The logarithm to base 10, below 1.5 ulp.
#pragma once
#include "graph/math/log.h"

namespace slope::math {

// log10(1+f) = f/ln10 + f^2*q(f) on sqrt(1/2) <= 1+f <= sqrt2: minimax q, error 2^-27.3 of the value.
inline constexpr double log10_float[] = {-0.21714718639850616,  0.14476478099822998,  -0.1085805669426918,
                                         0.08686799556016922,   -0.07213101536035538, 0.061579033732414246,
                                         -0.057512372732162476, 0.056123871356248856, -0.0332074910402298};

// double: log(1+f) = f + tail, each times 1/ln10, the tail and the rests of 1/ln10 and log10(2) first.
template <class A>
A log10(A x) {
  return log_anywhere(x, [](A k, A m) {
    A f = m - constant<A>(1.0);
    A inverse = constant<A>(0x1.bcb7b1526e50ep-2);
    A step = of_exponent<A>(0x1.34413509f79ffp-2, 0x1.344136p-2);
    A low = k * of_exponent<A>(-0x1.9dc1da994fd21p-59, -0x1.ec10cp-27);
    if constexpr (is_double<A>) {
      low = fma(f, constant<A>(0x1.95355baaafad3p-57), low);
      low = fma(log_tail(f, constant<A>(0.0)), inverse, low);
    } else {
      A f2 = f * f;
      low = fma(f2, polynomial(log10_float, f, f2), low);
    }
    return fma(k, step, fma(f, inverse, low));
  });
}

}  // namespace slope::math
