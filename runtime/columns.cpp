// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// From the files to the columns that a model reads: which are wanted, labels to codes, standardized numbers.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>
#include <span>

#include "base/arithmetic.h"
#include "base/ending.h"
#include "base/text.h"
#include "frontend/labels.h"
#include "runtime/facts.h"
#include "runtime/pipeline.h"

namespace slope {

std::vector<bool> columns_read(const Graph& graph, std::size_t columns) {
  std::vector<bool> read(columns);
  for (std::size_t i = 0; i < graph.size(); ++i) {
    const Node& node = graph[NodeId(static_cast<std::int64_t>(i))];
    if (node.kind == NodeKind::data) read[static_cast<std::size_t>(node.index)] = true;
  }
  return read;
}

namespace {

// The first names of a header, and how many more there are.
std::vector<std::string> shown(std::span<const std::string> header) {
  std::vector<std::string> out;
  for (const std::string& name : header.first(std::min<std::size_t>(header.size(), 20)))
    out.push_back(name.find_first_of(" ,\"") == std::string::npos && !name.empty() ? name : '"' + name + '"');
  if (header.size() > 20) out.push_back(fmt::format("{} more", header.size() - 20));
  return out;
}

// What is often the matter with a header that lacks the names asked for.
void help_with_header(const std::vector<std::string>& header, Diagnostic& d) {
  if (header.size() == 1)
    for (char c : {';', '\t', ',', '|'})
      if (header[0].find(c) != std::string::npos)
        d.helps.push_back(
            fmt::format("the file looks separated by `{0}`: write sep=\"{0}\" in the `data` statement",
                        c == '\t' ? "\\t" : std::string(1, c)));
  if (!header.empty() && (header[0].starts_with('#') || header[0].starts_with('%')))
    d.helps.push_back(fmt::format(
        "is its first line a comment? `comment=\"{}\"` in the `data` statement leaves such lines out",
        header[0][0]));
  if (all_numbers(header)) d.helps.push_back("the first line of the file must hold the names of its columns");
}

}  // namespace

void warn_of_unread_data(const Model& model, const Opened& opened, Diagnostics& diagnostics) {
  if (!model.columns.empty() || opened.files.empty() || opened.files[0].array()) return;
  const DataFile& file = opened.files[0];
  Diagnostic d{.severity = Severity::warning,
               .code = Code::unused_column,
               .message = fmt::format("the model reads nothing of {}: it has no name of a column",
                                      escaped(file.path())),
               .span = {},
               .position = {},
               .label = {}};
  d.notes.push_back("its columns are " + listed(shown(file.header())));
  help_with_header(file.header(), d);
  diagnostics.add(std::move(d));
}

bool check_header(const DataColumn& column, const DataFile& file, Diagnostics& diagnostics) {
  const std::vector<std::string>& header = file.header();
  std::vector<std::string> missing;
  for (const std::string& name : column.headers)
    if (!file.has_column(name)) missing.push_back(name);
  if (missing.empty()) return true;
  Diagnostic& d =
      diagnostics.error(Code::no_such_column, column.span,
                        fmt::format("{} has no column `{}`", escaped(file.path()), escaped(missing[0])));
  if (std::string near = nearest(missing[0], header); !near.empty())
    d.helps.push_back(fmt::format("did you mean `{}`?", escaped(near)));
  if (missing.size() > 1)
    d.notes.push_back(fmt::format("{} of the {} columns of `{}` are missing", missing.size(),
                                  column.headers.size(), escaped(column.name)));
  help_with_header(header, d);
  d.notes.push_back("its columns are " + listed(shown(header)));
  return false;
}

namespace {

void note_dropped(const DataFile& file, const DataFile::Columns& read, Diagnostics& diagnostics) {
  std::string rows = read.dropped == 1 ? "1 row" : fmt::format("{} rows", read.dropped);
  diagnostics.add({.severity = Severity::note,
                   .code = Code::dropped_rows,
                   .message = fmt::format("{} of {} left out for a missing cell, {} used", rows,
                                          escaped(file.path()), read.rows),
                   .span = {},
                   .position = {},
                   .label = {}});
}

// One warning for a file: where the first is, and how many there are.
void warn_of_lost_digits(std::span<const LostDigits* const> columns, bool single, Diagnostics& diagnostics) {
  const LostDigits* first = nullptr;
  std::int64_t cells = 0, of_columns = 0;
  auto place = [](const LostDigits& l) { return std::pair(l.first.line, l.first.column); };
  for (const LostDigits* column : columns) {
    cells += column->cells;
    of_columns += column->cells > 0;
    if (column->cells > 0 && (!first || place(*column) < place(*first))) first = column;
  }
  if (!first) return;
  Diagnostic d;
  d.severity = Severity::warning;
  d.code = Code::digits_lost;
  d.position = first->first;
  d.message = fmt::format("`{}` has more digits than the model's numbers: {:.0f} is read",
                          escaped(first->text, 40), first->value);
  if (cells > 1)
    d.notes.push_back(of_columns > 1 ? fmt::format("so have {} cells in {} columns", cells, of_columns)
                                     : fmt::format("so have {} cells in this column", cells));
  d.notes.push_back(fmt::format("every whole number up to {} is a number of {}",
                                single ? "2^24 = 16777216" : "2^53 = 9007199254740992",
                                single ? "f32" : "f64"));
  if (single && std::abs(first->value) < 0x1p53) d.helps.push_back("`precision f64` holds it");
  d.helps.push_back("a number that is a name, and is not calculated with, can be read as a `class`");
  diagnostics.add(std::move(d));
}

// Which columns of a file are read, and what for.
struct FileColumns {
  std::vector<WantedColumn> wanted;
  std::vector<std::size_t> targets;  // columns of the model, in the order of their headers in `wanted`
};

std::size_t headers_of(const DataColumn& column) { return column.array ? 1 : column.headers.size(); }

std::optional<FileColumns> columns_of_file(const Model& model, const Opened& opened, std::size_t f,
                                           const std::vector<bool>& wanted, bool check_all,
                                           Diagnostics& diagnostics) {
  const DataFile& file = opened.files[f];
  FileColumns out;
  std::vector<WantedColumn> named;
  bool fine = true;
  for (std::size_t i = 0; i < model.columns.size(); ++i) {
    const DataColumn& column = model.columns[i];
    if (opened.file_of[column.source] != f || !(wanted[i] || check_all)) continue;
    fine &= column.array || check_header(column, file, diagnostics);
    if (!column.array)
      for (const std::string& header : column.headers) named.push_back({header});
    // Where rows are left out every name counts.
    if (!wanted[i] && !file.drops_missing()) continue;
    for (std::size_t k = 0; k < headers_of(column); ++k)
      out.wanted.push_back({column.array ? "" : column.headers[k], column.type == ColumnType::label});
    out.targets.push_back(i);
  }
  fine = fine && file.check_twice(named, diagnostics);
  return fine ? std::optional(std::move(out)) : std::nullopt;
}

// The columns of one file on their way from its cells to what the model reads.
class FileReader {
 public:
  FileReader(const Model& model, const DataFile& file, const FileColumns& columns, const CountedRows& counted,
             Dataset& data, Diagnostics& diagnostics)
      : model_(model),
        file_(file),
        wanted_(columns.wanted),
        targets_(columns.targets),
        counted_(counted),
        data_(data),
        diagnostics_(diagnostics) {}

  // Rows and dropped rows of the file; nothing after an error.
  std::optional<DataFile::Columns> read() {
    auto read = file_.read(wanted_, single(), diagnostics_);
    if (!read) return {};
    std::optional<DataFile::Columns> exact;  // standardized columns are rounded once, at the end
    auto standard = [&](std::size_t i) { return model_.columns[i].standardized; };
    if (single() && std::ranges::any_of(targets_, standard)) exact = file_.read(wanted_, false, diagnostics_);
    std::size_t first = 0;
    std::vector<const LostDigits*> lost;
    for (std::size_t target : targets_) {
      const DataColumn& column = model_.columns[target];
      bool rounded_later = standard(target) && exact;
      for (std::size_t k = first; k < first + headers_of(column); ++k)
        lost.push_back(&(rounded_later ? *exact : *read).lost[k]);
      std::span<Column> parts =
          std::span((rounded_later ? *exact : *read).columns).subspan(first, headers_of(column));
      for (std::size_t k = 0; k < parts.size(); ++k)
        if (!to_integers(column, parts[k], read->labels[first + k], first + k)) return {};
      Column& whole = data_.columns[target];
      whole = parts.size() == 1 ? std::move(parts[0]) : side_by_side(column.name, parts);
      for (Column& part : parts) part = Column();  // wide blocks are not held twice
      if (column.standardized && !standardize(target, whole, first)) return {};
      first += headers_of(column);
    }
    warn_of_lost_digits(lost, single(), diagnostics_);
    return read;
  }

 private:
  bool single() const { return model_.graph.precision() == Precision::f32; }

  // Of class and index columns.
  bool to_integers(const DataColumn& column, Column& cells, const std::vector<std::string>& labels,
                   std::size_t at) {
    CellPlace place = [&](std::int64_t row) { return file_.place(wanted_, at, row); };
    if (column.type == ColumnType::index) return check_indices(column, cells, place, diagnostics_);
    if (column.type == ColumnType::number) return true;
    auto codes = coded(column, cells, labels, place, diagnostics_);
    if (codes) cells = std::move(*codes);
    return codes.has_value();
  }

  bool standardize(std::size_t target, Column& cells, std::size_t first) {
    const DataColumn& column = model_.columns[target];
    std::vector<double>&mean = data_.mean[target], &deviation = data_.deviation[target];
    mean = column.mean;
    deviation = column.deviation;
    if (!check_finite(cells, first)) return false;
    if (mean.empty()) {
      std::vector<std::int64_t> rows = rows_that_count(cells.rows());
      for (std::int64_t k = 0; k < cells.elements(); ++k) {
        Moments found = moments(cells, k, rows);
        mean.push_back(found.mean);
        deviation.push_back(found.deviation);
      }
      warn_of_constants(column, deviation);
    }
    if (std::ssize(mean) != cells.elements()) internal_error("mean and deviation of another column");
    cells = standardized(cells, mean, deviation, single());
    return true;
  }

  std::vector<std::int64_t> rows_that_count(std::int64_t rows) const {
    if (counted_) return counted_(rows);
    std::vector<std::int64_t> all(static_cast<std::size_t>(rows));
    std::iota(all.begin(), all.end(), 0);
    return all;
  }

  bool check_finite(const Column& cells, std::size_t first) {
    for (std::int64_t row = 0; row < cells.rows(); ++row)
      for (std::int64_t k = 0; k < cells.elements(); ++k) {
        if (std::isfinite(cells.at(row, k))) continue;
        std::size_t at = wanted_[first].header.empty() ? first : first + static_cast<std::size_t>(k);
        DataFile::Place place = file_.place(wanted_, at, row);
        Diagnostic d;
        d.code = Code::bad_cell;
        d.position = place.position;
        d.message = fmt::format("`{}` {} cannot be standardized", shortest(cells.at(row, k)), place.words);
        diagnostics_.add(std::move(d));
        return false;
      }
    return true;
  }

  void warn_of_constants(const DataColumn& column, const std::vector<double>& deviation) {
    std::vector<std::string> constant;
    for (std::size_t k = 0; k < deviation.size(); ++k)
      if (deviation[k] == 0)
        constant.push_back(fmt::format(
            "`{}`", column.array ? fmt::format("{} {}", column.name, k) : escaped(column.headers[k], 60)));
    if (constant.empty()) return;
    std::size_t count = constant.size();
    if (count > 10) constant.resize(10), constant.push_back(fmt::format("{} more", count - 10));
    std::string which = column.axes.empty() ? "" : fmt::format("{} of ", listed(constant));
    diagnostics_
        .warning(
            Code::constant_column, column.span,
            fmt::format("{}`{}` {} the same in every row", which, column.name, count == 1 ? "is" : "are"))
        .notes.push_back("standardized it is 0 there: only its mean is subtracted");
  }

  const Model& model_;
  const DataFile& file_;
  std::span<const WantedColumn> wanted_;
  std::span<const std::size_t> targets_;
  const CountedRows& counted_;
  Dataset& data_;
  Diagnostics& diagnostics_;
};

// Reads the wanted columns of one file into `data`; where it has none, its rows are counted if that is asked
// for.
void read_file(const Model& model, const Opened& opened, std::size_t f, const std::vector<bool>& wanted,
               bool check_all, bool counts_rows, const CountedRows& counted, Dataset& data,
               Diagnostics& diagnostics) {
  const DataFile& file = opened.files[f];
  auto columns = columns_of_file(model, opened, f, wanted, check_all, diagnostics);
  if (!columns || (columns->targets.empty() && !counts_rows)) return;
  std::optional<DataFile::Columns> read;
  if (columns->targets.empty()) {
    if (file.array()) columns->wanted.push_back({""});
    read = file.read(columns->wanted, true, diagnostics);
  } else if (!file.array()) {
    read = FileReader(model, file, *columns, counted, data, diagnostics).read();
  } else {
    // Each name takes all of the array: the same rows are missing.
    for (std::size_t i = 0; i < columns->targets.size(); ++i) {
      FileColumns one{{columns->wanted[i]}, {columns->targets[i]}};
      read = FileReader(model, file, one, counted, data, diagnostics).read();
    }
  }
  if (!read) return;
  std::size_t source = static_cast<std::size_t>(std::find(opened.file_of.begin(), opened.file_of.end(), f) -
                                                opened.file_of.begin());
  Span span = opened.sources[source].span;
  if (read->dropped > 0) note_dropped(file, *read, diagnostics);
  if (read->dropped > 0 && opened.files.size() > 1)
    diagnostics
        .error(Code::rows_differ, span,
               fmt::format("rows of {} are left out, those of the other files are not: they no longer match",
                           escaped(file.path())))
        .helps.push_back("put the columns of a model with missing=drop into one file");
  else if (data.rows >= 0 && read->rows != data.rows)
    diagnostics
        .error(
            Code::rows_differ, span,
            fmt::format("{} has {} rows, the data before it {}", escaped(file.path()), read->rows, data.rows))
        .notes.push_back("all columns of a model are of the same rows");
  data.rows = read->rows;
  data.dropped += read->dropped;
  std::vector<std::int64_t> both;
  std::ranges::set_union(data.missing, read->missing, std::back_inserter(both));
  data.missing = std::move(both);
}

}  // namespace

std::optional<Dataset> read_columns(const Model& model, const Opened& opened, const std::vector<bool>& wanted,
                                    bool check_all, Diagnostics& diagnostics, const CountedRows& counted) {
  Activity reading("reading the data");
  StandardArithmetic standard;
  Dataset data;
  data.columns.resize(model.columns.size());
  data.mean.resize(model.columns.size());
  data.deviation.resize(model.columns.size());
  data.rows = -1;  // not known yet
  auto read_files = [&](bool counts_rows) {
    for (std::size_t f = 0; f < opened.files.size(); ++f)
      read_file(model, opened, f, wanted, check_all, counts_rows, counted, data, diagnostics);
  };
  read_files(false);
  if (data.rows < 0 && !diagnostics.has_errors()) read_files(true);
  if (diagnostics.has_errors()) return {};
  data.rows = std::max<std::int64_t>(data.rows, 0);
  data.refresh();
  return data;
}

void Dataset::refresh() {
  pointers.clear();
  storages.clear();
  for (const Column& column : columns) {
    pointers.push_back(column.data());
    storages.push_back(column.storage());
  }
}

void keep_moments(Model& model, const Dataset& data) {
  for (std::size_t i = 0; i < data.mean.size(); ++i) {
    if (data.mean[i].empty()) continue;
    model.columns[i].mean = data.mean[i];
    model.columns[i].deviation = data.deviation[i];
  }
}

}  // namespace slope
