// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/divergence.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/text.h"
#include "runtime/explain.h"
#include "runtime/parameters.h"

namespace slope {

namespace {

bool single(const Model& model) { return model.graph.precision() == Precision::f32; }

double largest(const Model& model) {
  return single(model) ? static_cast<double>(std::numeric_limits<float>::max())
                       : std::numeric_limits<double>::max();
}

}  // namespace

void say_unbounded(const Model& model, std::span<const double> params, Diagnostic& d) {
  auto farthest = std::max_element(params.begin(), params.end(),
                                   [](double a, double b) { return std::abs(a) < std::abs(b); });
  std::int64_t element = farthest - params.begin();
  const Parameter& param = param_at(model, element);
  double shown = in_units(model, {params.begin(), params.end()})[static_cast<std::size_t>(element)];
  d.notes.push_back(fmt::format("the loss falls without bound as `{}` grows, here to {}: it has no minimum",
                                element_name(param.name, param.axes, element - param.offset),
                                single(model) ? shortest(static_cast<float>(shown)) : shortest(shown)));
  std::string square = param.axes.empty() ? param.name + "^2" : "sum(" + param.name + "^2)";
  d.helps.push_back(fmt::format("square what is to become small, or hold `{}` by a term such as + 1e-3*{}",
                                param.name, square));
}

bool explain_gradient(const Model& model, const StepGraph& step, const Dataset& data,
                      std::span<const double> outputs, const std::vector<double>& best, Diagnostic& d) {
  Kernel kernel = step_kernel(step, 0);
  for (std::size_t i = 0; i < step.gradients.size(); ++i) {
    const Parameter& param = model.params[static_cast<std::size_t>(step.trained[i])];
    auto gradient = outputs.subspan(static_cast<std::size_t>(kernel.stores[i + 1].index), param.start.size());
    auto found = std::find_if(gradient.begin(), gradient.end(), [](double x) { return !std::isfinite(x); });
    if (found == gradient.end()) continue;
    std::string name = element_name(param.name, param.axes, found - gradient.begin());
    d.notes.push_back(fmt::format("there the loss is finite, but its derivative by `{}` is not", name));
    auto culprit = first_not_finite(model, step.fused.graph, std::span(&step.gradients[i], 1), data, best);
    if (culprit) blame(d, *culprit);
    bool overflow = culprit && culprit->largest > std::sqrt(largest(model)) / 1e6;
    d.helps.push_back(
        overflow ? "numbers of this size overflow when they are multiplied: scale the column or the parameter"
                 : "sqrt, std and powers below 1 have an infinite derivative at 0: keep their argument away "
                   "from it, as in sqrt(x + 1e-6)");
    return true;
  }
  return false;
}

void warn_of_zero_gradient(const Model& model, const StepGraph& step, std::span<const double> outputs,
                           Span training, Diagnostics& diagnostics) {
  std::span<const double> gradient = outputs.subspan(1, output_count(step_kernel(step, 0)) - 1);
  if (std::any_of(gradient.begin(), gradient.end(), [](double x) { return x != 0; })) return;
  Diagnostic& d = diagnostics.warning(Code::zero_gradient, training,
                                      "the gradient is exactly 0 at the start: training cannot move");
  if (step.trained.empty()) return;
  const Parameter& first = model.params[static_cast<std::size_t>(step.trained[0])];
  d.helps.push_back(fmt::format("start the parameters elsewhere, for example `param {}{} = 1`", first.name,
                                first.axes.empty() ? "" : shape_text(first.axes)));
}

}  // namespace slope
