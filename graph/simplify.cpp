// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "graph/simplify.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

#include "base/text.h"

namespace slope {

namespace {

constexpr bool sign_of_zero = true;

// The rules, by the op at their root. k is a number that the compiler knows: what is computed of numbers only
// is one.
constexpr auto all_rules = [] {
  using namespace pattern;
  return std::to_array<Rule>({
      {x + 0.0, x, sign_of_zero},  // −0 + 0 is 0
      {x + -0.0, x},
      {x + x, 2.0 * x},
      {x + -y, x - y},
      {x - 0.0, x},
      {x - -0.0, x, sign_of_zero},  // −0 − −0 is 0
      {x - -y, x + y},
      {0.0 - x, -x, sign_of_zero},  // 0 − 0 is 0
      {-0.0 - x, -x},

      {x * 1.0, x},
      {x * -1.0, -x},
      {-x * -y, x * y},
      {-x * k, -k * x},
      {x / 1.0, x},
      {x / -1.0, -x},
      {-x / -y, x / y},
      {-x / k, x / -k},
      {k / -x, -k / x},

      {-(-x), x},
      {-(x - y), y - x, sign_of_zero},  // 0 − 0 is 0 both ways
      {-(x * k), -k * x},
      {-(x / k), x / -k},
      {-(k / x), -k / x},

      {pow(x, 1.0), x},
      {pow(x, 0.0), 1.0},  // C's pow: also of NaN
      {pow(x, -0.0), 1.0},
      {pow(1.0, x), 1.0},
      {pow(-x, n), pow(x, n)},

      {abs(abs(x)), abs(x)},
      {abs(-x), abs(x)},
      {cos(-x), cos(x)},
      {cosh(-x), cosh(x)},
      {max(x, x), x},
      {min(x, x), x},

      // What is smooth although it is written with a kink, without it: so its second derivatives, too, are
      // right there.
      {max(x, -x), abs(x), sign_of_zero},
      {max(-x, x), abs(x), sign_of_zero},
      {min(x, -x), -abs(x), sign_of_zero},
      {min(-x, x), -abs(x), sign_of_zero},
      {abs(x) * abs(x), x * x},
      {(y * abs(x)) * abs(x), y * x * x},
      {pow(abs(x), n), pow(x, n)},
      {abs(x * x), x * x},
      {abs(pow(x, n)), pow(x, n)},
      {cos(abs(x)), cos(x)},
      {cosh(abs(x)), cosh(x)},
      {max(x, 0.0) + log1p(exp(-abs(x))), softplus(x)},
      {max(0.0, x) + log1p(exp(-abs(x))), softplus(x)},
      {select(x <= 0.0, 0.0, x) + log1p(exp(-abs(x))), softplus(x)},

      {select(yes, x, y), x},
      {select(no, x, y), y},
      {select(c, x, x), x},
      {select(!c, x, y), select(c, y, x)},
      {select(c, select(c, x, y), z), select(c, x, z)},
      {select(c, x, select(c, y, z)), select(c, x, z)},

      {!(!c), c},
      {!(x == y), x != y},
      {!(x != y), x == y},
      {c && yes, c},
      {c && no, no},
      {c && c, c},
      {c && !c, no},
      {c && (c && d), c && d},
      {c && (c || d), c},
      {c || no, c},
      {c || yes, yes},
      {c || c, c},
      {c || !c, yes},
      {c || (c || d), c || d},
      {c || (c && d), c},
  });
}();

// For every op its rules, in the order above: next[i] is the one after rule i.
struct Index {
  std::array<std::int16_t, op_count> first{};
  std::array<std::int16_t, all_rules.size()> next{};
};
constexpr Index index_of_rules = [] {
  Index index;
  index.first.fill(-1);
  for (std::size_t i = all_rules.size(); i-- > 0;) {
    std::int16_t& first = index.first[static_cast<std::size_t>(all_rules[i].from.root().op)];
    index.next[i] = first;
    first = static_cast<std::int16_t>(i);
  }
  return index;
}();

// What the variables of a pattern stand for.
using Bound = std::array<NodeId, Pattern::most_variables>;

class Matcher {
 public:
  Matcher(const Graph& graph, const Pattern& pattern) : graph_(graph), pattern_(pattern) {}

  bool operands(const Pattern::Node& node, std::span<const NodeId> inputs) {
    Bound before = bound;
    if (in_order(node, inputs)) return true;
    bound = before;
    if (!info(node.op).commutative) return false;
    NodeId swapped[] = {inputs[1], inputs[0]};
    if (in_order(node, swapped)) return true;
    bound = before;
    return false;
  }

  Bound bound{};

 private:
  bool in_order(const Pattern::Node& node, std::span<const NodeId> inputs) {
    for (std::size_t k = 0; k < inputs.size(); ++k)
      if (!matches(pattern_.nodes[static_cast<std::size_t>(node.operands[k])], inputs[k])) return false;
    return true;
  }

  bool matches(const Pattern::Node& node, NodeId id) {
    using Kind = Pattern::Kind;
    const Node& under = graph_[graph_[id].kind == NodeKind::broadcast ? graph_[id].operands[0] : id];
    switch (node.kind) {
      case Kind::number: return graph_.is_constant(id, node.value) && under.type == Type::real;
      case Kind::known: return graph_.is_constant(id, node.value) && under.type == Type::truth;
      case Kind::constant:
        if (under.kind != NodeKind::constant || under.type != Type::real) return false;
        break;
      case Kind::even:
        if (under.kind != NodeKind::constant || under.type != Type::real || std::fmod(under.value, 2) != 0)
          return false;
        break;
      case Kind::op:
        return under.kind == NodeKind::scalar && under.op == node.op && operands(node, under.inputs());
      default: break;
    }
    NodeId& variable = bound[static_cast<std::size_t>(node.variable)];
    if (!variable.valid()) variable = id;
    return variable == id;
  }

  const Graph& graph_;
  const Pattern& pattern_;
};

NodeId build(Graph& graph, const Pattern& pattern, const Pattern::Node& node, const Bound& bound) {
  using Kind = Pattern::Kind;
  if (node.kind == Kind::number) return graph.constant(node.value);
  if (node.kind == Kind::known) return graph.truth(node.value != 0);
  if (node.kind != Kind::op) return bound[static_cast<std::size_t>(node.variable)];
  std::array<NodeId, 3> operands{};
  auto arity = static_cast<std::size_t>(info(node.op).arity);
  for (std::size_t i = 0; i < arity; ++i)
    operands[i] = build(graph, pattern, pattern.nodes[static_cast<std::size_t>(node.operands[i])], bound);
  return graph.apply(node.op, std::span(operands.data(), arity));
}

// op(broadcast x, broadcast y) → broadcast(op(x, y)): once a step instead of once a row, and for fewer
// elements.
std::optional<NodeId> move_out_of_rows(Graph& graph, OpId op, std::span<const NodeId> operands) {
  std::array<NodeId, 3> inner{};
  Shape target = graph.shape(operands[0]), common;
  for (std::size_t i = 0; i < operands.size(); ++i) {
    if (graph[operands[i]].kind != NodeKind::broadcast) return {};
    inner[i] = graph[operands[i]].operands[0];
    common = *common_shape(common, graph.shape(inner[i]));
  }
  if (common == target) return {};
  graph.note_rewrite(moved_out_of_rows);
  return graph.broadcast(graph.apply(op, std::span(inner.data(), operands.size())), target);
}

std::optional<NodeId> by_rules(Graph& graph, OpId op, std::span<const NodeId> operands) {
  for (int i = index_of_rules.first[static_cast<std::size_t>(op)]; i >= 0;
       i = index_of_rules.next[static_cast<std::size_t>(i)]) {
    const Rule& rule = all_rules[static_cast<std::size_t>(i)];
    Matcher matcher(graph, rule.from);
    if (!matcher.operands(rule.from.root(), operands)) continue;
    graph.note_rewrite(static_cast<std::uint16_t>(i));
    return build(graph, rule.to, rule.to.root(), matcher.bound);
  }
  return {};
}

}  // namespace

std::span<const Rule> rules() { return all_rules; }

std::string rewrite_name(std::uint16_t rule) {
  if (rule == folded_constants) return "an op on numbers → its value";
  if (rule == moved_out_of_rows) return "an op on values without rows → once a step";
  return fmt::format("{} → {}", to_string(all_rules[rule].from), to_string(all_rules[rule].to));
}

std::optional<NodeId> simplify(Graph& graph, OpId op, std::span<const NodeId> operands) {
  if (auto moved = move_out_of_rows(graph, op, operands)) return moved;
  Shape shape = graph.shape(operands[0]);
  std::optional<NodeId> result = by_rules(graph, op, operands);
  if (!result) return {};
  // A rule may answer with a smaller value (x⁰ → 1): the op's shape stays.
  return graph.broadcast(*result, shape);
}

// --- the spelling of patterns ---
namespace {

// From loosest to tightest, as in the language.
int precedence(OpId op) {
  std::string_view symbol = info(op).infix;
  if (symbol == "or") return 1;
  if (symbol == "and") return 2;
  if (op == id_of<op::Not>()) return 3;
  if (symbol == "+" || symbol == "-") return 5;
  if (symbol == "*" || symbol == "/") return 6;
  if (op == id_of<op::Neg>()) return 7;
  return symbol.empty() ? 9 : symbol == "^" ? 8 : 4;
}

std::string spelled(const Pattern& pattern, const Pattern::Node& node, int around) {
  using Kind = Pattern::Kind;
  if (node.kind == Kind::number)
    return node.value < 0 || std::signbit(node.value) ? fmt::format("({})", shortest(node.value))
                                                      : shortest(node.value);
  if (node.kind == Kind::known) return node.value != 0 ? "true" : "false";
  if (node.kind != Kind::op) return std::string(1, "xyzcdkn"[node.variable]);
  auto operand = [&](std::size_t i, int tight) {
    return spelled(pattern, pattern.nodes[static_cast<std::size_t>(node.operands[i])], tight);
  };
  const OpInfo& op = info(node.op);
  int own = precedence(node.op);
  std::string text;
  if (node.op == id_of<op::Select>())
    text = fmt::format("if {} then {} else {}", operand(0, 0), operand(1, 0), operand(2, 0)), own = 0;
  else if (node.op == id_of<op::Neg>()) text = "-" + operand(0, own + 1);
  else if (node.op == id_of<op::Not>()) text = "not " + operand(0, own + 1);
  else if (!op.infix.empty()) text = fmt::format("{} {} {}", operand(0, own), op.infix, operand(1, own + 1));
  else {
    text = fmt::format("{}({}", op.name, operand(0, 0));
    for (int i = 1; i < op.arity; ++i) text += ", " + operand(static_cast<std::size_t>(i), 0);
    text += ")";
  }
  return own < around ? "(" + text + ")" : text;
}

}  // namespace

std::string to_string(const Pattern& pattern) { return spelled(pattern, pattern.root(), 0); }

}  // namespace slope
