// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// x - y*floor(x/y) computed exactly and rounded once: Python's and NumPy's remainder, with the sign of the
// divisor (a zero's too), whatever the size of the quotient. A rounded result may be y itself: mod(-1e-20, 3)
// is 3. NaN for y = 0 and for an infinite x; for an infinite y it is x where their signs agree, else y.
#pragma once
#include "graph/math/pieces.h"

namespace slope::math {

// x less a whole multiple of y, in [-0.75*y, 0.75*y], for |x/y| <= 2^52 (float: 2^23). The rounded quotient
// is off by 1/4 at most, the whole number nearest to it by another half; the difference fits x's and y's
// common last bit and is smaller than y, so the fma is exact. (A quotient of 0 leaves x, also under an
// infinite y.)
template <class A>
A signed_remainder(A x, A y) {
  A quotient = round_even(x / y);
  return select(quotient == constant<A>(0.0), x, fma(-quotient, y, x));
}

// The exponent of a positive finite x, denormals included.
template <class A>
bits_t<A> exponent_of(A x) {
  mask_t<A> denormal = x < constant<A>(smallest_normal<A>);
  A normal = select(denormal, x * constant<A>(0x1p54, 0x1p25), x);
  bits_t<A> correction = select(denormal, integer<A>(is_double<A> ? 54 : 25), integer<A>(0));
  return shift_right(bits(normal), mantissa_bits<A>) - correction;
}

// The same for any quotient: as long as it is large, x is reduced by y times that power of two which brings
// the quotient between 2^51 and 2^53 (float: 2^22 and 2^24). An x that is not finite ends as NaN at once, as
// does a y of 0.
template <class A>
A huge_remainder(A x, A y) {
  A step = abs(y);
  A bound = step * constant<A>(0x1p52, 0x1p23);
  bits_t<A> step_exponent = exponent_of(step) + integer<A>(mantissa_bits<A>);
  mask_t<A> proper = abs(x) < constant<A>(infinity) && step > constant<A>(0.0);
  A start = select(proper, x, constant<A>(not_a_number));
  A rest = iterate(
      start, [&](A r) { return abs(r) > bound; },
      [&](A r) {
        bits_t<A> k = exponent_of(abs(r)) - step_exponent;
        return signed_remainder(r, scale(step, Whole<A>{number<A>(k), k}));
      });
  return signed_remainder(rest, step);
}

template <class A>
A mod(A x, A y) {
  A zero = constant<A>(0.0);
  mask_t<A> huge = abs(x / y) > constant<A>(0x1p52, 0x1p23);
  A rest = patch(huge, signed_remainder(x, y), [&] { return huge_remainder(x, y); });
  mask_t<A> opposite = (rest < zero && y > zero) || (rest > zero && y < zero);
  return select(rest == zero, copysign(zero, y), select(opposite, rest + y, rest));
}

}  // namespace slope::math
