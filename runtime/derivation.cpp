// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/derivation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "base/text.h"
#include "graph/evaluate.h"
#include "graph/formula.h"
#include "graph/gradient.h"
#include "runtime/inputs.h"
#include "runtime/parameters.h"

namespace slope {

namespace {

constexpr std::size_t most_numbers = 20'000'000;

// One line's graph: its leaves stand for values of the model's graph, under the names that those have here.
class Line {
 public:
  explicit Line(const Graph& model) : graph(model.precision()), model_(model) {}

  // A constant is itself; everything else is a leaf named `name`.
  NodeId leaf(NodeId of, const std::string& name) {
    const Node& node = model_[of];
    if (node.kind == NodeKind::broadcast) return leaf(node.operands[0], name);
    if (node.kind == NodeKind::constant)
      return node.type == Type::truth ? graph.truth(node.value != 0) : graph.constant(node.value);
    if (node.kind == NodeKind::row_count) return graph.row_count();
    return named(name, model_.has_rows(of), node.type);
  }
  NodeId named(const std::string& name, bool rows, Type type = Type::real) {
    auto [found, fresh] = leaves_.try_emplace(name);
    if (fresh) {
      names_.columns.push_back(name);
      names_.params.push_back(name);
      auto index = static_cast<int>(names_.params.size()) - 1;
      Node node = graph[rows ? graph.data(index) : graph.param(index)];
      node.type = type;
      found->second = graph.make(node);
    }
    return found->second;
  }

  std::string text(NodeId value) const {
    FormulaRoot root{"", value, FormulaRoot::Is::derivative};
    std::vector<Formula> written = formulas(graph, std::span(&root, 1), names_);
    // A term so long that the writer cuts it has lines before the last one: they are put side by side.
    std::string out;
    for (const Formula& f : written)
      out += f.derivative ? to_text(f.value, graph.precision())
                          : fmt::format("[{} = {}] ", f.name, to_text(f.value, graph.precision()));
    return out;
  }

  Graph graph;

 private:
  const Graph& model_;
  std::map<std::string, NodeId> leaves_;
  PrintNames names_;
};

class Derivation {
 public:
  Derivation(Lowered& lowered, const PrintNames& names) : model_(lowered.model()), names_(names) {
    const Graph& graph = model_.graph;
    size_ = model_.loss.index() + 1;
    needed_ = live(graph, std::span(&model_.loss, 1));
    needed_.resize(size_);
    depends_.resize(size_);
    shown_.resize(size_);
    uses_.resize(size_);
    for (const auto* list : {&names.columns, &names.params}) taken_.insert(list->begin(), list->end());
    for (std::size_t i = 0; i < graph.size(); ++i) taken_.emplace(graph.name(at(i)));
    auto begins_a_name = [&](const std::string& name) { return name.starts_with(derivative_); };
    while (std::any_of(taken_.begin(), taken_.end(), begins_a_name)) derivative_ += "_";
    int unnamed = 0;
    for (std::size_t i = 0; i < size_; ++i) {
      NodeId id = at(i);
      depends_[i] = graph[id].kind == NodeKind::param;
      if (graph[id].kind != NodeKind::stop_gradient)
        for (NodeId input : graph[id].inputs()) depends_[i] = depends_[i] || depends_[input.index()];
      if (!needed_[i]) continue;
      shown_[i] = name_of(id, unnamed);
      if (!depends_[i] || graph[id].kind == NodeKind::broadcast) continue;
      for (std::size_t k = 0; k < graph[id].inputs().size(); ++k)
        uses_[under_broadcast(graph[id].operands[k]).index()].emplace_back(id, k);
    }
  }

  void take_numbers(Graph& graph, const Dataset& data, std::int64_t row) {
    std::vector<NodeId> values, by;
    for (std::size_t i = 0; i < size_; ++i)
      if (needed_[i]) {
        values.push_back(at(i));
        if (depends_[i]) by.push_back(at(i));
      }
    std::vector<NodeId> adjoints = differentiate(graph, model_.loss, by);
    std::vector<NodeId> all = values;
    for (NodeId id : adjoints)
      if (id.valid()) all.push_back(id);
    std::vector<bool> work = live(graph, all);
    auto nodes = static_cast<std::size_t>(std::count(work.begin(), work.end(), true));
    if (nodes * static_cast<std::size_t>(std::max<std::int64_t>(data.rows, 1)) > most_numbers) return;
    auto inputs = interpreter_inputs<double>(model_, data, starts(model_), all_rows(data));
    auto found = evaluate<double>(graph, all, inputs);
    auto pick = [&](const std::vector<double>& x) -> std::optional<double> {
      auto i = static_cast<std::size_t>(x.size() == 1 ? 0 : row);
      return i < x.size() ? std::optional(x[i]) : std::nullopt;
    };
    for (std::size_t k = 0; k < values.size(); ++k) value_[values[k].index()] = pick(found[k]);
    std::size_t k = values.size();
    for (std::size_t i = 0; i < by.size(); ++i)
      if (adjoints[i].valid()) adjoint_[by[i].index()] = pick(found[k++]);
  }

  std::string run(std::optional<std::int64_t> row) {
    std::string at_row = row ? fmt::format(", with the numbers of row {}", *row + 1) : "";
    out_ += fmt::format("The loss, step by step{}\n", at_row);
    for (std::size_t i = 0; i < size_; ++i)
      if (needed_[i] && model_.graph[at(i)].kind != NodeKind::broadcast) value_line(at(i));
    out_ += "\nIts derivatives, from the loss downwards; " + derivative_ + "v stands for d loss/d v\n";
    for (std::size_t i = size_; i-- > 0;)
      if (needed_[i] && depends_[i] && model_.graph[at(i)].kind != NodeKind::broadcast &&
          model_.graph[at(i)].type == Type::real)
        derivative_line(at(i));
    if (guarded_)
      out_ +=
          "\nWhat a condition makes 0 stays 0 in all that follows from it, whatever it is multiplied by.\n";
    return std::move(out_);
  }

 private:
  static NodeId at(std::size_t i) { return NodeId(static_cast<std::int64_t>(i)); }

  // What a value is called here: its name in the model, else v1, v2, …
  std::string name_of(NodeId id, int& unnamed) const {
    const Node& node = model_.graph[id];
    if (node.kind == NodeKind::broadcast) return shown_[node.operands[0].index()];
    if (node.kind == NodeKind::data || node.kind == NodeKind::param || node.kind == NodeKind::state ||
        node.kind == NodeKind::constant || node.kind == NodeKind::row_count ||
        node.kind == NodeKind::argument)
      return operand(model_.graph, id, names_);
    std::string_view name = model_.graph.name(id);
    if (!name.empty() && name.find(' ') == std::string_view::npos) return std::string(name);
    if (id == model_.loss) return "loss";
    std::string name_here;
    do name_here = fmt::format("v{}", ++unnamed);
    while (taken_.contains(name_here));
    return name_here;
  }

  const std::string& shown(NodeId id) const { return shown_[id.index()]; }

  void line(const std::string& text, std::optional<double> number, const std::string& note) {
    double x = number.value_or(0);
    std::string digits = significant(x);
    line(text, number ? digits : "", note);
  }
  void line(const std::string& text, const std::string& number, const std::string& note) {
    constexpr std::size_t first = 44, second = 60;
    std::string padded = "  " + text;
    auto pad = [&](std::size_t column) {
      auto width = static_cast<std::size_t>(display_width(padded));
      padded.append(width < column ? column - width : 2, ' ');
    };
    if (!number.empty()) {
      pad(first);
      padded += "= " + number;
    }
    if (!note.empty()) {
      pad(number.empty() ? first : second);
      padded += "; " + note;
    }
    out_ += padded + "\n";
  }

  std::optional<double> number(const std::unordered_map<std::size_t, std::optional<double>>& of,
                               NodeId id) const {
    auto found = of.find(id.index());
    return found == of.end() ? std::nullopt : found->second;
  }

  std::string truth_value(NodeId id) const {
    std::optional<double> value = number(value_, id);
    return !value ? "" : *value != 0 ? "true" : "false";
  }

  std::string place(NodeId id) const { return names_.places ? names_.places(model_.graph.origins(id)) : ""; }

  void value_line(NodeId id) {
    const Node& node = model_.graph[id];
    if (node.kind == NodeKind::constant || node.kind == NodeKind::row_count) return;
    if (node.arity() == 0) return line(shown(id), number(value_, id), place(id));
    Line l(model_.graph);
    std::vector<NodeId> x;
    for (NodeId input : node.inputs()) x.push_back(l.leaf(input, shown(input)));
    NodeId value = node.kind == NodeKind::scalar   ? l.graph.apply(node.op, x)
                   : node.kind == NodeKind::reduce ? l.graph.reduce(node.reduction, l.graph.broadcast(x[0]))
                   : node.kind == NodeKind::stop_gradient ? l.graph.stop_gradient(x[0])
                                                          : x[0];
    std::string text = fmt::format("{} = {}", shown(id), l.text(value));
    if (node.type == Type::truth) return line(text, truth_value(id), place(id));
    line(text, number(value_, id), place(id));
  }

  // d_x = Σ over the uses of x: the derivative by the user, times the user's own by x.
  void derivative_line(NodeId x) {
    const Graph& graph = model_.graph;
    std::string left = derivative_ + shown(x);
    if (x == model_.loss) return line(left + " = 1", number(adjoint_, x), "");
    Line l(graph);
    NodeId sum;
    std::string rules;
    for (auto [user, k] : uses_[x.index()]) {
      NodeId part = contribution(l, user, k, rules);
      if (!part.valid()) continue;
      if (l.graph.has_rows(part) && !graph.has_rows(x)) part = l.graph.reduce(Reduction::sum, part);
      sum = sum.valid() ? l.graph.apply<op::Add>(sum, part) : part;
    }
    line(fmt::format("{} = {}", left, sum.valid() ? l.text(sum) : "0"), number(adjoint_, x), rules);
  }

  NodeId under_broadcast(NodeId id) const {
    const Node& node = model_.graph[id];
    return node.kind == NodeKind::broadcast ? node.operands[0] : id;
  }

  // What user gives to its k-th operand; adds the rule it follows, "v3/d v2 = 2*v2".
  NodeId contribution(Line& l, NodeId user, std::size_t k, std::string& rules) {
    const Graph& graph = model_.graph;
    const Node& node = graph[user];
    if (node.kind == NodeKind::stop_gradient) return {};
    NodeId dy = l.named(derivative_ + shown(user), graph.has_rows(user));
    if (node.kind == NodeKind::tap || (node.kind == NodeKind::reduce && node.reduction == Reduction::sum))
      return graph.has_rows(node.operands[0]) ? l.graph.broadcast(dy) : dy;
    if (node.kind == NodeKind::reduce) return share_of_equals(l, user, dy);
    Partial p = local(l, user, k);
    if (!p.value.valid()) return {};
    add_rule(rules, fmt::format("d {}/d {} = {}", shown(user), shown(node.operands[k]),
                                whole_partial(user, under_broadcast(node.operands[k]))));
    guarded_ |= p.guard.valid() && !l.graph.is_constant(p.guard, 1);
    return guarded(l.graph, p.guard, l.graph.apply<op::Mul>(dy, p.value));
  }

  // The derivative of what user computes by x, through every operand that is x.
  std::string whole_partial(NodeId user, NodeId x) const {
    const Node& node = model_.graph[user];
    Line l(model_.graph);
    NodeId sum;
    for (std::size_t k = 0; k < node.inputs().size(); ++k) {
      if (under_broadcast(node.operands[k]) != x) continue;
      Partial p = local(l, user, k);
      if (!p.value.valid()) continue;
      NodeId part = guarded(l.graph, p.guard, p.value);
      sum = sum.valid() ? l.graph.apply<op::Add>(sum, part) : part;
    }
    return l.text(sum);
  }

  static void add_rule(std::string& rules, const std::string& rule) {
    if (rules.find(rule) == std::string::npos) rules += (rules.empty() ? "" : ", ") + rule;
  }

  Partial local(Line& l, NodeId user, std::size_t k) const {
    const Node& node = model_.graph[user];
    std::array<NodeId, 3> x{};
    for (std::size_t i = 0; i < node.inputs().size(); ++i)
      x[i] = l.leaf(node.operands[i], shown(node.operands[i]));
    NodeId y = l.leaf(user, shown(user));
    return partials(l.graph, node.op, std::span(x.data(), node.inputs().size()), y)[k];
  }

  static NodeId guarded(Graph& graph, NodeId guard, NodeId value) {
    return guard.valid() ? graph.apply<op::Select>(guard, value, graph.constant(0)) : value;
  }

  NodeId share_of_equals(Line& l, NodeId user, NodeId dy) const {
    NodeId x = model_.graph[user].operands[0];
    NodeId hit = l.graph.apply<op::Equal>(l.graph.broadcast(l.leaf(x, shown(x))), l.leaf(user, shown(user)));
    return guarded(l.graph, hit, l.graph.apply<op::Div>(dy, l.graph.reduce(Reduction::sum, hit)));
  }

  const Model& model_;
  const PrintNames& names_;
  std::size_t size_ = 0;
  std::vector<bool> needed_, depends_;  // by node, up to the loss
  std::vector<std::string> shown_;
  std::unordered_set<std::string> taken_;                          // names of the model
  std::string derivative_ = "d_";                                  // what begins no name of the model
  std::vector<std::vector<std::pair<NodeId, std::size_t>>> uses_;  // by node: who has it as which operand
  std::unordered_map<std::size_t, std::optional<double>> value_, adjoint_;
  bool guarded_ = false;  // a derivative has been 0 outside of a condition
  std::string out_;
};

}  // namespace

std::string derivation(Lowered& lowered, const std::optional<Dataset>& data, std::int64_t row,
                       const PrintNames& names) {
  Derivation d(lowered, names);
  bool has_columns = !lowered.model().columns.empty();
  if (data) d.take_numbers(lowered.model().graph, *data, row);
  return d.run(data && has_columns ? std::optional(row) : std::nullopt);
}

}  // namespace slope
