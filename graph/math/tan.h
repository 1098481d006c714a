// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// tan, below 1.7 ulp for every x.
#pragma once
#include "graph/math/reduce_angle.h"

namespace slope::math {

// tan r = r + r^3*n(r^2)/d(r^2) on |r| <= 0.787: near to minimax, error 2^-56.6 and 2^-27.1 of the value.
inline constexpr double tan_above_double[] = {0.3333333333333333, -0.021441052598786054,
                                              0.0002448059480023164, -1.7861896519879327e-08};
inline constexpr double tan_below_double[] = {1.0, -0.46432315779635813, 0.024558919057787086,
                                              -0.000255956507372135};
inline constexpr double tan_above_float[] = {0.3333333432674408, -0.014880850911140442};
inline constexpr double tan_below_float[] = {1.0, -0.444642573595047, 0.01595240831375122};

// tan(r + low + k*pi/2): -1/tan(r + low) for an odd k. With c the small part of the numerator, (r*d + c)/d is
// r + c/d or turned over, so that one division does. The low part enters by low*tan' r, taken as
// low*(1 + r^2).
template <class A>
A tan_of_reduced(ReducedAnglePair<A> reduced) {
  A r = reduced.angle.hi;
  A r2 = r * r;
  A n = r2;
  A d = r2;
  if constexpr (is_double<A>) {
    n = horner(tan_above_double, r2);
    d = horner(tan_below_double, r2);
  } else {
    n = horner(tan_above_float, r2);
    d = horner(tan_below_float, r2);
  }
  A low = fma(r2, reduced.angle.lo, reduced.angle.lo);
  A c = fma(r * r2, n, low * d);
  mask_t<A> even = (reduced.k & integer<A>(1)) == integer<A>(0);
  A quotient = select(even, c, -d) / select(even, d, fma(r, d, c));
  return select(even, r + quotient, quotient);
}

template <class A>
ReducedAnglePair<A> reduce_huge_by_quadrants(A size) {
  Quadrants<A> quadrants = huge_quadrants(size);
  return {quadrants.whole, angle_of_quadrants(quadrants.rest)};
}

template <class A>
A tan(A x) {
  A size = abs(x);
  Whole<A> k = round_product(size, constant<A>(0x1.45f306dc9c883p-1, 0x1.45f306p-1));
  A usual = tan_of_reduced(ReducedAnglePair<A>{k.low_bits, subtract_quarter_turns(size, k.value)});
  A value = patch(size > constant<A>(usual_angle<A>), usual, [&] {
    if constexpr (is_double<A>) return tan_of_reduced(reduce_huge_by_quadrants(size));
    else return narrow(tan_of_reduced(reduce_huge_by_quadrants(widen(size))));
  });
  return flip_sign(value, bits(x));
}

}  // namespace slope::math
