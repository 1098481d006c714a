// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the columns of a data file hold, found in one pass over its cells, before any model says which of them
// are wanted. Nothing is reported: rows that are too short or too long count as far as they go.
#pragma once
#include <cstdint>
#include <vector>

#include "runtime/data.h"

namespace slope {

struct ColumnFacts {
  std::int64_t numbers = 0, missing = 0, others = 0;  // cells
  bool finite = true;                                 // no number is infinite
  bool zero_or_one = true;                            // no number is another
  double least = 0, greatest = 0, mean = 0;           // of the numbers
  double deviation = 0;                               // its square divides by the count
};

// One for each column of the header.
std::vector<ColumnFacts> column_facts(const DataFile& file, char separator);

}  // namespace slope
