// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Random bits as a function of a key and a counter, Philox4x32-10 (Salmon et al., "Parallel random numbers:
// as easy as 1, 2, 3", 2011): nothing is drawn one after the other, so no order, thread or machine changes a
// number.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

namespace slope {

using PhiloxBlock = std::array<std::uint32_t, 4>;

constexpr PhiloxBlock philox(PhiloxBlock counter, std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    std::uint64_t a = std::uint64_t{0xD2511F53} * counter[0], b = std::uint64_t{0xCD9E8D57} * counter[2];
    counter = {static_cast<std::uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(b),
               static_cast<std::uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(a)};
    key = {key[0] + 0x9E3779B9, key[1] + 0xBB67AE85};
  }
  return counter;
}

// Two numbers in [0, 1), multiples of 2^-53, for a place in the stream of a key.
constexpr std::array<double, 2> uniform_pair(std::uint64_t key, std::uint64_t place) {
  PhiloxBlock bits =
      philox({static_cast<std::uint32_t>(place), static_cast<std::uint32_t>(place >> 32), 0, 0},
             {static_cast<std::uint32_t>(key), static_cast<std::uint32_t>(key >> 32)});
  auto number = [](std::uint32_t low, std::uint32_t high) {
    return static_cast<double>((std::uint64_t{high} << 32 | low) >> 11) * 0x1p-53;
  };
  return {number(bits[0], bits[1]), number(bits[2], bits[3])};
}

// What a draw is made of at one place (graph/graph.h, "Random numbers").
struct DrawPlace {
  std::uint64_t key = 0, seed = 0, step = 0, place = 0;
};
inline constexpr std::uint64_t draw_seed_factor = 0x9E3779B97F4A7C15;

// The 64 random bits of one of the two words.
constexpr std::uint64_t draw_bits(const DrawPlace& at, int word) {
  auto low = [](std::uint64_t x) { return static_cast<std::uint32_t>(x); };
  auto high = [](std::uint64_t x) { return static_cast<std::uint32_t>(x >> 32); };
  std::uint64_t key = at.key + at.seed * draw_seed_factor;
  PhiloxBlock block =
      philox({low(at.place), high(at.place), low(at.step), high(at.step)}, {low(key), high(key)});
  auto first = static_cast<std::size_t>(2 * word);
  return std::uint64_t{block[first + 1]} << 32 | block[first];
}

// In [0, 1), T = float or double.
template <class T>
constexpr T draw_number(std::uint64_t bits) {
  if constexpr (sizeof(T) == 4) return static_cast<float>(bits >> 40) * 0x1p-24f;
  else return static_cast<double>(bits >> 11) * 0x1p-53;
}

}  // namespace slope
