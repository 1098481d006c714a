// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Data files: columns with names in a CSV text, or one array without (NPY, IDX). The header is read first
// (the graph needs its facts), the cells only of the columns that the model names. Errors name file, line
// (the header is line 1) and column of the text.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostic.h"
#include "runtime/column.h"
#include "runtime/missing.h"
#include "runtime/table.h"

namespace slope {

struct DataOptions {
  // Else what a first line `sep=;` says, a tab in a file called .tsv (or .tsv.gz), blanks where the columns
  // are parted by them alone (runtime/table_form.h), a comma in others. A space stands for blanks.
  std::optional<char> separator = {};
  Missing missing = {};              // in a wanted column
  std::optional<char> comment = {};  // lines that begin so do not count
};

// A column that is wanted: of numbers, or of labels, which are numbered by the order in which they occur.
struct WantedColumn {
  std::string header;  // "" in a file of one array
  bool labels = false;
};

class DataFile {
 public:
  // Reads the file ("-": standard input) into memory, unpacked where it is compressed with gzip, and its
  // header.
  static std::optional<DataFile> open(const std::string& path, const DataOptions& options,
                                      Diagnostics& diagnostics);

  const std::string& path() const;
  const std::vector<std::string>& header() const;  // none of a file of one array
  char separator() const;
  bool drops_missing() const;
  // Of a file that holds one array: the axes of a row.
  std::optional<std::vector<std::int64_t>> array() const;

  bool has_column(std::string_view name) const;
  // False, with Code::bad_header, where one of them stands in the header twice. read() looks itself.
  bool check_twice(std::span<const WantedColumn> wanted, Diagnostics& diagnostics) const;

  struct Columns {
    std::vector<Column> columns;                   // as wanted, in that order
    std::vector<std::vector<std::string>> labels;  // of each: what its numbers stand for; {} of numbers
    std::vector<LostDigits> lost;                  // of each
    std::int64_t rows = 0;
    std::int64_t dropped = 0;
    std::vector<std::int64_t> missing = {};  // rows that are kept though a cell is missing, which is 0 then
  };
  // Cells become the nearest double, or the nearest float with `single` (never rounded twice).
  // A name that the header lacks is the caller's error to report (it knows the line of the model).
  std::optional<Columns> read(std::span<const WantedColumn> wanted, bool single,
                              Diagnostics& diagnostics) const;
  std::optional<Columns> read(std::span<const std::string> names, bool single,
                              Diagnostics& diagnostics) const;

  // Where a cell of a row that read() gave stands in the file, for messages.
  struct Place {
    FilePosition position;
    std::string words;  // "in column `c`", "in row 3"
  };
  Place place(std::span<const WantedColumn> wanted, std::size_t column, std::int64_t row) const;

  // The input lines as they stand (without line ends), for `predict --keep`: header first.
  std::vector<std::string_view> lines() const;

  DataFile(DataFile&&) noexcept;
  DataFile& operator=(DataFile&&) noexcept;
  ~DataFile();

 private:
  DataFile();
  struct Contents;
  std::unique_ptr<Contents> contents_;
};

}  // namespace slope
