// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// sin and cos, below 1.7 ulp for every x.
#pragma once
#include "graph/math/reduce_angle.h"

namespace slope::math {

// sin r = r - r*(c*r^2 - r^4*s(r^2)) on |r| <= 1.574: c = 1/6 rounded, minimax s, error 2^-61.5 and 2^-31.0
// of the value.
inline constexpr double sin_double[] = {
    0.008333333333333207,   -0.00019841269841212403, 2.7557319211542043e-06, -2.5052106900668714e-08,
    1.6058940756984564e-10, -7.643011658296346e-13,  2.7213256558172626e-15};
inline constexpr double sin_float[] = {0.008333350531756878, -0.00019843093468807638, 2.7627074814517982e-06,
                                       -2.5503711142960128e-08};

// (-1)^k * sin r, |r| up to pi/2. The factor of r is rounded once beside its small part.
template <class A>
A sin_of_reduced(ReducedAngle<A> reduced) {
  A r = reduced.angle;
  A r2 = r * r;
  A r4 = r2 * r2;
  A s = r2;
  if constexpr (is_double<A>) s = polynomial(sin_double, r2, r4);
  else s = polynomial(sin_float, r2, r4);
  A factor = fma(r2, constant<A>(-0x1.5555555555555p-3, -0x1.555556p-3), r4 * s);
  return flip_sign(fma(r, factor, r), shift_left(reduced.k, sign_bit<A>));
}

// size = k*pi + r; for the cosine sin(size + pi/2) = sin(k*pi + r) with a k that is a half of an odd number.
template <class A>
ReducedAngle<A> reduce_by_half_turns(A size, bool cosine) {
  A inverse = constant<A>(0x1.45f306dc9c883p-2, 0x1.45f306p-2);
  A shifter = constant<A>(magic<A>);
  A shifted = shifter;
  A k = shifter;
  if (cosine) {
    A half = constant<A>(0.5);
    shifted = fma(size, inverse, half) + shifter;
    k = (shifted - shifter) - half;
  } else {
    shifted = fma(size, inverse, shifter);
    k = shifted - shifter;
  }
  return {bits(shifted), subtract_half_turns(size, k)};
}

// From quadrants to half turns: an odd quadrant goes to the nearer even one, its rest by 1.
template <class A>
ReducedAngle<A> reduce_huge_by_half_turns(A size, bool cosine) {
  Quadrants<A> quadrants = huge_quadrants(size);
  bits_t<A> quadrant = quadrants.whole + integer<A>(cosine ? 1 : 0);
  Pair<A> rest = quadrants.rest;
  mask_t<A> even = (quadrant & integer<A>(1)) == integer<A>(0);
  A step = select(even, constant<A>(0.0), copysign(constant<A>(1.0), rest.hi));
  bits_t<A> whole = quadrant + select(rest.hi < constant<A>(0.0), integer<A>(0), integer<A>(1));
  Pair<A> moved = two_sum(-step, rest.hi);
  A angle = angle_of_quadrants(Pair<A>{moved.hi, moved.lo + rest.lo}).hi;
  return {shift_right(select(even, quadrant, whole), 1), angle};
}

template <class A>
A sin_or_cos_of_size(A size, bool cosine) {
  return patch(size > constant<A>(usual_angle<A>), sin_of_reduced(reduce_by_half_turns(size, cosine)), [&] {
    if constexpr (is_double<A>) return sin_of_reduced(reduce_huge_by_half_turns(size, cosine));
    else return narrow(sin_of_reduced(reduce_huge_by_half_turns(widen(size), cosine)));
  });
}

template <class A>
A sin(A x) {
  return flip_sign(sin_or_cos_of_size(abs(x), false), bits(x));
}

template <class A>
A cos(A x) {
  return sin_or_cos_of_size(abs(x), true);
}

}  // namespace slope::math
