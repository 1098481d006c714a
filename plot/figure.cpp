// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "plot/figure.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

namespace slope::plot {

namespace {

// splitmix64 (Steele, Lea and Flood 2014): a fixed scrambling of the number.
std::uint64_t scrambled(std::uint64_t z) {
  z += 0x9E3779B97F4A7C15;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return z ^ (z >> 31);
}

// The end of a segment that lies beyond a border moves onto it, exactly; false where both do.
bool clip_at(double border, bool below, double Point::* across, double Point::* along, Point& a, Point& b) {
  auto beyond = [&](Point p) { return below ? p.*across < border : p.*across > border; };
  if (beyond(a) && beyond(b)) return false;
  if (!beyond(a) && !beyond(b)) return true;
  Point& outside = beyond(a) ? a : b;
  const Point& inside = beyond(a) ? b : a;
  double part = (border - inside.*across) / (outside.*across - inside.*across);
  outside.*along = inside.*along + part * (outside.*along - inside.*along);
  outside.*across = border;
  return true;
}

// The part of a segment inside the rectangle; false where there is none.
bool clip(Point& a, Point& b, double width, double height) {
  return clip_at(0, true, &Point::x, &Point::y, a, b) && clip_at(width, false, &Point::x, &Point::y, a, b) &&
         clip_at(0, true, &Point::y, &Point::x, a, b) && clip_at(height, false, &Point::y, &Point::x, a, b);
}

double distance(Point p, Point a, Point b) {
  double dx = b.x - a.x, dy = b.y - a.y, length = std::hypot(dx, dy);
  if (length == 0) return std::hypot(p.x - a.x, p.y - a.y);
  return std::fabs(dx * (p.y - a.y) - dy * (p.x - a.x)) / length;
}

// Ramer 1972, Douglas and Peucker 1973: keeps the farthest point while it is too far from the chord.
std::vector<Point> simplified(const std::vector<Point>& line, double tolerance) {
  std::vector<bool> kept(line.size());
  kept.front() = kept.back() = true;
  std::vector<std::pair<std::size_t, std::size_t>> open{{0, line.size() - 1}};
  while (!open.empty()) {
    auto [first, last] = open.back();
    open.pop_back();
    std::size_t farthest = first;
    double most = tolerance;
    for (std::size_t i = first + 1; i < last; ++i)
      if (double d = distance(line[i], line[first], line[last]); d > most) most = d, farthest = i;
    if (farthest == first) continue;
    kept[farthest] = true;
    open.insert(open.end(), {{first, farthest}, {farthest, last}});
  }
  std::vector<Point> out;
  for (std::size_t i = 0; i < line.size(); ++i)
    if (kept[i]) out.push_back(line[i]);
  return out;
}

}  // namespace

std::vector<std::size_t> thinned(const std::vector<Point>& points, std::size_t most) {
  std::vector<std::size_t> out;
  std::size_t n = points.size();
  if (n <= most) {
    for (std::size_t i = 0; i < n; ++i) out.push_back(i);
    return out;
  }
  for (std::size_t part = 0; part < most; ++part) {
    std::size_t begin = part * n / most, end = (part + 1) * n / most;
    out.push_back(begin + scrambled(part) % (end - begin));
  }
  auto by_x = [](Point a, Point b) { return a.x < b.x; };
  auto by_y = [](Point a, Point b) { return a.y < b.y; };
  auto [left, right] = std::minmax_element(points.begin(), points.end(), by_x);
  auto [bottom, top] = std::minmax_element(points.begin(), points.end(), by_y);
  for (auto extreme : {left, right, bottom, top})
    out.push_back(static_cast<std::size_t>(extreme - points.begin()));
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

std::vector<std::vector<Point>> strokes(const Panel& panel, const Series& series, double width, double height,
                                        double tolerance) {
  std::vector<std::vector<Point>> out;
  auto placed = [&](Point p) { return Point{panel.x.at(p.x) * width, panel.y.at(p.y) * height}; };
  auto finite = [](Point p) { return std::isfinite(p.x) && std::isfinite(p.y); };
  bool connected = false;  // whether the last stroke ends where the next segment begins
  for (std::size_t i = 1; i < series.points.size(); ++i) {
    Point a = placed(series.points[i - 1]), b = placed(series.points[i]), begin = a, end = b;
    if (!finite(a) || !finite(b) || !clip(begin, end, width, height)) {
      connected = false;
      continue;
    }
    if (!connected || begin.x != a.x || begin.y != a.y) out.push_back({begin});
    out.back().push_back(end);
    connected = end.x == b.x && end.y == b.y;
  }
  for (std::vector<Point>& line : out) line = simplified(line, tolerance);
  return out;
}

}  // namespace slope::plot
