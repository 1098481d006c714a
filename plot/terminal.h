// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A figure for a terminal: lines of braille dots, two by four to a character. With colours points are dots
// too; without they are letters o, so that they differ from lines.
#pragma once
#include <string>

#include "plot/figure.h"

namespace slope::plot {

// At least 24 by 12 is taken. Every line is at most `columns` wide, there are at most `lines`, none ends in
// spaces.
std::string terminal(const Figure& figure, int columns, int lines, bool color);

}  // namespace slope::plot
