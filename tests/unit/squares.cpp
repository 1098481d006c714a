// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Losses taken apart into squares, graphs made again with other nodes, and bounds: each against the
// interpreter.
#include <catch2/catch.hpp>
#include <cmath>

#include "frontend/lower.h"
#include "graph/bounds.h"
#include "graph/evaluate.h"
#include "graph/rebuild.h"
#include "graph/squares.h"

using namespace slope;

namespace {

// Three columns, six parameters' elements and nothing of chance.
constexpr const char* declarations = R"(
data x, y, w from "p.csv"
param a = 0.7, b = -0.3
param v[3] = [0.5, -1.25, 2]
param k in (0, 4) = 1.5
)";

struct Case {
  explicit Case(const std::string& loss) {
    LowerSettings settings;
    settings.headers = {{"x", "y", "w"}};
    tree = parse(Source("m.slope", declarations + ("loss = " + loss)), diagnostics);
    lowered = lower(tree, settings, diagnostics);
    REQUIRE(lowered);
    const Model& model = lowered->model();
    in.rows = 5;
    in.columns = {{0, 1, 2.5, -3, 4}, {1, 0.5, -2, 3, 0.25}, {1, 2, 0.5, 3, 1}};
    for (const Parameter& p : model.params) {
      in.param_offsets.push_back(static_cast<std::int64_t>(in.params.size()));
      in.params.insert(in.params.end(), p.start.begin(), p.start.end());
    }
  }
  double at(const Graph& graph, NodeId node) const {
    std::vector<std::vector<double>> values = evaluate<double>(graph, std::span(&node, 1), in);
    double sum = 0;
    for (double value : values[0]) sum += value;
    return sum;
  }

  Diagnostics diagnostics;
  ast::Ast tree;
  std::optional<Lowered> lowered;
  Inputs<double> in;
};

// The loss less Σ scale·Σ residual²: the constant that was left out.
double rest(Case& c) {
  Graph& graph = c.lowered->model().graph;
  NodeId loss = c.lowered->model().loss;
  auto terms = squares(graph, loss);
  REQUIRE(terms);
  double sum = c.at(graph, loss);
  for (const SquareTerm& term : *terms)
    sum -= c.at(graph, term.scale) * c.at(graph, graph.apply<op::Mul>(term.residual, term.residual));
  return sum;
}

}  // namespace

TEST_CASE("a loss is the sum of its squares and a constant", "[squares]") {
  auto [loss, constant] = GENERATE(table<std::string, double>({
      {"mse(a*x + b, y)", 0},
      {"sum((a*x + b - y)^2)", 0},
      {"mean((a*x - y)*(a*x - y)) + 3", 3},
      {"mse(a*x + b, y, weights=w)", 0},
      {"sum(w*(a*x + b - y)^2)/sum(w) + 0.1*a^2 + 0.2*sum(v^2)", 0},
      {"mean((v*x - y)^2)", 0},
      {"mean(sum([1, 2, 3]*(v*x - y)^2, axis=-1))", 0},
      {"2*mean(sum((v*x - y)^2, axis=-1)/w)", 0},
      {"nll(-((y - a*x)/2)^2/2 - log(2))", std::log(2.0)},
      {"-mean(-(a*x - y)^2) - (3 - 5)*(b - 1)^2", 0},
      {"mean((a*x - y)^4) + v @ v", 0},
      {"mse(v @ [1, x, x^2], y)", 0},
      {"mean((k*x - y)^2) + mean(a^2 + 0*w)", 0},
      {"(sum(a*x) - 3)^2", 0},
  }));
  INFO(loss);
  Case c(loss);
  CHECK(rest(c) == Approx(constant).margin(1e-12));
}

TEST_CASE("what is no sum of squares is told", "[squares]") {
  std::string loss = GENERATE("mae(a*x, y)", "mean(exp(a*x))", "mse(a*x, y) - b^2", "sqrt(mse(a*x, y))",
                              "mean((a*x - y)^3)", "mean(a*(b*x - y)^2)", "max((a*x - y)^2)", "a*b");
  INFO(loss);
  Case c(loss);
  CHECK_FALSE(squares(c.lowered->model().graph, c.lowered->model().loss));
}

TEST_CASE("a graph made again has the same values, with rows where a parameter has them", "[rebuild]") {
  Case c("mse(sum([[1, 2, 3], [x, y, 4]] @ v) + max(a*x, b) + mean(flip(v)[1:3]) + tanh(k)^3, y)");
  const Model& model = c.lowered->model();
  Graph graph = model.graph;
  Rebuilt again = in_precision(graph, std::span(&model.loss, 1), Precision::f64);
  CHECK(c.at(again.graph, again.roots[0]) == c.at(graph, model.loss));
  CHECK(in_precision(graph, std::span(&model.loss, 1), Precision::f32).graph.precision() == Precision::f32);

  NodeId v = graph.param(2, graph.intern({false, {3}}));
  NodeId rows = graph.tap(graph.broadcast(v));
  NodeId element = graph.reduce(Reduction::sum, graph.contract(v, v, {0}, {0}, {}, false), Axes{});
  NodeId spread = replace(graph, std::span(&element, 1), {{v, rows}})[0];
  CHECK(graph.has_rows(spread));
  CHECK(c.at(graph, spread) == Approx(5 * c.at(graph, element)));
  NodeId untouched = graph.param(0);
  CHECK(replace(graph, std::span(&untouched, 1), {{v, rows}})[0] == untouched);
}

TEST_CASE("bounded values lie between their bounds, and come back", "[bounds]") {
  Precision precision = GENERATE(Precision::f32, Precision::f64);
  double close = precision == Precision::f32 ? 1e-6 : 1e-14;
  double inf = std::numeric_limits<double>::infinity();
  for (Bounds bounds :
       {Bounds{0, 1}, Bounds{-0.1f, 0.3f}, Bounds{2, inf}, Bounds{-inf, 5}, Bounds{-1e6, 1e6}}) {
    for (double u : {-1e4, -800.0, -90.0, -3.0, -0.5, 0.0, 0.5, 3.0, 90.0, 800.0, 1e4}) {
      double x = bounded(std::span(&u, 1), bounds, precision)[0];
      CHECK(x >= bounds.low);
      CHECK(x <= bounds.high);
    }
    double width = std::isfinite(bounds.high - bounds.low) ? bounds.high - bounds.low : 1;
    for (double x : {0.25, 0.125, 2.5, 4.75, -5.0})
      if (bounds.contain(x)) {
        double u = unbounded(x, bounds, precision);
        CHECK(bounded(std::span(&u, 1), bounds, precision)[0] ==
              Approx(x).epsilon(close).margin(close * width));
      }
  }
  // (low + (high − low)/(1 + e^−u))′ = (high − low)/4 at u = 0, where the two forms meet.
  double zero = 0;
  CHECK(bounded(std::span(&zero, 1), Bounds{2, 4}, precision)[0] == 3);
}
