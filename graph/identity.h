// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What can be said of a value whatever the columns and parameters in it are.
#pragma once
#include "graph/graph.h"

namespace slope {

// Whether all its elements are 0 by the rules of sums and products, where everything in it is finite. False
// where that is not seen.
bool is_zero(const Graph& graph, NodeId id);

// 1 or −1 where none of its elements has the other sign, 0 where that is not seen.
int known_sign(const Graph& graph, NodeId id);

}  // namespace slope
