// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Every op of the table, by the table: its partial derivatives against differences of its value, over double
// and as graph. A new op is tested here without a line of test.
#include "graph/ops.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <random>
#include <string>

#include "graph/evaluate.h"
#include "graph/expr.h"
#include "graph/gradient.h"
#include "graph/verify.h"
#include "tests/unit/special.h"

using namespace slope;
using test::same_bits;
using test::same_number;
using Point = std::array<double, 3>;

namespace {

double number(Zero) { return 0; }
double number(double c) { return c; }
template <class P>
double number(When<bool, P> w) {
  return w.condition ? number(w.partial) : 0;
}

// The partials over double, by op; of an operand that is a truth value 0 too.
Point partials(OpId op, const Point& point) {
  static constexpr auto table = table_of([]<class Op>() -> Point (*)(const Point&) {
    return [](const Point& x) {
      auto y = evaluate_op<double>(id_of<Op>(), x.data());
      auto operand = [&]<std::size_t K>() {
        if constexpr (Op::operands[K] == Type::truth) return x[K] != 0;
        else return x[K];
      };
      auto tuple = [&]<std::size_t... I>(std::index_sequence<I...>) {
        return Op::partial(operand.template operator()<I>()..., y);
      }(std::make_index_sequence<Op::operands.size()>{});
      return std::apply([](auto... p) { return Point{number(p)...}; }, tuple);
    };
  });
  return table[static_cast<std::size_t>(op)](point);
}

// One op on parameters, a truth value as `param > 0.5`, with its gradient and the gradient's gradients.
struct Derivatives {
  Graph graph;
  std::vector<NodeId> params, roots;  // roots: those of 3 first and 9 second derivatives that are not zero
  std::array<NodeId, 3> first{};
  std::array<std::array<NodeId, 3>, 3> second{};

  explicit Derivatives(OpId op) {
    std::vector<NodeId> operands;
    for (int k = 0; k < info(op).arity; ++k) {
      params.push_back(graph.param(k));
      bool truth = info(op).operands[static_cast<std::size_t>(k)] == Type::truth;
      operands.push_back(truth ? graph.apply<op::Greater>(params.back(), graph.constant(0.5))
                               : params.back());
    }
    NodeId y = graph.to_real(graph.apply(op, operands));
    gradient(y, first);
    for (std::size_t k = 0; k < params.size(); ++k)
      if (first[k].valid()) gradient(first[k], second[k]);
  }

  void gradient(NodeId y, std::array<NodeId, 3>& out) {
    std::vector<NodeId> ids = differentiate(graph, y, params);
    for (std::size_t k = 0; k < ids.size(); ++k) {
      out[k] = ids[k];
      if (ids[k].valid()) roots.push_back(ids[k]);
    }
  }

  double value(NodeId id, const Point& x) const {
    if (!id.valid()) return 0;
    Inputs<double> in;
    in.params.assign(x.begin(), x.end());
    return evaluate<double>(graph, std::span(&id, 1), in)[0][0];
  }
};

// The derivative of f at 0 by central differences of two steps, extrapolated: error O(step⁴).
struct Difference {
  double value;
  bool smooth;  // no kink within the steps, as far as two estimates tell
};
template <class F>
Difference difference(F f) {
  auto central = [&](double h) { return (f(h) - f(-h)) / (2 * h); };
  auto extrapolated = [&](double h) { return (4 * central(h / 2) - central(h)) / 3; };
  double coarse = extrapolated(2e-3), fine = extrapolated(1e-3);
  return {fine, std::fabs(coarse - fine) <= 1e-8 * std::max(1.0, std::fabs(fine))};
}

bool close(double a, double b) { return std::fabs(a - b) <= 1e-8 * std::max(1.0, std::fabs(b)); }

Point moved(Point x, std::size_t k, double h) {
  x[k] += h;
  return x;
}

class Samples {
 public:
  explicit Samples(OpId op) : op_(info(op)) {}
  Point next() {
    Point x{};
    for (std::size_t k = 0; k < x.size(); ++k)
      x[k] = op_.operands[k] == Type::truth ? static_cast<double>(random_() % 2)
             : op_.indexed && k == 0
                 ? static_cast<double>(1 + random_() % 3)
                 : std::uniform_real_distribution<double>(op_.domain.low, op_.domain.high)(random_);
    return x;
  }

 private:
  const OpInfo& op_;
  std::mt19937 random_{7};
};

constexpr int samples = 200;

template <class F>
void for_every_op(F f) {
  for (std::size_t i = 0; i < op_count; ++i) {
    auto op = static_cast<OpId>(i);
    INFO("op " << std::string(info(op).name));
    f(op, static_cast<std::size_t>(info(op).arity));
  }
}

// Every tuple of special values as operands; a truth value is 0 or 1 only.
template <class F>
void for_special_operands(OpId op, F f) {
  auto arity = static_cast<std::size_t>(info(op).arity);
  auto columns = test::special_tuples<double>(arity);
  for (std::size_t i = 0; i < columns[0].size(); ++i) {
    Point x{};
    for (std::size_t k = 0; k < arity; ++k) {
      x[k] = columns[k][i];
      if (info(op).operands[k] == Type::truth) x[k] = x[k] > 0.5;
    }
    f(x);
  }
}

}  // namespace

TEST_CASE("ops: partial derivatives are the differences of the value") {
  for_every_op([](OpId op, std::size_t arity) {
    int checked = 0;
    Samples points(op);
    for (int i = 0; i < samples; ++i) {
      Point x = points.next();
      Point partial = partials(op, x);
      for (std::size_t k = 0; k < arity; ++k) {
        if (info(op).operands[k] == Type::truth || (info(op).indexed && k == 0)) continue;
        auto value = [&](double h) { return evaluate_op<double>(op, moved(x, k, h).data()); };
        Difference expected = difference(value);
        if (!expected.smooth) continue;
        ++checked;
        INFO("operand " << k << " at " << x[0] << ", " << x[1] << ", " << x[2]);
        if (!close(partial[k], expected.value)) CHECK(partial[k] == Approx(expected.value));
      }
    }
    int real = 0;
    for (std::size_t k = 0; k < arity; ++k) real += info(op).operands[k] == Type::real;
    real -= info(op).indexed;
    CHECK(checked >= real * samples * 95 / 100);  // few points lie at a kink
  });
}

TEST_CASE("ops: second derivatives by graph are the differences of the first") {
  for_every_op([](OpId op, std::size_t arity) {
    Derivatives graph(op);
    REQUIRE(verify(graph.graph) == "");
    int checked = 0;
    Samples points(op);
    for (int i = 0; i < samples / 4; ++i) {
      Point x = points.next();
      for (std::size_t k = 0; k < arity; ++k)
        for (std::size_t j = 0; j < arity; ++j) {
          if (info(op).operands[j] == Type::truth || (info(op).indexed && j == 0)) continue;
          Difference expected = difference([&](double h) { return partials(op, moved(x, j, h))[k]; });
          if (!expected.smooth) continue;
          ++checked;
          double second = graph.value(graph.second[k][j], x);
          INFO("operands " << k << " and " << j << " at " << x[0] << ", " << x[1] << ", " << x[2]);
          if (!close(second, expected.value)) CHECK(second == Approx(expected.value));
        }
    }
    if (info(op).operands[0] == Type::real) CHECK(checked > samples / 8);
  });
}

TEST_CASE("ops: the partial as graph equals the partial on numbers") {
  for_every_op([](OpId op, std::size_t arity) {
    Derivatives graph(op);
    auto compare = [&](const Point& x) {
      Point expected = partials(op, x);
      for (std::size_t k = 0; k < arity; ++k) {
        double value = graph.value(graph.first[k], x);
        INFO("operand " << k << " at " << x[0] << ", " << x[1] << ", " << x[2]);
        if (!same_number(value, expected[k])) CHECK(value == expected[k]);
      }
    };
    Samples points(op);
    for (int i = 0; i < samples; ++i) compare(points.next());
    for_special_operands(op, compare);
  });
}

TEST_CASE("ops: commutative ops commute to the bit, the others do not") {
  for_every_op([](OpId op, std::size_t arity) {
    if (arity != 2) {
      CHECK_FALSE(info(op).commutative);
      return;
    }
    bool commutes = true;
    for_special_operands(op, [&](const Point& x) {
      Point swapped{x[1], x[0], 0};
      commutes &= same_bits(evaluate_op<double>(op, x.data()), evaluate_op<double>(op, swapped.data()));
      float single[] = {static_cast<float>(x[0]), static_cast<float>(x[1])}, back[] = {single[1], single[0]};
      commutes &= same_bits(evaluate_op<float>(op, single), evaluate_op<float>(op, back));
    });
    CHECK(commutes == info(op).commutative);
  });
}

TEST_CASE("ops: truth has no derivative") {
  for_every_op([](OpId op, std::size_t arity) {
    Derivatives graph(op);
    for (std::size_t k = 0; k < arity; ++k)
      if (info(op).result == Type::truth || info(op).operands[k] == Type::truth) {
        CHECK_FALSE(graph.first[k].valid());
        for_special_operands(op, [&](const Point& x) { CHECK(partials(op, x)[k] == 0); });
      }
  });
}

TEST_CASE("ops: derivatives at the kinks") {
  auto at = [](OpId op, double a, double b) {
    Point p = partials(op, {a, b, 0});
    return std::pair(p[0], p[1]);
  };
  CHECK(at(id_of<op::Abs>(), 0, 0).first == 0);
  CHECK(at(id_of<op::Abs>(), -0.0, 0).first == 0);
  for (OpId op : {id_of<op::Max>(), id_of<op::Min>()})
    for (double x : {-1.0, 0.0, 3.0}) CHECK(at(op, x, x) == std::pair(0.5, 0.5));
  CHECK(at(id_of<op::Max>(), 0.0, -0.0) == std::pair(0.5, 0.5));
  CHECK(at(id_of<op::Max>(), 2, 1) == std::pair(1.0, 0.0));
  CHECK(at(id_of<op::Min>(), 2, 1) == std::pair(0.0, 1.0));
  CHECK(op::Pow::value(0.0, 0.0) == 1);
  CHECK(at(id_of<op::Pow>(), 0, 0) == std::pair(0.0, 0.0));
  CHECK(at(id_of<op::Pow>(), 0, 2) == std::pair(0.0, 0.0));

  Graph g;
  NodeId x = g.param(0), zero = g.constant(0);
  NodeId relu = g.apply<op::Select>(g.apply<op::LessEqual>(x, zero), zero, x);
  NodeId slope_of_relu = differentiate(g, relu, std::span(&x, 1))[0];
  auto value = [&](double p) {
    return evaluate<double>(g, std::span(&slope_of_relu, 1), {{}, {p}, {}, 0})[0][0];
  };
  CHECK(value(0) == 0);
  CHECK(value(-0.0) == 0);
  CHECK(value(-1) == 0);
  CHECK(value(1e-300) == 1);
}
