// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Contractions: sums of products, four of which share a vector of one operand.
#include <functional>

#include "codegen/block_emitter.h"

namespace slope::blocks {

template <class T>
typename BlockEmitter<T>::Labels BlockEmitter<T>::labels_of(const Node& node) const {
  auto l = graph_.labels(node);
  Labels out{l.a, l.b, l.out, {}, {}};
  auto note = [&](std::span<const std::int64_t> labels, const Shape& of) {
    for (std::size_t k = 0; k < labels.size(); ++k) {
      out.length[labels[k]] = of.axes[k];
      bool kept = std::find(l.out.begin(), l.out.end(), labels[k]) != l.out.end();
      if (!kept && std::find(out.inner.begin(), out.inner.end(), labels[k]) == out.inner.end())
        out.inner.push_back(labels[k]);
    }
  };
  note(l.a, shape(node.operands[0]));
  note(l.b, shape(node.operands[1]));
  return out;
}

template <class T>
Value* BlockEmitter<T>::factor(NodeId id, const Node& node, std::size_t k, const Labels& l, Index row,
                               const At& at, int width) {
  auto own = k == 0 ? l.a : l.b;
  NodeId x = node.operands[k];
  const Product& product = plan_.products.at(id);
  if (product.packed == static_cast<int>(k)) {
    Index place = flat(packed_shape(x, own, product), packed_axes(own, product, at));
    if (shape(x).rows) place.at = plus(place.at, row.at, elements(shape(x)));
    return load(pack_of(product), place, width);
  }
  Where where{shape(x).rows ? row : Index{index(0), 0}, {}};
  for (std::int64_t label : own) where.axes.push_back(at.at(label));
  return pull(x, where, width);
}

template <class T>
Shape BlockEmitter<T>::packed_shape(NodeId x, std::span<const std::int64_t> own,
                                    const Product& product) const {
  Shape out{false, {}};
  std::int64_t last = 1;
  for (std::size_t k = 0; k < own.size(); ++k)
    if (own[k] == product.vector_label) last = shape(x).axes[k];
    else out.axes.push_back(shape(x).axes[k]);
  out.axes.push_back(last);
  return out;
}

template <class T>
std::vector<Index> BlockEmitter<T>::packed_axes(std::span<const std::int64_t> own, const Product& product,
                                                const At& at) {
  std::vector<Index> out;
  for (std::int64_t label : own)
    if (label != product.vector_label) out.push_back(at.at(label));
  out.push_back(at.at(product.vector_label));
  return out;
}

template <class T>
void BlockEmitter<T>::pack(NodeId id) {
  const Product& product = plan_.products.at(id);
  if (product.packed < 0) return;
  NodeId outer = std::exchange(inserter_.current, id);
  const Node& node = graph_[id];
  NodeId x = node.operands[static_cast<std::size_t>(product.packed)];
  Labels l = labels_of(node);
  auto own = product.packed == 0 ? l.a : l.b;
  Shape from{shape(x).rows, shape(x).axes};
  each(from, false, [&](const Where& where, int) {
    At at;
    for (std::size_t k = 0; k < own.size(); ++k) at[own[k]] = where.axes[k];
    Index to = flat(packed_shape(x, own, product), packed_axes(own, product, at));
    if (from.rows) to.at = plus(to.at, where.row.at, elements(from));
    store(pack_of(product), to.at, pull(x, where, 1), 1);
  });
  inserter_.current = outer;
}

template <class T>
void BlockEmitter<T>::compute_contraction(NodeId id, const Node& node) {
  Labels l = labels_of(node);
  const Product& product = plan_.products.at(id);
  bool over = graph_.sums_rows(id), rows = shape(id).rows;
  bool in_pass = rows || over;
  if (product.packed >= 0 &&
      (!in_pass || shape(node.operands[static_cast<std::size_t>(product.packed)]).rows))
    pack(id);
  std::int64_t v = product.vector_label;
  std::size_t vector_operand = v >= 0 && has(l.b, v) && !(has(l.a, v) && product.packed == 0) ? 1 : 0;
  auto own = vector_operand == 0 ? l.a : l.b;
  // What the vector operand does not change with: sums along it share its vectors.
  std::int64_t tiled = -1;
  bool tile_rows = false;
  for (std::int64_t label : l.out)
    if (v >= 0 && label != v && !has(own, label) && l.length.at(label) > 1) tiled = label;
  if (v >= 0 && tiled < 0 && rows && !shape(node.operands[vector_operand]).rows) tile_rows = true;

  auto sums = [&](Index row, const At& at, std::int64_t count, int width) {
    sum_products(id, node, l, row, at, {tiled, tile_rows, count, vector_operand}, width, over);
  };
  auto vectors = [&](Index row, const At& at, std::int64_t count) {
    if (v < 0) return at_lanes(1, [&] { sums(row, at, count, 1); });
    along(l.length.at(v), [&](Value* i, int width) {
      At inner = at;
      inner[v] = {i, width > 1};
      sums(row, inner, count, width);
    });
  };
  std::function<void(Index, const At&, std::int64_t, std::size_t)> axes =
      [&](Index row, const At& at, std::int64_t count, std::size_t axis) {
        if (axis == l.out.size()) return vectors(row, at, count);
        std::int64_t label = l.out[axis], length = l.length.at(label);
        if (label == v) return axes(row, at, count, axis + 1);
        auto steps = [&](std::int64_t begin, std::int64_t end, std::int64_t step, std::int64_t together) {
          loop(b_, index(begin), index(end), step, "i", [&](Value* i) {
            At inner = at;
            inner[label] = {i, 0};
            axes(row, inner, together, axis + 1);
          });
        };
        if (label != tiled) return steps(0, length, 1, count);
        steps(0, length / tile * tile, tile, tile);
        steps(length / tile * tile, length, 1, 1);
      };
  if (!rows) return axes({index(0), 0}, {}, 1, 0);
  Value* whole = tile_rows ? b_.CreateAnd(block_, index(-tile)) : static_cast<Value*>(index(0));
  if (tile_rows) loop(b_, index(0), whole, tile, "row", [&](Value* r) { axes({r, 0}, {}, tile, 0); });
  loop(b_, whole, block_, 1, "row", [&](Value* r) { axes({r, 0}, {}, 1, 0); });
}

template <class T>
void BlockEmitter<T>::sum_products(NodeId id, const Node& node, const Labels& l, Index row, const At& at,
                                   const Tiling& tiling, int width, bool over) {
  auto shifted = [&](std::int64_t t, Index& r, At& a) {
    if (tiling.rows) r.at = plus(r.at, index(t));
    else if (tiling.label >= 0) a[tiling.label].at = plus(a[tiling.label].at, index(t));
  };
  auto target = [&](std::int64_t t) {
    Index r = row;
    At a = at;
    shifted(t, r, a);
    std::vector<Index> axes;
    for (std::int64_t label : l.out) axes.push_back(a.at(label));
    Index place = flat(shape(id), axes);
    if (shape(id).rows) place.at = plus(place.at, r.at, elements(shape(id)));
    return place;
  };
  Carried start;
  for (std::int64_t t = 0; t < tiling.count; ++t)
    start.push_back(over ? load(target_, target(t), width) : static_cast<Value*>(number(-0.0, width)));
  std::function<Carried(Index, const At&, const Carried&, std::size_t)> inner =
      [&](Index r, const At& a, const Carried& sums, std::size_t k) -> Carried {
    if (k < l.inner.size())
      return loop_carrying(b_, index(0), index(l.length.at(l.inner[k])), 1, "k", sums,
                           [&](Value* i, const Carried& c) {
                             At next = a;
                             next[l.inner[k]] = {i, 0};
                             return inner(r, next, c, k + 1);
                           });
    Carried out;
    Value* shared = factor(id, node, tiling.vector_operand, l, r, a, width);
    for (std::int64_t t = 0; t < tiling.count; ++t) {
      Index rt = r;
      At at_t = a;
      shifted(t, rt, at_t);
      Value* other = factor(id, node, 1 - tiling.vector_operand, l, rt, at_t, width);
      out.push_back(b_.CreateIntrinsic(Intrinsic::fma, {shared->getType()},
                                       {other, shared, sums[static_cast<std::size_t>(t)]}));
    }
    return out;
  };
  Carried sums = over ? loop_carrying(b_, index(0), block_, 1, "row", start,
                                      [&](Value* r, const Carried& c) { return inner({r, 0}, at, c, 0); })
                      : inner(row, at, start, 0);
  for (std::int64_t t = 0; t < tiling.count; ++t)
    store(target_, target(t).at, sums[static_cast<std::size_t>(t)], width);
}

template void BlockEmitter<float>::pack(NodeId);
template void BlockEmitter<double>::pack(NodeId);
template void BlockEmitter<float>::compute_contraction(NodeId, const Node&);
template void BlockEmitter<double>::compute_contraction(NodeId, const Node&);

}  // namespace slope::blocks
