// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "graph/evaluate.h"

#include <algorithm>
#include <bit>
#include <limits>

namespace slope {

namespace {

template <class T>
T neutral(Reduction reduction) {
  if (reduction == Reduction::sum) return T(-0.0);
  T infinity = std::numeric_limits<T>::infinity();
  return reduction == Reduction::max ? -infinity : infinity;
}

template <class T>
T combine(Reduction reduction, T x, T y) {
  if (reduction == Reduction::sum) return x + y;
  return reduction == Reduction::max ? op::Max::value(x, y) : op::Min::value(x, y);
}

// Folds by a halving tree, padded with the neutral element to a power of two.
template <class T>
T fold(Reduction reduction, std::vector<T> x) {
  std::size_t n = std::bit_ceil(std::max<std::size_t>(x.size(), 1));
  x.resize(n, neutral<T>(reduction));
  for (std::size_t h = n / 2; h > 0; h /= 2)
    for (std::size_t j = 0; j < h; ++j) x[j] = combine(reduction, x[j], x[j + h]);
  return x[0];
}

}  // namespace

template <class T>
T reduce(Reduction reduction, std::span<const T> values) {
  std::vector<T> chunks;
  for (std::size_t begin = 0; begin < values.size(); begin += chunk_rows) {
    std::vector<T> lane(128 / sizeof(T), neutral<T>(reduction));
    std::size_t count = std::min<std::size_t>(chunk_rows, values.size() - begin);
    for (std::size_t i = 0; i < count; ++i) {
      T& sum = lane[i % lane.size()];
      sum = combine(reduction, sum, values[begin + i]);
    }
    chunks.push_back(fold(reduction, lane));
  }
  return fold(reduction, chunks);
}

template <class T>
std::vector<std::vector<T>> evaluate(const Graph& graph, std::span<const NodeId> roots,
                                     const Inputs<T>& inputs) {
  auto rows = static_cast<std::size_t>(inputs.rows);
  std::vector<bool> needed = live(graph, roots);
  std::vector<std::vector<T>> values(graph.size());
  for (std::size_t i = 0; i < graph.size(); ++i) {
    if (!needed[i]) continue;
    NodeId id(static_cast<std::int64_t>(i));
    const Node& node = graph[id];
    auto index = static_cast<std::size_t>(node.index);
    std::vector<T>& value = values[i];
    auto operand = [&](std::size_t k) -> const std::vector<T>& { return values[node.operands[k].index()]; };
    switch (node.kind) {
      case NodeKind::constant: value = {static_cast<T>(node.value)}; break;
      case NodeKind::data: value = inputs.columns[index]; break;
      case NodeKind::param: value = {inputs.params[index]}; break;
      case NodeKind::argument: value = {inputs.arguments[index]}; break;
      case NodeKind::row_count: value = {static_cast<T>(inputs.rows)}; break;
      case NodeKind::broadcast: value.assign(rows, operand(0)[0]); break;
      case NodeKind::tap:
      case NodeKind::stop_gradient: value = operand(0); break;
      case NodeKind::reduce: value = {reduce<T>(node.reduction, operand(0))}; break;
      case NodeKind::scalar:
        value.resize(graph.has_rows(id) ? rows : 1);
        for (std::size_t row = 0; row < value.size(); ++row) {
          T x[3] = {};
          for (std::size_t k = 0; k < node.inputs().size(); ++k) x[k] = operand(k)[row];
          value[row] = evaluate_op<T>(node.op, x);
        }
        break;
    }
  }
  std::vector<std::vector<T>> results;
  for (NodeId root : roots) results.push_back(values[root.index()]);
  return results;
}

template float reduce<float>(Reduction, std::span<const float>);
template double reduce<double>(Reduction, std::span<const double>);
template std::vector<std::vector<float>> evaluate(const Graph&, std::span<const NodeId>,
                                                  const Inputs<float>&);
template std::vector<std::vector<double>> evaluate(const Graph&, std::span<const NodeId>,
                                                   const Inputs<double>&);

}  // namespace slope
