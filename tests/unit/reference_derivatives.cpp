// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Losses, gradients and Hessians written in the language with grad(…), against numbers of 60 digits
// (tests/oracle/reference_derivatives.py): to 1e-12 of the sum of the absolute values of their terms. And the
// scalar functions, to the third derivative, as JAX has them (tests/oracle/jax_functions.py) and, at special
// points, as mpmath has them (tests/oracle/special_derivatives.py).
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "frontend/lower.h"
#include "graph/evaluate.h"
#include "graph/fuse.h"

using namespace slope;
using Json = nlohmann::json;

namespace {

std::ifstream open(const std::string& name) {
  std::ifstream file(SLOPE_ROOT "/tests/data/" + name);
  REQUIRE(file.good());
  return file;
}

// Columns y and x of a file with this header.
std::vector<std::vector<double>> read_columns(const std::string& name) {
  std::ifstream file = open(name);
  std::string line;
  std::getline(file, line);
  REQUIRE(line == "y,x");
  std::vector<std::vector<double>> columns(2);
  while (std::getline(file, line)) {
    std::size_t comma = line.find(',');
    columns[0].push_back(std::stod(line.substr(0, comma)));
    columns[1].push_back(std::stod(line.substr(comma + 1)));
  }
  return columns;
}

// The problem as a model at one of its points; metrics g_i and h_i_j are its derivatives.
std::string model_text(const Json& problem, const Json& point) {
  std::ostringstream out;
  bool data = !problem["data"].get<std::string>().empty();
  auto params = problem["params"].get<std::vector<std::string>>();
  if (data) out << "data y, x\n";
  for (std::size_t i = 0; i < params.size(); ++i)
    out << "param " << params[i] << " = " << point["at"][i].get<std::string>() << "\n";
  std::string sum;
  for (const Json& residual : problem["residuals"])
    sum += (sum.empty() ? "(" : " + (") + residual.get<std::string>() + ")^2";
  out << "loss = " << (data ? "sum(" + sum + ")" : sum) << "\n";
  for (std::size_t i = 0; i < params.size(); ++i) {
    out << "metric g" << i << " = grad(loss, " << params[i] << ")\n";
    for (std::size_t j = 0; j <= i; ++j)
      out << "metric h" << i << "_" << j << " = grad(grad(loss, " << params[i] << "), " << params[j] << ")\n";
  }
  return out.str();
}

// The loss, then the derivatives in the order of the metrics.
std::vector<double> values(const std::string& text, const std::vector<std::vector<double>>& columns) {
  Diagnostics diagnostics;
  ast::Ast tree = parse(Source("m.slope", text), diagnostics);
  auto lowered = lower(tree, {}, diagnostics);
  for (const Diagnostic& d : diagnostics.all()) INFO(d.message);
  REQUIRE(lowered);
  const Model& model = lowered->model();
  std::vector<NodeId> roots{model.loss};
  for (const NamedValue& metric : model.metrics) roots.push_back(metric.value);
  Fused fused = fuse(model.graph, roots);
  Inputs<double> in;
  in.columns = columns;
  in.rows = columns.empty() ? 0 : static_cast<std::int64_t>(columns[0].size());
  for (const Parameter& param : model.params) in.params.push_back(param.start[0]);
  in.arguments = {0};
  std::vector<double> out;
  for (const auto& value : evaluate<double>(fused.graph, fused.roots, in)) out.push_back(value[0]);
  return out;
}

// [value, sum of the absolute values of its terms].
void check_close(double found, const Json& expected) {
  double value = std::stod(expected[0].get<std::string>()), scale = std::stod(expected[1].get<std::string>());
  if (!(std::fabs(found - value) <= 1e-12 * scale))
    CHECK(found == Approx(value).epsilon(0).margin(1e-12 * scale));
}

}  // namespace

TEST_CASE("grad(…): gradients and Hessians of least-squares problems as in 60 digits") {
  for (const Json& problem : Json::parse(open("reference_derivatives.json"))) {
    std::string data = problem["data"].get<std::string>();
    auto columns = data.empty() ? std::vector<std::vector<double>>() : read_columns(data);
    for (const Json& point : problem["points"]) {
      INFO(problem["name"] << " at " << point["at"]);
      std::vector<double> found = values(model_text(problem, point), columns);
      check_close(found[0], point["loss"]);
      std::size_t next = 1;
      for (std::size_t i = 0; i < problem["params"].size(); ++i) {
        INFO("derivative by parameter " << i + 1);
        check_close(found[next++], point["gradient"][i]);
        for (std::size_t j = 0; j <= i; ++j) check_close(found[next++], point["hessian"][i][j]);
      }
      CHECK(next == found.size());
    }
  }
}

namespace {

// value, then all derivatives in the order of jax_functions.py. A parameter of its own is added to the loss,
// as some functions have no derivative.
std::string function_text(const Json& test) {
  std::string f = test["expression"].get<std::string>();
  std::string text = "param k = 0\nparam a = " + test["at"][0].get<std::string>();
  if (test["at"].size() == 1)
    return text + "\nf = " + f + "\nloss = f + k\nd1 = grad(f, a)\nd2 = grad(d1, a)\nd3 = grad(d2, a)\n" +
           "metric m1 = d1\nmetric m2 = d2\nmetric m3 = d3\n";
  return text + ", b = " + test["at"][1].get<std::string>() + "\nf = " + f +
         "\nloss = f + k\nda = grad(f, a)\ndb = grad(f, b)\nmetric m1 = da\nmetric m2 = db\nmetric m3 = "
         "grad(da, "
         "a)\n" +
         "metric m4 = grad(da, b)\nmetric m5 = grad(db, b)\n";
}

}  // namespace

TEST_CASE("grad(…): scalar functions and their derivatives as JAX has them") {
  for (const Json& test : Json::parse(open("jax_functions.json"))) {
    INFO(test["expression"] << " at " << test["at"]);
    std::vector<double> found = values(function_text(test), {});
    REQUIRE(found.size() == test["values"].size());
    for (std::size_t i = 0; i < found.size(); ++i) {
      double expected = std::stod(test["values"][i].get<std::string>());
      INFO("value " << i);
      CHECK(std::fabs(found[i] - expected) <= 1e-12 * std::max(1.0, std::fabs(expected)));
    }
  }
}

TEST_CASE("grad(…): every function and its derivatives at zeros, ties, branch points and far out") {
  for (const Json& test : Json::parse(open("special_derivatives.json"))) {
    INFO(test["expression"] << " at " << test["at"]);
    std::vector<double> found = values(function_text(test), {});
    REQUIRE(found.size() >= test["values"].size());  // none beyond a pole
    for (std::size_t i = 0; i < test["values"].size(); ++i) {
      // Not stod, to which a denormal number is out of range.
      double expected = std::strtod(test["values"][i].get<std::string>().c_str(), nullptr);
      double allowed = test["relative"].get<double>() * std::fabs(expected) + test["absolute"].get<double>();
      INFO("derivative " << i << ": " << found[i] << ", expected " << expected);
      if (std::isfinite(expected)) CHECK(std::fabs(found[i] - expected) <= allowed);
      else CHECK(found[i] == expected);
    }
  }
}
