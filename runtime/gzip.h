// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Unpacking of files compressed with gzip (RFC 1952).
#pragma once
#include <string>
#include <string_view>

#include "base/os.h"

namespace slope {

bool is_gzip(std::string_view bytes);

// All members of the file one after the other, as gzip does; zeros may follow the last. What would unpack to
// more than `limit` bytes is refused before memory for it is touched. `path` is for the message.
[[nodiscard]] os::Status unpack_gzip(std::string_view packed, const std::string& path, std::size_t limit,
                                     os::Bytes& bytes);

}  // namespace slope
