// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the nodes of structure mean, element by element and in the order of graph/graph.h; without cleverness.
#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/diagnostic.h"
#include "graph/evaluate.h"

namespace slope {

namespace {

using Sizes = std::vector<std::int64_t>;

// Row-major: how far one step along each axis is.
Sizes strides(const Sizes& axes) {
  Sizes out(axes.size());
  std::int64_t step = 1;
  for (std::size_t k = axes.size(); k-- > 0; step *= axes[k]) out[k] = step;
  return out;
}

// Calls f with every tuple of indices, in row-major order.
void for_each(const Sizes& axes, auto f) {
  if (std::find(axes.begin(), axes.end(), 0) != axes.end()) return;
  Sizes at(axes.size());
  for (;;) {
    f(at);
    std::size_t k = axes.size();
    for (; k > 0 && ++at[k - 1] == axes[k - 1]; --k) at[k - 1] = 0;
    if (k == 0) return;
  }
}

std::int64_t place(const Sizes& at, const Sizes& stride) {
  return std::inner_product(at.begin(), at.end(), stride.begin(), std::int64_t{0});
}
std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }

template <class T>
T neutral(Reduction reduction) {
  if (reduction == Reduction::sum) return T(-0.0);
  if (reduction == Reduction::prod) return T(1);
  T infinity = std::numeric_limits<T>::infinity();
  return reduction == Reduction::max ? -infinity : infinity;
}

template <class T>
T combine(Reduction reduction, T x, T y) {
  if (reduction == Reduction::sum) return x + y;
  if (reduction == Reduction::prod) return x * y;
  return reduction == Reduction::max ? op::Max::value(x, y) : op::Min::value(x, y);
}

// Folds by a halving tree, padded with the neutral element to a power of two.
template <class T>
T fold(Reduction reduction, std::vector<T> x) {
  std::size_t n = std::bit_ceil(std::max<std::size_t>(x.size(), 1));
  x.resize(n, neutral<T>(reduction));
  for (std::size_t h = n / 2; h > 0; h /= 2)
    for (std::size_t j = 0; j < h; ++j) x[j] = combine(reduction, x[j], x[j + h]);
  return x[0];
}

// Sums over rows, `rows` of them, each of whose results has `count` elements: `add` combines a row into them.
// In chunks from the neutral element on, the chunks by halves; large results in one chunk.
template <class T>
std::vector<T> over_rows(Reduction reduction, std::int64_t rows, std::int64_t count, auto add) {
  std::int64_t chunk = count > most_chunked_elements ? std::max<std::int64_t>(rows, 1) : chunk_rows;
  std::vector<std::vector<T>> chunks;
  for (std::int64_t begin = 0; begin < rows; begin += chunk) {
    std::vector<T>& sums = chunks.emplace_back(size(count), neutral<T>(reduction));
    for (std::int64_t row = begin; row < std::min(begin + chunk, rows); ++row) add(row, sums);
  }
  std::vector<T> out;
  for (std::int64_t e = 0; e < count; ++e) {
    std::vector<T> totals;
    for (const std::vector<T>& sums : chunks) totals.push_back(sums[size(e)]);
    out.push_back(fold(reduction, totals));
  }
  return out;
}

// One node of structure: shapes and strides of what it reads and makes.
template <class T>
class Structure {
 public:
  Structure(const Graph& graph, NodeId id, std::span<const T> a, std::span<const T> b, std::int64_t rows)
      : graph_(graph), node_(graph[id]), out_(graph.shape(id)), a_(a), b_(b), rows_(rows) {
    shape_a_ = graph.shape(node_.operands[0]);
    if (node_.arity() > 1) shape_b_ = graph.shape(node_.operands[1]);
  }

  std::vector<T> run() {
    switch (node_.kind) {
      case NodeKind::broadcast: return broadcast();
      case NodeKind::reduce: return reduce_axis();
      case NodeKind::arg_reduce: return arg_reduce();
      case NodeKind::reshape: return {a_.begin(), a_.end()};
      case NodeKind::permute: return permute();
      case NodeKind::slice: return slice();
      case NodeKind::pad: return pad();
      case NodeKind::concat: return concat();
      case NodeKind::contract: return contract();
      case NodeKind::window: return window();
      case NodeKind::window_add: return window_add();
      case NodeKind::take: return take();
      case NodeKind::scatter_add: return scatter_add();
      case NodeKind::order: return order();
      default: internal_error("a node that is no structure");
    }
  }

 private:
  std::int64_t rows_of(const Shape& shape) const { return shape.rows ? rows_ : 1; }
  // The elements of one row of an operand, or its only ones.
  const T* row_of(std::span<const T> x, const Shape& shape, std::int64_t row) const {
    return x.data() + (shape.rows ? row * elements(shape) : 0);
  }
  // One element of the result for every row and index, in order.
  std::vector<T> each(auto element) const {
    std::vector<T> out;
    out.reserve(size(rows_of(out_) * elements(out_)));
    for (std::int64_t row = 0; row < rows_of(out_); ++row)
      for_each(out_.axes, [&](const Sizes& at) { out.push_back(element(row, at)); });
    return out;
  }

  // Sums of each row, or over the rows where the result has none: `add` adds a row's terms to them.
  std::vector<T> sums_of(auto add) const {
    bool over = !out_.rows && (shape_a_.rows || shape_b_.rows);
    if (over) return over_rows<T>(Reduction::sum, rows_, elements(out_), add);
    std::vector<T> out;
    for (std::int64_t row = 0; row < rows_of(out_); ++row) {
      std::vector<T> sums(size(elements(out_)), T(-0.0));
      add(row, sums);
      out.insert(out.end(), sums.begin(), sums.end());
    }
    return out;
  }

  std::vector<T> broadcast() const {
    Sizes stride(out_.axes.size()), own = strides(shape_a_.axes);
    std::size_t missing = out_.axes.size() - own.size();
    for (std::size_t k = 0; k < own.size(); ++k)
      if (shape_a_.axes[k] != 1) stride[missing + k] = own[k];
    return each(
        [&](std::int64_t row, const Sizes& at) { return row_of(a_, shape_a_, row)[place(at, stride)]; });
  }

  std::vector<T> reduce_axis() const {
    std::int64_t count = elements(out_);
    if (graph_.numbers(node_)[0] != rows_axis) {
      std::size_t n = size(shape_a_.axes.back());
      std::vector<T> out;
      for (std::int64_t e = 0; e < rows_of(out_) * count; ++e)
        out.push_back(slope::reduce<T>(node_.reduction, a_.subspan(size(e) * n, n)));
      return out;
    }
    if (count == 1) return {slope::reduce<T>(node_.reduction, a_)};
    return over_rows<T>(node_.reduction, rows_, count, [&](std::int64_t row, std::vector<T>& sums) {
      for (std::size_t e = 0; e < sums.size(); ++e)
        sums[e] = combine(node_.reduction, sums[e], a_[size(row * count) + e]);
    });
  }

  std::vector<T> order() const {
    std::vector<T> x(a_.begin(), a_.end()), labels(b_.begin(), b_.end());
    return {order_statistic<T>(static_cast<OrderStatistic>(node_.index), x, labels)};
  }

  std::vector<T> arg_reduce() const {
    std::int64_t n = shape_a_.axes.back();
    std::vector<T> out;
    for (const T* x = a_.data(); x != a_.data() + a_.size(); x += n) {
      std::int64_t best = 0;
      for (std::int64_t i = 1; i < n; ++i) {
        bool better = node_.reduction == Reduction::max ? x[i] > x[best] : x[i] < x[best];
        if (better || (std::isnan(x[i]) && !std::isnan(x[best]))) best = i;
      }
      out.push_back(static_cast<T>(best));
    }
    return out;
  }

  std::vector<T> permute() const {
    Sizes stride, own = strides(shape_a_.axes);
    for (std::int64_t axis : graph_.numbers(node_)) stride.push_back(own[size(axis)]);
    return each(
        [&](std::int64_t row, const Sizes& at) { return row_of(a_, shape_a_, row)[place(at, stride)]; });
  }

  std::vector<T> slice() const {
    auto along = graph_.along(node_);
    Sizes own = strides(shape_a_.axes);
    return each([&](std::int64_t row, const Sizes& at) {
      std::int64_t from = 0;
      for (std::size_t k = 0; k < at.size(); ++k) from += (along[k].begin + along[k].step * at[k]) * own[k];
      return row_of(a_, shape_a_, row)[from];
    });
  }

  std::vector<T> pad() const {
    auto along = graph_.along(node_);
    Sizes own = strides(shape_a_.axes);
    return each([&](std::int64_t row, const Sizes& at) {
      std::int64_t from = 0;
      for (std::size_t k = 0; k < at.size(); ++k) {
        std::int64_t i = (at[k] - along[k].begin) / along[k].step;
        if (i < 0 || i >= along[k].count || along[k].begin + along[k].step * i != at[k])
          return static_cast<T>(node_.value);
        from += i * own[k];
      }
      return row_of(a_, shape_a_, row)[from];
    });
  }

  std::vector<T> concat() const {
    auto axis = size(node_.index);
    std::int64_t first = shape_a_.axes[axis];
    Sizes own_a = strides(shape_a_.axes), own_b = strides(shape_b_.axes);
    return each([&](std::int64_t row, Sizes at) {
      if (at[axis] < first) return row_of(a_, shape_a_, row)[place(at, own_a)];
      at[axis] -= first;
      return row_of(b_, shape_b_, row)[place(at, own_b)];
    });
  }

  std::vector<T> contract() const {
    auto labels = graph_.labels(node_);
    Sizes inner;  // the labels summed over
    for (std::span<const std::int64_t> of : {labels.a, labels.b})
      for (std::int64_t label : of)
        if (std::find(labels.out.begin(), labels.out.end(), label) == labels.out.end() &&
            std::find(inner.begin(), inner.end(), label) == inner.end())
          inner.push_back(label);
    // How far a step along each of `by` is in an operand.
    auto steps = [](std::span<const std::int64_t> by, std::span<const std::int64_t> own, const Shape& shape) {
      Sizes stride = strides(shape.axes), out;
      for (std::int64_t label : by) {
        auto found = std::find(own.begin(), own.end(), label);
        out.push_back(found == own.end() ? 0 : stride[size(found - own.begin())]);
      }
      return out;
    };
    Sizes lengths;
    for (std::int64_t label : inner) {
      auto in_a = std::find(labels.a.begin(), labels.a.end(), label);
      lengths.push_back(
          in_a != labels.a.end()
              ? shape_a_.axes[size(in_a - labels.a.begin())]
              : shape_b_.axes[size(std::find(labels.b.begin(), labels.b.end(), label) - labels.b.begin())]);
    }
    Sizes out_a = steps(labels.out, labels.a, shape_a_), out_b = steps(labels.out, labels.b, shape_b_);
    Sizes in_a = steps(inner, labels.a, shape_a_), in_b = steps(inner, labels.b, shape_b_);
    auto add = [&](std::int64_t row, std::vector<T>& sums) {
      std::size_t e = 0;
      const T *x = row_of(a_, shape_a_, row), *y = row_of(b_, shape_b_, row);
      for_each(out_.axes, [&](const Sizes& at) {
        const T *p = x + place(at, out_a), *q = y + place(at, out_b);
        T& sum = sums[e++];
        for_each(lengths, [&](const Sizes& k) { sum = std::fma(p[place(k, in_a)], q[place(k, in_b)], sum); });
      });
    };
    return sums_of(add);
  }

  // Where a window's element lies in what it looks at.
  static std::int64_t under(const Sizes& at, std::span<const Graph::Window> windows, const Sizes& stride) {
    std::size_t n = windows.size();
    std::int64_t from = at[2 * n] * stride[n];
    for (std::size_t k = 0; k < n; ++k) from += (at[k] * windows[k].stride + at[n + k]) * stride[k];
    return from;
  }

  std::vector<T> window() const {
    auto windows = graph_.windows(node_);
    Sizes own = strides(shape_a_.axes);
    return each([&](std::int64_t row, const Sizes& at) {
      return row_of(a_, shape_a_, row)[under(at, windows, own)];
    });
  }

  std::vector<T> window_add() const {
    auto windows = graph_.windows(node_);
    Sizes to = strides(out_.axes), own = strides(shape_a_.axes);
    return sums_of([&](std::int64_t row, std::vector<T>& sums) {
      for_each(shape_a_.axes, [&](const Sizes& at) {
        T& sum = sums[size(under(at, windows, to))];
        sum = sum + row_of(a_, shape_a_, row)[place(at, own)];
      });
    });
  }

  // Row-major [outer, axis, inner] around the axis that is indexed.
  struct Around {
    std::int64_t outer = 1, length = 1, inner = 1;
  };
  Around around(const Shape& table) const {
    Around out;
    auto axis = size(node_.index);
    for (std::size_t k = 0; k < table.axes.size(); ++k)
      (k < axis ? out.outer : k == axis ? out.length : out.inner) *= table.axes[k];
    return out;
  }

  std::vector<T> take() const {
    Around t = around(shape_a_);
    std::int64_t count = elements(shape_b_);
    std::vector<T> out;
    for (std::int64_t row = 0; row < rows_of(out_); ++row)
      for (std::int64_t o = 0; o < t.outer; ++o)
        for (std::int64_t i = 0; i < count; ++i) {
          auto at = static_cast<std::int64_t>(row_of(b_, shape_b_, row)[i]);
          const T* from = row_of(a_, shape_a_, row) + (o * t.length + at) * t.inner;
          out.insert(out.end(), from, from + t.inner);
        }
    return out;
  }

  std::vector<T> scatter_add() const {
    Around t = around(out_);
    std::int64_t count = elements(shape_b_);
    auto add = [&](std::int64_t row, std::vector<T>& sums) {
      const T* x = row_of(a_, shape_a_, row);
      for (std::int64_t o = 0; o < t.outer; ++o)
        for (std::int64_t i = 0; i < count; ++i) {
          auto at = static_cast<std::int64_t>(row_of(b_, shape_b_, row)[i]);
          T* to = sums.data() + (o * t.length + at) * t.inner;
          for (std::int64_t j = 0; j < t.inner; ++j) to[j] = to[j] + *x++;
        }
    };
    return sums_of(add);
  }

  const Graph& graph_;
  const Node& node_;
  Shape out_, shape_a_, shape_b_;
  std::span<const T> a_, b_;
  std::int64_t rows_;
};

}  // namespace

template <class T>
T reduce(Reduction reduction, std::span<const T> values) {
  std::vector<T> chunks;
  for (std::size_t begin = 0; begin < values.size(); begin += chunk_rows) {
    std::vector<T> lane(128 / sizeof(T), neutral<T>(reduction));
    std::size_t count = std::min<std::size_t>(chunk_rows, values.size() - begin);
    for (std::size_t i = 0; i < count; ++i) {
      T& sum = lane[i % lane.size()];
      sum = combine(reduction, sum, values[begin + i]);
    }
    chunks.push_back(fold(reduction, lane));
  }
  return fold(reduction, chunks);
}

template <class T>
std::vector<T> evaluate_structure(const Graph& graph, NodeId id, std::span<const T> a, std::span<const T> b,
                                  std::int64_t rows) {
  return Structure<T>(graph, id, a, b, rows).run();
}

template float reduce<float>(Reduction, std::span<const float>);
template double reduce<double>(Reduction, std::span<const double>);
template std::vector<float> evaluate_structure(const Graph&, NodeId, std::span<const float>,
                                               std::span<const float>, std::int64_t);
template std::vector<double> evaluate_structure(const Graph&, NodeId, std::span<const double>,
                                                std::span<const double>, std::int64_t);

}  // namespace slope
