// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// sin and cos, below 1 ulp for every x.
#pragma once
#include "graph/math/reduce_angle.h"

namespace slope::math {

// On |r| <= 0.79: sin r = r + r^3*s(r^2), cos r = 1 - r^2/2 + r^4*c(r^2); minimax s and c, errors 2^-57.7 and
// 2^-62.0 (double), 2^-26.8 and 2^-31.0 (float) of the value.
inline constexpr double sin_double[] = {-0.1666666666666663,     0.0083333333333218,
                                        -0.00019841269829288494, 2.7557313503290093e-06,
                                        -2.5050727417695143e-08, 1.5894956169797056e-10};
inline constexpr double cos_double[] = {0.04166666666666659,   -0.0013888888888872197,
                                        2.48015872882893e-05,  -2.755731401079457e-07,
                                        2.087567723364269e-09, -1.1357281973210119e-11};
inline constexpr double sin_float[] = {-0.16666655242443085, 0.008332150988280773, -0.00019513553706929088};
inline constexpr double cos_float[] = {0.04166664555668831, -0.0013887279201298952, 2.44288476096699e-05};

// sin(r + low); the low part enters by its first-order term low*cos r, cos r by its first two terms.
template <class A>
A sin_of_reduced(Pair<A> angle, A r2, A r4) {
  A r = angle.hi;
  A s = r2;
  if constexpr (is_double<A>) s = polynomial(sin_double, r2, r4);
  else s = polynomial(sin_float, r2, r4);
  A low = fma(constant<A>(-0.5) * r2, angle.lo, angle.lo);
  return r + fma(r * r2, s, low);
}

// cos(r + low), low*sin r taken as low*r. The fma's round 1 - r^2/2 once and recover the rounding.
template <class A>
A cos_of_reduced(Pair<A> angle, A r2, A r4) {
  A r = angle.hi;
  A c = r2;
  if constexpr (is_double<A>) c = polynomial(cos_double, r2, r4);
  else c = polynomial(cos_float, r2, r4);
  A half = constant<A>(-0.5) * r;
  A head = fma(half, r, constant<A>(1.0));
  A rest = fma(half, r, constant<A>(1.0) - head);
  return head + fma(r4, c, fma(-r, angle.lo, rest));
}

// sin(angle + quadrant*(pi/2)).
template <class A>
A sin_in_quadrant(bits_t<A> quadrant, Pair<A> angle) {
  A r2 = angle.hi * angle.hi;
  A r4 = r2 * r2;
  bits_t<A> zero = integer<A>(0);
  A sine = sin_of_reduced(angle, r2, r4);
  A cosine = cos_of_reduced(angle, r2, r4);
  A value = select((quadrant & integer<A>(1)) == zero, sine, cosine);
  return select((quadrant & integer<A>(2)) == zero, value, -value);
}

// Beyond 2^45 another reduction (reduce_angle.h); an algebra may skip it where no x is so large.
template <class A>
A sin_or_cos(A x, int quadrants) {
  bits_t<A> turn = integer<A>(quadrants);
  ReducedAngle<A> usual = reduce_angle(x);
  return patch(abs(x) > constant<A>(0x1p45), sin_in_quadrant(usual.quadrant + turn, usual.angle), [&] {
    ReducedAngle<A> exact = reduce_huge_angle(x);
    return sin_in_quadrant(exact.quadrant + turn, exact.angle);
  });
}

// A tiny x is its own sine, for the sign of zero (x^3/6 is below half an ulp).
template <class A>
A sin(A x) {
  return select(abs(x) < constant<A>(0x1p-27, 0x1p-12), x, sin_or_cos(x, 0));
}

template <class A>
A cos(A x) {
  return sin_or_cos(x, 1);
}

}  // namespace slope::math
