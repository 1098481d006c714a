// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// When each node of a graph is computed. A row pass walks all rows once and computes everything a row needs;
// what a reduction over rows feeds waits for the end of its pass. Numbers without rows are computed once,
// between passes. All reductions whose operands are ready share one pass, so a step of a model with one mean
// reads its data once.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "graph/print.h"

namespace slope {

struct RowPass {
  std::vector<NodeId>
      values;  // with rows: columns and ops, in order; computed anew in each pass that needs them
  std::vector<NodeId> broadcasts;  // without rows, the same in every row: spread out before the pass begins
  std::vector<NodeId> reductions;  // complete when the pass ends
  std::vector<NodeId> stored;      // roots with rows
};

struct Schedule {
  std::vector<std::vector<NodeId>> scalars;  // [p]: before pass p; the last: after all passes
  std::vector<RowPass> passes;
};

Schedule schedule(const Graph& graph, std::span<const NodeId> roots);

// Scalar operations of the longest kind of work: how large a function will be.
std::size_t operations(const Graph& graph);

// What `slope show kernels` prints.
std::string print(const Schedule& schedule, const Graph& graph, const PrintNames& names);

}  // namespace slope
