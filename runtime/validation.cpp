// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/validation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "runtime/batches.h"

namespace slope {

std::vector<std::int64_t> held_out(std::int64_t rows, double fraction, std::int64_t seed) {
  std::vector<std::int64_t> order = shuffled(rows, key_of(seed, "validation"), 0);
  std::int64_t count = std::llround(fraction * static_cast<double>(rows));
  if (rows > 1) count = std::clamp<std::int64_t>(count, 1, rows - 1);
  order.resize(static_cast<std::size_t>(count));
  std::sort(order.begin(), order.end());
  return order;
}

std::vector<std::int64_t> trained_on(std::int64_t rows, double fraction, std::int64_t seed) {
  return others(held_out(rows, fraction, seed), rows);
}

CountedRows counted_rows(const Model& model) {
  if (!model.validation || !model.validation->file.empty()) return {};
  return [v = *model.validation](std::int64_t rows) { return trained_on(rows, v.fraction, v.seed); };
}

std::vector<std::int64_t> others(std::span<const std::int64_t> some, std::int64_t rows) {
  std::vector<std::int64_t> rest;
  for (std::int64_t row = 0; row < rows; ++row)
    if (!std::binary_search(some.begin(), some.end(), row)) rest.push_back(row);
  return rest;
}

Dataset rows_of(const Dataset& data, std::vector<std::int64_t> rows) {
  Dataset part;
  for (const Column& column : data.columns)
    part.columns.push_back(column.rows() == 0 ? Column() : rows_of(column, rows));
  part.rows = std::ssize(rows);
  rows.reserve(rows.size() + 64);  // may be read: Run::row_numbers
  part.row_numbers = std::move(rows);
  part.refresh();
  return part;
}

namespace {

std::optional<Split> split_by_fraction(const Validation& validation, Dataset data, Diagnostics& diagnostics) {
  std::vector<std::int64_t> out = held_out(data.rows, validation.fraction, validation.seed);
  if (out.empty() || std::ssize(out) == data.rows) {
    Diagnostic& d = diagnostics.error(
        Code::bad_option_value,
        fmt::format("`validation` is {}: of {} rows none would be left to {}", shortest(validation.fraction),
                    data.rows, out.empty() ? "validate with" : "train on"));
    d.span = validation.span;
    d.helps.push_back("take another fraction, or name a file of other rows");
    return {};
  }
  std::vector<std::int64_t> rest = trained_on(data.rows, validation.fraction, validation.seed);
  Split split{rows_of(data, std::move(rest)), rows_of(data, std::move(out))};
  split.training.dropped = data.dropped;
  return split;
}

// One file for the columns of all statements. Where they are of several files and one of these is an array,
// no file can be that: an array is one name's.
std::optional<Dataset> read_file(Session& s, const Validation& validation, const std::vector<bool>& wanted) {
  auto is_array = [](const DataFile& file) { return file.array().has_value(); };
  if (s.opened->files.size() > 1 && std::any_of(s.opened->files.begin(), s.opened->files.end(), is_array)) {
    Diagnostic& d = s.diagnostics.error(
        Code::bad_option_value,
        fmt::format("one file cannot take the place of {} to validate with: an array is one name's",
                    s.opened->files.size()));
    d.span = validation.span;
    d.helps.push_back("`validation=0.2` holds out rows; `slope eval --data NAME=F` evaluates others");
    return {};
  }
  DataSource joined;
  for (const DataSource& source : s.opened->sources) {
    if (!joined.separator) joined.separator = source.separator;
    if (!joined.comment) joined.comment = source.comment;
    if (joined.missing.empty()) joined.missing = source.missing;
    joined.drop_missing |= source.drop_missing;
  }
  Diagnostics faults;
  auto file = DataFile::open(validation_path(s.request, validation), data_options(joined, s.request), faults);
  for (Diagnostic d : faults.all()) {
    if (!d.position) d.span = validation.span;
    s.diagnostics.add(std::move(d));
  }
  if (!file) return {};
  if (is_array(*file) != is_array(s.opened->files[0])) {
    auto kind = [&](const DataFile& of) { return is_array(of) ? "an array" : "a table"; };
    Diagnostic& d = s.diagnostics.error(
        Code::bad_option_value, fmt::format("{} is {}, but the data of the model are {}",
                                            escaped(validation.file), kind(*file), kind(s.opened->files[0])));
    d.span = validation.span;
    return {};
  }
  Opened opened{s.opened->sources, {}, std::vector<std::size_t>(s.opened->sources.size(), 0)};
  opened.files.push_back(std::move(*file));
  return read_columns(s.model(), opened, wanted, true, s.diagnostics);
}

// Compiled code knows one storage for a column, whichever rows it is given.
void store_alike(Dataset& a, Dataset& b) {
  for (std::size_t i = 0; i < a.columns.size(); ++i) {
    if (a.columns[i].rows() == 0) continue;
    Storage storage = joined_storage(a.columns[i], b.columns[i]);
    for (Dataset* data : {&a, &b})
      if (data->columns[i].storage() != storage) data->columns[i] = converted(data->columns[i], storage);
  }
  a.refresh();
  b.refresh();
}

}  // namespace

std::string validation_path(const Request& request, const Validation& validation) {
  bool of_model = validation.span && !request.folder.empty() && !validation.file.starts_with("/");
  return of_model && !validation.file.empty() ? request.folder + "/" + validation.file : validation.file;
}

std::optional<Split> split(Session& s, Dataset data, const std::vector<bool>& wanted) {
  const auto& validation = s.model().validation;
  if (!validation) return Split{std::move(data), {}};
  if (!s.has_data()) {
    s.diagnostics.error(Code::bad_option_value, "`validation` needs data, this model has none").span =
        validation->span;
    return {};
  }
  if (validation->file.empty()) return split_by_fraction(*validation, std::move(data), s.diagnostics);
  auto other = read_file(s, *validation, wanted);
  if (!other) return {};
  store_alike(data, *other);
  return Split{std::move(data), std::move(other)};
}

}  // namespace slope
