// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The natural logarithm, below 1 ulp.
#pragma once
#include "graph/math/pieces.h"

namespace slope::math {

// log((1+s)/(1-s)) = 2s + s^3*p(s^2) on |s| <= (sqrt2-1)/(sqrt2+1): minimax p, error 2^-58.8 of the value.
inline constexpr double log_double[] = {0.6666666666666733,  0.39999999999419816, 0.2857142874140154,
                                        0.22222198663200274, 0.18183560088949904, 0.15314149891844875,
                                        0.14795031293665165};
// log(1+f) = f - f^2/2 + f^3*q(f) on sqrt(1/2) <= 1+f <= sqrt2: minimax q, error 2^-27.2 of the value.
inline constexpr double log_float[] = {0.33333316445350647,  -0.2500079572200775, 0.20002281665802002,
                                       -0.16624970734119415, 0.14181439578533173, -0.1312531977891922,
                                       0.12879084050655365,  -0.07865237444639206};

// log(1+f) - f for 1+f in [sqrt(1/2), sqrt2].
// double: s = f/(2+f) makes 2s = f - s*f, hence log(1+f) = f - f^2/2 + s*(f^2/2 + s^2*p(s^2)); the division
// costs less than the twelve terms it saves. float: the plain polynomial, for it would save four. The fma
// takes f^2/2 unrounded, so that the error is a rounding of a number below 0.09.
template <class A>
A log_tail(A f) {
  A half = constant<A>(0.5) * f;
  A f2 = f * f;
  if constexpr (is_double<A>) {
    A s = f / (constant<A>(2.0) + f);
    A z = s * s;
    return fma(-half, f, s * fma(z, polynomial(log_double, z, z * z), half * f));
  } else {
    return fma(-half, f, f * f2 * polynomial(log_float, f, f2));
  }
}

// k*ln2 + log(1+f) + extra. k times the short head of ln2 is exact, the head's sum with f too.
template <class A>
A log_sum(A k, A f, A extra) {
  A low = constant<A>(0x1.ef35793c7673p-45, 0x1.7f7d1cf79abcap-20);
  A tail = log_tail(f) + fma(k, low, extra);
  Pair<A> head = fast_two_sum(k * constant<A>(0x1.62e42fefa38p-1, 0x1.62e4p-1), f);
  return head.hi + (head.lo + tail);
}

// x = 2^k * m, m in [sqrt(1/2), sqrt2), x positive, finite and normal: with the bits of sqrt(1/2) subtracted,
// the exponent field carries over exactly there. (abs: of a negative number the difference would overflow.)
template <class A>
struct BinaryParts {
  bits_t<A> k;
  A m;
};
template <class A>
BinaryParts<A> binary_parts(A x) {
  bits_t<A> root = bits(constant<A>(0x1.6a09e667f3bcdp-1, 0x1.6a09e6p-1));
  bits_t<A> representation = bits(abs(x));
  bits_t<A> k = shift_right(representation - root, mantissa_bits<A>);
  return {k, from_bits<A>(representation - shift_left(k, mantissa_bits<A>))};
}

// The same for a positive x that may be denormal (then first multiplied by a power of two), with k as a
// float.
template <class A>
struct FloatParts {
  A k, m;
};
template <class A>
FloatParts<A> float_parts(A x) {
  mask_t<A> denormal = x < constant<A>(smallest_normal<A>);
  A normal = select(denormal, x * constant<A>(0x1p54, 0x1p25), x);
  BinaryParts<A> parts = binary_parts(normal);
  A correction = select(denormal, constant<A>(54.0, 25.0), constant<A>(0.0));
  return {to_float<A>(parts.k) - correction, parts.m};
}

// The logarithm's value outside (0, infinity), else `inside`. Infinity and NaN are their own logarithms.
template <class A>
A log_special(A x, A inside) {
  A zero = constant<A>(0.0);
  A finite = select(x < constant<A>(infinity), inside, x);
  A nonzero = select(x == zero, constant<A>(-infinity), finite);
  return select(x < zero, constant<A>(not_a_number), nonzero);
}

template <class A>
A log(A x) {
  FloatParts<A> parts = float_parts(x);
  return log_special(x, log_sum(parts.k, parts.m - constant<A>(1.0), constant<A>(0.0)));
}

}  // namespace slope::math
