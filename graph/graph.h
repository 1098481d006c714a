// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The computation graph: immutable, hash-consed nodes in one vector, children before parents. A pass is a for
// loop, reverse mode is the same loop backwards, sharing is free.
//
// What a graph means, to the bit, whoever evaluates it:
//
// Numbers. Every real is of the graph's one precision, f32 or f64, and every op rounds once to it (IEEE 754,
// nearest
//   even, denormals kept). No op assumes anything away: NaN and infinity propagate. Which NaN is not defined.
//   Division by zero, log(0) and the like give what IEEE and C's Annex F give. Truth values are a type of
//   their own.
// Functions. exp, log, … are the texts in graph/math/, on every machine the same operations.
// Fused operations. a·b + c is rounded once exactly where graph/fuse.h made an fma; nobody else decides.
// Kinks. |x|' = 0 at 0; max and min of equals share the derivative equally; relu'(0) = 0 since relu is
//   `if x <= 0 then 0 else x`; 0⁰ = 1 with derivative 0. The branch of a select that is not taken contributes
//   exactly 0 to a gradient, also where its own derivative is infinite or NaN.
// Names. grad(y, x) of a definition or argument x counts what y uses through that name: x is a tap, a node of
// its
//   own that nothing is merged with.
// Rows. A shape with rows has an axis in front over which every op maps; the number of rows is not known
// here. The other axes are known and lie row-major: "element" below is a place in that order.
// Order is meaning. A reduction over rows of one element each is cut into chunks of 4096 rows, from the first
// row on. In a
//   chunk, row i (counted from the chunk's first row) is combined into lane i mod L in row order, L = 16 in
//   f64 and 32 in f32, lanes starting with the neutral element (−0 for sum, 1 for prod, −∞ for max, +∞ for
//   min). The lanes are folded by a halving tree: for h = L/2, L/4, … 1: lane[j] = lane[j] ∘ lane[j + h] for
//   j < h. The chunks' results are folded the same way, padded with the neutral element to a power of two.
//   x ∘ y is x + y, x · y, or the value of the ops max and min. No rows give the neutral element, for a sum
//   of nothing −0.
// A reduction over other axes takes the elements reduced in row-major order just as if they were rows. Over
// both: first
//   the other axes in each row, then the rows. Over rows of several elements: element by element, in a
//   chunk from the neutral element on in row order, then the chunks by halves; where the result has more than
//   4096 elements there is one chunk, however many rows.
// A contraction's element starts with −0 and takes fma(a, b, sum) for every tuple of the indices summed over,
// in
//   row-major order of the labels as they first occur in a's axes, then in b's; rows that are summed over
//   come outermost and in chunks, as above.
// Random numbers. An element of a draw is a function of the draw's key and word, the run's seed and step, and
// its
//   place: of a value with rows the row's number in the data times the elements of a row, plus the element.
//   It is made by Philox4x32-10 with the key (key + seed·0x9E3779B97F4A7C15 mod 2⁶⁴) at the counter (place,
//   step), low words first. Word k of a draw is the number whose 64 bits are the block's words 2k + 1 and 2k;
//   of it f64 takes the upper 53 bits as a multiple of 2⁻⁵³, f32 the upper 24 as one of 2⁻²⁴: both lie in
//   [0, 1).
// Statistics of the order of values (graph/order.h) are of all elements in all rows, exactly.
// States. All that a step writes is computed from what it began with and stored at its end.
// Sums that overlap. scatter_add and window_add start each element with −0 and add what falls on it in the
// order in
//   which their operand's elements stand; rows that are summed over come outermost and in chunks.
// Blocks, threads and instruction sets only say who computes what; the interpreter (graph/evaluate.h) is the
// specification, compiled code equals it.
#pragma once
#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/id.h"
#include "base/source.h"
#include "graph/ops.h"
#include "graph/order.h"
#include "graph/shape.h"

namespace slope {

enum class Precision : std::uint8_t { f32, f64 };
constexpr std::string_view to_string(Precision p) { return p == Precision::f32 ? "f32" : "f64"; }

enum class Reduction : std::uint8_t { sum, max, min, prod };
constexpr std::string_view to_string(Reduction r) {
  constexpr std::string_view names[] = {"sum", "max", "min", "prod"};
  return names[static_cast<std::size_t>(r)];
}

inline constexpr std::int64_t chunk_rows = 4096;
inline constexpr std::int64_t most_chunked_elements = 4096;  // results with more are summed in one chunk
constexpr int lanes(Precision p) { return p == Precision::f32 ? 32 : 16; }

using NodeId = Id<struct NodeTag>;

// The closed structure around the open table of scalar ops. What a node says of axes is in `numbers`; i, j
// are indices of elements, a row's index is carried along.
enum class NodeKind : std::uint8_t {
  constant,       // value
  array,          // index: of an array of the graph, in this shape
  data,           // index: of the column; one value a row
  param,          // index: of the parameter
  state,          // index: of what is kept from step to step; no derivative goes there
  argument,       // index: of what a run is told: RunArgument
  row_count,      // the number of rows, as a number
  scalar,         // op on operands of one shape
  draw,           // random numbers in [0, 1); numbers: the draw's key and which of its two words
  broadcast,      // operand 0, the same along every axis that it lacks or has once
  reduce,         // reduction of operand 0 over the axis numbers[0]: its last one, or the rows
  arg_reduce,     // where along the last axis the largest (smallest) element first stands; NaN wins
  reshape,        // the elements of operand 0 in another shape
  permute,        // axis k of the result is axis numbers[k] of operand 0
  slice,          // element i of operand 0 at begin + step·i; numbers: begin and step of each axis
  pad,            // the reverse: operand 0 at begin + step·i, elsewhere `value`
  concat,         // operands 0 and 1 one after the other along axis `index`
  contract,       // Σ a·b; numbers: labels of a's axes, of b's, of the result's. Rows line up; where the
                  // result has none they are summed over
  window,         // [s…, c] → [s'…, k…, c]: element i·stride + j; numbers: size and stride of each s
  window_add,     // the reverse: elements that fall on one place are summed
  take,           // a[i]: along axis `index` of operand 0, at the whole numbers of operand 1
  scatter_add,    // the reverse: operand 0 summed into the places that operand 1 names along axis `index`;
                  // rows are summed over where the result has none
  tap,            // operand 0 under a name by which is differentiated: no other node is the same
  stop_gradient,  // operand 0, from which no derivative goes on
  order,          // OrderStatistic `index` of all elements of operand 0, over the rows (graph/order.h); of
                  // auc operand 1 has the labels, in the same shape. It has no derivative
};

// What changes from run to run without changing the graph.
// `step` and `steps`: the place in a schedule that the model defines, and its length.
enum class RunArgument : std::uint8_t { rate, step, steps };
inline constexpr std::size_t run_arguments = 3;
constexpr std::string_view to_string(RunArgument a) {
  constexpr std::string_view names[] = {"rate", "step", "steps"};
  return names[static_cast<std::size_t>(a)];
}

struct Node {
  NodeKind kind = NodeKind::constant;
  Type type = Type::real;
  OpId op{};
  Reduction reduction = Reduction::sum;
  ShapeId shape;
  std::int32_t index = 0;
  NumbersId numbers{};
  std::array<NodeId, 3> operands{};
  double value = 0;  // of a constant, of a pad; representable in the graph's precision; truth: 0 or 1

  int arity() const;
  std::span<const NodeId> inputs() const { return {operands.data(), static_cast<std::size_t>(arity())}; }
};

using Axes = std::vector<std::int64_t>;

class Graph {
 public:
  explicit Graph(Precision precision = Precision::f64) : precision_(precision) {}
  // Without nodes, but with the shapes, lists and arrays that another's nodes speak of.
  static Graph like(const Graph& other);

  // Constructors. Each simplifies, folds constants in the graph's precision and returns an existing node
  // where one is the same. `apply` broadcasts its operands to their common shape and turns truth into 0 and 1
  // where a real is wanted; the operands must otherwise fit (checked: internal_error).
  NodeId constant(double value);  // rounded once to the precision
  NodeId array(std::vector<double> values, std::span<const std::int64_t> axes);  // each rounded once
  NodeId truth(bool value);
  NodeId data(int column, ShapeId shape = Shapes::number_a_row);
  NodeId param(int index, ShapeId shape = Shapes::number);
  NodeId state(int index, ShapeId shape);
  struct Draw {
    std::uint64_t key = 0;  // two draws of a model have two keys
    int word = 0;           // 0 or 1: of two numbers at one place
  };
  NodeId draw(Draw draw, ShapeId shape);
  NodeId argument(RunArgument argument);
  NodeId row_count();
  NodeId apply(OpId op, std::span<const NodeId> operands);
  NodeId apply(OpId op, std::initializer_list<NodeId> operands) {
    return apply(op, std::span(operands.begin(), operands.size()));
  }
  template <class Op>
  NodeId apply(std::same_as<NodeId> auto... operands) {
    return apply(id_of<Op>(), {operands...});
  }
  NodeId to_real(NodeId x);
  // Structure (graph/structure.cpp). Each returns its operand where nothing changes. Axes are numbers from 0.
  NodeId broadcast(NodeId x);  // to rows; x itself where it has rows
  NodeId broadcast(NodeId x, const Shape& shape);
  NodeId reduce(Reduction reduction, NodeId x);  // over the rows
  NodeId reduce(Reduction reduction, NodeId x, Axes axes);
  NodeId arg_reduce(Reduction reduction, NodeId x, std::int64_t axis);
  NodeId reshape(NodeId x, Axes axes);
  NodeId permute(NodeId x, Axes order);
  struct Along {  // one axis of a slice or a pad: begin + step·i for `count` of i
    std::int64_t begin = 0, step = 1, count = 0;
  };
  NodeId slice(NodeId x, std::span<const Along> along);
  NodeId pad(NodeId x, std::span<const Along> along, Axes axes, double value = 0);  // `count` is x's
  NodeId concat(NodeId a, NodeId b, std::int64_t axis);
  NodeId concat(std::span<const NodeId> parts, std::int64_t axis);
  // Labels are any numbers ≥ 0; every label of a result stands in an operand, an operand has each once. What
  // only one operand has and the result lacks is summed before. `rows`: whether the result has them.
  NodeId contract(NodeId a, NodeId b, Axes labels_a, Axes labels_b, Axes labels_out, bool rows);
  struct Window {
    std::int64_t size = 1, stride = 1;
  };
  NodeId window(NodeId x, std::span<const Window> windows);
  NodeId window_add(NodeId x, std::span<const Window> windows, Axes axes);
  NodeId take(NodeId table, NodeId indices, std::int64_t axis);
  NodeId scatter_add(NodeId x, NodeId indices, std::int64_t axis, const Shape& shape);
  // Of values with rows.
  NodeId order(OrderStatistic statistic, NodeId x, NodeId labels = {});
  // Both are their operand in value, and gone after graph/fuse.h.
  NodeId tap(NodeId x);
  NodeId stop_gradient(NodeId x);
  // A node as it stands, without simplification: for passes that rebuild a graph.
  NodeId make(Node node);

  const Node& operator[](NodeId id) const { return nodes_[id.index()]; }
  std::size_t size() const { return nodes_.size(); }
  Precision precision() const { return precision_; }
  const Shapes& shapes() const { return shapes_; }
  const Shape& shape(NodeId id) const { return shapes_[(*this)[id].shape]; }
  ShapeId intern(const Shape& shape) { return shapes_.intern(shape); }
  const Axes& numbers(const Node& node) const { return lists_[node.numbers]; }
  const std::vector<double>& values(const Node& array) const { return arrays_[ArrayId(array.index)]; }
  std::vector<Along> along(const Node& slice_or_pad) const;  // `count` is that of the smaller side
  std::vector<Window> windows(const Node& node) const;
  Draw drawn(const Node& node) const;
  struct Labels {
    std::span<const std::int64_t> a, b, out;
  };
  Labels labels(const Node& contraction) const;
  bool has_rows(NodeId id) const { return shapes_[(*this)[id].shape].rows; }
  // A node without rows made of operands with rows: complete only when all rows are seen.
  bool sums_rows(NodeId id) const;
  bool is_number(NodeId id) const { return (*this)[id].shape == Shapes::number; }
  bool is_constant(NodeId id) const { return (*this)[id].kind == NodeKind::constant; }
  bool is_constant(NodeId id, double value) const;  // to the bit; also under a broadcast

  // Where a node comes from: the places of the model that made it. Nodes made while an Origin lives get its
  // places.
  std::span<const Span> origins(NodeId id) const { return origins_[id.index()]; }
  class Origin {
   public:
    Origin(Graph& graph, std::span<const Span> spans);
    Origin(Graph& graph, Span span) : Origin(graph, std::span(&span, 1)) {}
    ~Origin();
    Origin(const Origin&) = delete;
    Origin& operator=(const Origin&) = delete;

   private:
    Graph& graph_;
    std::vector<Span> before_;
  };

  // What simplification did while the graph was made: which rule of graph/simplify.h, at which place.
  struct Rewrite {
    std::uint16_t rule = 0;
    Span place;
  };
  std::span<const Rewrite> rewrites() const { return rewrites_; }
  void note_rewrite(std::uint16_t rule) {
    rewrites_.push_back({rule, origin_.empty() ? Span{} : origin_[0]});
  }

  // Names for printing: definitions of the model, gradients.
  void name(NodeId id, std::string name) { names_.try_emplace(id, std::move(name)); }
  std::string_view name(NodeId id) const;

 private:
  struct Hash {
    std::size_t operator()(const Node& n) const;
  };
  struct Same {
    bool operator()(const Node& a, const Node& b) const;
  };
  NodeId fold(OpId op, std::span<const NodeId> operands);
  void add_origin(NodeId id);

  NodeId structure(Node node, NodeId a, NodeId b = {});
  NodeId slice_under(NodeId x, std::span<const Along> along, const Shape& to);
  NodeId convolution(NodeId x, std::span<const Window> windows, const Axes& axes);

  Precision precision_;
  Shapes shapes_;
  NumberLists lists_;
  Arrays arrays_;
  std::vector<Node> nodes_;
  std::vector<std::vector<Span>> origins_;
  std::vector<Span> origin_;  // of nodes made now
  std::vector<Rewrite> rewrites_;
  std::int32_t taps_ = 0;
  std::unordered_map<Node, NodeId, Hash, Same> unique_;
  std::unordered_map<NodeId, std::string> names_;
};

// Whether the graph has a node of this kind.
bool has(const Graph& graph, NodeKind kind);

// Which nodes the roots need, themselves included.
std::vector<bool> live(const Graph& graph, std::span<const NodeId> roots);

}  // namespace slope
