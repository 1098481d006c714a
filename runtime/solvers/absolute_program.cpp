// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// An interior point method (Mehrotra, SIAM Journal on Optimization 2, 1992; for absolute values: Portnoy and
// Koenker, Statistical Science 12, 1997) tells on which kinks the minimum lies. From there the minimum on
// those kinks is computed exactly, and the shortest subgradient: where it is 0 the minimum is proven, else it
// leads down to other kinks (Wolfe, Mathematical Programming Study 3, 1975).
#include "runtime/solvers/absolute_program.h"

#include <Eigen/Cholesky>
#include <Eigen/Eigenvalues>
#include <Eigen/QR>
#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "runtime/solvers/triangular.h"

namespace slope {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

constexpr double epsilon = std::numeric_limits<double>::epsilon();
// Parts of what they are made of that count as rounding: of a subgradient, of a kink's argument (beside its
// own rounding), of a multiplier's bound.
constexpr double gradient_part = 1e-10, value_part = 64 * epsilon, bound_part = 1e-9;
// Below this part of the largest a singular value is 0.
constexpr double least_singular = 1e-11;

double sign(double x) { return x > 0 ? 1 : x < 0 ? -1 : 0; }

// The program in coordinates z, d = back·z, in which the columns of rows and H together are orthonormal.
struct Orthonormal {
  MatrixXd rows, hessian;
  VectorXd values, sizes, gradient;

  Index size() const { return rows.cols(); }
  VectorXd at(const VectorXd& z) const { return rows * z + values; }
  VectorXd smooth_gradient(const VectorXd& z) const { return hessian * z + gradient; }
  // What the gradient's elements are sums of.
  VectorXd gradient_sizes(const VectorXd& z) const {
    return rows.cwiseAbs().colwise().sum().transpose() + gradient.cwiseAbs() +
           hessian.cwiseAbs() * z.cwiseAbs();
  }
  VectorXd tolerances(const VectorXd& z) const {
    return value_part * (values.cwiseAbs() + rows.rowwise().norm() * z.norm() + sizes);
  }
};

// A point of the interior method: a_j'z + b_j = above − below, up = 1 − λ, down = 1 + λ.
struct Interior {
  VectorXd z, multipliers, above, below, up, down;
};

// Minimises the program with ½·hold·|z − center|² added, so that there is one minimum.
class InteriorMethod {
 public:
  InteriorMethod(const Orthonormal& program, const VectorXd& center, double hold)
      : p_(program), center_(center), hold_(hold) {
    start();
  }

  Interior run() {
    constexpr int most = 80;
    for (int k = 0; k < most && step(); ++k) {
    }
    return at_;
  }

 private:
  struct Move {
    VectorXd z, multipliers, above, below;
  };

  void start() {
    VectorXd values = p_.at(center_);
    MatrixXd squares = p_.rows.transpose() * p_.rows + p_.hessian;
    squares.diagonal().array() += std::max(hold_, 1e-12);
    at_.z = center_ - squares.ldlt().solve(p_.rows.transpose() * values);
    values = p_.at(at_.z);
    double apart = values.cwiseAbs().mean();
    apart = apart > 0 ? apart : 1;
    at_.above = values.cwiseMax(0).array() + apart;
    at_.below = (-values).cwiseMax(0).array() + apart;
    at_.multipliers = (at_.above - at_.below).cwiseQuotient(at_.above + at_.below);
    at_.up = 1 - at_.multipliers.array();
    at_.down = 1 + at_.multipliers.array();
  }

  // Where every product of a slack and its multiplier would be `target`, less the products of `before`.
  Move move(const Eigen::LDLT<MatrixXd>& factors, double target, const Move* before) const {
    VectorXd above = target - at_.above.array() * at_.up.array();
    VectorXd below = target - at_.below.array() * at_.down.array();
    if (before) {
      above += before->above.cwiseProduct(before->multipliers);
      below -= before->below.cwiseProduct(before->multipliers);
    }
    VectorXd apart = infeasible_ - above.cwiseQuotient(at_.up) + below.cwiseQuotient(at_.down);
    Move out;
    out.z = -factors.solve(residual_ + p_.rows.transpose() * weights_.cwiseProduct(apart));
    out.multipliers = weights_.cwiseProduct(p_.rows * out.z + apart);
    out.above = (above + at_.above.cwiseProduct(out.multipliers)).cwiseQuotient(at_.up);
    out.below = (below - at_.below.cwiseProduct(out.multipliers)).cwiseQuotient(at_.down);
    return out;
  }

  // The longest step, at most 1, that keeps everything above 0.
  double longest(const Move& move) const {
    double length = 1;
    auto keep = [&](const VectorXd& x, const VectorXd& dx, double factor) {
      for (Index j = 0; j < x.size(); ++j)
        if (factor * dx[j] < 0) length = std::min(length, -x[j] / (factor * dx[j]));
    };
    keep(at_.above, move.above, 1);
    keep(at_.below, move.below, 1);
    keep(at_.up, move.multipliers, -1);
    keep(at_.down, move.multipliers, 1);
    return length;
  }

  double gap(const Move* move = nullptr, double length = 0) const {
    if (!move) return at_.above.dot(at_.up) + at_.below.dot(at_.down);
    return (at_.above + length * move->above).dot(at_.up - length * move->multipliers) +
           (at_.below + length * move->below).dot(at_.down + length * move->multipliers);
  }

  bool step() {
    const double count = 2 * static_cast<double>(p_.rows.rows());
    residual_ = p_.smooth_gradient(at_.z) + hold_ * (at_.z - center_) + p_.rows.transpose() * at_.multipliers;
    infeasible_ = p_.at(at_.z) - at_.above + at_.below;
    double left = gap(), all = (at_.above + at_.below).sum();
    bool balanced = (residual_.cwiseAbs().array() <= 1e-13 * p_.gradient_sizes(at_.z).array()).all();
    if (balanced && left <= 1e-14 * all) return false;
    weights_ = (at_.above.cwiseQuotient(at_.up) + at_.below.cwiseQuotient(at_.down)).cwiseInverse();
    MatrixXd matrix = p_.hessian + p_.rows.transpose() * weights_.asDiagonal() * p_.rows;
    matrix.diagonal().array() += hold_;
    Eigen::LDLT<MatrixXd> factors(matrix);
    Move first = move(factors, 0, nullptr);
    double reached = longest(first), share = gap(&first, reached) / left;
    Move both = move(factors, share * share * share * left / count, &first);
    double length = std::min(1.0, 0.9995 * longest(both));
    if (!both.z.allFinite() || !both.multipliers.allFinite() || !(length > 1e-10)) return false;
    Interior next = at_;
    next.z += length * both.z;
    next.multipliers += length * both.multipliers;
    next.above += length * both.above;
    next.below += length * both.below;
    next.up -= length * both.multipliers;
    next.down += length * both.multipliers;
    for (const VectorXd* x : {&next.above, &next.below, &next.up, &next.down})
      if (!(x->minCoeff() > 0)) return false;
    at_ = std::move(next);
    return true;
  }

  const Orthonormal& p_;
  const VectorXd& center_;
  double hold_;
  Interior at_;
  VectorXd residual_, infeasible_, weights_;
};

// min ‖B λ + c‖ over |λ_j| ≤ 1, from a λ near it (Stark and Parker, Computational Statistics 10, 1995).
VectorXd bounded_least_squares(const MatrixXd& b, const VectorXd& c, VectorXd x) {
  const Index count = x.size();
  std::vector<bool> held(static_cast<std::size_t>(count));
  auto is_held = [&](Index j) { return held[static_cast<std::size_t>(j)]; };
  auto hold = [&](Index j, bool yes) { held[static_cast<std::size_t>(j)] = yes; };
  for (Index j = 0; j < count; ++j) {
    if (std::fabs(x[j]) > 1 - bound_part) x[j] = sign(x[j]);
    hold(j, std::fabs(x[j]) == 1);
  }
  Index released = -1;
  for (Index round = 0; round < std::min<Index>(3 * count + 50, 1000); ++round) {
    std::vector<Index> free;
    for (Index j = 0; j < count; ++j)
      if (!is_held(j)) free.push_back(j);
    VectorXd rest = b * x + c;
    bool whole = true;
    if (!free.empty()) {
      MatrixXd columns(b.rows(), std::ssize(free));
      for (Index k = 0; k < columns.cols(); ++k) columns.col(k) = b.col(free[static_cast<std::size_t>(k)]);
      Eigen::CompleteOrthogonalDecomposition<MatrixXd> parts;
      parts.setThreshold(least_singular);
      parts.compute(columns);
      VectorXd move = -parts.solve(rest);
      double length = 1;
      Index first = -1;
      for (Index k = 0; k < move.size(); ++k) {
        Index j = free[static_cast<std::size_t>(k)];
        double to = x[j] + move[k];
        if (std::fabs(to) <= 1) continue;
        double part = (sign(move[k]) - x[j]) / move[k];
        if (part < length) length = std::max(part, 0.0), first = j;
      }
      for (Index k = 0; k < move.size(); ++k) {
        Index j = free[static_cast<std::size_t>(k)];
        x[j] = std::clamp(x[j] + length * move[k], -1.0, 1.0);
        if (j == first) x[j] = sign(move[k]);
      }
      if (first >= 0) {
        hold(first, true);
        whole = false;
        if (first == released && length == 0) return x;  // rounding says both
      }
    }
    if (!whole) continue;
    rest = b * x + c;
    Index best = -1;
    double most = 0;
    for (Index j = 0; j < count; ++j) {
      if (!is_held(j)) continue;
      double slope = b.col(j).dot(rest), gain = x[j] > 0 ? slope : -slope;
      if (gain > most + 1e-14 * b.col(j).norm() * rest.norm()) most = gain, best = j;
    }
    if (best < 0 || best == released) return x;
    hold(best, false);
    released = best;
  }
  return x;
}

// From kinks on which the minimum may lie to where it is.
class Descent {
 public:
  Descent(const Orthonormal& program, VectorXd z, std::vector<int> sides, VectorXd multipliers)
      : p_(program), z_(std::move(z)), sides_(std::move(sides)), multipliers_(std::move(multipliers)) {}

  AbsoluteSolution::End run() {
    constexpr int most = 200;
    for (int k = 0; k < most; ++k) {
      if (!settle()) continue;
      if (unbounded_) return AbsoluteSolution::End::unbounded;
      VectorXd rest = shortest_subgradient();
      if (vanishes(rest))
        return on_kinks() ? AbsoluteSolution::End::optimal : AbsoluteSolution::End::unproven;
      descend(-rest, nullptr);
      if (unbounded_) return AbsoluteSolution::End::unbounded;
    }
    return AbsoluteSolution::End::unproven;
  }

  // Whether the point is a minimum as it is.
  bool lowest() { return vanishes(shortest_subgradient()) && on_kinks(); }

  const VectorXd& z() const { return z_; }
  const std::vector<int>& sides() const { return sides_; }
  const VectorXd& multipliers() const { return multipliers_; }

  // A basis of the directions in which other minima can lie: no curvature, every kink with room in its
  // multiplier kept. The kinks without room must open to the right side.
  std::vector<VectorXd> flat_directions() const {
    std::vector<Index> strict, weak;
    for (Index j = 0; j < p_.rows.rows(); ++j)
      if (side(j) == 0) (std::fabs(multipliers_[j]) < 1 - 1e-7 ? strict : weak).push_back(j);
    MatrixXd fixed(std::ssize(strict) + p_.size(), p_.size());
    for (Index k = 0; k < std::ssize(strict); ++k)
      fixed.row(k) = p_.rows.row(strict[static_cast<std::size_t>(k)]);
    fixed.bottomRows(p_.size()) = p_.hessian;
    std::vector<VectorXd> out;
    MatrixXd basis = null_space(fixed);
    for (Index k = 0; k < basis.cols(); ++k)
      for (double way : {1.0, -1.0})
        if (auto d = opening(way * basis.col(k), basis, weak)) {
          out.push_back(std::move(*d));
          break;
        }
    return out;
  }

 private:
  int side(Index j) const { return sides_[static_cast<std::size_t>(j)]; }
  void put(Index j, int side) { sides_[static_cast<std::size_t>(j)] = side; }

  std::vector<Index> kinks() const {
    std::vector<Index> out;
    for (Index j = 0; j < p_.rows.rows(); ++j)
      if (side(j) == 0) out.push_back(j);
    return out;
  }
  MatrixXd rows_of(const std::vector<Index>& kinks) const {
    MatrixXd out(std::ssize(kinks), p_.size());
    for (Index k = 0; k < out.rows(); ++k) out.row(k) = p_.rows.row(kinks[static_cast<std::size_t>(k)]);
    return out;
  }
  static MatrixXd null_space(const MatrixXd& rows) {
    const Index n = rows.cols();
    if (rows.rows() == 0) return MatrixXd::Identity(n, n);
    Eigen::ColPivHouseholderQR<MatrixXd> parts;
    parts.setThreshold(least_singular);
    parts.compute(rows.transpose());
    MatrixXd q = parts.householderQ();
    return q.rightCols(n - parts.rank());
  }

  // A direction near d in which all these kinks open to the side that their multipliers are of: d is put
  // right by one after the other (Motzkin and Schoenberg, Canadian Journal of Mathematics 6, 1954).
  std::optional<VectorXd> opening(VectorXd d, const MatrixXd& basis, const std::vector<Index>& kinks) const {
    constexpr int rounds = 100;
    for (int round = 0; round < rounds; ++round) {
      bool opens = true;
      for (Index j : kinks) {
        VectorXd normal = basis * (basis.transpose() * p_.rows.row(j).transpose()) * multipliers_[j];
        double size = normal.norm(), at = normal.dot(d);
        if (at >= -1e-12 * p_.rows.row(j).norm() * d.norm() || size <= 1e-12 * p_.rows.row(j).norm())
          continue;
        opens = false;
        d -= 1.5 * at / (size * size) * normal;
      }
      if (opens) return d;
      if (!(d.norm() > 1e-6)) return {};
    }
    return {};
  }

  // Of the part of the loss that has no kink here.
  VectorXd gradient() const {
    VectorXd signs(p_.rows.rows());
    for (Index j = 0; j < signs.size(); ++j) signs[j] = side(j);
    return p_.smooth_gradient(z_) + p_.rows.transpose() * signs;
  }

  bool vanishes(const VectorXd& subgradient) const {
    return (subgradient.cwiseAbs().array() <= gradient_part * p_.gradient_sizes(z_).array()).all();
  }
  bool on_kinks() const {
    VectorXd values = p_.at(z_), tolerance = p_.tolerances(z_);
    for (Index j = 0; j < values.size(); ++j)
      if (side(j) == 0 ? std::fabs(values[j]) > tolerance[j] : side(j) * values[j] < -tolerance[j])
        return false;
    return true;
  }

  // To the minimum on the kinks chosen. False where another kink stands in the way: it is one of them then.
  bool settle() {
    std::vector<Index> on = kinks();
    MatrixXd rows = rows_of(on);
    if (!on.empty()) {
      Eigen::CompleteOrthogonalDecomposition<MatrixXd> parts;
      parts.setThreshold(least_singular);
      parts.compute(rows);
      for (int k = 0; k < 3; ++k) {
        VectorXd values = p_.at(z_), here(rows.rows());
        for (Index i = 0; i < here.size(); ++i) here[i] = values[on[static_cast<std::size_t>(i)]];
        z_ -= parts.solve(here);
      }
      release_apart(on);
    }
    // What was taken to lie on one side and does not is on the other.
    VectorXd values = p_.at(z_), tolerance = p_.tolerances(z_);
    for (Index j = 0; j < values.size(); ++j)
      if (side(j) != 0 && side(j) * values[j] <= tolerance[j])
        put(j, std::fabs(values[j]) <= tolerance[j] ? 0 : static_cast<int>(sign(values[j])));
    MatrixXd free = null_space(rows_of(kinks()));
    if (free.cols() == 0) return true;
    VectorXd slope = free.transpose() * gradient();
    VectorXd size = free.cwiseAbs().transpose() * p_.gradient_sizes(z_);
    Eigen::SelfAdjointEigenSolver<MatrixXd> parts(free.transpose() * p_.hessian * free);
    double none = 1e-12 * std::max(p_.hessian.norm(), std::numeric_limits<double>::min());
    VectorXd along = parts.eigenvectors().transpose() * slope;
    VectorXd bent = VectorXd::Zero(along.size()), straight = bent;
    for (Index k = 0; k < along.size(); ++k) {
      if (parts.eigenvalues()[k] > none) bent[k] = -along[k] / parts.eigenvalues()[k];
      else if (std::fabs(along[k]) > gradient_part * size.norm()) straight[k] = -along[k];
    }
    if (straight.squaredNorm() > 0) {
      descend(free * (parts.eigenvectors() * straight), nullptr);
      return unbounded_;
    }
    double one = 1;
    return bent.squaredNorm() == 0 || descend(free * (parts.eigenvectors() * bent), &one);
  }

  // Kinks that cannot all be met at once were not all the minimum's.
  void release_apart(const std::vector<Index>& on) {
    VectorXd values = p_.at(z_), tolerance = p_.tolerances(z_);
    for (Index j : on)
      if (std::fabs(values[j]) > 16 * tolerance[j]) put(j, static_cast<int>(sign(values[j])));
  }

  // The shortest of all subgradients; its multipliers are kept.
  VectorXd shortest_subgradient() {
    VectorXd values = p_.at(z_);
    std::vector<Index> on = kinks();
    for (Index j = 0; j < values.size(); ++j)
      if (side(j) != 0) multipliers_[j] = side(j);
    VectorXd smooth = gradient();
    if (on.empty()) return smooth;
    VectorXd x(std::ssize(on));
    for (Index k = 0; k < x.size(); ++k) x[k] = multipliers_[on[static_cast<std::size_t>(k)]];
    MatrixXd columns = rows_of(on).transpose();
    x = bounded_least_squares(columns, smooth, x);
    for (Index k = 0; k < x.size(); ++k) multipliers_[on[static_cast<std::size_t>(k)]] = x[k];
    return smooth + columns * x;
  }

  // Along d to where the loss is lowest, or `most` times d. True where no kink stopped it.
  bool descend(const VectorXd& d, const double* most) {
    VectorXd values = p_.at(z_), along = p_.rows * d;
    double slope = p_.smooth_gradient(z_).dot(d), size = p_.gradient_sizes(z_).dot(d.cwiseAbs());
    double curvature = d.dot(p_.hessian * d);
    if (curvature <= 1e-12 * p_.hessian.norm() * d.squaredNorm()) curvature = 0;
    struct Crossing {
      double at;
      Index row;
    };
    std::vector<Crossing> crossings;
    for (Index j = 0; j < along.size(); ++j) {
      bool moves = std::fabs(along[j]) > 1e-13 * p_.rows.row(j).norm() * d.norm();
      if (side(j) == 0) {
        if (!moves) continue;
        put(j, static_cast<int>(sign(along[j])));
        slope += std::fabs(along[j]);
        continue;
      }
      slope += side(j) * along[j];
      if (moves && side(j) * along[j] < 0) crossings.push_back({std::max(-values[j] / along[j], 0.0), j});
    }
    std::sort(crossings.begin(), crossings.end(), [](const Crossing& a, const Crossing& b) {
      return a.at != b.at ? a.at < b.at : a.row < b.row;
    });
    const double limit = most ? *most : HUGE_VAL;
    double length = 0;
    for (const Crossing& crossing : crossings) {
      if (crossing.at >= limit) break;
      if (curvature > 0 && slope + curvature * crossing.at >= 0) break;
      length = crossing.at;
      double after = slope + 2 * std::fabs(along[crossing.row]);
      if (after + curvature * length >= -1e-14 * size) {
        z_ += length * d;
        put(crossing.row, 0);
        return false;
      }
      put(crossing.row, -side(crossing.row));
      slope = after;
    }
    if (curvature > 0) length = std::max(std::min(-slope / curvature, limit), 0.0);
    else if (most) length = *most;
    else if (slope < -gradient_part * size) unbounded_ = true;
    if (std::isfinite(length)) z_ += length * d;
    return true;
  }

  const Orthonormal& p_;
  VectorXd z_;
  std::vector<int> sides_;
  VectorXd multipliers_;
  bool unbounded_ = false;
};

class Solver {
 public:
  explicit Solver(const AbsoluteProgram& program) : given_(program) {
    solution_.step = VectorXd::Zero(size());
  }

  AbsoluteSolution run(const AbsoluteSolution* from) {
    if (!given_.rows.allFinite() || !given_.values.allFinite() || !given_.gradient.allFinite() ||
        !given_.hessian.allFinite())
      return std::move(solution_);
    if (!orthonormal()) return std::move(solution_);
    if (from && from->end == AbsoluteSolution::End::optimal) {
      if (descend(VectorXd::Zero(program_.size()), from->sides, from->multipliers)) return finish();
      solution_.end = AbsoluteSolution::End::unproven;
    }
    from_inside();
    return finish();
  }

 private:
  Index size() const { return given_.rows.cols(); }

  // False where there is no minimum.
  bool orthonormal() {
    const Index n = size(), m = given_.rows.rows();
    unit_ = VectorXd::Ones(n);
    for (Index i = 0; i < n; ++i) {
      double largest = std::max(m > 0 ? given_.rows.col(i).cwiseAbs().maxCoeff() : 0.0,
                                std::sqrt(std::fabs(given_.hessian(i, i))));
      if (largest > 0) unit_[i] = std::exp2(-std::ilogb(largest));
    }
    MatrixXd rows = given_.rows * unit_.asDiagonal();
    VectorXd gradient = unit_.cwiseProduct(given_.gradient);
    auto roots = root_of(unit_.asDiagonal() * given_.hessian * unit_.asDiagonal());
    if (!roots) return end(AbsoluteSolution::End::unbounded);
    double scale = std::sqrt(given_.values.cwiseAbs().sum());
    if (!(scale > 0)) scale = 1;
    MatrixXd stacked(m + n, n);
    stacked << rows, scale * *roots;
    VectorXd lengths = stacked.colwise().norm();
    for (Index i = 0; i < n; ++i)
      if (lengths[i] > 0) stacked.col(i) /= lengths[i];
      else lengths[i] = 1;
    unit_ = unit_.cwiseQuotient(lengths);
    gradient = gradient.cwiseQuotient(lengths);
    Eigen::HouseholderQR<MatrixXd> parts(stacked);
    MatrixXd triangle = MatrixXd::Zero(n, n + 1);
    triangle.leftCols(n) = parts.matrixQR().topRows(n).triangularView<Eigen::Upper>();
    solution_.redundant = redundant_columns(triangle);
    for (Index i = 0; i < n; ++i)
      if (!std::binary_search(solution_.redundant.begin(), solution_.redundant.end(), i)) kept_.push_back(i);
    const Index rank = std::ssize(kept_);
    MatrixXd columns(m + n, rank);
    VectorXd slope(rank);
    for (Index k = 0; k < rank; ++k) {
      columns.col(k) = stacked.col(kept_[static_cast<std::size_t>(k)]);
      slope[k] = gradient[kept_[static_cast<std::size_t>(k)]];
    }
    Eigen::HouseholderQR<MatrixXd> kept(columns);
    triangle_ = kept.matrixQR().topRows(rank).triangularView<Eigen::Upper>();
    if (falls_along_redundant(stacked, gradient, kept, slope)) return end(AbsoluteSolution::End::unbounded);
    MatrixXd q = kept.householderQ() * MatrixXd::Identity(m + n, rank);
    program_.rows = q.topRows(m);
    program_.hessian = q.bottomRows(n).transpose() * q.bottomRows(n) / (scale * scale);
    program_.gradient = triangle_.triangularView<Eigen::Upper>().transpose().solve(slope);
    program_.values = given_.values;
    program_.sizes = given_.sizes;
    return true;
  }

  bool end(AbsoluteSolution::End end) {
    solution_.end = end;
    return false;
  }

  // A matrix whose square is H; none where H curves down.
  static std::optional<MatrixXd> root_of(const MatrixXd& h) {
    if (h.isZero(0)) return h;
    VectorXd unit = h.diagonal().cwiseAbs().cwiseSqrt();
    for (Index i = 0; i < unit.size(); ++i) unit[i] = unit[i] > 0 ? 1 / unit[i] : 1;
    Eigen::SelfAdjointEigenSolver<MatrixXd> parts(unit.asDiagonal() * h * unit.asDiagonal());
    const VectorXd& values = parts.eigenvalues();
    double none = values.cwiseAbs().maxCoeff() * epsilon * 8 * static_cast<double>(h.cols());
    if (values[0] < -none) return {};
    VectorXd roots = (values.array() > none).select(values.array().max(0).sqrt(), 0);
    return MatrixXd(roots.asDiagonal() * parts.eigenvectors().transpose() * unit.cwiseInverse().asDiagonal());
  }

  // A redundant column and those that make up for it change no kink and no curvature: only the gradient can.
  bool falls_along_redundant(const MatrixXd& stacked, const VectorXd& gradient,
                             const Eigen::HouseholderQR<MatrixXd>& kept, const VectorXd& slope) const {
    for (Index j : solution_.redundant) {
      VectorXd part = kept_.empty() ? VectorXd() : VectorXd(kept.solve(stacked.col(j)));
      double size = std::fabs(gradient[j]) + part.cwiseAbs().dot(slope.cwiseAbs());
      if (std::fabs(gradient[j] - part.dot(slope)) > 1e-9 * size) return true;
    }
    return false;
  }

  void from_inside() {
    const Index m = given_.rows.rows();
    VectorXd center = VectorXd::Zero(program_.size());
    if (m == 0 || program_.size() == 0) {
      descend(center, std::vector<int>(static_cast<std::size_t>(m), 1), VectorXd::Zero(m));
      return;
    }
    if (starts_there()) return;
    // Values around 1.
    double scale = program_.values.cwiseAbs().mean();
    if (!(scale > 0)) scale = 1;
    Orthonormal scaled = program_;
    scaled.values /= scale;
    scaled.hessian *= scale;
    double slope = scaled.rows.cwiseAbs().colwise().sum().maxCoeff();
    double length = std::max((scaled.rows.transpose() * scaled.values).norm(), 1.0);
    for (double part : {1e-8, 1e-11, 1e-5, 1e-13, 1e-3}) {
      Interior at = InteriorMethod(scaled, center, part * slope / length).run();
      std::vector<int> sides(static_cast<std::size_t>(m));
      for (Index j = 0; j < m; ++j)
        if (at.above[j] > at.up[j]) sides[static_cast<std::size_t>(j)] = 1;
        else if (at.below[j] > at.down[j]) sides[static_cast<std::size_t>(j)] = -1;
      if (!descend(scale * at.z, sides, at.multipliers)) continue;
      // On a flat the method stops a little beside the kink that is nearest.
      if (loose_.size() == 0 || loose_.maxCoeff() == 0) return;
      const AbsoluteSolution found = solution_;
      const VectorXd z = z_, loose = loose_;
      constexpr double beside = 1e-5;
      for (Index j = 0; j < m; ++j)
        if (std::max(at.above[j], at.below[j]) < beside) sides[static_cast<std::size_t>(j)] = 0;
      descend(scale * at.z, sides, at.multipliers);
      if (solution_.end == AbsoluteSolution::End::optimal) return;
      solution_ = found;
      z_ = z;
      loose_ = loose;
      return;
    }
  }

  // Whether the start is a minimum itself.
  bool starts_there() {
    std::vector<int> sides(static_cast<std::size_t>(given_.rows.rows()));
    VectorXd tolerance = program_.tolerances(VectorXd::Zero(program_.size()));
    for (Index j = 0; j < tolerance.size(); ++j)
      if (std::fabs(program_.values[j]) > tolerance[j])
        sides[static_cast<std::size_t>(j)] = static_cast<int>(sign(program_.values[j]));
    if (std::count(sides.begin(), sides.end(), 0) > 2 * size() + 10) return false;  // long to look at
    Descent descent(program_, VectorXd::Zero(program_.size()), sides, VectorXd::Zero(tolerance.size()));
    if (!descent.lowest()) return false;
    keep(descent, AbsoluteSolution::End::optimal);
    return true;
  }

  // Whether that told how it ends.
  bool descend(const VectorXd& z, const std::vector<int>& sides, const VectorXd& multipliers) {
    Descent descent(program_, z, sides, multipliers);
    keep(descent, descent.run());
    return solution_.end != AbsoluteSolution::End::unproven;
  }

  void keep(const Descent& descent, AbsoluteSolution::End end) {
    solution_.end = end;
    z_ = descent.z();
    solution_.sides = descent.sides();
    solution_.multipliers = descent.multipliers();
    if (end != AbsoluteSolution::End::optimal) return;
    loose_ = VectorXd::Zero(size());
    for (const VectorXd& d : descent.flat_directions()) loose_ += back(d).cwiseAbs().cwiseQuotient(unit_);
  }

  VectorXd back(const VectorXd& z) const {
    VectorXd out = VectorXd::Zero(size());
    if (z.size() == 0) return out;
    VectorXd part = triangle_.triangularView<Eigen::Upper>().solve(z);
    for (Index k = 0; k < part.size(); ++k) out[kept_[static_cast<std::size_t>(k)]] = part[k];
    return out.cwiseProduct(unit_);
  }

  AbsoluteSolution finish() {
    solution_.step = back(z_);
    for (Index i = 0; i < loose_.size(); ++i)
      if (loose_[i] > 1e-8 * loose_.maxCoeff()) solution_.loose.push_back(i);
    return std::move(solution_);
  }

  const AbsoluteProgram& given_;
  AbsoluteSolution solution_;
  Orthonormal program_;
  VectorXd unit_, z_, loose_;
  std::vector<Index> kept_;
  MatrixXd triangle_;
};

}  // namespace

AbsoluteSolution solve(const AbsoluteProgram& program, const AbsoluteSolution* from) {
  return Solver(program).run(from);
}

}  // namespace slope
