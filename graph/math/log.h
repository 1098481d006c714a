// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The natural logarithm, below 1.6 ulp, and what the logarithms share.
#pragma once
#include "graph/math/pieces.h"

namespace slope::math {

// x = 2^k * m, x positive, finite and normal; m from `start` on, up to its double: with the bits of `start`
// subtracted, the exponent field carries over exactly there. k as the number k * 2^exponent_shift, which is
// what the precision has cheapest.
template <class A>
struct BinaryParts {
  A k, m;
  bits_t<A> distance;  // from start, in representations
  bits_t<A> exponent;  // k in its place in the representation
};
template <class A>
inline constexpr int exponent_shift = is_double<A> ? 0 : 23;
template <class A>
BinaryParts<A> binary_parts(A x, A start) {
  bits_t<A> distance = bits(x) - bits(start);
  bits_t<A> exponent = distance & integer<A>(-(std::int64_t{1} << mantissa_bits<A>));
  bits_t<A> k = shift_right(exponent, mantissa_bits<A> - exponent_shift<A>);
  return {number<A>(k), from_bits<A>(bits(x) - exponent), distance, exponent};
}

// What BinaryParts' k is multiplied with where k itself would be with c.
template <class A>
A of_exponent(double in_double, double in_float) {
  return constant<A>(in_double, in_float * 0x1p-23);
}

// For m, a number c near 1/m and -log c to some base: one of each for 16 intervals, a 16th of a binade each,
// from 0.703125 on. In the interval around 1 (from 1 - 1/64 to 1 + 1/32) c is 1, so that the logarithm of a
// number near 1 keeps its relative precision; elsewhere c is chosen such that log c is of the precision but
// for 2^-65 (float: 2^-35). m*c - 1 is in [-0.0295, 0.03125].
struct LogTable {
  double inverse[16], value[16];
};
inline constexpr LogTable ln_table_double = {
    {0x1.6430b6049d218p+0, 0x1.5554044ace50dp+0, 0x1.47b734f82d1b7p+0, 0x1.3b1d6ae108e67p+0,
     0x1.2f6cb1f869dd5p+0, 0x1.24919ed1f13f0p+0, 0x1.1a754c596c851p+0, 0x1.1112df0d74a72p+0,
     0x1.0847134cd7292p+0, 0x1.0000000000000p+0, 0x1.e1dc079370c78p-1, 0x1.c70f57eecd18bp-1,
     0x1.af1fa69eaddb7p-1, 0x1.99a2cc16cc538p-1, 0x1.8613e6b341495p-1, 0x1.74544318e0d3bp-1},
    {-0x1.5236ebaeac2a7p-2, -0x1.26922df1c5760p-2, -0x1.f9cad10efa168p-3, -0x1.a97e0985ad018p-3,
     -0x1.5c11b7caf4964p-3, -0x1.11743fdebbf59p-3, -0x1.92dab7e26e769p-4, -0x1.08749d0cd376ap-4,
     -0x1.04b12d738084cp-5, 0x0.0p+0, 0x1.f1068bd148b5fp-5, 0x1.e2e6612ff52d7p-4, 0x1.601cb00537ac5p-3,
     0x1.c8d1808bd5966p-3, 0x1.16818d357838dp-2, 0x1.463103e70c347p-2}};
inline constexpr LogTable ln_table_float = {
    {0x1.642572p+0, 0x1.554aacp+0, 0x1.47a886p+0, 0x1.3b1c6ep+0, 0x1.2f63fap+0, 0x1.248eeep+0, 0x1.1a75e2p+0,
     0x1.110a0ep+0, 0x1.08106cp+0, 0x1.000000p+0, 0x1.e1ec86p-1, 0x1.c711d4p-1, 0x1.af1f4ap-1, 0x1.99999ap-1,
     0x1.861adep-1, 0x1.74531ep-1},
    {-0x1.521688p-2, -0x1.267624p-2, -0x1.f96f0cp-3, -0x1.a9779ep-3, -0x1.5bd6dep-3, -0x1.11616ap-3,
     -0x1.92e332p-4, -0x1.07f05cp-4, -0x1.fc24b8p-6, 0x0.0p+0, 0x1.efee28p-5, 0x1.e2d004p-4, 0x1.601e68p-3,
     0x1.c8ff7ap-3, 0x1.166f44p-2, 0x1.46342ap-2}};
template <class A>
inline constexpr const LogTable& ln_table = is_double<A> ? ln_table_double : ln_table_float;
inline constexpr double log_start = 0x1.68p-1;
// log(1+f) = f + f^2*q(f) there: minimax q, error 2^-56.3 and 2^-30.5 of the value.
inline constexpr double log_double[] = {-0.49999999999999684, 0.33333333333333154, -0.25000000004333167,
                                        0.2000000000279704,   -0.1666665064640977, 0.14285702576357123,
                                        -0.12521932001225444, 0.11129075088187566};
inline constexpr double log_float[] = {-0.4999999403953552, 0.3333333134651184, -0.2502026855945587,
                                       0.20014603435993195};

// f for 1 + f = m*c, and log(1/c) to the table's base.
template <class A>
struct TableLog {
  A c, f, value;
};
template <class A>
TableLog<A> look_up(const LogTable& table, const BinaryParts<A>& parts) {
  bits_t<A> interval = shift_right(parts.distance, mantissa_bits<A> - 4);
  A c = lookup_low<A>(table.inverse, interval);
  return {c, fma(parts.m, c, constant<A>(-1.0)), lookup_low<A>(table.value, interval)};
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

// A logarithm made of the parts of x, for every x: where there are special values, denormal ones are first
// multiplied by a power of two.
template <class A, class F>
A log_anywhere(A x, F of_parts) {
  A start = constant<A>(log_start);
  return patch(!has_usual_log(x), of_parts(binary_parts(x, start)), [&] {
    mask_t<A> denormal = x < constant<A>(smallest_normal<A>);
    BinaryParts<A> parts = binary_parts(select(denormal, x * constant<A>(0x1p54, 0x1p25), x), start);
    parts.k = select(denormal, parts.k - constant<A>(54.0, 25.0 * 0x1p23), parts.k);
    return log_special(x, of_parts(parts));
  });
}

// f^2*q(f) + low.
template <class A>
A log_tail(A f, A low) {
  A f2 = f * f;
  if constexpr (is_double<A>) return fma(f2, polynomial(log_double, f, f2), low);
  else return fma(f2, polynomial(log_float, f, f2), low);
}

// k*ln2 + value: ln2's head (a float's has its rest 2^-28.5 further down), and what it leaves.
template <class A>
A add_ln2(A k, A value) {
  return fma(k, of_exponent<A>(0x1.62e42fefa39efp-1, 0x1.62e43p-1), value);
}
template <class A>
A add_ln2_rest(A k, A value) {
  if constexpr (is_double<A>) return fma(k, constant<A>(0x1.abc9e3b39803fp-56), value);
  else return value;
}

template <class A>
A log_of_parts(const BinaryParts<A>& parts) {
  TableLog<A> t = look_up(ln_table<A>, parts);
  return add_ln2(parts.k, t.value) + log_tail(t.f, add_ln2_rest(parts.k, t.f));
}

template <class A>
A log(A x) {
  return log_anywhere(x, [](const BinaryParts<A>& parts) { return log_of_parts(parts); });
}

}  // namespace slope::math
