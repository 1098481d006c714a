// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The interpreter: what a graph means, without cleverness. Compiled code equals it to the bit.
#pragma once
#include <span>
#include <vector>

#include "graph/graph.h"

namespace slope {

template <class T>
struct Inputs {
  std::vector<std::vector<T>> columns;  // by index of data, row by row
  std::vector<T> params;
  std::vector<T> arguments;  // by RunArgument
  std::int64_t rows = 0;
  std::vector<std::int64_t> param_offsets = {};  // in `params`, by index of param; empty: all are numbers
  std::vector<T> states = {};
  std::vector<std::int64_t> state_offsets = {};  // in `states`, by index of state; empty: all are numbers
  std::uint64_t seed = 0, step = 0;              // of the random draws
  std::vector<std::int64_t> row_numbers = {};    // of each row in the data; empty: 0, 1, 2, …
};

// The values of the roots, in T = float or double as the graph's precision says: their elements, row by row
// where they have rows. Truth is 0 or 1.
template <class T>
std::vector<std::vector<T>> evaluate(const Graph& graph, std::span<const NodeId> roots,
                                     const Inputs<T>& inputs);

// A reduction of numbers in its one order (graph/graph.h).
template <class T>
T reduce(Reduction reduction, std::span<const T> values);

// Nodes of structure, from their operands' elements (graph/evaluate_structure.cpp).
template <class T>
std::vector<T> evaluate_structure(const Graph& graph, NodeId id, std::span<const T> a, std::span<const T> b,
                                  std::int64_t rows);

}  // namespace slope
