// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// e^x - 1, below 1.4 ulp.
#pragma once
#include "graph/math/exp.h"

namespace slope::math {

// e^r - 1 = r + r^2*q(r) on |r| <= ln2/2: minimax q, error 2^-54.8 and 2^-25.8 of e^r - 1.
inline constexpr double expm1_double[] = {
    0.5000000000000006,     0.16666666666666588,    0.041666666666576715,  0.008333333333390522,
    0.0013888888931603645,  0.00019841269717042797, 2.480150521031082e-05, 2.7557409326996572e-06,
    2.7626067418237236e-07, 2.5053189253925046e-08};
inline constexpr double expm1_float[] = {0.5,
                                         0.1666666567325592,
                                         0.04166635870933533,
                                         0.008333389647305012,
                                         0.0013940673088654876,
                                         0.00019845692440867424};

// The sign of x, of zeros too, is the result's. e^x - 1 = ((2^k - 1) + 2^k*r) + 2^k*(r^2*q(r) + low): the
// head is rounded once, and the rest is a fifth of the sum at most (k = 0: r/4).
template <class A>
A expm1(A x) {
  ReducedByLn2<A> reduced = reduce_by_ln2(x);
  A r = reduced.r;
  A r2 = r * r;
  A q = r2;
  if constexpr (is_double<A>) q = polynomial(expm1_double, r, r2);
  else q = polynomial(expm1_float, r, r2);
  A rest = fma(r2, q, reduced.low());
  A power = power_of_two<A>(reduced.k.low_bits);
  A sum = fma(power, rest, fma(power, r, power - constant<A>(1.0)));
  return patch(!has_normal_exp(x), copysign(sum, x), [&] {
    return scale_anywhere(x, constant<A>(1.0) + (r + rest), reduced.k) - constant<A>(1.0);
  });
}

}  // namespace slope::math
