// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The schedules of the rate against their formulas, written with the functions of the C library.
#include <fmt/format.h>

#include <cmath>
#include <functional>
#include <numbers>

#include "runtime/schedule.h"
#include "tests/unit/training_run.h"

using namespace slope;

namespace {

constexpr double rate = 0.3;

Training training_of(const std::string& options) {
  Folder folder;
  folder.write("p.csv", "x\n1\n2\n");
  TrainingRun run(
      folder, "data x from \"p.csv\"\nparam w = 0\nloss = mean((w - x)^2)\ntrain rate=0.3 " + options + "\n");
  return run.model().trainings[0];
}

// A warmup and what follows it, at every step.
void check(const std::string& options, std::int64_t steps, const std::function<double(double)>& formula) {
  for (std::int64_t warmup : {std::int64_t{0}, std::int64_t{10}}) {
    INFO(options << " warmup=" << warmup);
    Training training = training_of(fmt::format("{} warmup={}", options, warmup));
    RateSchedule schedule(training, steps + warmup);
    for (std::int64_t t = 0; t < warmup; ++t)
      REQUIRE(schedule.rate(t) == Approx(rate * static_cast<double>(t) / 10).epsilon(1e-15));
    for (std::int64_t t = 0; t < steps; ++t) {
      INFO(t);
      REQUIRE(schedule.rate(t + warmup) ==
              Approx(rate * formula(static_cast<double>(t))).epsilon(1e-13).margin(1e-16));
    }
  }
}

double cosine(double x) { return (1 + std::cos(std::numbers::pi * x)) / 2; }

}  // namespace

TEST_CASE("schedules are their formulas", "[schedule]") {
  check("", 50, [](double) { return 1; });
  check("decay=constant", 50, [](double) { return 1; });
  check("decay=step(factor=0.5, every=7)", 50, [](double t) { return std::pow(0.5, std::floor(t / 7)); });
  check("decay=step", 99, [](double t) { return std::pow(0.1, std::floor(t / 33)); });
  check("decay=exponential(factor=0.5, every=100)", 300, [](double t) { return std::pow(0.5, t / 100); });
  check("decay=exponential", 80, [](double t) { return std::pow(0.1, t / 80); });
  check("decay=inverse_time(factor=2, every=5)", 80, [](double t) { return 1 / (1 + 2 * t / 5); });
  check("decay=inverse_time", 80, [](double t) { return 1 / (1 + t / 8); });
  check("decay=linear", 40, [](double t) { return 1 - t / 40; });
  check("decay=linear(end=0.25)", 40, [](double t) { return 0.25 + 0.75 * (1 - t / 40); });
  check("decay=polynomial(power=2.5, end=0.1)", 40,
        [](double t) { return 0.1 + 0.9 * std::pow(1 - t / 40, 2.5); });
  check("decay=cosine", 60, [](double t) { return cosine(t / 60); });
  check("decay=cosine(alpha=0.2)", 60, [](double t) { return 0.2 + 0.8 * cosine(t / 60); });
}

TEST_CASE("cosine_restarts begins anew, each cycle t_mul as long and m_mul as high", "[schedule]") {
  // Cycles of 10, 20 and 40 steps.
  auto restarts = [](double m_mul, double alpha) {
    return [=](double t) {
      double begin = t < 10 ? 0 : t < 30 ? 10 : 30, length = t < 10 ? 10 : t < 30 ? 20 : 40;
      double height = t < 10 ? 1 : t < 30 ? m_mul : m_mul * m_mul;
      return height * (alpha + (1 - alpha) * cosine((t - begin) / length));
    };
  };
  check("decay=cosine_restarts(first=10)", 70, restarts(1, 0));
  check("decay=cosine_restarts", 70, restarts(1, 0));
  check("decay=cosine_restarts(first=10, m_mul=0.5, alpha=0.1)", 70, restarts(0.5, 0.1));
  check("decay=cosine_restarts(first=10, t_mul=1)", 70,
        [](double t) { return cosine(std::fmod(t, 10) / 10); });
}

TEST_CASE("one_cycle rises to the rate and falls far below its start", "[schedule]") {
  // PyTorch's phases end at pct_start·T − 1 and T − 1.
  auto cycle = [](double steps, double start, double div, double final_div) {
    return [=](double t) {
      double top = start * steps - 1, low = 1 / div;
      if (t <= top) return 1 + (low - 1) * cosine(t / top);
      return low / final_div + (1 - low / final_div) * cosine((t - top) / (steps - 1 - top));
    };
  };
  check("decay=one_cycle", 100, cycle(100, 0.3, 25, 1e4));
  check("decay=one_cycle(pct_start=0.5, div=10, final_div=100)", 64, cycle(64, 0.5, 10, 100));
  Training training = training_of("decay=one_cycle");
  RateSchedule schedule(training, 100);
  CHECK(schedule.rate(0) == Approx(rate / 25));
  CHECK(schedule.rate(29) == Approx(rate));
  CHECK(schedule.rate(99) == Approx(rate / 25 / 1e4));
  for (std::int64_t steps : {1, 2, 3, 4}) {
    RateSchedule brief(training, steps);
    for (std::int64_t t = 0; t < steps; ++t) {
      CHECK(brief.rate(t) > 0);
      CHECK(brief.rate(t) <= rate);
    }
  }
}

TEST_CASE("plateau reduces the rate after epochs without a lower loss", "[schedule]") {
  auto multiples = [](const std::string& options, const std::vector<double>& losses) {
    Training training = training_of("decay=plateau(" + options + ")");
    Plateau plateau;
    std::vector<double> out;
    for (double loss : losses) {
      plateau.watch(training, loss);
      out.push_back(plateau.multiple);
    }
    return out;
  };
  using List = std::vector<double>;
  // Fires in the epoch in which the wait reaches the patience, and waits anew.
  CHECK(multiples("patience=2, factor=0.5", {5, 4, 4, 4, 4, 4, 3, 3}) ==
        List{1, 1, 1, .5, .5, .25, .25, .25});
  // Lower by less than a ten thousandth does not count, unless an absolute bound is given.
  CHECK(multiples("patience=1, factor=0.5", {1, 0.99995}) == List{1, 0.5});
  CHECK(multiples("patience=1, factor=0.5", {1, 0.9998}) == List{1, 1});
  CHECK(multiples("patience=1, factor=0.5, min_delta=0", {1, 0.99995}) == List{1, 1});
  CHECK(multiples("patience=1, factor=0.5, min_delta=0.1", {1, 0.95}) == List{1, 0.5});
  CHECK(multiples("patience=1, factor=0.5, rel_delta=0.5", {-1, -1.4, -1.6}) == List{1, 0.5, 0.5});
  // While it cools down it does not wait.
  CHECK(multiples("patience=1, factor=0.5, cooldown=2", {1, 1, 1, 1, 1, 1}) ==
        List{1, .5, .5, .25, .25, .125});
  // Not below min_rate, which is a rate: 0.3 times 0.25.
  CHECK(multiples("patience=1, factor=0.5, min_rate=0.075", {1, 1, 1, 1}) == List{1, 0.5, 0.25, 0.25});
  CHECK(multiples("patience=1, factor=0.5, min_rate=1", {1, 1, 1}) == List{1, 1, 1});
}

TEST_CASE("a schedule of the model multiplies the rate of every step", "[schedule]") {
  std::string precision = GENERATE("f64", "f32");
  Folder folder;
  folder.write("p.csv", "x\n1\n2\n");
  std::string text = "precision " + precision + R"(
data x from "p.csv"
param w = 3
def fading(step, steps, power=1) = (1 - step/steps)^power
loss = mean((w - x)^2)
train steps=20 rate=0.1 decay=fading(power=2) warmup=4
)";
  Fit fit = TrainingRun(folder, text).train("s");
  double w = 3;
  for (int t = 0; t < 20; ++t) {
    double r = t < 4 ? 0.1 * t / 4 : 0.1 * std::pow(1 - (t - 4) / 16.0, 2);
    w -= r * 2 * (w - 1.5);
  }
  CHECK(fit.params[0] == Approx(w).epsilon(precision == "f64" ? 1e-13 : 1e-6));
}
