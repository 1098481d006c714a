// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/solvers/bends.h"

#include <algorithm>

#include "graph/gradient.h"
#include "graph/rebuild.h"
#include "runtime/solvers/roots.h"

namespace slope {

NodeId part(Graph& graph, NodeId flat, std::int64_t element) {
  Graph::Along one{element, 1, 1};
  return graph.reshape(graph.slice(flat, std::span(&one, 1)), {});
}

RowCopies::RowCopies(Graph& graph, const std::vector<NodeId>& params) {
  for (NodeId p : params) {
    copies.push_back(graph.tap(graph.broadcast(p)));
    by[p] = copies.back();
  }
}

bool mixes_rows(const Graph& graph, NodeId value) {
  std::vector<bool> needed = live(graph, std::span(&value, 1)), depends(needed.size());
  for (std::size_t i = 0; i < needed.size(); ++i) {
    NodeId id(static_cast<std::int64_t>(i));
    depends[i] = graph[id].kind == NodeKind::param;
    for (NodeId input : graph[id].inputs()) depends[i] = depends[i] || depends[input.index()];
    if (needed[i] && depends[i] && graph.sums_rows(id)) return true;
  }
  return false;
}

std::vector<ResidualPart> parts_of(Graph& graph, NodeId value, const std::vector<NodeId>& by, Roots& in) {
  std::int64_t count = elements(graph.shape(value));
  bool with_rows = graph.has_rows(value);
  NodeId flat = graph.reshape(value, {count});
  std::vector<ResidualPart> out;
  for (std::int64_t e = 0; e < count; ++e) {
    NodeId element = part(graph, flat, e);
    ResidualPart made{in.add(graph, element), {}, 0};
    NodeId sum = with_rows ? graph.reduce(Reduction::sum, element) : element;
    for (NodeId d : differentiate(graph, sum, by)) made.by_param.push_back(d.valid() ? in.add(graph, d) : -1);
    out.push_back(std::move(made));
  }
  return out;
}

namespace {

// Whether every derivative is the same whatever the parameters are.
bool linear(const SolverFunction& f, const std::vector<ResidualPart>& parts) {
  std::vector<NodeId> derivatives;
  for (const ResidualPart& part : parts)
    for (int index : part.by_param)
      for (const Store& store : f.stores)
        if (index >= 0 && store.index == index) derivatives.push_back(store.value);
  std::vector<bool> needed = live(f.fused.graph, derivatives);
  for (std::size_t i = 0; i < needed.size(); ++i)
    if (needed[i] && f.fused.graph[NodeId(static_cast<std::int64_t>(i))].kind == NodeKind::param)
      return false;
  return true;
}

}  // namespace

bool add_bends(Graph& graph, std::span<const BentTerm> terms, const std::vector<NodeId>& params,
               SolverGraphs& out) {
  Roots rows(Store::To::row_output), fixed(Store::To::output);
  std::vector<ResidualPart> row_parts, fixed_parts;
  RowCopies in_rows(graph, params);
  for (const BentTerm& term : terms) {
    bool with_rows = graph.has_rows(term.argument) || graph.has_rows(term.weight);
    NodeId argument = with_rows ? graph.broadcast(term.argument) : term.argument;
    NodeId weight = with_rows ? graph.broadcast(term.weight) : term.weight;
    if (with_rows && mixes_rows(graph, argument)) return false;
    if (with_rows) argument = replace(graph, std::span(&argument, 1), in_rows.by)[0];
    std::int64_t count = elements(graph.shape(argument));
    NodeId weights = graph.reshape(weight, {count});
    Roots& roots = with_rows ? rows : fixed;
    auto made = parts_of(graph, argument, with_rows ? in_rows.copies : params, roots);
    for (std::int64_t e = 0; e < count; ++e) {
      auto& one = made[static_cast<std::size_t>(e)];
      one.scale = roots.add(graph, part(graph, weights, e));
      (with_rows ? row_parts : fixed_parts).push_back(std::move(one));
    }
  }
  std::optional<SolverFunction> of_rows, of_fixed;
  if (!rows.empty()) of_rows = std::move(rows).function(graph);
  if (!fixed.empty()) of_fixed = std::move(fixed).function(graph);
  if ((of_rows && !linear(*of_rows, row_parts)) || (of_fixed && !linear(*of_fixed, fixed_parts)))
    return false;
  out.bent_rows = std::move(of_rows);
  out.bent_fixed = std::move(of_fixed);
  out.bent_row_parts = std::move(row_parts);
  out.bent_fixed_parts = std::move(fixed_parts);
  return true;
}

}  // namespace slope
