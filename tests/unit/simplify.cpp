// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Graph::apply against the same node as it stands (Graph::make): on every tuple of special values the same
// bits.
#include "graph/simplify.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <random>
#include <string>

#include "graph/evaluate.h"
#include "graph/print.h"
#include "graph/verify.h"
#include "tests/unit/special.h"

using namespace slope;
using test::same_bits;
using test::same_number;

namespace {

using Operands = std::vector<NodeId>;

NodeId raw(Graph& g, OpId op, const Operands& operands) {
  Node node{.kind = NodeKind::scalar, .type = info(op).result, .op = op, .shape = g[operands[0]].shape};
  std::copy(operands.begin(), operands.end(), node.operands.begin());
  return g.make(node);
}

// How many ops a value needs.
int ops(const Graph& g, NodeId root) {
  int count = 0;
  std::vector<bool> needed = live(g, std::span(&root, 1));
  for (std::size_t i = 0; i < g.size(); ++i)
    count += needed[i] && g[NodeId(static_cast<std::int64_t>(i))].kind == NodeKind::scalar;
  return count;
}

// Two graphs of the same expressions, one by apply, one by make, over columns x and y whose rows are all
// pairs of special values.
template <class T>
class Twins {
 public:
  struct Pair {
    NodeId simple, raw;
  };

  Twins() : simple(precision), plain(precision) {
    in.columns = test::special_tuples<T>(2);
    in.rows = static_cast<std::int64_t>(in.columns[0].size());
    in.arguments = {0};
  }

  Pair data(int column) { return {simple.data(column), plain.data(column)}; }
  Pair constant(double c) {
    return {simple.broadcast(simple.constant(c)), plain.broadcast(plain.constant(c))};
  }
  Pair truth(bool c) { return {simple.broadcast(simple.truth(c)), plain.broadcast(plain.truth(c))}; }
  Pair apply(OpId op, const std::vector<Pair>& operands) {
    Operands a, b;
    for (Pair p : operands) a.push_back(p.simple), b.push_back(p.raw);
    return {simple.apply(op, a), raw(plain, op, b)};
  }

  // The values of many pairs, simplified and raw.
  std::array<std::vector<std::vector<T>>, 2> values(const std::vector<Pair>& pairs) const {
    Operands a, b;
    for (Pair p : pairs) a.push_back(p.simple), b.push_back(p.raw);
    return {evaluate<T>(simple, a, in), evaluate<T>(plain, b, in)};
  }
  std::string text(Pair p) const { return text(plain, p.raw) + "to\n" + text(simple, p.simple); }

  static constexpr Precision precision = sizeof(T) == 4 ? Precision::f32 : Precision::f64;
  Graph simple, plain;
  Inputs<T> in;

 private:
  static std::string text(const Graph& g, NodeId root) {
    return print(g, std::span(&root, 1), {{"x", "y"}, {}, {}});
  }
};

// Whether a rule that may change the sign of a zero was used since the graph had this many rewrites.
bool zero_rule_since(const Graph& g, std::size_t before) {
  for (const Graph::Rewrite& rewrite : g.rewrites().subspan(before))
    if (rewrite.rule < rules().size() && rules()[rewrite.rule].changes_zero_sign) return true;
  return false;
}

// f(op, operands) for every op over every tuple of these operands, of ops of three operands over the first
// few.
template <class T, class F>
void for_every_expression(const std::vector<typename Twins<T>::Pair>& reals,
                          const std::vector<typename Twins<T>::Pair>& truths, std::size_t most_of_three,
                          F f) {
  for (std::size_t i = 0; i < op_count; ++i) {
    auto op = static_cast<OpId>(i);
    auto arity = static_cast<std::size_t>(info(op).arity);
    auto from = [&](std::size_t k) -> const auto& {
      return info(op).operands[k] == Type::truth ? truths : reals;
    };
    auto choices = [&](std::size_t k) {
      if (k >= arity) return std::size_t(1);
      return arity == 3 ? std::min(from(k).size(), most_of_three) : from(k).size();
    };
    for (std::size_t a = 0; a < choices(0); ++a)
      for (std::size_t b = 0; b < choices(1); ++b)
        for (std::size_t c = 0; c < choices(2); ++c) {
          std::vector<typename Twins<T>::Pair> operands{from(0)[a]};
          if (arity > 1) operands.push_back(from(1)[b]);
          if (arity > 2) operands.push_back(from(2)[c]);
          f(op, operands);
        }
  }
}

// All expressions of at most two levels. Calls differ(zero_rule, simplified, raw, text) where bits differ.
template <class T, class F>
void every_small_expression(F differ) {
  Twins<T> twins;
  using Pair = typename Twins<T>::Pair;
  std::vector<Pair> reals{twins.data(0), twins.data(1)}, truths{twins.truth(false), twins.truth(true)};
  std::vector<Pair> inner_reals, inner_truths;
  auto collect = [&](OpId op, const std::vector<Pair>& operands) {
    (info(op).result == Type::truth ? inner_truths : inner_reals).push_back(twins.apply(op, operands));
  };
  for_every_expression<T>(reals, {}, 2, collect);
  truths.insert(truths.end(), inner_truths.begin(), inner_truths.end());
  inner_truths.clear();
  for_every_expression<T>({}, truths, 0, collect);
  truths.insert(truths.end(), inner_truths.begin(), inner_truths.end());
  truths.resize(std::min<std::size_t>(truths.size(), 60));
  for (T c : test::special_values<T>()) reals.push_back(twins.constant(c));
  reals.insert(reals.end(), inner_reals.begin(), inner_reals.end());

  std::vector<Pair> made;
  std::vector<bool> zero_rules;
  auto compare = [&] {
    auto [simple, plain] = twins.values(made);
    for (std::size_t i = 0; i < made.size(); ++i)
      for (std::size_t row = 0; row < simple[i].size(); ++row)
        if (!same_bits(simple[i][row], plain[i][row]))
          differ(zero_rules[i], simple[i][row], plain[i][row], twins.text(made[i]));
    made.clear();
    zero_rules.clear();
  };
  for_every_expression<T>(reals, truths, 15, [&](OpId op, const std::vector<Pair>& operands) {
    std::size_t before = twins.simple.size(), rewrites = twins.simple.rewrites().size();
    made.push_back(twins.apply(op, operands));
    zero_rules.push_back(zero_rule_since(twins.simple, rewrites));
    if (twins.simple.size() > before + 3)
      CHECK(twins.simple.size() <= before + 3);  // an op, a constant, its broadcast
    if (made.size() == 2000) compare();
  });
  compare();
  CHECK(verify(twins.simple) == "");
}

}  // namespace

TEMPLATE_TEST_CASE("simplify: small expressions keep their bits but for the sign of some zeros", "", float,
                   double) {
  int zeros = 0;
  auto differ = [&](bool zero_rule, TestType simple, TestType plain, const std::string& text) {
    if (zero_rule && simple == 0 && plain == 0) {
      ++zeros;
      return;
    }
    INFO(text);
    CHECK(simple == plain);
    CHECK(std::signbit(simple) == std::signbit(plain));
  };
  every_small_expression<TestType>(differ);
  CHECK(zeros > 0);
}

namespace {

// A random expression, in both graphs, of leaves without rows or with.
template <class T>
class Trees {
 public:
  using Pair = typename Twins<T>::Pair;
  Trees(unsigned seed, bool rows) : random_(seed), rows_(rows) {}

  Twins<T> twins;

  // Deep in a random direction: an operand is the value made before it, half the time.
  std::vector<Pair> grow(int count) {
    for (int k = 0; k < 2; ++k) reals_.push_back(leaf(k));
    for (T c : test::special_values<T>()) reals_.push_back(constant(c));
    truths_ = {truth(false), truth(true)};
    std::vector<Pair> made;
    while (count > 0) {
      auto op = static_cast<OpId>(below(op_count));
      std::vector<Pair> operands;
      for (int k = 0; k < info(op).arity; ++k)
        operands.push_back(
            pick(info(op).operands[static_cast<std::size_t>(k)] == Type::truth ? truths_ : reals_));
      std::size_t rewrites = twins.simple.rewrites().size();
      Pair pair = twins.apply(op, operands);
      if (zero_rule_since(twins.simple, rewrites)) continue;  // a zero's sign becomes an infinity's
      made.push_back(pair);
      (info(op).result == Type::truth ? truths_ : reals_).push_back(made.back());
      --count;
    }
    return made;
  }

 private:
  std::size_t below(std::size_t n) { return random_() % n; }
  Pair pick(const std::vector<Pair>& from) {
    return from[below(2) ? from.size() - 1 - below(std::min<std::size_t>(from.size(), 4))
                         : below(from.size())];
  }
  Pair leaf(int k) { return rows_ ? twins.data(k) : Pair{twins.simple.param(k), twins.plain.param(k)}; }
  Pair constant(double c) {
    return rows_ ? twins.constant(c) : Pair{twins.simple.constant(c), twins.plain.constant(c)};
  }
  Pair truth(bool c) { return rows_ ? twins.truth(c) : Pair{twins.simple.truth(c), twins.plain.truth(c)}; }

  std::mt19937 random_;
  bool rows_;
  std::vector<Pair> reals_, truths_;
};

template <class T>
void compare_trees(Trees<T>& trees, const std::vector<typename Trees<T>::Pair>& made) {
  auto [simple, plain] = trees.twins.values(made);
  for (std::size_t i = 0; i < made.size(); ++i) {
    if (simple[i].size() != plain[i].size()) REQUIRE(simple[i].size() == plain[i].size());
    for (std::size_t row = 0; row < simple[i].size(); ++row)
      if (!same_bits(simple[i][row], plain[i][row])) {
        INFO(trees.twins.text(made[i]) << "row " << row);
        REQUIRE(simple[i][row] == plain[i][row]);
        REQUIRE(std::signbit(simple[i][row]) == std::signbit(plain[i][row]));
      }
    int simplified = ops(trees.twins.simple, made[i].simple), written = ops(trees.twins.plain, made[i].raw);
    if (simplified > written) {
      INFO(trees.twins.text(made[i]));
      REQUIRE(simplified <= written);
    }
  }
  REQUIRE(verify(trees.twins.simple) == "");
}

// Every node made anew by the constructors, in a new graph: the same ids.
void check_idempotent(const Graph& from) {
  Graph to(from.precision());
  for (std::size_t i = 0; i < from.size(); ++i) {
    NodeId id(static_cast<std::int64_t>(i));
    const Node& node = from[id];
    NodeId again = node.kind == NodeKind::scalar ? to.apply(node.op, node.inputs()) : to.make(node);
    if (again != id) REQUIRE(again.value == id.value);
  }
}

}  // namespace

TEMPLATE_TEST_CASE("simplify: random expressions keep their bits, never grow, and are final", "", float,
                   double) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    INFO("seed " << seed);
    Trees<TestType> rows(seed, true);
    compare_trees(rows, rows.grow(30));
    check_idempotent(rows.twins.simple);

    Trees<TestType> numbers(seed, false);
    auto made = numbers.grow(30);
    auto tuples = test::special_tuples<TestType>(2);
    for (std::size_t i = seed % 7; i < tuples[0].size(); i += 7) {
      numbers.twins.in.params = {tuples[0][i], tuples[1][i]};
      compare_trees(numbers, made);
    }
    check_idempotent(numbers.twins.simple);
  }
}

namespace {

template <class T>
void check_folding(OpId op) {
  auto arity = static_cast<std::size_t>(info(op).arity);
  auto columns = test::special_tuples<T>(arity);
  Graph g(sizeof(T) == 4 ? Precision::f32 : Precision::f64);
  for (std::size_t i = 0; i < columns[0].size(); ++i) {
    T x[3] = {};
    Operands operands;
    for (std::size_t k = 0; k < arity; ++k) {
      bool truth = info(op).operands[k] == Type::truth;
      x[k] = truth ? T(columns[k][i] > T(0.5)) : columns[k][i];
      operands.push_back(truth ? g.truth(x[k] != 0) : g.constant(static_cast<double>(x[k])));
    }
    NodeId folded = g.apply(op, operands);
    bool right = g.is_constant(folded) && g[folded].type == info(op).result &&
                 same_bits(static_cast<T>(g[folded].value), evaluate_op<T>(op, x));
    INFO("operands " << x[0] << ", " << x[1] << ", " << x[2]);
    if (!right) CHECK(right);
  }
  CHECK(verify(g) == "");
}

}  // namespace

TEST_CASE("simplify: constants fold to the op's own value in the graph's precision") {
  for (std::size_t i = 0; i < op_count; ++i) {
    INFO("op " << std::string(op_table[i].name));
    check_folding<float>(static_cast<OpId>(i));
    check_folding<double>(static_cast<OpId>(i));
  }
  Graph g(Precision::f32);
  NodeId tenth = g.constant(0.1), third = g.constant(1.0 / 3);
  CHECK(g[tenth].value == static_cast<double>(0.1f));
  CHECK(g[g.apply<op::Mul>(tenth, third)].value == static_cast<double>(0.1f * (1.0f / 3)));
  // Rounded once: 1 + 2⁻²⁴ + 2⁻⁵⁰ is above the middle between two floats, a second rounding would lose that.
  CHECK(g[g.constant(1 + 0x1p-24 + 0x1p-50)].value == 1 + 0x1p-23);
}

TEST_CASE("simplify: the same expression is the same node") {
  Graph g;
  NodeId a = g.param(0), b = g.param(1), x = g.data(0);
  for (std::size_t i = 0; i < op_count; ++i) {
    auto op = static_cast<OpId>(i);
    if (info(op).operands[0] == Type::truth) continue;
    INFO("op " << std::string(info(op).name));
    std::vector<NodeId> operands{a, b, g.constant(3)}, swapped{b, a};
    operands.resize(static_cast<std::size_t>(info(op).arity));
    NodeId made = g.apply(op, operands);
    CHECK(g.apply(op, operands) == made);
    if (info(op).arity == 2) CHECK((g.apply(op, swapped) == made) == info(op).commutative);
  }
  CHECK(g.data(0) == x);
  CHECK(g.data(1) != x);
  CHECK(g.param(0) == a);
  CHECK(g.broadcast(a) == g.broadcast(a));
  CHECK(g.broadcast(x) == x);
  CHECK(g.reduce(Reduction::sum, x) == g.reduce(Reduction::sum, x));
  CHECK(g.reduce(Reduction::sum, x) != g.reduce(Reduction::max, x));
  CHECK(g.constant(1) == g.constant(1));
  CHECK(g.constant(0) != g.constant(-0.0));
  CHECK(g.constant(std::nan("")) == g.constant(std::nan("")));
  CHECK(g.constant(1) != g.truth(true));
}

namespace {

// A side of a rule as it stands, the variables being columns (a truth value: whether its column is above
// 1/2).
template <class T>
class Side {
 public:
  Side(Graph& graph, T k) : graph_(graph), k_(k) {}

  NodeId build(const Pattern& pattern) { return build(pattern, pattern.root()); }
  Operands operands(const Pattern& pattern, const Pattern::Node& node) {
    Operands out;
    for (int i = 0; i < info(node.op).arity; ++i)
      out.push_back(build(
          pattern, pattern.nodes[static_cast<std::size_t>(node.operands[static_cast<std::size_t>(i)])]));
    return out;
  }

 private:
  NodeId build(const Pattern& pattern, const Pattern::Node& node) {
    using Kind = Pattern::Kind;
    if (node.kind == Kind::op) return raw(graph_, node.op, operands(pattern, node));
    if (node.kind == Kind::number) return graph_.broadcast(graph_.constant(node.value));
    if (node.kind == Kind::known) return graph_.broadcast(graph_.truth(node.value != 0));
    if (node.kind == Kind::constant) return graph_.broadcast(graph_.constant(static_cast<double>(k_)));
    if (node.kind == Kind::even) return graph_.broadcast(graph_.constant(even()));
    NodeId column = graph_.data(node.variable % 3);
    if (node.kind == Kind::real) return column;
    return raw(graph_, id_of<op::Greater>(), {column, graph_.broadcast(graph_.constant(0.5))});
  }

  // Made of k.
  double even() const {
    double half = std::nearbyint(static_cast<double>(k_));
    return std::isfinite(half) ? 2 * std::fmod(half, 0x1p60) : 2;
  }

  Graph& graph_;
  T k_;
};

// Ops, leaves, mentions of variables.
std::array<int, 3> measure(const Pattern& pattern) {
  std::array<int, 3> out{};
  // An op on numbers is a number.
  auto visit = [&](auto&& self, const Pattern::Node& node) -> bool {
    using Kind = Pattern::Kind;
    if (node.kind != Kind::op) {
      ++out[1];
      bool number = node.kind != Kind::real && node.kind != Kind::truth;
      out[2] += !number;
      return number;
    }
    bool numbers = true;
    for (int i = 0; i < info(node.op).arity; ++i)
      numbers &=
          self(self, pattern.nodes[static_cast<std::size_t>(node.operands[static_cast<std::size_t>(i)])]);
    out[0] += !numbers;
    return numbers;
  };
  visit(visit, pattern.root());
  return out;
}

template <class T>
void check_values(const Rule& rule, T k) {
  Graph graph(sizeof(T) == 4 ? Precision::f32 : Precision::f64);
  Side<T> side(graph, k);
  NodeId both[] = {side.build(rule.from), side.build(rule.to)};
  Inputs<T> in;
  in.columns = test::special_tuples<T>(3);
  in.rows = static_cast<std::int64_t>(in.columns[0].size());
  auto values = evaluate<T>(graph, both, in);
  bool zero_sign_changes = false;
  for (std::size_t row = 0; row < values[0].size(); ++row) {
    T from = values[0][row], to = values[1][row];
    if (same_bits(from, to)) continue;
    zero_sign_changes = true;
    INFO("k = " << k << ", row " << row);
    CHECK(rule.changes_zero_sign);
    CHECK((from == 0 && to == 0));
  }
  CHECK(zero_sign_changes == rule.changes_zero_sign);
}

}  // namespace

TEST_CASE("simplify: each rule's two sides are the same value, the right one smaller") {
  for (const Rule& rule : rules()) {
    INFO(to_string(rule.from) << " → " << to_string(rule.to));
    CHECK(measure(rule.to) < measure(rule.from));
    bool has_number = false;
    for (const Pattern::Node& node : rule.from.nodes)
      has_number |= node.kind == Pattern::Kind::constant || node.kind == Pattern::Kind::even;
    for (double k : has_number ? test::special_values<double>() : std::vector<double>{1}) {
      check_values<double>(rule, k);
      check_values<float>(rule, static_cast<float>(k));
    }
  }
}

TEST_CASE("simplify: each rule is used where its left side stands, and noted") {
  for (std::size_t i = 0; i < rules().size(); ++i) {
    const Rule& rule = rules()[i];
    INFO(to_string(rule.from) << " → " << to_string(rule.to));
    Graph graph;
    Side<double> side(graph, 3);
    Operands operands = side.operands(rule.from, rule.from.root());
    graph.apply(rule.from.root().op, operands);
    REQUIRE(!graph.rewrites().empty());
    CHECK(graph.rewrites()[0].rule == i);
  }
}

TEST_CASE("simplify: commutative ops match in both orders, constants under the rows too") {
  Graph g;
  NodeId x = g.param(0), y = g.param(1), one = g.constant(1);
  NodeId c = g.apply<op::Less>(x, y), d = g.apply<op::Less>(y, x);
  auto neg = [&](NodeId a) { return g.apply<op::Neg>(a); };
  CHECK(g.apply<op::Add>(g.constant(-0.0), x) == x);
  CHECK(g.apply<op::Mul>(one, x) == x);
  CHECK(g.apply<op::Add>(neg(y), x) == g.apply<op::Sub>(x, y));
  CHECK(g.apply<op::Or>(g.apply<op::And>(d, c), c) == c);
  CHECK(g.apply<op::Mul>(g.constant(2), neg(x)) == g.apply<op::Mul>(g.constant(-2), x));
  CHECK(g[g.apply<op::And>(c, g.apply<op::Not>(d))].op == id_of<op::And>());
  CHECK(g[g.apply<op::Sub>(x, x)].op == id_of<op::Sub>());  // ∞ − ∞ is no number
  NodeId zero = g.constant(0);

  // Over rows: an op on what is the same for every row is done once; a constant for every row stays one for
  // every row.
  NodeId row = g.data(0), xs = g.broadcast(x), ys = g.broadcast(y), truth = g.apply<op::Less>(row, xs);
  CHECK(g.apply<op::Mul>(xs, ys) == g.broadcast(g.apply<op::Mul>(x, y)));
  CHECK(g.apply<op::Select>(g.broadcast(c), xs, ys) == g.broadcast(g.apply<op::Select>(c, x, y)));
  CHECK(g.apply<op::Mul>(row, one) == row);
  CHECK(g.apply<op::Pow>(row, zero) == g.broadcast(one));
  CHECK(g.apply<op::Add>(xs, g.constant(0)) == xs);
  CHECK(g.apply<op::Or>(truth, g.apply<op::Not>(truth)) == g.broadcast(g.truth(true)));
}
