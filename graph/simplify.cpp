// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "graph/simplify.h"

namespace slope {

namespace {

// One op and its operands, with the questions that rules ask.
struct Match {
  Graph& graph;
  OpId op;
  std::span<const NodeId> operands;

  NodeId a() const { return operands[0]; }
  NodeId b() const { return operands[1]; }
  NodeId c() const { return operands[2]; }
  template <class Op>
  bool is() const {
    return op == id_of<Op>();
  }
  bool constant(NodeId x, double value) const { return graph.is_constant(x, value); }
  template <class Op>
  bool made_by(NodeId x) const {
    return graph[x].kind == NodeKind::scalar && graph[x].op == id_of<Op>();
  }
  NodeId inner(NodeId x) const { return graph[x].operands[0]; }
  template <class Op>
  NodeId make(auto... x) const {
    return graph.apply<Op>(x...);
  }
};

using Result = std::optional<NodeId>;

Result sums(const Match& m) {
  if (m.is<op::Add>()) {
    if (m.constant(m.b(), 0) || m.constant(m.b(), -0.0)) return m.a();  // x + 0 → x   (−0 + 0 stays −0)
    if (m.constant(m.a(), 0) || m.constant(m.a(), -0.0)) return m.b();  // 0 + x → x   (0 + −0 becomes −0)
    if (m.a() == m.b()) return m.make<op::Mul>(m.graph.constant(2), m.a());        // x + x → 2·x, exact
    if (m.made_by<op::Neg>(m.b())) return m.make<op::Sub>(m.a(), m.inner(m.b()));  // x + (−y) → x − y
    if (m.made_by<op::Neg>(m.a())) return m.make<op::Sub>(m.b(), m.inner(m.a()));  // (−x) + y → y − x
  }
  if (m.is<op::Sub>()) {
    if (m.constant(m.b(), 0)) return m.a();                                        // x − 0 → x
    if (m.made_by<op::Neg>(m.b())) return m.make<op::Add>(m.a(), m.inner(m.b()));  // x − (−y) → x + y
  }
  return {};
}

Result products(const Match& m) {
  if (m.is<op::Mul>()) {
    if (m.constant(m.b(), 1)) return m.a();                    // x·1 → x
    if (m.constant(m.a(), 1)) return m.b();                    // 1·x → x
    if (m.constant(m.b(), -1)) return m.make<op::Neg>(m.a());  // x·(−1) → −x
    if (m.constant(m.a(), -1)) return m.make<op::Neg>(m.b());  // (−1)·x → −x
    if (m.made_by<op::Neg>(m.a()) && m.made_by<op::Neg>(m.b()))
      return m.make<op::Mul>(m.inner(m.a()), m.inner(m.b()));  // (−x)·(−y) → x·y
  }
  if (m.is<op::Div>()) {
    if (m.constant(m.b(), 1)) return m.a();                    // x/1 → x
    if (m.constant(m.b(), -1)) return m.make<op::Neg>(m.a());  // x/(−1) → −x
  }
  if (m.is<op::Neg>()) {
    if (m.made_by<op::Neg>(m.a())) return m.inner(m.a());  // −(−x) → x
    if (m.made_by<op::Sub>(m.a()))                         // −(x − y) → y − x   (0 − 0: +0 both ways)
      return m.make<op::Sub>(m.graph[m.a()].operands[1], m.graph[m.a()].operands[0]);
  }
  if (m.is<op::Pow>()) {
    if (m.constant(m.b(), 1)) return m.a();  // x¹ → x
    if (m.constant(m.b(), 0) || m.constant(m.b(), -0.0))
      return m.graph.constant(1);  // x⁰ → 1, C's pow, also of NaN
  }
  return {};
}

Result choices(const Match& m) {
  if (m.is<op::Select>()) {
    if (m.b() == m.c()) return m.b();        // select(c, x, x) → x
    if (m.constant(m.a(), 1)) return m.b();  // select(true, x, y) → x
    if (m.constant(m.a(), 0)) return m.c();  // select(false, x, y) → y
    if (m.made_by<op::Not>(m.a()))
      return m.make<op::Select>(m.inner(m.a()), m.c(), m.b());  // select(not c, x, y) → select(c, y, x)
  }
  if ((m.is<op::Max>() || m.is<op::Min>()) && m.a() == m.b()) return m.a();  // max(x, x) → x
  if (m.is<op::Abs>()) {
    if (m.made_by<op::Abs>(m.a())) return m.a();                            // ||x|| → |x|
    if (m.made_by<op::Neg>(m.a())) return m.make<op::Abs>(m.inner(m.a()));  // |−x| → |x|
  }
  return {};
}

Result logic(const Match& m) {
  if (m.is<op::Not>() && m.made_by<op::Not>(m.a())) return m.inner(m.a());  // not not c → c
  bool conjunction = m.is<op::And>();
  if (!conjunction && !m.is<op::Or>()) return {};
  if (m.a() == m.b()) return m.a();  // c and c → c, c or c → c
  for (int i : {0, 1}) {
    NodeId x = m.operands[i], y = m.operands[1 - i];
    if (m.constant(x, conjunction ? 1 : 0)) return y;  // true and c → c, false or c → c
    if (m.constant(x, conjunction ? 0 : 1)) return x;  // false and c → false, true or c → true
    if (m.made_by<op::Not>(x) && m.inner(x) == y) return m.graph.truth(!conjunction);  // c or not c → true
  }
  return {};
}

// op(broadcast x, broadcast y) → broadcast(op(x, y)): once a step instead of once a row.
Result hoist(const Match& m) {
  std::array<NodeId, 3> inner{};
  for (std::size_t i = 0; i < m.operands.size(); ++i) {
    if (m.graph[m.operands[i]].kind != NodeKind::broadcast) return {};
    inner[i] = m.inner(m.operands[i]);
  }
  return m.graph.broadcast(m.graph.apply(m.op, std::span(inner.data(), m.operands.size())));
}

}  // namespace

std::optional<NodeId> simplify(Graph& graph, OpId op, std::span<const NodeId> operands) {
  Match match{graph, op, operands};
  for (auto rules : {hoist, sums, products, choices, logic})
    if (Result result = rules(match)) {
      // A rule may answer with a value without rows (x⁰ → 1): the op's shape stays.
      bool rows = false;
      for (NodeId operand : operands) rows |= graph.has_rows(operand);
      return rows ? graph.broadcast(*result) : *result;
    }
  return {};
}

}  // namespace slope
