// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Arrays in the files of NumPy: magic, version, and a header that is a Python dictionary of three entries
// (numpy.lib.format, NEP 1).
#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "runtime/array_file.h"

namespace slope {

bool is_npy(std::string_view bytes);

// Code::bad_data_file for a header that cannot be read, or elements that are no numbers.
std::optional<ArrayHeader> read_npy_header(std::string_view bytes, const std::string& path,
                                           Diagnostics& diagnostics);

// A file of version 1.0 with these numbers, row-major, little-endian; as f4 with `single`, else f8.
std::string npy(std::span<const double> values, std::span<const std::int64_t> axes, bool single);

}  // namespace slope
