// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Numbers of data files: from decimal text to the nearest double or float, whatever the locale.
#pragma once
#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

namespace slope {

enum class Reading { number, missing, bad, too_large };

// Whether the cell says that there is no value: empty, NA or nan in any case of its letters.
bool is_missing(std::string_view cell);

// The whole cell, spaces and tabs around it aside. A leading '+' and inf are fine; empty, NA and nan are
// missing; what is nearer to 0 than to any other number is 0.
template <class T>
Reading read_number(std::string_view cell, T& value);
extern template Reading read_number(std::string_view, double&);
extern template Reading read_number(std::string_view, float&);

// The finite number that the text begins with, in full precision: returns its end and sets `value`, or null.
template <class T>
const char* read_long_number(const char* p, const char* end, T& value);
extern template const char* read_long_number(const char*, const char*, double&);
extern template const char* read_long_number(const char*, const char*, float&);

// What to do about a cell that is no number, or "".
std::string number_hint(std::string_view cell);

// Eight digits 0 to 9, the first in the lowest byte: pairs, fours and eights are joined.
[[gnu::always_inline]] inline std::uint32_t join_digits(std::uint64_t digits) {
  digits = (digits * 10) + (digits >> 8);
  digits = ((digits & 0x000000FF000000FF) * 0x000F424000000064 +
            (digits >> 16 & 0x000000FF000000FF) * 0x0000271000000001) >>
           32;
  return static_cast<std::uint32_t>(digits);
}

// Cells like 12, -0.5 or .25 of at most seven bytes, from one word of text. No jump depends on where the
// sign, the point and the end are, which no processor could foresee; and the end, which the next cell waits
// for, is known before anything else is. Returns the end and sets `value`, or null. `separators` is the
// separator in every byte; other bytes below '-' (line ends, the end, spaces …) end a cell too: the caller
// looks at which it is. Eight bytes must be readable.
template <class T>
[[gnu::always_inline]] inline const char* read_tiny_number(const char* p, std::uint64_t separators,
                                                           T& value) {
  static constexpr T powers[] = {T{1e0}, T{1e1}, T{1e2}, T{1e3}, T{1e4}, T{1e5}, T{1e6}, T{1e7}};
  constexpr std::uint64_t ones = 0x0101010101010101, tops = ones << 7;
  // In the top bit of a byte that is 0; bytes above the lowest such may be marked wrongly.
  auto zeros = [](std::uint64_t bytes) { return (bytes - ones) & ~bytes & tops; };
  std::uint64_t word;
  std::memcpy(&word, p, 8);
  std::uint64_t stops = ((word - ones * '-') & ~word & tops) | zeros(word ^ separators);
  if (!stops) return nullptr;
  int end = std::countr_zero(stops) - 7;  // bits, not bytes, here and below
  p += end / 8;
  int negative = (word & 0xFF) == '-' ? 8 : 0;
  if (end <= negative) return nullptr;
  word = ((word & ((1ull << end) - 1)) >> negative) ^ ones * '0';  // digits are now 0 to 9, and only they
  end -= negative;
  int whole = std::countr_zero(zeros(word ^ ones * ('.' ^ '0')) | 1ull << (end + 7)) - 7;
  int point = whole != end ? 8 : 0;
  int digits = end - point;
  if (digits == 0) return nullptr;
  std::uint64_t below = (1ull << whole) - 1;
  word = ((word & below) | (word >> point & ~below)) << (64 - digits);  // the fraction moves over the point
  if (((word + ones * (128 - 10)) | word) & tops) return nullptr;
  T result = static_cast<T>(static_cast<std::int32_t>(join_digits(word))) / powers[(digits - whole) / 8];
  using Bits = std::conditional_t<sizeof(T) == 8, std::uint64_t, std::uint32_t>;
  value = std::bit_cast<T>(std::bit_cast<Bits>(result) ^ static_cast<Bits>(negative) << (8 * sizeof(T) - 4));
  return p;
}

// Whether the text goes on with digits from the ninth to the sixteenth byte: too many for the quick ways,
// most likely.
[[gnu::always_inline]] inline bool has_many_digits(const char* p) {
  std::uint64_t word;
  std::memcpy(&word, p + 8, 8);
  word ^= 0x3030303030303030;
  return ((word | (word + 0x0606060606060606)) & 0xF0F0F0F0F0F0F0F0) == 0;
}

// A run of digits is read eight bytes at a time, as a loop over digits would be mispredicted at the end of
// nearly every run. Adds the digits to `mantissa`, returns what follows them.
[[gnu::always_inline]] inline const char* read_digits(const char* p, std::uint64_t& mantissa) {
  static constexpr std::uint32_t powers[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};
  for (;;) {
    std::uint64_t word;
    std::memcpy(&word, p, 8);
    word ^= 0x3030303030303030;  // digits are now 0 to 9, and only they
    std::uint64_t others = (word | (word + 0x0606060606060606)) & 0xF0F0F0F0F0F0F0F0;
    int count = others ? std::countr_zero(others) / 8 : 8;
    // The digits move to the upper bytes, as if zeros stood before them.
    mantissa = mantissa * powers[count] + join_digits(count == 0 ? 0 : word << (64 - 8 * count));
    p += count;
    if (count < 8) return p;
  }
}

// Short plain decimals, which most cells are: returns the end of the number and sets `value`, or null where
// read_number has to look. Clinger's fast path: an integer up to 2^53 and a power of ten up to 10^22 are
// exact doubles, so one multiplication or division rounds once and correctly. The text must end with a byte
// that no number contains.
template <class T>
[[gnu::always_inline]] inline const char* read_short_number(const char* p, T& value) {
  static constexpr double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                      1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
  auto digit = [](char c) { return static_cast<unsigned>(static_cast<unsigned char>(c) - '0'); };
  bool negative = *p == '-';
  p += negative;
  std::uint64_t mantissa = 0;
  const char* start = p;
  p = read_digits(p, mantissa);
  std::int64_t digits = p - start;
  int exponent = 0;
  if (*p == '.') {
    start = ++p;
    p = read_digits(p, mantissa);
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
