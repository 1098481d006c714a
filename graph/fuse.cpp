// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "graph/fuse.h"

#include <cmath>

#include "graph/expr.h"

namespace slope {

namespace {

bool made_by(const Graph& graph, NodeId id, OpId op) {
  return graph[id].kind == NodeKind::scalar && graph[id].op == op;
}

// Rebuilds a graph bottom-up, each scalar op by one of the member functions below; new ops are simplified and
// shared as everywhere.
class Rebuild {
 public:
  Rebuild(const Graph& from) : from_(from), to_(Graph::like(from)), map_(from.size()) {}

  Fused run(std::span<const NodeId> roots, NodeId (Rebuild::*scalar)(const Node&)) {
    std::vector<bool> needed = live(from_, roots);
    for (std::size_t i = 0; i < from_.size(); ++i) {
      if (!needed[i]) continue;
      NodeId id(static_cast<std::int64_t>(i));
      Graph::Origin origin(to_, from_.origins(id));
      const Node& node = from_[id];
      map_[i] = node.kind == NodeKind::scalar ? (this->*scalar)(node) : copy(node);
      if (!from_.name(id).empty()) to_.name(map_[i], std::string(from_.name(id)));
    }
    std::vector<NodeId> mapped;
    for (NodeId root : roots) mapped.push_back(map_[root.index()]);
    return {std::move(to_), std::move(mapped)};
  }

  NodeId expand(const Node& node) {
    if (node.op == id_of<op::Pow>()) return expand_power(node);
    if (node.op == id_of<op::Sigmoid>()) return sigmoid({&to_, map(node.operands[0])}).id;
    if (node.op == id_of<op::Softplus>()) return softplus({&to_, map(node.operands[0])}).id;
    return copy(node);
  }

  // The node as it stands, on the new operands.
  NodeId keep(const Node& node) {
    Node same = node;
    for (std::size_t k = 0; k < node.inputs().size(); ++k) same.operands[k] = map(node.operands[k]);
    return to_.make(same);
  }

  NodeId fuse_product(const Node& node) {
    bool sum = node.op == id_of<op::Add>(), difference = node.op == id_of<op::Sub>();
    if (!sum && !difference) return copy(node);
    auto is_product = [&](NodeId x) { return made_by(from_, x, id_of<op::Mul>()); };
    NodeId a = node.operands[0], b = node.operands[1];
    if (is_product(a) == is_product(b)) return copy(node);
    if (is_product(a)) {
      NodeId c = map(b);
      return fma(product(a, 0), product(a, 1), difference ? to_.apply<op::Neg>(c) : c);
    }
    NodeId x = product(b, 0);
    return fma(difference ? to_.apply<op::Neg>(x) : x, product(b, 1), map(a));
  }

 private:
  NodeId expand_power(const Node& node) {
    NodeId exponent = node.operands[1];
    if (from_[exponent].kind == NodeKind::broadcast) exponent = from_[exponent].operands[0];
    if (!from_.is_constant(exponent)) return copy(node);
    double n = from_[exponent].value;
    if (n != std::nearbyint(n) || std::fabs(n) > 32 || n == 0) return copy(node);
    NodeId power = product_power(map(node.operands[0]), static_cast<int>(std::fabs(n)));
    return n > 0 ? power : to_.apply<op::Div>(to_.constant(1), power);
  }

  NodeId map(NodeId id) const { return map_[id.index()]; }
  NodeId product(NodeId mul, std::size_t operand) const { return map(from_[mul].operands[operand]); }
  NodeId fma(NodeId a, NodeId b, NodeId c) { return to_.apply<op::Fma>(a, b, c); }

  NodeId copy(const Node& node) {
    std::array<NodeId, 3> operands{};
    for (std::size_t k = 0; k < node.inputs().size(); ++k) operands[k] = map(node.operands[k]);
    if (node.kind == NodeKind::tap || node.kind == NodeKind::stop_gradient) return operands[0];
    if (node.kind != NodeKind::scalar) return keep(node);
    return to_.apply(node.op, std::span(operands.data(), node.inputs().size()));
  }

  // As graph/math/sigmoid.h has them, to the bit.
  static Expr sigmoid(Expr x) {
    Expr e = exp(-abs(x));
    return select(x >= 0, Expr{x.graph, x.graph->constant(1)}, e) / (1 + e);
  }
  static Expr softplus(Expr x) {
    return select(x > 0, x, Expr{x.graph, x.graph->constant(0)}) + log1p(exp(-abs(x)));
  }

  // x^n = x^(n mod 2) · (x²)^(n/2), from the low bit up.
  NodeId product_power(NodeId x, int n) {
    NodeId result;
    for (NodeId square = x; n > 0; n /= 2) {
      if (n % 2 == 1) result = result.valid() ? to_.apply<op::Mul>(result, square) : square;
      if (n > 1) square = to_.apply<op::Mul>(square, square);
    }
    return result;
  }

  const Graph& from_;
  Graph to_;
  std::vector<NodeId> map_;
};

}  // namespace

Fused fuse(const Graph& graph, std::span<const NodeId> roots) {
  Fused products = Rebuild(graph).run(roots, &Rebuild::expand);
  Fused fused = Rebuild(products.graph).run(products.roots, &Rebuild::fuse_product);
  // The product inside an fma is often needed no more: keep what the roots need.
  return Rebuild(fused.graph).run(fused.roots, &Rebuild::keep);
}

}  // namespace slope
