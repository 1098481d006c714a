// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Strong integer ids: an index into one vector that cannot be mistaken for an index into another.
#pragma once
#include <compare>
#include <cstdint>
#include <functional>

namespace slope {

template <class Tag>
struct Id {
  std::int32_t value = -1;

  constexpr Id() = default;
  constexpr explicit Id(std::int64_t index) : value(static_cast<std::int32_t>(index)) {}
  constexpr bool valid() const { return value >= 0; }
  constexpr std::size_t index() const { return static_cast<std::size_t>(value); }
  friend constexpr auto operator<=>(Id, Id) = default;
};

}  // namespace slope

template <class Tag>
struct std::hash<slope::Id<Tag>> {
  std::size_t operator()(slope::Id<Tag> id) const { return std::hash<std::int32_t>()(id.value); }
};
