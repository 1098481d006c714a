// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The pages of docs/errors.md, which the program carries: what a code means, a wrong example with what is
// said to it, a right one. tests/pages.cpp holds that every code has one and that its examples do what it
// says.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/codes.h"

namespace slope {

// The whole text.
extern const std::string_view error_pages_text;

// Its section under `## S0302: …` without that heading, as Markdown; "" where there is none.
std::string_view page(Code code, std::string_view text = error_pages_text);

// Markdown for a terminal: the lines of fenced blocks are indented, the rest stays.
std::string plain(std::string_view markdown);

// A word that is to be a code, such as S0302 or s0302: the letter and digits only.
bool is_code(std::string_view word);
// The code of such a word, upper or lower case.
std::optional<Code> find_code(std::string_view word);
// The code whose number is nearest to that of such a word.
Code nearest_code(std::string_view word);

}  // namespace slope
