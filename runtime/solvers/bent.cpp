// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A loss that is smooth but for absolute values of what is linear in the parameters: Newton's method, each of
// whose models keeps the absolute values as they are (Lee, Sun and Saunders, SIAM Journal on Optimization 24,
// 2014). Where the smooth part is quadratic, as in quantile regression, the lasso and support vector
// machines, the first model is the loss itself.
//
// The end is proven at the point itself: with the multipliers λ of the last model the gradient of the smooth
// part and Σ weight·λ·(derivatives of the arguments) cancel.
#include <Eigen/Eigenvalues>
#include <Eigen/QR>
#include <algorithm>
#include <cmath>

#include "runtime/solvers/absolute_program.h"
#include "runtime/solvers/methods.h"

namespace slope {

namespace {

constexpr double proven_part = 1e-9;  // of the terms that cancel
constexpr int refinements = 4;

class Bent {
 public:
  explicit Bent(Search& search) : s_(search), x_(search.from) {}

  Search::Stop run() {
    Search::Stop stop;
    look(x_);
    if (!(now_.bends.weights.array() >= 0).all()) {
      stop.end = SolverEnd::limit;
      stop.by = "negative weight";
    } else if (s_.at.constant_hessian()) {
      if (s_.may_step(now_.loss, x_, stop)) quadratic(stop);
    } else {
      iterate(stop);
    }
    stop.x = x_;
    return stop;
  }

 private:
  struct Point {
    double loss = 0;
    VectorXd gradient;  // of the smooth part
    Evaluator::Bends bends;
    double model(const VectorXd& step, const MatrixXd& hessian) const {
      return gradient.dot(step) + step.dot(hessian * step) / 2 +
             (bends.weights.array() *
              ((bends.derivatives * step + bends.arguments).array().abs() - bends.arguments.array().abs()))
                 .sum();
    }
  };

  void look(const VectorXd& x) {
    double smooth = s_.at.objective(x, now_.gradient);
    now_.bends = s_.at.bends(x);
    now_.loss = smooth + now_.bends.weights.dot(now_.bends.arguments.cwiseAbs());
    if (!(now_.bends.weights.array() >= 0).all()) return;
    keep_moving(now_.bends);
  }

  // Without what weighs nothing or does not move.
  static void keep_moving(Evaluator::Bends& b) {
    Eigen::Index kept = 0;
    for (Eigen::Index j = 0; j < b.weights.size(); ++j) {
      if (b.weights[j] == 0 || b.derivatives.row(j).isZero(0)) continue;
      if (kept < j) {
        b.weights[kept] = b.weights[j];
        b.arguments[kept] = b.arguments[j];
        b.derivatives.row(kept) = b.derivatives.row(j);
      }
      ++kept;
    }
    b.weights.conservativeResize(kept);
    b.arguments.conservativeResize(kept);
    b.derivatives.conservativeResize(kept, Eigen::NoChange);
  }

  // To the last model's solution. A parameter that is held on a kink by itself, as one of the lasso's zeros,
  // is exactly there.
  void move(const AbsoluteSolution& found) {
    x_ += found.step;
    look(x_);
    if (found.end != AbsoluteSolution::End::optimal) return;
    std::vector<bool> put(static_cast<std::size_t>(x_.size()));
    for (Eigen::Index j = 0; j < now_.bends.arguments.size(); ++j) {
      if (found.sides[static_cast<std::size_t>(j)] != 0) continue;
      auto row = now_.bends.derivatives.row(j);
      Eigen::Index i = 0;
      double largest = row.cwiseAbs().maxCoeff(&i);
      if ((row.array() != 0).count() != 1 || put[static_cast<std::size_t>(i)]) continue;
      x_[i] -= now_.bends.arguments[j] / (row[i] > 0 ? largest : -largest);
      put[static_cast<std::size_t>(i)] = true;
    }
    if (std::find(put.begin(), put.end(), true) != put.end()) look(x_);
  }

  AbsoluteProgram program() const {
    AbsoluteProgram out;
    const Evaluator::Bends& b = now_.bends;
    out.rows = b.weights.asDiagonal() * b.derivatives;
    out.values = b.weights.cwiseProduct(b.arguments);
    VectorXd along = b.derivatives * x_;
    out.sizes =
        b.weights.cwiseProduct(b.derivatives.cwiseAbs() * x_.cwiseAbs() + (b.arguments - along).cwiseAbs());
    out.hessian = hessian_;
    out.gradient = now_.gradient;
    return out;
  }

  // Whether the last model's multipliers prove a minimum at the point itself.
  bool proven(const AbsoluteSolution& found) const {
    if (found.end != AbsoluteSolution::End::optimal) return false;
    AbsoluteProgram p = program();
    VectorXd rest = p.gradient + p.rows.transpose() * found.multipliers;
    VectorXd size = p.gradient.cwiseAbs() + p.rows.cwiseAbs().transpose() * VectorXd::Ones(p.rows.rows()) +
                    p.hessian.cwiseAbs() * x_.cwiseAbs();
    if (!(rest.cwiseAbs().array() <= proven_part * size.array()).all()) return false;
    for (Eigen::Index j = 0; j < p.values.size(); ++j) {
      double off = std::fabs(p.values[j]) - found.multipliers[j] * p.values[j];
      if (!(off <= 256 * rounding * (std::fabs(p.values[j]) + p.sizes[j]))) return false;
    }
    return true;
  }

  void quadratic(Search::Stop& stop) {
    hessian_ = s_.at.hessian(x_);
    AbsoluteSolution found = solve(program());
    if (found.end == AbsoluteSolution::End::unbounded) {
      stop.end = SolverEnd::unbounded;
      stop.by = "no minimum";
      return;
    }
    ++s_.steps;
    redundant(found, stop);
    bool good = false;
    for (int k = 0; k < refinements; ++k) {
      move(found);
      good = proven(found);
      if (good && k > 0) break;
      AbsoluteSolution next = solve(program(), &found);
      if (next.end != AbsoluteSolution::End::optimal || (good && !(next.step.norm() < found.step.norm())))
        break;
      found = std::move(next);
    }
    end(good, stop);
  }

  void iterate(Search::Stop& stop) {
    AbsoluteSolution found;
    while (s_.may_step(now_.loss, x_, stop)) {
      ++s_.steps;
      MatrixXd hessian = s_.at.hessian(x_);
      bool convex = make_convex(hessian);
      hessian_ = std::move(hessian);
      found = solve(program(), found.end == AbsoluteSolution::End::optimal ? &found : nullptr);
      bool moved = found.end == AbsoluteSolution::End::optimal && search(found);
      if (moved && !proven(found)) continue;
      if (found.end == AbsoluteSolution::End::optimal && proven(found)) to_the_last_digit(found);
      end(proven(found) && convex, stop);
      if (!found.loose.empty() || !found.redundant.empty()) redundant(found, stop);
      return;
    }
  }

  // One more step, where it leads nowhere else.
  void to_the_last_digit(AbsoluteSolution& found) {
    const Point from = now_;
    const VectorXd x = x_;
    const AbsoluteSolution last = found;
    hessian_ = s_.at.hessian(x_);
    found = make_convex(hessian_) ? solve(program(), &last) : last;
    if (found.end == AbsoluteSolution::End::optimal) move(found);
    if (proven(found) && now_.loss <= from.loss + 64 * rounding * std::fabs(from.loss)) return;
    x_ = x;
    now_ = from;
    found = last;
  }

  void end(bool good, Search::Stop& stop) const {
    stop.by = good ? "multipliers" : "no proof";
    if (!good) stop.end = SolverEnd::limit;
  }

  void redundant(const AbsoluteSolution& found, Search::Stop& stop) const {
    std::vector<Eigen::Index> all = found.redundant;
    all.insert(all.end(), found.loose.begin(), found.loose.end());
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
    for (Eigen::Index i : all) stop.redundant.push_back(i);
    stop.nearest = !found.loose.empty();
  }

  // Curvatures downwards become as much upwards. False where there were any.
  static bool make_convex(MatrixXd& h) {
    VectorXd unit = h.diagonal().cwiseAbs().cwiseSqrt();
    for (Eigen::Index i = 0; i < unit.size(); ++i) unit[i] = unit[i] > 0 ? 1 / unit[i] : 1;
    Eigen::SelfAdjointEigenSolver<MatrixXd> parts(unit.asDiagonal() * h * unit.asDiagonal());
    const VectorXd& values = parts.eigenvalues();
    double none = 64 * rounding * values.cwiseAbs().maxCoeff() * static_cast<double>(h.cols());
    if (values[0] >= -none) return true;
    MatrixXd up = parts.eigenvectors() * values.cwiseAbs().asDiagonal() * parts.eigenvectors().transpose();
    h = unit.cwiseInverse().asDiagonal() * up * unit.cwiseInverse().asDiagonal();
    return false;
  }

  // The longest of 1, 1/2, 1/4 … of the step that lowers the loss as the model says. False where none can be
  // told to.
  bool search(const AbsoluteSolution& found) {
    const VectorXd& step = found.step;
    double predicted = -now_.model(step, hessian_);
    const Point from = now_;
    const VectorXd x = x_;
    bool blind = predicted <= 64 * rounding * std::fabs(from.loss);
    for (double length = 1; predicted > 0 && length > 1e-12; length /= 2) {
      x_ = x;
      if (length == 1) move(found);
      else look(x_ += length * step);
      if (x_ == x) break;
      bool finite = std::isfinite(now_.loss) && now_.gradient.allFinite();
      if (finite && from.loss - now_.loss >= 1e-4 * length * predicted) return true;
      if (blind) return finite && now_.loss <= from.loss + 64 * rounding * std::fabs(from.loss);
    }
    x_ = x;
    now_ = from;
    return false;
  }

  Search& s_;
  VectorXd x_;
  Point now_;
  MatrixXd hessian_;
};

}  // namespace

Search::Stop solve_bent(Search& search) { return Bent(search).run(); }

}  // namespace slope
