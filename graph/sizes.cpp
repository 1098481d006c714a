// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The rules are those of absolute values where nothing cancels: |a + b| ≤ |a| + |b|, |a·b| = |a|·|b|, and of
// what is linear the same structure on the sizes of its operands.
#include "graph/sizes.h"

#include "graph/is_op.h"
#include "graph/squares.h"

namespace slope {

namespace {

class Sizes {
 public:
  Sizes(Graph& graph, Terms terms) : graph_(graph), terms_(terms), depends_(depends_on_params(graph)) {}

  // Operands first.
  std::vector<NodeId> of(std::span<const NodeId> roots) {
    std::vector<bool> needed = live(graph_, roots);
    sizes_.resize(needed.size());
    for (std::size_t i = 0; i < needed.size(); ++i)
      if (NodeId id(static_cast<std::int64_t>(i)); needed[i] && graph_[id].type == Type::real)
        sizes_[i] = of_node(id);
    std::vector<NodeId> out;
    for (NodeId root : roots) out.push_back(sizes_[root.index()]);
    return out;
  }

 private:
  NodeId absolute(NodeId id) { return graph_.apply<op::Abs>(id); }
  NodeId size(NodeId id) const { return sizes_[id.index()]; }
  bool depends(NodeId id) const { return depends_[id.index()]; }

  NodeId of_node(NodeId id) {
    const Node node = graph_[id];  // a copy: the graph grows
    if (graph_.has_rows(id) && terms_ != Terms::all) return absolute(id);
    NodeId a = node.operands[0], b = node.operands[1];
    switch (node.kind) {
      case NodeKind::scalar: return of_op(id, node);
      case NodeKind::reduce:
        if (node.reduction != Reduction::sum || graph_[a].type != Type::real) return absolute(id);
        return graph_.reduce(Reduction::sum, size(a), graph_.numbers(node));
      case NodeKind::contract:
        if (terms_ == Terms::linear && depends(a) && depends(b))
          return same_structure(node, absolute(a), absolute(b));
        return same_structure(node, size(a), size(b));
      case NodeKind::broadcast:
      case NodeKind::reshape:
      case NodeKind::permute:
      case NodeKind::slice:
      case NodeKind::window:
      case NodeKind::window_add:
      case NodeKind::tap:
      case NodeKind::stop_gradient:
        return graph_[a].type == Type::real ? same_structure(node, size(a), b) : id;
      case NodeKind::concat: return same_structure(node, size(a), size(b));
      case NodeKind::take:
      case NodeKind::scatter_add: return same_structure(node, size(a), b);
      default: return absolute(id);
    }
  }

  NodeId same_structure(Node node, NodeId a, NodeId b) {
    node.operands[0] = a;
    node.operands[1] = b;
    return graph_.make(node);
  }

  NodeId of_op(NodeId id, const Node& node) {
    NodeId a = node.operands[0], b = node.operands[1];
    if (is<op::Neg>(node)) return size(a);
    if (is<op::Add>(node) || is<op::Sub>(node)) return graph_.apply<op::Add>(size(a), size(b));
    if (is<op::Select>(node)) return graph_.apply<op::Select>(a, size(b), size(node.operands[2]));
    if (is<op::Mul>(node)) {
      if (terms_ == Terms::linear && depends(a) && depends(b)) return absolute(id);
      return graph_.apply<op::Mul>(size(a), size(b));
    }
    if (is<op::Div>(node)) {
      if (terms_ == Terms::linear && depends(b)) return absolute(id);
      return graph_.apply<op::Div>(size(a), absolute(b));
    }
    // A power of a sum, as (a + b)², is one of its terms together.
    bool power = is<op::Pow>(node) && !depends(b) && terms_ != Terms::linear;
    if (power)
      return graph_.apply<op::Select>(graph_.apply<op::Greater>(b, graph_.constant(0)),
                                      graph_.apply<op::Pow>(size(a), b), absolute(id));
    return absolute(id);
  }

  Graph& graph_;
  Terms terms_;
  std::vector<bool> depends_;
  std::vector<NodeId> sizes_;  // by node; invalid of truth values
};

}  // namespace

std::vector<NodeId> sizes(Graph& graph, std::span<const NodeId> roots, Terms terms) {
  return Sizes(graph, terms).of(roots);
}

}  // namespace slope
