// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "graph/kinks.h"

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "graph/gradient.h"
#include "graph/identity.h"
#include "graph/is_op.h"
#include "graph/rebuild.h"

namespace slope {

namespace {

// More are not told apart: what they are in is no sum of a few absolute values.
constexpr std::size_t most_kinks = 200;

using Replaced = std::unordered_map<NodeId, NodeId>;

// A node that bends, as it is beside the place.
struct Bend {
  NodeId node, argument;
  NodeId slope;         // its derivative by the argument above the place less that below; invalid: not known
  NodeId middle, half;  // node = middle + half·|argument|; invalid: it is not
  Replaced at_place;    // what is known of values there
};

class Finder {
 public:
  Finder(Graph& graph, NodeId loss, std::span<const NodeId> params)
      : graph_(graph), loss_(loss), params_(params.begin(), params.end()) {}

  Kinks run() {
    find();
    Kinks out;
    if (bends_.size() > most_kinks) {
      for (const Bend& bend : bends_) out.all.push_back({bend.node, bend.argument, {}});
      return out;
    }
    std::vector<NodeId> nodes;
    for (const Bend& bend : bends_) nodes.push_back(bend.node);
    by_node_ = differentiate(graph_, loss_, nodes);
    Replaced middles;
    out.separate = true;
    for (std::size_t i = 0; i < bends_.size(); ++i) {
      const Bend& bend = bends_[i];
      if (!by_node_[i].valid() || cancels(bend.argument)) continue;
      Kink kink{bend.node, bend.argument, weight(i)};
      out.separate = out.separate && kink.weight.valid();
      out.all.push_back(kink);
      if (!out.separate) continue;
      middles[bend.node] = bend.middle;
      add_term(out.terms, kink);
    }
    if (out.separate)
      out.smooth = out.all.empty() ? loss_ : replace(graph_, std::span(&loss_, 1), middles)[0];
    else out.terms.clear();
    return out;
  }

 private:
  // --- what bends ---
  void find() {
    std::vector<bool> reached = reached_by_derivative(graph_, loss_);
    moves_.assign(reached.size(), false);
    for (NodeId p : params_)
      if (p.index() < moves_.size()) moves_[p.index()] = true;
    for (std::size_t i = 0; i < reached.size(); ++i) {
      const Node& node = graph_[NodeId(static_cast<std::int64_t>(i))];
      if (node.kind == NodeKind::stop_gradient) continue;
      for (NodeId input : node.inputs()) moves_[i] = moves_[i] || moves_[input.index()];
    }
    std::vector<bool> moves = moves_;  // the graph grows below
    for (std::size_t i = 0; i < reached.size(); ++i)
      if (reached[i] && moves[i]) look(NodeId(static_cast<std::int64_t>(i)));
  }
  bool moves(NodeId id) const { return id.index() < moves_.size() && moves_[id.index()]; }

  void look(NodeId id) {
    const Node node = graph_[id];
    bool steps = node.kind == NodeKind::arg_reduce || node.kind == NodeKind::order ||
                 (node.kind == NodeKind::reduce &&
                  (node.reduction == Reduction::max || node.reduction == Reduction::min)) ||
                 is<op::Floor>(node) || is<op::Ceil>(node) || is<op::Round>(node) || is<op::Sign>(node) ||
                 is<op::Mod>(node);
    if (steps) return bends_.push_back({id, {}, {}, {}, {}, {}});
    if (is<op::Abs>(node)) return absolute(id, node.operands[0]);
    if (is<op::Max>(node)) return extremum(id, node.operands[0], node.operands[1], 1);
    if (is<op::Min>(node)) return extremum(id, node.operands[0], node.operands[1], -1);
    if (is<op::Select>(node) && moves(node.operands[0])) choice(id, node.operands[0], false, true);
  }

  NodeId number(double value, NodeId like) {
    Shape shape = graph_.shape(like);
    return graph_.broadcast(graph_.constant(value), shape);
  }

  void absolute(NodeId id, NodeId x) {
    NodeId zero = number(0, id);
    bends_.push_back({id, x, number(2, id), zero, number(1, id), {{id, zero}, {x, zero}}});
  }

  void extremum(NodeId id, NodeId a, NodeId b, double sign) {
    NodeId middle = graph_.apply<op::Div>(graph_.apply<op::Add>(a, b), graph_.constant(2));
    Bend bend{id, graph_.apply<op::Sub>(a, b), number(sign, id), middle, number(sign / 2, id), {{id, a}}};
    if (!moves(b)) bend.at_place = {{id, b}, {a, b}};
    else if (!moves(a)) bend.at_place = {{id, a}, {b, a}};
    bends_.push_back(std::move(bend));
  }

  // `alone`: the condition is this comparison and nothing else.
  void choice(NodeId id, NodeId condition, bool negated, bool alone) {
    const Node node = graph_[condition];
    if (node.kind == NodeKind::broadcast) return choice(id, node.operands[0], negated, alone);
    if (is<op::Not>(node)) return choice(id, node.operands[0], !negated, alone);
    bool above = is<op::Greater>(node) || is<op::GreaterEqual>(node);
    bool below = is<op::Less>(node) || is<op::LessEqual>(node);
    if (above || below || is<op::Equal>(node) || is<op::NotEqual>(node)) {
      if (!moves(condition)) return;
      NodeId argument = graph_.apply<op::Sub>(node.operands[0], node.operands[1]);
      Bend bend{id, graph_.broadcast(argument, graph_.shape(id)), {}, {}, {}, {}};
      if (alone && (above || below)) branches(bend, node.operands[0], node.operands[1], above != negated);
      bends_.push_back(std::move(bend));
      return;
    }
    if (node.kind != NodeKind::scalar) return bends_.push_back({id, {}, {}, {}, {}, {}});
    for (NodeId input : node.inputs())
      if (graph_[input].type == Type::truth && moves(input)) choice(id, input, negated, false);
  }

  // Both branches as functions of the one value that moves in the comparison of u and v: that value itself,
  // or one from which it is a sum with what does not move.
  void branches(Bend& bend, NodeId u, NodeId v, bool first_above) {
    if (moves(u) == moves(v)) return;
    double sign = moves(u) ? 1 : -1;
    NodeId value = moves(u) ? u : v, place = moves(u) ? v : u;
    const Node node = graph_[bend.node];
    NodeId above = node.operands[first_above ? 1 : 2], below = node.operands[first_above ? 2 : 1];
    for (;;) {
      if (graph_.shape(value) == graph_.shape(bend.node) &&
          as_functions(bend, value, place, sign, above, below))
        return;
      const Node under = graph_[value];
      NodeId a = under.operands[0], b = under.operands[1];
      if (is<op::Neg>(under)) value = a, place = graph_.apply<op::Neg>(place), sign = -sign;
      else if (is<op::Add>(under) && moves(a) != moves(b)) {
        place = graph_.apply<op::Sub>(place, moves(a) ? b : a);
        value = moves(a) ? a : b;
      } else if (is<op::Sub>(under) && moves(a) != moves(b)) {
        place = moves(a) ? graph_.apply<op::Add>(place, b) : graph_.apply<op::Sub>(a, place);
        sign = moves(a) ? sign : -sign;
        value = moves(a) ? a : b;
      } else return;
    }
  }

  bool as_functions(Bend& bend, NodeId value, NodeId place, double sign, NodeId above, NodeId below) {
    Shape shape = graph_.shape(value);
    NodeId t = graph_.data(stand_in + stand_ins_++, graph_.intern(shape));
    place = graph_.broadcast(place, shape);
    Replaced by{{value, t}}, back{{t, place}};
    if (const Node node = graph_[value]; is<op::Abs>(node)) {  // x² is |x|²
      NodeId x = node.operands[0];
      by[graph_.apply<op::Mul>(x, x)] = graph_.apply<op::Mul>(t, t);
      by[graph_.apply<op::Pow>(x, number(2, value))] = graph_.apply<op::Pow>(t, number(2, value));
    }
    NodeId pair[] = {above, below};
    std::vector<NodeId> made = replace(graph_, pair, by);
    NodeId up = made[0], down = made[1];
    if (!free(up) || !free(down) || mixes(up, t) || mixes(down, t)) return false;
    NodeId jump = graph_.apply<op::Sub>(up, down);
    if (!is_zero(graph_, replaced(jump, back))) return true;  // a step
    NodeId slope = derivative(jump, t);
    bend.at_place = {{value, place}, {bend.node, replaced(up, back)}};
    if (sign < 0) slope = graph_.apply<op::Neg>(slope);
    bend.slope = replaced(slope, back);
    if (depends_on(derivative(up, t), t) || depends_on(derivative(down, t), t)) return true;
    bend.middle = graph_.apply<op::Div>(graph_.apply<op::Add>(above, below), graph_.constant(2));
    bend.half = graph_.apply<op::Div>(slope, graph_.constant(2));
    return true;
  }

  // --- what the loss makes of it ---
  // Element by element: what mixes elements or rows stays what it is, as only one of them is at its place.
  NodeId replaced(NodeId root, const Replaced& by) {
    std::vector<bool> needed = live(graph_, std::span(&root, 1));
    std::vector<NodeId> map(needed.size());
    for (std::size_t i = 0; i < needed.size(); ++i) {
      NodeId id(static_cast<std::int64_t>(i));
      map[i] = id;
      if (!needed[i]) continue;
      const Node node = graph_[id];
      if (auto other = by.find(id); other != by.end()) map[i] = other->second;
      else if (node.kind == NodeKind::broadcast)
        map[i] = graph_.broadcast(map[node.operands[0].index()], Shape(graph_.shape(id)));
      else if (node.kind == NodeKind::scalar) {
        std::vector<NodeId> operands;
        for (NodeId input : node.inputs()) operands.push_back(map[input.index()]);
        if (!std::ranges::equal(operands, node.inputs())) map[i] = graph_.apply(node.op, operands);
      }
    }
    return map[root.index()];
  }
  // Whether an element of the value sees other elements of t than its own.
  bool mixes(NodeId root, NodeId t) const {
    std::vector<bool> needed = live(graph_, std::span(&root, 1)), sees(needed.size());
    for (std::size_t i = 0; i < needed.size(); ++i) {
      NodeId id(static_cast<std::int64_t>(i));
      const Node& node = graph_[id];
      sees[i] = id == t;
      for (NodeId input : node.inputs()) sees[i] = sees[i] || sees[input.index()];
      bool by_element = id == t || node.kind == NodeKind::scalar || node.kind == NodeKind::broadcast;
      if (needed[i] && sees[i] && !by_element) return true;
    }
    return false;
  }

  // By t, in t's shape; 0 where there is none.
  NodeId derivative(NodeId y, NodeId t) {
    Axes all;
    for (std::size_t k = 0; k < graph_.shape(y).axes.size(); ++k) all.push_back(static_cast<std::int64_t>(k));
    if (graph_.has_rows(y)) all.push_back(rows_axis);
    if (!all.empty()) y = graph_.reduce(Reduction::sum, y, all);
    NodeId d = differentiate(graph_, graph_.to_real(y), std::span(&t, 1))[0];
    return d.valid() ? d : number(0, t);
  }
  bool depends_on(NodeId id, NodeId on) const { return live(graph_, std::span(&id, 1))[on.index()]; }
  bool free(NodeId id) const {
    std::vector<bool> needed = live(graph_, std::span(&id, 1));
    return std::none_of(params_.begin(), params_.end(), [&](NodeId p) { return needed[p.index()]; });
  }

  // Whether the derivatives of the loss by all that bends at this place are the same on both sides.
  bool cancels(NodeId argument) {
    if (!argument.valid()) return false;
    NodeId jump;
    Replaced at_place;
    for (std::size_t i = 0; i < bends_.size(); ++i) {
      const Bend& bend = bends_[i];
      if (bend.argument != argument || !by_node_[i].valid()) continue;
      if (!bend.slope.valid()) return false;
      NodeId part = graph_.apply<op::Mul>(by_node_[i], bend.slope);
      jump = jump.valid() ? graph_.apply<op::Add>(jump, part) : part;
      at_place.insert(bend.at_place.begin(), bend.at_place.end());
    }
    return !jump.valid() || is_zero(graph_, replaced(jump, at_place));
  }

  // Of the kink in the loss, where all that bends at its place only has such a weight.
  NodeId weight(std::size_t i) {
    NodeId argument = bends_[i].argument;
    for (std::size_t k = 0; k < bends_.size(); ++k) {
      if (bends_[k].argument != argument || !by_node_[k].valid()) continue;
      if (!argument.valid() || !bends_[k].half.valid() || !free(bends_[k].half) || !free(by_node_[k]))
        return {};
    }
    return graph_.apply<op::Mul>(by_node_[i], bends_[i].half);
  }

  void add_term(std::vector<BentTerm>& terms, const Kink& kink) {
    for (BentTerm& term : terms)
      if (term.argument == kink.argument) {
        term.weight = graph_.apply<op::Add>(term.weight, kink.weight);
        return;
      }
    terms.push_back({kink.argument, kink.weight});
  }

  // Stands for a value in formulas that never leave this file.
  static constexpr int stand_in = 1 << 30;

  Graph& graph_;
  NodeId loss_;
  std::vector<NodeId> params_;
  std::vector<bool> moves_;
  std::vector<Bend> bends_;
  std::vector<NodeId> by_node_;  // the derivatives of the loss
  int stand_ins_ = 0;
};

}  // namespace

Kinks kinks(Graph& graph, NodeId loss, std::span<const NodeId> params) {
  return Finder(graph, loss, params).run();
}

std::string_view kink_name(const Graph& graph, NodeId id) {
  const Node& node = graph[id];
  switch (node.kind) {
    case NodeKind::scalar: return is<op::Select>(node) ? "if" : info(node.op).name;
    case NodeKind::arg_reduce: return node.reduction == Reduction::max ? "argmax" : "argmin";
    case NodeKind::order: return to_string(static_cast<OrderStatistic>(node.index));
    default: return to_string(node.reduction);
  }
}

}  // namespace slope
