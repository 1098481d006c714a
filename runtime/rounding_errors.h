// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How far the values of a graph may be off by rounding, as the interpreter computes them in double: a running
// error analysis of first order (Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 3.3),
// which is safe, and an experiment, which is closer.
#pragma once
#include <array>
#include <span>
#include <vector>

#include "graph/evaluate.h"

namespace slope {

inline constexpr double roundoff = 0x1p-53;

// The partial derivatives of an op at these operands, whose value there is y; by a truth value 0.
std::array<double, 3> partials(OpId op, const double* operands, double y);

// The values of all nodes that some roots need, element by element.
class Values {
 public:
  Values(const Graph& graph, std::span<const NodeId> roots, const Inputs<double>& inputs);

  const Graph& graph() const { return graph_; }
  std::int64_t rows() const { return rows_; }
  const std::vector<NodeId>& nodes() const { return nodes_; }  // operands before users
  const std::vector<double>& of(NodeId id) const { return values_[at_[id.index()]]; }
  std::size_t position(NodeId id) const { return at_[id.index()]; }  // in nodes()
  // The operands of a scalar op at one of its elements, those of all rows counted.
  std::array<double, 3> operands(NodeId id, std::size_t element) const {
    std::array<double, 3> x{};
    const Node& node = graph_[id];
    for (std::size_t k = 0; k < node.inputs().size(); ++k) x[k] = of(node.operands[k])[element];
    return x;
  }

 private:
  const Graph& graph_;
  std::int64_t rows_;
  std::vector<NodeId> nodes_;
  std::vector<std::size_t> at_;
  std::vector<std::vector<double>> values_;
};

// Of a reduction's operand: which element of the result each of its elements, those of all rows counted, goes
// to.
std::vector<std::size_t> reduced_to(const Graph& graph, NodeId reduction, std::int64_t rows);

// Bounds of the errors of the roots' elements: every op adds its own to what its operands' become by its
// partial derivatives. `of_constants` is the relative error of the constants themselves. Where a partial
// derivative is infinite nothing of first order is known: infinity or NaN.
std::vector<std::vector<double>> rounding_errors(const Values& values, std::span<const NodeId> roots,
                                                 double of_constants);

// How far the roots' elements are off, as the root of the mean square over a few evaluations in which every
// rounding is another, drawn by chance (Monte Carlo arithmetic: Parker, 1997). The same at every call.
std::vector<std::vector<double>> drawn_rounding_errors(const Graph& graph, std::span<const NodeId> roots,
                                                       const Inputs<double>& inputs);

}  // namespace slope
