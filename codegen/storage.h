// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How the cells of a column lie in memory. Compiled code converts them in registers.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace slope {

enum class Storage : std::uint8_t { u8, i16, i32, f32, f64 };

constexpr std::size_t size_of(Storage storage) {
  switch (storage) {
    case Storage::u8: return 1;
    case Storage::i16: return 2;
    case Storage::i32: return 4;
    case Storage::f32: return 4;
    case Storage::f64: return 8;
  }
  return 8;
}

constexpr std::string_view to_string(Storage storage) {
  constexpr std::string_view names[] = {"u8", "i16", "i32", "f32", "f64"};
  return names[static_cast<std::size_t>(storage)];
}

}  // namespace slope
