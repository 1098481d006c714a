// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Every value that is kept is one loop nest over its elements, whole vectors along its last axis; what is
// computed where it is used is pulled: its instructions are put in place for the elements asked for. A row
// pass is
//   for each chunk of 4096 rows:  the chunk's totals = neutral
//     for each block of its rows: values, then totals = totals ∘ value
//   fold the chunks' totals by halves
#include "codegen/emit_blocks.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <functional>
#include <map>
#include <string>

#include "base/diagnostic.h"
#include "codegen/block_plan.h"
#include "codegen/draw.h"
#include "codegen/loops.h"
#include "codegen/row_code.h"

namespace slope {

namespace {

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

  Value* load_lanes(Value* base, llvm::Type* type, unsigned bytes, Index at, int width, Value* most_lanes) {
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

  Value* load(Value* base, Index at, int width, Value* most_lanes = nullptr) {
    return load_lanes(base, real(), sizeof(T), at, width, most_lanes);
  }

  llvm::Type* cell_type(const Node& node) {
    llvm::Type* types[] = {b_.getInt8Ty(), b_.getInt16Ty(), b_.getInt32Ty(), b_.getFloatTy(),
                           b_.getDoubleTy()};
    return types[static_cast<std::size_t>(options_.storages.at(static_cast<std::size_t>(node.index)))];
  }
  Value* load_column(const Node& node, Value* base, Index at, int width, Value* most_lanes) {
    Storage storage = options_.storages.at(static_cast<std::size_t>(node.index));
    Value* cells =
        load_lanes(base, cell_type(node), static_cast<unsigned>(size_of(storage)), at, width, most_lanes);
    llvm::Type* wanted = shaped(real(), width);
    if (storage == Storage::u8) return b_.CreateUIToFP(cells, wanted);
    if (storage == Storage::i16 || storage == Storage::i32) return b_.CreateSIToFP(cells, wanted);
    return storage == Storage::f32 && std::is_same_v<T, double> ? b_.CreateFPExt(cells, wanted) : cells;
  }

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
  Value* array(const Node& node) {
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

  // --- elements ---
  // The value of a node at the elements that `where` names, `width` of them.
  Value* pull(NodeId id, const Where& where, int width) {
    const Node& node = graph_[id];
    if (graph_.is_number(id)) return splat(number_of(id), width);
    Value* most_lanes = nullptr;
    if (!where.flat && where.row.lanes)
      most_lanes = b_.CreateSub(b_.CreateSub(block_, where.row.at), index(1));
    if (shared_)
      if (auto found = shared_->memory.find(id); found != shared_->memory.end())
        return load_through(id, found->second, where, width, most_lanes);
    if (is_memory(id)) return load_memory(id, base_of(id), where, width, most_lanes);
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

  // --- memory that is read ---
  bool is_memory(NodeId id) const {
    NodeKind kind = graph_[id].kind;
    return plan_.kept(id) || kind == NodeKind::data || kind == NodeKind::param || kind == NodeKind::state ||
           kind == NodeKind::array;
  }
  // What a view looks at, through other views.
  NodeId memory_under(NodeId id) const {
    while (!graph_.is_number(id) && !is_memory(id) && is_view(graph_[id].kind)) id = graph_[id].operands[0];
    return id;
  }
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
    for (; !is_memory(id); id = graph_[id].operands[0]) where = under(id, where);
    from_zero_ = outer;
    return load_memory(id, base, where, width, most_lanes);
  }
  // The first element that a view over memory looks at.
  Value* first_element(NodeId id) {
    Where where{{index(0), 0}, std::vector<Index>(shape(id).axes.size(), Index{index(0), 0})};
    for (; !is_memory(id); id = graph_[id].operands[0]) where = under(id, where);
    Value* at = place(id, where, false).at;
    const Node& node = graph_[id];
    Value* base = base_of(id);
    if (node.kind != NodeKind::data || plan_.kept(id)) return element(base, at);
    return b_.CreateInBoundsGEP(cell_type(node), base, at);
  }

  // Lanes go along the rows or along the axes.
  Value* draw(NodeId id, const Node& node, const Where& where, int width) {
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

  // Where an element of a view lies in what it looks at.
  Where under(NodeId id, const Where& where) {
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

  // Where the element at a row-major place stands, for memory that is contiguous: the whole distance is put
  // along the last axis, whose stride is 1.
  Where linear(const Shape& of, Index row, Index at) {
    Where out{row, {}};
    std::size_t last = of.axes.size();
    for (std::size_t k = 0; k < of.axes.size(); ++k)
      if (of.axes[k] != 1) last = k;
    for (std::size_t k = 0; k < of.axes.size(); ++k) out.axes.push_back(k == last ? at : Index{index(0), 0});
    return out;
  }

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

  void compute_here(NodeId id) {
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

  void put(NodeId id, const Where& where, Value* value, int width) {
    store(target_, place(id, where, false).at, value, width);
  }

  // --- code that values share ---
  // Values that are computed in the same way from other memory (the rounds of a scan, layers of one shape)
  // are calls of one function.
  struct Shared {
    Function* function = nullptr;
    std::unordered_map<NodeId, Value*> memory, numbers;  // what it is given, by node of its first value
    Value* pack = nullptr;
  };
  // What a value reads: the same key, the same instructions.
  struct Reads {
    std::string key;
    std::vector<NodeId> memory, numbers;
    void add(std::int64_t n) { key.append(std::to_string(n)).append(" "); }
    void add(const Axes& axes) {
      for (std::int64_t n : axes) add(n);
      key.append("; ");
    }
    // The number of an argument; a node that is read twice is one.
    static std::int64_t argument(std::vector<NodeId>& list, NodeId id) {
      auto found = std::find(list.begin(), list.end(), id);
      if (found == list.end()) found = list.insert(list.end(), id);
      return found - list.begin();
    }
  };

  static bool is_view(NodeKind kind) {
    return kind == NodeKind::broadcast || kind == NodeKind::permute || kind == NodeKind::slice ||
           kind == NodeKind::window || kind == NodeKind::reshape;
  }

  void describe_node(NodeId id, bool begins, Reads& reads) const {
    const Node& node = graph_[id];
    reads.key += "(";
    for (std::int64_t n : {static_cast<std::int64_t>(node.kind), static_cast<std::int64_t>(node.type),
                           static_cast<std::int64_t>(node.op), static_cast<std::int64_t>(node.reduction),
                           static_cast<std::int64_t>(std::bit_cast<std::uint64_t>(node.value))})
      reads.add(n);
    if (node.kind == NodeKind::concat || node.kind == NodeKind::take || node.kind == NodeKind::scatter_add)
      reads.add(node.index);
    reads.add(shape(id).rows);
    reads.add(shape(id).axes);
    if (!node.numbers.valid()) return;
    Axes numbers = graph_.numbers(node);
    for (std::size_t k = 0; !begins && k < numbers.size(); k += 2) numbers[k] = 0;
    reads.add(numbers);
  }

  void describe(NodeId id, Reads& reads) const {
    const Node& node = graph_[id];
    if (graph_.is_number(id)) {
      if (node.kind == NodeKind::constant) return describe_node(id, true, reads);
      reads.key += is_truth(node) ? "t" : "n";
      return reads.add(Reads::argument(reads.numbers, id));
    }
    NodeId memory = memory_under(id);
    if (!graph_.is_number(memory) && is_memory(memory)) {
      for (NodeId view = id; view != memory; view = graph_[view].operands[0])
        describe_node(view, graph_[view].kind != NodeKind::slice, reads);
      bool column = graph_[memory].kind == NodeKind::data && !plan_.kept(memory);
      reads.key += column ? "d" : plan_.kept(memory) && is_truth(graph_[memory]) ? "b" : "m";
      if (column)
        reads.add(
            static_cast<std::int64_t>(options_.storages.at(static_cast<std::size_t>(graph_[memory].index))));
      reads.add(shape(memory).rows);
      reads.add(shape(memory).axes);
      return reads.add(Reads::argument(reads.memory, id));
    }
    describe_node(id, true, reads);
    for (NodeId input : node.inputs()) describe(input, reads);
    reads.key += ")";
  }

  Reads reads_of(NodeId id) const {
    Reads reads;
    describe_node(id, true, reads);
    if (auto product = plan_.products.find(id); product != plan_.products.end()) {
      reads.add(product->second.vector_label);
      reads.add(product->second.packed);
    }
    for (NodeId input : graph_[id].inputs()) describe(input, reads);
    return reads;
  }

  // Calls the function that computes such a value into `to`; `body` is its code, made for the first of them.
  void share(NodeId id, Value* to, auto body) {
    Reads reads = reads_of(id);
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

  Function* make_shared_function(const Reads& reads, const std::vector<Value*>& arguments, bool packed,
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
    Shared shared{function, {}, {}, packed ? argument(3) : nullptr};
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

  Value* number_of(NodeId id) {
    if (graph_[id].kind == NodeKind::constant) return once_number(id, graph_[id]);
    return shared_ ? shared_->numbers.at(id) : scalars_.at(id);
  }

  // An op or a view, element by element.
  void compute_elements(NodeId id) {
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

  // Whether an op reads numbers and elements that lie as its own do.
  bool one_shape(const Node& node, const Shape& own) const {
    for (NodeId input : node.inputs()) {
      const Node& x = graph_[input];
      if (graph_.is_number(input)) continue;
      if (x.kind == NodeKind::broadcast && !plan_.kept(input) && graph_.is_number(x.operands[0])) continue;
      bool memory = plan_.kept(input) || x.kind == NodeKind::data || x.kind == NodeKind::param ||
                    x.kind == NodeKind::state || x.kind == NodeKind::array;
      if (memory && shape(input) == own) continue;
      if (!memory && x.kind == NodeKind::scalar && one_shape(x, own)) continue;
      return false;
    }
    return true;
  }

  // --- reductions over the last axis ---
  void compute_reduction(NodeId id, const Node& node) {
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

  Value* fold_values(Reduction reduction, std::vector<Value*> x) {
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

  // Of at most 4096 elements: into lanes, the lanes by halves. Fewer lanes than L where there are fewer
  // elements: the others would hold the neutral element.
  Value* fold_range(const Node& node, NodeId x, const Where& where, std::int64_t begin, std::int64_t count) {
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

  void compute_arg_reduction(NodeId id, const Node& node) {
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

  // --- contractions ---
  struct Labels {
    std::span<const std::int64_t> a, b, out;
    std::vector<std::int64_t> inner;  // summed over, in the order of graph/graph.h
    std::unordered_map<std::int64_t, std::int64_t> length;
  };
  Labels labels_of(const Node& node) const {
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
  using At = std::unordered_map<std::int64_t, Index>;  // by label

  static bool has(std::span<const std::int64_t> labels, std::int64_t label) {
    return std::find(labels.begin(), labels.end(), label) != labels.end();
  }

  // A contraction's operand at the labels' indices; the copied one from its copy.
  Value* factor(NodeId id, const Node& node, std::size_t k, const Labels& l, Index row, const At& at,
                int width) {
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
  // The copy has the vector label last, the others as they were.
  Shape packed_shape(NodeId x, std::span<const std::int64_t> own, const Product& product) const {
    Shape out{false, {}};
    std::int64_t last = 1;
    for (std::size_t k = 0; k < own.size(); ++k)
      if (own[k] == product.vector_label) last = shape(x).axes[k];
      else out.axes.push_back(shape(x).axes[k]);
    out.axes.push_back(last);
    return out;
  }
  static std::vector<Index> packed_axes(std::span<const std::int64_t> own, const Product& product,
                                        const At& at) {
    std::vector<Index> out;
    for (std::int64_t label : own)
      if (label != product.vector_label) out.push_back(at.at(label));
    out.push_back(at.at(product.vector_label));
    return out;
  }

  Value* pack_of(const Product& product) { return shared_ ? shared_->pack : scratch(product.pack); }

  // Copies an operand before what needs it: with rows, those of the block.
  void pack(NodeId id) {
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

  // sums = sums + Σ a·b into the target: from −0 on, or where rows are summed over from what it holds.
  void compute_contraction(NodeId id, const Node& node) {
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

  struct Tiling {
    std::int64_t label = -1;
    bool rows = false;
    std::int64_t count = 1;
    std::size_t vector_operand = 1;
  };
  void sum_products(NodeId id, const Node& node, const Labels& l, Index row, const At& at,
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

  // --- moves and overlapping sums ---
  void fill(NodeId id, double value) {
    std::int64_t count = elements(shape(id));
    Value* end = shape(id).rows ? b_.CreateMul(block_, index(count)) : index(count);
    fill(target_, end, value);
  }
  void fill(Value* base, Value* end, double value) {
    loop(b_, index(0), end, L, "i",
         [&](Value* i) { at_lanes(L, [&] { store(base, i, number(value, L), L); }); });
  }

  void compute_pad(NodeId id, const Node& node) {
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

  void compute_concat(NodeId id, const Node& node) {
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

  // The index that stands at an element's place among the indices.
  Value* taken_index(NodeId indices, Index row, std::span<const Index> axes) {
    Where where{shape(indices).rows ? row : Index{index(0), 0}, {axes.begin(), axes.end()}};
    return b_.CreateFPToSI(pull(indices, where, 1), b_.getInt64Ty());
  }

  void compute_take(NodeId id, const Node& node) {
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

  // Adds operand 0 into the places that operand 1 names; over rows where the result has none.
  void add_scattered(const Node& node, const Shape& own) {
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

  void compute_window_add(NodeId id, const Node& node) {
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

  // --- values without rows ---
  void emit_once(NodeId id) {
    inserter_.current = id;
    Place place(b_, 1);
    const Node& node = graph_[id];
    block_ = index(1), begin_ = index(0);
    if (graph_.is_number(id)) scalars_[id] = once_number(id, node);
    else if (plan_.kept(id)) compute(id);
    inserter_.current = {};
  }

  Value* once_number(NodeId id, const Node& node) {
    Index first{index(0), 0};
    switch (node.kind) {
      case NodeKind::constant:
        return is_truth(node) ? static_cast<Value*>(b_.getInt1(node.value != 0))
                              : ConstantFP::get(real(), node.value);
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
      case NodeKind::reshape:
        return at_one([&] { return pull(node.operands[0], under(id, {first, {}}), 1); });
      default: break;
    }
    compute(id);
    return load(buffer(id), first, 1);
  }
  Value* at_one(auto value) {
    std::int64_t outer = std::exchange(valid_, 1);
    Value* out = value();
    valid_ = outer;
    return out;
  }

  void emit_store(const Store& store_to) {
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

  // --- a row pass ---
  bool chunked(NodeId id) const { return plan_.totals[id.index()] >= 0; }
  std::int64_t count_of(NodeId id) const { return elements(shape(id)); }

  void emit_pass(const RowPass& pass) {
    pack_before(pass);
    for (NodeId id : pass.reductions)
      if (!chunked(id)) fill(buffer(id), index(count_of(id)), neutral(id));
    Value* up = b_.CreateAdd(frame_.rows, index(chunk_rows - 1));
    Value* chunks = b_.CreateBinaryIntrinsic(Intrinsic::smax, b_.CreateUDiv(up, index(chunk_rows)), index(1),
                                             nullptr, "chunks");
    loop(b_, index(0), chunks, 1, "chunk", [&](Value* chunk) { emit_chunk(pass, chunk); });
    fold_chunks(pass, chunks);
  }

  double neutral(NodeId id) const {
    const Node& node = graph_[id];
    return node.kind == NodeKind::reduce ? codegen::neutral_element(node.reduction) : -0.0;
  }

  // What is copied for every block's contractions but does not change with the rows.
  void pack_before(const RowPass& pass) {
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

  Value* totals_of(Value* chunk, NodeId id) {
    Value* at = plus(index(plan_.fixed_size + plan_.totals[id.index()]), chunk, plan_.totals_size);
    return element(frame_.scratch, at);
  }

  void emit_chunk(const RowPass& pass, Value* chunk) {
    for (NodeId id : pass.reductions)
      if (chunked(id))
        fill(totals_of(chunk, id), index(std::max<std::int64_t>(count_of(id), L)), neutral(id));
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
          store_rows(store_to);
    });
    for (NodeId id : pass.reductions) {
      if (!chunked(id) || graph_[id].kind != NodeKind::reduce || count_of(id) != 1) continue;
      Value* at = totals_of(chunk, id);
      Value* total = fold_width(graph_[id].reduction, load(at, {index(0), 1}, L), L);
      at_lanes(1, [&] { store(at, index(0), total, 1); });
    }
  }

  void store_rows(const Store& store_to) {
    NodeId id = store_to.value;
    inserter_.current = id;
    Value* base = pointer_at(frame_.row_outputs, store_to.index);
    each(shape(id), true, [&](const Where& where, int width) {
      store(base, place(id, where, true).at, pull(id, where, width), width);
    });
    inserter_.current = {};
  }

  // Combines the block's rows into a sum over rows.
  void accumulate(NodeId id, Value* chunk) {
    inserter_.current = id;
    share(id, chunked(id) ? totals_of(chunk, id) : buffer(id), [&] { accumulate_here(id); });
    inserter_.current = {};
  }

  void accumulate_here(NodeId id) {
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

  // Row i into lane i mod L.
  void accumulate_number(const Node& node) {
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

  // for (h = half of the next power of two; h > 0; h /= 2) for (j = 0; j < h and j + h < chunks; ++j) combine
  void fold_chunks(const RowPass& pass, Value* chunks) {
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
      if (graph_.is_number(id)) {
        scalars_[id] = load(chunked(id) ? totals_of(index(0), id) : buffer(id), {index(0)}, 1);
      } else if (chunked(id)) {
        along(count_of(id), [&](Value* i, int width) {
          store(buffer(id), i, load(totals_of(index(0), id), {i, width > 1}, width), width);
        });
      }
    }
  }

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

}  // namespace

Function* emit_blocks(const Kernel& kernel, const CompileOptions& options, Module& module,
                      InstructionNodes& nodes) {
  if (kernel.graph->precision() == Precision::f32)
    return BlockEmitter<float>(kernel, options, module, nodes).run();
  return BlockEmitter<double>(kernel, options, module, nodes).run();
}

}  // namespace slope
