// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Columns of numbers in memory, and how one is built block by block without knowing beforehand what it will
// hold.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "codegen/storage.h"

namespace slope {

// The cells of one column in the narrowest storage that holds every one exactly (−0 is kept), 64-byte aligned
// and padded with zeros to a multiple of 64 cells and 64 more, so that code may load whole vectors anywhere.
// A row has one cell or an array of them, row-major.
class Column {
 public:
  Column() = default;
  // Only the padding is set. `elements`: cells in a row.
  Column(std::string name, Storage storage, std::int64_t rows, std::int64_t elements = 1);
  const std::string& name() const { return name_; }
  void rename(std::string name) { name_ = std::move(name); }
  Storage storage() const { return storage_; }
  std::int64_t rows() const { return rows_; }
  std::int64_t elements() const { return elements_; }
  std::int64_t cells() const { return rows_ * elements_; }
  const void* data() const { return bytes_.get(); }
  void* data() { return bytes_.get(); }
  // Exact: every storage fits a double.
  double at(std::int64_t row, std::int64_t element = 0) const;
  void keep_rows(std::int64_t rows);  // the first so many; sets the padding behind them
  // The cells of so many rows together are those of one: row-major.
  void set_elements(std::int64_t elements);
  Column copy() const;

 private:
  struct Free {
    void operator()(void* p) const;
  };
  std::string name_;
  Storage storage_ = Storage::f64;
  std::int64_t rows_ = 0, elements_ = 1;
  std::unique_ptr<void, Free> bytes_;
};

// One column with a row of all the parts' rows: cell k of a row is that of part k. At least one part, each of
// the same rows and of one cell a row.
Column side_by_side(std::string name, std::span<const Column> parts);

// Rows of a column by number, one after the other; `to` has the column's storage and elements, and room for
// them. What stands behind the rows in `to` stays.
void gather(const Column& from, std::span<const std::int64_t> rows, Column& to);
// These rows of the column as a column of its own.
Column rows_of(const Column& column, std::span<const std::int64_t> rows);

// One that holds the cells of both exactly; the column in it.
Storage joined_storage(const Column& a, const Column& b);
Column converted(const Column& column, Storage storage);

// Appends blocks of cells, T being double, or float where the cells are floats already. What is there is kept
// in the narrowest storage so far and moves to a wider one at most three times, and to twice the memory where
// more rows come than were expected; memory beyond the rows that were appended is not touched.
template <class T>
class ColumnBuilder {
 public:
  explicit ColumnBuilder(std::int64_t expected_rows) : room_(expected_rows) {}
  void append(std::span<const T> block);
  Column finish(std::string name) &&;

 private:
  void move_to(Storage storage);

  // What is true of every cell so far. `low` and `high` count while all are integers.
  struct Facts {
    bool integers = true;  // of 32 bits, none of them −0
    bool singles = true;   // floats, exactly
    T low = 0, high = 0;
    void note(std::span<const T> block);
    Storage narrowest() const;
  } facts_;
  std::int64_t room_, rows_ = 0;
  Column column_;
};
extern template class ColumnBuilder<double>;
extern template class ColumnBuilder<float>;

// The column of these values; with `single` the values are floats already.
Column make_column(std::string name, std::span<const double> values, bool single);

}  // namespace slope
