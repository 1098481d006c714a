// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// log(1 + x), below 1.6 ulp.
#pragma once
#include "graph/math/log.h"

namespace slope::math {

// 1 + x = y + e exactly, y = 2^k * m, so 1 + x = 2^k * (m + d) with d = 2^-k * e. A double's m + d becomes
// (1 + f)/c with f = (m*c - 1) + c*d, a float's 1 + f with f = (m - 1) + d; what the sum f loses (nothing for
// k = 0 and c = 1, where f = x) goes to the small terms, a float's times a straight line for 1/(1+f): it is
// below half an ulp of f. For a large x the e is nothing beside y, and 2^-k would leave the range.
template <class A>
A log1p(A x) {
  A one = constant<A>(1.0);
  Pair<A> sum = two_sum(one, x);
  BinaryParts<A> parts = binary_parts(sum.hi, constant<A>(log_start<A>));
  A inverse_power = from_bits<A>(bits(one) - parts.exponent);
  A d = select(abs(x) < constant<A>(0x1p60), sum.lo * inverse_power, constant<A>(0.0));
  A result = one;
  if constexpr (is_double<A>) {
    TableLog<A> t = look_up(ln_table, parts);
    Pair<A> f = fast_two_sum(t.f, t.c * d);
    A f2 = f.hi * f.hi;
    A low = fma(parts.k, constant<A>(0x1.abc9e3b39803fp-56), f.lo);
    A tail = f.hi + fma(f2, polynomial(log_double, f.hi, f2), low);
    result = fma(parts.k, constant<A>(0x1.62e42fefa39efp-1), t.value) + tail;
  } else {
    Pair<A> f = fast_two_sum(parts.m - one, d);
    result = log_sum(parts.k, f.hi, f.lo * fma(f.hi, constant<A>(-0.98), constant<A>(1.06)));
  }
  return copysign(patch(!has_usual_log(sum.hi), result, [&] { return log_special(sum.hi, result); }), x);
}

}  // namespace slope::math
