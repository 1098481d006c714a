// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A kernel interpreted reads and writes the same places as the same kernel compiled.
#include "codegen/interpret.h"

#include <catch2/catch.hpp>

#include "compiled.h"

using namespace slope;

TEST_CASE("interpreted kernels read every storage and write numbers, parameters and rows", "[interpret]") {
  constexpr std::int64_t rows = 3;
  Graph graph(Precision::f32);
  NodeId x = graph.data(0, graph.intern({true, {2}})), y = graph.data(1);
  NodeId w = graph.param(1, graph.intern({false, {2}})), b = graph.param(0);
  NodeId sums = graph.reduce(Reduction::sum, x);
  NodeId wider = graph.apply<op::Add>(w, sums);
  NodeId scaled = graph.apply<op::Mul>(graph.argument(RunArgument::rate), b);
  NodeId by_row = graph.apply<op::Sub>(y, scaled);
  std::vector<NodeId> roots{wider, scaled, by_row, sums};
  Fused fused = fuse(graph, roots);
  Kernel kernel{"kernel",
                &fused.graph,
                {{fused.roots[0], Store::To::param, 1},
                 {fused.roots[1], Store::To::param, 0},
                 {fused.roots[2], Store::To::row_output, 0},
                 {fused.roots[3], Store::To::output, 1}}};
  CompileOptions options{.storages = {Storage::u8, Storage::i32}, .param_offsets = {2, 0}};

  test::Aligned<std::uint8_t> cells(128);
  test::Aligned<std::int32_t> numbers(128);
  for (int i = 0; i < 2 * rows; ++i) cells.get()[i] = static_cast<std::uint8_t>(250 - i);
  for (int i = 0; i < rows; ++i) numbers.get()[i] = -70'000 * i;
  const void* columns[] = {cells.get(), numbers.get()};
  std::vector<float> params(67), outputs(3), scratch(scratch_size(kernel, rows));
  params = {1, 2, 8};  // w, b
  params.resize(67);
  test::Aligned<float> out(64);
  void* row_outputs[] = {out.get()};
  const float rate = 0.5f;
  interpret(kernel, options,
            {columns, params.data(), &rate, outputs.data(), row_outputs, scratch.data(), rows});
  // By hand: the columns of x are 250, 248, 246 and 249, 247, 245; rate·b = 4.
  CHECK(std::vector<float>(params.begin(), params.begin() + 3) == std::vector<float>{745, 743, 4});
  CHECK(outputs == std::vector<float>{0, 744, 741});
  CHECK(std::vector<float>(out.get(), out.get() + rows) == std::vector<float>{-4, -70'004, -140'004});
}
