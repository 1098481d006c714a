// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <span>

#include "base/arithmetic.h"
#include "base/ending.h"
#include "base/os.h"
#include "base/text.h"
#include "runtime/facts.h"
#include "runtime/parameters.h"
#include "runtime/run_state.h"
#include "runtime/used_files.h"

namespace slope {

Session::Session(Request r) : request(std::move(r)) { sources.files.push_back(request.source); }

void sort_by_line(Diagnostics& diagnostics) {
  std::vector<Diagnostic> sorted = diagnostics.all();
  auto place = [](const Diagnostic& d) {
    return d.span && d.span->file == 0 ? static_cast<std::int64_t>(d.span->begin) : INT64_MAX;
  };
  std::stable_sort(sorted.begin(), sorted.end(),
                   [&](const Diagnostic& a, const Diagnostic& b) { return place(a) < place(b); });
  // Of two errors about the same words the first tells enough: the second follows from it.
  auto follows = [](const Diagnostic& a, const Diagnostic& b) {
    return a.severity == Severity::error && b.severity == Severity::error && a.span && b.span &&
           *a.span == *b.span && a.span->end > a.span->begin;
  };
  sorted.erase(std::unique(sorted.begin(), sorted.end(), follows), sorted.end());
  diagnostics = {};
  for (Diagnostic& d : sorted) diagnostics.add(std::move(d));
}

namespace {
void append(Diagnostics& to, const Diagnostics& from) {
  for (const Diagnostic& d : from.all()) to.add(d);
}
bool too_large(const Diagnostics& diagnostics) {
  return std::any_of(diagnostics.all().begin(), diagnostics.all().end(),
                     [](const Diagnostic& d) { return d.code == Code::too_large; });
}
}  // namespace

namespace {
// Both graphs read one list of parameters and states: a function that owns one, in one branch of a condition
// on `training` only, would shift it.
template <class Item>
bool check_same(std::string_view what, std::span<const Item> inside, std::span<const Item> outside,
                Diagnostics& diagnostics) {
  for (std::size_t i = 0; i < std::max(inside.size(), outside.size()); ++i) {
    bool both = i < inside.size() && i < outside.size();
    if (both && inside[i].name == outside[i].name && inside[i].axes == outside[i].axes) continue;
    const Item& first = i < inside.size() ? inside[i] : outside[i];
    diagnostics
        .error(Code::misplaced_form, first.span,
               fmt::format("the {} `{}` exists in one branch of a condition on `training` only", what,
                           first.name))
        .helps.push_back("call the function before the condition, and choose between its value and another");
    return false;
  }
  return true;
}

void check_same_values(const Model& inside, const Model& outside, Diagnostics& diagnostics) {
  auto states = [](const Model& model) { return std::span(model.states).first(model.own_states); };
  if (check_same<Parameter>("parameter", inside.params, outside.params, diagnostics))
    check_same<StateVariable>("state", states(inside), states(outside), diagnostics);
}

// The word `training` means false outside of training: another graph, with errors of its own.
void lower_outside(Session& s, LowerSettings settings, Diagnostics& diagnostics) {
  settings.training = false;
  if (!s.model().assumed.empty()) settings.assumed = s.model().assumed;
  Diagnostics outside;
  s.outside = lower(s.tree, settings, outside);
  for (const Diagnostic& d : outside.all())
    if (d.severity == Severity::error || d.code == Code::random_prediction) diagnostics.add(d);
  if (s.outside) check_same_values(s.model(), s.outside->model(), diagnostics);
}
}  // namespace

bool prepare(Session& s, DataNeed need) {
  Activity reading("reading the model");
  StandardArithmetic standard;
  Diagnostics model, data;
  {
    Stopwatch watch(s.times, "frontend");
    s.tree = parse(s.sources.files[0], model);
  }
  if (too_large(model)) {
    append(s.diagnostics, model);
    return false;
  }
  bool short_form = data_sources(s.tree, model).empty();
  {
    Activity opening("reading the data");
    Stopwatch watch(s.times, "load");
    s.opened = open_data(s.tree, s.request, data);
  }
  Stopwatch watch(s.times, "frontend");
  LowerSettings settings = s.request.settings;
  if (s.opened) {
    settings.headers = s.opened->headers();
    settings.arrays = s.opened->arrays();
    if (!settings.facts) settings.facts = read_facts(s.tree, *s.opened, model);
    else if (!check_facts(s.tree, *s.opened, *settings.facts, model)) settings.facts->clear();
  } else if (need == DataNeed::required && data.has_errors()) {
    settings.facts.emplace();  // what the data would say is not missed: why they are not there is told
  }
  settings.used = load_used_files(s.tree, s.request.folder, s.sources, s.used_trees, model);
  // Without the header a short form cannot tell columns from parameters: nothing more can be said of it.
  if (s.opened || !short_form) s.lowered = lower(s.tree, settings, model);
  if (s.lowered && short_form && s.opened) warn_of_unread_data(s.model(), *s.opened, model);
  if (s.lowered && s.model().uses_training) lower_outside(s, settings, model);
  sort_by_line(model);
  append(s.diagnostics, model);
  if (need == DataNeed::required || short_form || model.has_errors()) append(s.diagnostics, data);
  return !s.diagnostics.has_errors() && s.lowered;
}

namespace {

// What a function computes of so many rows at once surely fits into memory; else that is said before any is
// taken.
bool fits_memory(const Session& s, const Kernel& kernel, std::int64_t rows, Diagnostics& diagnostics) {
  std::size_t size = kernel.graph->precision() == Precision::f32 ? sizeof(float) : sizeof(double);
  double bytes = static_cast<double>(scratch_size(kernel, rows)) * static_cast<double>(size);
  auto most = static_cast<double>(os::memory_limit());
  if (bytes <= most) return true;
  Diagnostic& d = diagnostics.error(
      Code::too_large, s.model().trainings.back().span,
      fmt::format("what the model computes in a step needs {:.1f} GB of memory, there are {:.1f} GB",
                  bytes / 1e9, most / 1e9));
  if (rows > 1) d.helps.push_back("smaller batches need less: `train batch=32`");
  return false;
}

// The fewest rows that a function is called with.
std::int64_t rows_at_once(const Model& model, std::int64_t rows) {
  for (const Training& training : model.trainings) rows = std::min(rows, training.batch.value_or(rows));
  return rows;
}

}  // namespace

std::optional<Program> compile(Session& s, std::span<const Kernel> kernels, const Dataset& data) {
  std::int64_t rows = rows_at_once(s.model(), data.rows);
  for (const Kernel& kernel : kernels)
    if (!fits_memory(s, kernel, rows, s.diagnostics)) return {};
  auto program = Program::compile(kernels, compile_options(s.request, s.model(), data), s.diagnostics);
  if (!program) return {};
  s.times["codegen"] += program->making().codegen_seconds;
  s.times["link"] += program->making().link_seconds;
  s.cached = s.cached.value_or(true) && program->making().cached;
  return program;
}

bool check_formulas(Session& s) {
  std::vector<NodeId> roots{s.model().loss};
  if (s.model().predict.valid()) roots.push_back(s.model().predict);
  return check_numbers_only(s.model().graph, roots, "formulas with", s.diagnostics);
}

// --- states ---
namespace {

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : "\n") + name;
  return out;
}
std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = std::min(text.find('\n', at), text.size());
    out.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

}  // namespace

namespace {
constexpr std::string_view unbounded_prefix = "slope/unbounded/";
}

void add_params(State& state, const Model& model, std::string_view prefix, std::span<const double> all) {
  bool single = model.graph.precision() == Precision::f32;
  std::vector<double> units = in_units(model, all);
  auto add = [&](std::string name, const Parameter& param, std::span<const double> values) {
    state.tensors.push_back({std::move(name), single, param.axes, {values.begin(), values.end()}});
  };
  for (const Parameter& param : model.params) {
    std::string name = std::string(prefix) + param.name;
    add(name, param, elements_of(param, units));
    if (param.bounds) add(std::string(unbounded_prefix) + name, param, elements_of(param, all));
  }
}

std::optional<std::vector<double>> unbounded_of(const State& state, const Tensor& tensor,
                                                const Parameter& param, Precision precision) {
  if (!param.bounds) return tensor.values;
  // What counts is the tensor itself: the exact numbers are taken where they are those of its values.
  const Tensor* exact = state.find(std::string(unbounded_prefix) + tensor.name);
  if (exact && exact->shape == tensor.shape &&
      bounded(exact->values, *param.bounds, precision) == tensor.values)
    return exact->values;
  std::vector<double> values;
  for (double value : tensor.values) {
    if (!param.bounds->contain(value)) return {};
    values.push_back(unbounded(value, *param.bounds, precision));
  }
  return values;
}

Tensor state_tensor(const Model& model, std::size_t state, std::string_view prefix,
                    std::span<const double> all) {
  const StateVariable& v = model.states[state];
  std::span<const double> values = elements_of_state(model, state, all);
  bool single = model.graph.precision() == Precision::f32;
  return {std::string(prefix) + v.name, single, v.axes, {values.begin(), values.end()}};
}

State weights_state(const Session& s, const std::vector<double>& params) {
  State state;
  const Model& model = s.model();
  add_params(state, model, "", params);
  for (std::size_t i = 0; i < model.own_states; ++i)
    state.tensors.push_back(state_tensor(model, i, "", params));
  state.metadata["slope/model"] = s.sources.files[0].text();
  state.metadata["slope/seed"] = std::to_string(model.seed.value_or(0));
  if (!model.assumed.empty()) {
    state.metadata["slope/assumed_columns"] = joined(model.assumed.columns);
    state.metadata["slope/assumed_params"] = joined(model.assumed.params);
    state.metadata["slope/target"] = model.assumed.target;
  }
  if (std::string facts = facts_text(model); !facts.empty()) state.metadata["slope/facts"] = facts;
  return state;
}

namespace {
// What the short form had decided when the state was made: all of it, or nothing.
bool take_assumed(const State& state, std::optional<Assumed>& assumed) {
  auto text = [&](const char* key) {
    auto found = state.metadata.find(key);
    return found == state.metadata.end() ? std::nullopt : std::optional(found->second);
  };
  auto columns = text("slope/assumed_columns"), params = text("slope/assumed_params"),
       target = text("slope/target");
  if (!columns && !params && !target) return true;
  if (!columns || !params || !target) return false;
  assumed = Assumed{split(*columns), split(*params), *target};
  return !assumed->empty();
}

// The seed of every run, as it was written.
bool has_seed(const State& state) {
  auto seed = state.metadata.find("slope/seed");
  std::int64_t value = 0;
  if (seed == state.metadata.end()) return false;
  const char* end = seed->second.data() + seed->second.size();
  auto [read, fault] = std::from_chars(seed->second.data(), end, value);
  return fault == std::errc() && read == end;
}
}  // namespace

bool take_decisions(LowerSettings& settings, const State& state, const std::string& path,
                    Diagnostics& diagnostics) {
  auto damaged = [&](std::string_view what) {
    diagnostics.error(Code::damaged_state,
                      fmt::format("cannot use the state file `{}`: {}", escaped(path), what));
    return false;
  };
  if (!state.metadata.contains("slope/model")) return damaged("the text of its model is missing");
  if (!has_seed(state)) return damaged("the seed of its run cannot be read");
  if (!take_assumed(state, settings.assumed))
    return damaged("what it says of the names that its model assumed cannot be read");
  auto facts = state.metadata.find("slope/facts");
  settings.facts = read_facts_text(facts == state.metadata.end() ? "" : facts->second);
  return settings.facts.has_value() || damaged("what it says of the data cannot be read");
}

namespace {

// Why the tensor cannot be the parameter; "" where it can.
std::string misfit(const Tensor& tensor, const Parameter& param) {
  if (tensor.shape != param.axes)
    return fmt::format("is {} in it and {} in the model", shape_text(tensor.shape), shape_text(param.axes));
  if (!tensor.other_type.empty())
    return fmt::format("is of type {} in it: F64, F32, F16 and BF16 are read", tensor.other_type);
  return "";
}

// Why the numbers are not those of the parameter; "" where they are.
std::string fault_of(const Tensor* tensor, const Parameter& param, Precision precision) {
  if (!tensor) return "is not in it";
  if (std::string fault = misfit(*tensor, param); !fault.empty()) return fault;
  if (tensor->single != (precision == Precision::f32))
    return fmt::format("is {} in it and {} in the model", tensor->single ? "f32" : "f64",
                       to_string(precision));
  return "";
}

std::vector<std::string> only_in_state(const Model& model, const State& state) {
  std::vector<std::string> names;
  for (const Tensor& tensor : state.tensors) {
    bool known = std::any_of(model.params.begin(), model.params.end(),
                             [&](const Parameter& p) { return p.name == tensor.name; });
    for (std::size_t i = 0; i < model.own_states; ++i) known = known || model.states[i].name == tensor.name;
    if (!known && !tensor.name.starts_with("slope/")) names.push_back(tensor.name);
  }
  return names;
}

}  // namespace

std::optional<std::vector<double>> take_weights(const Session& s, const State& state, const std::string& path,
                                                Diagnostics& diagnostics) {
  const Model& model = s.model();
  std::vector<double> params;
  std::vector<std::string> faults;
  auto take = [&](const Parameter& param, std::string_view what) {
    const Tensor* tensor = state.find(param.name);
    std::string fault = fault_of(tensor, param, model.graph.precision());
    auto values = fault.empty() ? unbounded_of(state, *tensor, param, model.graph.precision())
                                : std::optional<std::vector<double>>();
    if (values) params.insert(params.end(), values->begin(), values->end());
    else
      faults.push_back(fmt::format("the {} `{}` {}", what, param.name,
                                   fault.empty() ? "is not inside its bounds" : fault));
  };
  for (const Parameter& param : model.params) take(param, "parameter");
  for (std::size_t i = 0; i < model.own_states; ++i) take(model.states[i], "state");
  for (const std::string& name : only_in_state(model, state))
    faults.push_back(fmt::format("it has `{}`, the model has no such parameter", escaped(name)));
  if (faults.empty()) return params;
  Diagnostic& d = diagnostics.error(Code::other_model,
                                    fmt::format("{} holds the weights of another model", escaped(path)));
  d.notes = faults;
  bool single = !state.tensors.empty() && state.tensors[0].single;
  if (single != (model.graph.precision() == Precision::f32))
    d.helps.push_back(fmt::format("give --precision {}, with which it was trained", single ? "f32" : "f64"));
  else d.helps.push_back("train the model again, or take the model that made the file");
  return {};
}

std::optional<std::vector<double>> prepare_at(Session& s, const std::string& weights, Use use) {
  auto state = load(weights, s.diagnostics);
  if (!state) return {};
  if (!take_decisions(s.request.settings, *state, weights, s.diagnostics) || !prepare(s)) return {};
  auto params = take_weights(s, *state, weights, s.diagnostics);
  if (params) warn_of_other_formula(s, *state, weights, use, s.diagnostics);
  return params;
}

namespace {

// Code::other_model: what does not fit, each with both shapes.
void refuse_start(const std::string& path, std::vector<std::string> faults, bool turned,
                  Diagnostics& diagnostics) {
  Diagnostic& d =
      diagnostics.error(Code::other_model, fmt::format("the parameters in {} do not fit", escaped(path)));
  d.notes = std::move(faults);
  if (turned)
    d.helps.push_back(
        "the matrices of linear layers are [inputs, outputs] here, as in `x @ W`: PyTorch's are "
        "transposed, save them as `W.T.contiguous()`");
  d.helps.push_back("leave out of the file what shall keep its start");
}

bool is_transpose(std::span<const std::int64_t> a, std::span<const std::int64_t> b) {
  return a.size() > 1 && std::equal(a.begin(), a.end(), b.rbegin(), b.rend());
}

}  // namespace

std::optional<std::vector<double>> take_start(const Session& s, const State& state, const std::string& path,
                                              Diagnostics& diagnostics) {
  const Model& model = s.model();
  std::vector<double> start;
  std::vector<std::string> kept, others, faults;
  bool turned = false;
  auto take = [&](const Parameter& param) {
    const Tensor* tensor = state.find(param.name);
    std::string fault = tensor ? misfit(*tensor, param) : "";
    if (!fault.empty()) faults.push_back(fmt::format("`{}` {}", param.name, fault));
    turned |= !fault.empty() && is_transpose(tensor->shape, param.axes);
    auto values = tensor && fault.empty() ? unbounded_of(state, *tensor, param, model.graph.precision())
                                          : std::optional<std::vector<double>>();
    const std::vector<double>& from = values ? *values : param.start;
    start.insert(start.end(), from.begin(), from.end());
    if (!tensor) kept.push_back(fmt::format("`{}`", param.name));
    else if (fault.empty() && !values)
      others.push_back(
          fmt::format("`{}` in {} is not inside its bounds, and keeps its start", param.name, escaped(path)));
  };
  for (const Parameter& param : model.params) take(param);
  for (std::size_t i = 0; i < model.own_states; ++i) take(model.states[i]);
  if (!faults.empty()) {
    refuse_start(path, std::move(faults), turned, diagnostics);
    return {};
  }
  auto note = [&](std::string text) {
    diagnostics.add({.severity = Severity::note,
                     .code = Code::init_differs,
                     .message = std::move(text),
                     .span = {},
                     .position = {},
                     .label = {}});
  };
  if (!kept.empty()) note(fmt::format("{} is not in {} and keeps its start", listed(kept), escaped(path)));
  for (const std::string& other : others) note(other);
  std::vector<std::string> unused;
  for (const std::string& name : only_in_state(model, state))
    unused.push_back(fmt::format("`{}`", escaped(name)));
  if (!unused.empty())
    note(fmt::format("{} has {}, the model has no such parameter", escaped(path), listed(unused)));
  return start;
}

}  // namespace slope
