// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "base/diagnostic.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

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

// A line of the user's text as it is shown: tabs become spaces to the next multiple of 8, control bytes are
// escaped. `mark` is a byte offset in the line; the result's second part is the column where that byte is
// shown.
struct Shown {
  std::string text;
  int mark = 0, width = 0;
};
Shown shown_line(std::string_view line, std::size_t mark, std::size_t marked) {
  // A very long line is cut to a window around the mark.
  constexpr std::size_t window = 160;
  std::string out;
  if (line.size() > window) {
    std::size_t from = mark > window / 2 ? mark - window / 2 : 0;
    while (from < mark && (static_cast<unsigned char>(line[from]) & 0xC0) == 0x80) ++from;
    std::size_t to = std::min(line.size(), from + window);
    while (to < line.size() && (static_cast<unsigned char>(line[to]) & 0xC0) == 0x80) ++to;
    if (from > 0) out += "…";
    line = line.substr(from, to - from);
    mark -= from;
  }
  marked = std::min(marked, line.size() - std::min(mark, line.size()));
  Shown shown;
  for (std::size_t i = 0; i <= line.size();) {
    if (i == mark) shown.mark = display_width(out);
    if (i == mark + marked) shown.width = display_width(out) - shown.mark;
    if (i == line.size()) break;
    auto length = static_cast<std::size_t>(decode(line, i).length);
    if (line[i] == '\t') out += std::string(static_cast<std::size_t>(8 - display_width(out) % 8), ' ');
    else out += escaped(line.substr(i, length));
    for (std::size_t k = 1; k < length; ++k)
      if (i + k == mark + marked) shown.width = display_width(out) - shown.mark;
    i += length;
  }
  shown.text = out;
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
  if (!d.label.empty()) out += " " + escaped(d.label);
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
  out += ": " + escaped(d.message) + "\n";
  if (source) out += excerpt(d, *source, style);
  if (source && !(d.notes.empty() && d.helps.empty() && d.related.empty()))
    out +=
        fmt::format(" {} |\n", std::string(std::to_string(source->position(d.span->begin).line).size(), ' '));
  for (Span related : d.related)
    if (const Source* other = sources.find(related.file)) {
      int line = other->position(related.begin).line;
      out += fmt::format("  = note: see line {}: {}\n", line, escaped(other->line(line), 100));
    }
  for (const std::string& note : d.notes) out += "  = note: " + escaped(note) + "\n";
  for (const std::string& help : d.helps) out += "  = help: " + escaped(help) + "\n";
  return out;
}

std::string render_all(const Diagnostics& diagnostics, const Sources& sources, bool color, int most) {
  std::string out;
  int errors = 0;
  for (const Diagnostic& d : diagnostics.all()) {
    if (d.severity == Severity::error && ++errors > most) continue;
    out += render(d, sources, color);
  }
  if (errors > most) out += fmt::format("and {} more errors\n", errors - most);
  return out;
}

void internal_error(std::string_view what) {
  std::fprintf(stderr,
               "slope: internal error: %.*s\nThis is a fault of slope, not of your model. Please report it "
               "with the model that shows it.\n",
               static_cast<int>(what.size()), what.data());
  std::fflush(stderr);
  std::_Exit(exit_code::internal);
}

}  // namespace slope
