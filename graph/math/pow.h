// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// x^y, below 1.4 ulp, with the special cases of C99, annex F.9.4.4.
#pragma once
#include "graph/math/exp.h"
#include "graph/math/log.h"

namespace slope::math {

// As LogTable, for doubles, with -log c in two parts: the head a multiple of 2^-42, so that k times ln2's
// and it sum exactly. |m*c - 1| < 1/31.
struct PowLogTable {
  double inverse[16], head[16], rest[16];
};
inline constexpr PowLogTable pow_log_table = {
    {0x1.642c8590b2164p+0, 0x1.5555555555555p+0, 0x1.47ae147ae147bp+0, 0x1.3b13b13b13b14p+0,
     0x1.2f684bda12f68p+0, 0x1.2492492492492p+0, 0x1.1a7b9611a7b96p+0, 0x1.1111111111111p+0,
     0x1.0842108421084p+0, 0x1.0000000000000p+0, 0x1.e1e1e1e1e1e1ep-1, 0x1.c71c71c71c71cp-1,
     0x1.af286bca1af28p-1, 0x1.999999999999ap-1, 0x1.8618618618618p-1, 0x1.745d1745d1746p-1},
    {-0x1.522ae0738a000p-2, -0x1.269621134e000p-2, -0x1.f991c6cb3c000p-3, -0x1.a93ed3c8ae000p-3,
     -0x1.5bf406b544000p-3, -0x1.1178e8227e000p-3, -0x1.9335e5d594000p-4, -0x1.08598b59e4000p-4,
     -0x1.0415d89e78000p-5, 0x0.0p+0, 0x1.f0a30c0118000p-5, 0x1.e27076e2b0000p-4, 0x1.5ff3070a7a000p-3,
     0x1.c8ff7c79aa000p-3, 0x1.1675cababa000p-2, 0x1.4618bc21c6000p-2},
    {-0x1.eba708164c759p-45, 0x1.1ba1f10522625p-44, 0x1.90b84cd7cc834p-44, 0x1.86a4350562169p-45,
     0x1.28023eb68981cp-46, -0x1.1e778ce2d07f2p-45, -0x1.30f5c3abd47dap-45, 0x1.7e9dd7009902cp-46,
     0x1.ddfc7f461c516p-44, 0x0.0p+0, -0x1.d579e83368e91p-45, -0x1.a2c2c2af0003cp-45, -0x1.8546f183bebf2p-44,
     -0x1.7814f689f8434p-45, 0x1.83c0e731f55c4p-44, -0x1.3e02f484c84ccp-46}};
// log(1+f) = f - f^2/2 + f^3*q(f) there: minimax q, error 2^-65.0 of the value; for floats f + f^2*q(f) on
// ln_table's range, error 2^-34.4. e^r = 1 + r + r^2*q(r) on |r| <= ln2/2: minimax q, error 2^-34.1.
inline constexpr double pow_log_double[] = {0.3333333333333333,  -0.2499999999999888,  0.19999999999995904,
                                            -0.1666666667528314, 0.14285714302944963,  -0.12499978044755812,
                                            0.11111080014969874, -0.10022812132997043, 0.09116275195161422};
inline constexpr double pow_log_float[] = {-0.49999999274129203, 0.3333333229451524, -0.25003159486548054,
                                           0.20010466267439814, -0.13914751011763285};
inline constexpr double pow_exp_float[] = {0.5000000066409406,   0.16666665875468134,  0.04166629797976859,
                                           0.008333496250564967, 0.001394449430273745, 0.0001979057731391827};

// log x in twice the precision. y*log x reaches 745 before x^y leaves the range, so an error below 2^-9.5 -
// 56 of log x is an eighth of an ulp. m*c - 1 = near_one - 1, f^2 and the sums of heads are exact; f^3*q is
// at most 2^-10.5 of the whole, and the low part with it.
template <class A>
Pair<A> log_pair(const BinaryParts<A>& parts) {
  bits_t<A> interval = shift_right(parts.distance, mantissa_bits<A> - 4);
  Pair<A> near_one = two_product(parts.m, lookup_low<A>(pow_log_table.inverse, interval));
  A f = near_one.hi - constant<A>(1.0);
  A f_low = fma(-fma(-near_one.lo, f, near_one.lo), f, near_one.lo);  // times 1 - f + f^2, near 1/(1 + f)
  A head = fma(parts.k, constant<A>(0x1.62e42fefa38p-1), lookup_low<A>(pow_log_table.head, interval));
  A rest = fma(parts.k, constant<A>(0x1.ef35793c7673p-45), lookup_low<A>(pow_log_table.rest, interval));
  Pair<A> square = two_product(f, f);
  Pair<A> linear = fast_two_sum(head, f);
  A minus_half = constant<A>(-0.5);
  Pair<A> sum = fast_two_sum(linear.hi, minus_half * square.hi);
  A low = fma(minus_half, square.lo, (linear.lo + sum.lo) + (rest + f_low));
  return {sum.hi, fma(f * square.hi, polynomial(pow_log_double, f, square.hi), low)};
}

// x^y = e^exponent = 2^k * power.
template <class A>
struct PowParts {
  A exponent;
  Whole<A> k;
  A power;
};
template <class A>
PowParts<A> pow_parts(Pair<A> log_x, A y) {
  Pair<A> p = two_product(y, log_x.hi);
  A low = fma(y, log_x.lo, p.lo);
  A exponent = p.hi + low;
  Whole<A> k = round_product(exponent, constant<A>(0x1.71547652b82fep+0));
  A high = fma(-k.value, constant<A>(0x1.62e42fefa39efp-1), p.hi);  // exact (reduce_by_ln2)
  A r = high + fma(-k.value, constant<A>(ReducedByLn2<A>::rest), low);
  return {exponent, k, constant<A>(1.0) + exp_minus_one_of_reduced(r, constant<A>(0.0))};
}

// x^y of any positive finite double x. A y beyond 2^65 changes nothing (log x is 0 or above 2^-54 in
// magnitude) and could overflow.
template <class A>
A pow_anywhere(A x, A y) {
  mask_t<A> denormal = x < constant<A>(smallest_normal<A>);
  BinaryParts<A> parts = binary_parts(select(denormal, x * constant<A>(0x1p54), x), constant<A>(log_start));
  parts.k = select(denormal, parts.k - constant<A>(54.0), parts.k);
  PowParts<A> result = pow_parts(log_pair(parts), clamp(y, -0x1p65, 0x1p65));
  return scale_anywhere(result.exponent, result.power, result.k);
}

// Of floats x and y, in doubles throughout, to the accuracy a float needs: log x to 2^-34 (a product with y
// above 104 leaves the range), e^r to 2^-34. The result's own exponent never leaves the doubles.
template <class W>
W pow_of_floats(W x, W y) {
  BinaryParts<W> parts = binary_parts(x, constant<W>(log_start));
  TableLog<W> t = look_up(ln_table<W>, parts);
  W f2 = t.f * t.f;
  W ln2 = constant<W>(0x1.62e42fefa39efp-1);
  W log_x = fma(f2, polynomial(pow_log_float, t.f, f2), fma(parts.k, ln2, t.value) + t.f);
  W exponent = clamp(y * log_x, -110.0, 100.0);
  Whole<W> k = round_product(exponent, constant<W>(0x1.71547652b82fep+0));
  W r = fma(-k.value, ln2, exponent);
  W r2 = r * r;
  return scale_exponent(constant<W>(1.0) + fma(r2, polynomial(pow_exp_float, r, r2), r), k.low_bits);
}

// x^y of a usual x >= 0, and whether it is one: the result normal, and y not 1, for which it would be
// rounded.
template <class A>
struct UsualPow {
  A value;
  mask_t<A> valid;
};
template <class A>
UsualPow<A> usual_pow(A x, A y) {
  if constexpr (is_double<A>) {
    PowParts<A> parts = pow_parts(log_pair(binary_parts(x, constant<A>(log_start))), y);
    return {scale_exponent(parts.power, parts.k.low_bits),
            has_normal_exp(parts.exponent) && y != constant<A>(1.0)};
  } else {
    A value = narrow(pow_of_floats(widen(x), widen(y)));
    return {value, value == value};
  }
}

// Zeros and infinities of x: 0 or an infinity, the sign of y deciding which; a negative x gives its sign to
// odd powers, and no number to broken ones.
template <class A>
A pow_special(A x, A y, A positive) {
  A zero = constant<A>(0.0);
  A one = constant<A>(1.0);
  A many = constant<A>(infinity);
  A size = abs(x);
  mask_t<A> end = size == zero || size == many;
  A end_value = select(y < zero, select(size == zero, many, zero), size);
  A magnitude = select(end, end_value, select(size == one, one, positive));  // 1 to an infinity is 1
  A half = constant<A>(0.5) * y;
  mask_t<A> whole = round_even(y) == y;
  mask_t<A> odd = whole && !(round_even(half) == half);
  A value = copysign(magnitude, select(odd, x, one));
  A real = select(x < zero && !end && !whole, constant<A>(not_a_number), value);
  A number = select(x != x || y != y, x + y, real);
  return select(x == one || y == zero, one, select(y == one, x, number));
}

template <class A>
A pow(A x, A y) {
  A size = abs(x);
  UsualPow<A> usual = usual_pow(size, y);
  return patch(!(has_usual_log(x) && usual.valid), usual.value, [&] {
    A positive = usual.value;
    if constexpr (is_double<A>)
      positive =
          patch(!(has_usual_log(size) && usual.valid), positive, [&] { return pow_anywhere(size, y); });
    return pow_special(x, y, positive);
  });
}

}  // namespace slope::math
