// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Why a number is not finite, in the words of the model.
#pragma once
#include "runtime/pipeline.h"

namespace slope {

// Adds to the diagnostic the first operation whose value is not finite though its operands are: its place,
// its operands' values and the row of the data. By the interpreter; for large data only the first rows are
// looked at.
void explain_not_finite(const Model& model, const Dataset& data, const std::vector<double>& params,
                        Diagnostic& diagnostic);

}  // namespace slope
