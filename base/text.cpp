// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "base/text.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace slope {

CodePoint decode(std::string_view text, std::size_t at) {
  if (at >= text.size()) return {};
  auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  std::uint32_t first = byte(at);
  if (first < 0x80) return {first, 1};
  constexpr CodePoint malformed{0xFFFFFFFF, 1};
  int length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC2 ? 2 : 0;
  if (length == 0 || first > 0xF4 || at + static_cast<std::size_t>(length) > text.size()) return malformed;
  std::uint32_t value = first & (0xFFu >> (length + 1));
  for (int i = 1; i < length; ++i) {
    std::uint32_t next = byte(at + static_cast<std::size_t>(i));
    if ((next & 0xC0) != 0x80) return malformed;
    value = value << 6 | (next & 0x3F);
  }
  constexpr std::uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  bool surrogate = value >= 0xD800 && value < 0xE000;
  if (value < least[length] || value > 0x10FFFF || surrogate) return malformed;
  return {value, length};
}

std::string escaped(std::string_view text, std::size_t most) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    if (most && out.size() >= most) return out + "…";
    CodePoint c = decode(text, i);
    bool bidirectional = (c.value >= 0x202A && c.value <= 0x202E) || (c.value >= 0x2066 && c.value <= 0x2069);
    bool control =
        c.value < 0x20 || (c.value >= 0x7F && c.value < 0xA0) || c.value == 0xFFFFFFFF || bidirectional;
    for (int k = 0; k < c.length; ++k, ++i) {
      auto byte = static_cast<unsigned char>(text[i]);
      if (!control) out += text[i];
      else (out += "\\x") += {"0123456789abcdef"[byte >> 4], "0123456789abcdef"[byte & 15]};
    }
  }
  return out;
}

namespace {

// Terminal columns of one code point. The ranges are the blocks that Unicode's East Asian Width calls wide,
// and the combining marks of the scripts most often seen; what is missing only moves a caret.
int width(std::uint32_t c) {
  if ((c >= 0x300 && c <= 0x36F) || (c >= 0x200B && c <= 0x200F) || (c >= 0x20D0 && c <= 0x20FF) ||
      (c >= 0xFE00 && c <= 0xFE0F))
    return 0;
  bool wide = (c >= 0x1100 && c <= 0x115F) || (c >= 0x2E80 && c <= 0xA4CF) || (c >= 0xAC00 && c <= 0xD7A3) ||
              (c >= 0xF900 && c <= 0xFAFF) || (c >= 0xFE30 && c <= 0xFE6F) || (c >= 0xFF00 && c <= 0xFF60) ||
              (c >= 0xFFE0 && c <= 0xFFE6) || (c >= 0x1F300 && c <= 0x1FAFF) ||
              (c >= 0x20000 && c <= 0x3FFFD);
  return wide ? 2 : 1;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

// Edit distance in quarters: a change of case costs 1, every other edit 4; a swap of neighbours is one edit.
int distance(std::string_view a, std::string_view b) {
  std::vector<int> before, last, row;
  auto first_row = [&] {
    row.resize(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) row[j] = static_cast<int>(4 * j);
  };
  first_row();
  for (std::size_t i = 1; i <= a.size(); ++i) {
    before = std::move(last);
    last = row;
    row[0] = static_cast<int>(4 * i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      int change = a[i - 1] == b[j - 1] ? 0 : lower(a[i - 1]) == lower(b[j - 1]) ? 1 : 4;
      row[j] = std::min({last[j - 1] + change, last[j] + 4, row[j - 1] + 4});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 4);
    }
  }
  return row[b.size()];
}

template <class T>
std::string shortest_of(T value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  char buffer[40];
  auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  return {buffer, end};
}

}  // namespace

int display_width(std::string_view text, int start) {
  int column = start;
  for (std::size_t i = 0; i < text.size();) {
    CodePoint c = decode(text, i);
    i += static_cast<std::size_t>(c.length);
    if (c.value == '\t') column = (column / 8 + 1) * 8;
    else column += width(c.value);
  }
  return column - start;
}

std::string nearest(std::string_view name, std::span<const std::string> candidates) {
  if (name.size() > 64) return "";
  int limit = 4 * std::max<int>(1, (static_cast<int>(name.size()) + 1) / 3);
  std::string best;
  for (const std::string& candidate : candidates) {
    if (candidate == name || candidate.size() > 64) continue;
    int d = distance(name, candidate);
    // Of one-letter names everything is one edit away: only another case counts there.
    if (name.size() == 1 && d > 1) continue;
    if (d <= limit && (best.empty() || d < limit)) {
      best = candidate;
      limit = d;
    }
  }
  return best;
}

std::string shortest(double value) { return shortest_of(value); }
std::string shortest(float value) { return shortest_of(value); }

std::string listed(const std::vector<std::string>& items, std::string_view last) {
  std::string out;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0) out += i + 1 == items.size() ? " " + std::string(last) + " " : ", ";
    out += items[i];
  }
  return out;
}

}  // namespace slope
