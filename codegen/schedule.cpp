// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The stage of a node is the number of passes that must have ended before it can be computed: 0 for what
// depends on parameters and columns only, one more than its operand's for a reduction, else the largest of
// its operands'.
#include "codegen/schedule.h"

#include <fmt/format.h>

#include <algorithm>

namespace slope {

namespace {

std::vector<int> stages(const Graph& graph) {
  std::vector<int> stage(graph.size());
  for (std::size_t i = 0; i < graph.size(); ++i) {
    const Node& node = graph[NodeId(static_cast<std::int64_t>(i))];
    for (NodeId input : node.inputs()) stage[i] = std::max(stage[i], stage[input.index()]);
    if (graph.sums_rows(NodeId(static_cast<std::int64_t>(i)))) ++stage[i];
  }
  return stage;
}

// Fills in the values and broadcasts that a pass's reductions and stores need.
void complete(RowPass& pass, const Graph& graph) {
  std::vector<NodeId> wanted = pass.stored;
  for (NodeId id : pass.reductions)
    for (NodeId input : graph[id].inputs()) wanted.push_back(input);
  std::vector<bool> needed(graph.size());
  for (NodeId id : wanted) needed[id.index()] = graph.has_rows(id);
  for (std::size_t i = graph.size(); i-- > 0;)
    if (needed[i])
      for (NodeId input : graph[NodeId(static_cast<std::int64_t>(i))].inputs())
        if (graph.has_rows(input)) needed[input.index()] = true;
  for (std::size_t i = 0; i < graph.size(); ++i) {
    NodeId id(static_cast<std::int64_t>(i));
    if (!needed[i]) continue;
    bool spread = graph[id].kind == NodeKind::broadcast && !graph.has_rows(graph[id].operands[0]);
    (spread ? pass.broadcasts : pass.values).push_back(id);
  }
}

}  // namespace

Schedule schedule(const Graph& graph, std::span<const NodeId> roots) {
  std::vector<bool> needed = live(graph, roots);
  std::vector<int> stage = stages(graph);
  std::size_t passes = 0;
  for (std::size_t i = 0; i < graph.size(); ++i) {
    NodeId id(static_cast<std::int64_t>(i));
    if (needed[i] && graph.sums_rows(id)) passes = std::max(passes, static_cast<std::size_t>(stage[i]));
  }
  for (NodeId root : roots)
    if (graph.has_rows(root)) passes = std::max(passes, static_cast<std::size_t>(stage[root.index()]) + 1);

  Schedule result;
  result.passes.resize(passes);
  result.scalars.resize(passes + 1);
  for (std::size_t i = 0; i < graph.size(); ++i) {
    NodeId id(static_cast<std::int64_t>(i));
    auto at = static_cast<std::size_t>(stage[i]);
    if (!needed[i] || graph.has_rows(id)) continue;
    if (graph.sums_rows(id)) result.passes[at - 1].reductions.push_back(id);
    else result.scalars[at].push_back(id);
  }
  for (NodeId root : roots) {
    if (!graph.has_rows(root)) continue;
    std::vector<NodeId>& stored = result.passes[static_cast<std::size_t>(stage[root.index()])].stored;
    if (std::find(stored.begin(), stored.end(), root) == stored.end()) stored.push_back(root);
  }
  for (RowPass& pass : result.passes) complete(pass, graph);
  return result;
}

std::size_t operations(const Graph& graph) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < graph.size(); ++i)
    count += graph[NodeId(static_cast<std::int64_t>(i))].kind == NodeKind::scalar;
  return count;
}

std::string print(const Schedule& schedule, const Graph& graph, const PrintNames& names) {
  std::string out;
  auto line = [&](std::string text, NodeId id) {
    if (!graph.shape(id).axes.empty()) text += "  " + to_string(graph.shape(id));
    out += with_place("  " + text, names.places ? names.places(graph.origins(id)) : "") + "\n";
  };
  auto scalars = [&](std::size_t at, std::string_view title) {
    bool any = false;
    for (NodeId id : schedule.scalars[at]) {
      if (graph[id].arity() == 0 || graph[id].kind == NodeKind::broadcast) continue;
      if (!any) out += fmt::format("{}:\n", title);
      any = true;
      line(fmt::format("%{} = {}", id.value, expression(graph, id, names)), id);
    }
  };
  scalars(0, "once a step, before the rows");
  for (std::size_t p = 0; p < schedule.passes.size(); ++p) {
    const RowPass& pass = schedule.passes[p];
    out += fmt::format("pass {} over the rows:\n", p + 1);
    for (NodeId id : pass.values) {
      if (graph[id].kind == NodeKind::broadcast) continue;  // written where it is used
      if (graph[id].kind == NodeKind::data) line(fmt::format("load {}", operand(graph, id, names)), id);
      else line(fmt::format("%{} = {}", id.value, expression(graph, id, names)), id);
    }
    for (NodeId id : pass.reductions)
      line(fmt::format("%{} = total {}", id.value, expression(graph, id, names)), id);
    for (NodeId id : pass.stored) line(fmt::format("store {}", operand(graph, id, names)), id);
    scalars(p + 1, fmt::format("once, after pass {}", p + 1));
  }
  return out;
}

}  // namespace slope
