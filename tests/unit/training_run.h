// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Training runs in this process: started, stopped, saved, resumed.
#pragma once
#include <bit>
#include <catch2/catch.hpp>
#include <csignal>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/batches.h"
#include "runtime/folds.h"
#include "runtime/parameters.h"
#include "runtime/run_state.h"
#include "runtime/validation.h"
#include "tests/unit/folder.h"

namespace slope {

inline std::vector<std::uint64_t> bits(const std::vector<double>& values) {
  std::vector<std::uint64_t> out;
  for (double value : values) out.push_back(std::bit_cast<std::uint64_t>(value));
  return out;
}

// A line of progress, to the bit.
struct Line {
  std::int64_t step;
  std::optional<std::int64_t> epoch;
  std::vector<std::uint64_t> loss, validation;
  friend bool operator==(const Line&, const Line&) = default;
};

// Where a run begins: at the starts, or where a state file left it.
inline Place place_in(const Folder& folder, Session& s, const RunFacts& facts, const std::string& from) {
  if (from.empty()) return {{}, starts(s.model()), {}};
  auto state = load(folder.path(from), s.diagnostics);
  REQUIRE(state);
  auto place = take_place(s, facts, *state, from, s.diagnostics);
  REQUIRE(place);
  return *place;
}

// One `slope train` in this process.
class TrainingRun {
 public:
  TrainingRun(const Folder& folder, const std::string& text,
              std::vector<std::pair<std::string, std::string>> options = {})
      : folder_(folder), session_(request(folder, text, std::move(options))) {
    Session& s = session_;
    REQUIRE(prepare(s));
    steps_ = step_graphs(*s.lowered, s.diagnostics);
    REQUIRE(steps_);
    evaluation_ = evaluation_graph(s.outside_model());
    auto data = read_columns(s.model(), *s.opened, std::vector<bool>(s.model().columns.size(), true), true,
                             s.diagnostics);
    REQUIRE(data);
    auto parts = split(s, std::move(*data), std::vector<bool>(s.model().columns.size(), true));
    REQUIRE(parts);
    data_ = std::move(*parts);
    REQUIRE(settle_trainings(s.lowered->model(), data_.training.rows, s.diagnostics));
    held_out_ = data_.validation ? &*data_.validation : nullptr;
    facts_ = run_facts(s, *steps_, data_.training, held_out_);
    if (s.model().folds) store_for_folds(s.model(), data_.training);
    program_ = Program::compile(training_kernels(s.model(), *steps_, evaluation_),
                                compile_options(s.request, s.model(), data_.training), s.diagnostics);
    REQUIRE(program_);
  }

  std::int64_t keep = -1;  // the state after so many steps is kept in the file "kept"

  // Stops after so many steps of the run (−1: never), as a signal would; goes on from a state file where one
  // is given. The state is then in the file `to`.
  Fit train(const std::string& to, std::int64_t stop = -1, const std::string& from = "") {
    Session& s = session_;
    Place place = place_in(folder_, s, facts_, from);
    Listener listener;
    listener.line = [&](const Progress& p) {
      lines.push_back({p.step, p.epoch, bits({p.loss}), bits({p.validation.begin(), p.validation.end()})});
    };
    listener.save_every = 1;
    listener.save = [&](const Place& now) {
      if (now.steps() == stop) stop_signal = SIGINT;
      if (now.steps() != keep) return;
      Diagnostics d;
      REQUIRE(save(make_state(s, facts_, now), folder_.path("kept"), d));
    };
    stop_signal = stop == place.steps() ? SIGINT : 0;
    Trainer trainer{s.model(), *steps_, evaluation_, data_.training, *program_, {}, held_out_};
    Fit fit = slope::train(trainer, place, listener, s.diagnostics);
    stop_signal = 0;
    Diagnostics d;
    REQUIRE(save(make_state(s, facts_, fit), folder_.path(to), d));
    return fit;
  }

  // Of a model with folds.
  CrossValidation cross_validate() {
    Session& s = session_;
    Trainer trainer{s.model(), *steps_, evaluation_, data_.training, *program_};
    return slope::cross_validate(s, trainer, place_in(folder_, s, facts_, ""), [](auto, auto) {});
  }

  std::vector<Line> lines;
  const Model& model() const { return session_.model(); }
  const Split& data() const { return data_; }
  const Diagnostics& diagnostics() const { return session_.diagnostics; }

 private:
  static Request request(const Folder& folder, const std::string& text,
                         std::vector<std::pair<std::string, std::string>> options) {
    Request request{
        .source = Source("m.slope", text), .folder = folder.path("."), .data = {}, .settings = {}};
    request.settings.options = std::move(options);
    return request;
  }

  const Folder& folder_;
  Session session_;
  std::optional<std::vector<StepGraph>> steps_;
  Fused evaluation_;
  Split data_;
  const Dataset* held_out_ = nullptr;
  RunFacts facts_;
  std::optional<Program> program_;
};

}  // namespace slope
