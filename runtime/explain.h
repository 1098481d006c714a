// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Why a number is not finite, in the words of the model.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/pipeline.h"

namespace slope {

// The first operation whose value is not finite though its operands are.
struct NotFinite {
  double value = 0, largest = 0;  // its value, the largest magnitude among its operands
  std::string text;               // "log of 0 = -inf in row 1 of the data"
  std::optional<Span> place;      // in the model
};

// Of those that the roots need, at these parameters. By the interpreter; for large data only the first rows
// are looked at. The graph is the model's or one made of it.
std::optional<NotFinite> first_not_finite(const Model& model, const Graph& graph,
                                          std::span<const NodeId> roots, const Dataset& data,
                                          const std::vector<double>& params,
                                          std::string_view of = "the data");

// Says so in the diagnostic, which then stands at that operation.
void blame(Diagnostic& diagnostic, const NotFinite& culprit);

// What was computed at parameters: the loss, a metric, a report.
struct Result {
  std::string name;
  double value = 0;
  NodeId root;  // in the model's graph
};
// Code::not_finite_result, a warning, where some are no finite numbers: which, and the first operation that
// is the reason. `of`: what the rows are of, "the data". Whether there are any.
bool warn_of_results(const Model& model, std::span<const Result> results, const Dataset& data,
                     const std::vector<double>& params, std::string_view of, Diagnostics& diagnostics);
// The same of predictions: the elements of each row, or those of all rows. Rows in which a cell is missing
// have none.
bool warn_of_predictions(const Model& model, std::span<const double> values, const Dataset& data,
                         const std::vector<double>& params, Diagnostics& diagnostics);

}  // namespace slope
