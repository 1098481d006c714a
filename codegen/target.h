// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The machine that code is made for, and modules of kernels. Private to codegen: names LLVM types.
#pragma once
#include <llvm/IR/Module.h>
#include <llvm/Target/TargetMachine.h>

#include <memory>

#include "codegen/emit.h"

namespace slope {

struct EmittedModule {
  std::unique_ptr<llvm::LLVMContext> context;
  std::unique_ptr<llvm::Module> module;
  InstructionNodes nodes;
};

// Null, with a diagnostic, where LLVM does not know the CPU.
std::unique_ptr<llvm::TargetMachine> target_machine(std::span<const Kernel> kernels,
                                                    const CompileOptions& options, Diagnostics& diagnostics);

// All kernels in one verified module for that machine.
EmittedModule emit_module(std::span<const Kernel> kernels, const CompileOptions& options,
                          const llvm::TargetMachine& machine);

}  // namespace slope
