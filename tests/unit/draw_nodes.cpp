// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Random draws in graphs: known numbers, what a number depends on, moments, and the same bits from every
// emitter, instruction set and way of running.
#include <catch2/catch.hpp>
#include <cmath>
#include <numeric>

#include "compiled.h"
#include "graph/gradient.h"
#include "graph/philox.h"
#include "graph/verify.h"

using namespace slope;

namespace {

constexpr std::uint64_t key = 0x0123456789ABCDEF;

// Draws with rows and without, of numbers and with axes, both words, used once and often, and states.
template <class T>
Fused graph_with_draws(bool axes) {
  Graph g(sizeof(T) == 4 ? Precision::f32 : Precision::f64);
  std::vector<NodeId> roots;
  NodeId x = g.data(0);
  NodeId a = g.draw({key, 0}, Shapes::number_a_row), b = g.draw({key, 1}, Shapes::number_a_row),
         c = g.draw({key + 1, 0}, Shapes::number);
  NodeId total = g.reduce(Reduction::sum, g.apply<op::Mul>(a, x));
  roots = {a, g.apply<op::Add>(g.apply<op::Mul>(a, b), c), c, total, g.state(1, Shapes::number)};
  if (axes) {
    ShapeId wide = g.intern({true, {3, 5}}), fixed = g.intern({false, {2, 19}});
    NodeId u = g.draw({key, 0}, wide), v = g.draw({key + 2, 1}, fixed), w = g.draw({key + 3, 0}, wide),
           s = g.state(0, fixed);
    roots.push_back(u);
    roots.push_back(v);
    roots.push_back(g.permute(w, {1, 0}));
    roots.push_back(g.apply<op::Add>(g.apply<op::Mul>(u, u), g.apply<op::Mul>(u, w)));
    roots.push_back(g.reduce(Reduction::sum, u, {rows_axis}));
    roots.push_back(g.reduce(Reduction::sum, u, {1}));
    roots.push_back(g.apply<op::Mul>(s, v));
    roots.push_back(s);
  }
  REQUIRE(verify(g) == "");
  return fuse(g, roots);
}

template <class T>
Inputs<T> inputs(std::int64_t rows, bool numbered) {
  Inputs<T> in;
  in.rows = rows;
  in.columns.resize(1);
  for (std::int64_t i = 0; i < rows; ++i) in.columns[0].push_back(static_cast<T>(i % 7) - T(2.5));
  for (int i = 0; i < 40; ++i) in.states.push_back(static_cast<T>(i) / T(3));
  in.state_offsets = {0, 38};
  in.seed = 5;
  in.step = (std::uint64_t{1} << 33) + 7;
  for (std::int64_t i = 0; numbered && i < rows; ++i) in.row_numbers.push_back((i * 7919) % 100'003);
  return in;
}

template <class T>
void same_bits(bool axes, const std::string& cpu, std::size_t paged_above) {
  Fused fused = graph_with_draws<T>(axes);
  test::Compiled<T> compiled(fused, cpu, {}, paged_above, {}, {0, 38});
  for (std::int64_t rows : {1, 37, 300, 5000})
    for (bool numbered : {false, true}) {
      Inputs<T> in = inputs<T>(rows, numbered);
      auto expected = evaluate<T>(fused.graph, fused.roots, in), found = compiled.run(in);
      INFO(cpu << ", " << rows << " rows, " << (axes ? "axes" : "numbers") << (numbered ? ", numbered" : ""));
      for (std::size_t r = 0; r < expected.size(); ++r) {
        REQUIRE(found[r].size() == expected[r].size());
        std::size_t wrong = 0;
        for (std::size_t i = 0; i < expected[r].size(); ++i)
          wrong += !test::same(expected[r][i], found[r][i]);
        INFO("root " << r);
        CHECK(wrong == 0);
      }
    }
}

}  // namespace

// tests/oracle/draws.py
TEST_CASE("draws: known numbers of a key, seed, step and place", "[draws]") {
  auto known = [](std::uint64_t k, int word, std::uint64_t seed, std::uint64_t step, std::uint64_t place,
                  double wide, float narrow) {
    std::uint64_t bits = draw_bits({k, seed, step, place}, word);
    CHECK(draw_number<double>(bits) == wide);
    CHECK(draw_number<float>(bits) == narrow);
  };
  known(0x0123456789abcdef, 0, 0u, 0u, 0, 0x1.8b19609770a04p-1, 0x1.8b19600000000p-1f);
  known(0x0123456789abcdef, 1, 0u, 0u, 0, 0x1.ea13ffe4529e8p-2, 0x1.ea13fc0000000p-2f);
  known(0x0123456789abcdef, 0, 1u, 1u, 2, 0x1.d8925825e101bp-1, 0x1.d892580000000p-1f);
  known(0xfedcba9876543210, 1, 18446744073709551615u, 8589934597u, 1099511627779, 0x1.21256f2706c94p-3,
        0x1.2125680000000p-3f);
  known(0x0000000000000007, 0, 12345u, 999999u, 4095, 0x1.1968b8b1de4f4p-1, 0x1.1968b80000000p-1f);
}

TEST_CASE("draws: compiled code gives the interpreter's bits", "[draws]") {
  for (const char* cpu : {"native", "x86-64-v4", "x86-64-v3", "x86-64"}) {
    if (std::string(cpu) == "x86-64-v4" && !__builtin_cpu_supports("avx512f")) continue;
    for (bool axes : {false, true}) {
      same_bits<double>(axes, cpu, optimized_operations);
      same_bits<float>(axes, cpu, optimized_operations);
    }
    same_bits<double>(false, cpu, 0);  // in pages
    same_bits<float>(false, cpu, 0);
  }
}

TEST_CASE("draws: a row has its numbers wherever it stands in a batch", "[draws]") {
  Graph g;
  NodeId u = g.draw({key, 0}, g.intern({true, {3}}));
  Inputs<double> whole, batch;
  whole.rows = 100;
  batch.rows = 4;
  batch.row_numbers = {41, 3, 99, 40};
  auto all = evaluate<double>(g, std::span(&u, 1), whole)[0],
       some = evaluate<double>(g, std::span(&u, 1), batch)[0];
  for (std::size_t i = 0; i < 4; ++i)
    for (std::size_t e = 0; e < 3; ++e)
      CHECK(some[3 * i + e] == all[3 * static_cast<std::size_t>(batch.row_numbers[i]) + e]);
}

TEST_CASE("draws: uniform, and without a relation between seeds, steps, keys, words and places", "[draws]") {
  constexpr std::int64_t n = 20'000;
  auto numbers = [](std::uint64_t k, int word, std::uint64_t seed, std::uint64_t step) {
    Graph g;
    NodeId u = g.draw({k, word}, Shapes::number_a_row);
    Inputs<double> in;
    in.rows = n;
    in.seed = seed;
    in.step = step;
    return evaluate<double>(g, std::span(&u, 1), in)[0];
  };
  std::vector<double> first = numbers(key, 0, 0, 1);
  std::vector<std::vector<double>> others{numbers(key, 1, 0, 1), numbers(key, 0, 1, 1), numbers(key, 0, 0, 2),
                                          numbers(key + 1, 0, 0, 1), first};
  std::rotate(others[4].begin(), others[4].begin() + 1, others[4].end());
  auto centred = [](double u) { return std::sqrt(12) * (u - 0.5); };
  std::vector<int> bins(20);
  for (double u : first) {
    REQUIRE(u >= 0);
    REQUIRE(u < 1);
    ++bins[static_cast<std::size_t>(20 * u)];
  }
  double chi = 0;
  for (int bin : bins) chi += (bin - n / 20.0) * (bin - n / 20.0) / (n / 20.0);
  CHECK(chi < 43.8);  // 19 degrees of freedom: one in a thousand is larger
  for (const auto& other : others) {
    double product = 0;
    for (std::size_t i = 0; i < first.size(); ++i) product += centred(first[i]) * centred(other[i]);
    CHECK(std::fabs(product) / std::sqrt(n) < 3.5);  // standard errors
  }
}

TEST_CASE("draws: no derivative, and none is merged with another", "[draws]") {
  Graph g;
  NodeId u = g.draw({key, 0}, Shapes::number), v = g.draw({key + 1, 0}, Shapes::number), w = g.param(0);
  CHECK(u != v);
  CHECK(u != g.draw({key, 1}, Shapes::number));
  NodeId y = g.apply<op::Mul>(g.apply<op::Mul>(w, w), u);
  NodeId dw = differentiate(g, y, std::span(&w, 1))[0];
  Inputs<double> in;
  in.params = {3};
  auto values = evaluate<double>(g, std::vector<NodeId>{dw, u}, in);
  CHECK(values[0][0] == 6 * values[1][0]);
}
