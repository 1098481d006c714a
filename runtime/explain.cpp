// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "runtime/inputs.h"
#include "runtime/parameters.h"

namespace slope {

namespace {

constexpr std::size_t most_values = 20'000'000;  // numbers that the interpreter may hold

// Of one row, or of a value without rows.
std::size_t count(const Graph& graph, NodeId id) {
  return static_cast<std::size_t>(elements(graph.shape(id)));
}

// " at [0, 2] in row 3 of the data": where the i-th number of a value stands.
std::string where(const Graph& graph, NodeId id, std::size_t i) {
  std::size_t in_row = count(graph, id);
  std::string element = element_name("", graph.shape(id).axes, static_cast<std::int64_t>(i % in_row));
  return (element.empty() ? "" : " at " + element) +
         (graph.has_rows(id) ? fmt::format(" in row {} of the data", i / in_row + 1) : "");
}

template <class T>
std::optional<NotFinite> first(const Model& model, const Graph& graph, std::span<const NodeId> roots,
                               const Dataset& data, const std::vector<double>& params) {
  std::vector<bool> needed = live(graph, roots);
  std::vector<NodeId> nodes;
  for (std::size_t i = 0; i < graph.size(); ++i)
    if (needed[i]) nodes.emplace_back(static_cast<std::int64_t>(i));
  std::vector<std::int64_t> rows = all_rows(data);
  std::size_t a_row = 1;
  for (NodeId id : nodes) a_row += graph.has_rows(id) ? count(graph, id) : 1;
  rows.resize(std::min(rows.size(), std::max<std::size_t>(most_values / a_row, 1)));
  auto values = evaluate<T>(graph, nodes, interpreter_inputs<T>(model, data, params, rows));
  std::vector<std::size_t> at(graph.size());
  for (std::size_t k = 0; k < nodes.size(); ++k) at[nodes[k].index()] = k;

  PrintNames names;
  for (const DataColumn& column : model.columns) names.columns.push_back(column.name);
  for (const Parameter& param : model.params) names.params.push_back(param_label(param));
  for (const StateVariable& state : model.states) names.states.push_back(state.name);
  for (std::size_t k = 0; k < nodes.size(); ++k) {
    const Node& node = graph[nodes[k]];
    if (node.kind == NodeKind::constant || node.kind == NodeKind::broadcast) continue;
    for (std::size_t i = 0; i < values[k].size(); ++i) {
      if (std::isfinite(values[k][i])) continue;
      std::string what = node.kind == NodeKind::scalar ? std::string(info(node.op).name)
                                                       : expression(graph, nodes[k], names);
      NotFinite found{static_cast<double>(values[k][i]), 0, "", {}};
      std::string of;
      for (NodeId input : node.inputs()) {
        const auto& x = values[at[input.index()]];
        bool scalar = node.kind == NodeKind::scalar;
        if (!scalar && !graph.shape(input).axes.empty())  // which of them are meant the node says
          for (T value : x) found.largest = std::max(found.largest, static_cast<double>(std::abs(value)));
        if (x.empty()) continue;
        T operand = x[std::min(i, x.size() - 1)];
        found.largest = std::max(found.largest, static_cast<double>(std::abs(operand)));
        if (scalar) of += fmt::format("{}{}", of.empty() ? " of " : " and ", shortest(operand));
      }
      found.text = fmt::format("{}{} = {}{}", what, of, shortest(values[k][i]), where(graph, nodes[k], i));
      if (!graph.origins(nodes[k]).empty()) found.place = graph.origins(nodes[k])[0];
      return found;
    }
  }
  return {};
}

}  // namespace

std::optional<NotFinite> first_not_finite(const Model& model, const Graph& graph,
                                          std::span<const NodeId> roots, const Dataset& data,
                                          const std::vector<double>& params) {
  bool single = model.graph.precision() == Precision::f32;
  return single ? first<float>(model, graph, roots, data, params)
                : first<double>(model, graph, roots, data, params);
}

void blame(Diagnostic& diagnostic, const NotFinite& culprit) {
  diagnostic.notes.push_back("the first value that is not finite is " + culprit.text);
  if (culprit.place) diagnostic.span = culprit.place;
}

}  // namespace slope
