// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "graph/op_sheet.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <vector>

#include "graph/formula.h"
#include "graph/gradient.h"

namespace slope {

namespace {

constexpr std::string_view introduction =
    "# Every scalar operation: its value, its partial derivatives, how far the value may be from the exact "
    "one in\n"
    "# units of the last place (ulp), or absolutely in epsilons (ε) where it passes through zero.\n";

// One op on columns with its operands' names. A truth value is a comparison that has the operand's name.
class Sheet {
 public:
  explicit Sheet(OpId op) : op_(op), info_(info(op)), graph_(Precision::f64) {
    for (std::size_t k = 0; k < arity(); ++k) {
      names_.columns.push_back(operand_name(k));
      NodeId leaf = graph_.data(static_cast<int>(k));
      if (info_.operands[k] == Type::truth) {
        leaf = graph_.apply<op::Greater>(leaf, graph_.constant(0.5));
        graph_.name(leaf, names_.columns[k]);
      }
      operands_.push_back(leaf);
    }
    value_ = graph_.apply(op, operands_);
  }

  std::string text() {
    std::string out = head() + "\n";
    auto all = partials(graph_, op_, operands_, value_);
    std::vector<FormulaRoot> roots;
    for (std::size_t k = 0; k < arity(); ++k)
      if (info_.operands[k] == Type::real)
        roots.push_back({names_.columns[k], whole(all[k]), FormulaRoot::Is::derivative});
    for (const Formula& f : formulas(graph_, roots, names_))
      if (f.derivative || !is_operand(f.name))
        out += fmt::format("    {}{} = {}\n", f.derivative ? "d/d" : "", f.name,
                           to_text(f.value, Precision::f64));
    if (!info_.note.empty()) out += fmt::format("    {}\n", info_.note);
    if (info_.result == Type::real) out += fmt::format("    {}\n", promise());
    return out;
  }

 private:
  std::size_t arity() const { return static_cast<std::size_t>(info_.arity); }

  std::string operand_name(std::size_t k) const {
    if (arity() == 1) return info_.operands[0] == Type::truth ? "c" : "x";
    if (info_.indexed) return k == 0 ? "n" : "x";
    if (arity() == 3 && info_.operands[0] == Type::truth) return std::string(1, "cab"[k]);
    return std::string(1, "abc"[k]);
  }

  bool is_operand(const std::string& name) const {
    return std::find(names_.columns.begin(), names_.columns.end(), name) != names_.columns.end();
  }

  // Zero, or the partial where its guard holds.
  NodeId whole(const Partial& p) {
    NodeId zero = graph_.constant(0);
    if (!p.value.valid()) return zero;
    return p.guard.valid() ? graph_.apply<op::Select>(p.guard, p.value, zero) : p.value;
  }

  // `tanh(x)`, `add(a, b) = a + b`: how a model writes it, where it can.
  std::string head() const {
    FormulaRoot root{"value", value_, FormulaRoot::Is::derivative};
    std::string call = fmt::format("{}({})", info_.name, fmt::join(names_.columns, ", ")),
                formula = to_text(formulas(graph_, std::span(&root, 1), names_).back().value, Precision::f64);
    return formula == call ? call : fmt::format("{} = {}", call, formula);
  }

  std::string promise() const {
    const Accuracy& a = info_.accuracy;
    return a.epsilons > 0 ? fmt::format("within {:g} ulp or {:g} ε", a.ulps, a.epsilons)
                          : fmt::format("within {:g} ulp", a.ulps);
  }

  OpId op_;
  const OpInfo& info_;
  Graph graph_;
  PrintNames names_;
  std::vector<NodeId> operands_;
  NodeId value_;
};

}  // namespace

std::string op_sheet() {
  std::string out(introduction);
  for (std::size_t i = 0; i < op_count; ++i) out += "\n" + Sheet(static_cast<OpId>(i)).text();
  return out;
}

}  // namespace slope
