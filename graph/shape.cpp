// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "graph/shape.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/hash.h"

namespace slope {

std::string to_string(const Shape& shape) {
  std::string out = shape.rows ? "[rows" : "[";
  bool first = !shape.rows;
  for (std::int64_t n : shape.axes) {
    if (!first) out += ", ";
    out += std::to_string(n);
    first = false;
  }
  return out + "]";
}

std::int64_t elements(const Shape& shape) {
  std::int64_t count = 1;
  for (std::int64_t n : shape.axes) count *= n;
  return count;
}

std::optional<Shape> common_shape(const Shape& a, const Shape& b) {
  Shape out{a.rows || b.rows, std::vector<std::int64_t>(std::max(a.axes.size(), b.axes.size()))};
  auto from_right = [](const Shape& shape, std::size_t i) {
    return i < shape.axes.size() ? shape.axes[shape.axes.size() - 1 - i] : 1;
  };
  for (std::size_t i = 0; i < out.axes.size(); ++i) {
    std::int64_t m = from_right(a, i), n = from_right(b, i);
    if (m != n && m != 1 && n != 1) return {};
    out.axes[out.axes.size() - 1 - i] = m == 1 ? n : m;
  }
  return out;
}

Shape without_axes(const Shape& shape, std::span<const std::int64_t> axes) {
  auto removed = [&](std::int64_t axis) { return std::find(axes.begin(), axes.end(), axis) != axes.end(); };
  Shape out{shape.rows && !removed(rows_axis), {}};
  for (std::size_t i = 0; i < shape.axes.size(); ++i)
    if (!removed(static_cast<std::int64_t>(i))) out.axes.push_back(shape.axes[i]);
  return out;
}

ShapeId Shapes::intern(const Shape& shape) {
  auto found = std::find(shapes_.begin(), shapes_.end(), shape);
  if (found == shapes_.end()) found = shapes_.insert(shapes_.end(), shape);
  return ShapeId(found - shapes_.begin());
}

ShapeId Shapes::with_rows(ShapeId id) {
  Shape shape = (*this)[id];
  shape.rows = true;
  return intern(shape);
}

ShapeId Shapes::without_rows(ShapeId id) {
  Shape shape = (*this)[id];
  shape.rows = false;
  return intern(shape);
}

NumbersId NumberLists::intern(std::vector<std::int64_t> list) {
  auto [found, fresh] = ids_.try_emplace(list, NumbersId(static_cast<std::int64_t>(lists_.size())));
  if (fresh) lists_.push_back(std::move(list));
  return found->second;
}

ArrayId Arrays::intern(std::vector<double> values) {
  Hash bits;
  for (double value : values) bits.add(std::bit_cast<std::uint64_t>(value));
  std::uint64_t hash = bits.value();
  auto [begin, end] = ids_.equal_range(hash);
  for (auto it = begin; it != end; ++it) {
    const std::vector<double>& other = arrays_[it->second.index()];
    if (other.size() == values.size() &&
        std::memcmp(other.data(), values.data(), values.size() * sizeof(double)) == 0)
      return it->second;
  }
  ArrayId id(static_cast<std::int64_t>(arrays_.size()));
  arrays_.push_back(std::move(values));
  ids_.emplace(hash, id);
  return id;
}

}  // namespace slope
