// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Averages of the parameters over the steps: what is judged by them, and what they are.
#include <catch2/catch.hpp>
#include <cmath>

#include "tests/unit/training_run.h"

using namespace slope;

namespace {

constexpr const char* through_zero = R"(
data x, y from "p.csv"
param w = 0
predict = w*x
loss = mse(predict, y)
)";

// Gradient descent on (w − 2)² from 0, with its average.
struct Path {
  double w = 0, average = 0;
  double step(double rate, double keep) {  // the loss before it
    double loss = (w - 2) * (w - 2);
    w -= rate * 2 * (w - 2);
    average = keep * average + (1 - keep) * w;
    return loss;
  }
};

}  // namespace

TEST_CASE("rows held out judge the averages, and the best of them are the result", "[ema]") {
  std::string batch = GENERATE("", "batch=2 shuffle=false");
  Folder folder;
  folder.write("p.csv", "x,y\n1,2\n1,2\n1,2\n1,2\n");
  folder.write("v.csv", "x,y\n1,1\n");
  TrainingRun run(folder, through_zero + ("train epochs=100 rate=0.05 patience=3 report=1 ema=0.7 "
                                          "validation=\"v.csv\" " +
                                          batch + "\n"));
  Fit fit = run.train("s");
  Path path;
  double least = INFINITY, best = 0;
  std::vector<double> judged{1};
  int best_epoch = 0;
  for (int epoch = 1; epoch <= best_epoch + 3 || best_epoch == 0; ++epoch) {
    for (int k = 0; k < (batch.empty() ? 1 : 2); ++k) path.step(0.05, 0.7);
    judged.push_back((path.average - 1) * (path.average - 1));
    if (judged.back() >= least) continue;
    least = judged.back();
    best = path.average;
    best_epoch = epoch;
  }
  CHECK(fit.status == Status::stopped_early);
  CHECK(fit.epochs == best_epoch + 3);
  CHECK(fit.params[0] == Approx(best).epsilon(1e-13));
  CHECK(fit.validation[0] == Approx(least).epsilon(1e-12));
  CHECK(fit.place.params[0] == Approx(path.w).epsilon(1e-13));
  REQUIRE(run.lines.size() == judged.size());
  for (std::size_t i = 0; i + 1 < judged.size(); ++i)  // the last line is that of the result
    CHECK(std::bit_cast<double>(run.lines[i].validation.at(0)) == Approx(judged[i]).epsilon(1e-12));
}

TEST_CASE("without rows held out the averages after the step of the lowest loss are kept", "[ema]") {
  Folder folder;
  folder.write("p.csv", "x,y\n1,2\n1,2\n");
  // At this rate w goes away from 2, slowly: the first loss is the lowest.
  TrainingRun run(folder, through_zero + std::string("train steps=50 rate=1.05 patience=4 ema=0.9\n"));
  Fit fit = run.train("s");
  CHECK(fit.status == Status::stopped_early);
  CHECK(fit.steps == 5);
  Path path;
  path.step(1.05, 0.9);
  CHECK(fit.params[0] == Approx(path.average).epsilon(1e-13));
  CHECK(fit.loss == Approx((path.average - 2) * (path.average - 2)).epsilon(1e-13));
}

TEST_CASE("after a divergence the parameters of the lowest loss are left, not their averages", "[ema]") {
  Folder folder;
  folder.write("p.csv", "x,y\n1,2\n1,2\n");
  TrainingRun run(folder, through_zero + std::string("train steps=5000 rate=3 ema=0.9\n"));
  Fit fit = run.train("s");
  CHECK(fit.status == Status::diverged);
  CHECK(fit.params[0] == 0);
  CHECK(fit.loss == 4);
}

TEST_CASE("the model's own states are not averaged", "[ema]") {
  Folder folder;
  folder.write("p.csv", "x,y\n1,2\n1,2\n");
  std::string text = R"(
data x, y from "p.csv"
param w = 0
state count = 0
count := count + 1
loss = mse(w*x, y)
train steps=6 rate=0.1 ema=0.9
)";
  Fit fit = TrainingRun(folder, text).train("s");
  REQUIRE(fit.params.size() == 2);
  CHECK(fit.params[1] == 6);
  CHECK(fit.params[0] < fit.place.params[0]);
}

TEST_CASE("a state that is saved on the way holds the averages under the parameters' names", "[ema]") {
  Folder folder;
  folder.write("p.csv", "x,y\n1,2\n1,2\n");
  TrainingRun run(folder, through_zero + std::string("train steps=6 rate=0.1 ema=0.9\n"));
  run.keep = 3;
  run.train("s");
  Diagnostics diagnostics;
  auto state = load(folder.path("kept"), diagnostics);
  REQUIRE(state);
  Path path;
  for (int k = 0; k < 3; ++k) path.step(0.1, 0.9);
  CHECK(state->find("w")->values[0] == Approx(path.average).epsilon(1e-13));
  CHECK(state->find("slope/last/w")->values[0] == Approx(path.w).epsilon(1e-13));
}
