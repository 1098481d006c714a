// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// An adjoint is the derivative of y with respect to a node. Below a branch of a select it must be exactly 0
// where the branch is not taken, even where the local derivative is infinite or NaN. So an adjoint carries
// its guard, the condition outside of which it is zero, and a product with a local derivative is made inside
// the guard only.
#include "graph/gradient.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <unordered_map>

#include "base/diagnostic.h"
#include "graph/expr.h"
#include "graph/softplus_parts.h"
#include "graph/transpose.h"

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
  bool ends = node.kind == NodeKind::stop_gradient || node.kind == NodeKind::order;
  return ends ? std::span<const NodeId>() : node.inputs();
}

using Partials = std::array<Partial, 3>;

// Whether an op's value can be infinite or NaN, or its derivative, where its operands are finite; but for
// overflow of sums and products, which is the end of a training anyway.
bool is_singular(const Node& node) {
  if (node.kind != NodeKind::scalar) return node.reduction == Reduction::prod;
  static constexpr auto tame = [] {
    std::array<bool, op_count> table{};
    for (OpId op : {id_of<op::Add>(), id_of<op::Sub>(), id_of<op::Mul>(), id_of<op::Neg>(), id_of<op::Abs>(),
                    id_of<op::Sign>(), id_of<op::Max>(), id_of<op::Min>(), id_of<op::Sin>(), id_of<op::Cos>(),
                    id_of<op::Tanh>(), id_of<op::Sigmoid>(), id_of<op::Softplus>(), id_of<op::Select>()})
      table[static_cast<std::size_t>(op)] = true;
    return table;
  }();
  return !tame[static_cast<std::size_t>(node.op)] && info(node.op).result == Type::real;
}

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
      : graph_(graph),
        softplus_(softplus_parts(graph, y)),
        adjoints_(y.index() + 1),
        depends_(y.index() + 1),
        singular_(y.index() + 1) {
    drop_parts_above(wrt);
    for (NodeId x : wrt)
      if (x.index() < depends_.size()) depends_[x.index()] = true;
    for (std::size_t i = 0; i < depends_.size(); ++i) {
      const Node& node = graph[NodeId(static_cast<std::int64_t>(i))];
      for (NodeId input : differentiable_inputs(node))
        if (depends_[input.index()]) depends_[i] = true;
      singular_[i] = is_singular(node);
      for (NodeId input : node.inputs()) singular_[i] = singular_[i] || singular_[input.index()];
    }
  }

  void run(NodeId y) {
    if (!graph_.is_number(y)) internal_error("the gradient of what is no number");
    adjoints_[y.index()] = {graph_.constant(1), {}};
    for (std::size_t i = y.index() + 1; i-- > 0;) {
      NodeId id(static_cast<std::int64_t>(i));
      if (auto parts = slices_.find(id); parts != slices_.end()) add_slices(id, parts->second);
      auto parts = softplus_.find(id);
      if (parts != softplus_.end() && depends_[i]) visit_softplus(id, parts->second);
      else if (adjoints_[i].value.valid() && depends_[i]) visit(id);
    }
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
    else if (node.kind == NodeKind::tap) add(node.operands[0], adjoints_[id.index()]);
    else if (node.kind == NodeKind::reduce && node.reduction != Reduction::sum) visit_reduce(id, node);
    else if (node.kind == NodeKind::contract) visit_contract(id, node);
    else visit_structure(id, node);
  }

  void visit_scalar(NodeId id, const Node& node) {
    Partial dy = adjoints_[id.index()];
    Partials local = partials(graph_, node.op, node.inputs(), id);
    for (std::size_t k = 0; k < node.inputs().size(); ++k)
      if (local[k].value.valid() && depends_[node.operands[k].index()])
        add(node.operands[k], product(dy, local[k]));
  }

  // The first of the two that is met waits for the other: only then both adjoints are known.
  // What is differentiated by may stand inside of the parts, as their |x| does: then they are no softplus.
  void drop_parts_above(std::span<const NodeId> wrt) {
    std::erase_if(softplus_, [&](const auto& entry) {
      const SoftplusParts& parts = entry.second;
      std::array<NodeId, 2> both{parts.ramp, parts.tail};
      std::vector<bool> inside = live(graph_, both);
      return std::any_of(wrt.begin(), wrt.end(), [&](NodeId w) {
        return w.index() > parts.x.index() && w.index() < inside.size() && inside[w.index()];
      });
    });
  }

  void visit_softplus(NodeId id, SoftplusParts parts) {
    if (id == std::max(parts.ramp, parts.tail)) return;
    Partial ramp = adjoints_[parts.ramp.index()], tail = adjoints_[parts.tail.index()];
    Expr x{&graph_, parts.x};
    std::vector<Span> places(graph_.origins(parts.tail).begin(), graph_.origins(parts.tail).end());
    Graph::Origin origin(graph_, places);
    if (ramp.value.valid() && ramp.value == tail.value && ramp.guard == tail.guard)
      return add(parts.x, product(tail, {sigmoid(x).id, {}}));
    if (ramp.value.valid()) visit_scalar(parts.ramp, Node(graph_[parts.ramp]));
    if (tail.value.valid()) add(parts.x, product(tail, {(-(sigmoid(-abs(x)) * sign(x))).id, {}}));
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

  // A slice waits for the others of the same value.
  void add_slices(NodeId x, std::span<const SliceDerivative> parts) {
    std::vector<Span> places;
    for (const SliceDerivative& part : parts)
      places.insert(places.end(), graph_.origins(part.slice).begin(), graph_.origins(part.slice).end());
    Graph::Origin origin(graph_, places);
    add(x, {transpose_slices(graph_, parts), {}});
  }

  void visit_structure(NodeId id, const Node& node) {
    Partial dy = adjoints_[id.index()];
    if (node.kind == NodeKind::slice && !guard_of(id, 0, dy.guard).valid()) {
      if (depends_[node.operands[0].index()]) slices_[node.operands[0]].push_back({id, dy.value});
      return;
    }
    for (std::size_t k = 0; k < node.inputs().size(); ++k) {
      NodeId x = node.operands[k];
      if (!depends_[x.index()] || !passes_derivative(node, k)) continue;
      NodeId guard = guard_of(id, k, dy.guard);
      add(x, {transpose(graph_, id, k, dy.value), guard});
    }
  }

  // Below leaves and what is finite anyway there is no product to guard.
  NodeId guard_of(NodeId id, std::size_t k, NodeId guard) {
    const Node& node = graph_[id];
    NodeId x = node.operands[k];
    bool moved = node.kind == NodeKind::reduce;  // costs nothing
    bool needed = graph_[x].arity() > 0 && (moved || graph_.is_number(x) || singular_[x.index()]);
    return guard.valid() && needed ? transpose_guard(graph_, id, k, guard) : NodeId();
  }

  void visit_contract(NodeId id, const Node& node) {
    Partial dy = adjoints_[id.index()];
    for (std::size_t k = 0; k < 2; ++k) {
      NodeId x = node.operands[k], factor = node.operands[1 - k];
      if (!depends_[x.index()]) continue;
      if (dy.guard.valid() && singular_[factor.index()]) factor = masked_factor(graph_, id, k, dy.guard);
      add(x, {transpose_contraction(graph_, id, k, dy.value, factor), guard_of(id, k, dy.guard)});
    }
  }

  void visit_reduce(NodeId id, const Node& node) {
    Partial dy = adjoints_[id.index()];
    NodeId x = node.operands[0];
    Axes axes = graph_.numbers(node);
    // Over axes and rows together: shared among all.
    const Node& inner = graph_[x];
    bool product = node.reduction == Reduction::prod;
    if (!product && inner.kind == NodeKind::reduce && inner.reduction == node.reduction &&
        axes[0] == rows_axis) {
      axes.push_back(graph_.numbers(inner)[0]);
      x = inner.operands[0];
    }
    const Shape shape = graph_.shape(x);
    auto along = [&](NodeId reduced) { return spread(graph_, reduced, shape, axes); };
    NodeId guard = dy.guard.valid() ? along(dy.guard) : NodeId();
    if (node.reduction == Reduction::prod) {
      bool few = axes[0] != rows_axis && shape.axes.back() <= most_multiplied_out;
      NodeId value = graph_.apply<op::Mul>(along(dy.value), few ? each_without(x) : others(x, axes, along));
      return add(x, {guard.valid() ? choose(guard, value) : value, guard});
    }
    // The largest or smallest element's derivative is shared equally by all that equal it.
    NodeId hit = graph_.apply<op::Equal>(x, along(id));
    NodeId count = graph_.reduce(Reduction::sum, hit, axes);
    NodeId share = along(graph_.apply<op::Div>(dy.value, count));
    guard = both(guard, hit);
    add(x, {choose(guard, share), guard});
  }

  // For each element along the last axis the product of the others, multiplied out: right at zeros, in every
  // further derivative too, and where the whole product leaves the finite numbers.
  static constexpr std::int64_t most_multiplied_out = 64;
  NodeId each_without(NodeId x) {
    Shape shape = graph_.shape(x);
    std::int64_t n = shape.axes.back();
    std::vector<double> identity(static_cast<std::size_t>(n * n));
    for (std::int64_t i = 0; i < n; ++i) identity[static_cast<std::size_t>(i * n + i)] = 1;
    NodeId own = graph_.apply<op::Greater>(graph_.array(std::move(identity), Axes{n, n}), graph_.constant(0));
    Axes row = shape.axes;
    row.insert(row.end() - 1, 1);
    shape.axes.push_back(n);
    NodeId all = graph_.broadcast(graph_.reshape(x, row), shape);
    NodeId rest = graph_.apply<op::Select>(graph_.broadcast(own, shape), graph_.constant(1), all);
    return graph_.reduce(Reduction::prod, rest, {static_cast<std::int64_t>(shape.axes.size()) - 1});
  }

  // For each element of x the product of those that are reduced with it: of all that are not 0 divided by it,
  // times the product of the zeros (or of the others among them). The latter is written as a polynomial in
  // their power sums, so that further derivatives, in which zeros drop out, are right too: Newton's
  // identities, e₂ = (s₁² − s₂)/2 and e₃ = (s₁³ − 3·s₁·s₂ + 2·s₃)/6. More than three zeros are as s₁^3.5: 0
  // with three derivatives that are 0, as theirs are, and no finite fourth.
  NodeId others(NodeId x, const Axes& axes, auto along) {
    auto expr = [&](NodeId id) { return Expr{&graph_, id}; };
    auto reduced = [&](Reduction how, Expr of) { return expr(along(graph_.reduce(how, of.id, axes))); };
    Expr zero = expr(graph_.constant(0)), one = expr(graph_.constant(1)), value = expr(x);
    Expr is_zero = value == 0;
    Expr safe = select(is_zero, one, value), own = select(is_zero, value, zero);
    Expr product = reduced(Reduction::prod, safe),
         count = reduced(Reduction::sum, expr(graph_.to_real(is_zero.id)));
    Expr s1 = reduced(Reduction::sum, own), s2 = reduced(Reduction::sum, own * own);
    Expr s3 = reduced(Reduction::sum, own * own * own);
    auto by_count = [&](Expr none, Expr single, Expr two, Expr three, Expr more) {
      return select(count == 0, none,
                    select(count == 1, single, select(count == 2, two, select(count == 3, three, more))));
    };
    Expr e2 = (s1 * s1 - s2) / 2, e3 = (s1 * s1 * s1 - 3 * s1 * s2 + 2 * s3) / 6;
    Expr of_all = by_count(one, s1, e2, e3, pow(s1, expr(graph_.constant(3.5))));
    Expr of_others =
        by_count(zero, one, s1 - own, e2 - own * s1 + own * own, 3.5 * pow(s1, expr(graph_.constant(2.5))));
    return select(is_zero, product * of_others, product / safe * of_all).id;
  }

  void add(NodeId x, Partial contribution) {
    if (!depends_[x.index()]) return;
    contribution.value = graph_.broadcast(contribution.value, graph_.shape(x));
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
  std::unordered_map<NodeId, SoftplusParts> softplus_;               // by part
  std::vector<Partial> adjoints_;                                    // by node; value invalid: none yet
  std::unordered_map<NodeId, std::vector<SliceDerivative>> slices_;  // by what is sliced
  std::vector<bool> depends_;                                        // on what is differentiated by
  std::vector<bool> singular_;                                       // it or something below it
};

}  // namespace

namespace {

// By operand: whether the op's partial derivative is more than `zero`.
template <class Op>
constexpr std::array<bool, 3> passing() {
  return []<std::size_t... I>(std::index_sequence<I...>) {
    using All = decltype(Op::partial((static_cast<void>(I), Expr{})..., Expr{}));
    return std::array<bool, 3>{!std::is_same_v<std::tuple_element_t<I, All>, Zero>...};
  }(std::make_index_sequence<Op::operands.size()>{});
}

}  // namespace

bool passes_derivative(const Node& node, std::size_t operand) {
  static constexpr auto table = table_of([]<class Op>() { return passing<Op>(); });
  switch (node.kind) {
    case NodeKind::stop_gradient:
    case NodeKind::order:
    case NodeKind::arg_reduce: return false;
    case NodeKind::take:
    case NodeKind::scatter_add: return operand == 0;
    case NodeKind::scalar: return table[static_cast<std::size_t>(node.op)][operand];
    default: return true;
  }
}

std::vector<bool> reached_by_derivative(const Graph& graph, NodeId y) {
  std::vector<bool> reached(y.index() + 1);
  reached[y.index()] = true;
  for (std::size_t i = reached.size(); i-- > 0;) {
    if (!reached[i]) continue;
    const Node& node = graph[NodeId(static_cast<std::int64_t>(i))];
    for (std::size_t k = 0; k < node.inputs().size(); ++k)
      if (passes_derivative(node, k)) reached[node.operands[k].index()] = true;
  }
  return reached;
}

std::vector<NodeId> derivative_ends(const Graph& graph, NodeId y, NodeId x) {
  std::vector<bool> needed = live(graph, std::span(&y, 1)), changes(y.index() + 1);
  std::vector<NodeId> ends;
  if (x.index() < changes.size()) changes[x.index()] = true;
  for (std::size_t i = x.index() + 1; i < changes.size(); ++i) {
    NodeId id(static_cast<std::int64_t>(i));
    const Node& node = graph[id];
    bool ends_here = false;
    for (std::size_t k = 0; needed[i] && k < node.inputs().size(); ++k) {
      if (!changes[node.operands[k].index()]) continue;
      if (passes_derivative(node, k)) changes[i] = true;
      else ends_here = true;
    }
    if (ends_here) ends.push_back(id);
  }
  return ends;
}

std::vector<NodeId> differentiate(Graph& graph, NodeId y, std::span<const NodeId> wrt) {
  Differentiator differentiator(graph, y, wrt);
  differentiator.run(y);
  std::vector<NodeId> gradient;
  for (NodeId x : wrt) gradient.push_back(differentiator.result(x));
  return gradient;
}

}  // namespace slope
