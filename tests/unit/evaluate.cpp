// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The order of reductions as graph/graph.h tells it, and the rewrites of graph/fuse.h.
#include "graph/evaluate.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <random>

#include "graph/fuse.h"
#include "graph/print.h"
#include "graph/verify.h"
#include "tests/unit/random_graph.h"
#include "tests/unit/special.h"

using namespace slope;
using test::same_bits;

namespace {

template <class T>
constexpr T inf = std::numeric_limits<T>::infinity();

// graph.h once more, written from its text alone.
template <class T>
struct Order {
  Reduction reduction;

  T neutral() const {
    return reduction == Reduction::sum ? -T(0) : reduction == Reduction::max ? -inf<T> : inf<T>;
  }
  T combine(T a, T b) const {
    if (reduction == Reduction::sum || std::isnan(a) || std::isnan(b)) return a + b;
    if (a == b) return a;  // of -0 and 0 too the first
    return (reduction == Reduction::max) == (a > b) ? a : b;
  }
  // lane[j] = lane[j] ∘ lane[j + h], from the last level on: the value of j at the level that has n lanes.
  T tree(const std::vector<T>& lane, std::size_t levels, std::size_t j) const {
    if (levels == 0) return j < lane.size() ? lane[j] : neutral();
    return combine(tree(lane, levels - 1, j), tree(lane, levels - 1, j + (top(lane) >> levels)));
  }
  static std::size_t top(const std::vector<T>& lane) {
    std::size_t n = 1;
    while (n < lane.size()) n *= 2;
    return n;
  }
  T fold(const std::vector<T>& lane) const {
    std::size_t levels = 0;
    while ((std::size_t(1) << levels) < lane.size()) ++levels;
    return tree(lane, levels, 0);
  }
  T operator()(const std::vector<T>& rows) const {
    constexpr std::size_t lane_count = sizeof(T) == 4 ? 32 : 16;
    std::vector<T> chunks;
    std::vector<T> lane;
    for (std::size_t row = 0; row < rows.size(); ++row) {
      std::size_t i = row % 4096;
      if (i == 0) lane.assign(lane_count, neutral());
      lane[i % lane_count] = combine(lane[i % lane_count], rows[row]);
      if (i == 4095 || row + 1 == rows.size()) chunks.push_back(fold(lane));
    }
    return fold(chunks);
  }
};

template <class T>
std::vector<T> random_rows(std::size_t n, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<T> rows(n);
  for (T& x : rows) x = static_cast<T>(std::normal_distribution<double>()(random));
  return rows;
}

template <class T>
T reduced(Reduction reduction, const std::vector<T>& rows) {
  return reduce<T>(reduction, std::span<const T>(rows));
}

}  // namespace

TEMPLATE_TEST_CASE("evaluate: reductions in the order of graph.h", "", float, double) {
  for (std::size_t n : {0, 1, 2, 15, 16, 17, 31, 32, 33, 4095, 4096, 4097, 8192, 8193, 3 * 4096 + 5, 100000})
    for (auto reduction : {Reduction::sum, Reduction::max, Reduction::min}) {
      INFO(n << " rows, " << to_string(reduction));
      auto rows = random_rows<TestType>(n, static_cast<unsigned>(n));
      CHECK(same_bits(reduced(reduction, rows), Order<TestType>{reduction}(rows)));
      // Zeros of both signs tell the order of a maximum too.
      for (std::size_t i = 0; i < n; ++i) rows[i] = i % 3 ? TestType(0) : TestType(-0.0);
      CHECK(same_bits(reduced(reduction, rows), Order<TestType>{reduction}(rows)));
    }
}

TEMPLATE_TEST_CASE("evaluate: reductions of nothing and of NaN", "", float, double) {
  CHECK(same_bits(reduced<TestType>(Reduction::sum, {}), TestType(-0.0)));
  CHECK(reduced<TestType>(Reduction::max, {}) == -inf<TestType>);
  CHECK(reduced<TestType>(Reduction::min, {}) == inf<TestType>);
  CHECK(same_bits(reduced<TestType>(Reduction::sum, {TestType(-0.0)}), TestType(-0.0)));
  for (std::size_t n : {1, 17, 5000})
    for (std::size_t at : {std::size_t(0), n / 2, n - 1})
      for (auto reduction : {Reduction::sum, Reduction::max, Reduction::min}) {
        auto rows = random_rows<TestType>(n, 1);
        rows[at] = std::numeric_limits<TestType>::quiet_NaN();
        CHECK(std::isnan(reduced(reduction, rows)));
      }
}

TEST_CASE("evaluate: the order keeps a long sum accurate") {
  std::vector<double> rows(10'000'000, 0.1);
  long double exact = 0.1 * 1e7L;
  CHECK(std::fabs(static_cast<double>(reduced(Reduction::sum, rows) - exact)) <= 1e-14 * 1e6);
}

TEST_CASE("evaluate: every kind of node") {
  Graph g;
  NodeId x = g.data(0), w = g.param(1), rate = g.argument(RunArgument::rate);
  std::vector<NodeId> roots{x,
                            w,
                            rate,
                            g.row_count(),
                            g.constant(2.5),
                            g.broadcast(w),
                            g.apply<op::Less>(x, w),
                            g.reduce(Reduction::sum, g.apply<op::Greater>(x, w)),
                            g.truth(true)};
  CHECK(evaluate<double>(g, roots, {{{1, 5, 7}}, {0, 4}, {0.25}, 3}) ==
        std::vector<std::vector<double>>{{1, 5, 7}, {4}, {0.25}, {3}, {2.5}, {4, 4, 4}, {1, 0, 0}, {2}, {1}});
}

namespace {

// x^n by squaring from the low bit up, as graph/fuse.h says.
template <class T>
T power(T x, int n) {
  if (n == 0) return 1;
  if (n < 0) return 1 / power(x, -n);
  T result = 0;
  bool first = true;
  for (T square = x;; square *= square) {
    if (n & 1) result = first ? square : result * square;
    first &= !(n & 1);
    if ((n >>= 1) == 0) return result;
  }
}

// The value of a graph of f(g, x, y, z) after fuse, x, y and z parameters.
template <class T, class F>
T fused_value(F f, T x, T y = 0, T z = 0) {
  Graph g(sizeof(T) == 4 ? Precision::f32 : Precision::f64);
  NodeId root = f(g, g.param(0), g.param(1), g.param(2));
  Fused fused = fuse(g, std::span(&root, 1));
  REQUIRE(verify(fused.graph) == "");
  return evaluate<T>(fused.graph, fused.roots, {{}, {x, y, z}, {}, 0})[0][0];
}

}  // namespace

TEMPLATE_TEST_CASE("fuse: integer powers are products", "", float, double) {
  std::vector<TestType> at = test::special_values<TestType>();
  for (double x : {0.1, -1.7, 3.3, 1e-3}) at.push_back(static_cast<TestType>(x));
  for (int n = -32; n <= 32; ++n)
    for (TestType x : at) {
      auto power_of = [n](Graph& g, NodeId a, auto...) { return g.apply<op::Pow>(a, g.constant(n)); };
      INFO(x << " to the " << n);
      if (TestType y = fused_value(power_of, x); !same_bits(y, power(x, n))) CHECK(y == power(x, n));
    }
  for (double p : {0.5, 33.0, -33.0, 2.5}) {
    auto power_of = [p](Graph& g, NodeId a, auto...) { return g.apply<op::Pow>(a, g.constant(p)); };
    CHECK(
        same_bits(fused_value(power_of, TestType(1.1)), math::pow(TestType(1.1), static_cast<TestType>(p))));
  }
}

TEMPLATE_TEST_CASE("fuse: a product in a sum is rounded with it", "", float, double) {
  using T = TestType;
  auto add = [](Graph& g, NodeId a, NodeId b) { return g.apply<op::Add>(a, b); };
  auto sub = [](Graph& g, NodeId a, NodeId b) { return g.apply<op::Sub>(a, b); };
  auto mul = [](Graph& g, NodeId a, NodeId b) { return g.apply<op::Mul>(a, b); };
  auto check = [](T value, T expected) {
    if (!same_bits(value, expected)) CHECK(value == expected);
  };
  auto random = random_rows<T>(3 * 200, 3);
  std::vector<std::vector<T>> tuples = test::special_tuples<T>(3);
  for (std::size_t i = 0; i < random.size(); ++i) tuples[i % 3].push_back(random[i]);
  for (std::size_t i = 0; i < tuples[0].size(); i += i < 1300 ? 13 : 1) {
    T x = tuples[0][i], y = tuples[1][i], z = tuples[2][i];
    INFO(x << ", " << y << ", " << z);
    auto value = [&](auto f) { return fused_value<T>(f, x, y, z); };
    check(value([&](Graph& g, auto a, auto b, auto c) { return add(g, mul(g, a, b), c); }),
          std::fma(x, y, z));
    check(value([&](Graph& g, auto a, auto b, auto c) { return add(g, c, mul(g, a, b)); }),
          std::fma(x, y, z));
    check(value([&](Graph& g, auto a, auto b, auto c) { return sub(g, mul(g, a, b), c); }),
          std::fma(x, y, -z));
    check(value([&](Graph& g, auto a, auto b, auto c) { return sub(g, c, mul(g, a, b)); }),
          std::fma(-x, y, z));
    // Two products are both rounded, so that equal ones leave exactly 0.
    check(value([&](Graph& g, auto a, auto b, auto c) { return add(g, mul(g, a, b), mul(g, b, c)); }),
          x * y + y * z);
    check(value([&](Graph& g, auto a, auto b, auto c) { return sub(g, mul(g, a, b), mul(g, b, c)); }),
          x * y - y * z);
    check(value([&](Graph& g, auto a, auto b, auto c) {
            return add(g, g.apply<op::Pow>(a, g.constant(2)), mul(g, b, c));
          }),
          x * x + y * z);
  }
}

TEST_CASE("fuse: the product stays where it is needed too, and nothing else stays") {
  Graph g;
  NodeId a = g.param(0), b = g.param(1), c = g.param(2);
  NodeId product = g.apply<op::Mul>(a, b), sum = g.apply<op::Add>(product, c);
  g.apply<op::Exp>(sum);  // needed by nobody
  auto ops = [&](std::vector<NodeId> roots) {
    Fused fused = fuse(g, roots);
    std::vector<OpId> made;
    for (std::size_t i = 0; i < fused.graph.size(); ++i) {
      const Node& node = fused.graph[NodeId(static_cast<std::int64_t>(i))];
      if (node.kind == NodeKind::scalar) made.push_back(node.op);
    }
    return made;
  };
  CHECK(ops({sum}) == std::vector<OpId>{id_of<op::Fma>()});
  CHECK(ops({sum, product}) == std::vector<OpId>{id_of<op::Mul>(), id_of<op::Fma>()});
}

namespace {

template <class T>
void check_alone(unsigned seed) {
  test::Generator generator(seed);
  test::RandomGraph random = generator.graph(sizeof(T) == 4 ? Precision::f32 : Precision::f64, 60);
  // Sums of products and of squares, in both orders: what fuse may mistake for one another.
  Graph& g = random.graph;
  for (int i = 0; i < 20; ++i) {
    auto some = [&] { return random.roots[static_cast<std::size_t>(generator.below(random.roots.size()))]; };
    auto product = [&] {
      NodeId x = some();
      if (generator.below(2)) return g.apply<op::Pow>(x, g.constant(2 + generator.below(2)));
      return g.apply<op::Mul>(x, generator.below(2) ? x : some());
    };
    NodeId x = product(), y = product();
    random.roots.push_back(g.apply<op::Add>(x, y));
    random.roots.push_back(generator.below(2) ? g.apply<op::Sub>(y, x) : product());
  }
  Inputs<T> in = generator.inputs<T>(19);
  Fused all = fuse(g, random.roots);
  REQUIRE(verify(all.graph) == "");
  auto together = evaluate<T>(all.graph, all.roots, in);
  for (std::size_t r = 0; r < random.roots.size(); ++r) {
    Fused one = fuse(g, std::span(&random.roots[r], 1));
    auto alone = evaluate<T>(one.graph, one.roots, in)[0];
    REQUIRE(alone.size() == together[r].size());
    for (std::size_t row = 0; row < alone.size(); ++row)
      if (!same_bits(alone[row], together[r][row])) {
        INFO(print(g, std::span(&random.roots[r], 1), {}) << "row " << row << ", root " << r);
        REQUIRE(alone[row] == together[r][row]);
        REQUIRE(std::signbit(alone[row]) == std::signbit(together[r][row]));
      }
  }
}

}  // namespace

TEST_CASE("fuse: a value does not depend on what is computed beside it") {
  for (unsigned seed = 0; seed < 200; ++seed) {
    INFO("seed " << seed);
    check_alone<float>(seed);
    check_alone<double>(seed);
  }
  std::vector<double> xs = random_rows<double>(100, 1), ys = random_rows<double>(100, 2);
  // x² becomes a product only in fuse, and then equals the other sum but for the order.
  Graph g;
  NodeId x = g.data(0), y = g.data(1), yy = g.apply<op::Mul>(y, y);
  NodeId other = g.apply<op::Add>(yy, g.apply<op::Mul>(x, x));
  NodeId sum = g.apply<op::Add>(g.apply<op::Pow>(x, g.constant(2)), yy);
  auto value = [&](std::vector<NodeId> roots) {
    Fused fused = fuse(g, roots);
    return evaluate<double>(fused.graph, fused.roots, {{xs, ys}, {}, {}, 100}).back();
  };
  CHECK((value({sum}) == value({other, sum})));
  CHECK((value({other}) == value({sum, other})));
}
