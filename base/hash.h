// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A hash of 64 bits for telling whether files, graphs and data are the same: no defence against forgery. The
// same bytes give the same digits on every machine.
#pragma once
#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace slope {

// Each step is a bijection of the hash for a given word and of the word for a given hash: a change within one
// word of 8 bytes is always found, anything else with probability 1 - 2^-64. The finaliser is that of
// MurmurHash3.
class Hash {
 public:
  static constexpr std::size_t digits = 16;

  void add(std::uint64_t word) {
    hash_ = std::rotl((hash_ ^ word) * 0x9E3779B97F4A7C15u, 29) + 0xD6E8FEB86659FD93u;
  }
  void add(std::string_view bytes) {
    std::size_t whole = bytes.size() / 8 * 8;
    for (std::size_t i = 0; i < whole; i += 8) add(word_at(bytes.data() + i, 8));
    if (whole < bytes.size()) add(word_at(bytes.data() + whole, bytes.size() - whole));
    add(bytes.size());
  }
  std::uint64_t value() const {
    std::uint64_t h = hash_;
    h = (h ^ h >> 33) * 0xFF51AFD7ED558CCDu;
    h = (h ^ h >> 33) * 0xC4CEB9FE1A85EC53u;
    return h ^ h >> 33;
  }
  std::string text() const {  // 16 hexadecimal digits
    std::string out(digits, '0');
    std::uint64_t h = value();
    for (std::size_t i = 0; i < digits; ++i, h >>= 4) out[digits - 1 - i] = "0123456789abcdef"[h & 15];
    return out;
  }

 private:
  static std::uint64_t word_at(const char* bytes, std::size_t size) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes, size);
    return word;
  }
  std::uint64_t hash_ = 0x243F6A8885A308D3u;
};

}  // namespace slope
