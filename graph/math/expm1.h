// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// e^x - 1, below 1 ulp.
#pragma once
#include "graph/math/pieces.h"

namespace slope::math {

// e^r - 1 = r + r^2/2 + r^3*q(r) on |r| <= ln2/2: minimax q, error 2^-59.1 and 2^-30.0 of e^r - 1.
inline constexpr double expm1_double[] = {
    0.16666666666666677,    0.04166666666666669,    0.00833333333332217,   0.00138888888888708,
    0.00019841269884939756, 2.4801587354903692e-05, 2.755724527744301e-06, 2.755724652139262e-07,
    2.5108698158786536e-08, 2.092349444688191e-09};
inline constexpr double expm1_float[] = {0.1666666716337204, 0.041666481643915176, 0.008333283476531506,
                                         0.0013933256268501282, 0.00019909125694539398};

// (e^x - 1)/2 as hi + lo, lo below a rounding error of hi; the half keeps 2^1024 out of sight. A denormal x
// loses its last bit here: the callers return such an x itself.
//   (e^x - 1)/2 = (2^(k-1) - 1/2) + 2^(k-1)*r + 2^(k-1)*(r^2/2 + r^3*q(r) + low)
// The first terms are exact and are added exactly; the last is at most a fifth of the sum (k = 0: r/4), and
// only its roundings enter.
template <class A>
Pair<A> half_expm1(A x) {
  A inside = is_double<A> ? clamp(x, -40.0, 710.0) : clamp(x, -20.0, 89.0);
  ReducedByLn2<A> reduced = reduce_by_ln2(inside);
  A r = reduced.r;
  A r2 = r * r;
  A q = r2;
  if constexpr (is_double<A>) q = polynomial(expm1_double, r, r2);
  else q = polynomial(expm1_float, r, r2);
  A rest = fma(constant<A>(0.5) * r, r, fma(r * r2, q, reduced.low));
  A power = power_of_two<A>(reduced.k.integer - integer<A>(1));
  Pair<A> whole = two_sum(power, constant<A>(-0.5));
  Pair<A> head = fast_two_sum(whole.hi, power * r);
  return fast_two_sum(head.hi, fma(power, rest, head.lo + whole.lo));
}

template <class A>
A expm1(A x) {
  A half = half_expm1(x).hi;
  return select(abs(x) < constant<A>(0x1p-54, 0x1p-25), x, half + half);
}

}  // namespace slope::math
