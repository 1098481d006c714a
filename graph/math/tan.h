// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// tan, below 1.8 ulp for every x.
#pragma once
#include "graph/math/reduce_angle.h"

namespace slope::math {

// tan r = r + r^3*t(r^2) on |r| <= 0.787: minimax t, error 2^-55.5 and 2^-26.9 of the value.
inline constexpr double tan_double[] = {
    0.3333333333333275,     0.13333333333419048,    0.05396825392447689,    0.02186948966266733,
    0.008863218397247104,   0.003592296071043265,   0.0014547151487306065,  0.0005952460790290497,
    0.00022184207439603638, 0.00013763901016261476, -2.796315817739257e-05, 9.090805022824992e-05,
    -4.566559464198358e-05, 2.1053731153022414e-05};
inline constexpr double tan_float[] = {0.33333349227905273, 0.1333264410495758,   0.05406216159462929,
                                       0.02127002365887165, 0.010868695564568043, 4.626098234439269e-05,
                                       0.004398355260491371};

// tan(r + low + k*pi/2): -1/tan(r + low) for an odd k. The low part enters by low*tan' r, taken as
// low*(1 + r^2).
template <class A>
A tan_of_reduced(ReducedAnglePair<A> reduced) {
  A r = reduced.angle.hi;
  A r2 = r * r;
  A t = r2;
  if constexpr (is_double<A>) t = polynomial(tan_double, r2, r2 * r2);
  else t = polynomial(tan_float, r2, r2 * r2);
  A tangent = r + fma(r * r2, t, fma(r2, reduced.angle.lo, reduced.angle.lo));
  mask_t<A> even = (reduced.k & integer<A>(1)) == integer<A>(0);
  return select(even, tangent, constant<A>(-1.0) / tangent);
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
