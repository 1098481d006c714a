// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One pass over the text. A cell is read as a number where it stands, without looking for its end first. Rows
// in which every wanted cell is a plain number followed at once by a separator or line end are read in a
// tight loop; all others, and all faults, go through read_row. Places are worked out only for messages, from
// the start of the row.
#include "runtime/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>
#include <map>
#include <new>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>

#include "base/text.h"
#include "frontend/labels.h"
#include "runtime/number.h"

namespace slope {

FilePosition place_in(const char* from, const char* at, int line, const std::string& path) {
  line += static_cast<int>(csv::count_lines({from, at}));
  const char* start = at;
  while (start > from && start[-1] != '\n' && start[-1] != '\r') --start;
  return {path, line, static_cast<int>(std::min<std::ptrdiff_t>(at - start + 1, INT32_MAX))};
}

Diagnostic unclosed_quote(FilePosition position) {
  Diagnostic d;
  d.code = Code::unclosed_quote;
  d.position = std::move(position);
  d.message = "this quoted cell is never closed";
  d.helps = {"close it with `\"`; a quote inside a quoted cell is written twice"};
  return d;
}

namespace {

constexpr int most_faults = 20;

template <class T>
class TableReader {
 public:
  TableReader(const csv::Scanner& scan, const char* rows, int line, const TableRequest& request)
      : scan_(scan),
        request_(request),
        p_(rows),
        line_(line),
        columns_(static_cast<int>(request.header.size())),
        usual_(request.missing.is_usual()) {}
  std::optional<Table> read(Diagnostics& diagnostics);
  FilePosition place(std::int64_t row, int column);

 private:
  enum class Cell { fine, missing, broken };

  void find_targets();
  void make_room();
  void make_block(std::int64_t rows);
  void flush();
  void read_rows_at_hand();
  void read_plain_rows();
  void read_plain_rows_with_bits();
  template <bool with_labels>
  void read_plain_rows_of();
  template <bool with_labels>
  const char* read_plain_row(const char* p, std::int64_t row);
  void read_row();
  void skip_blank_lines();
  const char* read_plain_cell(const char* p, int column, T& value);
  [[gnu::noinline]] void check_digits(const char* at, std::string_view text, int column, T value);
  Cell read_wanted(const char*& p, int column);
  Cell read_slowly(const char*& p, int column);
  bool read_plain_label(const char* begin, const char* end, int column, std::int64_t row);
  Cell read_label(const char* begin, const char* end, int column);
  bool add_label(std::string_view text, int column, std::int64_t row);
  void bad_label(const char* at, int column, std::string_view text);
  void end_row(const char* end);
  void never_closed(const char* at);
  void wrong_count(const char* at, int found, bool too_many);
  Cell missing(const char* at, int column, std::string_view text);
  void bad(const char* at, int column, std::string_view text);
  void too_large(const char* at, int column, std::string_view text);
  std::string separator_hint() const;
  std::string column_name(int column) const;
  Diagnostic& fault(Code code, const char* at, std::string message);

  const csv::Scanner& scan_;
  const TableRequest& request_;
  const char* rows_;
  const char* p_;  // the start of the row at hand
  int line_;       // its line
  int columns_;
  bool usual_;  // what counts as missing: a call less for each label
  Table table_;
  std::vector<ColumnBuilder<T>> builders_;
  // Rows are read in blocks, small enough to stay in the cache, that the builders then take.
  std::vector<T> block_;
  std::int64_t slots_ = 0;                 // different columns that are wanted
  std::int64_t block_rows_ = 0, row_ = 0;  // room in the block, and rows in it
  std::vector<T*> targets_;                // for each column of the file: its part of the block, or null
  std::vector<T*> label_targets_;          // the same for its labels; empty where none are wanted
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  // The labels of a column of the file, by the order in which they first occur.
  struct Labels {
    std::vector<std::string> texts;
    std::unordered_map<std::string, std::int64_t, Hash, std::equal_to<>> numbers;
  };
  std::vector<Labels> labels_;  // for each column of the file where any are wanted
  std::vector<Diagnostic> faults_;
  struct Lacking {
    std::size_t fault = 0;
    std::int64_t rows = 0;
  };
  std::vector<Lacking> missing_;  // for each column of the file
  std::vector<LostDigits> lost_;  // the same
  const char* last_lost_ = nullptr;
  bool quoted_ = false;   // the row has a quote
  bool lacks_ = false;    // the row is kept though a cell is missing
  bool stopped_ = false;  // nothing more can be, or shall be, told
};

// Where each wanted column goes; the same one, wanted as the same, goes to one place.
template <class T>
void TableReader<T>::find_targets() {
  std::map<std::pair<int, bool>, int> slots;
  for (std::size_t i = 0; i < request_.columns.size(); ++i) {
    std::pair<int, bool> wanted(request_.columns[i], request_.labels[i]);
    table_.slots.push_back(slots.emplace(wanted, static_cast<int>(slots.size())).first->second);
  }
  slots_ = static_cast<std::int64_t>(slots.size());
  missing_.resize(request_.header.size());
  lost_.resize(request_.header.size());
  if (std::ranges::find(request_.labels, true) == request_.labels.end()) return;
  labels_.resize(request_.header.size());
  label_targets_.resize(request_.header.size());
}

template <class T>
void TableReader<T>::make_room() {
  std::int64_t expected = csv::estimate_lines({p_, scan_.end()}) + 1;
  for (std::int64_t slot = 0; slot < slots_; ++slot) builders_.emplace_back(expected);
  make_block(std::min(expected, std::max<std::int64_t>(64, 4096 / std::max<std::int64_t>(slots_, 1))));
}

template <class T>
void TableReader<T>::make_block(std::int64_t rows) {
  block_rows_ = rows;
  block_.resize(static_cast<std::size_t>(block_rows_ * slots_));
  targets_.resize(request_.header.size());
  for (std::size_t i = 0; i < request_.columns.size(); ++i)
    (request_.labels[i] ? label_targets_ : targets_)[static_cast<std::size_t>(request_.columns[i])] =
        block_.data() + table_.slots[i] * block_rows_;
}

template <class T>
void TableReader<T>::flush() {
  for (std::size_t slot = 0; faults_.empty() && slot < builders_.size(); ++slot)
    builders_[slot].append(
        {block_.data() + static_cast<std::int64_t>(slot) * block_rows_, static_cast<std::size_t>(row_)});
  row_ = 0;
}

template <class T>
std::optional<Table> TableReader<T>::read(Diagnostics& diagnostics) {
  find_targets();
  make_room();
  p_ = scan_.skip_blank_lines(p_, line_);
  while (p_ != scan_.end() && !stopped_) {
    if (row_ == block_rows_) flush();
    read_rows_at_hand();
  }
  flush();
  for (std::size_t column = 0; column < missing_.size(); ++column)
    if (const Lacking& m = missing_[column]; m.rows > 1)
      faults_[m.fault].notes.push_back(fmt::format("{} rows {}have no {} in this column", m.rows,
                                                   stopped_ ? "up to here " : "",
                                                   targets_[column] ? "number" : "label"));
  if (faults_.empty() && table_.rows == 0) {
    std::string why = table_.dropped > 0
                          ? fmt::format("no rows are left: a cell is missing in all {}", table_.dropped)
                          : "there are no rows below the header";
    fault(Code::no_rows, p_, why);
    faults_.back().position = FilePosition{request_.path};
  }
  bool good = faults_.empty();
  for (Diagnostic& d : faults_) diagnostics.add(std::move(d));
  if (!good) return {};
  for (auto& builder : builders_) table_.columns.push_back(std::move(builder).finish({}));
  table_.labels.resize(builders_.size());
  table_.lost.resize(builders_.size());
  for (std::size_t i = 0; i < request_.columns.size(); ++i) {
    auto slot = static_cast<std::size_t>(table_.slots[i]),
         column = static_cast<std::size_t>(request_.columns[i]);
    if (request_.labels[i]) table_.labels[slot] = labels_[column].texts;
    else table_.lost[slot] = lost_[column];
  }
  return std::move(table_);
}

// The rows are read one by one, up to the one that is the row of the table.
template <class T>
FilePosition TableReader<T>::place(std::int64_t row, int column) {
  find_targets();
  make_block(1);
  p_ = scan_.skip_blank_lines(p_, line_);
  const char* start = p_;
  int line = line_;
  while (p_ != scan_.end() && table_.rows <= row) {
    start = p_;
    line = line_;
    row_ = 0;
    read_rows_at_hand();
  }
  const char* cell = start;
  for (; column > 0; --column) cell = scan_.skip_cell(cell) + 1;
  return place_in(start, scan_.skip_spaces(cell), line, request_.path);
}

// Whether the text is a whole number without an exponent that is not exactly this number, which stands for
// it.
bool loses_digits(std::string_view text, double value) {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  if (text.find_first_not_of("0123456789") != std::string_view::npos) return false;
  text.remove_prefix(std::min(text.find_first_not_of('0'), text.size()));
  std::uint64_t whole = 0;
  if (auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), whole);
      fault == std::errc())
    return !(std::abs(value) < 0x1p64) || static_cast<std::uint64_t>(std::abs(value)) != whole;
  return fmt::format("{:.0f}", std::abs(value)) != text;
}

// Called for numbers beyond those up to which all whole ones are numbers of the type.
template <class T>
void TableReader<T>::check_digits(const char* at, std::string_view text, int column, T value) {
  if (at <= last_lost_ || !loses_digits(text, value)) return;  // a row may be read again
  last_lost_ = at;
  LostDigits& lost = lost_[static_cast<std::size_t>(column)];
  if (++lost.cells > 1) return;
  lost.first = place_in(p_, at, line_, request_.path);
  lost.text = text;
  lost.value = value;
}

template <class T>
constexpr T exact_up_to = std::is_same_v<T, double> ? T{0x1p53} : T{0x1p24};

// The wanted number at the start of the text, if a stop follows it at once: returns the stop, or null.
template <class T>
[[gnu::always_inline]] inline const char* TableReader<T>::read_plain_cell(const char* p, int column,
                                                                          T& value) {
  const char* end = read_tiny_number(p, scan_.separators(), value);
  if (end && scan_.stops(*end)) return end;
  end = has_many_digits(p) ? read_long_number(p, scan_.end(), value) : read_short_number(p, value);
  if (!end || !scan_.stops(*end)) return nullptr;
  if (!(std::abs(value) < exact_up_to<T>)) [[unlikely]]
    check_digits(p, {p, static_cast<std::size_t>(end - p)}, column, value);
  return end;
}

// A row without quotes in which every wanted cell is a plain number or a label, up to its line end; null for
// others.
template <class T>
template <bool with_labels>
[[gnu::always_inline]] inline const char* TableReader<T>::read_plain_row(const char* p, std::int64_t row) {
  T* const* targets = targets_.data();
  for (int column = 0;; ++p) {
    bool quoted = false;
    [[maybe_unused]] const char* begin = p;
    p = targets[column] ? read_plain_cell(p, column, targets[column][row]) : scan_.skip_cell(p, quoted);
    if (!p || quoted) return nullptr;
    if constexpr (with_labels)
      if (!read_plain_label(begin, p, column, row)) return nullptr;
    if (++column == columns_) return *p == '\n' || (*p == '\r' && p[1] == '\n') ? p : nullptr;
    if (*p != scan_.separator()) return nullptr;
  }
}

// As many rows as the block has room for; stops before one that has to be looked at closely.
template <class T>
template <bool with_labels>
[[gnu::always_inline]] inline void TableReader<T>::read_plain_rows_of() {
  std::int64_t row = row_;
  const char* p = p_;
  while (row < block_rows_) {
    const char* end = read_plain_row<with_labels>(p, row);
    if (!end) break;
    p = end + 1 + (*end == '\r');
    ++row;
  }
  line_ += static_cast<int>(row - row_);
  table_.rows += row - row_;
  row_ = row;
  p_ = p;
  skip_blank_lines();
}

template <class T>
void TableReader<T>::read_plain_rows() {
  if (labels_.empty()) read_plain_rows_of<false>();
  else read_plain_rows_of<true>();
}

// The same loop with shifts that take their distance from any register, of which reading a cell has many: an
// eighth faster. The attribute holds for functions, not for templates: there is one of each type.
#ifdef __x86_64__
#define SLOPE_BITS [[gnu::target("bmi,bmi2")]]
bool has_bits() {
  static const bool has = __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
  return has;
}
#else
#define SLOPE_BITS
constexpr bool has_bits() { return false; }
#endif

template <>
SLOPE_BITS void TableReader<double>::read_plain_rows_with_bits() {
  if (labels_.empty()) read_plain_rows_of<false>();
  else read_plain_rows_of<true>();
}
template <>
SLOPE_BITS void TableReader<float>::read_plain_rows_with_bits() {
  if (labels_.empty()) read_plain_rows_of<false>();
  else read_plain_rows_of<true>();
}
#undef SLOPE_BITS

template <class T>
void TableReader<T>::read_rows_at_hand() {
  if (request_.missing.names_numbers()) skip_blank_lines();  // every number is looked at
  else if (has_bits() && !request_.any_processor) read_plain_rows_with_bits();
  else read_plain_rows();
  if (p_ != scan_.end() && row_ < block_rows_) read_row();
}

template <class T>
void TableReader<T>::skip_blank_lines() {
  if (*p_ == '\n' || *p_ == '\r' || scan_.is_space(*p_)) p_ = scan_.skip_blank_lines(p_, line_);
}

template <class T>
void TableReader<T>::read_row() {
  const char* p = p_;
  bool keep = true;
  lacks_ = false;
  for (int column = 0;; ++p) {
    const char* begin = p;
    if (targets_[static_cast<std::size_t>(column)]) {
      Cell cell = read_wanted(p, column);
      keep = keep && cell == Cell::fine;
      if (cell == Cell::broken || stopped_) return;
    } else {
      const char* end = scan_.skip_cell(p, quoted_);
      if (!end) {
        never_closed(p);
        return;
      }
      p = end;
    }
    if (!labels_.empty() && label_targets_[static_cast<std::size_t>(column)]) {
      keep = keep && read_label(begin, p, column) == Cell::fine;
      if (stopped_) return;
    }
    ++column;
    bool more = *p == scan_.separator() && p != scan_.end();
    if (more && column < columns_) continue;
    if (more || column < columns_) {
      wrong_count(more ? p + 1 : p, column, more);
      return;
    }
    break;
  }
  if (keep && lacks_) table_.missing.push_back(table_.rows);
  if (keep) ++row_, ++table_.rows;
  else ++table_.dropped;
  end_row(p);
}

template <class T>
void TableReader<T>::end_row(const char* end) {
  if (quoted_) line_ += static_cast<int>(csv::count_lines({p_, end}));
  quoted_ = false;
  p_ = scan_.skip_line_end(end);
  ++line_;
  skip_blank_lines();
}

template <class T>
typename TableReader<T>::Cell TableReader<T>::read_wanted(const char*& p, int column) {
  T& value = targets_[static_cast<std::size_t>(column)][row_];
  const char* end = read_plain_cell(p, column, value);
  if (!end) return read_slowly(p, column);
  std::string_view text(p, static_cast<std::size_t>(end - p));
  p = end;
  return request_.missing.has_number(value) ? missing(text.data(), column, text) : Cell::fine;
}

template <class T>
typename TableReader<T>::Cell TableReader<T>::read_slowly(const char*& p, int column) {
  T& value = targets_[static_cast<std::size_t>(column)][row_];
  const char* start = scan_.skip_spaces(p);
  const char* end = scan_.skip_cell(p, quoted_);
  if (!end) {
    never_closed(p);
    return Cell::broken;
  }
  p = end;
  std::string unquoted;
  std::string_view text(start, static_cast<std::size_t>(end - start));
  while (!text.empty() && scan_.is_space(text.back())) text.remove_suffix(1);
  // With anything behind its closing quote the cell is no number; it is shown as it stands.
  if (text.starts_with('"') && text.ends_with('"')) text = unquoted = scan_.text_of(start, end);
  if (request_.missing.has(text)) return missing(start, column, text);
  switch (read_number(text, value)) {
    case Reading::number:
      if (request_.missing.has_number(value)) return missing(start, column, text);
      if (!(std::abs(value) < exact_up_to<T>)) check_digits(start, text, column, value);
      return Cell::fine;
    case Reading::missing:
      if (usual_) return missing(start, column, text);  // -nan
      [[fallthrough]];                                  // NA or nan, where others are missing
    case Reading::bad: bad(start, column, text); return Cell::missing;
    case Reading::too_large: too_large(start, column, text); return Cell::missing;
  }
  return Cell::missing;
}

// The cell as a label, from the text as it stands; false where it has to be looked at closely.
template <class T>
bool TableReader<T>::read_plain_label(const char* begin, const char* end, int column, std::int64_t row) {
  if (!label_targets_[static_cast<std::size_t>(column)]) return true;
  begin = scan_.skip_spaces(begin);
  while (end > begin && scan_.is_space(end[-1])) --end;
  std::string_view text(begin, static_cast<std::size_t>(end - begin));
  bool missing = usual_ ? is_missing(text) : request_.missing.has(text);
  return !missing && add_label(text, column, row);
}

template <class T>
typename TableReader<T>::Cell TableReader<T>::read_label(const char* begin, const char* end, int column) {
  std::string text = scan_.text_of(begin, end);
  begin = scan_.skip_spaces(begin);
  // What stands in quotes is a text, whatever it is.
  bool missing_text = *begin == '"' ? text.empty() : request_.missing.has(text);
  if (missing_text) {
    label_targets_[static_cast<std::size_t>(column)][row_] = -1;
    return missing(begin, column, text);
  }
  if (add_label(text, column, row_)) return Cell::fine;
  bad_label(begin, column, text);
  return Cell::missing;
}

bool is_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    CodePoint point = decode(text, at);
    if (point.value == 0xFFFFFFFF) return false;
    at += static_cast<std::size_t>(point.length);
  }
  return true;
}

// False where there are too many, or the text is not UTF-8.
template <class T>
bool TableReader<T>::add_label(std::string_view text, int column, std::int64_t row) {
  auto at = static_cast<std::size_t>(column);
  Labels& labels = labels_[at];
  auto found = labels.numbers.find(text);
  if (found == labels.numbers.end()) {
    if (std::ssize(labels.texts) == most_classes || !is_utf8(text)) return false;
    found = labels.numbers.emplace(text, std::ssize(labels.texts)).first;
    labels.texts.emplace_back(text);
  }
  label_targets_[at][row] = static_cast<T>(found->second);
  return true;
}

template <class T>
void TableReader<T>::bad_label(const char* at, int column, std::string_view text) {
  if (!is_utf8(text)) {
    fault(Code::bad_cell, at,
          fmt::format("the label `{}` in {} is not UTF-8 text", escaped(text, 40), column_name(column)))
        .helps.push_back("save the file as UTF-8");
    return;
  }
  fault(Code::too_large, at, fmt::format("{} has more than {} labels", column_name(column), most_classes))
      .helps.push_back("is it a column of numbers? They need no `class`; `index` is for whole numbers");
  stopped_ = true;
}

template <class T>
Diagnostic& TableReader<T>::fault(Code code, const char* at, std::string message) {
  Diagnostic d;
  if (const char* first = scan_.skip_spaces(p_); *first == '#' || *first == '%')
    d.helps.push_back(fmt::format(
        "is the line a comment? `comment=\"{}\"` in the data statement leaves such lines out", *first));
  d.code = code;
  d.position = place_in(p_, at, line_, request_.path);
  d.message = std::move(message);
  faults_.push_back(std::move(d));
  if (faults_.size() >= most_faults) stopped_ = true;
  return faults_.back();
}

template <class T>
void TableReader<T>::never_closed(const char* at) {
  faults_.push_back(unclosed_quote(place_in(p_, scan_.skip_spaces(at), line_, request_.path)));
  stopped_ = true;
}

template <class T>
std::string TableReader<T>::column_name(int column) const {
  const std::string& name = request_.header[static_cast<std::size_t>(column)];
  return name.empty() ? fmt::format("column {}", column + 1) : fmt::format("column `{}`", escaped(name, 60));
}

template <class T>
std::string TableReader<T>::separator_hint() const {
  for (auto [c, shown] :
       {std::pair{';', ";"}, std::pair{'\t', "\\t"}, std::pair{',', ","}, std::pair{'|', "|"}})
    if (columns_ == 1 && c != scan_.separator() && request_.header[0].find(c) != std::string::npos)
      return fmt::format("the header looks separated by `{0}`: say `sep=\"{0}\"` in the data statement",
                         shown);
  return "";
}

// The row is left out; the next one is read as usual, so that one fault is told once.
template <class T>
void TableReader<T>::wrong_count(const char* at, int found, bool too_many) {
  const char* end = at;
  if (too_many) end = scan_.skip_row(at, found);
  if (!end) {
    never_closed(at);
    return;
  }
  Diagnostic& d =
      fault(Code::bad_row, at,
            fmt::format("this row has {} cell{}, the header has {}", found, found == 1 ? "" : "s", columns_));
  if (too_many && end == at)
    d.helps.push_back("the row ends with a separator: remove it, or end the header with one too");
  else if (too_many) d.helps.push_back("a cell that contains the separator must stand in quotes");
  if (std::string hint = separator_hint(); !hint.empty()) d.helps.push_back(hint);
  end_row(end);
}

template <class T>
typename TableReader<T>::Cell TableReader<T>::missing(const char* at, int column, std::string_view text) {
  if (request_.missing.rows == Missing::Rows::dropped) return Cell::missing;
  T* number = targets_[static_cast<std::size_t>(column)];
  if (request_.missing.rows == Missing::Rows::kept) {
    if (number) number[row_] = 0;
    lacks_ = true;
    return Cell::fine;
  }
  Lacking& seen = missing_[static_cast<std::size_t>(column)];
  if (++seen.rows > 1) return Cell::missing;
  seen.fault = faults_.size();
  std::string found = text.find_first_not_of(" \t") == std::string_view::npos
                          ? "the cell is empty"
                          : fmt::format("the cell is `{}`", escaped(text, 40));
  fault(Code::missing_cell, at,
        fmt::format("{} in {}: a {} was expected", found, column_name(column), number ? "number" : "label"))
      .helps.push_back("`missing=drop` leaves such rows out");
  return Cell::missing;
}

template <class T>
void TableReader<T>::bad(const char* at, int column, std::string_view text) {
  Diagnostic& d = fault(Code::bad_cell, at,
                        fmt::format("`{}` in {} is not a number", escaped(text, 40), column_name(column)));
  if (std::string hint = number_hint(text); !hint.empty()) d.helps.push_back(hint);
  if (std::string hint = separator_hint(); !hint.empty()) d.helps.push_back(hint);
}

template <class T>
void TableReader<T>::too_large(const char* at, int column, std::string_view text) {
  bool single = sizeof(T) == 4;
  Diagnostic& d =
      fault(Code::cell_too_large, at,
            fmt::format("`{}` in {} is too large: the largest {} number is {}", escaped(text, 40),
                        column_name(column), single ? "f32" : "f64", single ? "3.4e38" : "1.8e308"));
  if (single) d.helps.push_back("`precision f64` holds numbers up to 1.8e308");
}

}  // namespace

template <class T>
std::optional<Table> read_table(const csv::Scanner& scan, const char* rows, int line,
                                const TableRequest& request, Diagnostics& diagnostics) {
  return TableReader<T>(scan, rows, line, request).read(diagnostics);
}

template <class T>
FilePosition cell_place(const csv::Scanner& scan, const char* rows, int line, const TableRequest& request,
                        std::int64_t row, int column) {
  return TableReader<T>(scan, rows, line, request).place(row, column);
}

template FilePosition cell_place<double>(const csv::Scanner&, const char*, int, const TableRequest&,
                                         std::int64_t, int);
template FilePosition cell_place<float>(const csv::Scanner&, const char*, int, const TableRequest&,
                                        std::int64_t, int);
template std::optional<Table> read_table<double>(const csv::Scanner&, const char*, int, const TableRequest&,
                                                 Diagnostics&);
template std::optional<Table> read_table<float>(const csv::Scanner&, const char*, int, const TableRequest&,
                                                Diagnostics&);

}  // namespace slope
