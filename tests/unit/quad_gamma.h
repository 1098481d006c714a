// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// log|Γ|, its derivatives digamma and polygamma in __float128, for tests: shifted up by the recurrence to
// where the asymptotic series has 113 bits, negative arguments by reflection (Abramowitz and Stegun 6.3 and
// 6.4).
#pragma once
#include <quadmath.h>

#include <array>
#include <cstddef>
#include <vector>

namespace slope::test::gamma {

__extension__ typedef __float128 quad;

inline constexpr int terms = 32;
// Above 32 the series' terms fall below 2^-113 of its first long before they grow again.
inline const quad shifted = 32;
inline const quad pi = 2 * acosq(0);

inline quad infinity() { return 1 / quad(0); }
inline quad not_a_number() { return nanq(""); }
inline bool is_whole(quad x) { return floorq(x) == x; }

// B_2, B_4, … from the tangent numbers T_n = 1, 2, 16, …: B_2n = (−1)^(n−1)·2n·T_n / (4^n·(4^n − 1)). Their
// recurrence adds positive numbers only (Brent and Harvey 2011, algorithm 1), so no digit is lost.
inline const std::array<quad, terms>& bernoulli() {
  static const std::array<quad, terms> numbers = [] {
    std::array<quad, terms> t{1};
    for (int k = 1; k < terms; ++k) t[k] = k * t[k - 1];
    for (int k = 1; k < terms; ++k)
      for (int j = k; j < terms; ++j) t[j] = (j - k) * t[j - 1] + (j - k + 2) * t[j];
    for (int k = 0; k < terms; ++k) {
      quad power = ldexpq(1, 2 * (k + 1));
      t[k] *= (k % 2 ? -1 : 1) * (2 * (k + 1)) / (power * (power - 1));
    }
    return t;
  }();
  return numbers;
}

// cot πx. Whole x are the callers' own; x mod 1 and ½ − |x mod 1| are exact.
inline quad cotangent_of_pi(quad x) {
  quad r = x - rintq(x), size = fabsq(r);
  quad value = size <= 0.25 ? 1 / tanq(pi * size) : tanq(pi * (0.5 - size));
  return copysignq(value, r);
}

// dⁿ/dxⁿ cot πx = P(cot πx): P' is −π(1 + c²)·dP/dc, whose coefficients have one sign and one parity.
inline quad derivative_of_cotangent(int n, quad x) {
  std::vector<quad> p{0, 1};
  for (int i = 0; i < n; ++i) {
    std::vector<quad> next(p.size() + 1);
    for (std::size_t k = 1; k < p.size(); ++k) {
      next[k - 1] -= pi * static_cast<int>(k) * p[k];
      next[k + 1] -= pi * static_cast<int>(k) * p[k];
    }
    p = next;
  }
  quad c = cotangent_of_pi(x), sum = 0;
  for (std::size_t k = p.size(); k-- > 0;) sum = sum * c + p[k];
  return sum;
}

// ψ(x) = Γ'(x)/Γ(x). Poles at 0 (∓∞ by the sign of the zero) and at negative integers (NaN).
inline quad digamma(quad x) {
  if (x == 0) return -1 / x;
  if (x < 0 && is_whole(x)) return not_a_number();
  if (x < 0) return digamma(1 - x) - pi * cotangent_of_pi(x);
  quad sum = 0;
  for (; x < shifted; x += 1) sum -= 1 / x;
  quad power = 1, series = 0;
  for (int k = 0; k < terms; ++k) {
    power /= x * x;
    series += bernoulli()[k] / (2 * (k + 1)) * power;
  }
  return sum + (logq(x) - 1 / (2 * x) - series);
}

// ψ⁽ⁿ⁾(x), n a small whole number; NaN of any other. Poles: +∞ for odd n, NaN for even.
inline quad polygamma(quad order, quad x) {
  if (order == 0) return digamma(x);
  if (!(order > 0 && order < 64 && is_whole(order)) || isnanq(x)) return not_a_number();
  int n = static_cast<int>(order);
  quad sign = n % 2 ? 1 : -1;
  if (isinfq(x) && x < 0) return not_a_number();
  if (x == 0 && n % 2 == 0) return -copysignq(infinity(), x);
  if (x <= 0 && is_whole(x)) return n % 2 ? infinity() : not_a_number();
  if (x < 0) return -sign * polygamma(order, 1 - x) - pi * derivative_of_cotangent(n, x);
  quad factorial = 1;  // (n − 1)!
  for (int k = 2; k < n; ++k) factorial *= k;
  auto power = [n](quad base) {
    quad product = base;
    for (int k = 1; k < n; ++k) product *= base;
    return product;
  };
  quad sum = 0;
  for (; x < shifted; x += 1) sum += n * factorial / (power(x) * x);
  if (isinfq(x)) return sign * 0;
  quad term = 1 / power(x), series = factorial * term * (1 + n / (2 * x));
  quad rising = factorial;  // (2k + n − 1)!/(2k)!
  for (int k = 0; k < terms; ++k) {
    int two_k = 2 * (k + 1);
    rising *= quad(two_k + n - 2) * (two_k + n - 1) / (quad(two_k - 1) * two_k);
    term /= x * x;
    series += bernoulli()[k] * rising * term;
  }
  return sign * (sum + series);
}

}  // namespace slope::test::gamma
