// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The logistic function 1/(1 + e^-x) and its primitive log(1 + e^x), both of e^-|x|, which neither overflows
// nor, where it is small, is lost beside 1.
#pragma once
#include "graph/math/exp.h"
#include "graph/math/log1p.h"

namespace slope::math {

template <class A>
A sigmoid(A x) {
  A one = constant<A>(1.0), e = exp(-abs(x));
  return select(x >= constant<A>(0.0), one, e) / (one + e);
}

template <class A>
A softplus(A x) {
  A none = constant<A>(0.0);
  return select(x > none, x, none) + log1p(exp(-abs(x)));
}

}  // namespace slope::math
