// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The parameters of a model as they lie one after the other in one vector, element by element, row-major:
// where each begins, its part of the vector, and what an element is called.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "frontend/lower.h"

namespace slope {

// Where each begins, by index, as CompileOptions and Inputs take it: empty where every parameter is a number.
std::vector<std::int64_t> param_offsets(const Model& model);

// The same of the states, counted from the first of them.
std::vector<std::int64_t> state_offsets(const Model& model);

// All of them at their starts, then the model's own states.
std::vector<double> starts(const Model& model);

// With bounds a parameter is moved, and held here, as the unbounded number behind it (graph/bounds.h). These
// are all parameters as the model means them, in its units.
std::vector<double> in_units(const Model& model, std::span<const double> all);
bool has_bounds(const Model& model);

// The elements of one among those of all.
std::span<const double> elements_of(const Parameter& param, std::span<const double> all);

// The elements of a state among those of all parameters and states.
std::span<const double> elements_of_state(const Model& model, std::size_t state, std::span<const double> all);

// The parameter that an element among those of all belongs to.
const Parameter& param_at(const Model& model, std::int64_t element);

// "w", "w[2]", "W[0, 3]": an element among those of a value of these axes, as the language writes it.
std::string element_name(const std::string& name, std::span<const std::int64_t> axes, std::int64_t element);
// Of every element of all parameters.
std::vector<std::string> element_names(const Model& model);

// "[64, 128]", "a number".
std::string shape_text(std::span<const std::int64_t> axes);

}  // namespace slope
