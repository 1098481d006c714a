// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/facts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "frontend/labels.h"

namespace slope {

// --- before the model is lowered ---
namespace {

constexpr std::int64_t most_index = INT32_MAX;  // cells are stored in 32 bits at most

bool needs_reading(const DeclaredColumn& column) {
  return column.type == ColumnType::label || (column.type == ColumnType::index && !column.sized);
}

Diagnostic& data_error(Code code, const DataFile::Place& place, std::string message,
                       Diagnostics& diagnostics) {
  Diagnostic d;
  d.code = code;
  d.position = place.position;
  d.message = std::move(message);
  return diagnostics.add(std::move(d));
}

void bad_index(const DataFile::Place& place, double value, std::int64_t size, Diagnostics& diagnostics) {
  Diagnostic& d = data_error(Code::bad_index, place,
                             fmt::format("`{}` {} is no index", shortest(value), place.words), diagnostics);
  d.helps.push_back(size > 0 ? fmt::format("indices are whole numbers from 0 to {}", size - 1)
                             : "indices are whole numbers from 0");
}

// The first row whose cell is no whole number from 0 to size − 1.
std::optional<std::int64_t> row_of_bad_index(const Column& cells, std::int64_t size) {
  for (std::int64_t row = 0; row < cells.rows(); ++row)
    for (std::int64_t k = 0; k < cells.elements(); ++k)
      if (double i = cells.at(row, k); !(i >= 0 && i < static_cast<double>(size)) || i != std::floor(i))
        return row;
  return {};
}

double bad_index_in(const Column& cells, std::int64_t row, std::int64_t size) {
  std::int64_t k = 0;
  auto bad = [&](double i) { return !(i >= 0 && i < static_cast<double>(size)) || i != std::floor(i); };
  while (!bad(cells.at(row, k))) ++k;
  return cells.at(row, k);
}

// The labels that stand in a row: others may be those of rows that were left out.
std::vector<std::string> labels_in(const Column& cells, std::span<const std::string> labels) {
  std::vector<bool> used(labels.size());
  for (std::int64_t row = 0; row < cells.rows(); ++row)
    for (std::int64_t k = 0; k < cells.elements(); ++k)
      used[static_cast<std::size_t>(cells.at(row, k))] = true;
  std::vector<std::string> out;
  for (std::size_t i = 0; i < labels.size(); ++i)
    if (used[i]) out.push_back(labels[i]);
  return out;
}

// The columns of one file, as they are read together.
struct FileRequest {
  std::vector<WantedColumn> wanted;
  std::vector<std::size_t> columns;  // declared columns that need facts; `wanted` begins with their headers
};

FileRequest request_of(std::span<const DeclaredColumn> declared, const Opened& opened, std::size_t f,
                       Diagnostics& diagnostics) {
  const DataFile& file = opened.files[f];
  FileRequest out;
  std::vector<WantedColumn> others;  // in which a cell may be missing, so that a row is left out
  for (std::size_t i = 0; i < declared.size(); ++i) {
    const DeclaredColumn& column = declared[i];
    bool needed = needs_reading(column);
    if (opened.file_of[column.source] != f || (!needed && !file.drops_missing())) continue;
    std::vector<std::string> headers = file.array() ? std::vector<std::string>{""} : column.headers;
    Diagnostics told_later;
    bool there = file.array() || check_header({column.name, headers, column.source, column.span}, file,
                                              needed ? diagnostics : told_later);
    if (headers.empty() || !there) continue;
    if (needed) out.columns.push_back(i);
    for (const std::string& header : headers)
      (needed ? out.wanted : others).push_back({header, column.type == ColumnType::label});
  }
  out.wanted.insert(out.wanted.end(), others.begin(), others.end());
  return out;
}

// Joins what the columns of one name say; false after an error.
bool add_facts(const DeclaredColumn& column, const Column& cells, std::span<const std::string> labels,
               const CellPlace& place, Facts& facts, Diagnostics& diagnostics) {
  if (column.type == ColumnType::label) {
    std::vector<std::string> found = labels_in(cells, labels);
    facts.labels.insert(facts.labels.end(), found.begin(), found.end());
    return true;
  }
  if (auto row = row_of_bad_index(cells, most_index)) {
    bad_index(place(*row), bad_index_in(cells, *row, most_index), 0, diagnostics);
    return false;
  }
  for (std::int64_t row = 0; row < cells.rows(); ++row)
    for (std::int64_t k = 0; k < cells.elements(); ++k)
      facts.size = std::max(facts.size, static_cast<std::int64_t>(cells.at(row, k)) + 1);
  return true;
}

void read_file_facts(std::span<const DeclaredColumn> declared, const DataFile& file,
                     const FileRequest& request, std::vector<Facts>& out, Diagnostics& diagnostics) {
  auto read = file.read(std::span<const WantedColumn>(request.wanted), false, diagnostics);
  if (!read) return;
  std::size_t at = 0;
  for (std::size_t i : request.columns) {
    const DeclaredColumn& column = declared[i];
    Facts facts{column.name};
    bool good = true;
    for (std::size_t k = 0; k < (file.array() ? 1 : column.headers.size()); ++k, ++at) {
      CellPlace place = [&](std::int64_t row) { return file.place(request.wanted, at, row); };
      good = good && add_facts(column, read->columns[at], read->labels[at], place, facts, diagnostics);
    }
    if (good) out.push_back(std::move(facts));
  }
}

}  // namespace

std::vector<Facts> read_facts(const ast::Ast& ast, const Opened& opened, Diagnostics& diagnostics) {
  std::vector<DeclaredColumn> declared = declared_columns(ast, opened.headers());
  std::vector<Facts> out;
  for (std::size_t f = 0; f < opened.files.size(); ++f) {
    FileRequest request = request_of(declared, opened, f, diagnostics);
    if (request.columns.empty()) continue;
    if (!opened.files[f].array()) {
      read_file_facts(declared, opened.files[f], request, out, diagnostics);
      continue;
    }
    for (std::size_t i = 0; i < request.columns.size(); ++i)  // of one array each name takes all
      read_file_facts(declared, opened.files[f], {{request.wanted[i]}, {request.columns[i]}}, out,
                      diagnostics);
  }
  return out;
}

namespace {
// Of a row.
std::int64_t element_count(const DeclaredColumn& column, const DataFile& file) {
  auto axes = file.array();
  if (!axes) return std::ssize(column.headers);
  std::int64_t count = 1;
  for (std::int64_t extent : *axes) count *= extent;
  return count;
}
}  // namespace

bool check_facts(const ast::Ast& ast, const Opened& opened, std::span<const Facts> facts,
                 Diagnostics& diagnostics) {
  bool good = true;
  for (const DeclaredColumn& column : declared_columns(ast, opened.headers())) {
    auto found = std::ranges::find_if(facts, [&](const Facts& f) { return f.column == column.name; });
    bool label = column.type == ColumnType::label, index = column.type == ColumnType::index && !column.sized;
    if (!label && !index && !column.standardized) continue;
    const DataFile& file = opened.files[opened.file_of[column.source]];
    if (column.headers.empty() && !file.array()) continue;  // lower() tells why
    bool known = found != facts.end() && (label   ? !found->labels.empty()
                                          : index ? found->size > 0
                                                  : !found->mean.empty());
    std::int64_t elements = element_count(column, file);
    if (known && (label || index || std::ssize(found->mean) == elements)) continue;
    good = false;
    diagnostics
        .error(
            Code::other_model, column.span,
            known ? fmt::format("the state has mean and deviation of {} element{} of `{}`, which has {}",
                                found->mean.size(), found->mean.size() == 1 ? "" : "s", column.name, elements)
                  : fmt::format("the state does not know {} of `{}`",
                                label   ? "the classes"
                                : index ? "the size"
                                        : "mean and deviation",
                                column.name))
        .helps.push_back("it is of another model: train this one again");
  }
  return good;
}

// --- while columns are read ---

std::optional<Column> coded(const DataColumn& column, const Column& cells,
                            std::span<const std::string> labels, const CellPlace& place,
                            Diagnostics& diagnostics) {
  LabelCodes code_of(column.labels, column.labels_by_value);
  std::vector<std::int64_t> codes;
  for (const std::string& label : labels) codes.push_back(code_of(label).value_or(-1));
  std::vector<double> out;
  out.reserve(static_cast<std::size_t>(cells.cells()));
  for (std::int64_t row = 0; row < cells.rows(); ++row)
    for (std::int64_t k = 0; k < cells.elements(); ++k) {
      if (cells.at(row, k) < 0) {  // missing, in a row that is kept: any code
        out.push_back(0);
        continue;
      }
      auto label = static_cast<std::size_t>(cells.at(row, k));
      out.push_back(static_cast<double>(codes[label]));
      if (codes[label] >= 0) continue;
      DataFile::Place at = place(row);
      Diagnostic& d = data_error(Code::bad_label, at,
                                 fmt::format("`{}` {} is a label that the training data do not have",
                                             escaped(labels[label], 40), at.words),
                                 diagnostics);
      d.notes.push_back(fmt::format("`{}` has {}", column.name, labels_shown(column.labels)));
      if (std::string near = nearest(labels[label], column.labels); !near.empty())
        d.helps.push_back(fmt::format("is `{}` meant?", escaped(near, 40)));
      return {};
    }
  Column codes_column = make_column(column.name, out, false);
  codes_column.set_elements(cells.elements());
  return codes_column;
}

bool check_indices(const DataColumn& column, const Column& cells, const CellPlace& place,
                   Diagnostics& diagnostics) {
  auto row = row_of_bad_index(cells, column.classes);
  if (row) bad_index(place(*row), bad_index_in(cells, *row, column.classes), column.classes, diagnostics);
  return !row;
}

namespace {

// A sum whose rounding errors are summed too (Neumaier, ZAMM 54, 1974).
class Sum {
 public:
  void add(double x) {
    double next = sum_ + x;
    errors_ += std::abs(sum_) >= std::abs(x) ? (sum_ - next) + x : (x - next) + sum_;
    sum_ = next;
  }
  double value() const { return sum_ + errors_; }

 private:
  double sum_ = 0, errors_ = 0;
};

}  // namespace

// The numbers are brought to at most 1 by a power of two, so that no square overflows or vanishes. The second
// pass corrects the mean by what the distances from it leave over.
Moments moments(const Column& cells, std::int64_t element, std::span<const std::int64_t> rows) {
  double largest = 0;
  for (std::int64_t row : rows) largest = std::max(largest, std::abs(cells.at(row, element)));
  if (largest == 0) return {};
  int exponent = std::ilogb(largest) + 1;
  auto scaled = [&](std::int64_t row) { return std::scalbn(cells.at(row, element), -exponent); };
  auto n = static_cast<double>(rows.size());
  Sum sum;
  for (std::int64_t row : rows) sum.add(scaled(row));
  double mean = sum.value() / n;
  Sum distances, squares;
  for (std::int64_t row : rows) {
    double d = scaled(row) - mean;
    distances.add(d);
    squares.add(d * d);
  }
  double rest = distances.value() / n, variance = squares.value() / n - rest * rest;
  // Equal numbers have no spread, whatever the rounding of their mean leaves.
  bool constant = std::ranges::all_of(
      rows, [&](std::int64_t row) { return cells.at(row, element) == cells.at(rows[0], element); });
  if (constant) return {cells.at(rows[0], element), 0};
  return {std::scalbn(mean + rest, exponent), std::scalbn(std::sqrt(std::max(variance, 0.0)), exponent)};
}

Column standardized(const Column& cells, std::span<const double> mean, std::span<const double> deviation,
                    bool single) {
  std::vector<double> out;
  out.reserve(static_cast<std::size_t>(cells.cells()));
  for (std::int64_t row = 0; row < cells.rows(); ++row)
    for (std::int64_t k = 0; k < cells.elements(); ++k) {
      auto at = static_cast<std::size_t>(k);
      out.push_back((cells.at(row, k) - mean[at]) / (deviation[at] == 0 ? 1 : deviation[at]));
    }
  Column column = make_column(cells.name(), out, single);
  column.set_elements(cells.elements());
  return column;
}

// --- in states ---

namespace {
using Json = nlohmann::ordered_json;

// Until labels kept their text, those that all were numbers stood for these, however they were written.
constexpr const char *labels_key = "texts", *old_labels_key = "labels";

bool numbers(const Json& list) {
  return list.is_array() && std::ranges::all_of(list, [](const Json& x) { return x.is_number(); });
}

std::optional<Facts> read_entry(const Json& entry) {
  if (!entry.is_object() || !entry.contains("column") || !entry["column"].is_string()) return {};
  Facts facts{entry["column"].get<std::string>()};
  if (entry.contains(labels_key) || entry.contains(old_labels_key)) {
    bool old = !entry.contains(labels_key);
    const Json& labels = entry[old ? old_labels_key : labels_key];
    bool texts =
        labels.is_array() && std::ranges::all_of(labels, [](const Json& x) { return x.is_string(); });
    if (!texts || labels.empty() || std::ssize(labels) > most_classes) return {};
    facts.labels = labels.get<std::vector<std::string>>();
    facts.labels_by_value = old && all_numbers(facts.labels);
    if (sorted_labels(facts.labels).size() != facts.labels.size()) return {};  // one is there twice
  } else if (entry.contains("size")) {
    if (!entry["size"].is_number_unsigned() || entry["size"] > most_index || entry["size"] == 0) return {};
    facts.size = entry["size"].get<std::int64_t>();
  } else {
    if (!entry.contains("mean") || !entry.contains("sd") || !numbers(entry["mean"]) ||
        !numbers(entry["sd"]) || entry["mean"].size() != entry["sd"].size())
      return {};
    facts.mean = entry["mean"].get<std::vector<double>>();
    facts.deviation = entry["sd"].get<std::vector<double>>();
    if (std::ranges::any_of(facts.deviation, [](double sd) { return !(sd >= 0); })) return {};
  }
  return facts;
}
}  // namespace

std::string facts_text(const Model& model) {
  Json list = Json::array();
  for (const DataColumn& column : model.columns) {
    if (!column.labels.empty())
      list.push_back(Json{{"column", column.name},
                          {column.labels_by_value ? old_labels_key : labels_key, column.labels}});
    else if (column.type == ColumnType::index)
      list.push_back(Json{{"column", column.name}, {"size", column.classes}});
    else if (!column.mean.empty())
      list.push_back(Json{{"column", column.name}, {"mean", column.mean}, {"sd", column.deviation}});
  }
  return list.empty() ? "" : list.dump();
}

std::optional<std::vector<Facts>> read_facts_text(const std::string& text) {
  std::vector<Facts> out;
  if (text.empty()) return out;
  Json list = Json::parse(text, nullptr, false);
  if (!list.is_array()) return {};
  for (const Json& entry : list) {
    auto facts = read_entry(entry);
    if (!facts || std::ranges::find(out, facts->column, &Facts::column) != out.end()) return {};
    out.push_back(std::move(*facts));
  }
  return out;
}

}  // namespace slope
