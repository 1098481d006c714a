// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The natural logarithm, below 1.3 ulp.
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

// log(1+f) - f - rest for 1+f in [sqrt(1/2), sqrt2], rest a small number to be added before the last
// rounding. double: s = f/(2+f) makes 2s = f - s*f, hence log(1+f) = f - f^2/2 + s*(f^2/2 + s^2*p(s^2)); the
// division costs less than the twelve terms it saves. float: the plain polynomial, for it would save four.
// The fma takes f^2/2 unrounded, so that the error is a rounding of a number below 0.09.
template <class A>
A log_tail(A f, A rest) {
  A half = constant<A>(0.5) * f;
  A f2 = f * f;
  if constexpr (is_double<A>) {
    A s = f / (constant<A>(2.0) + f);
    A z = s * s;
    return fma(-half, f, fma(s, fma(z, polynomial(log_double, z, z * z), half * f), rest));
  } else {
    return fma(-half, f, fma(f * f2, polynomial(log_float, f, f2), rest));
  }
}

// x = 2^k * m, m in [sqrt(1/2), sqrt2), x positive, finite and normal: with the bits of sqrt(1/2) subtracted,
// the exponent field carries over exactly there. k as the number k * 2^exponent_shift, which is what the
// precision has cheapest.
template <class A>
struct BinaryParts {
  A k, m;
  bits_t<A> exponent;  // k in its place in the representation
};
template <class A>
inline constexpr int exponent_shift = is_double<A> ? 0 : 23;
template <class A>
BinaryParts<A> binary_parts(A x) {
  bits_t<A> distance = bits(x) - bits(constant<A>(0x1.6a09e667f3bcdp-1, 0x1.6a09e6p-1));
  bits_t<A> exponent = distance & integer<A>(-(std::int64_t{1} << mantissa_bits<A>));
  bits_t<A> k = shift_right(exponent, mantissa_bits<A> - exponent_shift<A>);
  return {number<A>(k), from_bits<A>(bits(x) - exponent), exponent};
}

// What BinaryParts' k is multiplied with where k itself would be with c.
template <class A>
A of_exponent(double in_double, double in_float) {
  return constant<A>(in_double, in_float * 0x1p-23);
}

// ln(2^k * (1+f) + extra), extra in its first order.
template <class A>
A log_sum(A k, A f, A extra) {
  A low = is_double<A> ? fma(k, constant<A>(0x1.abc9e3b39803fp-56), extra) : extra;
  A high = of_exponent<A>(0x1.62e42fefa39efp-1, 0x1.62e43p-1);
  return fma(k, high, f + log_tail(f, low));
}

// Whether x is positive, finite and normal: with the smallest normal number added to its representation,
// infinity, NaN and whatever has a sign lie below twice that number or wrap around to there.
template <class A>
mask_t<A> has_usual_log(A x) {
  bits_t<A> smallest = bits(constant<A>(smallest_normal<A>));
  return !(bits(x) + smallest < smallest + smallest);
}

// The logarithm's value outside (0, infinity), else `inside`. Infinity and NaN are their own logarithms.
template <class A>
A log_special(A x, A inside) {
  A zero = constant<A>(0.0);
  A finite = select(x < constant<A>(infinity), inside, x);
  A nonzero = select(x == zero, constant<A>(-infinity), finite);
  return select(x < zero, constant<A>(not_a_number), nonzero);
}

// A logarithm made of x = 2^k * m by of_parts(k, m), for every x: where there are special values, denormal
// ones are first multiplied by a power of two.
template <class A, class F>
A log_anywhere(A x, F of_parts) {
  BinaryParts<A> usual = binary_parts(x);
  return patch(!has_usual_log(x), of_parts(usual.k, usual.m), [&] {
    mask_t<A> denormal = x < constant<A>(smallest_normal<A>);
    BinaryParts<A> parts = binary_parts(select(denormal, x * constant<A>(0x1p54, 0x1p25), x));
    A correction = constant<A>(54.0, 25.0 * 0x1p23);
    A k = select(denormal, parts.k - correction, parts.k);
    return log_special(x, of_parts(k, parts.m));
  });
}

template <class A>
A log(A x) {
  return log_anywhere(x, [](A k, A m) { return log_sum(k, m - constant<A>(1.0), constant<A>(0.0)); });
}

}  // namespace slope::math
