// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Quadratics with absolute values whose minima are known; the proof is checked from outside.
#include "runtime/solvers/absolute_program.h"

#include <catch2/catch.hpp>
#include <random>

using namespace slope;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

using End = AbsoluteSolution::End;

AbsoluteProgram program_of(MatrixXd rows, VectorXd values) {
  AbsoluteProgram p;
  p.sizes = values.cwiseAbs();
  p.hessian = MatrixXd::Zero(rows.cols(), rows.cols());
  p.gradient = VectorXd::Zero(rows.cols());
  p.rows = std::move(rows);
  p.values = std::move(values);
  return p;
}

// No point can be lower: 0 is a subgradient.
void check_proof(const AbsoluteProgram& p, const AbsoluteSolution& s) {
  REQUIRE(s.end == End::optimal);
  VectorXd rest = p.hessian * s.step + p.gradient + p.rows.transpose() * s.multipliers;
  VectorXd size = p.gradient.cwiseAbs() + p.rows.cwiseAbs().colwise().sum().transpose();
  VectorXd values = p.rows * s.step + p.values;
  for (Eigen::Index i = 0; i < rest.size(); ++i) CHECK(std::fabs(rest[i]) <= 1e-9 * size[i]);
  for (Eigen::Index j = 0; j < values.size(); ++j) {
    CHECK(std::fabs(s.multipliers[j]) <= 1);
    double size_of_value = std::fabs(p.values[j]) + p.rows.row(j).cwiseAbs().dot(s.step.cwiseAbs());
    CHECK(std::fabs(values[j]) - s.multipliers[j] * values[j] <= 1e-12 * (size_of_value + 1e-3));
  }
}

}  // namespace

TEST_CASE("absolute values: a median", "[solvers]") {
  AbsoluteProgram p = program_of(VectorXd::Ones(5), VectorXd{{-7, -1, -2, -30, -3}});
  AbsoluteSolution s = solve(p);
  check_proof(p, s);
  CHECK(s.step[0] == Approx(3));
  CHECK(s.loose.empty());
  SECTION("of an even number is an interval") {
    AbsoluteProgram even = program_of(VectorXd::Ones(4), VectorXd{{-7, -1, -2, -30}});
    AbsoluteSolution any = solve(even);
    check_proof(even, any);
    CHECK(any.step[0] >= 2 - 1e-9);
    CHECK(any.step[0] <= 7 + 1e-9);
    CHECK(any.loose.size() == 1);
  }
}

TEST_CASE("absolute values: no minimum", "[solvers]") {
  AbsoluteProgram p = program_of(VectorXd::Ones(3), VectorXd{{1, 2, 3}});
  p.gradient[0] = 3.001;
  CHECK(solve(p).end == End::unbounded);
  p.gradient[0] = 2.999;
  check_proof(p, solve(p));
  p.hessian(0, 0) = -1e-3;
  CHECK(solve(p).end == End::unbounded);
}

TEST_CASE("absolute values: columns that are others' sums stay", "[solvers]") {
  MatrixXd rows(5, 3);
  rows << 1, 0, 1, 1, 1, 2, 1, 2, 3, 1, 3, 4, 1, 4, 5;
  AbsoluteProgram p = program_of(rows, VectorXd{{-1, -3, -5, -4, -9}});
  AbsoluteSolution s = solve(p);
  check_proof(p, s);
  CHECK(s.redundant == std::vector<Eigen::Index>{2});
  CHECK(s.step[2] == 0);
  p.gradient = VectorXd{{0, 0, 1e-6}};
  CHECK(solve(p).end == End::unbounded);
}

TEST_CASE("absolute values: random programs are proven, in units of any size", "[solvers]") {
  std::mt19937_64 random(7);
  auto number = [&] { return std::normal_distribution<double>()(random); };
  for (int k = 0; k < 60; ++k) {
    Eigen::Index m = 1 + k % 30, n = 1 + k % 4;
    MatrixXd rows = MatrixXd::NullaryExpr(m, n, number);
    VectorXd values = VectorXd::NullaryExpr(m, number);
    if (k % 3 == 1) rows = (2 * rows).array().round(), values = values.array().round();
    for (Eigen::Index i = 0; i < n && k % 3 == 2; ++i) rows.col(i) *= std::pow(10, 5 * number());
    AbsoluteProgram p = program_of(rows, values);
    if (k % 2) p.hessian = rows.transpose() * rows;
    check_proof(p, solve(p));
  }
}
