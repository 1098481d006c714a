// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/missing.h"

#include <algorithm>

#include "runtime/number.h"

namespace slope {

Missing::Missing(std::vector<std::string> texts) : texts_(std::move(texts)) {
  for (const std::string& text : texts_)
    if (double value = 0; read_number(text, value) == Reading::number) numbers_.push_back(value);
}

bool Missing::has(std::string_view cell) const {
  if (is_usual()) return is_missing(cell);
  return cell.find_first_not_of(" \t") == std::string_view::npos ||
         std::ranges::find(texts_, cell) != texts_.end();
}

}  // namespace slope
