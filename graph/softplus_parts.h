// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Where a graph computes max(x, 0) and log(1 + e^-|x|) of one x: together they are softplus(x), smooth though
// either has a kink at 0. A cross-entropy is often written so, max(z, 0) - z*y + log1p(exp(-abs(z))), where
// no rule of graph/simplify.h may bring the two together, as it would change the roundings of the sum. Its
// derivative (graph/gradient.h) is made of sigmoid(x) wherever both parts have the same adjoint.
#pragma once
#include <unordered_map>

#include "graph/graph.h"

namespace slope {

struct SoftplusParts {
  NodeId x, ramp, tail;  // ramp: max(x, 0), also as `if x <= 0 then 0 else x`; tail: the logarithm
};

// By either part. Only nodes up to y.
std::unordered_map<NodeId, SoftplusParts> softplus_parts(const Graph& graph, NodeId y);

}  // namespace slope
