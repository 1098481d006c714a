// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Random programs of the language compile, their machine code equals the interpreter to the bit, and their
// gradients are what differences of the loss say.
#include <catch2/catch.hpp>
#include <cmath>

#include "tests/unit/compiled.h"
#include "tests/unit/lowered_text.h"
#include "tests/unit/random_program.h"

using namespace slope;
using namespace slope::test;

namespace {

// The loss and its gradient by each parameter that reaches it.
struct Compilable {
  LoweredText model;
  Fused fused;
  std::vector<std::int64_t> reaching;  // where each gradient's parameter begins
};

Compilable compilable(const std::string& text) {
  Compilable out{lower_text(text), Fused{Graph(), {}}, {}};
  std::vector<NodeId> roots{out.model.loss};
  for (std::size_t p = 0; p < out.model.gradient.size(); ++p) {
    if (!out.model.gradient[p].valid()) continue;
    roots.push_back(out.model.gradient[p]);
    out.reaching.push_back(out.model.offsets[p]);
  }
  out.fused = fuse(out.model.graph, roots);
  REQUIRE(verify(out.fused.graph) == "");
  return out;
}

template <class T>
void check_bits(const Compilable& program, std::mt19937& random) {
  Compiled<T> compiled(program.fused, "native", {}, optimized_operations, program.model.offsets);
  for (std::int64_t rows : {1, 2, 17}) {
    Inputs<T> in = made_up_inputs<T>(program.model, rows, random);
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
    Inputs<double> in = made_up_inputs<double>(program.model, 3, random);
    auto at = evaluate<double>(program.fused.graph, program.fused.roots, in);
    if (!std::isfinite(at[0][0])) continue;
    std::vector<double> direction;
    for (std::int64_t n = 0; n < program.model.params; ++n)
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
  Compilable program = compilable(random.text());
  check_gradient(program, numbers);
  check_bits<double>(program, numbers);
  if (seed % 4 == 0) check_bits<float>(compilable("precision f32\n" + random.text()), numbers);
}

}  // namespace

TEST_CASE("random programs: compiled as interpreted, gradients as differences say", "[programs]") {
  const char* first = std::getenv("SLOPE_SEED");
  unsigned from = first ? static_cast<unsigned>(std::atoi(first)) : 1;
  const char* count = std::getenv("SLOPE_SEEDS");
  unsigned n = count ? static_cast<unsigned>(std::atoi(count)) : 30;
  for (unsigned seed = from; seed < from + n; ++seed) check(seed);
}
