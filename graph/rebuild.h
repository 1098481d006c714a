// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A graph made again with other nodes in the place of some: what is above them is built anew by the graph's
// constructors, so shapes follow. A replacement may have rows where the node had none; the result then has
// them too.
#pragma once
#include <span>
#include <unordered_map>
#include <vector>

#include "graph/graph.h"

namespace slope {

// The roots in the same graph. What does not depend on a replaced node stays what it is.
std::vector<NodeId> replace(Graph& graph, std::span<const NodeId> roots,
                            const std::unordered_map<NodeId, NodeId>& by);

// The roots in a graph of the other precision: numbers that the first had rounded stay as they are.
struct Rebuilt {
  Graph graph;
  std::vector<NodeId> roots;
};
Rebuilt in_precision(const Graph& graph, std::span<const NodeId> roots, Precision precision);

}  // namespace slope
