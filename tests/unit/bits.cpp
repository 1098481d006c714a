// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The compiled program equals the interpreter to the bit.
#include <catch2/catch.hpp>

#include "compiled.h"
#include "graph/gradient.h"
#include "graph/print.h"
#include "graph/verify.h"
#include "random_graph.h"

using namespace slope;
using namespace slope::test;

namespace {

template <class T> void check_rows(const Fused& fused, Generator& generator, std::int64_t rows, Compiled<T>& compiled) {
  Inputs<T> in = generator.inputs<T>(rows);
  auto expected = evaluate<T>(fused.graph, fused.roots, in);
  auto found = compiled.run(in);
  for (std::size_t r = 0; r < expected.size(); ++r) {
    REQUIRE(found[r].size() == expected[r].size());
    for (std::size_t i = 0; i < expected[r].size(); ++i)
      if (!same(found[r][i], expected[r][i])) {
        CAPTURE(rows, r, i, found[r][i], expected[r][i]);
        FAIL(print(fused.graph, fused.roots, {}));
      }
  }
}

// A random graph, its roots and the gradient of one of them.
Fused with_gradient(Generator& generator, Precision precision, int ops) {
  RandomGraph random = generator.graph(precision, ops);
  NodeId y = random.roots[0];
  if (random.graph.has_rows(y)) y = random.graph.reduce(Reduction::sum, y);
  std::vector<NodeId> wrt;
  for (int i = 0; i < Generator::params; ++i) wrt.push_back(random.graph.param(i));
  for (NodeId dy : differentiate(random.graph, y, wrt))
    if (dy.valid()) random.roots.push_back(dy);
  REQUIRE(verify(random.graph) == "");
  return fuse(random.graph, random.roots);
}

template <class T> void check_graphs(Precision precision, int graphs) {
  for (int seed = 0; seed < graphs; ++seed) {
    CAPTURE(seed);
    Generator generator(static_cast<unsigned>(seed));
    generator.specials = seed % 2 == 1;
    Fused fused = with_gradient(generator, precision, 4 + seed % 30);
    REQUIRE(verify(fused.graph) == "");
    Compiled<T> compiled(fused);
    for (std::int64_t rows : {0, 1, 7, 16, 33, 100}) check_rows<T>(fused, generator, rows, compiled);
    if (seed % 10 == 0)
      for (std::int64_t rows : {4095, 4096, 4097, 10000}) check_rows<T>(fused, generator, rows, compiled);
  }
}

}  // namespace

TEST_CASE("machine code equals the interpreter on random graphs in f64") { check_graphs<double>(Precision::f64, 60); }
TEST_CASE("machine code equals the interpreter on random graphs in f32") { check_graphs<float>(Precision::f32, 60); }

TEST_CASE("machine code equals the interpreter where a pass is large") {
  for (int seed = 0; seed < 4; ++seed) {
    CAPTURE(seed);
    Generator generator(static_cast<unsigned>(seed));
    Fused fused = with_gradient(generator, Precision::f64, 150);
    Compiled<double> compiled(fused);
    for (std::int64_t rows : {0, 1, 15, 16, 33, 4095, 4097}) check_rows<double>(fused, generator, rows, compiled);
  }
}
