// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Structure is linear in each operand: what it does to a derivative on the way back is its transpose, which
// is structure again. Sources: the transposes are those of a matrix written out for each kind.
#pragma once
#include "graph/graph.h"

namespace slope {

// What dy, in the shape of node `id`, contributes to the derivative by operand k, in that operand's shape. Of
// the nodes of structure but arg_reduce and reductions that are no sum.
NodeId transpose(Graph& graph, NodeId id, std::size_t k, NodeId dy);

// The same of several slices of one value at once: where they lie side by side along an axis their
// derivatives are put side by side, so that the elements of a value that are used one by one cost no more
// than all at once.
struct SliceDerivative {
  NodeId slice, dy;
};
NodeId transpose_slices(Graph& graph, std::span<const SliceDerivative> slices);

// Where (a truth value in the shape of operand k) a derivative can be other than 0, if it is 0 outside of
// `guard`, a truth value in the shape of node `id`.
NodeId transpose_guard(Graph& graph, NodeId id, std::size_t k, NodeId guard);

// For a contraction by operand k: the other operand with 0 wherever `guard` says that every derivative it
// meets is 0, so that 0 times what stands there is 0 even where that is infinite or NaN.
NodeId masked_factor(Graph& graph, NodeId contraction, std::size_t k, NodeId guard);
NodeId transpose_contraction(Graph& graph, NodeId contraction, std::size_t k, NodeId dy, NodeId factor);

// A value from which `axes` of `shape` were reduced, in that shape again: the same along them.
NodeId spread(Graph& graph, NodeId x, const Shape& shape, std::span<const std::int64_t> axes);

}  // namespace slope
