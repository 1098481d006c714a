// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "frontend/unicode.h"

#include <algorithm>
#include <iterator>
#include <span>

namespace slope {

namespace {

struct Range {
  std::uint32_t first, last;
};

#include "frontend/unicode_tables.inc"

bool contains(std::span<const Range> table, std::uint32_t c) {
  auto next = std::ranges::upper_bound(table, c, {}, &Range::first);
  return next != table.begin() && c <= std::prev(next)->last;
}

bool is_ascii_letter(std::uint32_t c) { return (c | 32) - 'a' < 26 || c == '_'; }

}  // namespace

bool is_letter(std::uint32_t c) { return c < 0x80 ? is_ascii_letter(c) : contains(letters, c); }

bool is_word_part(std::uint32_t c) {
  if (c < 0x80) return is_ascii_letter(c) || c - '0' < 10;
  return contains(letters, c) || contains(later_letters, c);
}

bool is_uncomposed(std::uint32_t c) { return c >= 0x300 && contains(uncomposed, c); }

}  // namespace slope
