// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "graph/softplus_parts.h"

#include "graph/is_op.h"

namespace slope {

namespace {

class Finder {
 public:
  explicit Finder(const Graph& graph) : graph_(graph) {}

  // The x of max(x, 0), an invalid node where it is something else.
  NodeId of_ramp(NodeId id) const {
    const Node& node = graph_[id];
    if (is<op::Max>(node)) {
      if (is_zero(node.operands[1])) return node.operands[0];
      return is_zero(node.operands[0]) ? node.operands[1] : NodeId();
    }
    if (!is<op::Select>(node) || !is_zero(node.operands[1])) return {};
    const Node& condition = graph_[node.operands[0]];
    bool ramp = (is<op::LessEqual>(condition) || is<op::Less>(condition)) &&
                condition.operands[0] == node.operands[2] && is_zero(condition.operands[1]);
    return ramp ? node.operands[2] : NodeId();
  }

  // The x of log1p(exp(-abs(x))) or log(1 + exp(-abs(x))).
  NodeId of_tail(NodeId id) const {
    const Node& node = graph_[id];
    NodeId power;
    if (is<op::Log1p>(node)) power = node.operands[0];
    if (is<op::Log>(node)) power = beside_one(graph_[node.operands[0]]);
    for (auto step :
         {&Finder::operand_of<op::Exp>, &Finder::operand_of<op::Neg>, &Finder::operand_of<op::Abs>})
      power = power.valid() ? (this->*step)(power) : NodeId();
    return power;
  }

 private:
  template <class Op>
  NodeId operand_of(NodeId id) const {
    return is<Op>(graph_[id]) ? graph_[id].operands[0] : NodeId();
  }
  bool is_zero(NodeId id) const { return graph_.is_constant(id, 0) || graph_.is_constant(id, -0.0); }
  // The other summand.
  NodeId beside_one(const Node& node) const {
    if (!is<op::Add>(node)) return {};
    if (graph_.is_constant(node.operands[0], 1)) return node.operands[1];
    return graph_.is_constant(node.operands[1], 1) ? node.operands[0] : NodeId();
  }

  const Graph& graph_;
};

}  // namespace

std::unordered_map<NodeId, SoftplusParts> softplus_parts(const Graph& graph, NodeId y) {
  Finder finder(graph);
  std::unordered_map<NodeId, NodeId> ramps;  // by x
  std::vector<SoftplusParts> tails;
  for (std::size_t i = 0; i <= y.index(); ++i) {
    NodeId id(static_cast<std::int64_t>(i));
    if (NodeId x = finder.of_ramp(id); x.valid()) ramps.try_emplace(x, id);
    if (NodeId x = finder.of_tail(id); x.valid()) tails.push_back({x, {}, id});
  }
  std::unordered_map<NodeId, SoftplusParts> out;
  for (SoftplusParts parts : tails) {
    auto ramp = ramps.find(parts.x);
    if (ramp == ramps.end() || out.contains(ramp->second)) continue;
    parts.ramp = ramp->second;
    out.emplace(parts.ramp, parts);
    out.emplace(parts.tail, parts);
  }
  return out;
}

}  // namespace slope
