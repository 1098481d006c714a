// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/column.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>
#include <vector>

#include "base/os.h"

namespace slope {

namespace {

constexpr std::int64_t cells_together = 64;

std::size_t bytes_of(Storage storage, std::int64_t cells) {
  std::int64_t vectors = (cells + cells_together - 1) / cells_together + 1;
  return static_cast<std::size_t>(vectors * cells_together) * size_of(storage);
}

// Calls f with a null pointer to the type of the storage.
template <class F>
void with_type(Storage storage, F f) {
  switch (storage) {
    case Storage::u8: return f(static_cast<std::uint8_t*>(nullptr));
    case Storage::i16: return f(static_cast<std::int16_t*>(nullptr));
    case Storage::i32: return f(static_cast<std::int32_t*>(nullptr));
    case Storage::f32: return f(static_cast<float*>(nullptr));
    case Storage::f64: return f(static_cast<double*>(nullptr));
  }
}

// Cells `first` and on of the column.
template <class In>
void put(Column& column, std::int64_t first, const In* values, std::int64_t count) {
  with_type(column.storage(), [&]<class Out>(Out*) {
    Out* out = static_cast<Out*>(column.data()) + first;
    for (std::int64_t i = 0; i < count; ++i) out[i] = static_cast<Out>(values[i]);
  });
}

template <class T>
bool is_integer(T v) {
  return v >= T{-2147483648.0} && v < T{2147483648.0} && static_cast<T>(static_cast<std::int32_t>(v)) == v &&
         !(v == 0 && std::signbit(v));
}

// A conversion of what is too large for a float would be undefined.
bool is_single(double v) {
  bool small = std::abs(v) <= 3.4028234663852886e38;
  return small ? static_cast<double>(static_cast<float>(v)) == v : !std::isfinite(v);
}

}  // namespace

void Column::Free::operator()(void* p) const { std::free(p); }

Column::Column(std::string name, Storage storage, std::int64_t rows, std::int64_t elements)
    : name_(std::move(name)), storage_(storage), elements_(elements) {
  std::size_t bytes = bytes_of(storage, rows * elements);
  bytes_.reset(std::aligned_alloc(64, bytes));
  if (!bytes_) throw std::bad_alloc();
  os::prefer_large_pages(bytes_.get(), bytes);
  keep_rows(rows);
}

void Column::keep_rows(std::int64_t rows) {
  rows_ = rows;
  std::size_t used = static_cast<std::size_t>(cells()) * size_of(storage_);
  std::memset(static_cast<char*>(bytes_.get()) + used, 0, bytes_of(storage_, cells()) - used);
}

void Column::set_elements(std::int64_t elements) {
  rows_ = cells() / elements;
  elements_ = elements;
}

Column Column::copy() const {
  Column out(name_, storage_, rows_, elements_);
  std::memcpy(out.data(), data(), static_cast<std::size_t>(cells()) * size_of(storage_));
  return out;
}

double Column::at(std::int64_t row, std::int64_t element) const {
  double value = 0;
  with_type(storage_,
            [&]<class Cell>(Cell*) { value = static_cast<const Cell*>(data())[row * elements_ + element]; });
  return value;
}

namespace {

bool all_singles(const Column& column) {
  bool singles = true;
  for (std::int64_t i = 0; singles && i < column.cells(); ++i) singles = is_single(column.at(i));
  return singles;
}

// The narrowest that holds the cells of all.
Storage joined_storage(std::span<const Column* const> parts) {
  auto some = [&](Storage storage) {
    return std::any_of(parts.begin(), parts.end(), [&](const Column* c) { return c->storage() == storage; });
  };
  if (some(Storage::f64)) return Storage::f64;
  if (some(Storage::f32)) {
    auto fits = [](const Column* c) { return c->storage() != Storage::i32 || all_singles(*c); };
    return std::all_of(parts.begin(), parts.end(), fits) ? Storage::f32 : Storage::f64;
  }
  return some(Storage::i32) ? Storage::i32 : some(Storage::i16) ? Storage::i16 : Storage::u8;
}

}  // namespace

Column side_by_side(std::string name, std::span<const Column> parts) {
  constexpr std::int64_t together = 64;  // rows of every part in turn, so that a line of memory is met once
  std::int64_t rows = parts[0].rows(), elements = std::ssize(parts);
  std::vector<const Column*> all;
  for (const Column& part : parts) all.push_back(&part);
  Column out(std::move(name), joined_storage(all), rows, elements);
  with_type(out.storage(), [&]<class Out>(Out*) {
    for (std::int64_t first = 0; first < rows; first += together)
      for (std::int64_t k = 0; k < elements; ++k) {
        const Column& part = parts[static_cast<std::size_t>(k)];
        with_type(part.storage(), [&]<class In>(In*) {
          const In* from = static_cast<const In*>(part.data());
          Out* to = static_cast<Out*>(out.data()) + k;
          for (std::int64_t row = first; row < std::min(rows, first + together); ++row)
            to[row * elements] = static_cast<Out>(from[row]);
        });
      }
  });
  return out;
}

void gather(const Column& from, std::span<const std::int64_t> rows, Column& to) {
  with_type(from.storage(), [&]<class Cell>(Cell*) {
    const auto* cells = static_cast<const Cell*>(from.data());
    auto* out = static_cast<Cell*>(to.data());
    std::int64_t elements = from.elements();
    if (elements == 1) {
      for (std::int64_t row : rows) *out++ = cells[row];
      return;
    }
    auto bytes = static_cast<std::size_t>(elements) * sizeof(Cell);
    for (std::int64_t row : rows) {
      std::memcpy(out, cells + row * elements, bytes);
      out += elements;
    }
  });
}

Column rows_of(const Column& column, std::span<const std::int64_t> rows) {
  Column out(column.name(), column.storage(), std::ssize(rows), column.elements());
  gather(column, rows, out);
  return out;
}

Storage joined_storage(const Column& a, const Column& b) {
  const Column* both[] = {&a, &b};
  return joined_storage(both);
}

Column converted(const Column& column, Storage storage) {
  Column out(column.name(), storage, column.rows(), column.elements());
  with_type(column.storage(),
            [&]<class Cell>(Cell*) { put(out, 0, static_cast<const Cell*>(column.data()), column.cells()); });
  return out;
}

template <class T>
void ColumnBuilder<T>::Facts::note(std::span<const T> block) {
  for (std::size_t i = 0; integers && i < block.size(); ++i) {
    integers = is_integer(block[i]);
    low = std::min(low, block[i]);
    high = std::max(high, block[i]);
  }
  if constexpr (sizeof(T) == 8) singles = singles && std::all_of(block.begin(), block.end(), is_single);
}

// Of two of one size the integer comes first, except that floats need no conversion as f32.
template <class T>
Storage ColumnBuilder<T>::Facts::narrowest() const {
  if (integers && low >= 0 && high <= 255) return Storage::u8;
  if (integers && low >= -32768 && high <= 32767) return Storage::i16;
  if (sizeof(T) == 4) return Storage::f32;
  if (integers) return Storage::i32;
  return singles ? Storage::f32 : Storage::f64;
}

template <class T>
void ColumnBuilder<T>::move_to(Storage storage) {
  Column wider({}, storage, room_);
  if (rows_ > 0)
    with_type(column_.storage(),
              [&]<class Cell>(Cell*) { put(wider, 0, static_cast<const Cell*>(column_.data()), rows_); });
  column_ = std::move(wider);
}

template <class T>
void ColumnBuilder<T>::append(std::span<const T> block) {
  facts_.note(block);
  Storage storage = facts_.narrowest();
  const std::int64_t rows = rows_ + std::ssize(block);
  const bool full = rows > room_;
  if (full) room_ = std::max(rows, 2 * room_);
  if (!column_.data() || full || storage != column_.storage()) move_to(storage);
  put(column_, rows_, block.data(), std::ssize(block));
  rows_ = rows;
}

template <class T>
Column ColumnBuilder<T>::finish(std::string name) && {
  if (!column_.data()) move_to(facts_.narrowest());
  column_.keep_rows(rows_);
  column_.rename(std::move(name));
  return std::move(column_);
}

template class ColumnBuilder<double>;
template class ColumnBuilder<float>;

Column make_column(std::string name, std::span<const double> values, bool single) {
  auto build = [&]<class T>(std::span<const T> cells) {
    ColumnBuilder<T> builder(static_cast<std::int64_t>(cells.size()));
    builder.append(cells);
    return std::move(builder).finish(std::move(name));
  };
  if (!single) return build(values);
  std::vector<float> floats(values.begin(), values.end());
  return build(std::span<const float>(floats));
}

}  // namespace slope
