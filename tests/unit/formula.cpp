// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A formula is Slope: read again it computes what its node computes, up to roundings. How large these may be
// is found by an error analysis that runs beside the evaluation of both.
#include "graph/formula.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "frontend/lower.h"
#include "graph/gradient.h"
#include "random_graph.h"

using namespace slope;
using namespace slope::test;

namespace {

const PrintNames names{{"x", "y", "z"}, {"a", "b", "c"}, {}};

// A value and a bound of its error in units of 2^-52, to first order; infinite where a comparison is
// undecided.
struct Approximate {
  double value = 0, error = 0;
};
constexpr double unit = 0x1p-52, infinity = std::numeric_limits<double>::infinity();

// Ops that step from one value to another where the first two operands are equal, or the first is 0.
bool steps(OpId op) {
  bool comparison = info(op).result == Type::truth && info(op).operands[0] == Type::real;
  std::string_view name = info(op).name;
  return comparison || name == "max" || name == "min";
}

Approximate applied(OpId op, std::array<Approximate, 3> x) {
  double operands[3] = {x[0].value, x[1].value, x[2].value};
  Approximate y{evaluate_op<double>(op, operands), 0};
  int arity = info(op).arity;
  if (info(op).operands[0] == Type::truth) {
    // A choice is as sure as its condition and the branch taken.
    for (int i = 0; i < arity; ++i)
      if (op != id_of<op::Select>() || i == 0 || (i == 1) == (x[0].value != 0))
        y.error = std::max(y.error, x[static_cast<std::size_t>(i)].error);
    return y;
  }
  double distance = std::fabs(x[0].value - (arity > 1 ? x[1].value : 0));
  double doubt = 64 * unit * (x[0].error + (arity > 1 ? x[1].error : 0));
  bool undecided = doubt > 0 && !(distance > doubt);
  if (info(op).result == Type::truth) return {y.value, undecided ? infinity : 0};
  if ((op == id_of<op::Sign>() || steps(op)) && undecided) return {y.value, infinity};
  if (op == id_of<op::Mod>()) {
    // A remainder jumps by the divisor where the quotient, which may be huge, passes a whole number.
    double size = std::fabs(y.value), room = std::min(size, std::fabs(x[1].value) - size);
    double unsure = 64 * unit * (x[0].error + std::fabs(x[0].value / x[1].value) * x[1].error);
    if (unsure > 0 && !(room > unsure)) return {y.value, infinity};
  }
  // Differences where a partial derivative is wanted: the bound holds for any op of the table.
  y.error = std::fabs(y.value);
  for (int i = 0; i < arity; ++i) {
    auto k = static_cast<std::size_t>(i);
    if (x[k].value == 0) {
      // The sign of a zero is a matter of rounding.
      double other[3] = {operands[0], operands[1], operands[2]};
      other[k] = -other[k];
      if (evaluate_op<double>(op, other) != y.value) return {y.value, infinity};
    }
    if (x[k].error == 0) continue;
    for (double sign : {-1.0, 1.0}) {
      double moved[3] = {operands[0], operands[1], operands[2]};
      double step = sign * std::max(std::fabs(x[k].value), x[k].error) * unit * 1024;
      moved[k] += step;
      double change = std::fabs(evaluate_op<double>(op, moved) - y.value);
      y.error += change / std::fabs(step) * x[k].error;
    }
  }
  if (std::isnan(y.error)) y.error = infinity;
  return y;
}

using Values = std::vector<Approximate>;

std::vector<Values> approximate(const Graph& graph, std::span<const NodeId> roots, const Inputs<double>& in) {
  std::vector<Values> values(graph.size());
  std::vector<bool> needed = live(graph, roots);
  auto rows = static_cast<std::size_t>(in.rows);
  for (std::size_t i = 0; i < graph.size(); ++i) {
    if (!needed[i]) continue;
    NodeId id(static_cast<std::int64_t>(i));
    const Node& node = graph[id];
    auto index = static_cast<std::size_t>(node.index);
    auto operand = [&](std::size_t k) -> const Values& { return values[node.operands[k].index()]; };
    Values& v = values[i];
    switch (node.kind) {
      case NodeKind::constant: v = {{node.value, 0}}; break;
      case NodeKind::data:
        for (double x : in.columns[index]) v.push_back({x, 0});
        break;
      case NodeKind::param: v = {{in.params[index], 0}}; break;
      case NodeKind::argument: v = {{in.arguments[index], 0}}; break;
      case NodeKind::row_count: v = {{static_cast<double>(in.rows), 0}}; break;
      case NodeKind::broadcast: v.assign(rows, operand(0)[0]); break;
      case NodeKind::tap:
      case NodeKind::stop_gradient: v = operand(0); break;
      case NodeKind::reduce: {
        std::vector<double> plain;
        double error = 0, size = 0, worst = 0;
        for (const Approximate& x : operand(0)) {
          plain.push_back(x.value);
          error += x.error;
          size += std::fabs(x.value);
          worst = std::max(worst, x.error);
        }
        bool is_sum = node.reduction == Reduction::sum;
        v = {{reduce<double>(node.reduction, plain),
              is_sum ? error + static_cast<double>(in.rows) * size : worst}};
        break;
      }
      case NodeKind::scalar:
        v.resize(graph.has_rows(id) ? rows : 1);
        for (std::size_t row = 0; row < v.size(); ++row) {
          std::array<Approximate, 3> x{};
          for (std::size_t k = 0; k < node.inputs().size(); ++k) x[k] = operand(k)[row];
          v[row] = applied(node.op, x);
        }
        break;
      default: FAIL("a value with axes");
    }
  }
  std::vector<Values> results;
  for (NodeId root : roots) results.push_back(values[root.index()]);
  return results;
}

struct Read {
  std::optional<Lowered> lowered;
  std::vector<NodeId> values;  // of the formulas
  std::string text;
};

// The formulas as a model: each a definition, their values found again as the metrics of the model.
Read read_again(const Graph& graph, std::span<const Formula> list) {
  Read out;
  FormulaWords words = formula_words(graph, names);
  out.text = "data x, y, z\nparam a = 0, b = 0, c = 0, rate = 0\n";
  std::string metrics;
  for (std::size_t i = 0; i < list.size(); ++i) {
    std::string name = list[i].derivative ? "d_" + list[i].name : list[i].name;
    out.text += name + " = " + to_text(list[i].value, graph.precision(), words) + "\n";
    metrics +=
        "metric m" + std::to_string(i) + " = " + (list[i].value.rows ? "max(" + name + ")" : name) + "\n";
  }
  out.text += metrics + "loss = a^2\n";
  Diagnostics diagnostics;
  ast::Ast tree = parse(Source("m.slope", out.text), diagnostics);
  LowerSettings settings;
  settings.headers = {{"x", "y", "z"}};
  out.lowered = lower(tree, settings, diagnostics);
  if (!out.lowered) {
    CAPTURE(out.text, diagnostics.all()[0].message);
    FAIL("a formula is not Slope");
  }
  const Model& model = out.lowered->model();
  for (std::size_t i = 0; i < list.size(); ++i) {
    NodeId value = model.metrics[i].value;
    bool rows = list[i].value.rows && model.graph[value].kind == NodeKind::reduce;
    out.values.push_back(rows ? model.graph[value].operands[0] : value);
  }
  return out;
}

int compared = 0, undecided = 0;

void check_same(const Graph& graph, std::span<const FormulaRoot> roots, const Inputs<double>& in) {
  std::vector<Formula> list = formulas(graph, roots, names);
  Read again = read_again(graph, list);
  Inputs<double> more = in;
  more.params.push_back(in.arguments[0]);  // the rate
  for (const FormulaRoot& root : roots) {
    auto it = std::find_if(list.begin(), list.end(), [&](const Formula& f) {
      return f.name == root.name && f.derivative == (root.is == FormulaRoot::Is::derivative);
    });
    REQUIRE(it != list.end());
    NodeId value = again.values[static_cast<std::size_t>(it - list.begin())];
    Values expected = approximate(graph, std::span(&root.node, 1), in)[0];
    Values found = approximate(again.lowered->model().graph, std::span(&value, 1), more)[0];
    for (std::size_t row = 0; row < expected.size(); ++row) {
      const Approximate &e = expected[row], &f = found[found.size() == 1 ? 0 : row];
      double allowed = 16 * unit * (e.error + f.error);
      if (!std::isfinite(e.value)) continue;
      if (!(allowed < 1e-6 * (1 + std::fabs(e.value)))) {
        ++undecided;
        continue;
      }
      ++compared;
      if (std::fabs(e.value - f.value) <= allowed) continue;
      double off = std::fabs(e.value - f.value) / allowed;
      CAPTURE(root.name, row, e.value, f.value, off, again.text);
      FAIL(print(graph, std::span(&root.node, 1), names));
    }
  }
}

}  // namespace

TEST_CASE("a formula read again computes what its node computes") {
  compared = undecided = 0;
  for (unsigned seed = 0; seed < 3000; ++seed) {
    CAPTURE(seed);
    Generator generator(seed);
    generator.specials = false;
    RandomGraph random = generator.graph(Precision::f64, 4 + generator.below(40));
    Graph& g = random.graph;
    g.name(random.roots[3], "named");  // one in the middle, used by others or not
    NodeId y = random.roots[0];
    if (g.has_rows(y)) y = g.reduce(Reduction::sum, y);
    std::vector<NodeId> wrt{g.param(0), g.param(1), g.param(2)};
    std::vector<NodeId> gradient = differentiate(g, y, wrt);
    std::vector<FormulaRoot> roots;
    for (std::size_t i = 0; i < random.roots.size(); ++i)
      roots.push_back({"root" + std::to_string(i), random.roots[i]});
    for (std::size_t i = 0; i < 3; ++i)
      if (gradient[i].valid()) roots.push_back({names.params[i], gradient[i], FormulaRoot::Is::derivative});
    check_same(g, roots, generator.inputs<double>(1 + generator.below(7)));
  }
  CHECK(compared > 4 * undecided);
}

namespace {

// How a loss and its derivatives are written, one formula a line.
std::string written(const std::string& model, std::string (*spell)(const Graph&, std::span<const Formula>)) {
  Diagnostics diagnostics;
  ast::Ast tree = parse(Source("m.slope", model), diagnostics);
  auto lowered = lower(tree, {}, diagnostics);
  REQUIRE(lowered);
  Model& m = lowered->model();
  std::vector<NodeId> params;
  for (std::size_t i = 0; i < m.params.size(); ++i) params.push_back(m.graph.param(static_cast<int>(i)));
  std::vector<FormulaRoot> roots{{"loss", m.loss}};
  std::vector<NodeId> gradient = differentiate(m.graph, m.loss, params);
  for (std::size_t i = 0; i < params.size(); ++i)
    if (gradient[i].valid()) roots.push_back({m.params[i].name, gradient[i], FormulaRoot::Is::derivative});
  PrintNames own;
  for (const DataColumn& column : m.columns) own.columns.push_back(column.name);
  for (const Parameter& param : m.params) own.params.push_back(param.name);
  return spell(m.graph, formulas(m.graph, roots, own));
}

std::string as_text(const Graph& graph, std::span<const Formula> list) {
  return formula_text(graph, list, {});
}
std::string text(const std::string& model) { return written("data x, y\n" + model, as_text); }
std::string latex(const std::string& model) { return written("data x, y\n" + model, formula_latex); }

}  // namespace

TEST_CASE("derivatives as a textbook has them") {
  CHECK(text("param w = 0, b = 0\npredict = w*x + b\nloss = mse(predict, y)\n") ==
        "predict = w*x + b\n"
        "loss = mean((predict - y)^2)\n"
        "d loss/d w = mean(2*(predict - y)*x)\n"
        "d loss/d b = mean(2*(predict - y))\n");
  CHECK(text("param b = 0\nloss = mean(b*x + b) + b^3/3 - sqrt(b)\n") ==
        "loss = mean(b*x + b) + b^3/3 - sqrt(b)\n"
        "d loss/d b = b^2 - 0.5/sqrt(b) + mean(1 + x)\n");
  CHECK(text("param b = 1\nloss = mean(abs(b*x - y))\n") ==
        "loss = mean(abs(b*x - y))\n"
        "d loss/d b = mean(sign(b*x - y)*x)\n");
  CHECK(text("param b = 1\nloss = mean(relu(b*x))\n") ==
        "loss = mean(if b*x <= 0 then 0 else b*x)\n"
        "d loss/d b = mean(if b*x <= 0 then 0 else x)\n");
}

TEST_CASE("a formula has the parentheses that the language needs and no other") {
  auto loss = [](const std::string& formula) {
    std::string all = text("param a = 1, b = 1\nloss = " + formula + "\n");
    return all.substr(0, all.find('\n'));
  };
  for (std::string formula :
       {"loss = (a - b)^2", "loss = -a^2 - (b - a^b)", "loss = (-a)^3", "loss = a^b^2", "loss = (a^b)^2",
        "loss = a/(b + 1)", "loss = 2^-a", "loss = a*b/(a + b)", "loss = (if a < b then a else b)*a",
        "loss = if (a < b or a > 2) and b > 0 then a else b",
        "loss = if a < b or a > 2 and b > 0 then a else b", "loss = mean(x)*a^2/rows",
        "loss = sum(max(a*x, y))", "loss = a + max(b*x)", "loss = if not (a < b) and b > 1 then a else 0",
        "loss = exp(-(a + b)/2)", "loss = (a - (b + 1))^2"})
    CHECK(loss(formula.substr(7)) == formula);
  CHECK(loss("a*(b*a)") == "loss = a^2*b");
  CHECK(loss("a^2*(b*a^3)") == "loss = a^5*b");
  CHECK(loss("a/b/b*3") == "loss = 3*a/b^2");
  CHECK(loss("a*b + 2*(b + a*b)") == "loss = a*b + 2*(b + a*b)");
  CHECK(loss("a*b + b + 2*(a*b)") == "loss = 3*a*b + b");
  CHECK(loss("a/3 + b - 2*a/3") == "loss = b - a/3");
  CHECK(loss("a*b + b - a*b") == "loss = a*b + b - a*b");
  CHECK(loss("0.1*(3*a)") == "loss = 0.3*a");
  CHECK(loss("sum(2*a*x)") == "loss = 2*a*sum(x)");
}

TEST_CASE("two halves of a choice are one") {
  auto loss = [](const std::string& formula) {
    std::string all = text("param a = 1\nloss = " + formula + "\n");
    return all.substr(0, all.find('\n'));
  };
  CHECK(loss("sum((if x > 0 then 0 else a*y) + (if x > 0 then 2*x else 0))") ==
        "loss = sum(if x > 0 then 2*x else a*y)");
  CHECK(loss("sum((if x > 0 then a*y else 0) - (if x > 0 then 0 else 2*x))") ==
        "loss = sum(if x > 0 then a*y else -2*x)");
  CHECK(loss("sum((if x > 0 then 0 else a) + (if x > 0 then 0 else y))") ==
        "loss = sum((if x > 0 then 0 else a) + (if x > 0 then 0 else y))");
  CHECK(loss("sum((if x > 0 then a else 0) + (if x > 1 then 0 else y))") ==
        "loss = sum((if x > 0 then a else 0) + (if x > 1 then 0 else y))");
}

TEST_CASE("what a branch knows is known of its row only") {
  // Inside the sum x is of other rows than outside.
  CHECK(text("param a = 1\nloss = sum(if x > 0 then a*sum(if x > 0 then y else 1) else 0)\n")
            .starts_with("loss = sum(if x > 0 then a*sum(if x > 0 then y else 1) else 0)\n"));
  CHECK(text("param a = 1\nloss = sum(if x > 0 then a*(if x > 0 then y else 1) else 0)\n")
            .starts_with("loss = sum(if x > 0 then a*y else 0)\n"));
}

TEST_CASE("formulas of a graph that shares stay short") {
  std::string model = "param a = 1\nv0 = a\n";
  for (int i = 0; i < 60; ++i)
    model += "v" + std::to_string(i + 1) + " = 0 + (sin(v" + std::to_string(i) + ") + exp(v" +
             std::to_string(i) + "))*v" + std::to_string(i) + "\n";
  std::string inlined = "param a = 1\ndef f(u) = (sin(u) + exp(u))*u\nloss = ";
  std::string tail = "a";
  for (int i = 0; i < 60; ++i) tail = "f(" + tail + ")";
  CHECK(text(model + "loss = v60\n").size() < 60000);
  CHECK(text(inlined + tail + "\n").size() < 60000);
}

TEST_CASE("formulas as LaTeX") {
  std::string line = latex("param w = 0, b_1 = 0\npredict = w*x + b_1\nloss = mse(predict, y)\n");
  CHECK(line ==
        "\\begin{align*}\n"
        "  \\mathrm{predict}_{i} &= w \\, x_{i} + b_{1} \\\\\n"
        "  L &= \\frac{1}{N} \\sum_{i=1}^{N} \\left(\\mathrm{predict}_{i} - y_{i}\\right)^{2} \\\\\n"
        "  \\frac{\\partial L}{\\partial w} &= \\frac{1}{N} \\sum_{i=1}^{N} 2 \\, "
        "\\left(\\mathrm{predict}_{i} - "
        "y_{i}\\right) \\, x_{i} \\\\\n"
        "  \\frac{\\partial L}{\\partial b_{1}} &= \\frac{1}{N} \\sum_{i=1}^{N} 2 \\, "
        "\\left(\\mathrm{predict}_{i} - "
        "y_{i}\\right)\n"
        "\\end{align*}\n");
  CHECK(latex_name("θ") == "\\theta");
  CHECK(latex_name("größe_é_名") == "\\text{größe}_{\\text{é},\\text{名}}");
  CHECK(latex_name("theta_max") == "\\theta_{\\mathrm{max}}");
  CHECK(latex_name("b12", true) == "b_{12,i}");
  CHECK(latex("param a = 1\nloss = mean((x - mean(x))^2)*a\n")
            .find("x_{i} - \\frac{1}{N} \\sum_{j=1}^{N} x_{j}") != std::string::npos);
}

TEST_CASE("LaTeX is balanced") {
  for (unsigned seed = 0; seed < 300; ++seed) {
    CAPTURE(seed);
    Generator generator(seed);
    RandomGraph random = generator.graph(seed % 2 ? Precision::f32 : Precision::f64, 30);
    std::vector<FormulaRoot> roots;
    for (NodeId root : random.roots) roots.push_back({"r", root});
    std::string out = formula_latex(random.graph, formulas(random.graph, roots, names));
    int braces = 0, fences = 0, environments = 0, lowest = 0;
    auto count = [&](std::string_view word, std::size_t at) {
      return out.compare(at, word.size(), word) == 0;
    };
    for (std::size_t i = 0; i < out.size(); ++i) {
      braces += (out[i] == '{') - (out[i] == '}');
      fences += count("\\left(", i) + count("\\left|", i) + count("\\left\\l", i);
      fences -= count("\\right)", i) + count("\\right|", i) + count("\\right\\r", i);
      environments += count("\\begin{", i) - count("\\end{", i);
      lowest = std::min({lowest, braces, fences, environments});
    }
    CHECK((braces == 0 && fences == 0 && environments == 0 && lowest == 0));
  }
}
