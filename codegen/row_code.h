// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The instructions that both emitters (emit.cpp, paged.cpp) put together: one op, one column, one reduction.
// Private to codegen.
#pragma once
#include <llvm/IR/Intrinsics.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>

#include "codegen/emit.h"
#include "codegen/lanes.h"

namespace slope::codegen {

// Remembers for each instruction the node that is being emitted.
class Inserter final : public llvm::IRBuilderDefaultInserter {
 public:
  explicit Inserter(InstructionNodes& nodes) : nodes_(nodes) {}
  NodeId current;
  void InsertHelper(llvm::Instruction* i, const llvm::Twine& name,
                    llvm::BasicBlock::iterator at) const override {
    IRBuilderDefaultInserter::InsertHelper(i, name, at);
    if (current.valid()) nodes_.insert_or_assign(i, current);
  }

 private:
  InstructionNodes& nodes_;
};

// A kernel's function, and what it is given (codegen/program.h: Run), read in its entry block.
struct Frame {
  llvm::Function* function = nullptr;
  llvm::Value *columns = nullptr, *params = nullptr, *arguments = nullptr, *outputs = nullptr,
              *row_outputs = nullptr, *scratch = nullptr, *rows = nullptr;
  // Only where the kernel reads or writes states, or the graph has draws.
  llvm::Value *states = nullptr, *seed = nullptr, *step = nullptr, *row_numbers = nullptr;

  Frame(llvm::IRBuilderBase& b, llvm::Module& module, const Kernel& kernel)
      : function(llvm::Function::Create(llvm::FunctionType::get(b.getVoidTy(), {b.getPtrTy()}, false),
                                        llvm::Function::ExternalLinkage, kernel.name, module)) {
    function->addFnAttr(llvm::Attribute::NoUnwind);
    // <16 x double> and <32 x float> are two 512-bit registers where the CPU has them, also where it prefers
    // less.
    function->addFnAttr("prefer-vector-width", "512");
    function->getArg(0)->setName("run");
    function->addParamAttr(0, llvm::Attribute::NoAlias);
    function->addParamAttr(0, llvm::Attribute::ReadOnly);
    b.SetInsertPoint(llvm::BasicBlock::Create(b.getContext(), "entry", function));
    auto field = [&](std::size_t offset, llvm::Type* type, const char* what) {
      llvm::Value* at = b.CreateConstInBoundsGEP1_64(b.getInt8Ty(), function->getArg(0), offset);
      return b.CreateAlignedLoad(type, at, llvm::Align(8), what);
    };
    columns = field(offsetof(Run, columns), b.getPtrTy(), "columns");
    params = field(offsetof(Run, params), b.getPtrTy(), "params");
    arguments = field(offsetof(Run, arguments), b.getPtrTy(), "arguments");
    outputs = field(offsetof(Run, outputs), b.getPtrTy(), "outputs");
    row_outputs = field(offsetof(Run, row_outputs), b.getPtrTy(), "row_outputs");
    scratch = field(offsetof(Run, scratch), b.getPtrTy(), "scratch");
    rows = field(offsetof(Run, rows), b.getInt64Ty(), "rows");
    auto to_state = [](const Store& store) { return store.to == Store::To::state; };
    if (has(*kernel.graph, NodeKind::state) || std::ranges::any_of(kernel.stores, to_state))
      states = field(offsetof(Run, states), b.getPtrTy(), "states");
    if (!has(*kernel.graph, NodeKind::draw)) return;
    seed = field(offsetof(Run, seed), b.getInt64Ty(), "seed");
    step = field(offsetof(Run, step), b.getInt64Ty(), "step");
    row_numbers = field(offsetof(Run, row_numbers), b.getPtrTy(), "row_numbers");
  }
};

// The array that a store without rows goes to.
inline llvm::Value* target_of(const Frame& frame, Store::To to) {
  return to == Store::To::param ? frame.params : to == Store::To::state ? frame.states : frame.outputs;
}

// Lanes of a row pass.
template <class T>
inline constexpr int lane_count = 128 / sizeof(T);
template <class T>
llvm::VectorType* row_type(llvm::IRBuilderBase& b) {
  return llvm::FixedVectorType::get(std::is_same_v<T, double> ? b.getDoubleTy() : b.getFloatTy(),
                                    lane_count<T>);
}

using Operands = std::array<llvm::Value*, 3>;

// An op's own text on LLVM values.
template <class T>
llvm::Value* emit_op(OpId op, const Operands& operands) {
  static constexpr auto table = slope::table_of([]<class Op>() -> llvm::Value* (*)(const Operands&) {
    return [](const Operands& x) {
      return [&]<std::size_t... I>(std::index_sequence<I...>) {
        auto operand = [&]<std::size_t K>() {
          if constexpr (Op::operands[K] == slope::Type::truth) return LaneMask{x[K]};
          else return Lanes<T>{x[K]};
        };
        return Op::value(operand.template operator()<I>()...).v;
      }(std::make_index_sequence<Op::operands.size()>{});
    };
  });
  return table[static_cast<std::size_t>(op)](operands);
}

// Ops whose text is long, as functions: one for each op and width, made at its first use in a module.
template <class T>
class OpFunctions {
 public:
  // Texts of at most so many instructions are put in place.
  OpFunctions(llvm::IRBuilderBase& b, Inserter& inserter, std::string prefix, std::size_t inlined)
      : b_(b), inserter_(inserter), prefix_(std::move(prefix)), inlined_(inlined) {}

  llvm::Value* emit(const Node& node, const Operands& x) {
    llvm::Function* function = find(node, x);
    if (!function) return emit_op<T>(node.op, x);
    return b_.CreateCall(function, llvm::ArrayRef<llvm::Value*>(x.data(), node.inputs().size()));
  }

 private:
  // Null where the text is short.
  llvm::Function* find(const Node& node, const Operands& x) {
    int width = Place::current->width;
    auto [found, fresh] = made_.try_emplace({static_cast<int>(node.op), width}, nullptr);
    if (!fresh) return found->second;
    std::vector<llvm::Type*> types;
    for (std::size_t k = 0; k < node.inputs().size(); ++k) types.push_back(x[k]->getType());
    llvm::Type* result =
        node.type == slope::Type::truth ? Place::current->shaped(b_.getInt1Ty()) : real_type<T>();
    llvm::Function* function = llvm::Function::Create(
        llvm::FunctionType::get(result, types, false), llvm::GlobalValue::InternalLinkage,
        prefix_ + "." + std::string(info(node.op).name) + "." + std::to_string(width),
        *b_.GetInsertBlock()->getModule());
    function->addFnAttr(llvm::Attribute::NoUnwind);
    function->addFnAttr("prefer-vector-width", "512");
    auto at = b_.saveIP();
    NodeId current = std::exchange(inserter_.current, NodeId());
    b_.SetInsertPoint(llvm::BasicBlock::Create(b_.getContext(), "entry", function));
    Operands arguments{};
    for (std::size_t k = 0; k < types.size(); ++k) arguments[k] = function->getArg(static_cast<unsigned>(k));
    b_.CreateRet(emit_op<T>(node.op, arguments));
    b_.restoreIP(at);
    inserter_.current = current;
    if (function->getInstructionCount() > inlined_) return found->second = function;
    function->eraseFromParent();
    return nullptr;
  }

  llvm::IRBuilderBase& b_;
  Inserter& inserter_;
  std::string prefix_;
  std::size_t inlined_;
  std::map<std::pair<int, int>, llvm::Function*> made_;
};

// Whole vectors of cells from row `at` on, converted to T.
template <class T>
llvm::Value* load_cells(llvm::IRBuilderBase& b, llvm::Value* column, Storage storage, llvm::Value* at) {
  llvm::Type* types[] = {b.getInt8Ty(), b.getInt16Ty(), b.getInt32Ty(), b.getFloatTy(), b.getDoubleTy()};
  llvm::Type* stored = types[static_cast<std::size_t>(storage)];
  llvm::Value* pointer = b.CreateInBoundsGEP(stored, column, at);
  llvm::Align align(std::min<std::size_t>(64, lane_count<T> * size_of(storage)));
  llvm::Value* cells = b.CreateAlignedLoad(llvm::FixedVectorType::get(stored, lane_count<T>), pointer, align);
  if (storage == Storage::u8) return b.CreateUIToFP(cells, row_type<T>(b));
  if (storage == Storage::i16 || storage == Storage::i32) return b.CreateSIToFP(cells, row_type<T>(b));
  return storage == Storage::f32 && std::is_same_v<T, double> ? b.CreateFPExt(cells, row_type<T>(b)) : cells;
}

inline double neutral_element(Reduction reduction) {
  double infinity = std::numeric_limits<double>::infinity();
  if (reduction == Reduction::prod) return 1;
  return reduction == Reduction::sum ? -0.0 : reduction == Reduction::max ? -infinity : infinity;
}

template <class T>
llvm::Value* combine(Reduction reduction, llvm::Value* x, llvm::Value* y) {
  OpId op = reduction == Reduction::sum    ? id_of<op::Add>()
            : reduction == Reduction::prod ? id_of<op::Mul>()
            : reduction == Reduction::max  ? id_of<op::Max>()
                                           : id_of<op::Min>();
  return emit_op<T>(op, {x, y, nullptr});
}

// The lanes' total by halves.
template <class T>
llvm::Value* fold_lanes(llvm::IRBuilderBase& b, Reduction reduction, llvm::Value* lanes) {
  for (int h = lane_count<T> / 2; h > 0; h /= 2) {
    std::vector<int> low, high;
    for (int j = 0; j < h; ++j) {
      low.push_back(j);
      high.push_back(j + h);
    }
    Place place(b, h);
    lanes = combine<T>(reduction, b.CreateShuffleVector(lanes, low), b.CreateShuffleVector(lanes, high));
  }
  return b.CreateExtractElement(lanes, std::uint64_t{0});
}

// 0, 1, 2, … as <L x i32>.
template <class T>
llvm::Constant* lane_numbers(llvm::IRBuilderBase& b) {
  std::vector<std::uint32_t> numbers(lane_count<T>);
  for (std::uint32_t i = 0; i < numbers.size(); ++i) numbers[i] = i;
  return llvm::ConstantDataVector::get(b.getContext(), numbers);
}

}  // namespace slope::codegen
