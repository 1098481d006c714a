// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `decay=`: the schedules by name, the arguments that each takes, and functions of the model in their place.
// What they compute stands in runtime/schedule.h; a default that depends on the number of steps is given
// there.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "frontend/lowering.h"
#include "frontend/train_options.h"
#include "graph/verify.h"

namespace slope {

using ast::Kind;
using Is = Value::Is;

namespace {

enum class Takes : std::uint8_t { positive, not_negative, fraction, at_least_one, count, whole };

struct DecayArgument {
  std::string_view name;
  Takes takes;
  std::optional<double> value = {};  // where it is not given
};
struct DecayForm {
  std::string_view name;
  std::vector<DecayArgument> arguments;
};

const std::vector<DecayForm>& forms() {
  static const std::vector<DecayForm> table{
      {"constant", {}},
      {"step", {{"factor", Takes::positive, 0.1}, {"every", Takes::positive}}},
      {"exponential", {{"factor", Takes::positive, 0.1}, {"every", Takes::positive}}},
      {"inverse_time", {{"factor", Takes::not_negative, 1}, {"every", Takes::positive}}},
      {"linear", {{"end", Takes::not_negative, 0}}},
      {"polynomial", {{"end", Takes::not_negative, 0}, {"power", Takes::positive, 1}}},
      {"cosine", {{"alpha", Takes::not_negative, 0}}},
      {"cosine_restarts",
       {{"first", Takes::at_least_one},
        {"t_mul", Takes::at_least_one, 2},
        {"m_mul", Takes::positive, 1},
        {"alpha", Takes::not_negative, 0}}},
      {"one_cycle",
       {{"pct_start", Takes::fraction, 0.3},
        {"div", Takes::positive, 25},
        {"final_div", Takes::positive, 1e4}}},
      {"plateau",
       {{"factor", Takes::fraction, 0.1},
        {"patience", Takes::count, 10},
        {"min_delta", Takes::not_negative},
        {"rel_delta", Takes::not_negative},
        {"cooldown", Takes::whole, 0},
        {"min_rate", Takes::not_negative, 0}}},
  };
  return table;
}

const DecayForm* form_of(std::string_view name) {
  for (const DecayForm& form : forms())
    if (form.name == name) return &form;
  return nullptr;
}

template <class List>
std::vector<std::string> names_of(const List& list) {
  std::vector<std::string> names;
  for (const auto& item : list) names.emplace_back(item.name);
  return names;
}

// What the value must be; "" where it is.
std::string_view fault_of(Takes takes, double value) {
  bool whole = value == std::floor(value) && value <= 0x1p53;
  bool finite = std::isfinite(value);
  switch (takes) {
    case Takes::positive: return finite && value > 0 ? "" : "a positive finite number";
    case Takes::not_negative: return finite && value >= 0 ? "" : "a finite number of at least 0";
    case Takes::fraction: return value > 0 && value < 1 ? "" : "between 0 and 1";
    case Takes::at_least_one: return finite && value >= 1 ? "" : "a finite number of at least 1";
    case Takes::count: return whole && value >= 1 ? "" : "a whole number of at least 1";
    case Takes::whole: return whole && value >= 0 ? "" : "a whole number of at least 0";
  }
  return "";
}

}  // namespace

std::optional<double> Decay::argument(std::string_view of) const {
  for (const auto& [argument_name, value] : arguments)
    if (argument_name == of) return value;
  return {};
}

std::vector<std::string> decay_names() { return names_of(forms()); }

// `decay=NAME`, `decay=NAME(argument=number, …)`.
void Lowering::decay_option(ast::NodeId value, Options& given) {
  const ast::Node& node = ast()[value];
  bool call = node.kind == Kind::call;
  const ast::Node& name = call ? ast()[ast().child(value, 0)] : node;
  if (name.kind != Kind::name) {
    error(Code::bad_option_value, node.span, "`decay` needs the name of a schedule")
        .helps.push_back("for example decay=cosine");
    return;
  }
  Decay decay{name.text};
  if (call && !decay_arguments(value, decay)) return;
  Binding* binding = lookup(name.text);
  if (binding && binding->value.is == Is::function && binding->value.function->def.valid()) {
    given.decay = decay_function(decay, *binding, call ? value : ast::NodeId(), name.span);
    return;
  }
  const DecayForm* form = form_of(name.text);
  if (!form) {
    Diagnostic& d = error(Code::bad_option_value, name.span, fmt::format("`{}` is no schedule", name.text));
    if (std::string near = nearest(name.text, decay_names()); !near.empty())
      d.helps.push_back(fmt::format("did you mean `{}`?", near));
    else
      d.helps.push_back("the schedules are " + listed(decay_names()) + ", or a function of step and steps");
    return;
  }
  for (const DecayArgument& argument : form->arguments)
    if (argument.value && !decay.argument(argument.name))
      decay.arguments.emplace_back(argument.name, *argument.value);
  if (!call || check_decay(value, form->name)) given.decay = std::move(decay);
}

// The arguments of the call, all by name, each once.
bool Lowering::decay_arguments(ast::NodeId value, Decay& decay) {
  for (ast::NodeId part : ast().children(value).subspan(1)) {
    const ast::Node& argument = ast()[part];
    if (argument.kind != Kind::argument) {
      error(Code::wrong_arguments, argument.span, "arguments of a schedule are given by name")
          .helps.push_back(fmt::format("{}(name=value)", decay.name));
      return false;
    }
    if (decay.argument(argument.text)) {
      error(Code::wrong_arguments, argument.span, fmt::format("`{}` is given twice", argument.text));
      return false;
    }
    auto number = constant_number(ast().child(part, 0), fmt::format("`{}`", argument.text));
    if (!number) return false;
    decay.arguments.emplace_back(argument.text, *number);
  }
  return true;
}

// Whether the schedule of the table takes these arguments.
bool Lowering::check_decay(ast::NodeId value, std::string_view name) {
  const DecayForm& form = *form_of(name);
  for (ast::NodeId part : ast().children(value).subspan(1)) {
    const ast::Node& node = ast()[part];
    auto argument = std::find_if(form.arguments.begin(), form.arguments.end(),
                                 [&](const DecayArgument& a) { return a.name == node.text; });
    if (argument == form.arguments.end()) {
      Diagnostic& d = error(Code::wrong_arguments, node.span,
                            fmt::format("the schedule `{}` has no argument `{}`", name, node.text));
      d.helps.push_back(form.arguments.empty() ? std::string("it takes none")
                                               : "it takes " + listed(names_of(form.arguments)));
      return false;
    }
    auto number = constant_number(ast().child(part, 0), fmt::format("`{}`", node.text));
    if (!number) return false;
    std::string_view wanted = fault_of(argument->takes, *number);
    if (wanted.empty()) continue;
    error(Code::bad_option_value, node.span,
          fmt::format("`{}` of `{}` is {}, but must be {}", node.text, name, shortest(*number), wanted));
    return false;
  }
  return true;
}

// A function f(step, steps) of the model; the rate is multiplied by its value, which the step computes.
std::optional<Decay> Lowering::decay_function(Decay decay, Binding& binding, ast::NodeId call, Span span) {
  const Function& function = *binding.value.function;
  binding.used = true;
  if (function.needed != 2) {
    error(Code::bad_option_value, span, fmt::format("`{}` is no schedule", function.name))
        .helps.push_back(
            "a schedule is a function of the step and the number of steps: `def half(step, "
            "steps) = 0.5^(step/steps)`");
    return {};
  }
  auto argument = [&](RunArgument which) {
    return Argument{"", Value::of(graph().argument(which)), span, {}};
  };
  std::vector<Argument> arguments{argument(RunArgument::step), argument(RunArgument::steps)};
  for (const auto& [name, value] : decay.arguments) arguments.push_back({name, Value::of(value), span, {}});
  Value value = this->call(function, std::move(arguments), call.valid() ? ast()[call].span : span);
  if (!value.ok() || !numeric(value, span, fmt::format("`{}`", function.name))) return {};
  decay.factor = graph().to_real(to_node(value));
  if (!graph().is_number(decay.factor)) {
    error(Code::bad_option_value, span,
          fmt::format("the schedule `{}` is {}, not one number", function.name,
                      in_words(graph().shape(decay.factor))));
    return {};
  }
  std::vector<bool> needed = live(graph(), std::span(&decay.factor, 1));
  for (std::size_t i = 0; i < needed.size(); ++i) {
    NodeKind kind = graph()[NodeId(static_cast<std::int64_t>(i))].kind;
    if (!needed[i] || (kind != NodeKind::data && kind != NodeKind::param && kind != NodeKind::row_count))
      continue;
    error(Code::bad_option_value, span,
          fmt::format("the schedule `{}` depends on {}", function.name,
                      kind == NodeKind::param ? "a parameter" : "the data"))
        .helps.push_back("it is a function of the step and the number of steps alone");
    return {};
  }
  return decay;
}

}  // namespace slope
