// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Bounds of parameters: `param k in (0, inf) = 1`. The graph's parameter is a number without bounds, the name
// stands for its bounded value (graph/bounds.h).
#include <fmt/format.h>

#include <cmath>

#include "base/text.h"
#include "frontend/lowering.h"

namespace slope {

namespace {
double rounded(double x, Precision precision) {
  return precision == Precision::f32 ? static_cast<double>(static_cast<float>(x)) : x;
}
}  // namespace

std::optional<Bounds> Lowering::declared_bounds(ast::NodeId id) {
  Bounds bounds;
  double* ends[] = {&bounds.low, &bounds.high};
  for (std::size_t k = 0; k < 2; ++k) {
    auto end = constant_number(ast().child(id, k), "a bound of a parameter");
    if (!end) return {};
    *ends[k] = rounded(*end, graph().precision());
  }
  bool finite = std::isfinite(bounds.high - bounds.low) || std::isinf(bounds.low) || std::isinf(bounds.high);
  if (bounds.low < bounds.high && finite) return bounds;
  error(Code::bad_option_value, ast()[id].span,
        fmt::format("nothing lies between {} and {}", shortest(bounds.low), shortest(bounds.high)))
      .helps.push_back("the bounds are (low, high); `inf` and `-inf` stand for none");
  return {};
}

// A start is given in the model's units; training begins at the numbers behind it.
void Lowering::enter_bounds(Parameter& parameter, Span start) {
  if (!parameter.bounds) return;
  for (double& value : parameter.start) {
    value = rounded(value, graph().precision());
    if (!parameter.bounds->contain(value)) {
      error(Code::bad_option_value, start,
            fmt::format("`{}` starts at {}, which is not inside ({}, {})", parameter.name, shortest(value),
                        shortest(parameter.bounds->low), shortest(parameter.bounds->high)))
          .helps.push_back(
              "a start lies strictly between the bounds: training approaches them, never crosses");
      return;
    }
    value = unbounded(value, *parameter.bounds, graph().precision());
  }
}

// What a parameter's name stands for.
Value Lowering::parameter_value(int index) {
  if (auto known = tapped_parameters_.find(index); known != tapped_parameters_.end()) return known->second;
  slope::NodeId value = param_node(index);
  const auto& bounds = model.params[static_cast<std::size_t>(index)].bounds;
  return Value::of(bounds ? bounded(graph(), value, *bounds) : value);
}

}  // namespace slope
