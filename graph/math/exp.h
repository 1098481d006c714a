// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// e^x, below 1.1 ulp (denormal results too).
#pragma once
#include "graph/math/pieces.h"

namespace slope::math {

// e^r = 1 + r + r^2*q(r) on |r| <= ln2/2: minimax q, error of e^r 2^-57.8 and 2^-28.0 of its value.
inline constexpr double exp_double[] = {0.500000000000001,     0.16666666666666421,    0.04166666666653451,
                                        0.008333333333490357,  0.0013888888942646842,  0.00019841269512685123,
                                        2.480149399660399e-05, 2.7557582653636487e-06, 2.762996154423092e-07,
                                        2.5000841373638054e-08};
inline constexpr double exp_float[] = {0.4999999403953552, 0.1666652113199234, 0.04166834428906441,
                                       0.008368663489818573, 0.001381661742925644};

template <class A>
A exp_tail(A r, A r2) {
  if constexpr (is_double<A>) return polynomial(exp_double, r, r2);
  else return polynomial(exp_float, r, r2);
}

// e^(r + low) - 1, |low| at most a rounding error of r or so.
template <class A>
A exp_minus_one_of_reduced(A r, A low) {
  A r2 = r * r;
  return r + fma(r2, exp_tail(r, r2), low);
}

// Whether e^x is a normal number with some room around it.
template <class A>
mask_t<A> has_normal_exp(A x) {
  return abs(x) <= constant<A>(708.0, 87.0);
}

// The same product for every x, k too large or small for one step included: beyond some bounds an infinity or
// zero, whatever k and power are there. A NaN is in the power.
template <class A>
A scale_anywhere(A x, A power, Whole<A> k) {
  A vanishing = select(x < constant<A>(-750.0, -110.0), constant<A>(0.0), scale(power, k));
  return select(x > constant<A>(720.0, 95.0), constant<A>(infinity), vanishing);
}

// x = k*ln2 + r, e^x = 2^k * power, power = e^r.
template <class A>
struct ExpParts {
  Whole<A> k;
  A power;

  A product() const { return scale_exponent(power, k.low_bits); }  // where it is a normal number
};
template <class A>
ExpParts<A> exp_parts(A x) {
  ReducedByLn2<A> reduced = reduce_by_ln2(x);
  A r2 = reduced.r * reduced.r;
  return {reduced.k, constant<A>(1.0) + fma(r2, exp_tail(reduced.r, r2), reduced.r)};
}

template <class A>
A exp(A x) {
  ExpParts<A> parts = exp_parts(x);
  return patch(!has_normal_exp(x), parts.product(), [&] { return scale_anywhere(x, parts.power, parts.k); });
}

}  // namespace slope::math
