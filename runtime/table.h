// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The rows of a CSV text as columns, one for each that is wanted: of numbers, or of labels by the order in
// which they first occur. The hot loop of reading data is here.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/diagnostic.h"
#include "runtime/column.h"
#include "runtime/csv.h"
#include "runtime/missing.h"

namespace slope {

struct TableRequest {
  std::string path;
  const std::vector<std::string>& header;
  std::vector<int> columns;  // wanted, by number; the same may be there twice
  std::vector<bool> labels;  // for each: whether its cells are labels
  Missing missing;
  bool any_processor = false;  // for tests: with the instructions that every processor has
};

// Cells of whole numbers that no number of the model is: what was read is near them.
struct LostDigits {
  std::int64_t cells = 0;
  FilePosition first = {};
  std::string text = {};  // of the first cell, and what was read
  double value = 0;
};

struct Table {
  std::vector<int> slots;                        // for each wanted column: where in `columns`
  std::vector<Column> columns;                   // each once
  std::vector<std::vector<std::string>> labels;  // of each that holds labels: its cells are numbers of these
  std::vector<LostDigits> lost;                  // of each
  std::int64_t rows = 0, dropped = 0;
  std::vector<std::int64_t> missing;  // rows that are kept though a cell is missing: it is 0, a label −1
};

// From the first line behind the header, `rows` on line `line`. T is the float type that cells are rounded
// to. Tells of 20 faults at most, then stops.
template <class T>
std::optional<Table> read_table(const csv::Scanner& scan, const char* rows, int line,
                                const TableRequest& request, Diagnostics& diagnostics);

// Where in the text the cell of a column of the file stands in a row of the table that was read; on error
// paths only, as the text is read again up to there. Both count from 0.
template <class T>
FilePosition cell_place(const csv::Scanner& scan, const char* rows, int line, const TableRequest& request,
                        std::int64_t row, int column);

// The place of `at` in a text of which `from` begins line `line`.
FilePosition place_in(const char* from, const char* at, int line, const std::string& path);

Diagnostic unclosed_quote(FilePosition position);

}  // namespace slope
