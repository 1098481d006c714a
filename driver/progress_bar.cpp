// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "driver/progress_bar.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"

namespace slope {

namespace {

std::string repeated(std::string_view text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

// In half columns where the terminal can show them.
std::string bar(double fraction, int columns, const BarStyle& style) {
  auto colored = [&](std::string_view code, const std::string& text) {
    return style.color && !text.empty() ? fmt::format("\033[{}m{}\033[0m", code, text) : text;
  };
  if (!style.utf8) {
    int full = static_cast<int>(fraction * (columns - 2));
    return "[" + colored("32", repeated("=", full)) + repeated(" ", columns - 2 - full) + "]";
  }
  int halves = static_cast<int>(fraction * 2 * columns), full = halves / 2;
  bool half = halves % 2 != 0;
  return colored("32", repeated("━", full) + (half ? "╸" : "")) +
         colored("2", repeated("─", columns - full - half));
}

}  // namespace

std::string duration_text(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0 || seconds > 1e12) return "";
  auto whole = static_cast<std::int64_t>(std::ceil(seconds));
  std::int64_t minutes = whole / 60, hours = minutes / 60, days = hours / 24;
  if (days > 0) return fmt::format("{} d {} h", days, hours % 24);
  if (hours > 0) return fmt::format("{}:{:02}:{:02}", hours, minutes % 60, whole % 60);
  return fmt::format("{}:{:02}", minutes, whole % 60);
}

std::string elapsed_text(double seconds) {
  return seconds < 0.9995 ? fmt::format("{:.3g} ms", 1e3 * seconds) : fmt::format("{:.3g} s", seconds);
}

std::string count_text(double count) {
  constexpr std::pair<double, const char*> prefixes[] = {{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}};
  // 999.7 would be printed as 1e+03: what rounds to a thousand has the next prefix.
  for (auto [unit, prefix] : prefixes)
    if (count >= 0.9995 * unit) return fmt::format("{:#.3g}{}", count / unit, prefix);
  return fmt::format("{:.3g}", count);
}

std::string bar_text(const BarState& state, const BarStyle& style) {
  double fraction = state.total > 0 ? static_cast<double>(state.step) / static_cast<double>(state.total) : 1;
  fraction = std::clamp(fraction, 0.0, 1.0);
  std::string out = fmt::format("{:3}%", static_cast<int>(100 * fraction));
  int room = style.width - 1 - static_cast<int>(out.size());
  if (int columns = std::clamp(style.width / 5, 10, 30); room > columns) {
    out += " " + bar(fraction, columns, style);
    room -= columns + 1;
  }
  bool fits = true;
  auto add = [&](const std::string& part) {
    int width = display_width(part);
    fits = fits && width <= room;
    if (fits) out += part;
    room -= width;
  };
  std::string left =
      state.rate > 0 ? duration_text(static_cast<double>(state.total - state.step) / state.rate) : "";
  if (!left.empty()) {
    add(fmt::format(" {} left", left));
    add(fmt::format("  {} steps/s", count_text(state.rate)));
  }
  add(fmt::format("  loss {:<11}", significant(state.loss)));
  for (const auto& [name, value] : state.params) add(fmt::format(" {} {:<10}", name, significant(value, 5)));
  add(state.place.empty() ? fmt::format(" step {}", state.step) : " " + state.place);
  while (out.ends_with(' ')) out.pop_back();
  return out;
}

}  // namespace slope
