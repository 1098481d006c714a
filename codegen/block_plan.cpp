// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "codegen/block_plan.h"

#include <algorithm>

namespace slope {

namespace {

// What a block's buffers should fit into together: a good part of a second-level cache.
constexpr std::int64_t cache_bytes = 512 << 10;
constexpr std::int64_t most_block_rows = 256;

class Planner {
 public:
  Planner(const Graph& graph, std::span<const NodeId> roots)
      : graph_(graph), needed_(live(graph, roots)), keep_(graph.size()), users_(graph.size()) {
    plan_.order = schedule(graph, roots);
  }

  BlockPlan run(std::span<const NodeId> roots) {
    for (NodeId root : roots) ++users_[root.index()];
    for (std::size_t i = 0; i < graph_.size(); ++i)
      if (needed_[i])
        for (NodeId input : graph_[at(i)].inputs()) ++users_[input.index()];
    for (std::size_t i = 0; i < graph_.size(); ++i)
      if (needed_[i]) decide(at(i));
    // What a step began with is copied where it is stored elsewhere: its own place may be written first.
    for (NodeId root : roots)
      if (!graph_.is_number(root) && graph_[root].kind != NodeKind::array &&
          graph_[root].kind != NodeKind::data)
        keep_[root.index()] = true;
    place();
    return std::move(plan_);
  }

 private:
  static NodeId at(std::size_t i) { return NodeId(static_cast<std::int64_t>(i)); }
  std::int64_t lanes() const { return slope::lanes(graph_.precision()); }

  void keep(NodeId id) {
    if (!is_stored_leaf(graph_[id].kind)) keep_[id.index()] = true;
  }

  // What lies under views, where it is no memory yet.
  void keep_under(NodeId id) {
    for (; is_view(graph_[id].kind) && !keep_[id.index()]; id = graph_[id].operands[0])
      if (graph_[id].kind == NodeKind::reshape) return keep_in_one_piece(graph_[id].operands[0]);
    if (graph_[id].kind != NodeKind::constant && !graph_.is_number(id)) keep(id);
  }

  // What is reshaped: other axes are a step along each of them in contiguous memory only.
  void keep_in_one_piece(NodeId id) { keep(is_run(id) ? graph_[id].operands[0] : id); }

  // A slice of memory whose elements follow one another: all of the axes behind the one that is cut, one of
  // those before it.
  bool is_run(NodeId id) const {
    const Node& node = graph_[id];
    if (node.kind != NodeKind::slice || is_view(graph_[node.operands[0]].kind)) return false;
    const Axes& from = graph_.shape(node.operands[0]).axes;
    auto along = graph_.along(node);
    bool whole = true;
    for (std::size_t k = along.size(); k-- > 0;) {
      if (!whole && along[k].count != 1) return false;
      if (along[k].count != 1 && along[k].step != 1) return false;
      whole = whole && along[k].begin == 0 && along[k].step == 1 && along[k].count == from[k];
    }
    return true;
  }

  void decide(NodeId id) {
    const Node& node = graph_[id];
    if (node.kind == NodeKind::draw && !graph_.is_number(id)) keep(id);  // each is made once
    if (node.arity() == 0) return;
    bool number = graph_.is_number(id);
    if (node.kind == NodeKind::reshape && !graph_.is_number(node.operands[0])) {
      keep_in_one_piece(node.operands[0]);
    }
    if (node.kind == NodeKind::scalar) {
      if (!number && users_[id.index()] > 1) keep(id);
      return;
    }
    if (is_view(node.kind)) {
      // A repeated or overlapping element would be computed again for each place it is seen at.
      bool repeats = node.kind == NodeKind::broadcast || node.kind == NodeKind::window;
      if (repeats) keep_under(node.operands[0]);
      return;
    }
    keep(id);
    bool each_once = node.kind == NodeKind::reduce || node.kind == NodeKind::order;
    for (NodeId input : node.inputs())
      if (!each_once) keep_under(input);
  }

  // How far one step along an axis of a value is in the memory under it.
  std::int64_t stride(NodeId id, std::size_t axis) const {
    const Node& node = graph_[id];
    const Shape& shape = graph_.shape(id);
    if (shape.axes[axis] == 1) return 0;
    std::int64_t own = 1;
    for (std::size_t k = axis + 1; k < shape.axes.size(); ++k) own *= shape.axes[k];
    if (keep_[id.index()] || !is_view(node.kind) || node.kind == NodeKind::reshape) return own;
    NodeId under = node.operands[0];
    const Shape& inner = graph_.shape(under);
    switch (node.kind) {
      case NodeKind::broadcast: {
        std::size_t missing = shape.axes.size() - inner.axes.size();
        return axis < missing || inner.axes[axis - missing] == 1 ? 0 : stride(under, axis - missing);
      }
      case NodeKind::permute: return stride(under, static_cast<std::size_t>(graph_.numbers(node)[axis]));
      case NodeKind::slice: return stride(under, axis) * graph_.along(node)[axis].step;
      default: {  // window
        auto windows = graph_.windows(node);
        std::size_t n = windows.size();
        if (axis == 2 * n) return stride(under, n);
        return axis < n ? stride(under, axis) * windows[axis].stride : stride(under, axis - n);
      }
    }
  }

  // Vectors go along the result's last axis; an operand that neither goes on by one along it nor stands still
  // is copied so that it does.
  Product product(NodeId id) const {
    const Node& node = graph_[id];
    auto labels = graph_.labels(node);
    auto step = [&](std::size_t k, std::int64_t label) -> std::int64_t {
      auto of = k == 0 ? labels.a : labels.b;
      auto found = std::find(of.begin(), of.end(), label);
      return found == of.end() ? 0 : stride(node.operands[k], static_cast<std::size_t>(found - of.begin()));
    };
    auto smooth = [&](std::size_t k, std::int64_t label) {
      return step(k, label) == 0 || step(k, label) == 1;
    };
    Product out;
    const Axes& lengths = graph_.shape(id).axes;
    std::size_t last = lengths.size();
    while (last > 0 && lengths[last - 1] == 1) --last;
    if (last == 0) return out;
    out.vector_label = labels.out[last - 1];
    if (smooth(0, out.vector_label) && smooth(1, out.vector_label)) return out;
    if (smooth(0, out.vector_label)) out.packed = 1;
    else if (smooth(1, out.vector_label)) out.packed = 0;
    return out;
  }

  void place() {
    std::size_t n = graph_.size();
    plan_.buffers.assign(n, -1);
    plan_.totals.assign(n, -1);
    std::int64_t row_elements = 0;
    for (std::size_t i = 0; i < n; ++i)
      if (needed_[i] && keep_[i] && graph_.has_rows(at(i))) row_elements += elements(graph_.shape(at(i)));
    std::int64_t bytes = graph_.precision() == Precision::f64 ? 8 : 4;
    plan_.block_rows = most_block_rows;
    while (plan_.block_rows > lanes() && plan_.block_rows * row_elements * bytes > cache_bytes)
      plan_.block_rows /= 2;
    std::int64_t next = 0;
    for (std::size_t i = 0; i < n; ++i) {
      NodeId id = at(i);
      if (!needed_[i] || !keep_[i]) continue;
      plan_.buffers[i] = next;
      std::int64_t count = elements(graph_.shape(id));
      next += padded(graph_.has_rows(id) ? count * plan_.block_rows : count);
    }
    for (std::size_t i = 0; i < n; ++i) {
      NodeId id = at(i);
      if (!needed_[i] || graph_[id].kind != NodeKind::contract) continue;
      Product walked = product(id);
      if (walked.packed >= 0) {
        NodeId copied = graph_[id].operands[static_cast<std::size_t>(walked.packed)];
        std::int64_t count = elements(graph_.shape(copied));
        walked.pack = next;
        next += padded(graph_.has_rows(copied) ? count * plan_.block_rows : count);
      }
      plan_.products[id] = walked;
    }
    plan_.fixed_size = next;
    for (const RowPass& pass : plan_.order.passes) {
      std::int64_t size = 0;
      for (NodeId id : pass.reductions) {
        std::int64_t count = elements(graph_.shape(id));
        if (graph_[id].kind == NodeKind::order) {
          plan_.gathered[id] = plan_.gathered_size;
          for (NodeId input : graph_[id].inputs()) plan_.gathered_size += elements(graph_.shape(input));
          continue;
        }
        if (count > most_chunked_elements) continue;
        plan_.totals[id.index()] = size;
        size += padded(count);
      }
      plan_.totals_size = std::max(plan_.totals_size, size);
    }
  }

  // Whole vectors are read, beyond the last element too.
  std::int64_t padded(std::int64_t count) const {
    std::int64_t unit = 2 * lanes();
    return (count + lanes() + unit - 1) / unit * unit;
  }

  const Graph& graph_;
  std::vector<bool> needed_, keep_;
  std::vector<int> users_;
  BlockPlan plan_;
};

}  // namespace

bool is_view(NodeKind kind) {
  return kind == NodeKind::broadcast || kind == NodeKind::permute || kind == NodeKind::slice ||
         kind == NodeKind::window || kind == NodeKind::reshape;
}

bool is_stored_leaf(NodeKind kind) {
  return kind == NodeKind::param || kind == NodeKind::state || kind == NodeKind::array ||
         kind == NodeKind::data;
}

bool has_axes(const Graph& graph) {
  for (std::size_t i = 0; i < graph.size(); ++i)
    if (!graph.shape(NodeId(static_cast<std::int64_t>(i))).axes.empty()) return true;
  return false;
}

bool needs_blocks(const Graph& graph) { return has_axes(graph) || has(graph, NodeKind::order); }

BlockPlan plan_blocks(const Graph& graph, std::span<const NodeId> roots) {
  return Planner(graph, roots).run(roots);
}

std::size_t scratch_size(const BlockPlan& plan, std::int64_t rows) {
  return static_cast<std::size_t>(plan.fixed_size + plan.totals_size * (rows / chunk_rows + 1) +
                                  plan.gathered_size * (rows + gathered_padding));
}

}  // namespace slope
