// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Which losses have kinks, and what they are the sum of.
#include <catch2/catch.hpp>

#include "graph/identity.h"
#include "graph/kinks.h"
#include "runtime/pipeline.h"

using namespace slope;

namespace {

struct Found {
  Graph graph;
  Kinks kinks;
};

Found kinks_of(const std::string& loss, const std::string& more = "") {
  INFO(loss);
  Diagnostics diagnostics;
  ast::Ast tree = parse(Source("m.slope", "data x, y from \"d.csv\"\nparam a = 1, b = 1, v[3] = 1\n" + more +
                                              "predict = a*x + b\nloss = " + loss + "\n"),
                        diagnostics);
  LowerSettings settings;
  settings.headers = {{"x", "y"}};
  auto lowered = lower(tree, settings, diagnostics);
  REQUIRE_FALSE(diagnostics.has_errors());
  REQUIRE(lowered);
  Model& model = lowered->model();
  std::vector<NodeId> params;
  for (std::size_t i = 0; i < model.params.size(); ++i)
    params.push_back(
        model.graph.param(static_cast<int>(i), model.graph.intern({false, model.params[i].axes})));
  Found found{model.graph, {}};
  found.kinks = kinks(found.graph, model.loss, params);
  return found;
}

}  // namespace

TEST_CASE("kinks: sums of absolute values are seen in every spelling", "[kinks]") {
  for (const char* loss :
       {"mae(predict, y)", "quantile(predict, y, q=0.9)", "hinge(predict, y)",
        "mean(max(predict, y) - predict)", "mean(-min(predict, y))",
        "mean(if predict > y then predict - y else 0)",
        "mean(if y - predict > 0 then 2*(y - predict) else predict - y)",
        "mean(if not (predict < y) then predict - y else 3*(y - predict))",
        "mse(predict, y) + 0.1*sum(abs(v))", "mean(leaky_relu(1 - y*predict))",
        "mean(abs(y - predict)) + 0.5*abs(a - b)", "mean(x*(if predict >= y then predict - y else 0))",
        "mean(abs(predict - y)/(1 + x^2))"}) {
    INFO(loss);
    Found found = kinks_of(loss);
    CHECK(found.kinks.separate);
    CHECK(found.kinks.all.size() >= 1);
    CHECK(found.kinks.terms.size() >= 1);
    CHECK(found.kinks.smooth.valid());
  }
}

TEST_CASE("kinks: one term for one argument", "[kinks]") {
  CHECK(kinks_of("mean(max(predict, 0) + 3*abs(predict))").kinks.terms.size() == 1);
  CHECK(kinks_of("mean(max(predict, 1) + 3*abs(predict))").kinks.terms.size() == 2);
}

TEST_CASE("kinks: smooth functions written with a choice have none", "[kinks]") {
  for (const char* loss :
       {"huber(predict, y)", "huber(predict, y, delta=1.345)", "mean(softplus(predict) - y*predict)",
        "binary_cross_entropy(predict, y)", "mean((sigmoid(predict) - y)^2)", "mean(elu(predict))",
        "mean(abs(predict)^2)", "mean(relu(predict)^2)", "mean(max(predict, 0) + log1p(exp(-abs(predict))))",
        "mean(if predict > 0 then predict + log1p(exp(-predict)) else log1p(exp(predict)))",
        "mean(if predict > y then (predict - y)^2 else 0)", "mean(logsumexp(predict*v))",
        "mean(if x > 0 then predict^2 else 2*predict)", "mean(abs(x)*predict^2)", "mean(floor(y)*predict)",
        "mean((predict - stop_gradient(abs(a)))^2)"}) {
    INFO(loss);
    CHECK(kinks_of(loss).kinks.all.empty());
  }
}

TEST_CASE("kinks: what is no sum of absolute values is not taken for one", "[kinks]") {
  for (const char* loss :
       {"mae(predict, y)^2", "sqrt(mae(predict, y))", "sum(abs(v))*sum(v)", "mean(abs(abs(predict) - y))",
        "mean(max(abs(predict), y))", "mean((relu(predict) - y)^2)", "mean(a*abs(predict))",
        "max(predict - y, axis=rows)", "mean(floor(predict)) + mean(predict^2)",
        "mean(if predict > 0 then 1 else predict)", "mean(if predict > 0 and a > 0 then predict else 0)",
        "mean(if a > 0 then predict else b)", "mean(sign(predict)*predict)", "max(v)",
        "mean(exp(abs(predict)))"}) {
    INFO(loss);
    Found found = kinks_of(loss);
    CHECK_FALSE(found.kinks.separate);
    CHECK(found.kinks.all.size() >= 1);
  }
}

TEST_CASE("kinks: identities of sums and products", "[kinks]") {
  Graph g;
  NodeId x = g.data(0), y = g.data(1), one = g.constant(1);
  auto sub = [&](NodeId a, NodeId b) { return g.apply<op::Sub>(a, b); };
  auto mul = [&](NodeId a, NodeId b) { return g.apply<op::Mul>(a, b); };
  CHECK(is_zero(g, sub(x, x)));
  CHECK(is_zero(g, sub(mul(x, y), mul(y, x))));
  CHECK(is_zero(g, sub(one, mul(y, g.apply<op::Div>(one, y)))));
  CHECK(is_zero(g, sub(mul(x, sub(x, g.apply<op::Div>(x, g.constant(2)))),
                       g.apply<op::Div>(mul(x, x), g.constant(2)))));
  CHECK_FALSE(is_zero(g, sub(x, y)));
  CHECK_FALSE(is_zero(g, g.constant(1e-300)));
  CHECK(known_sign(g, g.apply<op::Div>(one, g.row_count())) == 1);
  CHECK(known_sign(g, g.apply<op::Neg>(mul(x, x))) == -1);
  CHECK(known_sign(g, x) == 0);
}
