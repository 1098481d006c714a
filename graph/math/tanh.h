// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The hyperbolic tangent, below 1 ulp.
#pragma once
#include "graph/math/expm1.h"

namespace slope::math {

// tanh|x| = -e/(2 + e), e = e^(-2|x|) - 1 in (-1, 0]: with h = e/2 = hi + lo it is h/(1 + h). The quotient of
// the heads is corrected once by its own remainder (an fma gives it exactly) and by the low parts, so that
// hardly more than the last rounding remains. A tiny x is its own result (x^3/3 is below half an ulp).
template <class A>
A tanh(A x) {
  Pair<A> h = half_expm1(constant<A>(-2.0) * abs(x));
  Pair<A> divisor = fast_two_sum(constant<A>(1.0), h.hi);
  A inverse = constant<A>(1.0) / divisor.hi;
  A quotient = h.hi * inverse;
  A remainder = fma(-quotient, divisor.hi, h.hi) + fma(-quotient, divisor.lo + h.lo, h.lo);
  A result = fma(remainder, inverse, quotient);
  return select(abs(x) < constant<A>(0x1p-28, 0x1p-13), x, copysign(result, x));
}

}  // namespace slope::math
