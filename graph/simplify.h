// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The rules of simplification, tried by Graph::apply on every op before a node is made. A rule replaces an op
// by one of its operands, a constant, or one op on what the operands are made of: it never grows the graph,
// so rewriting ends. No rule changes a value, a NaN or an infinity; where the sign of a zero may change, the
// rule says so.
#pragma once
#include <optional>
#include <span>

#include "graph/graph.h"

namespace slope {

std::optional<NodeId> simplify(Graph& graph, OpId op, std::span<const NodeId> operands);

}  // namespace slope
