// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/table.h"

#include <fmt/format.h>

#include <bit>
#include <catch2/catch.hpp>
#include <charconv>
#include <cmath>
#include <random>

using namespace slope;

namespace {

struct Read {
  std::optional<Table> table;
  Diagnostics diagnostics;
};

// Columns a (numbers), b (labels) and c (numbers) of a text whose first line is this header.
template <class T>
Read read(const std::string& rows, bool any_processor) {
  const std::vector<std::string> header{"a", "b", "c"};
  const std::string text = rows + std::string(16, '\0');
  csv::Scanner scan(std::string_view(text).substr(0, rows.size()), ',');
  TableRequest request{"p.csv", header, {0, 1, 2}, {false, true, false}, Missing::dropped(), any_processor};
  Read out;
  out.table = read_table<T>(scan, text.data(), 2, request, out.diagnostics);
  return out;
}

std::string cell(std::mt19937_64& random) {
  auto number = static_cast<std::int64_t>(random());
  switch (random() % 12) {
    case 0: return fmt::format("{}", number % 10);
    case 1: return fmt::format("{:.3f}", static_cast<double>(number % 99999) / 1e3);
    case 2: return fmt::format("{}", number % 99999999);
    case 3: return fmt::format("{}", number);
    case 4: return fmt::format("{:.17g}", static_cast<double>(number) * 1e-13);
    case 5: return fmt::format("{:.6e}", static_cast<double>(number) * 1e-9);
    case 6: return fmt::format("\"{}\"", number % 1000);
    case 7: return fmt::format(" {}.5 ", number % 1000);
    case 8: return number % 8 ? "-0" : "NA";
    default: return fmt::format("{}.{}", number % 100, random() % 100);
  }
}

template <class T>
void require_same_on_all() {
  std::mt19937_64 random(7);
  std::string rows;
  for (int i = 0; i < 20'000; ++i)
    rows += cell(random) + "," + "pqr"[random() % 3] + "," + cell(random) + (random() % 50 ? "\n" : "\r\n\n");
  Read here = read<T>(rows, false), anywhere = read<T>(rows, true);
  REQUIRE(here.table);
  REQUIRE(anywhere.table);
  REQUIRE(here.table->rows == anywhere.table->rows);
  CHECK(here.table->dropped == anywhere.table->dropped);
  CHECK(here.table->dropped > 0);
  CHECK(here.table->labels == anywhere.table->labels);
  for (std::size_t c = 0; c < 3; ++c) {
    CHECK(here.table->columns[c].storage() == anywhere.table->columns[c].storage());
    for (std::int64_t i = 0; i < here.table->rows; ++i)
      REQUIRE(std::bit_cast<std::uint64_t>(here.table->columns[c].at(i)) ==
              std::bit_cast<std::uint64_t>(anywhere.table->columns[c].at(i)));
    CHECK(here.table->lost[c].cells == anywhere.table->lost[c].cells);
    CHECK(here.table->lost[c].text == anywhere.table->lost[c].text);
    CHECK(here.table->lost[c].first.line == anywhere.table->lost[c].first.line);
  }
}

// The largest size of 128 bits that these digits can have has 38 of them.
__extension__ typedef __int128 Whole;
Whole whole(const std::string& digits) {
  Whole out = 0;
  for (char c : digits) out = 10 * out + (c - '0');
  return out;
}

template <class T>
void require_counted() {
  std::mt19937_64 random(11);
  std::string rows;
  std::int64_t lost = 0;
  std::string first;
  int first_line = 0;
  for (int line = 2; line < 5000; ++line) {
    std::string digits = random() % 3 ? std::to_string(random() % 9 + 1) : "000";
    for (auto n = random() % 30; n > 0; --n) digits += static_cast<char>('0' + random() % 10);
    if (random() % 4 == 0) digits = fmt::format("{}", std::uint64_t{1} << (20 + random() % 40));
    rows += fmt::format("{}{},q,1\n", random() % 2 ? "-" : "", digits);
    T nearest = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), nearest);
    // A double of 2^63 and more is a whole number that 128 bits hold.
    if (static_cast<Whole>(nearest) == whole(digits)) continue;
    if (++lost == 1) first = digits, first_line = line;
  }
  Read out = read<T>(rows, false);
  REQUIRE(out.table);
  CHECK(lost > 1000);
  CHECK(out.table->lost[0].cells == lost);
  CHECK(out.table->lost[0].first.line == first_line);
  CHECK(out.table->lost[0].first.column == 1);
  CHECK(out.table->lost[0].text.ends_with(first));
  CHECK(out.table->lost[2].cells == 0);
}

}  // namespace

TEST_CASE("a table is the same with the instructions of this processor and of any", "[data]") {
  require_same_on_all<double>();
  require_same_on_all<float>();
}

TEST_CASE("whole numbers that lose digits are counted, each once", "[data]") {
  require_counted<double>();
  require_counted<float>();
}
