// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The ops of the table by their ids on plain numbers: values and partial derivatives in any algebra whose
// masks are bool, and how far a value lies from the exact one.
#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>

#include "graph/ops.h"
#include "tests/unit/quad.h"

namespace slope::test {

// The operands of an op, or its partial derivatives by them; a truth value is 0 or 1.
template <class A>
using Point = std::array<A, 3>;

template <class A>
A number(Zero) {
  return 0;
}
template <class A>
A number(A c) {
  return c;
}
template <class A, class P>
A number(When<bool, P> w) {
  return w.condition ? number<A>(w.partial) : A(0);
}

// f(operand 0, operand 1, …) with truth values as bool.
template <class Op, class A, class F>
auto with_operands(const Point<A>& x, F f) {
  auto operand = [&]<std::size_t K>() {
    if constexpr (Op::operands[K] == Type::truth) return x[K] != A(0);
    else return x[K];
  };
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    return f(operand.template operator()<I>()...);
  }(std::make_index_sequence<Op::operands.size()>{});
}

template <class A>
A value_of(OpId op, const Point<A>& point) {
  static constexpr auto table = table_of([]<class Op>() -> A (*)(const Point<A>&) {
    return [](const Point<A>& x) {
      return static_cast<A>(with_operands<Op>(x, [](auto... v) { return Op::value(v...); }));
    };
  });
  return table[static_cast<std::size_t>(op)](point);
}

// The partials by every operand; of a truth value 0.
template <class A>
Point<A> partials_of(OpId op, const Point<A>& point) {
  static constexpr auto table = table_of([]<class Op>() -> Point<A> (*)(const Point<A>&) {
    return [](const Point<A>& x) {
      A y = value_of<A>(id_of<Op>(), x);
      auto tuple = with_operands<Op>(x, [&](auto... v) { return Op::partial(v..., y); });
      return std::apply([](auto... p) { return Point<A>{number<A>(p)...}; }, tuple);
    };
  });
  return table[static_cast<std::size_t>(op)](point);
}

template <class T>
Point<Quad> exactly(const Point<T>& x) {
  return {Quad(static_cast<double>(x[0])), Quad(static_cast<double>(x[1])), Quad(static_cast<double>(x[2]))};
}

template <class F>
void for_every_op(F f) {
  for (std::size_t i = 0; i < op_count; ++i) f(static_cast<OpId>(i));
}

// |value − exact| in units of the last place that `exact` has in T (below the normal range the denormals').
// An infinite value counts as the power of two above T's largest number, which is where rounding goes to it;
// where the exact value is itself infinite, zero or no number, so must the value be, a zero with its sign.
template <class T>
double ulps(T value, Quad exact) {
  using Limits = std::numeric_limits<T>;
  constexpr double never = std::numeric_limits<double>::infinity();
  if (std::isnan(value) || isnanq(exact.v)) return std::isnan(value) && isnanq(exact.v) ? 0 : never;
  if (exact == 0 || isinfq(exact.v))
    return value == static_cast<T>(exact) && std::signbit(value) == (signbitq(exact.v) != 0) ? 0 : never;
  Quad found = static_cast<double>(value);
  if (std::isinf(value)) {
    found = copysign(Quad::of(ldexpq(1, Limits::max_exponent)), found);
    if (abs(exact) >= abs(found) && sign(exact) == sign(found)) return 0;
  }
  int exponent = std::clamp(ilogbq(exact.v), Limits::min_exponent - 1, Limits::max_exponent - 1);
  return static_cast<double>(ldexpq(abs(found - exact).v, Limits::digits - 1 - exponent));
}

// Whether a value is as near to the exact one as its op promises.
template <class T>
bool accurate(OpId op, T value, Quad exact) {
  if (ulps(value, exact) <= info(op).accuracy.ulps) return true;
  Quad error = abs(Quad(static_cast<double>(value)) - exact);
  return static_cast<double>(error) <=
         info(op).accuracy.epsilons * static_cast<double>(std::numeric_limits<T>::epsilon());
}

}  // namespace slope::test
