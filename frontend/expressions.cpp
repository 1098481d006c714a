// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Expressions to values. What the compiler knows (numbers from literals and constants) stays a number of f64
// and meets the graph's precision once, where it meets a tensor.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/text.h"
#include "frontend/lowering.h"
#include "frontend/train_options.h"

namespace slope {

using ast::Kind;
using Is = Value::Is;

NodeId Lowering::to_node(const Value& value) {
  switch (value.is) {
    case Is::node: return value.node;
    case Is::truth: return graph().truth(value.number != 0);
    case Is::number:
      if (value.literal) return graph().constant(literal_value(*value.literal));
      return graph().constant(value.number);
    case Is::array: {
      const Array& array = *value.array;
      NodeId node = graph().array(array.rounded.empty() ? array.values : array.rounded, array.axes);
      return array.truth ? graph().apply<op::Greater>(node, graph().constant(0)) : node;
    }
    default: internal_error("a value that is no tensor");
  }
}

// Whether the parser has told of a text where none can stand.
bool Lowering::told_of_text(Span span) const {
  return std::any_of(diagnostics_->all().begin(), diagnostics_->all().end(),
                     [&](const Diagnostic& d) { return d.code == Code::misplaced_form && d.span == span; });
}

// A number of the text in the model's precision, rounded once.
double Lowering::literal_value(const ast::Node& literal) {
  if (graph().precision() == Precision::f64) return literal.number;
  double value = nearest_float(literal.text);
  if (std::isinf(value) && literal.span.file != prelude_file)
    error(Code::number_too_large, literal.span,
          fmt::format("`{}` is too large for f32", escaped(literal.text, 40)))
        .helps.push_back(
            "the largest number of f32 is 3.4028235e+38; f64 is what a model without `precision` has");
  return value;
}

// A number, a tensor or a truth value: what arithmetic takes.
bool Lowering::numeric(const Value& value, Span span, std::string_view where) {
  if (value.known() || value.is == Is::node) return true;
  if (!value.ok()) return false;
  if (value.is == Is::array) {
    if (!value.array->values.empty()) return true;
    error(Code::wrong_kind, span, fmt::format("{} needs a value, this is an empty list", where));
    return false;
  }
  if (value.is == Is::tuple || value.is == Is::rows) {
    error(Code::wrong_kind, span,
          fmt::format("{} needs a number, this is {}", where,
                      value.is == Is::rows ? "the axis of rows" : "a list in parentheses"));
    return false;
  }
  if (value.is == Is::text && told_of_text(span)) return false;
  std::string found =
      value.is == Is::function ? fmt::format("`{}` is a function", value.function->name) : "this is a text";
  Diagnostic& d = error(Code::wrong_kind, span, fmt::format("{} needs a number, {}", where, found));
  if (value.is != Is::function) return false;
  bool waits = std::any_of(waiting_.begin(), waiting_.end(), [&](const Waiting& waiting) {
    return waiting.index < 0 && waiting.function == value.function;
  });
  d.helps.push_back(waits ? fmt::format("write out the arguments of the loss: `loss = {}(predict, …)`",
                                        value.function->name)
                          : fmt::format("call it: `{}`", signature(*value.function)));
  return false;
}

bool Lowering::truth(const Value& value, Span span, std::string_view where) {
  if (!value.ok()) return false;
  if (is_truth(value)) return true;
  error(Code::wrong_kind, span, fmt::format("{} needs a truth value, this is a number", where))
      .helps.push_back("compare it, for example `x != 0`");
  return false;
}

std::optional<double> Lowering::constant_number(ast::NodeId id, std::string_view what) {
  Value value = evaluate(id);
  if (value.known()) return value.number;
  if (!value.ok()) return {};
  if (value.is == Is::node)
    error(Code::not_constant, ast()[id].span, fmt::format("{} must be known before the data are read", what))
        .helps.push_back("it may use literals and `const` names");
  else if (value.is == Is::array)
    error(Code::wrong_kind, ast()[id].span,
          fmt::format("{} must be one number, this is {}", what, to_string(shape_of(value))));
  else numeric(value, ast()[id].span, what);
  return {};
}

Value Lowering::apply_arrays(OpId op, std::initializer_list<Value> operands) {
  return build(std::span(operands.begin(), operands.size()), {},
               [&](Graph& g, std::span<const NodeId> in) { return g.apply(op, in); });
}

Value Lowering::apply(OpId op, std::initializer_list<Value> operands) {
  bool arrays =
      std::any_of(operands.begin(), operands.end(), [](const Value& v) { return v.is == Is::array; });
  if (arrays && std::all_of(operands.begin(), operands.end(), [](const Value& v) { return v.constant(); }))
    return apply_arrays(op, operands);
  bool known = true;
  double numbers[3] = {};
  std::array<NodeId, 3> nodes{};
  std::size_t n = 0;
  for (const Value& operand : operands) {
    known &= operand.known();
    numbers[n++] = operand.number;
  }
  if (known) {
    double value = evaluate_op<double>(op, numbers);
    return info(op).result == Type::truth ? Value::of(value != 0) : Value::of(value);
  }
  n = 0;
  for (const Value& operand : operands) nodes[n++] = to_node(operand);
  return Value::of(graph().apply(op, std::span(nodes.data(), n)));
}

Value Lowering::evaluate(ast::NodeId id) {
  if (++evaluated_ > most_evaluated) {
    if (evaluated_ == most_evaluated + 1)
      error(Code::too_many_operations, ast()[id].span,
            fmt::format("inlining the calls gives more than {} expressions", most_evaluated))
          .helps.push_back(
              "a function that calls two others doubles at every level: give a repeated value a name, so "
              "that it is computed once");
    return {};
  }
  if (++depth_ > most_nesting) {
    --depth_;
    error(Code::too_deep, ast()[id].span,
          fmt::format("expressions and calls are nested deeper than {}", most_nesting));
    return {};
  }
  Value value;
  {
    Span span = place(ast()[id].span);
    Graph::Origin origin(graph(), span);
    value = evaluate_node(id);
  }
  --depth_;
  if (value.is == Is::node && !graph().shape(value.node).axes.empty() &&
      !fits_limit(graph().shape(value.node), most_elements, ast()[id].span, "a value"))
    return {};
  return value;
}

Value Lowering::evaluate_node(ast::NodeId id) {
  const ast::Node& node = ast()[id];
  switch (node.kind) {
    case Kind::number: {
      Value value = Value::of(node.number);
      value.literal = &node;
      return value;
    }
    case Kind::truth: return Value::of(node.text == "true");
    case Kind::string: return {.is = Is::text, .literal = nullptr, .node = {}, .text = node.text};
    case Kind::name: return name(id);
    case Kind::unary: return unary(id);
    case Kind::binary: return binary(id);
    case Kind::conditional: return conditional(id);
    case Kind::call: return call(id);
    case Kind::block: return block(id);
    case Kind::start: return evaluate(ast().child(id, 0));
    case Kind::index: return index(id);
    case Kind::member: return member(id);
    case Kind::list: return list(id);
    case Kind::tuple: return tuple(id);
    case Kind::scan: return scan(id);
    case Kind::error: return {};
    default: internal_error(fmt::format("a {} is no expression", to_string(node.kind)));
  }
}

// --- names ---
Binding* Lowering::lookup(std::string_view name) {
  std::string key(name);
  int limit = 0x7FFFFFFF;
  for (const Scope* scope = scope_; scope; scope = scope->parent) {
    auto& names = const_cast<Scope*>(scope)->names;
    if (auto found = names.find(key); found != names.end() && found->second.order <= limit)
      return &found->second;
    limit = std::min(limit, scope->order_limit);
  }
  return nullptr;
}

Value Lowering::name(ast::NodeId id) {
  const ast::Node& node = ast()[id];
  if (Binding* binding = lookup(node.text)) {
    binding->used = true;
    if (binding->column >= 0) column_read_[static_cast<std::size_t>(binding->column)] = true;
    return binding->value;
  }
  for (const Function* active : calls_)
    if (active->name == node.text && active->def.valid()) {
      say_recursion(node.text, node.span, {});
      return {};
    }
  if (node.text == "pi") return Value::of(std::numbers::pi);
  if (node.text == "inf") return Value::of(HUGE_VAL);
  if (node.text == "training") {
    model.uses_training = true;
    return Value::of(settings_.training);
  }
  if (node.text == "rows" && !is_column_of_short_form("rows")) return Value::of(graph().row_count());
  if (const Function* function = built_in(node.text))
    return {.is = Is::function, .literal = nullptr, .node = {}, .text = {}, .function = function};
  return unknown(node.text, node.span);
}

// The data of a model in short form have a column of this name.
bool Lowering::is_column_of_short_form(std::string_view name) const {
  if (has_data_) return false;
  static const std::vector<std::string> no_names;
  const auto& columns = settings_.assumed           ? settings_.assumed->columns
                        : settings_.headers.empty() ? no_names
                                                    : settings_.headers[0];
  return std::find(columns.begin(), columns.end(), name) != columns.end();
}

// The short form: a name that nothing defines is a column of the data, else a parameter that starts at 0.
Value Lowering::unknown(const std::string& name, Span span) {
  if (defined_later(name, span)) return {};
  if (span.file == 0 && name != "predict" && name != "loss" && !has_data_) {
    auto assume = [&](bool column) {
      Binding binding{{}, span};
      binding.used = true;
      binding.is_parameter = !column;
      if (column) {
        binding.column = static_cast<int>(model.columns.size());
        binding.value = Value::of(graph().data(binding.column));
        model.columns.push_back({name, {name}, 0, span, {}});
        column_read_.push_back(true);
        model.assumed.columns.push_back(name);
      } else {
        binding.value = Value::of(graph().param(static_cast<int>(model.params.size())));
        model.add({name, {0.0}, span, {}});
        model.assumed.params.push_back(name);
      }
      graph().name(binding.value.node, name);
      binding.order = 0;  // known everywhere from now on
      model_scope_.names.emplace(name, binding);
      return binding.value;
    };
    auto has = [&](const std::vector<std::string>& list) {
      return std::find(list.begin(), list.end(), name) != list.end();
    };
    if (settings_.assumed) {
      if (has(settings_.assumed->columns)) return assume(true);
      if (has(settings_.assumed->params)) return assume(false);
      if (!uses_files_ && unknown_.insert(name).second)
        error(Code::other_model, span, fmt::format("the state does not know what `{}` is", name))
            .helps.push_back("it is of another model: train this one again");
      return {};
    } else {
      if (!settings_.headers.empty() && has(settings_.headers[0])) return assume(true);
      if (!declares_params_ && is_plain_name(name)) return assume(false);
    }
  }
  if (uses_files_ || !unknown_.insert(name).second) return {};
  Diagnostic& d = error(Code::unknown_name, span, fmt::format("nothing defines the name `{}`", name));
  if (diagnostics_->errors() > most_suggestions) return {};
  std::vector<std::string> known = visible_names(false);
  if (std::string alike = look_alike(name, known); !alike.empty()) d.helps.push_back(alike);
  else if (std::string near = nearest(name, known); !near.empty())
    d.helps.push_back(fmt::format("did you mean `{}`?", near));
  else if (is_distribution(name))
    d.helps.push_back(fmt::format("`{}` is a distribution: `u ~ {}(…)` draws numbers", name, name));
  else if (span.file != 0)
    d.helps.push_back("a file that is used sees its own names and those of the prelude, not the model's");
  else if (!has_data_ && settings_.headers.empty() && declares_params_)
    d.helps.push_back(
        fmt::format("declare it above: `param {} = 0`; if it is a column, give its file with --data", name));
  else if (has_data_ || declares_params_)
    d.helps.push_back(fmt::format("declare it above: `param {} = 0`, or name it in `data`", name));
  return {};
}

// "`ο` (U+03BF) is defined, which only looks the same": names that differ in letters of other scripts.
std::string Lowering::look_alike(const std::string& name, std::span<const std::string> known) const {
  for (const std::string& other : known) {
    if (other == name || looks(other) != looks(name)) continue;
    std::size_t at = static_cast<std::size_t>(std::ranges::mismatch(name, other).in1 - name.begin());
    while (at > 0 && (static_cast<unsigned char>(name[at]) & 0xC0) == 0x80) --at;
    return fmt::format("`{}` is defined, which only looks the same: it has U+{:04X} where this has U+{:04X}",
                       other, decode(other, at).value, decode(name, at).value);
  }
  return "";
}

// A name that the model defines, but further down: said once, where it is first used.
bool Lowering::defined_later(const std::string& name, Span span) {
  auto found = definitions_.find(name);
  if (found == definitions_.end() || span.file != 0) return false;
  if (!unknown_.insert(name).second) return true;
  Diagnostic& d = error(Code::unknown_name, span, fmt::format("`{}` is used before it is defined", name));
  auto holds = [&](Span whole) { return whole.begin <= span.begin && span.end <= whole.end; };
  if (holds(found->second)) {
    d.helps.push_back("a name cannot be used in its own definition");
    return true;
  }
  d.related.push_back(found->second);
  std::vector<std::string> circle = circle_of(name, span);
  if (!circle.empty()) {
    d.notes.push_back(fmt::format("the definitions go in a circle: {}", fmt::join(circle, " → ")));
    d.helps.push_back("one of them must do without the others");
    return true;
  }
  d.helps.push_back("a definition sees only what stands above it: move that line up");
  return true;
}

// For a name used before its definition: the way from the definition around the place over that name back to
// itself, or empty.
std::vector<std::string> Lowering::circle_of(const std::string& name, Span place) {
  if (diagnostics_->errors() > most_suggestions) return {};
  if (uses_.empty()) note_uses();
  std::string user = definition_at(place.begin);
  std::map<std::string, std::string> came_from{{name, user}};
  std::vector<std::string> rest{name};
  for (std::size_t i = 0; i < rest.size() && rest[i] != user; ++i)
    for (auto [use, last] = uses_.equal_range(rest[i]); use != last; ++use)
      if (came_from.emplace(use->second, rest[i]).second) rest.push_back(use->second);
  if (user.empty() || !came_from.contains(user)) return {};
  std::vector<std::string> circle{user};
  do circle.push_back(came_from.at(circle.back()));
  while (circle.back() != user);
  std::ranges::reverse(circle);
  if (circle.size() > 9) circle.erase(circle.begin() + 5, circle.end() - 2), circle[4] = "…";
  return circle;
}

// Which definitions use which, by their names.
void Lowering::note_uses() {
  for (const auto& [name, span] : definitions_) begins_.emplace(span.begin, name);
  for (std::size_t i = 0; i < model_ast_.size(); ++i) {
    const ast::Node& node = model_ast_[ast::NodeId(static_cast<std::int64_t>(i))];
    if (node.kind != Kind::name || !definitions_.contains(node.text)) continue;
    if (std::string user = definition_at(node.span.begin); !user.empty()) uses_.emplace(user, node.text);
  }
}

// The name whose definition stands at the place, or "".
std::string Lowering::definition_at(std::uint32_t place) const {
  auto next = begins_.upper_bound(place);
  if (next == begins_.begin()) return "";
  const std::string& name = std::prev(next)->second;
  return place < definitions_.at(name).end ? name : "";
}

std::vector<std::string> Lowering::visible_names(bool functions) const {
  std::vector<std::string> names;
  for (const Scope* scope = scope_; scope; scope = scope->parent)
    for (const auto& [name, binding] : scope->names)
      if ((binding.value.is == Is::function) == functions) names.push_back(name);
  std::sort(names.begin(), names.end());  // the same suggestion on every run
  return names;
}

// --- operators ---
Value Lowering::unary(ast::NodeId id) {
  const ast::Node& node = ast()[id];
  Value x = evaluate(ast().child(id, 0));
  Span span = ast()[ast().child(id, 0)].span;
  if (node.text == "not") return truth(x, span, "`not`") ? apply(id_of<op::Not>(), {x}) : Value{};
  return numeric(x, span, "`-`") ? apply(id_of<op::Neg>(), {x}) : Value{};
}

// A chain like a + b + c + … is as deep as it is long: it is walked down first, then folded upwards.
Value Lowering::binary(ast::NodeId id) {
  std::vector<ast::NodeId> chain;
  ast::NodeId left = id;
  for (; ast()[left].kind == Kind::binary; left = ast().child(left, 0)) chain.push_back(left);
  Value value = evaluate(left);
  for (auto link = chain.rbegin(); link != chain.rend(); ++link) {
    Value right = evaluate(ast().child(*link, 1));
    Span span = place(ast()[*link].span);
    Graph::Origin origin(graph(), span);
    value = binary(ast()[*link].text, value, right, *link);
  }
  return value;
}

Value Lowering::binary(std::string_view symbol, Value a, Value b, ast::NodeId id) {
  Span left = ast()[ast().child(id, 0)].span, right = ast()[ast().child(id, 1)].span;
  std::string where = fmt::format("`{}`", symbol);
  if (symbol == "@") {
    bool fine = numeric(a, left, where);
    return numeric(b, right, where) && fine ? product(a, b, id) : Value{};
  }
  WrittenOperand both[] = {{a, ast().child(id, 0)}, {b, ast().child(id, 1)}};
  if (symbol == "and" || symbol == "or") {
    bool fine = truth(a, left, where);
    if (!truth(b, right, where) || !fine || !line_up(id, both)) return {};
    return apply(symbol == "and" ? id_of<op::And>() : id_of<op::Or>(), {a, b});
  }
  if (!a.ok() || !b.ok())
    return {};  // a comparison with a label: what is wrong with its column has been said
  if ((a.is == Is::text) != (b.is == Is::text)) {
    if (!compared_with_label(symbol, a, b, id)) return {};
  } else {
    if (a.labelled >= 0 && b.known()) warn_of_codes(a, b, id);
    if (b.labelled >= 0 && a.known()) warn_of_codes(b, a, id);
  }
  bool fine = numeric(a, left, where);
  if (!numeric(b, right, where) || !fine || !line_up(id, both)) return {};
  for (std::size_t i = 0; i < op_count; ++i)
    if (op_table[i].infix == symbol) return apply(static_cast<OpId>(i), {a, b});
  internal_error(fmt::format("no op is written {}", symbol));
}

Value Lowering::conditional(ast::NodeId id) {
  Value condition = evaluate(ast().child(id, 0));
  if (!truth(condition, ast()[ast().child(id, 0)].span, "the condition of `if`")) return {};
  // What the compiler knows chooses at once, and the other branch need not fit.
  if (condition.is == Is::truth) {
    ast::NodeId taken = ast().child(id, condition.number != 0 ? 1 : 2);
    branches_taken_[{ast_, id}] = taken;
    return evaluate(taken);
  }
  Value a = evaluate(ast().child(id, 1)), b = evaluate(ast().child(id, 2));
  bool fine = numeric(a, ast()[ast().child(id, 1)].span, "a branch of `if`");
  if (!numeric(b, ast()[ast().child(id, 2)].span, "a branch of `if`") || !fine) return {};
  WrittenOperand all[] = {{condition, ast().child(id, 0)}, {a, ast().child(id, 1)}, {b, ast().child(id, 2)}};
  if (!line_up(id, all)) return {};
  return choose(condition, a, b);
}

Value Lowering::choose(Value condition, Value a, Value b) {
  if (!is_truth(a) || !is_truth(b)) return apply(id_of<op::Select>(), {condition, a, b});
  Value otherwise = apply(id_of<op::And>(), {apply(id_of<op::Not>(), {condition}), b});
  return apply(id_of<op::Or>(), {apply(id_of<op::And>(), {condition, a}), otherwise});
}

Value Lowering::block(ast::NodeId id) {
  std::span<const ast::NodeId> parts = ast().children(id);
  for (ast::NodeId part : parts.first(parts.size() - 1)) statement(part);
  return evaluate(parts.back());
}

}  // namespace slope
