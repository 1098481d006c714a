// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A figure as data: panels with axes and series. plot/svg.h and plot/terminal.h draw it.
#pragma once
#include <cstddef>
#include <string>
#include <vector>

#include "plot/axis.h"

namespace slope::plot {

struct Point {
  double x = 0, y = 0;
};

// What a series shows; decides its colour.
enum class Role { data, fit, truth, loss, reference };
enum class Mark { points, line };

struct Series {
  Role role = Role::data;
  Mark mark = Mark::points;
  std::string name;  // in the legend; "": not there
  std::vector<Point> points;
};

struct Panel {
  Axis x, y;
  std::vector<Series> series;  // drawn in this order
};

struct Figure {
  std::string title, description;
  std::vector<std::string> caption;  // short facts, set one after the other
  std::vector<Panel> panels;         // the first is the large one
};

// Which points are drawn where they are too many: `most` or a few more, among them those that reach furthest.
// Each of `most` equal parts gives one point, at a place in it that looks random but is always the same, so
// that neither a period in the rows nor their order shows. Ascending.
std::vector<std::size_t> thinned(const std::vector<Point>& points, std::size_t most);

// A line on a surface of this size: what of it lies within the panel, in connected pieces, x to the right and
// y upwards from the lower left corner. A point that is not finite interrupts it. Points that a straight
// line between others meets within `tolerance` are left out.
std::vector<std::vector<Point>> strokes(const Panel& panel, const Series& series, double width, double height,
                                        double tolerance);

}  // namespace slope::plot
