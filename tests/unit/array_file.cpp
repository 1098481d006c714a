// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/array_file.h"

#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "runtime/data.h"
#include "runtime/idx.h"
#include "runtime/npy.h"
#include "tests/unit/folder.h"

using namespace slope;
using namespace std::string_literals;

namespace {

using Values = std::vector<double>;
using Axes = std::vector<std::int64_t>;

// A file of version 1, its header not padded.
std::string npy_file(const std::string& type, const std::string& shape, const std::string& elements,
                     bool fortran = false) {
  std::string header = "{'descr': '" + type + "', 'fortran_order': " + (fortran ? "True" : "False") +
                       ", 'shape': " + shape + ", }\n";
  return "\x93NUMPY\x01\0"s + static_cast<char>(header.size()) + '\0' + header + elements;
}

std::string idx_file(char type, std::initializer_list<unsigned char> sizes, const std::string& elements) {
  std::string out{"\0\0"s + type + static_cast<char>(sizes.size())};
  for (unsigned char n : sizes) out += "\0\0\0"s + static_cast<char>(n);
  return out + elements;
}

// The bytes of numbers as they lie in memory, which is little-endian, or the other way round.
template <class E>
std::string bytes_of(std::initializer_list<E> numbers, bool big = false) {
  std::string out;
  for (E number : numbers) {
    char bytes[sizeof(E)];
    std::memcpy(bytes, &number, sizeof(E));
    if (big) std::reverse(bytes, bytes + sizeof(E));
    out.append(bytes, sizeof(E));
  }
  return out;
}

struct Outcome {
  std::optional<DataFile::Columns> read;
  Diagnostics diagnostics;
  const Column& column() const {
    REQUIRE(read);
    return read->columns.at(0);
  }
  Values values() const {
    Values out;
    for (std::int64_t row = 0; row < column().rows(); ++row)
      for (std::int64_t k = 0; k < column().elements(); ++k) out.push_back(column().at(row, k));
    return out;
  }
};

Outcome read(const std::string& bytes, bool single = false, bool labels = false, DataOptions options = {}) {
  Folder folder;
  Outcome out;
  auto file = DataFile::open(folder.write("array", bytes), options, out.diagnostics);
  std::vector<WantedColumn> wanted{{"", labels}};
  if (file && !file->array()) out.diagnostics.error(Code::bad_data_file, "no array");
  else if (file) out.read = file->read(std::span<const WantedColumn>(wanted), single, out.diagnostics);
  return out;
}

}  // namespace

TEST_CASE("every type of element, in both orders of bytes", "[array]") {
  bool big = GENERATE(false, true);
  std::string order = big ? ">" : "<";
  auto check = [&]<class E>(const std::string& type, std::initializer_list<E> numbers) {
    INFO(order + type);
    Values expected(numbers.begin(), numbers.end());
    CHECK(read(npy_file(order + type, "(3,)", bytes_of(numbers, big))).values() == expected);
  };
  check("u1", std::initializer_list<std::uint8_t>{0, 7, 255});
  check("i1", std::initializer_list<std::int8_t>{-128, 0, 127});
  check("u2", std::initializer_list<std::uint16_t>{0, 258, 65535});
  check("i2", std::initializer_list<std::int16_t>{-32768, 258, 32767});
  check("u4", std::initializer_list<std::uint32_t>{0, 16909060, 4294967295});
  check("i4", std::initializer_list<std::int32_t>{INT32_MIN, 16909060, INT32_MAX});
  check("u8", std::initializer_list<std::uint64_t>{0, 72623859790382856, std::uint64_t{1} << 63});
  check("i8", std::initializer_list<std::int64_t>{INT64_MIN, -3, std::int64_t{1} << 53});
  check("f4", std::initializer_list<float>{-1.5f, 3e-39f, std::numeric_limits<float>::infinity()});
  check("f8", std::initializer_list<double>{0.1, -1e308, 5e-324});
  CHECK(read(npy_file("|b1", "(3,)", "\0\1\2"s)).values() == Values{0, 1, 1});
}

TEST_CASE("the types of IDX, big-endian", "[array]") {
  CHECK(read(idx_file(0x08, {2}, "\x01\xFF")).values() == Values{1, 255});
  CHECK(read(idx_file(0x09, {2}, "\x01\xFF")).values() == Values{1, -1});
  CHECK(read(idx_file(0x0B, {2}, "\x01\x02\xFF\xFE")).values() == Values{258, -2});
  CHECK(read(idx_file(0x0C, {1}, "\x01\x02\x03\x04")).values() == Values{16909060});
  CHECK(read(idx_file(0x0D, {1}, "\x3F\xC0\0\0"s)).values() == Values{1.5});
  CHECK(read(idx_file(0x0E, {1}, "\x3F\xF8\0\0\0\0\0\0"s)).values() == Values{1.5});
}

TEST_CASE("rows first, row-major, whatever the order in the file", "[array]") {
  // a[r][i][j] = 100 r + 10 i + j of shape (2, 2, 3)
  Values expected{0, 1, 2, 10, 11, 12, 100, 101, 102, 110, 111, 112};
  std::string c = bytes_of<std::uint8_t>({0, 1, 2, 10, 11, 12, 100, 101, 102, 110, 111, 112});
  std::string fortran = bytes_of<std::uint8_t>({0, 100, 10, 110, 1, 101, 11, 111, 2, 102, 12, 112});
  for (const std::string& file :
       {npy_file("|u1", "(2, 2, 3)", c), npy_file("|u1", "(2, 2, 3)", fortran, true),
        npy_file("|i1", "(2,2,3)", c), idx_file(0x08, {2, 2, 3}, c)}) {
    Outcome out = read(file);
    CHECK(out.values() == expected);
    CHECK(out.column().rows() == 2);
    CHECK(out.column().elements() == 6);
    CHECK(out.column().storage() == Storage::u8);
    CHECK(read(file, true).column().storage() == Storage::u8);
  }
}

TEST_CASE("numbers are rounded once, to f32 too", "[array]") {
  // 1 + 2^-24 + 2^-53 is above the midpoint of 1 and the next float.
  double above = 1 + 0x1p-24 + 0x1p-52;
  CHECK(read(npy_file("<f8", "(2,)", bytes_of({above, 1 + 0x1p-24})), true).values() ==
        Values{1 + 0x1p-23, 1});
  // 2^60 + 2^36 + 1 as a double is the midpoint of two floats.
  std::int64_t large = (std::int64_t{1} << 60) + (std::int64_t{1} << 36) + 1;
  CHECK(read(npy_file("<i8", "(1,)", bytes_of({large})), true).values() == Values{0x1p60 + 0x1p37});
  Outcome out = read(npy_file("<f8", "(1,)", bytes_of({1e39})), true);
  REQUIRE(out.diagnostics.has_errors());
  CHECK(out.diagnostics.all()[0].code == Code::cell_too_large);
}

TEST_CASE("rows with a NaN are an error, or left out", "[array]") {
  float nan = std::numeric_limits<float>::quiet_NaN();
  std::string file = npy_file("<f4", "(4, 2)", bytes_of<float>({1, 2, nan, 3, 4, 5, 6, nan}));
  Outcome refused = read(file);
  CHECK_FALSE(refused.read);
  CHECK(refused.diagnostics.all().at(0).code == Code::missing_cell);
  CHECK(refused.diagnostics.all().at(0).message.find("row 2") != std::string::npos);
  Outcome dropped = read(file, false, false, {.missing = Missing::dropped()});
  CHECK(dropped.values() == Values{1, 2, 4, 5});
  CHECK(dropped.read->dropped == 2);
  Outcome none =
      read(npy_file("<f4", "(1,)", bytes_of({nan})), false, false, {.missing = Missing::dropped()});
  CHECK(none.diagnostics.all().at(0).code == Code::no_rows);
}

TEST_CASE("a place in an array counts the rows of the file", "[array]") {
  Folder folder;
  Diagnostics none;
  float nan = std::numeric_limits<float>::quiet_NaN();
  std::string bytes = npy_file("<f4", "(4,)", bytes_of<float>({nan, 1, nan, 2}));
  auto file = DataFile::open(folder.write("a", bytes), {.missing = Missing::dropped()}, none);
  REQUIRE(file);
  std::vector<WantedColumn> wanted{{}};
  CHECK(file->place(wanted, 0, 0).words == "in row 2");
  CHECK(file->place(wanted, 0, 1).words == "in row 4");
}

TEST_CASE("labels of an array are its numbers, in the order in which they occur", "[array]") {
  Outcome whole = read(npy_file("<i8", "(4,)", bytes_of<std::int64_t>({7, INT64_MAX, -1, 7})), true, true);
  CHECK(whole.values() == Values{0, 1, 2, 0});
  CHECK(whole.read->labels.at(0) == std::vector<std::string>{"7", "9223372036854775807", "-1"});
  Outcome floats = read(npy_file("<f4", "(3,)", bytes_of({0.1f, -0.0f, 0.0f})), false, true);
  CHECK(floats.values() == Values{0, 1, 1});
  CHECK(floats.read->labels.at(0) == std::vector<std::string>{"0.1", "0"});
  CHECK(read(idx_file(0x08, {3}, "\3\0\3"s), false, true).values() == Values{0, 1, 0});
}

TEST_CASE("what is written as NPY reads back to the bit", "[array]") {
  Values values{0.1, -0.0, 1e300, 5e-324, 2, 3};
  for (Axes axes : {Axes{6}, Axes{2, 3}, Axes{1, 2, 3}}) {
    std::string file = npy(values, axes, false);
    CHECK((file.size() - 6 * 8) % 64 == 0);
    Outcome out = read(file);
    REQUIRE(out.read);
    CHECK(out.column().rows() == axes[0]);
    Values back = out.values();
    for (std::size_t i = 0; i < values.size(); ++i)
      CHECK(std::bit_cast<std::uint64_t>(back[i]) == std::bit_cast<std::uint64_t>(values[i]));
  }
  CHECK(read(npy(Values{0.5, 0.25}, Axes{2}, true)).values() == Values{0.5, 0.25});
  CHECK(npy(Values{1}, Axes{1}, true).find("'descr': '<f4', 'fortran_order': False, 'shape': (1,), }") == 11);
}

TEST_CASE("no beginning of an array file is taken for a whole one", "[array]") {
  std::string good =
      GENERATE(npy_file("<f8", "(2, 3)", std::string(48, '\1')), idx_file(0x08, {2, 2}, "\1\2\3\4"));
  REQUIRE(read(good).read);
  for (std::size_t length = 0; length < good.size(); ++length) {
    Outcome out = read(good.substr(0, length));
    CHECK_FALSE(out.read);
    CHECK(out.diagnostics.has_errors());
  }
}

TEST_CASE("damaged headers are read or refused, never believed", "[array]") {
  std::mt19937 random(1);
  std::string good = GENERATE(npy_file("<f8", "(2, 3)", std::string(48, '\1')),
                              idx_file(0x0D, {2, 2}, std::string(16, '\1')));
  std::size_t header = good.size() - (good[0] == '\0' ? 16 : 48);
  for (int i = 0; i < 3000; ++i) {
    std::string bytes = good;
    for (int k = 0; k < 3; ++k) bytes[random() % header] = static_cast<char>(random());
    Outcome out = read(bytes);
    if (out.read && !out.read->columns.empty())
      CHECK(out.column().cells() * 1 <= static_cast<std::int64_t>(good.size()));
    else CHECK(out.diagnostics.has_errors());
  }
}

TEST_CASE("headers that speak of more than memory end with 6", "[array]") {
  for (const char* shape : {"(4611686018427387904,)", "(9223372036854775807, 2)",
                            "(99999999999999999999999,)", "(2147483648, 2147483648, 2147483648)"}) {
    Outcome out = read(npy_file("<f8", shape, ""));
    REQUIRE(out.diagnostics.has_errors());
    CHECK(out.diagnostics.exit_code() == 6);
  }
}
