// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The same order of work as emit.cpp, cut into parts: functions of some hundred nodes each, called one after
// the other. Every value lies in `memory`, behind the chunks' totals in scratch:
//   numbers [node]      one T each (truth as 0 or 1)
//   rows    [node][L]   the vector of the rows at hand
//   lanes   [node][L]   of reductions
// A part keeps what it made itself in registers and loads the rest. The remainder of a chunk runs through the
// same parts: lanes are combined only where the row exists. Ops with a long text become one function each.
#include "codegen/paged.h"

#include <fmt/format.h>

#include <cstddef>

#include "base/diagnostic.h"
#include "codegen/draw.h"
#include "codegen/row_code.h"
#include "codegen/schedule.h"

namespace slope {

namespace {

using namespace llvm;
using codegen::Operands, codegen::Place;

constexpr std::size_t part_nodes = 150;
constexpr std::size_t inlined_instructions = 12;  // of an op's text; a longer one becomes a function

template <class T>
class PagedEmitter {
 public:
  PagedEmitter(const Kernel& kernel, const CompileOptions& options, Module& module, InstructionNodes& nodes)
      : kernel_(kernel),
        options_(options),
        graph_(*kernel.graph),
        inserter_(nodes),
        b_(module.getContext(), folder_, inserter_, nullptr, {}),
        module_(module),
        op_functions_(b_, inserter_, kernel.name, inlined_instructions) {}

  Function* run() {
    Function* main = begin_main();
    std::vector<NodeId> roots;
    for (const Store& store : kernel_.stores) roots.push_back(store.value);
    Schedule order = schedule(graph_, roots);
    for (std::size_t p = 0; p < order.scalars.size(); ++p) {
      parts("numbers", order.scalars[p], zero_, zero_, [&](NodeId id) { emit_number(id); });
      if (p < order.passes.size()) emit_pass(order.passes[p]);
    }
    std::vector<std::size_t> stores(kernel_.stores.size());
    for (std::size_t i = 0; i < stores.size(); ++i) stores[i] = i;
    parts("stores", stores, zero_, zero_, [&](std::size_t i) { emit_store(kernel_.stores[i]); });
    b_.CreateRetVoid();
    return main;
  }

 private:
  static constexpr int L = codegen::lane_count<T>;

  // --- functions ---
  Function* new_function(const Twine& name, std::initializer_list<llvm::Type*> arguments,
                         GlobalValue::LinkageTypes linkage) {
    auto* type = FunctionType::get(b_.getVoidTy(), arguments, false);
    Function* function = Function::Create(type, linkage, name, module_);
    prepare(function);
    return function;
  }
  static void prepare(Function* function) {
    function->addFnAttr(Attribute::NoUnwind);
    function->addFnAttr("prefer-vector-width", "512");
  }

  Function* begin_main() {
    Function* main = new_function(kernel_.name, {b_.getPtrTy()}, GlobalValue::ExternalLinkage);
    b_.SetInsertPoint(BasicBlock::Create(b_.getContext(), "entry", main));
    zero_ = index(0);
    run_ = main->getArg(0);
    rows_ = b_.CreateAlignedLoad(b_.getInt64Ty(), byte(run_, offsetof(Run, rows)), Align(8), "rows");
    Value* chunks = b_.CreateAdd(b_.CreateLShr(rows_, index(12)), index(1));
    Value* totals = b_.CreateMul(chunks, index(static_cast<std::int64_t>(most_reductions())));
    memory_ = element(field(offsetof(Run, scratch)), totals);
    return main;
  }

  // Cuts the work into parts: each a function of (run, memory, a, b) that is called where the builder stands.
  template <class Item, class Body>
  void parts(const char* name, const std::vector<Item>& work, Value* a, Value* b, Body body) {
    for (std::size_t from = 0; from < work.size(); from += part_nodes) {
      llvm::Type* i64 = b_.getInt64Ty();
      Function* part = new_function(kernel_.name + "." + name, {b_.getPtrTy(), b_.getPtrTy(), i64, i64},
                                    GlobalValue::InternalLinkage);
      b_.CreateCall(part, {run_, memory_, a, b});
      Frame outer = std::exchange(frame_, Frame{});
      auto at = b_.saveIP();
      std::swap(outer.run, run_);
      std::swap(outer.memory, memory_);
      run_ = part->getArg(0);
      memory_ = part->getArg(1);
      frame_.a = part->getArg(2);
      frame_.b = part->getArg(3);
      b_.SetInsertPoint(BasicBlock::Create(b_.getContext(), "entry", part));
      for (std::size_t i = from; i < std::min(work.size(), from + part_nodes); ++i) body(work[i]);
      b_.CreateRetVoid();
      run_ = outer.run;
      memory_ = outer.memory;
      frame_ = outer;
      b_.restoreIP(at);
    }
  }

  // --- memory ---
  llvm::Type* real() { return std::is_same_v<T, double> ? b_.getDoubleTy() : b_.getFloatTy(); }
  VectorType* row() { return codegen::row_type<T>(b_); }
  Constant* index(std::int64_t i) { return b_.getInt64(static_cast<std::uint64_t>(i)); }
  Value* byte(Value* pointer, std::size_t offset) {
    return b_.CreateConstInBoundsGEP1_64(b_.getInt8Ty(), pointer, offset);
  }
  Value* field(std::size_t offset) {
    return b_.CreateAlignedLoad(b_.getPtrTy(), byte(run_, offset), Align(8));
  }
  Value* element(Value* array, Value* i) { return b_.CreateInBoundsGEP(real(), array, i); }
  Value* load(llvm::Type* type, Value* at) { return b_.CreateAlignedLoad(type, at, Align(sizeof(T))); }
  void store(Value* value, Value* at) { b_.CreateAlignedStore(value, at, Align(sizeof(T))); }

  Value* number_place(NodeId id) { return element(memory_, index(id.value)); }
  Value* row_place(NodeId id) {
    auto nodes = static_cast<std::int64_t>(graph_.size());
    return element(memory_, index((nodes / L + 1 + id.value) * L));
  }

  std::size_t most_reductions() const {
    std::size_t most = 1;
    std::vector<NodeId> roots;
    for (const Store& s : kernel_.stores) roots.push_back(s.value);
    for (const RowPass& pass : schedule(graph_, roots).passes) most = std::max(most, pass.reductions.size());
    return most;
  }

  // --- values ---
  bool is_truth(NodeId id) const { return graph_[id].type == slope::Type::truth; }

  Value* number(NodeId id) {
    if (auto found = frame_.values.find(id); found != frame_.values.end()) return found->second;
    const Node& node = graph_[id];
    Value* value = nullptr;
    if (node.kind == NodeKind::constant) {
      value = is_truth(id) ? static_cast<Value*>(b_.getInt1(node.value != 0))
                           : ConstantFP::get(real(), node.value);
    } else {
      value = load(real(), number_place(id));
      if (is_truth(id)) value = b_.CreateFCmpUNE(value, ConstantFP::get(real(), 0));
    }
    return frame_.values[id] = value;
  }

  Value* rows(NodeId id) {
    if (auto found = frame_.values.find(id); found != frame_.values.end()) return found->second;
    const Node& node = graph_[id];
    Value* value = nullptr;
    if (node.kind == NodeKind::broadcast) {
      value = b_.CreateVectorSplat(L, number(node.operands[0]));
    } else if (node.kind == NodeKind::data) {
      value = codegen::load_cells<T>(b_, column(node.index),
                                     options_.storages.at(static_cast<std::size_t>(node.index)), frame_.a);
    } else {
      value = load(row(), row_place(id));
      if (is_truth(id)) value = b_.CreateFCmpUNE(value, ConstantFP::get(row(), 0));
    }
    return frame_.values[id] = value;
  }

  Value* column(int i) {
    Value*& pointer = frame_.columns[i];
    if (!pointer)
      pointer =
          b_.CreateAlignedLoad(b_.getPtrTy(),
                               b_.CreateConstInBoundsGEP1_64(b_.getPtrTy(), field(offsetof(Run, columns)),
                                                             static_cast<std::uint64_t>(i)),
                               Align(8));
    return pointer;
  }

  codegen::DrawArguments draws() {
    auto argument = [&](std::size_t offset) {
      return b_.CreateAlignedLoad(b_.getInt64Ty(), byte(run_, offset), Align(8));
    };
    return {argument(offsetof(Run, seed)), argument(offsetof(Run, step))};
  }

  void emit_number(NodeId id) {
    const Node& node = graph_[id];
    if (node.kind == NodeKind::constant) return;
    inserter_.current = id;
    Place place(b_, 1);
    Value* value = nullptr;
    if (node.kind == NodeKind::param)
      value = load(real(), element(field(offsetof(Run, params)), index(options_.param_offset(node.index))));
    else if (node.kind == NodeKind::state)
      value = load(real(), element(field(offsetof(Run, states)), index(options_.state_offset(node.index))));
    else if (node.kind == NodeKind::draw)
      value = codegen::emit_draw<T>(b_, graph_.drawn(node), draws(), zero_);
    else if (node.kind == NodeKind::argument)
      value = load(real(), element(field(offsetof(Run, arguments)), index(node.index)));
    else if (node.kind == NodeKind::row_count)
      value = b_.CreateSIToFP(
          b_.CreateAlignedLoad(b_.getInt64Ty(), byte(run_, offsetof(Run, rows)), Align(8)), real());
    else value = emit_op(node, 1);
    keep(id, value, number_place(id), real());
  }

  void emit_row(NodeId id) {
    const Node& node = graph_[id];
    if (node.kind == NodeKind::data) return;
    inserter_.current = id;
    Place place(b_, L);
    Value* value = nullptr;
    if (node.kind == NodeKind::draw)
      value = codegen::emit_draw<T>(b_, graph_.drawn(node), draws(),
                                    codegen::row_numbers(b_, field(offsetof(Run, row_numbers)), frame_.a, L));
    else value = emit_op(node, L);
    keep(id, value, row_place(id), row());
  }

  void keep(NodeId id, Value* value, Value* at, llvm::Type* type) {
    frame_.values[id] = value;
    if (is_truth(id)) value = b_.CreateSelect(value, ConstantFP::get(type, 1), ConstantFP::get(type, 0));
    store(value, at);
    inserter_.current = {};
  }

  Value* emit_op(const Node& node, int width) {
    Operands x{};
    for (std::size_t k = 0; k < node.inputs().size(); ++k)
      x[k] = width == 1 ? number(node.operands[k]) : rows(node.operands[k]);
    return op_functions_.emit(node, x);
  }

  void emit_store(const Store& s) {
    if (s.to == Store::To::row_output) return;
    inserter_.current = s.value;
    Value* array = field(s.to == Store::To::param   ? offsetof(Run, params)
                         : s.to == Store::To::state ? offsetof(Run, states)
                                                    : offsetof(Run, outputs));
    store(number(s.value), element(array, index(options_.place(s))));
    inserter_.current = {};
  }

  // --- a row pass ---
  void emit_pass(const RowPass& pass) {
    Value* up = b_.CreateAdd(rows_, index(chunk_rows - 1));
    Value* chunks =
        b_.CreateBinaryIntrinsic(Intrinsic::smax, b_.CreateLShr(up, index(12)), index(1), nullptr, "chunks");
    loop("chunk", chunks, index(1), [&](Value* chunk) {
      Value* begin = b_.CreateShl(chunk, index(12));
      Value* count = b_.CreateBinaryIntrinsic(Intrinsic::smin, b_.CreateSub(rows_, begin), index(chunk_rows));
      parts("begin", pass.reductions, zero_, zero_, [&](NodeId id) {
        store(ConstantFP::get(row(), codegen::neutral_element(graph_[id].reduction)), row_place(id));
      });
      loop("rows", count, index(L),
           [&](Value* at) { emit_rows(pass, b_.CreateAdd(begin, at), b_.CreateSub(count, at)); });
      fold_rows(pass, chunk);
    });
    fold_chunks(pass, chunks);
  }

  // for (i = 0; i < end; i += step) body(i)
  template <class Body>
  void loop(const char* name, Value* end, Value* step, Body body) {
    Function* function = b_.GetInsertBlock()->getParent();
    BasicBlock *before = b_.GetInsertBlock(), *head = BasicBlock::Create(b_.getContext(), name, function),
               *inside = BasicBlock::Create(b_.getContext(), "", function),
               *done = BasicBlock::Create(b_.getContext(), Twine(name) + ".done", function);
    b_.CreateBr(head);
    b_.SetInsertPoint(head);
    PHINode* i = b_.CreatePHI(b_.getInt64Ty(), 2);
    i->addIncoming(index(0), before);
    b_.CreateCondBr(b_.CreateICmpSLT(i, end), inside, done);
    b_.SetInsertPoint(inside);
    body(static_cast<Value*>(i));
    i->addIncoming(b_.CreateAdd(i, step), b_.GetInsertBlock());
    b_.CreateBr(head);
    b_.SetInsertPoint(done);
  }

  // The vector of rows from row `at` of the data on, of which `left` exist.
  void emit_rows(const RowPass& pass, Value* at, Value* left) {
    parts("rows", pass.values, at, left, [&](NodeId id) { emit_row(id); });
    std::vector<Store> stored;
    for (const Store& s : kernel_.stores)
      if (s.to == Store::To::row_output &&
          std::find(pass.stored.begin(), pass.stored.end(), s.value) != pass.stored.end())
        stored.push_back(s);
    parts("output", stored, at, left, [&](const Store& s) {
      Value* array =
          b_.CreateAlignedLoad(b_.getPtrTy(),
                               b_.CreateConstInBoundsGEP1_64(b_.getPtrTy(), field(offsetof(Run, row_outputs)),
                                                             static_cast<std::uint64_t>(s.index)),
                               Align(8));
      store(rows(s.value), element(array, frame_.a));
    });
    parts("total", pass.reductions, at, left, [&](NodeId id) { combine_lanes(id); });
  }

  void combine_lanes(NodeId id) {
    inserter_.current = id;
    Place place(b_, L);
    if (!frame_.exists) {
      Value* count =
          b_.CreateTrunc(b_.CreateBinaryIntrinsic(Intrinsic::smin, frame_.b, index(L)), b_.getInt32Ty());
      frame_.exists = b_.CreateICmpULT(codegen::lane_numbers<T>(b_), b_.CreateVectorSplat(L, count));
    }
    Value* lanes = load(row(), row_place(id));
    Value* sum = codegen::combine<T>(graph_[id].reduction, lanes, rows(graph_[id].operands[0]));
    store(b_.CreateSelect(frame_.exists, sum, lanes), row_place(id));
    inserter_.current = {};
  }

  std::vector<std::size_t> numbered(const RowPass& pass) const {
    std::vector<std::size_t> all(pass.reductions.size());
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
    return all;
  }
  Value* total_place(const RowPass& pass, Value* chunk, std::size_t r) {
    Value* at = b_.CreateMul(chunk, index(static_cast<std::int64_t>(pass.reductions.size())));
    return element(field(offsetof(Run, scratch)), b_.CreateAdd(at, index(static_cast<std::int64_t>(r))));
  }

  void fold_rows(const RowPass& pass, Value* chunk) {
    parts("fold", numbered(pass), chunk, zero_, [&](std::size_t r) {
      NodeId id = pass.reductions[r];
      inserter_.current = id;
      store(codegen::fold_lanes<T>(b_, graph_[id].reduction, load(row(), row_place(id))),
            total_place(pass, frame_.a, r));
      inserter_.current = {};
    });
  }

  void fold_chunks(const RowPass& pass, Value* chunks) {
    if (pass.reductions.empty()) return;
    // Halves from the largest power of two below the number of chunks down to 1: 63 rounds cover every
    // number.
    Value* zeros = b_.CreateBinaryIntrinsic(Intrinsic::ctlz, b_.CreateSub(chunks, index(1)), b_.getFalse());
    Value* top = b_.CreateSub(index(64), zeros);  // 0 of one chunk
    loop("halve", top, index(1), [&](Value* round) {
      Value* h = b_.CreateShl(index(1), b_.CreateSub(b_.CreateSub(top, round), index(1)));
      Value* upper = b_.CreateBinaryIntrinsic(Intrinsic::umin, h, b_.CreateSub(chunks, h));
      loop("pair", upper, index(1), [&](Value* j) {
        parts("pair", numbered(pass), j, h, [&](std::size_t r) {
          Place place(b_, 1);
          Value* low = total_place(pass, frame_.a, r);
          Value* high = total_place(pass, b_.CreateAdd(frame_.a, frame_.b), r);
          store(codegen::combine<T>(graph_[pass.reductions[r]].reduction, load(real(), low),
                                    load(real(), high)),
                low);
        });
      });
    });
    parts("result", numbered(pass), zero_, zero_, [&](std::size_t r) {
      store(load(real(), total_place(pass, zero_, r)), number_place(pass.reductions[r]));
    });
  }

  // What a part has in registers.
  struct Frame {
    Value *a = nullptr, *b = nullptr, *exists = nullptr;
    Value *run = nullptr, *memory = nullptr;  // of the caller, while a part is emitted
    std::unordered_map<NodeId, Value*> values;
    std::unordered_map<int, Value*> columns;
  };

  const Kernel& kernel_;
  const CompileOptions& options_;
  const Graph& graph_;
  codegen::Inserter inserter_;
  ConstantFolder folder_;
  IRBuilderBase b_;
  Module& module_;
  Frame frame_;
  Value *run_ = nullptr, *memory_ = nullptr, *rows_ = nullptr;
  Constant* zero_ = nullptr;
  codegen::OpFunctions<T> op_functions_;
};

}  // namespace

llvm::Function* emit_paged(const Kernel& kernel, const CompileOptions& options, llvm::Module& module,
                           InstructionNodes& nodes) {
  if (kernel.graph->precision() == Precision::f32)
    return PagedEmitter<float>(kernel, options, module, nodes).run();
  return PagedEmitter<double>(kernel, options, module, nodes).run();
}

std::size_t paged_size(const Graph& graph) {
  auto lanes_of = static_cast<std::size_t>(lanes(graph.precision()));
  return (graph.size() / lanes_of + 1 + graph.size()) * lanes_of;
}

}  // namespace slope
