// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The shape of a value: perhaps the axis of rows, whose length only a run knows, then axes of known length.
#pragma once
#include <cstdint>
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

}  // namespace slope
