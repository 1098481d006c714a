// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A file of two columns, from opening it to columns that can be trained on: bytes of the file a second, on
// one core. The peer reads the file the same way, then runs std::from_chars over its bytes: no checks, no
// quotes, no lines to tell of, no narrowing.
#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <random>

#include "base/os.h"
#include "bench/measure.h"
#include "runtime/data.h"

using namespace slope;
using namespace slope::bench;

namespace {

constexpr std::size_t file_size = std::size_t{32} << 20;

// Cells like 0.123 and -4.5, their sign and their one to three decimals by chance.
std::string short_cell(std::mt19937_64& random) {
  auto digits = static_cast<int>(random() % 3) + 1;
  auto most = static_cast<std::int64_t>(std::pow(10, digits + 1));
  auto whole = static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(2 * most)) - most;
  return fmt::format("{:.{}f}", static_cast<double>(whole) / std::pow(10, digits), digits);
}

std::string long_cell(std::mt19937_64& random) {
  double value = std::ldexp(static_cast<double>(random() >> 11 | 1), -50) - 4;
  return fmt::format("{:.17g}", value);
}

template <class Cell>
std::string text_of(Cell cell) {
  std::mt19937_64 random(1);
  std::string text = "x,y\n";
  while (text.size() < file_size) text += cell(random) + "," + cell(random) + "\n";
  return text;
}

template <class T>
std::vector<std::vector<T>> by_hand(const std::string& path) {
  os::Bytes bytes;
  if (os::read_file(path, os::memory_limit(), bytes)) fail("cannot read " + path);
  std::vector<std::vector<T>> columns(2);
  const char *p = bytes.data(), *end = p + bytes.size();
  while (*p++ != '\n') {
  }
  while (p != end)
    for (auto& column : columns) {
      T value = 0;
      p = std::from_chars(p, end, value).ptr + 1;
      column.push_back(value);
    }
  return columns;
}

DataFile::Columns by_slope(const std::string& path, bool single) {
  Diagnostics diagnostics;
  auto file = DataFile::open(path, {}, diagnostics);
  std::vector<std::string> names{"x", "y"};
  auto columns = file ? file->read(names, single, diagnostics) : std::nullopt;
  if (!columns) fail("cannot read " + path);
  return std::move(*columns);
}

template <class T>
void require_same(const std::string& path) {
  auto expected = by_hand<T>(path);
  auto found = by_slope(path, sizeof(T) == 4);
  for (std::size_t c = 0; c < 2; ++c)
    for (std::int64_t i = 0; i < found.rows; ++i)
      if (found.columns[c].at(i) != static_cast<double>(expected[c].at(static_cast<std::size_t>(i))))
        fail(fmt::format("{}: row {} differs", path, i));
}

template <class T>
void run(const std::string& what, const std::string& path, double bytes, double target) {
  require_same<T>(path);
  auto times = take_turns(9, {[&] { return timed([&] { by_slope(path, sizeof(T) == 4); }); },
                              [&] { return timed([&] { by_hand<T>(path); }); }});
  double slope = bytes / times[0] / 1e9, peer = bytes / times[1] / 1e9;
  row(fmt::format("CSV, {}, {}", what, sizeof(T) == 4 ? "f32" : "f64"), fmt::format("{:.3f} GB/s", slope),
      fmt::format("{:.3f} GB/s", peer), fmt::format("{:.2f}", slope / peer),
      verdict(slope, ">=", target, " GB/s"));
}

void run_both(const std::string& what, const std::string& text, double target) {
  std::string path =
      (std::filesystem::temp_directory_path() / fmt::format("slope-bench-{}.csv", getpid())).string();
  std::ofstream(path, std::ios::binary) << text;
  auto bytes = static_cast<double>(text.size());
  run<double>(what, path, bytes, target);
  run<float>(what, path, bytes, target);
  std::filesystem::remove(path);
}

}  // namespace

int main() {
  run_both("short numbers", text_of(short_cell), 0.5);
  run_both("17 digits", text_of(long_cell), 0.35);
}
