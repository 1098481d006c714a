// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Cross-validation: which rows a fold has, and that its run is the run on the others.
#include "runtime/folds.h"

#include <fmt/format.h>
#include <catch2/catch.hpp>
#include <cmath>

#include "runtime/validation.h"
#include "tests/unit/training_run.h"

using namespace slope;

namespace {

constexpr int rows = 11;
constexpr std::int64_t count = 3;

double x_of(std::int64_t i) { return 0.5 * static_cast<double>(i) - 2; }
double y_of(std::int64_t i) { return 1 + 0.75 * x_of(i) + std::sin(5.0 * static_cast<double>(i)); }

std::string file_of(const std::vector<std::int64_t>& which) {
  std::string out = "x,y\n";
  for (std::int64_t i : which) out += fmt::format("{},{}\n", x_of(i), y_of(i));
  return out;
}
std::vector<std::int64_t> all_numbers() { return others({}, rows); }

// Metrics that show what was fitted.
constexpr const char* line = R"(
data x, y from "p.csv"
param w = 0.3, b = -1
predict = w*x + b
loss = mse(predict, y)
metric fitted_w = w
metric fitted_b = b
)";
constexpr const char* with_state = R"(
data x, y from "p.csv"
param w = 0.3, b = -1
state mean_b = 0
mean_b := 0.9*mean_b + 0.1*b
predict = w*x + (if training then b else mean_b)
loss = mse(predict, y)
metric fitted_w = w
metric fitted_b = mean_b
)";
constexpr const char* standard = R"(
data x from "p.csv" standardized
data y from "p.csv"
param w = 0.3, b = -1
predict = w*x + b
loss = mse(predict, y)
metric fitted_w = w
metric fitted_b = b
)";

}  // namespace

TEST_CASE("every row is in one fold, and folds differ by a row at most", "[folds]") {
  for (std::int64_t n : {2, 7, 10, 1000})
    for (std::int64_t k : {std::int64_t{2}, std::int64_t{3}, n}) {
      if (k > n) continue;
      std::vector<int> seen(static_cast<std::size_t>(n));
      for (std::int64_t fold = 0; fold < k; ++fold) {
        std::vector<std::int64_t> out = rows_of_fold(n, {.count = k, .seed = 5}, fold);
        CHECK(std::is_sorted(out.begin(), out.end()));
        CHECK((std::ssize(out) == n / k || std::ssize(out) == (n + k - 1) / k));
        for (std::int64_t row : out) ++seen[static_cast<std::size_t>(row)];
      }
      CHECK(std::count(seen.begin(), seen.end(), 1) == n);
    }
  Folds five{.count = 5, .seed = 1};
  CHECK(rows_of_fold(1000, five, 2) == rows_of_fold(1000, five, 2));
  CHECK(rows_of_fold(1000, five, 2) != rows_of_fold(1000, {.count = 5, .seed = 2}, 2));
  CHECK(rows_of_fold(1000, five, 2) != held_out(1000, 0.2, 1));
}

TEST_CASE("a fold's run is the run on the other rows, to the bit", "[folds]") {
  std::string precision = GENERATE("f32", "f64"), model = GENERATE(line, with_state, standard);
  std::string options =
      GENERATE(as<std::string>{}, "train steps=9 rate=0.1", "train epochs=4 batch=3 rate=0.02",
               "train epochs=3 batch=8 rate=0.02 shuffle=false", "train epochs=9 batch=3 rate=0.4 patience=2",
               "train steps=6 rate=0.1 optimizer=adam ema=0.9\n"
               "train epochs=3 batch=2 rate=0.05 warmup=2 decay=cosine seed=3",
               "train steps=20 rate=0.02 patience=2 clip_norm=0.1 l2=0.01");
  std::string text = "seed 2\nprecision " + precision + model + options;
  INFO(text);
  Folder folder;
  folder.write("p.csv", file_of(all_numbers()));
  TrainingRun whole(folder, text + fmt::format(" folds={}\n", count));
  CrossValidation result = whole.cross_validate();
  REQUIRE(std::ssize(result.folds) == count);
  for (std::int64_t fold = 0; fold < count; ++fold) {
    std::vector<std::int64_t> out = rows_of_fold(rows, {.count = count, .seed = 2}, fold);
    folder.write("p.csv", file_of(others(out, rows)));
    Fit rest = TrainingRun(folder, text + "\n").train("rest");
    const std::vector<double>& values = result.folds[static_cast<std::size_t>(fold)];
    CHECK(bits({values[1], values[2]}) == bits(rest.metrics));
    if (model == standard) continue;
    double sum = 0;
    for (std::int64_t i : out) sum += std::pow(rest.metrics[0] * x_of(i) + rest.metrics[1] - y_of(i), 2);
    CHECK(values[0] == Approx(sum / static_cast<double>(out.size())).epsilon(1e-5));
  }
  // The result is the fit that is made without folds.
  folder.write("p.csv", file_of(all_numbers()));
  CHECK(bits(whole.train("with").params) == bits(TrainingRun(folder, text + "\n").train("without").params));
}

TEST_CASE("draws in a fold are those of the rows' numbers in the data", "[folds]") {
  std::string model = R"(
data x, m from "p.csv"
param w = 0
u ~ normal(x, 1)
loss = sum(m*(w - u)^2)/sum(m)
metric fitted = w
train steps=7 rate=0.1)";
  auto file = [](const std::vector<std::int64_t>& without) {
    std::string out = "x,m\n";
    for (std::int64_t i = 0; i < rows; ++i)
      out += fmt::format("{},{}\n", x_of(i), !std::binary_search(without.begin(), without.end(), i) + 0);
    return out;
  };
  Folder folder;
  folder.write("p.csv", file({}));
  CrossValidation result = TrainingRun(folder, model + " folds=3\n").cross_validate();
  for (std::int64_t fold = 0; fold < count; ++fold) {
    folder.write("p.csv", file(rows_of_fold(rows, {.count = count}, fold)));
    Fit rest = TrainingRun(folder, model + "\n").train("rest");
    CHECK(result.folds[static_cast<std::size_t>(fold)][1] == Approx(rest.params[0]).epsilon(1e-12));
  }
}

TEST_CASE("mean and standard deviation over the folds", "[folds]") {
  CrossValidation result{{{1, 5}, {2, 5}, {6, 5}}, {}};
  CHECK(result.mean(0) == 3);
  CHECK(result.deviation(0) == Approx(std::sqrt((4 + 1 + 9) / 2.0)));
  CHECK(result.mean(1) == 5);
  CHECK(result.deviation(1) == 0);
  CHECK(result.of_folds(0) == std::vector<double>{1, 2, 6});
}

TEST_CASE("what goes wrong in folds is said once, with the folds", "[folds]") {
  Folder folder;
  folder.write("p.csv", file_of(all_numbers()));
  TrainingRun run(folder, line + std::string("train steps=3000 rate=30 folds=3\n"));
  CrossValidation result = run.cross_validate();
  REQUIRE(result.said.all().size() == 1);
  const Diagnostic& d = result.said.all()[0];
  CHECK(d.code == Code::diverged);
  CHECK(d.notes.at(0) == "this was in folds 1, 2 and 3 of 3");
  CHECK(std::isfinite(result.folds[0][0]));  // at the best parameters before
}
