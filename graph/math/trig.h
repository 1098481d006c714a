// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// sin and cos, below 1 ulp for |x| <= 2^45; beyond, NaN: the reduction below runs out of bits of pi.
#pragma once
#include "graph/math/pieces.h"

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

// x = k*(pi/2) + angle; the quadrant is k's two low bits (and other bits above them).
template <class A>
struct ReducedAngle {
  bits_t<A> quadrant;
  Pair<A> angle;
};

// pi/2 = first + second + third + 2^-163. x - k*first is exact (see reduce_by_ln2); k*second is taken as an
// exact product and subtracted exactly, so that only the terms below it are rounded: the error is 2^-107
// relative to the largest of them, k*2^-54, and no double comes closer to a multiple of pi/2 than about
// 2^-62.
template <class A>
ReducedAngle<A> reduce_double_angle(A x) {
  A shifter = constant<A>(magic<A>);
  A shifted = fma(x, constant<A>(0x1.45f306dc9c883p-1), shifter);
  A k = shifted - shifter;
  A first = fma(-k, constant<A>(0x1.921fb54442d18p+0), x);
  Pair<A> product = two_product(k, constant<A>(0x1.1a62633145c07p-54));
  Pair<A> second = two_sum(first, -product.hi);
  A low = fma(-k, constant<A>(-0x1.f1976b7ed8fbcp-110), second.lo - product.lo);
  return {bits(shifted), fast_two_sum(second.hi, low)};
}

// float: reduced in double, then split into two floats. The quadrant crosses over as the number 1 +
// quadrant/4, whose representation shows it in the first two bits of the fraction, in double and in float.
template <class A>
ReducedAngle<A> reduce_angle(A x) {
  if constexpr (is_double<A>) {
    return reduce_double_angle(x);
  } else {
    using W = wide_t<A>;
    W shifter = constant<W>(magic<W>);
    W wide = widen(x);
    W shifted = fma(wide, constant<W>(0x1.45f306dc9c883p-1), shifter);
    W k = shifted - shifter;
    W first = fma(-k, constant<W>(0x1.921fb54442d18p+0), wide);
    W r = fma(-k, constant<W>(0x1.1a62633145c07p-54), first);
    A hi = narrow(r);
    A lo = narrow(r - widen(hi));
    bits_t<W> quarter = shift_left(bits(shifted) & integer<W>(3), 50) | bits(constant<W>(1.0));
    return {shift_right(bits(narrow(from_bits<W>(quarter))), 21), {hi, lo}};
  }
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

template <class A>
A within_reduction(A x, A value) {
  return select(abs(x) <= constant<A>(0x1p45), value, constant<A>(not_a_number));
}

template <class A>
A sin(A x) {
  ReducedAngle<A> reduced = reduce_angle(x);
  A value = within_reduction(x, sin_in_quadrant(reduced.quadrant, reduced.angle));
  return select(abs(x) < constant<A>(0x1p-27, 0x1p-12), x,
                value);  // the sign of zero; x^3/6 is below half an ulp
}

template <class A>
A cos(A x) {
  ReducedAngle<A> reduced = reduce_angle(x);
  return within_reduction(x, sin_in_quadrant(reduced.quadrant + integer<A>(1), reduced.angle));
}

}  // namespace slope::math
