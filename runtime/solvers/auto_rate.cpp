// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/solvers/auto_rate.h"

#include <fmt/format.h>
#include <Eigen/Eigenvalues>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/text.h"
#include "graph/philox.h"
#include "runtime/batches.h"
#include "runtime/solvers/evaluator.h"

namespace slope {

namespace {

constexpr std::int64_t most_products = 300;
constexpr double most_numbers = 1 << 26;  // of all vectors together
constexpr double close = 1e-12, close_enough = 1e-3;

using Vector = std::vector<double>;

double dot(const Vector& a, const Vector& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}
void subtract(Vector& from, double factor, const Vector& v) {
  for (std::size_t i = 0; i < v.size(); ++i) from[i] -= factor * v[i];
}
void divide(Vector& v, double by) {  // of one number by its size 1 is left, to the bit
  for (double& x : v) x /= by;
}

// A direction that is orthogonal to no eigenvector but by chance.
Vector beginning(std::int64_t size) {
  Vector v(static_cast<std::size_t>(size));
  std::uint64_t key = key_of(0, "curvature");
  for (std::size_t i = 0; i < v.size(); ++i) v[i] = uniform_pair(key, i)[0] - 0.5;
  divide(v, std::sqrt(dot(v, v)));
  return v;
}

// Of the tridiagonal matrix: its largest eigenvalue, the largest in size, and how far the first may be from
// one of the whole matrix (β·|the vector's last element|).
struct Ritz {
  double largest = 0, size = 0, distance = 0;
};
Ritz ritz(const Vector& diagonal, const Vector& beside, double next) {
  auto n = static_cast<Eigen::Index>(diagonal.size());
  Eigen::VectorXd d = Eigen::Map<const Eigen::VectorXd>(diagonal.data(), n),
                  e = Eigen::Map<const Eigen::VectorXd>(beside.data(), n - 1);
  Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver;
  solver.computeFromTridiagonal(d, e);
  double first = solver.eigenvalues()(0), last = solver.eigenvalues()(n - 1);
  return {last, std::max(std::abs(first), std::abs(last)),
          next * std::abs(solver.eigenvectors()(n - 1, n - 1))};
}

Diagnostic& refuse(const Training& training, Diagnostics& diagnostics, std::string message) {
  Diagnostic& d = diagnostics.error(Code::no_rate, training.span, std::move(message));
  d.helps.push_back("give the rate as a number: rate=0.01");
  return d;
}

}  // namespace

std::optional<double> largest_eigenvalue(std::int64_t size,
                                         const std::function<Vector(const Vector&)>& product) {
  auto most = std::min<std::int64_t>(
      {size, most_products, static_cast<std::int64_t>(most_numbers / static_cast<double>(size)) + 2});
  std::vector<Vector> basis{beginning(size)};
  Vector diagonal, beside;
  Ritz found;
  for (std::int64_t k = 0; k < most; ++k) {
    Vector w = product(basis.back());
    if (!std::ranges::all_of(w, [](double x) { return std::isfinite(x); })) return {};
    diagonal.push_back(dot(w, basis.back()));
    // Twice is enough to make it orthogonal to rounding (Giraud, Langou, Rozložník, 2005).
    for (int twice = 0; twice < 2; ++twice)
      for (const Vector& v : basis) subtract(w, dot(w, v), v);
    double next = std::sqrt(dot(w, w));
    found = ritz(diagonal, beside, next);
    // What is left of a product is rounding: no other direction can be reached.
    if (k + 1 == size || found.distance <= close * found.size || next <= 1e-15 * found.size)
      return found.largest;
    divide(w, next);
    basis.push_back(std::move(w));
    beside.push_back(next);
  }
  return found.distance <= close_enough * found.size ? std::optional(found.largest) : std::nullopt;
}

std::optional<double> auto_rate(const StepGraph& step, std::size_t number, const Program& program,
                                const Model& model, const Dataset& data, std::span<const double> params,
                                const Training& training, Diagnostics& diagnostics) {
  Evaluator evaluator(*step.curvature, number, program, model, data,
                      params.first(static_cast<std::size_t>(model.param_elements())));
  VectorXd at = evaluator.start();
  auto largest = largest_eigenvalue(evaluator.size(), [&](const Vector& v) {
    VectorXd out = evaluator.product(at, Eigen::Map<const VectorXd>(v.data(), evaluator.size()));
    return Vector(out.begin(), out.end());
  });
  if (!largest) {
    refuse(training, diagnostics, "`rate=auto`: the largest curvature of the loss is not to be had here")
        .notes.push_back("its second derivatives are not finite, or too many are nearly as large");
    return {};
  }
  double curvature = *largest + training.terms.l2 + training.terms.weight_decay;
  if (!(curvature > 0)) {
    refuse(training, diagnostics,
           fmt::format("`rate=auto`: the loss does not curve upwards where the statement begins, λmax is {}",
                       significant(curvature)))
        .notes.push_back("1/λmax is a rate only where λmax, the largest curvature, is above 0");
    return {};
  }
  bool single = model.graph.precision() == Precision::f32;
  double rate = single ? static_cast<double>(static_cast<float>(1 / curvature)) : 1 / curvature;
  if (single ? !std::isnormal(static_cast<float>(rate)) : !std::isnormal(rate)) {
    refuse(training, diagnostics,
           fmt::format("`rate=auto`: 1/λmax is {:.6g}, which is no number of {} in full precision",
                       1 / curvature, to_string(model.graph.precision())));
    return {};
  }
  diagnostics
      .note(Code::chosen_rate, training.span,
            fmt::format("the rate is {}", single ? shortest(static_cast<float>(rate)) : shortest(rate)))
      .notes.push_back(fmt::format(
          "it is 1/λmax; λmax = {:.6g} is the largest curvature of the loss{} where the "
          "statement begins",
          curvature, training.terms.l2 + training.terms.weight_decay > 0 ? " and its penalties" : ""));
  return rate;
}

}  // namespace slope
