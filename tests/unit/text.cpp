// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "base/text.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "base/diagnostic.h"

using namespace slope;

namespace {

// The rendered lines of one diagnostic about the first `part` of the text.
std::vector<std::string> rendered(std::string text, std::string_view part, std::string label = "") {
  Sources sources;
  auto begin = static_cast<std::uint32_t>(text.find(part));
  sources.files.emplace_back("m.slope", std::move(text));
  Diagnostic d;
  d.message = "no";
  d.span = Span{begin, begin + static_cast<std::uint32_t>(part.size())};
  d.label = std::move(label);
  std::vector<std::string> lines(1);
  for (char c : render(d, sources))
    if (c == '\n') lines.emplace_back();
    else lines.back() += c;
  return lines;
}

}  // namespace

TEST_CASE("the caret stands under the place", "[text]") {
  auto lines = rendered("a = 1\nbb = c + d\n", "c", "unknown");
  CHECK(lines.at(0) == "m.slope:2:6: error[S0101]: no");
  CHECK(lines.at(2) == " 2 | bb = c + d");
  CHECK(lines.at(3) == "   |      ^ unknown");
}

TEST_CASE("the caret after tabs, wide and combining characters", "[text]") {
  auto tabs = rendered("\tx = \ty\n", "y");
  CHECK(tabs.at(2) == " 1 |         x =     y");
  CHECK(tabs.at(3) == "   |                 ^");
  auto greek = rendered("\xCE\xB8 = \xCE\xBB*q\n", "q");
  CHECK(greek.at(0).starts_with("m.slope:1:9:"));  // columns count bytes
  CHECK(greek.at(3) == "   |       ^");
  auto wide = rendered("\xE6\xBC\xA2 e\xCC\x81 q\n", "q");
  CHECK(wide.at(3) == "   |      ^");
  auto two = rendered("a = \xE6\xBC\xA2\xE5\xAD\x97 + 1\n", "\xE6\xBC\xA2\xE5\xAD\x97");
  CHECK(two.at(3) == "   |     ^^^^");
}

TEST_CASE("columns of characters", "[text]") {
  CHECK(display_width("a\xE6\xBC\xA2") == 3);             // wide
  CHECK(display_width("e\xCC\x81") == 1);                 // a mark
  CHECK(display_width("\xD7\xA9\xD6\xB8") == 1);          // Hebrew with a vowel point
  CHECK(display_width("\xE0\xA4\x95\xE0\xA5\x8D") == 1);  // Devanagari with a virama
  CHECK(display_width("\xF0\x9F\x98\x80") == 2);          // a face
  CHECK(display_width("\xE2\x9C\x85\xE2\x98\x83") == 3);  // a check mark that is wide, a snowman that is not
  CHECK(display_width("\xEF\xBD\x81") == 2);              // fullwidth
  CHECK(display_width("\xE1\x84\x92\xE1\x85\xA1") == 2);  // a Hangul syllable of two parts
  CHECK(looks("\xD1\x80rice") == "price");
  CHECK(looks("\xCE\xB8") == "\xCE\xB8");
}

TEST_CASE("control bytes never reach the terminal", "[text]") {
  CHECK(escaped("a\x1b[31mb\n") == "a\\x1b[31mb\\x0a");
  CHECK(escaped("\xFFz\xC3") == "\\xffz\\xc3");
  CHECK(escaped("\xE2\x80\xAE") == "\\xe2\\x80\\xae");  // right-to-left override
  CHECK(escaped("\xC2\x9B") == "\\xc2\\x9b");           // CSI in one character
  CHECK(escaped("\xE2\x80\x8B") == "\\xe2\\x80\\x8b");  // a blank without width
  CHECK(escaped("\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x92\xBB").find('\\') ==
        std::string::npos);  // joined pictures
  CHECK(escaped("\xCE\xB8 ok") == "\xCE\xB8 ok");
  CHECK(escaped("abcdef", 3) == "abc\xE2\x80\xA6");
  CHECK(escaped("abc", 3) == "abc");
  auto lines = rendered("x = \x1b]0;t\x07q\n", "q");
  CHECK(lines.at(2) == " 1 | x = \\x1b]0;t\\x07q");
  CHECK(lines.at(3) == "   |                 ^");
}

TEST_CASE("a very long line is cut around the place", "[text]") {
  auto lines = rendered(std::string(5000, 'a') + "q" + std::string(5000, 'b'), "q");
  CHECK(lines.at(2).size() < 200);
  std::size_t caret = lines.at(3).find('^');
  // The ellipsis has three bytes and one column.
  CHECK(lines.at(2).at(caret + 2) == 'q');
}

TEST_CASE("a name as long as a screen is cut in messages", "[text]") {
  Diagnostic d;
  std::string name;
  for (int i = 0; i < 1000; ++i) name += "\xCE\xB8";
  d.message = "no `" + name + "` here";
  d.helps = {"call it `" + std::string(300, 'a') + "`"};
  std::string text = render(d, {});
  CHECK(text.find("` here\n") != std::string::npos);
  CHECK(text.find("\xE2\x80\xA6") != std::string::npos);
  CHECK(text.size() < 800);
  CHECK(text.find("\\x") == std::string::npos);  // no letter was cut in two
  CHECK(text.find("`" + std::string(300, 'a') + "`") != std::string::npos);
}

TEST_CASE("a long line of wide characters is cut by columns, and what is marked with it", "[text]") {
  std::string wide;
  for (int i = 0; i < 300; ++i) wide += "\xE6\xBC\xA2";
  auto lines = rendered(wide + "q" + wide, "q");
  CHECK(display_width(lines.at(2)) <= 5 + 100 + 2);
  CHECK(lines.at(2).ends_with("\xE2\x80\xA6"));
  CHECK(display_width(lines.at(2).substr(0, lines.at(2).find('q'))) ==
        static_cast<int>(lines.at(3).find('^')));
  auto marked = rendered("x = " + std::string(400, 'y'), std::string(400, 'y'));
  CHECK(marked.at(3).size() <= 5 + 100);
  auto fits = rendered(std::string(119, 'a') + "q", "q");
  CHECK(fits.at(2) == " 1 | " + std::string(119, 'a') + "q");
}

TEST_CASE("a place at the end of the text and in empty lines", "[text]") {
  auto lines = rendered("predict = w*", "");
  CHECK(lines.at(0).starts_with("m.slope:1:1:"));
  Sources sources;
  sources.files.emplace_back("m.slope", "predict = w*");
  Diagnostic d;
  d.span = Span{12, 12};
  CHECK(render(d, sources).find("   |             ^\n") != std::string::npos);
  d.span = Span{500, 900};
  CHECK(!render(d, sources).empty());
}

TEST_CASE("a data position wins, notes and helps follow", "[text]") {
  Diagnostic d;
  d.code = Code::bad_cell;
  d.message = "bad";
  d.position = FilePosition{"p\x1b.csv", 3, 7};
  d.notes = {"n"};
  d.helps = {"h"};
  CHECK(render(d, {}) == "p\\x1b.csv:3:7: error[S0502]: bad\n  = note: n\n  = help: h\n");
  d.position = FilePosition{"p.csv"};
  CHECK(render(d, {}).starts_with("p.csv: error"));
  d.position.reset();
  CHECK(render(d, {}).starts_with("slope: error"));
  CHECK(render(d, {}, true).find("\x1b[31merror[S0502]\x1b[0m") != std::string::npos);
}

TEST_CASE("at most 20 errors are shown, the rest is counted", "[text]") {
  Diagnostics all;
  for (int i = 0; i < 25; ++i) all.error(Code::usage, "e" + std::to_string(i));
  std::string text = render_all(all, {});
  CHECK(text.find("e19\n") != std::string::npos);
  CHECK(text.find("e20\n") == std::string::npos);
  CHECK(text.ends_with("and 5 more errors\n"));
  for (int i = 0; i < 21; ++i) all.warning(Code::kink, {}, "w" + std::to_string(i));
  text = render_all(all, {});
  CHECK(text.find("w19\n") != std::string::npos);
  CHECK(text.find("w20\n") == std::string::npos);
  CHECK(text.ends_with("and 5 more errors\nand 1 more warning\n"));
  CHECK(all.exit_code() == exit_code::usage);
  CHECK(Diagnostics().exit_code() == 0);
}

TEST_CASE("the nearest name", "[text]") {
  std::vector<std::string> names{"predict", "loss", "Price", "weight", "x", "y"};
  CHECK(nearest("predcit", names) == "predict");
  CHECK(nearest("price", names) == "Price");
  CHECK(nearest("wieght", names) == "weight");
  CHECK(nearest("X", names) == "x");
  CHECK(nearest("z", names) == "");
  CHECK(nearest("completely", names) == "");
}

TEST_CASE("UTF-8 and lines", "[text]") {
  CHECK(decode("\xF0\x9F\x98\x80", 0).value == 0x1F600);
  for (std::string_view bad :
       {"\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE2\x82", "\x80", "\xF8\x88\x80\x80\x80"}) {
    CHECK(decode(bad, 0).value == 0xFFFFFFFF);
    CHECK(decode(bad, 0).length == 1);
  }
  CHECK(decode("", 0).length == 0);
  CHECK(display_width("a\tb", 0) == 9);
  Source source("m",
                "\xEF\xBB\xBF"
                "a\r\nb\rc\n");
  CHECK(source.lines() == 4);
  CHECK(source.line(2) == "b");
  CHECK(source.line(9).empty());
  CHECK(source.position(3).line == 2);
}

TEST_CASE("numbers and lists as text", "[text]") {
  CHECK(shortest(0.1) == "0.1");
  CHECK(shortest(0.1f) == "0.1");
  CHECK(shortest(3.0) == "3");
  CHECK(shortest(1e-5) == "1e-05");
  CHECK(shortest(-std::nan("")) == "nan");
  CHECK(shortest(-INFINITY) == "-inf");
  CHECK(listed({}) == "");
  CHECK(listed({"a"}) == "a");
  CHECK(listed({"a", "b", "c"}) == "a, b and c");
  CHECK(listed({"a", "b"}, "or") == "a or b");
}
