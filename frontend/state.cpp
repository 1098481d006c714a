// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What is kept from step to step: `state NAME = START` and `NAME := EXPR` in the model, in functions and in
// optimizers, where every parameter has states of its own.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/text.h"
#include "frontend/layers.h"
#include "frontend/lowering.h"

namespace slope {

using ast::Kind;
using Is = Value::Is;

std::int64_t Model::state_elements() const {
  return states.empty() ? 0 : states.back().offset + static_cast<std::int64_t>(states.back().start.size());
}
std::int64_t Model::own_elements() const {
  std::int64_t own = states.size() == own_states ? state_elements() : states[own_states].offset;
  return param_elements() + own;
}
int Model::add_state(StateVariable state) {
  state.offset = state_elements();
  states.push_back(std::move(state));
  return static_cast<int>(states.size()) - 1;
}

// An optimizer's states while its function is inlined for one parameter. How much of each there is shows in
// what it becomes: a counter of the steps is one number for all parameters, though it is written as if each
// element had its own. So the function is inlined with the smallest that may do, and again until all do.
struct OptimizerStates {
  enum class Extent : std::uint8_t { all, number, elements };  // one for all; one, or one each, a parameter
  struct Kept {
    std::string path;
    Axes axes;  // of the value
    std::vector<double> start;
    bool declared = false;  // a shape of its own is written
    NodeId leaf = {}, next = {};
    int state = -1;  // among the model's; −1: nothing reads it
  };
  const Parameter& param;
  std::map<std::string, Extent> extents = {};  // by path
  std::set<std::string> read = {};             // paths that reach the new parameter
  bool last = false;                           // this inlining counts
  std::vector<Kept> kept = {};
  std::map<std::string, int> paths = {};  // how often each occurred
};

// What tells draws of one name, and an optimizer's states, apart: the functions on the way and the name,
// numbered where that occurs again.
std::string Lowering::owned_name(const std::string& name) {
  std::string path;
  for (std::size_t i = optimizing_ ? 1 : 0; i < calls_.size(); ++i) path += calls_[i]->name + ".";
  path += name;
  int count = ++(optimizing_ ? optimizing_->paths : owned_)[path];
  return count == 1 ? path : fmt::format("{}_{}", path, count);
}

// Of the parameter whose step is being made.
const std::string& Lowering::optimized_name() const { return optimizing_->param.name; }

void Lowering::state(ast::NodeId id) {
  const ast::Node& node = ast()[id];
  Binding binding{{}, node.name};
  binding.used = true;
  binding.state = failed_state;
  if (scope_ == &model_scope_ && (node.text == "predict" || node.text == "loss"))
    error(Code::wrong_kind, node.name, fmt::format("`{}` is a value, not a state", node.text));
  else if (in_metric_)
    error(Code::misplaced_form, node.span, "a metric or report cannot have a state")
        .notes.push_back("it is computed outside of training steps, where no state changes");
  else if (auto start = declared_parameter(id, ast().child(ast().find(id, Kind::start), 0), "state"))
    binding.value =
        optimizing_ ? optimizer_state(id, std::move(*start), binding) : own_state(*start, binding);
  bind(node.text, binding);
}

// A layer that is evaluated again goes on with the states that it has.
Value Lowering::own_state(Parameter start, Binding& binding) {
  auto& entries = layer_->entries;
  if (layer_->made) {
    bool there = layer_->next < entries.size() && entries[layer_->next].state >= 0 &&
                 entries[layer_->next].label == start.name;
    if (there && model.states[static_cast<std::size_t>(entries[layer_->next].state)].axes == start.axes) {
      binding.state = entries[layer_->next++].state;
      return state_now(binding.state);
    }
    error(Code::wrong_kind, start.span,
          fmt::format("with this argument the layer would have another state `{}`", start.name))
        .notes.push_back("a layer that is called again has the states of its first call");
    return {};
  }
  std::string label = start.name;
  binding.state = model.add_state(StateVariable{std::move(start), {}});
  entries.push_back({label, -1, {}, binding.state});
  ++model.own_states;
  model.uses_training = true;
  return Value::of(state_node(binding.state));
}

slope::NodeId Lowering::state_node(int index) {
  const StateVariable& state = model.states[static_cast<std::size_t>(index)];
  Graph::Origin origin(graph(), state.span);
  return graph().state(index, graph().intern({false, state.axes}));
}

// What the state's name means behind what was read so far.
Value Lowering::state_now(int index) {
  NodeId next = model.states[static_cast<std::size_t>(index)].next;
  return Value::of(next.valid() ? next : state_node(index));
}

Value Lowering::optimizer_state(ast::NodeId id, Parameter start, Binding& binding) {
  using Extent = OptimizerStates::Extent;
  OptimizerStates& o = *optimizing_;
  OptimizerStates::Kept kept{owned_name(start.name), start.axes, std::move(start.start)};
  kept.declared = ast().find(id, Kind::shape).valid() || !kept.axes.empty();
  Extent extent =
      kept.declared ? Extent::elements : o.extents.try_emplace(kept.path, Extent::all).first->second;
  if (!kept.declared && extent == Extent::elements) {
    auto count = static_cast<std::int64_t>(o.param.start.size());
    if (o.last && !fits_memory(count, place(ast()[id].span), o.param.name)) return {};
    kept.axes = o.param.axes;
    kept.start.assign(o.param.start.size(), kept.start[0]);
  }
  constexpr int nobody_reads = 1 << 30;
  int index = nobody_reads + static_cast<int>(o.kept.size());
  if (o.last && o.read.contains(kept.path)) {
    std::string whose = extent == Extent::all ? "" : o.param.name + "/";
    index = kept.state = slot("slope/optimizer/" + whose + kept.path, kept.axes, kept.start.size());
  }
  kept.leaf = graph().state(index, graph().intern({false, kept.axes}));
  graph().name(kept.leaf, kept.path);
  binding.state = static_cast<int>(o.kept.size());
  o.kept.push_back(std::move(kept));
  return Value::of(o.kept.back().leaf);
}

// Optimizers take turns, so those that have a state of one name and shape share its place.
int Lowering::slot(const std::string& name, const Axes& axes, std::size_t count) {
  for (std::size_t i = model.own_states; i < model.states.size(); ++i)
    if (model.states[i].name == name && model.states[i].axes == axes) return static_cast<int>(i);
  return model.add_state(StateVariable{{name, std::vector<double>(count), {}, axes}, {}});
}

// `NAME := EXPR`: what the state becomes at the end of a training step, and what the name means from here on.
void Lowering::next(ast::NodeId id) {
  const ast::Node& node = ast()[id];
  ast::NodeId written = ast().child(ast().child(id, 0), 0);
  Value value = evaluate(written);
  auto found = scope_->names.find(node.text);
  if (found == scope_->names.end() || found->second.state == no_state) return no_such_state(id);
  Binding& binding = found->second;
  Span span = ast()[written].span;
  if (binding.state == failed_state || !numeric(value, span, "`:=`")) return;
  auto new_value = state_value(node.text, value, binding, span);
  if (!new_value) return;
  if (optimizing_) optimizing_->kept[static_cast<std::size_t>(binding.state)].next = *new_value;
  else if (!settings_.training) return;  // outside of training the stored value stands
  else
    *new_value = model.states[static_cast<std::size_t>(binding.state)].next =
        graph().stop_gradient(*new_value);
  binding.value = Value::of(*new_value);
}

// In the shape of the state; of an optimizer's in the parameter's, or one number.
std::optional<NodeId> Lowering::state_value(const std::string& name, const Value& value,
                                            const Binding& binding, Span span) {
  Shape given = shape_of(value), wanted;
  if (optimizing_) {
    const auto& kept = optimizing_->kept[static_cast<std::size_t>(binding.state)];
    wanted.axes = kept.declared ? kept.axes : optimizing_->param.axes;
    if (!kept.declared && kept.axes.empty() && given.axes.empty() && !given.rows) wanted.axes = {};
  } else {
    wanted.axes = model.states[static_cast<std::size_t>(binding.state)].axes;
  }
  if (common_shape(given, wanted) == wanted)
    return graph().broadcast(graph().to_real(to_node(value)), wanted);
  Diagnostic& d = error(
      Code::shapes_differ, span,
      fmt::format("the new value of `{}` is {}, the state {}", name, in_words(given), in_words(wanted)));
  if (given.rows)
    d.helps.push_back("a state has no rows: keep a total over them, for example their `mean(…)`");
  else d.helps.push_back("a state has the shape that its declaration gives it");
  return {};
}

void Lowering::no_such_state(ast::NodeId id) {
  const ast::Node& node = ast()[id];
  Binding* binding = lookup(node.text);
  if (!binding) {
    if (uses_files_ || defined_later(node.text, node.name) || !unknown_.insert(node.text).second) return;
    error(Code::no_state, node.name, fmt::format("nothing declares the state `{}`", node.text))
        .helps.push_back(
            fmt::format("declare it above: `state {} = 0`; a definition is written with `=`", node.text));
    return;
  }
  binding->used = true;
  if (binding->state != no_state) {
    error(Code::no_state, node.name,
          fmt::format("the state `{}` belongs to the model outside of this block", node.text))
        .helps.push_back("only the block that declares a state changes it");
    return;
  }
  if (!binding->value.ok() && !binding->is_parameter) return;  // told of already
  std::string_view what = binding->column >= 0                ? "a data column"
                          : binding->is_parameter             ? "a parameter"
                          : binding->value.is == Is::function ? "a function"
                                                              : "a definition";
  Diagnostic& d = error(Code::no_state, node.name, fmt::format("`{}` is {}, not a state", node.text, what));
  if (binding->span.file == node.span.file) d.related.push_back(binding->span);
  d.helps.push_back(
      "`:=` gives a state the value that the next step begins with: `state NAME = START` declares one");
}

namespace {

// Whether every parameter's copy would be the same: no data, parameter or gradient is in it.
bool same_for_all(const Graph& graph, NodeId value, const std::set<NodeId>& same_states) {
  std::vector<bool> needed = live(graph, std::span(&value, 1));
  for (std::size_t i = 0; i < needed.size(); ++i) {
    NodeId id(static_cast<std::int64_t>(i));
    if (!needed[i]) continue;
    NodeKind kind = graph[id].kind;
    if (kind == NodeKind::param || kind == NodeKind::data || kind == NodeKind::draw) return false;
    if (kind == NodeKind::state && !same_states.contains(id)) return false;
  }
  return true;
}

}  // namespace

// Whether a state turned out to need more than it had.
bool Lowering::widen(OptimizerStates& o) {
  using Extent = OptimizerStates::Extent;
  std::set<NodeId> same;
  for (const auto& kept : o.kept)
    if (!kept.declared && o.extents.at(kept.path) == Extent::all) same.insert(kept.leaf);
  bool wider = false;
  for (const auto& kept : o.kept) {
    if (kept.declared || !kept.next.valid()) continue;
    Extent& extent = o.extents.at(kept.path);
    Extent needed = !graph().is_number(kept.next)            ? Extent::elements
                    : same_for_all(graph(), kept.next, same) ? Extent::all
                                                             : Extent::number;
    if (extent >= needed) continue;
    extent = needed;
    wider = true;
  }
  return wider;
}

// The paths of the states that the value is made of, in this step or a later one.
std::set<std::string> Lowering::read_states(const OptimizerStates& o, NodeId value) const {
  std::set<std::string> read;
  std::vector<NodeId> roots{value};
  for (bool more = true; std::exchange(more, false);) {
    std::vector<bool> needed = live(model.graph, roots);
    for (const auto& kept : o.kept)
      if (needed[kept.leaf.index()] && read.insert(kept.path).second) {
        more = true;
        if (kept.next.valid()) roots.push_back(kept.next);
      }
  }
  return read;
}

std::optional<Update> Lowering::update(const Optimizer& optimizer, NodeId param, NodeId from, NodeId gradient,
                                       NodeId rate, Span span) {
  const Function* function = optimizer_function(optimizer, span);
  if (!function) return {};
  std::vector<Argument> arguments{
      {"", Value::of(from), span, {}}, {"", Value::of(gradient), span, {}}, {"", Value::of(rate), span, {}}};
  for (const Hyper& h : optimizer.hyper)
    arguments.push_back({h.name, h.truth ? Value::of(h.value != 0) : Value::of(h.value), span, {}});
  OptimizerStates states{model.params[static_cast<std::size_t>(graph()[param].index)]};
  NodeId value;
  for (;;) {
    states.kept.clear();
    states.paths.clear();
    optimizing_ = &states;
    Value result = call(*function, arguments, span);
    optimizing_ = nullptr;
    if (!result.ok() || diagnostics_->has_errors()) return {};
    if (!numeric(result, span, fmt::format("the optimizer `{}`", optimizer.name))) return {};
    value = updated(optimizer, to_node(result), graph().shape(param), span);
    if (!value.valid()) return {};
    if (states.kept.empty() || states.last) break;
    if (widen(states)) continue;
    states.read = read_states(states, value);
    states.last = true;
  }
  return Update{value, slots(states)};
}

std::vector<OptimizerSlot> Lowering::slots(const OptimizerStates& o) {
  std::vector<OptimizerSlot> out;
  for (const auto& kept : o.kept)
    if (kept.state >= 0) out.push_back({kept.state, kept.start, kept.next.valid() ? kept.next : kept.leaf});
  return out;
}

// The optimizer's value as the new parameter, truth values as 0 and 1; an invalid id, and a diagnostic, where
// it does not fit.
NodeId Lowering::updated(const Optimizer& optimizer, NodeId node, const Shape& shape, Span span) {
  const Shape found = graph().shape(node);
  if (!found.rows && common_shape(found, shape) == shape)
    return graph().broadcast(graph().to_real(node), shape);
  if (!found.rows)
    diagnostics_->error(Code::shapes_differ, span,
                        fmt::format("the optimizer `{}` gives {} for a parameter that is {}", optimizer.name,
                                    in_words(found), in_words(shape)));
  else
    diagnostics_->error(
        Code::wrong_kind, span,
        fmt::format("the optimizer `{}` gives one number a row, not the new parameter", optimizer.name));
  return {};
}

}  // namespace slope
