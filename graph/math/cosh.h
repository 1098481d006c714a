// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The hyperbolic cosine, below 1.6 ulp.
#pragma once
#include "graph/math/sinh.h"

namespace slope::math {

// The term 1 of cosh r is taken apart: up in the head, down, which c may lose, among the small terms.
template <class A>
A cosh(A x) {
  A size = abs(x);
  HyperbolicParts<A> p = hyperbolic_parts(size, false);
  A c = p.up + p.down;
  A s = p.up - p.down;
  A sum = fma(s, p.r, p.up) + fma(s, p.sine, fma(c, p.cosine, p.down));
  return patch(!has_normal_exp(x), sum, [&] { return half_exp_of_large(size, p); });
}

}  // namespace slope::math
