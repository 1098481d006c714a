// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The elementary functions of graph/math/ on the reference algebras, float and double, against libquadmath;
// the special values bit for bit.
#include <quadmath.h>

#include <algorithm>
#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "graph/math/arcsin.h"
#include "graph/math/arctan.h"
#include "graph/math/cosh.h"
#include "graph/math/erf.h"
#include "graph/math/exp.h"
#include "graph/math/expm1.h"
#include "graph/math/gamma.h"
#include "graph/math/gaussian.h"
#include "graph/math/log.h"
#include "graph/math/log10.h"
#include "graph/math/log1p.h"
#include "graph/math/log2.h"
#include "graph/math/mod.h"
#include "graph/math/polygamma.h"
#include "graph/math/pow.h"
#include "graph/math/rounding.h"
#include "graph/math/sinh.h"
#include "graph/math/tan.h"
#include "graph/math/tanh.h"
#include "graph/math/trig.h"

namespace math = slope::math;

namespace {

__extension__ typedef __float128 quad;

template <class T>
using bits_of = math::bits_t<T>;
template <class T>
constexpr T inf = std::numeric_limits<T>::infinity();
template <class T>
constexpr T nan_of = std::numeric_limits<T>::quiet_NaN();

// |value - exact| in units of exact's last place in T (of the denormals' last place below the normal range).
template <class T>
double ulps(T value, quad exact) {
  T rounded = static_cast<T>(exact);
  if (std::isnan(rounded)) return std::isnan(value) ? 0 : inf<double>;
  if (std::isnan(value)) return inf<double>;
  if (std::isinf(rounded) || std::isinf(value)) return rounded == value ? 0 : inf<double>;
  if (rounded == 0) return std::fabs(static_cast<double>(value / std::numeric_limits<T>::denorm_min()));
  int exponent = std::max(ilogbq(exact), std::numeric_limits<T>::min_exponent - 1);
  quad unit = ldexpq(1, exponent - std::numeric_limits<T>::digits + 1);
  return static_cast<double>(fabsq(static_cast<quad>(value) - exact) / unit);
}

template <class T>
class Samples {
 public:
  std::vector<T> values;

  void near(T x, int steps) {
    T up = x, down = x;
    for (int i = 0; i <= steps; ++i) {
      both_signs(up);
      both_signs(down);
      up = std::nextafter(up, inf<T>);
      down = std::nextafter(down, -inf<T>);
    }
  }
  void linear(double bound, int count) {
    for (int i = 0; i < count; ++i) both_signs(static_cast<T>(uniform() * bound));
  }
  void every_exponent(int count) {
    for (int i = 0; i < count; ++i) {
      T x = std::bit_cast<T>(static_cast<bits_of<T>>(engine_()));
      if (std::isfinite(x)) values.push_back(x);
    }
  }
  double uniform() { return static_cast<double>(engine_() >> 11) * 0x1p-53; }

 private:
  std::mt19937_64 engine_{20240229};
  void both_signs(T x) {
    if (!std::isfinite(x)) return;
    values.push_back(x);
    values.push_back(-x);
  }
};

template <class T>
const std::vector<T>& samples() {
  static const std::vector<T> all = [] {
    constexpr bool d = sizeof(T) == 8;
    const quad quarter_turn = acosq(0), half_exp_step = logq(2) / 2;
    Samples<T> s;
    s.every_exponent(60'000);
    for (double bound : {0.01, 1.0, 2.0, 30.0, d ? 760.0 : 110.0}) s.linear(bound, 14'000);
    for (double x :
         {0.0, 0.5, 1.0, 2.0, 0.34657359, 0.70710678, 1.41421356, d ? 709.78271 : 88.722839, d ? 708.0 : 87.0,
          d ? 710.47586 : 89.415986, d ? 745.13322 : 103.97208, 0.55, d ? 0x1p45 : 0x1p16})
      s.near(static_cast<T>(x), 200);
    s.near(std::numeric_limits<T>::min(), 200);
    s.near(std::numeric_limits<T>::max(), 200);
    for (int k = 1; k < 2000; ++k)
      s.near(static_cast<T>(k * quarter_turn), 1);  // where sin, cos nearly vanish
    for (int k = 10; k < 45; ++k)
      s.near(static_cast<T>(std::floor(s.uniform() * std::ldexp(1.0, k)) * quarter_turn), 3);
    for (int k = 1; k < 1000; ++k) s.near(static_cast<T>(k * half_exp_step), 1);  // where exp's k steps
    // The double nearest to a multiple of pi/2 (Muller, Elementary Functions, 2006, 11.2.4).
    s.near(static_cast<T>(0x1.6ac5b262ca1ffp849), 1);
    return s.values;
  }();
  return all;
}

struct Worst {
  double error = 0;
  double at = 0;
  void take(double e, double x) {
    if (!(e <= error)) error = e, at = x;
  }
};

void report(const char* name, bool is_double, const Worst& worst, double bound) {
  std::string text = std::string(name) + (is_double ? " double: " : " float: ") + std::to_string(worst.error);
  INFO(text << " ulp at " << std::hexfloat << worst.at);
  if (std::getenv("SLOPE_SHOW_ULPS")) WARN(text);
  CHECK(worst.error <= bound);
}

template <class T>
void check(const char* name, T (*f)(T), quad (*exact)(quad), double bound) {
  Worst worst;
  for (T x : samples<T>()) worst.take(ulps(f(x), exact(x)), static_cast<double>(x));
  report(name, sizeof(T) == 8, worst, bound);
}

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

TEMPLATE_TEST_CASE("elementary functions are within their error bounds", "[math]", float, double) {
  using T = TestType;
  check<T>("exp", math::exp<T>, expq, 1.1);
  check<T>("expm1", math::expm1<T>, expm1q, 1.4);
  check<T>("log", math::log<T>, logq, 1.6);
  check<T>("log2", math::log2<T>, log2q, 1.7);
  check<T>("log10", math::log10<T>, log10q, 1.6);
  check<T>("log1p", math::log1p<T>, log1pq, 1.6);
  check<T>("sin", math::sin<T>, sinq, 1.7);
  check<T>("cos", math::cos<T>, cosq, 1.7);
  check<T>("tan", math::tan<T>, tanq, 1.8);
  check<T>("sinh", math::sinh<T>, sinhq, 1.5);
  check<T>("cosh", math::cosh<T>, coshq, 1.6);
  check<T>("tanh", math::tanh<T>, tanhq, 1.5);
}

TEST_CASE("a power of two has its exponent for logarithm", "[math]") {
  for (int k = -1074; k < 1024; ++k) {
    double x = std::ldexp(1.0, k);
    exactly(x, math::log2(x), static_cast<double>(k));
  }
  for (int k = -149; k < 128; ++k) {
    float x = std::ldexp(1.0f, k);
    exactly(x, math::log2(x), static_cast<float>(k));
  }
}

TEMPLATE_TEST_CASE("elementary functions at special values", "[math]", float, double) {
  using T = TestType;
  constexpr T zero = 0, one = 1, tiny = std::numeric_limits<T>::denorm_min(),
              huge = std::numeric_limits<T>::max();
  for (T x : {zero, -zero, tiny, -tiny}) {
    exactly(x, math::exp(x), one);
    exactly(x, math::cos(x), one);
    exactly(x, math::cosh(x), one);
    exactly(x, math::expm1(x), x);
    exactly(x, math::log1p(x), x);
    exactly(x, math::sin(x), x);
    exactly(x, math::tan(x), x);
    exactly(x, math::sinh(x), x);
    exactly(x, math::tanh(x), x);
  }
  for (auto log : {math::log<T>, math::log2<T>, math::log10<T>}) {
    exactly(one, log(one), zero);
    for (T x : {zero, -zero}) exactly(x, log(x), -inf<T>);
    for (T x : {-tiny, -one, -huge, -inf<T>}) exactly(x, log(x), nan_of<T>);
    exactly(inf<T>, log(inf<T>), inf<T>);
  }
  for (T x : {std::nextafter(-one, -inf<T>), -huge, -inf<T>}) exactly(x, math::log1p(x), nan_of<T>);
  exactly(-one, math::log1p(-one), -inf<T>);
  exactly(inf<T>, math::log1p(inf<T>), inf<T>);
  for (T x : {huge, inf<T>}) {
    exactly(x, math::exp(x), inf<T>);
    exactly(-x, math::exp(-x), zero);
    exactly(x, math::expm1(x), inf<T>);
    exactly(-x, math::expm1(-x), -one);
    exactly(x, math::tanh(x), one);
    exactly(-x, math::tanh(-x), -one);
    exactly(x, math::sinh(x), inf<T>);
    exactly(-x, math::sinh(-x), -inf<T>);
    exactly(x, math::cosh(x), inf<T>);
    exactly(-x, math::cosh(-x), inf<T>);
  }
  for (T x : {inf<T>, -inf<T>}) {
    exactly(x, math::sin(x), nan_of<T>);
    exactly(x, math::cos(x), nan_of<T>);
    exactly(x, math::tan(x), nan_of<T>);
  }
  T x = nan_of<T>;
  for (auto f : {math::exp<T>, math::expm1<T>, math::log<T>, math::log2<T>, math::log10<T>, math::log1p<T>,
                 math::sin<T>, math::cos<T>, math::tan<T>, math::sinh<T>, math::cosh<T>, math::tanh<T>})
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
    worst.take(ulps(math::pow(x, y), powq(x, y)), static_cast<double>(x));
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
      worst.take(ulps(math::pow(x, y), powq(x, y)), static_cast<double>(x));
  }
  report("pow", sizeof(T) == 8, worst, 1.4);
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
          if (ordinary) CHECK(ulps(result, powq(x, y)) <= 1.0);
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

TEMPLATE_TEST_CASE("floor, ceil and round are the C library's, the sign of zero too", "[math]", float,
                   double) {
  using T = TestType;
  auto compare = [](T x) {
    exactly(x, math::floor(x), std::floor(x));
    exactly(x, math::ceil(x), std::ceil(x));
    exactly(x, math::round(x), std::nearbyint(x));
  };
  for (T x : {T(0), T(0.3), T(0.5), T(0.7), T(1.5), T(2.5), inf<T>, nan_of<T>})
    for (T signed_x : {x, -x}) compare(signed_x);
  Samples<T> s;
  s.every_exponent(5'000);
  s.linear(100, 5'000);
  for (int k = 0; k < 100; ++k) s.near(static_cast<T>(k) / 2, 2);
  for (T x : s.values) {
    INFO(x);
    bool same = math::floor(x) == std::floor(x) && math::ceil(x) == std::ceil(x) &&
                math::round(x) == std::nearbyint(x);
    if (!same) compare(x);
  }
  exactly(T(-0.5), math::ceil(T(-0.5)), T(-0.0));
  exactly(T(2.5), math::round(T(2.5)), T(2));
}

// The exact remainder of libquadmath, moved to the divisor's sign and rounded once.
TEMPLATE_TEST_CASE("mod is exact, of huge quotients too", "[math]", float, double) {
  using T = TestType;
  auto exact = [](T x, T y) {
    quad rest = fmodq(x, y);
    if (rest == 0) return std::copysign(T(0), y);
    return static_cast<T>((rest < 0) == (y < 0) ? rest : rest + y);
  };
  std::mt19937_64 engine(5);
  auto any = [&] { return std::bit_cast<T>(static_cast<bits_of<T>>(engine())); };
  auto moderate = [&] { return static_cast<T>(static_cast<double>(engine() >> 11) * 0x1p-47 - 32); };
  for (int i = 0; i < 60'000; ++i) {
    T x = any(), y = any();
    if (i % 3 == 1) y = std::ldexp(y, static_cast<int>(engine() % 60) + std::ilogb(x) - std::ilogb(y) - 58);
    if (i % 3 == 2) x = i % 2 ? moderate() : std::round(moderate()), y = std::round(moderate()) / 8;
    T found = math::mod(x, y);
    INFO("mod(" << std::hexfloat << x << ", " << y << ") = " << found);
    if (representation(found) != representation(exact(x, y))) CHECK(found == exact(x, y));
  }
  constexpr T tiny = std::numeric_limits<T>::denorm_min(), huge = std::numeric_limits<T>::max();
  exactly(huge, math::mod(huge, tiny), T(0));
  exactly(huge, math::mod(huge, 3 * tiny), exact(huge, 3 * tiny));
  exactly(T(-7), math::mod(T(-7), T(3)), T(2));
  exactly(T(7), math::mod(T(7), T(-3)), T(-2));
  exactly(T(-6), math::mod(T(-6), T(3)), T(0));
  exactly(T(6), math::mod(T(6), T(-3)), T(-0.0));
  exactly(-tiny, math::mod(-tiny, T(3)), T(3));
  for (T x : {T(5), T(0), -inf<T>, inf<T>, nan_of<T>}) exactly(x, math::mod(x, T(0)), nan_of<T>);
  for (T y : {T(5), inf<T>, nan_of<T>}) {
    exactly(y, math::mod(inf<T>, y), nan_of<T>);
    exactly(y, math::mod(nan_of<T>, y), nan_of<T>);
  }
  exactly(T(5), math::mod(T(5), inf<T>), T(5));
  exactly(T(-5), math::mod(T(-5), inf<T>), inf<T>);
  exactly(T(-5), math::mod(T(-5), -inf<T>), T(-5));
  exactly(T(0), math::mod(T(0), -inf<T>), T(-0.0));
}

TEMPLATE_TEST_CASE("arc functions and the error function are within their error bounds", "[math]", float,
                   double) {
  using T = TestType;
  check<T>("asin", math::asin<T>, asinq, 1.2);
  check<T>("acos", math::acos<T>, acosq, 1.2);
  check<T>("atan", math::atan<T>, atanq, 1.5);
  check<T>("erf", math::erf<T>, erfq, 1.6);
  check<T>("erfc", math::erfc<T>, erfcq, 2.0);
  // Down to where erfc vanishes.
  Worst worst;
  std::mt19937_64 engine(3);
  for (int i = 0; i < 40'000; ++i) {
    T x = static_cast<T>(static_cast<double>(engine() >> 11) * 0x1p-53 * (sizeof(T) == 8 ? 28 : 11));
    worst.take(ulps(math::erfc(x), erfcq(x)), static_cast<double>(x));
  }
  report("erfc of moderate arguments", sizeof(T) == 8, worst, 2.0);
}

TEMPLATE_TEST_CASE("arc functions and the error function at special values", "[math]", float, double) {
  using T = TestType;
  constexpr T zero = 0, one = 1, tiny = std::numeric_limits<T>::denorm_min(),
              huge = std::numeric_limits<T>::max();
  const T half_pi = static_cast<T>(acosq(0));
  for (T x : {zero, -zero, tiny, -tiny}) {
    exactly(x, math::asin(x), x);
    exactly(x, math::atan(x), x);
    exactly(x, math::acos(x), half_pi);
    exactly(x, math::erfc(x), one);
  }
  for (T x : {zero, -zero}) exactly(x, math::erf(x), x);
  exactly(one, math::acos(one), zero);
  exactly(-one, math::acos(-one), static_cast<T>(acosq(-1)));
  for (T sign : {one, -one}) {
    exactly(sign, math::asin(sign), sign * half_pi);
    for (T x : {huge, inf<T>}) {
      exactly(sign * x, math::atan(sign * x), sign * half_pi);
      exactly(sign * x, math::erf(sign * x), sign);
      exactly(sign * x, math::erfc(sign * x), one - sign);
      exactly(sign * x, math::asin(sign * x), nan_of<T>);
      exactly(sign * x, math::acos(sign * x), nan_of<T>);
    }
    T beyond = sign * std::nextafter(one, inf<T>);
    exactly(beyond, math::asin(beyond), nan_of<T>);
    exactly(beyond, math::acos(beyond), nan_of<T>);
  }
  T x = nan_of<T>;
  for (auto f : {math::asin<T>, math::acos<T>, math::atan<T>, math::erf<T>, math::erfc<T>})
    exactly(x, f(x), x);
}

TEMPLATE_TEST_CASE("atan2 is within its error bound, and C's at special values", "[math]", float, double) {
  using T = TestType;
  constexpr T tiny = std::numeric_limits<T>::denorm_min(), huge = std::numeric_limits<T>::max();
  std::mt19937_64 engine(9);
  auto any = [&] { return std::bit_cast<T>(static_cast<bits_of<T>>(engine())); };
  auto small = [&] { return static_cast<T>(static_cast<double>(engine() >> 11) * 0x1p-52 - 1); };
  Worst worst;
  for (int i = 0; i < 120'000; ++i) {
    T y = i % 2 ? any() : small(), x = i % 2 ? any() : small();
    if (i % 4 == 1) x = std::ldexp(small(), std::ilogb(y) + static_cast<int>(engine() % 120) - 60);
    if (std::isnan(y) || std::isnan(x)) continue;
    worst.take(ulps(math::atan2(y, x), atan2q(y, x)), static_cast<double>(x));
  }
  report("atan2", sizeof(T) == 8, worst, 1.6);
  std::vector<T> table{0, tiny, std::numeric_limits<T>::min(), T(0.5), 1, 3, huge, inf<T>, nan_of<T>};
  for (T a : table)
    for (T b : table)
      for (T y : {a, -a})
        for (T x : {b, -b}) {
          INFO("the angle of (" << x << ", " << y << ")");
          T found = math::atan2(y, x);
          CHECK(ulps(found, atan2q(y, x)) <= 1.6);
          if (!std::isnan(found)) CHECK(std::signbit(found) == std::signbit(y));
        }
  exactly(T(0), math::atan2(T(0), T(-0.0)), static_cast<T>(acosq(-1)));
  exactly(T(-0.0), math::atan2(T(-0.0), T(0)), T(-0.0));
  exactly(inf<T>, math::atan2(inf<T>, -inf<T>), static_cast<T>(3 * atanq(1)));
}

namespace {

// The n-th derivative of digamma (n = 0: itself) in 113 bits: by the recurrence up to 40, from negative
// arguments too, then the asymptotic series (Abramowitz and Stegun 6.3.18 and 6.4.11).
quad exact_polygamma(int n, quad x) {
  constexpr double bernoulli[][2] = {{1, 6},       {-1, 30},       {1, 42},       {-1, 30},
                                     {5, 66},      {-691, 2730},   {7, 6},        {-3617, 510},
                                     {43867, 798}, {-174611, 330}, {854513, 138}, {-236364091, 2730},
                                     {8553103, 6}};
  auto power = [&](quad base, int exponent) {
    quad product = 1;
    for (int k = 0; k < exponent; ++k) product *= base;
    return product;
  };
  quad before = 1;  // (n - 1)!
  for (int k = 2; k < n; ++k) before *= k;
  quad factorial = n == 0 ? quad(1) : before * n, sum = 0;
  for (; x < 40; x += 1) sum += factorial / power(x, n + 1);
  sum += factorial / (2 * power(x, n + 1));
  if (n > 0) sum += before / power(x, n);
  quad rising = n == 0 ? quad(1) : before;  // (2k + n - 1)!/(2k)!
  for (int k = 1; k <= 13; ++k) {
    rising *=
        k == 1 && n == 0 ? quad(1) / 2 : quad(2 * k + n - 2) * (2 * k + n - 1) / (quad(2 * k - 1) * (2 * k));
    sum += quad(bernoulli[k - 1][0]) / bernoulli[k - 1][1] * rising / power(x, 2 * k + n);
  }
  return n == 0 ? logq(x) - sum : n % 2 ? sum : -sum;
}

// The largest |f(x) - exact(x)|, relative where exact(x) is above `floor`.
template <class T>
void check_relative(const char* name, auto f, auto exact, const std::vector<T>& values, double bound,
                    double floor) {
  Worst worst;
  for (T x : values) {
    T found = f(x);
    quad expected = exact(static_cast<quad>(x));
    T rounded = static_cast<T>(expected);
    if (std::isinf(rounded) && rounded == found) continue;
    quad error = fabsq(found - expected) / fmaxq(fabsq(expected), floor);
    // A denormal has fewer bits.
    quad unit = std::numeric_limits<T>::denorm_min() / fmaxq(fabsq(expected), floor);
    worst.take(static_cast<double>(error - unit), static_cast<double>(x));
  }
  std::string text =
      std::string(name) + (sizeof(T) == 8 ? " double: " : " float: ") + std::to_string(worst.error * 1e16);
  INFO(text << "e-16 at " << std::hexfloat << worst.at);
  if (std::getenv("SLOPE_SHOW_ULPS")) WARN(text + "e-16");
  CHECK(worst.error <= bound);
}

}  // namespace

TEMPLATE_TEST_CASE("e^(-x^2) at special values", "[math]", float, double) {
  using T = TestType;
  constexpr T tiny = std::numeric_limits<T>::denorm_min(), huge = std::numeric_limits<T>::max();
  for (T x : {T(0), T(-0.0), tiny, -tiny}) exactly(x, math::gaussian(x), T(1));
  for (T x : {T(30), T(-1e10), huge, -huge, inf<T>, -inf<T>}) exactly(x, math::gaussian(x), T(0));
  exactly(nan_of<T>, math::gaussian(nan_of<T>), nan_of<T>);
}

TEMPLATE_TEST_CASE("lgamma, digamma and polygamma are within their error bounds", "[math]", float, double) {
  using T = TestType;
  constexpr bool d = sizeof(T) == 8;
  std::vector<T> values;
  auto pole = [](T x) { return x <= 0 && std::floor(x) == x; };
  for (std::size_t i = 0; i < samples<T>().size(); i += 8) {
    T x = samples<T>()[i];
    if (x > -200 && !pole(x)) values.push_back(x);
  }
  Samples<T> s;
  for (double x : {0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 1.4616321449683623, 0.50408300826445541, 2.4570247382208007,
                   2.7476826467274127, 1e5})
    s.near(static_cast<T>(x), 20);
  for (T x : s.values)
    if (x > -200 && !pole(x)) values.push_back(x);
  const double bound = d ? 4e-15 : 6.1e-8;
  check_relative<T>("lgamma", math::lgamma<T>, lgammaq, values, bound, 1);
  check_relative<T>(
      "digamma", math::digamma<T>, [](quad x) { return exact_polygamma(0, x); }, values, bound, 1);
  std::vector<T> near_root;  // relative, at the zeros 1 and 2 of lgamma and 1.46... of digamma
  for (int i = 0; i < 20'000; ++i) near_root.push_back(static_cast<T>(0.5 + 2 * s.uniform()));
  for (T x : s.values)
    if (x > T(0.5) && x < T(2.5)) near_root.push_back(x);
  check_relative<T>("lgamma at its zeros", math::lgamma<T>, lgammaq, near_root, d ? 1e-15 : 6.1e-8, 0);
  check_relative<T>(
      "digamma at its zero", math::digamma<T>, [](quad x) { return exact_polygamma(0, x); }, near_root,
      d ? 1e-15 : 6.1e-8, 0);
  for (int n : {1, 2, 3, 4, 7, 10, 30}) {
    INFO("n = " << n);
    std::vector<T> fewer;
    for (std::size_t i = static_cast<std::size_t>(n); i < values.size(); i += 5)
      if (values[i] > 0 || n <= 4) fewer.push_back(values[i]);
    auto order = static_cast<T>(n);
    auto f = [&](T x) { return math::polygamma(order, x); };
    auto exact = [&](quad x) { return exact_polygamma(n, x); };
    std::vector<T> positive;
    for (T x : fewer)
      if (x > 0) positive.push_back(x);
    check_relative<T>("polygamma", f, exact, fewer, d ? 1e-14 : 6.1e-8, 1);
    check_relative<T>("polygamma of positive numbers", f, exact, positive, d ? 1e-14 : 6.1e-8, 0);
  }
}

TEMPLATE_TEST_CASE("lgamma, digamma and polygamma at special values", "[math]", float, double) {
  using T = TestType;
  constexpr T zero = 0, one = 1, two = 2, tiny = std::numeric_limits<T>::denorm_min(),
              huge = std::numeric_limits<T>::max();
  for (T x : {one, two}) exactly(x, math::lgamma(x), zero);
  for (T x : {zero, -zero, -one, T(-2), T(-100), -huge, -inf<T>, inf<T>, huge})
    exactly(x, math::lgamma(x), inf<T>);
  exactly(zero, math::digamma(zero), -inf<T>);
  exactly(-zero, math::digamma(-zero), inf<T>);
  exactly(tiny, math::digamma(tiny), -inf<T>);
  exactly(-tiny, math::digamma(-tiny), inf<T>);
  for (T x : {-one, T(-2), T(-100), -huge, -inf<T>}) exactly(x, math::digamma(x), nan_of<T>);
  exactly(inf<T>, math::digamma(inf<T>), inf<T>);
  for (T n : {one, T(3)}) {
    for (T x : {zero, -zero, -one, T(-100)}) exactly(x, math::polygamma(n, x), inf<T>);
    exactly(inf<T>, math::polygamma(n, inf<T>), zero);
  }
  exactly(zero, math::polygamma(two, zero), -inf<T>);
  exactly(-zero, math::polygamma(two, -zero), inf<T>);
  for (T x : {-one, T(-100), -inf<T>}) exactly(x, math::polygamma(two, x), nan_of<T>);
  exactly(inf<T>, math::polygamma(two, inf<T>), -zero);
  // No order but a whole one up to the limit, which is lower for negative numbers.
  for (T n : {zero, -one, T(0.5), T(1.5), T(31), huge, inf<T>, nan_of<T>})
    exactly(n, math::polygamma(n, one), nan_of<T>);
  exactly(T(5), math::polygamma(T(5), T(-0.5)), nan_of<T>);
  for (T n : {one, two, T(5)}) exactly(n, math::polygamma(n, nan_of<T>), nan_of<T>);
  for (auto f : {math::lgamma<T>, math::digamma<T>}) exactly(nan_of<T>, f(nan_of<T>), nan_of<T>);
}
