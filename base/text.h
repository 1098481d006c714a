// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Small things about text: escaping for terminals, nearest names, numbers that read back exactly.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace slope {

// Control bytes, invalid UTF-8 and characters that hide or reorder others as \x1b; the rest as it is. `most`
// > 0 cuts long texts (with "…").
std::string escaped(std::string_view text, std::size_t most = 0);

// One code point of UTF-8 at text[at]; length 0 at the end, code point 0xFFFFFFFF (length 1) where malformed.
struct CodePoint {
  std::uint32_t value = 0;
  int length = 0;
};
CodePoint decode(std::string_view text, std::size_t at);

// Columns the text takes on a terminal (tab = to the next multiple of 8 from `start`; wide and combining
// characters).
int display_width(std::string_view text, int start = 0);

// The name with each letter that looks like a Latin one written as that: what two names share that cannot be
// told apart by eye (`о` of Cyrillic, `ο` of Greek and `o`).
std::string looks(std::string_view name);

// The candidate nearest to `name` by edit distance (case changes cost little), or "" when none is near.
std::string nearest(std::string_view name, std::span<const std::string> candidates);

// Shortest decimal that reads back to the same number: 0.1, 3, 1e-05, nan, inf.
std::string shortest(double value);
std::string shortest(float value);
// So many significant digits, as %g writes them. Not-a-number has no sign here either.
std::string significant(double value, int digits = 6);

// "a, b and c"
std::string listed(const std::vector<std::string>& items, std::string_view last = "and");

}  // namespace slope
