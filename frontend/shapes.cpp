// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Shapes: what lines up, which sizes may be declared, and values of several numbers that the compiler knows.
// Broadcasting is NumPy's: axes are compared from the right, an axis of 1 fits any; rows line up with rows.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "base/os.h"
#include "base/text.h"
#include "frontend/lowering.h"
#include "graph/evaluate.h"

namespace slope {

using ast::Kind;
using Is = Value::Is;

std::string in_words(const Shape& shape) {
  if (!shape.axes.empty()) return to_string(shape);
  return shape.rows ? "a number a row" : "a number";
}

Shape Lowering::shape_of(const Value& value) const {
  if (value.is == Is::node) return model.graph.shape(value.node);
  return value.is == Is::array ? Shape{false, value.array->axes} : Shape{};
}

bool Lowering::is_truth(const Value& value) const {
  return value.is == Is::truth || (value.is == Is::array && value.array->truth) ||
         (value.is == Is::node && model.graph[value.node].type == Type::truth);
}

// No allocation of that size is tried: what is too large is said here.
bool Lowering::fits_limit(const Shape& shape, std::int64_t most, Span span, std::string_view what) {
  std::int64_t count = 1;
  bool fits = true;
  for (std::int64_t n : shape.axes) fits = fits && !__builtin_mul_overflow(count, n, &count) && count <= most;
  if (!fits)
    error(Code::too_large, span,
          fmt::format("{} of shape {} has more than {} elements", what, to_string({false, shape.axes}), most))
        .notes.push_back("this is the most that one value may have");
  return fits;
}

// Of parameters and states: where they start, in double, twice; the values, those before the step, the best
// ones and the gradient.
bool Lowering::fits_memory(std::int64_t count, Span span, const std::string& name) {
  double single = graph().precision() == Precision::f32 ? sizeof(float) : sizeof(double);
  double bytes = static_cast<double>(trained_ + count) * (2 * sizeof(double) + 4 * single);
  auto most = static_cast<double>(os::memory_limit());
  if (bytes <= most) {
    trained_ += count;
    return true;
  }
  Diagnostic& d = error(Code::too_large, span,
                        fmt::format("training `{}` needs {:.1f} GB of memory, there are {:.1f} GB", name,
                                    bytes / 1e9, most / 1e9));
  if (trained_ > 0) d.notes.push_back(fmt::format("{} numbers are declared before it", trained_));
  d.notes.push_back(fmt::format("it has {} numbers, of which training keeps several copies", count));
  return false;
}

namespace {

slope::NodeId scratch_node(Graph& graph, const Value& value) {
  if (value.is == Is::number) return graph.constant(value.number);
  if (value.is == Is::truth) return graph.truth(value.number != 0);
  slope::NodeId array = graph.array(value.array->values, value.array->axes);
  return value.array->truth ? graph.apply<op::Greater>(array, graph.constant(0)) : array;
}

}  // namespace

// The value of a construction on the graph; on constants it is computed at once, in f64.
Value Lowering::build(std::span<const Value> operands, Span span, const Make& make) {
  std::vector<slope::NodeId> nodes;
  bool constant = std::all_of(operands.begin(), operands.end(), [](const Value& v) { return v.constant(); });
  if (!constant) {
    for (const Value& operand : operands) nodes.push_back(to_node(operand));
    return Value::of(make(graph(), nodes));
  }
  Graph scratch(Precision::f64);
  for (const Value& operand : operands) nodes.push_back(scratch_node(scratch, operand));
  slope::NodeId result = make(scratch, nodes);
  for (std::size_t i = 0; i < scratch.size(); ++i)
    if (!fits_limit(scratch.shape(slope::NodeId(static_cast<std::int64_t>(i))), most_constant_elements, span,
                    "a constant"))
      return {};
  std::vector<double> values = slope::evaluate<double>(scratch, std::span(&result, 1), {})[0];
  bool truth = scratch[result].type == Type::truth;
  if (scratch.is_number(result)) return truth ? Value::of(values[0] != 0) : Value::of(values[0]);
  return Value::of(Array{scratch.shape(result).axes, std::move(values), truth});
}

// --- messages ---

// The lines that declare the names of an expression which have axes.
void Lowering::name_declarations(Diagnostic& d, ast::NodeId expression) {
  std::vector<ast::NodeId> rest{expression};
  for (std::size_t i = 0; i < rest.size() && i < 64 && d.related.size() < 3; ++i) {
    const ast::Node& node = ast()[rest[i]];
    for (ast::NodeId child : ast().children(rest[i])) rest.push_back(child);
    if (node.kind != Kind::name) continue;
    const Binding* binding = lookup(node.text);
    if (!binding || !binding->value.tensor() || shape_of(binding->value).axes.empty()) continue;
    bool argument = binding->order == 0 && !binding->is_parameter && binding->column < 0;
    if (argument || binding->span.file == prelude_file || !binding->span.end) continue;
    if (std::find(d.related.begin(), d.related.end(), binding->span) == d.related.end())
      d.related.push_back(binding->span);
  }
}

// "shapes do not line up in `x @ W`: REASON".
Diagnostic& Lowering::shape_error(ast::NodeId whole, std::string reason,
                                  std::span<const WrittenOperand> operands) {
  std::vector<std::string> shapes;
  for (const WrittenOperand& operand : operands)
    if (operand.node.valid())
      shapes.push_back(fmt::format("`{}` is {}", shown(operand.node), in_words(shape_of(operand.value))));
  std::string message = whole.valid() ? fmt::format("shapes do not line up in `{}`: {}", shown(whole), reason)
                                      : "shapes do not line up: " + reason;
  Diagnostic& d =
      error(Code::shapes_differ, whole.valid() ? ast()[whole].span : unwritten_, std::move(message));
  d.label = fmt::format("{}", fmt::join(shapes, ", "));
  for (const WrittenOperand& operand : operands)
    if (operand.node.valid()) name_declarations(d, operand.node);
  // In a function of the model, its arguments have their shapes from the call.
  if (!calls_.empty() && calls_.back()->ast == &model_ast_) d.related.push_back(call_site_);
  return d;
}

// The common shape of operands that go together element by element; no value after an error.
std::optional<Shape> Lowering::line_up(ast::NodeId whole, std::span<const WrittenOperand> operands) {
  Shape common;
  for (const WrittenOperand& operand : operands) {
    Shape shape = shape_of(operand.value);
    auto wider = common_shape(common, shape);
    if (!wider) {
      std::size_t k = 1;
      while (true) {  // from the right
        std::int64_t m = common.axes[common.axes.size() - k], n = shape.axes[shape.axes.size() - k];
        if (m != n && m != 1 && n != 1) {
          std::string which = k == 1 ? "the last axis" : fmt::format("axis -{}", k);
          shape_error(whole, fmt::format("{} is {} in one and {} in the other", which, m, n), operands)
              .helps.push_back(
                  "axes are compared from the right, and only an axis of 1 fits any other: index, `reshape` "
                  "or "
                  "reduce one side");
          return {};
        }
        ++k;
      }
    }
    common = *wider;
  }
  return common;
}

// --- whole numbers ---

std::optional<std::int64_t> Lowering::whole_number(const Value& value, Span span, std::string_view what) {
  if (!value.ok()) return {};
  if (value.is == Is::number && value.number == std::floor(value.number) && std::abs(value.number) <= 0x1p53)
    return static_cast<std::int64_t>(value.number);
  if (value.is == Is::node)
    error(Code::not_constant, span, fmt::format("{} must be known before the data are read", what))
        .helps.push_back("it may use literals, `const` names, `shape(x)` and `last(x)`");
  else if (value.is == Is::number && value.number == std::floor(value.number))
    error(Code::too_large, span, fmt::format("{} cannot be as large as {}", what, shortest(value.number)));
  else if (value.is == Is::number)
    error(Code::wrong_kind, span,
          fmt::format("{} must be a whole number, this is {}", what, shortest(value.number)));
  else error(Code::wrong_kind, span, fmt::format("{} must be a whole number", what));
  return {};
}

// One number or a list of them.
std::optional<Axes> Lowering::whole_numbers(const Value& value, Span span, std::string_view what) {
  Axes out;
  std::vector<Value> items;
  if (value.is == Is::tuple) items = *value.items;
  else if (value.is == Is::array && value.array->axes.size() == 1)
    for (double number : value.array->values) items.push_back(Value::of(number));
  else items.push_back(value);
  for (const Value& item : items) {
    auto number = whole_number(item, span, what);
    if (!number) return {};
    out.push_back(*number);
  }
  return out;
}

// Sizes of axes: at least 1 each, and together no more than a value may have.
std::optional<Axes> Lowering::sizes(const Value& value, Span span, std::string_view what) {
  auto axes = whole_numbers(value, span, "a size");
  if (!axes) return {};
  for (std::int64_t n : *axes)
    if (n < 1) {
      error(Code::bad_option_value, span, fmt::format("a size must be at least 1, this is {}", n));
      return {};
    }
  if (!fits_limit({false, *axes}, most_elements, span, what)) return {};
  return axes;
}

std::optional<Axes> Lowering::declared_shape(ast::NodeId shape) {
  Axes axes;
  for (ast::NodeId part : ast().children(shape)) {
    auto size = sizes(evaluate(part), ast()[part].span, "a value");
    if (!size) return {};
    if (ast().children(shape).size() > 1 && size->size() != 1) {
      error(Code::wrong_kind, ast()[part].span, "a size must be one whole number");
      return {};
    }
    axes.insert(axes.end(), size->begin(), size->end());
  }
  if (!fits_limit({false, axes}, most_elements, ast()[shape].span, "a value")) return {};
  return axes;
}

namespace {
std::string axes_in_words(const Shape& shape) {
  if (shape.axes.empty()) return fmt::format("this is {}, which has no axes", in_words(shape));
  if (shape.axes.size() == 1) return fmt::format("this is {}, its one axis is 0", to_string(shape));
  return fmt::format("this is {}, its axes are 0 to {}", to_string(shape), shape.axes.size() - 1);
}
}  // namespace

// Which axes an `axis=` means: numbers from 0, or rows_axis, each once.
std::optional<Axes> Lowering::axes_of(const Value& value, Span span, const Shape& shape,
                                      std::string_view function) {
  std::vector<Value> items{value};
  if (value.is == Is::tuple) items = *value.items;
  Axes out;
  auto count = static_cast<std::int64_t>(shape.axes.size());
  for (const Value& item : items) {
    if (item.is == Is::rows || (item.is == Is::node && graph()[item.node].kind == NodeKind::row_count)) {
      out.push_back(rows_axis);
      continue;
    }
    auto numbers = whole_numbers(item, span, "an axis");
    if (!numbers) return {};
    for (std::int64_t axis : *numbers) {
      if (axis < -count || axis >= count) {
        error(Code::shapes_differ, span,
              fmt::format("`{}` has no axis {}: {}", function, axis, axes_in_words(shape)))
            .notes.push_back("rows are no numbered axis: `axis=rows` means them");
        return {};
      }
      out.push_back(axis < 0 ? axis + count : axis);
    }
  }
  Axes sorted = out;
  std::sort(sorted.begin(), sorted.end());
  if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) {
    error(Code::wrong_arguments, span, fmt::format("`{}` is given one axis twice", function));
    return {};
  }
  return out;
}

std::optional<std::int64_t> Lowering::axis_of(const Value& value, Span span, const Shape& shape,
                                              std::string_view function) {
  auto axes = axes_of(value, span, shape, function);
  if (!axes) return {};
  if (axes->size() == 1 && (*axes)[0] != rows_axis) return (*axes)[0];
  error(Code::wrong_arguments, span, fmt::format("`{}` takes one axis that is not `rows`", function));
  return {};
}

// --- declarations ---

// A number or an array that is known before the data are read.
Value Lowering::constant_value(ast::NodeId id, std::string_view what) {
  Value value = evaluate(id);
  if (value.is == Is::node) {
    error(Code::not_constant, ast()[id].span, fmt::format("{} must be known before the data are read", what))
        .helps.push_back("it may use literals and `const` names");
    return {};
  }
  return numeric(value, ast()[id].span, what) ? value : Value{};
}

slope::NodeId Lowering::param_node(int index) {
  Shape shape{false, model.params[static_cast<std::size_t>(index)].axes};
  return graph().param(index, graph().intern(shape));
}

}  // namespace slope
