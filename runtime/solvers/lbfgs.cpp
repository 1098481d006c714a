// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Limited memory BFGS (Liu and Nocedal, Mathematical Programming 45, 1989) with a line search for the strong
// Wolfe conditions (Nocedal and Wright, Numerical Optimization, 2006, algorithms 3.5, 3.6 and 7.4). Near a
// minimum the loss changes by less than its rounding: there a fall is told from the slopes (Hager and Zhang,
// SIAM Journal on Optimization 16, 2005, section 4).
#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <deque>

#include "runtime/solvers/methods.h"
#include "runtime/solvers/optimality.h"

namespace slope {

namespace {

constexpr double sufficient = 1e-4, curvature = 0.9;
constexpr int most_trials = 60;

struct Point {
  VectorXd x, gradient;
  double loss = 0, along = 0, slope = 0;  // the length of the step to it, the derivative along it
  bool finite() const { return std::isfinite(loss) && std::isfinite(slope) && gradient.allFinite(); }
};

class LineSearch {
 public:
  LineSearch(Evaluator& at, const Point& from, const VectorXd& direction)
      : at_(at), from_(from), direction_(direction) {
    from_.along = 0;
    from_.slope = direction.dot(from.gradient);
  }

  // A point that fulfils both conditions; else the lowest found, where one is lower.
  std::optional<Point> run(double first) {
    Point before = from_;
    double length = first;
    while (trials_ < most_trials) {
      Point next = try_at(length);
      if (!next.finite()) {  // never beyond a point without a loss
        length = (before.along + length) / 2;
        if (length == before.along) break;
        limit_ = next.along;
        continue;
      }
      if (!falls(next) || (before.along > 0 && next.loss > before.loss && !blind(next)))
        return zoom(before, next);
      if (flat(next)) return next;
      if (next.slope >= 0) return zoom(next, before);
      before = next;
      length = limit_ < HUGE_VAL ? (next.along + limit_) / 2 : 2 * next.along;
      if (length == next.along || !std::isfinite(length)) break;
    }
    return best();
  }

 private:
  Point try_at(double length) {
    ++trials_;
    Point p;
    p.along = length;
    p.x = from_.x + length * direction_;
    p.loss = at_.objective(p.x, p.gradient);
    p.slope = direction_.dot(p.gradient);
    if (p.finite() && (p.loss < from_.loss) && (!best_ || p.loss < best_->loss)) best_ = p;
    return p;
  }

  bool blind(const Point& p) const {
    return std::fabs(p.loss - from_.loss) <= 16 * rounding * std::fabs(from_.loss);
  }
  bool falls(const Point& p) const {
    if (p.loss <= from_.loss + sufficient * p.along * from_.slope) return true;
    return blind(p) && p.slope <= (2 * sufficient - 1) * from_.slope;
  }
  bool flat(const Point& p) const { return std::fabs(p.slope) <= -curvature * from_.slope; }

  // Between a point that falls and one behind it; a cubic through both where it stays inside.
  std::optional<Point> zoom(Point low, Point high) {
    while (trials_ < most_trials) {
      double span = high.along - low.along, at = low.along + span / 2;
      double a = low.slope + high.slope - 3 * (low.loss - high.loss) / (low.along - high.along);
      double root = std::sqrt(a * a - low.slope * high.slope) * (span > 0 ? 1 : -1);
      double cubic = high.along - span * (high.slope + root - a) / (high.slope - low.slope + 2 * root);
      double margin = 0.1 * std::fabs(span);
      if (cubic > std::min(low.along, high.along) + margin &&
          cubic < std::max(low.along, high.along) - margin)
        at = cubic;
      if (at == low.along || at == high.along) break;
      Point p = try_at(at);
      if (!p.finite() || !falls(p) || (p.loss >= low.loss && !blind(p))) {
        high = p;
        if (!p.finite()) high.loss = high.slope = HUGE_VAL;
        continue;
      }
      if (flat(p)) return p;
      if (p.slope * span >= 0) high = low;
      low = p;
    }
    return best();
  }

  std::optional<Point> best() const { return best_; }

  Evaluator& at_;
  Point from_;
  const VectorXd& direction_;
  std::optional<Point> best_;
  double limit_ = HUGE_VAL;
  int trials_ = 0;
};

class Lbfgs {
 public:
  explicit Lbfgs(Search& search) : s_(search) { now_.x = search.from; }

  Search::Stop run() {
    Search::Stop stop;
    now_.loss = s_.at.objective(now_.x, now_.gradient);
    Evaluator::Parts parts = s_.at.parts(now_.x);
    sizes_ = parts.sizes;
    precondition(parts);
    for (;;) {
      if (is_flat()) stop.by = "gradient";
      bool goes_on = s_.may_step(now_.loss, now_.x, stop);
      if (!goes_on || !stop.by.empty()) break;
      ++s_.steps;
      if (!step()) stop.by = "no decrease";
    }
    return stop;
  }

 private:
  bool is_flat() {
    double tolerance = s_.options.tolerance.value_or(gradient_tolerance);
    if (relative_gradient(now_.gradient, sizes_) > tolerance) return false;
    sizes_ = s_.at.parts(now_.x).sizes;
    return relative_gradient(now_.gradient, sizes_) <= tolerance;
  }

  // The first guess of the inverse Hessian, before anything is learned from steps. Its diagonal takes the
  // units out: from the curvatures, or where they are too many from the sizes of the derivatives' terms, as
  // the loss changes by its own terms F over a distance of about F/T. Where the search was here before, all
  // curvatures.
  void precondition(const Evaluator::Parts& parts) {
    const Eigen::Index n = now_.x.size();
    VectorXd rough = parts.sizes.cwiseAbs2() / std::max(parts.terms, 1e-300);
    MatrixXd hessian;
    if (s_.at.has_product() && n <= most_curvature_elements) hessian = s_.at.hessian(now_.x);
    bool known = hessian.size() > 0 && hessian.allFinite();
    VectorXd own = known ? VectorXd(hessian.diagonal().cwiseAbs()) : rough;
    if (known) own = own.cwiseMax(1e-6 * rough);
    diagonal_ = VectorXd::Zero(n);
    for (Eigen::Index i = 0; i < n; ++i)
      if (own[i] > 0) diagonal_[i] = 1 / own[i];
    if (!known || s_.attempt == 0) return;
    VectorXd unit = units_of(hessian).cwiseSqrt().cwiseInverse();
    Eigen::SelfAdjointEigenSolver<MatrixXd> of(unit.asDiagonal() * hessian * unit.asDiagonal());
    VectorXd inverse = of.eigenvalues().cwiseAbs();
    inverse = inverse.cwiseMax(1e-13 * inverse.maxCoeff()).cwiseInverse();
    MatrixXd vectors = unit.asDiagonal() * of.eigenvectors();
    if (inverse.allFinite()) matrix_ = vectors * inverse.asDiagonal() * vectors.transpose();
  }
  VectorXd preconditioned(const VectorXd& q) const {
    return matrix_.size() > 0 ? VectorXd(matrix_ * q) : VectorXd(diagonal_.cwiseProduct(q));
  }

  struct Pair {
    VectorXd step, change;
    double product = 0;
    double scale = 0;  // of the preconditioner: product/(change·preconditioned change)
  };

  bool step() {
    for (int attempt = 0; attempt < 2; ++attempt) {
      VectorXd d = direction();
      if (d.dot(now_.gradient) < 0) {
        if (auto next = LineSearch(s_.at, now_, d).run(1)) {
          remember(*next);
          now_ = std::move(*next);
          return true;
        }
      }
      if (pairs_.empty()) return false;
      pairs_.clear();  // once more, down the gradient
    }
    return false;
  }

  VectorXd direction() const {
    VectorXd q = now_.gradient;
    std::vector<double> weights(pairs_.size());
    for (std::size_t k = pairs_.size(); k-- > 0;) {
      weights[k] = pairs_[k].step.dot(q) / pairs_[k].product;
      q -= weights[k] * pairs_[k].change;
    }
    q = preconditioned(q);
    // All curvatures are known better than by one number.
    if (!pairs_.empty() && matrix_.size() == 0) q *= pairs_.back().scale;
    for (std::size_t k = 0; k < pairs_.size(); ++k) {
      double b = pairs_[k].change.dot(q) / pairs_[k].product;
      q += (weights[k] - b) * pairs_[k].step;
    }
    return -q;
  }

  void remember(const Point& next) {
    Pair pair{next.x - now_.x, next.gradient - now_.gradient};
    pair.product = pair.step.dot(pair.change);
    double length = pair.change.dot(preconditioned(pair.change));
    if (!(pair.product > rounding * length)) return;  // no curvature to learn from
    pair.scale = pair.product / length;
    pairs_.push_back(std::move(pair));
    if (std::ssize(pairs_) > s_.options.history) pairs_.pop_front();
  }

  Search& s_;
  Point now_;
  VectorXd sizes_, diagonal_;
  MatrixXd matrix_;
  std::deque<Pair> pairs_;
};

}  // namespace

Search::Stop lbfgs(Search& search) { return Lbfgs(search).run(); }

}  // namespace slope
