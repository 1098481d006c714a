// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "graph/evaluate.h"

#include "base/arithmetic.h"
#include "graph/philox.h"

namespace slope {

namespace {

// The elements of a leaf among those of all.
template <class T>
std::vector<T> part(const std::vector<T>& all, const std::vector<std::int64_t>& offsets, std::int32_t index,
                    std::int64_t count) {
  auto at = all.begin() + (offsets.empty() ? index : offsets[static_cast<std::size_t>(index)]);
  return {at, at + count};
}

template <class T>
std::vector<T> draws(const Graph& graph, NodeId id, const Inputs<T>& inputs) {
  Graph::Draw draw = graph.drawn(graph[id]);
  std::int64_t count = elements(graph.shape(id)), rows = graph.has_rows(id) ? inputs.rows : 1;
  std::vector<T> out;
  for (std::int64_t row = 0; row < rows; ++row) {
    bool numbered = graph.has_rows(id) && !inputs.row_numbers.empty();
    std::int64_t number = numbered ? inputs.row_numbers[static_cast<std::size_t>(row)] : row;
    for (std::int64_t e = 0; e < count; ++e) {
      auto place = static_cast<std::uint64_t>(number * count + e);
      out.push_back(draw_number<T>(draw_bits({draw.key, inputs.seed, inputs.step, place}, draw.word)));
    }
  }
  return out;
}

}  // namespace

template <class T>
std::vector<std::vector<T>> evaluate(const Graph& graph, std::span<const NodeId> roots,
                                     const Inputs<T>& inputs) {
  StandardArithmetic standard;
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
      case NodeKind::array: value.assign(graph.values(node).begin(), graph.values(node).end()); break;
      case NodeKind::data: value = inputs.columns[index]; break;
      case NodeKind::param:
        value = part(inputs.params, inputs.param_offsets, node.index, elements(graph.shape(id)));
        break;
      case NodeKind::state:
        value = part(inputs.states, inputs.state_offsets, node.index, elements(graph.shape(id)));
        break;
      case NodeKind::draw: value = draws(graph, id, inputs); break;
      case NodeKind::argument: value = {inputs.arguments[index]}; break;
      case NodeKind::row_count: value = {static_cast<T>(inputs.rows)}; break;
      case NodeKind::tap:
      case NodeKind::stop_gradient: value = operand(0); break;
      case NodeKind::scalar:
        value.resize(operand(0).size());
        for (std::size_t e = 0; e < value.size(); ++e) {
          T x[3] = {};
          for (std::size_t k = 0; k < node.inputs().size(); ++k) x[k] = operand(k)[e];
          value[e] = evaluate_op<T>(node.op, x);
        }
        break;
      default:
        value = evaluate_structure<T>(graph, id, operand(0), node.arity() > 1 ? operand(1) : operand(0),
                                      inputs.rows);
    }
  }
  std::vector<std::vector<T>> results;
  for (NodeId root : roots) results.push_back(values[root.index()]);
  return results;
}

template std::vector<std::vector<float>> evaluate(const Graph&, std::span<const NodeId>,
                                                  const Inputs<float>&);
template std::vector<std::vector<double>> evaluate(const Graph&, std::span<const NodeId>,
                                                   const Inputs<double>&);

}  // namespace slope
