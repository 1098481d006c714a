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
// here. Order is meaning. A reduction over rows is cut into chunks of 4096 rows, from the first row on. In a
// chunk, row i
//   (counted from the chunk's first row) is combined into lane i mod L in row order, L = 16 in f64 and 32 in
//   f32, lanes starting with the neutral element (−0 for sum, −∞ for max, +∞ for min). The lanes are folded
//   by a halving tree: for h = L/2, L/4, … 1: lane[j] = lane[j] ∘ lane[j + h] for j < h. The chunks' results
//   are folded the same way, padded with the neutral element to a power of two. x ∘ y is x + y, or the value
//   of the ops max and min. No rows give the neutral element, for a sum of nothing −0.
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
#include "graph/shape.h"

namespace slope {

enum class Precision : std::uint8_t { f32, f64 };
constexpr std::string_view to_string(Precision p) { return p == Precision::f32 ? "f32" : "f64"; }

enum class Reduction : std::uint8_t { sum, max, min };
constexpr std::string_view to_string(Reduction r) {
  constexpr std::string_view names[] = {"sum", "max", "min"};
  return names[static_cast<std::size_t>(r)];
}

inline constexpr std::int64_t chunk_rows = 4096;
constexpr int lanes(Precision p) { return p == Precision::f32 ? 32 : 16; }

using NodeId = Id<struct NodeTag>;

// The closed structure around the open table of scalar ops.
enum class NodeKind : std::uint8_t {
  constant,       // value
  data,           // index: of the column; one number a row
  param,          // index: of the parameter
  argument,       // index: of what a run is told: RunArgument
  row_count,      // the number of rows, as a number
  scalar,         // op on operands of one shape
  broadcast,      // operand 0, without rows, the same for every row
  reduce,         // reduction of operand 0 over the rows
  tap,            // operand 0 under a name by which is differentiated: no other node is the same
  stop_gradient,  // operand 0, from which no derivative goes on
};

// What changes from run to run without changing the graph.
enum class RunArgument : std::uint8_t { rate };

struct Node {
  NodeKind kind = NodeKind::constant;
  Type type = Type::real;
  OpId op{};
  Reduction reduction = Reduction::sum;
  ShapeId shape;
  std::int32_t index = 0;
  std::array<NodeId, 3> operands{};
  double value = 0;  // of a constant; representable in the graph's precision; truth: 0 or 1

  int arity() const {
    return kind == NodeKind::scalar ? info(op).arity : kind >= NodeKind::broadcast ? 1 : 0;
  }
  std::span<const NodeId> inputs() const { return {operands.data(), static_cast<std::size_t>(arity())}; }
};

class Graph {
 public:
  explicit Graph(Precision precision = Precision::f64, Shapes shapes = {})
      : precision_(precision), shapes_(std::move(shapes)) {}

  // Constructors. Each simplifies, folds constants in the graph's precision and returns an existing node
  // where one is the same. `apply` broadcasts operands without rows where another has them and turns truth
  // into 0 and 1 where a real is wanted; the operands must otherwise fit (checked: internal_error).
  NodeId constant(double value);  // rounded once to the precision
  NodeId truth(bool value);
  NodeId data(int column);
  NodeId param(int index, ShapeId shape = Shapes::number);
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
  NodeId broadcast(NodeId x);  // x itself where it has rows
  NodeId reduce(Reduction reduction, NodeId x);
  NodeId to_real(NodeId x);
  // Both are their operand in value, and gone after graph/fuse.h.
  NodeId tap(NodeId x);
  NodeId stop_gradient(NodeId x);
  // A node as it stands, without simplification: for passes that rebuild a graph.
  NodeId make(Node node);

  const Node& operator[](NodeId id) const { return nodes_[id.index()]; }
  std::size_t size() const { return nodes_.size(); }
  Precision precision() const { return precision_; }
  const Shapes& shapes() const { return shapes_; }
  bool has_rows(NodeId id) const { return shapes_[(*this)[id].shape].rows; }
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

  Precision precision_;
  Shapes shapes_;
  std::vector<Node> nodes_;
  std::vector<std::vector<Span>> origins_;
  std::vector<Span> origin_;  // of nodes made now
  std::vector<Rewrite> rewrites_;
  std::int32_t taps_ = 0;
  std::unordered_map<Node, NodeId, Hash, Same> unique_;
  std::unordered_map<NodeId, std::string> names_;
};

// Which nodes the roots need, themselves included.
std::vector<bool> live(const Graph& graph, std::span<const NodeId> roots);

}  // namespace slope
