// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A model's text as a graph with its loss and gradient, and made-up inputs for it.
#pragma once
#include <catch2/catch.hpp>
#include <random>
#include <string>
#include <vector>

#include "frontend/lower.h"
#include "graph/evaluate.h"
#include "graph/gradient.h"
#include "graph/verify.h"

namespace slope::test {

struct LoweredText {
  Graph graph;
  NodeId loss;
  std::vector<NodeId> gradient;       // by index of param; invalid: identically 0
  std::vector<std::int64_t> offsets;  // of the parameters
  std::int64_t params = 0;            // elements
  std::vector<DataColumn> columns;
  std::vector<Parameter> parameters;
  std::vector<StateVariable> states;
};

inline LoweredText lower_text(const std::string& text) {
  Diagnostics diagnostics;
  ast::Ast tree = parse(Source("m.slope", text), diagnostics);
  auto lowered = lower(tree, {}, diagnostics);
  std::string messages;
  for (const Diagnostic& d : diagnostics.all())
    if (d.severity == Severity::error) messages += to_string(d.code) + " " + d.message + "\n";
  INFO(messages);
  REQUIRE(lowered);
  Model& model = lowered->model();
  LoweredText out;
  std::vector<NodeId> params;
  for (std::size_t p = 0; p < model.params.size(); ++p) {
    const Parameter& param = model.params[p];
    out.offsets.push_back(param.offset);
    out.params += elements({false, param.axes});
    params.push_back(model.graph.param(static_cast<int>(p), model.graph.intern({false, param.axes})));
  }
  out.gradient = differentiate(model.graph, model.loss, params);
  REQUIRE(verify(model.graph) == "");
  out.loss = model.loss;
  out.columns = model.columns;
  out.parameters = model.params;
  out.states = model.states;
  out.graph = model.graph;
  return out;
}

template <class T>
Inputs<T> made_up_inputs(const LoweredText& model, std::int64_t rows, std::mt19937& random) {
  std::normal_distribution<double> normal;
  Inputs<T> in;
  in.rows = rows;
  in.arguments = {0};
  for (const DataColumn& column : model.columns) {
    auto& cells = in.columns.emplace_back();
    for (std::int64_t n = rows * elements({true, column.axes}); n > 0; --n)
      cells.push_back(column.type == ColumnType::number
                          ? static_cast<T>(normal(random))
                          : static_cast<T>(random() % static_cast<std::uint64_t>(column.classes)));
  }
  for (std::int64_t n = 0; n < model.params; ++n) in.params.push_back(static_cast<T>(0.7 * normal(random)));
  in.param_offsets = model.offsets;
  return in;
}

}  // namespace slope::test
