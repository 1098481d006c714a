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
  std::ranges::sort(labels);  // the order of UTF-8's bytes is that of the code points
  labels.erase(std::unique(labels.begin(), labels.end()), labels.end());
  if (!all_numbers(labels)) return labels;
  std::vector<std::pair<double, std::string>> valued;
  for (std::string& label : labels) valued.emplace_back(*label_number(label), std::move(label));
  std::ranges::stable_sort(valued, {}, &std::pair<double, std::string>::first);
  for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = std::move(valued[i].second);
  return labels;
}

bool are_codes(std::span<const std::string> labels, std::int64_t classes) {
  return std::ranges::all_of(labels, [&](const std::string& label) {
    auto value = label_number(label);
    return value && *value == std::floor(*value) && *value >= 0 && *value < static_cast<double>(classes);
  });
}

bool number_their_codes(std::span<const std::string> by_code) {
  for (std::size_t code = 0; code < by_code.size(); ++code)
    if (label_number(by_code[code]) != static_cast<double>(code)) return false;
  return true;
}

std::vector<std::string> code_labels(std::int64_t classes) {
  std::vector<std::string> labels;
  for (std::int64_t code = 0; code < classes; ++code) labels.push_back(std::to_string(code));
  return labels;
}

LabelCodes::LabelCodes(std::span<const std::string> by_code, bool by_value) : by_value_(by_value) {
  std::int64_t code = 0;
  for (const std::string& label : by_code) {
    if (by_value_) values_.emplace(*label_number(label), code++);
    else texts_.emplace(label, code++);
  }
}

std::optional<std::int64_t> LabelCodes::operator()(std::string_view label) const {
  auto found_in = [](const auto& codes, const auto& key) {
    auto found = codes.find(key);
    return found == codes.end() ? std::nullopt : std::optional(found->second);
  };
  if (!by_value_) return found_in(texts_, std::string(label));
  auto value = label_number(label);
  return value ? found_in(values_, *value) : std::nullopt;
}

std::optional<std::int64_t> code_of_value(std::span<const std::string> by_code, double value) {
  std::optional<std::int64_t> found;
  for (std::size_t code = 0; code < by_code.size(); ++code) {
    if (label_number(by_code[code]) != value) continue;
    if (found) return {};
    found = static_cast<std::int64_t>(code);
  }
  return found;
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
