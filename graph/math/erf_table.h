// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// erf, its complement and its derivative at the multiples of 1/128 up to 6, computed by the compiler.
#pragma once
#include "graph/math/pieces.h"

namespace slope::math {

inline constexpr double erf_table_end = 6;
struct ErfTable {
  static constexpr int per_unit = 128;
  static constexpr int size = static_cast<int>(erf_table_end) * per_unit + 1;
  double erf[size];
  double complement[size];
  double derivative[size];  // 2/sqrt(pi)*e^(-r^2)
};

// a*b without error where there is no fma: in halves of 26 bits (Veltkamp; Dekker 1971).
constexpr Pair<double> split_product(double a, double b) {
  auto high_half = [](double x) {
    double scaled = x * 0x1.0000002p27;
    return scaled - (scaled - x);
  };
  double p = a * b, ah = high_half(a), bh = high_half(b), al = a - ah, bl = b - bh;
  return {p, ((ah * bh - p) + ah * bl + al * bh) + al * bl};
}
constexpr Pair<double> pair_sum(double a, double b) {  // |a| >= |b|
  double sum = a + b;
  return {sum, b - (sum - a)};
}
constexpr Pair<double> pair_product(Pair<double> a, Pair<double> b) {
  Pair<double> p = split_product(a.hi, b.hi);
  return pair_sum(p.hi, p.lo + (a.hi * b.lo + a.lo * b.hi));
}

// The derivative g goes from r to r + h by the factor e^(-2*r*h - h^2), which itself goes on by e^(-2*h^2);
// both in twice the precision. erf goes on by the integral of g, that is g*h*(1 + rest) with
//   rest = sum over k >= 1 of G_k/(k + 1),  e^(-2*r*u - u^2) = sum of G_k*(u/h)^k,
//   G_0 = 1, (k + 1)*G_(k+1) = -2*r*h*G_k - 2*h^2*G_(k-1);
// the rest is at most 0.05, and one double serves for it. 769 roundings of 2^-66 stay below 2^-56. The
// complement is summed from its value at 6 downwards, relative to which each integral is at most 0.09.
constexpr ErfTable erf_table_entries() {
  ErfTable table{};
  constexpr double h = 1.0 / ErfTable::per_unit;
  Pair<double> integrals[ErfTable::size]{};
  Pair<double> g{0x1.20dd750429b6dp+0, 0x1.1ae3a914fed80p-56};               // 2/sqrt(pi)
  Pair<double> factor{0x1.fff8000fffeabp-1, -0x1.50000444416c2p-55};         // e^(-h^2)
  constexpr Pair<double> step{0x1.fff0003fff555p-1, 0x1.aaaa2222d82cbp-55};  // e^(-2*h^2)
  for (int i = 0; i < ErfTable::size; ++i) {
    table.derivative[i] = g.hi;
    double before = 0, term = 1, rest = 0;
    for (int k = 0; k < 10; ++k) {
      double next = (-2 * i * h * h * term - 2 * h * h * before) / (k + 1);
      before = term;
      term = next;
      rest += term / (k + 2);
    }
    integrals[i] = {g.hi * h, g.lo * h + g.hi * h * rest};
    g = pair_product(g, factor);
    factor = pair_product(factor, step);
  }
  auto plus = [](Pair<double> a, Pair<double> b) {
    Pair<double> sum = pair_sum(a.hi, b.hi);
    return pair_sum(sum.hi, sum.lo + (a.lo + b.lo));
  };
  Pair<double> erf = {0, 0}, complement{0x1.8cf81557d20b6p-56, 0x1.a7fff0cc732c0p-112};  // erfc 6
  for (int i = 0; i < ErfTable::size; ++i) {
    table.erf[i] = erf.hi;
    erf = i == 0 ? pair_sum(integrals[0].hi, integrals[0].lo) : plus(erf, integrals[i]);
  }
  for (int i = ErfTable::size - 1; i >= 0; --i) {
    table.complement[i] = complement.hi;
    if (i > 0) complement = plus(complement, integrals[i - 1]);
  }
  return table;
}
inline constexpr ErfTable erf_table = erf_table_entries();

}  // namespace slope::math
