// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The part of the 113-bit reference that is written here and not libquadmath's: digamma, polygamma, mod.
#include "tests/unit/quad.h"

#include <catch2/catch.hpp>

using slope::test::Quad;

namespace {

constexpr double closeness = 0x1p-100;

Quad literal(const char* digits) { return Quad::of(strtoflt128(digits, nullptr)); }

bool near(Quad a, Quad b, double relative) { return abs(a - b) <= abs(b) * relative; }

// By central differences with two steps, extrapolated: to about 2^-70 of f's size.
template <class F>
Quad derivative(F f, Quad x) {
  auto central = [&](Quad h) { return (f(x + h) - f(x - h)) / (2.0 * h); };
  Quad h = 0x1p-20;
  return (4.0 * central(0.5 * h) - central(h)) / 3.0;
}

}  // namespace

// Abramowitz and Stegun 6.3.2, 6.3.3, 6.4.2, 6.4.4; the digits of γ and ζ(3) are tabled everywhere.
TEST_CASE("quad: digamma and polygamma in closed form") {
  Quad gamma = literal("0.577215664901532860606512090082402431"), two = 2,
       zeta3 = literal("1.202056903159594285399738161511449991"), pi = acos(Quad(-1)), square = pi * pi;
  CHECK(near(digamma(Quad(1)), -gamma, closeness));
  CHECK(near(digamma(Quad(0.5)), -gamma - 2.0 * log(two), closeness));
  CHECK(near(digamma(Quad(-0.5)), 2.0 - gamma - 2.0 * log(two), closeness));
  CHECK(near(polygamma(1, Quad(1)), square / 6.0, closeness));
  CHECK(near(polygamma(1, Quad(0.5)), square / 2.0, closeness));
  CHECK(near(polygamma(1, Quad(-0.5)), square / 2.0 + 4.0, closeness));
  CHECK(near(polygamma(2, Quad(1)), -2.0 * zeta3, closeness));
  CHECK(near(polygamma(2, Quad(-0.5)), -14.0 * zeta3 + 16.0, closeness));
  CHECK(near(polygamma(3, Quad(1)), square * square / 15.0, closeness));
}

TEST_CASE("quad: digamma and polygamma are the derivatives of lgamma") {
  for (double x : {0.1, 0.75, 3.3, 31.9, 32.1, 500.0, -0.3, -1.75, -40.6, -1000.2}) {
    INFO(x);
    CHECK(near(digamma(Quad(x)), derivative([](Quad y) { return lgamma(y); }, x), 0x1p-55));
    for (int n = 0; n < 6; ++n) {
      auto lower = [n](Quad y) { return polygamma(n, y); };
      CHECK(near(polygamma(n + 1, Quad(x)), derivative(lower, x), 0x1p-45));
    }
  }
}

TEST_CASE("quad: digamma and polygamma at their ends") {
  Quad inf = std::numeric_limits<double>::infinity(), none = digamma(Quad(-3));
  CHECK(none != none);
  CHECK(digamma(Quad(0.0)) == -inf);
  CHECK(digamma(Quad(-0.0)) == inf);
  CHECK(digamma(inf) == inf);
  CHECK(polygamma(1, Quad(-3)) == inf);
  CHECK(polygamma(2, Quad(0.0)) == -inf);
  CHECK(polygamma(2, Quad(-0.0)) == inf);
  CHECK(polygamma(1, inf) == 0);
}

TEST_CASE("quad: mod has the divisor's sign") {
  CHECK(mod(Quad(7), Quad(3)) == 1);
  CHECK(mod(Quad(-7), Quad(3)) == 2);
  CHECK(mod(Quad(7), Quad(-3)) == -2);
  CHECK(mod(Quad(-7), Quad(-3)) == -1);
  CHECK(mod(Quad(6), Quad(3)) == 0);
}
