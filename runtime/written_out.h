// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A model with every default written out, as a program that trains to the same bits: what the short form
// assumed is declared, a loss or metric given as a function is called, options of the command line stand in
// their statements.
#pragma once
#include <string>

#include "runtime/session.h"

namespace slope {

// After prepare() without errors. Data files are named as seen from `folder`, "" the current
// one.
std::string written_out(const Session& session, const std::string& folder);

}  // namespace slope
