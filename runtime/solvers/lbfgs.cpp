// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Limited memory BFGS (Liu and Nocedal, Mathematical Programming 45, 1989) with a line search for the strong
// Wolfe conditions (Nocedal and Wright, Numerical Optimization, 2006, algorithms 3.5, 3.6 and 7.4). Near a
// minimum the loss changes by less than its rounding: there a fall is told from the slopes (Hager and Zhang,
// SIAM Journal on Optimization 16, 2005, section 4).
#include <algorithm>
#include <cmath>
#include <deque>

#include "runtime/solvers/methods.h"

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
  explicit Lbfgs(Search& search) : s_(search) { now_.x = search.at.start(); }

  SolverRun run() {
    SolverRun run;
    now_.loss = s_.at.objective(now_.x, now_.gradient);
    double scale = std::min(std::fabs(now_.loss), 1.0);
    double tolerance = s_.options.tolerance.value_or(gradient_tolerance);
    for (;;) {
      if (relative_gradient(now_.gradient, now_.x, now_.loss, scale) <= tolerance)
        run.stopped_by = "gradient";
      if (!run.stopped_by.empty() || !s_.may_step(now_.loss, now_.x, run)) break;
      ++s_.steps;
      if (!step()) run.stopped_by = "no decrease";
    }
    run.steps = s_.steps;
    run.params = s_.at.all(now_.x);
    return run;
  }

 private:
  struct Pair {
    VectorXd step, change;
    double product = 0;
  };

  bool step() {
    for (int attempt = 0; attempt < 2; ++attempt) {
      VectorXd d = direction();
      if (d.dot(now_.gradient) < 0) {
        double first = pairs_.empty() ? std::min(1.0, 1 / now_.gradient.lpNorm<1>()) : 1;
        if (auto next = LineSearch(s_.at, now_, d).run(first)) {
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
    if (!pairs_.empty()) q *= pairs_.back().product / pairs_.back().change.squaredNorm();
    for (std::size_t k = 0; k < pairs_.size(); ++k) {
      double b = pairs_[k].change.dot(q) / pairs_[k].product;
      q += (weights[k] - b) * pairs_[k].step;
    }
    return -q;
  }

  void remember(const Point& next) {
    Pair pair{next.x - now_.x, next.gradient - now_.gradient};
    pair.product = pair.step.dot(pair.change);
    if (!(pair.product > rounding * pair.change.squaredNorm())) return;  // no curvature to learn from
    pairs_.push_back(std::move(pair));
    if (std::ssize(pairs_) > s_.options.history) pairs_.pop_front();
  }

  Search& s_;
  Point now_;
  std::deque<Pair> pairs_;
};

}  // namespace

SolverRun lbfgs(Search& search) { return Lbfgs(search).run(); }

}  // namespace slope
