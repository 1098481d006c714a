// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "driver/values.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "runtime/parameters.h"

namespace slope {

namespace {
constexpr std::size_t most_listed = 64;   // numbers of a parameter in the JSON
constexpr std::size_t most_in_text = 10;  // and in a line
}  // namespace

std::string number_text(double value, Precision precision) {
  return precision == Precision::f32 ? shortest(static_cast<float>(value)) : shortest(value);
}

Json number(double value, Precision precision) {
  if (!std::isfinite(value)) return nullptr;
  // A float is printed by its own shortest digits: as a double it reads back to the same float.
  return precision == Precision::f32 ? std::strtod(shortest(static_cast<float>(value)).c_str(), nullptr)
                                     : value;
}

namespace {

// Calls f with each part along the first axis.
void each_part(std::span<const double> values, std::span<const std::int64_t> axes, auto f) {
  auto count = static_cast<std::size_t>(axes[0]);
  for (std::size_t i = 0; i < count; ++i)
    f(values.subspan(i * (values.size() / count), values.size() / count));
}

}  // namespace

Json nested(std::span<const double> values, std::span<const std::int64_t> axes, Precision precision) {
  if (axes.empty()) return number(values[0], precision);
  Json list = Json::array();
  each_part(values, axes, [&](auto part) { list.push_back(nested(part, axes.subspan(1), precision)); });
  return list;
}

std::string nested_text(std::span<const double> values, std::span<const std::int64_t> axes,
                        Precision precision) {
  if (axes.empty()) return number_text(values[0], precision);
  std::string out;
  each_part(values, axes, [&](auto part) {
    out += (out.empty() ? "[" : ", ") + nested_text(part, axes.subspan(1), precision);
  });
  return out.empty() ? "[]" : out + "]";
}

double norm(std::span<const double> values) {
  double largest = 0, squares = 0;
  for (double value : values) largest = std::max(largest, std::fabs(value));
  if (largest == 0 || !std::isfinite(largest)) return largest;
  for (double value : values) squares += (value / largest) * (value / largest);
  return largest * std::sqrt(squares);
}

Json parameters_json(const Model& model, std::span<const double> params, bool full) {
  Precision precision = model.graph.precision();
  Json json = Json::object();
  for (const Parameter& param : model.params) {
    std::span<const double> values = elements_of(param, params);
    if (full || values.size() <= most_listed) json[param.name] = nested(values, param.axes, precision);
    else
      json[param.name] = Json{
          {"shape", param.axes}, {"dtype", to_string(precision)}, {"norm", number(norm(values), precision)}};
  }
  return json;
}

NamedText parameter_text(const Parameter& param, std::span<const double> params, Precision precision) {
  std::span<const double> values = elements_of(param, params);
  if (values.size() <= most_in_text) return {param.name, " = " + nested_text(values, param.axes, precision)};
  return {param.name + shape_text(param.axes), "   norm " + significant(norm(values))};
}

bool lists_all(const Model& model) {
  return std::ranges::all_of(model.params, [](const Parameter& p) { return p.start.size() <= most_in_text; });
}

std::vector<std::pair<std::string, double>> named_validation(const Model& model,
                                                             std::span<const double> values) {
  std::vector<std::pair<std::string, double>> out;
  for (std::size_t i = 0; i < values.size(); ++i)
    out.emplace_back(i == 0 ? "val_loss" : "val_" + model.metrics[i - 1].name, values[i]);
  return out;
}

Json validation_json(const Model& model, std::span<const double> values) {
  if (values.empty()) return nullptr;
  Json json = Json::object();
  for (std::size_t i = 0; i < values.size(); ++i)
    json[i == 0 ? "loss" : model.metrics[i - 1].name] = number(values[i], model.graph.precision());
  return json;
}

std::string parameter_count(const Model& model) {
  auto count = [](std::int64_t n, std::string_view what) {
    return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s");
  };
  std::string out = count(std::ssize(model.params), "parameter");
  bool arrays = !param_offsets(model).empty();
  return arrays ? out + " of " + count(model.param_elements(), "number") : out;
}

std::vector<std::string> prediction_columns(std::span<const std::int64_t> axes,
                                            std::span<const std::string> labels) {
  std::vector<std::string> names{"predict"};
  for (std::int64_t axis : labels.empty() ? axes : axes.first(axes.size() - 1)) {
    std::vector<std::string> longer;
    for (const std::string& name : names)
      for (std::int64_t i = 0; i < axis; ++i) longer.push_back(fmt::format("{}_{}", name, i));
    names = std::move(longer);
  }
  if (labels.empty()) return names;
  std::vector<std::string> of_classes;
  for (const std::string& name : names) {
    bool alone = axes.size() == 1;
    for (const std::string& label : labels) of_classes.push_back(alone ? label : name + "_" + label);
    of_classes.push_back("class" + name.substr(std::string_view("predict").size()));
  }
  return of_classes;
}

std::vector<std::string> predicted_labels(const Model& model) {
  if (!model.predict.valid() || model.graph.shape(model.predict).axes.empty()) return {};
  std::vector<bool> loss = live(model.graph, std::span(&model.loss, 1)),
                    predict = live(model.graph, std::span(&model.predict, 1));
  std::vector<std::string> labels;
  for (std::size_t i = 0; i < loss.size(); ++i) {
    const Node& node = model.graph[NodeId(static_cast<std::int64_t>(i))];
    if (node.kind != NodeKind::data || !loss[i] || predict[i]) continue;
    const DataColumn& column = model.columns[static_cast<std::size_t>(node.index)];
    if (std::ssize(column.labels) != model.graph.shape(model.predict).axes.back()) continue;
    if (!labels.empty()) return {};
    labels = column.labels;
  }
  return labels;
}

std::vector<std::size_t> largest_of_each(std::span<const double> values, std::size_t count) {
  std::vector<std::size_t> out;
  for (std::size_t first = 0; first < values.size(); first += count) {
    std::size_t best = 0;
    for (std::size_t k = 1; k < count && !std::isnan(values[first + best]); ++k)
      if (values[first + k] > values[first + best] || std::isnan(values[first + k])) best = k;
    out.push_back(best);
  }
  return out;
}

}  // namespace slope
