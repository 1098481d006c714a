// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What moves elements: lists, `.T`, reshape and its kind. All of it
// counts and sees the axes of one row only. Every fault of a shape is said here: the graph takes none.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/text.h"
#include "frontend/lowering.h"

namespace slope {

using ast::Kind;
using Is = Value::Is;

namespace {

NodeId with_axis(Graph& graph, NodeId x, std::size_t at) {
  Axes axes = graph.shape(x).axes;
  axes.insert(axes.begin() + static_cast<std::ptrdiff_t>(at), 1);
  return graph.reshape(x, axes);
}

}  // namespace

std::vector<Graph::Along> whole_axes(const Shape& shape) {
  std::vector<Graph::Along> along;
  for (std::int64_t n : shape.axes) along.push_back({0, 1, n});
  return along;
}

Value of_classes(Value value, const Value& from) {
  if (value.is != Is::node) return value;
  value.classes = from.classes;
  value.labelled = from.labelled;
  return value;
}

// --- lists ---

// `[a, b]`: along a new first axis. All of one shape; what has rows gives them to the others.
Value Lowering::list(ast::NodeId id) {
  std::vector<Value> items;
  std::vector<WrittenOperand> operands;
  bool fine = true;
  std::span<const ast::NodeId> parts = ast().children(id);
  items.reserve(parts.size());
  for (ast::NodeId part : parts) {
    items.push_back(evaluate(part));
    fine = fine && numeric(items.back(), ast()[part].span, "a list");
    operands.push_back({items.back(), part});
  }
  if (!fine) return {};
  if (items.empty()) return Value::of(Array{{0}, {}});
  return stacked(items, operands, id);
}

// Side by side along a new first axis; `written` are the same in a message.
Value Lowering::stacked(std::span<const Value> items, std::span<const WrittenOperand> written,
                        ast::NodeId id) {
  bool literals = std::all_of(items.begin(), items.end(), [](const Value& v) { return v.literal; });
  bool numbers = std::all_of(items.begin(), items.end(), [](const Value& v) { return v.known(); });
  bool truths = std::all_of(items.begin(), items.end(), [&](const Value& v) { return is_truth(v); });
  if (numbers) {
    Array array{{static_cast<std::int64_t>(items.size())}, {}, truths};
    for (const Value& item : items) array.values.push_back(item.number);
    if (literals && graph().precision() == Precision::f32)
      for (const Value& item : items) array.rounded.push_back(literal_value(*item.literal));
    return Value::of(std::move(array));
  }
  Shape first = shape_of(items[0]);
  bool arrays = std::all_of(items.begin(), items.end(), [](const Value& v) { return v.is == Is::array; });
  for (std::size_t i = 1; i < items.size(); ++i) {
    Shape other = shape_of(items[i]);
    if (other.axes == first.axes) continue;
    WrittenOperand both[] = {written[0], written[i]};
    shape_error(id,
                fmt::format("the values of a list must have one shape, these are {} and {}", in_words(first),
                            in_words(other)),
                both);
    return {};
  }
  if (arrays) {
    Array whole{first.axes, {}, truths};
    whole.axes.insert(whole.axes.begin(), static_cast<std::int64_t>(items.size()));
    bool all_rounded = true;
    for (const Value& item : items) {
      whole.values.insert(whole.values.end(), item.array->values.begin(), item.array->values.end());
      whole.rounded.insert(whole.rounded.end(), item.array->rounded.begin(), item.array->rounded.end());
      all_rounded = all_rounded && !item.array->rounded.empty();
    }
    if (!all_rounded) whole.rounded.clear();
    return Value::of(std::move(whole));
  }
  return build(items, ast()[id].span, [](Graph& g, std::span<const NodeId> in) {
    std::vector<NodeId> rows;
    for (NodeId x : in) rows.push_back(with_axis(g, x, 0));
    return g.concat(rows, 0);
  });
}

Value Lowering::tuple(ast::NodeId id) {
  std::vector<Value> items;
  for (ast::NodeId part : ast().children(id)) {
    items.push_back(axis_argument(part));
    if (!items.back().ok()) return {};
  }
  Value value{.is = Is::tuple, .literal = nullptr, .node = {}, .text = {}};
  value.items = std::make_shared<const std::vector<Value>>(std::move(items));
  return value;
}

// What stands behind `axis=`: there `rows` is the axis of that name.
Value Lowering::axis_argument(ast::NodeId id) {
  const ast::Node& node = ast()[id];
  if (node.kind == Kind::name && node.text == "rows")
    return {.is = Is::rows, .literal = nullptr, .node = {}, .text = {}};
  return node.kind == Kind::tuple ? tuple(id) : evaluate(id);
}

// `.T` swaps the last two axes; other members are those of layers.
Value Lowering::member(ast::NodeId id) {
  const ast::Node& node = ast()[id];
  Kind kind = ast()[ast().child(id, 0)].kind;
  if (node.text != "T") {
    bool told = kind != Kind::name && kind != Kind::member;  // by the parser
    return told ? Value{} : layer_member(id);
  }
  Value x = evaluate(ast().child(id, 0));
  if (!numeric(x, node.span, "`.T`")) return {};
  Shape shape = shape_of(x);
  if (shape.axes.size() < 2) {
    Diagnostic& d = error(
        Code::shapes_differ, node.span,
        fmt::format("`.T` swaps the last two axes, `{}` is {}", shown(ast().child(id, 0)), in_words(shape)));
    if (shape.axes.size() == 1)
      d.helps.push_back(
          fmt::format("`reshape({}, [{}, 1])` is a column", shown(ast().child(id, 0)), shape.axes[0]));
    name_declarations(d, ast().child(id, 0));
    return {};
  }
  Axes order(shape.axes.size());
  std::iota(order.begin(), order.end(), 0);
  std::swap(order[order.size() - 1], order[order.size() - 2]);
  return of_classes(build({&x, 1}, node.span,
                          [&](Graph& g, std::span<const NodeId> in) { return g.permute(in[0], order); }),
                    x);
}

// --- functions ---

// The arguments by the names in the function's form, "reshape(x, shape)"; no value after an error.
std::optional<Lowering::Given> Lowering::take_arguments(std::string_view name,
                                                        const std::vector<Argument>& arguments, Span span) {
  const Function& function = *built_in(name);
  std::string form = signature(function);
  std::vector<std::string> formals;
  for (std::size_t at = form.find('(') + 1; at < form.size();) {
    std::size_t end = form.find_first_of(",)", at);
    std::string formal = form.substr(at, end - at);
    formals.push_back(formal.substr(0, formal.find('=')));
    at = end + (form[end] == ',' ? 2 : 1);
  }
  Given given{arguments, std::vector<const Argument*>(formals.size())};
  for (std::size_t k = 0; k < arguments.size(); ++k) {
    const Argument& argument = arguments[k];
    std::size_t at = k;
    if (!argument.name.empty())
      at = static_cast<std::size_t>(std::find(formals.begin(), formals.end(), argument.name) -
                                    formals.begin());
    if (at >= formals.size()) {
      wrong_arguments(function, argument.span,
                      argument.name.empty() ? fmt::format("`{}` takes {} arguments, not {}", name,
                                                          formals.size(), arguments.size())
                                            : fmt::format("`{}` has no argument `{}`", name, argument.name));
      return {};
    }
    if (given.by_formal[at]) {
      wrong_arguments(function, argument.span,
                      fmt::format("the argument `{}` of `{}` is given twice", formals[at], name));
      return {};
    }
    given.by_formal[at] = &argument;
  }
  for (std::size_t k = 0; k < static_cast<std::size_t>(function.needed); ++k)
    if (!given[k]) {
      wrong_arguments(function, span, fmt::format("`{}` needs its argument `{}`", name, formals[k]));
      return {};
    }
  return given;
}

Value Lowering::structure(std::string_view name, const std::vector<Argument>& arguments, Span span,
                          ast::NodeId whole) {
  if (name == "concat" || name == "stack") return join(name, arguments, span, whole);
  if (name == "einsum") return einsum(arguments, span, whole);
  auto given = take_arguments(name, arguments, span);
  if (!given) return {};
  const Argument& first = *(*given)[0];
  if (name == "zeros" || name == "ones" || name == "iota") return made_array(name, first, span);
  if (!numeric(first.value, first.span, fmt::format("`{}`", name))) return {};
  Shape shape = shape_of(first.value);
  if (name == "shape") {
    Array array{{static_cast<std::int64_t>(shape.axes.size())}, {shape.axes.begin(), shape.axes.end()}};
    return Value::of(std::move(array));
  }
  if (name == "classes") return classes(first);
  if (name == "last") {
    if (!shape.axes.empty()) return Value::of(static_cast<double>(shape.axes.back()));
    error(Code::shapes_differ, first.span,
          fmt::format("`last` is the length of the last axis, this is {}", in_words(shape)))
        .helps.push_back("`[x]` is a vector of one number");
    return {};
  }
  if (name == "reshape") return reshape(*given, whole);
  if (name == "pad") return pad(*given, whole);
  if (name == "windows") return windows(*given, whole);
  if (name == "one_hot") return one_hot(*given);
  if (name == "permute") return permute(*given, span);
  if (name == "flip") return flip(*given, span);
  if (name == "take") return take(*given);
  internal_error(fmt::format("no function {} of structure", name));
}

// zeros, ones, iota.
Value Lowering::made_array(std::string_view name, const Argument& size, Span span) {
  auto axes = sizes(size.value, size.span, "a constant");
  if (!axes || !fits_limit({false, *axes}, most_constant_elements, span, "a constant")) return {};
  bool counts = name == "iota";
  if (counts && axes->size() != 1) {
    wrong_arguments(*built_in(name), span, "`iota` counts along one axis");
    return {};
  }
  double value = name == "ones" ? 1 : 0;
  if (axes->empty()) return Value::of(value);
  Array array{*axes, std::vector<double>(static_cast<std::size_t>(elements({false, *axes})), value)};
  if (counts) std::iota(array.values.begin(), array.values.end(), 0);
  return Value::of(std::move(array));
}

Value Lowering::permute(const Given& given, Span span) {
  const Argument &x = *given[0], &order = *given[1];
  Shape shape = shape_of(x.value);
  auto axes = axes_of(order.value, order.span, shape, "permute");
  if (!axes) return {};
  if (axes->size() != shape.axes.size() || std::count(axes->begin(), axes->end(), rows_axis)) {
    error(Code::shapes_differ, order.span,
          fmt::format("`permute` needs each axis once, this is {}", in_words(shape)));
    return {};
  }
  return of_classes(build({&x.value, 1}, span,
                          [&](Graph& g, std::span<const NodeId> in) { return g.permute(in[0], *axes); }),
                    x.value);
}

Value Lowering::flip(const Given& given, Span span) {
  const Value& x = given[0]->value;
  Shape shape = shape_of(x);
  Axes axes(shape.axes.size());
  std::iota(axes.begin(), axes.end(), 0);
  if (const Argument* axis = given[1]) {
    auto chosen = axes_of(axis->value, axis->span, shape, "flip");
    if (!chosen) return {};
    axes = *chosen;
  }
  std::vector<Graph::Along> along = whole_axes(shape);
  for (std::int64_t axis : axes) {
    if (axis == rows_axis) {
      error(Code::wrong_arguments, given[1]->span, "`flip` does not see rows");
      return {};
    }
    std::int64_t n = shape.axes[static_cast<std::size_t>(axis)];
    along[static_cast<std::size_t>(axis)] = {n - 1, -1, n};
  }
  return of_classes(
      build({&x, 1}, span, [&](Graph& g, std::span<const NodeId> in) { return g.slice(in[0], along); }), x);
}

Value Lowering::take(const Given& given) {
  const Argument &x = *given[0], &indices = *given[1];
  Shape shape = shape_of(x.value);
  std::int64_t axis = 0;
  if (shape.axes.empty()) {
    error(Code::shapes_differ, x.span, fmt::format("`take` needs an axis, this is {}", in_words(shape)));
    return {};
  }
  if (const Argument* along = given[2]) {
    auto chosen = axis_of(along->value, along->span, shape, "take");
    if (!chosen) return {};
    axis = *chosen;
  }
  return of_classes(take(x.value, indices.value, axis, indices.span, shown(x.node)), x.value);
}

// concat: one after the other along an axis that is there (the last); stack: along a new last one.
Value Lowering::join(std::string_view name, const std::vector<Argument>& arguments, Span span,
                     ast::NodeId whole) {
  std::vector<Value> values;
  std::vector<const Argument*> parts;
  const Argument* axis = nullptr;
  for (const Argument& argument : arguments) {
    if (argument.name == "axis" && name == "concat") axis = &argument;
    else if (!argument.name.empty()) {
      wrong_arguments(*built_in(name), argument.span,
                      fmt::format("`{}` has no argument `{}`", name, argument.name));
      return {};
    } else {
      if (!numeric(argument.value, argument.span, fmt::format("`{}`", name))) return {};
      values.push_back(argument.value);
      parts.push_back(&argument);
    }
  }
  if (values.empty()) {
    wrong_arguments(*built_in(name), span, fmt::format("`{}` needs values", name));
    return {};
  }
  Shape first = shape_of(values[0]);
  auto along = static_cast<std::int64_t>(first.axes.size());
  if (name == "concat") {
    if (first.axes.empty()) {
      error(Code::shapes_differ, parts[0]->span,
            fmt::format("`concat` needs an axis, this is {}", in_words(first)))
          .helps.push_back("`[a, b]` makes a vector of numbers");
      return {};
    }
    --along;
    if (axis) {
      auto chosen = axis_of(axis->value, axis->span, first, name);
      if (!chosen) return {};
      along = *chosen;
    }
  }
  for (std::size_t i = 1; i < values.size(); ++i) {
    Shape other = shape_of(values[i]), expected = first;
    if (name == "concat" && other.axes.size() == first.axes.size())
      expected.axes[static_cast<std::size_t>(along)] = other.axes[static_cast<std::size_t>(along)];
    if (other.axes == expected.axes) continue;
    WrittenOperand both[] = {{values[0], parts[0]->node}, {values[i], parts[i]->node}};
    shape_error(whole,
                name == "concat" ? fmt::format("all axes but axis {} must be the same", along)
                                 : std::string("all values must have one shape"),
                both);
    return {};
  }
  return build(values, span, [&](Graph& g, std::span<const NodeId> in) {
    std::vector<NodeId> nodes;
    for (NodeId x : in) nodes.push_back(name == "stack" ? with_axis(g, x, g.shape(x).axes.size()) : x);
    return g.concat(nodes, along);
  });
}

// The elements in row-major order in another shape; one −1 is what is left.
Value Lowering::reshape(const Given& given, ast::NodeId whole) {
  const Value& x = given[0]->value;
  auto axes = whole_numbers(given[1]->value, given[1]->span, "a size");
  if (!axes) return {};
  Shape shape = shape_of(x);
  std::int64_t count = elements(shape), rest = 1;
  bool fits = std::count(axes->begin(), axes->end(), -1) <= 1;
  for (std::int64_t n : *axes) {
    if (n == -1) continue;
    if (n < 1) {
      error(Code::bad_option_value, given[1]->span,
            fmt::format("a size must be at least 1 (one may be -1: what is left), this is {}", n));
      return {};
    }
    fits = fits && !__builtin_mul_overflow(rest, n, &rest);
  }
  auto open = std::find(axes->begin(), axes->end(), -1);
  fits = fits && (open == axes->end() ? rest == count : count % rest == 0);
  if (!fits) {
    WrittenOperand operand[] = {{x, given[0]->node}};
    Diagnostic& d =
        shape_error(whole,
                    fmt::format("{} has {} elements{}, {} {}", in_words(shape), count,
                                shape.rows ? " a row" : "", to_string({false, *axes}),
                                open == axes->end()                         ? fmt::format("has {}", rest)
                                : std::count(open + 1, axes->end(), -1) > 0 ? "leaves more than one size open"
                                                                            : "does not divide them"),
                    operand);
    if (shape.rows) d.notes.push_back("a model is written for one row: `reshape` does not see rows");
    return {};
  }
  if (open != axes->end()) *open = count / rest;
  return of_classes(build({&x, 1}, given[0]->span,
                          [&](Graph& g, std::span<const NodeId> in) { return g.reshape(in[0], *axes); }),
                    x);
}

// pad(x, n), pad(x, [before, after]) on every axis, pad(x, [[b, a], …]) axis by axis, as NumPy has it.
Value Lowering::pad(const Given& given, ast::NodeId whole) {
  const Value &x = given[0]->value, &widths = given[1]->value;
  Shape shape = shape_of(x);
  std::size_t count = shape.axes.size();
  Value flat = widths;
  if (widths.is == Is::array && widths.array->axes.size() == 2)
    flat = Value::of(Array{{static_cast<std::int64_t>(widths.array->values.size())}, widths.array->values});
  auto list = whole_numbers(flat, given[1]->span, "a width");
  if (!list) return {};
  if (list->size() == 1) list->push_back((*list)[0]);
  bool each = widths.is == Is::array && widths.array->axes.size() == 2;
  bool fits = each ? widths.array->axes == Axes{static_cast<std::int64_t>(count), 2} : list->size() == 2;
  bool negative = std::any_of(list->begin(), list->end(), [](std::int64_t n) { return n < 0; });
  if (!fits || negative || count == 0) {
    WrittenOperand operand[] = {{x, given[0]->node}};
    shape_error(whole,
                "the widths are one number, [before, after], or such a pair for each axis, none below 0",
                operand);
    return {};
  }
  double value = 0;
  if (const Argument* fill = given[2]) {
    if (fill->value.is != Is::number) {
      if (numeric(fill->value, fill->span, "`value`"))
        error(Code::not_constant, fill->span, "what `pad` fills in must be a number known to the compiler");
      return {};
    }
    value = fill->value.number;
  }
  std::vector<Graph::Along> along;
  Axes axes;
  for (std::size_t k = 0; k < count; ++k) {
    std::int64_t before = (*list)[each ? 2 * k : 0], after = (*list)[each ? 2 * k + 1 : 1];
    if (before > most_elements || after > most_elements) before = after = most_elements;
    along.push_back({before, 1, shape.axes[k]});
    axes.push_back(before + shape.axes[k] + after);
  }
  if (!fits_limit({false, axes}, most_elements, given[1]->span, "a value")) return {};
  return build({&x, 1}, given[0]->span, [&](Graph& g, std::span<const NodeId> in) {
    return g.pad(g.to_real(in[0]), along, axes, value);
  });
}

// [s…, c] → [s'…, k…, c]: every window of that size, at every stride. "same": as many places as x has (with a
// stride, that many divided by it, rounded up), filled up with 0, the odd one behind.
Value Lowering::windows(const Given& given, ast::NodeId whole) {
  const Value& x = given[0]->value;
  Shape shape = shape_of(x);
  WrittenOperand operand[] = {{x, given[0]->node}};
  if (shape.axes.size() < 2) {
    shape_error(whole, "windows go over axes in front of the last one, the channels", operand);
    return {};
  }
  std::size_t count = shape.axes.size() - 1;
  auto each = [&](const Argument* argument, std::string_view what) -> std::optional<Axes> {
    if (!argument) return Axes(count, 1);
    auto axes = sizes(argument->value, argument->span, what);
    if (!axes) return {};
    if (axes->size() == 1) return Axes(count, (*axes)[0]);
    if (axes->size() == count) return axes;
    error(Code::wrong_arguments, argument->span,
          fmt::format("one number, or {}: one for each axis in front of the last", count));
    return {};
  };
  auto size = each(given[1], "a window"), stride = each(given[2], "a stride");
  if (!size || !stride) return {};
  std::string padding = given[3] ? given[3]->value.text : "valid";
  if (padding != "same" && padding != "valid") {
    error(Code::bad_option_value, given[3]->span, "`padding` is \"same\" or \"valid\"");
    return {};
  }
  std::vector<Graph::Window> list;
  std::vector<Graph::Along> along = whole_axes(shape);
  Axes axes = shape.axes;
  for (std::size_t k = 0; k < count; ++k) {
    std::int64_t n = shape.axes[k], s = (*stride)[k];
    list.push_back({(*size)[k], s});
    if (padding == "same") {
      std::int64_t total = std::max<std::int64_t>(((n - 1) / s) * s + (*size)[k] - n, 0);
      along[k].begin = total / 2;
      axes[k] = n + total;
    }
    if ((*size)[k] <= axes[k]) continue;
    shape_error(whole, fmt::format("a window of {} does not fit into an axis of {}", (*size)[k], n), operand);
    return {};
  }
  if (!fits_limit({false, axes}, most_elements, given[0]->span, "a value")) return {};
  return build({&x, 1}, given[0]->span, [&](Graph& g, std::span<const NodeId> in) {
    return g.window(g.pad(g.to_real(in[0]), along, axes), list);
  });
}

// 1 at the place of each integer along a new last axis of n, elsewhere 0.
Value Lowering::one_hot(const Given& given) {
  const Value& c = given[0]->value;
  auto n = sizes(given[1]->value, given[1]->span, "a value");
  if (!n) return {};
  if (n->size() != 1) {
    error(Code::wrong_kind, given[1]->span, "`one_hot` needs one number of classes");
    return {};
  }
  std::int64_t classes = (*n)[0];
  bool inside = true, integers = c.constant() || c.classes > 0;
  if (c.is == Is::node && c.classes > classes) inside = false;
  std::vector<double> numbers;
  if (c.is == Is::array) numbers = c.array->values;
  else if (c.is == Is::number) numbers = {c.number};
  for (double i : numbers) {
    integers = integers && i == std::floor(i);
    inside = inside && i >= 0 && i < static_cast<double>(classes);
  }
  if (!integers || is_truth(c)) {
    error(Code::wrong_kind, given[0]->span, "`one_hot` needs integers, these are none")
        .notes.push_back("`argmax` and `iota` give integers; in arithmetic they become floats");
    return {};
  }
  if (!inside) {
    error(Code::shapes_differ, given[0]->span,
          fmt::format("`one_hot` of {} classes: there are integers beyond {}", classes, classes - 1));
    return {};
  }
  if (!fits_limit({false, {classes}}, most_constant_elements, given[1]->span, "a constant")) return {};
  return build({&c, 1}, given[0]->span, [&](Graph& g, std::span<const NodeId> in) {
    std::vector<double> places(static_cast<std::size_t>(classes));
    std::iota(places.begin(), places.end(), 0);
    NodeId each = with_axis(g, in[0], g.shape(in[0]).axes.size());
    return g.to_real(g.apply<op::Equal>(each, g.array(std::move(places), (*n))));
  });
}

}  // namespace slope
