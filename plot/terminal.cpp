// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The page is a grid of cells; a cell holds dots or a character. Panels are drawn into rectangles of it.
#include "plot/terminal.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/text.h"

namespace slope::plot {

namespace {

// The SGR parameter of each colour; the order is which of two in one cell is seen.
enum class Ink : std::uint8_t { plain, faint, data, loss, truth, fit };
constexpr const char* codes[] = {"", "90", "36", "36", "32", "31"};

Ink ink_of(Role role) {
  switch (role) {
    case Role::data: return Ink::data;
    case Role::fit: return Ink::fit;
    case Role::truth: return Ink::truth;
    case Role::loss: return Ink::loss;
    case Role::reference: return Ink::faint;
  }
  return Ink::plain;
}

struct Cell {
  std::string text;       // a character; "" where there are only dots; "\0" is what a wide one covers
  std::uint8_t dots = 0;  // of U+2800, in the order of its bits
  Ink ink = Ink::plain;
};

std::string utf8_braille(std::uint8_t dots) {
  return {'\xE2', static_cast<char>(0xA0 | dots >> 6), static_cast<char>(0x80 | (dots & 63))};
}

// What stands for dots of a colour in ASCII.
char ascii_dot(Ink ink) {
  switch (ink) {
    case Ink::data: return 'o';
    case Ink::truth: return '.';
    default: return '*';
  }
}

// The characters of ours in ASCII; those of the user stay.
std::string ascii(const std::string& character) {
  constexpr std::pair<const char*, const char*> ours[] = {{"│", "|"}, {"└", "+"}, {"─", "-"},
                                                          {"┤", "+"}, {"┴", "+"}, {"┄", "-"},
                                                          {"·", "|"}, {"−", "-"}, {"…", "~"}};
  for (auto [from, to] : ours)
    if (character == from) return to;
  return character;
}

std::string shortened(std::string_view text, int width) {
  std::string clean = escaped(text);
  if (display_width(clean) <= width) return clean;
  std::string out;
  for (std::size_t i = 0; i < clean.size();) {
    std::string next = clean.substr(i, static_cast<std::size_t>(decode(clean, i).length));
    if (display_width(out + next) > width - 1) break;
    out += next;
    i += next.size();
  }
  return width > 0 ? out + "…" : "";
}

class Page {
 public:
  explicit Page(const TerminalStyle& style)
      : columns_(style.columns), lines_(style.lines), color_(style.color), utf8_(style.utf8) {
    cells_.resize(static_cast<std::size_t>(columns_ * lines_));
  }

  // What does not fit into the line is cut. Returns the column behind the text.
  int write(int column, int line, std::string_view text, Ink ink = Ink::plain) {
    std::string clean = shortened(text, columns_ - column);
    for (std::size_t i = 0; i < clean.size();) {
      std::string next = clean.substr(i, static_cast<std::size_t>(decode(clean, i).length));
      int width = display_width(next);
      if (width == 0 && column > 0) at(column - 1, line).text += next;
      for (int k = 0; k < width; ++k) at(column++, line) = {k == 0 ? next : std::string(1, '\0'), 0, ink};
      i += next.size();
    }
    return column;
  }

  // A character where nothing stands yet.
  void background(int column, int line, const char* text) {
    Cell& cell = at(column, line);
    if (cell.dots == 0 && cell.text.empty()) cell = {text, 0, Ink::faint};
  }

  // x and y in dots from the upper left corner of the page.
  void dot(int x, int y, Ink ink) {
    constexpr std::uint8_t bits[4][2] = {{1, 8}, {2, 16}, {4, 32}, {64, 128}};
    Cell& cell = at(x / 2, y / 4);
    cell.dots |= bits[y % 4][x % 2];
    cell.ink = std::max(cell.ink, ink);
  }
  void letter(int x, int y, Ink ink) { at(x / 2, y / 4) = {"o", 0, ink}; }

  std::string text() const {
    std::string out;
    for (int line = 0; line < lines_; ++line) {
      std::string row;
      Ink now = Ink::plain;
      int pending = 0;  // spaces, written only before something else
      auto change = [&](Ink ink) {
        if (!color_ || ink == now) return;
        row += ink == Ink::plain ? "\x1b[0m" : std::string("\x1b[") + codes[static_cast<int>(ink)] + "m";
        now = ink;
      };
      for (int column = 0; column < columns_; ++column) {
        const Cell& cell = cells_[static_cast<std::size_t>(line * columns_ + column)];
        if (cell.text == std::string(1, '\0')) continue;
        if (cell.dots == 0 && (cell.text.empty() || cell.text == " ")) {
          ++pending;
          continue;
        }
        row.append(static_cast<std::size_t>(std::exchange(pending, 0)), ' ');
        change(cell.ink);
        row += shown(cell);
      }
      change(Ink::plain);
      out += row + "\n";
    }
    return out;
  }

  // Whether points that are dots can be told from lines.
  bool has_dots() const { return color_ && utf8_; }

 private:
  std::string shown(const Cell& cell) const {
    if (cell.dots) return utf8_ ? utf8_braille(cell.dots) : std::string(1, ascii_dot(cell.ink));
    return utf8_ ? cell.text : ascii(cell.text);
  }
  Cell& at(int column, int line) { return cells_[static_cast<std::size_t>(line * columns_ + column)]; }
  int columns_, lines_;
  bool color_, utf8_;
  std::vector<Cell> cells_;
};

struct Box {
  int column, line, columns, lines;
};

// A panel with the line of its name, its axes and their labels in a box.
class PanelDrawing {
 public:
  PanelDrawing(Page& page, const Panel& panel, Box box)
      : page_(page), p_(panel), box_(box), top_(box.line + 1), height_(box.lines - 3) {
    down_ = down();
    for (const Tick& tick : down_) gutter_ = std::max(gutter_, display_width(tick.label));
    gutter_ = std::min(gutter_ + 2, box.columns / 2);
    left_ = box.column + gutter_;
    width_ = box.columns - gutter_;
  }

  void draw() {
    heading();
    axes();
    for (const Series& series : p_.series) {
      if (series.mark == Mark::line) line(series);
      else
        for (Point point : series.points)
          mark(dot_x(p_.x.at(point.x) * (2 * width_ - 1)), dot_y(p_.y.at(point.y) * (4 * height_ - 1)),
               ink_of(series.role));
    }
  }

 private:
  int dot_x(double x) const {
    return 2 * left_ + std::clamp(static_cast<int>(std::lround(x)), 0, 2 * width_ - 1);
  }
  int dot_y(double y) const {
    return 4 * (top_ + height_) - 1 - std::clamp(static_cast<int>(std::lround(y)), 0, 4 * height_ - 1);
  }

  static constexpr int key = 3;  // columns of a line in the legend

  void heading() {
    int right = box_.column + box_.columns, longest = box_.columns / 4, needed = 0;
    auto name_of = [&](const Series& series) { return shortened(series.name, longest); };
    auto key_of = [](const Series& series) { return series.mark == Mark::points ? 1 : key; };
    for (const Series& series : p_.series)
      if (!series.name.empty()) needed += 2 + key_of(series) + 1 + display_width(name_of(series));
    page_.write(box_.column, box_.line,
                shortened(p_.y.label + " against " + p_.x.label, box_.columns - needed));
    int column = std::max(right - needed + 2, box_.column);
    for (const Series& series : p_.series) {
      if (series.name.empty() || column + 5 > right) continue;
      if (series.mark == Mark::points) mark(2 * column, 4 * box_.line + 2, ink_of(series.role));
      else
        for (int x = 0; x < 2 * key; ++x)
          if (drawn(series, x)) page_.dot(2 * column + x, 4 * box_.line + 2, ink_of(series.role));
      column += key_of(series) + 1;
      column = page_.write(column, box_.line, shortened(name_of(series), right - column)) + 2;
    }
  }

  void axes() {
    int bottom = top_ + height_;
    for (int line = top_; line < bottom; ++line) page_.write(left_ - 1, line, "│", Ink::faint);
    page_.write(left_ - 1, bottom, "└", Ink::faint);
    for (int column = left_; column < left_ + width_; ++column) page_.write(column, bottom, "─", Ink::faint);
    for (const Tick& tick : down_) {
      page_.write(left_ - 1, line_of(tick), "┤", Ink::faint);
      std::string label = shortened(tick.label, gutter_ - 2);
      page_.write(left_ - 2 - display_width(label), line_of(tick), label);
    }
    for (const Tick& tick : across()) {
      int column = dot_x(p_.x.at(tick.value) * (2 * width_ - 1)) / 2;
      page_.write(column, bottom, "┴", Ink::faint);
      page_.write(begin_of(tick), bottom + 1, tick.label);
    }
  }

  int line_of(const Tick& tick) const { return dot_y(p_.y.at(tick.value) * (4 * height_ - 1)) / 4; }

  // At most one to a line.
  std::vector<Tick> down() const {
    auto same_line = [&](const Tick& a, const Tick& b) { return line_of(a) == line_of(b); };
    std::vector<Tick> out;
    for (int most = std::max(height_ / 2, 2); most > 0; --most) {
      out = ticks(p_.y, most);
      if (std::adjacent_find(out.begin(), out.end(), same_line) == out.end()) return out;
    }
    out.erase(std::unique(out.begin(), out.end(), same_line), out.end());
    return out;
  }

  // Where the label of a tick below begins: under it in the middle, but within the box.
  int begin_of(const Tick& tick) const {
    int width = display_width(tick.label), column = dot_x(p_.x.at(tick.value) * (2 * width_ - 1)) / 2;
    return std::max(box_.column, std::min(column - width / 2, left_ + width_ - width));
  }

  std::vector<Tick> across() const {
    for (int most = std::max(width_ / 9, 1); most > 0; --most) {
      std::vector<Tick> out = ticks(p_.x, most);
      int free = box_.column;
      bool fits = true;
      for (const Tick& tick : out) {
        fits &= begin_of(tick) >= free;
        free = begin_of(tick) + display_width(tick.label) + 2;
      }
      if (fits) return out;
    }
    return {};
  }

  // Where neither coloured dots nor a panel of their own tell points from lines, points are letters.
  void mark(int x, int y, Ink ink) {
    bool beside_lines = std::any_of(p_.series.begin(), p_.series.end(), [](const Series& series) {
      return series.mark == Mark::line && series.role != Role::reference;
    });
    if (page_.has_dots() || !beside_lines) page_.dot(x, y, ink);
    else page_.letter(x, y, ink);
  }

  // The true line is dashed, so that the two differ without colours.
  static bool drawn(const Series& series, int x) { return series.role != Role::truth || x % 6 < 3; }

  // The reference lies behind everything.
  void line(const Series& series) {
    for (const std::vector<Point>& stroke : strokes(p_, series, 2 * width_ - 1, 4 * height_ - 1, 0))
      for (std::size_t i = 1; i < stroke.size(); ++i) {
        Point a = stroke[i - 1], b = stroke[i];
        int n = static_cast<int>(std::ceil(std::max(std::fabs(b.x - a.x), std::fabs(b.y - a.y)))) + 1;
        for (int k = 0; k <= n; ++k) {
          int x = dot_x(a.x + (b.x - a.x) * k / n), y = dot_y(a.y + (b.y - a.y) * k / n);
          if (series.role == Role::reference) page_.background(x / 2, y / 4, "┄");
          else if (drawn(series, x)) page_.dot(x, y, ink_of(series.role));
        }
      }
  }

  Page& page_;
  const Panel& p_;
  Box box_;
  int top_, height_, left_ = 0, width_ = 0;  // of the inside
  int gutter_ = 0;                           // left of it: labels and the axis
  std::vector<Tick> down_;
};

std::vector<std::string> caption_lines(const Figure& figure, int columns) {
  std::vector<std::string> lines;
  for (const std::string& fact : figure.caption) {
    if (!lines.empty() && display_width(lines.back() + " · " + fact) <= columns) lines.back() += " · " + fact;
    else lines.push_back(fact);
  }
  return lines;
}

}  // namespace

std::string terminal(const Figure& figure, const TerminalStyle& style) {
  int columns = std::max(style.columns, 24), lines = std::max(style.lines, 12);
  Page page({columns, lines, style.color, style.utf8});
  int line = 0;
  page.write(0, line++, figure.title);
  for (const std::string& text : caption_lines(figure, columns)) {
    if (line >= lines - 8) break;
    page.write(0, line++, text);
  }
  int rest = lines - line, count = static_cast<int>(figure.panels.size());
  int below = count > 1 && rest >= 16 ? std::max(rest * 3 / 8, 8) : 0;
  if (count > 0) PanelDrawing(page, figure.panels[0], {0, line, columns, rest - below}).draw();
  for (int i = 1; i < count && below > 0; ++i) {
    int width = (columns - 2 * (count - 2)) / (count - 1);
    PanelDrawing(page, figure.panels[static_cast<std::size_t>(i)],
                 {(i - 1) * (width + 2), line + rest - below, width, below})
        .draw();
  }
  return page.text();
}

}  // namespace slope::plot
