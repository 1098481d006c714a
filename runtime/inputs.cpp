// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/inputs.h"

#include <algorithm>
#include <numeric>

#include "runtime/parameters.h"

namespace slope {

std::vector<std::int64_t> all_rows(const Dataset& data) { return spread_rows(data, data.rows); }

std::vector<std::int64_t> spread_rows(const Dataset& data, std::int64_t most) {
  std::int64_t count = std::min(data.rows, most);
  std::vector<std::int64_t> rows(static_cast<std::size_t>(count));
  std::iota(rows.begin(), rows.end(), 0);
  if (count < data.rows)  // in floating point: the product of two numbers of rows may not fit an integer
    for (std::int64_t& row : rows)
      row = static_cast<std::int64_t>(static_cast<double>(row) * static_cast<double>(data.rows) /
                                      static_cast<double>(count));
  return rows;
}

template <class T>
Inputs<T> interpreter_inputs(const Model& model, const Dataset& data, std::span<const double> params,
                             std::span<const std::int64_t> rows) {
  Inputs<T> in;
  in.rows = static_cast<std::int64_t>(rows.size());
  for (const Column& column : data.columns) {
    auto& cells = in.columns.emplace_back();
    if (column.rows() == 0) continue;
    cells.reserve(rows.size() * static_cast<std::size_t>(column.elements()));
    for (std::int64_t row : rows)
      for (std::int64_t i = 0; i < column.elements(); ++i) cells.push_back(static_cast<T>(column.at(row, i)));
  }
  auto own = std::min(params.size(), static_cast<std::size_t>(model.param_elements()));
  for (double p : params.first(own)) in.params.push_back(static_cast<T>(p));
  for (double s : params.subspan(own)) in.states.push_back(static_cast<T>(s));
  in.state_offsets = state_offsets(model);
  in.seed = static_cast<std::uint64_t>(model.seed.value_or(0));
  in.param_offsets = param_offsets(model);
  in.arguments.resize(run_arguments);
  if (!model.trainings.empty()) in.arguments[0] = static_cast<T>(model.trainings[0].rate);
  return in;
}

template Inputs<float> interpreter_inputs(const Model&, const Dataset&, std::span<const double>,
                                          std::span<const std::int64_t>);
template Inputs<double> interpreter_inputs(const Model&, const Dataset&, std::span<const double>,
                                           std::span<const std::int64_t>);

}  // namespace slope
