// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A run in a state file: written after its last step or between two steps, and taken up again. What a file
// holds besides the parameters:
//   slope/best/NAME, slope/best_loss   the parameters of the lowest loss so far; none before the first step
//   slope/optimizer/…                  states of the optimizer of the statement under way
//                                      (frontend/state.cpp)
//   slope/ema/NAME                     the averages of the parameters, where it takes them
//   slope/last/NAME                    where these are not the parameters under their own names: those after
//                                      the last step; after a divergence, where the loss was not finite
// and in the metadata, as texts: slope/model (the text), slope/graph (hash of how the loss is computed),
// slope/prediction and slope/evaluation (of how prediction and loss are written),
// slope/runs (the train statements as JSON: optimizer, rate and other options, steps, steps done, status,
// loss reached, hash of the update), slope/watch (JSON: what the statement under way remembers of its passes,
// and the loss of the parameters that it keeps), slope/steps, slope/status, slope/seed, slope/rows,
// slope/dropped_rows, slope/data (hash of the columns read). The place in the data follows from the steps
// done.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "runtime/session.h"
#include "runtime/train.h"

namespace slope {

// What a run computes with: two runs that agree in this, the precision and a place go on to the same bits.
struct RunFacts {
  std::string graph;  // hash of the loss, down to columns (by header) and parameters (by name)
  std::string prediction,
      evaluation;  // the same of prediction and loss as they are written, outside of training
  std::vector<std::string> updates;     // of each train statement: hash of its step
  std::vector<std::vector<int>> slots;  // of each train statement: the optimizer's states, among the model's
  std::string data;                     // hash of the columns read
  std::int64_t rows = 0, dropped = 0;
};
RunFacts run_facts(const Session& session, const std::vector<StepGraph>& steps, const Dataset& data,
                   const Dataset* validation = nullptr);

State make_state(const Session& session, const RunFacts& facts, const Fit& fit);
// Of a run that goes on.
State make_state(const Session& session, const RunFacts& facts, const Place& place);

// Code::other_formula, a warning: the weights fit the model, but their run computed what they are wanted for
// in another way: the prediction; of an evaluation the loss too.
void warn_of_other_formula(const Session& session, const State& state, const std::string& path, Use use,
                           Diagnostics& diagnostics);

// The place that a run in a state has reached. Nothing where the state is of another model, optimizer or
// graph (Code::other_model, with what differs), was not written by a run, or is of a run that diverged
// (Code::diverged). What may differ is said: other data, rates, a seed (Code::resume_differs), no step left
// (Code::nothing_to_resume).
std::optional<Place> take_place(const Session& session, const RunFacts& facts, const State& state,
                                const std::string& path, Diagnostics& diagnostics);

}  // namespace slope
