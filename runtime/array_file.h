// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Files that hold one array of numbers, its rows along the first axis: what their headers say
// (runtime/npy.h, runtime/idx.h), and their elements as a column. A header is believed only where the file
// has exactly the bytes that it speaks of; nothing is allocated before.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostic.h"
#include "runtime/column.h"
#include "runtime/missing.h"

namespace slope {

enum class Element : std::uint8_t { boolean, u8, i8, u16, i16, u32, i32, u64, i64, f32, f64 };
std::size_t size_of(Element element);

struct ArrayHeader {
  Element element = Element::f64;
  bool big_endian = false;
  bool fortran_order = false;      // the first axis varies fastest
  std::vector<std::int64_t> axes;  // as the file has them, not negative; the first counts the rows
  std::size_t begin = 0;           // of the elements in the file

  std::vector<std::int64_t> row_axes() const { return {axes.begin() + 1, axes.end()}; }
};

// "model.npy: MESSAGE" as an error; no line or column.
Diagnostic& array_error(Code code, const std::string& path, std::string message, Diagnostics& diagnostics);

// Whether there is an axis, no axis but that of the rows is empty, and `size` bytes are exactly the header's.
bool check_array(const ArrayHeader& header, std::size_t size, const std::string& path,
                 Diagnostics& diagnostics);

struct ArrayRequest {
  std::string path;
  bool labels = false;   // the column holds the order in which its labels first occur
  Missing missing = {};  // a NaN is, and the numbers that are named
};

struct ArrayColumn {
  Column column;  // with the elements of a row, row-major
  std::int64_t dropped = 0;
  std::vector<std::string> labels;
  std::vector<std::int64_t> missing = {};  // rows that are kept though a number is missing: 0, labels −1
};

// T is the float type that the elements are rounded to, once. Rows with a NaN are an error, or dropped.
template <class T>
std::optional<ArrayColumn> read_array(const ArrayHeader& header, std::string_view bytes,
                                      const ArrayRequest& request, Diagnostics& diagnostics);

// The number in the file, from 0, of a row of the column that was read.
std::int64_t row_in_file(const ArrayHeader& header, std::string_view bytes, const Missing& missing,
                         std::int64_t row);

}  // namespace slope
