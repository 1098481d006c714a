// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Statistics of the order of values: by hand, against a count of all pairs, and compiled code against the
// interpreter.
#include "graph/order.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "compiled.h"
#include "graph/evaluate.h"
#include "graph/fuse.h"

using namespace slope;
using test::Compiled, test::same;

namespace {

constexpr double nan_value = std::numeric_limits<double>::quiet_NaN(), infinity = HUGE_VAL;

double median(std::vector<double> x) { return order_statistic<double>(OrderStatistic::median, x, {}); }
double auc(std::vector<double> x, std::vector<double> labels) {
  return order_statistic<double>(OrderStatistic::auc, x, labels);
}

}  // namespace

TEST_CASE("order: the median by hand") {
  CHECK(median({3}) == 3);
  CHECK(median({3, 1, 2}) == 2);
  CHECK(median({4, 1, 3, 2}) == 2.5);
  CHECK(median({1, 1, 1, 7}) == 1);
  CHECK(median({-infinity, 0, infinity}) == 0);
  CHECK(median({infinity, infinity, infinity, 0}) == infinity);
  CHECK(median({1.7e308, 1.7e308, 1.5e308, 1.6e308}) == Approx(1.65e308));
  CHECK(std::isnan(median({})));
  CHECK(std::isnan(median({1, nan_value, 2})));
  CHECK(std::isnan(median({-infinity, infinity})));
}

TEST_CASE("order: the area under the curve by hand") {
  CHECK(auc({1, 2, 3, 4}, {0, 0, 1, 1}) == 1);
  CHECK(auc({4, 3, 2, 1}, {0, 0, 1, 1}) == 0);
  CHECK(auc({0.1, 0.4, 0.35, 0.8}, {0, 0, 1, 1}) == 0.75);
  CHECK(auc({5, 5, 5}, {0, 1, 0}) == 0.5);
  CHECK(auc({-infinity, infinity, infinity}, {0, 1, 0}) == 0.75);
  CHECK(std::isnan(auc({1, 2}, {1, 1})));
  CHECK(std::isnan(auc({1, 2}, {0, 0})));
  CHECK(std::isnan(auc({}, {})));
  CHECK(std::isnan(auc({1, nan_value}, {0, 1})));
  CHECK(std::isnan(auc({1, 2, 3}, {0, 1, 2})));
  CHECK(std::isnan(auc({1, 2, 3}, {0, 1, nan_value})));
}

TEST_CASE("order: the area is the share of pairs") {
  std::mt19937 random(3);
  for (int trial = 0; trial < 200; ++trial) {
    std::size_t n = 2 + random() % 60;
    std::vector<double> x, labels;
    for (std::size_t i = 0; i < n; ++i) {
      x.push_back(static_cast<double>(random() % (trial % 2 ? 8 : 100000)));  // many ties, few
      labels.push_back(static_cast<double>(random() % 2));
    }
    double won = 0, pairs = 0;
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j)
        if (labels[i] == 1 && labels[j] == 0) {
          ++pairs;
          won += x[i] > x[j] ? 1 : x[i] == x[j] ? 0.5 : 0;
        }
    INFO("trial " << trial);
    if (pairs == 0) CHECK(std::isnan(auc(x, labels)));
    else CHECK(auc(x, labels) == won / pairs);
  }
}

TEMPLATE_TEST_CASE("order: compiled as interpreted, nested, with features", "", float, double) {
  using T = TestType;
  for (std::int64_t rows : {1, 2, 7, 63, 64, 65, 300, 4096, 4097, 9000}) {
    Graph g(sizeof(T) == 8 ? Precision::f64 : Precision::f32);
    NodeId x = g.data(0), y = g.data(1), v = g.data(2, g.intern({true, {3}})), p = g.param(0);
    NodeId score = g.apply<op::Mul>(g.apply<op::Tanh>(x), p);
    NodeId label = g.apply<op::Greater>(y, g.constant(0.3));
    NodeId middle = g.order(OrderStatistic::median, score);
    NodeId deviation = g.apply<op::Abs>(g.apply<op::Sub>(score, middle));
    std::vector<NodeId> roots{
        g.order(OrderStatistic::auc, score, label),
        middle,
        g.order(OrderStatistic::median, deviation),
        g.order(OrderStatistic::median, v),
        g.order(OrderStatistic::auc, v, g.apply<op::Greater>(v, g.broadcast(y, {true, {3}}))),
        g.apply<op::Add>(g.reduce(Reduction::sum, deviation), middle),
        g.order(OrderStatistic::median, g.broadcast(p))};
    Inputs<T> in;
    in.rows = rows;
    in.params = {T(0.7)};
    in.columns.resize(3);
    std::mt19937 random(5);
    auto value = [&] { return static_cast<T>(static_cast<int>(random() % 41) - 20) / T(16); };
    for (std::int64_t i = 0; i < rows; ++i) {
      in.columns[0].push_back(value()), in.columns[1].push_back(value());
      for (int k = 0; k < 3; ++k) in.columns[2].push_back(value());
    }
    Fused fused = fuse(g, roots);
    auto meant = evaluate<T>(fused.graph, fused.roots, in);
    auto found = Compiled<T>(fused).run(in);
    for (std::size_t i = 0; i < roots.size(); ++i) {
      INFO("rows " << rows << " root " << i);
      CHECK(same(meant[i][0], found[i][0]));
    }
    CHECK(meant[6][0] == T(0.7));
  }
}
