// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Random programs of the language compile, their machine code equals the interpreter to the bit, and their
// gradients are what differences of the loss say.
#include <catch2/catch.hpp>
#include <cmath>

#include "frontend/lower.h"
#include "graph/gradient.h"
#include "graph/verify.h"
#include "tests/unit/compiled.h"
#include "tests/unit/random_program.h"

using namespace slope;
using namespace slope::test;

namespace {

// A program's loss and its gradient by each parameter.
struct Compilable {
  Fused fused;
  std::vector<std::int64_t> offsets;
  std::vector<std::int64_t> reaching = {};  // of the parameters that reach the loss: each has a gradient
  std::int64_t params = 0;                  // elements
  std::vector<DataColumn> columns;
};

Compilable lowered(const std::string& text) {
  Diagnostics diagnostics;
  Source source("m.slope", text);
  ast::Ast tree = parse(source, diagnostics);
  auto lowered = lower(tree, {}, diagnostics);
  std::string messages;
  for (const Diagnostic& d : diagnostics.all())
    if (d.severity == Severity::error) messages += to_string(d.code) + " " + d.message + "\n";
  INFO(messages);
  REQUIRE(lowered);
  Model& model = lowered->model();
  Compilable out;
  std::vector<NodeId> params;
  for (std::size_t p = 0; p < model.params.size(); ++p) {
    const Parameter& param = model.params[p];
    out.offsets.push_back(param.offset);
    out.params += elements({false, param.axes});
    params.push_back(model.graph.param(static_cast<int>(p), model.graph.intern({false, param.axes})));
  }
  std::vector<NodeId> roots{model.loss};
  std::vector<NodeId> slopes = differentiate(model.graph, model.loss, params);
  for (std::size_t p = 0; p < slopes.size(); ++p) {
    if (!slopes[p].valid()) continue;
    roots.push_back(slopes[p]);
    out.reaching.push_back(out.offsets[p]);
  }
  REQUIRE(verify(model.graph) == "");
  out.fused = fuse(model.graph, roots);
  REQUIRE(verify(out.fused.graph) == "");
  out.columns = model.columns;
  return out;
}

template <class T>
Inputs<T> inputs(const Compilable& program, std::int64_t rows, std::mt19937& random) {
  std::normal_distribution<double> normal;
  Inputs<T> in;
  in.rows = rows;
  for (const DataColumn& column : program.columns) {
    auto& cells = in.columns.emplace_back();
    for (std::int64_t n = rows * elements({true, column.axes}); n > 0; --n)
      cells.push_back(column.type == ColumnType::number
                          ? static_cast<T>(normal(random))
                          : static_cast<T>(random() % static_cast<std::uint64_t>(column.classes)));
  }
  for (std::int64_t n = 0; n < program.params; ++n) in.params.push_back(static_cast<T>(0.7 * normal(random)));
  in.param_offsets = program.offsets;
  return in;
}

template <class T>
void check_bits(const Compilable& program, std::mt19937& random) {
  Compiled<T> compiled(program.fused, "native", {}, optimized_operations, program.offsets);
  for (std::int64_t rows : {1, 2, 17}) {
    Inputs<T> in = inputs<T>(program, rows, random);
    auto expected = evaluate<T>(program.fused.graph, program.fused.roots, in);
    auto found = compiled.run(in);
    for (std::size_t r = 0; r < expected.size(); ++r) {
      CAPTURE(rows, r);
      REQUIRE(std::ranges::equal(found[r], expected[r], same<T>));
    }
  }
}

// The derivative along a direction against central differences of h, 2h, with the h² term taken out. Near a
// kink no h is right, so other inputs are tried.
void check_gradient(const Compilable& program, std::mt19937& random) {
  double nearest = 1e300;
  for (int tries = 0; tries < 6; ++tries) {
    Inputs<double> in = inputs<double>(program, 3, random);
    auto at = evaluate<double>(program.fused.graph, program.fused.roots, in);
    if (!std::isfinite(at[0][0])) continue;
    std::vector<double> direction;
    for (std::int64_t n = 0; n < program.params; ++n)
      direction.push_back(std::normal_distribution<double>()(random));
    double slope = 0, scale = 1 + std::fabs(at[0][0]);
    for (std::size_t p = 1; p < at.size(); ++p)
      for (std::size_t e = 0; e < at[p].size(); ++e) {
        double part = at[p][e] * direction[static_cast<std::size_t>(program.reaching[p - 1]) + e];
        slope += part, scale += std::fabs(part);
      }
    auto loss = [&](double h) {
      Inputs<double> moved = in;
      for (std::size_t n = 0; n < direction.size(); ++n) moved.params[n] += h * direction[n];
      return evaluate<double>(program.fused.graph, std::span(program.fused.roots).first(1), moved)[0][0];
    };
    auto central = [&](double h) { return (loss(h) - loss(-h)) / (2 * h); };
    for (double h : {1e-3, 1e-4}) {
      double found = (4 * central(h) - central(2 * h)) / 3;
      nearest = std::min(nearest, std::fabs(found - slope) / scale);
    }
    if (nearest < 1e-7) return;
  }
  CHECK(nearest < 1e-7);
}

void check(unsigned seed) {
  RandomProgram random(seed);
  INFO("seed " << seed << "\n" << random.text());
  std::mt19937 numbers(seed);
  Compilable program = lowered(random.text());
  check_gradient(program, numbers);
  check_bits<double>(program, numbers);
  if (seed % 4 == 0) check_bits<float>(lowered("precision f32\n" + random.text()), numbers);
}

}  // namespace

TEST_CASE("random programs: compiled as interpreted, gradients as differences say", "[programs]") {
  const char* first = std::getenv("SLOPE_SEED");
  unsigned from = first ? static_cast<unsigned>(std::atoi(first)) : 1;
  const char* count = std::getenv("SLOPE_SEEDS");
  unsigned n = count ? static_cast<unsigned>(std::atoi(count)) : 30;
  for (unsigned seed = from; seed < from + n; ++seed) check(seed);
}
