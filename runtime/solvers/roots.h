// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the functions of an optimizer leave, as they are put together.
#pragma once
#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

#include "runtime/solvers/graphs.h"

namespace slope {

// Roots become stores one after the other: outputs by their elements, columns by number.
class Roots {
 public:
  explicit Roots(Store::To to) : to_(to) {}
  int add(const Graph& graph, NodeId node) {
    int index = next_;
    next_ += to_ == Store::To::output ? static_cast<int>(elements(graph.shape(node))) : 1;
    nodes_.push_back(node);
    stores_.push_back({{}, to_, index});
    return index;
  }
  SolverFunction function(const Graph& graph) && {
    SolverFunction out{fuse(graph, nodes_), std::move(stores_)};
    for (std::size_t i = 0; i < nodes_.size(); ++i) out.stores[i].value = out.fused.roots[i];
    return out;
  }
  bool empty() const { return nodes_.empty(); }
  const std::vector<NodeId>& nodes() const { return nodes_; }

 private:
  Store::To to_;
  int next_ = 0;
  std::vector<NodeId> nodes_;
  std::vector<Store> stores_;
};

// An element of a value with one axis.
NodeId part(Graph& graph, NodeId flat, std::int64_t element);

// Whether a value with rows depends on the parameters through a sum over the rows: then it is not its row's
// own.
bool mixes_rows(const Graph& graph, NodeId value);

// The parameters as copies that every row has of its own, and what they stand for.
struct RowCopies {
  std::unordered_map<NodeId, NodeId> by;
  std::vector<NodeId> copies;
  RowCopies(Graph& graph, const std::vector<NodeId>& params);
};

// Element by element the value and its derivatives, by parameter or by its copies: `in` has the roots of all.
// `scale` of the parts is left 0.
std::vector<ResidualPart> parts_of(Graph& graph, NodeId value, const std::vector<NodeId>& by, Roots& in);

}  // namespace slope
