// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Whether a point lies on a kink of the loss (graph/kinks.h): a gradient there says nothing of a minimum.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "runtime/pipeline.h"

namespace slope {

struct KinkAt {
  std::string op;            // "abs", "max", "if"
  std::vector<Span> places;  // in the model
  std::int64_t row = 0;      // the first row, from 0; −1: of the parameters alone
};

// The first kink whose argument is 0 as far as doubles tell, in any row and element. `params`: all elements
// of all parameters, of which those of the trained ones move. What steps, as floor, and maxima over axes are
// not looked at.
std::optional<KinkAt> kink_at(const Model& model, const std::vector<int>& trained, const Dataset& data,
                              std::span<const double> params);

}  // namespace slope
