// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "graph/verify.h"

#include <fmt/format.h>

#include "base/diagnostic.h"

namespace slope {

namespace {

// Whether its constructor, given the same, makes the same of it.
std::string structure_fault(const Graph& graph, const Node& node) {
  const Shape &own = graph.shapes()[node.shape], &from = graph.shape(node.operands[0]);
  bool keeps_type = node.kind != NodeKind::reduce && node.kind != NodeKind::arg_reduce;
  if (keeps_type && graph[node.operands[0]].type != node.type) return "a structure that changes the type";
  if (!keeps_type && graph[node.operands[0]].type != Type::real) return "a reduction of truth values";
  switch (node.kind) {
    case NodeKind::broadcast: {
      auto common = common_shape(from, own);
      return common && *common == own && from != own ? "" : "a broadcast from or to a wrong shape";
    }
    case NodeKind::reduce:
    case NodeKind::arg_reduce:
      return without_axes(from, graph.numbers(node)) == own && from != own
                 ? ""
                 : "a reduction from or to a wrong shape";
    case NodeKind::reshape:
      return from.rows == own.rows && elements(from) == elements(own) ? "" : "a reshape to another size";
    case NodeKind::permute:
    case NodeKind::slice:
    case NodeKind::window: return from.rows == own.rows ? "" : "rows that come or go";
    case NodeKind::pad:
    case NodeKind::window_add:
      return from.rows == own.rows && elements(from) >= 0 ? "" : "rows that come or go";
    case NodeKind::concat:
      return from.rows == own.rows &&
                     elements(own) == elements(from) + elements(graph.shape(node.operands[1]))
                 ? ""
                 : "a concat to another size";
    case NodeKind::contract: {
      auto labels = graph.labels(node);
      return labels.out.size() == own.axes.size() ? "" : "a contraction to another shape";
    }
    case NodeKind::take:
    case NodeKind::scatter_add: return node.index >= 0 ? "" : "no axis to take from";
    case NodeKind::order: return from.rows && own == Shape{} ? "" : "a statistic of the order of no rows";
    default: return "a node of no kind";
  }
}

std::string fault(const Graph& graph, NodeId id) {
  const Node& node = graph[id];
  for (NodeId input : node.inputs())
    if (!input.valid() || input >= id) return "an operand that does not come before";
  auto shape = [&](std::size_t k) { return graph.shapes()[graph[node.operands[k]].shape]; };
  const Shape& own = graph.shapes()[node.shape];
  switch (node.kind) {
    case NodeKind::constant:
      if (own.rows) return "a constant with rows";
      if (node.type == Type::truth && node.value != 0 && node.value != 1)
        return "a truth value that is neither 0 nor 1";
      if (graph.precision() == Precision::f32 && node.value == node.value &&
          static_cast<double>(static_cast<float>(node.value)) != node.value)
        return "a constant that f32 does not hold";
      return "";
    case NodeKind::array:
      return own.rows || static_cast<std::size_t>(elements(own)) != graph.values(node).size()
                 ? "an array of another shape"
                 : "";
    case NodeKind::data: return own.rows && node.index >= 0 ? "" : "data without rows or column";
    case NodeKind::param: return own.rows || node.index < 0 ? "a parameter with rows or without index" : "";
    case NodeKind::state: return own.rows || node.index < 0 ? "a state with rows or without index" : "";
    case NodeKind::draw:
      return node.type != Type::real || !node.numbers.valid() || graph.numbers(node).size() != 2 ||
                     graph.drawn(node).word < 0 || graph.drawn(node).word > 1
                 ? "a draw without key and word"
                 : "";
    case NodeKind::argument: return own != Shape{} || node.index < 0 ? "an argument that is no number" : "";
    case NodeKind::row_count: return own == Shape{} ? "" : "a number of rows that is no number";
    case NodeKind::scalar: {
      const OpInfo& op = info(node.op);
      if (node.type != op.result) return "an op of a wrong type";
      for (std::size_t k = 0; k < node.inputs().size(); ++k) {
        if (graph[node.operands[k]].type != op.operands[k]) return "an operand of a wrong type";
        if (graph[node.operands[k]].shape != node.shape) return "an operand of another shape";
      }
      return "";
    }
    case NodeKind::tap:
    case NodeKind::stop_gradient:
      return graph[node.operands[0]].type == node.type && shape(0) == own
                 ? ""
                 : "an identity of another type or shape";
    default: return structure_fault(graph, node);
  }
}

}  // namespace

std::string verify(const Graph& graph) {
  for (std::size_t i = 0; i < graph.size(); ++i) {
    NodeId id(static_cast<std::int64_t>(i));
    if (std::string what = fault(graph, id); !what.empty()) return fmt::format("node %{}: {}", i, what);
  }
  return "";
}

void check([[maybe_unused]] const Graph& graph) {
#ifndef NDEBUG
  if (std::string what = verify(graph); !what.empty())
    internal_error("the graph is not well-formed: " + what);
#endif
}

}  // namespace slope
