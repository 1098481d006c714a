// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// floor, ceil and round to the nearest whole number (ties to even, as NumPy rounds), all exact, with C's sign
// of zero.
#pragma once
#include "graph/math/pieces.h"

namespace slope::math {

template <class A>
A round(A x) {
  return round_even(x);
}

// The nearest whole number, less 1 where that is above x. 1 - 1 is +0, and x itself is in [0, 1) then; -0 - 0
// stays -0.
template <class A>
A floor(A x) {
  A near = round_even(x);
  return near - select(near > x, constant<A>(1.0), constant<A>(0.0));
}

template <class A>
A ceil(A x) {
  return -floor(-x);
}

}  // namespace slope::math
