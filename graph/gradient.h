// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Reverse-mode differentiation: the chain rule and nothing else. The derivatives of the ops are in
// graph/ops.h; the result is ordinary graph, so gradients of gradients need nothing more.
#pragma once
#include <array>
#include <span>
#include <vector>

#include "graph/graph.h"

namespace slope {

// A derivative as a node, and the condition outside of which it is exactly 0, whatever the node holds there.
struct Partial {
  NodeId value;  // invalid: identically zero
  NodeId guard;  // invalid: everywhere
};
// Of one op by each operand, as graph on these operands and the op's own value y.
std::array<Partial, 3> partials(Graph& graph, OpId op, std::span<const NodeId> operands, NodeId y);

// For every x of `wrt` the derivative of y, a number without rows, with x's shape. An invalid id where y does
// not depend on x (the derivative is identically zero).
std::vector<NodeId> differentiate(Graph& graph, NodeId y, std::span<const NodeId> wrt);

// Which nodes up to y are reached on the way back from it: all it needs but what stands below a
// stop_gradient.
std::vector<bool> reached_by_derivative(const Graph& graph, NodeId y);

}  // namespace slope
