// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Where a loss bends or steps as parameters move: |x|, max and min, `if` on a parameter, floor. At such a
// place its derivatives say nothing of what lies beside it, so neither a gradient of 0 nor a Hessian proves a
// minimum there.
//
// A smooth function may be written with them, as huber or softplus are: where the derivatives on both sides
// of the place are the same, it is none.
#pragma once
#include <span>
#include <string_view>
#include <vector>

#include "graph/graph.h"

namespace slope {

struct Kink {
  NodeId node;
  NodeId argument;  // where this is 0; invalid: at no one place, as of floor or a maximum over an axis
  // The loss has weight·|argument| in it, summed over all elements and rows, and nothing else of this node
  // but what is smooth there. Neither has a parameter in it but the argument. Invalid: it is of another form.
  NodeId weight;
};

struct BentTerm {
  NodeId argument, weight;  // of one shape; one term for each argument
};

struct Kinks {
  std::vector<Kink> all;
  // Where every kink has a weight: loss = smooth + Σ weight·|argument|.
  bool separate = false;
  NodeId smooth;
  std::vector<BentTerm> terms;
};

// Of the loss, in these parameters; nodes are added to the graph.
Kinks kinks(Graph& graph, NodeId loss, std::span<const NodeId> params);

// What a kink is called: "abs", "max", "if", "argmax".
std::string_view kink_name(const Graph& graph, NodeId node);

}  // namespace slope
