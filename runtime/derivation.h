// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How the gradient comes about, for reading with a pencil: the loss step by step, then its derivative by
// every intermediate value from the loss downwards, each line one use of the chain rule, with the numbers of
// one row of the data. What the differentiator (graph/gradient.h) does, unsimplified across steps.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "graph/print.h"
#include "runtime/pipeline.h"

namespace slope {

// `row` counts from 0. Numbers are those at the parameters' starts; without data of a model that has columns,
// or where all values would be more than 20 million numbers, the formulas stand alone.
std::string derivation(Lowered& lowered, const std::optional<Dataset>& data, std::int64_t row,
                       const PrintNames& names);

}  // namespace slope
