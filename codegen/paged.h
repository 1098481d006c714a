// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Code for large graphs: as many small functions as it takes, with all values between them in memory. A
// single function would be superlinear to compile and its stack frame would not fit (each value of a row
// vector is 128 bytes). Private to codegen.
#pragma once
#include "codegen/emit.h"

namespace slope {

llvm::Function* emit_paged(const Kernel& kernel, const CompileOptions& options, llvm::Module& module,
                           InstructionNodes& nodes);

// Elements of scratch, behind `totals` ones, that paged code keeps its values in.
std::size_t paged_size(const Graph& graph);

}  // namespace slope
