// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/solvers/triangular.h"

#include <Eigen/QR>
#include <algorithm>
#include <cmath>

namespace slope {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

// What is left of a column below this part of its length is rounding.
constexpr double least_part = 1e-13;

// Columns of length 1, so that units of parameters do not matter; `lengths` of 0 become 1.
MatrixXd normalized(const MatrixXd& columns, VectorXd& lengths) {
  MatrixXd out = columns;
  lengths.resize(columns.cols());
  for (Index j = 0; j < columns.cols(); ++j) {
    double length = columns.col(j).stableNorm();
    lengths[j] = length > 0 ? length : 1;
    out.col(j) /= lengths[j];
  }
  return out;
}

// min ‖A d + b‖, A with full column rank.
VectorXd full_rank_step(const MatrixXd& a, const VectorXd& b) {
  VectorXd lengths;
  MatrixXd scaled = normalized(a, lengths);
  VectorXd d = Eigen::ColPivHouseholderQR<MatrixXd>(scaled).setThreshold(0).solve(-b);
  return d.cwiseQuotient(lengths);
}

}  // namespace

std::vector<Index> redundant_columns(const MatrixXd& triangle) {
  const Index n = triangle.cols() - 1;
  VectorXd lengths;
  MatrixXd columns = normalized(triangle.topLeftCorner(n, n), lengths);
  MatrixXd basis(n, n);
  Index rank = 0;
  std::vector<Index> redundant;
  for (Index j = 0; j < n; ++j) {
    VectorXd rest = columns.col(j);
    for (int pass = 0; pass < 2; ++pass)  // twice is enough
      for (Index k = 0; k < rank; ++k) rest -= basis.col(k).dot(rest) * basis.col(k);
    double left = rest.norm();
    if (left > least_part) basis.col(rank++) = rest / left;
    else redundant.push_back(j);
  }
  return redundant;
}

std::vector<Index> dependent_columns(const MatrixXd& triangle, const std::vector<Index>& redundant) {
  const Index n = triangle.cols() - 1;
  std::vector<bool> depends(static_cast<std::size_t>(n));
  for (Index j : redundant) {
    depends[static_cast<std::size_t>(j)] = true;
    MatrixXd with = triangle;
    with.col(n) = triangle.col(j);
    double length = triangle.col(j).norm();
    if (length == 0) continue;  // nothing has to make up for it
    VectorXd parts = least_squares_step(with, redundant);
    for (Index i = 0; i < n; ++i)
      if (std::fabs(parts[i]) * triangle.col(i).norm() > 1e-6 * length)
        depends[static_cast<std::size_t>(i)] = true;
  }
  std::vector<Index> out;
  for (Index i = 0; i < n; ++i)
    if (depends[static_cast<std::size_t>(i)]) out.push_back(i);
  return out;
}

VectorXd least_squares_step(const MatrixXd& triangle, const std::vector<Index>& redundant) {
  const Index n = triangle.cols() - 1;
  std::vector<Index> kept;
  for (Index j = 0; j < n; ++j)
    if (!std::binary_search(redundant.begin(), redundant.end(), j)) kept.push_back(j);
  VectorXd step = VectorXd::Zero(n);
  if (kept.empty()) return step;
  MatrixXd columns(n, static_cast<Index>(kept.size()));
  for (std::size_t k = 0; k < kept.size(); ++k)
    columns.col(static_cast<Index>(k)) = triangle.col(kept[k]).head(n);
  VectorXd found = full_rank_step(columns, triangle.col(n).head(n));
  for (std::size_t k = 0; k < kept.size(); ++k) step[kept[k]] = found[static_cast<Index>(k)];
  return step;
}

VectorXd damped_step(const MatrixXd& triangle, const VectorXd& damping) {
  const Index n = triangle.cols() - 1;
  MatrixXd stacked = MatrixXd::Zero(2 * n, n);
  stacked.topRows(n) = triangle.topLeftCorner(n, n);
  stacked.bottomRows(n) = damping.asDiagonal();
  VectorXd b = VectorXd::Zero(2 * n);
  b.head(n) = triangle.col(n).head(n);
  return full_rank_step(stacked, b);
}

double predicted_decrease(const MatrixXd& triangle, const VectorXd& step) {
  const Index n = triangle.cols() - 1;
  VectorXd moved = triangle.topLeftCorner(n, n) * step;
  return -moved.dot(2 * triangle.col(n).head(n) + moved);
}

}  // namespace slope
