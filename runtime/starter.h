// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A first model for a data file, as a text to read and to change: the last column of numbers is predicted
// from the other ones by a line, or by a logistic regression where it holds 0 and 1. The rate is 1/λmax of
// the loss (runtime/stability.h) at the start, which for both is where it curves most, so that training comes
// down at every step. Where the columns' scales make gradient descent slow they are shifted and divided
// first.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/diagnostic.h"

namespace slope {

struct Starter {
  std::string text;
  std::string target;                 // the header of the column that is predicted
  std::vector<std::string> features;  // of those it is predicted from
  std::int64_t rows = 0;
};

// `data` is the file to read, `from` how the model names it. No value, with a diagnostic, where the file
// cannot be read or has not two columns of numbers.
std::optional<Starter> starter_model(const std::string& data, const std::string& from,
                                     Diagnostics& diagnostics);

}  // namespace slope
