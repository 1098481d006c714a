// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A row pass is
//   for each chunk of 4096 rows:  the chunk's totals = neutral
//     for each block of its rows: values, then totals = totals ∘ value
//   fold the chunks' totals by halves
// Between the passes stand the values without rows.
#include "codegen/emit_blocks.h"

#include "codegen/block_emitter.h"
#include "codegen/draw.h"

namespace slope {

namespace blocks {

template <class T>
void BlockEmitter<T>::emit_once(NodeId id) {
  inserter_.current = id;
  Place place(b_, 1);
  const Node& node = graph_[id];
  block_ = index(1), begin_ = index(0);
  if (graph_.is_number(id)) scalars_[id] = once_number(id, node);
  else if (plan_.kept(id)) compute(id);
  inserter_.current = {};
}

template <class T>
Value* BlockEmitter<T>::once_number(NodeId id, const Node& node) {
  Index first{index(0), 0};
  switch (node.kind) {
    case NodeKind::constant: return constant(node);
    case NodeKind::param: return load(frame_.params, {index(options_.param_offset(node.index))}, 1);
    case NodeKind::state: return load(frame_.states, {index(options_.state_offset(node.index))}, 1);
    case NodeKind::draw:
      return codegen::emit_draw<T>(b_, graph_.drawn(node), {frame_.seed, frame_.step}, index(0));
    case NodeKind::argument: return load(frame_.arguments, {index(node.index)}, 1);
    case NodeKind::row_count: return b_.CreateSIToFP(frame_.rows, real(), "rows.real");
    case NodeKind::scalar: {
      codegen::Operands x{};
      for (std::size_t k = 0; k < node.inputs().size(); ++k) x[k] = scalars_.at(node.operands[k]);
      return op_functions_.emit(node, x);
    }
    case NodeKind::broadcast:
    case NodeKind::permute:
    case NodeKind::slice:
    case NodeKind::window:
    case NodeKind::reshape: return at_one([&] { return pull(node.operands[0], under(id, {first, {}}), 1); });
    default: break;
  }
  compute(id);
  return load(buffer(id), first, 1);
}

template <class T>
void BlockEmitter<T>::emit_store(const Store& store_to) {
  NodeId id = store_to.value;
  inserter_.current = id;
  Value* base = element(codegen::target_of(frame_, store_to.to), index(options_.place(store_to)));
  if (graph_.is_number(id)) at_lanes(1, [&] { store(base, index(0), scalars_.at(id), 1); });
  else
    along(elements(shape(id)), [&](Value* i, int width) {
      Where where = linear(shape(id), {index(0), 0}, {i, width > 1});
      store(base, i, pull(id, where, width), width);
    });
  inserter_.current = {};
}

template <class T>
void BlockEmitter<T>::emit_pass(const RowPass& pass) {
  pack_before(pass);
  for (NodeId id : pass.reductions)
    if (!chunked(id) && !is_order(id)) fill(buffer(id), index(count_of(id)), neutral(id));
  Value* up = b_.CreateAdd(frame_.rows, index(chunk_rows - 1));
  Value* chunks = b_.CreateBinaryIntrinsic(Intrinsic::smax, b_.CreateUDiv(up, index(chunk_rows)), index(1),
                                           nullptr, "chunks");
  loop(b_, index(0), chunks, 1, "chunk", [&](Value* chunk) { emit_chunk(pass, chunk); });
  fold_chunks(pass, chunks);
}

template <class T>
double BlockEmitter<T>::neutral(NodeId id) const {
  const Node& node = graph_[id];
  return node.kind == NodeKind::reduce ? codegen::neutral_element(node.reduction) : -0.0;
}

template <class T>
void BlockEmitter<T>::pack_before(const RowPass& pass) {
  block_ = index(1);
  auto one = [&](NodeId id) {
    if (graph_[id].kind != NodeKind::contract) return;
    const Product& product = plan_.products.at(id);
    if (product.packed >= 0 && !shape(graph_[id].operands[static_cast<std::size_t>(product.packed)]).rows)
      pack(id);
  };
  for (NodeId id : pass.values) one(id);
  for (NodeId id : pass.reductions) one(id);
}

template <class T>
Value* BlockEmitter<T>::totals_of(Value* chunk, NodeId id) {
  Value* at = plus(index(plan_.fixed_size + plan_.totals[id.index()]), chunk, plan_.totals_size);
  return element(frame_.scratch, at);
}

template <class T>
void BlockEmitter<T>::emit_chunk(const RowPass& pass, Value* chunk) {
  for (NodeId id : pass.reductions)
    if (chunked(id)) fill(totals_of(chunk, id), index(std::max<std::int64_t>(count_of(id), L)), neutral(id));
  Value* first = b_.CreateMul(chunk, index(chunk_rows));
  Value* left = b_.CreateSub(frame_.rows, first);
  Value* count = b_.CreateBinaryIntrinsic(Intrinsic::smin, left, index(chunk_rows), nullptr, "chunk.rows");
  loop(b_, index(0), count, plan_.block_rows, "block", [&](Value* at) {
    begin_ = b_.CreateAdd(first, at, "block.begin");
    block_ = b_.CreateBinaryIntrinsic(Intrinsic::smin, b_.CreateSub(count, at), index(plan_.block_rows),
                                      nullptr, "block.rows");
    for (const std::vector<NodeId>* list : {&pass.broadcasts, &pass.values})
      for (NodeId id : *list)
        if (plan_.kept(id)) compute(id);
    for (NodeId id : pass.reductions) accumulate(id, chunk);
    for (const Store& store_to : kernel_.stores)
      if (store_to.to == Store::To::row_output &&
          std::find(pass.stored.begin(), pass.stored.end(), store_to.value) != pass.stored.end())
        store_rows(store_to.value, pointer_at(frame_.row_outputs, store_to.index));
  });
  for (NodeId id : pass.reductions) {
    if (!chunked(id) || graph_[id].kind != NodeKind::reduce || count_of(id) != 1) continue;
    Value* at = totals_of(chunk, id);
    Value* total = fold_width(graph_[id].reduction, load(at, {index(0), 1}, L), L);
    at_lanes(1, [&] { store(at, index(0), total, 1); });
  }
}

template <class T>
void BlockEmitter<T>::store_rows(NodeId id, Value* base) {
  inserter_.current = id;
  each(shape(id), true, [&](const Where& where, int width) {
    store(base, place(id, where, true).at, pull(id, where, width), width);
  });
  inserter_.current = {};
}

template <class T>
Value* BlockEmitter<T>::gathered(NodeId id, std::size_t operand) {
  Value* chunks = b_.CreateAdd(b_.CreateUDiv(frame_.rows, index(chunk_rows)), index(1));
  std::int64_t before = plan_.gathered.at(id);
  if (operand == 1) before += elements(shape(graph_[id].operands[0]));
  Value* rows = b_.CreateAdd(frame_.rows, index(gathered_padding));
  return element(frame_.scratch,
                 plus(plus(index(plan_.fixed_size), chunks, plan_.totals_size), rows, before));
}

template <class T>
Value* BlockEmitter<T>::order_statistic(NodeId id) {
  const Node& node = graph_[id];
  inserter_.current = id;
  llvm::Type *pointer = b_.getPtrTy(), *types[] = {b_.getInt32Ty(), pointer, pointer, b_.getInt64Ty()};
  FunctionCallee function =
      module_.getOrInsertFunction(order_symbol<T>, FunctionType::get(real(), types, false));
  Value* x = gathered(id, 0);
  Value* labels = node.arity() == 2 ? gathered(id, 1) : x;
  Value* count = b_.CreateMul(frame_.rows, index(elements(shape(node.operands[0]))));
  Value* value =
      b_.CreateCall(function, {b_.getInt32(static_cast<std::uint32_t>(node.index)), x, labels, count});
  inserter_.current = {};
  return value;
}

template <class T>
void BlockEmitter<T>::accumulate(NodeId id, Value* chunk) {
  if (is_order(id)) {
    for (std::size_t k = 0; k < graph_[id].inputs().size(); ++k)
      store_rows(graph_[id].operands[k], gathered(id, k));
    return;
  }
  inserter_.current = id;
  share(id, chunked(id) ? totals_of(chunk, id) : buffer(id), [&] { accumulate_here(id); });
  inserter_.current = {};
}

template <class T>
void BlockEmitter<T>::fold_chunks(const RowPass& pass, Value* chunks) {
  Value* zeros = b_.CreateBinaryIntrinsic(Intrinsic::ctlz, b_.CreateSub(chunks, index(1)), b_.getFalse());
  Value* levels = b_.CreateSub(index(64), zeros);
  loop(b_, index(0), levels, 1, "level", [&](Value* level) {
    Value* h = b_.CreateShl(index(1), b_.CreateSub(b_.CreateSub(levels, level), index(1)), "half");
    Value* upper = b_.CreateBinaryIntrinsic(Intrinsic::smin, h, b_.CreateSub(chunks, h));
    loop(b_, index(0), upper, 1, "j", [&](Value* j) {
      for (NodeId id : pass.reductions) {
        if (!chunked(id)) continue;
        Value *low = totals_of(j, id), *high = totals_of(b_.CreateAdd(j, h), id);
        Reduction how = graph_[id].kind == NodeKind::reduce ? graph_[id].reduction : Reduction::sum;
        along(count_of(id), [&](Value* i, int width) {
          Place in(b_, width);
          Index at{i, width > 1};
          store(low, i, codegen::combine<T>(how, load(low, at, width), load(high, at, width)), width);
        });
      }
    });
  });
  for (NodeId id : pass.reductions) {
    if (is_order(id)) {
      scalars_[id] = order_statistic(id);
    } else if (graph_.is_number(id)) {
      scalars_[id] = load(chunked(id) ? totals_of(index(0), id) : buffer(id), {index(0)}, 1);
    } else if (chunked(id)) {
      along(count_of(id), [&](Value* i, int width) {
        store(buffer(id), i, load(totals_of(index(0), id), {i, width > 1}, width), width);
      });
    }
  }
}

}  // namespace blocks

llvm::Function* emit_blocks(const Kernel& kernel, const CompileOptions& options, llvm::Module& module,
                            InstructionNodes& nodes) {
  if (kernel.graph->precision() == Precision::f32)
    return blocks::BlockEmitter<float>(kernel, options, module, nodes).run();
  return blocks::BlockEmitter<double>(kernel, options, module, nodes).run();
}

}  // namespace slope
