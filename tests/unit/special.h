// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The numbers on which rules of algebra break, and every tuple of them.
#pragma once
#include <cstddef>
#include <limits>
#include <vector>

#include "graph/math/algebra.h"

namespace slope::test {

template <class T>
std::vector<T> special_values() {
  using Limits = std::numeric_limits<T>;
  return {T(0),
          T(-0.0),
          Limits::infinity(),
          -Limits::infinity(),
          Limits::quiet_NaN(),
          Limits::denorm_min(),
          Limits::max(),
          T(1),
          T(-1),
          T(2),
          T(0.5),
          -Limits::min()};
}

// columns[k][i]: operand k of the i-th tuple, n operands of all special values.
template <class T>
std::vector<std::vector<T>> special_tuples(std::size_t n) {
  std::vector<T> values = special_values<T>();
  std::size_t count = 1;
  for (std::size_t k = 0; k < n; ++k) count *= values.size();
  std::vector<std::vector<T>> columns(n);
  for (std::size_t i = 0; i < count; ++i)
    for (std::size_t k = 0, rest = i; k < n; ++k, rest /= values.size())
      columns[k].push_back(values[rest % values.size()]);
  return columns;
}

// Equal bits, or NaN both: which NaN is not defined.
template <class T>
bool same_bits(T a, T b) {
  if (a != a || b != b) return a != a && b != b;
  return math::bits(a) == math::bits(b);
}

// Equal, zeros of either sign too, or NaN both.
template <class T>
bool same_number(T a, T b) {
  return a == b || (a != a && b != b);
}

}  // namespace slope::test
