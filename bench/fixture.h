// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A model's text and columns in memory, brought to where training can begin, as the driver does it.
#pragma once
#include <filesystem>
#include <fstream>
#include <utility>

#include <unistd.h>

#include "bench/measure.h"
#include "runtime/parameters.h"

namespace slope::bench {

class Fixture {
 public:
  // The columns are `x` and `y`.
  Fixture(std::string text, Precision precision, const std::vector<std::vector<double>>& columns)
      : session_(request(std::move(text), precision)) {
    if (!prepare(session_)) give_up();
    auto steps = step_graphs(*session_.lowered, session_.diagnostics);
    if (!steps) give_up();
    steps_ = std::move(*steps);
    evaluation_ = evaluation_graph(session_.model());
    for (const auto& column : columns) add_column(column, precision);
    std::filesystem::remove(path());
  }

  std::size_t step_operations() const {
    std::size_t count = 0;
    const Graph& graph = steps_[0].fused.graph;
    for (std::size_t i = 0; i < graph.size(); ++i)
      count += graph[NodeId(static_cast<std::int64_t>(i))].kind == NodeKind::scalar;
    return count;
  }
  void compile() {
    std::vector<Kernel> kernels = training_kernels(session_.model(), steps_, evaluation_);
    program_ = Program::compile(kernels, compile_options(session_.request, session_.model(), data_),
                                session_.diagnostics);
    if (!program_) give_up();
  }
  Fit train() {
    Place start;
    start.params = starts(session_.model());
    Trainer trainer{session_.model(), steps_, evaluation_, data_, *program_};
    Fit fit = slope::train(trainer, start, {}, session_.diagnostics);
    if (fit.status != Status::finished) give_up();
    return fit;
  }
  const void* column(std::size_t i) const { return data_.pointers[i]; }

 private:
  static std::string path() {
    return (std::filesystem::temp_directory_path() / fmt::format("slope-bench-{}.csv", getpid())).string();
  }

  static Request request(std::string text, Precision precision) {
    std::ofstream(path()) << "x,y\n1.5,2.5\n";
    Request request{
        .source = Source("bench", std::move(text)), .folder = {}, .data = {path()}, .settings = {}};
    request.settings.precision = precision;
    return request;
  }

  void add_column(const std::vector<double>& values, Precision precision) {
    bool single = precision == Precision::f32;
    Column column("column", single ? Storage::f32 : Storage::f64, static_cast<std::int64_t>(values.size()));
    if (single)
      std::transform(values.begin(), values.end(), static_cast<float*>(column.data()),
                     [](double v) { return static_cast<float>(v); });
    else std::copy(values.begin(), values.end(), static_cast<double*>(column.data()));
    data_.rows = column.rows();
    data_.pointers.push_back(column.data());
    data_.storages.push_back(column.storage());
    data_.columns.push_back(std::move(column));
  }

  [[noreturn]] void give_up() { fail(render_all(session_.diagnostics, session_.sources, false)); }

  Session session_;
  std::vector<StepGraph> steps_;
  Fused evaluation_;
  Dataset data_;
  std::optional<Program> program_;
};

// The first model, and points near a line for it.
inline std::string line_model(std::int64_t steps, const std::string& rate) {
  return fmt::format(
      "data x, y from \"points.csv\"\nparam w = 0\nparam b = -1\npredict = w*x + b\nloss = mse(predict, y)\n"
      "train steps={} rate={} report=1000000000\n",
      steps, rate);
}
inline std::vector<std::vector<double>> line_points(std::int64_t rows) {
  std::vector<std::vector<double>> columns(2);
  std::uint64_t state = 1;
  for (std::int64_t i = 0; i < rows; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    double noise = static_cast<double>(state >> 40) / (1 << 24) - 0.5;
    double x = static_cast<double>(i % 1000) / 250 - 2;
    columns[0].push_back(x);
    columns[1].push_back(1.2 * x + 0.5 + noise);
  }
  return columns;
}

}  // namespace slope::bench
