// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/table_form.h"

#include <algorithm>
#include <string>
#include <vector>

#include "runtime/number.h"

namespace slope {

namespace {

bool is_blank(char c) { return c == ' ' || c == '\t'; }
bool ends_line(char c) { return c == '\n' || c == '\r'; }

std::size_t line_end(std::string_view text, std::size_t at) {
  while (at < text.size() && !ends_line(text[at])) ++at;
  return at;
}

std::size_t skip_blanks(std::string_view text, std::size_t at) {
  while (at < text.size() && is_blank(text[at])) ++at;
  return at;
}

// Behind what the quote at a place opens; nothing where it is never closed.
std::optional<std::size_t> quote_end(std::string_view text, std::size_t at) {
  do {  // each doubled quote is a closing one followed by an opening one
    at = text.find('"', at + 1);
    if (at == std::string_view::npos) return {};
    ++at;
  } while (at < text.size() && text[at] == '"');
  return at;
}

// Behind the word at a place where there is one: up to a blank or the line's end, outside of quotes. Nothing
// where its quote is never closed.
std::optional<std::size_t> word_end(std::string_view text, std::size_t at) {
  if (text[at] == '"') {
    auto end = quote_end(text, at);
    if (!end) return {};
    at = *end;
  }
  while (at < text.size() && !is_blank(text[at]) && !ends_line(text[at])) ++at;
  return at;
}

// The words of the line at a place, and where the next line with any begins.
struct Words {
  std::vector<std::string_view> words;
  std::size_t next;
};
std::optional<Words> words_of_line(std::string_view text, std::size_t at) {
  Words out;
  for (at = skip_blanks(text, at); at < text.size() && !ends_line(text[at]); at = skip_blanks(text, at)) {
    auto end = word_end(text, at);
    if (!end) return {};
    out.words.push_back(text.substr(at, *end - at));
    at = *end;
  }
  while (at < text.size() && (ends_line(text[at]) || is_blank(text[at]))) ++at;
  out.next = at;
  return out;
}

// Of `# x y` and `#x y` the mark.
std::optional<std::size_t> comment_mark(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size() && (is_blank(text[at]) || ends_line(text[at]))) ++at;
  return at < text.size() && text[at] == '#' ? std::optional(at) : std::nullopt;
}

// Whether a quote here may open a cell, whatever parts the cells.
bool begins_cell(std::string_view text, std::size_t at) {
  return at == 0 || ends_line(text[at - 1]) ||
         std::string_view(" \t,;|:").find(text[at - 1]) != std::string_view::npos;
}

bool is_number(std::string_view word) {
  double value;
  return read_number(word, value) == Reading::number;
}

struct FirstLines {
  std::vector<std::string_view> names, row;
  bool alike = true;  // the rows that follow, as far as is looked, have as many cells
};
// R names the rows in a column without a name.
bool fits(const FirstLines& lines) {
  return lines.row.size() == lines.names.size() || lines.row.size() == lines.names.size() + 1;
}

std::optional<FirstLines> first_lines(std::string_view text) {
  std::size_t begin = 0;
  while (begin < text.size() && (ends_line(text[begin]) || is_blank(text[begin]))) ++begin;
  auto names = words_of_line(text, begin);
  auto row = names ? words_of_line(text, names->next) : std::nullopt;
  if (!row) return {};
  FirstLines out;
  std::size_t at = row->next;
  for (int more = 0; more < 20 && at < text.size() && out.alike; ++more) {
    auto next = words_of_line(text, at);
    if (!next) break;
    out.alike = next->words.size() == row->words.size();
    at = next->next;
  }
  std::vector<std::string_view>& found = names->words;
  if (!found.empty() && found[0].starts_with('#')) {
    found[0].remove_prefix(1);
    if (found[0].empty()) found.erase(found.begin());
  }
  out.names = std::move(found);
  out.row = std::move(row->words);
  return out;
}

}  // namespace

std::optional<char> take_separator_line(std::span<char> text) {
  std::string_view whole(text.data(), text.size());
  std::size_t end = line_end(whole, 0);
  std::string_view line = whole.substr(0, end);
  if (line.size() == 7 && line.starts_with('"') && line.ends_with('"')) line = line.substr(1, 5);
  if (line.size() != 5 || !(line.starts_with("sep=") || line.starts_with("SEP="))) return {};
  char separator = line[4];
  bool letter = (separator >= 'a' && separator <= 'z') || (separator >= 'A' && separator <= 'Z') ||
                (separator >= '0' && separator <= '9') || separator == '"';
  if (letter) return {};
  std::ranges::fill(text.first(end), ' ');
  return separator;
}

void take_comments(std::span<char> text, char comment) {
  std::string_view whole(text.data(), text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    std::size_t end = line_end(whole, at), first = skip_blanks(whole, at);
    if (first < end && text[first] == comment) {
      std::ranges::fill(text.subspan(at, end - at), ' ');
      at = end;
      continue;
    }
    while (at < text.size() && !ends_line(text[at])) {  // a line inside of quotes is none
      auto behind = text[at] == '"' && begins_cell(whole, at) ? quote_end(whole, at) : std::optional(at + 1);
      if (!behind) return;
      at = *behind;
    }
  }
}

bool is_parted_by_blanks(std::string_view text) {
  auto first = first_lines(text);
  if (!first || first->names.size() < 2) return false;
  for (std::string_view name : first->names)
    if (name.find_first_of(",;|\t") != std::string_view::npos) return false;
  // Cells that are parted by tabs may hold spaces.
  std::string_view line = text.substr(0, static_cast<std::size_t>(first->names.back().data() - text.data()));
  if (line.find('\t') != std::string_view::npos) return false;
  return first->alike && fits(*first) && std::ranges::any_of(first->row, is_number);
}

void part_by_tabs(std::span<char> text) {
  std::string_view whole(text.data(), text.size());
  if (auto mark = comment_mark(whole)) {
    auto first = first_lines(whole);
    if (first && fits(*first)) text[*mark] = ' ';
  }
  for (std::size_t at = 0; at < text.size();) {
    std::size_t cells = skip_blanks(whole, at);
    std::fill(text.begin() + static_cast<std::ptrdiff_t>(at),
              text.begin() + static_cast<std::ptrdiff_t>(cells), ' ');
    at = cells;
    while (at < text.size() && !ends_line(text[at])) {
      auto end = word_end(whole, at);
      if (!end) return;
      at = skip_blanks(whole, *end);
      std::ranges::fill(text.subspan(*end, at - *end), ' ');
      bool last = at == text.size() || ends_line(text[at]);
      if (!last) text[*end] = '\t';
    }
    if (at < text.size()) ++at;
  }
}

}  // namespace slope
