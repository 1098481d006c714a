// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "graph/verify.h"

#include <fmt/format.h>

#include "base/diagnostic.h"

namespace slope {

namespace {

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
    case NodeKind::data: return own.rows && node.index >= 0 ? "" : "data without rows or column";
    case NodeKind::param:
    case NodeKind::argument:
      return own.rows || node.index < 0 ? "a parameter or argument with rows or without index" : "";
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
    case NodeKind::broadcast:
      if (graph[node.operands[0]].type != node.type) return "a broadcast that changes the type";
      return !shape(0).rows && own.rows && shape(0).axes == own.axes ? ""
                                                                     : "a broadcast from or to a wrong shape";
    case NodeKind::reduce:
      if (graph[node.operands[0]].type != Type::real) return "a reduction of truth values";
      return shape(0).rows && !own.rows && shape(0).axes == own.axes ? ""
                                                                     : "a reduction from or to a wrong shape";
    case NodeKind::tap:
    case NodeKind::stop_gradient:
      return graph[node.operands[0]].type == node.type && shape(0) == own
                 ? ""
                 : "an identity of another type or shape";
  }
  return "a node of no kind";
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
