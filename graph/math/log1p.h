// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// log(1 + x), below 1.3 ulp.
#pragma once
#include "graph/math/log.h"

namespace slope::math {

// 1 + x = y + e exactly, y = 2^k * m. Then f = (m-1) + 2^-k*e, in one rounding g (none for k = 0, where f =
// x), and log(1+f+g) = log(1+f) + g/(1+f), where a straight line serves for 1/(1+f): g is below half an ulp
// of f. For a large x the e is nothing beside y, and 2^-k would leave the range.
template <class A>
A log1p(A x) {
  A one = constant<A>(1.0);
  Pair<A> sum = two_sum(one, x);
  BinaryParts<A> parts = binary_parts(sum.hi);
  A inverse_power = from_bits<A>(bits(one) - parts.exponent);
  A low = select(abs(x) < constant<A>(0x1p60), sum.lo * inverse_power, constant<A>(0.0));
  Pair<A> f = fast_two_sum(parts.m - one, low);
  A extra = f.lo * fma(f.hi, constant<A>(-0.98), constant<A>(1.06));
  A result = log_sum(parts.k, f.hi, extra);
  return copysign(patch(!has_usual_log(sum.hi), result, [&] { return log_special(sum.hi, result); }), x);
}

}  // namespace slope::math
