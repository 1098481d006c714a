// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Statistics that depend on the order of all values: no sum over rows gives them. The interpreter and
// compiled code call the same function.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>

namespace slope {

enum class OrderStatistic : std::uint8_t {
  median,  // the middle one; of an even number the mean of the middle two
  auc,  // area under the ROC curve (Mann and Whitney): of all pairs of a 1 and a 0 the share in which the 1
        // has the greater score, equal scores counting half
};
constexpr std::string_view to_string(OrderStatistic statistic) {
  constexpr std::string_view names[] = {"median", "auc"};
  return names[static_cast<std::size_t>(statistic)];
}
constexpr int operands_of(OrderStatistic statistic) { return statistic == OrderStatistic::auc ? 2 : 1; }

// Of `x`, which is left in another order, and its labels, as many. NaN where there is nothing, where a value
// is NaN, and for auc where a label is neither 0 nor 1 or all are the same. O(n log n).
template <class T>
T order_statistic(OrderStatistic statistic, std::span<T> x, std::span<T> labels);

// The same for compiled code, which finds it under these names: (statistic, x, labels, how many).
template <class T>
T order_statistic_of(std::int32_t statistic, T* x, T* labels, std::int64_t n) {
  auto count = static_cast<std::size_t>(n);
  return order_statistic<T>(static_cast<OrderStatistic>(statistic), {x, count}, {labels, count});
}
template <class T>
constexpr const char* order_symbol = sizeof(T) == 8 ? "slope_order_f64" : "slope_order_f32";

}  // namespace slope
