// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A loss as a sum of squares, which is what Gauss and Newton's method and the exact solution work on:
//   loss = a constant + Σ over terms of scale·Σ residual²
// The inner sum goes over all elements of the residual, and over the rows where it has them.
#pragma once
#include <optional>
#include <vector>

#include "graph/graph.h"

namespace slope {

struct SquareTerm {
  NodeId residual;  // weights of single rows or elements are in it, as their square roots
  NodeId scale;     // a number without parameters in it, > 0 where it is a constant
};

// No value where the loss is nothing of that form. Walks down from the loss through sums, means, weights and
// whatever else is linear and has no parameter in its factors.
std::optional<std::vector<SquareTerm>> squares(Graph& graph, NodeId loss);

// Which nodes depend on a parameter.
std::vector<bool> depends_on_params(const Graph& graph);

}  // namespace slope
