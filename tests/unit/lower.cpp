// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What lowering says of a model: each fault once, at the place where it is, and nothing that only follows
// from it.
#include "frontend/lower.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

using namespace slope;

namespace {

// The codes of all errors, in order, such as "S0201 S0203".
std::string errors(const std::string& text, std::vector<std::string> header = {},
                   LowerSettings settings = {}) {
  Diagnostics diagnostics;
  ast::Ast tree = parse(Source("m.slope", text), diagnostics);
  if (!header.empty()) settings.headers = {std::move(header)};
  lower(tree, settings, diagnostics);
  std::string codes;
  for (const Diagnostic& d : diagnostics.all())
    if (d.severity == Severity::error) codes += (codes.empty() ? "" : " ") + to_string(d.code);
  return codes;
}

std::string message(const std::string& text, std::vector<std::string> header = {}) {
  Diagnostics diagnostics;
  ast::Ast tree = parse(Source("m.slope", text), diagnostics);
  LowerSettings settings;
  if (!header.empty()) settings.headers = {std::move(header)};
  lower(tree, settings, diagnostics);
  return diagnostics.all().empty() ? "" : diagnostics.all()[0].message;
}

}  // namespace

TEST_CASE("a name used before its definition is told so, also in the short form") {
  CHECK(message("param a = 3\nloss = (a - 1)^2 + b\nb = a\n") == "`b` is used before it is defined");
  CHECK(errors("a = b\nb = a\nloss = a\n") == "S0201");
  CHECK(errors("a = a + 1\nloss = a^2\n") == "S0201");
  CHECK(errors("param a = 1\ndef f(x) = g(x)\ndef g(x) = f(x)\nloss = f(a) + f(2)\n") == "S0213 S0201");
  CHECK(errors("predict = w*x + b\nloss = mse\n", {"x", "y"}).empty());
}

TEST_CASE("what cannot be compiled yet is said once and leads to nothing else") {
  CHECK(errors("use \"x.slope\"\nparam a = 1\nloss = foo(a) + bar\n") == "S0802");
  CHECK(errors("data x[4] from \"a.csv\" columns a..d\nparam w = 0\nloss = mean(w*x)\n") == "S0511");
  CHECK(errors("data sex : class from \"a.csv\"\nparam a = 1\nloss = a*mean(sex == \"male\")\n", {"sex"}) ==
        "S0511");
}

TEST_CASE("a misplaced text is told of by the parser alone") {
  CHECK(errors("param a = 1\nloss = \"x\"\n") == "S0109");
}

TEST_CASE("arguments go by position, then by name, each once") {
  CHECK(errors("param a = 1\ndef f(x, x=2) = x\nloss = f(a)^2\n") == "S0203");
  CHECK(errors("param a = 1\ndef f(x, y) = x + y\nloss = f(y=a, 2)^2\n") == "S0204");
  CHECK(errors("param a = 1\ndef f(x, y) = x - y\nloss = f(2, y=a)^2\n").empty());
}

TEST_CASE("hyper-parameters of an optimizer are checked with the model") {
  std::string own = "def own(w, g, rate, k=1) = w - k*rate*g\nparam a = 1\nloss = a^2\n";
  CHECK(errors(own + "train optimizer=own(k=2)\n").empty());
  CHECK(errors(own + "train optimizer=own(z=2)\n") == "S0204");
  CHECK(errors(own + "train optimizer=own(k=2, k=3)\n") == "S0204");
  CHECK(errors(own + "train optimizer=own(w=2)\n") == "S0204");
  LowerSettings settings;
  settings.options = {{"optimizer", "own(z=1)"}};
  CHECK(errors(own, {}, settings) == "S0801");
}

TEST_CASE("inlining that doubles at every level ends at a limit") {
  std::string text = "param w = 0\ndef f0(x) = w*x\n", steps = "def g0(w, g, r) = w - r*g\n";
  for (int i = 1; i <= 60; ++i) {
    std::string n = std::to_string(i), before = std::to_string(i - 1);
    text += "def f" + n + "(x) = f" + before + "(x) + f" + before + "(x)\n";
    steps += "def g" + n + "(w, g, r) = g" + before + "(w, g, r) + g" + before + "(w, g, r)\n";
  }
  CHECK(errors(text + "loss = f60(2)^2\n") == "S0702");
  // Whether a function keeps state is found in one visit of each.
  CHECK(errors("param w = 0\nloss = w^2\n" + steps + "train optimizer=g60\n").empty());
}

TEST_CASE("a model of very many errors is read in linear time") {
  std::string text = "param w = 0\n";
  for (int i = 0; i < 50000; ++i) text += "a" + std::to_string(i) + " = zz" + std::to_string(i) + "\n";
  Diagnostics diagnostics;
  ast::Ast tree = parse(Source("m.slope", text + "loss = w^2\n"), diagnostics);
  lower(tree, {}, diagnostics);
  CHECK(diagnostics.errors() == 50000);
}

TEST_CASE("hiding a built-in function is noted, as it is for one of the prelude") {
  Diagnostics diagnostics;
  ast::Ast tree = parse(Source("m.slope", "param a = 1\nexp = a\nloss = exp^2\n"), diagnostics);
  lower(tree, {}, diagnostics);
  REQUIRE(diagnostics.all().size() == 1);
  CHECK(diagnostics.all()[0].code == Code::hides_prelude);
}

TEST_CASE("rows is the number of rows, unless the model or its data have the name") {
  auto reads_row_count = [](const std::string& text, std::vector<std::string> header) {
    Diagnostics diagnostics;
    ast::Ast tree = parse(Source("m.slope", text), diagnostics);
    LowerSettings settings;
    settings.headers = {std::move(header)};
    auto lowered = lower(tree, settings, diagnostics);
    REQUIRE(lowered);
    const Model& model = lowered->model();
    std::vector<bool> needed = live(model.graph, std::span(&model.loss, 1));
    for (std::size_t i = 0; i < needed.size(); ++i)
      if (needed[i] && model.graph[NodeId(static_cast<std::int64_t>(i))].kind == NodeKind::row_count)
        return true;
    return false;
  };
  CHECK(reads_row_count("data x\nparam w = 1\nloss = w^2*rows\n", {"x"}));
  CHECK(!reads_row_count("data rows\nparam w = 1\nloss = sum((w - rows)^2)\n", {"rows"}));
  CHECK(!reads_row_count("loss = sum((w - rows)^2)\n", {"rows"}));
  CHECK(!reads_row_count("param rows = 1\nloss = (2 - rows)^2\n", {"x"}));
  CHECK(errors("data x, y\nparam w = 0\npredict = w*rows + 0*x\nloss = sum((predict - y)^2)\n") == "S0303");
}
