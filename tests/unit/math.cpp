// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The elementary functions of graph/math/ on the reference algebras, float and double: special values bit for
// bit, and pow where its result lies in the range. Their accuracy elsewhere is tests/unit/op_values.cpp's.
#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "graph/math/exp.h"
#include "graph/math/expm1.h"
#include "graph/math/log.h"
#include "graph/math/log1p.h"
#include "graph/math/pow.h"
#include "graph/math/tanh.h"
#include "graph/math/trig.h"
#include "tests/unit/op_numbers.h"

namespace math = slope::math;
using slope::test::Quad;
using slope::test::ulps;

namespace {

template <class T>
using bits_of = math::bits_t<T>;
template <class T>
constexpr T inf = std::numeric_limits<T>::infinity();
template <class T>
constexpr T nan_of = std::numeric_limits<T>::quiet_NaN();

struct Worst {
  double error = 0;
  double at = 0;
  void take(double e, double x) {
    if (!(e <= error)) error = e, at = x;
  }
};

Quad exact_pow(double x, double y) { return pow(Quad(x), Quad(y)); }

template <class T>
bits_of<T> representation(T x) {
  return std::isnan(x) ? -1 : std::bit_cast<bits_of<T>>(x);
}

// f(x) has exactly the bits of y (any NaN is as good as another).
template <class T>
void exactly(T x, T result, T y) {
  INFO("f(" << x << ") = " << result << ", not " << y);
  CHECK(representation(result) == representation(y));
}

}  // namespace

TEMPLATE_TEST_CASE("elementary functions at special values", "[math]", float, double) {
  using T = TestType;
  constexpr T zero = 0, one = 1, tiny = std::numeric_limits<T>::denorm_min(),
              huge = std::numeric_limits<T>::max();
  for (T x : {zero, -zero, tiny, -tiny}) {
    exactly(x, math::exp(x), one);
    exactly(x, math::cos(x), one);
    exactly(x, math::expm1(x), x);
    exactly(x, math::log1p(x), x);
    exactly(x, math::sin(x), x);
    exactly(x, math::tanh(x), x);
  }
  exactly(one, math::log(one), zero);
  for (T x : {zero, -zero}) exactly(x, math::log(x), -inf<T>);
  for (T x : {-tiny, -one, -huge, -inf<T>}) exactly(x, math::log(x), nan_of<T>);
  for (T x : {std::nextafter(-one, -inf<T>), -huge, -inf<T>}) exactly(x, math::log1p(x), nan_of<T>);
  exactly(-one, math::log1p(-one), -inf<T>);
  exactly(inf<T>, math::log(inf<T>), inf<T>);
  exactly(inf<T>, math::log1p(inf<T>), inf<T>);
  for (T x : {huge, inf<T>}) {
    exactly(x, math::exp(x), inf<T>);
    exactly(-x, math::exp(-x), zero);
    exactly(x, math::expm1(x), inf<T>);
    exactly(-x, math::expm1(-x), -one);
    exactly(x, math::tanh(x), one);
    exactly(-x, math::tanh(-x), -one);
  }
  for (T x : {inf<T>, -inf<T>}) {
    exactly(x, math::sin(x), nan_of<T>);
    exactly(x, math::cos(x), nan_of<T>);
  }
  T x = nan_of<T>;
  for (auto f : {math::exp<T>, math::expm1<T>, math::log<T>, math::log1p<T>, math::sin<T>, math::cos<T>,
                 math::tanh<T>})
    exactly(x, f(x), x);
}

TEMPLATE_TEST_CASE("pow is within its error bound", "[math]", float, double) {
  using T = TestType;
  constexpr double largest = sizeof(T) == 8 ? 745 : 104;
  std::mt19937_64 engine(7);
  auto uniform = [&](double bound) { return (static_cast<double>(engine() >> 11) * 0x1p-52 - 1) * bound; };
  Worst worst;
  auto take = [&](double base, double exponent) {
    T x = static_cast<T>(base), y = static_cast<T>(exponent);
    worst.take(ulps(math::pow(x, y), exact_pow(x, y)), static_cast<double>(x));
  };
  for (int i = 0; i < 60'000;
       ++i) {  // x over the whole range, the result within its own range or just out of it
    T x = std::bit_cast<T>(static_cast<bits_of<T>>(engine()));
    double log_x = std::log(std::fabs(static_cast<double>(x)));
    if (std::isfinite(x) && x != 0 && log_x != 0) take(std::fabs(x), uniform(1.05 * largest) / log_x);
  }
  for (int i = 0; i < 60'000; ++i) {  // x near 1, y large
    double x = 1 + uniform(1) * std::exp2(-(static_cast<double>(engine() % 52)));
    if (x > 0 && x != 1) take(x, uniform(1.05 * largest) / std::log(x));
  }
  for (int i = 0; i < 60'000; ++i) take(std::exp(uniform(3)), uniform(20));
  for (int i = 0; i < 20'000; ++i) take(uniform(100), std::floor(uniform(30)));
  for (int i = 0; i < 20'000; ++i) {  // anything to anything
    T x = std::bit_cast<T>(static_cast<bits_of<T>>(engine())),
      y = std::bit_cast<T>(static_cast<bits_of<T>>(engine()));
    if (!std::isnan(x) && !std::isnan(y))
      worst.take(ulps(math::pow(x, y), exact_pow(x, y)), static_cast<double>(x));
  }
  INFO("at " << std::hexfloat << worst.at);
  CHECK(worst.error <= 1.0);
}

// The C library is the oracle of the whole table, the sign of zero included (libquadmath has (-1)^inf wrong).
TEMPLATE_TEST_CASE("pow at special values", "[math]", float, double) {
  using T = TestType;
  constexpr T tiny = std::numeric_limits<T>::denorm_min(), huge = std::numeric_limits<T>::max();
  constexpr T odd = sizeof(T) == 8 ? T(0x1p53 - 1) : T(0x1p24 - 1);
  std::vector<T> table{0,       tiny,
                       T(0.5),  std::nextafter(T(1), T(0)),
                       1,       std::nextafter(T(1), T(2)),
                       T(1.5),  2,
                       T(2.5),  3,
                       4,       odd,
                       odd + 1, huge,
                       inf<T>,  nan_of<T>};
  for (T a : table)
    for (T b : table)
      for (T x : {a, -a})
        for (T y : {b, -b}) {
          INFO(x << " to the power " << y);
          T oracle = std::pow(x, y);
          T result = math::pow(x, y);
          bool ordinary = std::isfinite(oracle) && oracle != 0 && std::fabs(x) != 1 && y != 0;
          if (ordinary) CHECK(ulps(result, exact_pow(x, y)) <= 1.0);
          else exactly(x, result, oracle);
        }
  for (T x : table)
    for (T signed_x : {x, -x}) {
      exactly(signed_x, math::pow(signed_x, T(1)), signed_x);
      exactly(signed_x, math::pow(signed_x, T(0)), T(1));
      exactly(signed_x, math::pow(signed_x, T(-0.0)), T(1));
      exactly(signed_x, math::pow(T(1), signed_x), T(1));
    }
  // A few rows spelled out, independent of any library.
  exactly(T(-0.0), math::pow(T(-0.0), T(-3)), -inf<T>);
  exactly(T(-0.0), math::pow(T(-0.0), T(-2)), inf<T>);
  exactly(T(-0.0), math::pow(T(-0.0), T(3)), T(-0.0));
  exactly(T(-0.0), math::pow(T(-0.0), T(0.5)), T(0));
  exactly(-inf<T>, math::pow(-inf<T>, T(-3)), T(-0.0));
  exactly(-inf<T>, math::pow(-inf<T>, T(3)), -inf<T>);
  exactly(-inf<T>, math::pow(-inf<T>, T(0.5)), inf<T>);
  exactly(T(-1), math::pow(T(-1), inf<T>), T(1));
  exactly(T(-1), math::pow(T(-1), -inf<T>), T(1));
  exactly(T(-2), math::pow(T(-2), T(0.5)), nan_of<T>);
  exactly(T(-2), math::pow(T(-2), T(3)), T(-8));
  exactly(T(0.5), math::pow(T(0.5), inf<T>), T(0));
  exactly(T(0.5), math::pow(T(0.5), -inf<T>), inf<T>);
}
