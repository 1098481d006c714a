// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/rounding_errors.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "graph/fuse.h"

namespace slope {

namespace {

using Numbers = std::vector<double>;

double number(Zero) { return 0; }
double number(double c) { return c; }
template <class P>
double number(When<bool, P> w) {
  return w.condition ? number(w.partial) : 0;
}

Numbers absolute(Numbers x) {
  for (double& value : x) value = std::fabs(value);
  return x;
}

// How often the roundings of a sum of n numbers count: as they are independent, the root of the additions
// that a number goes through, 4096 one after the other at most (graph/graph.h) and a dozen of the chunks.
double additions(double n) { return std::sqrt(std::min(n, 4096.0) + 14); }

class Errors {
 public:
  Errors(const Values& values, double of_constants)
      : graph_(values.graph()), values_(values), of_constants_(of_constants) {
    for (NodeId id : values.nodes()) errors_.push_back(of_node(id));
  }
  const Numbers& of(NodeId id) const { return errors_[values_.position(id)]; }

 private:
  Numbers of_node(NodeId id) const {
    const Node& node = graph_[id];
    const Numbers& value = values_.of(id);
    if (node.type == Type::truth) return Numbers(value.size());
    switch (node.kind) {
      case NodeKind::constant:
      case NodeKind::array: {
        Numbers out = absolute(value);
        for (double& x : out) x *= of_constants_;
        return out;
      }
      case NodeKind::scalar: return of_op(id);
      case NodeKind::tap:
      case NodeKind::stop_gradient: return of(node.operands[0]);
      case NodeKind::broadcast:
      case NodeKind::reshape:
      case NodeKind::permute:
      case NodeKind::slice:
      case NodeKind::window: return applied(id, of(node.operands[0]));
      case NodeKind::concat: return applied(id, of(node.operands[0]), of(node.operands[1]));
      case NodeKind::take: return applied(id, of(node.operands[0]), values_.of(node.operands[1]));
      case NodeKind::pad: return padded(id);
      case NodeKind::reduce: return reduced(id);
      case NodeKind::window_add: return summed(id, {});
      case NodeKind::scatter_add: return summed(id, values_.of(node.operands[1]));
      case NodeKind::contract: return contracted(id);
      case NodeKind::data:
      case NodeKind::param:
      case NodeKind::state:
      case NodeKind::argument:
      case NodeKind::row_count:
      case NodeKind::draw:
      case NodeKind::arg_reduce:
      case NodeKind::order: break;  // in no loss
    }
    return Numbers(value.size());
  }

  Numbers of_op(NodeId id) const {
    const Node& node = graph_[id];
    const Numbers& value = values_.of(id);
    Numbers out(value.size());
    for (std::size_t i = 0; i < value.size(); ++i) {
      std::array<double, 3> x = values_.operands(id, i), p = partials(node.op, x.data(), value[i]);
      out[i] = 2 * roundoff * std::fabs(value[i]);
      for (std::size_t k = 0; k < node.inputs().size(); ++k) {
        double error = of(node.operands[k])[i];
        if (p[k] != 0 && error != 0) out[i] += std::fabs(p[k]) * error;
      }
    }
    return out;
  }

  // What the node makes of other elements than its operands'.
  Numbers applied(NodeId id, const Numbers& a, const Numbers& b = {}) const {
    return evaluate_structure<double>(graph_, id, a, b, values_.rows());
  }

  Numbers padded(NodeId id) const {
    const Numbers& error = of(graph_[id].operands[0]);
    Numbers out = applied(id, error), around = applied(id, Numbers(error.size()));
    for (std::size_t i = 0; i < out.size(); ++i) out[i] -= around[i];
    return out;
  }

  Numbers reduced(NodeId id) const {
    const Node& node = graph_[id];
    const Numbers &x = values_.of(node.operands[0]), &error = of(node.operands[0]), &value = values_.of(id);
    std::vector<std::size_t> to = reduced_to(graph_, id, values_.rows());
    // Numbers a row are summed in lanes, of at most 256.
    double most = graph_.shape(node.operands[0]).axes.empty()
                      ? 256
                      : static_cast<double>(x.size()) / static_cast<double>(value.size());
    double roundings = additions(most) * roundoff;
    Numbers out(value.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
      double& sum = out[to[i]];
      if (node.reduction == Reduction::sum) sum += error[i] + roundings * std::fabs(x[i]);
      else if (node.reduction != Reduction::prod) sum = std::max(sum, error[i]);
      else if (x[i] != 0) sum += (error[i] / std::fabs(x[i]) + roundoff) * std::fabs(value[to[i]]);
    }
    return out;
  }

  // Of sums of operand 0's elements.
  Numbers summed(NodeId id, const Numbers& b) const {
    const Node& node = graph_[id];
    const Numbers& x = values_.of(node.operands[0]);
    Numbers out = applied(id, of(node.operands[0]), b), sizes = applied(id, absolute(x), b);
    double roundings = additions(static_cast<double>(x.size())) * roundoff;
    for (std::size_t i = 0; i < out.size(); ++i) out[i] += roundings * sizes[i];
    return out;
  }

  Numbers contracted(NodeId id) const {
    const Node& node = graph_[id];
    Numbers a = absolute(values_.of(node.operands[0])), b = absolute(values_.of(node.operands[1]));
    Numbers out = applied(id, of(node.operands[0]), b), other = applied(id, a, of(node.operands[1])),
            sizes = applied(id, a, b);
    double most = static_cast<double>(a.size()) * static_cast<double>(b.size());
    double roundings = additions(most / static_cast<double>(std::max<std::size_t>(out.size(), 1))) * roundoff;
    for (std::size_t i = 0; i < out.size(); ++i) out[i] += other[i] + roundings * sizes[i];
    return out;
  }

  const Graph& graph_;
  const Values& values_;
  double of_constants_;
  std::vector<Numbers> errors_;  // by position
};

// How many roundings a node's value counts for, as in the analysis; 0: it is exact.
double roundings(const Graph& graph, NodeId id) {
  const Node& node = graph[id];
  if (node.type == Type::truth) return 0;
  double result = static_cast<double>(elements(graph.shape(id)));
  auto size = [&](NodeId operand) { return static_cast<double>(elements(graph.shape(operand))); };
  switch (node.kind) {
    case NodeKind::scalar: return 1;
    case NodeKind::reduce:
      return node.reduction == Reduction::max || node.reduction == Reduction::min
                 ? 0
                 : additions(size(node.operands[0]) / result);
    case NodeKind::window_add:
    case NodeKind::scatter_add: return additions(size(node.operands[0]));
    case NodeKind::contract: return additions(size(node.operands[0]) * size(node.operands[1]) / result);
    default: return 0;
  }
}

// The graph with each value that is rounded multiplied by 1 ± a few units in the last place.
Fused with_drawn_roundings(const Graph& from, std::span<const NodeId> roots, std::mt19937& random) {
  Fused out{Graph::like(from), {}};
  Graph& graph = out.graph;
  std::vector<NodeId> made(from.size());
  std::vector<bool> needed = live(from, roots);
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (!needed[i]) continue;
    NodeId id(static_cast<std::int64_t>(i));
    Node node = from[id];
    for (int k = 0; k < node.arity(); ++k)
      node.operands[static_cast<std::size_t>(k)] = made[node.operands[static_cast<std::size_t>(k)].index()];
    made[i] = graph.make(node);
    double count = roundings(from, id);
    if (count == 0) continue;
    double units = std::round(count) * (random() % 2 == 0 ? 1 : -1);
    NodeId factor = graph.broadcast(graph.constant(1 + units * 2 * roundoff), from.shape(id));
    made[i] = graph.make({.kind = NodeKind::scalar,
                          .op = id_of<op::Mul>(),
                          .shape = node.shape,
                          .operands = {made[i], factor, {}}});
  }
  for (NodeId root : roots) out.roots.push_back(made[root.index()]);
  return out;
}

}  // namespace

std::array<double, 3> partials(OpId op, const double* operands, double y) {
  using Partials = std::array<double, 3>;
  static constexpr auto table = table_of([]<class Op>() -> Partials (*)(const double*, double) {
    return [](const double* x, double value) {
      auto operand = [&]<std::size_t K>() {
        if constexpr (Op::operands[K] == Type::truth) return x[K] != 0;
        else return x[K];
      };
      auto tuple = [&]<std::size_t... I>(std::index_sequence<I...>) {
        return Op::partial(operand.template operator()<I>()..., value);
      }(std::make_index_sequence<Op::operands.size()>{});
      return std::apply([](auto... p) { return Partials{number(p)...}; }, tuple);
    };
  });
  return table[static_cast<std::size_t>(op)](operands, y);
}

Values::Values(const Graph& graph, std::span<const NodeId> roots, const Inputs<double>& inputs)
    : graph_(graph), rows_(inputs.rows), at_(graph.size()) {
  std::vector<bool> needed = live(graph, roots);
  for (std::size_t i = 0; i < needed.size(); ++i) {
    if (!needed[i]) continue;
    at_[i] = nodes_.size();
    nodes_.emplace_back(static_cast<std::int64_t>(i));
  }
  values_ = evaluate<double>(graph, nodes_, inputs);
}

std::vector<std::size_t> reduced_to(const Graph& graph, NodeId reduction, std::int64_t rows) {
  const Node& node = graph[reduction];
  const Shape& from = graph.shape(node.operands[0]);
  auto count = static_cast<std::size_t>(elements(from));
  std::vector<std::size_t> out(count * static_cast<std::size_t>(from.rows ? rows : 1));
  bool over_rows = graph.numbers(node)[0] == rows_axis;
  std::size_t last = over_rows ? 1 : static_cast<std::size_t>(from.axes.back());
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = over_rows ? i % count : i / last;
  return out;
}

std::vector<std::vector<double>> rounding_errors(const Values& values, std::span<const NodeId> roots,
                                                 double of_constants) {
  Errors errors(values, of_constants);
  std::vector<std::vector<double>> out;
  for (NodeId root : roots) out.push_back(errors.of(root));
  return out;
}

std::vector<std::vector<double>> drawn_rounding_errors(const Graph& graph, std::span<const NodeId> roots,
                                                       const Inputs<double>& inputs) {
  constexpr int draws = 8;
  std::mt19937 random(1);
  auto values = evaluate<double>(graph, roots, inputs);
  std::vector<std::vector<double>> out;
  for (const auto& value : values) out.emplace_back(value.size());
  for (int k = 0; k < draws; ++k) {
    Fused drawn = with_drawn_roundings(graph, roots, random);
    auto found = evaluate<double>(drawn.graph, drawn.roots, inputs);
    for (std::size_t r = 0; r < out.size(); ++r)
      for (std::size_t e = 0; e < out[r].size(); ++e)
        out[r][e] += (found[r][e] - values[r][e]) * (found[r][e] - values[r][e]) / draws;
  }
  for (auto& root : out)
    for (double& square : root) square = std::sqrt(square);
  return out;
}

}  // namespace slope
