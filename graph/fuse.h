// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The last pass over a graph before it is interpreted or compiled. Ops that are made of others are written
// out, so that equal parts of several are one:
//   sigmoid(x), softplus(x)                → as in graph/math/sigmoid.h, to the bit
// Two rewrites change roundings, so they are made here, once, for both:
//   x^n, n an integer constant, |n| ≤ 32   → products by binary powering, 1/x^|n| for n < 0
//   a·b + c, c + a·b, a·b − c, c − a·b     → fma, also where a·b is needed elsewhere
// Each looks at a node and its operands only, never at who uses it: a node's value depends on its own
// subgraph alone, so the loss has the same bits whether or not its gradient is computed beside it. A sum or
// difference of two products is left as it is: x·x − y·y is 0 where x = y, and a·b + c·d is c·d + a·b.
#pragma once
#include <span>
#include <vector>

#include "graph/graph.h"

namespace slope {

struct Fused {
  Graph graph;                // what the roots need, nothing else
  std::vector<NodeId> roots;  // as given, in the new graph
};

Fused fuse(const Graph& graph, std::span<const NodeId> roots);

}  // namespace slope
