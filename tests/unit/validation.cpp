// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Rows held out, what is judged by them, and when patience ends.
#include "runtime/validation.h"

#include <fmt/format.h>
#include <algorithm>
#include <cmath>

#include "tests/unit/training_run.h"

using namespace slope;

namespace {

std::string rows_of_file(int rows, double slope) {
  std::string file = "x,y\n";
  for (int i = 1; i <= rows; ++i) file += fmt::format("{},{}\n", i, slope * i);
  return file;
}

constexpr const char* through_zero = R"(
data x, y from "p.csv"
param w = 0
predict = w*x
loss = mse(predict, y)
metric worst = max(abs(predict - y))
)";

}  // namespace

TEST_CASE("a fraction of the rows is held out, by the seed alone", "[validation]") {
  for (std::int64_t rows : {2, 5, 19, 1000}) {
    std::vector<std::int64_t> out = held_out(rows, 0.3, 7);
    CHECK(std::ssize(out) == std::llround(0.3 * static_cast<double>(rows)));
    CHECK(std::is_sorted(out.begin(), out.end()));
    CHECK(std::adjacent_find(out.begin(), out.end()) == out.end());
    CHECK((out.empty() || (out.front() >= 0 && out.back() < rows)));
  }
  CHECK(held_out(1000, 0.3, 7) == held_out(1000, 0.3, 7));
  CHECK(held_out(1000, 0.3, 7) != held_out(1000, 0.3, 8));
  // More of them begin with those of fewer.
  std::vector<std::int64_t> few = held_out(1000, 0.1, 7), more = held_out(1000, 0.3, 7);
  CHECK(std::includes(more.begin(), more.end(), few.begin(), few.end()));
}

TEST_CASE("training has the other rows, in the order of the file, whatever the batch", "[validation]") {
  Folder folder;
  folder.write("p.csv", rows_of_file(40, 2));
  std::string options = GENERATE("", "batch=4", "batch=7 shuffle=false seed=3");
  TrainingRun run(folder, through_zero + ("train steps=3 rate=1e-4 validation=0.2 " + options + "\n"));
  const Split& data = run.data();
  REQUIRE(data.validation);
  CHECK(data.validation->row_numbers == held_out(40, 0.2, 0));
  CHECK(data.validation->rows == 8);
  CHECK(data.training.rows == 32);
  std::vector<std::int64_t> all = data.training.row_numbers;
  CHECK(std::is_sorted(all.begin(), all.end()));
  for (std::int64_t row = 0; row < data.training.rows; ++row)
    CHECK(data.training.columns[0].at(row) == static_cast<double>(all[static_cast<std::size_t>(row)] + 1));
  for (std::int64_t row = 0; row < data.validation->rows; ++row)
    CHECK(data.validation->columns[0].at(row) ==
          static_cast<double>(data.validation->row_numbers[static_cast<std::size_t>(row)] + 1));
  all.insert(all.end(), data.validation->row_numbers.begin(), data.validation->row_numbers.end());
  std::sort(all.begin(), all.end());
  for (std::int64_t row = 0; row < 40; ++row) CHECK(all[static_cast<std::size_t>(row)] == row);
}

TEST_CASE("the rows of a file are stored as those to train on", "[validation]") {
  Folder folder;
  folder.write("p.csv", "x,y\n1,2\n2,4\n3,6\n");  // bytes
  folder.write("v.csv", "y,x\n0.5,1000000\n3,2\n");
  TrainingRun run(folder, through_zero + std::string("train steps=0 validation=\"v.csv\"\n"));
  const Split& data = run.data();
  REQUIRE(data.validation);
  CHECK(data.training.storages == data.validation->storages);
  CHECK(data.validation->columns[0].at(0) == 1e6);
  CHECK(data.validation->columns[1].at(0) == 0.5);
  CHECK(data.training.columns[0].at(2) == 3);
  Fit fit = run.train("s");
  REQUIRE(fit.validation.size() == 2);  // w is 0
  CHECK(fit.validation[0] == (0.25 + 9) / 2);
  CHECK(fit.validation[1] == 3);
}

TEST_CASE("the result is the best by the rows held out, and patience counts epochs after it",
          "[validation]") {
  // w goes to 2 in equal ratios and passes 1, where the rows held out have their least loss.
  std::string batch = GENERATE("", "batch=2 shuffle=false");
  Folder folder;
  folder.write("p.csv", "x,y\n1,2\n1,2\n1,2\n1,2\n");
  folder.write("v.csv", "x,y\n1,1\n");
  TrainingRun run(folder, through_zero + fmt::format("train epochs=100 rate=0.01 patience=3 report=1 {} "
                                                     "validation=\"v.csv\"\n",
                                                     batch));
  Fit fit = run.train("s");
  int per_epoch = batch.empty() ? 1 : 2, best = 0, epoch = 0;
  double w = 0, least = INFINITY, best_w = 0;
  for (epoch = 1; epoch <= best + 3 || best == 0; ++epoch) {
    for (int k = 0; k < per_epoch; ++k) w -= 0.01 * 2 * (w - 2);
    double loss = (w - 1) * (w - 1);
    if (loss >= least) continue;
    least = loss;
    best_w = w;
    best = epoch;
  }
  CHECK(fit.status == Status::stopped_early);
  CHECK(fit.epochs == best + 3);
  CHECK(fit.steps == per_epoch * (best + 3));
  CHECK(fit.params[0] == Approx(best_w).epsilon(1e-13));
  CHECK(fit.place.params[0] == Approx(w).epsilon(1e-13));
  CHECK(fit.validation[0] == Approx(least).epsilon(1e-12));
  CHECK(fit.loss == Approx((best_w - 2) * (best_w - 2)));
  // With a large min_delta nothing after the first epoch counts as lower; the best is kept all the same.
  TrainingRun coarse(folder,
                     through_zero + fmt::format("train epochs=100 rate=0.01 patience=3 min_delta=10 {} "
                                                "validation=\"v.csv\"\n",
                                                batch));
  Fit early = coarse.train("s");
  CHECK(early.epochs == 4);
  CHECK(early.params[0] == early.place.params[0]);
}

TEST_CASE("without rows held out patience watches the loss of training", "[validation]") {
  Folder folder;
  folder.write("p.csv", "x,y\n1,2\n1,2\n");
  // Each step multiplies w − 2 by 1 − 2·rate = −1.1: the loss grows from the start.
  TrainingRun growing(folder, through_zero + std::string("train steps=100 rate=1.05 patience=4\n"));
  Fit fit = growing.train("s");
  CHECK(fit.status == Status::stopped_early);
  CHECK(fit.steps == 5);
  CHECK(fit.params[0] == 0);
  CHECK(fit.loss == 4);
  // A loss that falls to its end leaves the last parameters.
  TrainingRun falling(folder, through_zero + std::string("train steps=30 rate=0.1 patience=4\n"));
  Fit best = falling.train("s");
  CHECK(best.status == Status::finished);
  CHECK(best.params[0] == best.place.params[0]);
  CHECK(best.params[0] == Approx(2 - 2 * std::pow(0.8, 30)));
}

TEST_CASE("with batches patience watches the mean of a pass", "[validation]") {
  Folder folder;
  folder.write("p.csv", "x,y\n1,2\n1,2\n1,2\n");
  TrainingRun run(folder, through_zero + std::string("train epochs=50 rate=1.05 batch=2 patience=2\n"));
  Fit fit = run.train("s");
  CHECK(fit.status == Status::stopped_early);
  CHECK(fit.epochs == 3);  // the first has the lowest mean
  CHECK(fit.params[0] == Approx(2 - 2 * 1.1 * 1.1));
}

TEST_CASE("the next statement goes on from the best of the one before", "[validation]") {
  Folder folder;
  folder.write("p.csv", "x,y\n1,2\n1,2\n");
  folder.write("v.csv", "x,y\n1,1\n");
  std::string first = "train epochs=100 rate=0.01 patience=3 validation=\"v.csv\"\n";
  Fit one = TrainingRun(folder, through_zero + first).train("s");
  Fit two = TrainingRun(folder, through_zero + first + "train steps=1 rate=0.1\n").train("s");
  CHECK(two.steps == one.steps + 1);
  CHECK(two.runs[0].status == Status::stopped_early);
  CHECK(two.place.params[0] == Approx(one.params[0] - 0.1 * 2 * (one.params[0] - 2)));
  CHECK(two.params[0] == one.params[0]);  // better by the rows held out
}
