// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "graph/identity.h"

#include "graph/is_op.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <utility>

namespace slope {

namespace {

// A sum of products of powers of nodes. Broadcasts are seen through: they change no value.
class Polynomial {
 public:
  using Powers = std::map<std::int64_t, int>;  // of nodes
  std::map<Powers, double> terms;
  double largest = 0;  // of all coefficients that were ever added

  void add(const Polynomial& other, double factor) {
    largest = std::max(largest, std::fabs(factor) * other.largest);
    for (const auto& [powers, coefficient] : other.terms) {
      double& sum = terms[powers];
      sum += factor * coefficient;
      largest = std::max(largest, std::fabs(factor * coefficient));
      if (std::fabs(sum) <= cancelled * largest) terms.erase(powers);
    }
  }
  static Polynomial of(double number) {
    Polynomial out;
    if (number != 0) out.terms[{}] = number;
    out.largest = std::fabs(number);
    return out;
  }
  static Polynomial of(NodeId node) {
    Polynomial out;
    out.terms[{{node.value, 1}}] = 1;
    out.largest = 1;
    return out;
  }
  static Polynomial product(const Polynomial& a, const Polynomial& b) {
    Polynomial out;
    for (const auto& [powers, coefficient] : b.terms) {
      Polynomial part;
      part.largest = a.largest;
      for (const auto& [more, factor] : a.terms) {
        Powers all = more;
        for (const auto& [node, power] : powers)
          if ((all[node] += power) == 0) all.erase(node);
        part.terms[all] = factor;
      }
      out.add(part, coefficient);
    }
    return out;
  }
  // 1/p, where p is one product.
  std::optional<Polynomial> inverse() const {
    if (terms.size() != 1) return {};
    Polynomial out;
    Powers powers = terms.begin()->first;
    for (auto& [node, power] : powers) power = -power;
    out.largest = std::fabs(1 / terms.begin()->second);
    out.terms[powers] = 1 / terms.begin()->second;
    return out;
  }

 private:
  static constexpr double cancelled = 1e-13;  // of the largest coefficient: rounding
};

class Expander {
 public:
  explicit Expander(const Graph& graph) : graph_(graph) {}

  Polynomial expand(NodeId id, int depth = 0) {
    const Node& node = graph_[id];
    if (node.kind == NodeKind::constant && std::isfinite(node.value)) return Polynomial::of(node.value);
    if (depth > most_depth || ++visits_ > most_visits) return Polynomial::of(id);
    auto operand = [&](std::size_t k) { return expand(node.operands[k], depth + 1); };
    if (node.kind == NodeKind::broadcast || node.kind == NodeKind::tap) return operand(0);
    if (sums(node)) {
      Polynomial out = operand(0);
      return out.terms.empty() ? out : Polynomial::of(id);
    }
    if (is<op::Neg>(node)) return sum(Polynomial(), operand(0), -1);
    if (is<op::Add>(node)) return sum(operand(0), operand(1), 1);
    if (is<op::Sub>(node)) return sum(operand(0), operand(1), -1);
    if (is<op::Mul>(node)) return multiplied(id, operand(0), operand(1));
    if (is<op::Div>(node)) {
      Polynomial a = operand(0);
      auto b = operand(1).inverse();
      return b && std::isfinite(b->largest) ? multiplied(id, a, *b) : Polynomial::of(id);
    }
    if (is<op::Pow>(node) && graph_.is_constant(node.operands[1], 2)) {
      Polynomial a = operand(0);
      return multiplied(id, a, a);
    }
    if (is<op::Select>(node)) {
      Polynomial a = operand(1), b = operand(2);
      return a.terms == b.terms ? a : Polynomial::of(id);
    }
    return Polynomial::of(id);
  }

 private:
  static constexpr int most_depth = 60, most_visits = 2000;
  static constexpr std::size_t most_terms = 32;

  static bool sums(const Node& node) {
    return (node.kind == NodeKind::reduce && node.reduction == Reduction::sum) ||
           node.kind == NodeKind::reshape || node.kind == NodeKind::permute;
  }
  static Polynomial sum(Polynomial a, const Polynomial& b, double factor) {
    a.add(b, factor);
    return a;
  }
  Polynomial multiplied(NodeId id, const Polynomial& a, const Polynomial& b) const {
    if (a.terms.empty() || b.terms.empty()) return {};
    if (a.terms.size() * b.terms.size() > most_terms) return Polynomial::of(id);
    return Polynomial::product(a, b);
  }

  const Graph& graph_;
  int visits_ = 0;
};

int sign_at(const Graph& graph, NodeId id, int depth) {
  const Node& node = graph[id];
  auto operand = [&](std::size_t k) { return sign_at(graph, node.operands[k], depth + 1); };
  if (node.kind == NodeKind::row_count) return 1;
  if (node.kind == NodeKind::constant) return node.value > 0 ? 1 : node.value < 0 ? -1 : 0;
  if (depth > 60) return 0;
  if (node.kind == NodeKind::broadcast || node.kind == NodeKind::reshape || node.kind == NodeKind::permute ||
      (node.kind == NodeKind::reduce && node.reduction != Reduction::prod))
    return operand(0);
  if (is<op::Neg>(node)) return -operand(0);
  if (is<op::Mul>(node)) return node.operands[0] == node.operands[1] ? 1 : operand(0) * operand(1);
  if (is<op::Div>(node)) return operand(0) * operand(1);
  if (is<op::Abs>(node) || is<op::Exp>(node) || is<op::Sqrt>(node)) return 1;
  int a = 0, b = 0;
  if (is<op::Add>(node)) a = operand(0), b = operand(1);
  if (is<op::Sub>(node)) a = operand(0), b = -operand(1);
  if (is<op::Select>(node)) a = operand(1), b = operand(2);
  return a == b ? a : 0;
}

}  // namespace

bool is_zero(const Graph& graph, NodeId id) { return Expander(graph).expand(id).terms.empty(); }

int known_sign(const Graph& graph, NodeId id) { return sign_at(graph, id, 0); }

}  // namespace slope
