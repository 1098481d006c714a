// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The text of graph/math/ on an algebra that offers its vocabulary and nothing else: no conversion from
// numbers, no bool, no arithmetic of the language's own. It is declared after the functions, as the code
// generator's is, and must give the bits of the reference.
#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>
#include <random>

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

namespace lanes {

struct Mask {
  bool holds;
};
inline Mask operator&&(Mask a, Mask b) { return {a.holds && b.holds}; }
inline Mask operator||(Mask a, Mask b) { return {a.holds || b.holds}; }
inline Mask operator!(Mask a) { return {!a.holds}; }

template <class I>
struct Bits {
  I i;
  using U = std::make_unsigned_t<I>;
  friend Bits operator+(Bits a, Bits b) {
    return {static_cast<I>(static_cast<U>(a.i) + static_cast<U>(b.i))};
  }
  friend Bits operator-(Bits a, Bits b) {
    return {static_cast<I>(static_cast<U>(a.i) - static_cast<U>(b.i))};
  }
  friend Bits operator&(Bits a, Bits b) { return {a.i & b.i}; }
  friend Bits operator|(Bits a, Bits b) { return {a.i | b.i}; }
  friend Bits operator^(Bits a, Bits b) { return {a.i ^ b.i}; }
  friend Mask operator==(Bits a, Bits b) { return {a.i == b.i}; }
  friend Mask operator<(Bits a, Bits b) { return {a.i < b.i}; }
  friend Bits shift_left(Bits a, int n) { return {static_cast<I>(static_cast<U>(a.i) << n)}; }
  friend Bits shift_right(Bits a, int n) { return {static_cast<I>(a.i >> n)}; }
  friend Bits select(Mask m, Bits a, Bits b) { return m.holds ? a : b; }
};

template <class T>
struct Lane {
  T v;
  friend Lane operator+(Lane a, Lane b) { return {a.v + b.v}; }
  friend Lane operator-(Lane a, Lane b) { return {a.v - b.v}; }
  friend Lane operator*(Lane a, Lane b) { return {a.v * b.v}; }
  friend Lane operator/(Lane a, Lane b) { return {a.v / b.v}; }
  friend Lane operator-(Lane a) { return {-a.v}; }
  friend Mask operator<(Lane a, Lane b) { return {a.v < b.v}; }
  friend Mask operator<=(Lane a, Lane b) { return {a.v <= b.v}; }
  friend Mask operator>(Lane a, Lane b) { return {a.v > b.v}; }
  friend Mask operator>=(Lane a, Lane b) { return {a.v >= b.v}; }
  friend Mask operator==(Lane a, Lane b) { return {a.v == b.v}; }
  friend Mask operator!=(Lane a, Lane b) { return {a.v != b.v}; }
  friend Lane fma(Lane a, Lane b, Lane c) { return {std::fma(a.v, b.v, c.v)}; }
  friend Lane sqrt(Lane a) { return {std::sqrt(a.v)}; }
  friend Lane abs(Lane a) { return {std::fabs(a.v)}; }
  friend Lane copysign(Lane a, Lane sign) { return {std::copysign(a.v, sign.v)}; }
  friend Lane round_even(Lane a) { return {std::nearbyint(a.v)}; }
  friend Lane select(Mask m, Lane a, Lane b) { return m.holds ? a : b; }
  template <class F>
  friend Lane patch(Mask m, Lane a, F f) {
    return select(m, f(), a);
  }  // f evaluated always
  template <class Unfinished, class Step>
  friend Lane iterate(Lane a, Unfinished unfinished, Step step) {
    while (unfinished(a).holds) a = step(a);
    return a;
  }
  friend auto bits(Lane a) {
    return Bits<slope::math::bits_t<T>>{std::bit_cast<slope::math::bits_t<T>>(a.v)};
  }
};
inline Lane<double> widen(Lane<float> a) { return {a.v}; }
inline Lane<float> narrow(Lane<double> a) { return {static_cast<float>(a.v)}; }

}  // namespace lanes

namespace slope::math {
template <class T>
struct Algebra<lanes::Lane<T>> {
  using scalar = T;
  using mask = lanes::Mask;
  using bits = lanes::Bits<bits_t<T>>;
  using wide = lanes::Lane<double>;
  static lanes::Lane<T> constant(double c) { return {static_cast<T>(c)}; }
  static bits integer(std::int64_t c) { return {static_cast<bits_t<T>>(c)}; }
  static lanes::Lane<T> from_bits(bits i) { return {std::bit_cast<T>(i.i)}; }
  static lanes::Lane<T> number(bits i) { return {static_cast<T>(i.i)}; }
  static lanes::Lane<T> lookup(const double* table, std::size_t count, bits i) {
    if (i.i < 0 || static_cast<std::size_t>(i.i) >= count) FAIL("lookup beyond its table");
    return {static_cast<T>(table[i.i])};
  }
  static lanes::Lane<T> lookup_low(const double* table, bits i) { return {static_cast<T>(table[i.i & 15])}; }
};
}  // namespace slope::math

namespace {
namespace math = slope::math;

static_assert(math::AlgebraOf<lanes::Lane<float>> && math::AlgebraOf<lanes::Lane<double>>);

template <class T>
bool same(T a, lanes::Lane<T> b) {
  return std::isnan(a) ? std::isnan(b.v)
                       : std::bit_cast<math::bits_t<T>>(a) == std::bit_cast<math::bits_t<T>>(b.v);
}
}  // namespace

TEMPLATE_TEST_CASE("the functions use the algebra's vocabulary only, and give its bits", "[math]", float,
                   double) {
  using T = TestType;
  using A = lanes::Lane<T>;
  std::mt19937_64 engine(11);
  auto any = [&] { return std::bit_cast<T>(static_cast<math::bits_t<T>>(engine())); };  // NaNs among them
  auto moderate = [&] { return static_cast<T>(static_cast<double>(engine() >> 11) * 0x1p-50 - 4); };
  int differing = 0;
  for (int i = 0; i < 20'000; ++i) {
    T x = i % 2 ? any() : moderate(), y = i % 3 ? any() : moderate();
    differing += !same(math::exp(x), math::exp(A{x}));
    differing += !same(math::expm1(x), math::expm1(A{x}));
    differing += !same(math::log(x), math::log(A{x}));
    differing += !same(math::log2(x), math::log2(A{x}));
    differing += !same(math::log10(x), math::log10(A{x}));
    differing += !same(math::log1p(x), math::log1p(A{x}));
    differing += !same(math::sin(x), math::sin(A{x}));
    differing += !same(math::cos(x), math::cos(A{x}));
    differing += !same(math::tan(x), math::tan(A{x}));
    differing += !same(math::sinh(x), math::sinh(A{x}));
    differing += !same(math::cosh(x), math::cosh(A{x}));
    differing += !same(math::tanh(x), math::tanh(A{x}));
    differing += !same(math::gaussian(x), math::gaussian(A{x}));
    differing += !same(math::pow(x, y), math::pow(A{x}, A{y}));
    differing += !same(math::asin(x), math::asin(A{x}));
    differing += !same(math::acos(x), math::acos(A{x}));
    differing += !same(math::atan(x), math::atan(A{x}));
    differing += !same(math::atan2(x, y), math::atan2(A{x}, A{y}));
    differing += !same(math::erf(x), math::erf(A{x}));
    differing += !same(math::erfc(x), math::erfc(A{x}));
    differing += !same(math::lgamma(x), math::lgamma(A{x}));
    differing += !same(math::digamma(x), math::digamma(A{x}));
    T n = static_cast<T>(engine() % 35) / (i % 7 ? 1 : 2);
    differing += !same(math::polygamma(n, x), math::polygamma(A{n}, A{x}));
    differing += !same(math::floor(x), math::floor(A{x}));
    differing += !same(math::ceil(x), math::ceil(A{x}));
    differing += !same(math::round(x), math::round(A{x}));
    differing += !same(math::mod(x, y), math::mod(A{x}, A{y}));
  }
  CHECK(differing == 0);
}
