// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/parameters.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace slope {

std::vector<std::int64_t> param_offsets(const Model& model) {
  auto is_number = [](const Parameter& param) { return param.axes.empty(); };
  if (std::all_of(model.params.begin(), model.params.end(), is_number)) return {};
  std::vector<std::int64_t> offsets;
  for (const Parameter& param : model.params) offsets.push_back(param.offset);
  return offsets;
}

std::vector<std::int64_t> state_offsets(const Model& model) {
  std::vector<std::int64_t> offsets;
  for (const StateVariable& state : model.states) offsets.push_back(state.offset);
  return offsets;
}

std::vector<double> starts(const Model& model) {
  std::vector<double> all;
  for (const Parameter& param : model.params) all.insert(all.end(), param.start.begin(), param.start.end());
  for (std::size_t i = 0; i < model.own_states; ++i)
    all.insert(all.end(), model.states[i].start.begin(), model.states[i].start.end());
  return all;
}

bool has_bounds(const Model& model) {
  return std::any_of(model.params.begin(), model.params.end(),
                     [](const Parameter& param) { return param.bounds.has_value(); });
}

std::vector<double> in_units(const Model& model, std::span<const double> all) {
  std::vector<double> out(all.begin(), all.end());
  for (const Parameter& param : model.params) {
    if (!param.bounds) continue;
    std::vector<double> values = bounded(elements_of(param, all), *param.bounds, model.graph.precision());
    std::copy(values.begin(), values.end(), out.begin() + param.offset);
  }
  return out;
}

std::span<const double> elements_of(const Parameter& param, std::span<const double> all) {
  return all.subspan(static_cast<std::size_t>(param.offset), param.start.size());
}

std::span<const double> elements_of_state(const Model& model, std::size_t state,
                                          std::span<const double> all) {
  const StateVariable& s = model.states[state];
  return all.subspan(static_cast<std::size_t>(model.param_elements() + s.offset), s.start.size());
}

const Parameter& param_at(const Model& model, std::int64_t element) {
  auto behind = std::upper_bound(model.params.begin(), model.params.end(), element,
                                 [](std::int64_t e, const Parameter& param) { return e < param.offset; });
  // Of a parameter without elements the next one begins at the same place: the last is meant.
  return *(behind - 1);
}

std::string element_name(const std::string& name, std::span<const std::int64_t> axes, std::int64_t element) {
  if (axes.empty()) return name;
  std::vector<std::int64_t> at(axes.size());
  for (std::size_t axis = axes.size(); axis-- > 0; element /= axes[axis]) at[axis] = element % axes[axis];
  return fmt::format("{}[{}]", name, fmt::join(at, ", "));
}

std::vector<std::string> element_names(const Model& model) {
  std::vector<std::string> names;
  for (const Parameter& param : model.params)
    for (std::size_t i = 0; i < param.start.size(); ++i)
      names.push_back(element_name(param.name, param.axes, static_cast<std::int64_t>(i)));
  return names;
}

std::string shape_text(std::span<const std::int64_t> axes) {
  return axes.empty() ? "a number" : fmt::format("[{}]", fmt::join(axes, ", "));
}

}  // namespace slope
