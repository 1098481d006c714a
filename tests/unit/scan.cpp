// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Scans against the same rounds written out: one graph, node for node.
#include <catch2/catch.hpp>
#include <cmath>
#include <string>

#include "codegen/program.h"
#include "frontend/lower.h"
#include "graph/evaluate.h"
#include "graph/fuse.h"
#include "graph/gradient.h"

using namespace slope;

namespace {

struct Checked {
  std::string codes;
  double loss = NAN;
};

// The errors of a model, or its loss at the starts of its parameters.
Checked check(const std::string& text) {
  Diagnostics diagnostics;
  ast::Ast tree = parse(Source("m.slope", text), diagnostics);
  LowerSettings settings;
  settings.headers = {{"x", "y", "t"}};
  auto lowered = lower(tree, settings, diagnostics);
  Checked out;
  for (const Diagnostic& d : diagnostics.all())
    if (d.severity == Severity::error) out.codes += (out.codes.empty() ? "" : " ") + to_string(d.code);
  if (!lowered) return out;
  const Model& m = lowered->model();
  Inputs<double> inputs{.columns = {{1, -2}, {3, 0.5}, {-1, 4}}, .params = {}, .arguments = {}, .rows = 2};
  for (const Parameter& param : m.params) {
    inputs.param_offsets.push_back(std::ssize(inputs.params));
    inputs.params.insert(inputs.params.end(), param.start.begin(), param.start.end());
  }
  out.loss = evaluate<double>(m.graph, std::span(&m.loss, 1), inputs)[0][0];
  return out;
}

double loss(const std::string& text) {
  Checked checked = check(text);
  INFO(text << checked.codes);
  REQUIRE(checked.codes.empty());
  return checked.loss;
}
std::string codes(const std::string& text) { return check(text).codes; }

const std::string abc = "param a[3] = [1, 2, 3], h0 = 0.5, k = 2\n";
const std::string rows = "data x, y, t from \"d.csv\"\nparam k = 2\n";

}  // namespace

TEST_CASE("scan: the value is the block's last line of every round") {
  CHECK(
      loss(abc + "s = scan z in a, h = h0 {\n  h := tanh(z + k*h)\n  h^2\n}\nloss = sum(s*[1, 10, 100])\n") ==
      loss(abc + "h1 = tanh(a[0] + k*h0)\nh2 = tanh(a[1] + k*h1)\nh3 = tanh(a[2] + k*h2)\n"
                 "loss = sum([h1^2, h2^2, h3^2]*[1, 10, 100])\n"));
}

TEST_CASE("scan: `:=` sets what the name means from that line on") {
  // Two carried values, of which the second sees the first one's next value.
  CHECK(loss(abc + "s = scan z in a, p = h0, q = 1 {\n  old = p\n  p := q*z\n  q := p + old\n  old + q\n}\n"
                   "loss = sum(s*[1, 10, 100])\n") == Approx([] {
          double p = 0.5, q = 1, total = 0, weight = 1;
          for (double z : {1.0, 2.0, 3.0}) {
            double old = p;
            p = q * z;
            q = p + old;
            total += weight * (old + q);
            weight *= 10;
          }
          return total;
        }()));
}

TEST_CASE("scan: a start is broadcast to what is carried on, rows included") {
  // In the first round the block's value is the start itself, which must have the rows and axes of the
  // others.
  const std::string text =
      "s = scan i in iota(3), h = 1 {\n  was = h\n  h := h*k*x + [0, i]\n  was\n}\nloss = sum(s*s)\n";
  double total = 0;
  for (double x : {1.0, -2.0})
    for (int axis : {0, 1}) {
      double h = 1;
      for (int i = 0; i < 3; ++i) {
        total += h * h;
        h = h * 2 * x + (axis == 1 ? i : 0);
      }
    }
  CHECK(loss(rows + text) == total);
}

TEST_CASE("scan: inputs go on together, whole elements of the first axis") {
  CHECK(loss("param a[2, 3] = [[1, 2, 3], [4, 5, 6]], b[2] = [10, 100]\n"
             "s = scan u in a, v in b { u*v }\nloss = sum(s[1]) + s[0, 2]\n") == 1500 + 30);
  CHECK(loss("param k = 1\nloss = k^2 + sum(scan i in iota(4) { [3, 1, 4, 1][i] })\n") == 1 + 9);
}

TEST_CASE("scan: parameters made inside are made once") {
  const std::string layer = "def f(z) {\n  param c = 3\n  c*z\n}\n";
  CHECK(loss("param k = 2\n" + layer +
             "s = scan i in iota(3), h = k {\n  h := f(h)\n  h\n}\nloss = s[-1]\n") == 2 * 27);
  CHECK(loss("param k = 2\n" + layer +
             "s = scan i in iota(3), h = k {\n  h := f(h)\n  h\n}\nloss = s[-1] + 1000*s.h.c\n") ==
        2 * 27 + 3000);
}

// The cells as their authors define them, with the parameters that the layers have: with bias and one unit.
TEST_CASE("scan: the prelude's recurrent layers are the published cells") {
  auto sigmoid = [](double v) { return 1 / (1 + std::exp(-v)); };
  const double xs[] = {1, -2, 0.5};
  auto at = [](const std::string& layer, const std::string& what) {
    return loss("param k = 0\nconst x = [[1], [-2], [0.5]]\nu = " + layer + "(x, 1)\nloss = k^2 + " + what +
                "\n");
  };
  auto w = [&](const std::string& layer, const std::string& name, int gate) {
    return at(layer, "u." + name + "[0, " + std::to_string(gate) + "]");
  };
  double h = 0, c = 0;
  for (double x : xs) {
    double gates[4];
    for (int g = 0; g < 4; ++g) gates[g] = x * w("lstm", "W", g) + h * w("lstm", "U", g);
    c = sigmoid(gates[1]) * c + sigmoid(gates[0]) * std::tanh(gates[2]);
    h = sigmoid(gates[3]) * std::tanh(c);
  }
  CHECK(at("lstm", "u[-1, 0]") == Approx(h).epsilon(1e-14));
  h = 0;
  for (double x : xs) {
    double reset = sigmoid(x * w("gru", "W", 0) + h * w("gru", "U", 0));
    double keep = sigmoid(x * w("gru", "W", 1) + h * w("gru", "U", 1));
    double fresh = std::tanh(x * w("gru", "W", 2) + reset * h * w("gru", "V", 0));
    h = keep * h + (1 - keep) * fresh;
  }
  CHECK(at("gru", "u[-1, 0]") == Approx(h).epsilon(1e-14));
  h = 0;
  for (double x : xs) h = std::tanh(x * w("rnn", "W", 0) + h * w("rnn", "U", 0));
  CHECK(at("rnn", "u[-1, 0]") == Approx(h).epsilon(1e-14));
}

TEST_CASE("scan: faults are located errors") {
  CHECK(codes(rows + "loss = k*sum(scan z in x { z })\n") == "S0302");        // rows are not gone over
  CHECK(codes(abc + "loss = k*sum(scan z in a, h = 0 { z })\n") == "S0204");  // no next value
  CHECK(codes(abc + "loss = k*sum(scan h = 0 {\n  h := h + 1\n  h\n})\n") == "S0204");
  CHECK(codes(abc + "loss = k*sum(scan z in a, h = 0 {\n  h := z\n  h := z\n  h\n})\n") == "S0203");
  CHECK(codes(abc + "loss = k*sum(scan z in a, h = 0 {\n  h := z\n  g := z\n  h\n})\n") == "S0205");
  CHECK(codes(abc + "loss = k*sum(scan z in a, z = 0 {\n  z := z\n  z\n})\n") == "S0203");
  CHECK(codes(abc + "loss = k*sum(scan z in a, h = [1, 2] {\n  h := [z, z, z]\n  h\n})\n") == "S0302");
  CHECK(codes(abc + "loss = k*sum(scan z in a, u in [1, 2] { z*u })\n") == "S0302");
  // The carried value grows with each round.
  CHECK(codes(abc + "loss = k*sum(scan z in a, h = [1] {\n  h := concat(h, [z])\n  z\n})\n") == "S0302");
}

// The rounds differ in the memory they read only, so their code is there once.
TEST_CASE("scan: more rounds are no more code") {
  auto functions = [](int rounds) {
    std::string n = std::to_string(rounds);
    std::string text = "param x[" + n + ", 3] = 1\nh = rnn(x, 5)\nloss = mean(h[-1]^2)\n";
    Diagnostics diagnostics;
    ast::Ast tree = parse(Source("m.slope", text), diagnostics);
    auto lowered = lower(tree, {}, diagnostics);
    REQUIRE(lowered);
    Model& model = lowered->model();
    std::vector<NodeId> params;
    std::vector<std::int64_t> offsets;
    for (std::size_t i = 0; i < model.params.size(); ++i) {
      params.push_back(
          model.graph.param(static_cast<int>(i), model.graph.intern({false, model.params[i].axes})));
      offsets.push_back(model.params[i].offset);
    }
    std::vector<NodeId> roots = differentiate(model.graph, model.loss, params);
    Fused fused = fuse(model.graph, roots);
    Kernel kernel{"step", &fused.graph, {}};
    int at = 0;
    for (NodeId root : fused.roots) {
      kernel.stores.push_back({root, Store::To::output, at});
      at += static_cast<int>(elements(fused.graph.shape(root)));
    }
    CompileOptions options;
    options.param_offsets = offsets;
    options.storages = {Storage::f64};
    auto ir = list(Listing::llvm, std::span(&kernel, 1), options, diagnostics);
    REQUIRE(ir);
    int count = 0;
    for (std::size_t p = ir->find("define "); p != std::string::npos; p = ir->find("define ", p + 1)) ++count;
    return count;
  };
  CHECK(functions(8) > 3);
  CHECK(functions(32) <= functions(8) + 2);  // the inputs' derivatives are put together by halves
}
