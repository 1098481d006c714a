// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// atan and atan2, below 1 ulp, with the special cases of C99, annex F.9.1.3 and F.9.1.4.
#pragma once
#include "graph/math/pieces.h"

namespace slope::math {

// atan t = t + t^3*p(t^2) on |t| <= tan(pi/8): minimax p, error 2^-58.5 and 2^-29.0 of the value.
inline constexpr double atan_double[] = {-0.333333333333332,   0.19999999999954082,  -0.1428571428024819,
                                         0.11111110786111361,  -0.09090897835497228, 0.07692061617610377,
                                         -0.06663120136661553, 0.05848006942305775,  -0.050398358447336235,
                                         0.0380780558431445,   -0.017921967633627394};
inline constexpr double atan_float[] = {-0.33333316445350647, 0.19998495280742645, -0.14243926107883453,
                                        0.10596460849046707, -0.06084413081407547};

// quarters*(pi/4), for quarters 0, 1, 2, 3, 4 as a choice made by the caller: the head and the rest.
template <class A>
Pair<A> quarter_turns(A quarters) {
  A head = quarters * constant<A>(0x1.921fb54442d18p-1, 0x1.921fb6p-1);
  A error = fma(quarters, constant<A>(0x1.921fb54442d18p-1, 0x1.921fb6p-1), -head);
  return {head, fma(quarters, constant<A>(0x1.1a62633145c07p-55, -0x1.777a5cp-26), error)};
}

// atan(a/b) for 0 <= a <= b, or what remains of it on the way to another angle: where a/b > tan(pi/8),
// atan(a/b) = pi/4 + atan((a - b)/(a + b)). That quotient t is taken in twice the precision (an fma gives its
// remainder exactly), so that hardly more than the last rounding remains. The result is base +
// sign*(pi/4*[a/b large] + atan t), base and sign given in quarter turns.
template <class A>
A turned_atan(A a, A b, A base, A sign) {
  A zero = constant<A>(0.0);
  mask_t<A> large = a > b * constant<A>(0.41421356237309503);
  Pair<A> sum = fast_two_sum(b, a);
  Pair<A> difference = fast_two_sum(-b, a);
  Pair<A> over = {select(large, difference.hi, a), select(large, difference.lo, zero)};
  Pair<A> under = {select(large, sum.hi, b), select(large, sum.lo, zero)};
  A inverse = constant<A>(1.0) / under.hi;
  A t = over.hi * inverse;
  A low = (fma(-t, under.hi, over.hi) + fma(-t, under.lo, over.lo)) * inverse;
  A t2 = t * t;
  A p = t2;
  if constexpr (is_double<A>) p = polynomial(atan_double, t2, t2 * t2);
  else p = polynomial(atan_float, t2, t2 * t2);
  A tail = fma(t * t2, p, fma(-t2, low, low));
  Pair<A> turns = quarter_turns(base + select(large, sign, zero));
  Pair<A> head = fast_two_sum(turns.hi, sign * t);
  return head.hi + (head.lo + fma(sign, tail, turns.lo));
}

// Beyond 2^100 (float: 2^40) |x| changes nothing.
template <class A>
A atan(A x) {
  A one = constant<A>(1.0);
  A far = constant<A>(0x1p100, 0x1p40);
  A size = abs(x);
  A inside = select(size > far, far, size);
  mask_t<A> above = inside > one;
  A angle = turned_atan(select(above, one, inside), select(above, inside, one),
                        select(above, constant<A>(2.0), constant<A>(0.0)), select(above, -one, one));
  return copysign(angle, x);
}

// The angle of the point (x, y). Both are multiplied by a power of two so that neither their sum, nor the
// reciprocal of the larger, nor the quotient's remainder leaves the range; where the smaller loses bits by
// that, the angle is beyond the last place of the denormals.
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
  A factor = select(larger < constant<A>(0x1p100, 0x1p40), constant<A>(0x1p600, 0x1p60),
                    constant<A>(0x1p-60, 0x1p-10));
  // 0/0 is 0/1; inf/inf is 1/1, of an infinite larger alone 0/1.
  mask_t<A> point = larger == zero;
  mask_t<A> endless = larger == many;
  A a = select(endless, select(smaller == many, one, zero), smaller * factor);
  A b = select(point || endless, one, larger * factor);
  // The sign of zero counts.
  mask_t<A> left = copysign(one, x) < zero;
  A base = select(steep, constant<A>(2.0), select(left, constant<A>(4.0), zero));
  // Turning from the axis that is near: towards the x axis on the right and from the y axis on the left.
  mask_t<A> forward = (steep && left) || (!steep && !left);
  A angle = copysign(turned_atan(a, b, base, select(forward, one, -one)), y);
  return select(x != x || y != y, x + y, angle);
}

}  // namespace slope::math
