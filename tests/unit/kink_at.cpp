// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Points on kinks and beside them.
#include "runtime/solvers/kink_at.h"

#include <algorithm>
#include <catch2/catch.hpp>

using namespace slope;

namespace {

Column column(const std::string& name, const std::vector<double>& values) {
  Column out(name, Storage::f64, std::ssize(values), 1);
  std::copy(values.begin(), values.end(), static_cast<double*>(out.data()));
  return out;
}

std::optional<KinkAt> at(const std::string& loss, double a, double b) {
  Diagnostics diagnostics;
  ast::Ast tree = parse(
      Source("m.slope", "data x, y from \"d.csv\"\nparam a = 1, b = 1\nloss = " + loss + "\n"), diagnostics);
  LowerSettings settings;
  settings.headers = {{"x", "y"}};
  auto lowered = lower(tree, settings, diagnostics);
  REQUIRE_FALSE(diagnostics.has_errors());
  REQUIRE(lowered);
  Dataset data;
  data.columns.push_back(column("x", {0.1, 0.2, 0.3}));
  data.columns.push_back(column("y", {1, 3, 2}));
  data.rows = 3;
  return kink_at(lowered->model(), {0, 1}, data, std::vector<double>{a, b});
}

}  // namespace

TEST_CASE("kinks: a point lies on one where the argument is 0 to rounding", "[kinks]") {
  auto found = at("mae(a*x + b, y)", 20, -1);  // through the first two rows but for the rounding of 0.1
  REQUIRE(found);
  CHECK(found->op == "abs");
  CHECK(found->row == 0);
  CHECK_FALSE(found->places.empty());
}

TEST_CASE("kinks: beside one it does not", "[kinks]") {
  CHECK_FALSE(at("mae(a*x + b, y)", 20, -1.0000001));
  CHECK_FALSE(at("mse(a*x + b, y)", 20, -1));
  CHECK_FALSE(at("huber(a*x + b, y)", 20, -1));
  auto of_params = at("mse(a*x, y) + abs(b)", 1, 0);
  REQUIRE(of_params);
  CHECK(of_params->row == -1);
  CHECK(at("mean((if a*x + b > 0 then a*x + b else 0) * y)", 0, 0));
  CHECK(at("mean((relu(a*x + b) - y)^2)", 10, -2));
}
