// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "base/text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>

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

namespace {

// Characters without a picture that change what others look like, or hide: zero-width blanks, marks and
// overrides of the direction, line ends of Unicode, the byte order mark, tags. Joiners belong to scripts and
// emoji.
bool is_unseen(std::uint32_t c) {
  return c == 0xAD || c == 0x200B || c == 0x200E || c == 0x200F || (c >= 0x2028 && c <= 0x202E) ||
         (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF || (c >= 0xE0000 && c <= 0xE007F);
}

}  // namespace

std::string escaped(std::string_view text, std::size_t most) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    if (most && out.size() >= most) return out + "…";
    CodePoint c = decode(text, i);
    bool control =
        c.value < 0x20 || (c.value >= 0x7F && c.value < 0xA0) || c.value == 0xFFFFFFFF || is_unseen(c.value);
    for (int k = 0; k < c.length; ++k, ++i) {
      auto byte = static_cast<unsigned char>(text[i]);
      if (!control) out += text[i];
      else (out += "\\x") += {"0123456789abcdef"[byte >> 4], "0123456789abcdef"[byte & 15]};
    }
  }
  return out;
}

namespace {

struct Range {
  std::uint32_t first, last;
};

#include "base/width_tables.inc"

bool contains(std::span<const Range> table, std::uint32_t c) {
  auto next = std::ranges::upper_bound(table, c, {}, &Range::first);
  return next != table.begin() && c <= std::prev(next)->last;
}

// Terminal columns of one code point. A sequence that a font draws as one picture counts as its parts.
int width(std::uint32_t c) {
  if (c < 0x300) return 1;
  return contains(no_width, c) ? 0 : contains(wide, c) ? 2 : 1;
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

std::string looks(std::string_view name) {
  // Letters that the usual fonts draw alike, from Unicode's confusables.
  struct Pair {
    std::uint32_t letter;
    char latin;
  };
  static constexpr Pair pairs[] = {
      {0x391, 'A'}, {0x392, 'B'}, {0x395, 'E'}, {0x396, 'Z'}, {0x397, 'H'}, {0x399, 'I'}, {0x39A, 'K'},
      {0x39C, 'M'}, {0x39D, 'N'}, {0x39F, 'O'}, {0x3A1, 'P'}, {0x3A4, 'T'}, {0x3A5, 'Y'}, {0x3A7, 'X'},
      {0x3B1, 'a'}, {0x3B9, 'i'}, {0x3BD, 'v'}, {0x3BF, 'o'}, {0x3C1, 'p'}, {0x3C5, 'u'}, {0x3F2, 'c'},
      {0x405, 'S'}, {0x406, 'I'}, {0x408, 'J'}, {0x410, 'A'}, {0x412, 'B'}, {0x415, 'E'}, {0x41A, 'K'},
      {0x41C, 'M'}, {0x41D, 'H'}, {0x41E, 'O'}, {0x420, 'P'}, {0x421, 'C'}, {0x422, 'T'}, {0x425, 'X'},
      {0x430, 'a'}, {0x435, 'e'}, {0x43E, 'o'}, {0x440, 'p'}, {0x441, 'c'}, {0x443, 'y'}, {0x445, 'x'},
      {0x455, 's'}, {0x456, 'i'}, {0x458, 'j'}};
  std::string out;
  for (std::size_t i = 0; i < name.size();) {
    CodePoint c = decode(name, i);
    auto length = static_cast<std::size_t>(c.length);
    auto found = std::ranges::find(pairs, c.value, &Pair::letter);
    if (found != std::end(pairs)) out += found->latin;
    else out += name.substr(i, length);
    i += length;
  }
  return out;
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

std::string significant(double value, int digits) {
  if (!std::isfinite(value)) return shortest(value);
  char buffer[64];
  auto end = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::general, digits).ptr;
  return {buffer, end};
}

std::string listed(const std::vector<std::string>& items, std::string_view last) {
  std::string out;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0) out += i + 1 == items.size() ? " " + std::string(last) + " " : ", ";
    out += items[i];
  }
  return out;
}

}  // namespace slope
