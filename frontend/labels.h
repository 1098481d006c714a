// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The labels of class columns: in which order their codes go, which code one has. A label is the text that
// stands in the file: "0123" and "123" are two. Where all are numbers they go by value, and by their text
// where values are equal; others by their code points.
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

// Whether all are whole numbers from 0 to classes − 1: with `class(K)` they are their own codes, and numbers,
// not texts.
bool are_codes(std::span<const std::string> labels, std::int64_t classes);

// Whether each label is the number of its own code.
bool number_their_codes(std::span<const std::string> by_code);

// "0", "1", … "classes − 1"
std::vector<std::string> code_labels(std::int64_t classes);

// From a label, as it is written in a file or a model, to its code.
class LabelCodes {
 public:
  // `by_value`: the labels are numbers, of which a file may have any spelling.
  explicit LabelCodes(std::span<const std::string> by_code, bool by_value = false);
  std::optional<std::int64_t> operator()(std::string_view label) const;

 private:
  bool by_value_;
  std::unordered_map<double, std::int64_t> values_;
  std::unordered_map<std::string, std::int64_t> texts_;
};

// The code of the only label of this value.
std::optional<std::int64_t> code_of_value(std::span<const std::string> by_code, double value);

// "`a`, `b` and `c`"; of many the first ten and how many there are.
std::string labels_shown(std::span<const std::string> labels);

}  // namespace slope
