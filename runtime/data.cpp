// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/data.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <unordered_map>
#include <unordered_set>

#include "base/os.h"
#include "base/text.h"
#include "runtime/array_file.h"
#include "runtime/csv.h"
#include "runtime/gzip.h"
#include "runtime/idx.h"
#include "runtime/npy.h"
#include "runtime/table.h"
#include "runtime/table_form.h"

namespace slope {

struct DataFile::Contents {
  std::string path;
  char separator = ',';
  Missing missing;
  bool blanks = false;  // part the cells of the file; the text has tabs for them
  os::Bytes bytes;
  std::string_view text;  // without a byte order mark
  std::vector<std::string> header;
  std::vector<const char*> header_cells;  // where each begins
  struct Named {
    int first, second = -1;  // columns of this name; −1: there is no second
  };
  std::unordered_map<std::string_view, Named> names;  // into `header`
  const char* rows = nullptr;                         // behind the header
  int rows_line = 1;
  std::optional<ArrayHeader> array;  // a file of one array, which has no text

  csv::Scanner scanner() const { return {text, separator}; }
  bool check_form(Diagnostics& diagnostics) const;
  void settle_form(const DataOptions& options);
  void name_rows();
  bool read_header(Diagnostics& diagnostics);
  FilePosition place(const char* at) const;
  bool open_array(Diagnostics& diagnostics);
  std::vector<int> columns_of(std::span<const WantedColumn> wanted) const;
  bool check_twice(std::span<const WantedColumn> wanted, Diagnostics& diagnostics) const;
  TableRequest request(std::span<const WantedColumn> wanted) const;
  template <class T>
  std::optional<DataFile::Columns> read(std::span<const WantedColumn> wanted, Diagnostics&) const;
  template <class T>
  std::optional<DataFile::Columns> read_one_array(const WantedColumn& wanted, Diagnostics&) const;
};

namespace {

Diagnostic data_error(Code code, FilePosition position, std::string message) {
  Diagnostic d;
  d.code = code;
  d.position = std::move(position);
  d.message = std::move(message);
  return d;
}

// What the first bytes tell of files that are often given by mistake.
std::string_view form_of(std::string_view bytes) {
  using namespace std::string_view_literals;
  constexpr struct {
    std::string_view magic, form;
  } known[] = {
      {"\x1F\x8B"sv, "is compressed with gzip twice: unpack it with gunzip first"},
      {"PK\x03\x04"sv, "is a ZIP archive or a spreadsheet (.xlsx): export it as CSV"},
      {"\x28\xB5\x2F\xFD"sv, "is compressed with zstd: unpack it with unzstd first"},
      {"\xFD"
       "7zXZ\0"sv,
       "is compressed with xz: unpack it with unxz first"},
      {"BZh"sv, "is compressed with bzip2: unpack it with bunzip2 first"},
      {"PAR1"sv, "is a Parquet file: export it as CSV"},
      {"\x89HDF"sv, "is an HDF5 file: export it as CSV"},
      {"\xD0\xCF\x11\xE0"sv, "is a spreadsheet (.xls): export it as CSV"},
      {"SQLite format 3\0"sv, "is an SQLite database: export it as CSV"},
      {"%PDF-"sv, "is a PDF document: CSV is expected"},
      {"\xFF\xFE"sv, "is UTF-16 text: save it as UTF-8"},
      {"\xFE\xFF"sv, "is UTF-16 text: save it as UTF-8"},
  };
  for (const auto& [magic, form] : known)
    if (bytes.starts_with(magic)) return form;
  if (bytes.size() > 262 && bytes.substr(257, 5) == "ustar")
    return "is a tar archive: unpack it with tar first";
  return {};
}

// Text of two bytes a character, most of which have a zero in one of them.
bool looks_like_utf16(std::string_view text) {
  if (text.size() < 4) return false;
  bool little = text[0] && !text[1] && text[2] && !text[3], big = !text[0] && text[1] && !text[2] && text[3];
  return little || big;
}

char separator_of(std::string path) {
  std::transform(path.begin(), path.end(), path.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return path.ends_with(".tsv") || path.ends_with(".tsv.gz") ? '\t' : ',';
}

// The bytes of the file, unpacked where they are compressed with gzip, whatever its name.
os::Status read_bytes(const std::string& path, const std::string& name, os::Bytes& bytes) {
  os::Bytes read;
  std::size_t limit = os::memory_limit();
  if (os::Status error = os::read_file(path, limit, read)) return error;
  if (is_gzip(read.view())) return unpack_gzip(read.view(), name, limit - read.size(), bytes);
  bytes = std::move(read);
  return {};
}

}  // namespace

bool DataFile::Contents::check_form(Diagnostics& diagnostics) const {
  std::string_view form = form_of(bytes.view());
  if (form.empty() && looks_like_utf16(text)) form = "is UTF-16 text: save it as UTF-8";
  if (!form.empty()) {
    diagnostics.add(data_error(Code::bad_data_file, {path}, "this data file " + std::string(form)));
    return false;
  }
  std::size_t zero = text.find('\0');
  if (zero == std::string_view::npos) return true;
  diagnostics.add(data_error(Code::bad_data_file, place(text.data() + zero),
                             "this data file is binary, not text: here is a byte 0, which no CSV file has"));
  return false;
}

FilePosition DataFile::Contents::place(const char* at) const { return place_in(text.data(), at, 1, path); }

// How the cells are parted; what is no cell becomes blank.
void DataFile::Contents::settle_form(const DataOptions& options) {
  std::span<char> own(bytes.data() + (text.data() - bytes.view().data()), text.size());
  auto said = take_separator_line(own);
  if (options.comment) take_comments(own, *options.comment);
  if (options.separator) separator = *options.separator;
  else if (said) separator = *said;
  blanks = separator == ' ' || (!options.separator && !said && separator == ',' && is_parted_by_blanks(text));
  if (!blanks) return;
  part_by_tabs(own);
  separator = '\t';
}

// R's names of the rows have no name themselves.
void DataFile::Contents::name_rows() {
  csv::Scanner scan = scanner();
  int cells = 0, lines = 0;
  const char* first = scan.skip_blank_lines(rows, lines);
  if (first == scan.end() || !scan.skip_row(first, cells) || cells != static_cast<int>(header.size()) + 1)
    return;
  header.insert(header.begin(), "");
  header_cells.insert(header_cells.begin(), header_cells[0]);
}

bool DataFile::Contents::read_header(Diagnostics& diagnostics) {
  csv::Scanner scan = scanner();
  const char* p = scan.skip_blank_lines(scan.begin(), rows_line);
  if (p == scan.end()) {
    diagnostics.add(data_error(Code::no_rows, {path},
                               "the data file is empty: a line with the column names was expected"));
    return false;
  }
  const char* start = p;
  for (;; ++p) {
    const char* end = scan.skip_cell(p);
    if (!end) {
      diagnostics.add(unclosed_quote(place(scan.skip_spaces(p))));
      return false;
    }
    header_cells.push_back(p);
    header.push_back(scan.text_of(p, end));
    p = end;
    if (*p != separator) break;
  }
  rows_line += static_cast<int>(csv::count_lines({start, p})) + 1;
  rows = scan.skip_line_end(p);
  if (blanks) name_rows();
  for (int i = 0; i < static_cast<int>(header.size()); ++i) {
    auto [found, fresh] = names.try_emplace(header[static_cast<std::size_t>(i)], Named{i});
    if (!fresh && found->second.second < 0) found->second.second = i;
  }
  return true;
}

bool DataFile::Contents::open_array(Diagnostics& diagnostics) {
  array = is_npy(bytes.view()) ? read_npy_header(bytes.view(), path, diagnostics)
                               : read_idx_header(bytes.view(), path, diagnostics);
  return array.has_value();
}

// The number of the header's cell for each column.
std::vector<int> DataFile::Contents::columns_of(std::span<const WantedColumn> wanted) const {
  std::vector<int> columns;
  for (const WantedColumn& column : wanted) {
    auto found = names.find(column.header);
    if (found == names.end())
      internal_error("column `" + column.header + "` was asked for, but the header lacks it");
    columns.push_back(found->second.first);
  }
  return columns;
}

// A header that stands twice does not say which column is wanted.
bool DataFile::Contents::check_twice(std::span<const WantedColumn> wanted, Diagnostics& diagnostics) const {
  std::unordered_set<std::string_view> told;
  for (const WantedColumn& column : wanted) {
    auto found = names.find(column.header);
    if (found == names.end() || found->second.second < 0 || !told.insert(column.header).second) continue;
    auto [first, second] = found->second;
    auto& d =
        diagnostics.add(data_error(Code::bad_header, place(header_cells[static_cast<std::size_t>(second)]),
                                   fmt::format("two columns are named `{}`: columns {} and {}",
                                               escaped(column.header, 60), first + 1, second + 1)));
    d.helps.push_back("rename one of them in the file's header");
  }
  return told.empty();
}

TableRequest DataFile::Contents::request(std::span<const WantedColumn> wanted) const {
  TableRequest out{path, header, columns_of(wanted), {}, missing};
  for (const WantedColumn& column : wanted) out.labels.push_back(column.labels);
  return out;
}

template <class T>
std::optional<DataFile::Columns> DataFile::Contents::read(std::span<const WantedColumn> wanted,
                                                          Diagnostics& diagnostics) const {
  if (!check_twice(wanted, diagnostics)) return {};
  auto table = read_table<T>(scanner(), rows, rows_line, request(wanted), diagnostics);
  if (!table) return {};
  DataFile::Columns result;
  result.rows = table->rows;
  result.dropped = table->dropped;
  result.missing = std::move(table->missing);
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    auto slot = static_cast<std::size_t>(table->slots[i]);
    // Several names may mean one column of the file.
    bool again = std::find(table->slots.begin() + static_cast<std::ptrdiff_t>(i) + 1, table->slots.end(),
                           table->slots[i]) != table->slots.end();
    result.columns.push_back(again ? table->columns[slot].copy() : std::move(table->columns[slot]));
    result.columns.back().rename(wanted[i].header);
    result.labels.push_back(table->labels[slot]);
    result.lost.push_back(table->lost[slot]);
  }
  return result;
}

template <class T>
std::optional<DataFile::Columns> DataFile::Contents::read_one_array(const WantedColumn& wanted,
                                                                    Diagnostics& diagnostics) const {
  auto read = read_array<T>(*array, bytes.view(), {path, wanted.labels, missing}, diagnostics);
  if (!read) return {};
  DataFile::Columns result;
  result.rows = read->column.rows();
  result.dropped = read->dropped;
  result.missing = std::move(read->missing);
  result.columns.push_back(std::move(read->column));
  result.labels.push_back(std::move(read->labels));
  result.lost.emplace_back();
  return result;
}

DataFile::DataFile() : contents_(std::make_unique<Contents>()) {}
DataFile::DataFile(DataFile&&) noexcept = default;
DataFile& DataFile::operator=(DataFile&&) noexcept = default;
DataFile::~DataFile() = default;

const std::string& DataFile::path() const { return contents_->path; }
const std::vector<std::string>& DataFile::header() const { return contents_->header; }
char DataFile::separator() const { return contents_->separator; }
bool DataFile::drops_missing() const { return contents_->missing.rows == Missing::Rows::dropped; }
bool DataFile::has_column(std::string_view name) const { return contents_->names.contains(name); }
bool DataFile::check_twice(std::span<const WantedColumn> wanted, Diagnostics& diagnostics) const {
  return contents_->check_twice(wanted, diagnostics);
}
std::optional<std::vector<std::int64_t>> DataFile::array() const {
  return contents_->array ? std::optional(contents_->array->row_axes()) : std::nullopt;
}

std::optional<DataFile> DataFile::open(const std::string& path, const DataOptions& options,
                                       Diagnostics& diagnostics) {
  DataFile file;
  Contents& contents = *file.contents_;
  contents.path = path == "-" ? "standard input" : path;
  contents.separator = separator_of(path);
  contents.missing = options.missing;
  if (os::Status error = read_bytes(path, contents.path, contents.bytes)) {
    diagnostics.error(error->too_large ? Code::too_large : Code::cannot_open, error->message());
    return {};
  }
  if (is_npy(contents.bytes.view()) || is_idx(contents.bytes.view()))
    return contents.open_array(diagnostics) ? std::optional(std::move(file)) : std::nullopt;
  contents.text = contents.bytes.view();
  if (contents.text.starts_with("\xEF\xBB\xBF")) contents.text.remove_prefix(3);
  if (!contents.check_form(diagnostics)) return {};
  contents.settle_form(options);
  if (!contents.read_header(diagnostics)) return {};
  return file;
}

std::optional<DataFile::Columns> DataFile::read(std::span<const WantedColumn> wanted, bool single,
                                                Diagnostics& diagnostics) const {
  if (contents_->array)
    return single ? contents_->read_one_array<float>(wanted[0], diagnostics)
                  : contents_->read_one_array<double>(wanted[0], diagnostics);
  return single ? contents_->read<float>(wanted, diagnostics) : contents_->read<double>(wanted, diagnostics);
}

std::optional<DataFile::Columns> DataFile::read(std::span<const std::string> names, bool single,
                                                Diagnostics& diagnostics) const {
  std::vector<WantedColumn> wanted;
  for (const std::string& name : names) wanted.push_back({name});
  return read(std::span<const WantedColumn>(wanted), single, diagnostics);
}

DataFile::Place DataFile::place(std::span<const WantedColumn> wanted, std::size_t column,
                                std::int64_t row) const {
  const Contents& c = *contents_;
  if (c.array)
    return {FilePosition{c.path},
            fmt::format("in row {}", row_in_file(*c.array, c.bytes.view(), c.missing, row) + 1)};
  TableRequest request = c.request(wanted);
  FilePosition position =
      cell_place<double>(c.scanner(), c.rows, c.rows_line, request, row, request.columns[column]);
  return {std::move(position), fmt::format("in column `{}`", escaped(wanted[column].header, 60))};
}

std::vector<std::string_view> DataFile::lines() const {
  csv::Scanner scan = contents_->scanner();
  std::vector<std::string_view> lines;
  int ignored = 0;
  const char* p = scan.skip_blank_lines(scan.begin(), ignored);
  while (p != scan.end()) {
    const char* end = scan.skip_row(p, ignored);
    if (!end) end = scan.end();  // read() has told of it
    lines.emplace_back(p, static_cast<std::size_t>(end - p));
    p = scan.skip_blank_lines(scan.skip_line_end(end), ignored);
  }
  return lines;
}

}  // namespace slope
