// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/column_facts.h"

#include <algorithm>
#include <cmath>

#include "runtime/csv.h"
#include "runtime/number.h"

namespace slope {

namespace {

// Mean and sum of squared distances from it, number by number (Welford, Technometrics 4, 1962).
void add_number(ColumnFacts& facts, double& squares, double value) {
  if (!std::isfinite(value)) facts.finite = false;
  if (value != 0 && value != 1) facts.zero_or_one = false;
  facts.least = facts.numbers == 0 ? value : std::min(facts.least, value);
  facts.greatest = facts.numbers == 0 ? value : std::max(facts.greatest, value);
  ++facts.numbers;
  double distance = value - facts.mean;
  facts.mean += distance / static_cast<double>(facts.numbers);
  squares += distance * (value - facts.mean);
}

}  // namespace

std::vector<ColumnFacts> column_facts(const DataFile& file, char separator) {
  std::vector<ColumnFacts> columns(file.header().size());
  std::vector<double> squares(columns.size());
  std::vector<std::string_view> lines = file.lines();
  for (std::size_t row = 1; row < lines.size(); ++row) {
    csv::Scanner scan(lines[row], separator);
    const char* p = lines[row].data();
    for (std::size_t column = 0; column < columns.size(); ++column, ++p) {
      const char* end = scan.skip_cell(p);
      if (!end) break;
      double value = 0;
      switch (read_number(scan.text_of(p, end), value)) {
        case Reading::number: add_number(columns[column], squares[column], value); break;
        case Reading::missing: ++columns[column].missing; break;
        default: ++columns[column].others; break;
      }
      p = end;
      if (p >= lines[row].data() + lines[row].size()) break;
    }
  }
  for (std::size_t column = 0; column < columns.size(); ++column)
    if (columns[column].numbers > 0)
      columns[column].deviation = std::sqrt(squares[column] / static_cast<double>(columns[column].numbers));
  return columns;
}

}  // namespace slope
