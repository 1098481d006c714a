// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Checks the invariants of a graph: children before parents, types and shapes of every op, constants
// representable in the precision, indices in range. Run after every pass in debug builds and in the tests.
#pragma once
#include <string>

#include "graph/graph.h"

namespace slope {

// What is wrong first, or "".
std::string verify(const Graph& graph);

// internal_error with the message where verify finds something, in debug builds.
void check(const Graph& graph);

}  // namespace slope
