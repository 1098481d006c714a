// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Models of every kind of layer, loss and structure: their losses and gradients as JAX has them
// (tests/oracle/models.py), to 1e-10 of the value or of 1, interpreted and compiled, and these two to the
// bit.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/unit/compiled.h"
#include "tests/unit/lowered_text.h"

using namespace slope;
using namespace slope::test;
using Json = nlohmann::json;

namespace {

using Numbers = std::vector<double>;

void append(Numbers& to, const Numbers& values) { to.insert(to.end(), values.begin(), values.end()); }

// The columns, parameters and states that the test gives the model.
Inputs<double> inputs_of(const LoweredText& model, const Json& test) {
  Inputs<double> out;
  out.rows = test["rows"].get<std::int64_t>();
  REQUIRE(model.columns.size() == test["columns"].size());
  for (const DataColumn& column : model.columns) {
    out.columns.push_back(test["columns"].at(column.name).get<Numbers>());
    REQUIRE(std::ssize(out.columns.back()) == out.rows * elements({true, column.axes}));
  }
  REQUIRE(model.parameters.size() == test["params"].size());
  for (const Parameter& param : model.parameters) {
    INFO(param.name);
    REQUIRE(test["params"].contains(param.name));
    auto values = test["params"][param.name]["values"].get<Numbers>();
    REQUIRE(values.size() == param.start.size());
    out.param_offsets.push_back(param.offset);
    append(out.params, values);
  }
  for (const StateVariable& state : model.states) {
    out.state_offsets.push_back(std::ssize(out.states));
    append(out.states, state.start);
  }
  return out;
}

bool agrees(double found, double expected) {
  return std::fabs(found - expected) <= 1e-10 * std::max(1.0, std::fabs(expected));
}

void check_close(const Numbers& found, const Numbers& expected) {
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (agrees(found[i], expected[i])) continue;
    INFO("element " << i << ": found " << found[i] << ", JAX has " << expected[i]);
    CHECK(agrees(found[i], expected[i]));
  }
}

void check(const Json& test) {
  LoweredText model = lower_text(test["text"].get<std::string>());
  Inputs<double> inputs = inputs_of(model, test);
  std::vector<NodeId> roots = model.gradient;
  REQUIRE(std::ranges::all_of(roots, &NodeId::valid));
  roots.insert(roots.begin(), model.loss);
  Fused fused = fuse(model.graph, roots);

  auto interpreted = evaluate<double>(fused.graph, fused.roots, inputs);
  check_close(interpreted[0], {test["loss"].get<double>()});
  for (std::size_t i = 0; i < model.parameters.size(); ++i) {
    const std::string& name = model.parameters[i].name;
    INFO("derivative by " << name);
    check_close(interpreted[i + 1], test["params"][name]["gradient"].get<Numbers>());
  }
  auto compiled =
      Compiled<double>(fused, "native", {}, optimized_operations, inputs.param_offsets, inputs.state_offsets)
          .run(inputs);
  REQUIRE(compiled.size() == interpreted.size());
  for (std::size_t i = 0; i < compiled.size(); ++i) {
    INFO("compiled, " << (i == 0 ? "the loss" : "derivative by " + model.parameters[i - 1].name));
    CHECK(std::ranges::equal(compiled[i], interpreted[i], same<double>));
  }
}

}  // namespace

TEST_CASE("models: losses and gradients as JAX has them") {
  std::ifstream file(SLOPE_ROOT "/tests/data/jax_models.json");
  REQUIRE(file.good());
  for (const Json& test : Json::parse(file)) DYNAMIC_SECTION(test["name"].get<std::string>()) {
      check(test);
    }
}
