// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The renderer knows the fonts, we do not: widths of texts are estimates, on the wide side.
#include "plot/svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"

namespace slope::plot {

namespace {

constexpr double margin = 24, letter = 7.2, small_letter = 6.6;

constexpr const char* style =
    "text{font:13px system-ui,-apple-system,\"Segoe UI\",Roboto,\"Helvetica "
    "Neue\",Arial,sans-serif;fill:#57606a}"
    ".title{font-size:18px;font-weight:600;fill:#1f2328}.name{fill:#1f2328}.tick{font-size:12px}"
    ".back{fill:#fff}.grid{stroke:#e4e7eb;fill:none}.axis{stroke:#8c959f;fill:none}"
    ".line{fill:none;stroke-width:2.2;stroke-linejoin:round;stroke-linecap:round}"
    ".data{fill:#4a7fb5}.fit{stroke:#d1242f}.truth{stroke:#1a8f47;stroke-width:6;stroke-opacity:.5}"
    ".loss{stroke:#4a7fb5}.reference{stroke:#8c959f;stroke-width:1.2;stroke-dasharray:3 4}"
    "@media(prefers-color-scheme:dark){text{fill:#9198a1}.title,.name{fill:#e6edf3}.back{fill:#0d1117}"
    ".grid{stroke:#252c35}.axis{stroke:#6e7681}.data{fill:#7ab0e6}.fit{stroke:#ff6b64}.truth{stroke:#46c46d}"
    ".loss{stroke:#7ab0e6}.reference{stroke:#6e7681}}";

const char* class_of(Role role) {
  switch (role) {
    case Role::data: return "data";
    case Role::fit: return "fit";
    case Role::truth: return "truth";
    case Role::loss: return "loss";
    case Role::reference: return "reference";
  }
  return "";
}

// Text of the user as XML: control bytes are escaped as everywhere, the two code points below 2^16 that XML
// forbids are replaced.
std::string xml(std::string_view text) {
  std::string out, clean = escaped(text);
  for (std::size_t i = 0; i < clean.size();) {
    CodePoint c = decode(clean, i);
    auto length = static_cast<std::size_t>(c.length);
    switch (c.value) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case 0xFFFE:
      case 0xFFFF: out += "\xEF\xBF\xBD"; break;
      default: out += clean.substr(i, length);
    }
    i += length;
  }
  return out;
}

// A coordinate to a tenth, without "-0" and ".0".
std::string px(double value) {
  double tenths = std::round(value * 10) + 0.0;
  std::string out = fmt::format("{:.1f}", tenths / 10);
  if (out.ends_with(".0")) out.resize(out.size() - 2);
  return out == "-0" ? "0" : out;
}

double width_of(std::string_view text, double of_letter = letter) { return of_letter * display_width(text); }

std::string label(std::string_view text) { return escaped(text, 40); }

// Minus signs as such: those of a font's hyphen are short.
std::string number(const std::string& text) {
  std::string out;
  for (char c : text) out += c == '-' ? "−" : std::string(1, c);
  return out;
}

std::string text(double x, double y, std::string_view kind, std::string_view anchor, std::string_view what) {
  return fmt::format(
      "<text{}{} x=\"{}\" y=\"{}\">{}</text>\n", kind.empty() ? "" : fmt::format(" class=\"{}\"", kind),
      anchor.empty() ? "" : fmt::format(" text-anchor=\"{}\"", anchor), px(x), px(y), xml(what));
}

// The facts of the caption, as many to a line as fit.
std::vector<std::string> caption_lines(const Figure& figure) {
  std::vector<std::string> lines;
  for (const std::string& fact : figure.caption) {
    bool fits = !lines.empty() && width_of(lines.back() + " · " + fact) <= svg_width - 2 * margin;
    if (fits) lines.back() += " · " + fact;
    else lines.push_back(fact);
  }
  return lines;
}

class Drawing {
 public:
  std::string figure(const Figure& f) {
    double y = 36;
    out_ += text(margin, y, "title", "", label(f.title));
    for (const std::string& line : caption_lines(f)) out_ += text(margin, y += 21, "", "", line);
    y += 14;
    if (!f.panels.empty()) y = panel(f.panels[0], 0, y, svg_width, main_height);
    double bottom = y, width = f.panels.size() > 1 ? svg_width / static_cast<double>(f.panels.size() - 1) : 0;
    for (std::size_t i = 1; i < f.panels.size(); ++i)
      bottom = std::max(bottom,
                        panel(f.panels[i], width * static_cast<double>(i - 1), y + 8, width, small_height));
    bottom += 14;
    return fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\" "
        "role=\"img\" aria-labelledby=\"title desc\">\n<title id=\"title\">{2}</title>\n<desc "
        "id=\"desc\">{3}</desc>\n<style>{4}</style>\n<rect class=\"back\" width=\"{0}\" "
        "height=\"{1}\"/>\n{5}</svg>\n",
        px(svg_width), px(bottom), xml(f.title), xml(f.description), style, out_);
  }

 private:
  // Draws it with its labels from `top` on; returns where it ends.
  double panel(const Panel& p, double x, double top, double width, double height) {
    std::vector<Tick> down = ticks(p.y, static_cast<int>(height / 40));
    double widest = 0;
    for (const Tick& tick : down) widest = std::max(widest, width_of(tick.label, small_letter));
    left_ = x + std::max(margin + widest + 8, 56.0);
    width_ = x + width - margin - left_;
    height_ = height;
    double name = width_of(label(p.y.label)), entries = legend_width(p);
    out_ += text(x + margin, top + 18, "name", "", label(p.y.label));
    top_ = top + 30;
    bool beside = name + entries + 30 <= width - 2 * margin;
    if (entries > 0) legend(p, x + width - margin - entries, top + (beside ? 18 : 38));
    if (entries > 0 && !beside) top_ += 20;
    grid(p, down);
    for (const Series& series : p.series) {
      if (series.mark == Mark::points) points(p, series);
      else line(p, series);
    }
    out_ += text(left_ + width_ / 2, top_ + height_ + 40, "name", "middle", label(p.x.label));
    return top_ + height_ + 44;
  }

  void grid(const Panel& p, const std::vector<Tick>& down) {
    double bottom = top_ + height_;
    std::string lines, labels;
    for (const Tick& tick : down) {
      double y = bottom - p.y.at(tick.value) * height_;
      lines += fmt::format("M{} {}h{}", px(left_), px(y), px(width_));
      labels += text(left_ - 8, y + 4, "tick", "end", number(tick.label));
    }
    for (const Tick& tick : across(p)) {
      double x = left_ + p.x.at(tick.value) * width_;
      lines += fmt::format("M{} {}v{}", px(x), px(top_), px(height_));
      double half = width_of(tick.label, small_letter) / 2, edge = left_ + width_ + margin - 3;
      labels += text(std::min(x, edge - half), bottom + 18, "tick", "middle", number(tick.label));
    }
    if (!lines.empty()) out_ += fmt::format("<path class=\"grid\" d=\"{}\"/>\n", lines);
    out_ += fmt::format("<path class=\"axis\" d=\"M{} {}V{}H{}\"/>\n", px(left_), px(top_), px(bottom),
                        px(left_ + width_));
    out_ += labels;
  }

  // As many ticks as their labels leave room for.
  std::vector<Tick> across(const Panel& p) const {
    std::vector<Tick> out;
    for (int most = static_cast<int>(width_ / 64) + 1; most > 0; --most) {
      out = ticks(p.x, most);
      double widest = 0;
      for (const Tick& tick : out) widest = std::max(widest, width_of(tick.label, small_letter) + 12);
      if (widest * static_cast<double>(out.size()) <= width_) break;
    }
    return out;
  }

  // The more there are, the smaller and the more transparent, so that density shows.
  void points(const Panel& p, const Series& series) {
    auto n = static_cast<double>(std::max<std::size_t>(series.points.size(), 1));
    double crowd = n * 2e5 / (width_ * height_);
    double radius = std::clamp(4.2 - 0.55 * std::log10(crowd), 1.6, 4.0);
    double opacity = std::clamp(1.15 - 0.25 * std::log10(crowd), 0.22, 0.85);
    out_ += fmt::format("<g class=\"{}\" fill-opacity=\"{:.2f}\">\n", class_of(series.role), opacity);
    for (Point point : series.points)
      out_ += fmt::format("<circle cx=\"{}\" cy=\"{}\" r=\"{}\"/>\n", px(left_ + p.x.at(point.x) * width_),
                          px(top_ + (1 - p.y.at(point.y)) * height_), px(radius));
    out_ += "</g>\n";
  }

  void line(const Panel& p, const Series& series) {
    std::string path;
    for (const std::vector<Point>& stroke : strokes(p, series, width_, height_, 0.05))
      for (std::size_t i = 0; i < stroke.size(); ++i)
        path += fmt::format("{}{} {}", i == 0 ? "M" : "L", px(left_ + stroke[i].x),
                            px(top_ + height_ - stroke[i].y));
    if (!path.empty())
      out_ += fmt::format("<path class=\"line {}\" d=\"{}\"/>\n", class_of(series.role), path);
  }

  static constexpr double key = 24, between = 18;

  static double legend_width(const Panel& p) {
    double width = 0;
    for (const Series& series : p.series)
      if (!series.name.empty()) width += key + 6 + width_of(label(series.name)) + (width > 0 ? between : 0);
    return width;
  }

  void legend(const Panel& p, double x, double y) {
    for (const Series& series : p.series) {
      if (series.name.empty()) continue;
      const char* kind = class_of(series.role);
      if (series.mark == Mark::points)
        out_ += fmt::format("<circle class=\"{}\" cx=\"{}\" cy=\"{}\" r=\"4\"/>\n", kind, px(x + key - 8),
                            px(y - 4.5));
      else
        out_ +=
            fmt::format("<path class=\"line {}\" d=\"M{} {}h{}\"/>\n", kind, px(x), px(y - 4.5), px(key - 2));
      out_ += text(x + key + 6, y, "name", "", label(series.name));
      x += key + 6 + width_of(label(series.name)) + between;
    }
  }

  std::string out_;
  double left_ = 0, top_ = 0, width_ = 0, height_ = 0;  // of the panel drawn now, without its labels
};

}  // namespace

std::string svg(const Figure& figure) { return Drawing().figure(figure); }

}  // namespace slope::plot
