// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Every op of the table, by the table: its machine code and that of its partials equals the interpreter to
// the bit, on rows and on single numbers. Random combinations of ops are in bits.cpp.
#include <catch2/catch.hpp>
#include <string>

#include "tests/unit/compiled.h"
#include "tests/unit/op_gradients.h"
#include "tests/unit/op_samples.h"

using namespace slope;
using namespace slope::test;

namespace {

// The op's value and its partials, of columns or of parameters.
Fused value_and_partials(OpId op, Precision precision, bool rows) {
  OpGradients gradients(op, precision, rows);
  std::vector<NodeId> roots{gradients.value};
  for (NodeId partial : gradients.gradient(gradients.value))
    if (partial.valid()) roots.push_back(partial);
  return fuse(gradients.graph, roots);
}

template <class T>
int differing(const Fused& fused, Compiled<T>& compiled, const Inputs<T>& in) {
  auto expected = evaluate<T>(fused.graph, fused.roots, in), found = compiled.run(in);
  int count = 0;
  for (std::size_t r = 0; r < expected.size(); ++r)
    for (std::size_t i = 0; i < expected[r].size(); ++i) count += !same(found[r][i], expected[r][i]);
  return count;
}

template <class T>
std::vector<Point<T>> operands_of(OpId op) {
  std::vector<Point<T>> points;
  for_special_operands<T>(op, [&](const Point<T>& x) { points.push_back(x); });
  Samples samples(op);
  for (int i = 0; i < 2000; ++i) {
    Point<double> x = samples.in_domain();
    points.push_back({static_cast<T>(x[0]), static_cast<T>(x[1]), static_cast<T>(x[2])});
    points.push_back(samples.anywhere<T>());
  }
  return points;
}

}  // namespace

TEMPLATE_TEST_CASE("ops: machine code on rows equals the interpreter", "[ops]", float, double) {
  using T = TestType;
  for_every_op([](OpId op) {
    Fused fused = value_and_partials(op, sizeof(T) == 8 ? Precision::f64 : Precision::f32, true);
    Compiled<T> compiled(fused);
    INFO("op " << info(op).name);
    CHECK(differing(fused, compiled,
                    columns_of(operands_of<T>(op), static_cast<std::size_t>(info(op).arity))) == 0);
  });
}

TEMPLATE_TEST_CASE("ops: machine code on single numbers equals the interpreter", "[ops]", float, double) {
  using T = TestType;
  for_every_op([](OpId op) {
    Fused fused = value_and_partials(op, sizeof(T) == 8 ? Precision::f64 : Precision::f32, false);
    Compiled<T> compiled(fused);
    int count = 0;
    for (const Point<T>& x : operands_of<T>(op))
      count += differing(fused, compiled, {{}, {x[0], x[1], x[2]}, {}, 0});
    INFO("op " << info(op).name);
    CHECK(count == 0);
  });
}
