// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/circle.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"

namespace slope {

namespace {

constexpr std::size_t longest = 8, rounds = 2;  // steps in a round, and how often it must come back
constexpr double least_step = 1e-3;             // of the length of the parameters
constexpr double same_place = 1e-6;             // of the length of the steps

double distance(const std::vector<double>& a, const std::vector<double>& b) {
  double squares = 0;
  for (std::size_t i = 0; i < a.size(); ++i) squares += (a[i] - b[i]) * (a[i] - b[i]);
  return std::sqrt(squares);
}

}  // namespace

std::optional<Circle> find_circle(std::vector<double> params,
                                  const std::function<double(std::vector<double>&)>& step) {
  const double length = distance(params, std::vector<double>(params.size()));
  std::vector<std::vector<double>> places{params};
  std::vector<double> losses;
  // Most runs end at their first step: it is short.
  double reach = 0;
  while (losses.size() < longest * rounds) {
    losses.push_back(step(params));
    places.push_back(params);
    reach = std::max(reach, distance(places[places.size() - 2], params));
    if (!(reach > least_step * length) || !std::isfinite(losses.back())) return {};
  }
  for (std::size_t n = 2; n <= longest; ++n) {
    bool back = true;
    for (std::size_t i = 0; back && i + n < places.size(); ++i)
      back = distance(places[i], places[i + n]) <= same_place * reach;
    if (!back) continue;
    auto [low, high] = std::minmax_element(losses.begin(), losses.begin() + static_cast<std::ptrdiff_t>(n));
    return Circle{static_cast<std::int64_t>(n), *low, *high};
  }
  return {};
}

void warn_of_circle(const Training& training, const Circle& circle, double best, Diagnostics& diagnostics) {
  Diagnostic& d = diagnostics.warning(
      Code::going_in_circles, training.span,
      fmt::format("the steps go in a circle: after {} of them the parameters are where they were",
                  circle.steps));
  std::string losses =
      circle.lowest == circle.highest
          ? "at " + significant(circle.lowest)
          : fmt::format("between {} and {}", significant(circle.lowest), significant(circle.highest));
  d.notes.push_back(
      fmt::format("the loss stays {}; the lowest of the run was {}", losses, significant(best)));
  d.helps.push_back(
      fmt::format("a smaller rate goes further down: try rate={}, or let it fall with `decay=cosine`",
                  shortest(training.rate / 10)));
}

}  // namespace slope
