// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The optimizer loop: calls the compiled step, watches the loss, keeps the best parameters.
#pragma once
#include <csignal>
#include <functional>
#include <string>
#include <vector>

#include "runtime/pipeline.h"
#include "runtime/stability.h"

namespace slope {

enum class Status : std::uint8_t { finished, diverged, interrupted };
std::string_view to_string(Status status);

// A point of the run as it is shown: before the step of that number.
struct Progress {
  std::int64_t step = 0;   // since the first train statement began
  std::int64_t total = 0;  // of all statements
  double loss = 0;
  std::span<const double> params;
};

// Set by a signal handler: the step that runs is finished, then the loop stops. Holds the signal's number.
extern volatile std::sig_atomic_t stop_signal;
// Whether there is something to save first: outside of training a signal ends the program at once.
extern volatile std::sig_atomic_t stop_waits;

struct RunReport {  // of one train statement
  Optimizer optimizer;
  std::int64_t steps = 0;
  Status status = Status::finished;
  double loss = 0;  // at its end
};

struct LossPoint {
  std::int64_t step = 0;  // before which the loss was this; of the last point: after all of them
  double loss = 0;
};

struct Fit {
  Status status = Status::finished;
  std::int64_t steps = 0;
  bool epochs = false;         // every statement counted epochs
  std::vector<double> params;  // those to print and save
  bool usable = true;          // false: no finite loss was ever seen
  double loss = 0;             // and metrics, reports: at these parameters, over all rows
  std::vector<double> metrics, reports;
  std::vector<RunReport> runs;
  std::vector<LossPoint> history;  // where it was wanted: some hundred points, ascending
  double train_seconds = 0;
};

// Everything a run needs, compiled.
struct Trainer {
  const Model& model;
  const std::vector<StepGraph>& steps;
  const Fused& evaluation;
  const Dataset& data;
  const Program& program;
  std::optional<Stability> stability = {};  // where the Hessian is constant and was computed before the run
  bool history = false;
};

// What to compile for a Trainer. Where nothing but the loss of training is asked for, a step tells it too
// (the same bits), and no function for the evaluation is made.
std::vector<Kernel> training_kernels(const Model& model, const std::vector<StepGraph>& steps,
                                     const Fused& evaluation);

// From these starting parameters. Diagnostics: divergence (with the step and the rate), a loss that is not
// finite at the start (with the operation, its line and the row), a gradient that is exactly zero there.
Fit train(const Trainer& trainer, std::vector<double> start, const std::function<void(const Progress&)>& show,
          Diagnostics& diagnostics);

// Loss, metrics and reports, in that order.
std::vector<double> evaluate_at(const Model& model, const Fused& evaluation, const Dataset& data,
                                const Program& program, const std::vector<double>& params);
// One number a row, or one number.
std::vector<double> predict_at(const Model& model, const Fused& prediction, const Dataset& data,
                               const Program& program, const std::vector<double>& params);

}  // namespace slope
