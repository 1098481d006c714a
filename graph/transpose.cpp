// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "graph/transpose.h"

#include <algorithm>
#include <numeric>

#include "base/diagnostic.h"

namespace slope {

namespace {

// The axes of `to` along which a value of shape `from` was repeated.
Axes repeated(const Shape& from, const Shape& to) {
  Axes axes;
  if (to.rows && !from.rows) axes.push_back(rows_axis);
  std::size_t missing = to.axes.size() - from.axes.size();
  for (std::size_t i = 0; i < to.axes.size(); ++i)
    if (i < missing || from.axes[i - missing] != to.axes[i]) axes.push_back(static_cast<std::int64_t>(i));
  return axes;
}

// Reduces dy to the shape that was broadcast to dy's.
NodeId gather_back(Graph& graph, Reduction reduction, NodeId dy, const Shape& from) {
  return graph.reshape(graph.reduce(reduction, dy, repeated(from, graph.shape(dy))), from.axes);
}

NodeId any(Graph& graph, NodeId real) { return graph.apply<op::Greater>(real, graph.constant(0)); }

bool moves_only(NodeKind kind) {
  return kind == NodeKind::reshape || kind == NodeKind::permute || kind == NodeKind::slice ||
         kind == NodeKind::pad || kind == NodeKind::concat;
}

}  // namespace

NodeId spread(Graph& graph, NodeId x, const Shape& shape, std::span<const std::int64_t> axes) {
  Shape kept = shape;
  for (std::int64_t axis : axes)
    if (axis != rows_axis) kept.axes[static_cast<std::size_t>(axis)] = 1;
  return graph.broadcast(graph.reshape(x, kept.axes), shape);
}

NodeId transpose(Graph& graph, NodeId id, std::size_t k, NodeId dy) {
  const Node node = graph[id];  // copies: the graph grows below
  const Shape from = graph.shape(node.operands[k]);
  switch (node.kind) {
    case NodeKind::broadcast: return gather_back(graph, Reduction::sum, dy, from);
    case NodeKind::reduce: return spread(graph, dy, from, Axes(graph.numbers(node)));
    case NodeKind::reshape: return graph.reshape(dy, from.axes);
    case NodeKind::permute: {
      Axes order = graph.numbers(node), inverse(order.size());
      for (std::size_t i = 0; i < order.size(); ++i)
        inverse[static_cast<std::size_t>(order[i])] = static_cast<std::int64_t>(i);
      return graph.permute(dy, inverse);
    }
    case NodeKind::slice: return graph.pad(dy, graph.along(node), from.axes);
    case NodeKind::pad: return graph.slice(dy, graph.along(node));
    case NodeKind::concat: {
      std::vector<Graph::Along> along;
      for (std::int64_t n : from.axes) along.push_back({0, 1, n});
      auto axis = static_cast<std::size_t>(node.index);
      if (k == 1) along[axis].begin = graph.shape(node.operands[0]).axes[axis];
      return graph.slice(dy, along);
    }
    case NodeKind::window: return graph.window_add(dy, graph.windows(node), from.axes);
    case NodeKind::window_add: return graph.window(dy, graph.windows(node));
    case NodeKind::take: return graph.scatter_add(dy, node.operands[1], node.index, from);
    case NodeKind::scatter_add: return graph.broadcast(graph.take(dy, node.operands[1], node.index), from);
    case NodeKind::contract: return transpose_contraction(graph, id, k, dy, node.operands[1 - k]);
    default: internal_error("a node without a transpose");
  }
}

NodeId transpose_contraction(Graph& graph, NodeId id, std::size_t k, NodeId dy, NodeId factor) {
  const Node node = graph[id];
  auto labels = graph.labels(node);
  Axes a(labels.a.begin(), labels.a.end()), b(labels.b.begin(), labels.b.end());
  Axes out(labels.out.begin(), labels.out.end());
  bool rows = graph.has_rows(node.operands[k]);
  return k == 0 ? graph.contract(dy, factor, out, b, a, rows) : graph.contract(factor, dy, a, out, b, rows);
}

NodeId transpose_guard(Graph& graph, NodeId id, std::size_t k, NodeId guard) {
  const Node node = graph[id];
  const Shape from = graph.shape(node.operands[k]);
  if (moves_only(node.kind) || node.kind == NodeKind::reduce) return transpose(graph, id, k, guard);
  if (node.kind == NodeKind::broadcast) {
    if (graph[guard].kind == NodeKind::broadcast && graph.shape(graph[guard].operands[0]) == from)
      return graph[guard].operands[0];
    return any(graph, gather_back(graph, Reduction::max, graph.to_real(guard), from));
  }
  if (node.kind != NodeKind::contract) return any(graph, transpose(graph, id, k, graph.to_real(guard)));
  NodeId ones = graph.broadcast(graph.constant(1), graph.shape(node.operands[1 - k]));
  return any(graph, transpose_contraction(graph, id, k, graph.to_real(guard), ones));
}

NodeId masked_factor(Graph& graph, NodeId id, std::size_t k, NodeId guard) {
  NodeId factor = graph[id].operands[1 - k];
  NodeId reached = transpose_guard(graph, id, 1 - k, guard);
  return graph.apply<op::Select>(reached, factor, graph.constant(0));
}

}  // namespace slope
