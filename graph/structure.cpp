// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The constructors of structure: what a graph says of axes. Operands that do not fit are the caller's fault
// (internal_error): the frontend has told the user by then.
#include <algorithm>
#include <numeric>

#include "base/diagnostic.h"
#include "graph/graph.h"

namespace slope {

namespace {

void demand(bool fits, const char* what) {
  if (!fits) internal_error(what);
}

// How often a window of this size fits.
std::int64_t positions(std::int64_t length, Graph::Window w) { return (length - w.size) / w.stride + 1; }

}  // namespace

std::vector<Graph::Along> Graph::along(const Node& node) const {
  const Axes& list = numbers(node);
  const Shape& small = node.kind == NodeKind::slice ? shapes_[node.shape] : shape(node.operands[0]);
  std::vector<Along> out;
  for (std::size_t k = 0; k < small.axes.size(); ++k)
    out.push_back({list[2 * k], list[2 * k + 1], small.axes[k]});
  return out;
}

std::vector<Graph::Window> Graph::windows(const Node& node) const {
  const Axes& list = numbers(node);
  std::vector<Window> out;
  for (std::size_t k = 0; k + 1 < list.size(); k += 2) out.push_back({list[k], list[k + 1]});
  return out;
}

Graph::Labels Graph::labels(const Node& node) const {
  std::span<const std::int64_t> list = numbers(node);
  std::size_t a = shape(node.operands[0]).axes.size(), b = shape(node.operands[1]).axes.size();
  return {list.first(a), list.subspan(a, b), list.subspan(a + b)};
}

NodeId Graph::structure(Node node, NodeId a, NodeId b) {
  node.type = (*this)[a].type;
  node.operands[0] = a;
  node.operands[1] = b;
  return make(node);
}

NodeId Graph::broadcast(NodeId x) {
  if (has_rows(x)) return x;
  return broadcast(x, {true, shape(x).axes});
}

NodeId Graph::broadcast(NodeId x, const Shape& to) {
  if (shape(x) == to) return x;
  auto common = common_shape(shape(x), to);
  demand(common && *common == to, "a broadcast to a shape that does not fit");
  if ((*this)[x].kind == NodeKind::broadcast) return broadcast((*this)[x].operands[0], to);
  return structure({.kind = NodeKind::broadcast, .shape = shapes_.intern(to)}, x);
}

NodeId Graph::reduce(Reduction reduction, NodeId x) { return reduce(reduction, x, {rows_axis}); }

// The axes reduced come last, as one; then the rows.
NodeId Graph::reduce(Reduction reduction, NodeId x, Axes axes) {
  x = to_real(x);
  auto is_reduced = [&](std::int64_t axis) {
    return std::find(axes.begin(), axes.end(), axis) != axes.end();
  };
  const Shape from = shape(x);
  Axes order, kept, reduced;
  std::int64_t count = 1;
  for (std::size_t k = 0; k < from.axes.size(); ++k) {
    auto axis = static_cast<std::int64_t>(k);
    (is_reduced(axis) ? reduced : order).push_back(axis);
    if (is_reduced(axis)) count *= from.axes[k];
    else kept.push_back(from.axes[k]);
  }
  demand(reduced.size() + is_reduced(rows_axis) == axes.size(), "a reduction over an axis that is not there");
  if (!reduced.empty()) {
    order.insert(order.end(), reduced.begin(), reduced.end());
    kept.push_back(count);
    x = reshape(permute(x, order), kept);
    kept.pop_back();
    x = structure({.kind = NodeKind::reduce,
                   .reduction = reduction,
                   .shape = shapes_.intern({from.rows, kept}),
                   .numbers = lists_.intern({static_cast<std::int64_t>(kept.size())})},
                  x);
  }
  if (!is_reduced(rows_axis)) return x;
  demand(from.rows, "a reduction over rows of a value without rows");
  return structure({.kind = NodeKind::reduce,
                    .reduction = reduction,
                    .shape = shapes_.intern({false, kept}),
                    .numbers = lists_.intern({rows_axis})},
                   x);
}

NodeId Graph::arg_reduce(Reduction reduction, NodeId x, std::int64_t axis) {
  x = to_real(x);
  Axes order;
  for (std::size_t k = 0; k < shape(x).axes.size(); ++k)
    if (static_cast<std::int64_t>(k) != axis) order.push_back(static_cast<std::int64_t>(k));
  demand(axis >= 0 && order.size() < shape(x).axes.size(), "no such axis");
  order.push_back(axis);
  x = permute(x, order);
  std::int64_t last = static_cast<std::int64_t>(order.size()) - 1;
  ShapeId to = shapes_.intern(without_axes(shape(x), std::span(&last, 1)));
  return structure(
      {.kind = NodeKind::arg_reduce, .reduction = reduction, .shape = to, .numbers = lists_.intern({last})},
      x);
}

NodeId Graph::reshape(NodeId x, Axes axes) {
  Shape to{has_rows(x), std::move(axes)};
  if (shape(x) == to) return x;
  demand(elements(shape(x)) == elements(to), "a reshape to another number of elements");
  if ((*this)[x].kind == NodeKind::reshape) return reshape((*this)[x].operands[0], to.axes);
  if ((*this)[x].kind == NodeKind::array) return array(values((*this)[x]), to.axes);
  return structure({.kind = NodeKind::reshape, .shape = shapes_.intern(to)}, x);
}

NodeId Graph::permute(NodeId x, Axes order) {
  const Shape& from = shape(x);
  Axes sorted = order, identity(from.axes.size());
  std::iota(identity.begin(), identity.end(), 0);
  std::sort(sorted.begin(), sorted.end());
  demand(sorted == identity, "a permutation that is none");
  if (order == identity) return x;
  if ((*this)[x].kind == NodeKind::permute) {
    const Axes& inner = numbers((*this)[x]);
    for (std::int64_t& axis : order) axis = inner[static_cast<std::size_t>(axis)];
    return permute((*this)[x].operands[0], std::move(order));
  }
  Shape to{from.rows, {}};
  for (std::int64_t axis : order) to.axes.push_back(from.axes[static_cast<std::size_t>(axis)]);
  ShapeId id = shapes_.intern(to);
  return structure({.kind = NodeKind::permute, .shape = id, .numbers = lists_.intern(std::move(order))}, x);
}

// A slice of what only moves elements is taken of what is moved: of another slice, of the one side of a
// concat in which it lies, of a repeated number.
NodeId Graph::slice_under(NodeId x, std::span<const Along> along, const Shape& to) {
  const Node node = (*this)[x];
  std::vector<Along> inner(along.begin(), along.end());
  if (node.kind == NodeKind::slice) {
    std::vector<Along> outer = this->along(node);
    for (std::size_t k = 0; k < inner.size(); ++k)
      inner[k] = {outer[k].begin + outer[k].step * along[k].begin, outer[k].step * along[k].step,
                  along[k].count};
    return slice(node.operands[0], inner);
  }
  if (node.kind == NodeKind::broadcast && is_number(node.operands[0])) return broadcast(node.operands[0], to);
  if (node.kind != NodeKind::concat) return {};
  auto axis = static_cast<std::size_t>(node.index);
  const Along& a = along[axis];
  std::int64_t length = shape(node.operands[0]).axes[axis], last = a.begin + a.step * (a.count - 1);
  if (a.count > 0 && std::max(a.begin, last) < length) return slice(node.operands[0], along);
  if (a.count == 0 || std::min(a.begin, last) < length) return {};
  inner[axis].begin -= length;
  return slice(node.operands[1], inner);
}

NodeId Graph::slice(NodeId x, std::span<const Along> along) {
  Shape to{has_rows(x), {}};
  Axes list;
  bool whole = true;
  demand(along.size() == shape(x).axes.size(), "a slice of other axes");
  for (std::size_t k = 0; k < along.size(); ++k) {
    const Along& a = along[k];
    std::int64_t length = shape(x).axes[k], last = a.begin + a.step * (a.count - 1);
    demand(a.step != 0 && a.count >= 0 &&
               (a.count == 0 || (std::min(a.begin, last) >= 0 && std::max(a.begin, last) < length)),
           "a slice beyond an axis");
    whole &= a.begin == 0 && a.step == 1 && a.count == length;
    to.axes.push_back(a.count);
    list.insert(list.end(), {a.begin, a.step});
  }
  if (whole) return x;
  if (NodeId under = slice_under(x, along, to); under.valid()) return under;
  ShapeId id = shapes_.intern(to);
  return structure({.kind = NodeKind::slice, .shape = id, .numbers = lists_.intern(std::move(list))}, x);
}

NodeId Graph::pad(NodeId x, std::span<const Along> along, Axes axes, double value) {
  Axes list;
  bool whole = true;
  demand(along.size() == axes.size() && axes.size() == shape(x).axes.size(), "a pad of other axes");
  for (std::size_t k = 0; k < along.size(); ++k) {
    std::int64_t count = shape(x).axes[k], last = along[k].begin + along[k].step * (count - 1);
    demand(along[k].step != 0 && (count == 0 || (std::min(along[k].begin, last) >= 0 &&
                                                 std::max(along[k].begin, last) < axes[k])),
           "a pad beyond its axis");
    whole &= along[k].begin == 0 && along[k].step == 1 && count == axes[k];
    list.insert(list.end(), {along[k].begin, along[k].step});
  }
  if (whole) return x;
  ShapeId id = shapes_.intern({has_rows(x), std::move(axes)});
  Node node{.kind = NodeKind::pad, .shape = id, .numbers = lists_.intern(std::move(list))};
  node.value = precision_ == Precision::f32 ? static_cast<double>(static_cast<float>(value)) : value;
  return structure(node, x);
}

NodeId Graph::concat(NodeId a, NodeId b, std::int64_t axis) {
  if ((*this)[a].type != (*this)[b].type) a = to_real(a), b = to_real(b);
  if (has_rows(a) || has_rows(b)) a = broadcast(a), b = broadcast(b);
  auto k = static_cast<std::size_t>(axis);
  Shape to = shape(a), other = shape(b);
  demand(axis >= 0 && k < to.axes.size() && to.axes.size() == other.axes.size(), "a concat along no axis");
  std::int64_t length = other.axes[k];
  other.axes[k] = to.axes[k];
  demand(to == other, "a concat of values that do not fit");
  to.axes[k] += length;
  ShapeId id = shapes_.intern(to);
  return structure({.kind = NodeKind::concat, .shape = id, .index = static_cast<std::int32_t>(axis)}, a, b);
}

// By halves, so that no element is copied more often than the logarithm of their number.
NodeId Graph::concat(std::span<const NodeId> parts, std::int64_t axis) {
  demand(!parts.empty(), "a concat of nothing");
  if (parts.size() == 1) return parts[0];
  std::size_t half = (parts.size() + 1) / 2;
  NodeId a = concat(parts.first(half), axis), b = concat(parts.subspan(half), axis);
  return concat(a, b, axis);
}

NodeId Graph::contract(NodeId a, NodeId b, Axes labels_a, Axes labels_b, Axes labels_out, bool rows) {
  auto has = [](const Axes& labels, std::int64_t label) {
    return std::find(labels.begin(), labels.end(), label) != labels.end();
  };
  // What one operand has alone and the result lacks.
  auto sum_before = [&](NodeId x, Axes& labels, const Axes& other, bool other_rows) {
    Axes axes;
    if (has_rows(x) && !other_rows && !rows) axes.push_back(rows_axis);
    for (std::size_t k = 0; k < labels.size(); ++k)
      if (!has(other, labels[k]) && !has(labels_out, labels[k])) axes.push_back(static_cast<std::int64_t>(k));
    std::erase_if(labels, [&](std::int64_t label) { return !has(other, label) && !has(labels_out, label); });
    return reduce(Reduction::sum, x, std::move(axes));
  };
  a = to_real(a), b = to_real(b);
  bool rows_a = has_rows(a), rows_b = has_rows(b);
  demand(!rows || rows_a || rows_b, "a contraction to rows that no operand has");
  a = sum_before(a, labels_a, labels_b, rows_b);
  b = sum_before(b, labels_b, labels_a, rows_a);
  if (labels_a.empty() && labels_b.empty()) {
    NodeId product = apply<op::Mul>(a, b);
    return has_rows(product) && !rows ? reduce(Reduction::sum, product) : product;
  }
  Shape to{rows, {}};
  auto length = [&](std::int64_t label) {
    std::int64_t n = -1;
    for (auto [x, labels] : {std::pair{a, &labels_a}, {b, &labels_b}})
      for (std::size_t k = 0; k < labels->size(); ++k)
        if ((*labels)[k] == label) {
          demand(n < 0 || n == shape(x).axes[k], "a contraction of axes of different lengths");
          n = shape(x).axes[k];
        }
    demand(n >= 0, "a contraction to an axis that no operand has");
    return n;
  };
  demand(labels_a.size() == shape(a).axes.size() && labels_b.size() == shape(b).axes.size(),
         "a contraction with labels for other axes");
  for (std::int64_t label : labels_a) length(label);
  for (std::int64_t label : labels_out) to.axes.push_back(length(label));
  // Labels by their first occurrence, so that equal contractions are one node.
  Axes list, seen;
  for (const Axes* labels : {&labels_a, &labels_b, &labels_out})
    for (std::int64_t label : *labels) {
      if (!has(seen, label)) seen.push_back(label);
      list.push_back(std::find(seen.begin(), seen.end(), label) - seen.begin());
    }
  ShapeId id = shapes_.intern(to);
  return structure({.kind = NodeKind::contract, .shape = id, .numbers = lists_.intern(std::move(list))}, a,
                   b);
}

NodeId Graph::window(NodeId x, std::span<const Window> windows) {
  x = to_real(x);
  const Shape from = shape(x);
  demand(from.axes.size() == windows.size() + 1, "windows over other axes");
  Shape to{from.rows, {}};
  Axes list;
  for (std::size_t k = 0; k < windows.size(); ++k) {
    demand(windows[k].size >= 1 && windows[k].stride >= 1 && windows[k].size <= from.axes[k],
           "a window that does not fit");
    to.axes.push_back(positions(from.axes[k], windows[k]));
    list.insert(list.end(), {windows[k].size, windows[k].stride});
  }
  for (const Window& w : windows) to.axes.push_back(w.size);
  to.axes.push_back(from.axes.back());
  ShapeId id = shapes_.intern(to);
  return structure({.kind = NodeKind::window, .shape = id, .numbers = lists_.intern(std::move(list))}, x);
}

// Windows that are a product of what depends on their positions and what depends on the offsets in them,
// summed where they overlap, are a convolution: windows over the first, spread by the strides between zeros,
// times the second backwards. So the windows' elements are never all in memory. No node where x is no such
// product.
NodeId Graph::convolution(NodeId x, std::span<const Window> windows, const Axes& axes) {
  const Node product = (*this)[x];
  std::size_t n = windows.size();
  if (product.kind != NodeKind::contract || n == 0) return {};
  auto l = labels(product);
  Axes by[2] = {{l.a.begin(), l.a.end()}, {l.b.begin(), l.b.end()}}, out(l.out.begin(), l.out.end());
  std::span<const std::int64_t> at(out.data(), n), offsets(out.data() + n, n);
  auto has = [](std::span<const std::int64_t> of, std::int64_t label) {
    return std::find(of.begin(), of.end(), label) != of.end();
  };
  auto holds = [&](std::size_t k, std::span<const std::int64_t> all, std::span<const std::int64_t> none) {
    return std::all_of(all.begin(), all.end(), [&](std::int64_t i) { return has(by[k], i); }) &&
           std::none_of(none.begin(), none.end(), [&](std::int64_t i) { return has(by[k], i); });
  };
  std::size_t p = holds(0, at, offsets) && holds(1, offsets, at) ? 0 : 1;
  if (!holds(p, at, offsets) || !holds(1 - p, offsets, at)) return {};
  bool rows = has_rows(x);
  if (sums_rows(x)) return {};

  // The positions first, everything else as one axis behind them.
  NodeId places = product.operands[p], kernel = product.operands[1 - p];
  Axes order, rest, lengths;
  auto axis_of = [](const Axes& list, std::int64_t label) {
    return std::find(list.begin(), list.end(), label) - list.begin();
  };
  for (std::int64_t label : at) order.push_back(axis_of(by[p], label));
  std::int64_t merged = 1;
  for (std::size_t k = 0; k < by[p].size(); ++k)
    if (!has(at, by[p][k])) {
      order.push_back(static_cast<std::int64_t>(k));
      rest.push_back(by[p][k]);
      lengths.push_back(shape(places).axes[k]);
      merged *= lengths.back();
    }
  places = permute(places, order);
  Axes flat(shape(places).axes.begin(), shape(places).axes.begin() + static_cast<std::ptrdiff_t>(n)), padded;
  flat.push_back(merged);
  places = reshape(places, flat);
  std::vector<Along> spread;
  std::vector<Window> sliding;
  for (std::size_t k = 0; k < n; ++k) {
    spread.push_back({windows[k].size - 1, windows[k].stride, flat[k]});
    sliding.push_back({windows[k].size, 1});
    padded.push_back(axes[k] + windows[k].size - 1);
  }
  spread.push_back({0, 1, merged});
  padded.push_back(merged);
  NodeId seen = window(pad(places, spread, padded), sliding);
  Axes split(axes.begin(), axes.begin() + static_cast<std::ptrdiff_t>(n));
  for (const Window& w : windows) split.push_back(w.size);
  split.insert(split.end(), lengths.begin(), lengths.end());
  seen = reshape(seen, split);

  std::vector<Along> backwards;
  for (std::size_t k = 0; k < by[1 - p].size(); ++k) {
    std::int64_t length = shape(kernel).axes[k];
    bool offset = has(offsets, by[1 - p][k]);
    backwards.push_back({offset ? length - 1 : 0, offset ? -1 : 1, length});
  }
  kernel = slice(kernel, backwards);
  Axes seen_labels(at.begin(), at.end()), result(at.begin(), at.end());
  seen_labels.insert(seen_labels.end(), offsets.begin(), offsets.end());
  seen_labels.insert(seen_labels.end(), rest.begin(), rest.end());
  result.push_back(out.back());
  return contract(seen, kernel, seen_labels, by[1 - p], result, rows);
}

NodeId Graph::window_add(NodeId x, std::span<const Window> windows, Axes axes) {
  x = to_real(x);
  Axes list, expected;
  for (std::size_t k = 0; k < windows.size(); ++k) {
    expected.push_back(positions(axes[k], windows[k]));
    list.insert(list.end(), {windows[k].size, windows[k].stride});
  }
  for (const Window& w : windows) expected.push_back(w.size);
  expected.push_back(axes.back());
  demand(shape(x).axes == expected, "windows that do not come from that shape");
  if (NodeId sums = convolution(x, windows, axes); sums.valid()) return sums;
  ShapeId id = shapes_.intern({has_rows(x), std::move(axes)});
  return structure({.kind = NodeKind::window_add, .shape = id, .numbers = lists_.intern(std::move(list))}, x);
}

NodeId Graph::take(NodeId table, NodeId indices, std::int64_t axis) {
  const Shape &from = shape(table), &at = shape(indices);
  auto k = static_cast<std::ptrdiff_t>(axis);
  demand(axis >= 0 && axis < static_cast<std::int64_t>(from.axes.size()), "no axis to take from");
  Shape to{from.rows || at.rows, {from.axes.begin(), from.axes.begin() + k}};
  to.axes.insert(to.axes.end(), at.axes.begin(), at.axes.end());
  to.axes.insert(to.axes.end(), from.axes.begin() + k + 1, from.axes.end());
  ShapeId id = shapes_.intern(to);
  return structure({.kind = NodeKind::take, .shape = id, .index = static_cast<std::int32_t>(axis)}, table,
                   indices);
}

NodeId Graph::order(OrderStatistic statistic, NodeId x, NodeId labels) {
  x = to_real(x);
  demand(has_rows(x), "a statistic over rows of a value without rows");
  if (labels.valid()) labels = to_real(labels);
  demand(operands_of(statistic) == (labels.valid() ? 2 : 1), "a statistic of other operands");
  demand(!labels.valid() || shape(labels) == shape(x), "labels in another shape than their scores");
  return structure(
      {.kind = NodeKind::order, .shape = Shapes::number, .index = static_cast<std::int32_t>(statistic)}, x,
      labels);
}

NodeId Graph::scatter_add(NodeId x, NodeId indices, std::int64_t axis, const Shape& to) {
  x = to_real(x);
  if (has_rows(indices)) x = broadcast(x);
  demand(!to.rows || has_rows(x), "a scatter to rows that its operand lacks");
  ShapeId id = shapes_.intern(to);
  return structure({.kind = NodeKind::scatter_add, .shape = id, .index = static_cast<std::int32_t>(axis)}, x,
                   indices);
}

}  // namespace slope
