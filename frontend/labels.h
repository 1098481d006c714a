// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The labels of class columns: which of them are one, in which order their codes go, which code one has.
// Labels that all are numbers are taken by their values ("1", "1.0" and "+1" are one label, shown as "1"),
// others as they are written, in the order of their code points.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace slope {

// A class column has at most so many; an index column, whose integers are no labels, may have more.
inline constexpr std::int64_t most_classes = std::int64_t{1} << 20;

// The value of a label that is a number: below 2^53 in size, so that others are never mistaken for it.
std::optional<double> label_number(std::string_view label);

// Whether each is one; of the names in a header: whether there are names at all.
bool all_numbers(std::span<const std::string> labels);

// Each label once, by code.
std::vector<std::string> sorted_labels(std::vector<std::string> labels);

// Whether all are whole numbers from 0 to classes − 1: then they are their own codes.
bool are_codes(std::span<const std::string> labels, std::int64_t classes);

// "0", "1", … "classes − 1"
std::vector<std::string> code_labels(std::int64_t classes);

// From a label, as it is written in a file or a model, to its code.
class LabelCodes {
 public:
  explicit LabelCodes(std::span<const std::string> by_code);
  std::optional<std::int64_t> operator()(std::string_view label) const;

 private:
  bool numbers_ = true;
  std::unordered_map<double, std::int64_t> by_value_;
  std::unordered_map<std::string, std::int64_t> by_text_;
};

// "`a`, `b` and `c`"; of many the first ten and how many there are.
std::string labels_shown(std::span<const std::string> labels);

}  // namespace slope
