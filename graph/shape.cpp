// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "graph/shape.h"

#include <algorithm>

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

}  // namespace slope
