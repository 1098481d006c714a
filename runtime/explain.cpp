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
void explain(const Model& model, const Dataset& data, const std::vector<double>& params, Diagnostic& d) {
  const Graph& graph = model.graph;
  std::vector<bool> needed = live(graph, std::span(&model.loss, 1));
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
      std::string of;
      for (NodeId input : node.inputs()) {
        const auto& x = values[at[input.index()]];
        if (node.kind == NodeKind::scalar)
          of += fmt::format("{}{}", of.empty() ? " of " : " and ", shortest(x[std::min(row, x.size() - 1)]));
      }
      std::string where = graph.has_rows(nodes[k]) ? fmt::format(" in row {} of the data", row + 1) : "";
      d.notes.push_back(fmt::format("the first value that is not finite is {}{} = {}{}", what, of,
                                    shortest(values[k][row]), where));
      if (!graph.origins(nodes[k]).empty()) d.span = graph.origins(nodes[k])[0];
      return;
    }
  }
}

}  // namespace

void explain_not_finite(const Model& model, const Dataset& data, const std::vector<double>& params,
                        Diagnostic& diagnostic) {
  if (model.graph.precision() == Precision::f32) explain<float>(model, data, params, diagnostic);
  else explain<double>(model, data, params, diagnostic);
}

}  // namespace slope
