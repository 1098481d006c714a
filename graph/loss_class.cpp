// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "graph/loss_class.h"

#include "graph/is_op.h"

#include <algorithm>

namespace slope {

Degrees::Degrees(const Graph& graph) : graph_(graph) {
  for (std::size_t i = 0; i < graph.size(); ++i)
    degrees_.push_back(std::min(of(graph[NodeId(static_cast<std::int64_t>(i))]), 3));
}

int Degrees::of(const Node& node) const {
  auto degree = [&](std::size_t k) { return (*this)[node.operands[k]]; };
  if (node.kind == NodeKind::param) return 1;
  if (node.arity() == 0) return 0;
  if (node.kind == NodeKind::stop_gradient) return degree(0) == 0 ? 0 : 3;
  if (node.kind == NodeKind::broadcast || node.kind == NodeKind::tap) return degree(0);
  int largest = 0;
  for (NodeId input : node.inputs()) largest = std::max(largest, (*this)[input]);
  if (largest == 0) return 0;
  if (node.kind == NodeKind::reduce) return node.reduction == Reduction::sum ? largest : 3;
  if (is<op::Add>(node) || is<op::Sub>(node) || is<op::Neg>(node)) return largest;
  if (is<op::Mul>(node)) return degree(0) + degree(1);
  if (is<op::Fma>(node)) return std::max(degree(0) + degree(1), degree(2));
  if (is<op::Div>(node)) return degree(1) == 0 ? degree(0) : 3;
  if (is<op::Select>(node)) return degree(0) == 0 ? largest : 3;
  if (is<op::Pow>(node)) {
    NodeId exponent = node.operands[1];
    return graph_.is_constant(exponent, 2) ? 2 * degree(0) : graph_.is_constant(exponent, 1) ? degree(0) : 3;
  }
  return 3;
}

namespace {

// Walks down from the loss through sums, means, weights and constant factors to squares.
class SquareFinder {
 public:
  SquareFinder(const Graph& graph, const Degrees& degrees) : graph_(graph), degrees_(degrees) {}

  bool squares(NodeId id) {
    const Node& node = graph_[id];
    auto operand = [&](std::size_t k) { return node.operands[k]; };
    if (degrees_[id] == 0) return true;  // a constant added
    if (node.kind == NodeKind::reduce) return node.reduction == Reduction::sum && squares(operand(0));
    if (node.kind == NodeKind::broadcast || node.kind == NodeKind::tap) return squares(operand(0));
    if (is<op::Add>(node)) return squares(operand(0)) && squares(operand(1));
    if (is<op::Div>(node)) return degrees_[operand(1)] == 0 && squares(operand(0));
    if (is<op::Pow>(node) && graph_.is_constant(operand(1), 2)) return square(operand(0));
    if (!is<op::Mul>(node)) return false;
    if (operand(0) == operand(1)) return square(operand(0));
    for (std::size_t k : {0u, 1u})
      if (degrees_[operand(k)] == 0 && !negative(operand(k))) return squares(operand(1 - k));
    return false;
  }
  bool linear() const { return linear_; }

 private:
  bool square(NodeId residual) {
    linear_ = linear_ && degrees_[residual] <= 1;
    return true;
  }
  // A factor that is a number below 0 makes no sum of squares; of a column nothing is known.
  bool negative(NodeId id) const {
    const Node& node = graph_[graph_[id].kind == NodeKind::broadcast ? graph_[id].operands[0] : id];
    return node.kind == NodeKind::constant && !(node.value >= 0);
  }

  const Graph& graph_;
  const Degrees& degrees_;
  bool linear_ = true;
};

}  // namespace

LossClass classify(const Graph& graph, NodeId loss) {
  Degrees degrees(graph);
  SquareFinder finder(graph, degrees);
  if (finder.squares(loss))
    return finder.linear() ? LossClass::linear_least_squares : LossClass::least_squares;
  return degrees[loss] <= 2 ? LossClass::quadratic : LossClass::general;
}

}  // namespace slope
