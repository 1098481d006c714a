// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "driver/progress_bar.h"

#include <catch2/catch.hpp>
#include <limits>

#include "base/text.h"

using namespace slope;

TEST_CASE("durations and counts are short", "[progress]") {
  CHECK(duration_text(0) == "0:00");
  CHECK(elapsed_text(3.7) == "3.7 s");
  CHECK(elapsed_text(0.9996) == "1 s");
  CHECK(elapsed_text(0.728) == "728 ms");
  CHECK(elapsed_text(7.55e-5) == "0.0755 ms");
  CHECK(duration_text(6.1) == "0:07");
  CHECK(duration_text(59.5) == "1:00");
  CHECK(duration_text(3723) == "1:02:03");
  CHECK(duration_text(100'000) == "1 d 3 h");
  CHECK(duration_text(-1).empty());
  CHECK(duration_text(std::numeric_limits<double>::infinity()).empty());
  CHECK(count_text(0.25) == "0.25");
  CHECK(count_text(950) == "950");
  CHECK(count_text(999.4) == "999");
  CHECK(count_text(999.7) == "1.00k");
  CHECK(count_text(31'230'000) == "31.2M");
  CHECK(count_text(999'960) == "1.00M");
  CHECK(count_text(4e13) == "40.0T");
}

TEST_CASE("the bar fits the terminal, whatever its width", "[progress]") {
  BarState state{420'000, 1'000'000, 1'240'000, 0.0394992, {{"w", 1.50831}, {"\xCE\xB8", -0.5}}};
  std::size_t parts = 0;
  for (int width = 1; width < 200; ++width)
    for (bool utf8 : {false, true}) {
      std::string text = bar_text(state, {width, utf8, false});
      INFO(width << text);
      CHECK(display_width(text) < std::max(width, 5));
      CHECK(text.find(" 42%") == 0);
      for (char c : text) CHECK((utf8 || static_cast<unsigned char>(c) < 0x80 || width > 70));
      parts = std::max(parts, text.size());
    }
  std::string whole = bar_text(state, {120, false, false});
  CHECK(whole ==
        " 42% [=========             ] 0:01 left  1.24M steps/s  loss 0.0394992   w 1.5083     \xCE\xB8 -0.5 "
        "      "
        "step 420000");
  CHECK(bar_text(state, {60, false, false}) == " 42% [====      ] 0:01 left  1.24M steps/s");
  CHECK(bar_text(state, {40, true, false}) == " 42% ━━━━────── 0:01 left");
  CHECK(bar_text(state, {6, true, false}) == " 42%");
}

TEST_CASE("the bar at its ends", "[progress]") {
  BarState state{0, 1000, 0, 1, {}};
  CHECK(bar_text(state, {40, false, false}).find("  0% [        ]") == 0);
  CHECK(bar_text(state, {40, false, false}).find("left") == std::string::npos);
  state.step = 1000;
  CHECK(bar_text(state, {40, false, false}).find("100% [========]") == 0);
  CHECK(bar_text(state, {40, true, false}).find("100% ━━━━━━━━━━") == 0);
  state.step = 50;
  CHECK(bar_text(state, {40, true, false}).find("  5% ╸─────────") == 0);
  state.total = 0;
  CHECK(bar_text(state, {40, false, false}).find("100%") == 0);
}

TEST_CASE("colours surround the parts of the bar", "[progress]") {
  std::string text = bar_text({1, 2, 0, 1, {}}, {40, true, true});
  CHECK(text.find("\033[32m━━━━━\033[0m\033[2m─────\033[0m") != std::string::npos);
}
