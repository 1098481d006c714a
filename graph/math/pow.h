// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// x^y, below 1 ulp, with the special cases of C99, annex F.9.4.4.
#pragma once
#include "graph/math/exp.h"
#include "graph/math/log.h"

namespace slope::math {

// With s = (m-1)/(m+1), |s| <= (sqrt2-1)/(sqrt2+1), e^r = 1 + r + r^2*q(r):
// double: log m = 2s + 2/3*s^3 + s^5*t(s^2), minimax t, error 2^-65.6 of the value;
// float: log m = 2s + s^3*p(s^2), minimax p, error 2^-37.6; minimax q, error 2^-34.1.
inline constexpr double pow_log_double[] = {0.4000000000000225, 0.28571428570101337, 0.22222222519638377,
                                            0.1818178439009134, 0.15386756340494676, 0.13256839597866815,
                                            0.1319613483776493};
inline constexpr double pow_log_float[] = {0.6666666564969123, 0.40000334444484126, 0.2853734861086842,
                                           0.23581485588388346};
inline constexpr double pow_exp_float[] = {0.5000000066409406,   0.16666665875468134,  0.04166629797976859,
                                           0.008333496250564967, 0.001394449430273745, 0.0001979057731391827};

// f/(2 + f) in twice the precision: the quotient of the heads, and its remainder once more divided.
template <class A>
Pair<A> log_argument(A f) {
  Pair<A> divisor = fast_two_sum(constant<A>(2.0), f);
  A inverse = constant<A>(1.0) / divisor.hi;
  A quotient = f * inverse;
  A remainder = fma(-quotient, divisor.lo, fma(-quotient, divisor.hi, f));
  return fast_two_sum(quotient, remainder * inverse);
}

// log x in twice the precision, x a positive finite double. y*log x reaches 745 before x^y leaves the range,
// so an error below 2^-9.5 - 56 of log x is an eighth of an ulp: the first two terms are taken as pairs, and
// the rest, at most 2^-12.5 of the sum, in one double.
template <class A>
Pair<A> log_pair(A x) {
  mask_t<A> denormal = x < constant<A>(smallest_normal<A>);
  BinaryParts<A> parts =
      binary_parts(select(denormal, x * constant<A>(0x1p54), x), constant<A>(0x1.6a09e667f3bcdp-1));
  parts.k = select(denormal, parts.k - constant<A>(54.0), parts.k);
  Pair<A> s = log_argument(parts.m - constant<A>(1.0));
  Pair<A> z = product(s, s);
  A t = z.hi * polynomial(pow_log_double, z.hi, z.hi * z.hi);
  Pair<A> factor = fast_two_sum(constant<A>(0x1.5555555555555p-1), t);
  factor.lo = factor.lo + constant<A>(0x1.5555555555555p-55);
  Pair<A> cubic = product(product(z, s), factor);
  Pair<A> head = fast_two_sum(parts.k * constant<A>(0x1.62e42fefa38p-1), s.hi + s.hi);
  Pair<A> sum = fast_two_sum(head.hi, cubic.hi);
  A low = fma(parts.k, constant<A>(0x1.ef35793c7673p-45), fma(constant<A>(2.0), s.lo, cubic.lo));
  return fast_two_sum(sum.hi, sum.lo + (head.lo + low));
}

// x^y of a positive finite x. A y beyond 2^65 changes nothing (log x is 0 or above 2^-54 in magnitude) and
// could overflow; beyond the range of exp the low part is left out.
template <class A>
A positive_pow_double(A x, A y) {
  Pair<A> log_x = log_pair(x);
  A exponent = clamp(y, -0x1p65, 0x1p65);
  Pair<A> p = two_product(exponent, log_x.hi);
  A low = fma(exponent, log_x.lo, p.lo);
  ReducedByLn2<A> reduced = reduce_by_ln2(clamp(p.hi, -746.0, 710.0));
  A rest = reduced.low() + select(abs(p.hi) < constant<A>(1000.0), low, constant<A>(0.0));
  Pair<A> r = two_sum(reduced.r, rest);
  return scale(constant<A>(1.0) + exp_minus_one_of_reduced(r.hi, r.lo), reduced.k);
}

// The same for an x and y that were floats, in double throughout, to the accuracy a float needs: log x to
// 2^-37 (times 104, the largest exponent), e^r to 2^-34. The result's own exponent never leaves the doubles.
template <class W>
W positive_pow_float(W x, W y) {
  BinaryParts<W> parts = binary_parts(x, constant<W>(0x1.6a09e667f3bcdp-1));
  W f = parts.m - constant<W>(1.0);
  W s = f / (constant<W>(2.0) + f);
  W z = s * s;
  W log_m = fma(s * z, polynomial(pow_log_float, z, z * z), s + s);
  W log_x = fma(parts.k, constant<W>(0x1.62e42fefa39efp-1), log_m);
  W exponent = clamp(y, -0x1p65, 0x1p65);
  ReducedByLn2<W> reduced = reduce_by_ln2(clamp(exponent * log_x, -110.0, 100.0));
  W r = reduced.r;
  W r2 = r * r;
  W power = constant<W>(1.0) + fma(r2, polynomial(pow_exp_float, r, r2), r);
  return power * power_of_two<W>(reduced.k.low_bits);
}

template <class A>
A positive_pow(A x, A y) {
  if constexpr (is_double<A>) return positive_pow_double(x, y);
  else return narrow(positive_pow_float(widen(x), widen(y)));
}

// Zeros and infinities of x: 0 or an infinity, the sign of y deciding which; a negative x gives its sign to
// odd powers, and no number to broken ones.
template <class A>
A pow(A x, A y) {
  A zero = constant<A>(0.0);
  A one = constant<A>(1.0);
  A many = constant<A>(infinity);
  A size = abs(x);
  mask_t<A> end = size == zero || size == many;
  A end_value = select(y < zero, select(size == zero, many, zero), size);
  A magnitude = select(end, end_value, positive_pow(size, y));
  A half = constant<A>(0.5) * y;
  mask_t<A> whole = round_even(y) == y;
  mask_t<A> odd = whole && !(round_even(half) == half);
  A value = copysign(magnitude, select(odd, x, one));
  A real = select(x < zero && !end && !whole, constant<A>(not_a_number), value);
  A number = select(x != x || y != y, x + y, real);
  return select(x == one || y == zero, one, select(y == one, x, number));
}

}  // namespace slope::math
