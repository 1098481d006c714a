// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The text of the progress bar, one line that fits a terminal:
//    42% ━━━━━━━╸─────────── 0:07 left  1.24M steps/s  loss 0.0394992   w 1.5083     b 0.50348    step 420000
#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace slope {

struct BarState {
  std::int64_t step = 0, total = 0;
  double rate = 0;  // steps a second; 0 where it is not known yet
  double loss = 0;
  std::vector<std::pair<std::string, double>> params;
  std::string place = "";  // "epoch 3/20"; else the step is shown
};

struct BarStyle {
  int width = 80;     // columns of the terminal; the last stays free, so that no terminal wraps the line
  bool utf8 = false;  // else ASCII only
  bool color = false;
};

// What does not fit is left out from the end on.
std::string bar_text(const BarState& state, const BarStyle& style);

// "0:07", "1:02:03", "2 d 3 h"; "" where it is no finite number.
std::string duration_text(double seconds);
// What has passed: "3.7 s", "728 ms", "0.0755 ms".
std::string elapsed_text(double seconds);
// Three digits and a prefix: "31.2M", "950", "0.25".
std::string count_text(double count);

}  // namespace slope
