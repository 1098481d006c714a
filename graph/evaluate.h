// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The interpreter: what a graph means, without cleverness. Compiled code equals it to the bit.
#pragma once
#include <span>
#include <vector>

#include "graph/graph.h"

namespace slope {

template <class T>
struct Inputs {
  std::vector<std::vector<T>> columns;  // by index of data; each as long as `rows`
  std::vector<T> params;                // by index of param
  std::vector<T> arguments;             // by RunArgument
  std::int64_t rows = 0;
};

// The values of the roots, in T = float or double as the graph's precision says: one, or one a row. Truth is
// 0 or 1.
template <class T>
std::vector<std::vector<T>> evaluate(const Graph& graph, std::span<const NodeId> roots,
                                     const Inputs<T>& inputs);

// A reduction over rows in its one order (graph/graph.h).
template <class T>
T reduce(Reduction reduction, std::span<const T> values);

}  // namespace slope
