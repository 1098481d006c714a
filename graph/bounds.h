// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A parameter between bounds is a function of a number that has none, which is what training moves. With that
// number u, element by element:
//   (low, high)   low + (high − low)/(1 + exp(−u))
//   (low, inf)    low + exp(u)
//   (-inf, high)  high − exp(u)
// Source: the Stan Reference Manual, "Constraint transforms" (upper and lower bounds).
#pragma once
#include <limits>
#include <span>
#include <vector>

#include "graph/graph.h"

namespace slope {

struct Bounds {
  double low = -std::numeric_limits<double>::infinity(), high = std::numeric_limits<double>::infinity();
  bool contain(double x) const { return low < x && x < high; }
  friend bool operator==(const Bounds&, const Bounds&) = default;
};

// The bounded value of a node; both ends in the graph's precision. Rounding never takes it beyond an end, but
// may take it there.
NodeId bounded(Graph& graph, NodeId unbounded, const Bounds& bounds);
// The same of numbers, to the bit as the graph computes it.
std::vector<double> bounded(std::span<const double> unbounded, const Bounds& bounds, Precision precision);
// The number whose bounded value is nearest to x, which is strictly inside, or one next to it.
double unbounded(double x, const Bounds& bounds, Precision precision);

}  // namespace slope
