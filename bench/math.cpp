// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Functions of vectors that fit the second cache, against glibc's libmvec, which the peer's loops are
// compiled into:
//   bench_math [FUNCTION]...
#include "bench/measure.h"
#include "bench/peer.h"
#include "graph/fuse.h"

using namespace slope;
using namespace slope::bench;

namespace {

constexpr std::int64_t n = 1 << 14, repeats = 20;

template <class T, class Op, class Preferred, class Wide>
void run(double low, double high, Preferred preferred, Wide wide) {
  constexpr bool single = sizeof(T) == 4;
  std::string name = fmt::format("{}, {}", Op::name, single ? "f32" : "f64");
  Graph graph(single ? Precision::f32 : Precision::f64);
  std::vector<NodeId> operands(Op::arity, graph.data(0));  // pow is x^x
  NodeId y = graph.apply(id_of<Op>(), operands);
  Fused fused = fuse(graph, std::span(&y, 1));
  Kernel kernel = prediction_kernel(fused);
  CompileOptions options;
  options.storages = {single ? Storage::f32 : Storage::f64};
  Diagnostics diagnostics;
  auto program = Program::compile(std::span(&kernel, 1), options, diagnostics);
  if (!program) fail("cannot compile");
  Column in("x", options.storages[0], n), out("y", options.storages[0], n),
      theirs("z", options.storages[0], n);
  auto x = static_cast<T*>(in.data()), found = static_cast<T*>(out.data()),
       expected = static_cast<T*>(theirs.data());
  for (std::int64_t i = 0; i < n; ++i)
    x[i] = static_cast<T>(low + (high - low) * (static_cast<double>(i) + 0.5) / static_cast<double>(n));
  const void* columns[] = {x};
  void* row_outputs[] = {found};
  T params[1] = {}, outputs[1] = {}, arguments[1] = {};
  std::vector<T> scratch(scratch_size(kernel, n));
  Run frame{columns, params, arguments, outputs, row_outputs, scratch.data(), n};
  Program::Function function = program->function(kernel.name);
  function(&frame);
  preferred(x, expected, n);
  for (std::int64_t i = 0; i < n; ++i)
    require_close(static_cast<double>(found[i]), static_cast<double>(expected[i]), single ? 1e-5 : 1e-13,
                  name);
  auto repeated = [&](auto f) {
    return timed([&] {
      for (std::int64_t k = 0; k < repeats; ++k) f();
    });
  };
  auto times = take_turns(51, {[&] { return repeated([&] { function(&frame); }); },
                               [&] { return repeated([&] { preferred(x, expected, n); }); },
                               [&] { return repeated([&] { wide(x, expected, n); }); }});
  double scale = 1e9 / static_cast<double>(n * repeats), slope = times[0] * scale,
         peer = std::min(times[1], times[2]) * scale;
  row(name, fmt::format("{:.3f} ns", slope), fmt::format("{:.3f} ns", peer),
      fmt::format("{:.2f}", peer / slope), verdict(peer / slope, ">=", 1));
}

// Without arguments every function is.
bool asked_for(int argc, char** argv, std::string_view name) {
  return argc == 1 || std::find(argv + 1, argv + argc, name) != argv + argc;
}

}  // namespace

#define SLOPE_BENCH_FUNCTION(Op, name, low, high)                                                            \
  if (asked_for(argc, argv, #name)) {                                                                        \
    run<double, op::Op>(                                                                                     \
        low, high, [](auto... a) { peer_preferred::name(a...); }, [](auto... a) { peer_wide::name(a...); }); \
    run<float, op::Op>(                                                                                      \
        low, high, [](auto... a) { peer_preferred::name(a...); }, [](auto... a) { peer_wide::name(a...); }); \
  }

int main(int argc, char** argv) {
  SLOPE_BENCH_FUNCTION(Exp, exp, -20, 20)
  SLOPE_BENCH_FUNCTION(Expm1, expm1, -4, 4)
  SLOPE_BENCH_FUNCTION(Log, log, 1.5, 1000)
  SLOPE_BENCH_FUNCTION(Log2, log2, 1.5, 1000)
  SLOPE_BENCH_FUNCTION(Log10, log10, 1.5, 1000)
  SLOPE_BENCH_FUNCTION(Log1p, log1p, 0.1, 100)
  SLOPE_BENCH_FUNCTION(Sin, sin, 0.1, 3)
  SLOPE_BENCH_FUNCTION(Cos, cos, 0.1, 1.5)
  SLOPE_BENCH_FUNCTION(Tan, tan, 0.1, 1.5)
  SLOPE_BENCH_FUNCTION(Sinh, sinh, -4, 4)
  SLOPE_BENCH_FUNCTION(Cosh, cosh, -4, 4)
  SLOPE_BENCH_FUNCTION(Tanh, tanh, -4, 4)
  SLOPE_BENCH_FUNCTION(Asin, asin, -1, 1)
  SLOPE_BENCH_FUNCTION(Acos, acos, -1, 0.99)
  SLOPE_BENCH_FUNCTION(Atan, atan, -5, 5)
  SLOPE_BENCH_FUNCTION(Erf, erf, -4, 4)
  SLOPE_BENCH_FUNCTION(Erfc, erfc, -4, 4)
  SLOPE_BENCH_FUNCTION(Pow, pow, 0.1, 8)
}
