// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "base/diagnostic.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <span>

#include "base/ending.h"
#include "base/text.h"

namespace slope {

std::string to_string(Code code) { return fmt::format("S{:04}", static_cast<int>(code)); }

std::string_view to_string(Severity severity) {
  constexpr std::string_view names[] = {"error", "warning", "note"};
  return names[static_cast<std::size_t>(severity)];
}

Diagnostic& Diagnostics::add(Diagnostic diagnostic) {
  if (diagnostic.severity == Severity::error) ++errors_;
  all_.push_back(std::move(diagnostic));
  return all_.back();
}

Diagnostic& Diagnostics::error(Code code, Span span, std::string message) {
  return add({.severity = Severity::error,
              .code = code,
              .message = std::move(message),
              .span = span,
              .position = {},
              .label = {}});
}
Diagnostic& Diagnostics::warning(Code code, Span span, std::string message) {
  return add({.severity = Severity::warning,
              .code = code,
              .message = std::move(message),
              .span = span,
              .position = {},
              .label = {}});
}
Diagnostic& Diagnostics::note(Code code, Span span, std::string message) {
  return add({.severity = Severity::note,
              .code = code,
              .message = std::move(message),
              .span = span,
              .position = {},
              .label = {}});
}
Diagnostic& Diagnostics::error(Code code, std::string message) {
  return add({.severity = Severity::error,
              .code = code,
              .message = std::move(message),
              .span = {},
              .position = {},
              .label = {}});
}

int Diagnostics::exit_code() const {
  for (const Diagnostic& d : all_)
    if (d.severity == Severity::error) return entry(d.code).exit;
  return exit_code::done;
}

namespace {

struct Style {
  bool color;
  std::string operator()(std::string_view text, int code) const {
    return color ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : std::string(text);
  }
};

bool continues(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

// A sentence about the user's text, in which a word as long as a screen (a name of a million letters) is cut
// in its middle.
std::string sentence(std::string_view text) {
  constexpr std::size_t longest = 400, head = 200, tail = 100;  // bytes
  std::string shown = escaped(text), out;
  for (std::size_t at = 0; at < shown.size();) {
    std::size_t end = std::min(shown.find(' ', at), shown.size());
    std::string_view word = std::string_view(shown).substr(at, end - at);
    if (word.size() <= longest) {
      out += word;
    } else {
      std::size_t first = head, last = word.size() - tail;
      while (continues(word[first])) --first;
      while (continues(word[last])) ++last;
      ((out += word.substr(0, first)) += "…") += word.substr(last);
    }
    if (end < shown.size()) out += ' ';
    at = end + 1;
  }
  return out;
}

// A character of the user's text as it is shown: a tab as blanks to the next multiple of 8, what must not
// reach a terminal escaped.
struct Cell {
  std::size_t byte = 0;  // in the line
  std::string text;
  int width = 0;
};

// A stretch of a line around a mark, and whether the line goes on before and behind it.
struct Stretch {
  std::vector<Cell> cells;
  bool cut_before = false, cut_behind = false;
};

// What of a line may be shown: a few hundred bytes, however long the line.
Stretch around(std::string_view line, std::size_t mark) {
  constexpr std::size_t reach = 600;  // bytes; a window of 100 columns has fewer
  std::size_t from = mark > reach ? mark - reach : 0, to = std::min(line.size(), mark + reach);
  while (from < mark && continues(line[from])) ++from;
  Stretch stretch{{}, from > 0, to < line.size()};
  int column = 0;
  for (std::size_t i = from; i < to;) {
    auto length = static_cast<std::size_t>(decode(line, i).length);
    Cell cell{i, escaped(line.substr(i, length)), 0};
    if (line[i] == '\t') cell.text = std::string(static_cast<std::size_t>(8 - column % 8), ' ');
    cell.width = display_width(cell.text);
    column += cell.width;
    i += length;
    stretch.cells.push_back(std::move(cell));
  }
  return stretch;
}

int width_of(std::span<const Cell> cells) {
  int width = 0;
  for (const Cell& cell : cells) width += cell.width;
  return width;
}

// Long lines are cut to a window of columns around the mark.
void cut(Stretch& stretch, std::size_t mark) {
  constexpr int widest = 120, window = 100, before_mark = 50;
  std::vector<Cell>& cells = stretch.cells;
  if (!stretch.cut_before && !stretch.cut_behind && width_of(cells) <= widest) return;
  std::size_t marked = 0;
  while (marked < cells.size() && cells[marked].byte < mark) ++marked;
  std::size_t first = marked;
  for (int width = 0; first > 0 && (width += cells[first - 1].width) <= before_mark;) --first;
  while (first < marked && cells[first].width == 0) ++first;  // a mark without its letter
  std::size_t last = first;
  for (int width = 0; last < cells.size() && (width += cells[last].width) <= window;) ++last;
  stretch.cut_before |= first > 0;
  stretch.cut_behind |= last < cells.size();
  cells.erase(cells.begin() + static_cast<std::ptrdiff_t>(last), cells.end());
  cells.erase(cells.begin(), cells.begin() + static_cast<std::ptrdiff_t>(first));
}

// The line as text, the column where `mark` is shown, and how many columns the marked bytes take.
struct Shown {
  std::string text;
  int mark = 0, width = 0;
};
Shown shown_line(std::string_view line, std::size_t mark, std::size_t marked) {
  Stretch stretch = around(line, mark);
  cut(stretch, mark);
  Shown shown;
  if (stretch.cut_before) shown.text = "…", shown.mark = 1;
  for (const Cell& cell : stretch.cells) {
    shown.text += cell.text;
    if (cell.byte < mark) shown.mark += cell.width;
    else if (cell.byte < mark + marked) shown.width += cell.width;
  }
  if (stretch.cut_behind) shown.text += "…";
  return shown;
}

std::string excerpt(const Diagnostic& d, const Source& source, const Style& style) {
  Position at = source.position(d.span->begin);
  std::string_view line = source.line(at.line);
  std::string number = std::to_string(at.line), gap(number.size(), ' ');
  auto column = static_cast<std::size_t>(at.column - 1);
  if (column > line.size()) column = line.size();
  Shown shown = shown_line(line, column, d.span->end - d.span->begin);
  std::string caret(static_cast<std::size_t>(std::max(1, shown.width)), '^');
  std::string out = fmt::format(" {} |\n {} | {}\n {} | {}{}", gap, number, shown.text, gap,
                                std::string(static_cast<std::size_t>(shown.mark), ' '), style(caret, 31));
  if (!d.label.empty()) out += " " + sentence(d.label);
  return out + "\n";
}

}  // namespace

std::string render(const Diagnostic& d, const Sources& sources, bool color) {
  Style style{color};
  std::string out;
  const Source* source = d.span ? sources.find(d.span->file) : nullptr;
  if (d.position) {
    out += escaped(d.position->file) + ":";
    if (d.position->line > 0) out += std::to_string(d.position->line) + ":";
    if (d.position->column > 0) out += std::to_string(d.position->column) + ":";
    out += " ";
  } else if (source) {
    Position at = source->position(d.span->begin);
    out += fmt::format("{}:{}:{}: ", escaped(source->name()), at.line, at.column);
  } else {
    out += "slope: ";
  }
  constexpr int colors[] = {31, 35, 36};
  out += style(fmt::format("{}[{}]", to_string(d.severity), to_string(d.code)),
               colors[static_cast<int>(d.severity)]);
  out += ": " + sentence(d.message) + "\n";
  if (source) out += excerpt(d, *source, style);
  if (source && !(d.notes.empty() && d.helps.empty() && d.related.empty()))
    out +=
        fmt::format(" {} |\n", std::string(std::to_string(source->position(d.span->begin).line).size(), ' '));
  for (Span related : d.related)
    if (const Source* other = sources.find(related.file)) {
      int line = other->position(related.begin).line;
      out += fmt::format("  = note: see line {}: {}\n", line, escaped(other->line(line), 100));
    }
  for (const std::string& note : d.notes) out += "  = note: " + sentence(note) + "\n";
  for (const std::string& help : d.helps) out += "  = help: " + sentence(help) + "\n";
  return out;
}

std::string render_all(const Diagnostics& diagnostics, const Sources& sources, bool color, int most) {
  std::string out;
  constexpr std::string_view plural[] = {"errors", "warnings", "notes"};
  int count[std::size(plural)] = {};
  for (const Diagnostic& d : diagnostics.all())
    if (++count[static_cast<std::size_t>(d.severity)] <= most) out += render(d, sources, color);
  for (std::size_t i = 0; i < std::size(plural); ++i)
    if (int rest = count[i] - most; rest > 0)
      out += fmt::format("and {} more {}\n", rest,
                         rest == 1 ? plural[i].substr(0, plural[i].size() - 1) : plural[i]);
  return out;
}

void internal_error(std::string_view what) {
  before_broken_end();
  std::fprintf(stderr,
               "slope: internal error: %.*s\nThis is a fault of slope, not of your model. Please report it "
               "with the model that shows it.\n",
               static_cast<int>(what.size()), what.data());
  std::fflush(stderr);
  std::_Exit(exit_code::internal);
}

}  // namespace slope
