// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Forms of a table's text that are brought into that of CSV before it is read. Bytes are replaced where they
// stand, so that every line and column of the text stays what it is in the file.
#pragma once
#include <optional>
#include <span>
#include <string_view>

namespace slope {

// A first line `sep=;`, as Excel writes and reads it, becomes blank; what it says.
std::optional<char> take_separator_line(std::span<char> text);

// Lines that begin with the character, blanks aside, become blank.
void take_comments(std::span<char> text, char comment);

// Whether the columns of the text are parted by blanks alone, aligned or not: as many names, at least two, as
// the first row has cells, one of them a number, and no other separator among the names. R's names of the
// rows have no name themselves; `#` before the names is no part of them.
bool is_parted_by_blanks(std::string_view text);

// The first of the blanks between two cells becomes a tab, all others become spaces. What stands in quotes
// stays; so does what follows a quote that is never closed.
void part_by_tabs(std::span<char> text);

}  // namespace slope
