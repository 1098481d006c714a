// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// log(1 + x), below 1.6 ulp.
#pragma once
#include "graph/math/log.h"

namespace slope::math {

// 1 + x = y + e exactly, y = 2^k * m, so 1 + x = 2^k * (m + d) with d = 2^-k * e. m + d becomes (1 + f)/c
// with f = (m*c - 1) + c*d; what the sum f loses (nothing for k = 0 and c = 1, where f = x) goes to the small
// terms. For a large x the e is nothing beside y, and 2^-k would leave the range.
template <class A>
A log1p(A x) {
  A one = constant<A>(1.0);
  Pair<A> sum = two_sum(one, x);
  BinaryParts<A> parts = binary_parts(sum.hi, constant<A>(log_start));
  A inverse_power = from_bits<A>(bits(one) - parts.exponent);
  A d = select(abs(x) < constant<A>(0x1p60), sum.lo * inverse_power, constant<A>(0.0));
  TableLog<A> t = look_up(ln_table<A>, parts);
  Pair<A> f = fast_two_sum(t.f, t.c * d);
  A tail = f.hi + log_tail(f.hi, add_ln2_rest(parts.k, f.lo));
  A result = add_ln2(parts.k, t.value) + tail;
  return copysign(patch(!has_usual_log(sum.hi), result, [&] { return log_special(sum.hi, result); }), x);
}

}  // namespace slope::math
