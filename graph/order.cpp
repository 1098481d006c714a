// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "graph/order.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace slope {

namespace {

template <class T>
constexpr T undefined = std::numeric_limits<T>::quiet_NaN();

template <class T>
bool has_nan(std::span<const T> x) {
  return std::any_of(x.begin(), x.end(), [](T value) { return std::isnan(value); });
}

template <class T>
T median(std::span<T> x) {
  if (x.empty() || has_nan<T>(x)) return undefined<T>;
  auto middle = x.begin() + static_cast<std::ptrdiff_t>(x.size() / 2);
  std::nth_element(x.begin(), middle, x.end());
  if (x.size() % 2 == 1) return *middle;
  T below = *std::max_element(x.begin(), middle);
  // The mean, also where the sum is beyond the floats; of two equals it is they, infinite ones too.
  return below == *middle ? below : std::midpoint(below, *middle);
}

// The scores of the ones go to the front; both parts are sorted, and walked together.
template <class T>
T area_under_curve(std::span<T> x, std::span<T> labels) {
  std::size_t ones = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (labels[i] != 0 && labels[i] != 1) return undefined<T>;
    if (labels[i] == 1) std::swap(x[i], x[ones++]);
  }
  if (ones == 0 || ones == x.size() || has_nan<T>(x)) return undefined<T>;
  std::span<T> positive = x.first(ones), negative = x.subspan(ones);
  std::sort(positive.begin(), positive.end());
  std::sort(negative.begin(), negative.end());
  std::uint64_t halves = 0, below = 0, up_to = 0;  // of the zeros' scores those less, and those not greater
  for (T score : positive) {
    while (below < negative.size() && negative[below] < score) ++below;
    while (up_to < negative.size() && negative[up_to] <= score) ++up_to;
    halves += below + up_to;
  }
  double pairs = static_cast<double>(positive.size()) * static_cast<double>(negative.size());
  return static_cast<T>(static_cast<double>(halves) / (2 * pairs));
}

}  // namespace

template <class T>
T order_statistic(OrderStatistic statistic, std::span<T> x, std::span<T> labels) {
  return statistic == OrderStatistic::median ? median(x) : area_under_curve(x, labels);
}
template float order_statistic(OrderStatistic, std::span<float>, std::span<float>);
template double order_statistic(OrderStatistic, std::span<double>, std::span<double>);

}  // namespace slope
