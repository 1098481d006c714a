// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The hyperbolic sine, below 1.5 ulp.
#pragma once
#include "graph/math/exp.h"

namespace slope::math {

// sinh r = r + r^3*s(r^2), cosh r = 1 + r^2*c(r^2) on |r| <= ln2/2: minimax s and c, errors 2^-60.7 and
// 2^-56.8 (double), 2^-30.9 and 2^-29.9 (float) of the value.
inline constexpr double sinh_double[] = {0.16666666666666677, 0.008333333333321606, 0.00019841269886219817,
                                         2.755724408813074e-06, 2.5109087280803133e-08};
inline constexpr double cosh_double[] = {0.5000000000000013, 0.041666666666514175, 0.0013888888947338695,
                                         2.4801489603116565e-05, 2.763140413644288e-07};
inline constexpr double sinh_float[] = {0.1666666716337204, 0.008333289064466953, 0.00019905032240785658};
inline constexpr double cosh_float[] = {0.5, 0.041666265577077866, 0.0013946294784545898};

// x = k*ln2 + r: with c and s = up +- down, up = 2^k/2, down = 2^-k/2, the hyperbolic cosine and sine of
// k*ln2,
//   cosh x = c*cosh r + s*sinh r,   sinh x = s*cosh r + c*sinh r,
// no division and for k = 0 the series of r itself. `sine` is sinh r - r, `cosine` cosh r - 1.
template <class A>
struct HyperbolicParts {
  Whole<A> k;
  A r, up, down, sine, cosine;
};
// with_low: r's rounding error goes into `sine`.
template <class A>
HyperbolicParts<A> hyperbolic_parts(A x, bool with_low) {
  ReducedByLn2<A> reduced = reduce_by_ln2(x);
  A r = reduced.r;
  A r2 = r * r;
  A r4 = r2 * r2;
  A odd = r2;
  A even = r2;
  if constexpr (is_double<A>) {
    odd = polynomial(sinh_double, r2, r4);
    even = polynomial(cosh_double, r2, r4);
  } else {
    odd = polynomial(sinh_float, r2, r4);
    even = polynomial(cosh_float, r2, r4);
  }
  A cube = r * r2;
  A sine = with_low ? fma(cube, odd, reduced.low()) : cube * odd;
  bits_t<A> half = bits(constant<A>(0.5));
  bits_t<A> exponent = as_exponent<A>(reduced.k.low_bits);
  A up = from_bits<A>(half + exponent);
  A down = from_bits<A>(half - exponent);
  return {reduced.k, r, up, down, sine, r2 * even};
}

// e^|x|/2 where e^|x| is about to leave the numbers, or |x| is a NaN.
template <class A>
A half_exp_of_large(A size, const HyperbolicParts<A>& parts) {
  A power = constant<A>(1.0) + (parts.r + (parts.sine + parts.cosine));
  A one = constant<A>(1.0);
  return scale_anywhere(size, power, Whole<A>{parts.k.value - one, parts.k.low_bits - integer<A>(1)});
}

// What up - down loses of down where they are far apart goes to the small terms.
template <class A>
A sinh(A x) {
  A size = abs(x);
  HyperbolicParts<A> p = hyperbolic_parts(size, true);
  A c = p.up + p.down;
  Pair<A> s = fast_two_sum(p.up, -p.down);
  A sum = fma(c, p.r, s.hi) + fma(c, p.sine, fma(s.hi, p.cosine, s.lo));
  return copysign(patch(!has_normal_exp(x), sum, [&] { return half_exp_of_large(size, p); }), x);
}

}  // namespace slope::math
