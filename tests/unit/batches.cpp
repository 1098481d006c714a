// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Training in batches against loops that follow the definition: which rows a step takes, what it does with
// their gradient, which loss a pass has.
#include "runtime/batches.h"

#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "tests/unit/training_run.h"

using namespace slope;

TEST_CASE("an order of rows is that of Philox and of Fisher and Yates", "[batches]") {
  // From an implementation in Python that was checked against the known answers of Random123.
  CHECK(shuffled(10, 0x123456789abcdef, 3) == std::vector<std::int64_t>{2, 9, 7, 3, 6, 5, 8, 1, 0, 4});
  CHECK(shuffled(10, 0x123456789abcdef, 4) == std::vector<std::int64_t>{4, 9, 1, 0, 6, 3, 7, 2, 5, 8});
  CHECK(shuffled(7, 1, std::uint64_t{1} << 40) == std::vector<std::int64_t>{5, 2, 3, 0, 1, 6, 4});
  CHECK(shuffled(0, 1, 1).empty());
  CHECK(shuffled(1, 1, 1) == std::vector<std::int64_t>{0});
  std::vector<std::int64_t> many = shuffled(100'000, 7, 0);
  CHECK(many != shuffled(100'000, 8, 0));
  std::sort(many.begin(), many.end());
  for (std::int64_t i = 0; i < 100'000; ++i) REQUIRE(many[static_cast<std::size_t>(i)] == i);
}

TEST_CASE("every place is equally likely for every row", "[batches]") {
  constexpr int rows = 5, passes = 20'000;
  int seen[rows][rows] = {};
  for (int pass = 0; pass < passes; ++pass) {
    auto order = shuffled(rows, 42, static_cast<std::uint64_t>(pass));
    for (int place = 0; place < rows; ++place) ++seen[order[static_cast<std::size_t>(place)]][place];
  }
  // 4,000 expected; the standard deviation is 57.
  for (auto& row : seen)
    for (int count : row) CHECK(std::abs(count - passes / rows) < 300);
}

namespace {

Column filled(Storage storage, std::int64_t rows, std::int64_t elements) {
  std::vector<double> values(static_cast<std::size_t>(rows * elements));
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = storage == Storage::u8 ? static_cast<double>(i % 251) : 0.5 + static_cast<double>(i);
  Column all = make_column("c", values, storage == Storage::f32);
  Column out("c", storage, rows, elements);
  std::memcpy(out.data(), converted(all, storage).data(), values.size() * size_of(storage));
  return out;
}

double cell(Storage storage, const void* column, std::int64_t at) {
  if (storage == Storage::u8) return static_cast<const std::uint8_t*>(column)[at];
  if (storage == Storage::f32) return static_cast<double>(static_cast<const float*>(column)[at]);
  return static_cast<const double*>(column)[at];
}

}  // namespace

TEST_CASE("a batch has its rows and their numbers, in aligned memory", "[batches]") {
  bool shuffle = GENERATE(true, false), part = GENERATE(true, false);
  std::int64_t size = GENERATE(1, 3, 64, 100);
  INFO(shuffle << " " << part << " " << size);
  Dataset data;
  data.rows = 200;
  data.columns.push_back(filled(Storage::u8, data.rows, 1));
  data.columns.push_back(Column());  // read by nothing
  data.columns.push_back(filled(Storage::f32, data.rows, 3));
  data.columns.push_back(filled(Storage::f64, data.rows, 1));
  data.refresh();
  if (part)
    for (std::int64_t row = 0; row < data.rows; ++row) data.row_numbers.push_back(2 * row + 7);
  Training training;
  training.batch = size;
  training.shuffle = shuffle;
  training.seed = 5;
  training.epoch_steps = (data.rows + size - 1) / size;
  Batches batches(data, training, 1);
  Run run;
  for (std::int64_t step : {std::int64_t{0}, training.epoch_steps - 1, training.epoch_steps + 1}) {
    std::int64_t pass = step / training.epoch_steps, first = step % training.epoch_steps * size;
    std::vector<std::int64_t> order(static_cast<std::size_t>(data.rows));
    std::iota(order.begin(), order.end(), 0);
    if (shuffle) order = shuffled(data.rows, key_of(5, "shuffle", 1), static_cast<std::uint64_t>(pass));
    batches.take(step, run);
    REQUIRE(run.rows == std::min(size, data.rows - first));
    CHECK(batches.rows(step) == run.rows);
    for (std::size_t c : {std::size_t{0}, std::size_t{2}, std::size_t{3}}) {
      const Column& column = data.columns[c];
      REQUIRE(reinterpret_cast<std::uintptr_t>(run.columns[c]) % 64 == 0);
      for (std::int64_t row = 0; row < run.rows; ++row) {
        std::int64_t number = order[static_cast<std::size_t>(first + row)];
        CHECK(run.row_numbers[row] == (part ? 2 * number + 7 : number));
        for (std::int64_t e = 0; e < column.elements(); ++e)
          REQUIRE(cell(column.storage(), run.columns[c], row * column.elements() + e) ==
                  column.at(number, e));
      }
    }
  }
}

namespace {

// y = w·x + b by plain gradient descent on the mean square, a row at a time in the sums.
struct Line2 {
  double w = 0.3, b = -1;
};
struct Terms {
  double l2 = 0, value = 0, norm = 0, decay = 0;
};

double step_of(Line2& p, const std::vector<double>& x, const std::vector<double>& y, double rate,
               const Terms& terms) {
  double loss = 0, dw = 0, db = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    double r = p.w * x[i] + p.b - y[i];
    loss += r * r;
    dw += 2 * r * x[i];
    db += 2 * r;
  }
  auto n = static_cast<double>(x.size());
  dw = dw / n + terms.l2 * p.w;
  db = db / n + terms.l2 * p.b;
  if (terms.value > 0) {
    dw = std::clamp(dw, -terms.value, terms.value);
    db = std::clamp(db, -terms.value, terms.value);
  }
  if (double norm = std::hypot(dw, db); terms.norm > 0 && norm > terms.norm) {
    dw *= terms.norm / norm;
    db *= terms.norm / norm;
  }
  p.w -= rate * terms.decay * p.w + rate * dw;
  p.b -= rate * terms.decay * p.b + rate * db;
  return loss / n;
}

struct Case {
  const char* options;
  std::int64_t batch;
  bool shuffle;
  Terms terms;
};

constexpr const char* line_model = R"(
data x, y from "p.csv"
param w = 0.3, b = -1
predict = w*x + b
loss = mse(predict, y)
)";

}  // namespace

TEST_CASE("a run in batches follows the definition", "[batches]") {
  Case c = GENERATE(
      Case{"batch=3", 3, true, {}}, Case{"batch=3 shuffle=false", 3, false, {}},
      Case{"batch=8 shuffle=false", 8, false, {}}, Case{"batch=1", 1, true, {}},
      Case{"batch=5 l2=0.2", 5, true, {0.2, 0, 0, 0}},
      Case{"batch=5 clip_value=0.5", 5, true, {0, 0.5, 0, 0}},
      Case{"batch=5 clip_norm=0.7", 5, true, {0, 0, 0.7, 0}},
      Case{"batch=5 weight_decay=0.3", 5, true, {0, 0, 0, 0.3}},
      Case{"batch=5 l2=0.1 clip_value=2 clip_norm=1.5 weight_decay=0.2", 5, true, {0.1, 2, 1.5, 0.2}});
  INFO(c.options);
  constexpr int rows = 19, epochs = 6;
  std::vector<double> x, y;
  std::string file = "x,y\n";
  for (int i = 0; i < rows; ++i) {
    x.push_back(std::round(100 * std::sin(i)) / 50);
    y.push_back(std::round(100 * (2 * x.back() + 0.5 + std::cos(3 * i))) / 100);
    file += fmt::format("{},{}\n", x.back(), y.back());
  }
  Folder folder;
  folder.write("p.csv", file);
  TrainingRun run(
      folder, line_model + fmt::format("train epochs={} rate=0.05 report=1 seed=11 {}\n", epochs, c.options));
  Fit fit = run.train("state");

  Line2 p;
  std::vector<double> of_pass;
  for (int epoch = 0; epoch < epochs; ++epoch) {
    std::vector<std::int64_t> order(rows);
    std::iota(order.begin(), order.end(), 0);
    if (c.shuffle) order = shuffled(rows, key_of(11, "shuffle", 0), static_cast<std::uint64_t>(epoch));
    double sum = 0;
    for (std::int64_t first = 0; first < rows; first += c.batch) {
      std::vector<double> bx, by;
      for (std::int64_t i = first; i < std::min<std::int64_t>(first + c.batch, rows); ++i) {
        bx.push_back(x[static_cast<std::size_t>(order[static_cast<std::size_t>(i)])]);
        by.push_back(y[static_cast<std::size_t>(order[static_cast<std::size_t>(i)])]);
      }
      sum += step_of(p, bx, by, 0.05, c.terms) * static_cast<double>(bx.size());
    }
    of_pass.push_back(sum / rows);
  }
  CHECK(fit.steps == epochs * ((rows + c.batch - 1) / c.batch));
  CHECK(fit.epochs == epochs);
  CHECK(fit.params[0] == Approx(p.w).epsilon(1e-12));
  CHECK(fit.params[1] == Approx(p.b).epsilon(1e-12));
  REQUIRE(run.lines.size() == epochs + 1);
  for (std::size_t epoch = 1; epoch <= epochs; ++epoch) {
    CHECK(run.lines[epoch].epoch == static_cast<std::int64_t>(epoch));
    CHECK(std::bit_cast<double>(run.lines[epoch].loss[0]) == Approx(of_pass[epoch - 1]).epsilon(1e-12));
  }
  double all = 0;
  for (std::size_t i = 0; i < rows; ++i) all += std::pow(p.w * x[i] + p.b - y[i], 2) / rows;
  CHECK(fit.loss == Approx(all).epsilon(1e-12));
}

TEST_CASE("steps count updates also where they end within a pass", "[batches]") {
  Folder folder;
  folder.write("p.csv", "x,y\n0,1.1\n1,3.3\n2,4.7\n3,7.2\n4,9\n");
  Fit fit = TrainingRun(folder, std::string(line_model) + "train steps=4 batch=2 rate=0.05\n").train("s");
  CHECK(fit.steps == 4);
  CHECK_FALSE(fit.epochs);
}

TEST_CASE("all rows in one batch are the run without batches, to the bit", "[batches]") {
  Folder folder;
  folder.write("p.csv", "x,y\n0,1.1\n1,3.3\n2,4.7\n3,7.2\n4,9\n");
  Fit one = TrainingRun(folder, std::string(line_model) + "train steps=9 batch=5 rate=0.05\n").train("a");
  Fit none = TrainingRun(folder, std::string(line_model) + "train steps=9 rate=0.05\n").train("b");
  CHECK(bits(one.params) == bits(none.params));
}

TEST_CASE("statements with one seed do not take the same batches", "[batches]") {
  CHECK(key_of(3, "shuffle", 0) != key_of(3, "shuffle", 1));
  CHECK(key_of(3, "shuffle", 0) != key_of(4, "shuffle", 0));
  CHECK(key_of(3, "shuffle", 0) != key_of(3, "validation", 0));
}

TEST_CASE("how a loss grows with the rows", "[batches]") {
  auto [text, growth] = GENERATE(table<std::string, double>({{"mean((w*x - y)^2)", 0},
                                                             {"sum((w*x - y)^2)", 1},
                                                             {"sum((w*x - y)^2)/rows", 0},
                                                             {"sqrt(sum((w*x - y)^2))", 0.5},
                                                             {"mean((w*x - y)^2) + 0.1*w^2", 0},
                                                             {"mean((w*x - y)^2, weights=x)", 0},
                                                             {"sum((w*x - y)^2) + mean(x)", 1},
                                                             {"sum(w*x)*sum(y)", 2},
                                                             {"max(w*x)", 0},
                                                             {"-r2(w*x, y)", 0},
                                                             {"log(sum(exp(w*x)))", 0}}));
  INFO(text);
  Folder folder;
  folder.write("p.csv", "x,y\n0,1.1\n1,3.3\n2,4.7\n");
  TrainingRun run(folder, "data x, y from \"p.csv\"\nparam w = 0.5\nloss = " + text + "\ntrain batch=2\n");
  CHECK(growth_with_rows(run.model().graph, run.model().loss) == growth);
  bool warned = std::any_of(run.diagnostics().all().begin(), run.diagnostics().all().end(),
                            [](const Diagnostic& d) { return d.code == Code::sum_of_batch; });
  CHECK(warned == (growth > 0));
}
