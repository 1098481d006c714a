// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Where the values of a graph with axes lie in memory. A row pass walks the rows in blocks; within a block
// each value that is kept has a buffer of its own, row-major, so activations stay in the nearest cache
// however many rows there are. Everything else is computed where it is used: views (what only says where an
// element lies) and ops with one user. No LLVM here.
#pragma once
#include <unordered_map>
#include <vector>

#include "codegen/schedule.h"

namespace slope {

// How a contraction is walked: along one label of its result whole vectors are computed.
struct Product {
  std::int64_t vector_label = -1;  // −1: numbers, one by one
  int packed = -1;                 // the operand that is copied first, the vector label last; −1: none
  std::int64_t pack = -1;          // the copy's place in scratch
};

struct BlockPlan {
  Schedule order;
  std::int64_t block_rows = 0;        // divides a chunk; a multiple of the lanes
  std::vector<std::int64_t> buffers;  // by node: its place in scratch, in elements; −1: it has none
  // A sum over rows in chunks: its place in the totals of one chunk; −1: one chunk, it grows in its buffer.
  std::vector<std::int64_t> totals;
  std::int64_t totals_size = 0;  // of one chunk
  std::int64_t fixed_size = 0;   // of scratch, before the totals of the chunks

  // Of a statistic of the order of values, by node: how many elements a row of those that come before its
  // operands has. They lie in scratch behind the totals, all rows of each together.
  std::unordered_map<NodeId, std::int64_t> gathered;
  std::int64_t gathered_size = 0;  // elements of a row, of all of them

  std::unordered_map<NodeId, Product> products;

  bool kept(NodeId id) const { return buffers[id.index()] >= 0; }
};

// Only says where in its operand an element lies, by a step along each axis.
bool is_view(NodeKind kind);
// Has its elements in memory already.
bool is_stored_leaf(NodeKind kind);

// A graph in which some value has axes.
bool has_axes(const Graph& graph);
// Whether codegen/emit_blocks.cpp compiles it: values with axes, statistics of the order of values. Other
// graphs are compiled by codegen/emit.cpp.
bool needs_blocks(const Graph& graph);

BlockPlan plan_blocks(const Graph& graph, std::span<const NodeId> roots);

// How far apart the gathered elements are for so many rows: whole vectors are written.
inline constexpr std::int64_t gathered_padding = 64;
// Elements of scratch for so many rows.
std::size_t scratch_size(const BlockPlan& plan, std::int64_t rows);

}  // namespace slope
