// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Where the formula of a partial derivative is known to lose what the format could hold, and why. The tests
// let these pass and ask that each is still needed; docs/numbers.md tells of them (bench/accuracy.cpp).
#pragma once
#include <cmath>
#include <limits>

#include "tests/unit/op_numbers.h"

namespace slope::test {

template <class T>
struct Loss {
  OpId op;
  std::size_t operand;
  bool (*where)(const Point<T>& x);
  const char *region, *reason;
};
template <class T>
const Loss<T> known_losses[] = {
    {id_of<op::Tanh>(), 0, [](const Point<T>& x) { return std::fabs(x[0]) > 4; }, "|x| > 4",
     "1 − y² cancels; absolutely it is right to an epsilon. What does not cancel, 1/cosh² x, made a training "
     "step of a model with one tanh 1.5 times as long"},
    {id_of<op::Pow>(), 0,
     [](const Point<T>& x) {
       return std::signbit(x[0]) &&
              Quad(static_cast<double>(x[1])) - 1 != Quad(static_cast<double>(x[1] - 1));
     },
     "x < 0, and p − 1 is no number of the format",
     "the rounding of p − 1 makes another parity, or a whole number of a broken one"},
    {id_of<op::Pow>(), 0,
     [](const Point<T>& x) { return std::fabs(x[0]) < std::numeric_limits<T>::min() && std::fabs(x[1]) < 1; },
     "x denormal, |p| < 1", "x^(p−1) overflows before it is multiplied by a tiny p"},
};

// The known loss that a partial at x falls under, or null.
template <class T>
const Loss<T>* known_loss(OpId op, std::size_t operand, const Point<T>& x) {
  for (const Loss<T>& loss : known_losses<T>)
    if (loss.op == op && loss.operand == operand && loss.where(x)) return &loss;
  return nullptr;
}

// Exact partials beyond these lie near the ends of the range, where products of their parts may leave it.
template <class T>
inline const Quad smallest_partial =
    static_cast<double>(std::numeric_limits<T>::min() / std::numeric_limits<T>::epsilon());
template <class T>
inline const Quad largest_partial =
    static_cast<double>(std::numeric_limits<T>::max() * std::numeric_limits<T>::epsilon());

// The error of a partial in epsilons, relative. An op that promises an absolute error is not asked for more
// in its partial: there it is relative to numbers above 1 only.
template <class T>
double partial_error(OpId op, T found, Quad exact) {
  Quad size = abs(exact);
  if (info(op).accuracy.epsilons > 0 && size < 1) size = 1;
  Quad error = abs(Quad(static_cast<double>(found)) - exact);
  return error == 0
             ? 0
             : static_cast<double>(error / size) / static_cast<double>(std::numeric_limits<T>::epsilon());
}

}  // namespace slope::test
