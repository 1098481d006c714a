// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The optimizer loop: calls the compiled step, watches the loss, keeps the best parameters.
#pragma once
#include <csignal>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "runtime/pipeline.h"
#include "runtime/stability.h"
#include "runtime/watch.h"

namespace slope {

// failed: a statement could not begin.
enum class Status : std::uint8_t {
  finished,
  diverged,
  interrupted,
  stopped_early,
  converged,
  not_converged,
  failed
};
std::string_view to_string(Status status);

// A point of the run as it is shown: before the step of that number.
struct Progress {
  std::int64_t step = 0;   // since the first train statement began
  std::int64_t total = 0;  // of all statements
  double loss = 0;
  std::span<const double> params;  // all elements, as everywhere here (runtime/parameters.h); the model's own
                                   // states behind them
  bool asked = false;              // `report` asked for this line
  // Of a statement that counts epochs and takes batches: the passes made since the first statement began, of
  // so many. The loss is then the mean of the last pass, or of what there is of the one under way.
  std::optional<std::int64_t> epoch = {};
  std::int64_t epochs = 0;
  std::span<const double> validation = {};  // loss and metrics at these parameters; empty without
};

// Set by a signal handler: the step that runs is finished, then the loop stops. Holds the signal's number.
extern volatile std::sig_atomic_t stop_signal;
// Whether there is something to save first: outside of training a signal ends the program at once.
extern volatile std::sig_atomic_t stop_waits;

struct RunReport {  // of one train statement
  Optimizer optimizer;
  std::int64_t steps = 0;
  Status status = Status::finished;
  double loss = 0;               // at its end, over all rows
  std::string stopped_by = {};   // the test that an optimizer with one met
  double rate = Watch::unknown;  // of its steps, where they have one and the statement has begun
};

// Where a run is between two steps: all that its further steps depend on. Going on from here is, to the bit,
// the run that was never stopped. Floats are held exactly.
struct Place {
  std::vector<RunReport> runs;  // of the train statements begun; the last goes on
  std::vector<double> params;   // with which the next step begins; behind them the states: the model's own,
                                // and where a statement is under way its optimizer's
  // Those of the lowest loss of training so far, of a step or, with batches, of a pass, the model's own
  // states behind them: what is left after a divergence. Empty before the first step.
  std::vector<double> best;
  double best_loss = Watch::unknown;
  Watch watch = {};  // of the last statement begun
  // Those at the end of the pass that is to be the result: of the lowest validation loss or, with batches and
  // patience, the lowest loss of a pass. Empty where the last parameters are the result.
  std::vector<double> kept = {};
  double kept_loss = Watch::unknown;
  // As `params`, the averages in the place of the parameters, where the statement under way takes them (ema).
  std::vector<double> averaged = {};

  std::int64_t steps() const;  // done so far
};

// Who wants to hear of a run, between its steps. What is empty is not called and costs nothing.
struct Listener {
  std::function<void(const Progress&)> line;  // a line is due: steps of `report`, else doubling, then steady
  std::function<void(const Progress&)> tick;  // every 10 to 40 ms, where steps are as short as that
  std::function<void(const Place&)> save;     // after every save_every steps
  std::int64_t save_every = 0;
  // The loss before a step: of the first, of the steps that each call returns, and at the end of the run.
  std::function<std::int64_t(std::int64_t step, double loss)> loss;
  // The parameters that are the result, as soon as they are known: before anything is computed from them.
  std::function<void(const std::vector<double>& params)> result;
};

struct Fit {
  Status status = Status::finished;
  std::int64_t steps = 0;              // of the run
  std::int64_t steps_here = 0;         // of them those of this call
  std::optional<std::int64_t> epochs;  // whole passes made, where every statement counts them
  std::vector<double> params;          // those to print and save
  bool usable = true;                  // false: no finite loss was ever seen
  double loss = 0;                     // and metrics, reports: at these parameters, over all rows to train on
  std::vector<double> metrics, reports;
  std::vector<double> validation;  // loss and metrics at these parameters; empty without
  // The derivatives of the loss at these parameters by all their elements, in the model's units; empty where
  // they are not known (batches, a loss that is another in training, a minimum on kinks).
  std::vector<double> gradient;
  std::vector<RunReport> runs;
  Place place;  // after the last step; of a run that diverged: before the step whose loss is not finite
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
  const Dataset* validation = nullptr;
};

// What to compile for a Trainer. Where nothing but the loss of training is asked for, a step tells it too
// (the same bits), and no function for the evaluation is made. `rows`: of the data.
std::vector<Kernel> training_kernels(const Model& model, const std::vector<StepGraph>& steps,
                                     const Fused& evaluation, std::int64_t rows = 0);

// How many steps the train statements ask for. Of those that patience or their stopping test
// has ended it is what they made.
std::int64_t total_steps(const Model& model, std::span<const RunReport> runs = {});
// Whole passes over the rows that the statements made.
std::int64_t passes(const Model& model, std::span<const RunReport> runs);
// Whether a statement with this status makes no more steps, however many the model gives it.
constexpr bool is_over(Status status) {
  return status == Status::stopped_early || status == Status::converged;
}

// Goes on from a place; the place before the first step has parameters only. The last statement begun goes on
// until all statements so far have made their steps, then follow the others. Diagnostics: divergence (with
// the step and the rate), a loss that is not finite at the start (with the operation, its line and the row),
// a gradient that is exactly zero there.
Fit train(const Trainer& trainer, Place from, const Listener& listener, Diagnostics& diagnostics);

// Loss, metrics and reports, in that order.
std::vector<double> evaluate_at(const Model& model, const Fused& evaluation, const Dataset& data,
                                const Program& program, const std::vector<double>& params);
// The elements of each row, or those of a prediction without rows.
std::vector<double> predict_at(const Model& model, const Fused& prediction, const Dataset& data,
                               const Program& program, const std::vector<double>& params);

}  // namespace slope
