// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Arrays in IDX files, as the MNIST data have them: two zero bytes, one for the type, one for the number of
// axes, their sizes as big-endian integers of 32 bits, the elements (yann.lecun.com/exdb/mnist).
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "runtime/array_file.h"

namespace slope {

bool is_idx(std::string_view bytes);

std::optional<ArrayHeader> read_idx_header(std::string_view bytes, const std::string& path,
                                           Diagnostics& diagnostics);

}  // namespace slope
