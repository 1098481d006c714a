// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Nodes of a graph as formulas for reading, with the names of the model:
//   predict = w*x + b
//   loss = mean((predict - y)^2)
//   d loss/d w = mean(2*(predict - y)*x)
// Each right side is Slope (or LaTeX) and uses columns, parameters and the names on the left above it. What
// occurs several times and is long gets a name of its own, t1, t2, …; a name of the model that is that of a
// function in the formulas has `_` behind it. Formulas are equal to the nodes as mathematics; rounded, they
// may differ in the last digits.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "graph/graph.h"
#include "graph/print.h"
#include "graph/term.h"

namespace slope {

// Something to write a formula of. A node that has a name in the graph is written once, under that name.
struct FormulaRoot {
  enum class Is : std::uint8_t { definition, derivative };  // by the parameter `name`, of the loss
  std::string name;
  NodeId node;
  Is is = Is::definition;
};

struct Formula {
  std::string name;  // left side; of a derivative the parameter
  bool derivative = false;
  Term value;
  NodeId node;  // whose value it is; of t1, t2, … a node that it is a part of
};

// The formulas that the roots need, each below what it uses; derivatives last, in the order given.
std::vector<Formula> formulas(const Graph& graph, std::span<const FormulaRoot> roots,
                              const PrintNames& names);

// The words that stand for the number of rows and for infinity; others where the model takes these for
// itself.
struct FormulaWords {
  std::string rows = "rows", infinity = "inf";
};
FormulaWords formula_words(const Graph& graph, const PrintNames& names);

// One formula as Slope, on one line.
std::string to_text(const Term& term, Precision precision, const FormulaWords& words = {});

// As LaTeX. A value with rows has the index i; sums inside of it, and of sums, go over the next letters.
std::string to_latex(const Term& term, Precision precision, std::string_view loss = "L");
// A name as LaTeX: θ and theta are \theta, b_1 has a subscript, longer words stand upright.
std::string latex_name(std::string_view name, bool rows = false);

// All formulas, one a line with the lines of the model at the side, and as one align* environment of amsmath.
std::string formula_text(const Graph& graph, std::span<const Formula> formulas, const PrintNames& names);
std::string formula_latex(const Graph& graph, std::span<const Formula> formulas);

}  // namespace slope
