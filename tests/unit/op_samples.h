// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Where the generated tests sample an op's operands: the whole range of the format, dense where formulas
// change over, and in the op's own domain.
#pragma once
#include <bit>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "tests/unit/op_numbers.h"
#include "tests/unit/special.h"

namespace slope::test {

// Values with both signs, and those some steps beside them.
template <class T>
class Neighbourhoods {
 public:
  std::vector<T> values;

  void both_signs(T x) {
    values.push_back(x);
    values.push_back(-x);
  }
  void near(T x, int steps) {
    T up = x, down = x;
    for (int i = 0; i <= steps; ++i) {
      both_signs(up);
      if (i > 0) both_signs(down);
      up = std::nextafter(up, std::numeric_limits<T>::infinity());
      down = std::nextafter(down, -std::numeric_limits<T>::infinity());
    }
  }
};

// Zeros, infinities, NaN, the ends of the normal and denormal ranges, whole and half numbers, those with no
// fraction left, and what lies beside each.
template <class T>
const std::vector<T>& edge_values() {
  using Limits = std::numeric_limits<T>;
  static const std::vector<T> all = [] {
    Neighbourhoods<T> s;
    s.values = special_values<T>();
    s.near(Limits::denorm_min(), 1);
    s.near(Limits::min(), 1);
    s.near(std::nextafter(Limits::max(), T(0)), 1);
    for (double x : {0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 7.0, 33.0, 100.0}) s.near(static_cast<T>(x), 1);
    for (int digits : {Limits::digits - 1, Limits::digits, Limits::digits + 1})
      s.near(std::ldexp(T(1), digits), 1);
    return s.values;
  }();
  return all;
}

// Of one number: dense about the thresholds of the elementary functions, the multiples of π/2 (where sin and
// cos nearly vanish) and of ln2/2 (where exp changes its power of two), then every exponent alike, then
// linear.
template <class T>
const std::vector<T>& dense_values() {
  static const std::vector<T> all = [] {
    constexpr bool d = sizeof(T) == 8;
    const auto quarter_turn = acosq(0), half_exp_step = logq(2) / 2;
    std::mt19937_64 engine(20240229);
    auto uniform = [&] { return static_cast<double>(engine() >> 11) * 0x1p-53; };
    Neighbourhoods<T> s;
    s.values = edge_values<T>();
    for (double x : {0.25, 0.5, 1.0, 2.0, 0.34657359, 0.70710678, 1.41421356, d ? 709.78271 : 88.722839})
      s.near(static_cast<T>(x), 200);
    s.near(std::numeric_limits<T>::min(), 200);
    for (int k = 1; k < 2000; ++k) s.near(static_cast<T>(k * quarter_turn), 1);
    for (int k = 10; k < 45; ++k)
      s.near(static_cast<T>(std::floor(uniform() * std::ldexp(1.0, k)) * quarter_turn), 3);
    for (int k = 1; k < 1000; ++k) s.near(static_cast<T>(k * half_exp_step), 1);
    // The double nearest to a multiple of π/2 (Muller, Elementary Functions, 2006, 11.2.4).
    s.near(static_cast<T>(0x1.6ac5b262ca1ffp849), 1);
    for (int i = 0; i < 60'000; ++i)
      s.values.push_back(std::bit_cast<T>(static_cast<math::bits_t<T>>(engine())));
    for (double bound : {0.01, 1.0, 2.0, 30.0, d ? 760.0 : 110.0})
      for (int i = 0; i < 5'000; ++i) s.both_signs(static_cast<T>(uniform() * bound));
    return s.values;
  }();
  return all;
}

// Random operands of one op.
class Samples {
 public:
  explicit Samples(OpId op) : op_(info(op)) {}

  // In the op's domain.
  Point<double> in_domain() {
    return point<double>(
        [&] { return std::uniform_real_distribution<double>(op_.domain.low, op_.domain.high)(random_); });
  }

  // Anywhere: each operand of any exponent, or moderate, or an edge, or nearly another operand.
  template <class T>
  Point<T> anywhere() {
    T last = 0;
    return point<T>([&] { return last = number(last); });
  }

 private:
  template <class T, class F>
  Point<T> point(F real) {
    Point<T> x{};
    for (std::size_t k = 0; k < static_cast<std::size_t>(op_.arity); ++k)
      x[k] = op_.operands[k] == Type::truth ? static_cast<T>(random_() % 2)
             : op_.indexed && k == 0        ? static_cast<T>(1 + random_() % 3)
                                            : static_cast<T>(real());
    return x;
  }

  template <class T>
  T number(T last) {
    auto uniform = [&](double bound) {
      return static_cast<T>(std::uniform_real_distribution<double>(-bound, bound)(random_));
    };
    const auto& edges = edge_values<T>();
    switch (random_() % 8) {
      case 0:
      case 1: return std::bit_cast<T>(static_cast<math::bits_t<T>>(random_()));
      case 2: return uniform(3);
      case 3: return uniform(30);
      case 4: return uniform(800);
      case 5: return std::nextafter(std::round(uniform(20)), uniform(20));
      case 6: return edges[random_() % edges.size()];
      default: return last * (1 + uniform(1) * std::ldexp(T(1), -static_cast<int>(random_() % 64)));
    }
  }

  const OpInfo& op_;
  std::mt19937_64 random_{7};
};

// Every tuple of special values as operands of the op; a truth value is 0 or 1 only.
template <class T, class F>
void for_special_operands(OpId op, F f) {
  auto arity = static_cast<std::size_t>(info(op).arity);
  auto columns = special_tuples<T>(arity);
  for (std::size_t i = 0; i < columns[0].size(); ++i) {
    Point<T> x{};
    for (std::size_t k = 0; k < arity; ++k) {
      x[k] = columns[k][i];
      if (info(op).operands[k] == Type::truth) x[k] = x[k] > T(0.5);
      if (info(op).indexed && k == 0) x[k] = static_cast<T>(1 + i % 3);
    }
    f(x);
  }
}

}  // namespace slope::test
