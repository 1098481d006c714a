// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Which cells say that there is no value, and what becomes of their rows.
#pragma once
#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace slope {

class Missing {
 public:
  Missing() = default;
  // Instead of NA and nan these; an empty cell is missing whatever they are.
  explicit Missing(std::vector<std::string> texts);

  // Of a cell as it stands, without the blanks around it.
  bool has(std::string_view cell) const;
  // Of a number that was read: of -999 every spelling is meant.
  template <class E>
  bool has_number(E value) const {
    return std::ranges::any_of(numbers_, [value](double number) {
      if constexpr (std::is_same_v<E, float>)
        return std::abs(number) < 0x1p127 && static_cast<float>(number) == value;
      else return static_cast<double>(value) == number;
    });
  }
  // Whether numbers have to be looked at.
  bool names_numbers() const { return !numbers_.empty(); }
  bool is_usual() const { return texts_.empty(); }

  enum class Rows { refused, dropped, kept } rows = Rows::refused;
  static Missing dropped() {
    Missing usual;
    usual.rows = Rows::dropped;
    return usual;
  }

 private:
  std::vector<std::string> texts_;
  std::vector<double> numbers_;
};

}  // namespace slope
