// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Linear least squares from the triangle of a QR decomposition of (J | r): steps d that make ‖r + J d‖ small.
#pragma once
#include <Eigen/Core>
#include <vector>

namespace slope {

// Columns that the ones before them make up for, to rounding: their parts of the step are 0. Found by taking
// the columns in order, as R's dqrdc2 does, so that of two parameters that do the same the later one is left.
std::vector<Eigen::Index> redundant_columns(const Eigen::MatrixXd& triangle);

// These, and the ones that make up for them.
std::vector<Eigen::Index> dependent_columns(const Eigen::MatrixXd& triangle,
                                            const std::vector<Eigen::Index>& redundant);

// The step that minimises ‖r + J d‖² over the other columns.
Eigen::VectorXd least_squares_step(const Eigen::MatrixXd& triangle,
                                   const std::vector<Eigen::Index>& redundant = {});
// The step that minimises ‖r + J d‖² + Σ (damping_j·d_j)².
Eigen::VectorXd damped_step(const Eigen::MatrixXd& triangle, const Eigen::VectorXd& damping);

// How much ‖r + J d‖² is below ‖r‖².
double predicted_decrease(const Eigen::MatrixXd& triangle, const Eigen::VectorXd& step);

}  // namespace slope
