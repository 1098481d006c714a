// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// atan and atan2, below 1.5 ulp, with the special cases of C99, annex F.9.1.3 and F.9.1.4.
#pragma once
#include "graph/math/pieces.h"

namespace slope::math {

// atan t = t + t^3*p(t^2) on |t| <= 1/2: minimax p, error 2^-57.8 and 2^-28.3 of the value.
inline constexpr double atan_double[] = {-0.33333333333332993, 0.19999999999905674,   -0.14285714276591752,
                                         0.11111110667887317,  -0.09090896436968003,  0.07692076729908001,
                                         -0.06663837676752266, 0.058584718037401035,  -0.051227339972792454,
                                         0.0418844683659578,   -0.027464687906511284, 0.01013675122400915};
inline constexpr double atan_float[] = {-0.333333283662796,  0.1999950110912323,   -0.14272280037403107,
                                        0.10942576825618744, -0.07989788800477982, 0.03879992663860321};

// base + atan t, base a pair of which the head is 0 or above |t|.
template <class A>
A atan_from(Pair<A> base, A t) {
  A t2 = t * t;
  A p = t2;
  if constexpr (is_double<A>) p = polynomial(atan_double, t2, t2 * t2);
  else p = polynomial(atan_float, t2, t2 * t2);
  Pair<A> head = fast_two_sum(base.hi, t);
  return head.hi + (head.lo + fma(t * t2, p, base.lo));
}

inline constexpr double quarter_pi[] = {0x1.921fb54442d18p-1, 0x1.1a62633145c07p-55};
inline constexpr double quarter_pi_float[] = {0x1.921fb6p-1, -0x1.777a5cp-26};

// From 1/2 to 2 atan x = pi/4 + atan((x - 1)/(x + 1)), where x - 1 is exact; above, pi/2 - atan(1/x).
template <class A>
A atan(A x) {
  A zero = constant<A>(0.0);
  A one = constant<A>(1.0);
  A size = abs(x);
  mask_t<A> middle = size > constant<A>(0.5);
  mask_t<A> steep = size > constant<A>(2.0);
  A over = select(steep, -one, select(middle, size - one, size));
  A under = select(steep, size, select(middle, size + one, one));
  A head = constant<A>(quarter_pi[0], quarter_pi_float[0]);
  A rest = constant<A>(quarter_pi[1], quarter_pi_float[1]);
  Pair<A> base = {select(steep, head + head, select(middle, head, zero)),
                  select(steep, rest + rest, select(middle, rest, zero))};
  return copysign(atan_from(base, over / under), x);
}

// The angle of the point (x, y): atan of the smaller coordinate by the larger, a/b, as above where 2a > b (a
// - b is exact then), turned by whole quarters of pi. Large numbers are made smaller for their sum; what
// vanishes by that is nothing beside the larger.
template <class A>
A atan2(A y, A x) {
  A zero = constant<A>(0.0);
  A one = constant<A>(1.0);
  A many = constant<A>(infinity);
  A width = abs(x);
  A height = abs(y);
  mask_t<A> steep = height > width;
  A larger = select(steep, height, width);
  A smaller = select(steep, width, height);
  A factor = select(larger > constant<A>(0x1p1000, 0x1p100), constant<A>(0x1p-10), one);
  // 0/0 is 0/1; inf/inf is 1/1, an infinite larger alone makes it 0/1.
  mask_t<A> endless = larger == many;
  A a = select(endless, select(smaller == many, one, zero), smaller * factor);
  A b = select(endless || larger == zero, one, larger * factor);
  mask_t<A> middle = a + a > b;
  A t = select(middle, a - b, a) / select(middle, a + b, b);
  // The sign of zero counts. The turn goes on from the axis that is near, in the right half from the x axis
  // upwards, from the y axis back, in the left half the other way round.
  mask_t<A> left = copysign(one, x) < zero;
  A sign = select((steep && left) || (!steep && !left), one, -one);
  A quarters =
      select(steep, constant<A>(2.0), select(left, constant<A>(4.0), zero)) + select(middle, sign, zero);
  A head = constant<A>(quarter_pi[0], quarter_pi_float[0]);
  Pair<A> base = two_product(quarters, head);
  base.lo = fma(quarters, constant<A>(quarter_pi[1], quarter_pi_float[1]), base.lo);
  A angle = copysign(atan_from(base, sign * t), y);
  return select(x != x || y != y, x + y, angle);
}

}  // namespace slope::math
