// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "graph/transpose.h"

#include <algorithm>
#include <numeric>
#include <optional>

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

namespace {

// A slice of all but one axis, of which it takes the elements [begin, end).
struct Piece {
  std::size_t axis = 0;
  std::int64_t begin = 0, end = 0;
  NodeId dy;
};
std::optional<Piece> piece_of(const Graph& graph, const SliceDerivative& slice) {
  std::optional<Piece> out;
  const Shape& from = graph.shape(graph[slice.slice].operands[0]);
  auto along = graph.along(graph[slice.slice]);
  for (std::size_t k = 0; k < along.size(); ++k) {
    if (along[k].begin == 0 && along[k].step == 1 && along[k].count == from.axes[k]) continue;
    bool run = along[k].step == 1 || along[k].count == 1;
    if (out || !run) return {};
    out = Piece{k, along[k].begin, along[k].begin + along[k].count, slice.dy};
  }
  return out;
}

// Pieces that follow one another along their axis, zeros between them, in the given shape.
NodeId side_by_side(Graph& graph, std::span<const Piece> pieces, const Shape& shape) {
  std::vector<NodeId> parts;
  std::int64_t at = 0;
  auto zeros_to = [&](std::int64_t end) {
    Shape gap = shape;
    gap.axes[pieces[0].axis] = end - at;
    if (end > at) parts.push_back(graph.broadcast(graph.constant(0), gap));
  };
  for (const Piece& piece : pieces) {
    zeros_to(piece.begin);
    parts.push_back(piece.dy);
    at = piece.end;
  }
  zeros_to(shape.axes[pieces[0].axis]);
  return graph.concat(parts, static_cast<std::int64_t>(pieces[0].axis));
}

}  // namespace

NodeId transpose_slices(Graph& graph, std::span<const SliceDerivative> slices) {
  const Shape from = graph.shape(graph[slices[0].slice].operands[0]);
  NodeId sum;
  auto add = [&](NodeId x) { sum = sum.valid() ? graph.apply<op::Add>(sum, x) : x; };
  std::vector<Piece> pieces;
  for (const SliceDerivative& slice : slices) {
    if (auto piece = piece_of(graph, slice)) pieces.push_back(*piece);
    else add(transpose(graph, slice.slice, 0, slice.dy));
  }
  std::stable_sort(pieces.begin(), pieces.end(), [](const Piece& a, const Piece& b) {
    return std::pair(a.axis, a.begin) < std::pair(b.axis, b.begin);
  });
  // What overlaps goes into another round.
  while (!pieces.empty()) {
    std::vector<Piece> chosen, left;
    for (const Piece& piece : pieces) {
      bool follows = chosen.empty() || (piece.axis == chosen.back().axis && piece.begin >= chosen.back().end);
      (follows ? chosen : left).push_back(piece);
    }
    add(side_by_side(graph, chosen, from));
    pieces = std::move(left);
  }
  return sum;
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
