// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/run_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/hash.h"
#include "base/text.h"

namespace slope {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view best_prefix = "slope/best/", last_prefix = "slope/last/",
                           best_loss_name = "slope/best_loss";

// --- what a run computes with ---

// What a node is, but for its operands.
std::uint64_t own_hash(const Model& model, const Graph& graph, const Node& node) {
  Hash hash;
  auto index = static_cast<std::size_t>(node.index);
  switch (node.kind) {
    case NodeKind::constant: hash.add(std::bit_cast<std::uint64_t>(node.value)); break;
    case NodeKind::data:
      for (const std::string& header : model.columns[index].headers) hash.add(header);
      break;
    case NodeKind::param: hash.add(model.params[index].name); break;
    case NodeKind::state: hash.add(model.states[index].name); break;
    case NodeKind::argument: hash.add(static_cast<std::uint64_t>(node.index)); break;
    case NodeKind::scalar: hash.add(info(node.op).name); break;
    case NodeKind::array:
      for (double value : graph.values(node)) hash.add(std::bit_cast<std::uint64_t>(value));
      break;
    case NodeKind::tap: break;  // its number says nothing
    default:
      hash.add(to_string(node.reduction));
      hash.add(static_cast<std::uint64_t>(node.index));
      hash.add(std::bit_cast<std::uint64_t>(node.value));
      if (node.numbers.valid())
        for (std::int64_t number : graph.numbers(node)) hash.add(static_cast<std::uint64_t>(number));
  }
  return hash.value();
}

// Of what the roots compute, wherever their nodes stand in the graph and whatever else is there.
std::string fingerprint(const Model& model, const Graph& graph, std::span<const NodeId> roots) {
  std::vector<bool> wanted = live(graph, roots);
  std::vector<std::uint64_t> hashes(graph.size());
  for (std::size_t i = 0; i < graph.size(); ++i) {
    if (!wanted[i]) continue;
    const Node& node = graph[NodeId(static_cast<std::int64_t>(i))];
    Hash hash;
    hash.add(static_cast<std::uint64_t>(node.kind));
    hash.add(static_cast<std::uint64_t>(node.type));
    hash.add(to_string(graph.shapes()[node.shape]));
    hash.add(own_hash(model, graph, node));
    std::array<std::uint64_t, 3> inputs{};
    for (std::size_t k = 0; k < node.inputs().size(); ++k) inputs[k] = hashes[node.inputs()[k].index()];
    // Which operand comes first may depend on what else the model computes; the bits do not.
    bool commutes =
        node.kind == NodeKind::scalar && (info(node.op).commutative || node.op == id_of<op::Fma>());
    if (commutes && inputs[0] > inputs[1]) std::swap(inputs[0], inputs[1]);
    for (std::uint64_t input : inputs) hash.add(input);
    hashes[i] = hash.value();
  }
  Hash hash;
  hash.add(to_string(graph.precision()));
  for (NodeId root : roots) hash.add(hashes[root.index()]);
  return hash.text();
}

void add_data(const Model& model, const Dataset& data, Hash& hash) {
  for (std::size_t i = 0; i < data.columns.size(); ++i) {
    const Column& column = data.columns[i];
    if (column.rows() == 0) continue;
    for (const std::string& header : model.columns[i].headers) hash.add(header);
    hash.add(to_string(column.storage()));
    auto bytes = static_cast<std::size_t>(column.cells()) * size_of(column.storage());
    hash.add(std::string_view(static_cast<const char*>(column.data()), bytes));
  }
}

const StepGraph& step_of(const std::vector<StepGraph>& steps, const Training& training) {
  for (const StepGraph& step : steps)
    if (step.serves(training)) return step;
  internal_error("no step was made for a train statement");
}

// --- writing ---

// What decides, besides the rate, which rows and rates the next steps have and when they end.
std::string options_text(const Training& t) {
  std::string out = fmt::format("{}", t.decay.name);
  for (const auto& [name, value] : t.decay.arguments) out += fmt::format(" {}={}", name, shortest(value));
  if (t.decay.name != "constant") out += fmt::format(" over {} steps", t.steps);
  out += fmt::format(", warmup={}", t.warmup);
  if (t.batches()) out += fmt::format(", batch={} shuffle={} seed={}", *t.batch, t.shuffle, t.seed);
  if (t.patience) out += fmt::format(", patience={} min_delta={}", *t.patience, shortest(t.min_delta));
  return out;
}

// The model's statements, with what is done of each.
std::string runs_text(const Model& model, const RunFacts& facts, const Place& place) {
  Json list = Json::array();
  for (std::size_t i = 0; i < model.trainings.size(); ++i) {
    const Training& training = model.trainings[i];
    bool begun = i < place.runs.size();
    Json run{{"optimizer", training.optimizer.name},
             {"rate", training.rate_auto && begun ? place.runs[i].rate : training.rate},
             {"auto", training.rate_auto},
             {"ema", training.terms.ema},
             {"steps", training.steps},
             {"done", begun ? place.runs[i].steps : 0},
             {"update", facts.updates[i]},
             {"options", options_text(training)}};
    if (begun && is_over(place.runs[i].status)) run["status"] = to_string(place.runs[i].status);
    if (begun && is_over(place.runs[i].status) && !place.runs[i].stopped_by.empty())
      run["stopped_by"] = place.runs[i].stopped_by;
    // A statement's loss is known when the next one begins.
    if (i + 1 < place.runs.size()) run["loss"] = place.runs[i].loss;
    list.push_back(run);
  }
  return list.dump();
}

// Parameters and the model's own states, under a prefix.
void add_own(State& state, const Model& model, std::string_view prefix, std::span<const double> all) {
  add_params(state, model, prefix, all);
  for (std::size_t i = 0; i < model.own_states; ++i)
    state.tensors.push_back(state_tensor(model, i, prefix, all));
}

Json watch_json(const Place& place) {
  const Watch& w = place.watch;
  return Json{
      {"sum", w.sum},
      {"rows", w.rows},
      {"last", w.last},
      {"reference", w.reference},
      {"waits", w.waits},
      {"plateau", Json::array({w.plateau.best, w.plateau.waits, w.plateau.cooldown, w.plateau.multiple})},
      {"kept_loss", place.kept_loss}};
}

State make(const Session& s, const RunFacts& facts, const std::vector<double>& params, const Place& place,
           std::string_view status) {
  State state = weights_state(s, params);
  const Model& model = s.model();
  bool single = model.graph.precision() == Precision::f32;
  if (!place.best.empty()) add_own(state, model, best_prefix, place.best);
  if (!place.runs.empty() && std::ssize(place.params) > model.own_elements())
    for (int slot : facts.slots[place.runs.size() - 1])
      state.tensors.push_back(state_tensor(model, static_cast<std::size_t>(slot), "", place.params));
  if (!place.best.empty())
    state.tensors.push_back({std::string(best_loss_name), single, {}, {place.best_loss}});
  auto bits = [](double a, double b) {
    return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
  };
  // Behind the parameters and own states may stand those of the optimizer.
  if (!std::equal(params.begin(), params.end(), place.params.begin(), bits))
    add_own(state, model, last_prefix, place.params);
  auto& facts_of = state.metadata;
  facts_of["slope/watch"] = watch_json(place).dump();
  facts_of["slope/graph"] = facts.graph;
  if (!facts.prediction.empty()) facts_of["slope/prediction"] = facts.prediction;
  facts_of["slope/evaluation"] = facts.evaluation;
  facts_of["slope/runs"] = runs_text(model, facts, place);
  facts_of["slope/steps"] = std::to_string(place.steps());
  facts_of["slope/status"] = status;
  facts_of["slope/data"] = facts.data;
  facts_of["slope/rows"] = std::to_string(facts.rows);
  facts_of["slope/dropped_rows"] = std::to_string(facts.dropped);
  return state;
}

}  // namespace

namespace {
// Outside of training; "" of a model without a prediction.
std::string formula(const Session& s, NodeId root) {
  const Model& model = s.outside_model();
  return root.valid() ? fingerprint(model, model.graph, std::span(&root, 1)) : "";
}
}  // namespace

RunFacts run_facts(const Session& s, const std::vector<StepGraph>& steps, const Dataset& data,
                   const Dataset* validation) {
  const Model& model = s.model();
  RunFacts facts;
  facts.prediction = formula(s, s.outside_model().predict);
  facts.evaluation = formula(s, s.outside_model().loss);
  const StepGraph& first = steps.at(0);
  facts.graph = fingerprint(model, first.fused.graph, std::span(&first.loss, 1));
  for (const Training& training : model.trainings) {
    const StepGraph& step = step_of(steps, training);
    facts.updates.push_back(fingerprint(model, step.fused.graph, step.fused.roots));
    if (step.solver) facts.updates.back() += " " + step.optimizer.name;
    std::vector<int>& slots = facts.slots.emplace_back();
    for (const OptimizerSlot& slot : step.slots) slots.push_back(slot.state);
    for (const StepGraph::Average& average : step.averages) slots.push_back(average.state);
  }
  Hash hash;
  add_data(model, data, hash);
  if (validation) add_data(model, *validation, hash);
  facts.data = hash.text();
  facts.rows = data.rows;
  facts.dropped = data.dropped;
  return facts;
}

State make_state(const Session& s, const RunFacts& facts, const Fit& fit) {
  return make(s, facts, fit.params, fit.place, to_string(fit.status));
}

State make_state(const Session& s, const RunFacts& facts, const Place& place) {
  const auto& now = place.averaged.empty() ? place.params : place.averaged;
  return make(s, facts, place.kept.empty() ? now : place.kept, place, "running");
}

// --- reading ---
namespace {

// Where the text of the state's model differs, or what else may be the reason.
std::string text_difference(const Session& s, const std::string& of_state) {
  Source then("", of_state);
  const Source& now = s.sources.files[0];
  for (int line = 1; line <= std::max(then.lines(), now.lines()); ++line)
    if (then.line(line) != now.line(line))
      return fmt::format("the text differs first in line {}, which was `{}`", line,
                         escaped(then.line(line), 60));
  return "the text of the model is the same: a constant of --set or the header of a column differs, or "
         "another version of slope wrote the file";
}

class Resume {
 public:
  Resume(const Session& s, const RunFacts& facts, const State& state, const std::string& path,
         Diagnostics& diagnostics)
      : s_(s),
        model_(s.model()),
        facts_(facts),
        state_(state),
        path_(escaped(path)),
        diagnostics_(diagnostics) {}

  std::optional<Place> place(const std::string& path) {
    auto params = take_weights(s_, state_, path, diagnostics_);
    if (!params || !read_runs() || !read_facts() || !same_graph() || !same_statements()) return {};
    Place place;
    place.params = std::move(*params);
    if (!read_best(place) || !read_watch(place) || !read_last(place) || !read_slots(place)) return {};
    for (std::size_t i = 0; i < begun_; ++i) {
      Status status = Status::finished;
      for (Status over : {Status::stopped_early, Status::converged})
        if (runs_[i].value("status", Json("")) == to_string(over)) status = over;
      Json met = runs_[i].value("stopped_by", Json(""));
      place.runs.push_back({model_.trainings[i].optimizer, runs_[i]["done"], status,
                            number(runs_[i].value("loss", Json(nullptr))),
                            met.is_string() ? met.get<std::string>() : "", rate_of(i)});
    }
    if (text("slope/status") == "diverged") return refuse_diverged(place.steps());
    say_data();
    if (!finished(place)) say_options(place.steps());
    return place;
  }

 private:
  std::string text(const char* key) const {
    auto found = state_.metadata.find(key);
    return found == state_.metadata.end() ? "" : found->second;
  }

  static double number(const Json& json) {
    return json.is_number() ? json.get<double>() : std::numeric_limits<double>::quiet_NaN();
  }

  bool damaged(const std::string& what) {
    diagnostics_.error(Code::damaged_state, fmt::format("cannot use the state file `{}`: {}", path_, what));
    return false;
  }

  // The checksum was right, but anybody can write a file.
  bool read_runs() {
    if (text("slope/graph").empty() || text("slope/runs").empty()) {
      Diagnostic& d = diagnostics_.error(Code::other_model, fmt::format("{} holds no run to resume", path_));
      d.helps.push_back(fmt::format("`--init {}` starts a run from its parameters", path_));
      return false;
    }
    runs_ = Json::parse(text("slope/runs"), nullptr, false);
    bool good = runs_.is_array() && !runs_.empty();
    for (std::size_t i = 0; good && i < runs_.size(); ++i) {
      good = is_run(runs_[i]);
      if (good && runs_[i]["done"] > 0) begun_ = i + 1;
    }
    return good || damaged("what it says of the train statements cannot be read");
  }

  static bool is_count(const Json& json) { return json.is_number_unsigned() && json <= most_steps; }

  // What runs_text() writes of a statement. Keys that came later may be missing; none may hold anything else.
  static bool is_run(const Json& run) {
    if (!run.is_object()) return false;
    auto has = [&](const char* key, auto fits) { return run.contains(key) && fits(run[key]); };
    auto may_have = [&](const char* key, auto fits) { return !run.contains(key) || fits(run[key]); };
    auto text = [](const Json& j) { return j.is_string(); };
    auto rate = [](const Json& j) { return j.is_number() && std::isfinite(j.get<double>()) && j > 0; };
    auto over = [](const Json& j) {
      return j.is_string() && std::ranges::any_of(statuses, [&](Status s) { return j == to_string(s); });
    };
    return has("done", is_count) && has("rate", rate) && has("optimizer", text) && has("update", text) &&
           may_have("steps", is_count) && may_have("auto", [](const Json& j) { return j.is_boolean(); }) &&
           may_have("ema", [](const Json& j) { return j.is_number(); }) && may_have("options", text) &&
           may_have("status", over) && may_have("stopped_by", text) &&
           may_have("loss", [](const Json& j) { return j.is_number() || j.is_null(); });
  }

  // The facts that only messages tell agree with the rest, too: what stands beside a wrong one is not to be
  // believed either.
  bool read_facts() {
    auto count = [&](const char* key) {
      std::int64_t value = -1;
      std::string written = text(key);
      auto [end, fault] = std::from_chars(written.data(), written.data() + written.size(), value);
      bool whole = fault == std::errc() && end == written.data() + written.size() && value >= 0;
      return whole ? std::optional(value) : std::nullopt;
    };
    std::string status = text("slope/status");
    bool known = status == "running" ||
                 std::ranges::any_of(statuses, [&](Status s) { return status == to_string(s); });
    if (!known) return damaged("what it says of the end of its run cannot be read");
    if (!count("slope/rows") || !count("slope/dropped_rows") || text("slope/data").empty())
      return damaged("what it says of its data cannot be read");
    std::int64_t steps = 0;
    for (const Json& run : runs_)
      if (steps <= most_steps) steps += run["done"].get<std::int64_t>();
    if (count("slope/steps") != steps)
      return damaged("the number of its steps is not that of its train statements");
    return true;
  }

  Diagnostic& another_run(const std::string& note) {
    Diagnostic& d =
        diagnostics_.error(Code::other_model, fmt::format("the run in {} cannot go on in this model", path_));
    d.notes.push_back(note);
    d.helps.push_back(fmt::format("`--init {}` starts a new run from its parameters", path_));
    return d;
  }

  // Of a statement begun: `rate=auto` goes on with what was found; where it was given then, it is found now.
  double rate_of(std::size_t statement) const {
    if (!model_.trainings[statement].rate_auto) return model_.trainings[statement].rate;
    return was_auto(statement) ? number(runs_[statement]["rate"]) : std::numeric_limits<double>::quiet_NaN();
  }
  bool was_auto(std::size_t statement) const {
    return runs_[statement].value("auto", Json(false)) == Json(true);
  }

  bool same_graph() {
    if (text("slope/graph") == facts_.graph) return true;
    another_run("the loss is computed in another way than in that run")
        .notes.push_back(text_difference(s_, text("slope/model")));
    return false;
  }

  // Statements that are not finished must update the parameters as they did.
  bool same_statements() {
    std::size_t now = model_.trainings.size();
    if (begun_ > now) {
      another_run(fmt::format("it had reached train statement {}, the model has {}", begun_, now));
      return false;
    }
    for (std::size_t i = begun_ == 0 ? 0 : begun_ - 1; i < std::min(runs_.size(), now); ++i) {
      if (runs_[i]["update"] == facts_.updates[i]) continue;
      if (double was = number(runs_[i].value("ema", Json(0))), is = model_.trainings[i].terms.ema;
          was != is) {
        auto text = [](double ema) {
          return ema == 0 ? "not averaged" : "averaged with ema=" + shortest(ema);
        };
        another_run(fmt::format("the parameters of train statement {} are {}, they were {}", i + 1, text(is),
                                text(was)));
        return false;
      }
      std::string was = escaped(runs_[i]["optimizer"].get<std::string>(), 60);
      another_run(was == model_.trainings[i].optimizer.name
                      ? fmt::format("the optimizer `{}` updates the parameters in another way", was)
                      : fmt::format("the optimizer of train statement {} is `{}`, it was `{}`", i + 1,
                                    model_.trainings[i].optimizer.name, was));
      return false;
    }
    return true;
  }

  // The tensors under a prefix, as one vector; empty where there are none.
  std::optional<std::vector<double>> under(std::string_view prefix) const {
    std::vector<double> values;
    std::vector<const Tensor*> found;
    auto take = [&](const Parameter& param) {
      const Tensor* tensor = state_.find(std::string(prefix) + param.name);
      if (tensor && tensor->shape != param.axes) return false;
      found.push_back(tensor);
      if (!tensor) return true;
      auto exact = unbounded_of(state_, *tensor, param, model_.graph.precision());
      if (exact) values.insert(values.end(), exact->begin(), exact->end());
      return exact.has_value();
    };
    bool fit = std::all_of(model_.params.begin(), model_.params.end(), take);
    for (std::size_t i = 0; i < model_.own_states; ++i) fit = fit && take(model_.states[i]);
    auto missing = std::count(found.begin(), found.end(), nullptr);
    if (!fit || (missing > 0 && missing < std::ssize(found))) return {};
    return values;
  }

  bool read_best(Place& place) {
    const Tensor* loss = state_.find(best_loss_name);
    if (!loss) return begun_ == 0 || damaged("the best parameters are missing");
    place.best_loss = loss->values.size() == 1 ? loss->values[0] : std::numeric_limits<double>::quiet_NaN();
    auto best = under(best_prefix);
    if (!best || best->empty()) return damaged("the best parameters are missing");
    place.best = std::move(*best);
    return std::isfinite(place.best_loss) || damaged("its best loss is not finite");
  }

  // Where the result is not what the next step begins with.
  bool read_last(Place& place) {
    auto last = under(last_prefix);
    if (!last) return damaged("the last parameters are missing");
    if (!std::isnan(place.kept_loss)) place.kept = place.params;
    if (!last->empty()) place.params = std::move(*last);
    return true;
  }

  bool read_watch(Place& place) {
    Json json = Json::parse(text("slope/watch"), nullptr, false);
    auto whole = [](const Json& j) { return j.is_number_integer() && j >= 0 && j <= most_steps; };
    auto value_or_none = [](const Json& j) { return j.is_number() || j.is_null(); };
    bool good = json.is_object() && whole(json.value("rows", Json())) && whole(json.value("waits", Json()));
    Json plateau = good ? json.value("plateau", Json()) : Json();
    good = good && plateau.is_array() && plateau.size() == 4 && whole(plateau[1]) && whole(plateau[2]) &&
           value_or_none(plateau[0]) && plateau[3].is_number();
    for (const char* key : {"sum", "last", "reference", "kept_loss"})
      good = good && json.contains(key) && value_or_none(json[key]);
    if (!good) return damaged("what it remembers of the passes cannot be read");
    auto value = [&](const char* key) { return number(json.value(key, Json())); };
    place.watch = {value("sum"),  json["rows"],
                   value("last"), value("reference"),
                   json["waits"], {number(plateau[0]), plateau[1], plateau[2], number(plateau[3])}};
    place.kept_loss = value("kept_loss");
    return true;
  }

  // The states of the optimizer that goes on.
  bool read_slots(Place& place) {
    if (begun_ == 0 || text("slope/status") == "diverged") return true;
    auto params = static_cast<std::size_t>(model_.param_elements());
    place.params.resize(params + static_cast<std::size_t>(model_.state_elements()));
    for (int slot : facts_.slots[begun_ - 1]) {
      const StateVariable& variable = model_.states[static_cast<std::size_t>(slot)];
      const Tensor* tensor = state_.find(variable.name);
      if (!tensor || tensor->shape != variable.axes) return damaged("the state of the optimizer is missing");
      std::copy(tensor->values.begin(), tensor->values.end(),
                place.params.begin() + static_cast<std::ptrdiff_t>(params) + variable.offset);
    }
    return true;
  }

  std::optional<Place> refuse_diverged(std::int64_t steps) {
    Diagnostic& d = diagnostics_.error(
        Code::diverged, fmt::format("the run in {} diverged at step {}: it cannot go on", path_, steps));
    d.notes.push_back("the parameters in it are the best it had");
    d.helps.push_back(fmt::format("`--init {}` starts a new run from them; give it a smaller rate", path_));
    return {};
  }

  void differs(Severity severity, std::string message) {
    diagnostics_.add({.severity = severity,
                      .code = Code::resume_differs,
                      .message = std::move(message),
                      .span = {},
                      .position = {},
                      .label = {}});
  }

  void say_data() {
    auto rows = fmt::format("{}", facts_.rows);
    if (text("slope/data") != facts_.data)
      differs(Severity::warning,
              text("slope/rows") != rows
                  ? fmt::format("the data are not those of the run in {}: {} rows, they were {}", path_, rows,
                                escaped(text("slope/rows"), 20))
                  : fmt::format("the data are not those of the run in {}: other values", path_));
  }

  // The statements keep the rate and seed of the command line or file of now, from here on.
  void say_options(std::int64_t steps) {
    for (std::size_t i = 0; i < std::min(runs_.size(), model_.trainings.size()); ++i) {
      double was = number(runs_[i]["rate"]), is = model_.trainings[i].rate;
      if (was == is || model_.trainings[i].rate_auto || (was_auto(i) && i >= begun_)) continue;
      std::string of = model_.trainings.size() > 1 ? fmt::format(" of train statement {}", i + 1) : "";
      differs(Severity::note,
              i + 1 < begun_ ? fmt::format("the rate{} was {}: that statement is done", of, shortest(was))
                             : fmt::format("the rate{} is {} from step {} on, it was {}", of, shortest(is),
                                           std::max(steps, first_step(i)), shortest(was)));
    }
    say_other_options();
    if (std::string seed = std::to_string(model_.seed.value_or(0)); seed != text("slope/seed"))
      differs(Severity::note,
              fmt::format("the seed is {}, it was {}", seed, escaped(text("slope/seed"), 20)));
  }

  // Of the statements that are not done.
  void say_other_options() {
    for (std::size_t i = begun_ == 0 ? 0 : begun_ - 1; i < std::min(runs_.size(), model_.trainings.size());
         ++i) {
      Json told = runs_[i].value("options", Json());
      std::string was = told.is_string() ? told.get<std::string>() : "",
                  is = options_text(model_.trainings[i]);
      if (was == is) continue;
      std::string of = model_.trainings.size() > 1 ? fmt::format(" of train statement {}", i + 1) : "";
      differs(Severity::note,
              fmt::format("the options{} are {} from here on, they were {}", of, is, escaped(was, 200)));
    }
  }

  std::int64_t first_step(std::size_t statement) const {
    std::int64_t steps = 0;
    for (std::size_t i = 0; i < statement; ++i) steps += model_.trainings[i].steps;
    return steps;
  }

  bool finished(const Place& place) {
    std::int64_t steps = place.steps(), total = total_steps(model_, place.runs);
    if (steps < total) return false;
    bool early = place.runs.back().status == Status::stopped_early;
    std::int64_t planned = planned_steps();
    Diagnostic d{.severity = Severity::note,
                 .code = Code::nothing_to_resume,
                 .message = {},
                 .span = {},
                 .position = {},
                 .label = {}};
    if (early) {
      d.message = fmt::format("the run in {} is finished: patience ended it at step {}", path_, steps);
      d.helps.push_back(fmt::format("`--init {}` starts a new run from its parameters", path_));
    } else if (steps < planned) {
      d.message = fmt::format("the run in {} was stopped at step {} of {}, but now {} are asked for", path_,
                              steps, planned, total);
      d.helps.push_back(runs_.size() == 1 && !model_.trainings[0].epochs
                            ? fmt::format("with `--steps {}` it goes on to its end", planned)
                            : "with as many steps as it was begun with it goes on to its end");
    } else {
      d.message = fmt::format("the run in {} is finished: it has done {} of {} steps", path_, steps, total);
      d.helps.push_back("with a larger number of steps it goes on");
    }
    diagnostics_.add(std::move(d));
    return true;
  }

  // What the state's own run was to make. Of a statement that its stopping test ended: what it made.
  std::int64_t planned_steps() const {
    std::int64_t steps = 0;
    for (const Json& run : runs_) {
      Json planned = run.value("steps", Json());
      bool counts = planned.is_number_unsigned() && planned <= most_steps && !run.contains("status");
      steps += counts ? planned.get<std::int64_t>() : run["done"].get<std::int64_t>();
    }
    return steps;
  }

  static constexpr std::int64_t most_steps = std::int64_t{1} << 53;
  static constexpr Status statuses[] = {Status::finished,      Status::diverged,  Status::interrupted,
                                        Status::stopped_early, Status::converged, Status::not_converged};
  const Session& s_;
  const Model& model_;
  const RunFacts& facts_;
  const State& state_;
  std::string path_;
  Diagnostics& diagnostics_;
  Json runs_;
  std::size_t begun_ = 0;  // statements with a step done
};

}  // namespace

std::optional<Place> take_place(const Session& session, const RunFacts& facts, const State& state,
                                const std::string& path, Diagnostics& diagnostics) {
  return Resume(session, facts, state, path, diagnostics).place(path);
}

void warn_of_other_formula(const Session& s, const State& state, const std::string& path, Use use,
                           Diagnostics& diagnostics) {
  auto text = [&](const char* key) {
    auto found = state.metadata.find(key);
    return found == state.metadata.end() ? "" : found->second;
  };
  if (text("slope/evaluation").empty()) return;  // of a version that did not tell
  const Model& model = s.outside_model();
  bool other = model.predict.valid() && text("slope/prediction") != formula(s, model.predict);
  if (use == Use::evaluation || !model.predict.valid())
    other = other || text("slope/evaluation") != formula(s, model.loss);
  if (!other) return;
  Diagnostic d{
      .severity = Severity::warning,
      .code = Code::other_formula,
      .message = fmt::format("the parameters in {} were trained with another formula than that of {}",
                             escaped(path), escaped(s.request.source.name())),
      .span = {},
      .position = {},
      .label = {}};
  d.notes.push_back(text_difference(s, text("slope/model")));
  d.helps.push_back("train the model again, or take the one that made the file");
  diagnostics.add(std::move(d));
}

}  // namespace slope
