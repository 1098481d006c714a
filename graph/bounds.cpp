// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "graph/bounds.h"

#include <cmath>

#include "graph/evaluate.h"
#include "graph/expr.h"
#include "graph/fuse.h"
#include "graph/math/log.h"

namespace slope {

namespace {

// high − low, or the next smaller number for which low + width is not beyond high.
template <class T>
double width(const Bounds& bounds) {
  T low = static_cast<T>(bounds.low), high = static_cast<T>(bounds.high), width = high - low;
  while (std::fma(width, T(1), low) > high) width = std::nextafter(width, T(0));
  return static_cast<double>(width);
}

template <class T>
std::vector<double> evaluated(std::span<const double> numbers, const Bounds& bounds, Precision precision) {
  Graph graph(precision);
  NodeId value = bounded(graph, graph.param(0, graph.intern({false, {std::ssize(numbers)}})), bounds);
  Fused fused = fuse(graph, std::span(&value, 1));
  Inputs<T> inputs;
  for (double number : numbers) inputs.params.push_back(static_cast<T>(number));
  inputs.param_offsets = {0};
  std::vector<T> values = evaluate<T>(fused.graph, fused.roots, inputs)[0];
  return {values.begin(), values.end()};
}

double rounded(double x, Precision precision) {
  return precision == Precision::f32 ? static_cast<double>(static_cast<float>(x)) : x;
}

}  // namespace

NodeId bounded(Graph& graph, NodeId unbounded, const Bounds& bounds) {
  Expr u{&graph, unbounded};
  bool low = std::isfinite(bounds.low), high = std::isfinite(bounds.high);
  if (!low && !high) return unbounded;
  if (!high) return (bounds.low + exp(u)).id;
  if (!low) return (bounds.high - exp(u)).id;
  double w = graph.precision() == Precision::f32 ? width<float>(bounds) : width<double>(bounds);
  return (bounds.low + w * sigmoid(u)).id;
}

std::vector<double> bounded(std::span<const double> unbounded, const Bounds& bounds, Precision precision) {
  if (unbounded.empty()) return {};
  return precision == Precision::f32 ? evaluated<float>(unbounded, bounds, precision)
                                     : evaluated<double>(unbounded, bounds, precision);
}

double unbounded(double x, const Bounds& bounds, Precision precision) {
  bool low = std::isfinite(bounds.low), high = std::isfinite(bounds.high);
  if (!low && !high) return x;
  double u = !high  ? math::log(x - bounds.low)
             : !low ? math::log(bounds.high - x)
                    : math::log((x - bounds.low) / (bounds.high - x));
  u = rounded(u, precision);
  // A neighbour may give x itself.
  double up = precision == Precision::f32
                  ? static_cast<double>(std::nextafter(static_cast<float>(u), HUGE_VALF))
                  : std::nextafter(u, HUGE_VAL);
  double down = precision == Precision::f32
                    ? static_cast<double>(std::nextafter(static_cast<float>(u), -HUGE_VALF))
                    : std::nextafter(u, -HUGE_VAL);
  double candidates[] = {u, up, down};
  std::vector<double> values = bounded(candidates, bounds, precision);
  std::size_t nearest = 0;
  for (std::size_t k = 1; k < 3; ++k)
    if (std::fabs(values[k] - x) < std::fabs(values[nearest] - x)) nearest = k;
  return candidates[nearest];
}

}  // namespace slope
