// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Random starts: the published values of Philox, the moments of the distributions, and what a number depends
// on.
#include <catch2/catch.hpp>
#include <cmath>

#include "frontend/lower.h"
#include "graph/philox.h"

using namespace slope;

namespace {

std::vector<double> starts(const std::string& declaration, const std::string& seed = "",
                           bool single = false) {
  std::string text =
      (single ? "precision f32\n" : "") + seed + "param " + declaration + "\nloss = sum(w^2)\n";
  Diagnostics diagnostics;
  ast::Ast tree = parse(Source("m.slope", text), diagnostics);
  auto lowered = lower(tree, {}, diagnostics);
  INFO(text << (diagnostics.all().empty() ? "" : diagnostics.all()[0].message));
  REQUIRE(lowered);
  return lowered->model().params[0].start;
}

struct Moments {
  double mean = 0, sd = 0, low = HUGE_VAL, high = -HUGE_VAL;
};
Moments moments(const std::vector<double>& x) {
  Moments m;
  for (double v : x) m.mean += v, m.low = std::min(m.low, v), m.high = std::max(m.high, v);
  m.mean /= static_cast<double>(x.size());
  for (double v : x) m.sd += (v - m.mean) * (v - m.mean);
  m.sd = std::sqrt(m.sd / static_cast<double>(x.size()));
  return m;
}

}  // namespace

// The known answers of the authors' Random123 library, file kat_vectors.
TEST_CASE("draws: Philox4x32-10 gives the published bits") {
  CHECK(philox({0, 0, 0, 0}, {0, 0}) == PhiloxBlock{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  std::uint32_t ones = 0xffffffff;
  CHECK(philox({ones, ones, ones, ones}, {ones, ones}) ==
        PhiloxBlock{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        PhiloxBlock{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("draws: the moments of each distribution") {
  Moments normal = moments(starts("w[200, 100] ~ normal(3, 2)"));
  CHECK(normal.mean == Approx(3).margin(0.06));  // four standard errors
  CHECK(normal.sd == Approx(2).margin(0.04));
  Moments uniform = moments(starts("w[200, 100] ~ uniform(-1, 3)"));
  CHECK(uniform.mean == Approx(1).margin(0.04));
  CHECK(uniform.low >= -1);
  CHECK(uniform.high < 3);
  CHECK(uniform.low < -0.99);
  CHECK(uniform.high > 2.99);
  double limit = std::sqrt(6.0 / 300);
  Moments glorot = moments(starts("w[200, 100] ~ glorot"));
  CHECK(glorot.low >= -limit);
  CHECK(glorot.high <= limit);
  CHECK(glorot.sd == Approx(limit / std::sqrt(3)).epsilon(0.02));
  CHECK(moments(starts("w[200, 100] ~ he")).sd == Approx(std::sqrt(2.0 / 200)).epsilon(0.02));
  CHECK(moments(starts("w[200, 100] ~ lecun")).sd == Approx(std::sqrt(1.0 / 200)).epsilon(0.02));
  CHECK(moments(starts("w[3, 3, 20, 50] ~ he")).sd == Approx(std::sqrt(2.0 / 180)).epsilon(0.04));
}

TEST_CASE("draws: a number depends on seed, name and place only") {
  auto first = starts("w[5] ~ normal(0, 1)");
  CHECK(starts("w[5] ~ normal(0, 1)") == first);
  CHECK(starts("w[5] ~ normal(0, 1), v[3] ~ he") == first);
  CHECK(starts("w[5] ~ normal(0, 1)", "seed 0\n") == first);
  CHECK(starts("w[5] ~ normal(0, 1)", "seed 1\n") != first);
  auto longer = starts("w[9] ~ normal(0, 1)");
  longer.resize(5);
  CHECK(longer == first);
  auto single = starts("w[5] ~ normal(0, 1)", "", true);
  for (std::size_t i = 0; i < 5; ++i) CHECK(single[i] == static_cast<double>(static_cast<float>(first[i])));
}
