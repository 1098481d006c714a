// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "frontend/reading.h"
namespace slope::grammar {
void check_syntax(const ast::Ast&, const Source&, std::vector<Diagnostic>&) {}
}  // namespace slope::grammar
