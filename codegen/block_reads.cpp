// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "codegen/block_reads.h"

#include <algorithm>
#include <bit>

namespace slope {

namespace {

class Reader {
 public:
  Reader(const Graph& graph, const BlockPlan& plan, std::span<const Storage> storages)
      : graph_(graph), plan_(plan), storages_(storages) {}

  BlockReads run(NodeId id) {
    node(id, true);
    if (auto product = plan_.products.find(id); product != plan_.products.end()) {
      add(product->second.vector_label);
      add(product->second.packed);
    }
    for (NodeId input : graph_[id].inputs()) operand(input);
    return std::move(reads_);
  }

 private:
  void add(std::int64_t n) { reads_.key.append(std::to_string(n)).append(" "); }
  void add(const Axes& axes) {
    for (std::int64_t n : axes) add(n);
    reads_.key.append("; ");
  }
  void add(const Shape& shape) {
    add(shape.rows);
    add(shape.axes);
  }
  // The number of an argument.
  void add_argument(std::vector<NodeId>& list, NodeId id) {
    auto found = std::find(list.begin(), list.end(), id);
    if (found == list.end()) found = list.insert(list.end(), id);
    add(found - list.begin());
  }

  void node(NodeId id, bool begins) {
    const Node& n = graph_[id];
    reads_.key += "(";
    for (std::int64_t part : {static_cast<std::int64_t>(n.kind), static_cast<std::int64_t>(n.type),
                              static_cast<std::int64_t>(n.op), static_cast<std::int64_t>(n.reduction),
                              static_cast<std::int64_t>(std::bit_cast<std::uint64_t>(n.value))})
      add(part);
    if (n.kind == NodeKind::concat || n.kind == NodeKind::take || n.kind == NodeKind::scatter_add)
      add(n.index);
    add(graph_.shape(id));
    if (!n.numbers.valid()) return;
    Axes numbers = graph_.numbers(n);
    for (std::size_t k = 0; !begins && k < numbers.size(); k += 2) numbers[k] = 0;
    add(numbers);
  }

  void operand(NodeId id) {
    const Node& n = graph_[id];
    if (graph_.is_number(id)) return number(id, n);
    NodeId under = memory_under(graph_, plan_, id);
    if (!graph_.is_number(under) && in_memory(graph_, plan_, under)) return memory(id, under);
    node(id, true);
    for (NodeId input : n.inputs()) operand(input);
    reads_.key += ")";
  }

  void number(NodeId id, const Node& n) {
    if (n.kind == NodeKind::constant) return node(id, true);
    reads_.key += n.type == Type::truth ? "t" : "n";
    add_argument(reads_.numbers, id);
  }

  void memory(NodeId id, NodeId under) {
    for (NodeId view = id; view != under; view = graph_[view].operands[0])
      node(view, graph_[view].kind != NodeKind::slice);
    const Node& n = graph_[under];
    bool kept = plan_.kept(under), column = n.kind == NodeKind::data && !kept;
    reads_.key += column ? "d" : kept && n.type == Type::truth ? "b" : "m";
    if (column) add(static_cast<std::int64_t>(storages_[static_cast<std::size_t>(n.index)]));
    add(graph_.shape(under));
    add_argument(reads_.memory, id);
  }

  const Graph& graph_;
  const BlockPlan& plan_;
  std::span<const Storage> storages_;
  BlockReads reads_;
};

}  // namespace

bool in_memory(const Graph& graph, const BlockPlan& plan, NodeId id) {
  return plan.kept(id) || is_stored_leaf(graph[id].kind);
}

NodeId memory_under(const Graph& graph, const BlockPlan& plan, NodeId id) {
  while (!graph.is_number(id) && !in_memory(graph, plan, id) && is_view(graph[id].kind))
    id = graph[id].operands[0];
  return id;
}

BlockReads reads_of(const Graph& graph, const BlockPlan& plan, std::span<const Storage> storages, NodeId id) {
  return Reader(graph, plan, storages).run(id);
}

}  // namespace slope
