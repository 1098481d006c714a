// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Data files: columns of numbers with names. The header is read first (the graph needs its facts), the cells
// only of the columns that the model names. Errors name file, line (the header is line 1) and column of the
// text.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/diagnostic.h"
#include "codegen/storage.h"

namespace slope {

// The cells of one column in the narrowest storage that holds every one exactly (−0 is kept), 64-byte aligned
// and padded with zeros to a multiple of 64 cells, so that code may load whole vectors.
class Column {
 public:
  Column() = default;
  Column(std::string name, Storage storage, std::int64_t rows);  // only the padding is set
  const std::string& name() const { return name_; }
  Storage storage() const { return storage_; }
  std::int64_t rows() const { return rows_; }
  const void* data() const { return bytes_.get(); }
  void* data() { return bytes_.get(); }
  double at(std::int64_t row) const;  // exact: every storage fits a double

 private:
  struct Free {
    void operator()(void* p) const;
  };
  std::string name_;
  Storage storage_ = Storage::f64;
  std::int64_t rows_ = 0;
  std::unique_ptr<void, Free> bytes_;
};

// Narrows: the column of these values in the narrowest exact storage. With `single` the values are floats
// already.
Column make_column(std::string name, std::span<const double> values, bool single);

struct DataOptions {
  char separator = ',';
  bool drop_missing =
      false;  // rows with an empty cell, NA or nan in a wanted column are left out and counted
};

class DataFile {
 public:
  // Reads the file ("-": standard input) into memory (mapped where possible) and its header.
  static std::optional<DataFile> open(const std::string& path, const DataOptions& options,
                                      Diagnostics& diagnostics);

  const std::string& path() const;
  const std::vector<std::string>& header() const;

  struct Columns {
    std::vector<Column> columns;  // as wanted, in that order
    std::int64_t rows = 0;
    std::int64_t dropped = 0;
  };
  // Cells become the nearest double, or the nearest float with `single` (never rounded twice).
  // A name that the header lacks is the caller's error to report (it knows the line of the model).
  std::optional<Columns> read(std::span<const std::string> names, bool single,
                              Diagnostics& diagnostics) const;

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
