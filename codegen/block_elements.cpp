// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Where the elements of a value lie, through views, and the instructions that read them.
#include "base/diagnostic.h"
#include "codegen/block_emitter.h"
#include "codegen/draw.h"

namespace slope::blocks {

template <class T>
Value* BlockEmitter<T>::load_lanes(Value* base, llvm::Type* type, unsigned bytes, Index at, int width,
                                   Value* most_lanes) {
  auto one = [&](Value* i) {
    return b_.CreateAlignedLoad(type, b_.CreateInBoundsGEP(type, base, i), Align(bytes));
  };
  if (width == 1) return one(at.at);
  if (at.lanes == 0) return splat(one(at.at), width);
  if (at.lanes == 1)
    return b_.CreateAlignedLoad(shaped(type, width), b_.CreateInBoundsGEP(type, base, at.at), Align(bytes));
  Value* out = PoisonValue::get(shaped(type, width));
  for (int l = 0; l < width; ++l) {
    Value* lane = index(std::min<std::int64_t>(l, valid_ - 1));
    if (most_lanes) lane = b_.CreateBinaryIntrinsic(Intrinsic::smin, lane, most_lanes);
    out = b_.CreateInsertElement(out, one(plus(at.at, lane, at.lanes)), static_cast<std::uint64_t>(l));
  }
  return out;
}

template <class T>
Value* BlockEmitter<T>::load_column(const Node& node, Value* base, Index at, int width, Value* most_lanes) {
  Storage storage = options_.storages.at(static_cast<std::size_t>(node.index));
  Value* cells =
      load_lanes(base, cell_type(node), static_cast<unsigned>(size_of(storage)), at, width, most_lanes);
  llvm::Type* wanted = shaped(real(), width);
  if (storage == Storage::u8) return b_.CreateUIToFP(cells, wanted);
  if (storage == Storage::i16 || storage == Storage::i32) return b_.CreateSIToFP(cells, wanted);
  return storage == Storage::f32 && std::is_same_v<T, double> ? b_.CreateFPExt(cells, wanted) : cells;
}

template <class T>
Value* BlockEmitter<T>::array(const Node& node) {
  Value*& known = arrays_[node.index];
  if (known) return known;
  std::vector<Constant*> values;
  for (double value : graph_.values(node)) values.push_back(ConstantFP::get(real(), value));
  values.resize(values.size() + L, ConstantFP::get(real(), 0.0));
  auto* type = ArrayType::get(real(), values.size());
  auto* global = new GlobalVariable(module_, type, true, GlobalValue::InternalLinkage,
                                    ConstantArray::get(type, values), kernel_.name + ".array");
  global->setAlignment(Align(64));
  return known = global;
}

template <class T>
Value* BlockEmitter<T>::pull(NodeId id, const Where& where, int width) {
  const Node& node = graph_[id];
  if (graph_.is_number(id)) return splat(number_of(id), width);
  Value* most_lanes = nullptr;
  if (!where.flat && where.row.lanes) most_lanes = b_.CreateSub(b_.CreateSub(block_, where.row.at), index(1));
  if (shared_)
    if (auto found = shared_->memory.find(id); found != shared_->memory.end())
      return load_through(id, found->second, where, width, most_lanes);
  if (in_memory(graph_, plan_, id)) return load_memory(id, base_of(id), where, width, most_lanes);
  switch (node.kind) {
    case NodeKind::scalar: {
      codegen::Operands x{};
      for (std::size_t k = 0; k < node.inputs().size(); ++k) x[k] = pull(node.operands[k], where, width);
      NodeId outer = std::exchange(inserter_.current, id);
      Place at(b_, width);
      Value* value = op_functions_.emit(node, x);
      inserter_.current = outer;
      return value;
    }
    case NodeKind::broadcast:
    case NodeKind::permute:
    case NodeKind::slice:
    case NodeKind::window:
    case NodeKind::reshape: return pull(node.operands[0], under(id, where), width);
    default: internal_error("a value that has no place in memory");
  }
}

template <class T>
Value* BlockEmitter<T>::draw(NodeId id, const Node& node, const Where& where, int width) {
  codegen::DrawArguments arguments{frame_.seed, frame_.step};
  Index at = flat(shape(id), where.axes);
  if (shape(id).rows) {
    bool along_rows = where.row.lanes != 0;
    Value* row =
        codegen::row_numbers(b_, frame_.row_numbers, plus(where.row.at, begin_), along_rows ? width : 1);
    Value* first = b_.CreateMul(row, splat(index(elements(shape(id))), along_rows ? width : 1));
    at.at = b_.CreateAdd(first, splat(at.at, along_rows ? width : 1));
  }
  Value* places = at.at->getType()->isVectorTy() ? at.at : splat(at.at, width);
  if (width > 1 && at.lanes != 0) {
    std::vector<std::uint64_t> lanes;
    for (int l = 0; l < width; ++l) lanes.push_back(static_cast<std::uint64_t>(l * at.lanes));
    places = b_.CreateAdd(places, ConstantDataVector::get(b_.getContext(), lanes));
  }
  Place in_force(b_, width);
  return codegen::emit_draw<T>(b_, graph_.drawn(node), arguments, places);
}

template <class T>
Where BlockEmitter<T>::under(NodeId id, const Where& where) {
  const Node& node = graph_[id];
  NodeId from = node.operands[0];
  const Shape &own = shape(id), &inner = shape(from);
  if (where.flat) return where;  // numbers only are repeated then
  Where out{where.row, {}};
  if (!inner.rows) out.row = {index(0), 0};
  switch (node.kind) {
    case NodeKind::broadcast: {
      std::size_t missing = own.axes.size() - inner.axes.size();
      for (std::size_t k = 0; k < inner.axes.size(); ++k)
        out.axes.push_back(inner.axes[k] == 1 ? Index{index(0), 0} : where.axes[missing + k]);
      break;
    }
    case NodeKind::permute: {
      const Axes& order = graph_.numbers(node);
      out.axes.resize(order.size());
      for (std::size_t k = 0; k < order.size(); ++k)
        out.axes[static_cast<std::size_t>(order[k])] = where.axes[k];
      break;
    }
    case NodeKind::slice: {
      auto along = graph_.along(node);
      for (std::size_t k = 0; k < along.size(); ++k)
        out.axes.push_back({plus(index(from_zero_ ? 0 : along[k].begin), where.axes[k].at, along[k].step),
                            where.axes[k].lanes * along[k].step});
      break;
    }
    case NodeKind::window: {
      auto windows = graph_.windows(node);
      std::size_t n = windows.size();
      for (std::size_t k = 0; k < n; ++k)
        out.axes.push_back({plus(where.axes[n + k].at, where.axes[k].at, windows[k].stride),
                            where.axes[n + k].lanes + where.axes[k].lanes * windows[k].stride});
      out.axes.push_back(where.axes[2 * n]);
      break;
    }
    default: {  // reshape, of contiguous memory
      Index row = out.row;
      out = linear(inner, row, flat(own, where.axes));
    }
  }
  return out;
}

template <class T>
Where BlockEmitter<T>::linear(const Shape& of, Index row, Index at) {
  Where out{row, {}};
  std::size_t last = of.axes.size();
  for (std::size_t k = 0; k < of.axes.size(); ++k)
    if (of.axes[k] != 1) last = k;
  for (std::size_t k = 0; k < of.axes.size(); ++k) out.axes.push_back(k == last ? at : Index{index(0), 0});
  return out;
}

template Value* BlockEmitter<float>::load_lanes(Value*, llvm::Type*, unsigned, Index, int, Value*);
template Value* BlockEmitter<double>::load_lanes(Value*, llvm::Type*, unsigned, Index, int, Value*);
template Value* BlockEmitter<float>::load_column(const Node&, Value*, Index, int, Value*);
template Value* BlockEmitter<double>::load_column(const Node&, Value*, Index, int, Value*);
template Value* BlockEmitter<float>::array(const Node&);
template Value* BlockEmitter<double>::array(const Node&);
template Value* BlockEmitter<float>::pull(NodeId, const Where&, int);
template Value* BlockEmitter<double>::pull(NodeId, const Where&, int);
template Value* BlockEmitter<float>::draw(NodeId, const Node&, const Where&, int);
template Value* BlockEmitter<double>::draw(NodeId, const Node&, const Where&, int);
template Where BlockEmitter<float>::under(NodeId, const Where&);
template Where BlockEmitter<double>::under(NodeId, const Where&);
template Where BlockEmitter<float>::linear(const Shape&, Index, Index);
template Where BlockEmitter<double>::linear(const Shape&, Index, Index);

}  // namespace slope::blocks
