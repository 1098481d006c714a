// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Rows by which a training is judged and which it does not see.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "runtime/session.h"

namespace slope {

// The rows to train on and those held out.
struct Split {
  Dataset training;
  std::optional<Dataset> validation;  // its columns are stored as those of the training
};

// Which rows a fraction holds out, in ascending order: so many as are nearest to the fraction, one at least
// on either side, the first in the order that shuffled() gives for the seed.
std::vector<std::int64_t> held_out(std::int64_t rows, double fraction, std::int64_t seed);
// The others.
std::vector<std::int64_t> trained_on(std::int64_t rows, double fraction, std::int64_t seed);
// Those that a model trains on, of its data; no function where they are all.
CountedRows counted_rows(const Model& model);

// Those of so many rows that are not among these, which are in ascending order.
std::vector<std::int64_t> others(std::span<const std::int64_t> some, std::int64_t rows);
// These rows of the data, with their numbers in it.
Dataset rows_of(const Dataset& data, std::vector<std::int64_t> rows);

// Where the file of the rows held out is; "" where they are a fraction.
std::string validation_path(const Request& request, const Validation& validation);

// The data as read, in the parts that the model's `validation` says; as they are where it says nothing. No
// value, with a diagnostic: Code::bad_option_value where either part would have no row, and what opening and
// reading a file may say.
std::optional<Split> split(Session& session, Dataset data, const std::vector<bool>& wanted);

}  // namespace slope
