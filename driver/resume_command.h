// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The command line that goes on with an interrupted run.
#pragma once
#include <string>

#include "driver/arguments.h"

namespace slope {

// `slope train` with what decides how the run goes on and where it is written, for a shell to read.
std::string resume_command(const Arguments& arguments, const std::string& state);

}  // namespace slope
