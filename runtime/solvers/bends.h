// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The part of a loss that is a sum of absolute values, Σ weight·|argument|, as functions that leave weights,
// arguments and the derivatives of these, row by row (SolverGraphs::bent_rows, bent_fixed).
#pragma once
#include <span>
#include <vector>

#include "graph/kinks.h"
#include "runtime/solvers/graphs.h"

namespace slope {

// False where an argument is not linear in the parameters, or a row's depends on them through other rows.
bool add_bends(Graph& graph, std::span<const BentTerm> terms, const std::vector<NodeId>& params,
               SolverGraphs& out);

}  // namespace slope
