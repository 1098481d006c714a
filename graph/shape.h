// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The shape of a value: perhaps the axis of rows, whose length only a run knows, then axes of known length.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/id.h"

namespace slope {

struct Shape {
  bool rows = false;
  std::vector<std::int64_t> axes = {};
  friend bool operator==(const Shape&, const Shape&) = default;
};

// "[rows, 64]"; a number is "[]".
std::string to_string(const Shape& shape);
// How many numbers a value holds; with rows, in each of them.
std::int64_t elements(const Shape& shape);
// The shape to which both can be broadcast: rows where one has them, the other axes from the right, an axis
// of 1 (or none) as often as the other says. No value where two axes differ.
std::optional<Shape> common_shape(const Shape& a, const Shape& b);
// Without the axes of that set.
Shape without_axes(const Shape& shape, std::span<const std::int64_t> axes);
// An axis by which is reduced: a number from 0, or this.
inline constexpr std::int64_t rows_axis = -1;

using ShapeId = Id<struct ShapeTag>;

// The shapes of one graph, each once, so that equal shapes have equal ids.
class Shapes {
 public:
  static constexpr ShapeId number{0}, number_a_row{1};
  Shapes() : shapes_{{false, {}}, {true, {}}} {}
  ShapeId intern(const Shape& shape);
  ShapeId with_rows(ShapeId id);
  ShapeId without_rows(ShapeId id);
  const Shape& operator[](ShapeId id) const { return shapes_[id.index()]; }

 private:
  std::vector<Shape> shapes_;  // a graph has few: found by looking through them
};

using NumbersId = Id<struct NumbersTag>;

// What a node of structure says of axes (which are reduced, in which order they go on), each list once.
class NumberLists {
 public:
  NumbersId intern(std::vector<std::int64_t> list);
  const std::vector<std::int64_t>& operator[](NumbersId id) const { return lists_[id.index()]; }

 private:
  std::vector<std::vector<std::int64_t>> lists_;
  std::map<std::vector<std::int64_t>, NumbersId> ids_;
};

// Numbers that the compiler knows, more than one, each array once (to the bit).
using ArrayId = Id<struct ArrayTag>;
class Arrays {
 public:
  ArrayId intern(std::vector<double> values);
  const std::vector<double>& operator[](ArrayId id) const { return arrays_[id.index()]; }

 private:
  std::vector<std::vector<double>> arrays_;
  std::multimap<std::uint64_t, ArrayId> ids_;  // by hash
};

}  // namespace slope
