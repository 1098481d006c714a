// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `x[i, 2:5, -1]`: what indices and slices take from the axes of a row.
#include <fmt/format.h>

#include "base/text.h"
#include "frontend/lowering.h"

namespace slope {

using ast::Kind;
using Is = Value::Is;

namespace {
constexpr std::int64_t most_f32_index = std::int64_t{1} << 24;  // whole numbers up to it are floats
}

// `begin:end:step`, negative ends counted from the end. Unlike Python nothing is cut to the length: a bound
// beyond it is a mistake in a size.
bool Lowering::slice_item(ast::NodeId item, std::int64_t length, const std::string& base,
                          Graph::Along& along) {
  auto bound = [&](std::size_t i, std::int64_t otherwise) -> std::optional<std::int64_t> {
    ast::NodeId part = ast().child(item, i);
    if (ast()[part].kind == Kind::nothing) return otherwise;
    return whole_number(evaluate(part), ast()[part].span, "an index");
  };
  auto step = bound(2, 1);
  if (!step) return false;
  Span span = ast()[item].span;
  if (*step == 0) {
    error(Code::bad_option_value, span, "the step of a slice is 0");
    return false;
  }
  bool back = *step < 0, open_end = ast()[ast().child(item, 1)].kind == Kind::nothing;
  auto begin = bound(0, back ? length - 1 : 0), end = bound(1, length);
  if (!begin || !end) return false;
  auto from_end = [&](std::int64_t i) { return i < 0 ? i + length : i; };
  std::int64_t first = from_end(*begin), behind = open_end ? (back ? -1 : length) : from_end(*end);
  bool inside = first >= 0 && first <= length && behind >= (open_end ? -1 : 0) && behind <= length;
  if (!inside) {
    error(Code::shapes_differ, span,
          fmt::format("`{}` is beyond `{}`, whose axis here has {} elements", shown(item), base, length))
        .helps.push_back("leave an end out for all that is there: `1:`");
    return false;
  }
  std::int64_t distance = back ? first - behind : behind - first, width = back ? -*step : *step;
  if (distance <= 0) {
    error(Code::shapes_differ, span,
          fmt::format("`{}` takes nothing from an axis of {} elements", shown(item), length));
    return false;
  }
  along = {first, *step, (distance - 1) / width + 1};
  if (first < length) return true;
  error(Code::shapes_differ, span,
        fmt::format("`{}` is beyond `{}`, whose axis here has {} elements", shown(item), base, length));
  return false;
}

// What an index takes from each axis of its base.
struct Lowering::Selection {
  std::vector<Graph::Along> along;
  std::vector<bool> dropped;  // axes at one number
  struct List {               // integers that index
    std::size_t axis = 0;
    ast::NodeId item = {};  // they, as written
    Value indices = {};
  };
  std::vector<List> lists = {};
};

Value Lowering::index(ast::NodeId id) {
  ast::NodeId of = ast().child(id, 0);
  Value base = evaluate(of);
  if (!numeric(base, ast()[of].span, "an index")) return {};
  Shape shape = shape_of(base);
  auto selected = selection(id, shape);
  if (!selected) return {};
  Axes left, places(selected->along.size());  // places: of each axis among those that are left
  for (std::size_t k = 0; k < selected->along.size(); ++k) {
    places[k] = static_cast<std::int64_t>(left.size());
    if (!selected->dropped[k]) left.push_back(selected->along[k].count);
  }
  Value value = build({&base, 1}, ast()[id].span, [&](Graph& g, std::span<const NodeId> in) {
    return g.reshape(g.slice(in[0], selected->along), left);
  });
  value = of_classes(value, base);
  if (selected->lists.empty()) return value;
  const Selection::List& first = selected->lists[0];
  std::int64_t place = places[first.axis];
  if (selected->lists.size() == 1)
    return of_classes(take(value, first.indices, place, ast()[first.item].span, shown(of)), base);
  for (std::size_t k = 1; k < selected->lists.size(); ++k)
    if (places[selected->lists[k].axis] != place + static_cast<std::int64_t>(k)) {
      error(Code::wrong_arguments, ast()[id].span, "between two lists of indices stands an axis of its own")
          .helps.push_back(fmt::format(
              "lists that index together stand side by side: `permute({}, …)` brings their axes there",
              shown(of)));
      return {};
    }
  return of_classes(take_together(value, *selected, place, id), base);
}

// Of neighbouring axes, as NumPy does: the indices are broadcast together. One index into the axes as one.
Value Lowering::take_together(const Value& table, const Selection& selected, std::int64_t place,
                              ast::NodeId id) {
  Shape shape = shape_of(table);
  std::vector<Value> lists;
  std::vector<WrittenOperand> written;
  for (std::size_t k = 0; k < selected.lists.size(); ++k) {
    const Selection::List& list = selected.lists[k];
    std::int64_t n = shape.axes[static_cast<std::size_t>(place) + k];
    lists.push_back(checked_indices(list.indices, n, ast()[list.item].span, shown(ast().child(id, 0))));
    if (!lists.back().ok()) return {};
  }
  for (std::size_t k = 0; k < lists.size(); ++k) written.push_back({lists[k], selected.lists[k].item});
  if (!line_up(id, written)) return {};
  Value at = lists[0];
  auto begin = shape.axes.begin() + place;
  std::int64_t count = *begin;
  for (std::size_t k = 1; k < lists.size(); ++k) {
    std::int64_t n = begin[static_cast<std::ptrdiff_t>(k)];
    at =
        apply(id_of<op::Add>(), {apply(id_of<op::Mul>(), {at, Value::of(static_cast<double>(n))}), lists[k]});
    count *= n;
  }
  // An index is a number of the model's precision.
  if (graph().precision() == Precision::f32 && count > most_f32_index) {
    error(Code::too_large, ast()[id].span,
          fmt::format("in f32 lists index together at most {} places, here {}", most_f32_index, count))
        .helps.push_back("`precision f64` holds more");
    return {};
  }
  if (at.is == Is::node) at.classes = count;
  Axes merged(shape.axes.begin(), begin);
  merged.push_back(count);
  merged.insert(merged.end(), begin + static_cast<std::ptrdiff_t>(lists.size()), shape.axes.end());
  Value operands[] = {table, at};
  return build(operands, ast()[id].span, [&](Graph& g, std::span<const NodeId> in) {
    return g.take(g.reshape(in[0], merged), in[1], place);
  });
}

// How many items stand for one axis each; no value where they do not fit the base.
std::optional<std::size_t> Lowering::axes_indexed(ast::NodeId id, const Shape& shape) {
  ast::NodeId of = ast().child(id, 0);
  std::size_t given = 0, dots = 0, have = shape.axes.size();
  for (ast::NodeId item : ast().children(id).subspan(1))
    ++(ast()[item].kind == Kind::ellipsis ? dots : given);
  if (dots > 1) {
    error(Code::wrong_arguments, ast()[id].span, "`...` stands once among indices");
    return {};
  }
  if (given <= have) return given;
  std::string axes = have == 0 ? "no axes" : have == 1 ? "one axis" : fmt::format("{} axes", have);
  Diagnostic& d =
      error(Code::shapes_differ, ast()[id].span,
            fmt::format("`{}` is {}: it has {}, not {}", shown(of), in_words(shape), axes, given));
  name_declarations(d, of);
  if (shape.rows) d.notes.push_back("a model is written for one row: indices do not count rows");
  return {};
}

std::optional<Lowering::Selection> Lowering::selection(ast::NodeId id, const Shape& shape) {
  auto given = axes_indexed(id, shape);
  if (!given) return {};
  Selection out{whole_axes(shape), std::vector<bool>(shape.axes.size())};
  ast::NodeId of = ast().child(id, 0);
  std::size_t axis = 0;
  for (ast::NodeId item : ast().children(id).subspan(1)) {
    const ast::Node& node = ast()[item];
    if (node.kind == Kind::ellipsis) {
      axis += shape.axes.size() - *given;
      continue;
    }
    bool fine = node.kind == Kind::slice ? slice_item(item, shape.axes[axis], shown(of), out.along[axis])
                                         : index_item(item, of, shape.axes[axis], axis, out);
    if (!fine) return {};
    ++axis;
  }
  return out;
}

// A number, which drops its axis, or integers, which take along it.
bool Lowering::index_item(ast::NodeId item, ast::NodeId of, std::int64_t n, std::size_t axis,
                          Selection& out) {
  Span span = ast()[item].span;
  Value value = evaluate(item);
  if (!value.ok()) return false;
  if (value.is != Is::number) {
    out.lists.push_back({axis, item, value});
    return true;
  }
  auto i = whole_number(value, span, "an index");
  if (!i) return false;
  if (*i < -n || *i >= n) {
    Diagnostic& d =
        error(Code::shapes_differ, span,
              fmt::format("the index {} is beyond `{}`, whose axis here has {} elements", *i, shown(of), n));
    name_declarations(d, of);
    d.notes.push_back(
        fmt::format("indices go from 0 to {}, or from -{} to -1 counted from the end", n - 1, n));
    return false;
  }
  out.along[axis] = {*i < 0 ? *i + n : *i, 1, 1};
  out.dropped[axis] = true;
  return true;
}

// Indices into an axis of n elements, none of them negative; no value after an error. They are whole numbers
// that the compiler knows, or integers.
Value Lowering::checked_indices(const Value& indices, std::int64_t n, Span span,
                                const std::string& shown_table) {
  if (indices.is == Is::array || indices.is == Is::number) {
    Array array = indices.is == Is::array ? *indices.array : Array{{}, {indices.number}};
    for (double& i : array.values) {
      auto whole = whole_number(array.truth ? Value::of(i != 0) : Value::of(i), span, "an index");
      if (!whole) return {};
      if (*whole < -n || *whole >= n) {
        error(Code::shapes_differ, span,
              fmt::format("the index {} is beyond `{}`, whose axis here has {} elements", *whole, shown_table,
                          n));
        return {};
      }
      if (i < 0) i += static_cast<double>(n);
    }
    array.rounded.clear();
    if (array.values.empty()) {
      error(Code::shapes_differ, span, "an empty list of indices takes nothing");
      return {};
    }
    return indices.is == Is::array ? Value::of(std::move(array)) : Value::of(array.values[0]);
  }
  if (indices.is != Is::node || indices.classes == 0) {
    if (numeric(indices, span, "an index"))
      error(Code::wrong_kind, span, "an index must be an integer, this is a float")
          .notes.push_back(
              "columns declared `: index` or `: class`, `argmax` and `iota` are integers; in arithmetic they "
              "become floats");
    return {};
  } else if (indices.classes > n) {
    error(Code::shapes_differ, span,
          fmt::format("these indices go up to {}, `{}` has {} elements there", indices.classes - 1,
                      shown_table, n));
    return {};
  }
  return indices;
}

// table[…, indices, …]
Value Lowering::take(const Value& table, const Value& indices, std::int64_t axis, Span span,
                     const std::string& shown_table) {
  Value at =
      checked_indices(indices, shape_of(table).axes[static_cast<std::size_t>(axis)], span, shown_table);
  if (!at.ok()) return {};
  Value operands[] = {table, at};
  return build(operands, span,
               [&](Graph& g, std::span<const NodeId> in) { return g.take(in[0], in[1], axis); });
}

}  // namespace slope
