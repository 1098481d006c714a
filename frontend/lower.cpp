// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The statements of a model, in order: each binds names or adds to the model. What needs the whole text
// (which column is the target, which parameter does nothing) is decided in finish().
#include "frontend/lower.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/arithmetic.h"
#include "base/text.h"
#include "frontend/layers.h"
#include "frontend/lowering.h"
#include "frontend/train_options.h"
#include "graph/verify.h"

namespace slope {

using ast::Kind;

const ast::Ast& prelude() {
  static const ast::Ast tree = [] {
    Diagnostics diagnostics;
    ast::Ast parsed = parse(Source("prelude.slope", std::string(prelude_text)), diagnostics, prelude_file);
    if (diagnostics.has_errors())
      internal_error("the prelude does not parse: " + diagnostics.all()[0].message);
    return parsed;
  }();
  return tree;
}

Lowering::Lowering(const ast::Ast& ast, const LowerSettings& settings, Diagnostics& diagnostics)
    : ast_(&ast), model_ast_(ast), settings_(settings), diagnostics_(&diagnostics) {
  model_scope_.parent = &prelude_scope_;
  scope_ = &model_scope_;
  root_layer_ = std::make_shared<Layer>();
  layer_ = root_layer_.get();
}

void Lowering::run() {
  load_prelude();
  precision_and_seed();
  Diagnostics reported_before;  // data_sources() was asked before the files were opened
  model.sources = data_sources(model_ast_, reported_before);
  has_data_ = !model.sources.empty();
  if (!has_data_ && !settings_.headers.empty()) model.sources.push_back({});
  declares_params_ = declares_parameter();
  note_definitions();
  note_differentiated();
  apply_sets();
  for (const ast::Ast* tree : users_trees()) check_recursion(*tree);
  for (ast::NodeId id : model_ast_.children(model_ast_.root())) statement(id);
  finish();
}

void Lowering::load_prelude() {
  scope_ = &prelude_scope_;
  ast_ = &prelude();
  for (ast::NodeId id : ast_->children(ast_->root())) def(id);
  scope_ = &model_scope_;
  ast_ = &model_ast_;
}

// Every name that the model's statements give, and where.
void Lowering::note_definitions() {
  for (ast::NodeId id : model_ast_.children(model_ast_.root())) {
    const ast::Node& node = model_ast_[id];
    bool defines = node.kind == Kind::define && model_ast_[model_ast_.child(id, 0)].kind != Kind::next;
    if (node.kind == Kind::def || defines || node.kind == Kind::state)
      definitions_.try_emplace(node.text, node.span);
    if (node.kind != Kind::data && node.kind != Kind::params && node.kind != Kind::consts) continue;
    for (ast::NodeId part : model_ast_.children(id)) {
      Kind kind = model_ast_[part].kind;
      if (kind == Kind::column || kind == Kind::param || kind == Kind::constant)
        definitions_.try_emplace(model_ast_[part].text, model_ast_[part].span);
    }
  }
}

// Which precision the numbers have must be known before the first of them.
void Lowering::precision_and_seed() {
  Precision precision = Precision::f64;
  bool given = false;
  for (ast::NodeId id : model_ast_.children(model_ast_.root())) {
    const ast::Node& node = model_ast_[id];
    if (node.kind == Kind::seed) seed(id);
    if (node.kind != Kind::precision) continue;
    if (given) error(Code::defined_twice, node.span, "a second `precision`");
    if (node.text == "f32") precision = Precision::f32;
    else if (node.text != "f64")
      error(Code::bad_option_value, node.name, fmt::format("`{}` is no precision", node.text))
          .helps.push_back("f32 or f64");
    given = true;
  }
  model.graph = Graph(settings_.precision.value_or(precision));
  if (auto on_line = seed_on_line()) model.seed = on_line;
  start_seed_ = model.seed.value_or(0);
}

void Lowering::seed(ast::NodeId id) {
  const ast::Node& number = model_ast_[model_ast_.child(id, 0)];
  if (model.seed) error(Code::defined_twice, model_ast_[id].span, "a second `seed`");
  if (std::string wanted = fault_of_seed(number.number); !wanted.empty())
    error(Code::bad_option_value, number.span,
          fmt::format("`seed` is {}, but must be {}", shortest(number.number), wanted));
  else model.seed = static_cast<std::int64_t>(number.number);
}

// --set replaces constants: which names those are is known only after parsing.
void Lowering::apply_sets() {
  std::vector<std::string> constants;
  for (const ast::Ast* tree : users_trees())
    for (ast::NodeId id : tree->children(tree->root()))
      if ((*tree)[id].kind == Kind::consts)
        for (ast::NodeId item : tree->children(id)) constants.push_back((*tree)[item].text);
  for (const auto& [name, text] : settings_.sets) {
    if (std::find(constants.begin(), constants.end(), name) != constants.end()) continue;
    Diagnostic& d =
        diagnostics_->error(Code::usage, fmt::format("--set {}: the model has no constant `{}`", name, name));
    if (std::string near = nearest(name, constants); !near.empty())
      d.helps.push_back(fmt::format("did you mean `{}`?", near));
    else if (!constants.empty()) d.helps.push_back("its constants are " + listed(constants));
    else d.helps.push_back("--set changes what a `const` statement defines; this model has none");
  }
}

Span Lowering::place(Span span) const { return span.file == prelude_file ? call_site_ : span; }

Diagnostic& Lowering::error(Code code, Span span, std::string message) {
  bool inside = span.file == prelude_file;
  Diagnostic& d = diagnostics_->error(code, place(span), std::move(message));
  if (inside && !calls_.empty())
    d.notes.push_back(fmt::format("in `{}` of the prelude", calls_.back()->name));
  return d;
}

bool Lowering::bind(const std::string& name, Binding binding) {
  binding.order = ++order_;
  auto [found, fresh] = scope_->names.try_emplace(name, binding);
  if (!fresh) {
    const Binding& first = found->second;
    Diagnostic& d =
        error(Code::defined_twice, binding.span, fmt::format("`{}` is defined a second time", name));
    if (first.span.file == 0) {
      auto what = first.column >= 0 ? "a data column" : first.is_parameter ? "a parameter" : "defined";
      d.notes.push_back(fmt::format("`{}` is already {}", name, what));
      d.related.push_back(first.span);
    }
    return false;
  }
  constexpr std::string_view values[] = {"pi", "inf", "training", "rows"};
  if (scope_ == &model_scope_ && std::ranges::find(values, name) != std::end(values))
    diagnostics_->note(Code::hides_prelude, binding.span,
                       fmt::format("`{}` hides the value of that name", name));
  if (scope_ == &model_scope_ && (prelude_scope_.names.contains(name) || built_in(name)))
    diagnostics_->note(Code::hides_prelude, binding.span,
                       fmt::format("`{}` hides the function of that name in the prelude", name));
  return true;
}

void Lowering::statement(ast::NodeId id) {
  const ast::Node& node = ast()[id];
  switch (node.kind) {
    case Kind::data: return data(id);
    case Kind::params: return params(id);
    case Kind::consts: return constants(id);
    case Kind::def: return def(id);
    case Kind::define: return define(id);
    case Kind::metric: return named(id, model.metrics);
    case Kind::report: return named(id, model.reports);
    case Kind::train: return train(id);
    case Kind::state: return state(id);
    case Kind::use: return use(id);
    case Kind::error: {
      // Its message is out; the names it would have given are unknown, but known to be.
      for (std::size_t at = 0; at < node.text.size();) {
        std::size_t end = std::min(node.text.find(' ', at), node.text.size());
        Binding binding{{}, node.span};
        binding.used = true;
        binding.order = ++order_;
        scope_->names.try_emplace(node.text.substr(at, end - at), binding);
        at = end + 1;
      }
      return;
    }
    default: return;  // precision and seed were read first
  }
}

// --- parameters and constants ---
void Lowering::params(ast::NodeId id) {
  for (ast::NodeId item : ast().children(id)) param(item);
}

void Lowering::param(ast::NodeId id) {
  const ast::Node& node = ast()[id];
  Binding binding{{}, node.name};
  binding.is_parameter = true;
  ast::NodeId start = ast().find(id, Kind::start);
  if (layer_->made) made_param(id, binding);
  else if (auto parameter = start.valid() ? declared_parameter(id, ast().child(start, 0), "parameter")
                                          : drawn_parameter(id, ast().child(ast().find(id, Kind::draw), 0))) {
    if (ast::NodeId bounds = ast().find(id, Kind::bounds); bounds.valid()) {
      parameter->bounds = declared_bounds(bounds);
      if (start.valid()) enter_bounds(*parameter, ast()[ast().child(start, 0)].span);
    }
    auto number = static_cast<int>(model.params.size());
    Graph::Origin origin(graph(), place(node.span));
    graph().param(number, graph().intern({false, parameter->axes}));
    bool with_bounds = parameter->bounds.has_value();
    model.add(std::move(*parameter));
    layer_->entries.push_back({node.text, number, {}});
    binding.value = parameter_value(number);
    // Of one without bounds the name and the parameter are the same.
    if (with_bounds)
      tapped_parameters_[number] = binding.value = differentiable(node.text, binding.value, node.span);
  }
  bind(node.text, binding);
}

// The shape is what brackets say, else the start's; the start is broadcast to it.
std::optional<Parameter> Lowering::declared_parameter(ast::NodeId id, ast::NodeId start,
                                                      std::string_view what) {
  const ast::Node& node = ast()[id];
  ast::NodeId brackets = ast().find(id, Kind::shape);
  auto shape = brackets.valid() ? declared_shape(brackets) : Axes{};
  if (!shape) return {};
  Value value = constant_value(start, fmt::format("the start of a {}", what));
  if (!value.ok()) return {};
  Parameter parameter{node.text, {}, place(node.name), {}};
  Axes given = shape_of(value).axes;
  parameter.axes = brackets.valid() ? *shape : given;
  auto common = common_shape({false, given}, {false, parameter.axes});
  if (!common || common->axes != parameter.axes) {
    error(Code::shapes_differ, ast()[start].span,
          fmt::format("the start of `{}` is {}, the {} {}", node.text, to_string({false, given}), what,
                      to_string({false, parameter.axes})))
        .helps.push_back(fmt::format("without brackets a {} has the shape of its start", what));
    return {};
  }
  if (!fits_memory(elements({false, parameter.axes}), ast()[id].span, node.text)) return {};
  auto count = static_cast<std::size_t>(elements({false, parameter.axes}));
  if (value.known()) {
    parameter.start.assign(count, value.literal ? literal_value(*value.literal) : value.number);
    return parameter;
  }
  Array array = *value.array;
  if (!array.rounded.empty()) array.values = std::exchange(array.rounded, {});
  if (given != parameter.axes) {
    Value from = Value::of(std::move(array));
    from = build({&from, 1}, ast()[start].span, [&](Graph& g, std::span<const NodeId> in) {
      return g.broadcast(g.to_real(in[0]), {false, parameter.axes});
    });
    if (!from.ok()) return {};
    array = *from.array;
  }
  parameter.start = std::move(array.values);
  return parameter;
}

void Lowering::constants(ast::NodeId id) {
  for (ast::NodeId item : ast().children(id)) {
    const ast::Node& node = ast()[item];
    Binding binding{{}, node.name};
    Value value = evaluate(ast().child(item, 0));
    if (value.constant()) binding.value = value;
    else if (value.ok())
      error(Code::not_constant, ast()[ast().child(item, 0)].span,
            fmt::format("the constant `{}` depends on data or parameters", node.text))
          .helps.push_back("a plain definition, without `const`, may");
    if (scope_->parent == &prelude_scope_)  // of the model or of a file it uses
      for (const auto& [name, text] : settings_.sets)
        if (name == node.text)
          if (Value given = set_value(name, text); given.ok()) binding.value = given;
    bind(node.text, binding);
  }
}

// --- definitions ---
void Lowering::def(ast::NodeId id) {
  const ast::Node& node = ast()[id];
  auto function = std::make_unique<Function>();
  function->name = node.text;
  function->ast = ast_;
  function->def = id;
  function->scope = scope_;
  std::set<std::string_view> formals;
  for (ast::NodeId part : ast().children(id)) {
    const ast::Node& formal = ast()[part];
    if (formal.kind != Kind::formal) continue;
    if (ast().children(part).empty()) ++function->needed;
    if (!formals.insert(formal.text).second)
      error(Code::defined_twice, formal.name,
            fmt::format("`{}` has two arguments `{}`", node.text, formal.text));
  }
  Binding binding{
      {.is = Value::Is::function, .literal = nullptr, .node = {}, .text = {}, .function = function.get()},
      node.name};
  binding.used = true;
  if (scope_ == &model_scope_ && (node.text == "predict" || node.text == "loss")) {
    error(Code::wrong_kind, node.name, fmt::format("`{}` is a value, not a function", node.text));
    binding.value = {};
  }
  bind(node.text, binding);
  function->order = order_;
  functions_.push_back(std::move(function));
}

void Lowering::define(ast::NodeId id) {
  const ast::Node& node = ast()[id];
  ast::NodeId how = ast().child(id, 0);
  if (ast()[how].kind == Kind::next) return next(id);
  Binding binding{{}, node.name};
  if (ast()[how].kind == Kind::draw)
    binding.value = differentiable(node.text, draw(node.text, ast().child(how, 0)), node.span);
  else
    binding.value =
        differentiable(node.text, evaluate_definition(id, ast().child(how, 0), binding), node.span);
  if (auto found = scope_->names.find(node.text); found != scope_->names.end() && found->second.column >= 0) {
    error(Code::defined_twice, node.name,
          fmt::format("`{}` is a data column and cannot be defined", node.text))
        .related.push_back(found->second.span);
    return;
  }
  bool special_name = scope_ == &model_scope_ && (node.text == "predict" || node.text == "loss");
  if (special_name) {
    binding.used = true;
    // A loss that is a function stays one: `metric m = loss` waits too.
    special(node.text, binding.value, id);
  }
  if (binding.value.is == Value::Is::text) {
    Span text = ast()[ast().child(how, 0)].span;
    if (!told_of_text(text)) error(Code::wrong_kind, text, "a text is no value here");
    binding.value = {};
  }
  if (binding.value.is == Value::Is::node && scope_ == &model_scope_)
    graph().name(binding.value.node, node.text);
  if (node.text == "truth" && scope_ == &model_scope_ &&
      (binding.value.is == Value::Is::node || binding.value.known()))
    model.truth = graph().to_real(to_node(binding.value));
  bind(node.text, binding);
}

void Lowering::special(const std::string& name, Value value, ast::NodeId id) {
  Span span = ast()[ast().child(ast().child(id, 0), 0)].span;
  if (name == "predict") {
    predict_span_ = span;
    if (numeric(value, span, "`predict`")) model.predict = graph().to_real(to_node(value));
    return;
  }
  loss_span_ = span;
  if (!value.ok()) return;
  if (value.is == Value::Is::function) waiting_.push_back({value.function, span, -1, false, "loss"});
  else if (numeric(value, span, "`loss`")) model.loss = graph().to_real(to_node(value));
}

// `metric NAME = EXPR`, `metric NAME`: what has that name, a function of (predict, target) included.
void Lowering::named(ast::NodeId id, std::vector<NamedValue>& into) {
  const ast::Node& node = ast()[id];
  auto& names = &into == &model.metrics ? metric_names_ : report_names_;
  if (auto [found, fresh] = names.try_emplace(node.text, node.name); !fresh) {
    error(Code::defined_twice, node.name, fmt::format("a second metric or report `{}`", node.text))
        .related.push_back(found->second);
    return;
  }
  bool given = !ast().children(id).empty();
  Span span = given ? ast()[ast().child(id, 0)].span : node.name;
  Value value;
  in_metric_ = true;
  if (given) value = evaluate(ast().child(id, 0));
  else if (Binding* binding = lookup(node.text)) value = binding->value;
  else if (const Function* function = built_in(node.text)) {
    value.is = Value::Is::function;
    value.function = function;
  } else value = unknown(node.text, node.name);
  in_metric_ = false;
  if (!value.ok()) return;
  if (value.is == Value::Is::function) {
    waiting_.push_back(
        {value.function, span, static_cast<int>(into.size()), &into == &model.reports, node.text});
    into.push_back({node.text, {}, span});
    return;
  }
  if (!numeric(value, span, fmt::format("`{}`", node.text))) return;
  NodeId number = graph().to_real(to_node(value));
  bool is_name = given && ast()[ast().child(id, 0)].kind == Kind::name;
  std::string shown = !given ? node.text : is_name ? ast()[ast().child(id, 0)].text : "…";
  if (one_number(number, span, node.text, shown)) into.push_back({node.text, number, span});
}

std::int64_t Model::param_elements() const {
  return params.empty() ? 0 : params.back().offset + static_cast<std::int64_t>(params.back().start.size());
}

void Model::add(Parameter param) {
  param.offset = param_elements();
  params.push_back(std::move(param));
}

Lowered::Lowered() = default;
Lowered::Lowered(Lowered&&) noexcept = default;
Lowered& Lowered::operator=(Lowered&&) noexcept = default;
Lowered::~Lowered() = default;

std::optional<Lowered> lower(const ast::Ast& ast, const LowerSettings& settings, Diagnostics& diagnostics) {
  StandardArithmetic standard;
  auto lowering = std::make_unique<Lowering>(ast, settings, diagnostics);
  lowering->run();
  if (diagnostics.has_errors()) return {};
  Lowered lowered;
  lowered.lowering_ = std::move(lowering);
  return lowered;
}

Model& Lowered::model() { return lowering_->model; }
const Model& Lowered::model() const { return lowering_->model; }

std::optional<Update> Lowered::update(const Optimizer& optimizer, NodeId param, NodeId value, NodeId gradient,
                                      NodeId rate, Span span, Diagnostics& diagnostics) {
  lowering_->set_diagnostics(diagnostics);
  return lowering_->update(optimizer, param, value, gradient, rate, span);
}

}  // namespace slope
