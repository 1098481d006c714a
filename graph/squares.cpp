// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "graph/squares.h"

#include <algorithm>
#include <cmath>

#include "graph/is_op.h"
#include "graph/transpose.h"

namespace slope {

namespace {

class Squares {
 public:
  explicit Squares(Graph& graph) : graph_(graph), depends_(depends_on_params(graph)) {}

  // What a node is multiplied with on its way into the loss.
  struct Factor {
    double constant = 1;
    NodeId number;                // without rows and axes; invalid: 1
    NodeId weights;               // others, in a shape that broadcasts to the node's; invalid: 1
    std::optional<Shape> copies;  // the shape that the node is spread to before it is summed
    bool plain() const { return !weights.valid() && !copies; }
  };

  // Whether the node, summed over all it has, is a sum of squares: their terms are kept.
  bool sum(NodeId id, Factor f) {
    if (!depends(id)) return true;  // a constant added
    const Node node = graph_[id];
    NodeId a = node.operands[0], b = node.operands[1];
    switch (node.kind) {
      case NodeKind::tap: return sum(a, f);
      case NodeKind::broadcast:
        if (!f.copies) f.copies = graph_.shape(id);
        return sum(a, f);
      case NodeKind::reduce: return reduced(id, node, f);
      case NodeKind::contract: return contracted(id, node, f);
      case NodeKind::reshape:
      case NodeKind::permute: return f.plain() && sum(a, f);
      case NodeKind::concat: return f.plain() && sum(a, f) && sum(b, f);
      case NodeKind::scalar: return scalar(node, a, b, f);
      default: return false;
    }
  }

  std::vector<SquareTerm> terms;

 private:
  bool depends(NodeId id) const { return id.index() < depends_.size() && depends_[id.index()]; }

  bool scalar(const Node& node, NodeId a, NodeId b, Factor f) {
    if (is<op::Neg>(node)) return sum(a, negative(f));
    if (is<op::Add>(node)) return sum(a, f) && sum(b, f);
    if (is<op::Sub>(node)) return sum(a, f) && sum(b, negative(f));
    if (is<op::Div>(node)) return !depends(b) && sum(a, divided(f, b));
    if (is<op::Pow>(node)) return power(a, b, f);
    if (!is<op::Mul>(node)) return false;
    if (a == b) return square(a, f);
    if (!depends(a)) return sum(b, times(f, a));
    return !depends(b) && sum(a, times(f, b));
  }

  bool power(NodeId x, NodeId exponent, const Factor& f) {
    if (graph_[exponent].kind == NodeKind::broadcast) exponent = graph_[exponent].operands[0];
    if (!graph_.is_constant(exponent)) return false;
    double half = graph_[exponent].value / 2;
    if (half != std::nearbyint(half) || !(half >= 1)) return false;
    return square(half == 1 ? x : graph_.apply<op::Pow>(x, graph_.constant(half)), f);
  }

  bool reduced(NodeId id, const Node& node, Factor f) {
    if (node.reduction != Reduction::sum || f.copies) return false;
    NodeId x = node.operands[0];
    if (f.weights.valid()) {
      f.weights = graph_.broadcast(f.weights, graph_.shape(id));
      f.weights = spread(graph_, f.weights, graph_.shape(x), graph_.numbers(node));
    }
    return sum(x, f);
  }

  // x·x over all axes.
  bool contracted(NodeId id, const Node& node, Factor f) {
    NodeId x = node.operands[0];
    auto labels = graph_.labels(node);
    bool squared = x == node.operands[1] && labels.out.empty() && std::ranges::equal(labels.a, labels.b);
    if (!squared || f.copies) return false;
    if (f.weights.valid()) {
      f.weights = graph_.broadcast(f.weights, graph_.shape(id));
      if (graph_.has_rows(f.weights)) f.weights = graph_.reshape(f.weights, Axes(labels.a.size(), 1));
      else if (graph_.has_rows(x)) return false;
    }
    return square(x, f);
  }

  static Factor negative(Factor f) {
    f.constant = -f.constant;
    return f;
  }
  // A number under a broadcast is one number.
  NodeId number_in(NodeId id) const {
    NodeId inner = graph_[id].kind == NodeKind::broadcast ? graph_[id].operands[0] : id;
    return graph_.is_number(inner) ? inner : NodeId();
  }
  Factor times(Factor f, NodeId by) {
    NodeId number = number_in(by);
    if (number.valid() && graph_.is_constant(number)) f.constant *= graph_[number].value;
    else if (number.valid()) f.number = f.number.valid() ? graph_.apply<op::Mul>(f.number, number) : number;
    else f.weights = f.weights.valid() ? graph_.apply<op::Mul>(f.weights, by) : graph_.to_real(by);
    return f;
  }
  Factor divided(Factor f, NodeId by) {
    NodeId one = graph_.constant(1), number = number_in(by);
    if (number.valid() && graph_.is_constant(number)) f.constant /= graph_[number].value;
    else if (number.valid()) f.number = graph_.apply<op::Div>(f.number.valid() ? f.number : one, number);
    else f.weights = graph_.apply<op::Div>(f.weights.valid() ? f.weights : one, by);
    return f;
  }

  bool square(NodeId residual, const Factor& f) {
    if (!(f.constant > 0)) return f.constant == 0;
    if (f.weights.valid()) residual = graph_.apply<op::Mul>(graph_.apply<op::Sqrt>(f.weights), residual);
    if (f.copies) {
      auto shape = common_shape(*f.copies, graph_.shape(residual));
      if (!shape) return false;
      residual = graph_.broadcast(residual, *shape);
    }
    NodeId scale = graph_.constant(f.constant);
    if (f.number.valid()) scale = graph_.apply<op::Mul>(scale, f.number);
    terms.push_back({graph_.to_real(residual), scale});
    return true;
  }

  Graph& graph_;
  std::vector<bool> depends_;
};

}  // namespace

std::vector<bool> depends_on_params(const Graph& graph) {
  std::vector<bool> depends(graph.size());
  for (std::size_t i = 0; i < graph.size(); ++i) {
    const Node& node = graph[NodeId(static_cast<std::int64_t>(i))];
    depends[i] = node.kind == NodeKind::param;
    for (NodeId input : node.inputs()) depends[i] = depends[i] || depends[input.index()];
  }
  return depends;
}

std::optional<std::vector<SquareTerm>> squares(Graph& graph, NodeId loss) {
  Squares finder(graph);
  if (!finder.sum(loss, {})) return {};
  return std::move(finder.terms);
}

}  // namespace slope
