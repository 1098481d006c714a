// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The rules of simplification, tried by Graph::apply on every op before a node is made. Both sides of a rule
// are patterns (graph/pattern.h), so that a rule is its formula and tests evaluate the two sides. No rule
// changes a value, a NaN or an infinity; where the sign of a zero may change, the rule says so. Every rule
// makes the expression smaller, by (ops, leaves, mentions of variables) in this order, so rewriting ends and
// a graph never grows by it.
#pragma once
#include <optional>
#include <span>
#include <string>

#include "graph/graph.h"
#include "graph/pattern.h"

namespace slope {

struct Rule {
  Pattern from, to;
  bool changes_zero_sign = false;
};
std::span<const Rule> rules();

// What a rewrite of a graph (Graph::rewrites) is called: "x + 0 → x" for the rules, then the two that are no
// pattern: folding of constants, and an op on values that are the same for every row.
inline constexpr std::uint16_t folded_constants = 0x7FFE, moved_out_of_rows = 0x7FFF;
std::string rewrite_name(std::uint16_t rule);

std::optional<NodeId> simplify(Graph& graph, OpId op, std::span<const NodeId> operands);

}  // namespace slope
