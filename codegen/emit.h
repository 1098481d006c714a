// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A scheduled kernel as one LLVM function `void name(const Run*)`. Private to codegen: names LLVM types.
#pragma once
#include <llvm/IR/Module.h>

#include <unordered_map>

#include "codegen/program.h"

namespace slope {

// Which node each instruction computes, for listings.
using InstructionNodes = std::unordered_map<const llvm::Value*, NodeId>;

// Whether a kernel is cut into parts: for its operations, or for its results (thousands of stores in one
// block take LLVM a time that grows with their square).
bool is_large(const Kernel& kernel, std::size_t operations_limit = optimized_operations);

// Adds the kernel's function to the module. Values without rows become scalar code, each row pass one loop
// over whole vectors of rows and one masked remainder, inside a loop over chunks (graph/graph.h: order is
// meaning).
llvm::Function* emit(const Kernel& kernel, const CompileOptions& options, llvm::Module& module,
                     InstructionNodes& nodes);

}  // namespace slope
