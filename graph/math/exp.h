// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// e^x, below 1 ulp (denormal results too).
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

// e^(r + low) - 1, |low| at most a rounding error of r or so.
template <class A>
A exp_minus_one_of_reduced(A r, A low) {
  A r2 = r * r;
  if constexpr (is_double<A>) return r + fma(r2, polynomial(exp_double, r, r2), low);
  else return r + fma(r2, polynomial(exp_float, r, r2), low);
}

// x = k*ln2 + r, e^x = 2^k * e^r. Beyond the clamp the result is an infinity or zero all the same.
template <class A>
A exp(A x) {
  A inside = is_double<A> ? clamp(x, -746.0, 710.0) : clamp(x, -104.0, 89.0);
  ReducedByLn2<A> reduced = reduce_by_ln2(inside);
  A fraction = exp_minus_one_of_reduced(reduced.r, reduced.low);
  return scale(constant<A>(1.0) + fraction, reduced.k);
}

}  // namespace slope::math
