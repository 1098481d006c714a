// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Structure: what each kind of node means (small cases by hand), its derivative against differences, twice,
// with rows and without, and strong zeros on the way through contractions.
#include <catch2/catch.hpp>
#include <cmath>
#include <functional>
#include <numeric>
#include <random>

#include "compiled.h"
#include "graph/evaluate.h"
#include "graph/expr.h"
#include "graph/fuse.h"
#include "graph/gradient.h"
#include "graph/verify.h"

using namespace slope;

namespace {

using Numbers = std::vector<double>;

struct Model {
  Graph graph;
  Inputs<double> in;
  std::mt19937 random{7};

  Model(std::int64_t rows = 3) {
    in.rows = rows;
    in.arguments = {0};
  }
  Numbers draw(std::int64_t n) {
    std::normal_distribution<double> normal;
    Numbers out;
    for (std::int64_t i = 0; i < n; ++i) out.push_back(normal(random));
    return out;
  }
  NodeId param(Axes axes, Numbers values = {}) {
    Shape shape{false, axes};
    if (values.empty()) values = draw(elements(shape));
    in.param_offsets.push_back(static_cast<std::int64_t>(in.params.size()));
    in.params.insert(in.params.end(), values.begin(), values.end());
    return graph.param(static_cast<int>(in.param_offsets.size()) - 1, graph.intern(shape));
  }
  NodeId data(Axes axes, Numbers values = {}) {
    Shape shape{true, axes};
    in.columns.push_back(values.empty() ? draw(elements(shape) * in.rows) : values);
    return graph.data(static_cast<int>(in.columns.size()) - 1, graph.intern(shape));
  }
  Numbers values(NodeId x) {
    REQUIRE(verify(graph) == "");
    return evaluate<double>(graph, std::span(&x, 1), in)[0];
  }
  // The sum of all elements, each with another weight and squared: every element counts, no derivative is
  // constant.
  NodeId total(NodeId x) {
    Shape shape = graph.shape(x);
    Numbers weights;
    for (std::int64_t i = 0; i < elements(shape); ++i)
      weights.push_back(1 + 0.5 * static_cast<double>(i % 7));
    NodeId w = graph.array(weights, shape.axes);
    NodeId y = graph.apply<op::Mul>(w, graph.apply<op::Mul>(x, x));
    Axes axes;
    if (shape.rows) axes.push_back(rows_axis);
    for (std::size_t k = 0; k < shape.axes.size(); ++k) axes.push_back(static_cast<std::int64_t>(k));
    return graph.reduce(Reduction::sum, y, axes);
  }
  NodeId derivative(NodeId y, NodeId x) { return differentiate(graph, y, std::span(&x, 1))[0]; }

  // d y / d x against central differences, at every element of the parameter x.
  void check(NodeId y, NodeId x, double tolerance = 1e-6) {
    Numbers found = values(derivative(y, x));
    auto at = static_cast<std::size_t>(in.param_offsets[static_cast<std::size_t>(graph[x].index)]);
    REQUIRE(found.size() == static_cast<std::size_t>(elements(graph.shape(x))));
    for (std::size_t e = 0; e < found.size(); ++e) {
      double h = 1e-5, kept = in.params[at + e];
      in.params[at + e] = kept + h;
      double up = values(y)[0];
      in.params[at + e] = kept - h;
      double down = values(y)[0];
      in.params[at + e] = kept;
      double expected = (up - down) / (2 * h);
      INFO("element " << e);
      CHECK(std::fabs(found[e] - expected) <= tolerance * (1 + std::fabs(expected)));
    }
  }
};

Numbers counting(int n) {
  Numbers out(static_cast<std::size_t>(n));
  std::iota(out.begin(), out.end(), 0);
  return out;
}

// What is made of a parameter, alone and beside rows: value by value differentiable, twice.
void check_derivatives(Axes axes, const std::function<NodeId(Model&, NodeId)>& make) {
  for (bool rows : {false, true}) {
    Model m;
    NodeId p = m.param(axes);
    NodeId x = rows ? m.graph.apply<op::Mul>(p, m.data(axes)) : p;
    NodeId y = m.total(make(m, x));
    m.check(y, p);
    NodeId slope = m.total(m.derivative(y, p));
    m.check(slope, p, 1e-5);
  }
}

}  // namespace

TEST_CASE("structure: what each kind means") {
  Model m;
  NodeId x = m.param({2, 3}, counting(6));
  Graph& g = m.graph;
  CHECK(m.values(g.permute(x, {1, 0})) == Numbers{0, 3, 1, 4, 2, 5});
  CHECK(m.values(g.slice(x, std::vector<Graph::Along>{{1, -1, 2}, {0, 2, 2}})) == Numbers{3, 5, 0, 2});
  CHECK(m.values(g.pad(g.param(0, g.intern({false, {2, 3}})), std::vector<Graph::Along>{{0, 1, 2}, {1, 1, 3}},
                       {2, 5}, 9)) == Numbers{9, 0, 1, 2, 9, 9, 3, 4, 5, 9});
  CHECK(m.values(g.concat(x, x, 1)) == Numbers{0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5});
  CHECK(m.values(g.reduce(Reduction::sum, x, {0})) == Numbers{3, 5, 7});
  CHECK(m.values(g.reduce(Reduction::prod, x, {1})) == Numbers{0, 60});
  CHECK(m.values(g.reduce(Reduction::max, x, {0, 1})) == Numbers{5});
  CHECK(m.values(g.arg_reduce(Reduction::max, x, 1)) == Numbers{2, 2});
  CHECK(m.values(g.broadcast(m.param({3, 1}, {1, 2, 3}), {false, {2, 3, 2}})) ==
        Numbers{1, 1, 2, 2, 3, 3, 1, 1, 2, 2, 3, 3});
  CHECK(m.values(g.contract(x, x, {0, 2}, {1, 2}, {0, 1}, false)) == Numbers{5, 14, 14, 50});
  NodeId at = m.param({2}, {2, 0});
  CHECK(m.values(g.take(x, at, 1)) == Numbers{2, 0, 5, 3});
  CHECK(m.values(g.scatter_add(m.param({2, 2}, {1, 2, 3, 4}), at, 1, {false, {2, 3}})) ==
        Numbers{2, -0.0, 1, 4, -0.0, 3});
  NodeId line = m.param({4, 1}, {1, 2, 3, 4});
  CHECK(m.values(g.window(line, std::vector<Graph::Window>{{3, 1}})) == Numbers{1, 2, 3, 2, 3, 4});
  CHECK(m.values(g.window_add(m.param({2, 3, 1}, {1, 2, 3, 4, 5, 6}), std::vector<Graph::Window>{{3, 1}},
                              {4, 1})) == Numbers{1, 6, 8, 6});
}

TEST_CASE("structure: rows line up, and are summed where a result has none") {
  Model m(2);
  Graph& g = m.graph;
  NodeId x = m.data({2}, {1, 2, 3, 4}), w = m.param({2, 2}, {1, 0, 0, 10});
  CHECK(m.values(g.contract(x, w, {0}, {0, 1}, {1}, true)) == Numbers{1, 20, 3, 40});
  CHECK(m.values(g.contract(x, x, {0}, {1}, {0, 1}, false)) == Numbers{10, 14, 14, 20});
  CHECK(m.values(g.reduce(Reduction::sum, x, {rows_axis, 0})) == Numbers{10});
  CHECK(m.values(g.reduce(Reduction::max, x, {rows_axis})) == Numbers{3, 4});
  NodeId i = m.data({}, {1, 0});
  CHECK(m.values(g.take(w, i, 0)) == Numbers{0, 10, 1, 0});
  CHECK(m.values(g.scatter_add(x, i, 0, {false, {3, 2}})) == Numbers{3, 4, 1, 2, -0.0, -0.0});
}

TEST_CASE("structure: derivatives against differences, twice") {
  auto each = [](Axes axes, std::function<NodeId(Model&, NodeId)> make) { check_derivatives(axes, make); };
  each({2, 3}, [](Model& m, NodeId x) { return m.graph.permute(x, {1, 0}); });
  each({2, 3}, [](Model& m, NodeId x) { return m.graph.reshape(x, {3, 2}); });
  each({5}, [](Model& m, NodeId x) { return m.graph.slice(x, std::vector<Graph::Along>{{4, -2, 3}}); });
  each({2},
       [](Model& m, NodeId x) { return m.graph.pad(x, std::vector<Graph::Along>{{1, 2, 2}}, {5}, 0.5); });
  each({2, 1}, [](Model& m, NodeId x) { return m.graph.broadcast(x, {m.graph.has_rows(x), {3, 2, 4}}); });
  each({3}, [](Model& m, NodeId x) { return m.graph.broadcast(x); });
  each({2, 3}, [](Model& m, NodeId x) { return m.graph.concat(x, m.param({2, 2}), 1); });
  for (Reduction r : {Reduction::sum, Reduction::max, Reduction::min, Reduction::prod}) {
    each({2, 3}, [r](Model& m, NodeId x) { return m.graph.reduce(r, x, {1}); });
    each({2, 3}, [r](Model& m, NodeId x) { return m.graph.reduce(r, m.graph.broadcast(x), {rows_axis}); });
    each({2, 2}, [r](Model& m, NodeId x) { return m.graph.reduce(r, m.graph.broadcast(x), {rows_axis, 0}); });
  }
  each({2, 3}, [](Model& m, NodeId x) {
    return m.graph.contract(x, m.param({3, 2}), {0, 1}, {1, 2}, {2, 0}, m.graph.has_rows(x));
  });
  each({2, 3},
       [](Model& m, NodeId x) { return m.graph.contract(x, m.data({3, 2}), {0, 1}, {1, 2}, {2, 0}, true); });
  each({2, 3}, [](Model& m, NodeId x) {  // over rows where it has them; the label 2 is summed before
    return m.graph.contract(m.data({3, 2}), x, {1, 2}, {0, 1}, {0}, false);
  });
  each({2, 3}, [](Model& m, NodeId x) {
    return m.graph.contract(x, x, {0, 1}, {2, 1}, {0, 2}, m.graph.has_rows(x));
  });
  each({4, 4, 2},
       [](Model& m, NodeId x) { return m.graph.window(x, std::vector<Graph::Window>{{2, 2}, {3, 1}}); });
  each({2, 2, 2, 3, 2}, [](Model& m, NodeId x) {
    return m.graph.window_add(x, std::vector<Graph::Window>{{2, 2}, {3, 1}}, {4, 4, 2});
  });
  each({4, 2}, [](Model& m, NodeId x) { return m.graph.take(x, m.graph.array({2, 0, 2}, Axes{3}), 0); });
  each({4, 2}, [](Model& m, NodeId x) { return m.graph.take(x, m.data({}, {3, 1, 3}), 0); });
  each({2, 3}, [](Model& m, NodeId x) {
    return m.graph.scatter_add(x, m.graph.array({2, 0, 2}, Axes{3}), 1, {m.graph.has_rows(x), {2, 3}});
  });
  each({2, 2}, [](Model& m, NodeId x) {
    return m.graph.scatter_add(m.graph.broadcast(x), m.data({}, {3, 1, 3}), 0, {false, {4, 2, 2}});
  });
}

TEST_CASE("structure: the derivative of a convolution by its picture is a convolution") {
  for (std::int64_t stride : {1, 2}) {
    Model m;
    Graph& g = m.graph;
    NodeId x = m.param({7, 5, 2}), w = m.param({3, 2, 2, 4});
    std::vector<Graph::Window> windows{{3, stride}, {2, 1}};
    NodeId seen = g.window(g.apply<op::Mul>(x, m.data({7, 5, 2})), windows);
    NodeId y = m.total(g.contract(seen, w, {0, 1, 2, 3, 4}, {2, 3, 4, 5}, {0, 1, 5}, true));
    NodeId slope = m.derivative(y, x);
    std::vector<bool> needed = live(g, std::span(&slope, 1));
    for (std::size_t i = 0; i < needed.size(); ++i)
      CHECK_FALSE((needed[i] && g[NodeId(static_cast<std::int64_t>(i))].kind == NodeKind::window_add));
    m.check(y, x);
    m.check(m.total(slope), w, 1e-5);
    m.check(m.total(slope), x, 1e-5);
  }
}

TEST_CASE("structure: the product's derivative where factors are zero") {
  for (Numbers values : {Numbers{2, 0, 3}, Numbers{0, 0, 3}, Numbers{2, 4, 3}}) {
    Model m;
    NodeId x = m.param({3}, values);
    m.check(m.graph.reduce(Reduction::prod, x, {0}), x);
  }
}

// ∂/∂a of a·b is b, however small or large a·b is.
// The derivative of the product of x's elements along each of the directions: the coefficient of t₁·t₂·… in
// Π (xᵢ + t₁·d₁ᵢ + t₂·d₂ᵢ + …), element after element, by which of them are taken.
double along_directions(const Numbers& x, const std::vector<Numbers>& directions) {
  Numbers by_taken(std::size_t{1} << directions.size());
  by_taken[0] = 1;
  for (std::size_t i = 0; i < x.size(); ++i) {
    Numbers next = by_taken;
    for (std::size_t taken = 0; taken < next.size(); ++taken) {
      next[taken] *= x[i];
      for (std::size_t k = 0; k < directions.size(); ++k)
        if (taken >> k & 1) next[taken] += directions[k][i] * by_taken[taken ^ (std::size_t{1} << k)];
    }
    by_taken = next;
  }
  return by_taken.back();
}

TEST_CASE("structure: further derivatives of long products, at zeros too") {
  for (bool rows : {false, true})
    for (std::size_t zeros : {0, 1, 2, 3, 4}) {
      std::int64_t n = rows ? 12 : 65;  // more than are multiplied out
      Model m(n);
      Numbers x;
      for (std::int64_t i = 0; i < n; ++i) x.push_back(0.8 + 0.05 * static_cast<double>(i * 7 % 10));
      for (std::size_t k = 0; k < zeros; ++k) x[3 * k + 1] = 0;
      std::vector<Numbers> directions{m.draw(n), m.draw(n), m.draw(n)};
      auto node = [&](const Numbers& values) {
        return rows ? m.data({}, values) : m.graph.array(values, Axes{n});
      };
      Axes all{rows ? rows_axis : 0};
      NodeId at = rows ? m.data({}, x) : m.param({n}, x);
      NodeId y = m.graph.reduce(Reduction::prod, at, all);
      std::vector<Numbers> used;
      for (const Numbers& direction : directions) {
        NodeId dy = m.derivative(y, at);
        REQUIRE(dy.valid());
        y = m.graph.reduce(Reduction::sum, m.graph.apply<op::Mul>(dy, node(direction)), all);
        used.push_back(direction);
        double expected = along_directions(x, used), found = m.values(y)[0];
        INFO("rows " << rows << " zeros " << zeros << " order " << used.size());
        CHECK(std::fabs(found - expected) <= 1e-10 * (1 + std::fabs(expected)));
      }
      // More zeros than that are no number, rather than a wrong one.
      NodeId dy = m.derivative(y, at);
      double fourth = m.values(m.graph.reduce(Reduction::sum, dy, all))[0];
      CHECK(std::isfinite(fourth) == (zeros < 4));
    }
}

TEST_CASE("structure: the product's derivative where the product is no number of the floats") {
  for (double tiny : {1e-200, 1e200}) {
    Graph g;
    NodeId x = g.param(0, g.intern({false, {2}}));
    NodeId dx = differentiate(g, g.reduce(Reduction::prod, x, {0}), std::span(&x, 1))[0];
    Inputs<double> inputs{.columns = {}, .params = {tiny, 3 * tiny}, .arguments = {}, .rows = 0};
    inputs.param_offsets = {0};
    CHECK(evaluate<double>(g, std::span(&dx, 1), inputs)[0] == std::vector<double>{3 * tiny, tiny});
  }
}

TEST_CASE("structure: nothing leaks through a contraction from the branch not taken") {
  Model m(2);
  Graph& g = m.graph;
  NodeId x = m.data({2}, {-1, 2, 3, 4}), w = m.param({2, 1}, {0.5, 0.25}), zero = g.constant(0);
  NodeId keep = g.apply<op::Greater>(m.data({}, {-1, 1}), zero);
  NodeId z = g.contract(g.apply<op::Log>(x), w, {0}, {0, 1}, {1}, true);  // the first row: log(-1)
  NodeId y = m.total(g.apply<op::Select>(g.reshape(keep, {1}), z, zero));
  Numbers slopes = m.values(m.derivative(y, w));
  double sum = 0.5 * std::log(3) + 0.25 * std::log(4);
  CHECK(slopes[0] == Approx(2 * sum * std::log(3)));
  CHECK(slopes[1] == Approx(2 * sum * std::log(4)));
}

TEST_CASE("structure: equal ones are one node, and what changes nothing is no node") {
  Model m;
  Graph& g = m.graph;
  NodeId x = m.param({2, 3});
  CHECK(g.reshape(x, {2, 3}) == x);
  CHECK(g.permute(g.permute(x, {1, 0}), {1, 0}) == x);
  CHECK(g.reshape(g.reshape(x, {6}), {2, 3}) == x);
  CHECK(g.broadcast(x, {false, {2, 3}}) == x);
  CHECK(g.contract(x, x, {0, 2}, {1, 2}, {0, 1}, false) == g.contract(x, x, {5, 4}, {7, 4}, {5, 7}, false));
  CHECK(g.array({1, 2}, Axes{2}) == g.array({1, 2}, Axes{2}));
  // An op on what is repeated is computed before it is repeated.
  NodeId b = m.param({3});
  NodeId sum = g.apply<op::Add>(g.broadcast(b, {true, {2, 3}}), g.broadcast(g.constant(1), {true, {2, 3}}));
  REQUIRE(g[sum].kind == NodeKind::broadcast);
  CHECK(g.shape(g[sum].operands[0]) == Shape{false, {3}});
}

namespace {

// Graphs of values with axes: every kind of structure on operands of any shape, ops between them.
class StructureGenerator {
 public:
  StructureGenerator(Graph& graph, unsigned seed) : g(graph), random_(seed) {}

  std::int64_t below(std::size_t n) { return static_cast<std::int64_t>(random_() % n); }
  Axes axes() {
    static constexpr std::int64_t lengths[] = {1, 2, 3, 4, 5, 7, 16, 17, 33};
    Axes out(static_cast<std::size_t>(below(4)));
    for (std::int64_t& n : out) n = lengths[static_cast<std::size_t>(below(out.size() > 2 ? 6 : 9))];
    return out;
  }
  NodeId pick() {
    std::size_t n = values.size();
    return values[n - 1 - static_cast<std::size_t>(below(std::min<std::size_t>(n, 12)))];
  }
  bool small(std::int64_t count) { return count <= 3000; }

  void add() {
    NodeId x = pick();
    const Shape shape = g.shape(x);
    std::size_t rank = shape.axes.size();
    auto axis = rank ? below(rank) : 0;
    auto length = [&](std::size_t k) { return shape.axes[k]; };
    switch (below(15)) {
      case 0: {
        Axes wide = shape.axes;
        for (std::int64_t& n : wide)
          if (n == 1) n = 1 + below(5);
        if (below(2)) wide.insert(wide.begin(), 1 + below(3));
        Shape to{shape.rows || below(3) == 0, wide};
        if (small(elements(to))) values.push_back(g.broadcast(x, to));
        return;
      }
      case 1: {
        Axes over;
        if (shape.rows && below(2)) over.push_back(rows_axis);
        for (std::size_t k = 0; k < rank; ++k)
          if (below(2)) over.push_back(static_cast<std::int64_t>(k));
        values.push_back(g.reduce(static_cast<Reduction>(below(4)), x, over));
        return;
      }
      case 2:
        if (rank) values.push_back(g.arg_reduce(below(2) ? Reduction::max : Reduction::min, x, axis));
        return;
      case 3: {
        std::int64_t count = elements(shape);
        Axes to{count};
        for (std::int64_t f : {2, 3, 5})
          if (count % f == 0 && below(2)) to = {f, count / f};
        values.push_back(g.reshape(x, to));
        return;
      }
      case 4: {
        Axes order(rank);
        std::iota(order.begin(), order.end(), 0);
        std::shuffle(order.begin(), order.end(), random_);
        values.push_back(g.permute(x, order));
        return;
      }
      case 5: {
        std::vector<Graph::Along> along;
        for (std::size_t k = 0; k < rank; ++k) {
          std::int64_t step = 1 + below(2),
                       count = 1 + below(static_cast<std::size_t>((length(k) - 1) / step + 1));
          std::int64_t begin = below(static_cast<std::size_t>(length(k) - step * (count - 1)));
          if (below(2)) along.push_back({begin, step, count});
          else along.push_back({begin + step * (count - 1), -step, count});
        }
        values.push_back(g.slice(x, along));
        return;
      }
      case 6: {
        std::vector<Graph::Along> along;
        Axes to;
        for (std::size_t k = 0; k < rank; ++k) {
          std::int64_t step = 1 + below(2), begin = below(3);
          along.push_back({begin, step, length(k)});
          to.push_back(begin + step * (length(k) - 1) + 1 + below(3));
        }
        if (small(elements({false, to}))) values.push_back(g.pad(x, along, to, 0.5));
        return;
      }
      case 7:
        if (rank && small(2 * elements(shape))) values.push_back(g.concat(x, x, axis));
        return;
      case 8:
      case 9: return contract(x);
      case 10: {
        if (rank < 2) return;
        std::vector<Graph::Window> windows;
        for (std::size_t k = 0; k + 1 < rank; ++k)
          windows.push_back(
              {1 + below(static_cast<std::size_t>(std::min<std::int64_t>(length(k), 3))), 1 + below(2)});
        NodeId w = g.window(x, windows);
        if (small(elements(g.shape(w)))) values.push_back(w);
        if (below(2)) values.push_back(g.window_add(w, windows, shape.axes));
        return;
      }
      case 11:
      case 12: return scatter(x, shape, axis);
      default: {
        static constexpr OpId ops[] = {id_of<op::Add>(), id_of<op::Mul>(), id_of<op::Tanh>(),
                                       id_of<op::Max>(), id_of<op::Sub>(), id_of<op::Abs>()};
        OpId op = ops[below(6)];
        NodeId y = pick();
        auto common = common_shape(shape, g.shape(y));
        if (info(op).arity == 1) values.push_back(g.apply(op, {x}));
        else if (common && small(elements(*common))) values.push_back(g.apply(op, {x, y}));
      }
    }
  }

  Graph& g;
  std::vector<NodeId> values;

 private:
  // Two operands that share labels where their lengths allow it.
  void contract(NodeId x) {
    NodeId y = pick();
    const Shape a = g.shape(x), b = g.shape(y);
    Axes labels_a(a.axes.size()), labels_b, out;
    std::iota(labels_a.begin(), labels_a.end(), 0);
    std::int64_t next = static_cast<std::int64_t>(labels_a.size()), count = 1, work = 1;
    for (std::int64_t n : b.axes) {
      std::int64_t label = next++;
      for (std::size_t k = 0; k < a.axes.size(); ++k)
        if (a.axes[k] == n && std::find(labels_b.begin(), labels_b.end(), labels_a[k]) == labels_b.end() &&
            below(2))
          label = labels_a[k];
      labels_b.push_back(label);
    }
    auto visit = [&](const Axes& labels, const Axes& axes) {
      for (std::size_t k = 0; k < labels.size(); ++k)
        if (std::find(out.begin(), out.end(), labels[k]) == out.end()) {
          work *= axes[k];
          if (below(3)) out.push_back(labels[k]), count *= axes[k];
        }
    };
    visit(labels_a, a.axes);
    visit(labels_b, b.axes);
    std::shuffle(out.begin(), out.end(), random_);
    bool rows = (a.rows || b.rows) && below(2);
    if (small(count) && work < 100'000) values.push_back(g.contract(x, y, labels_a, labels_b, out, rows));
  }

  void scatter(NodeId x, const Shape& shape, std::int64_t axis) {
    if (shape.axes.empty()) return;
    auto k = static_cast<std::size_t>(axis);
    std::vector<double> at;
    for (std::int64_t i = 0; i < 4; ++i)
      at.push_back(static_cast<double>(below(static_cast<std::size_t>(shape.axes[k]))));
    NodeId indices = below(2) ? g.array(at, Axes{2, 2}) : g.array(at, Axes{4});
    if (below(3) == 0) {  // one a row
      NodeId row = g.data(0);
      NodeId inside = g.apply<op::Mul>(g.apply<op::Abs>(g.apply<op::Tanh>(row)),
                                       g.constant(static_cast<double>(shape.axes[k]) - 0.5));
      indices = g.apply<op::Floor>(inside);
    }
    NodeId y = g.take(x, indices, axis);
    if (small(elements(g.shape(y)))) values.push_back(y);
    if (g.has_rows(y) && below(2)) values.push_back(g.scatter_add(y, indices, axis, {false, shape.axes}));
    if (below(2)) values.push_back(g.scatter_add(y, indices, axis, {g.has_rows(y), shape.axes}));
  }

  std::mt19937 random_;
};

template <class T>
void compiled_equals_interpreted(unsigned seed, std::int64_t rows, const std::string& cpu = "native") {
  Graph graph(sizeof(T) == 8 ? Precision::f64 : Precision::f32);
  StructureGenerator random(graph, seed);
  Inputs<T> in;
  in.rows = rows;
  in.arguments = {T(0)};
  std::mt19937 numbers(seed);
  std::normal_distribution<double> normal;
  auto draw = [&](std::vector<T>& into, std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i) into.push_back(static_cast<T>(normal(numbers)));
  };
  for (int c = 0; c < 3; ++c) {
    Shape shape{true, c == 0 ? Axes{} : random.axes()};
    random.values.push_back(graph.data(c, graph.intern(shape)));
    draw(in.columns.emplace_back(), elements(shape) * rows);
  }
  for (int p = 0; p < 3; ++p) {
    Shape shape{false, p == 0 ? Axes{} : random.axes()};
    random.values.push_back(graph.param(p, graph.intern(shape)));
    in.param_offsets.push_back(static_cast<std::int64_t>(in.params.size()));
    draw(in.params, elements(shape));
  }
  for (int i = 0; i < 25; ++i) random.add();
  REQUIRE(verify(graph) == "");
  std::vector<NodeId> roots(random.values.end() - 5, random.values.end());
  NodeId total = graph.constant(0);
  for (NodeId root : roots) {
    Axes all;
    if (graph.has_rows(root)) all.push_back(rows_axis);
    for (std::size_t k = 0; k < graph.shape(root).axes.size(); ++k)
      all.push_back(static_cast<std::int64_t>(k));
    NodeId y = graph.apply<op::Tanh>(root);
    total = graph.apply<op::Add>(total, graph.reduce(Reduction::sum, y, all));
  }
  for (int p = 0; p < 3; ++p) {
    NodeId x = random.values[3 + static_cast<std::size_t>(p)];
    NodeId slope = differentiate(graph, total, std::span(&x, 1))[0];
    if (slope.valid()) roots.push_back(slope);
  }
  REQUIRE(verify(graph) == "");
  Fused fused = fuse(graph, roots);
  auto expected = evaluate<T>(fused.graph, fused.roots, in);
  slope::test::Compiled<T> compiled(fused, cpu, {}, optimized_operations, in.param_offsets);
  for (bool interpreted : {false, true}) {
    if (interpreted) compiled.interpret();
    auto found = compiled.run(in);
    for (std::size_t r = 0; r < roots.size(); ++r) {
      INFO("seed " << seed << ", rows " << rows << ", root " << r << ", interpreted " << interpreted);
      REQUIRE(found[r].size() == expected[r].size());
      std::size_t wrong = 0;
      while (wrong < found[r].size() && slope::test::same(found[r][wrong], expected[r][wrong])) ++wrong;
      CHECK(wrong == found[r].size());
    }
  }
}

}  // namespace

TEST_CASE("structure: machine code is the interpreter, to the bit") {
  for (unsigned seed = 0; seed < 60; ++seed) {
    compiled_equals_interpreted<double>(seed, seed % 5 == 0 ? 0 : 1 + 13 * (seed % 7));
    compiled_equals_interpreted<float>(seed, seed % 3 == 0 ? 130 : 7);
  }
  compiled_equals_interpreted<double>(220, 0);  // slices that go backwards
  compiled_equals_interpreted<double>(489, 79);
}

TEST_CASE("structure: the same bits on every instruction set") {
  for (const char* cpu : {"x86-64", "x86-64-v3"})
    for (unsigned seed = 200; seed < 206; ++seed) {
      compiled_equals_interpreted<double>(seed, 37, cpu);
      compiled_equals_interpreted<float>(seed, 37, cpu);
    }
}

TEST_CASE("structure: sums over more rows than a chunk has") {
  for (unsigned seed : {1u, 2u, 3u}) compiled_equals_interpreted<double>(100 + seed, 2 * chunk_rows + 77);
}

TEST_CASE("structure: slices of moved elements are taken of what is moved") {
  Graph g;
  NodeId a = g.param(0, g.intern({false, {3, 4}})), b = g.param(1, g.intern({false, {5, 4}}));
  NodeId both = g.concat(a, b, 0);
  auto rows = [&](NodeId x, std::int64_t begin, std::int64_t step, std::int64_t count) {
    Graph::Along along[] = {{begin, step, count}, {0, 1, 4}};
    return g.slice(x, along);
  };
  CHECK(rows(both, 0, 1, 3) == a);
  CHECK(rows(both, 1, 1, 2) == rows(a, 1, 1, 2));
  CHECK(rows(both, 3, 1, 5) == b);
  CHECK(rows(both, 7, -2, 2) == rows(b, 4, -2, 2));
  CHECK(g[rows(both, 2, 1, 2)].kind == NodeKind::slice);  // of both sides
  CHECK(rows(rows(b, 4, -1, 5), 1, 2, 2) == rows(b, 3, -2, 2));
}

// x[0]² + x[1]² + … has one derivative of all elements, without a sum of padded ones.
TEST_CASE("structure: derivatives by slices are put side by side") {
  Graph g;
  NodeId x = g.param(0, g.intern({false, {6}})), sum = g.constant(0);
  auto part = [&](std::int64_t begin, std::int64_t step, std::int64_t count) {
    Graph::Along along[] = {{begin, step, count}};
    return g.slice(x, along);
  };
  // Apart, side by side, overlapping, with a step, backwards; x[5] alone.
  for (NodeId slice :
       {part(0, 1, 2), part(2, 1, 1), part(1, 1, 3), part(0, 2, 3), part(4, -1, 2), part(5, 1, 1)})
    sum = g.apply<op::Add>(sum, g.reduce(Reduction::sum, g.apply<op::Mul>(slice, slice), {0}));
  NodeId dx = differentiate(g, sum, std::span(&x, 1))[0];
  Inputs<double> inputs{.columns = {}, .params = {1, 2, 3, 4, 5, 6}, .arguments = {}, .rows = 0};
  inputs.param_offsets = {0};
  int uses[] = {2, 2, 3, 2, 2, 1};
  std::vector<double> expected;
  for (int i = 0; i < 6; ++i) expected.push_back(2.0 * (i + 1) * uses[i]);
  CHECK(evaluate<double>(g, std::span(&dx, 1), inputs)[0] == expected);

  Graph h;
  NodeId y = h.param(0, h.intern({false, {6}})), total = h.constant(0);
  for (std::int64_t i : {4, 0, 2, 1, 5, 3}) {
    Graph::Along along[] = {{i, 1, 1}};
    NodeId one = h.reshape(h.slice(y, along), {});
    total = h.apply<op::Add>(total, h.apply<op::Mul>(one, one));
  }
  NodeId dy = differentiate(h, total, std::span(&y, 1))[0];
  for (std::size_t i = 0; i < h.size(); ++i)
    CHECK(h[NodeId(static_cast<std::int64_t>(i))].kind != NodeKind::pad);
  inputs.params = {1, 2, 3, 4, 5, 6};
  CHECK(evaluate<double>(h, std::span(&dy, 1), inputs)[0] == std::vector<double>{2, 4, 6, 8, 10, 12});
}
