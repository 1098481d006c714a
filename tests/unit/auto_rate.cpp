// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `rate=auto`: the largest eigenvalue, and that the rate is its reciprocal where the statement begins.
#include "runtime/solvers/auto_rate.h"

#include <fmt/format.h>
#include <catch2/catch.hpp>
#include <cmath>

#include "graph/philox.h"
#include "tests/unit/training_run.h"

using namespace slope;

namespace {

// Of Q·D·Q with the reflection Q = I − 2uuᵀ/uᵀu: its eigenvalues are those of the diagonal D.
std::optional<double> largest(const std::vector<double>& eigenvalues) {
  std::vector<double> u;
  for (std::size_t i = 0; i < eigenvalues.size(); ++i) u.push_back(uniform_pair(9, i)[0] - 0.3);
  double uu = 0;
  for (double x : u) uu += x * x;
  auto reflect = [&](std::vector<double> v) {
    double uv = 0;
    for (std::size_t i = 0; i < v.size(); ++i) uv += u[i] * v[i];
    for (std::size_t i = 0; i < v.size(); ++i) v[i] -= 2 * uv / uu * u[i];
    return v;
  };
  return largest_eigenvalue(std::ssize(eigenvalues), [&](const std::vector<double>& v) {
    std::vector<double> w = reflect(v);
    for (std::size_t i = 0; i < w.size(); ++i) w[i] *= eigenvalues[i];
    return reflect(w);
  });
}

// Of ((a, b), (b, c)).
double largest_of_two(double a, double b, double c) {
  return (a + c) / 2 + std::sqrt((a - c) * (a - c) / 4 + b * b);
}

}  // namespace

TEST_CASE("the largest eigenvalue of symmetric matrices", "[auto_rate]") {
  for (std::size_t n : {1u, 2u, 5u, 40u, 400u}) {
    std::vector<double> spread, negative, low_rank(n), close;
    for (std::size_t i = 0; i < n; ++i) {
      spread.push_back(std::cos(static_cast<double>(i)));  // 1 is the largest
      negative.push_back(spread.back() - 100);
      close.push_back(1 - 1e-4 * static_cast<double>(i));
    }
    low_rank[n / 2] = 3;
    CHECK(largest(spread).value() == Approx(1).epsilon(n < 300 ? 1e-11 : 1e-5));
    CHECK(largest(negative).value() == Approx(-99).epsilon(n < 300 ? 1e-11 : 1e-5));
    CHECK(largest(low_rank).value() == Approx(3).epsilon(1e-13));
    CHECK(largest(close).value() == Approx(1).epsilon(1e-6));
    CHECK(largest(std::vector<double>(n, 7)).value() == Approx(7).epsilon(1e-14));
    CHECK(largest(std::vector<double>(n)) == 0);
    CHECK(!largest(std::vector<double>(n, NAN)));
  }
}

TEST_CASE("rate=auto is 1/λmax of the loss over all rows", "[auto_rate]") {
  std::string precision = GENERATE("f32", "f64");
  std::string options =
      GENERATE("", " optimizer=momentum", " optimizer=nesterov batch=2", " l2=0.25 weight_decay=0.5");
  Folder folder;
  folder.write("p.csv", "x,y\n0,1\n1,3\n2,5\n4,8\n");
  TrainingRun run(folder, "precision " + precision + R"(
data x, y from "p.csv"
param w = 0.3, b = -1
loss = mse(w*x + b, y)
train steps=3 rate=auto)" + options +
                              "\n");
  Fit fit = run.train("s");
  double extra = options.find("l2") == std::string::npos ? 0 : 0.75;
  double rate = 1 / (largest_of_two(2 * 21 / 4.0, 2 * 7 / 4.0, 2) + extra);
  CHECK(fit.runs[0].rate == Approx(rate).epsilon(precision == "f32" ? 1e-7 : 1e-13));
  if (precision == "f32")
    CHECK(fit.runs[0].rate == static_cast<double>(static_cast<float>(fit.runs[0].rate)));
  // The number in its place gives the same bits.
  std::string number = fmt::format("{:.17g}", fit.runs[0].rate);
  TrainingRun given(folder, "precision " + precision + R"(
data x, y from "p.csv"
param w = 0.3, b = -1
loss = mse(w*x + b, y)
train steps=3 rate=)" + number + options +
                                "\n");
  CHECK(bits(given.train("t").params) == bits(fit.params));
}

TEST_CASE("each statement finds its rate where it begins, of matrices and bounds too", "[auto_rate]") {
  Folder folder;
  TrainingRun run(folder, R"(
param a[2, 1] = [[-1.2], [1]]
param k in (0, inf) = 1
loss = 100*(a[1, 0] - a[0, 0]^2)^2 + (1 - a[0, 0])^2 + (k - 2)^2
train steps=5 rate=auto
train steps=5 rate=auto
train steps=2 rate=0.001
)");
  auto expected = [](double a, double b, double u) {
    double k = std::exp(u), curve = 2 * k * (2 * k - 2);  // of (e^u − 2)² by u
    return 1 / std::max(largest_of_two(1200 * a * a - 400 * b + 2, -400 * a, 200), curve);
  };
  Fit fit = run.train("all");
  CHECK(fit.runs[0].rate == Approx(expected(-1.2, 1, 0)).epsilon(1e-12));
  TrainingRun first(folder, R"(
param a[2, 1] = [[-1.2], [1]]
param k in (0, inf) = 1
loss = 100*(a[1, 0] - a[0, 0]^2)^2 + (1 - a[0, 0])^2 + (k - 2)^2
train steps=5 rate=auto
)");
  Fit half = first.train("first");
  CHECK(fit.runs[1].rate == Approx(expected(half.params[0], half.params[1], half.params[2])).epsilon(1e-12));
  CHECK(fit.runs[1].rate != fit.runs[0].rate);
  CHECK(fit.runs[2].rate == 0.001);
}

TEST_CASE("a later statement without a rate leaves the result of those before", "[auto_rate]") {
  Folder folder;
  std::string text =
      "param w = 3\nloss = if w > 1 then (w - 0.5)^2 else -(w - 2)^2\ntrain steps=1 rate=0.9\n";
  Fit one = TrainingRun(folder, text).train("one");
  TrainingRun run(folder, text + "train steps=5 rate=auto\n");
  Fit fit = run.train("two");
  CHECK(fit.status == Status::failed);
  CHECK(fit.usable);
  CHECK(fit.steps == 1);
  CHECK(bits(fit.params) == bits(one.params));
  CHECK(run.diagnostics().all().back().code == Code::no_rate);
}
