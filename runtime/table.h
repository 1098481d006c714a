// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The rows of a CSV text as columns of numbers, one for each that is wanted. The hot loop of reading data is
// here.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/diagnostic.h"
#include "runtime/column.h"
#include "runtime/csv.h"

namespace slope {

struct TableRequest {
  std::string path;
  const std::vector<std::string>& header;
  std::vector<int> columns;  // wanted, by number; the same may be there twice
  bool drop_missing;
};

struct Table {
  std::vector<int> slots;  // for each column of the file: where in `columns`, or -1
  std::vector<Column> columns;
  std::int64_t rows = 0, dropped = 0;
};

// From the first line behind the header, `rows` on line `line`. T is the float type that cells are rounded
// to. Tells of 20 faults at most, then stops.
template <class T>
std::optional<Table> read_table(const csv::Scanner& scan, const char* rows, int line,
                                const TableRequest& request, Diagnostics& diagnostics);

// The place of `at` in a text of which `from` begins line `line`.
FilePosition place_in(const char* from, const char* at, int line, const std::string& path);

Diagnostic unclosed_quote(FilePosition position);

}  // namespace slope
