// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// An angle less its multiple of pi/2, for sin and cos.
#pragma once
#include <iterator>

#include "graph/math/pieces.h"

namespace slope::math {

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

// The reduction of a float, made in double, as two floats. The quadrant crosses over as the number 1 +
// quadrant/4, whose representation shows it in the first two bits of the fraction, in double and in float.
template <class A>
ReducedAngle<A> narrow_angle(bits_t<wide_t<A>> quadrant, wide_t<A> angle) {
  using W = wide_t<A>;
  A hi = narrow(angle);
  A lo = narrow(angle - widen(hi));
  bits_t<W> quarter = shift_left(quadrant & integer<W>(3), 50) | bits(constant<W>(1.0));
  return {shift_right(bits(narrow(from_bits<W>(quarter))), 21), {hi, lo}};
}

// For |x| <= 2^45. A float needs only two parts of pi/2.
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
    return narrow_angle<A>(bits(shifted), fma(-k, constant<W>(0x1.1a62633145c07p-54), first));
  }
}

// For |x| > 2^45, after Payne and Hanek (1983): x = m * 2^e, and of 2^e * (2/pi) only the bits below 2^54
// matter, since m is a multiple of 2^-52 and whole turns (4 quadrants) drop out. Four fields of 53 bits of
// 2/pi, taken from the bit of weight 2^53 on, leave out less than 2^-157, whereas no double comes closer to a
// multiple of pi/2 than about 2^-62.
//
// Entry j is the field of bits j-8, ... , j+44 of 2/pi as a fraction (bit n has weight 2^-n, those before bit
// 1 are zero), for e = 45 + j; the following fields are the entries 53, 106 and 159 further on.
inline constexpr int first_huge_exponent = 45;
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
  for (int j = -43; j < static_cast<int>(std::size(fields.values)); ++j, ++bit) {
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
ReducedAngle<A> huge_quadrants(A x) {
  bits_t<A> exponent = shift_right(bits(abs(x)), 52) - integer<A>(1023 + first_huge_exponent);
  bits_t<A> j = select(exponent < integer<A>(0), integer<A>(0), exponent);
  bits_t<A> sign_and_fraction = integer<A>(static_cast<std::int64_t>(0x800fffffffffffffu));
  A m = from_bits<A>((bits(x) & sign_and_fraction) | bits(constant<A>(1.0)));
  auto field = [&](int bit) { return lookup<A>(inverse_pi.values, j + integer<A>(bit)); };
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
  return {bits(shifted), two_sum(rest3.hi, low)};
}

template <class A>
ReducedAngle<A> reduce_huge_angle(A x) {
  if constexpr (is_double<A>) {
    ReducedAngle<A> turned = huge_quadrants(x);
    Pair<A> quarter_turn = {constant<A>(0x1.921fb54442d18p+0), constant<A>(0x1.1a62633145c07p-54)};
    Pair<A> angle = product(turned.angle, quarter_turn);
    A not_finite = x - x;  // 0, or NaN for an infinity and a NaN
    return {turned.quadrant, fast_two_sum(angle.hi + not_finite, angle.lo)};
  } else {
    ReducedAngle<wide_t<A>> wide = reduce_huge_angle(widen(x));
    return narrow_angle<A>(wide.quadrant, wide.angle.hi);
  }
}

}  // namespace slope::math
