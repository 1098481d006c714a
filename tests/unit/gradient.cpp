// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Reverse mode: the chain rule with analytic answers, strong zeros, ties, sizes, and random graphs against
// differences.
#include "graph/gradient.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <random>

#include "graph/evaluate.h"
#include "graph/expr.h"
#include "graph/fuse.h"
#include "graph/print.h"
#include "graph/verify.h"

using namespace slope;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();

// A graph in the making, its values and its derivatives.
struct Model {
  Graph graph;
  Inputs<double> in;

  Model() { in.arguments = {0}; }
  Expr expr(NodeId id) { return {&graph, id}; }
  Expr param(double value) {
    in.params.push_back(value);
    return expr(graph.param(static_cast<int>(in.params.size()) - 1));
  }
  Expr data(std::vector<double> column) {
    in.rows = static_cast<std::int64_t>(column.size());
    in.columns.push_back(std::move(column));
    return expr(graph.data(static_cast<int>(in.columns.size()) - 1));
  }
  Expr constant(double c) { return expr(graph.constant(c)); }
  Expr over_rows(Reduction reduction, Expr x) { return expr(graph.reduce(reduction, graph.broadcast(x.id))); }
  Expr sum(Expr x) { return over_rows(Reduction::sum, x); }

  Expr derivative(Expr y, Expr x) {
    Expr d = expr(differentiate(graph, y.id, std::span(&x.id, 1))[0]);
    REQUIRE(verify(graph) == "");
    return d;
  }
  std::vector<double> values(Expr x) { return evaluate<double>(graph, std::span(&x.id, 1), in)[0]; }
  double value(Expr x) { return values(x)[0]; }
  double slope(Expr y, Expr x) { return value(derivative(y, x)); }
};

Expr when_positive(Expr x, Expr then) { return select(x > 0.0, then, {x.graph, x.graph->constant(0)}); }

}  // namespace

TEST_CASE("gradient: the chain rule") {
  Model m;
  Expr a = m.param(0.7), b = m.param(-1.3);
  CHECK(m.slope(exp(sin(a * b)), a) == Approx(std::exp(std::sin(-0.91)) * std::cos(-0.91) * -1.3));
  CHECK(m.slope(exp(sin(a * b)), b) == Approx(std::exp(std::sin(-0.91)) * std::cos(-0.91) * 0.7));
  CHECK(m.slope(a / b + a * a, a) == Approx(1 / -1.3 + 1.4));
  CHECK(m.slope(log(a) - tanh(b) * sqrt(a), a) == Approx(1 / 0.7 - std::tanh(-1.3) * 0.5 / std::sqrt(0.7)));
  CHECK(m.slope(a, a) == 1);
  Expr shared = a * b;  // by two ways
  CHECK(m.slope(shared * shared + shared, a) == Approx((2 * -0.91 + 1) * -1.3));
  CHECK(m.slope(exp(shared), shared) == Approx(std::exp(-0.91)));  // by what is no leaf
}

TEST_CASE("gradient: rows") {
  Model m;
  Expr w = m.param(2), x = m.data({1, -2, 4});
  CHECK(m.slope(m.sum(x * w), w) == 3);
  CHECK(m.slope(m.sum(w), w) == 3);  // a sum of the same number
  CHECK(m.values(m.derivative(m.sum(x * x * w), x)) == std::vector<double>{4, -8, 16});
  CHECK(m.slope(m.sum(exp(x * w)) / m.sum(x), w) ==
        Approx((std::exp(2) - 2 * std::exp(-4) + 4 * std::exp(8)) / 3));
}

TEST_CASE("gradient: a largest row's derivative is shared by its equals") {
  Model m;
  Expr x = m.data({3, -1, 3, 0, 3, -1});
  Expr w = m.param(2);
  double third = 1.0 / 3;
  CHECK(m.values(m.derivative(m.over_rows(Reduction::max, x), x)) ==
        std::vector<double>{third, 0, third, 0, third, 0});
  CHECK(m.values(m.derivative(m.over_rows(Reduction::min, x), x)) ==
        std::vector<double>{0, 0.5, 0, 0, 0, 0.5});
  CHECK(m.slope(m.over_rows(Reduction::max, x * w), w) == 3);
  CHECK(m.slope(m.over_rows(Reduction::max, w), w) == Approx(1));
  CHECK(m.slope(m.over_rows(Reduction::max, sqrt(x + 1.0) * w), w) == 2);
}

TEST_CASE("gradient: what does not reach y has none") {
  Model m;
  Expr a = m.param(1), b = m.param(2);
  CHECK_FALSE(m.derivative(a * 3.0, b).id.valid());
  CHECK_FALSE(m.derivative(a, b).id.valid());
  CHECK_FALSE(m.derivative(select(b > 0.0, a, a * 2.0) + sign(b), b).id.valid());  // a condition only
}

TEST_CASE("gradient: the branch not taken gives exactly 0") {
  for (double at : {0.0, -1.0, -inf}) {
    Model m;
    Expr x = m.param(at);
    INFO("at " << at);
    CHECK(m.slope(when_positive(x, log(x)), x) == 0);
    CHECK(m.slope(when_positive(x, sqrt(x)), x) == 0);
    CHECK(m.slope(when_positive(x, 1.0 / x), x) == 0);
    CHECK(m.slope(when_positive(x, exp(log(sqrt(x)) * 3.0) / x), x) == 0);
    CHECK(m.slope(when_positive(x, pow(x, m.constant(0.5))), x) == 0);
    CHECK(m.slope(exp(when_positive(x, log(x)) * 5.0), x) == 0);
    Expr nested = when_positive(x, select(x > 1.0, log(x), sqrt(x)));
    CHECK(m.slope(nested, x) == 0);
    CHECK(m.slope(select(x <= 0.0, x * 2.0, log(x)), x) == 2);
    Expr bad = log(x);  // in both branches
    CHECK(m.slope(select(x > 0.0, bad * 2.0, m.constant(1) + when_positive(x, bad)), x) == 0);
  }
}

TEST_CASE("gradient: the branch not taken gives exactly 0 through nested selects") {
  Model m;
  Expr x = m.param(0), y = m.param(3);
  Expr inner = select(y > 2.0, when_positive(x, sqrt(x)), log(x));
  CHECK(m.slope(inner, x) == 0);
  CHECK(m.slope(select(y > 2.0, y * 4.0, inner), y) == 4);
  CHECK(m.slope(select(y > 2.0, y * 4.0, inner), x) == 0);
  CHECK(m.slope(select(y > 5.0, log(x), select(y > 4.0, sqrt(x), x * 7.0)), x) == 7);
}

TEST_CASE("gradient: the branch not taken gives exactly 0 times an infinite constant") {
  Model m;
  Expr x = m.param(-1);
  CHECK(m.slope(when_positive(x, x * inf), x) == 0);
  CHECK(m.slope(when_positive(x, x * std::nan("")), x) == 0);
}

TEST_CASE("gradient: the branch not taken gives exactly 0 over rows") {
  Model m;
  Expr x = m.data({4, 0, -2, 1}), w = m.param(1);
  CHECK(m.values(m.derivative(m.sum(when_positive(x, log(x))), x)) == std::vector<double>{0.25, 0, 0, 1});
  CHECK(m.slope(m.sum(when_positive(x, log(x * w))), w) == 2);
  CHECK(m.slope(m.sum(when_positive(x, sqrt(x * w)) * 2.0), w) == 3);
}

// The guard must outlive a broadcast: below it the derivative of log is infinite in a branch that no row
// takes.
TEST_CASE("gradient: the branch not taken gives exactly 0 below a broadcast") {
  Model m;
  Expr p = m.param(0), x = m.data({1, 2});
  CHECK(m.slope(when_positive(p, m.sum(log(p) * x)), p) == 0);
  CHECK(m.slope(m.sum(when_positive(x - 5.0, log(p) * x)), p) == 0);
  CHECK(m.slope(m.sum(select(x > 1.5, log(p + 1.0) * x, sqrt(p + 1.0) + x)), p) == 2.5);
  CHECK(m.slope(when_positive(p, m.over_rows(Reduction::max, log(p) * x)), p) == 0);
}

TEST_CASE("gradient: a tap is a value of its own, a stopped value has no derivative") {
  Model m;
  Expr a = m.param(3);
  Expr square = a * a, named = m.expr(m.graph.tap(square.id)), again = m.expr(m.graph.tap(square.id));
  CHECK(named.id != square.id);
  CHECK(named.id != again.id);
  Expr y = named * 5.0 + again * 7.0 + square;
  CHECK(m.value(y) == 13 * 9);
  CHECK(m.slope(y, named) == 5);
  CHECK(m.slope(y, again) == 7);
  CHECK(m.slope(y, square) == 13);
  CHECK(m.slope(y, a) == 13 * 6);
  CHECK(m.slope(named * named, named) == 18);

  Expr stopped = m.expr(m.graph.stop_gradient(square.id));
  CHECK(m.value(stopped) == 9);
  CHECK_FALSE(m.derivative(stopped, a).id.valid());
  CHECK(m.slope(stopped * a, a) == 9);
  CHECK(m.slope(stopped * square, square) == 9);
  CHECK(m.slope(stopped * stopped * 2.0 + named, a) == 6);

  // The guard of a select reaches through both: nothing of log(0) leaks.
  Expr zero = m.param(0);
  Expr under = m.expr(m.graph.tap(log(zero).id));
  CHECK(m.slope(when_positive(zero, under * under), zero) == 0);
}

TEST_CASE("gradient: after fusion nothing is left of taps and stopped gradients") {
  Graph g, plain;
  NodeId a = g.param(0), b = g.param(1);
  NodeId y = g.apply<op::Add>(g.tap(g.apply<op::Mul>(g.stop_gradient(a), b)), g.tap(g.constant(2)));
  Fused fused = fuse(g, std::span(&y, 1));
  CHECK(verify(fused.graph) == "");
  NodeId c = plain.param(0), d = plain.param(1);
  NodeId z = plain.apply<op::Add>(plain.apply<op::Mul>(c, d), plain.constant(2));
  Fused same = fuse(plain, std::span(&z, 1));
  CHECK(print(fused.graph, fused.roots, {}) == print(same.graph, same.roots, {}));
  CHECK(print(fused.graph, fused.roots, {}).find("fma") != std::string::npos);
}

TEST_CASE("gradient: second derivatives") {
  Model m;
  Expr x = m.param(0.6);
  auto second = [&](Expr y) { return m.slope(m.derivative(y, x), x); };
  CHECK(second(exp(x)) == Approx(std::exp(0.6)));
  CHECK(second(x * x * x) == Approx(3.6));
  CHECK(second(pow(x, m.constant(3))) == Approx(3.6));
  CHECK(second(sin(x) * cos(x)) == Approx(-2 * std::sin(1.2)));
  CHECK(m.slope(m.derivative(m.derivative(sin(x), x), x), x) == Approx(-std::cos(0.6)));
  Expr d = m.data({1, 2});
  CHECK(second(m.sum(exp(d * x))) == Approx(std::exp(0.6) + 4 * std::exp(1.2)));
}

TEST_CASE("gradient: of a long chain in linear size") {
  Model m;
  Expr x = m.param(0.5), y = x;
  for (int i = 1; i <= 10000; ++i) y = y + x * (1.0 / i);
  std::size_t before = m.graph.size();
  Expr d = m.derivative(y, x);
  CHECK(m.graph.size() - before <= 5 * 10000);
  double harmonic = 1;
  for (int i = 1; i <= 10000; ++i) harmonic += 1.0 / i;
  CHECK(m.value(d) == Approx(harmonic));
}

TEST_CASE("gradient: of a value doubled 60 times stays small") {
  Model m;
  Expr x = m.param(1), y = x, z = x;
  for (int i = 0; i < 60; ++i) y = y + y;
  for (int i = 0; i < 60; ++i) z = z * z;
  CHECK(m.slope(y, x) == 0x1p60);
  CHECK(m.slope(z, x) == 0x1p60);
  CHECK(m.graph.size() < 1000);
}

namespace {

// A random graph all of whose ops work in their domain: each operand is squeezed into it by tanh first.
class Smooth {
 public:
  explicit Smooth(unsigned seed) : random_(seed) {
    for (int i = 0; i < 3; ++i) {
      params_.push_back(m.param(normal()));
      values_.push_back(params_.back());
    }
    for (int i = 0; i < 2; ++i) values_.push_back(m.data({normal(), normal(), normal(), normal(), normal()}));
    for (int i = 0; i < 12; ++i) grow();
    Expr y = m.constant(0);
    for (std::size_t i = values_.size() - 4; i < values_.size(); ++i) y = y + m.sum(tanh(values_[i]));
    root = y;
  }

  // Whether there was something to check; fails where the gradient is wrong.
  bool check() {
    std::vector<NodeId> wrt;
    for (Expr p : params_) wrt.push_back(p.id);
    std::vector<NodeId> gradient = differentiate(m.graph, root.id, wrt);
    REQUIRE(verify(m.graph) == "");
    std::vector<double> direction(params_.size());
    double expected = 0;
    for (std::size_t i = 0; i < wrt.size(); ++i) {
      direction[i] = normal();
      if (gradient[i].valid()) expected += direction[i] * m.value(m.expr(gradient[i]));
    }
    double coarse = difference(direction, 2e-4), fine = difference(direction, 1e-4),
           scale = std::max(1.0, std::fabs(fine));
    if (!std::isfinite(fine) || std::fabs(coarse - fine) > 1e-6 * scale) return false;  // a kink, or steep
    CHECK(std::fabs(expected - fine) <= 1e-5 * scale);
    return true;
  }

  // The Hessian times a random vector, as the gradient of the gradient's product with it, likewise.
  bool check_second() {
    std::vector<NodeId> wrt;
    for (Expr p : params_) wrt.push_back(p.id);
    std::vector<NodeId> gradient = differentiate(m.graph, root.id, wrt);
    std::vector<double> direction(params_.size());
    Expr along = m.constant(0);
    for (std::size_t i = 0; i < wrt.size(); ++i) {
      direction[i] = normal();
      if (gradient[i].valid()) along = along + direction[i] * m.expr(gradient[i]);
    }
    std::vector<NodeId> product = differentiate(m.graph, along.id, wrt);
    REQUIRE(verify(m.graph) == "");
    bool checked = false;
    for (std::size_t i = 0; i < wrt.size(); ++i) {
      if (!gradient[i].valid()) continue;
      root = m.expr(gradient[i]);
      double coarse = difference(direction, 2e-4), fine = difference(direction, 1e-4),
             scale = std::max(1.0, std::fabs(fine));
      if (!std::isfinite(fine) || std::fabs(coarse - fine) > 1e-6 * scale) continue;
      CHECK(std::fabs((product[i].valid() ? m.value(m.expr(product[i])) : 0) - fine) <= 1e-5 * scale);
      checked = true;
    }
    return checked;
  }

  Model m;
  Expr root;

 private:
  double normal() { return std::normal_distribution<double>()(random_); }
  std::size_t below(std::size_t n) { return random_() % n; }
  Expr pick() { return values_[below(values_.size())]; }

  void grow() {
    if (below(6) == 0) return values_.push_back(m.over_rows(static_cast<Reduction>(below(3)), pick() * 1.5));
    OpId op{};
    do op = static_cast<OpId>(below(op_count));
    while (info(op).result != Type::real);
    Domain domain = info(op).domain;
    double middle = (domain.low + domain.high) / 2, half = (domain.high - domain.low) / 2;
    std::vector<NodeId> operands;
    for (int k = 0; k < info(op).arity; ++k) {
      bool truth = info(op).operands[static_cast<std::size_t>(k)] == Type::truth;
      Expr x = pick();
      operands.push_back(truth ? (x > normal()).id : (middle + half * tanh(x)).id);
    }
    values_.push_back(m.expr(m.graph.apply(op, operands)));
  }

  double difference(const std::vector<double>& direction, double h) {
    auto moved = [&](double t) {
      std::vector<double> before = m.in.params;
      for (std::size_t i = 0; i < direction.size(); ++i) m.in.params[i] += t * direction[i];
      double y = m.value(root);
      m.in.params = before;
      return y;
    };
    auto central = [&](double step) { return (moved(step) - moved(-step)) / (2 * step); };
    return (4 * central(h / 2) - central(h)) / 3;
  }

  std::mt19937 random_;
  std::vector<Expr> params_, values_;
};

}  // namespace

TEST_CASE("gradient: Hessian-vector products of random graphs against differences of the gradient") {
  constexpr unsigned graphs = 300;
  int checked = 0;
  for (unsigned seed = 0; seed < graphs; ++seed) {
    INFO("seed " << seed);
    checked += Smooth(seed).check_second();
  }
  INFO(checked << " of " << graphs << " graphs were smooth enough");
  CHECK(checked >= static_cast<int>(graphs) * 70 / 100);
}

TEST_CASE("gradient: random graphs against differences") {
  constexpr unsigned graphs = 1000;
  int checked = 0;
  for (unsigned seed = 0; seed < graphs; ++seed) {
    INFO("seed " << seed);
    checked += Smooth(seed).check();
  }
  INFO(checked << " of " << graphs << " graphs were smooth enough");
  CHECK(checked >= static_cast<int>(graphs) * 80 / 100);
}

TEST_CASE("a parameter is reached exactly where it has a derivative", "[gradient]") {
  for (std::size_t i = 0; i < op_count; ++i) {
    auto op = static_cast<OpId>(i);
    Graph graph;
    std::vector<NodeId> params, operands;
    for (int k = 0; k < info(op).arity; ++k) {
      params.push_back(graph.param(k));
      bool truth = info(op).operands[static_cast<std::size_t>(k)] == Type::truth;
      operands.push_back(truth ? graph.apply<op::Greater>(params.back(), graph.constant(0)) : params.back());
    }
    NodeId y = graph.to_real(graph.apply(op, operands));
    std::vector<bool> reached = reached_by_derivative(graph, y);
    std::vector<NodeId> derivatives = differentiate(graph, y, params);
    for (std::size_t k = 0; k < params.size(); ++k) {
      INFO(info(op).name << ", operand " << k);
      bool is_reached = reached[params[k].index()];
      CHECK(is_reached == derivatives[k].valid());
      // What is not is named: the operation that it changes without a derivative.
      bool is_used = live(graph, std::span(&y, 1))[params[k].index()];
      CHECK(derivative_ends(graph, y, params[k]).empty() == (is_reached || !is_used));
    }
  }
}

TEST_CASE("derivatives end at indices, statistics of order and stop_gradient", "[gradient]") {
  Graph graph;
  NodeId x = graph.param(0, graph.intern({false, {3}}));
  NodeId largest = graph.arg_reduce(Reduction::max, x, 0), stopped = graph.stop_gradient(x);
  NodeId y =
      graph.apply<op::Add>(graph.take(stopped, largest, 0),
                           graph.apply<op::Floor>(graph.slice(x, std::vector<Graph::Along>{{0, 1, 1}})));
  y = graph.reshape(y, {});
  CHECK(!reached_by_derivative(graph, y)[x.index()]);
  CHECK(!differentiate(graph, y, std::span(&x, 1))[0].valid());
  std::vector<NodeId> ends = derivative_ends(graph, y, x);
  REQUIRE(ends.size() == 3);
  CHECK(ends[0] == largest);
  CHECK(ends[1] == stopped);
  CHECK(graph[ends[2]].op == id_of<op::Floor>());
  NodeId taken = graph.reshape(graph.take(x, largest, 0), {});
  CHECK(reached_by_derivative(graph, taken)[x.index()]);
  CHECK(derivative_ends(graph, taken, x) == std::vector<NodeId>{largest});
}
