// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "graph/rebuild.h"

#include <algorithm>

namespace slope {

namespace {

// Node `old` of `from` on these operands, in `to`, which may be the same graph.
NodeId remake(const Graph& from, NodeId old, Graph& to, std::span<const NodeId> operands) {
  const Node node = from[old];  // copies: both may grow
  const Shape shape = from.shape(old);
  NodeId a = operands.empty() ? NodeId() : operands[0], b = operands.size() < 2 ? NodeId() : operands[1];
  auto rows = [&](NodeId x) { return to.has_rows(x); };
  switch (node.kind) {
    case NodeKind::constant:
      return node.type == Type::truth ? to.truth(node.value != 0) : to.constant(node.value);
    case NodeKind::array: return to.array(from.values(node), shape.axes);
    case NodeKind::data: return to.data(node.index, to.intern(shape));
    case NodeKind::param: return to.param(node.index, to.intern(shape));
    case NodeKind::state: return to.state(node.index, to.intern(shape));
    case NodeKind::draw: return to.draw(from.drawn(node), to.intern(shape));
    case NodeKind::argument: return to.argument(static_cast<RunArgument>(node.index));
    case NodeKind::row_count: return to.row_count();
    case NodeKind::scalar: return to.apply(node.op, operands);
    case NodeKind::broadcast: return to.broadcast(a, {shape.rows || rows(a), shape.axes});
    case NodeKind::reduce: return to.reduce(node.reduction, a, from.numbers(node));
    case NodeKind::arg_reduce: return to.arg_reduce(node.reduction, a, from.numbers(node)[0]);
    case NodeKind::reshape: return to.reshape(a, shape.axes);
    case NodeKind::permute: return to.permute(a, from.numbers(node));
    case NodeKind::slice: return to.slice(a, from.along(node));
    case NodeKind::pad: return to.pad(a, from.along(node), shape.axes, node.value);
    case NodeKind::concat: return to.concat(a, b, node.index);
    case NodeKind::contract: {
      auto labels = from.labels(node);
      auto axes = [](std::span<const std::int64_t> list) { return Axes(list.begin(), list.end()); };
      bool summed = from.sums_rows(old);
      return to.contract(a, b, axes(labels.a), axes(labels.b), axes(labels.out),
                         !summed && (rows(a) || rows(b)));
    }
    case NodeKind::window: return to.window(a, from.windows(node));
    case NodeKind::window_add: return to.window_add(a, from.windows(node), shape.axes);
    case NodeKind::take: return to.take(a, b, node.index);
    case NodeKind::scatter_add: {
      bool summed = from.sums_rows(old);
      return to.scatter_add(a, b, node.index, {shape.rows || (!summed && (rows(a) || rows(b))), shape.axes});
    }
    case NodeKind::tap: return to.tap(a);
    case NodeKind::stop_gradient: return to.stop_gradient(a);
    case NodeKind::order:
      return to.order(static_cast<OrderStatistic>(node.index), a, node.arity() == 2 ? b : NodeId());
  }
  return {};
}

std::vector<NodeId> operands_in(const Graph& from, NodeId id, const std::vector<NodeId>& map) {
  std::vector<NodeId> operands;
  for (NodeId input : from[id].inputs()) operands.push_back(map[input.index()]);
  return operands;
}

}  // namespace

std::vector<NodeId> replace(Graph& graph, std::span<const NodeId> roots,
                            const std::unordered_map<NodeId, NodeId>& by) {
  std::vector<bool> needed = live(graph, roots);
  std::vector<NodeId> map(needed.size());
  for (std::size_t i = 0; i < needed.size(); ++i) {
    NodeId id(static_cast<std::int64_t>(i));
    map[i] = id;
    if (!needed[i]) continue;
    if (auto other = by.find(id); other != by.end()) {
      map[i] = other->second;
      continue;
    }
    std::vector<NodeId> operands = operands_in(graph, id, map);
    if (std::ranges::equal(operands, graph[id].inputs())) continue;
    std::vector<Span> places(graph.origins(id).begin(), graph.origins(id).end());
    Graph::Origin origin(graph, places);
    map[i] = remake(graph, id, graph, operands);
  }
  std::vector<NodeId> out;
  for (NodeId root : roots) out.push_back(map[root.index()]);
  return out;
}

Rebuilt in_precision(const Graph& graph, std::span<const NodeId> roots, Precision precision) {
  Rebuilt out{Graph(precision), {}};
  std::vector<bool> needed = live(graph, roots);
  std::vector<NodeId> map(needed.size());
  for (std::size_t i = 0; i < needed.size(); ++i) {
    NodeId id(static_cast<std::int64_t>(i));
    if (!needed[i]) continue;
    Graph::Origin origin(out.graph, graph.origins(id));
    map[i] = remake(graph, id, out.graph, operands_in(graph, id, map));
  }
  for (NodeId root : roots) out.roots.push_back(map[root.index()]);
  return out;
}

}  // namespace slope
