// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The check of gradients: that it passes right ones, badly scaled, hidden by offsets, in single precision and
// beside kinks; that it finds wrong ones of every size and says whose and why.
#include "runtime/gradient_check.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <random>

#include "graph/expr.h"
#include "graph/gradient.h"
#include "tests/unit/lowered_text.h"
#include "tests/unit/random_graph.h"
#include "tests/unit/random_program.h"

using namespace slope;

namespace {

using enum DerivativeStatus;

// A loss in the making; its gradient is the differentiator's until a test puts another in its place.
struct Problem {
  Graph graph;
  Inputs<double> in;
  std::vector<NodeId> params, gradient;
  Expr loss;

  explicit Problem(Precision precision = Precision::f64) : graph(precision) { in.arguments = {0}; }
  Expr expr(NodeId id) { return {&graph, id}; }
  Expr param(double start) {
    in.params.push_back(start);
    params.push_back(graph.param(static_cast<int>(params.size())));
    return expr(params.back());
  }
  Expr data(std::vector<double> column) {
    in.rows = static_cast<std::int64_t>(column.size());
    in.columns.push_back(std::move(column));
    return expr(graph.data(static_cast<int>(in.columns.size()) - 1));
  }
  Expr constant(double c) { return expr(graph.constant(c)); }
  Expr reduce(Reduction reduction, Expr x) { return expr(graph.reduce(reduction, graph.broadcast(x.id))); }
  Expr mean(Expr x) { return reduce(Reduction::sum, x) / expr(graph.row_count()); }

  void differentiate_loss(Expr y) {
    loss = y;
    gradient = differentiate(graph, y.id, params);
  }
  GradientCheck check() const { return check_gradient({graph, loss.id, gradient}, in); }
  GradientCheck check(Expr y) {
    differentiate_loss(y);
    return check();
  }
  std::string_view op_of(const DerivativeCheck& c) const {
    return c.culprit ? info(graph[c.culprit->node].op).name : "";
  }
};

std::vector<double> numbers(std::size_t n, double low, double high) {
  std::mt19937 random(7);
  std::vector<double> out;
  for (std::size_t i = 0; i < n; ++i)
    out.push_back(std::uniform_real_distribution<double>(low, high)(random));
  return out;
}

bool fine(const DerivativeCheck& d) { return d.status == exact || d.status == right; }

Expr relu(Expr x) { return select(x <= 0.0, {x.graph, x.graph->constant(0)}, x); }

}  // namespace

TEST_CASE("gradient check: right ones have order 2") {
  Problem m;
  Expr w = m.param(0.4), b = m.param(-1), x = m.data(numbers(50, -2, 2)), y = m.data(numbers(50, 0, 1));
  Expr r = exp(w * x) * sin(b) - y;
  GradientCheck c = m.check(m.mean(r * r));
  CHECK(c.points == 4);
  for (const DerivativeCheck& d : {c.params[0], c.params[1], c.directions}) {
    CHECK(d.status == right);
    CHECK(*d.order == Approx(2).margin(0.05));
    CHECK(*d.mismatch < 1e-8);
    CHECK_FALSE(d.culprit);
  }
}

TEST_CASE("gradient check: a linear loss is exact, a parameter that does not reach it too") {
  Problem m;
  Expr w = m.param(0.4), x = m.data({1, 2, 4});
  m.param(3);
  GradientCheck c = m.check(m.mean(w * x) * 3.0 + 1.0);
  CHECK(c.params[0].status == exact);
  CHECK_FALSE(c.params[0].order);
  CHECK(*c.params[0].mismatch < 1e-12);
  CHECK(c.params[1].status == exact);
  CHECK_FALSE(c.params[1].mismatch);
}

TEST_CASE("gradient check: a cubic at its turning point has order 3") {
  Problem m;
  Expr w = m.param(0);
  GradientCheck c = m.check(w * w * w + w);
  CHECK(c.params[0].status == right);
  CHECK(*c.params[0].order == Approx(3).margin(0.05));
}

TEST_CASE("gradient check: a wrong derivative has order 1 and is its own parameter's") {
  for (double factor : {2.0, -1.0, 0.0, 1.001, 1.0001}) {
    INFO("times " << factor);
    Problem m;
    Expr w = m.param(0.7), b = m.param(-1), k = m.param(2), x = m.data(numbers(50, -2, 2));
    Expr r = tanh(w * x + b) * k - 0.3;
    m.differentiate_loss(m.mean(r * r));
    m.gradient[1] = (m.expr(m.gradient[1]) * factor).id;
    GradientCheck c = m.check();
    CHECK(c.params[0].status == right);
    CHECK(c.params[2].status == right);
    CHECK(c.params[1].status == wrong);
    CHECK(*c.params[1].order == Approx(1).margin(0.1));
    CHECK(*c.params[1].mismatch ==
          Approx(std::fabs(1 - factor) / std::max(1.0, std::fabs(factor))).epsilon(0.2));
    CHECK_FALSE(c.params[1].culprit);  // every operation is right: the gradient's graph is not
    CHECK(c.directions.status == wrong);
  }
}

TEST_CASE("gradient check: two derivatives in each other's place, one that is missing") {
  Problem m;
  Expr w = m.param(0.7), b = m.param(-1), x = m.data(numbers(50, -2, 2));
  Expr r = exp(w * x) + b * b;
  m.differentiate_loss(m.mean(r * r));
  std::swap(m.gradient[0], m.gradient[1]);
  GradientCheck swapped = m.check();
  CHECK(swapped.params[0].status == wrong);
  CHECK(swapped.params[1].status == wrong);
  std::swap(m.gradient[0], m.gradient[1]);
  m.gradient[0] = {};
  GradientCheck missing = m.check();
  CHECK(missing.params[0].status == wrong);
  CHECK(*missing.params[0].mismatch == Approx(1));
  CHECK(missing.params[1].status == right);
}

TEST_CASE("gradient check: kinks at the start are named") {
  Problem m;
  Expr w = m.param(0), b = m.param(1), x = m.data({3, -1, 2});
  auto check = [&](Expr y) { return m.check(y + (w - 1.0) * (w - 1.0) + (b - 3.0) * (b - 3.0)); };
  GradientCheck c = check(m.mean(abs(w * x)));
  CHECK(c.params[0].status == kink);
  CHECK(*c.params[0].order == Approx(1).margin(0.05));
  CHECK(m.op_of(c.params[0]) == "abs");
  CHECK(c.params[0].culprit->operands == std::vector<double>{0});
  CHECK(c.params[0].culprit->row == 0);
  CHECK(c.params[1].status == right);

  c = check(m.mean(relu(w - m.expr(m.graph.broadcast(m.constant(0).id))) * x));
  CHECK(c.params[0].status == kink);
  CHECK(m.op_of(c.params[0]) == "select");
  CHECK(info(m.graph[c.params[0].culprit->decides].op).name == "less_equal");
  CHECK(c.params[0].culprit->operands == std::vector<double>{0, 0});

  c = check(m.expr(m.graph.apply<op::Max>(b.id, (b * b).id)));  // equals at the start
  CHECK(c.params[1].status == kink);
  CHECK(m.op_of(c.params[1]) == "max");
  CHECK(c.params[1].culprit->operands == std::vector<double>{1, 1});
  CHECK_FALSE(c.params[1].culprit->row);

  c = check(m.reduce(Reduction::max, x * w));  // all rows are equal at 0
  CHECK(c.params[0].status == kink);
  CHECK(m.graph[c.params[0].culprit->node].kind == NodeKind::reduce);
}

TEST_CASE("gradient check: a jump at the start is a kink") {
  Problem m;
  Expr w = m.param(2.5), b = m.param(-1), x = m.data({1, 2});
  Expr step = select(b * x < -1.5, b, b + 1.0);  // far from here
  GradientCheck c = m.check(m.expr(m.graph.apply<op::Round>(w.id)) + w * w + m.mean(step));
  CHECK(c.params[0].status == kink);
  CHECK(*c.params[0].order == Approx(0).margin(0.1));
  CHECK(m.op_of(c.params[0]) == "round");
  CHECK(fine(c.params[1]));
}

TEST_CASE("gradient check: an infinite derivative at the start is a kink") {
  Problem m;
  Expr w = m.param(0), x = m.data({1, 2});
  GradientCheck c = m.check(m.mean(sqrt(w * w * x)));
  CHECK(c.params[0].status == kink);
  CHECK_FALSE(c.params[0].order);
  CHECK(m.op_of(c.params[0]) == "sqrt");
  CHECK(c.params[0].culprit->row == 0);
}

TEST_CASE("gradient check: a derivative that is nowhere finite is wrong") {
  Problem m;
  Expr w = m.param(1), x = m.data({1, 2});
  GradientCheck c = m.check(m.mean(sqrt(w - w) * x + w * w));
  CHECK(c.params[0].status == wrong);
  CHECK(m.op_of(c.params[0]) == "sqrt");
}

// The condition changes at 0, where both branches have the same value and derivative: no kink. The kink of
// the absolute value further on is found behind it.
TEST_CASE("gradient check: a condition at its edge between branches that join smoothly is no kink") {
  Problem m;
  Expr w = m.param(0), x = m.data({1, 2, -3});
  Expr e = exp(-abs(w * x)), up = 1.0 / (1.0 + exp(-(w * x))), down = exp(w * x) / (1.0 + exp(w * x));
  GradientCheck c = m.check(m.mean(select(w * x >= 0.0, up, down) * x));
  CHECK(c.params[0].status == right);
  c = m.check(m.mean(select(w * x >= 0.0, up, down) * x + e));
  CHECK(c.params[0].status == kink);
  CHECK(m.op_of(c.params[0]) == "abs");
}

// A mean of absolute residuals: straight between the rows' kinks.
TEST_CASE("gradient check: kinks elsewhere do not disturb") {
  Problem m;
  Expr w = m.param(0.4), b = m.param(0.1), x = m.data(numbers(500, -2, 2)), y = m.data(numbers(500, -1, 1));
  GradientCheck c = m.check(m.mean(abs(w * x + b - y)));
  CHECK(fine(c.params[0]));
  CHECK(fine(c.params[1]));
  m.gradient[1] = (m.expr(m.gradient[1]) * 1.01).id;
  c = m.check();
  CHECK(fine(c.params[0]));
  CHECK(c.params[1].status == wrong);
}

TEST_CASE("gradient check: a large offset of the loss hides neither right nor wrong") {
  Problem m;
  Expr w = m.param(0.4), b = m.param(-1), x = m.data(numbers(50, -2, 2));
  Expr r = exp(w * x) * b - 1.0;
  Expr inside = m.mean(r * r + 1e8);  // the loss is 1e8
  GradientCheck c = m.check(inside);
  CHECK(c.params[0].status == right);
  CHECK(*c.params[0].order == Approx(2).margin(0.2));
  c = m.check(inside - 1e8);  // it is small again, its rounding errors are not
  CHECK(c.params[0].status == right);
  CHECK(*c.params[0].order == Approx(2).margin(0.2));
  m.gradient[0] = (m.expr(m.gradient[0]) * 1.05).id;
  c = m.check();
  CHECK(c.params[0].status == wrong);
  CHECK(c.params[1].status == right);
}

TEST_CASE("gradient check: a derivative lost in rounding errors is unclear") {
  Problem m;
  Expr w = m.param(0.4);
  GradientCheck c = m.check(w * 1e-20 + 1e8);
  CHECK(c.params[0].status == unclear);
}

TEST_CASE("gradient check: badly scaled parameters") {
  for (double scale : {1e-12, 1e-6, 1e6, 1e12}) {
    INFO("scale " << scale);
    Problem m;
    Expr w = m.param(0.4 * scale), b = m.param(0), x = m.data(numbers(50, -2, 2));
    Expr r = tanh(w * x * (1 / scale)) + b * (1 / scale) - 0.2;
    GradientCheck c = m.check(m.mean(r * r));
    CHECK(c.params[0].status == right);
    CHECK(fine(c.params[1]));
    CHECK(*c.params[0].order == Approx(2).margin(0.1));
    m.gradient[0] = (m.expr(m.gradient[0]) * 1.01).id;
    c = m.check();
    CHECK(c.params[0].status == wrong);
    CHECK(fine(c.params[1]));
  }
}

TEST_CASE("gradient check: at a minimum the derivative is 0 within the rounding errors") {
  Problem m;
  Expr w = m.param(2), x = m.data({1, 2, 3});
  Expr r = w * x - x * 2.0;
  GradientCheck c = m.check(m.mean(r * r));
  CHECK(c.params[0].status == right);
}

// 1/3 and 0.1 are rounded to single precision in loss and gradient: the check in double must not take what
// that does to the gradient for an error.
TEST_CASE("gradient check: single precision") {
  Problem m(Precision::f32);
  Expr w = m.param(0.4f), x = m.data({1, 2, 4});
  Expr r = tanh(w * x / 3.0) - 0.1;
  GradientCheck c = m.check(m.mean(exp(r) * r * (1.0 / 7)));
  CHECK(c.params[0].status == right);
  CHECK(*c.params[0].order == Approx(2).margin(0.2));
  m.gradient[0] = (m.expr(m.gradient[0]) * 1.001).id;
  CHECK(m.check().params[0].status == wrong);
}

TEST_CASE("gradient check: at the edge of the loss's domain") {
  Problem m;
  Expr w = m.param(0);
  GradientCheck c = m.check(pow(w, m.constant(2.5)) + w);  // nan below 0
  CHECK(c.params[0].status == right);
  CHECK(*c.params[0].order == Approx(2.5).margin(0.1));
}

TEST_CASE("gradient check: what is stopped is held at its value") {
  Problem m;
  Expr w = m.param(0.7), b = m.param(-0.4), x = m.data({1, 2, 4});
  auto stop = [&](Expr e) { return m.expr(m.graph.stop_gradient(e.id)); };
  Expr y = m.mean(stop(exp(w * x)) * tanh(w * x) + stop(b * b) * b * x);
  GradientCheck c = m.check(y);
  CHECK(c.params[0].status == right);
  CHECK(fine(c.params[1]));
  m.gradient[0] = (m.expr(m.gradient[0]) * 1.01).id;
  CHECK(m.check().params[0].status == wrong);
}

// What the differentiator makes is taken for right (tests/unit/gradient.cpp checks it by differences) and,
// half as large again, for wrong. Rounding errors may hide either, which is said. Graphs with a stopped value
// are left out: a min or max of it and of what it stops is a kink at every point.
TEST_CASE("gradient check: random graphs") {
  int found = 0;
  for (unsigned seed = 0; seed < 1200; ++seed) {
    INFO("seed " << seed);
    test::Generator generator(seed);
    generator.specials = false;
    auto [g, roots] = generator.graph(Precision::f64, 25);
    bool stopped = false;
    for (std::size_t i = 0; i < g.size(); ++i)
      stopped |= g[NodeId(static_cast<std::int64_t>(i))].kind == NodeKind::stop_gradient;
    if (stopped) continue;
    NodeId y = g.constant(0);
    for (NodeId root : roots)
      y = g.apply<op::Add>(y, g.reduce(Reduction::sum, g.broadcast(g.apply<op::Tanh>(root))));
    std::vector<NodeId> params{g.param(0), g.param(1), g.param(2)};
    std::vector<NodeId> gradient = differentiate(g, y, params);
    auto in = generator.inputs<double>(20);
    auto value = [&](NodeId id) { return evaluate<double>(g, std::span(&id, 1), in)[0][0]; };
    if (!std::isfinite(value(y))) continue;
    for (std::size_t i = 0; i < params.size(); ++i) {
      if (!gradient[i].valid() || !std::isfinite(value(gradient[i])) || value(gradient[i]) == 0) continue;
      DerivativeCheck good = check_gradient({g, y, gradient}, in).params[i];
      CHECK((good.status != wrong || !good.order));
      std::vector<NodeId> bad = gradient;
      bad[i] = g.apply<op::Mul>(bad[i], g.constant(1.5));
      DerivativeStatus status = check_gradient({g, y, bad}, in).params[i].status;
      CHECK((status == wrong || status == unclear));
      found += status == wrong;
    }
  }
  CHECK(found > 80);
}

namespace {

// The same derivative but for one element, which is half as large again.
NodeId with_one_wrong(Graph& g, NodeId derivative, std::size_t element) {
  const Axes axes = g.shape(derivative).axes;
  std::vector<double> factors(static_cast<std::size_t>(elements({false, axes})), 1);
  factors[element % factors.size()] = 1.5;
  return g.apply<op::Mul>(derivative, g.array(factors, axes));
}

}  // namespace

// One wrong element is found among those of its parameter, and only there; where it is, nothing else is
// wrong.
TEST_CASE("gradient check: vectors and matrices") {
  int found = 0, checked = 0;
  for (unsigned seed = 1; seed <= 15; ++seed) {
    test::RandomProgram program(seed);
    INFO("seed " << seed << "\n" << program.text());
    test::LoweredText m = test::lower_text(program.text());
    std::mt19937 random(seed);
    auto in = test::made_up_inputs<double>(m, 3, random);
    auto value = [&](NodeId id) { return evaluate<double>(m.graph, std::span(&id, 1), in)[0]; };
    if (!std::isfinite(value(m.loss)[0])) continue;
    GradientCheck good = check_gradient({m.graph, m.loss, m.gradient}, in);
    for (const DerivativeCheck& d : good.params) CHECK((d.status != wrong || !d.order));
    for (std::size_t p = 0; p < m.gradient.size(); ++p) {
      if (!m.gradient[p].valid()) continue;
      std::vector<double> slopes = value(m.gradient[p]);
      auto largest = std::max_element(slopes.begin(), slopes.end(),
                                      [](double a, double b) { return std::fabs(a) < std::fabs(b); });
      if (*largest == 0 || good.params[p].status != right) continue;
      std::vector<NodeId> bad = m.gradient;
      bad[p] = with_one_wrong(m.graph, bad[p], static_cast<std::size_t>(largest - slopes.begin()));
      GradientCheck c = check_gradient({m.graph, m.loss, bad}, in);
      ++checked;
      found += c.params[p].status == wrong && c.directions.status == wrong;
      for (std::size_t other = 0; other < bad.size(); ++other)
        if (other != p) CHECK(c.params[other].status == good.params[other].status);
    }
  }
  CHECK(checked > 35);
  CHECK(found >= checked * 95 / 100);
}

TEST_CASE("gradient check: what several elements share along an axis is a kink") {
  Problem m;
  m.in.params = {1, 3, 3};
  m.in.param_offsets = {0};
  m.params = {m.graph.param(0, m.graph.intern({false, {3}}))};
  Expr most = m.expr(m.graph.reduce(Reduction::max, m.params[0], {0}));
  GradientCheck c = m.check(most * most);
  CHECK(c.params[0].status == kink);
  REQUIRE(c.params[0].culprit);
  CHECK(m.graph[c.params[0].culprit->node].kind == NodeKind::reduce);
  CHECK(c.params[0].culprit->operands == std::vector<double>{3});
}

// Forty rounds of x ← 3.9·x·(1 − x) lengthen what separates two starts by 0.5 in logarithm each: the analysis
// of the rounding errors, which takes each to add to the others, leaves no digit.
TEST_CASE("gradient check: a long chain of operations") {
  Problem m;
  Expr x = m.param(0.3), y = x;
  for (int round = 0; round < 40; ++round) y = 3.9 * y * (1.0 - y);
  m.differentiate_loss(y);
  CHECK(m.check().params[0].status == right);
  m.gradient[0] = (m.expr(m.gradient[0]) * 1.1).id;
  CHECK(m.check().params[0].status == wrong);
}
