// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What can be said of a model only when all of its statements are read: the loss, the target, what is not
// used.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "base/text.h"
#include "frontend/lowering.h"
#include "frontend/train_options.h"
#include "graph/gradient.h"
#include "graph/verify.h"

namespace slope {

using ast::Kind;

void Lowering::finish() {
  finish_targets();
  name_parameters();
  check_names();
  // A text that could not be read may hold it.
  auto syntax = [](const Diagnostic& d) {
    return d.severity == Severity::error && static_cast<int>(d.code) < 200;
  };
  bool unread = std::any_of(diagnostics_->all().begin(), diagnostics_->all().end(), syntax);
  if (!loss_span_.end && !loss_seen() && !unread) {
    Diagnostic& d = error(Code::no_loss, {0, 0, 0}, "the model has no `loss`");
    d.helps.push_back("say what training minimises, for example `loss = mse(predict, y)`");
  }
  check_loss();
  check_predict();
  check_order();
  if (model.trainings.empty()) default_training();
  if (!diagnostics_->has_errors() && settings_.training) check_parameters();
  check_unused();
  check_columns();
  check(graph());
}

// A state file holds parameters and states by their names, and its notes under a name of its own.
void Lowering::check_names() {
  std::set<std::string_view> names;
  auto look = [&](const Parameter& named, std::string_view what) {
    if (named.name == "__metadata__")
      error(Code::misplaced_form, named.span, fmt::format("a {} cannot be called `__metadata__`", what))
          .helps.push_back("state files keep their notes under this name: choose another");
    else if (!names.insert(named.name).second && !diagnostics_->has_errors())
      error(Code::defined_twice, named.span,
            fmt::format("a second {} would be called `{}`", what, named.name))
          .helps.push_back("give the layers names of their own: `NAME = layer(…)`");
  };
  for (const Parameter& param : model.params) look(param, "parameter");
  for (std::size_t i = 0; i < model.own_states; ++i) look(model.states[i], "state");
}

bool Lowering::loss_seen() const { return model_scope_.names.contains("loss"); }

void Lowering::finish_targets() {
  for (const Waiting& waiting : waiting_) {
    std::string defines =
        waiting.index < 0 ? "loss" : (waiting.report ? "report " : "metric ") + waiting.name;
    in_metric_ = waiting.index >= 0;
    Value value = target_call(*waiting.function, waiting.span, defines);
    in_metric_ = false;
    model.called.push_back(waiting.span);
    if (!value.ok() || !numeric(value, waiting.span, fmt::format("`{}`", waiting.name))) continue;
    NodeId node = graph().to_real(to_node(value));
    if (waiting.index < 0) model.loss = node;
    else if (one_number(node, waiting.span, waiting.name, waiting.function->name + "(…)"))
      (waiting.report ? model.reports : model.metrics)[static_cast<std::size_t>(waiting.index)].value = node;
  }
  waiting_.clear();
  for (auto* list : {&model.metrics, &model.reports})
    std::erase_if(*list, [](const NamedValue& item) { return !item.value.valid(); });
}

// A metric or report must not have rows; `shown` is how its value is written.
bool Lowering::one_number(NodeId value, Span span, const std::string& name, const std::string& shown) {
  if (graph().is_number(value)) return true;
  const Shape& shape = graph().shape(value);
  if (!shape.axes.empty()) {
    error(Code::loss_not_a_number, span, fmt::format("`{}` is {}, not one number", name, to_string(shape)))
        .helps.push_back(fmt::format("`mean({})` or `sum({})` is one number", shown, shown));
    return false;
  }
  error(Code::loss_not_a_number, span, fmt::format("`{}` is one number a row, not one number", name))
      .helps.push_back(fmt::format("`mean({})` is one number", shown));
  return false;
}

void Lowering::check_loss() {
  if (!model.loss.valid() || graph().is_number(model.loss)) return;
  const Shape& shape = graph().shape(model.loss);
  if (!shape.axes.empty()) {
    Diagnostic& d = error(Code::loss_not_a_number, loss_span_,
                          fmt::format("the loss is {}, not one number", to_string(shape)));
    d.label = shape.rows ? fmt::format("{} values for every row", elements(shape))
                         : fmt::format("{} values", elements(shape));
    d.helps.push_back("`loss = mean(…)` is the mean of all of them, `sum(…)` their sum");
    model.loss = {};
    return;
  }
  Diagnostic& d = error(Code::loss_not_a_number, loss_span_, "the loss is one number a row, not one number");
  d.label = "one value for every row";
  d.helps.push_back("`loss = mean(…)` is the mean over the rows");
  model.loss = {};
}

// Of the first value that is reduced to one number, its rows too: how many axes it has beside them.
std::size_t Lowering::axes_reduced_with_rows(NodeId id) const {
  std::vector<bool> needed = live(model.graph, std::span(&id, 1));
  for (std::size_t i = 0; i < needed.size(); ++i) {
    NodeId part(static_cast<std::int64_t>(i));
    if (!needed[i] || !model.graph.sums_rows(part) || !model.graph.shape(part).axes.empty()) continue;
    NodeId whole =
        model.graph[part].operands[0];  // the axes of a row are reduced first, in nodes of their own
    while (model.graph[whole].kind == NodeKind::reduce || model.graph[whole].kind == NodeKind::reshape)
      whole = model.graph[whole].operands[0];
    if (std::size_t axes = model.graph.shape(whole).axes.size(); axes > 0) return axes;
  }
  return 0;
}

// Nothing that training needs may hold a statistic without derivative.
void Lowering::check_order() {
  if (model.loss.valid() && !without_order(model.loss, "the loss", loss_span_)) return;
  if (model.predict.valid() && !without_order(model.predict, "the prediction", predict_span_)) return;
  for (std::size_t i = 0; i < model.own_states; ++i)
    if (model.states[i].next.valid()) without_order(model.states[i].next, "a state", model.states[i].span);
}

void Lowering::check_predict() {
  // Within training a prediction may use the rows of its batch (and then has another form outside).
  if (settings_.training && model.uses_training) return;
  if (!settings_.training) warn_of_random_prediction();
  if (!model.predict.valid() || !depends_on_reduction(model.predict)) return;
  Diagnostic& d =
      error(Code::predict_reduces_rows, predict_span_, "the prediction of a row depends on the other rows");
  d.label = "has a sum, mean, max or min over rows in it";
  if (std::size_t axes = axes_reduced_with_rows(model.predict); axes > 0) {
    std::vector<std::size_t> all(axes);
    std::iota(all.begin(), all.end(), 0);
    d.notes.push_back("without `axis=` all of a value is reduced, its rows too");
    d.helps.push_back(
        axes == 1 ? "`axis=-1` reduces the values of each row alone"
                  : fmt::format("`axis=({})` reduces the values of each row alone", fmt::join(all, ", ")));
  }
  d.helps.push_back(
      "a sum over features is `x @ w` or `axis=-1`; to scale a column write `standardized` after it; a "
      "running mean is a `state`");
}

void Lowering::warn_of_random_prediction() {
  if (!model.predict.valid()) return;
  std::vector<bool> needed = live(graph(), std::span(&model.predict, 1));
  for (std::size_t i = 0; i < needed.size(); ++i)
    if (needed[i] && graph()[NodeId(static_cast<std::int64_t>(i))].kind == NodeKind::draw) {
      diagnostics_->warning(Code::random_prediction, predict_span_, "the prediction has random numbers in it")
          .helps.push_back("`if training then … else …` takes them out of predictions");
      return;
    }
}

void Lowering::check_parameters() {
  if (!model.loss.valid()) return;
  std::vector<bool> reached = reached_by_derivative(graph(), model.loss);
  std::vector<NodeId> all_ends;
  int useful = 0;
  for (std::size_t i = 0; i < model.params.size(); ++i) {
    NodeId id = param_node(static_cast<int>(i));
    if (id.index() < reached.size() && reached[id.index()]) {
      ++useful;
      continue;
    }
    std::vector<NodeId> ends = derivative_ends(graph(), model.loss, id);
    Diagnostic& d = diagnostics_->warning(
        Code::unused_parameter, model.params[i].span,
        fmt::format("the parameter `{}` does not reach the loss", model.params[i].name));
    d.notes.push_back("its gradient is 0: training leaves it at its start");
    if (ends.empty()) continue;
    d.message = fmt::format("no derivative by the parameter `{}` reaches the loss", model.params[i].name);
    d.notes.insert(d.notes.begin(), only_through(model.params[i].name, ends));
    point_at(d, ends);
    all_ends.insert(all_ends.end(), ends.begin(), ends.end());
  }
  if (useful > 0) return;
  if (!all_ends.empty()) return refuse_without_derivative(std::move(all_ends));
  Diagnostic& d =
      error(Code::nothing_to_train, loss_span_, "there is nothing to train: no parameter reaches the loss");
  d.helps.push_back("declare one, for example `param w = 0`, and use it in what `loss` depends on");
}

namespace {

// As it is written in a model, where it is.
std::string_view written_name(const Node& node) {
  switch (node.kind) {
    case NodeKind::scalar: return info(node.op).infix.empty() ? info(node.op).name : info(node.op).infix;
    case NodeKind::arg_reduce: return node.reduction == Reduction::max ? "argmax" : "argmin";
    case NodeKind::order: return to_string(static_cast<OrderStatistic>(node.index));
    case NodeKind::stop_gradient: return "stop_gradient";
    default: return "an index";
  }
}

std::string names_of(const Graph& graph, std::span<const NodeId> nodes) {
  std::vector<std::string> names;
  for (NodeId id : nodes) {
    std::string name = fmt::format("`{}`", written_name(graph[id]));
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(std::move(name));
  }
  return listed(names);
}

}  // namespace

// Why no derivative by it reaches the loss.
std::string Lowering::only_through(const std::string& param, std::span<const NodeId> ends) const {
  return fmt::format("`{}` reaches the loss through {} only, where every derivative is 0", param,
                     names_of(model.graph, ends));
}

// Shows the lines where derivatives end, at most three, but for the one that the diagnostic stands at.
void Lowering::point_at(Diagnostic& d, std::span<const NodeId> ends) const {
  for (NodeId id : ends) {
    std::span<const Span> places = model.graph.origins(id);
    if (places.empty() || d.related.size() == 3) continue;
    if (places[0] != d.span && std::find(d.related.begin(), d.related.end(), places[0]) == d.related.end())
      d.related.push_back(places[0]);
  }
}

// No derivative of the loss reaches a parameter, though they do: the operations that end them are named.
void Lowering::refuse_without_derivative(std::vector<NodeId> ends) {
  std::sort(ends.begin(), ends.end());
  ends.erase(std::unique(ends.begin(), ends.end()), ends.end());
  std::span<const Span> places = graph().origins(ends[0]);
  Diagnostic& d = error(Code::nothing_to_train, places.empty() ? loss_span_ : places[0],
                        fmt::format("there is nothing to train: no derivative of the loss goes through {}",
                                    names_of(graph(), ends)));
  point_at(d, ends);
  d.notes.push_back("every optimizer follows derivatives, which are 0 there");
  bool stopped = std::all_of(ends.begin(), ends.end(),
                             [&](NodeId id) { return graph()[id].kind == NodeKind::stop_gradient; });
  d.helps.push_back(stopped ? "take `stop_gradient` away from what is to be trained"
                            : "train with a loss that changes smoothly, as cross_entropy or mse do, and "
                              "report this one: `metric NAME = …`");
}

void Lowering::check_unused() {
  bool complete = model.loss.valid();  // else what reads a column is not known
  for (std::size_t i = 0; i < model.columns.size(); ++i)
    if (complete && has_data_ && !column_read_[i] && model.columns[i].name != model.assumed.target &&
        model.columns[i].name != "truth" &&  // a plot shows it
        !diagnostics_->has_errors())
      diagnostics_->warning(Code::unused_column, model.columns[i].span,
                            fmt::format("nothing reads the column `{}`", model.columns[i].name));
  for (const auto& [name, binding] : model_scope_.names)
    if (!binding.used && !binding.is_parameter && binding.column < 0 && is_train_option(name))
      diagnostics_
          ->warning(Code::option_like_name, binding.span,
                    fmt::format("`{}` is defined but nothing uses it", name))
          .helps.push_back(fmt::format("an option of training is written `train {}=…`", name));
}

}  // namespace slope
