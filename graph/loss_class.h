// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What kind of problem a loss is, seen from its graph: which nodes are polynomials in the parameters, whether
// it is a sum of squares, and of what.
#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include "graph/graph.h"

namespace slope {

// The degree of every node as a polynomial in the parameters; 3 stands for all that is more or no polynomial.
// A sum of degrees is an upper bound: what cancels is not seen.
class Degrees {
 public:
  explicit Degrees(const Graph& graph);
  int operator[](NodeId id) const { return degrees_[id.index()]; }

 private:
  int of(const Node& node) const;

  const Graph& graph_;
  std::vector<int> degrees_;
};

enum class LossClass : std::uint8_t {
  linear_least_squares,  // sums or means of squares of what is linear in the parameters: one minimum, exactly
  least_squares,         // sums or means of squares of something else
  quadratic,             // of the second degree, in another form
  general,
};
constexpr std::string_view to_string(LossClass c) {
  constexpr std::string_view names[] = {"linear least squares", "least squares", "quadratic", "general"};
  return names[static_cast<std::size_t>(c)];
}

LossClass classify(const Graph& graph, NodeId loss);

}  // namespace slope
