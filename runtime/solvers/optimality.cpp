// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/solvers/optimality.h"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>

#include "runtime/parameters.h"

namespace slope {

namespace {

constexpr double slope_tolerance = 1e-7, fall_tolerance = 1e-12;
// The fall that is nothing beside terms that cancel inside of a row.
constexpr double cancelled_fall = 1e-20;
// Curvatures beside the largest one: those below are 0, below are looked along, curve down.
constexpr double no_curvature = 1e-13, little_curvature = 1e-6, downward = -1e-9;

// Whether the unbounded number u of an element, begun at `start`, stands for a value next to a bound, towards
// which the loss falls with it in the direction du (graph/bounds.h has the transforms). Next to it: at a
// millionth of the distance between two bounds, or of that of the start from one.
bool next_to_bound(const Model& model, std::int64_t element, double u, double start, double du) {
  const Parameter& param = param_at(model, element);
  if (!param.bounds) return false;
  const double near = std::log(1e6);
  if (std::isfinite(param.bounds->low) && std::isfinite(param.bounds->high))
    return std::fabs(u) > near && du * u > 0;
  return u < start - near && du < 0;
}

class Examination {
 public:
  Examination(Evaluator& at, const VectorXd& x, const VectorXd& start, std::optional<double> promised)
      : at_(at), x_(x), start_(start), promised_(promised) {}

  Optimality run() {
    out_.parts = at_.parts(x_);
    if (!out_.parts.finite()) return fails(Optimality::Fault::not_finite);
    errors_ = at_.rounding_errors(x_, out_.parts);
    for (Eigen::Index i = 0; i < x_.size(); ++i) {
      double g = out_.parts.gradient[i];
      bool one_way = g != 0 && std::fabs(g) > 0.01 * out_.parts.sizes[i];
      if (one_way && next_to_bound(at_.model(), at_.element(i), x_[i], start_[i], -g))
        out_.at_bound.push_back(i);
    }
    flat_slopes();
    bool curved = at_.has_product() && x_.size() <= most_curvature_elements;
    if (curved) curvatures();
    if (out_.fault == Optimality::Fault::none) along_the_way();
    return std::move(out_);
  }

 private:
  Optimality fails(Optimality::Fault fault) {
    out_.fault = fault;
    return std::move(out_);
  }
  bool at_bound(Eigen::Index i) const {
    return std::find(out_.at_bound.begin(), out_.at_bound.end(), i) != out_.at_bound.end();
  }

  void flat_slopes() {
    double most = 0;
    for (Eigen::Index i = 0; i < x_.size(); ++i) {
      double g = std::fabs(out_.parts.gradient[i]), size = out_.parts.sizes[i];
      if (at_bound(i) || !(g > slope_tolerance * size + errors_.gradient[i])) continue;
      out_.fault = Optimality::Fault::slope;
      double beside = size > 0 ? g / size : 1;
      if (beside <= most) continue;
      most = beside;
      out_.worst = i;
    }
  }

  void curvatures() {
    MatrixXd hessian = at_.hessian(x_);
    if (!hessian.allFinite()) return;
    for (Eigen::Index i : out_.at_bound) {
      hessian.row(i).setZero();
      hessian.col(i).setZero();
    }
    if (hessian.isZero(0)) {
      if (out_.parts.sizes.maxCoeff() == 0) out_.fault = Optimality::Fault::vanished;
      return;
    }
    unit_ = units_of(hessian).cwiseSqrt().cwiseInverse();
    Eigen::SelfAdjointEigenSolver<MatrixXd> parts(unit_.asDiagonal() * hessian * unit_.asDiagonal());
    const VectorXd& values = parts.eigenvalues();
    double largest = values.cwiseAbs().maxCoeff(), fall = 0;
    std::vector<bool> named(static_cast<std::size_t>(x_.size()));
    for (Eigen::Index k = 0; k < x_.size(); ++k) {
      VectorXd v = unit_.cwiseProduct(parts.eigenvectors().col(k));
      double beside = values[k] / largest;
      if (std::fabs(beside) <= no_curvature * static_cast<double>(x_.size()))
        name(parts.eigenvectors().col(k), named);
      else fall += promised_fall(v, std::fabs(values[k]));
      if (beside <= little_curvature) look_along(v, std::fabs(values[k]));
    }
    for (Eigen::Index i = 0; i < x_.size(); ++i)
      if (named[static_cast<std::size_t>(i)] && !at_bound(i)) out_.undetermined.push_back(i);
    // The linear model of residuals does not know that a bound ends the way.
    if (promised_ && out_.at_bound.empty()) fall = *promised_;
    double nothing = fall_tolerance * out_.parts.terms + cancelled_fall * out_.parts.all_terms;
    if (out_.fault == Optimality::Fault::none && !(fall <= nothing)) out_.fault = Optimality::Fault::slope;
  }

  void name(const VectorXd& vector, std::vector<bool>& named) const {
    double most = vector.cwiseAbs().maxCoeff();
    for (Eigen::Index i = 0; i < vector.size(); ++i)
      if (std::fabs(vector[i]) > 0.01 * most) named[static_cast<std::size_t>(i)] = true;
  }

  double promised_fall(const VectorXd& v, double curvature) const {
    double along = 0, error = 0;
    for (Eigen::Index i = 0; i < v.size(); ++i) {
      if (at_bound(i)) continue;
      along += v[i] * out_.parts.gradient[i];
      error += std::fabs(v[i]) * errors_.gradient[i];
    }
    double rest = std::max(std::fabs(along) - error, 0.0);
    return rest * rest / (2 * curvature);
  }

  // Lower by more than rounding and by more than nothing.
  bool is_lower(double loss) const {
    return loss < out_.parts.loss - 4 * errors_.loss - 1e-9 * out_.parts.terms;
  }
  double loss_at(const VectorXd& x) {
    Evaluator::Parts parts = at_.parts(x);
    return parts.finite() ? parts.loss : HUGE_VAL;
  }

  // Both ways, at distances over which curvatures as large as the largest would change the loss by its own
  // size and more.
  void look_along(const VectorXd& v, double curvature) {
    if (out_.lower) return;
    double length = std::sqrt(std::max(out_.parts.terms, 1e-300));
    if (curvature > 0) length = std::min(length / std::sqrt(curvature), length * 1e3);
    for (double way : {1.0, -1.0})
      for (double far : {1e-3, 1e-1, 1.0, 10.0, 1e3}) {
        VectorXd x = x_ + way * far * length * v;
        if (x.allFinite() && is_lower(loss_at(x))) return follow(x, x - x_);
      }
  }

  // On from the start through here: the losses of separable classes fall for ever.
  void along_the_way() {
    VectorXd way = x_ - start_, x = x_ + way;
    if (way.isZero(0) || !x.allFinite()) return;
    double loss = loss_at(x);
    // Half of a loss that is a sum of what is positive is no rounding, however small it is.
    bool half = out_.parts.loss > 0 && loss < out_.parts.loss / 2 && loss >= 0;
    if (half || loss < out_.parts.loss - 4 * errors_.loss - 1e-3 * std::fabs(out_.parts.loss)) follow(x, way);
  }

  // Goes on in steps of twice the length as long as the loss falls.
  void follow(VectorXd x, VectorXd step) {
    constexpr int most_doublings = 30;
    double loss = loss_at(x);
    int doublings = 0;
    for (; doublings < most_doublings; ++doublings) {
      step *= 2;
      VectorXd next = x + step;
      double there = next.allFinite() ? loss_at(next) : HUGE_VAL;
      if (!(there <= loss)) break;
      x = next;
      loss = there;
    }
    out_.lower = x;
    bool endless = doublings == most_doublings;
    out_.fault = endless ? Optimality::Fault::no_minimum : Optimality::Fault::lower;
    if (endless) step.cwiseAbs().maxCoeff(&out_.worst);
  }

  Evaluator& at_;
  const VectorXd &x_, &start_;
  std::optional<double> promised_;
  Optimality out_;
  Evaluator::Rounding errors_;
  VectorXd unit_;
};

}  // namespace

VectorXd units_of(const MatrixXd& hessian) {
  VectorXd own = hessian.diagonal().cwiseAbs(), units = own;
  for (Eigen::Index i = 0; i < own.size(); ++i)
    for (Eigen::Index j = 0; j < own.size(); ++j)
      if (own[j] > 0) units[i] = std::max(units[i], hessian(i, j) * hessian(i, j) / own[j]);
  // A parameter without curvature has no unit of its own.
  double largest = units.maxCoeff();
  for (double& unit : units)
    if (!(unit > 0)) unit = largest > 0 ? largest : 1;
  return units.allFinite() ? units : VectorXd(VectorXd::Ones(own.size()));
}

Optimality examine(Evaluator& at, const VectorXd& x, const VectorXd& start, std::optional<double> promised) {
  return Examination(at, x, start, promised).run();
}

}  // namespace slope
