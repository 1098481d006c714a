// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The text of a CSV file: where cells, rows and quotes begin and end. Nothing here knows of numbers.
#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace slope::csv {

// A text without zero bytes, followed by eight of them: zero is the end, so no scan compares with a pointer,
// and words may be loaded anywhere.
class Scanner {
 public:
  Scanner(std::string_view text, char separator);

  const char* begin() const { return begin_; }
  const char* end() const { return end_; }
  char separator() const { return separator_; }
  std::uint64_t separators() const { return separators_; }  // in every byte
  // Separator, line end or end of the text: what follows every cell.
  bool stops(char c) const { return kinds_[static_cast<unsigned char>(c)] == stop; }
  bool is_space(char c) const { return (c == ' ' || c == '\t') && c != separator_; }
  const char* skip_spaces(const char* p) const {
    while (is_space(*p)) ++p;
    return p;
  }

  // From the first byte of a cell to the byte that ends it; null where its quote is never closed. `quoted`
  // becomes true where there is a quote, so that the cell may hold line ends.
  const char* skip_cell(const char* p, bool& quoted) const {
    const char* start = p;
    while (kinds_[static_cast<unsigned char>(*(p = next_special(p)))] == plain) ++p;
    if (*p != '"') return p;
    quoted = true;
    return skip_quoted(start);
  }
  const char* skip_cell(const char* p) const {
    bool ignored;
    return skip_cell(p, ignored);
  }
  // From anywhere between cells to the end of the line; counts the cells on the way. Null as above.
  const char* skip_row(const char* p, int& cells) const;
  // From the end of a line to the next line; stays at the end of the text.
  const char* skip_line_end(const char* p) const { return p + (*p == '\r' && p[1] == '\n') + (p != end_); }
  // Past blank lines; `lines` counts them.
  const char* skip_blank_lines(const char* p, int& lines) const;

  // The cell without quotes and outer spaces.
  std::string text_of(const char* begin, const char* end) const;

 private:
  // The next separator, quote or byte below 14 (line ends, the end, tabs), eight bytes at a time: a loop over
  // bytes would be mispredicted at the end of nearly every cell. Of the bytes marked, the lowest is always a
  // true one.
  const char* next_special(const char* p) const {
    constexpr std::uint64_t ones = 0x0101010101010101, tops = 0x8080808080808080;
    for (;; p += 8) {
      std::uint64_t word, low, separators, quotes;
      std::memcpy(&word, p, 8);
      separators = word ^ separators_;
      quotes = word ^ ones * '"';
      low = (word - ones * 14) & ~word;
      separators = (separators - ones) & ~separators;
      quotes = (quotes - ones) & ~quotes;
      std::uint64_t marks = (low | separators | quotes) & tops;
      if (marks) return p + std::countr_zero(marks) / 8;
    }
  }
  const char* skip_quoted(const char* start) const;

  const char *begin_, *end_;
  char separator_;
  std::uint64_t separators_;
  enum Kind : unsigned char { plain, stop, quote };
  Kind kinds_[256] = {};
};

// Line ends in a stretch of text, as all of the project counts them.
std::int64_t count_lines(std::string_view text);
// About as many, rather more: from parts spread over the text, as counting all of a large one takes a tenth
// of the time that reading it does.
std::int64_t estimate_lines(std::string_view text);

}  // namespace slope::csv
