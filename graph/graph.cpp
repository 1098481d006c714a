// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "graph/graph.h"

#include <algorithm>
#include <bit>

#include "base/arithmetic.h"
#include "base/diagnostic.h"
#include "graph/simplify.h"

namespace slope {

namespace {
constexpr std::size_t most_origins = 8;  // places kept of one merged node

double rounded(Precision precision, double value) {
  StandardArithmetic standard;
  return precision == Precision::f32 ? static_cast<double>(static_cast<float>(value)) : value;
}
}  // namespace

int Node::arity() const {
  switch (kind) {
    case NodeKind::constant:
    case NodeKind::array:
    case NodeKind::data:
    case NodeKind::param:
    case NodeKind::state:
    case NodeKind::draw:
    case NodeKind::argument:
    case NodeKind::row_count: return 0;
    case NodeKind::scalar: return info(op).arity;
    case NodeKind::concat:
    case NodeKind::contract:
    case NodeKind::take:
    case NodeKind::scatter_add: return 2;
    case NodeKind::order: return operands_of(static_cast<OrderStatistic>(index));
    default: return 1;
  }
}

Graph Graph::like(const Graph& other) {
  Graph graph(other.precision_);
  graph.shapes_ = other.shapes_;
  graph.lists_ = other.lists_;
  graph.arrays_ = other.arrays_;
  return graph;
}

std::size_t Graph::Hash::operator()(const Node& n) const {
  auto mix = [](std::uint64_t h, std::uint64_t v) {
    h = (h ^ v) * 0x9E3779B97F4A7C15u;
    return h ^ (h >> 32);
  };
  std::uint64_t h = static_cast<std::uint64_t>(n.kind) | static_cast<std::uint64_t>(n.op) << 8 |
                    static_cast<std::uint64_t>(n.type) << 16 | static_cast<std::uint64_t>(n.reduction) << 20 |
                    static_cast<std::uint64_t>(n.numbers.value) << 32;
  h = mix(h, static_cast<std::uint64_t>(n.shape.value) << 32 | static_cast<std::uint32_t>(n.index));
  h = mix(h, std::bit_cast<std::uint64_t>(n.value));
  for (NodeId operand : n.operands) h = mix(h, static_cast<std::uint32_t>(operand.value));
  return h;
}

bool Graph::Same::operator()(const Node& a, const Node& b) const {
  return a.kind == b.kind && a.type == b.type && a.op == b.op && a.reduction == b.reduction &&
         a.shape == b.shape && a.index == b.index && a.numbers == b.numbers && a.operands == b.operands &&
         std::bit_cast<std::uint64_t>(a.value) == std::bit_cast<std::uint64_t>(b.value);
}

NodeId Graph::make(Node node) {
  auto [found, fresh] = unique_.try_emplace(node, NodeId(static_cast<std::int64_t>(nodes_.size())));
  if (fresh) {
    nodes_.push_back(node);
    origins_.emplace_back();
  }
  add_origin(found->second);
  return found->second;
}

void Graph::add_origin(NodeId id) {
  std::vector<Span>& origins = origins_[id.index()];
  for (Span span : origin_)
    if (origins.size() < most_origins && std::find(origins.begin(), origins.end(), span) == origins.end())
      origins.push_back(span);
}

Graph::Origin::Origin(Graph& graph, std::span<const Span> spans) : graph_(graph) {
  before_.assign(spans.begin(), spans.end());
  std::swap(before_, graph_.origin_);
}
Graph::Origin::~Origin() { std::swap(before_, graph_.origin_); }

std::string_view Graph::name(NodeId id) const {
  auto found = names_.find(id);
  return found == names_.end() ? std::string_view() : found->second;
}

NodeId Graph::constant(double value) {
  return make({.kind = NodeKind::constant, .shape = Shapes::number, .value = rounded(precision_, value)});
}
NodeId Graph::truth(bool value) {
  return make(
      {.kind = NodeKind::constant, .type = Type::truth, .shape = Shapes::number, .value = value ? 1.0 : 0.0});
}
NodeId Graph::data(int column, ShapeId shape) {
  return make({.kind = NodeKind::data, .shape = shape, .index = column});
}
NodeId Graph::array(std::vector<double> values, std::span<const std::int64_t> axes) {
  for (double& value : values) value = rounded(precision_, value);
  ShapeId shape = shapes_.intern({false, {axes.begin(), axes.end()}});
  return make({.kind = NodeKind::array, .shape = shape, .index = arrays_.intern(std::move(values)).value});
}
NodeId Graph::param(int index, ShapeId shape) {
  return make({.kind = NodeKind::param, .shape = shape, .index = index});
}
NodeId Graph::state(int index, ShapeId shape) {
  return make({.kind = NodeKind::state, .shape = shape, .index = index});
}
NodeId Graph::draw(Draw draw, ShapeId shape) {
  Axes numbers{static_cast<std::int64_t>(draw.key), draw.word};
  return make({.kind = NodeKind::draw, .shape = shape, .numbers = lists_.intern(numbers)});
}
Graph::Draw Graph::drawn(const Node& node) const {
  const Axes& list = numbers(node);
  return {static_cast<std::uint64_t>(list[0]), static_cast<int>(list[1])};
}
NodeId Graph::argument(RunArgument argument) {
  return make({.kind = NodeKind::argument, .shape = Shapes::number, .index = static_cast<int>(argument)});
}
NodeId Graph::row_count() { return make({.kind = NodeKind::row_count, .shape = Shapes::number}); }

bool Graph::is_constant(NodeId id, double value) const {
  const Node* node = &(*this)[id];
  if (node->kind == NodeKind::broadcast) node = &(*this)[node->operands[0]];
  return node->kind == NodeKind::constant &&
         std::bit_cast<std::uint64_t>(node->value) == std::bit_cast<std::uint64_t>(value);
}

bool Graph::sums_rows(NodeId id) const {
  if (has_rows(id)) return false;
  for (NodeId input : (*this)[id].inputs())
    if (has_rows(input)) return true;
  return false;
}

NodeId Graph::to_real(NodeId x) {
  return (*this)[x].type == Type::real ? x : apply<op::Select>(x, constant(1), constant(0));
}

NodeId Graph::tap(NodeId x) {
  Node node{.kind = NodeKind::tap, .shape = (*this)[x].shape, .index = taps_++};
  node.operands[0] = to_real(x);
  return make(node);
}

NodeId Graph::stop_gradient(NodeId x) {
  Node node{.kind = NodeKind::stop_gradient, .shape = (*this)[x].shape};
  node.operands[0] = to_real(x);
  return is_constant(x) ? node.operands[0] : make(node);
}

// The value of an op on constants, by its own text in the graph's precision.
NodeId Graph::fold(OpId op, std::span<const NodeId> operands) {
  StandardArithmetic standard;
  double x[3] = {};
  float single[3] = {};
  for (std::size_t i = 0; i < operands.size(); ++i) {
    x[i] = (*this)[operands[i]].value;
    single[i] = static_cast<float>(x[i]);
  }
  double value = precision_ == Precision::f32 ? evaluate_op<float>(op, single) : evaluate_op<double>(op, x);
  return info(op).result == Type::truth ? truth(value != 0) : constant(value);
}

NodeId Graph::apply(OpId op, std::span<const NodeId> operands) {
  const OpInfo& entry = info(op);
  if (operands.size() != static_cast<std::size_t>(entry.arity))
    internal_error("an op with a wrong number of operands");
  std::array<NodeId, 3> inputs{};
  bool constant = true;
  for (std::size_t i = 0; i < operands.size(); ++i) {
    inputs[i] = operands[i];
    if (entry.operands[i] == Type::real) inputs[i] = to_real(inputs[i]);
    else if ((*this)[inputs[i]].type != Type::truth)
      internal_error("a number where an op wants a truth value");
    constant &= is_constant(inputs[i]);
  }
  std::span<const NodeId> used(inputs.data(), operands.size());
  if (constant) {
    note_rewrite(folded_constants);
    return fold(op, used);
  }
  Shape common;
  for (NodeId input : used) {
    auto wider = common_shape(common, shape(input));
    if (!wider) internal_error("an op on operands whose shapes do not line up");
    common = *wider;
  }
  for (std::size_t i = 0; i < used.size(); ++i) inputs[i] = broadcast(inputs[i], common);
  if (auto simpler = simplify(*this, op, used)) {
    add_origin(*simpler);
    return *simpler;
  }
  Node node{.kind = NodeKind::scalar,
            .type = entry.result,
            .op = op,
            .shape = (*this)[inputs[0]].shape,
            .operands = inputs};
  if (entry.commutative) {
    // The order of the text is kept; the other order is the same node where it exists.
    Node swapped = node;
    std::swap(swapped.operands[0], swapped.operands[1]);
    if (auto found = unique_.find(swapped); found != unique_.end()) node = swapped;
  }
  return make(node);
}

bool has(const Graph& graph, NodeKind kind) {
  for (std::size_t i = 0; i < graph.size(); ++i)
    if (graph[NodeId(static_cast<std::int64_t>(i))].kind == kind) return true;
  return false;
}

std::vector<bool> live(const Graph& graph, std::span<const NodeId> roots) {
  std::vector<bool> needed(graph.size());
  for (NodeId root : roots) {
    if (!root.valid()) internal_error("what an invalid node needs is asked");
    needed[root.index()] = true;
  }
  for (std::size_t i = graph.size(); i-- > 0;)
    if (needed[i])
      for (NodeId input : graph[NodeId(static_cast<std::int64_t>(i))].inputs()) needed[input.index()] = true;
  return needed;
}

}  // namespace slope
