// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// From nodes to terms, operands first. A node used once is written where it is used; one with a name of the
// model has a line of its own; so has one that is used again and long, or nested so deep that nobody could
// read it. So the formulas together are not longer than a few times the graph, however much it shares.
#include "graph/formula.h"

#include <algorithm>
#include <unordered_set>

#include "base/diagnostic.h"

namespace slope {

namespace {

using namespace term;

constexpr int long_term = 8;   // names, numbers and functions in what is worth a name of its own
constexpr int deep_term = 40;  // levels; well below what the parser reads

std::unordered_set<std::string> taken_names(const Graph& graph, const PrintNames& names) {
  std::unordered_set<std::string> taken(names.columns.begin(), names.columns.end());
  taken.insert(names.params.begin(), names.params.end());
  for (std::size_t i = 0; i < graph.size(); ++i)
    taken.emplace(graph.name(NodeId(static_cast<std::int64_t>(i))));
  return taken;
}

// The functions that formulas of these nodes call. A name of the model that is one of them would hide it.
std::unordered_set<std::string> called_functions(const Graph& graph, const std::vector<bool>& needed) {
  std::unordered_set<std::string> called;
  for (std::size_t i = 0; i < graph.size(); ++i) {
    const Node& node = graph[NodeId(static_cast<std::int64_t>(i))];
    if (!needed[i]) continue;
    if (node.kind == NodeKind::reduce) called.insert({"sum", "mean", "max", "min"});
    if (node.kind == NodeKind::stop_gradient) called.insert("stop_gradient");
    if (node.kind != NodeKind::scalar) continue;
    if (node.op == id_of<op::Gaussian>()) called.insert("exp");
    if (info(node.op).callable && info(node.op).infix.empty()) called.emplace(info(node.op).name);
  }
  return called;
}

std::string unused(std::string name, const std::unordered_set<std::string>& taken) {
  while (taken.contains(name)) name += "_";
  return name;
}

std::string name_of(const std::vector<std::string>& names, int index, std::string kind) {
  auto i = static_cast<std::size_t>(index);
  return i < names.size() ? names[i] : kind + std::to_string(index);
}

class Writer {
 public:
  Writer(const Graph& graph, std::span<const FormulaRoot> roots, const PrintNames& names)
      : graph_(graph),
        precision_(graph.precision()),
        names_(names),
        taken_(taken_names(graph, names)),
        uses_(graph.size()),
        terms_(graph.size()) {
    std::vector<NodeId> nodes;
    for (const FormulaRoot& root : roots) nodes.push_back(root.node);
    needed_ = live(graph, nodes);
    for (std::size_t i = 0; i < graph.size(); ++i)
      if (needed_[i])
        for (NodeId input : graph[id_at(i)].inputs()) ++uses_[input.index()];
    for (NodeId node : nodes) ++uses_[node.index()];
    called_ = called_functions(graph, needed_);
  }

  std::vector<Formula> run(std::span<const FormulaRoot> roots) {
    for (std::size_t i = 0; i < graph_.size(); ++i) {
      if (!needed_[i]) continue;
      terms_[i] = give_name(id_at(i), term(id_at(i)));
      for (const FormulaRoot& root : roots)
        if (root.is == FormulaRoot::Is::definition && root.node == id_at(i) &&
            !(has_line(root.node) && graph_.name(root.node) == root.name))
          add(root.name, false, terms_[i], root.node);
    }
    for (const FormulaRoot& root : roots)
      if (root.is == FormulaRoot::Is::derivative) add(root.name, true, terms_[root.node.index()], root.node);
    return std::move(formulas_);
  }

 private:
  static NodeId id_at(std::size_t i) { return NodeId(static_cast<std::int64_t>(i)); }

  // A name of the model as it stands in the formulas: another one where they call a function of that name.
  std::string shown(std::string name) const {
    return called_.contains(name) ? unused(name + "_", taken_) : name;
  }

  // Whether what is read has rows: a choice that is decided on the way may leave none of them.
  bool add(std::string name, bool derivative, Term value, NodeId node) {
    formulas_.push_back({shown(std::move(name)), derivative, readable(std::move(value), precision_), node});
    return formulas_.back().value.rows;
  }

  // A line of its own; the name that stands for it.
  Term add_named(std::string name, Term value, NodeId node) {
    bool rows = add(name, false, std::move(value), node);
    return named(shown(std::move(name)), rows);
  }

  // Whether the node is written under the name that the model gives it.
  bool has_line(NodeId id) const {
    NodeKind kind = graph_[id].kind;
    bool leaf = kind == NodeKind::constant || kind == NodeKind::data || kind == NodeKind::param ||
                kind == NodeKind::state || kind == NodeKind::draw;
    std::string_view name = graph_.name(id);
    return !leaf && !name.empty() && name.find(' ') == std::string_view::npos;  // not "d loss / d w"
  }

  Term give_name(NodeId id, Term t) {
    if (has_line(id)) return add_named(std::string(graph_.name(id)), std::move(t), id);
    bool again = uses_[id.index()] > 1 && t.size >= long_term;
    if (t.kind == Term::Kind::name || graph_[id].type == Type::truth || (!again && t.depth < deep_term))
      return t;
    Term outer = split_rows(t, precision_);
    if (t.size < long_term && t.depth < deep_term) return product(std::move(outer), std::move(t), precision_);
    Term name = add_named(unused("t" + std::to_string(++parts_), taken_), std::move(t), id);
    return product(std::move(outer), std::move(name), precision_);
  }

  // The last one to use a term takes it, the others copy.
  Term take(NodeId id) {
    std::size_t i = id.index();
    return --uses_[i] == 0 ? std::move(terms_[i]) : terms_[i];
  }

  Term term(NodeId id) {
    const Node& node = graph_[id];
    switch (node.kind) {
      case NodeKind::constant:
        return node.type == Type::truth ? truth(node.value != 0) : number(node.value, precision_);
      case NodeKind::data: return named(shown(name_of(names_.columns, node.index, "column")), true);
      case NodeKind::param: return named(shown(name_of(names_.params, node.index, "param")), false);
      case NodeKind::state: return named(shown(name_of(names_.states, node.index, "state")), false);
      case NodeKind::draw: return named(shown(std::string(graph_.name(id))), graph_.has_rows(id));
      case NodeKind::argument:
        return named(std::string(to_string(static_cast<RunArgument>(node.index))), false);
      case NodeKind::row_count: return row_count();
      case NodeKind::broadcast:
      case NodeKind::tap: return take(node.operands[0]);
      case NodeKind::stop_gradient: {
        std::vector<Term> arguments;
        arguments.push_back(take(node.operands[0]));
        return call("stop_gradient", std::move(arguments));
      }
      case NodeKind::reduce: return reduction(node.reduction, take(node.operands[0]), precision_);
      case NodeKind::scalar: break;
      default: internal_error("a formula of values with axes");
    }
    std::vector<Term> x;
    for (NodeId input : node.inputs()) x.push_back(take(input));
    return scalar(node.op, std::move(x));
  }

  // An op on numbers is a number, as it is where the text is read: a condition so known chooses at once.
  std::optional<Term> fold(OpId op, const std::vector<Term>& x) const {
    double operands[3] = {};
    for (std::size_t i = 0; i < x.size(); ++i) {
      bool fraction = x[i].kind == Term::Kind::product && x[i].parts.empty();
      if (x[i].kind != Term::Kind::number && x[i].kind != Term::Kind::truth && !fraction) return {};
      operands[i] = fraction ? x[i].value / x[i].divisor : x[i].value;
    }
    double value = evaluate_op<double>(op, operands);
    return info(op).result == Type::truth ? truth(value != 0) : number(value, precision_);
  }

  std::vector<Term> negative_square(std::vector<Term> x) const {
    x[0] = product(number(-1, precision_), power(std::move(x[0]), number(2, precision_)), precision_);
    return x;
  }

  // The ops that are written with symbols and words; every other one is a function of its name.
  Term scalar(OpId op, std::vector<Term> x) {
    if (std::optional<Term> folded = fold(op, x)) return *folded;
    auto is = [&]<class Op>() { return op == id_of<Op>(); };
    if (is.operator()<op::Add>()) return sum(std::move(x[0]), std::move(x[1]), precision_);
    if (is.operator()<op::Sub>()) return difference(std::move(x[0]), std::move(x[1]), precision_);
    if (is.operator()<op::Mul>()) return product(std::move(x[0]), std::move(x[1]), precision_);
    if (is.operator()<op::Div>()) return quotient(std::move(x[0]), std::move(x[1]), precision_);
    if (is.operator()<op::Neg>()) return product(number(-1, precision_), std::move(x[0]), precision_);
    if (is.operator()<op::Fma>())
      return sum(product(std::move(x[0]), std::move(x[1]), precision_), std::move(x[2]), precision_);
    if (is.operator()<op::Pow>()) return power(std::move(x[0]), std::move(x[1]));
    if (is.operator()<op::Not>()) return negation(std::move(x[0]));
    if (is.operator()<op::Select>())
      return conditional(std::move(x[0]), std::move(x[1]), std::move(x[2]), precision_);
    if (is.operator()<op::Gaussian>()) return call("exp", negative_square(std::move(x)));
    const OpInfo& entry = info(op);
    if (entry.infix.empty()) return call(std::string(entry.name), std::move(x));
    if (entry.operands[0] == Type::truth)
      return logic(std::string(entry.infix), std::move(x[0]), std::move(x[1]));
    return compare(std::string(entry.infix), std::move(x[0]), std::move(x[1]));
  }

  const Graph& graph_;
  Precision precision_;
  const PrintNames& names_;
  std::unordered_set<std::string> taken_, called_;
  std::vector<bool> needed_;
  std::vector<int> uses_;  // by node: how often its term is still wanted
  std::vector<Term> terms_;
  std::vector<Formula> formulas_;
  int parts_ = 0;
};

}  // namespace

std::vector<Formula> formulas(const Graph& graph, std::span<const FormulaRoot> roots,
                              const PrintNames& names) {
  return Writer(graph, roots, names).run(roots);
}

FormulaWords formula_words(const Graph& graph, const PrintNames& names) {
  std::unordered_set<std::string> taken = taken_names(graph, names);
  FormulaWords words;
  words.rows = unused(words.rows, taken);
  if (taken.contains(words.infinity)) words.infinity = "1/0";
  return words;
}

}  // namespace slope
