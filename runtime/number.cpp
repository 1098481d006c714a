// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/number.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace slope {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view trimmed(std::string_view cell) {
  while (!cell.empty() && (cell.front() == ' ' || cell.front() == '\t')) cell.remove_prefix(1);
  while (!cell.empty() && (cell.back() == ' ' || cell.back() == '\t')) cell.remove_suffix(1);
  return cell;
}

bool same_letters(std::string_view a, std::string_view lower) {
  return std::equal(a.begin(), a.end(), lower.begin(), lower.end(), [](char x, char y) {
    return (x >= 'A' && x <= 'Z' ? static_cast<char>(x + 32) : x) == y;
  });
}

// from_chars says "out of range" for both ends. Of a well-formed decimal: is it large?
bool is_large(std::string_view text) {
  std::int64_t exponent = 0, point = 0;  // of the first digit that is not 0
  std::size_t e = std::min(text.find_first_of("eE"), text.size());
  if (e < text.size()) {
    std::string_view written = text.substr(e + 1);
    if (written.starts_with('+')) written.remove_prefix(1);
    auto result = std::from_chars(written.data(), written.data() + written.size(), exponent);
    if (result.ec == std::errc::result_out_of_range) return !written.starts_with('-');
  }
  std::string_view digits = text.substr(0, e);
  std::size_t dot = std::min(digits.find('.'), digits.size()), first = digits.find_first_of("123456789");
  if (first == std::string_view::npos) return false;
  point = static_cast<std::int64_t>(dot) - static_cast<std::int64_t>(first);
  // The text is no longer than memory, so only the written exponent could overflow the sum.
  return exponent > (std::int64_t{1} << 60) || exponent + point > 0;
}

}  // namespace

bool is_missing(std::string_view cell) {
  cell = trimmed(cell);
  return cell.empty() || cell == "NA" || same_letters(cell, "nan");
}

template <class T>
Reading read_number(std::string_view cell, T& value) {
  cell = trimmed(cell);
  if (is_missing(cell)) return Reading::missing;
  if (cell.front() == '+') {
    cell.remove_prefix(1);
    if (cell.starts_with('-')) return Reading::bad;
  }
  const char* end = cell.data() + cell.size();
  auto [stop, error] = std::from_chars(cell.data(), end, value);
  if (stop != end || error == std::errc::invalid_argument) return Reading::bad;
  if (error == std::errc::result_out_of_range) {
    if (is_large(cell)) return Reading::too_large;
    value = cell.starts_with('-') ? -T{0} : T{0};
    return Reading::number;
  }
  // "-nan" and "nan(…)" pass from_chars.
  if (std::isnan(value)) return Reading::missing;
  bool written_infinite = std::isinf(value) && cell.find_first_of("iI") != std::string_view::npos;
  return std::isinf(value) && !written_infinite ? Reading::too_large : Reading::number;
}

template Reading read_number(std::string_view, double&);
template Reading read_number(std::string_view, float&);

template <class T>
const char* read_long_number(const char* p, const char* end, T& value) {
  auto [stop, error] = std::from_chars(p, end, value);
  return error == std::errc() && std::isfinite(value) ? stop : nullptr;
}

template const char* read_long_number(const char*, const char*, double&);
template const char* read_long_number(const char*, const char*, float&);

std::string number_hint(std::string_view cell) {
  cell = trimmed(cell);
  std::string plain;  // without what people put between and around digits
  bool spaced = false, comma = false, sign = false;
  for (char c : cell) {
    if (c == ' ' || c == '\'' || c == '_') spaced = true;
    else if (c == ',') comma = true, plain += '.';
    else if (c == '$' || c == '%') sign = true;
    else plain += c;
  }
  auto points = std::count(plain.begin(), plain.end(), '.');
  std::string joined = plain;
  if (points > 1) std::erase(joined, '.');
  double value;
  bool number = !plain.empty() && (is_digit(joined.back()) || joined.back() == '.') &&
                read_number(joined, value) == Reading::number;
  if (same_letters(cell, "null") || same_letters(cell, "none") || same_letters(cell, "n/a") || cell == "-" ||
      cell == "?")
    return "a missing number is an empty cell, NA or nan; `missing=drop` leaves such rows out";
  if (cell.starts_with("0x") || cell.starts_with("0X")) return "numbers are written in decimal";
  if (!number) return "";
  if (sign) return "write the number alone, without a currency or percent sign";
  if (comma && points == 1 && !spaced)
    return "this looks like a decimal comma: numbers are written with a point, as in 1.5";
  if (comma || spaced || points > 1) return "numbers are written without thousands separators, as in 1000.5";
  return "";
}

}  // namespace slope
