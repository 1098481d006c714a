// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The data and the parameters as the interpreter takes them.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "graph/evaluate.h"
#include "runtime/pipeline.h"

namespace slope {

// Rows of the data by number, from 0: all of them; at most `most`, evenly spaced, the first among them.
std::vector<std::int64_t> all_rows(const Dataset& data);
std::vector<std::int64_t> spread_rows(const Dataset& data, std::int64_t most);

// These rows of the columns that were read, all their elements, and these parameters, the model's own states
// behind them. The rate is that of the
// first train statement.
template <class T>
Inputs<T> interpreter_inputs(const Model& model, const Dataset& data, std::span<const double> params,
                             std::span<const std::int64_t> rows);

}  // namespace slope
