// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What passes over a graph ask of a node first.
#pragma once
#include "graph/graph.h"

namespace slope {

template <class Op>
bool is(const Node& node) {
  return node.kind == NodeKind::scalar && node.op == id_of<Op>();
}

}  // namespace slope
