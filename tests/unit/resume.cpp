// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A run that was interrupted anywhere and resumed is the run that was never stopped, to the bit.
#include <catch2/catch.hpp>
#include <cmath>

#include "tests/unit/training_run.h"

using namespace slope;

namespace {

void check_same(const Fit& a, const Fit& b) {
  CHECK(a.status == b.status);
  CHECK(a.steps == b.steps);
  CHECK(bits(a.params) == bits(b.params));
  CHECK(bits({a.loss}) == bits({b.loss}));
  CHECK(bits(a.metrics) == bits(b.metrics));
  REQUIRE(a.runs.size() == b.runs.size());
  for (std::size_t i = 0; i < a.runs.size(); ++i) {
    CHECK(a.runs[i].optimizer == b.runs[i].optimizer);
    CHECK(a.runs[i].steps == b.runs[i].steps);
    CHECK(a.runs[i].status == b.runs[i].status);
    CHECK(bits({a.runs[i].loss}) == bits({b.runs[i].loss}));
  }
}

constexpr const char* statements = R"(
data x, y from "p.csv"
param w = 0.3, b = -1
def halfway(w, g, rate, part=2) = w - rate/part*g
predict = w*x + b
loss = mse(predict, y)
metric worst = max(abs(predict - y))
)";

// A model whose steps depend on more than its parameters.
constexpr const char* with_states = R"(
data x, y from "p.csv"
param w = [0.3, 0.1], b = -1
state mean_b = 0
state seen[2] = [0, 1]
u ~ normal(0, 0.1, like=x)
h = dropout(stack(x, x^2), 0.3)
mean_b := 0.9*mean_b + 0.1*b
seen := seen + mean(h, axis=rows)
predict = h @ w + (if training then b + u else mean_b)
loss = mse(predict, y)
metric first = seen[0]
)";

}  // namespace

TEST_CASE("a run interrupted after any step and resumed equals the run that was not", "[resume]") {
  std::string precision = GENERATE("f32", "f64");
  // The first overshoots and comes back, so that the best parameters are not always the last.
  std::string trainings = GENERATE(as<std::string>{}, "train steps=7 rate=0.1 report=2\n",
                                   "train steps=12 rate=0.29\n"
                                   "train steps=5 optimizer=halfway(part=3) rate=0.2\n"
                                   "train steps=6 rate=0.01 report=4\n",
                                   "train steps=5 rate=0.05\ntrain steps=0\ntrain steps=500 rate=3\n");
  std::string text = "precision " + precision + statements + trainings;
  Folder folder;
  folder.write("p.csv", "x,y\n0,1.1\n1,3.3\n2,4.7\n3,7.2\n");
  TrainingRun straight(folder, text);
  Fit whole = straight.train("whole");
  CHECK((whole.status == Status::diverged) == (trainings.find("rate=3\n") != std::string::npos));
  std::string expected = Folder::read(folder.path("whole"));
  std::int64_t last =
      whole.status == Status::diverged ? std::min<std::int64_t>(whole.steps, 15) : whole.steps;
  for (std::int64_t stop = 0; stop < last; ++stop) {
    INFO(precision << " " << trainings << stop);
    TrainingRun before(folder, text), after(folder, text);
    before.keep = stop;
    Fit part = before.train("part", stop);
    REQUIRE(part.status == Status::interrupted);
    REQUIRE(part.steps == stop);
    Fit resumed = after.train("resumed", -1, "part");
    CHECK(resumed.steps_here == whole.steps - stop);
    check_same(resumed, whole);
    CHECK(Folder::read(folder.path("resumed")) == expected);
    // The lines of both are those of the whole, but for the last of the part, which tells where it stopped.
    before.lines.pop_back();
    before.lines.insert(before.lines.end(), after.lines.begin(), after.lines.end());
    CHECK(before.lines == straight.lines);
    if (stop == 0) continue;
    // So does what --save-every wrote there, without an interruption.
    TrainingRun from_checkpoint(folder, text);
    check_same(from_checkpoint.train("resumed", -1, "kept"), whole);
    CHECK(Folder::read(folder.path("resumed")) == expected);
  }
}

TEST_CASE("a resumed run has the states and draws of the one that was not stopped", "[resume]") {
  std::string precision = GENERATE("f32", "f64"), model = GENERATE(statements, with_states);
  std::string text = "precision " + precision + model +
                     "train steps=5 rate=0.1 optimizer=adam(amsgrad=true)\n"
                     "train steps=3 rate=0.05 optimizer=adam(amsgrad=true) ema=0.9\n"
                     "train steps=0 optimizer=momentum\n"
                     "train steps=3 rate=0.01 optimizer=adam(amsgrad=true)\n"
                     "train steps=4 rate=0.01 optimizer=nesterov\n";
  Folder folder;
  folder.write("p.csv", "x,y\n0,1.1\n1,3.3\n2,4.7\n3,7.2\n");
  Fit whole = TrainingRun(folder, text).train("whole");
  REQUIRE(whole.status == Status::finished);
  for (std::int64_t stop = 0; stop < whole.steps; ++stop) {
    INFO(text << stop);
    TrainingRun before(folder, text);
    before.keep = stop;
    before.train("part", stop);
    check_same(TrainingRun(folder, text).train("resumed", -1, "part"), whole);
    CHECK(Folder::read(folder.path("resumed")) == Folder::read(folder.path("whole")));
    if (stop == 0) continue;
    TrainingRun(folder, text).train("resumed", -1, "kept");
    CHECK(Folder::read(folder.path("resumed")) == Folder::read(folder.path("whole")));
  }
}

TEST_CASE("so does a run with batches, schedules, rows held out and patience", "[resume]") {
  std::string precision = GENERATE("f32", "f64");
  std::string trainings = GENERATE(
      as<std::string>{}, "train epochs=4 batch=3 rate=0.02 report=1\n",
      "train epochs=3 batch=2 rate=0.02\ntrain steps=5 batch=3 shuffle=false rate=0.01 seed=4 report=2\n",
      "train epochs=5 batch=2 rate=0.02 validation=0.3 report=2\n",
      // The rate is too large: patience ends, the next statement goes on from the best.
      "train epochs=9 batch=3 rate=0.13 patience=2 validation=0.3\ntrain epochs=3 batch=3 rate=0.01\n",
      "train epochs=9 batch=3 rate=0.13 patience=2\ntrain epochs=2 rate=0.01\n",
      "train steps=9 rate=0.13 patience=2\ntrain steps=4 rate=0.01 batch=4\n",
      "train steps=9 batch=4 rate=0.02 decay=cosine warmup=3 momentous\n",
      "train epochs=6 batch=3 rate=0.08 decay=plateau(patience=1, factor=0.3, cooldown=1)\n",
      "train steps=7 rate=0.02 decay=fading l2=0.1 clip_norm=1 validation=0.3\n",
      // Averages: judged by rows held out, by patience, in the middle of a pass, with states of an optimizer.
      "train epochs=4 batch=2 rate=0.02 ema=0.8 validation=0.3\ntrain steps=3 rate=0.01\n",
      "train epochs=9 batch=3 rate=0.13 patience=2 ema=0.5\ntrain steps=4 rate=0.01 ema=0.9\n",
      "train steps=9 rate=0.13 patience=2 ema=0.7\ntrain epochs=2 batch=3 rate=0.01 warmup=2 ema=0.7\n",
      "train steps=4 rate=0.1 optimizer=adam ema=0.9\ntrain steps=4 rate=0.1 optimizer=adam ema=0.6\n",
      // A rate that is found where each statement begins.
      "train steps=4 rate=auto\ntrain epochs=3 batch=3 rate=auto optimizer=momentum ema=0.9 decay=cosine "
      "warmup=1\n");
  // A function with hyper-parameters in place of the optimizer.
  if (auto at = trainings.find("momentous"); at != std::string::npos)
    trainings.replace(at, 9, "optimizer=halfway(part=1.5)");
  std::string text =
      "precision " + precision + statements + "def fading(step, steps) = 1 - step/steps\n" + trainings;
  Folder folder;
  folder.write("p.csv", "x,y\n0,1.1\n1,3.3\n2,4.7\n3,7.2\n1.5,4\n0.5,2\n2.5,6\n");
  TrainingRun straight(folder, text);
  Fit whole = straight.train("whole");
  std::string expected = Folder::read(folder.path("whole"));
  REQUIRE((whole.status == Status::finished || whole.status == Status::stopped_early));
  for (std::int64_t stop = 0; stop < whole.steps; ++stop) {
    INFO(precision << " " << trainings << stop);
    TrainingRun before(folder, text), after(folder, text);
    before.keep = stop;
    Fit part = before.train("part", stop);
    REQUIRE(part.status == Status::interrupted);
    Fit resumed = after.train("resumed", -1, "part");
    CHECK(resumed.steps_here == whole.steps - stop);
    check_same(resumed, whole);
    CHECK(bits(resumed.validation) == bits(whole.validation));
    CHECK(Folder::read(folder.path("resumed")) == expected);
    before.lines.pop_back();
    before.lines.insert(before.lines.end(), after.lines.begin(), after.lines.end());
    CHECK(before.lines == straight.lines);
    if (stop == 0) continue;
    TrainingRun from_checkpoint(folder, text);
    check_same(from_checkpoint.train("resumed", -1, "kept"), whole);
    CHECK(Folder::read(folder.path("resumed")) == expected);
  }
  // What is finished stays so.
  Fit again = TrainingRun(folder, text).train("again", -1, "whole");
  CHECK(again.steps_here == 0);
  CHECK(bits(again.params) == bits(whole.params));
}

TEST_CASE("a run in batches goes on to a larger number of epochs", "[resume]") {
  std::string text = std::string(statements) + "train epochs=2 batch=3 rate=0.02 validation=0.3\n";
  Folder folder;
  folder.write("p.csv", "x,y\n0,1.1\n1,3.3\n2,4.7\n3,7.2\n1.5,4\n0.5,2\n2.5,6\n");
  TrainingRun(folder, text).train("two");
  Fit longer = TrainingRun(folder, text, {{"epochs", "5"}}).train("longer");
  Fit resumed = TrainingRun(folder, text, {{"epochs", "5"}}).train("resumed", -1, "two");
  check_same(resumed, longer);
  CHECK(Folder::read(folder.path("resumed")) == Folder::read(folder.path("longer")));
}

TEST_CASE("a resumed run goes on to a larger number of steps", "[resume]") {
  std::string text = std::string(statements) + "train steps=10 rate=0.1\n";
  Folder folder;
  folder.write("p.csv", "x,y\n0,1.1\n1,3.3\n2,4.7\n");
  TrainingRun(folder, text).train("ten");
  Fit longer = TrainingRun(folder, text, {{"steps", "25"}}).train("longer");
  Fit resumed = TrainingRun(folder, text, {{"steps", "25"}}).train("resumed", -1, "ten");
  CHECK(resumed.steps_here == 15);
  check_same(resumed, longer);
  CHECK(Folder::read(folder.path("resumed")) == Folder::read(folder.path("longer")));
  Fit again = TrainingRun(folder, text).train("again", -1, "longer");
  CHECK(again.steps_here == 0);
  CHECK(bits(again.params) == bits(longer.params));
}

TEST_CASE("with more steps for each of two statements, the one under way gets the rest", "[resume]") {
  std::string text = std::string(statements) + "train steps=10 rate=0.1\ntrain steps=10 rate=0.01\n";
  Folder folder;
  folder.write("p.csv", "x,y\n0,1.1\n1,3.3\n2,4.7\n");
  TrainingRun(folder, text).train("first", 4);
  check_same(TrainingRun(folder, text, {{"steps", "12"}}).train("resumed", -1, "first"),
             TrainingRun(folder, text, {{"steps", "12"}}).train("longer"));
  TrainingRun(folder, text).train("second", 14);
  Fit fit = TrainingRun(folder, text, {{"steps", "12"}}).train("resumed", -1, "second");
  CHECK(fit.steps == 24);
  CHECK(fit.runs[0].steps == 10);
  CHECK(fit.runs[1].steps == 14);
}

// The methods with a stopping test keep no memory of their steps: a resumed one goes on from its parameters.
TEST_CASE("a method with a stopping test that was interrupted goes on to its minimum", "[resume]") {
  std::string optimizer = GENERATE("lbfgs", "newton", "lm");
  Folder folder;
  folder.write("p.csv", "x,y\n0,1\n1,3\n2,5\n3,4\n4,9\n");
  std::string text = R"(
data x, y from "p.csv"
param a in (0, inf) = 1
param b[2] = [0, 0.1]
loss = mse(a*exp(b[1]*x) + b[0], y) + 1e-3*sum(b^2)
train optimizer=)" + optimizer;
  Fit whole = TrainingRun(folder, text).train("whole.safetensors");
  CHECK(whole.status == Status::converged);
  REQUIRE(whole.steps > 4);

  TrainingRun cut(folder, text);
  Fit part = cut.train("cut.safetensors", 3);
  CHECK(part.status == Status::interrupted);
  CHECK(part.steps == 3);
  REQUIRE(part.runs.size() == 1);
  CHECK(part.runs[0].stopped_by == "interrupted");

  TrainingRun rest(folder, text);
  Fit fit = rest.train("rest.safetensors", -1, "cut.safetensors");
  CHECK(fit.status == Status::converged);
  CHECK(fit.steps_here == fit.steps - 3);
  CHECK(rest.lines.front().step == 4);  // the next that is due
  REQUIRE(fit.params.size() == whole.params.size());
  for (std::size_t i = 0; i < fit.params.size(); ++i)
    CHECK(std::fabs(fit.params[i] - whole.params[i]) < 1e-8 * std::max(1.0, std::fabs(whole.params[i])));

  Fit again = TrainingRun(folder, text).train("again.safetensors", -1, "rest.safetensors");
  CHECK(again.status == Status::converged);
  CHECK(again.steps_here == 0);
  CHECK(bits(again.params) == bits(fit.params));
}
