// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The words of graph/math/algebra.h and the functions of graph/math/ on 113-bit numbers: with Quad operands
// an op's own value and partial (graph/ops.h) are the reference that its float and double are held against.
// The functions are libquadmath's, not ours. All are hidden friends, found for Quad operands only; words on
// the representation are left out. A new function of graph/math/ needs its line here, a composition nothing.
#pragma once
#include <quadmath.h>

#include "graph/math/algebra.h"
#include "tests/unit/quad_gamma.h"

namespace slope::test {

struct Quad {
  __extension__ typedef __float128 Number;
  Number v = 0;

  Quad() = default;
  Quad(double x) : v(x) {}  // NOLINT: 1.0 - y, as with double and Expr
  static Quad of(Number x) {
    Quad q;
    q.v = x;
    return q;
  }
  explicit operator double() const { return static_cast<double>(v); }
  explicit operator float() const { return static_cast<float>(v); }

  friend Quad operator+(Quad a, Quad b) { return of(a.v + b.v); }
  friend Quad operator-(Quad a, Quad b) { return of(a.v - b.v); }
  friend Quad operator*(Quad a, Quad b) { return of(a.v * b.v); }
  friend Quad operator/(Quad a, Quad b) { return of(a.v / b.v); }
  friend Quad operator-(Quad a) { return of(-a.v); }
  friend bool operator<(Quad a, Quad b) { return a.v < b.v; }
  friend bool operator<=(Quad a, Quad b) { return a.v <= b.v; }
  friend bool operator>(Quad a, Quad b) { return a.v > b.v; }
  friend bool operator>=(Quad a, Quad b) { return a.v >= b.v; }
  friend bool operator==(Quad a, Quad b) { return a.v == b.v; }
  friend bool operator!=(Quad a, Quad b) { return a.v != b.v; }

  friend Quad select(bool mask, Quad a, Quad b) { return mask ? a : b; }
  friend Quad select(bool mask, double a, double b, Quad) { return mask ? a : b; }
  template <class F>
  friend Quad patch(bool mask, Quad a, F f) {
    return mask ? f() : a;
  }
  friend Quad fma(Quad a, Quad b, Quad c) { return of(fmaq(a.v, b.v, c.v)); }
  friend Quad copysign(Quad a, Quad sign) { return of(copysignq(a.v, sign.v)); }
  friend Quad sign(Quad x) { return x > 0 ? 1.0 : x < 0 ? -1.0 : x; }
  friend Quad round_even(Quad x) { return of(rintq(x.v)); }
  friend Quad round(Quad x) { return round_even(x); }

#define SLOPE_QUAD_FUNCTION(name, quad_name) \
  friend Quad name(Quad x) { return of(quad_name(x.v)); }
  SLOPE_QUAD_FUNCTION(abs, fabsq)
  SLOPE_QUAD_FUNCTION(sqrt, sqrtq)
  SLOPE_QUAD_FUNCTION(floor, floorq)
  SLOPE_QUAD_FUNCTION(ceil, ceilq)
  SLOPE_QUAD_FUNCTION(trunc, truncq)
  SLOPE_QUAD_FUNCTION(exp, expq)
  SLOPE_QUAD_FUNCTION(expm1, expm1q)
  SLOPE_QUAD_FUNCTION(exp2, exp2q)
  SLOPE_QUAD_FUNCTION(log, logq)
  SLOPE_QUAD_FUNCTION(log1p, log1pq)
  SLOPE_QUAD_FUNCTION(log2, log2q)
  SLOPE_QUAD_FUNCTION(log10, log10q)
  SLOPE_QUAD_FUNCTION(cbrt, cbrtq)
  SLOPE_QUAD_FUNCTION(sin, sinq)
  SLOPE_QUAD_FUNCTION(cos, cosq)
  SLOPE_QUAD_FUNCTION(tan, tanq)
  SLOPE_QUAD_FUNCTION(asin, asinq)
  SLOPE_QUAD_FUNCTION(acos, acosq)
  SLOPE_QUAD_FUNCTION(atan, atanq)
  SLOPE_QUAD_FUNCTION(sinh, sinhq)
  SLOPE_QUAD_FUNCTION(cosh, coshq)
  SLOPE_QUAD_FUNCTION(tanh, tanhq)
  SLOPE_QUAD_FUNCTION(asinh, asinhq)
  SLOPE_QUAD_FUNCTION(acosh, acoshq)
  SLOPE_QUAD_FUNCTION(atanh, atanhq)
  SLOPE_QUAD_FUNCTION(erf, erfq)
  SLOPE_QUAD_FUNCTION(erfc, erfcq)
  SLOPE_QUAD_FUNCTION(lgamma, lgammaq)
  SLOPE_QUAD_FUNCTION(digamma, gamma::digamma)
#undef SLOPE_QUAD_FUNCTION
  friend Quad gaussian(Quad x) { return exp(-(x * x)); }
  friend Quad trigamma(Quad x) { return polygamma(1, x); }
  friend Quad polygamma(Quad n, Quad x) { return of(gamma::polygamma(n.v, x.v)); }
  friend Quad atan2(Quad y, Quad x) { return of(atan2q(y.v, x.v)); }
  // C's, where libquadmath departs from it: (−1)^±∞ = 1.
  friend Quad pow(Quad x, Quad y) { return x == -1 && isinfq(y.v) ? 1 : of(powq(x.v, y.v)); }
  // x − y·⌊x/y⌋, exact: the remainder has the divisor's sign.
  friend Quad mod(Quad x, Quad y) {
    Quad rest = of(fmodq(x.v, y.v));
    if (rest == 0) return copysign(rest, y);
    return (rest < 0) == (y < 0) ? rest : rest + y;
  }
};

}  // namespace slope::test

namespace slope::math {
template <>
struct Algebra<test::Quad> {
  using scalar = double;  // a text that chooses by the precision takes the wider one's
  using mask = bool;
  using wide = test::Quad;
  static test::Quad constant(double c) { return c; }
};
}  // namespace slope::math
