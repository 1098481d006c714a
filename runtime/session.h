// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One model on its way through the pipeline, with everything said about it: what the driver's commands, and
// later other doors, work with.
#pragma once
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "runtime/pipeline.h"
#include "runtime/train.h"

namespace slope {

struct Session {
  explicit Session(Request r);
  Request request;
  Sources sources;
  Diagnostics diagnostics;
  Times times;
  double began = seconds_now();
  std::optional<bool> cached;  // whether all code that was needed so far was of earlier runs
  ast::Ast tree;
  std::deque<ast::Ast> used_trees;  // of the files that the model uses
  std::optional<Opened> opened;     // none for a model without data
  std::optional<Lowered> lowered;
  std::optional<Lowered> outside;  // with `training` false; only where the model uses the word
  const Model& model() const { return lowered->model(); }
  // For evaluation and prediction.
  const Model& outside_model() const { return outside ? outside->model() : model(); }
  bool has_data() const { return opened && !opened->files.empty(); }
};

// False, with Code::not_yet, for a model that cannot be written as formulas.
bool check_formulas(Session& session);

// How much a missing data file matters.
enum class DataNeed { required, if_there };

// Graphs to functions; notes how long that took and whether the cache had them. Nothing after an error.
std::optional<Program> compile(Session& session, std::span<const Kernel> kernels, const Dataset& data);

// Text to graph: parses, opens the data and lowers; reports the errors of all three, those of the model
// first.
bool prepare(Session& session, DataNeed need = DataNeed::required);

// All parameters, each under the prefix and its name, in the model's units. Beside each that has bounds stand
// the exact unbounded numbers, under slope/unbounded/, the prefix and its name.
void add_params(State& state, const Model& model, std::string_view prefix, std::span<const double> all);
// The numbers to go on from of a parameter's tensor in the state; no value for a tensor that holds a number
// which is not inside the bounds.
std::optional<std::vector<double>> unbounded_of(const State& state, const Tensor& tensor,
                                                const Parameter& param, Precision precision);
// One of the model's states, the same.
Tensor state_tensor(const Model& model, std::size_t state, std::string_view prefix,
                    std::span<const double> all);
// What every state file holds: parameters and the model's own states under their names, the model's text,
// what the short form decided.
State weights_state(const Session& session, const std::vector<double>& params);

// Weights for prediction: exactly the model's parameters and states, else Code::other_model.
std::optional<std::vector<double>> take_weights(const Session& session, const State& state,
                                                const std::string& path, Diagnostics& diagnostics);
// What weights are wanted for.
enum class Use { prediction, evaluation };
// Both: the model as the state's run had it, and its weights; a warning where the model has another formula
// now. Nothing after an error.
std::optional<std::vector<double>> prepare_at(Session& session, const std::string& weights, Use use);
// --init: parameters and the model's own states by name; what only one side has keeps its start or is listed.
// Nothing, with Code::other_model, where a shape or type differs.
std::optional<std::vector<double>> take_start(const Session& session, const State& state,
                                              const std::string& path, Diagnostics& diagnostics);
// What was decided of the data when the state was made holds from now on: names of the short form, classes,
// means and deviations. False, with Code::damaged_state, for what none of ours wrote.
bool take_decisions(LowerSettings& settings, const State& state, const std::string& path,
                    Diagnostics& diagnostics);

// The errors of the model's text in the order of its lines; everything else keeps its place.
void sort_by_line(Diagnostics& diagnostics);

}  // namespace slope
