// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// An angle less its multiple of pi/2, for sin and cos.
#pragma once
#include <iterator>

#include "graph/math/pieces.h"

namespace slope::math {

// An angle less k times pi, with k's low bits (Whole).
template <class A>
struct ReducedAngle {
  bits_t<A> k;
  A angle;
};

// Beyond this size the fields of 2/pi below take the place of three constants: k must keep its rounding error
// far below 1.
template <class A>
inline constexpr double usual_angle = is_double<A> ? 0x1p45 : 0x1p16;

// An angle less k times pi/2, in twice the precision.
template <class A>
struct ReducedAnglePair {
  bits_t<A> k;
  Pair<A> angle;
};

// x - k*pi, k an integer or the half of an odd one, by the parts of pi. x - k*first is exact
// (see reduce_by_ln2; for k = 1/2 and a small x it is rounded, where the cosine is near 1), each following
// difference is rounded once relative to itself, and pi's rest, k*2^-163 (float: k*2^-76), is nothing: no
// double comes closer to a multiple of pi/2 than about 2^-62.
template <class A>
A subtract_half_turns(A x, A k) {
  A first = fma(-k, constant<A>(0x1.921fb54442d18p+1, 0x1.921fb6p+1), x);
  A second = fma(-k, constant<A>(0x1.1a62633145c07p-53, -0x1.777a5cp-24), first);
  return fma(-k, constant<A>(-0x1.f1976b7ed8fbcp-109, -0x1.ee59dap-49), second);
}

// x - k*pi/2 as a pair. The product with the second part is taken exactly and subtracted exactly: though it
// may exceed what is left, that is a multiple of its last bit.
template <class A>
Pair<A> subtract_quarter_turns(A x, A k) {
  A first = fma(-k, constant<A>(0x1.921fb54442d18p+0, 0x1.921fb6p+0), x);
  Pair<A> second = two_product(k, constant<A>(0x1.1a62633145c07p-54, -0x1.777a5cp-25));
  Pair<A> angle = fast_two_sum(first, -second.hi);
  A third = constant<A>(-0x1.f1976b7ed8fbcp-110, -0x1.ee59dap-50);
  return {angle.hi, fma(-k, third, angle.lo - second.lo)};
}

// For |x| >= 2^16, after Payne and Hanek (1983): x = m * 2^e, and of 2^e * (2/pi) only the bits below 2^54
// matter, since m is a multiple of 2^-52 and whole turns (4 quadrants) drop out. Four fields of 53 bits of
// 2/pi, taken from the bit of weight 2^53 on, leave out less than 2^-157, whereas no double comes closer to a
// multiple of pi/2 than about 2^-62.
//
// Entry j is the field of bits j-37, ... , j+15 of 2/pi as a fraction (bit n has weight 2^-n, those before
// bit 1 are zero), for e = 16 + j; the following fields are the entries 53, 106 and 159 further on.
inline constexpr int first_huge_exponent = 16;
inline constexpr int last_huge_entry = 1024 - first_huge_exponent;  // an infinity's or NaN's e is 1024
struct InversePiFields {
  double values[last_huge_entry + 3 * 53 + 1];
};
constexpr InversePiFields inverse_pi_fields() {
  constexpr std::uint64_t words[] = {
      // 2/pi, from the bit of weight 1/2 on
      0xa2f9836e4e441529, 0xfc2757d1f534ddc0, 0xdb6295993c439041, 0xfe5163abdebbc561, 0xb7246e3a424dd2e0,
      0x06492eea09d1921c, 0xfe1deb1cb129a73e, 0xe88235f52ebb4484, 0xe99c7026b45f7e41, 0x3991d639835339f4,
      0x9c845f8bbdf9283b, 0x1ff897ffde05980f, 0xef2f118b5a0a6d1f, 0x6d367ecf27cb09b7, 0x4f463f669e5fea2d,
      0x7527bac7ebe5f17b, 0x3d0739f78a5292ea, 0x6bfb5fb11f8d5d08, 0x56033046fc7b6bab};
  InversePiFields fields{};
  std::uint64_t window = 0;  // the last 53 bits read
  int bit = 0;
  for (int j = -14; j < static_cast<int>(std::size(fields.values)); ++j, ++bit) {
    std::uint64_t next = words[bit / 64] >> (63 - bit % 64) & 1;
    window = (window << 1 | next) & ((std::uint64_t{1} << 53) - 1);
    if (j >= 0) fields.values[j] = static_cast<double>(window) * 0x1p-53;
  }
  return fields;
}
inline constexpr InversePiFields inverse_pi = inverse_pi_fields();

// x * (2/pi) modulo 4, in quadrants: an integer and the rest in twice the precision, in [-1/2, 1/2] or a
// rounding more. Every sum up to the last is exact.
template <class A>
struct Quadrants {
  bits_t<A> whole;
  Pair<A> rest;
};
template <class A>
Quadrants<A> huge_quadrants(A x) {
  bits_t<A> exponent = shift_right(bits(abs(x)), 52) - integer<A>(1023 + first_huge_exponent);
  bits_t<A> j = select(exponent < integer<A>(0), integer<A>(0), exponent);
  bits_t<A> sign_and_fraction = integer<A>(static_cast<std::int64_t>(0x800fffffffffffffu));
  A m = from_bits<A>((bits(x) & sign_and_fraction) | bits(constant<A>(1.0)));
  auto field = [&](int bit) { return lookup<A>(inverse_pi.values, j + integer<A>(bit)); };
  A not_finite = x - x;  // 0, or NaN for an infinity and a NaN
  Pair<A> p0 = two_product(m * constant<A>(0x1p54), field(0));
  Pair<A> p1 = two_product(m * constant<A>(0x1p1), field(53));
  Pair<A> p2 = two_product(m * constant<A>(0x1p-52), field(106));
  A p3 = m * constant<A>(0x1p-105) * field(159);
  A turns = round_even(p0.hi * constant<A>(0.25));
  Pair<A> sum0 = two_sum(fma(turns, constant<A>(-4.0), p0.hi), p0.lo);
  Pair<A> sum1 = two_sum(sum0.hi, p1.hi);
  A shifter = constant<A>(magic<A>);
  A shifted = sum1.hi + shifter;
  Pair<A> rest0 = two_sum(sum1.hi - (shifted - shifter), sum0.lo);
  Pair<A> rest1 = two_sum(rest0.hi, sum1.lo);
  Pair<A> rest2 = two_sum(rest1.hi, p1.lo);
  Pair<A> rest3 = two_sum(rest2.hi, p2.hi);
  A low = (rest0.lo + rest1.lo) + (rest2.lo + rest3.lo) + (p2.lo + p3);
  return {bits(shifted), two_sum(rest3.hi + not_finite, low)};
}

// Quarter turns as an angle.
template <class A>
Pair<A> angle_of_quadrants(Pair<A> quadrants) {
  Pair<A> angle =
      product(quadrants, Pair<A>{constant<A>(0x1.921fb54442d18p+0), constant<A>(0x1.1a62633145c07p-54)});
  return fast_two_sum(angle.hi, angle.lo);
}

}  // namespace slope::math
