// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The files that a model names with `use`, and those that they name: each read and parsed once.
#pragma once
#include <deque>
#include <string>

#include "base/diagnostic.h"
#include "frontend/lower.h"

namespace slope {

// Reads all of them; their texts go behind the model's. A path is relative to the folder of the file that
// says it; `folder` is the model's. What cannot be read is an entry with the reason; syntax errors go to the
// diagnostics. The trees live in `trees`.
UsedFiles load_used_files(const ast::Ast& model, const std::string& folder, Sources& sources,
                          std::deque<ast::Ast>& trees, Diagnostics& diagnostics);

}  // namespace slope
