// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a value that is kept reads (codegen/block_plan.h), and what its instructions depend on: values with
// one key are computed by one function, from other memory and other numbers. No LLVM here.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "codegen/block_plan.h"
#include "codegen/storage.h"

namespace slope {

struct BlockReads {
  std::string key;  // the same key, the same instructions
  std::vector<NodeId>
      memory;  // kept values, columns, parameters, states, arrays, or views of them; each once
  std::vector<NodeId> numbers;  // that are no constants; each once
};

// Whether its elements lie in memory when what needs it is computed.
bool in_memory(const Graph& graph, const BlockPlan& plan, NodeId id);
// What a view looks at, through other views: what is in memory, a number, or an op.
NodeId memory_under(const Graph& graph, const BlockPlan& plan, NodeId id);

// Where slices of memory begin is not in the key: it is part of the address.
BlockReads reads_of(const Graph& graph, const BlockPlan& plan, std::span<const Storage> storages, NodeId id);

}  // namespace slope
