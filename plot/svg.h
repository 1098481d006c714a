// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A figure as an SVG 1.1 file: one style block with a light and a dark scheme, no scripts, nothing from
// elsewhere. The same figure gives the same bytes.
#pragma once
#include <string>

#include "plot/figure.h"

namespace slope::plot {

// Sizes in the units of the viewBox. The first panel takes the whole width, the others share a row below it.
inline constexpr double svg_width = 760, main_height = 340, small_height = 170;

std::string svg(const Figure& figure);

}  // namespace slope::plot
