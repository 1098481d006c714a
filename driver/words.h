// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the command line's parser would take without a word: an option that takes the next option as its
// value, a flag with a value.
#pragma once
#include "base/diagnostic.h"

namespace CLI {
class App;
}

namespace slope {

// The first such word as an error; true where there is none. `app` holds the options of all commands.
bool check_words(const CLI::App& app, int count, char** words, Diagnostics& diagnostics);

}  // namespace slope
