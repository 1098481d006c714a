// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The emitter of graphs with axes: loop nests over the buffers of codegen/block_plan.h.
#pragma once
#include "codegen/emit.h"

namespace slope {

llvm::Function* emit_blocks(const Kernel& kernel, const CompileOptions& options, llvm::Module& module,
                            InstructionNodes& nodes);

}  // namespace slope
