// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Numbers and arrays as results show them: as text, in JSON, as columns of a table.
#pragma once
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "frontend/lower.h"

namespace slope {

using Json = nlohmann::ordered_json;

// A number in its shortest exact form for the precision; null where it is not finite.
Json number(double value, Precision precision);
std::string number_text(double value, Precision precision);
// The elements of a value with these axes: nested lists, row-major; of a number the number itself.
Json nested(std::span<const double> values, std::span<const std::int64_t> axes, Precision precision);
std::string nested_text(std::span<const double> values, std::span<const std::int64_t> axes,
                        Precision precision);
// The root of the sum of squares.
double norm(std::span<const double> values);

// The fitted parameters: a number, a nested list of up to 64 numbers; of more, unless all are wanted, the
// shape, the type and the norm.
Json parameters_json(const Model& model, std::span<const double> params, bool full);
// A parameter as a line without its end: "w = [1.5, 2]"; of more than 10 numbers "W[64, 128]   norm 9.1". The
// name, then the rest, so that lines can be aligned.
struct NamedText {
  std::string name, rest;
};
NamedText parameter_text(const Parameter& param, std::span<const double> params, Precision precision);
// Whether that shows every number of every parameter.
bool lists_all(const Model& model);
// Loss and metrics on the rows held out, under the names that lines and results give them: val_loss,
// val_NAME.
std::vector<std::pair<std::string, double>> named_validation(const Model& model,
                                                             std::span<const double> values);
// The same as an object with the names of the model; null where there are none.
Json validation_json(const Model& model, std::span<const double> values);
// "2 parameters"; with arrays "2 parameters of 120 numbers".
std::string parameter_count(const Model& model);
// The columns of a prediction: predict; of a vector predict_0, predict_1, …; of a matrix predict_0_0, … Where
// its last axis is that of classes, their labels stand for the last number, alone for a vector, and `class`
// (class_0, …) follows each of their groups: the label of the largest.
std::vector<std::string> prediction_columns(std::span<const std::int64_t> axes,
                                            std::span<const std::string> labels = {});
// The labels of the class column that the loss reads and the prediction does not, where the last axis of the
// prediction has as many; {} where there is none or several.
std::vector<std::string> predicted_labels(const Model& model);
// Where the largest of each group of `count` values is, the first of equals; a NaN counts as largest.
std::vector<std::size_t> largest_of_each(std::span<const double> values, std::size_t count);

}  // namespace slope
