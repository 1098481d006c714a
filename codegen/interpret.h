// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A kernel without generated code: the interpreter behind the interface of compiled functions. Slow, and
// equal to the bit.
#pragma once
#include "codegen/program.h"

namespace slope {

void interpret(const Kernel& kernel, const CompileOptions& options, const Run& run);

// Whether the system lets memory become executable.
bool can_run_generated_code();

}  // namespace slope
