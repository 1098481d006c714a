// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/data.h"

#include <sys/stat.h>

#include <bit>
#include <catch2/catch.hpp>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <random>

#include "base/os.h"
#include "runtime/csv.h"
#include "runtime/gzip.h"
#include "runtime/number.h"
#include "tests/unit/folder.h"

using namespace slope;
using namespace std::string_literals;

namespace {

struct Outcome {
  std::optional<DataFile::Columns> columns;
  Diagnostics diagnostics;

  std::vector<double> values(std::size_t column = 0) const {
    REQUIRE(columns);
    std::vector<double> out;
    for (std::int64_t i = 0; i < columns->rows; ++i) out.push_back(columns->columns.at(column).at(i));
    return out;
  }
  const Diagnostic& fault(std::size_t i = 0) const {
    REQUIRE(!columns);
    return diagnostics.all().at(i);
  }
};

Outcome outcome_of(std::string_view text, std::vector<std::string> names, DataOptions options = {},
                   bool single = false) {
  Folder folder;
  Outcome out;
  auto file = DataFile::open(folder.write("p.csv", text), options, out.diagnostics);
  if (file) out.columns = file->read(names, single, out.diagnostics);
  return out;
}

void expect(const Outcome& out, Code code, int line, int column, std::string_view phrase) {
  const Diagnostic& d = out.fault();
  INFO(render(d, {}));
  CHECK(out.diagnostics.all().size() == 1);
  CHECK(d.code == code);
  REQUIRE(d.position);
  CHECK(d.position->line == line);
  CHECK(d.position->column == column);
  CHECK(render(d, {}).find(phrase) != std::string::npos);
}

using Values = std::vector<double>;

}  // namespace

TEST_CASE("line ends, byte order marks and blank lines", "[data]") {
  std::string_view text =
      GENERATE("x,y\n1,2\n3,4\n", "x,y\n1,2\n3,4", "x,y\r\n1,2\r\n3,4\r\n", "x,y\r1,2\r3,4\r",
               "\xEF\xBB\xBFx,y\n1,2\n3,4\n", "\n\nx,y\n\n1,2\n \t\n3,4\n\n\n", "x,y\r1,2\r3,4",
               "\"x\" , y \n \"1\" ,\t2\n 3 ,4 \n  ");
  Outcome out = outcome_of(text, {"y", "x"});
  CHECK(out.values(0) == Values{2, 4});
  CHECK(out.values(1) == Values{1, 3});
}

TEST_CASE("the forms of a number", "[data]") {
  double infinity = std::numeric_limits<double>::infinity();
  Outcome out =
      outcome_of("x\n1e5\n.5\n5.\n+7\n-0.25\n1E-2\n inf\n-Infinity\nINF\n1e-400\n007\n1e+2\n", {"x"});
  CHECK(out.values() == Values{1e5, .5, 5, 7, -.25, .01, infinity, -infinity, infinity, 0, 7, 100});
}

TEST_CASE("quoted cells", "[data]") {
  std::string text = "name,x\n\"a \"\"b\"\", c\n2\",1\n5\" pipe,2\n\"\",\"3\"\n";
  CHECK(outcome_of(text, {"x"}).values() == Values{1, 2, 3});
  expect(outcome_of(text + "z,bad\n", {"x"}), Code::bad_cell, 6, 3, "`bad` in column `x`");
  expect(outcome_of("n,x\n\"a\nb\",q\n", {"x"}), Code::bad_cell, 3, 4, "`q`");
  expect(outcome_of("n,x\nu,1\n \"never,2\n3,4\n", {"x"}), Code::unclosed_quote, 3, 2, "never closed");
  expect(outcome_of("n,x\nu,1\nu,\"2\n3,4\n", {"x"}), Code::unclosed_quote, 3, 3, "never closed");
  expect(outcome_of("n,\"x\nu,1\n", {"x"}), Code::unclosed_quote, 1, 3, "never closed");
  expect(outcome_of("x\n1,\"2\n", {"x"}), Code::unclosed_quote, 2, 3, "never closed");
  expect(outcome_of("x\n\"1\"2\n", {"x"}), Code::bad_cell, 2, 1, "`\"1\"2`");
}

TEST_CASE("cells that are no numbers", "[data]") {
  struct Case {
    std::string_view cell, phrase;
  };
  auto [cell, phrase] = GENERATE(values<Case>({{"abc", "`abc`"},
                                               {"12abc", "`12abc`"},
                                               {"\"1,5\"", "decimal comma"},
                                               {"\"1,234,567\"", "thousands"},
                                               {"1 000", "thousands"},
                                               {"1.234.567", "thousands"},
                                               {"$5", "currency"},
                                               {"5%", "percent"},
                                               {"--1", "`--1`"},
                                               {"+-1", "`+-1`"},
                                               {"1e5x", "`1e5x`"},
                                               {"1e", "`1e`"},
                                               {".", "`.`"},
                                               {"0x1p3", "decimal"},
                                               {"NULL", "missing"},
                                               {"-", "missing"},
                                               {"\x1b[31m", "`\\x1b[31m`"},
                                               {"=1+1", "`=1+1`"}}));
  std::string text = "a,x\n1,2\n3, " + std::string(cell) + "\n";
  expect(outcome_of(text, {"x"}), Code::bad_cell, 3, 4, phrase);
  CHECK(outcome_of(text, {"a"}).values() == Values{1, 3});  // of no concern where nobody asks
}

TEST_CASE("long cells are cut in messages", "[data]") {
  Outcome out = outcome_of("x\n" + std::string(5000, 'z') + "\n", {"x"});
  CHECK(out.fault().message.size() < 120);
}

TEST_CASE("missing cells", "[data]") {
  std::string_view cell = GENERATE("", "NA", "nan", "NaN", "  ", "\"\"", "-nan");
  std::string text = "x,y\n1,2\n" + std::string(cell) + ",3\n" + std::string(cell) + ",4\n5,6\n";
  Outcome out = outcome_of(text, {"x", "y"});
  expect(out, Code::missing_cell, 3, cell == "  " ? 3 : 1, "`missing=drop`");
  CHECK(out.fault().notes.at(0).find("2 rows") != std::string::npos);
  Outcome dropped = outcome_of(text, {"x", "y"}, {.missing = Missing::dropped()});
  CHECK(dropped.values(0) == Values{1, 5});
  CHECK(dropped.values(1) == Values{2, 6});
  CHECK(dropped.columns->dropped == 2);
  CHECK(outcome_of(text, {"y"}).values() == Values{2, 3, 4, 6});
  expect(outcome_of("x\nNA\n", {"x"}, {.missing = Missing::dropped()}), Code::no_rows, 0, 0,
         "no rows are left");
}

TEST_CASE("cells too large", "[data]") {
  expect(outcome_of("x\n1\n1e400\n", {"x"}), Code::cell_too_large, 3, 1, "1.8e308");
  expect(outcome_of("x\n1\n-1" + std::string(400, '0') + "\n", {"x"}), Code::cell_too_large, 3, 1, "f64");
  expect(outcome_of("x\n1e39\n", {"x"}, {}, true), Code::cell_too_large, 2, 1, "precision f64");
  CHECK(outcome_of("x\n1e39\n0." + std::string(400, '0') + "1\n", {"x"}).values() == Values{1e39, 0});
  CHECK(outcome_of("x\n3.4028235e38\n1e-45\n", {"x"}, {}, true).values() == Values{3.4028235e38f, 1e-45f});
  CHECK(std::signbit(outcome_of("x\n-1e-999999999999999999999\n", {"x"}).values()[0]));
}

TEST_CASE("rows with too few or too many cells", "[data]") {
  expect(outcome_of("x,y\n1,2\n3\n4,5\n", {"x"}), Code::bad_row, 3, 2,
         "this row has 1 cell, the header has 2");
  expect(outcome_of("x,y\n1,2\n3,4,5,6\n", {"x"}), Code::bad_row, 3, 5,
         "this row has 4 cells, the header has 2");
  expect(outcome_of("x,y\n1,2,\n", {"x"}), Code::bad_row, 2, 5, "ends with a separator");
  expect(outcome_of("t,y\na,1\nb\n", {"y"}), Code::bad_row, 3, 2, "this row has 1 cell");
  expect(outcome_of("x;y\n1,5;2\n", {"x;y"}), Code::bad_row, 2, 3, "sep=\";\"");
  CHECK(outcome_of("x;y\n1;2\n", {"y"}, {.separator = ';'}).values() == Values{2});
  CHECK(outcome_of("x\ty\n1\t2\n\t4\n", {"y"}, {.separator = '\t'}).values() == Values{2, 4});
}

TEST_CASE("headers", "[data]") {
  Diagnostics none;
  Folder folder;
  auto file = DataFile::open(folder.write("h.csv", " \"a \"\"b\"\"\" ,,x,x,\xCE\xB8\n1,2,3,4,5\n"), {}, none);
  REQUIRE(file);
  CHECK(file->header() == std::vector<std::string>{"a \"b\"", "", "x", "x", "\xCE\xB8"});
  CHECK(file->path() == folder.path("h.csv"));
  std::vector<std::string> names{"\xCE\xB8", "a \"b\"", "\xCE\xB8"};
  auto columns = file->read(names, false, none);
  REQUIRE(columns);
  CHECK(columns->columns[0].name() == "\xCE\xB8");
  CHECK(columns->columns[0].at(0) == 5);
  CHECK(columns->columns[1].at(0) == 1);
  CHECK(columns->columns[2].at(0) == 5);
  expect(outcome_of("a,x,b,x\n1,2,3,4\n", {"a", "x", "x"}), Code::bad_header, 1, 7, "columns 2 and 4");
  expect(outcome_of("", {"x"}), Code::no_rows, 0, 0, "empty");
  expect(outcome_of("\n \r\n", {"x"}), Code::no_rows, 0, 0, "empty");
  expect(outcome_of("x,y\n", {"x"}), Code::no_rows, 0, 0, "no rows below the header");
}

TEST_CASE("files of other kinds", "[data]") {
  expect(outcome_of("\x93NUMPY\x01", {"x"}), Code::bad_data_file, 0, 0, "NumPy");
  expect(outcome_of("PK\x03\x04", {"x"}), Code::bad_data_file, 0, 0, "spreadsheet");
  expect(outcome_of("\xFF\xFEx\0"s, {"x"}), Code::bad_data_file, 0, 0, "UTF-16");
  expect(outcome_of("x\n1\n2\0003\n"s, {"x"}), Code::bad_data_file, 3, 2, "byte 0");
  Folder folder;
  Diagnostics d;
  CHECK_FALSE(DataFile::open(folder.path(""), {}, d));
  CHECK_FALSE(DataFile::open(folder.path("none.csv"), {}, d));
  CHECK_FALSE(DataFile::open("/dev/zero", {}, d));
  CHECK(d.all()[0].message.find("is a directory") != std::string::npos);
  CHECK(d.all()[1].message.find("No such file") != std::string::npos);
  CHECK(d.all()[2].message.find("is a device") != std::string::npos);
  CHECK(d.exit_code() == exit_code::system);
}

TEST_CASE("at most 20 faults are told", "[data]") {
  std::string text = "x,y\n";
  for (int i = 0; i < 1000; ++i) text += "a,b\n";
  Outcome out = outcome_of(text, {"x", "y"});
  CHECK(!out.columns);
  CHECK(out.diagnostics.errors() == 20);
  CHECK(out.fault(19).position->line == 11);
}

TEST_CASE("several faults, each told once and in order", "[data]") {
  Outcome out = outcome_of("x,y\nq,1\n2\n,3\n4,\"5\n5\"\n1,1,1\n1e999,1\n", {"x", "y"});
  std::vector<Code> codes;
  std::vector<int> lines;
  for (const Diagnostic& d : out.diagnostics.all()) {
    codes.push_back(d.code);
    lines.push_back(d.position->line);
  }
  CHECK(codes == std::vector{Code::bad_cell, Code::bad_row, Code::missing_cell, Code::bad_cell, Code::bad_row,
                             Code::cell_too_large});
  CHECK(lines == std::vector{2, 3, 4, 5, 7, 8});
}

namespace {

constexpr std::uint64_t commas = 0x2C2C2C2C2C2C2C2C;

// As the reader of tables does: the first of the three ways that reads the whole cell.
template <class T>
std::optional<T> read_cell(const std::string& text) {
  std::string cell = text + ",       ";
  T value = 0;
  const char* end = cell.c_str() + text.size();
  if (read_tiny_number(cell.c_str(), commas, value) == end || read_short_number(cell.c_str(), value) == end)
    return value;
  if (read_number(text, value) != Reading::number) return {};
  return value;
}

template <class T>
bool same_bits(T a, T b) {
  return std::memcmp(&a, &b, sizeof a) == 0;
}

void check_nearest(const std::string& text) {
  INFO(text);
  auto value = read_cell<double>(text);
  double expected = std::strtod(text.c_str(), nullptr);
  REQUIRE(value.has_value() == std::isfinite(expected));  // what is too large is told
  if (value) REQUIRE(same_bits(*value, expected));
  auto single = read_cell<float>(text);
  float expected_single = std::strtof(text.c_str(), nullptr);
  REQUIRE(single.has_value() == std::isfinite(expected_single));
  if (single) REQUIRE(same_bits(*single, expected_single));
}

}  // namespace

TEST_CASE("decimals become the nearest number", "[data]") {
  std::mt19937_64 random(1);
  char text[64];
  for (int i = 0; i < 10000; ++i) {
    auto exponent = static_cast<int>(random() % 60) - 30;
    std::snprintf(text, sizeof text, "%.16fe%d", static_cast<double>(random()) * 0x1p-64, exponent);
    check_nearest(text);
    // Near the middle between two floats is where rounding twice goes wrong.
    auto mantissa = static_cast<double>((random() & 0xFFFFFF) | 0x800000) + 0.5;
    std::snprintf(text, sizeof text, "%.*g", 7 + i % 11, std::ldexp(mantissa, i % 40 - 30));
    check_nearest(text);
    std::snprintf(text, sizeof text, "%.*f", i % 12,
                  static_cast<double>(static_cast<std::int64_t>(random())) * 1e-13);
    check_nearest(text);
    // Every double, denormal and huge ones too, with 15 to 20 digits.
    auto any = std::bit_cast<double>(random());
    if (std::isfinite(any)) {
      std::snprintf(text, sizeof text, "%.*e", 14 + i % 6, any);
      check_nearest(text);
    }
  }
  for (const char* special : {"4.9e-324",
                              "2.2250738585072011e-308",
                              "2.4703282292062327e-324",
                              "2.4703282292062328e-324",
                              "9007199254740993",
                              "9007199254740992.9999999",
                              "1.7976931348623157e308",
                              "1.7976931348623159e308",
                              "1.00000017881393421514957253748434595763683319091796875001",
                              "1.000000059604644775390625",
                              "16777217",
                              "16777219",
                              "3.4028235677973366e38",
                              "8.5070591730234616e37",
                              "12345678901234567890123",
                              "-0",
                              "-0.0",
                              "0e5",
                              "-.5",
                              "5.",
                              "0000000000000000000000000001",
                              "1e23",
                              "8.5e22"})
    check_nearest(special);
}

TEST_CASE("middles between two doubles go to the even one, what is beside them to the nearer", "[data]") {
  std::mt19937_64 random(2);
  for (int i = 0; i < 3000; ++i) {
    // An odd integer of 54 bits is such a middle; with a power of two below 0, a decimal of up to 60 digits.
    std::uint64_t middle = (random() >> 10 | std::uint64_t{1} << 53) | 1;
    int power = -(i % 40);
    auto value = static_cast<long double>(middle) * std::ldexp(1.0L, power);  // exact: 54 bits of 64
    char text[128];
    std::snprintf(text, sizeof text, "%.*Lf", -power, value);
    std::string exact = text;
    check_nearest(exact);
    if (exact.find('.') == std::string::npos) exact += ".";
    check_nearest(exact + "0000000000000000000001");
    std::string below = exact;  // one less in the last digit, which is 5 or the middle is an integer
    std::size_t last = below.find_last_not_of('.');
    if (below[last] > '0') --below[last];
    check_nearest(below + "99999999");
  }
}

TEST_CASE("what looks like a short number is one", "[data]") {
  // All that the quick ways accept, std::from_chars accepts too, to the same end and bits.
  std::mt19937_64 random(3);
  auto check = []<class T>(const std::string& text, T) {
    T tiny = 0, brief = 0, full = 0, expected = 0;
    const char *begin = text.c_str(), *stop = begin + text.find(',');
    auto [exact, error] = std::from_chars(begin, stop, expected);
    auto agree = [&, at = exact, fault = error](const char* end, const T& found) {
      if (end != stop) return;  // not a whole cell: others look at it
      INFO(text);
      REQUIRE(fault == std::errc());
      REQUIRE(at == stop);
      REQUIRE(same_bits(found, expected));
    };
    agree(read_tiny_number(begin, commas, tiny), tiny);
    agree(read_short_number(begin, brief), brief);
    agree(read_long_number(begin, begin + text.size(), full), full);
  };
  int whole = 0;
  for (int i = 0; i < 300000; ++i) {
    std::string_view letters = i % 3 ? "0123456789." : "0123456789.-+eE/:;@ \xB0\x7F\x80\xFF";
    std::string text(random() % 10, ' ');
    for (char& c : text) c = letters[random() % letters.size()];
    if (random() % 4 == 0) text = "-" + text;
    text += ",";
    double ignored;
    whole += read_tiny_number((text + "       ").c_str(), commas, ignored) != nullptr;
    text += std::string(16, i % 2 ? '7' : ' ');
    check(text, 0.0);
    check(text, 0.0f);
  }
  CHECK(whole > 50000);  // the test is about something
}

TEST_CASE("the narrowest storage that is exact", "[data]") {
  double infinity = std::numeric_limits<double>::infinity();
  struct Case {
    Values values;
    Storage storage, single;
  };
  auto c = GENERATE_REF(values<Case>({{{0, 1, 255}, Storage::u8, Storage::u8},
                                      {{}, Storage::u8, Storage::u8},
                                      {{0, 256}, Storage::i16, Storage::i16},
                                      {{-1}, Storage::i16, Storage::i16},
                                      {{-32768, 32767}, Storage::i16, Storage::i16},
                                      {{32768}, Storage::i32, Storage::f32},
                                      {{-2147483648.0, 2147483647}, Storage::i32, Storage::f64},
                                      {{2147483648.0}, Storage::f32, Storage::f32},
                                      {{0, -0.0}, Storage::f32, Storage::f32},
                                      {{0.5, infinity, -infinity, std::nan("")}, Storage::f32, Storage::f32},
                                      {{0.1}, Storage::f64, Storage::f64},
                                      {{16777217.5}, Storage::f64, Storage::f64},
                                      {{1e300}, Storage::f64, Storage::f64},
                                      {{5e-324}, Storage::f64, Storage::f64}}));
  Column column = make_column("x", c.values, false);
  CHECK(column.storage() == c.storage);
  for (std::size_t i = 0; i < c.values.size(); ++i) {
    double back = column.at(static_cast<std::int64_t>(i));
    CHECK((back == c.values[i] || (std::isnan(back) && std::isnan(c.values[i]))));
    CHECK(std::signbit(back) == std::signbit(c.values[i]));
  }
  if (c.single != Storage::f64) CHECK(make_column("x", c.values, true).storage() == c.single);
}

TEST_CASE("a read column keeps minus zero and is as narrow as can be", "[data]") {
  Outcome out = outcome_of("a,b,c,d\n1,-0,300,0.1\n2,1,-7,0.2\n", {"a", "b", "c", "d"});
  REQUIRE(out.columns);
  CHECK(out.columns->columns[0].storage() == Storage::u8);
  CHECK(out.columns->columns[1].storage() == Storage::f32);
  CHECK(std::signbit(out.columns->columns[1].at(0)));
  CHECK(out.columns->columns[2].storage() == Storage::i16);
  CHECK(out.columns->columns[3].storage() == Storage::f64);
  Outcome single = outcome_of("d\n0.1\n", {"d"}, {}, true);
  CHECK(single.columns->columns[0].storage() == Storage::f32);
  CHECK(single.values() == Values{0.1f});
}

TEST_CASE("columns are aligned and padded with zeros", "[data]") {
  std::int64_t rows = GENERATE(0, 1, 63, 64, 65, 200);
  double value = GENERATE(7.0, 300.0, 70000.0, 0.5, 0.1);
  Column column = make_column("x", Values(static_cast<std::size_t>(rows), value), false);
  CHECK(column.rows() == rows);
  CHECK(reinterpret_cast<std::uintptr_t>(column.data()) % 64 == 0);
  std::size_t cell = size_of(column.storage());
  auto used = static_cast<std::size_t>(rows) * cell,
       all = static_cast<std::size_t>((rows + 63) / 64 * 64) * cell;
  std::string zeros(all - used, '\0');
  CHECK(std::memcmp(static_cast<const char*>(column.data()) + used, zeros.data(), zeros.size()) == 0);
}

TEST_CASE("columns are narrow whatever the order of their cells", "[data]") {
  // Longer than a block, the cell that needs more room in the first, a middle or the last one.
  std::size_t rows = 40000, at = GENERATE(0u, 20000u, 39999u);
  struct Case {
    double most, odd;
    Storage storage;
  };
  auto c = GENERATE(values<Case>({{250, 7, Storage::u8},
                                  {250, -1, Storage::i16},
                                  {250, 70000, Storage::i32},
                                  {30000, 2147483647, Storage::i32},
                                  {30000, 0.5, Storage::f32},
                                  {70000, 0.5, Storage::f32},
                                  {16777217, 0.5, Storage::f64},
                                  {250, 0.1, Storage::f64},
                                  {250, -0.0, Storage::f32}}));
  Values cells;
  std::string text = "a,x\n";
  for (std::size_t i = 0; i < rows; ++i) {
    cells.push_back(i == at ? c.odd : c.most - static_cast<double>(i % 100));
    char line[64];
    std::snprintf(line, sizeof line, "z,%.17g\n", cells.back());
    text += line;
  }
  Outcome out = outcome_of(text, {"x"});
  REQUIRE(out.columns);
  CHECK(out.columns->columns[0].storage() == c.storage);
  CHECK(out.values() == cells);
}

TEST_CASE("a line is counted once wherever a block of bytes ends", "[data]") {
  std::mt19937_64 random(4);
  for (std::size_t size : {0u, 1u, 127u, 128u, 129u, 255u, 256u, 257u, 5000u}) {
    std::string text(size, 'a');
    for (char& c : text) c = "\r\na"[random() % 3];
    std::int64_t expected = 0;
    for (std::size_t i = 0; i < size; ++i)
      expected += text[i] == '\r' || (text[i] == '\n' && (i == 0 || text[i - 1] != '\r'));
    CHECK(csv::count_lines(text) == expected);
  }
}

TEST_CASE("lines of a large text are estimated from parts of it", "[data]") {
  std::mt19937_64 random(5);
  std::string text;
  while (text.size() < 3'000'000) text += std::string(random() % 40, 'a') + "\n";
  auto exact = static_cast<double>(csv::count_lines(text));
  auto estimate = static_cast<double>(csv::estimate_lines(text));
  CHECK(estimate > exact);
  CHECK(estimate < 1.1 * exact);
  std::string small = text.substr(0, 200'000);
  CHECK(csv::estimate_lines(small) == csv::count_lines(small));
}

TEST_CASE("a column may become longer than was expected, at any time", "[data]") {
  std::int64_t expected = GENERATE(1, 64, 65, 1000);
  ColumnBuilder<double> builder(expected);
  std::vector<double> cells;
  for (std::int64_t block = 0; block < 40; ++block) {
    // Bytes, then wider and wider, with blocks of all lengths.
    std::vector<double> more;
    for (std::int64_t i = 0; i < 1 + block * 7 % 90; ++i)
      more.push_back(block < 10   ? static_cast<double>(i)
                     : block < 20 ? -300.0 * static_cast<double>(i)
                                  : 0.1);
    builder.append(more);
    cells.insert(cells.end(), more.begin(), more.end());
  }
  Column column = std::move(builder).finish("c");
  REQUIRE(column.rows() == std::ssize(cells));
  for (std::int64_t i = 0; i < column.rows(); ++i)
    REQUIRE(column.at(i) == cells[static_cast<std::size_t>(i)]);
}

TEST_CASE("a file whose rows are where no estimate looks is read whole", "[data]") {
  // Large cells where parts are looked at, short rows between them.
  const std::size_t last = 63, apart = 20'000, before = 2000, part = 4096;
  std::string text = "x,y\n";
  std::int64_t rows = 0;
  for (std::size_t i = 0; i <= last; ++i) {
    while (text.size() + before < i * apart) text += std::to_string(++rows) + ",1\n";
    std::size_t end = i * apart + (i == last ? part : 2 * part);
    text += std::to_string(++rows) + "," + std::string(end - text.size() - 10, '0') + "1\n";
  }
  REQUIRE(csv::estimate_lines(text) < rows / 2);
  Outcome out = outcome_of(text, {"x", "y"});
  std::vector<double> x = out.values();
  REQUIRE(std::ssize(x) == rows);
  for (std::size_t i = 0; i < x.size(); ++i) REQUIRE(x[i] == static_cast<double>(i + 1));
}

TEST_CASE("gzip: every member, no byte more than the limit, nothing damaged", "[data]") {
  // Made by Python's gzip.compress(b"x\n1\n2\n", mtime=0).
  std::string packed =
      "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xab\xe0\x32\xe4\x32\xe2\x02\x00\xd3\x91\xa6\x54\x06\x00\x00\x00"s;
  auto unpacked = [](std::string_view from, std::size_t limit) {
    os::Bytes bytes;
    os::Status error = unpack_gzip(from, "p.gz", limit, bytes);
    return error ? (error->too_large ? "too large" : error->reason) : std::string(bytes.view());
  };
  std::size_t large = std::size_t{1} << 40;
  CHECK(unpacked(packed, large) == "x\n1\n2\n");
  CHECK(unpacked(packed + packed, large) == "x\n1\n2\nx\n1\n2\n");
  CHECK(unpacked(packed, 6) == "x\n1\n2\n");
  CHECK(unpacked(packed, 5) == "too large");
  CHECK(unpacked(packed + packed, 11) == "too large");
  for (std::size_t cut = 2; cut < packed.size(); ++cut)
    CHECK(unpacked(packed.substr(0, cut), large).find("cut off") != std::string::npos);
  for (std::size_t i = 2; i < packed.size(); ++i) {
    // Time, flags of the compressor, system, bits behind the last block: no matter.
    if ((i >= 4 && i < 10) || i == 17) continue;
    std::string damaged = packed;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
    INFO(i);
    CHECK(unpacked(damaged, large).find("compressed with gzip, but ") == 0);
  }
}

TEST_CASE("the input lines as they stand", "[data]") {
  Folder folder;
  Diagnostics d;
  auto file = DataFile::open(folder.write("l.csv", "\xEF\xBB\xBFx,n\r\n\r\n1,\"a\nb\"\r\n \n 2 ,c"), {}, d);
  REQUIRE(file);
  CHECK(file->lines() == std::vector<std::string_view>{"x,n", "1,\"a\nb\"", " 2 ,c"});
}

TEST_CASE("reads that are short, interrupted or fail", "[data]") {
  Folder folder;
  std::string path = folder.write("r.csv", "x\n1\n22\n333\n");
  static int calls;
  calls = 0;
  os::set_fault_hook([](std::string_view call) { return call != "read" ? 0 : ++calls % 2 ? EINTR : -1; });
  Diagnostics d;
  auto file = DataFile::open(path, {}, d);
  os::set_fault_hook([](std::string_view call) { return call == "read" ? EIO : 0; });
  auto none = DataFile::open(path, {}, d);
  os::set_fault_hook(nullptr);
  REQUIRE(file);
  CHECK(file->lines().size() == 4);
  CHECK_FALSE(none);
  CHECK(d.all().at(0).code == Code::cannot_open);
  CHECK(d.all().at(0).message.find("Input/output error") != std::string::npos);
  os::Bytes bytes;
  os::Status large = os::read_file(path, 5, bytes);
  REQUIRE(large);
  CHECK(large->too_large);
}

TEST_CASE("a file that changes while it is read is told", "[data]") {
  static Folder folder;
  std::string text = "x\n";
  for (int i = 0; i < 1000; ++i) text += "123\n";
  static std::string path;
  path = folder.write("c.csv", text);
  std::uintmax_t size = GENERATE(100u, 10000u);
  static std::uintmax_t changed;
  changed = size;
  // Once the size is known and before the first byte is read.
  os::set_fault_hook([](std::string_view call) {
    if (call == "read") std::filesystem::resize_file(path, changed);
    return 0;
  });
  os::Bytes bytes;
  os::Status error = os::read_file(path, 1 << 20, bytes);
  os::set_fault_hook(nullptr);
  REQUIRE(error);
  CHECK(error->message().find("the file changed while it was read") != std::string::npos);
}
