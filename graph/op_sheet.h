// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The table of scalar ops (graph/ops.h) for reading: of every op its operands, its value and its partial
// derivatives as formulas, what it is at kinks and poles, how exact it is.
#pragma once
#include <string>

namespace slope {

std::string op_sheet();

}  // namespace slope
