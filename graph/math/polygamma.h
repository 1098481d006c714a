// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The derivatives of digamma.
#pragma once
#include <iterator>

#include "graph/math/gamma.h"

namespace slope::math {

// The largest order, and the largest for negative arguments.
inline constexpr double last_order = 30;
inline constexpr double last_negative_order = 4;

struct Factorials {
  double values[static_cast<int>(last_order) + 1];
};
constexpr Factorials factorials() {
  Factorials table{};
  table.values[0] = 1;
  for (int n = 1; n <= static_cast<int>(last_order); ++n) table.values[n] = table.values[n - 1] * n;
  return table;
}
inline constexpr Factorials factorial = factorials();

// start*x^n, n a whole number from 0 to 31. Each power of two of n goes in as two factors, so that no step
// leaves the range of numbers before the result does.
template <class A>
A times_power(A start, A x, bits_t<A> n) {
  auto absent = [&](int bit) { return (n & integer<A>(bit)) == integer<A>(0); };
  A product = select(absent(1), start, start * x);
  A root = x;
  for (int bit = 2; bit < 32; bit *= 2) {
    product = select(absent(bit), product, product * root * root);
    root = root * root;
  }
  return product;
}

// n! * the sum over k >= 0 of (x + k)^-(n+1), x >= 0: ten terms, and the rest by Euler and Maclaurin from a =
// x + 10 on,
//   n!/a^n * (1/n + 1/(2*a) + sum over j of B_2j/(2j)! * (n+1)*...*(n+2j-1)/a^(2j)).
template <class A>
A polygamma_size(A n, bits_t<A> order, A x) {
  A one = constant<A>(1.0);
  A scale = lookup<A>(factorial.values, order);
  A sum = constant<A>(0.0);
  for (int k = 9; k >= 0; --k) {
    A inverse = one / (x + constant<A>(k));
    sum = sum + times_power(scale, inverse, order + integer<A>(1));
  }
  // B_2j/(2j)! divided by the one before.
  constexpr double ratios[] = {-1.0 / 60,        -1.0 / 42,           -1.0 / 40,
                               -5.0 / 198,       -691.0 / 27300,      -35.0 / 1382,
                               -3617.0 / 142800, -219335.0 / 8659098, -1222277.0 / 48253700};
  A w = one / (x + constant<A>(10.0));
  A w2 = w * w;
  A term = w2 * constant<A>(1.0 / 12);
  A series = fma(constant<A>(0.5), w, one / n);
  A rest = term * (n + one);
  A tail = rest;
  for (int j = 0; j < static_cast<int>(std::size(ratios)); ++j) {
    A rising = (n + constant<A>(2 * j + 2)) * (n + constant<A>(2 * j + 3));
    rest = rest * w2 * (rising * constant<A>(ratios[j]));
    tail = tail + rest;
  }
  return sum + times_power(scale, w, order) * (series + tail);
}

// The n-th derivative of pi*cot(pi*x), n from 1 to 4, with c = cot(pi*x).
template <class A>
A cot_derivative(A n, A c) {
  A one = constant<A>(1.0);
  A c2 = c * c;
  A common = (one + c2) * constant<A>(0x1.3bd3cc9be45dep+3);  // pi^2*(1 + c^2)
  A pi = constant<A>(0x1.921fb54442d18p+1);
  A second = constant<A>(2.0) * pi * c;
  A third = constant<A>(-2.0 * 0x1.3bd3cc9be45dep+3) * fma(constant<A>(3.0), c2, one);
  A fourth = constant<A>(8.0 * 0x1.f019b59389d7cp+4) * c * fma(constant<A>(3.0), c2, constant<A>(2.0));
  A low = select(n == one, -one, second);
  return common * select(n < constant<A>(3.0), low, select(n == constant<A>(3.0), third, fourth));
}

// polygamma(n, x), the n-th derivative of digamma, n a whole number from 1 to 30, for negative x from 1 to 4;
// NaN for any other n. At the poles +infinity for an odd n; for an even n NaN, at 0 the infinity of the side
// that the zero's sign tells. Reflection: polygamma(n, x) = (-1)^n*polygamma(n, 1 - x) - (the n-th derivative
// of pi*cot(pi*x)), and (-1)^n is opposite to the sign of polygamma(n, 1 - x).
template <class A>
A polygamma(A n, A x) {
  if constexpr (is_double<A>) {
    A zero = constant<A>(0.0);
    A many = constant<A>(infinity);
    A one = constant<A>(1.0);
    mask_t<A> negative = x < zero;
    mask_t<A> known = round_even(n) == n && n >= one && n <= constant<A>(last_order) &&
                      (!negative || n <= constant<A>(last_negative_order));
    A safe = select(known, n, one);
    bits_t<A> order = bits(safe + constant<A>(magic<A>)) - bits(constant<A>(magic<A>));
    mask_t<A> even = (order & integer<A>(1)) == integer<A>(0);
    A sign = select(even, -one, one);
    A size = polygamma_size(safe, order, select(negative, one - x, abs(x)));
    A value = patch(negative, sign * size, [&] {
      A d = x - round_even(x);
      A reflected = -(size + cot_derivative(safe, cot_of_half_turns(d)));
      A pole = select(even, constant<A>(not_a_number), many);
      return select(d == zero, pole, reflected);
    });
    A at_zero = select(even, copysign(many, -x), many);
    return select(known, select(x == zero, at_zero, value), constant<A>(not_a_number) + x);
  } else {
    return narrow(polygamma(widen(n), widen(x)));
  }
}

}  // namespace slope::math
