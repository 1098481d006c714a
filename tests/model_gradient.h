// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once
#include <string>

// What is wrong with the model `folder`/m.slope near its start, in double; "" where nothing is. Its compiled
// loss and derivatives are the interpreter's to the bit; those of some elements of every parameter are
// central differences of the loss. `data`: what --data is given, or "".
std::string gradient_fault(const std::string& folder, const std::string& data);
