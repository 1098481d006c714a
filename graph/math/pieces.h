// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the elementary functions share: the format's numbers, polynomials, exact sums, powers of two.
// tests/oracle/fit_math.py derives every coefficient and split constant of this folder.
#pragma once
#include <cstddef>
#include <limits>

#include "graph/math/algebra.h"

namespace slope::math {

template <class A>
inline constexpr int mantissa_bits = is_double<A> ? 52 : 23;
template <class A>
inline constexpr double smallest_normal = is_double<A> ? 0x1p-1022 : 0x1p-126;
// Adding this number rounds a small number to an integer (ties to even) and leaves it in the low bits.
template <class A>
inline constexpr double magic = is_double<A> ? 0x1.8p52 : 0x1.8p23;
inline constexpr double infinity = std::numeric_limits<double>::infinity();
inline constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

// The precision's own choice between two double constants.
template <class A>
A constant(double in_double, double in_float) {
  return constant<A>(is_double<A> ? in_double : in_float);
}

// Every second term of c, from `first`, in powers of x2: c[first] + c[first+2]*x2 + ...
template <class A, std::size_t N>
A half_polynomial(const double (&c)[N], std::size_t first, A x2) {
  std::size_t i = first + (N - 1 - first) / 2 * 2;
  A sum = constant<A>(c[i]);
  for (; i > first; i -= 2) sum = fma(sum, x2, constant<A>(c[i - 2]));
  return sum;
}

// c[0] + c[1]*x + c[2]*x^2 + ... in one chain: the fewest operations, for a short c or one of many.
template <class A, std::size_t N>
A horner(const double (&c)[N], A x) {
  A sum = constant<A>(c[N - 1]);
  for (std::size_t i = N - 1; i > 0; --i) sum = fma(sum, x, constant<A>(c[i - 1]));
  return sum;
}

// The same in two: the even and the odd terms apart, so that two chains of half the length
// run side by side. x2 = x*x.
template <class A, std::size_t N>
A polynomial(const double (&c)[N], A x, A x2) {
  static_assert(N >= 2);
  return fma(half_polynomial(c, 1, x2), x, half_polynomial(c, 0, x2));
}

template <class A>
inline constexpr int sign_bit = is_double<A> ? 63 : 31;
// x with its sign turned where `sign` has that bit set.
template <class A>
A flip_sign(A x, bits_t<A> sign) {
  return from_bits<A>(bits(x) ^ (sign & bits(constant<A>(-0.0))));
}

// An unevaluated sum hi + lo.
template <class A>
struct Pair {
  A hi, lo;
};

// a + b without error, where |a| >= |b| or a = 0 (Dekker 1971).
template <class A>
Pair<A> fast_two_sum(A a, A b) {
  A sum = a + b;
  return {sum, b - (sum - a)};
}

// a + b without error (Knuth, The Art of Computer Programming 2, 4.2.2).
template <class A>
Pair<A> two_sum(A a, A b) {
  A sum = a + b;
  A part = sum - a;
  return {sum, (a - (sum - part)) + (b - part)};
}

// a * b without error, barring underflow.
template <class A>
Pair<A> two_product(A a, A b) {
  A product = a * b;
  return {product, fma(a, b, -product)};
}

// (a.hi + a.lo)*(b.hi + b.lo) without the product of the low parts.
template <class A>
Pair<A> product(Pair<A> a, Pair<A> b) {
  Pair<A> p = two_product(a.hi, b.hi);
  return {p.hi, p.lo + fma(a.hi, b.lo, a.lo * b.hi)};
}

// x brought into [low, high]; a NaN stays.
template <class A>
A clamp(A x, double low, double high) {
  A floor = constant<A>(low);
  A ceiling = constant<A>(high);
  A raised = select(x < floor, floor, x);
  return select(raised > ceiling, ceiling, raised);
}

// An integer k, as the number and as bits whose low ones (12 of a double, 9 of a float) are k's: as many as
// exponents have. The bits above are of no meaning.
template <class A>
struct Whole {
  A value;
  bits_t<A> low_bits;
};

// x*y to the nearest integer, |x*y| < 2^22 (float), 2^51 (double).
template <class A>
Whole<A> round_product(A x, A y) {
  A shifter = constant<A>(magic<A>);
  A shifted = fma(x, y, shifter);
  return {shifted - shifter, bits(shifted)};
}

// k, from its low bits, in place of an exponent.
template <class A>
bits_t<A> as_exponent(bits_t<A> k) {
  return shift_left(k, mantissa_bits<A>);
}

// y * 2^k, y and the result normal numbers.
template <class A>
A scale_exponent(A y, bits_t<A> k) {
  return from_bits<A>(bits(y) + as_exponent<A>(k));
}

// 2^k, for k a normal exponent.
template <class A>
A power_of_two(bits_t<A> k) {
  return scale_exponent(constant<A>(1.0), k);
}

// y * 2^k, for |k| up to twice the exponent range: in two steps, the first exact, so that a denormal result
// is rounded once and too large a result is an infinity.
template <class A>
A scale(A y, Whole<A> k) {
  Whole<A> half = round_product(k.value, constant<A>(0.5));
  return y * power_of_two<A>(half.low_bits) * power_of_two<A>(k.low_bits - half.low_bits);
}

// x = k*ln2 + r + low, |r| <= ln2/2 and a rounding more, low the rounding of r. x - k*hi is exact: both are
// multiples of hi's last bit, and the difference is smaller than 1 (Cody and Waite 1980, with fma in place of
// the short hi).
template <class A>
struct ReducedByLn2 {
  Whole<A> k;
  A high, r;  // r before and after the rest of ln2
  static constexpr double rest = is_double<A> ? 0x1.abc9e3b39803fp-56 : -0x1.05c61p-29;

  A low() const { return fma(-k.value, constant<A>(rest), high - r); }
};
template <class A>
ReducedByLn2<A> reduce_by_ln2(A x) {
  Whole<A> k = round_product(x, constant<A>(0x1.71547652b82fep+0));
  A high = fma(-k.value, constant<A>(0x1.62e42fefa39efp-1, 0x1.62e43p-1), x);
  return {k, high, fma(-k.value, constant<A>(ReducedByLn2<A>::rest), high)};
}

}  // namespace slope::math
