// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// e^(-x^2), below 2 ulp: what the derivatives of erf and erfc are made of. exp(-(x*x)) alone would lose the
// rounding of x*x, which is x^2 units of the result.
#pragma once
#include "graph/math/exp.h"

namespace slope::math {

// e^-(hi + lo) = e^-hi * (1 - lo). From 28 on (float: 11) the value is 0.
template <class A>
A gaussian(A x) {
  A size = is_double<A> ? clamp(abs(x), 0.0, 28.0) : clamp(abs(x), 0.0, 11.0);
  Pair<A> square = two_product(size, size);
  A value = exp(-square.hi);
  return fma(-value, square.lo, value);
}

}  // namespace slope::math
