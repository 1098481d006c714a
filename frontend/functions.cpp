// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Calls: functions of the model and the prelude are inlined, scalar ops come from the op table, the rest is
// here.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/text.h"
#include "frontend/labels.h"
#include "frontend/layers.h"
#include "frontend/lowering.h"
#include "frontend/train_options.h"

namespace slope {

using ast::Kind;
using Is = Value::Is;

namespace {

// Names of the language that stand behind `~` only.
constexpr std::string_view distributions[] = {"normal", "uniform", "bernoulli", "glorot",
                                              "he",     "lecun",   "orthogonal"};
// Built-in functions that are no op: name, arguments without a default, how it is called.
struct BuiltIn {
  std::string_view name;
  int needed;
  std::string_view signature;
};
constexpr BuiltIn special_functions[] = {{"sum", 1, "sum(x, axis=…, keep=false)"},
                                         {"prod", 1, "prod(x, axis=…, keep=false)"},
                                         {"mean", 1, "mean(x, weights=1, axis=…, keep=false)"},
                                         {"max", 1, "max(x, axis=…, keep=false) or max(a, b)"},
                                         {"min", 1, "min(x, axis=…, keep=false) or min(a, b)"},
                                         {"var", 1, "var(x, axis=…, keep=false)"},
                                         {"std", 1, "std(x, axis=…, keep=false)"},
                                         {"any", 1, "any(x, axis=…, keep=false)"},
                                         {"all", 1, "all(x, axis=…, keep=false)"},
                                         {"argmax", 1, "argmax(x, axis=-1, keep=false)"},
                                         {"argmin", 1, "argmin(x, axis=-1, keep=false)"},
                                         {"median", 1, "median(x)"},
                                         {"auc", 2, "auc(score, label)"},
                                         {"einsum", 2, "einsum(\"ij,jk->ik\", a, b, …)"},
                                         {"reshape", 2, "reshape(x, shape)"},
                                         {"permute", 2, "permute(x, order)"},
                                         {"concat", 1, "concat(a, b, …, axis=-1)"},
                                         {"stack", 1, "stack(a, b, …)"},
                                         {"pad", 2, "pad(x, widths, value=0)"},
                                         {"flip", 1, "flip(x, axis=…)"},
                                         {"one_hot", 2, "one_hot(i, n)"},
                                         {"take", 2, "take(x, i, axis=0)"},
                                         {"windows", 2, "windows(x, size, stride=1, padding=\"valid\")"},
                                         {"zeros", 1, "zeros(shape)"},
                                         {"ones", 1, "ones(shape)"},
                                         {"iota", 1, "iota(n)"},
                                         {"last", 1, "last(x)"},
                                         {"shape", 1, "shape(x)"},
                                         {"classes", 1, "classes(c)"},
                                         {"match", 2, "match(prediction, target)"},
                                         {"grad", 2, "grad(y, x)"},
                                         {"repeat", 3, "repeat(x, n, f)"},
                                         {"stop_gradient", 1, "stop_gradient(x)"}};

const BuiltIn* special_function(std::string_view name) {
  for (const BuiltIn& entry : special_functions)
    if (entry.name == name) return &entry;
  return nullptr;
}

std::optional<OpId> callable_op(std::string_view name) {
  for (std::size_t i = 0; i < op_count; ++i)
    if (op_table[i].callable && op_table[i].name == name) return static_cast<OpId>(i);
  return {};
}

}  // namespace

bool is_distribution(std::string_view name) {
  return std::ranges::find(distributions, name) != std::end(distributions);
}

const Function* Lowering::built_in(std::string_view name) {
  if (auto found = built_ins_.find(name); found != built_ins_.end()) return found->second;
  auto op = callable_op(name);
  const BuiltIn* special = special_function(name);
  if (!op && !special) return nullptr;
  auto function = std::make_unique<Function>();
  function->name = name;
  function->needed = special ? special->needed : info(*op).arity;
  functions_.push_back(std::move(function));
  return built_ins_[std::string(name)] = functions_.back().get();
}

std::string Lowering::signature(const Function& function) const {
  if (!function.def.valid()) {
    if (const BuiltIn* special = special_function(function.name)) return std::string(special->signature);
    return fmt::format("{}({})", function.name, function.needed == 1 ? "x" : "a, b");
  }
  std::string out;
  const ast::Ast& tree = *function.ast;
  for (ast::NodeId part : tree.children(function.def)) {
    if (tree[part].kind != Kind::formal) continue;
    if (!out.empty()) out += ", ";
    out += tree[part].text;
    if (tree.children(part).empty()) continue;
    const ast::Node& value = tree[tree.child(part, 0)];
    out += value.kind == Kind::number || value.kind == Kind::name || value.kind == Kind::truth
               ? "=" + value.text
               : "=…";
  }
  return fmt::format("{}({})", function.name, out);
}

Value Lowering::call(ast::NodeId id) {
  const ast::Node& node = ast()[id];
  const ast::Node& callee = ast()[ast().child(id, 0)];
  if (callee.kind != Kind::name) return {};  // the parser has said so
  const Function* function = nullptr;
  Binding* binding = lookup(callee.text);
  if (binding) {
    binding->used = true;
    if (!binding->value.ok()) return {};
    if (binding->call) return call_again(*binding->call, id);
    if (binding->value.is != Is::function) {
      error(Code::wrong_kind, callee.span, fmt::format("`{}` is a value, not a function", callee.text))
          .helps.push_back(fmt::format("a product is written with `*`: `{} * (…)`", callee.text));
      return {};
    }
    function = binding->value.function;
  } else if (std::any_of(calls_.begin(), calls_.end(),
                         [&](const Function* f) { return f->def.valid() && f->name == callee.text; })) {
    return name(ast().child(id, 0));  // says that a function cannot call itself
  } else {
    function = built_in(callee.text);
  }
  if (!function) {
    if (is_distribution(callee.text)) {
      error(Code::wrong_kind, callee.span,
            fmt::format("`{}` is a distribution: it stands behind `~`, not in a formula", callee.text))
          .helps.push_back(fmt::format("`u ~ {}(…)` draws numbers, which `u` then is", callee.text));
      return {};
    }
    if (uses_files_ || defined_later(callee.text, callee.span) || !unknown_.insert(callee.text).second)
      return {};
    Diagnostic& d = error(Code::unknown_function, callee.span,
                          fmt::format("nothing defines the function `{}`", callee.text));
    if (diagnostics_->errors() > most_suggestions) return {};
    std::vector<std::string> known = visible_names(true);
    for (std::size_t i = 0; i < op_count; ++i)
      if (op_table[i].callable) known.emplace_back(op_table[i].name);
    for (const BuiltIn& entry : special_functions) known.emplace_back(entry.name);
    if (std::string near = nearest(callee.text, known); !near.empty())
      d.helps.push_back(fmt::format("did you mean `{}`?", near));
    return {};
  }
  // Only under its own name: the names that it differentiates by are looked for before anything is evaluated.
  if (!binding && function->name == "grad") return grad(id);
  std::vector<Argument> arguments;
  bool fine = true;
  for (ast::NodeId part : ast().children(id).subspan(1)) {
    bool named = ast()[part].kind == Kind::argument;
    std::string_view argument_name = named ? std::string_view(ast()[part].text) : std::string_view();
    ast::NodeId written = named ? ast().child(part, 0) : part;
    Value value = argument_name == "axis" ? axis_argument(written) : evaluate(written);
    fine &= value.ok();
    arguments.push_back({argument_name, std::move(value), ast()[part].span, written});
  }
  return fine ? call(*function, std::move(arguments), node.span, id) : Value{};
}

Value Lowering::call(const Function& function, std::vector<Argument> arguments, Span span,
                     ast::NodeId whole) {
  return call_in(nullptr, function, std::move(arguments), span, whole);
}

// `again`: the layer whose parameters it has, where they are made already.
Value Lowering::call_in(std::shared_ptr<Layer> again, const Function& function,
                        std::vector<Argument> arguments, Span span, ast::NodeId whole) {
  if (std::find(calls_.begin(), calls_.end(), &function) != calls_.end() && function.def.valid()) {
    say_recursion(function.name, span, {});
    return {};
  }
  if (!whole.valid()) unwritten_ = span;
  if (!function.def.valid() && function.name != "repeat")
    return call_built_in(function.name, arguments, span, whole);
  if (calls_.size() >= most_nesting / 4) {
    error(Code::too_deep, span, fmt::format("calls are nested deeper than {}", most_nesting / 4))
        .helps.push_back("let one function do what a chain of them does");
    return {};
  }
  if (!layer_inputs_fit(function, arguments, span)) return {};
  Span outer_site = call_site_;
  if (span.file != prelude_file) call_site_ = span;
  calls_.push_back(&function);
  auto inside = again ? std::make_unique<InLayer>(*this, std::move(again))
                      : std::make_unique<InLayer>(*this, function.name, false, whole);
  bool def = function.def.valid();
  Value value = def ? call_def(function, arguments, span) : repeat(arguments, span, whole);
  if (const auto& layer = inside->layer(); def && !layer->entries.empty() && !layer->function) {
    layer->function = &function;
    layer->arguments = arguments;
  }
  inside.reset();
  calls_.pop_back();
  call_site_ = outer_site;
  return value;
}

// Which argument each formal is given: by position, then by name. No value after an error.
std::optional<std::vector<const Argument*>> Lowering::assign(const Function& function,
                                                             std::span<const ast::NodeId> formals,
                                                             const std::vector<Argument>& arguments) {
  auto wrong = [&](Span where, std::string message) {
    wrong_arguments(function, where, std::move(message));
    return std::nullopt;
  };
  auto formal = [&](std::size_t i) -> const std::string& { return (*function.ast)[formals[i]].text; };
  std::vector<const Argument*> given(formals.size());
  for (std::size_t k = 0; k < arguments.size(); ++k) {
    const Argument& argument = arguments[k];
    std::size_t at = k;
    if (!argument.name.empty()) {
      for (at = 0; at < formals.size() && formal(at) != argument.name;) ++at;
      if (at == formals.size())
        return wrong(argument.span, fmt::format("`{}` has no argument `{}`", function.name, argument.name));
    } else if (k > 0 && !arguments[k - 1].name.empty()) {
      return wrong(argument.span, "an argument by position stands after one by name");
    } else if (at >= formals.size()) {
      return wrong(argument.span,
                   fmt::format("`{}` takes {} argument{}, not {}", function.name, formals.size(),
                               formals.size() == 1 ? "" : "s", arguments.size()));
    } else if (function.ast == &prelude() && formal(at) == "weights") {
      // They come after (prediction, target) in many losses and are too easily mistaken for a third column.
      return wrong(argument.span,
                   fmt::format("`{}` takes {} arguments by position; weights go by name: `weights=…`",
                               function.name, at));
    }
    if (given[at])
      return wrong(argument.span,
                   fmt::format("the argument `{}` of `{}` is given twice", formal(at), function.name));
    given[at] = &argument;
  }
  return given;
}

void Lowering::wrong_arguments(const Function& function, Span where, std::string message) {
  error(Code::wrong_arguments, where, std::move(message))
      .notes.push_back(fmt::format("its form is `{}`", signature(function)));
}

Value Lowering::call_def(const Function& function, const std::vector<Argument>& arguments, Span span) {
  std::span<const ast::NodeId> parts = function.ast->children(function.def);
  std::span<const ast::NodeId> formals = parts.first(parts.size() - 1);
  auto given = assign(function, formals, arguments);
  if (!given) return {};
  Scope inner;
  inner.parent = function.scope;
  inner.order_limit = function.order;
  const ast::Ast* outer_ast = std::exchange(ast_, function.ast);
  Scope* outer_scope = std::exchange(scope_, &inner);
  bool fine = true;
  for (std::size_t i = 0; i < formals.size() && fine; ++i) {
    const ast::Node& formal = ast()[formals[i]];
    Binding binding{{}, formal.span};
    binding.used = true;
    fine = (*given)[i] || !ast().children(formals[i]).empty();
    if (!fine)
      wrong_arguments(function, span,
                      fmt::format("`{}` needs its argument `{}`", function.name, formal.text));
    else binding.value = (*given)[i] ? (*given)[i]->value : evaluate(ast().child(formals[i], 0));
    binding.value = differentiable(formal.text, binding.value, formal.span);
    inner.names.emplace(formal.text, binding);
  }
  Value value = fine ? evaluate(parts.back()) : Value{};
  ast_ = outer_ast;
  scope_ = outer_scope;
  return value;
}

namespace {
constexpr std::string_view reductions[] = {"sum", "mean", "prod", "max",    "min",   "var",
                                           "std", "any",  "all",  "argmax", "argmin"};
constexpr std::string_view structures[] = {"einsum", "reshape", "permute", "concat",  "stack", "pad",
                                           "flip",   "one_hot", "take",    "windows", "zeros", "ones",
                                           "iota",   "last",    "shape",   "classes"};
}  // namespace

Value Lowering::call_built_in(std::string_view name, const std::vector<Argument>& arguments, Span span,
                              ast::NodeId whole) {
  if (std::ranges::find(structures, name) != std::end(structures))
    return structure(name, arguments, span, whole);
  if (name == "median" || name == "auc") return order_statistic(name, arguments, span);
  std::size_t by_position = 0;
  for (const Argument& argument : arguments) by_position += argument.name.empty();
  bool reduces = std::ranges::find(reductions, name) != std::end(reductions) && by_position < 2;
  auto of_reduction = [&](std::string_view argument) {
    return argument == "axis" || argument == "keep" || argument == "x" ||
           (argument == "weights" && name == "mean");
  };
  auto op = callable_op(name);
  auto takes = [&](std::string_view argument) {
    return reduces ? of_reduction(argument) : op && info(*op).arity == 1 && argument == "x";
  };
  for (const Argument& argument : arguments)
    if (!argument.name.empty() && !takes(argument.name)) {
      wrong_arguments(*built_in(name), argument.span,
                      fmt::format("`{}` has no argument `{}`", name, argument.name));
      return {};
    }
  if (name == "match") return match(arguments, span);
  if (name == "stop_gradient") return stop_gradient(arguments, span);
  if (name == "grad") {
    error(Code::wrong_arguments, span, "`grad` is called by its own name only")
        .notes.push_back("its form is `grad(y, x)`: it cannot be given to another function");
    return {};
  }
  bool elementwise = (name == "min" || name == "max") && !reduces;
  if (special_function(name) && !elementwise) return reduction(name, arguments, span, whole);
  return call_op(*op, arguments, span, whole);
}

Value Lowering::call_op(OpId op, const std::vector<Argument>& arguments, Span span, ast::NodeId whole) {
  const OpInfo& entry = info(op);
  bool several = entry.name == "max" || entry.name == "min";
  if (arguments.size() != static_cast<std::size_t>(entry.arity) && !(several && arguments.size() > 2)) {
    wrong_arguments(*built_in(entry.name), span,
                    fmt::format("`{}` takes {} argument{}, not {}", entry.name, entry.arity,
                                entry.arity == 1 ? "" : "s", arguments.size()));
    return {};
  }
  for (const Argument& argument : arguments)
    if (!numeric(argument.value, argument.span, fmt::format("`{}`", entry.name))) return {};
  std::vector<WrittenOperand> operands;
  for (const Argument& argument : arguments) operands.push_back({argument.value, argument.node});
  if (!line_up(whole, operands)) return {};
  if (entry.arity == 1) return apply(op, {arguments[0].value});
  Value value = arguments[0].value;
  for (std::size_t i = 1; i < arguments.size(); ++i) value = apply(op, {value, arguments[i].value});
  return value;
}

bool Lowering::depends_on_reduction(NodeId id) const {
  std::vector<bool> needed = live(model.graph, std::span(&id, 1));
  for (std::size_t i = 0; i < needed.size(); ++i) {
    NodeId part(static_cast<std::int64_t>(i));
    if (needed[i] && (model.graph.sums_rows(part) || model.graph[part].kind == NodeKind::row_count))
      return true;
  }
  return false;
}

// Whether a row's prediction and target have one shape: (N,) against (N, 1) would broadcast to (N, N).
bool Lowering::same_features(const Argument& p, const Argument& y, Span span) {
  Shape prediction = shape_of(p.value), target = shape_of(y.value);
  if (prediction.axes == target.axes) return true;
  Diagnostic& d = error(Code::shapes_differ, span,
                        fmt::format("the prediction is {}, the target {}: a row of both must have one shape",
                                    in_words(prediction), in_words(target)));
  if (elements(prediction) == elements(target)) {
    std::string wanted = fmt::format("{}", fmt::join(target.axes, ", "));
    d.helps.push_back(prediction.axes == std::vector<std::int64_t>{1} && target.axes.empty()
                          ? "an index takes the number out of the prediction: `predict[0]`"
                          : fmt::format("`reshape(predict, [{}])` has the target's shape", wanted));
  }
  return false;
}

// match(p, y): p, for every row of y where it has none, unless a reduction took its rows away.
Value Lowering::match(const std::vector<Argument>& arguments, Span span) {
  if (arguments.size() != 2) {
    error(Code::wrong_arguments, span,
          fmt::format("`match` takes a prediction and a target, not {} values", arguments.size()));
    return {};
  }
  for (const Argument& argument : arguments)
    if (!numeric(argument.value, argument.span, "`match`")) return {};
  if (!same_features(arguments[0], arguments[1], span)) return {};
  NodeId p = graph().to_real(to_node(arguments[0].value)), y = to_node(arguments[1].value);
  if (!graph().has_rows(y) || graph().has_rows(p))
    return arguments[0].value.known() ? arguments[0].value : Value::of(p);
  bool allowed = settings_.training && model.uses_training;
  if (!allowed && p == model.predict && depends_on_reduction(p)) return {};  // said of `predict` itself
  if (depends_on_reduction(p)) {
    error(Code::shapes_differ, span, "the prediction is one number for all rows, the target one number a row")
        .notes.push_back("a sum, mean, max or min over rows in the prediction took its rows away");
    return {};
  }
  return Value::of(graph().broadcast(p));
}

// --- the target ---
// The columns that a value is computed from.
std::vector<bool> Lowering::columns_of(NodeId value) const {
  std::vector<bool> needed = live(model.graph, std::span(&value, 1)), read(model.columns.size());
  for (std::size_t i = 0; i < needed.size(); ++i) {
    const slope::Node& node = model.graph[NodeId(static_cast<std::int64_t>(i))];
    if (needed[i] && node.kind == NodeKind::data) read[static_cast<std::size_t>(node.index)] = true;
  }
  return read;
}

// What may be the target: the one column that a loss written in full reads and the prediction does not; else
// the columns that nothing reads, or where there is none, those that the prediction does not.
std::vector<std::string> Lowering::possible_targets() const {
  std::vector<std::string> compared, unread, apart;
  std::vector<bool> by_loss(model.columns.size()), by_prediction(model.columns.size());
  if (model.loss.valid()) by_loss = columns_of(model.loss);
  if (model.predict.valid()) by_prediction = columns_of(model.predict);
  for (std::size_t i = 0; i < model.columns.size(); ++i) {
    const std::string& name = model.columns[i].name;
    if (!column_read_[i]) unread.push_back(name);
    if (by_prediction[i]) continue;
    apart.push_back(name);
    if (by_loss[i]) compared.push_back(name);
  }
  if (compared.size() == 1) return compared;
  return unread.empty() && model.predict.valid() ? apart : unread;
}

namespace {
bool is_name(const std::string& text) {
  Diagnostics faults;
  ast::Ast tree = parse(Source("", "data " + text), faults);
  if (faults.has_errors() || tree.children(tree.root()).size() != 1) return false;
  std::span<const ast::NodeId> parts = tree.children(tree.child(tree.root(), 0));
  return parts.size() == 1 && tree[parts[0]].kind == Kind::column && tree[parts[0]].text == text;
}
}  // namespace

// A header that is assumed to be the target, where it is no name of the language: a name that is free.
std::string Lowering::name_for(const std::string& header) const {
  if (is_name(header)) return header;
  std::string name = "target";
  while (model_scope_.names.contains(name)) name += "_";
  return name;
}

std::optional<Value> Lowering::target(const Function& function, Span span, const std::string& defines) {
  std::vector<std::string> free;
  bool short_form = !has_data_;
  if (!model.assumed.target.empty()) free = {model.assumed.target};
  else if (settings_.assumed && settings_.assumed->target.empty()) {
    error(Code::other_model, span, "the state does not know which column is predicted")
        .helps.push_back("it is of another model: train this one again");
    return {};
  } else if (settings_.assumed) free = {settings_.assumed->target};
  else if (short_form) {
    if (!settings_.headers.empty())
      for (const std::string& header : settings_.headers[0])
        if (std::none_of(model.columns.begin(), model.columns.end(),
                         [&](const DataColumn& c) { return c.name == header; }))
          free.push_back(header);
  } else {
    free = possible_targets();
  }
  if (free.size() == 1) {
    model.assumed.target = free[0];
    auto known = std::find_if(model.columns.begin(), model.columns.end(), [&](const DataColumn& c) {
      return (short_form ? c.headers[0] : c.name) == free[0];
    });
    auto column = static_cast<int>(known - model.columns.begin());
    if (known == model.columns.end() && !short_form) {
      error(Code::other_model, span,
            fmt::format("the state takes `{}` as what is predicted, which is no column here",
                        escaped(free[0], 60)))
          .helps.push_back("it is of another model: train this one again");
      return {};
    }
    if (known == model.columns.end()) {
      model.columns.push_back({name_for(free[0]), {free[0]}, 0, span, {}});
      column_read_.push_back(true);
    }
    Value value = column_value(column);
    graph().name(value.node, model.columns[static_cast<std::size_t>(column)].name);
    return value;
  }
  bool no_data = model.columns.empty() && settings_.headers.empty();
  std::string message = free.empty()
                            ? "no column is left to predict: the model reads every one"
                            : fmt::format("which column is to be predicted: {}?", listed(free, "or"));
  if (no_data) message = "no data are known, so there is no column to predict";
  Diagnostic& d = error(Code::no_target, span, message);
  if (no_data)
    d.helps.push_back("give their file with --data FILE, or name the columns: `data x, y from \"FILE\"`");
  std::string example = free.empty() ? "NAME" : free[0];
  if (no_data) return {};
  if (short_form && !free.empty() && all_numbers(free))
    d.helps.push_back("the first line of the file must hold the names of its columns");
  else d.helps.push_back(fmt::format("write `{} = {}(predict, {})`", defines, function.name, example));
  return {};
}

// `loss = f` means f(predict, TARGET).
Value Lowering::target_call(const Function& function, Span span, const std::string& defines) {
  if (function.needed != 2) {
    error(Code::wrong_arguments, span,
          fmt::format("`{}` is not a function of a prediction and a target", function.name))
        .notes.push_back(fmt::format("its form is `{}`", signature(function)));
    return {};
  }
  if (!model.predict.valid()) {
    if (!model_scope_.names.contains("predict"))
      error(Code::unknown_name, span,
            fmt::format("`{}` needs a `predict` to compare with the target", function.name))
          .helps.push_back("define it, for example `predict = w*x + b`");
    return {};
  }
  std::optional<Value> y = target(function, span, defines);
  if (!y) return {};
  return call(function, {{"", Value::of(model.predict), span, {}}, {"", *y, span, {}}}, span);
}

}  // namespace slope
