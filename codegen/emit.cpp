// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The emitter is memoised by node: each value is emitted once at its level (scalar, spread before a pass,
// row), so there is nothing left to hoist and no IR pass runs afterwards.
//
// The shape of a row pass, for chunks of 4096 rows and L lanes:
//   spread the broadcasts
//   chunk:  for each chunk:  lanes = neutral
//     rows:      for whole vectors of the chunk:  values; lanes = lanes ∘ value
//     remainder: where rows are left:  values; lanes = lanes ∘ value where the row exists
//                (a large pass: both in one, masked)
//     fold the lanes by halves; keep the chunk's totals in scratch
//   fold the chunks' totals by halves
#include "codegen/emit.h"

#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Intrinsics.h>

#include <algorithm>
#include <cstddef>

#include "base/diagnostic.h"
#include "codegen/block_plan.h"
#include "codegen/draw.h"
#include "codegen/emit_blocks.h"
#include "codegen/paged.h"
#include "codegen/row_code.h"
#include "codegen/schedule.h"

namespace slope {

constinit thread_local codegen::Place* codegen::Place::current = nullptr;

namespace {

using namespace llvm;
using codegen::Inserter, codegen::Place;
using Values = std::unordered_map<NodeId, Value*>;

template <class T>
class Emitter {
 public:
  Emitter(const Kernel& kernel, const CompileOptions& options, Module& module, InstructionNodes& nodes)
      : kernel_(kernel),
        options_(options),
        graph_(*kernel.graph),
        inserter_(nodes),
        b_(module.getContext(), folder_, inserter_, nullptr, {}),
        module_(module),
        op_functions_(b_, inserter_, kernel.name, inlined_instructions),
        frame_(b_, module, kernel),
        uses_(op_count) {
    for (std::size_t i = 0; i < graph_.size(); ++i) {
      const Node& node = graph_[NodeId(static_cast<std::int64_t>(i))];
      if (node.kind == NodeKind::scalar) ++uses_[static_cast<std::size_t>(node.op)];
    }
  }

  Function* run() {
    Schedule order = schedule(graph_, roots());
    for (std::size_t p = 0; p < order.scalars.size(); ++p) {
      for (NodeId id : order.scalars[p]) emit_scalar(id);
      if (p < order.passes.size()) emit_pass(order.passes[p]);
    }
    for (const Store& store : kernel_.stores)
      if (store.to != Store::To::row_output) emit_store(store);
    b_.CreateRetVoid();
    return frame_.function;
  }

 private:
  static constexpr int L = codegen::lane_count<T>;
  static constexpr std::size_t small_pass = 64;  // values
  // Of an op's text that is put in place however often it occurs: more than exp's, less than sin's with its
  // rare case.
  static constexpr std::size_t inlined_instructions = 100;
  static constexpr int few_uses = 2;

  // --- the frame ---
  std::vector<NodeId> roots() const {
    std::vector<NodeId> ids;
    for (const Store& store : kernel_.stores) ids.push_back(store.value);
    return ids;
  }

  BasicBlock* block(const Twine& name) { return BasicBlock::Create(b_.getContext(), name, frame_.function); }
  llvm::Type* real() { return std::is_same_v<T, double> ? b_.getDoubleTy() : b_.getFloatTy(); }
  VectorType* vector(llvm::Type* element) { return FixedVectorType::get(element, L); }
  Constant* index(std::int64_t i) { return b_.getInt64(static_cast<std::uint64_t>(i)); }
  Value* element(Value* array, Value* i) { return b_.CreateInBoundsGEP(real(), array, i); }
  Value* load(Value* array, std::int64_t i, const Twine& name = "") {
    return b_.CreateAlignedLoad(real(), element(array, index(i)), Align(sizeof(T)), name);
  }

  // --- values without rows ---
  void emit_scalar(NodeId id) {
    inserter_.current = id;
    Place place(b_, 1);
    const Node& node = graph_[id];
    switch (node.kind) {
      case NodeKind::constant:
        scalars_[id] = node.type == slope::Type::truth ? static_cast<Value*>(b_.getInt1(node.value != 0))
                                                       : ConstantFP::get(real(), node.value);
        break;
      case NodeKind::param:
        scalars_[id] = load(frame_.params, options_.param_offset(node.index), name_of(id));
        break;
      case NodeKind::state:
        scalars_[id] = load(frame_.states, options_.state_offset(node.index), name_of(id));
        break;
      case NodeKind::draw:
        scalars_[id] = codegen::emit_draw<T>(b_, graph_.drawn(node), draws(), index(0));
        break;
      case NodeKind::argument: scalars_[id] = load(frame_.arguments, node.index, "rate"); break;
      case NodeKind::row_count: scalars_[id] = b_.CreateSIToFP(frame_.rows, real(), "rows.real"); break;
      case NodeKind::scalar: scalars_[id] = emit_op(node, operands(node, scalars_)); break;
      case NodeKind::data:
      case NodeKind::broadcast:
      case NodeKind::reduce: internal_error("a node with rows among the scalars");
      case NodeKind::tap:
      case NodeKind::stop_gradient: internal_error("a node that graph/fuse.h should have taken out");
      default: internal_error("a value with axes in a graph of numbers");
    }
    inserter_.current = {};
  }

  Value* emit_op(const Node& node, const codegen::Operands& x) {
    if (uses_[static_cast<std::size_t>(node.op)] <= few_uses) return codegen::emit_op<T>(node.op, x);
    return op_functions_.emit(node, x);
  }

  codegen::DrawArguments draws() const { return {frame_.seed, frame_.step}; }
  std::string name_of(NodeId id) const { return std::string(graph_.name(id)); }

  codegen::Operands operands(const Node& node, const Values& values) const {
    codegen::Operands x{};
    for (std::size_t k = 0; k < node.inputs().size(); ++k) x[k] = values.at(node.operands[k]);
    return x;
  }

  void emit_store(const Store& store) {
    inserter_.current = store.value;
    Value* to = element(codegen::target_of(frame_, store.to), index(options_.place(store)));
    b_.CreateAlignedStore(scalars_.at(store.value), to, Align(sizeof(T)));
    inserter_.current = {};
  }

  // --- a row pass ---
  struct PassState {
    const RowPass& pass;
    Values spread;                            // broadcasts, as vectors
    std::unordered_map<int, Value*> columns;  // pointers
    std::unordered_map<int, Value*> stores;
    Value* chunk = nullptr;  // number of the chunk
    Value* begin = nullptr;  // its first row
    Value* count = nullptr;  // its rows
  };

  void emit_pass(const RowPass& pass) {
    PassState s{pass, {}, {}, {}};
    spread(s);
    BasicBlock* before = b_.GetInsertBlock();
    BasicBlock* chunk = block("chunk");
    BasicBlock* after = block("chunks.done");
    // At least one chunk: no rows give the neutral element.
    Value* up = b_.CreateAdd(frame_.rows, index(chunk_rows - 1));
    Value* chunks =
        b_.CreateBinaryIntrinsic(Intrinsic::smax, b_.CreateLShr(up, index(12)), index(1), nullptr, "chunks");
    static_assert(chunk_rows == 1 << 12);
    b_.CreateBr(chunk);

    b_.SetInsertPoint(chunk);
    PHINode* number = b_.CreatePHI(b_.getInt64Ty(), 2, "chunk.number");
    number->addIncoming(index(0), before);
    s.chunk = number;
    s.begin = b_.CreateShl(number, index(12), "chunk.begin");
    Value* left = b_.CreateSub(frame_.rows, s.begin);
    s.count = b_.CreateBinaryIntrinsic(Intrinsic::smin, left, index(chunk_rows), nullptr, "chunk.rows");
    std::vector<Value*> lanes = emit_chunk(s);
    for (std::size_t r = 0; r < lanes.size(); ++r) keep_total(s, r, fold_lanes(pass.reductions[r], lanes[r]));
    Value* next = b_.CreateAdd(number, index(1));
    number->addIncoming(next, b_.GetInsertBlock());
    b_.CreateCondBr(b_.CreateICmpULT(next, chunks), chunk, after);

    b_.SetInsertPoint(after);
    if (!pass.reductions.empty()) fold_chunks(pass, chunks);
  }

  void spread(PassState& s) {
    for (NodeId id : s.pass.broadcasts) {
      inserter_.current = id;
      s.spread[id] = b_.CreateVectorSplat(L, scalars_.at(graph_[id].operands[0]));
    }
    inserter_.current = {};
    for (NodeId id : s.pass.values)
      if (graph_[id].kind == NodeKind::data)
        s.columns[graph_[id].index] = pointer_at(frame_.columns, graph_[id].index, name_of(id));
    for (const Store& store : kernel_.stores)
      if (store.to == Store::To::row_output && is_stored(s.pass, store.value))
        s.stores[store.index] = pointer_at(frame_.row_outputs, store.index, "row_output");
  }

  static bool is_stored(const RowPass& pass, NodeId id) {
    return std::find(pass.stored.begin(), pass.stored.end(), id) != pass.stored.end();
  }
  Value* pointer_at(Value* array, int i, const Twine& name) {
    return b_.CreateAlignedLoad(b_.getPtrTy(), b_.CreateInBoundsGEP(b_.getPtrTy(), array, index(i)), Align(8),
                                name);
  }

  // The lanes of every reduction after the rows of one chunk. A small pass has a body of its own for the rows
  // that do not fill the lanes; a large one masks in every iteration, for half the code and less than half
  // the time to make it.
  std::vector<Value*> emit_chunk(PassState& s) {
    bool masked = s.pass.values.size() > small_pass;
    std::vector<Value*> start;
    for (NodeId id : s.pass.reductions) start.push_back(neutral(graph_[id].reduction));
    BasicBlock *before = b_.GetInsertBlock(), *rows = block("rows"), *rows_done = block("rows.done");
    Value* end = masked ? s.count : b_.CreateAnd(s.count, index(-L), "whole.rows");
    b_.CreateCondBr(b_.CreateICmpSGT(end, index(0)), rows, rows_done);

    b_.SetInsertPoint(rows);
    PHINode* row = b_.CreatePHI(b_.getInt64Ty(), 2, "row");
    row->addIncoming(index(0), before);
    std::vector<PHINode*> sums = phis(start, before, "lanes");
    std::vector<Value*> next = emit_rows(s, row, sums, masked ? existing(s, row) : nullptr, true);
    Value* next_row = b_.CreateAdd(row, index(L), "", true, true);
    BasicBlock* latch = b_.GetInsertBlock();  // an op may have made blocks of its own
    row->addIncoming(next_row, latch);
    for (std::size_t r = 0; r < sums.size(); ++r) sums[r]->addIncoming(next[r], latch);
    b_.CreateCondBr(b_.CreateICmpULT(next_row, end), rows, rows_done);

    b_.SetInsertPoint(rows_done);
    std::vector<PHINode*> totals = phis(start, before, "lanes");
    for (std::size_t r = 0; r < totals.size(); ++r) totals[r]->addIncoming(next[r], latch);
    if (masked) return {totals.begin(), totals.end()};

    BasicBlock *remainder = block("remainder"), *done = block("chunk.done");
    b_.CreateCondBr(b_.CreateICmpNE(end, s.count), remainder, done);
    b_.SetInsertPoint(remainder);
    std::vector<Value*> last = emit_rows(s, end, totals, existing(s, end), false);
    BasicBlock* remainder_end = b_.GetInsertBlock();
    b_.CreateBr(done);

    b_.SetInsertPoint(done);
    std::vector<Value*> result;
    for (std::size_t r = 0; r < totals.size(); ++r) {
      PHINode* phi = b_.CreatePHI(vector(real()), 2, "lanes");
      phi->addIncoming(totals[r], rows_done);
      phi->addIncoming(last[r], remainder_end);
      result.push_back(phi);
    }
    return result;
  }

  // Which of the L rows from `row` on the chunk has.
  Value* existing(PassState& s, Value* row) {
    Value* left = b_.CreateTrunc(b_.CreateSub(s.count, row), b_.getInt32Ty());
    return b_.CreateICmpULT(codegen::lane_numbers<T>(b_), b_.CreateVectorSplat(L, left), "exists");
  }

  std::vector<PHINode*> phis(const std::vector<Value*>& start, BasicBlock* from, const char* name) {
    std::vector<PHINode*> out;
    for (Value* value : start) {
      out.push_back(b_.CreatePHI(vector(real()), 2, name));
      out.back()->addIncoming(value, from);
    }
    return out;
  }

  // The values of L rows from `row` of the chunk on, and the lanes combined with them (where `exists`).
  std::vector<Value*> emit_rows(PassState& s, Value* row, const std::vector<PHINode*>& lanes, Value* exists,
                                bool ahead) {
    Place place(b_, L);
    Values values = s.spread;
    Value* at = b_.CreateAdd(s.begin, row, "", true, true);
    Value* row_numbers = nullptr;
    auto numbers = [&](Value* first) {
      if (!row_numbers) row_numbers = codegen::row_numbers(b_, frame_.row_numbers, first, L);
      return row_numbers;
    };
    for (NodeId id : s.pass.values) {
      inserter_.current = id;
      const Node& node = graph_[id];
      if (node.kind == NodeKind::data)
        values[id] = load_column(s.columns.at(node.index), node.index, at, ahead);
      else if (node.kind == NodeKind::draw)
        values[id] = codegen::emit_draw<T>(b_, graph_.drawn(node), draws(), numbers(at));
      else values[id] = emit_op(node, operands(node, values));
    }
    for (const Store& store : kernel_.stores)
      if (auto found = s.stores.find(store.index);
          store.to == Store::To::row_output && found != s.stores.end())
        b_.CreateAlignedStore(values.at(store.value), element(found->second, at), Align(64));
    std::vector<Value*> out;
    for (std::size_t r = 0; r < lanes.size(); ++r) {
      inserter_.current = s.pass.reductions[r];
      const Node& node = graph_[s.pass.reductions[r]];
      Value* sum = codegen::combine<T>(node.reduction, lanes[r], values.at(node.operands[0]));
      out.push_back(exists ? b_.CreateSelect(exists, sum, lanes[r]) : sum);
    }
    inserter_.current = {};
    return out;
  }

  Value* load_column(Value* column, int number, Value* at, bool ahead) {
    Storage storage = options_.storages.at(static_cast<std::size_t>(number));
    if (ahead)
      prefetch(b_.CreateInBoundsGEP(b_.getInt8Ty(), column,
                                    b_.CreateMul(at, index(static_cast<std::int64_t>(size_of(storage))))),
               L * size_of(storage));
    return codegen::load_cells<T>(b_, column, storage, at);
  }

  // The memory that an iteration a little later reads; past the end of a column it is a hint without effect.
  void prefetch(Value* pointer, std::size_t bytes) {
    constexpr std::size_t line = 64, distance = 1024;
    for (std::size_t at = 0; at < bytes; at += line) {
      Value* later = b_.CreateConstGEP1_64(b_.getInt8Ty(), pointer, distance + at);
      b_.CreateIntrinsic(Intrinsic::prefetch, {b_.getPtrTy()},
                         {later, b_.getInt32(0), b_.getInt32(3), b_.getInt32(1)});
    }
  }

  // --- reductions ---
  Constant* neutral(Reduction reduction) {
    return ConstantFP::get(vector(real()), codegen::neutral_element(reduction));
  }

  Value* fold_lanes(NodeId id, Value* lanes) {
    inserter_.current = id;
    Value* total = codegen::fold_lanes<T>(b_, graph_[id].reduction, lanes);
    inserter_.current = {};
    return total;
  }

  void keep_total(PassState& s, std::size_t r, Value* total) {
    Value* at = b_.CreateMul(s.chunk, index(static_cast<std::int64_t>(s.pass.reductions.size())));
    at = b_.CreateAdd(at, index(static_cast<std::int64_t>(r)));
    b_.CreateAlignedStore(total, element(frame_.scratch, at), Align(sizeof(T)));
  }

  // for (h = half of the next power of two; h > 0; h /= 2) for (j = 0; j < h and j + h < chunks; ++j) combine
  void fold_chunks(const RowPass& pass, Value* chunks) {
    auto count = static_cast<std::int64_t>(pass.reductions.size());
    BasicBlock *before = b_.GetInsertBlock(), *halve = block("halve"), *pair = block("pair"),
               *pairs_done = block("pairs.done"), *done = block("totals");
    Value* zeros = b_.CreateBinaryIntrinsic(Intrinsic::ctlz, b_.CreateSub(chunks, index(1)), b_.getFalse());
    Value* top = b_.CreateLShr(b_.CreateShl(index(1), b_.CreateSub(index(64), zeros)), index(1));
    b_.CreateCondBr(b_.CreateICmpUGT(chunks, index(1)), halve, done);

    b_.SetInsertPoint(halve);
    PHINode* h = b_.CreatePHI(b_.getInt64Ty(), 2, "half");
    h->addIncoming(top, before);
    Value* upper = b_.CreateBinaryIntrinsic(Intrinsic::umin, h, b_.CreateSub(chunks, h));
    b_.CreateBr(pair);

    b_.SetInsertPoint(pair);
    PHINode* j = b_.CreatePHI(b_.getInt64Ty(), 2, "j");
    j->addIncoming(index(0), halve);
    Place place(b_, 1);
    for (std::int64_t r = 0; r < count; ++r) {
      NodeId id = pass.reductions[static_cast<std::size_t>(r)];
      inserter_.current = id;
      auto at = [&](Value* c) {
        return element(frame_.scratch, b_.CreateAdd(b_.CreateMul(c, index(count)), index(r)));
      };
      Value* low = at(j);
      Value* x = b_.CreateAlignedLoad(real(), low, Align(sizeof(T)));
      Value* y = b_.CreateAlignedLoad(real(), at(b_.CreateAdd(j, h)), Align(sizeof(T)));
      b_.CreateAlignedStore(codegen::combine<T>(graph_[id].reduction, x, y), low, Align(sizeof(T)));
    }
    inserter_.current = {};
    Value* next = b_.CreateAdd(j, index(1));
    j->addIncoming(next, pair);
    b_.CreateCondBr(b_.CreateICmpULT(next, upper), pair, pairs_done);

    b_.SetInsertPoint(pairs_done);
    Value* half = b_.CreateLShr(h, index(1));
    h->addIncoming(half, pairs_done);
    b_.CreateCondBr(b_.CreateICmpUGT(half, index(0)), halve, done);

    b_.SetInsertPoint(done);
    for (std::int64_t r = 0; r < count; ++r) {
      NodeId id = pass.reductions[static_cast<std::size_t>(r)];
      inserter_.current = id;
      scalars_[id] = load(frame_.scratch, r, "total");
    }
    inserter_.current = {};
  }

  const Kernel& kernel_;
  const CompileOptions& options_;
  const Graph& graph_;
  Inserter inserter_;
  ConstantFolder folder_;
  IRBuilderBase b_;
  Module& module_;
  codegen::OpFunctions<T> op_functions_;
  codegen::Frame frame_;
  std::vector<int> uses_;  // of each op in the graph
  Values scalars_;
};

}  // namespace

bool is_large(const Kernel& kernel, std::size_t operations_limit) {
  constexpr std::size_t most_stores = 1000;
  return operations(*kernel.graph) > operations_limit || kernel.stores.size() > most_stores;
}

llvm::Function* emit(const Kernel& kernel, const CompileOptions& options, llvm::Module& module,
                     InstructionNodes& nodes) {
  if (needs_blocks(*kernel.graph)) return emit_blocks(kernel, options, module, nodes);
  if (is_large(kernel, options.paged_above)) return emit_paged(kernel, options, module, nodes);
  if (kernel.graph->precision() == Precision::f32)
    return Emitter<float>(kernel, options, module, nodes).run();
  return Emitter<double>(kernel, options, module, nodes).run();
}

std::size_t scratch_size(const Kernel& kernel, std::int64_t rows) {
  std::vector<NodeId> roots;
  for (const Store& store : kernel.stores) roots.push_back(store.value);
  if (needs_blocks(*kernel.graph)) return scratch_size(plan_blocks(*kernel.graph, roots), rows);
  std::size_t most = 1;
  for (const RowPass& pass : schedule(*kernel.graph, roots).passes)
    most = std::max(most, pass.reductions.size());
  return most * static_cast<std::size_t>(rows / chunk_rows + 1) + paged_size(*kernel.graph);
}

}  // namespace slope
