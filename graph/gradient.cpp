// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// An adjoint is the derivative of y with respect to a node. Below a branch of a select it must be exactly 0
// where the branch is not taken, even where the local derivative is infinite or NaN. So an adjoint carries
// its guard, the condition outside of which it is zero, and a product with a local derivative is made inside
// the guard only.
#include "graph/gradient.h"

#include <cmath>
#include <optional>

#include "base/diagnostic.h"
#include "graph/expr.h"

namespace slope {

namespace {

Partial lift(Graph&, Zero) { return {}; }
Partial lift(Graph& graph, double c) { return {graph.constant(c), {}}; }
Partial lift(Graph&, Expr e) { return {e.id, {}}; }
template <class P>
Partial lift(Graph& graph, When<Expr, P> w) {
  Partial p = lift(graph, w.partial);
  p.guard = w.condition.id;
  return p;
}

std::span<const NodeId> differentiable_inputs(const Node& node) {
  return node.kind == NodeKind::stop_gradient ? std::span<const NodeId>() : node.inputs();
}

using Partials = std::array<Partial, 3>;

}  // namespace

Partials partials(Graph& graph, OpId op, std::span<const NodeId> operands, NodeId y) {
  static constexpr auto table = table_of([]<class Op>() -> Partials (*)(Graph&, const Expr*, Expr) {
    return [](Graph& g, const Expr* x, Expr value) {
      auto tuple = [&]<std::size_t... I>(std::index_sequence<I...>) {
        return Op::partial(x[I]..., value);
      }(std::make_index_sequence<Op::operands.size()>{});
      return std::apply([&](auto... p) { return Partials{lift(g, p)...}; }, tuple);
    };
  });
  std::array<Expr, 3> x;
  for (std::size_t k = 0; k < operands.size(); ++k) x[k] = {&graph, operands[k]};
  return table[static_cast<std::size_t>(op)](graph, x.data(), {&graph, y});
}

namespace {

class Differentiator {
 public:
  Differentiator(Graph& graph, NodeId y, std::span<const NodeId> wrt)
      : graph_(graph), adjoints_(y.index() + 1) {
    depends_.resize(y.index() + 1);
    for (NodeId x : wrt)
      if (x.index() < depends_.size()) depends_[x.index()] = true;
    for (std::size_t i = 0; i < depends_.size(); ++i)
      for (NodeId input : differentiable_inputs(graph[NodeId(static_cast<std::int64_t>(i))]))
        if (depends_[input.index()]) depends_[i] = true;
  }

  void run(NodeId y) {
    if (graph_.has_rows(y)) internal_error("the gradient of a value with rows");
    adjoints_[y.index()] = {graph_.constant(1), {}};
    for (std::size_t i = y.index() + 1; i-- > 0;)
      if (adjoints_[i].value.valid() && depends_[i]) visit(NodeId(static_cast<std::int64_t>(i)));
  }

  NodeId result(NodeId x) const {
    return x.index() < adjoints_.size() ? adjoints_[x.index()].value : NodeId();
  }

 private:
  void visit(NodeId id) {
    Node node = graph_[id];  // a copy: the graph grows below
    std::vector<Span> places(graph_.origins(id).begin(), graph_.origins(id).end());
    Graph::Origin origin(graph_, places);
    if (node.kind == NodeKind::scalar) visit_scalar(id, node);
    if (node.kind == NodeKind::broadcast) visit_broadcast(id, node);
    if (node.kind == NodeKind::reduce) visit_reduce(id, node);
    if (node.kind == NodeKind::tap) add(node.operands[0], adjoints_[id.index()]);
  }

  void visit_scalar(NodeId id, const Node& node) {
    Partial dy = adjoints_[id.index()];
    Partials local = partials(graph_, node.op, node.inputs(), id);
    for (std::size_t k = 0; k < node.inputs().size(); ++k)
      if (local[k].value.valid() && depends_[node.operands[k].index()])
        add(node.operands[k], product(dy, local[k]));
  }

  // dy·p, exactly 0 outside of either guard.
  Partial product(Partial dy, Partial p) {
    NodeId value = graph_.apply<op::Mul>(dy.value, p.value);
    NodeId guard = both(dy.guard, p.guard);
    // dy is 0 outside of its guard already: times a finite constant it stays so.
    bool stays_zero = graph_.is_constant(p.value) && std::isfinite(graph_[p.value].value) && !p.guard.valid();
    if (guard.valid() && !stays_zero) value = choose(guard, value);
    return {value, guard};
  }

  void visit_broadcast(NodeId id, const Node& node) {
    Partial dy = adjoints_[id.index()];
    NodeId x = node.operands[0];
    // Below a leaf there is no product to guard.
    NodeId guard = graph_[x].arity() > 0 ? any_row(dy.guard) : NodeId();
    add(x, {graph_.reduce(Reduction::sum, dy.value), guard});
  }

  // Where a guard holds for a row at least: elsewhere the sum of the rows' adjoints is zero.
  NodeId any_row(NodeId guard) {
    if (!guard.valid() || !graph_.has_rows(guard)) return guard;
    if (graph_[guard].kind == NodeKind::broadcast) return graph_[guard].operands[0];
    return graph_.apply<op::Greater>(graph_.reduce(Reduction::max, guard), graph_.constant(0));
  }

  // A largest or smallest row's derivative is shared equally by all rows that equal it.
  void visit_reduce(NodeId id, const Node& node) {
    Partial dy = adjoints_[id.index()];
    NodeId x = node.operands[0];
    if (node.reduction == Reduction::sum) {
      NodeId guard = dy.guard.valid() ? graph_.broadcast(dy.guard) : NodeId();
      return add(x, {graph_.broadcast(dy.value), guard});
    }
    NodeId hit = graph_.apply<op::Equal>(x, id);
    NodeId count = graph_.reduce(Reduction::sum, hit);
    NodeId share = graph_.apply<op::Div>(dy.value, count);
    NodeId guard = both(dy.guard, hit);
    add(x, {choose(guard, share), guard});
  }

  void add(NodeId x, Partial contribution) {
    if (!depends_[x.index()]) return;
    if (graph_.has_rows(x)) contribution.value = graph_.broadcast(contribution.value);
    Partial& sum = adjoints_[x.index()];
    if (!sum.value.valid()) {
      sum = contribution;
      return;
    }
    bool guarded = sum.guard.valid() && contribution.guard.valid();
    sum.guard = guarded ? graph_.apply<op::Or>(sum.guard, contribution.guard) : NodeId();
    sum.value = graph_.apply<op::Add>(sum.value, contribution.value);
    if (sum.guard.valid() && graph_.is_constant(sum.guard, 1)) sum.guard = {};
  }

  NodeId both(NodeId a, NodeId b) {
    if (!a.valid() || !b.valid()) return a.valid() ? a : b;
    return graph_.apply<op::And>(a, b);
  }
  NodeId choose(NodeId guard, NodeId value) {
    return graph_.apply<op::Select>(guard, value, graph_.constant(0));
  }

  Graph& graph_;
  std::vector<Partial> adjoints_;  // by node; value invalid: none yet
  std::vector<bool> depends_;      // on what is differentiated by
};

}  // namespace

std::vector<bool> reached_by_derivative(const Graph& graph, NodeId y) {
  std::vector<bool> reached(y.index() + 1);
  reached[y.index()] = true;
  for (std::size_t i = reached.size(); i-- > 0;)
    if (reached[i])
      for (NodeId input : differentiable_inputs(graph[NodeId(static_cast<std::int64_t>(i))]))
        reached[input.index()] = true;
  return reached;
}

std::vector<NodeId> differentiate(Graph& graph, NodeId y, std::span<const NodeId> wrt) {
  Differentiator differentiator(graph, y, wrt);
  differentiator.run(y);
  std::vector<NodeId> gradient;
  for (NodeId x : wrt) gradient.push_back(differentiator.result(x));
  return gradient;
}

}  // namespace slope
