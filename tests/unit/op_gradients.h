// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One op of columns or parameters with its gradient and the gradients of that, as graph.
#pragma once
#include <array>
#include <span>
#include <vector>

#include "graph/evaluate.h"
#include "graph/gradient.h"
#include "tests/unit/op_numbers.h"

namespace slope::test {

// One tuple of operands a row.
template <class T>
Inputs<T> columns_of(const std::vector<Point<T>>& points, std::size_t arity) {
  Inputs<T> in;
  in.rows = static_cast<std::int64_t>(points.size());
  in.columns.resize(arity);
  for (std::size_t k = 0; k < arity; ++k)
    for (const Point<T>& x : points) in.columns[k].push_back(x[k]);
  return in;
}

struct OpGradients {
  using Ids = std::array<NodeId, 3>;  // by operand; invalid: identically zero

  Graph graph;
  std::vector<NodeId> leaves;
  NodeId value;

  // A truth value is `leaf > 0.5`.
  explicit OpGradients(OpId op, Precision precision = Precision::f64, bool rows = true) : graph(precision) {
    std::vector<NodeId> operands;
    for (int k = 0; k < info(op).arity; ++k) {
      NodeId leaf = rows ? graph.data(k) : graph.param(k);
      bool truth = info(op).operands[static_cast<std::size_t>(k)] == Type::truth;
      leaves.push_back(leaf);
      operands.push_back(truth ? graph.apply<op::Greater>(leaf, graph.constant(0.5)) : leaf);
    }
    value = graph.to_real(graph.apply(op, operands));
  }

  Ids gradient(NodeId y) {
    Ids out{};
    if (!y.valid()) return out;
    if (graph.has_rows(y)) y = graph.reduce(Reduction::sum, y);
    std::vector<NodeId> ids = differentiate(graph, y, leaves);
    std::copy(ids.begin(), ids.end(), out.begin());
    return out;
  }

  // The values with one tuple of operands a row; zeros of an invalid id.
  template <class T>
  std::vector<T> at(NodeId id, const std::vector<Point<T>>& points) const {
    if (!id.valid()) return std::vector<T>(points.size());
    return evaluate<T>(graph, std::span(&id, 1), columns_of(points, leaves.size()))[0];
  }
};

}  // namespace slope::test
