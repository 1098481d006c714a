// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/array_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>
#include <unordered_map>

#include "base/os.h"
#include "base/text.h"
#include "frontend/labels.h"
#include "graph/shape.h"

namespace slope {

namespace {

// Calls f with a null pointer to the type of the elements.
template <class F>
auto with_element(Element element, F f) {
  switch (element) {
    case Element::boolean:
    case Element::u8: return f(static_cast<std::uint8_t*>(nullptr));
    case Element::i8: return f(static_cast<std::int8_t*>(nullptr));
    case Element::u16: return f(static_cast<std::uint16_t*>(nullptr));
    case Element::i16: return f(static_cast<std::int16_t*>(nullptr));
    case Element::u32: return f(static_cast<std::uint32_t*>(nullptr));
    case Element::i32: return f(static_cast<std::int32_t*>(nullptr));
    case Element::u64: return f(static_cast<std::uint64_t*>(nullptr));
    case Element::i64: return f(static_cast<std::int64_t*>(nullptr));
    case Element::f32: return f(static_cast<float*>(nullptr));
    case Element::f64: break;
  }
  return f(static_cast<double*>(nullptr));
}

// The elements in row-major order, whatever their order in the file.
template <class E>
class Elements {
 public:
  Elements(const ArrayHeader& header, std::string_view bytes)
      : bytes_(bytes.data() + header.begin),
        swapped_(header.big_endian != (std::endian::native == std::endian::big)),
        boolean_(header.element == Element::boolean) {
    for (std::int64_t n : header.row_axes()) in_row_ *= n;
    if (!header.fortran_order) return;
    // Of the element with the indices i, j, … in a row: rows·(i + n·(j + …)).
    std::vector<std::int64_t> axes = header.row_axes(), at(axes.size());
    rows_ = header.axes[0];
    offsets_.reserve(static_cast<std::size_t>(in_row_));
    for (std::int64_t element = 0; element < in_row_; ++element) {
      std::int64_t offset = 0;
      for (std::size_t k = axes.size(); k-- > 0;) offset = offset * axes[k] + at[k];
      offsets_.push_back(offset * rows_);
      for (std::size_t k = axes.size(); k-- > 0 && ++at[k] == axes[k];) at[k] = 0;
    }
  }

  std::int64_t in_row() const { return in_row_; }

  E at(std::int64_t row, std::int64_t element) const {
    std::int64_t place =
        offsets_.empty() ? row * in_row_ + element : row + offsets_[static_cast<std::size_t>(element)];
    char bytes[sizeof(E)];
    std::memcpy(bytes, bytes_ + static_cast<std::size_t>(place) * sizeof(E), sizeof(E));
    if (swapped_) std::reverse(bytes, bytes + sizeof(E));
    E value;
    std::memcpy(&value, bytes, sizeof(E));
    if (boolean_) value = value != E{0} ? E{1} : E{0};
    return value;
  }

  bool is_missing(std::int64_t row, const Missing& missing) const {
    for (std::int64_t k = 0; k < in_row_; ++k)
      if (says_missing(at(row, k), missing)) return true;
    return false;
  }
  static bool says_missing(E value, const Missing& missing) {
    if constexpr (std::is_floating_point_v<E>)
      if (std::isnan(value)) return true;
    return missing.names_numbers() && missing.has_number(value);
  }

 private:
  const char* bytes_;
  bool swapped_, boolean_;
  std::int64_t in_row_ = 1, rows_ = 0;
  std::vector<std::int64_t> offsets_;
};

template <class E>
std::string label_of(E value) {
  if constexpr (std::is_floating_point_v<E>) return shortest(value);
  else return std::to_string(value);
}

// Elements in a block of cells; the labels are numbered as they come.
template <class T, class E>
class ArrayReader {
 public:
  ArrayReader(const ArrayHeader& header, std::string_view bytes, const ArrayRequest& request,
              Diagnostics& diagnostics)
      : header_(header), elements_(header, bytes), request_(request), diagnostics_(diagnostics) {}

  std::optional<ArrayColumn> read() {
    ColumnBuilder<T> builder(header_.axes[0] * elements_.in_row());
    std::vector<T> block;
    for (std::int64_t row = 0; row < header_.axes[0] && good_; ++row) {
      if (elements_.is_missing(row, request_.missing)) {
        ++missing_;
        if (missing_ == 1) first_missing_ = row;
        if (request_.missing.rows != Missing::Rows::kept) continue;
        rows_.push_back(row);
      }
      for (std::int64_t k = 0; k < elements_.in_row(); ++k) block.push_back(cell(row, k));
      if (block.size() < 4096 && row + 1 < header_.axes[0]) continue;
      builder.append(block);
      block.clear();
    }
    if (!block.empty()) builder.append(block);
    if (!good_ || !rows_are_there()) return {};
    std::int64_t dropped = rows_.empty() ? missing_ : 0;
    ArrayColumn out{std::move(builder).finish({}), dropped, std::move(labels_), std::move(rows_)};
    out.column.set_elements(elements_.in_row());
    return out;
  }

 private:
  T cell(std::int64_t row, std::int64_t k) {
    E value = elements_.at(row, k);
    if (Elements<E>::says_missing(value, request_.missing)) return static_cast<T>(request_.labels ? -1 : 0);
    if (request_.labels) return label(value);
    if constexpr (std::is_same_v<E, double> && std::is_same_v<T, float>)
      if (std::isfinite(value) && std::abs(value) > std::numeric_limits<float>::max()) too_large(row, value);
    return static_cast<T>(value);
  }

  T label(E value) {
    if (value == E{0}) value = E{0};  // −0 is 0
    auto [found, fresh] = numbers_.try_emplace(value, std::ssize(labels_));
    if (fresh) labels_.push_back(label_of(value));
    if (std::ssize(labels_) > most_classes && good_) {
      array_error(Code::too_large, request_.path, fmt::format("there are more than {} labels", most_classes),
                  diagnostics_);
      good_ = false;
    }
    return static_cast<T>(found->second);
  }

  void too_large(std::int64_t row, double value) {
    if (!good_) return;
    array_error(
        Code::cell_too_large, request_.path,
        fmt::format("{} in row {} is too large: the largest f32 number is 3.4e38", shortest(value), row + 1),
        diagnostics_)
        .helps.push_back("`precision f64` holds numbers up to 1.8e308");
    good_ = false;
  }

  bool rows_are_there() {
    if (!rows_.empty()) return true;
    if (missing_ > 0 && request_.missing.rows == Missing::Rows::refused) {
      Diagnostic& d = array_error(Code::missing_cell, request_.path,
                                  fmt::format("row {} has a {}: numbers were expected", first_missing_ + 1,
                                              request_.missing.is_usual() ? "NaN" : "missing number"),
                                  diagnostics_);
      if (missing_ > 1) d.notes.push_back(fmt::format("{} rows have one", missing_));
      d.helps.push_back("`missing=drop` leaves such rows out");
      return false;
    }
    if (missing_ < header_.axes[0]) return true;
    array_error(Code::no_rows, request_.path,
                missing_ > 0 ? fmt::format("no rows are left: a number is missing in all {}", missing_)
                             : "the array has no rows",
                diagnostics_);
    return false;
  }

  const ArrayHeader& header_;
  Elements<E> elements_;
  const ArrayRequest& request_;
  Diagnostics& diagnostics_;
  std::unordered_map<E, std::int64_t> numbers_;
  std::vector<std::string> labels_;
  std::int64_t missing_ = 0, first_missing_ = 0;
  std::vector<std::int64_t> rows_;  // that are kept though a number is missing
  bool good_ = true;
};

// Bytes are a column as they lie in the file.
Column bytes_column(const ArrayHeader& header, std::string_view bytes) {
  std::int64_t in_row = 1;
  for (std::int64_t n : header.row_axes()) in_row *= n;
  Column column({}, Storage::u8, header.axes[0], in_row);
  std::memcpy(column.data(), bytes.data() + header.begin, static_cast<std::size_t>(column.cells()));
  return column;
}

}  // namespace

std::size_t size_of(Element element) {
  return with_element(element, []<class E>(E*) { return sizeof(E); });
}

Diagnostic& array_error(Code code, const std::string& path, std::string message, Diagnostics& diagnostics) {
  Diagnostic d;
  d.code = code;
  d.position = FilePosition{path};
  d.message = std::move(message);
  return diagnostics.add(std::move(d));
}

bool check_array(const ArrayHeader& header, std::size_t size, const std::string& path,
                 Diagnostics& diagnostics) {
  auto refused = [&](Code code, std::string message) {
    array_error(code, path, std::move(message), diagnostics);
    return false;
  };
  std::string shape = to_string(Shape{false, header.axes});
  if (header.axes.empty())
    return refused(Code::bad_data_file, "the array is one number: its first axis must count the rows");
  if (header.axes[0] == 0) return refused(Code::no_rows, "the array has no rows");
  if (std::ranges::find(header.axes, 0) != header.axes.end())
    return refused(Code::bad_data_file, fmt::format("an axis of the array is empty: its shape is {}", shape));
  std::size_t bytes = size_of(header.element);
  bool fits = true;
  for (std::int64_t n : header.axes)
    fits = fits && !__builtin_mul_overflow(bytes, static_cast<std::size_t>(n), &bytes);
  if (!fits || bytes > os::memory_limit())
    return refused(
        Code::too_large,
        fmt::format("its header speaks of an array of shape {}, which is more than memory", shape));
  std::size_t there = size - header.begin;
  if (there == bytes) return true;
  std::string message = fmt::format("an array of shape {} has {} bytes, the file has {} behind its header",
                                    shape, bytes, there);
  return refused(Code::bad_data_file,
                 (there < bytes ? "the file is cut short: " : "the file is too long: ") + message);
}

template <class T>
std::optional<ArrayColumn> read_array(const ArrayHeader& header, std::string_view bytes,
                                      const ArrayRequest& request, Diagnostics& diagnostics) {
  bool plain_bytes = header.element == Element::u8 && (!header.fortran_order || header.axes.size() == 1);
  if (plain_bytes && !request.labels && !request.missing.names_numbers())
    return ArrayColumn{bytes_column(header, bytes), 0, {}};
  return with_element(header.element, [&]<class E>(E*) {
    return ArrayReader<T, E>(header, bytes, request, diagnostics).read();
  });
}

template std::optional<ArrayColumn> read_array<float>(const ArrayHeader&, std::string_view,
                                                      const ArrayRequest&, Diagnostics&);
template std::optional<ArrayColumn> read_array<double>(const ArrayHeader&, std::string_view,
                                                       const ArrayRequest&, Diagnostics&);

std::int64_t row_in_file(const ArrayHeader& header, std::string_view bytes, const Missing& missing,
                         std::int64_t row) {
  if (missing.rows != Missing::Rows::dropped) return row;
  return with_element(header.element, [&]<class E>(E*) {
    Elements<E> elements(header, bytes);
    std::int64_t at = 0;
    for (std::int64_t left = row; at < header.axes[0]; ++at)
      if (!elements.is_missing(at, missing) && left-- == 0) break;
    return at;
  });
}

}  // namespace slope
