// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Reductions: over everything, rows too, unless `axis=` names axes; `keep=true` leaves an axis of 1 for each.
#include <fmt/format.h>

#include <algorithm>

#include "frontend/lowering.h"

namespace slope {

using Is = Value::Is;

namespace {

Axes all_axes(const Shape& shape) {
  Axes axes;
  for (std::size_t i = 0; i < shape.axes.size(); ++i) axes.push_back(static_cast<std::int64_t>(i));
  if (shape.rows) axes.push_back(rows_axis);
  return axes;
}

NodeId keep_axes(Graph& graph, NodeId reduced, const Shape& from, std::span<const std::int64_t> axes) {
  Axes kept = from.axes;
  for (std::int64_t axis : axes)
    if (axis != rows_axis) kept[static_cast<std::size_t>(axis)] = 1;
  return graph.reshape(reduced, kept);
}

NodeId reduce_axes(Graph& graph, Reduction kind, NodeId x, const Axes& axes, bool keep) {
  Shape from = graph.shape(x);
  NodeId reduced = graph.reduce(kind, x, axes);
  return keep ? keep_axes(graph, reduced, from, axes) : reduced;
}

// How many elements are reduced to one; invalid for 1.
NodeId count_of(Graph& graph, const Shape& from, std::span<const std::int64_t> axes) {
  std::int64_t count = 1;
  bool rows = false;
  for (std::int64_t axis : axes)
    if (axis == rows_axis) rows = true;
    else count *= from.axes[static_cast<std::size_t>(axis)];
  if (!rows) return count == 1 ? NodeId() : graph.constant(static_cast<double>(count));
  if (count == 1) return graph.row_count();
  return graph.apply<op::Mul>(graph.row_count(), graph.constant(static_cast<double>(count)));
}

NodeId mean_of(Graph& graph, NodeId x, const Axes& axes, bool keep) {
  x = graph.to_real(x);
  NodeId count = count_of(graph, graph.shape(x), axes);
  NodeId sum = reduce_axes(graph, Reduction::sum, x, axes, keep);
  return count.valid() ? graph.apply<op::Div>(sum, count) : sum;
}

NodeId variance_of(Graph& graph, NodeId x, const Axes& axes, bool keep) {
  x = graph.to_real(x);
  NodeId r = graph.apply<op::Sub>(x, mean_of(graph, x, axes, true));
  return mean_of(graph, graph.apply<op::Mul>(r, r), axes, keep);
}

NodeId positive(Graph& graph, NodeId x) { return graph.apply<op::Greater>(x, graph.constant(0)); }

// Of a sum of squares: where all are 0 its derivative is 0, as |x|' is, not the infinite one of the root.
NodeId root(Graph& graph, NodeId squares) {
  NodeId zero = graph.constant(0);
  return graph.apply<op::Select>(graph.apply<op::Equal>(squares, zero), zero, graph.apply<op::Sqrt>(squares));
}

NodeId reduced(Graph& graph, std::string_view name, NodeId x, const Axes& axes, bool keep) {
  if (name == "mean") return mean_of(graph, x, axes, keep);
  if (name == "var") return variance_of(graph, x, axes, keep);
  if (name == "std") return root(graph, variance_of(graph, x, axes, keep));
  x = graph.to_real(x);
  if (name == "any") return positive(graph, reduce_axes(graph, Reduction::max, x, axes, keep));
  if (name == "all") return positive(graph, reduce_axes(graph, Reduction::min, x, axes, keep));
  Reduction kind = name == "sum"    ? Reduction::sum
                   : name == "prod" ? Reduction::prod
                   : name == "max"  ? Reduction::max
                                    : Reduction::min;
  return reduce_axes(graph, kind, x, axes, keep);
}

}  // namespace

// Where along an axis the largest or smallest element stands.
Value Lowering::arg_reduction(std::string_view name, const Argument& operand, const Argument* axis, bool keep,
                              Span span) {
  Shape shape = shape_of(operand.value);
  if (shape.axes.empty()) {
    error(Code::shapes_differ, operand.span,
          fmt::format("`{}` looks along an axis, this is {}", name, in_words(shape)));
    return {};
  }
  auto along = axis ? axis_of(axis->value, axis->span, shape, name)
                    : std::optional(static_cast<std::int64_t>(shape.axes.size()) - 1);
  if (!along) return {};
  Reduction kind = name == "argmax" ? Reduction::max : Reduction::min;
  Value value = build({&operand.value, 1}, span, [&](Graph& g, std::span<const NodeId> in) {
    NodeId place = g.arg_reduce(kind, in[0], *along);
    return keep ? keep_axes(g, place, shape, std::span(&*along, 1)) : place;
  });
  if (value.is == Is::node) value.classes = shape.axes[static_cast<std::size_t>(*along)];
  return value;
}

// The shape of a value times its weights, whose axes are the value's.
std::optional<Shape> Lowering::weighed(const Argument& value, const Argument& weights, ast::NodeId whole) {
  Shape shape = shape_of(value.value), of_weights = shape_of(weights.value);
  auto common = common_shape(shape, of_weights);
  if (common && common->axes == shape.axes) return common;
  WrittenOperand both[] = {{value.value, value.node}, {weights.value, weights.node}};
  shape_error(whole,
              fmt::format("the weights are {}, the value is {}", in_words(of_weights), in_words(shape)), both)
      .helps.push_back("weights are broadcast to the value that they weigh");
  return {};
}

Value Lowering::reduction(std::string_view name, const std::vector<Argument>& arguments, Span span,
                          ast::NodeId whole) {
  const Argument *operand = nullptr, *weights = nullptr, *axis = nullptr;
  bool keep = false;
  for (const Argument& argument : arguments) {
    if (argument.name == "weights" && name == "mean") weights = &argument;
    else if (argument.name == "axis") axis = &argument;
    else if (argument.name == "keep") {
      if (argument.value.is != Is::truth) {
        error(Code::wrong_kind, argument.span, "`keep` is true or false");
        return {};
      }
      keep = argument.value.number != 0;
    } else if ((argument.name.empty() || argument.name == "x") && !operand) operand = &argument;
    else {
      wrong_arguments(*built_in(name), argument.span, fmt::format("`{}` reduces one value", name));
      return {};
    }
  }
  if (!operand) {
    wrong_arguments(*built_in(name), span, fmt::format("`{}` needs a value", name));
    return {};
  }
  std::string where = fmt::format("`{}`", name);
  const Value& x = operand->value;
  bool logical = name == "any" || name == "all";
  if (logical ? !truth(x, operand->span, where) : !numeric(x, operand->span, where)) return {};
  if (weights && !numeric(weights->value, weights->span, "`weights`")) return {};
  Shape shape = shape_of(x);
  if (name == "argmax" || name == "argmin") return arg_reduction(name, *operand, axis, keep, span);
  std::optional<Axes> axes = axis ? axes_of(axis->value, axis->span, shape, name) : all_axes(shape);
  if (!axes) return {};
  // A value without rows is the same in every row: that is what is left of it.
  bool over_rows = !axis || std::count(axes->begin(), axes->end(), rows_axis) > 0;
  if (!shape.rows) std::erase(*axes, rows_axis);
  if (weights && !(weights->value.known() && weights->value.number == 1)) {
    auto common = weighed(*operand, *weights, whole);
    if (!common) return {};
    if (over_rows && common->rows && !shape.rows) axes->push_back(rows_axis);
    return mean(x, weights->value, *axes, keep, span);
  }
  if (x.known() && axes->empty()) {
    if (name == "var" || name == "std") return Value::of(x.number - x.number);
    if (logical) return x;
    return x.is == Is::truth ? Value::of(x.number) : x;
  }
  return build({&x, 1}, span,
               [&](Graph& g, std::span<const NodeId> in) { return reduced(g, name, in[0], *axes, keep); });
}

// Σwx/Σw. Equal weights that the compiler knows are none.
Value Lowering::mean(const Value& x, const Value& weights, Axes axes, bool keep, Span span) {
  Value operands[] = {x, weights};
  return build(operands, span, [&](Graph& g, std::span<const NodeId> in) {
    NodeId value = g.to_real(in[0]), w = g.to_real(in[1]);
    Shape common = *common_shape(g.shape(value), g.shape(w));
    auto total = [&](NodeId id) {
      return reduce_axes(g, Reduction::sum, g.broadcast(id, common), axes, keep);
    };
    NodeId product = total(g.apply<op::Mul>(w, value));
    return g.apply<op::Div>(product, total(w));
  });
}

}  // namespace slope
