// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The text of a CSV file: where cells, rows and quotes begin and end. Nothing here knows of numbers.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace slope::csv {

// A text without zero bytes, followed by one: the zero is the end, so no scan compares with a pointer.
class Scanner {
 public:
  Scanner(std::string_view text, char separator);

  const char* begin() const { return begin_; }
  const char* end() const { return end_; }
  char separator() const { return separator_; }
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
    while (!kinds_[static_cast<unsigned char>(*p)]) ++p;
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
  const char* skip_quoted(const char* start) const;

  const char *begin_, *end_;
  char separator_;
  enum Kind : unsigned char { plain, stop, quote };
  Kind kinds_[256] = {};
};

// Line ends in a stretch of text, as all of the project counts them.
int count_lines(std::string_view text);

}  // namespace slope::csv
