// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <catch2/catch.hpp>

#include <cmath>
#include <limits>
#include <random>

#include "plot/axis.h"
#include "plot/figure.h"
#include "plot/svg.h"
#include "plot/terminal.h"

using namespace slope::plot;

namespace {

constexpr double largest = std::numeric_limits<double>::max(), nan_value = std::nan("");

std::string labels(double lo, double hi, int most, Scale scale = Scale::linear) {
  std::string out;
  for (const Tick& tick : ticks({"", scale, lo, hi}, most)) out += (out.empty() ? "" : " ") + tick.label;
  return out;
}

Panel panel(double lo, double hi, std::vector<Series> series) {
  return {{"x", Scale::linear, lo, hi}, {"y", Scale::linear, lo, hi}, std::move(series)};
}

// Every tag is closed in the right order, attributes are quoted, `&` and `<` stand only where XML wants them.
bool well_formed(const std::string& text) {
  std::vector<std::string> open;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '&') {
      std::size_t end = text.find(';', i);
      std::string entity = end == std::string::npos ? "" : text.substr(i + 1, end - i - 1);
      if (entity != "amp" && entity != "lt" && entity != "gt" && entity != "quot") return false;
    }
    if (text[i] != '<') continue;
    std::size_t end = text.find('>', i);
    if (end == std::string::npos) return false;
    std::string tag = text.substr(i + 1, end - i - 1);
    if (tag.find('<') != std::string::npos || std::count(tag.begin(), tag.end(), '"') % 2 != 0) return false;
    std::string name = tag.substr(0, tag.find_first_of(" /", 1));
    if (tag[0] == '/') {
      if (open.empty() || "/" + open.back() != tag) return false;
      open.pop_back();
    } else if (!tag.ends_with("/")) {
      open.push_back(name);
    }
    i = end;
  }
  return open.empty();
}

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("ticks are round and their labels exact", "[plot]") {
  CHECK(labels(0, 10, 5) == "0 5 10");
  CHECK(labels(0, 10, 6) == "0 2 4 6 8 10");
  CHECK(labels(-0.15, 0.35, 6) == "-0.1 0 0.1 0.2 0.3");  // 0.1 + 0.2 is 0.30000000000000004
  CHECK(labels(-2.16, 2.16, 10) == "-2 -1.5 -1 -0.5 0 0.5 1 1.5 2");
  CHECK(labels(0, 250000, 3) == "0 100000 200000");
  CHECK(labels(0, 2.5e6, 3) == "0 1e6 2e6");
  CHECK(labels(0, 1.2e-7, 7) == "0 2e-8 4e-8 6e-8 8e-8 1e-7 1.2e-7");
  CHECK(labels(1e9, 1e9 + 0.05, 3) == "1000000000 1000000000.02 1000000000.04");
  CHECK(labels(-3e300, 3e300, 3) == "-2e300 0 2e300");
  CHECK(labels(-3e-300, 3e-300, 3) == "-2e-300 0 2e-300");
  CHECK(labels(-largest, largest, 4) == "-1e308 0 1e308");
  CHECK(labels(0.3, 1.7, 1) == "0.5 1 1.5");  // 1 tick would tell no scale
}

TEST_CASE("ticks of logarithmic axes", "[plot]") {
  CHECK(labels(0.005, 200, 8, Scale::log) == "0.01 0.1 1 10 100");
  CHECK(labels(1, 1e308, 5, Scale::log) == "1 1e100 1e200 1e300");
  CHECK(labels(1e-9, 1, 5, Scale::log) == "1e-8 1e-6 1e-4 1e-2 1");
  CHECK(labels(1.5, 30, 5, Scale::log) == "2 5 10 20");
  CHECK(labels(2.1, 4.1, 5, Scale::log) == "2.5 3 3.5 4");  // one of 1, 2, 5: as on a linear axis
  CHECK(labels(0, 4000, 5, Scale::steps) == "0 1 10 100 1000");
  CHECK(labels(0, 5, 5, Scale::steps) == "0 1");
}

TEST_CASE("ticks of any range are within it, ascending, few, and read back", "[plot]") {
  std::mt19937_64 random(1);
  std::uniform_real_distribution<double> digits(-1, 1), exponent(-250, 250), narrow(-10, 1);
  for (int i = 0; i < 20000; ++i) {
    double middle = digits(random) * std::pow(10, exponent(random));
    double half = std::fabs(middle) * std::pow(10, narrow(random)), lo = middle - half, hi = middle + half;
    int most = 1 + i % 12;
    std::vector<Tick> found = ticks({"", Scale::linear, lo, hi}, most);
    CAPTURE(lo, hi, most);
    REQUIRE(found.size() >= 2);
    REQUIRE(found.size() <= static_cast<std::size_t>(std::max(most, 6)));
    for (std::size_t k = 0; k < found.size(); ++k) {
      REQUIRE(std::strtod(found[k].label.c_str(), nullptr) == found[k].value);
      REQUIRE(found[k].value >= lo - 1e-8 * (hi - lo));
      REQUIRE(found[k].value <= hi + 1e-8 * (hi - lo));
      REQUIRE((k == 0 || found[k].value > found[k - 1].value));
    }
  }
}

TEST_CASE("an axis of logarithms is over the positive numbers", "[plot]") {
  std::vector<double> values{0, 1, -5, 100, nan_value};
  Axis axis = axis_over("", values, Scale::log);
  CHECK((axis.lo < 1 && axis.lo > 0.5 && axis.hi > 100 && axis.hi < 200));
  Axis none = axis_over("", std::vector<double>{0, -1}, Scale::log);
  CHECK((none.lo > 0 && none.hi > none.lo));
}

TEST_CASE("the mapping of an axis", "[plot]") {
  Axis axis{"", Scale::linear, -1, 3};
  CHECK(axis.at(-1) == 0);
  CHECK(axis.at(0) == 0.25);
  CHECK(axis.at(3) == 1);
  CHECK(Axis{"", Scale::linear, -largest, largest}.at(0) == 0.5);
  CHECK(Axis{"", Scale::linear, -largest, largest}.at(largest) == 1);
  CHECK(Axis{"", Scale::log, 0.01, 100}.at(1) == Approx(0.5));
  CHECK(Axis{"", Scale::steps, 0, 1000}.at(1) == Approx(0.25));
  CHECK(Axis{"", Scale::steps, 0, 1000}.at(0.5) == Approx(0.125));
}

TEST_CASE("an axis over numbers leaves room, also around one number", "[plot]") {
  auto ends = [](std::vector<double> values, Scale scale = Scale::linear) {
    Axis axis = axis_over("", values, scale);
    return std::pair{axis.lo, axis.hi};
  };
  CHECK(ends({0, 100, 50}) == std::pair{-4.0, 104.0});
  CHECK(ends({0, nan_value, INFINITY, 100}) == std::pair{-4.0, 104.0});
  CHECK(ends({}) == std::pair{0.0, 1.0});
  CHECK(ends({5}) == std::pair{4.5, 5.5});
  CHECK(ends({-0.0, 0.0}) == std::pair{-1.0, 1.0});
  CHECK(ends({-largest, largest}) == std::pair{-largest, largest});
  CHECK(ends({1e-310, 2e-310}).first < ends({1e-310, 2e-310}).second);
  CHECK(ends({0, 400}, Scale::steps) == std::pair{0.0, 400.0});
  CHECK(ends({1, 1e25}, Scale::log).first == Approx(0.1));
}

TEST_CASE("thinning keeps what reaches furthest and follows no period", "[plot]") {
  std::vector<Point> points;
  for (int i = 0; i < 100000; ++i) points.push_back({static_cast<double>(i % 2), static_cast<double>(i % 7)});
  points[777] = {-5, 100};
  points[99998] = {5, -100};
  std::vector<std::size_t> kept = thinned(points, 1000);
  CHECK(kept == thinned(points, 1000));
  CHECK(kept.size() >= 1000);
  CHECK(kept.size() <= 1004);
  CHECK(std::adjacent_find(kept.begin(), kept.end(), std::greater_equal<>()) == kept.end());
  CHECK(std::binary_search(kept.begin(), kept.end(), 777u));
  CHECK(std::binary_search(kept.begin(), kept.end(), 99998u));
  auto odd = std::count_if(kept.begin(), kept.end(), [](std::size_t i) { return i % 2 == 1; });
  CHECK(odd > 430);  // 500 ± 4.4 standard deviations
  CHECK(odd < 570);
  CHECK(thinned({{1, 2}, {3, 4}}, 2) == std::vector<std::size_t>{0, 1});
}

TEST_CASE("strokes: clipped, interrupted, without needless points", "[plot]") {
  auto drawn = [](std::vector<Point> points) {
    std::string out;
    Series line{Role::fit, Mark::line, "", std::move(points)};
    for (const auto& stroke : strokes(panel(0, 10, {}), line, 100, 100, 0.01)) {
      for (Point p : stroke)
        out += std::to_string(std::lround(p.x)) + "," + std::to_string(std::lround(p.y)) + " ";
      out += "| ";
    }
    return out;
  };
  CHECK(drawn({{0, 0}, {1, 1}, {2, 2}, {10, 10}}) == "0,0 100,100 | ");
  CHECK(drawn({{0, 0}, {5, 10}, {10, 0}}) == "0,0 50,100 100,0 | ");
  CHECK(drawn({{0, 0}, {1, 1}, {2, nan_value}, {3, 3}, {4, 4}}) == "0,0 10,10 | 30,30 40,40 | ");
  CHECK(drawn({{0, 5}, {5, 15}, {10, 5}}) == "0,50 25,100 | 75,100 100,50 | ");  // over the top and back
  CHECK(drawn({{0, 20}, {10, 30}}).empty());
  CHECK(drawn({{5, -1e300}, {5, 1e300}}) == "50,0 50,100 | ");
  CHECK(drawn({{3, 3}}).empty());
}

// Without a caption the panel's inside is 680 by 340, its upper left corner at 56, 80.
TEST_CASE("an SVG has its points and lines where they belong", "[plot]") {
  Figure figure{"m.slope", "about", {}, {}};
  figure.panels.push_back(panel(0, 10,
                                {{Role::data, Mark::points, "seen", {{5, 10}, {0, 0}}},
                                 {Role::fit, Mark::line, "fit", {{0, 0}, {5, 5}, {10, 0}}}}));
  std::string out = svg(figure);
  CHECK(well_formed(out));
  CHECK(holds(out, "<circle cx=\"396\" cy=\"80\""));
  CHECK(holds(out, "<circle cx=\"56\" cy=\"420\""));
  CHECK(holds(out, "<path class=\"line fit\" d=\"M56 420L396 250L736 420\"/>"));
  CHECK(holds(out, "<text class=\"tick\" text-anchor=\"middle\" x=\"396\" y=\"438\">5</text>"));
  CHECK(holds(out, "<text class=\"name\" x=\"24\" y=\"68\">y</text>"));
  CHECK(holds(out, ">seen</text>"));
  CHECK(holds(out, "<title id=\"title\">m.slope</title>"));
  CHECK(holds(out, "<desc id=\"desc\">about</desc>"));
  CHECK(holds(out, "@media(prefers-color-scheme:dark)"));
  CHECK(!holds(out, "script"));
  CHECK(out == svg(figure));
}

TEST_CASE("texts in an SVG are escaped and cut", "[plot]") {
  Figure figure{"<m> & \"q\"\x1b\xff\xEF\xBF\xBF", "a<b", {"w = 1", std::string(200, 'w')}, {}};
  figure.panels.push_back(panel(-1e-7, 1e-7, {{Role::data, Mark::points, std::string(100, 'n'), {}}}));
  std::string out = svg(figure);
  CHECK(well_formed(out));
  CHECK(holds(out, "&lt;m&gt; &amp; &quot;q&quot;\\x1b\\xff\xEF\xBF\xBD"));
  CHECK(!holds(out, "\x1b"));
  CHECK(holds(out, std::string(40, 'n') + "…"));
  CHECK(!holds(out, std::string(41, 'n')));
  CHECK(holds(out, ">−1e−7<"));
}

TEST_CASE("an SVG without panels or points is one all the same", "[plot]") {
  CHECK(well_formed(svg({})));
  CHECK(well_formed(svg({"", "", {}, {panel(0, 1, {}), panel(0, 1, {{Role::loss, Mark::line, "", {}}})}})));
}

namespace {
Figure small_figure() {
  Figure figure{"m.slope", "", {"w = 1"}, {}};
  figure.panels.push_back(panel(0, 10,
                                {{Role::data, Mark::points, "y", {{0, 10}, {10, 0}}},
                                 {Role::fit, Mark::line, "f", {{0, 0}, {10, 10}}}}));
  return figure;
}
}  // namespace

TEST_CASE("a terminal plot in full", "[plot]") {
  // 24 columns less 4 for the labels: 40 dots; 12 lines less 2 of text and 3 around: 28 dots.
  CHECK(terminal(small_figure(), {24, 12}) ==
        "m.slope\n"
        "w = 1\n"
        "y against x   o y  ⠤⠤⠤ f\n"
        "10 ┤o                ⣀⠔⠊\n"
        "   │              ⣀⠔⠊\n"
        "   │           ⣀⠔⠊\n"
        " 5 ┤         ⡠⠊\n"
        "   │      ⡠⠔⠉\n"
        "   │   ⡠⠔⠉\n"
        " 0 ┤⡠⠔⠉                o\n"
        "   └┴──────────────────┴\n"
        "    0                 10\n");
}

TEST_CASE("a terminal plot with colours", "[plot]") {
  std::string out = terminal(small_figure(), {24, 12, true});
  CHECK(holds(out, "\x1b[31m"));
  CHECK(holds(out, "\x1b[36m"));
  CHECK(!holds(out, "o "));
  std::size_t line = 0;
  for (std::size_t at = 0; at < out.size(); at = out.find('\n', at) + 1) ++line;
  CHECK(line == 12);
}

TEST_CASE("a terminal plot in ASCII", "[plot]") {
  Figure figure = small_figure();
  figure.caption = {"w = −1", "é"};
  figure.panels[0].series.push_back({Role::truth, Mark::line, "", {{0, 5}, {10, 5}}});
  figure.panels[0].series.push_back({Role::reference, Mark::line, "", {{0, 2}, {10, 2}}});
  CHECK(terminal(figure, {24, 12, false, false}) ==
        "m.slope\n"
        "w = -1 | é\n"
        "y against x   o y  *** f\n"
        "10 +o                ***\n"
        "   |              ***\n"
        "   |           ***\n"
        " 5 +. .. .. .**.. .. ..\n"  // of six dots three are drawn
        "   |      ***\n"
        "   |---***--------------\n"
        " 0 +***                o\n"
        "   ++------------------+\n"
        "    0                 10\n");
  std::string colored = terminal(figure, {24, 12, true, false});
  CHECK(holds(colored, "\x1b[36mo"));
  CHECK(holds(colored, "\x1b[31m***"));
}
