// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Values that are kept in a block: ops and views, reductions, moves, overlapping sums, sums over rows.
#include "codegen/block_emitter.h"

namespace slope::blocks {

template <class T>
void BlockEmitter<T>::compute_here(NodeId id) {
  const Node& node = graph_[id];
  switch (node.kind) {
    case NodeKind::reduce: compute_reduction(id, node); break;
    case NodeKind::arg_reduce: compute_arg_reduction(id, node); break;
    case NodeKind::contract: compute_contraction(id, node); break;
    case NodeKind::pad: compute_pad(id, node); break;
    case NodeKind::concat: compute_concat(id, node); break;
    case NodeKind::take: compute_take(id, node); break;
    case NodeKind::scatter_add: fill(id, -0.0), add_scattered(node, shape(id)); break;
    case NodeKind::window_add: compute_window_add(id, node); break;
    default: compute_elements(id);
  }
}

template <class T>
void BlockEmitter<T>::compute_elements(NodeId id) {
  const Node& node = graph_[id];
  auto value = [&](const Where& where, int width) {
    if (node.kind == NodeKind::draw) return draw(id, node, where, width);
    if (node.arity() == 0) return load(leaf(node), place(id, where, false), width);
    if (node.kind != NodeKind::scalar) return pull(node.operands[0], under(id, where), width);
    codegen::Operands x{};
    for (std::size_t k = 0; k < node.inputs().size(); ++k) x[k] = pull(node.operands[k], where, width);
    Place at(b_, width);
    inserter_.current = id;
    return op_functions_.emit(node, x);
  };
  if (node.kind == NodeKind::scalar && one_shape(node, shape(id)) && !shape(id).axes.empty()) {
    std::int64_t count = elements(shape(id));
    Value* end = shape(id).rows ? b_.CreateMul(block_, index(count)) : index(count);
    loop(b_, index(0), end, L, "i",
         [&](Value* i) { at_lanes(L, [&] { store(target_, i, value(Where{{}, {}, i}, L), L); }); });
    return;
  }
  each(shape(id), true, [&](const Where& where, int width) { put(id, where, value(where, width), width); });
}

template <class T>
bool BlockEmitter<T>::one_shape(const Node& node, const Shape& own) const {
  for (NodeId input : node.inputs()) {
    const Node& x = graph_[input];
    if (graph_.is_number(input)) continue;
    if (x.kind == NodeKind::broadcast && !plan_.kept(input) && graph_.is_number(x.operands[0])) continue;
    bool memory = in_memory(graph_, plan_, input);
    if (memory && shape(input) == own) continue;
    if (!memory && x.kind == NodeKind::scalar && one_shape(x, own)) continue;
    return false;
  }
  return true;
}

template <class T>
void BlockEmitter<T>::compute_reduction(NodeId id, const Node& node) {
  NodeId x = node.operands[0];
  std::int64_t n = shape(x).axes.back();
  std::int64_t chunks = std::max<std::int64_t>((n + chunk_rows - 1) / chunk_rows, 1);
  Value* totals = nullptr;
  if (chunks > 1) {
    BasicBlock& entry = b_.GetInsertBlock()->getParent()->getEntryBlock();
    totals = IRBuilder<>(&entry, entry.begin())
                 .CreateAlloca(real(), index(std::bit_ceil(static_cast<std::uint64_t>(chunks))));
  }
  each(shape(id), false, [&](const Where& where, int) {
    auto chunk = [&](std::int64_t begin) {
      return fold_range(node, x, where, begin, std::min(chunk_rows, n - begin));
    };
    if (chunks == 1) return put(id, where, chunk(0), 1);
    for (std::int64_t c = 0; c < chunks; ++c)
      b_.CreateAlignedStore(chunk(c * chunk_rows), element(totals, index(c)), Align(sizeof(T)));
    std::vector<Value*> sums;
    for (std::int64_t c = 0; c < chunks; ++c) sums.push_back(load(totals, {index(c)}, 1));
    put(id, where, fold_values(node.reduction, sums), 1);
  });
}

template <class T>
Value* BlockEmitter<T>::fold_values(Reduction reduction, std::vector<Value*> x) {
  Place at(b_, 1);
  std::size_t n = std::bit_ceil(x.size());
  for (std::size_t h = n / 2; h > 0; h /= 2)
    for (std::size_t j = 0; j < h; ++j)
      if (j + h < x.size()) {
        x[j] = codegen::combine<T>(reduction, x[j], x[j + h]);
        if (j + 1 == h) x.resize(h);
      } else if (j + 1 == h) {
        x.resize(std::min(x.size(), h));
      }
  return x[0];
}

template <class T>
Value* BlockEmitter<T>::fold_range(const Node& node, NodeId x, const Where& where, std::int64_t begin,
                                   std::int64_t count) {
  int width = width_for(count);
  auto at = [&](Value* i, int w) {
    Where inner = where;
    inner.axes.push_back({i, w > 1});
    return pull(x, inner, w);
  };
  auto combine = [&](Value* sum, Value* value) {
    Place place(b_, width);
    return codegen::combine<T>(node.reduction, sum, value);
  };
  std::int64_t whole = count / width * width;
  Value* lanes = number(codegen::neutral_element(node.reduction), width);
  at_lanes(width, [&] {
    lanes =
        loop_carrying(b_, index(begin), index(begin + whole), width, "k", {lanes},
                      [&](Value* i, const Carried& c) { return Carried{combine(c[0], at(i, width))}; })[0];
  });
  if (whole < count)
    at_lanes(count - whole, [&] {
      Value* sum = combine(lanes, at(index(begin + whole), width));
      lanes = b_.CreateSelect(first_lanes(count - whole, width), sum, lanes);
    });
  return fold_width(node.reduction, lanes, width);
}

template <class T>
void BlockEmitter<T>::compute_arg_reduction(NodeId id, const Node& node) {
  NodeId x = node.operands[0];
  std::int64_t n = shape(x).axes.back();
  each(shape(id), false, [&](const Where& where, int) {
    auto at = [&](Value* i) {
      Where inner = where;
      inner.axes.push_back({i, 0});
      return pull(x, inner, 1);
    };
    Carried best = loop_carrying(
        b_, index(1), index(n), 1, "k", {at(index(0)), index(0)}, [&](Value* i, const Carried& c) {
          Value* value = at(i);
          Value* better = node.reduction == Reduction::max ? b_.CreateFCmpOGT(value, c[0])
                                                           : b_.CreateFCmpOLT(value, c[0]);
          Value* first_nan = b_.CreateAnd(b_.CreateFCmpUNO(value, value), b_.CreateFCmpORD(c[0], c[0]));
          better = b_.CreateOr(better, first_nan);
          return Carried{b_.CreateSelect(better, value, c[0]), b_.CreateSelect(better, i, c[1])};
        });
    put(id, where, b_.CreateSIToFP(best[1], real()), 1);
  });
}

template <class T>
void BlockEmitter<T>::fill(NodeId id, double value) {
  std::int64_t count = elements(shape(id));
  Value* end = shape(id).rows ? b_.CreateMul(block_, index(count)) : index(count);
  fill(target_, end, value);
}

template <class T>
void BlockEmitter<T>::compute_pad(NodeId id, const Node& node) {
  fill(id, node.value);
  auto along = graph_.along(node);
  bool vectors = along.empty() || along.back().step == 1;
  each(shape(node.operands[0]), vectors, [&](const Where& where, int width) {
    Where to = where;
    for (std::size_t k = 0; k < along.size(); ++k)
      to.axes[k].at = plus(index(along[k].begin), where.axes[k].at, along[k].step);
    put(id, to, pull(node.operands[0], where, width), width);
  });
}

template <class T>
void BlockEmitter<T>::compute_concat(NodeId id, const Node& node) {
  auto axis = static_cast<std::size_t>(node.index);
  for (std::size_t k = 0; k < 2; ++k) {
    std::int64_t offset = k == 0 ? 0 : shape(node.operands[0]).axes[axis];
    each(shape(node.operands[k]), true, [&](const Where& where, int width) {
      Where to = where;
      to.axes[axis].at = plus(index(offset), where.axes[axis].at);
      put(id, to, pull(node.operands[k], where, width), width);
    });
  }
}

template <class T>
Value* BlockEmitter<T>::taken_index(NodeId indices, Index row, std::span<const Index> axes) {
  Where where{shape(indices).rows ? row : Index{index(0), 0}, {axes.begin(), axes.end()}};
  return b_.CreateFPToSI(pull(indices, where, 1), b_.getInt64Ty());
}

template <class T>
void BlockEmitter<T>::compute_take(NodeId id, const Node& node) {
  NodeId table = node.operands[0], indices = node.operands[1];
  auto before = static_cast<std::size_t>(node.index), n = shape(indices).axes.size();
  bool vectors = shape(id).axes.size() > before + n;
  each(shape(id), vectors, [&](const Where& where, int width) {
    std::span<const Index> axes(where.axes);
    Where from{shape(table).rows ? where.row : Index{index(0), 0}, {axes.begin(), axes.begin() + before}};
    from.axes.push_back({taken_index(indices, where.row, axes.subspan(before, n)), 0});
    from.axes.insert(from.axes.end(), axes.begin() + before + n, axes.end());
    put(id, where, pull(table, from, width), width);
  });
}

template <class T>
void BlockEmitter<T>::add_scattered(const Node& node, const Shape& own) {
  NodeId x = node.operands[0], indices = node.operands[1];
  auto before = static_cast<std::size_t>(node.index), n = shape(indices).axes.size();
  bool vectors = shape(x).axes.size() > before + n;
  each(shape(x), vectors, [&](const Where& where, int width) {
    std::span<const Index> axes(where.axes);
    std::vector<Index> at(axes.begin(), axes.begin() + before);
    at.push_back({taken_index(indices, where.row, axes.subspan(before, n)), 0});
    at.insert(at.end(), axes.begin() + before + n, axes.end());
    Index place = flat(own, at);
    if (own.rows) place.at = plus(place.at, where.row.at, elements(own));
    Value* sum = b_.CreateFAdd(load(target_, {place.at, width > 1}, width), pull(x, where, width));
    store(target_, place.at, sum, width);
  });
}

template <class T>
void BlockEmitter<T>::compute_window_add(NodeId id, const Node& node) {
  fill(id, -0.0);
  auto windows = graph_.windows(node);
  std::size_t n = windows.size();
  each(shape(node.operands[0]), true, [&](const Where& where, int width) {
    Where to{where.row, {}};
    for (std::size_t k = 0; k < n; ++k)
      to.axes.push_back({plus(where.axes[n + k].at, where.axes[k].at, windows[k].stride), 0});
    to.axes.push_back(where.axes[2 * n]);
    Value* at = place(id, to, false).at;
    Value* sum = b_.CreateFAdd(load(target_, {at, width > 1}, width), pull(node.operands[0], where, width));
    store(target_, at, sum, width);
  });
}

template <class T>
void BlockEmitter<T>::accumulate_here(NodeId id) {
  const Node& node = graph_[id];
  if (node.kind == NodeKind::contract) return compute_contraction(id, node);
  if (node.kind == NodeKind::scatter_add) return add_scattered(node, shape(id));
  if (count_of(id) == 1) return accumulate_number(node);
  each(shape(id), true, [&](const Where& where, int width) {
    Value* at = flat(shape(id), where.axes).at;
    Value* sum = loop_carrying(b_, index(0), block_, 1, "row", {load(target_, {at, width > 1}, width)},
                               [&](Value* r, const Carried& c) {
                                 Where inner = where;
                                 inner.row = {r, 0};
                                 Value* x = pull(node.operands[0], inner, width);
                                 Place in(b_, width);
                                 return Carried{codegen::combine<T>(node.reduction, c[0], x)};
                               })[0];
    store(target_, at, sum, width);
  });
}

template <class T>
void BlockEmitter<T>::accumulate_number(const Node& node) {
  NodeId x = node.operands[0];
  at_lanes(L, [&] {
    Carried lanes = loop_carrying(
        b_, index(0), block_, L, "row", {load(target_, {index(0), 1}, L)}, [&](Value* r, const Carried& c) {
          Where where{{r, 1}, std::vector<Index>(shape(x).axes.size(), Index{index(0), 0})};
          Value* value = pull(x, where, L);
          Place in(b_, L);
          Value* sum = codegen::combine<T>(node.reduction, c[0], value);
          Value* left = b_.CreateTrunc(b_.CreateSub(block_, r), b_.getInt32Ty());
          Value* exists = b_.CreateICmpULT(codegen::lane_numbers<T>(b_), b_.CreateVectorSplat(L, left));
          return Carried{b_.CreateSelect(exists, sum, c[0])};
        });
    store(target_, index(0), lanes[0], L);
  });
}

template void BlockEmitter<float>::compute_here(NodeId);
template void BlockEmitter<double>::compute_here(NodeId);
template void BlockEmitter<float>::accumulate_here(NodeId);
template void BlockEmitter<double>::accumulate_here(NodeId);

}  // namespace slope::blocks
