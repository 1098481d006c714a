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

// The number of a row, from 1, in the data that it is of.
std::int64_t row_number(const Dataset& data, std::size_t row) {
  return (row < data.row_numbers.size() ? data.row_numbers[row] : static_cast<std::int64_t>(row)) + 1;
}

// " at [0, 2] in row 3 of the data": where the i-th number of a value stands.
std::string where(const Graph& graph, NodeId id, std::size_t i, const Dataset& data, std::string_view of) {
  std::size_t in_row = count(graph, id);
  std::string element = element_name("", graph.shape(id).axes, static_cast<std::int64_t>(i % in_row));
  return (element.empty() ? "" : " at " + element) +
         (graph.has_rows(id) ? fmt::format(" in row {} of {}", row_number(data, i / in_row), of) : "");
}

template <class T>
std::optional<NotFinite> first(const Model& model, const Graph& graph, std::span<const NodeId> roots,
                               const Dataset& data, const std::vector<double>& params,
                               std::string_view of_rows) {
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
      found.text = fmt::format("{}{} = {}{}", what, of, shortest(values[k][i]),
                               where(graph, nodes[k], i, data, of_rows));
      if (!graph.origins(nodes[k]).empty()) found.place = graph.origins(nodes[k])[0];
      return found;
    }
  }
  return {};
}

}  // namespace

std::optional<NotFinite> first_not_finite(const Model& model, const Graph& graph,
                                          std::span<const NodeId> roots, const Dataset& data,
                                          const std::vector<double>& params, std::string_view of) {
  bool single = model.graph.precision() == Precision::f32;
  return single ? first<float>(model, graph, roots, data, params, of)
                : first<double>(model, graph, roots, data, params, of);
}

void blame(Diagnostic& diagnostic, const NotFinite& culprit) {
  diagnostic.notes.push_back("the first value that is not finite is " + culprit.text);
  if (culprit.place) diagnostic.span = culprit.place;
}

namespace {
void warn_of(std::string message, const Model& model, std::span<const NodeId> roots, const Dataset& data,
             const std::vector<double>& params, std::string_view of, Diagnostics& diagnostics) {
  Diagnostic d;
  d.severity = Severity::warning;
  d.code = Code::not_finite_result;
  d.message = std::move(message);
  if (auto culprit = first_not_finite(model, model.graph, roots, data, params, of)) blame(d, *culprit);
  diagnostics.add(std::move(d));
}
}  // namespace

bool warn_of_results(const Model& model, std::span<const Result> results, const Dataset& data,
                     const std::vector<double>& params, std::string_view of, Diagnostics& diagnostics) {
  std::vector<std::string> named;
  std::vector<NodeId> roots;
  for (const Result& result : results) {
    if (std::isfinite(result.value)) continue;
    named.push_back(fmt::format("`{}` is {}", result.name, shortest(result.value)));
    roots.push_back(result.root);
  }
  if (named.empty()) return false;
  warn_of(fmt::format("{}, no finite number{}", listed(named), named.size() == 1 ? "" : "s"), model, roots,
          data, params, of, diagnostics);
  return true;
}

bool warn_of_predictions(const Model& model, std::span<const double> values, const Dataset& data,
                         const std::vector<double>& params, Diagnostics& diagnostics) {
  const Shape& shape = model.graph.shape(model.predict);
  auto in_row = static_cast<std::size_t>(elements(shape));
  std::int64_t rows = shape.rows ? data.rows : 1, count = 0, first = 0;
  for (std::int64_t row = 0; row < rows; ++row) {
    std::span<const double> of_row = values.subspan(static_cast<std::size_t>(row) * in_row, in_row);
    bool finite = std::all_of(of_row.begin(), of_row.end(), [](double x) { return std::isfinite(x); });
    if (finite || std::binary_search(data.missing.begin(), data.missing.end(), row)) continue;
    if (count++ == 0) first = row;
  }
  if (count == 0) return false;
  std::string message =
      !shape.rows ? "the prediction is no finite number"
                  : fmt::format("the prediction is no finite number in {} of {} rows, first in row {}", count,
                                rows, first + 1);
  warn_of(std::move(message), model, std::span(&model.predict, 1), data, params, "the data", diagnostics);
  return true;
}

}  // namespace slope
