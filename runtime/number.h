// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Numbers of data files: from decimal text to the nearest double or float, whatever the locale.
#pragma once
#include <bit>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

namespace slope {

enum class Reading { number, missing, bad, too_large };

// The whole cell, spaces and tabs around it aside. A leading '+' and inf are fine; empty, NA and nan are
// missing; what is nearer to 0 than to any other number is 0.
template <class T>
Reading read_number(std::string_view cell, T& value);
extern template Reading read_number(std::string_view, double&);
extern template Reading read_number(std::string_view, float&);

// What to do about a cell that is no number, or "".
std::string number_hint(std::string_view cell);

// Short plain decimals, which most cells are: returns the end of the number and sets `value`, or null where
// read_number has to look. Clinger's fast path: an integer up to 2^53 and a power of ten up to 10^22 are
// exact doubles, so one multiplication or division rounds once and correctly. The text must end with a byte
// that no number contains.
template <class T>
inline const char* read_short_number(const char* p, T& value) {
  static constexpr double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                      1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
  auto digit = [](char c) { return static_cast<unsigned>(static_cast<unsigned char>(c) - '0'); };
  bool negative = *p == '-';
  p += negative;
  std::uint64_t mantissa = 0;
  const char* start = p;
  for (unsigned d; (d = digit(*p)) < 10; ++p) mantissa = mantissa * 10 + d;
  std::int64_t digits = p - start;
  int exponent = 0;
  if (*p == '.') {
    start = ++p;
    for (unsigned d; (d = digit(*p)) < 10; ++p) mantissa = mantissa * 10 + d;
    digits += p - start;
    exponent = static_cast<int>(start - p);
  }
  if (digits == 0 || digits > 19 || mantissa > std::uint64_t{1} << 53) return nullptr;
  if ((*p | 0x20) == 'e') {
    ++p;
    bool below = *p == '-';
    p += below || *p == '+';
    if (digit(*p) > 9) return nullptr;
    int written = 0;
    for (unsigned d; (d = digit(*p)) < 10; ++p) {
      if (written > 99) return nullptr;
      written = written * 10 + static_cast<int>(d);
    }
    exponent += below ? -written : written;
  }
  if (exponent < -22 || exponent > 22) return nullptr;
  double result = static_cast<double>(mantissa);
  result = exponent < 0 ? result / powers[-exponent] : result * powers[exponent];
  if constexpr (std::is_same_v<T, float>) {
    // The double is the nearest one, so it lies on the same side of every midpoint between floats as the
    // decimal itself, unless it is such a midpoint. All results here are 0 or of 1e-22 to 1e38, none a
    // denormal float.
    bool midpoint = (std::bit_cast<std::uint64_t>(result) & 0x1FFFFFFF) == 0x10000000;
    if (midpoint || result > 3e38) return nullptr;
  }
  value = static_cast<T>(negative ? -result : result);
  return p;
}

}  // namespace slope
