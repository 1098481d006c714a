// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How large the terms are that a value is the sum of: the value as it would be if nothing in it cancelled. A
// derivative at a minimum is a sum of terms that cancel; whether it is small is told beside their sizes,
// which change with the units of columns and parameters just as it does.
#pragma once
#include <span>
#include <vector>

#include "graph/graph.h"

namespace slope {

// Which terms are taken apart.
enum class Terms : std::uint8_t {
  // Those of sums over rows and of sums without rows, as far as the value is linear in them, parameters
  // outside: of the mean of a row's losses these losses.
  linear,
  // Factors and divisors without rows are taken apart too: of a derivative each row's part.
  rows,
  // Those inside of rows as well: of (w·x − y)² the products of |w·x| and |y|.
  all,
};

// Of each root its size as a node of the same graph, in the root's shape.
std::vector<NodeId> sizes(Graph& graph, std::span<const NodeId> roots, Terms terms);

}  // namespace slope
