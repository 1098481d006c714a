// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The rows of a CSV text as arrays of numbers, one for each wanted column. The hot loop of reading data is
// here.
#pragma once
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/diagnostic.h"
#include "runtime/csv.h"

namespace slope {

struct TableRequest {
  std::string path;
  const std::vector<std::string>& header;
  std::vector<int> columns;  // wanted, by number; the same may be there twice
  char separator;
  bool drop_missing;
};

struct Free {
  void operator()(void* p) const { std::free(p); }
};

template <class T>
struct Table {
  std::vector<int> slots;  // for each column of the file: where in `values`, or -1
  std::vector<std::unique_ptr<T, Free>> values;
  std::int64_t rows = 0, dropped = 0;
};

// From the first line behind the header, `rows` on line `line`. Tells of 20 faults at most, then stops.
template <class T>
std::optional<Table<T>> read_table(const csv::Scanner& scan, const char* rows, int line,
                                   const TableRequest& request, Diagnostics& diagnostics);

// The place of `at` in a text of which `from` begins line `line`.
FilePosition place_in(const char* from, const char* at, int line, const std::string& path);

Diagnostic unclosed_quote(FilePosition position);

}  // namespace slope
