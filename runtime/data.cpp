// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/data.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <new>
#include <unordered_map>

#include "base/os.h"
#include "base/text.h"
#include "runtime/csv.h"
#include "runtime/table.h"

namespace slope {

namespace {

constexpr std::int64_t cells_together = 64;

std::size_t bytes_of(Storage storage, std::int64_t rows) {
  std::int64_t cells =
      std::max<std::int64_t>(1, (rows + cells_together - 1) / cells_together) * cells_together;
  return static_cast<std::size_t>(cells) * size_of(storage);
}

template <class Out, class In>
void convert(std::span<const In> values, void* to) {
  auto* out = static_cast<Out*>(to);
  for (std::size_t i = 0; i < values.size(); ++i) out[i] = static_cast<Out>(values[i]);
}

// The narrowest of those that hold every value exactly. Of two of one size the integer comes first, except
// for floats, which as f32 need no conversion.
template <class T>
Storage narrowest(std::span<const T> values) {
  T low = 0, high = 0;
  bool integers = true;
  for (T v : values) {
    integers = v >= T{-2147483648.0} && v < T{2147483648.0} &&
               static_cast<T>(static_cast<std::int32_t>(v)) == v && !(v == 0 && std::signbit(v));
    if (!integers) break;
    low = std::min(low, v);
    high = std::max(high, v);
  }
  if (integers && low >= 0 && high <= 255) return Storage::u8;
  if (integers && low >= -32768 && high <= 32767) return Storage::i16;
  if (sizeof(T) == 4) return Storage::f32;
  if (integers) return Storage::i32;
  auto fits = [](T v) {
    // A conversion of what is too large for a float would be undefined.
    bool small = std::abs(v) <= T{3.4028234663852886e38};
    return small ? static_cast<T>(static_cast<float>(v)) == v : !std::isfinite(v);
  };
  return std::all_of(values.begin(), values.end(), fits) ? Storage::f32 : Storage::f64;
}

template <class T>
Column narrowed(std::string name, std::span<const T> values, Storage storage) {
  Column column(std::move(name), storage, static_cast<std::int64_t>(values.size()));
  switch (storage) {
    case Storage::u8: convert<std::uint8_t>(values, column.data()); break;
    case Storage::i16: convert<std::int16_t>(values, column.data()); break;
    case Storage::i32: convert<std::int32_t>(values, column.data()); break;
    case Storage::f32: convert<float>(values, column.data()); break;
    case Storage::f64: convert<double>(values, column.data()); break;
  }
  return column;
}

}  // namespace

void Column::Free::operator()(void* p) const { std::free(p); }

Column::Column(std::string name, Storage storage, std::int64_t rows)
    : name_(std::move(name)), storage_(storage), rows_(rows) {
  std::size_t size = bytes_of(storage, rows);
  bytes_.reset(std::aligned_alloc(64, size));
  if (!bytes_) throw std::bad_alloc();
  std::size_t used = static_cast<std::size_t>(rows) * size_of(storage);
  std::memset(static_cast<char*>(bytes_.get()) + used, 0, size - used);
}

double Column::at(std::int64_t row) const {
  auto i = static_cast<std::size_t>(row);
  switch (storage_) {
    case Storage::u8: return static_cast<const std::uint8_t*>(data())[i];
    case Storage::i16: return static_cast<const std::int16_t*>(data())[i];
    case Storage::i32: return static_cast<const std::int32_t*>(data())[i];
    case Storage::f32: return static_cast<const float*>(data())[i];
    case Storage::f64: return static_cast<const double*>(data())[i];
  }
  return 0;
}

Column make_column(std::string name, std::span<const double> values, bool single) {
  Storage storage = narrowest(values);
  if (single && storage == Storage::i32) storage = Storage::f32;
  return narrowed(std::move(name), values, storage);
}

struct DataFile::Contents {
  std::string path;
  DataOptions options;
  os::Bytes bytes;
  std::string_view text;  // without a byte order mark
  std::vector<std::string> header;
  std::vector<const char*> header_cells;  // where each begins
  const char* rows = nullptr;             // behind the header
  int rows_line = 1;

  csv::Scanner scanner() const { return {text, options.separator}; }
  bool check_form(Diagnostics& diagnostics) const;
  bool read_header(Diagnostics& diagnostics);
  FilePosition place(const char* at) const;
  std::optional<std::vector<int>> columns_of(std::span<const std::string> names,
                                             Diagnostics& diagnostics) const;
  template <class T>
  std::optional<DataFile::Columns> read(std::span<const std::string> names, Diagnostics&) const;
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
      {"\x1F\x8B"sv, "is compressed with gzip: unpack it with gunzip first"},
      {"PK\x03\x04"sv, "is a ZIP archive or a spreadsheet (.xlsx): export it as CSV"},
      {"\x93NUMPY"sv, "is a NumPy array: this version reads CSV only, save it with numpy.savetxt"},
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
      {"\0\0\x08"sv, "is an IDX array: this version reads CSV only"},
  };
  for (const auto& [magic, form] : known)
    if (bytes.starts_with(magic)) return form;
  return {};
}

}  // namespace

bool DataFile::Contents::check_form(Diagnostics& diagnostics) const {
  std::string_view form = form_of(bytes.view());
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
    if (*p != options.separator) break;
  }
  rows_line += csv::count_lines({start, p}) + 1;
  rows = scan.skip_line_end(p);
  return true;
}

// The number of the header's cell for each name.
std::optional<std::vector<int>> DataFile::Contents::columns_of(std::span<const std::string> names,
                                                               Diagnostics& diagnostics) const {
  std::unordered_map<std::string_view, int> first, second;
  for (std::size_t i = 0; i < header.size(); ++i)
    if (!first.emplace(header[i], static_cast<int>(i)).second) second.emplace(header[i], static_cast<int>(i));
  std::vector<int> columns;
  bool good = true;
  for (const std::string& name : names) {
    auto found = first.find(name);
    if (found == first.end()) internal_error("column `" + name + "` was asked for, but the header lacks it");
    columns.push_back(found->second);
    auto again = second.find(name);
    if (again == second.end()) continue;
    auto& d = diagnostics.add(
        data_error(Code::bad_header, place(header_cells[static_cast<std::size_t>(again->second)]),
                   fmt::format("two columns are named `{}`: columns {} and {}", escaped(name, 60),
                               found->second + 1, again->second + 1)));
    d.helps.push_back("rename one of them in the file's header");
    second.erase(again);  // told once
    good = false;
  }
  if (!good) return {};
  return columns;
}

template <class T>
std::optional<DataFile::Columns> DataFile::Contents::read(std::span<const std::string> names,
                                                          Diagnostics& diagnostics) const {
  auto columns = columns_of(names, diagnostics);
  if (!columns) return {};
  TableRequest request{path, header, *columns, options.separator, options.drop_missing};
  auto table = read_table<T>(csv::Scanner(text, options.separator), rows, rows_line, request, diagnostics);
  if (!table) return {};
  DataFile::Columns result;
  result.rows = table->rows;
  result.dropped = table->dropped;
  std::unordered_map<int, std::size_t> last_use;  // a column may be asked for twice
  for (std::size_t i = 0; i < names.size(); ++i) last_use[(*columns)[i]] = i;
  for (std::size_t i = 0; i < names.size(); ++i) {
    auto& values =
        table->values[static_cast<std::size_t>(table->slots[static_cast<std::size_t>((*columns)[i])])];
    std::span<const T> span(values.get(), static_cast<std::size_t>(table->rows));
    result.columns.push_back(narrowed(names[i], span, narrowest(span)));
    if (last_use[(*columns)[i]] == i) values.reset();
  }
  return result;
}

DataFile::DataFile() : contents_(std::make_unique<Contents>()) {}
DataFile::DataFile(DataFile&&) noexcept = default;
DataFile& DataFile::operator=(DataFile&&) noexcept = default;
DataFile::~DataFile() = default;

const std::string& DataFile::path() const { return contents_->path; }
const std::vector<std::string>& DataFile::header() const { return contents_->header; }

std::optional<DataFile> DataFile::open(const std::string& path, const DataOptions& options,
                                       Diagnostics& diagnostics) {
  DataFile file;
  Contents& contents = *file.contents_;
  contents.path = path == "-" ? "standard input" : path;
  contents.options = options;
  if (os::Status error = os::read_file(path, os::memory_limit(), contents.bytes)) {
    diagnostics.error(error->too_large ? Code::too_large : Code::cannot_open, error->message());
    return {};
  }
  contents.text = contents.bytes.view();
  if (contents.text.starts_with("\xEF\xBB\xBF")) contents.text.remove_prefix(3);
  if (!contents.check_form(diagnostics) || !contents.read_header(diagnostics)) return {};
  return file;
}

std::optional<DataFile::Columns> DataFile::read(std::span<const std::string> names, bool single,
                                                Diagnostics& diagnostics) const {
  return single ? contents_->read<float>(names, diagnostics) : contents_->read<double>(names, diagnostics);
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
