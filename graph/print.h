// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A graph as text, one node a line, each with its shape and the line of the model it comes from:
//   %4 = mul %2, %3          [rows]   ; line 4
#pragma once
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace slope {

struct PrintNames {
  std::vector<std::string> columns, params;                  // by index
  std::function<std::string(std::span<const Span>)> places;  // "line 4" of the origins of a node
  std::vector<std::string> states = {};                      // by index
};

// The nodes that the roots need, in order. Constants, parameters, columns and broadcasts are written where
// they are used; everything else has a number.
std::string print(const Graph& graph, std::span<const NodeId> roots, const PrintNames& names);

// What the simplifier did to this graph: how often each rule was used, and for which places.
std::string print_rewrites(const Graph& graph, const PrintNames& names);

// How one node is written where it is an operand.
std::string operand(const Graph& graph, NodeId id, const PrintNames& names);
// "mul %2, w" without number, shape and place.
std::string expression(const Graph& graph, NodeId id, const PrintNames& names);
// A text with its comment in column 48 or behind the text: how every stage shows places.
std::string with_place(std::string text, std::string_view place);

}  // namespace slope
