// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "runtime/inputs.h"

namespace slope {

namespace {

constexpr std::size_t most_values = 20'000'000;  // numbers that the interpreter may hold

template <class T>
std::optional<NotFinite> first(const Model& model, const Graph& graph, std::span<const NodeId> roots,
                               const Dataset& data, const std::vector<double>& params) {
  std::vector<bool> needed = live(graph, roots);
  std::vector<NodeId> nodes;
  for (std::size_t i = 0; i < graph.size(); ++i)
    if (needed[i]) nodes.emplace_back(static_cast<std::int64_t>(i));
  std::vector<std::int64_t> rows = all_rows(data);
  rows.resize(std::min(rows.size(), most_values / (nodes.size() + 1)));
  auto values = evaluate<T>(graph, nodes, interpreter_inputs<T>(model, data, params, rows));
  std::vector<std::size_t> at(graph.size());
  for (std::size_t k = 0; k < nodes.size(); ++k) at[nodes[k].index()] = k;

  PrintNames names;
  for (const DataColumn& column : model.columns) names.columns.push_back(column.name);
  for (const Parameter& param : model.params) names.params.push_back(param.name);
  for (std::size_t k = 0; k < nodes.size(); ++k) {
    const Node& node = graph[nodes[k]];
    if (node.kind == NodeKind::constant || node.kind == NodeKind::broadcast) continue;
    for (std::size_t row = 0; row < values[k].size(); ++row) {
      if (std::isfinite(values[k][row])) continue;
      std::string what = node.kind == NodeKind::scalar ? std::string(info(node.op).name)
                                                       : expression(graph, nodes[k], names);
      NotFinite found{static_cast<double>(values[k][row]), 0, "", {}};
      std::string of;
      for (NodeId input : node.inputs()) {
        const auto& x = values[at[input.index()]];
        T operand = x[std::min(row, x.size() - 1)];
        found.largest = std::max(found.largest, static_cast<double>(std::abs(operand)));
        if (node.kind == NodeKind::scalar)
          of += fmt::format("{}{}", of.empty() ? " of " : " and ", shortest(operand));
      }
      std::string where = graph.has_rows(nodes[k]) ? fmt::format(" in row {} of the data", row + 1) : "";
      found.text = fmt::format("{}{} = {}{}", what, of, shortest(values[k][row]), where);
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
