// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A figure for a terminal: lines of braille dots, two by four to a character, or of ASCII characters where it
// cannot show those. With colours points are dots too; without they are letters o, so that they differ from
// lines.
#pragma once
#include <string>

#include "plot/figure.h"

namespace slope::plot {

struct TerminalStyle {
  int columns = 80, lines = 24;  // at least 24 by 12 is taken
  bool color = false;
  bool utf8 = true;  // else ASCII only, but for the names of the model
};

// Every line is at most `columns` wide, there are at most `lines`, none ends in spaces.
std::string terminal(const Figure& figure, const TerminalStyle& style);

}  // namespace slope::plot
