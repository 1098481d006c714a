// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Why a number is not finite, in the words of the model.
#pragma once
#include <optional>
#include <span>
#include <string>
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
                                          const std::vector<double>& params);

// Says so in the diagnostic, which then stands at that operation.
void blame(Diagnostic& diagnostic, const NotFinite& culprit);

}  // namespace slope
