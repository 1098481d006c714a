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

// Whether a derivative goes on from the node to this operand: not where it is identically zero, as by the
// operand of floor or of a comparison, nor through a stop_gradient.
bool passes_derivative(const Node& node, std::size_t operand);
// Which nodes up to y a derivative of y reaches: of those alone differentiate() gives one.
std::vector<bool> reached_by_derivative(const Graph& graph, NodeId y);
// Where derivatives by x end on their way back from y: the nodes that y needs whose operand changes with x,
// and lets no derivative through.
std::vector<NodeId> derivative_ends(const Graph& graph, NodeId y, NodeId x);

}  // namespace slope
