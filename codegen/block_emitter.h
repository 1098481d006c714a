// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How a graph with axes becomes instructions. Every value that is kept is one loop nest over its elements,
// whole vectors along its last axis; what is computed where it is used is pulled: its instructions are put in
// place for the elements asked for. Private to codegen; the members stand in emit_blocks.cpp (row passes),
// block_elements.cpp (memory and views), block_values.cpp (values that are kept) and block_products.cpp
// (contractions).
#pragma once
#include <algorithm>
#include <bit>
#include <cstddef>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "codegen/block_plan.h"
#include "codegen/block_reads.h"
#include "codegen/loops.h"
#include "codegen/row_code.h"

namespace slope::blocks {

using namespace llvm;
using codegen::Carried, codegen::Inserter, codegen::loop, codegen::loop_carrying, codegen::Place;

// Where an element stands along one axis: lane l at `at` + l·lanes.
struct Index {
  Value* at = nullptr;
  std::int64_t lanes = 0;
};
// Where an element stands: its row in the block, and along each axis. `flat` instead: in row-major order of
// the block's rows and axes, for values of one shape.
struct Where {
  Index row;
  std::vector<Index> axes;
  Value* flat = nullptr;
};

template <class T>
class BlockEmitter {
 public:
  BlockEmitter(const Kernel& kernel, const CompileOptions& options, Module& module, InstructionNodes& nodes)
      : kernel_(kernel),
        options_(options),
        graph_(*kernel.graph),
        inserter_(nodes),
        b_(module.getContext(), folder_, inserter_, nullptr, {}),
        module_(module),
        op_functions_(b_, inserter_, kernel.name, inlined_instructions),
        frame_(b_, module, kernel) {
    std::vector<NodeId> roots;
    for (const Store& store : kernel.stores) roots.push_back(store.value);
    plan_ = plan_blocks(graph_, roots);
  }

  Function* run() {
    for (std::size_t p = 0; p < plan_.order.scalars.size(); ++p) {
      for (NodeId id : plan_.order.scalars[p]) emit_once(id);
      if (p < plan_.order.passes.size()) emit_pass(plan_.order.passes[p]);
    }
    for (const Store& store : kernel_.stores)
      if (store.to != Store::To::row_output) emit_store(store);
    b_.CreateRetVoid();
    return frame_.function;
  }

 private:
  static constexpr int L = codegen::lane_count<T>;
  static constexpr std::size_t inlined_instructions = 100;
  static constexpr std::int64_t tile = 4;  // sums of a contraction that share a vector of one operand

  // --- the frame ---
  Value* pointer_at(Value* array, int i) {
    return b_.CreateAlignedLoad(b_.getPtrTy(), b_.CreateInBoundsGEP(b_.getPtrTy(), array, index(i)),
                                Align(8));
  }

  llvm::Type* real() { return std::is_same_v<T, double> ? b_.getDoubleTy() : b_.getFloatTy(); }
  llvm::Type* shaped(llvm::Type* type, int width) {
    return width == 1 ? type : FixedVectorType::get(type, static_cast<unsigned>(width));
  }
  Constant* index(std::int64_t i) { return b_.getInt64(static_cast<std::uint64_t>(i)); }
  Value* element(Value* array, Value* i) { return b_.CreateInBoundsGEP(real(), array, i); }
  Value* scratch(std::int64_t at) { return element(frame_.scratch, index(at)); }
  Value* splat(Value* x, int width) { return width == 1 ? x : b_.CreateVectorSplat(width, x); }
  Constant* number(double value, int width) { return ConstantFP::get(shaped(real(), width), value); }
  const Shape& shape(NodeId id) const { return graph_.shape(id); }
  static bool is_truth(const Node& node) { return node.type == slope::Type::truth; }

  // a + k·b; negative where a slice goes backwards
  Value* plus(Value* a, Value* b, std::int64_t k = 1) {
    if (auto* zero = dyn_cast<ConstantInt>(b); k == 0 || (zero && zero->isZero())) return a;
    Value* term = k == 1 ? b : b_.CreateMul(b, index(k), "", false, true);
    if (auto* zero = dyn_cast<ConstantInt>(a); zero && zero->isZero()) return term;
    return b_.CreateAdd(a, term, "", false, true);
  }

  // --- memory ---
  // The row-major place of an element, and how far the lanes go on.
  Index flat(const Shape& of, std::span<const Index> axes) {
    Index out{index(0), 0};
    std::int64_t stride = 1;
    for (std::size_t k = of.axes.size(); k-- > 0; stride *= of.axes[k]) {
      if (of.axes[k] == 1) continue;
      out.at = plus(out.at, axes[k].at, stride);
      out.lanes += axes[k].lanes * stride;
    }
    return out;
  }
  Index place(NodeId id, const Where& where, bool row_in_data) {
    std::int64_t count = elements(shape(id));
    if (where.flat) return {row_in_data ? plus(where.flat, begin_, count) : where.flat, 1};
    Index out = flat(shape(id), where.axes);
    if (!shape(id).rows) return out;
    Value* row = row_in_data ? plus(where.row.at, begin_) : where.row.at;
    return {plus(out.at, row, count), out.lanes + where.row.lanes * count};
  }

  Value* load_lanes(Value* base, llvm::Type* type, unsigned bytes, Index at, int width, Value* most_lanes);

  Value* load(Value* base, Index at, int width, Value* most_lanes = nullptr) {
    return load_lanes(base, real(), sizeof(T), at, width, most_lanes);
  }

  llvm::Type* cell_type(const Node& node) {
    llvm::Type* types[] = {b_.getInt8Ty(), b_.getInt16Ty(), b_.getInt32Ty(), b_.getFloatTy(),
                           b_.getDoubleTy()};
    return types[static_cast<std::size_t>(options_.storages.at(static_cast<std::size_t>(node.index)))];
  }
  Value* load_column(const Node& node, Value* base, Index at, int width, Value* most_lanes);

  // Lanes from `valid_` on are not written.
  void store(Value* base, Value* at, Value* value, int width) {
    if (value->getType()->getScalarType()->isIntegerTy(1))
      value = b_.CreateSelect(value, number(1, width), number(0, width));
    Value* pointer = element(base, at);
    if (valid_ >= width) b_.CreateAlignedStore(value, pointer, Align(sizeof(T)));
    else b_.CreateMaskedStore(value, pointer, Align(sizeof(T)), first_lanes(valid_, width));
  }
  Constant* first_lanes(std::int64_t count, int width) {
    std::vector<Constant*> bits;
    for (int l = 0; l < width; ++l) bits.push_back(b_.getInt1(l < count));
    return ConstantVector::get(bits);
  }

  Value* buffer(NodeId id) { return scratch(plan_.buffers[id.index()]); }
  Value* array(const Node& node);

  // --- elements ---
  // The value of a node at the elements that `where` names, `width` of them.
  Value* pull(NodeId id, const Where& where, int width);

  // --- memory that is read ---
  Value* base_of(NodeId id) {
    const Node& node = graph_[id];
    return plan_.kept(id) ? buffer(id) : leaf(node);
  }
  Value* leaf(const Node& node) {
    if (node.kind == NodeKind::data) return pointer_at(frame_.columns, node.index);
    if (node.kind == NodeKind::array) return array(node);
    if (node.kind == NodeKind::state) return element(frame_.states, index(options_.state_offset(node.index)));
    return element(frame_.params, index(options_.param_offset(node.index)));
  }
  Value* load_memory(NodeId id, Value* base, const Where& where, int width, Value* most_lanes) {
    const Node& node = graph_[id];
    bool column = node.kind == NodeKind::data && !plan_.kept(id);
    Index at = place(id, where, column);
    if (column) return load_column(node, base, at, width, most_lanes);
    Value* value = load(base, at, width, most_lanes);
    return plan_.kept(id) && is_truth(node) ? b_.CreateFCmpUNE(value, number(0, width)) : value;
  }
  // In code that several values share: where slices begin is in `base` already.
  Value* load_through(NodeId id, Value* base, Where where, int width, Value* most_lanes) {
    bool outer = std::exchange(from_zero_, true);
    for (; !in_memory(graph_, plan_, id); id = graph_[id].operands[0]) where = under(id, where);
    from_zero_ = outer;
    return load_memory(id, base, where, width, most_lanes);
  }
  // The first element that a view over memory looks at.
  Value* first_element(NodeId id) {
    Where where{{index(0), 0}, std::vector<Index>(shape(id).axes.size(), Index{index(0), 0})};
    for (; !in_memory(graph_, plan_, id); id = graph_[id].operands[0]) where = under(id, where);
    Value* at = place(id, where, false).at;
    const Node& node = graph_[id];
    Value* base = base_of(id);
    if (node.kind != NodeKind::data || plan_.kept(id)) return element(base, at);
    return b_.CreateInBoundsGEP(cell_type(node), base, at);
  }

  // Lanes go along the rows or along the axes.
  Value* draw(NodeId id, const Node& node, const Where& where, int width);

  // Where an element of a view lies in what it looks at.
  Where under(NodeId id, const Where& where);

  // Where the element at a row-major place stands, for memory that is contiguous: the whole distance is put
  // along the last axis, whose stride is 1.
  Where linear(const Shape& of, Index row, Index at);

  // --- nests ---
  // Vectors of this width go along an axis of this length.
  static int width_for(std::int64_t length) {
    return static_cast<int>(std::min<std::int64_t>(L, std::bit_ceil(static_cast<std::uint64_t>(length))));
  }

  // body(where, width) for every element of the shape, in row-major order: whole vectors along the last axis
  // where `vectors` says so.
  void each(const Shape& of, bool vectors, auto body) {
    if (of.rows && of.axes.empty() && vectors) {
      loop(b_, index(0), block_, L, "row",
           [&](Value* r) { at_lanes(L, [&] { body(Where{{r, 1}, {}}, L); }); });
      return;
    }
    Where where{{index(0), 0}, {}};
    if (!of.rows) return each_axis(of, 0, where, vectors, body);
    loop(b_, index(0), block_, 1, "row", [&](Value* r) {
      where.row = {r, 0};
      each_axis(of, 0, where, vectors, body);
    });
  }

  void each_axis(const Shape& of, std::size_t axis, Where where, bool vectors, auto body) {
    if (axis == of.axes.size()) return at_lanes(1, [&] { body(where, 1); });
    std::int64_t length = of.axes[axis];
    if (axis + 1 < of.axes.size() || !vectors) {
      loop(b_, index(0), index(length), 1, "i", [&](Value* i) {
        Where next = where;
        next.axes.push_back({i, 0});
        each_axis(of, axis + 1, next, vectors, body);
      });
      return;
    }
    along(length, [&](Value* i, int width) {
      Where next = where;
      next.axes.push_back({i, width > 1});
      body(next, width);
    });
  }

  // body(i, width) for whole vectors along an axis, then for what is left.
  void along(std::int64_t length, auto body) {
    int width = width_for(length);
    std::int64_t whole = length / width * width;
    loop(b_, index(0), index(whole), width, "i", [&](Value* i) { at_lanes(width, [&] { body(i, width); }); });
    if (whole < length) at_lanes(length - whole, [&] { body(index(whole), width); });
  }

  void at_lanes(std::int64_t valid, auto body) {
    std::int64_t outer = std::exchange(valid_, valid);
    body();
    valid_ = outer;
  }

  // --- values that are kept ---
  void compute(NodeId id) {
    inserter_.current = id;
    // What a leaf takes from the run is known in the kernel's own function only.
    if (graph_[id].arity() > 0) {
      share(id, buffer(id), [&] { compute_here(id); });
    } else {
      Value* outer = std::exchange(target_, buffer(id));
      compute_here(id);
      target_ = outer;
    }
    inserter_.current = {};
  }

  void compute_here(NodeId id);

  void put(NodeId id, const Where& where, Value* value, int width) {
    store(target_, place(id, where, false).at, value, width);
  }

  // --- code that values share ---
  // Values that are computed in the same way from other memory (the rounds of a scan, layers of one shape)
  // are calls of one function.
  struct Shared {
    std::unordered_map<NodeId, Value*> memory, numbers;  // what it is given, by node of its first value
    Value* pack = nullptr;
  };
  // Calls the function that computes such a value into `to`; `body` is its code, made for the first of them.
  void share(NodeId id, Value* to, auto body) {
    BlockReads reads = reads_of(graph_, plan_, options_.storages, id);
    std::vector<Value*> arguments{to, block_, begin_};
    auto product = plan_.products.find(id);
    bool packed = product != plan_.products.end() && product->second.packed >= 0;
    if (packed) arguments.push_back(scratch(product->second.pack));
    for (NodeId memory : reads.memory) arguments.push_back(first_element(memory));
    for (NodeId number : reads.numbers) arguments.push_back(number_of(number));
    auto [found, fresh] = shared_functions_.try_emplace(reads.key, nullptr);
    if (fresh) found->second = make_shared_function(reads, arguments, packed, body);
    b_.CreateCall(found->second, arguments);
  }

  Function* make_shared_function(const BlockReads& reads, const std::vector<Value*>& arguments, bool packed,
                                 auto body) {
    std::vector<llvm::Type*> types;
    for (Value* argument : arguments) types.push_back(argument->getType());
    Function* function = Function::Create(FunctionType::get(b_.getVoidTy(), types, false),
                                          GlobalValue::InternalLinkage, kernel_.name + ".value", module_);
    function->addFnAttr(Attribute::NoUnwind);
    function->addFnAttr("prefer-vector-width", "512");
    function->addParamAttr(0, Attribute::NoAlias);
    auto before = b_.saveIP();
    b_.SetInsertPoint(BasicBlock::Create(b_.getContext(), "entry", function));
    auto argument = [&](std::size_t i) { return function->getArg(static_cast<unsigned>(i)); };
    Shared shared{{}, {}, packed ? argument(3) : nullptr};
    std::size_t next = packed ? 4 : 3;
    for (NodeId memory : reads.memory) shared.memory[memory] = argument(next++);
    for (NodeId number : reads.numbers) shared.numbers[number] = argument(next++);
    Value* outer[] = {std::exchange(target_, argument(0)), std::exchange(block_, argument(1)),
                      std::exchange(begin_, argument(2))};
    const Shared* around = std::exchange(shared_, &shared);
    body();
    b_.CreateRetVoid();
    shared_ = around;
    target_ = outer[0], block_ = outer[1], begin_ = outer[2];
    b_.restoreIP(before);
    return function;
  }

  Constant* constant(const Node& node) {
    if (is_truth(node)) return b_.getInt1(node.value != 0);
    return ConstantFP::get(real(), node.value);
  }
  Value* number_of(NodeId id) {
    if (graph_[id].kind == NodeKind::constant) return constant(graph_[id]);
    return shared_ ? shared_->numbers.at(id) : scalars_.at(id);
  }

  // An op or a view, element by element.
  void compute_elements(NodeId id);

  // Whether an op reads numbers and elements that lie as its own do.
  bool one_shape(const Node& node, const Shape& own) const;

  // --- reductions over the last axis ---
  void compute_reduction(NodeId id, const Node& node);

  Value* fold_values(Reduction reduction, std::vector<Value*> x);

  // Of at most 4096 elements: into lanes, the lanes by halves. Fewer lanes than L where there are fewer
  // elements: the others would hold the neutral element.
  Value* fold_range(const Node& node, NodeId x, const Where& where, std::int64_t begin, std::int64_t count);

  Value* fold_width(Reduction reduction, Value* lanes, int width) {
    if (width == 1) return lanes;
    for (int h = width / 2; h > 0; h /= 2) {
      std::vector<int> low, high;
      for (int j = 0; j < h; ++j) low.push_back(j), high.push_back(j + h);
      Place at(b_, h);
      Value *x = b_.CreateShuffleVector(lanes, low), *y = b_.CreateShuffleVector(lanes, high);
      if (h == 1)
        x = b_.CreateExtractElement(x, std::uint64_t{0}), y = b_.CreateExtractElement(y, std::uint64_t{0});
      lanes = codegen::combine<T>(reduction, x, y);
    }
    return lanes;
  }

  void compute_arg_reduction(NodeId id, const Node& node);

  // --- contractions ---
  struct Labels {
    std::span<const std::int64_t> a, b, out;
    std::vector<std::int64_t> inner;  // summed over, in the order of graph/graph.h
    std::unordered_map<std::int64_t, std::int64_t> length;
  };
  Labels labels_of(const Node& node) const;
  using At = std::unordered_map<std::int64_t, Index>;  // by label

  static bool has(std::span<const std::int64_t> labels, std::int64_t label) {
    return std::find(labels.begin(), labels.end(), label) != labels.end();
  }

  // A contraction's operand at the labels' indices; the copied one from its copy.
  Value* factor(NodeId id, const Node& node, std::size_t k, const Labels& l, Index row, const At& at,
                int width);
  // The copy has the vector label last, the others as they were.
  Shape packed_shape(NodeId x, std::span<const std::int64_t> own, const Product& product) const;
  static std::vector<Index> packed_axes(std::span<const std::int64_t> own, const Product& product,
                                        const At& at);

  Value* pack_of(const Product& product) { return shared_ ? shared_->pack : scratch(product.pack); }

  // Copies an operand before what needs it: with rows, those of the block.
  void pack(NodeId id);

  // sums = sums + Σ a·b into the target: from −0 on, or where rows are summed over from what it holds.
  void compute_contraction(NodeId id, const Node& node);

  struct Tiling {
    std::int64_t label = -1;
    bool rows = false;
    std::int64_t count = 1;
    std::size_t vector_operand = 1;
  };
  void sum_products(NodeId id, const Node& node, const Labels& l, Index row, const At& at,
                    const Tiling& tiling, int width, bool over);

  // --- moves and overlapping sums ---
  void fill(NodeId id, double value);
  void fill(Value* base, Value* end, double value) {
    loop(b_, index(0), end, L, "i",
         [&](Value* i) { at_lanes(L, [&] { store(base, i, number(value, L), L); }); });
  }

  void compute_pad(NodeId id, const Node& node);

  void compute_concat(NodeId id, const Node& node);

  // The index that stands at an element's place among the indices.
  Value* taken_index(NodeId indices, Index row, std::span<const Index> axes);

  void compute_take(NodeId id, const Node& node);

  // Adds operand 0 into the places that operand 1 names; over rows where the result has none.
  void add_scattered(const Node& node, const Shape& own);

  void compute_window_add(NodeId id, const Node& node);

  // --- values without rows ---
  void emit_once(NodeId id);

  Value* once_number(NodeId id, const Node& node);
  Value* at_one(auto value) {
    std::int64_t outer = std::exchange(valid_, 1);
    Value* out = value();
    valid_ = outer;
    return out;
  }

  void emit_store(const Store& store_to);

  // --- a row pass ---
  bool chunked(NodeId id) const { return plan_.totals[id.index()] >= 0; }
  std::int64_t count_of(NodeId id) const { return elements(shape(id)); }

  void emit_pass(const RowPass& pass);

  double neutral(NodeId id) const;

  // What is copied for every block's contractions but does not change with the rows.
  void pack_before(const RowPass& pass);

  Value* totals_of(Value* chunk, NodeId id);

  void emit_chunk(const RowPass& pass, Value* chunk);

  // The block's rows of a value, to where all rows of it are.
  void store_rows(NodeId id, Value* base);

  // A statistic of the order of values: its operands are gathered in the pass, then a function is called.
  bool is_order(NodeId id) const { return graph_[id].kind == NodeKind::order; }
  Value* gathered(NodeId id, std::size_t operand);
  Value* order_statistic(NodeId id);

  // Combines the block's rows into a sum over rows.
  void accumulate(NodeId id, Value* chunk);

  void accumulate_here(NodeId id);

  // Row i into lane i mod L.
  void accumulate_number(const Node& node);

  // for (h = half of the next power of two; h > 0; h /= 2) for (j = 0; j < h and j + h < chunks; ++j) combine
  void fold_chunks(const RowPass& pass, Value* chunks);

  const Kernel& kernel_;
  const CompileOptions& options_;
  const Graph& graph_;
  BlockPlan plan_;
  Inserter inserter_;
  ConstantFolder folder_;
  IRBuilderBase b_;
  Module& module_;
  codegen::OpFunctions<T> op_functions_;
  codegen::Frame frame_;
  Value* target_ = nullptr;         // where the value at hand is put
  const Shared* shared_ = nullptr;  // the function that is made
  bool from_zero_ = false;          // slices begin at 0
  std::map<std::string, Function*> shared_functions_;
  Value *begin_ = nullptr, *block_ = nullptr;  // the first row of the block at hand, and how many it has
  std::int64_t valid_ = 1;                     // lanes of the vector at hand that are elements
  std::unordered_map<NodeId, Value*> scalars_;
  std::unordered_map<int, Value*> arrays_;
};

}  // namespace slope::blocks
