// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The characters of names: Unicode's XID_Start and XID_Continue, in normal form C.
#pragma once
#include <cstdint>

namespace slope {

bool is_letter(std::uint32_t code_point);     // may begin a name: XID_Start or "_"
bool is_word_part(std::uint32_t code_point);  // may go on in a name: XID_Continue

// NFC would change this character, or might join it to the one before. A name that has one is refused: two
// names that look the same would differ. That is stricter than NFC for the few marks that compose with
// other letters only.
bool is_uncomposed(std::uint32_t code_point);

}  // namespace slope
