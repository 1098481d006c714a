// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Facts of the data that a model is compiled or trained with: the labels of class columns, the sizes of index
// columns, mean and standard deviation of standardized ones. A state keeps them, and whoever uses it takes
// them from there, never from other data.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "runtime/pipeline.h"

namespace slope {

// --- before the model is lowered ---

// Labels and sizes of the columns that need them, one pass over each file that has some. A column with a
// fault, which is told, is left out.
std::vector<Facts> read_facts(const ast::Ast& ast, const Opened& opened, Diagnostics& diagnostics);

// Whether the facts of a state are those of all columns that need some; else Code::other_model.
bool check_facts(const ast::Ast& ast, const Opened& opened, std::span<const Facts> facts,
                 Diagnostics& diagnostics);

// --- while columns are read ---

// Where a row's cell stands in its file.
using CellPlace = std::function<DataFile::Place(std::int64_t row)>;

// The codes of labels, in the narrowest storage; `cells` are numbers of `labels`. Nothing after an error, for
// a label that is none of the column's.
std::optional<Column> coded(const DataColumn& column, const Column& cells,
                            std::span<const std::string> labels, const CellPlace& place,
                            Diagnostics& diagnostics);

// Whether all cells are whole numbers from 0 to the column's size − 1.
bool check_indices(const DataColumn& column, const Column& cells, const CellPlace& place,
                   Diagnostics& diagnostics);

// Mean and standard deviation (its square divides by the count) of an element of the rows that count, right
// to about an ulp whatever the size of the numbers. At least one row, all cells finite.
struct Moments {
  double mean = 0, deviation = 0;
};
Moments moments(const Column& cells, std::int64_t element, std::span<const std::int64_t> rows);

// (x − mean)/sd element by element, rounded once to f64 or, with `single`, f32. An sd of 0 divides by 1.
Column standardized(const Column& cells, std::span<const double> mean, std::span<const double> deviation,
                    bool single);

// --- in states ---

// Of all columns of the model, as JSON; "" where there are none.
std::string facts_text(const Model& model);
// Nothing for a text that none of ours wrote.
std::optional<std::vector<Facts>> read_facts_text(const std::string& text);

}  // namespace slope
