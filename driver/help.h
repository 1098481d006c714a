// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The table of the command line as text: help for a terminal of 80 columns, the manual page, the scripts of
// the shells.
#pragma once
#include <string>

#include "driver/commands.h"

namespace slope {

// Of the program where there is no command. Brief (-h): the options in a line each, without examples.
std::string help_text(const Command* command, bool brief);

// slope(1) for man and mandoc.
std::string manual_page();

// The script that completes commands, options, their values and files.
std::string bash_completion();
std::string zsh_completion();
std::string fish_completion();

}  // namespace slope
