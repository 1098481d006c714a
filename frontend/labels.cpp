// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "frontend/labels.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/text.h"

namespace slope {

std::optional<double> label_number(std::string_view label) {
  if (label.starts_with('+') && !label.starts_with("+-")) label.remove_prefix(1);
  double value = 0;
  auto [end, fault] = std::from_chars(label.data(), label.data() + label.size(), value);
  if (fault != std::errc() || end != label.data() + label.size() || !(std::abs(value) < 0x1p53)) return {};
  return value + 0.0;  // −0 is 0
}

bool all_numbers(std::span<const std::string> labels) {
  return std::ranges::all_of(labels,
                             [](const std::string& label) { return label_number(label).has_value(); });
}

std::vector<std::string> sorted_labels(std::vector<std::string> labels) {
  if (all_numbers(labels)) {
    std::vector<double> values;
    for (const std::string& label : labels) values.push_back(*label_number(label));
    std::ranges::sort(values);
    values.erase(std::unique(values.begin(), values.end()), values.end());
    labels.clear();
    for (double value : values) labels.push_back(shortest(value));
    return labels;
  }
  std::ranges::sort(labels);  // the order of UTF-8's bytes is that of the code points
  labels.erase(std::unique(labels.begin(), labels.end()), labels.end());
  return labels;
}

bool are_codes(std::span<const std::string> labels, std::int64_t classes) {
  return std::ranges::all_of(labels, [&](const std::string& label) {
    auto value = label_number(label);
    return value && *value == std::floor(*value) && *value >= 0 && *value < static_cast<double>(classes);
  });
}

std::vector<std::string> code_labels(std::int64_t classes) {
  std::vector<std::string> labels;
  for (std::int64_t code = 0; code < classes; ++code) labels.push_back(std::to_string(code));
  return labels;
}

LabelCodes::LabelCodes(std::span<const std::string> by_code) : numbers_(all_numbers(by_code)) {
  std::int64_t code = 0;
  for (const std::string& label : by_code) {
    if (numbers_) by_value_.emplace(*label_number(label), code++);
    else by_text_.emplace(label, code++);
  }
}

std::optional<std::int64_t> LabelCodes::operator()(std::string_view label) const {
  if (!numbers_) {
    auto found = by_text_.find(std::string(label));
    return found == by_text_.end() ? std::nullopt : std::optional(found->second);
  }
  auto value = label_number(label);
  if (!value) return {};
  auto found = by_value_.find(*value);
  return found == by_value_.end() ? std::nullopt : std::optional(found->second);
}

std::string labels_shown(std::span<const std::string> labels) {
  constexpr std::size_t most = 10;
  std::vector<std::string> shown;
  for (const std::string& label : labels.first(std::min(labels.size(), most)))
    shown.push_back(fmt::format("`{}`", escaped(label, 40)));
  if (labels.size() > most) shown.push_back(fmt::format("{} more", labels.size() - most));
  return listed(shown);
}

}  // namespace slope
