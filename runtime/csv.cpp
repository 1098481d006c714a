// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/csv.h"

namespace slope::csv {

Scanner::Scanner(std::string_view text, char separator)
    : begin_(text.data()),
      end_(text.data() + text.size()),
      separator_(separator),
      separators_(0x0101010101010101u * static_cast<unsigned char>(separator)) {
  for (char c : {separator, '\n', '\r', '\0'}) kinds_[static_cast<unsigned char>(c)] = stop;
  kinds_[static_cast<unsigned char>('"')] = quote;
}

// A quote opens a cell only before anything else in it; elsewhere (5" pipe) it is a character like others.
const char* Scanner::skip_quoted(const char* start) const {
  const char* p = skip_spaces(start);
  if (*p == '"') {
    do {  // each doubled quote is a closing one followed by an opening one
      p = static_cast<const char*>(std::memchr(p + 1, '"', static_cast<std::size_t>(end_ - p - 1)));
      if (!p) return nullptr;
      ++p;
    } while (*p == '"');
  }
  while (!stops(*p)) ++p;
  return p;
}

const char* Scanner::skip_row(const char* p, int& cells) const {
  for (;; ++p) {
    p = skip_cell(p);
    if (!p) return nullptr;
    ++cells;
    if (*p != separator_) return p;
  }
}

const char* Scanner::skip_blank_lines(const char* p, int& lines) const {
  for (;;) {
    const char* q = skip_spaces(p);
    if (q == end_ || (*q != '\n' && *q != '\r')) return q == end_ ? q : p;
    p = skip_line_end(q);
    ++lines;
  }
}

std::string Scanner::text_of(const char* begin, const char* end) const {
  begin = skip_spaces(begin);
  std::string out;
  bool quoted = begin < end && *begin == '"';
  if (quoted) {
    for (++begin; begin < end && (*begin != '"' || (begin + 1 < end && begin[1] == '"')); ++begin) {
      out += *begin;
      begin += *begin == '"';
    }
    if (begin < end) ++begin;
  }
  while (end > begin && is_space(end[-1])) --end;
  return out.append(begin, end);
}

std::int64_t count_lines(std::string_view text) {
  // A carriage return counts where no line feed follows. Bytes are counted in bytes, which compilers turn
  // into vectors.
  constexpr std::size_t block = 128;
  std::int64_t lines = 0;
  std::size_t i = 0;
  for (; i + block < text.size(); i += block) {
    std::uint8_t count = 0;
    for (std::size_t j = i; j < i + block; ++j)
      count = static_cast<std::uint8_t>(count +
                                        ((text[j] == '\n') | ((text[j] == '\r') & (text[j + 1] != '\n'))));
    lines += count;
  }
  for (; i < text.size(); ++i)
    lines += text[i] == '\n' || (text[i] == '\r' && (i + 1 == text.size() || text[i + 1] != '\n'));
  return lines;
}

std::int64_t estimate_lines(std::string_view text) {
  constexpr std::size_t parts = 64, part = 4096;
  if (text.size() <= parts * part) return count_lines(text);
  std::int64_t lines = 0;
  const std::size_t apart = (text.size() - part) / (parts - 1);
  for (std::size_t i = 0; i < parts; ++i) lines += count_lines(text.substr(i * apart, part));
  double density = static_cast<double>(lines + 1) / static_cast<double>(parts * part);
  return static_cast<std::int64_t>(1.03 * density * static_cast<double>(text.size()));
}

}  // namespace slope::csv
