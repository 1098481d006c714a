// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The hyperbolic tangent, below 1.6 ulp.
#pragma once
#include "graph/math/exp.h"

namespace slope::math {

// tanh r = r + r^3*t(r^2) on |r| <= 0.55: minimax t, error 2^-60.6 and 2^-29.7 of the value.
inline constexpr double tanh_double[] = {
    -0.333333333333333,      0.13333333333326577,   -0.05396825396373392,   0.021869488385054106,
    -0.008863232587754542,   0.0035920918871327604, -0.0014555418928961345, 0.0005884404492285843,
    -0.00023337101065496547, 8.330092918461401e-05, -1.9484873920393962e-05};
inline constexpr double tanh_float[] = {-0.33333316445350647, 0.13332544267177582, -0.05384755879640579,
                                        0.02105080708861351, -0.006243023555725813};

// Of a small x the series; else 1 - 2/(e^(2|x|) + 1), where the quotient is below 1/2 and its errors with it.
// From the clamp on that is 1; a NaN passes it.
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
  return copysign(select(size < constant<A>(0.55), small, large), x);
}

}  // namespace slope::math
