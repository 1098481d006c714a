// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The compiled program equals the interpreter to the bit.
#include <catch2/catch.hpp>

#include "codegen/schedule.h"
#include "compiled.h"
#include "graph/gradient.h"
#include "graph/print.h"
#include "graph/verify.h"
#include "random_graph.h"
#include "runtime/data.h"

using namespace slope;
using namespace slope::test;

namespace {

template <class T>
void check_rows(const Fused& fused, Generator& generator, std::int64_t rows, Compiled<T>& compiled) {
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

// Whether this machine runs what is compiled for a level.
bool runs_here(std::string_view level) {
  if (level == "x86-64-v4")
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
  if (level == "x86-64-v3") return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  return true;
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

template <class T>
void check_graphs(Precision precision, int graphs, const std::string& cpu = "native",
                  std::size_t paged_above = optimized_operations) {
  for (int seed = 0; seed < graphs; ++seed) {
    CAPTURE(seed);
    Generator generator(static_cast<unsigned>(seed));
    generator.specials = seed % 2 == 1;
    Fused fused = with_gradient(generator, precision, 4 + seed % 30);
    REQUIRE(verify(fused.graph) == "");
    Compiled<T> compiled(fused, cpu, {}, paged_above);
    for (std::int64_t rows : {0, 1, 7, 16, 33, 100}) check_rows<T>(fused, generator, rows, compiled);
    if (seed % 10 == 0)
      for (std::int64_t rows : {4095, 4096, 4097, 10000}) check_rows<T>(fused, generator, rows, compiled);
  }
}

}  // namespace

TEST_CASE("machine code equals the interpreter on random graphs in f64") {
  check_graphs<double>(Precision::f64, 60);
}
TEST_CASE("machine code equals the interpreter on random graphs in f32") {
  check_graphs<float>(Precision::f32, 60);
}

TEST_CASE("code cut into parts has the same bits") {
  check_graphs<double>(Precision::f64, 30, "native", 0);
  check_graphs<float>(Precision::f32, 30, "native", 0);
}

TEST_CASE("the instruction set does not show in the bits") {
  for (const char* cpu : {"x86-64-v3", "x86-64-v4", "x86-64"}) {
    if (!runs_here(cpu)) continue;
    CAPTURE(cpu);
    check_graphs<double>(Precision::f64, 12, cpu);
    check_graphs<float>(Precision::f32, 12, cpu);
  }
}

TEST_CASE("code above the optimiser's limit has the same bits") {
  Generator generator(5);
  generator.specials = false;
  RandomGraph random = generator.graph(Precision::f64, 30000);
  random.roots.clear();
  for (std::size_t i = 0; i < random.graph.size(); i += 25) {
    NodeId id(static_cast<std::int64_t>(i));
    if (random.graph[id].type == Type::real) random.roots.push_back(id);
  }
  Fused fused = fuse(random.graph, random.roots);
  REQUIRE(operations(fused.graph) > optimized_operations);
  Compiled<double> compiled(fused);
  for (std::int64_t rows : {0, 3, 40}) check_rows<double>(fused, generator, rows, compiled);
}

TEST_CASE("narrow columns are converted exactly") {
  Graph graph;
  NodeId sum = graph.constant(0.25);
  for (int i = 0; i < 5; ++i)
    sum = graph.apply<op::Add>(graph.apply<op::Mul>(graph.constant(i + 0.5), graph.data(i)), sum);
  Fused fused = fuse(graph, std::vector{sum, graph.reduce(Reduction::sum, sum)});
  std::vector<std::vector<double>> values{{0, 255, 7},
                                          {-32768, 32767, -1},
                                          {-2147483648.0, 2147483647, 5},
                                          {0.1f, -3.5e30f, 0.0},
                                          {0.1, 1e300, -0.0}};
  Inputs<double> in{values, {}, {0.05}, 3};
  std::vector<Column> columns;
  std::vector<Storage> storages;
  for (const auto& cells : values) {
    columns.push_back(make_column("c", cells, false));
    storages.push_back(columns.back().storage());
  }
  REQUIRE(storages == std::vector{Storage::u8, Storage::i16, Storage::i32, Storage::f32, Storage::f64});
  Compiled<double> compiled(fused, "native", storages);
  auto expected = evaluate<double>(fused.graph, fused.roots, in);
  std::vector<const void*> pointers;
  for (const Column& column : columns) pointers.push_back(column.data());
  auto found = compiled.run(in, pointers);
  for (std::size_t r = 0; r < expected.size(); ++r)
    for (std::size_t i = 0; i < expected[r].size(); ++i) CHECK(same(found[r][i], expected[r][i]));
}
TEST_CASE("machine code equals the interpreter where a pass is large") {
  for (int seed = 0; seed < 4; ++seed) {
    CAPTURE(seed);
    Generator generator(static_cast<unsigned>(seed));
    Fused fused = with_gradient(generator, Precision::f64, 150);
    Compiled<double> compiled(fused);
    for (std::int64_t rows : {0, 1, 15, 16, 33, 4095, 4097})
      check_rows<double>(fused, generator, rows, compiled);
  }
}

// Every tuple of special values, and as many random ones: the rare ranges of an op are among them.
TEMPLATE_TEST_CASE("machine code equals the interpreter for each op alone", "", float, double) {
  using T = TestType;
  Generator generator(3);
  for (std::size_t i = 0; i < op_count; ++i) {
    auto op = static_cast<OpId>(i);
    INFO("op " << std::string(info(op).name));
    Graph graph(sizeof(T) == 4 ? Precision::f32 : Precision::f64);
    std::vector<NodeId> operands;
    for (int k = 0; k < info(op).arity; ++k) {
      NodeId x = graph.data(k);
      bool truth = info(op).operands[static_cast<std::size_t>(k)] == Type::truth;
      operands.push_back(truth ? graph.apply<op::Greater>(x, graph.constant(0.5)) : x);
    }
    Inputs<T> in{special_tuples<T>(operands.size()), {}, {}, 0};
    in.rows = 2 * static_cast<std::int64_t>(in.columns[0].size());
    for (auto& column : in.columns)
      while (static_cast<std::int64_t>(column.size()) < in.rows) column.push_back(generator.number<T>());
    std::vector roots{graph.broadcast(graph.to_real(graph.apply(op, operands)))};
    Fused fused = fuse(graph, roots);
    Compiled<T> compiled(fused);
    auto expected = evaluate<T>(fused.graph, fused.roots, in)[0];
    auto found = compiled.run(in)[0];
    for (std::size_t row = 0; row < expected.size(); ++row)
      if (!same(found[row], expected[row])) CHECK(found[row] == expected[row]);
  }
}
