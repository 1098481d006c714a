// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Functions that own parameters: what they are called, whose they are, and that a call made again has the
// same.
#include "frontend/lower.h"

#include <catch2/catch.hpp>
#include <deque>
#include <string>
#include <vector>

#include "graph/evaluate.h"

using namespace slope;

namespace {

struct Read {
  Diagnostics diagnostics;
  std::optional<Lowered> lowered;
  std::string codes() const {
    std::string out;
    for (const Diagnostic& d : diagnostics.all())
      if (d.severity == Severity::error) out += (out.empty() ? "" : " ") + to_string(d.code);
    return out;
  }
};

Read read(const std::string& text) {
  Read out;
  static std::deque<ast::Ast> trees;  // what is lowered refers to its tree
  trees.push_back(parse(Source("m.slope", text), out.diagnostics));
  LowerSettings settings;
  settings.headers = {{"x", "y", "t"}};
  out.lowered = lower(trees.back(), settings, out.diagnostics);
  return out;
}

std::vector<std::string> names(const std::string& text) {
  Read model = read("data x[2] from \"d.csv\" columns x, y\ndata t from \"d.csv\"\n" + text);
  INFO(text << (model.diagnostics.all().empty() ? "" : model.diagnostics.all()[0].message));
  REQUIRE(model.lowered);
  std::vector<std::string> out;
  for (const Parameter& param : model.lowered->model().params) out.push_back(param.name);
  return out;
}

std::string codes(const std::string& text) {
  return read("data x[2] from \"d.csv\" columns x, y\ndata t from \"d.csv\"\n" + text).codes();
}

using Names = std::vector<std::string>;

// The loss of a model of parameters alone, at their starts.
double loss(const std::string& text) {
  Read model = read(text);
  INFO(text << (model.diagnostics.all().empty() ? "" : model.diagnostics.all()[0].message));
  REQUIRE(model.lowered);
  const Model& m = model.lowered->model();
  Inputs<double> inputs;
  for (const Parameter& param : m.params) {
    inputs.param_offsets.push_back(std::ssize(inputs.params));
    inputs.params.insert(inputs.params.end(), param.start.begin(), param.start.end());
  }
  return evaluate<double>(m.graph, std::span(&m.loss, 1), inputs)[0][0];
}

}  // namespace

TEST_CASE("layers: the outermost call has the definition's name, the others add their function's") {
  CHECK(names("h = dense(x, 3)\nloss = sum(h^2)\n") == Names{"h.W", "h.b"});
  CHECK(names("u = tanh(dense(dense(x, 8), 1))\nloss = sum(u^2)\n") ==
        Names{"u.dense.W", "u.dense.b", "u.W", "u.b"});
  CHECK(names("def net(t) = dense(dense([t], 16), 1)\nu = net(t)\nloss = sum(u^2)\n") ==
        Names{"u.dense_1.W", "u.dense_1.b", "u.dense_2.W", "u.dense_2.b"});
  CHECK(names("u = dense(x, 2)[0]\nloss = sum(u^2)\n") == Names{"u.W", "u.b"});
  CHECK(names("u = 1 + dense(x, 2)\nloss = sum(u^2)\n") == Names{"u.dense.W", "u.dense.b"});
  CHECK(names("loss = mean(layer_norm(dense(x, 2))^2)\n") ==
        Names{"loss.dense.W", "loss.dense.b", "loss.layer_norm.scale", "loss.layer_norm.shift"});
  CHECK(names("up = layer_norm(dense(x, 2))\nloss = sum(up^2)\n") ==
        Names{"up.dense.W", "up.dense.b", "up.scale", "up.shift"});
}

TEST_CASE("layers: definitions in a function's block give names too") {
  CHECK(names("def tower(x, n) {\n  inner = dense(x, n)\n  dense(inner, n)\n}\n"
              "h = tower(x, 3)\nloss = sum(h^2)\n") ==
        Names{"h.inner.W", "h.inner.b", "h.dense.W", "h.dense.b"});
}

TEST_CASE("layers: names never meet") {
  // The argument's dense and the one in net stand under one name.
  CHECK(names("def net(t) = 1 + dense(t, 3)\nu = net(dense(x, 8))\nloss = sum(u^2)\n") ==
        Names{"u.dense_1.W", "u.dense_1.b", "u.dense_2.W", "u.dense_2.b"});
  CHECK(names("dense = dense(x, 2)\nloss = sum(dense^2)\n") == Names{"dense.W", "dense.b"});
  CHECK(names("dense_1 = 1 + dense(x, 1)\nmetric a = sum(dense_1.dense.W) + mean(dense(x, 1) + dense(x, 2))\n"
              "loss = sum(dense_1^2)\n") ==
        Names{"dense_1.dense.W", "dense_1.dense.b", "dense_2.W", "dense_2.b", "dense_3.W", "dense_3.b"});
}

TEST_CASE("layers: repeat numbers what it makes") {
  CHECK(names("def block(x) = x + dense(x, last(x))\nt2 = repeat(x, 2, block)\nloss = sum(t2^2)\n") ==
        Names{"t2.1.block.dense.W", "t2.1.block.dense.b", "t2.2.block.dense.W", "t2.2.block.dense.b"});
  CHECK(loss("def twice(x) = 2*x\nparam a = 1\nloss = a^2 + repeat(3, 5, twice)\n") == 1 + 96);
  CHECK(loss("def twice(x) = 2*x\nparam a = 1\nloss = a^2 + repeat(3, 0, twice)\n") == 1 + 3);
  CHECK(codes("loss = sum(repeat(x, 1.5, relu))\n") == "S0205");
  CHECK(codes("loss = sum(repeat(x, 2, 3))\n") == "S0205");
}

TEST_CASE("layers: members are parameters, also of layers in layers") {
  CHECK(names("u = dense(dense(x, 8), 1)\nloss = sum(u^2) + sum(u.W^2) + sum(u.dense.W.T^2)\n").size() == 4);
  CHECK(codes("u = dense(x, 1)\nloss = sum(u.V^2)\n") == "S0201");
  CHECK(codes("u = relu(x)\nloss = sum(u.W^2)\n") == "S0205");
  // The member is the parameter itself: its derivative is told of.
  Read model = read("param k = 2\ndef f(z) {\n  param c = 3\n  c*z\n}\nu = f(k)\nloss = u + u.c^2\n");
  REQUIRE(model.lowered);
  CHECK(model.lowered->model().params.size() == 2);
}

TEST_CASE("layers: derivatives by their parameters") {
  // h = (W₁ + W₂)·a², at a = 2: ∂h²/∂Wᵢ = 2·h·a²; the sum of both, 4·h·a², by Wᵢ: 4·a⁴.
  const std::string text = "param a = 2\ndef f(x) {\n  param W = [2, 3]\n  sum(W)*x^2\n}\nh = f(a)\n";
  CHECK(loss(text + "loss = sum(grad(h^2, h.W)*[1, 10])\n") == 11 * (2 * 20 * 4));
  CHECK(loss(text + "g = grad(h^2, h.W)\nloss = sum(grad(sum(g), h.W)*[1, 10])\n") == 11 * (4 * 16));
  CHECK(loss(text + "def slope(y) = sum(grad(y, h.W))\nloss = slope(h^2)\n") == 4 * 20 * 4);
  CHECK(loss(text + "loss = sum(grad(x=h.W, y=h(1) + h))\n") == 2 * (1 + 4));
  // Of a layer in a layer, inside a function, and numbered ones.
  CHECK(loss(text + "def g(x) {\n  inner = f(x)\n  sum(grad(inner, inner.W)) + inner\n}\nloss = g(a)\n") ==
        8 + 20);
  CHECK(loss(text + "u = 0 + f(f(a))\nloss = sum(grad(u, u.f_2.W)) + sum(grad(u, u.f_1.W))\n") ==
        2 * 400 + 2 * (5 * 2 * 20 * 4));
  // With bounds it is the derivative by the bounded number, of every call.
  const std::string bounded = "param a = 2\ndef f(x) {\n  param k in (1, inf) = 3\n  k*x\n}\nh = f(a)\n";
  CHECK(loss(bounded + "loss = grad(h^2, h.k)\n") == Approx(2 * 6 * 2));
  CHECK(loss(bounded + "loss = grad(h*h(5), h.k)\n") == Approx(2 * 3 * 2 * 5));
  CHECK(codes(text + "loss = sum(grad(h, h.V))\n") == "S0201");
  CHECK(codes(text + "loss = sum(grad(h, h.W.T))\n") == "S0205");
}

TEST_CASE("layers: a bound call can be made again, with its parameters and another first argument") {
  const std::string text = "param k = 2\ndef f(z, p) {\n  param c = 3\n  c*z^p\n}\nu = f(k, 2)\n";
  CHECK(loss(text + "loss = u + u(5)\n") == 3 * 4 + 3 * 25);
  // Through definitions and layers inside.
  CHECK(
      loss(
          "param k = 2\ndef g(z) {\n  param c = 3\n  c*z\n}\ndef f(z) {\n  a = g(z)\n  b = g(a)\n  a + b\n}\n"
          "u = f(k)\nloss = u + u(1)\n") == (6 + 18) + (3 + 9));
  CHECK(codes("u = dense(x, 2)\nv = u([1, 2, 3])\nloss = sum(u^2) + sum(v^2)\n") == "S0302");
  CHECK(codes("u = dense(x, 2)\nv = u(x, 3)\nloss = sum(u^2) + sum(v^2)\n") == "S0204");
  CHECK(codes("u = 1 + dense(x, 2)\nv = u(x)\nloss = sum(v^2)\n") == "S0205");
}

TEST_CASE("layers: a random start depends on the parameter's full name, not on what else is there") {
  auto start = [](const std::string& text, const std::string& name) {
    Read model = read("data x[2] from \"d.csv\" columns x, y\n" + text);
    REQUIRE(model.lowered);
    for (const Parameter& param : model.lowered->model().params)
      if (param.name == name) return param.start;
    FAIL(name);
    return std::vector<double>{};
  };
  std::string h = "h = dense(x, 3)\nloss = sum(h^2)\n";
  CHECK(start(h, "h.W") == start("g = dense(x, 3)\nh = dense(x, 3)\nloss = sum(h^2) + sum(g^2)\n", "h.W"));
  CHECK(start(h, "h.W") != start("g = dense(x, 3)\nloss = sum(g^2)\n", "g.W"));
}

TEST_CASE("layers: orthogonal starts are orthonormal rows or columns") {
  for (auto [rows, columns] : {std::pair{4, 4}, {3, 7}, {7, 3}, {1, 5}}) {
    Read model = read("param w[" + std::to_string(rows) + ", " + std::to_string(columns) +
                      "] ~ orthogonal\nloss = sum(w^2)\n");
    REQUIRE(model.lowered);
    const std::vector<double>& w = model.lowered->model().params[0].start;
    int count = std::min(rows, columns), length = std::max(rows, columns);
    auto at = [&](int k, int i) {
      return w[static_cast<std::size_t>(rows <= columns ? k * columns + i : i * columns + k)];
    };
    for (int a = 0; a < count; ++a)
      for (int b = 0; b < count; ++b) {
        double sum = 0;
        for (int i = 0; i < length; ++i) sum += at(a, i) * at(b, i);
        CHECK(sum == Approx(a == b ? 1 : 0).margin(1e-14));
      }
  }
  CHECK(codes("param w[3] ~ orthogonal\nloss = sum(w^2)\n") == "S0302");
}

TEST_CASE("layers: the short form adds no parameters to a model with layers") {
  CHECK(read("predict = dense([x], 1)[0]\nloss = mse(predict, q)\n").codes() == "S0201");
  CHECK(read("predict = q*x\nloss = mse(predict, y)\n").codes().empty());
}
