// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Random scalar graphs over the whole op table, and inputs full of special values.
#pragma once
#include <limits>
#include <random>
#include <vector>

#include "graph/evaluate.h"
#include "graph/graph.h"
#include "special.h"

namespace slope::test {

struct RandomGraph {
  Graph graph;
  std::vector<NodeId> roots;
};

class Generator {
 public:
  static constexpr int columns = 3, params = 3;
  explicit Generator(unsigned seed) : random_(seed) {}

  int below(std::size_t n) { return static_cast<int>(random_() % n); }

  RandomGraph graph(Precision precision, int ops) {
    RandomGraph out{Graph(precision), {}};
    Graph& g = out.graph;
    std::vector<NodeId> reals, truths;
    for (int i = 0; i < columns; ++i) reals.push_back(g.data(i));
    for (int i = 0; i < params; ++i) reals.push_back(g.param(i));
    for (double c : {0.5, -1.0, 3.0, 0.0}) reals.push_back(g.constant(c));
    reals.push_back(g.row_count());
    reals.push_back(g.argument(RunArgument::rate));
    truths.push_back(g.apply<op::Less>(reals[0], reals[3]));
    for (int i = 0; i < ops; ++i) {
      auto pick = [&](const std::vector<NodeId>& from) {  // rather a recent one
        std::size_t n = from.size();
        return from[n - 1 -
                    static_cast<std::size_t>(
                        below(std::min<std::size_t>(n, 2 + static_cast<std::size_t>(below(n)))))];
      };
      if (below(8) == 0) {
        NodeId x = g.broadcast(pick(reals));
        reals.push_back(g.reduce(static_cast<Reduction>(below(3)), x));
        continue;
      }
      if (below(24) == 0) {
        NodeId x = pick(reals);
        reals.push_back(below(2) == 0 ? g.tap(x) : g.stop_gradient(x));
        continue;
      }
      auto op = static_cast<OpId>(below(op_count));
      std::array<NodeId, 3> operands{};
      for (int k = 0; k < info(op).arity; ++k)
        operands[static_cast<std::size_t>(k)] =
            pick(info(op).operands[static_cast<std::size_t>(k)] == Type::truth ? truths : reals);
      NodeId made = g.apply(op, std::span(operands.data(), static_cast<std::size_t>(info(op).arity)));
      (info(op).result == Type::truth ? truths : reals).push_back(made);
    }
    for (int i = 0; i < 4; ++i) out.roots.push_back(reals[reals.size() - 1 - static_cast<std::size_t>(i)]);
    return out;
  }

  // Mostly ordinary numbers; one in eight is special.
  template <class T>
  T number() {
    static const std::vector<T> special = special_values<T>();
    if (specials && below(8) == 0) return special[static_cast<std::size_t>(below(special.size()))];
    return static_cast<T>(std::normal_distribution<double>(0, 2)(random_));
  }

  template <class T>
  Inputs<T> inputs(std::int64_t rows) {
    Inputs<T> in;
    in.rows = rows;
    for (int c = 0; c < columns; ++c) {
      auto& column = in.columns.emplace_back();
      for (std::int64_t i = 0; i < rows; ++i) column.push_back(number<T>());
    }
    for (int p = 0; p < params; ++p) in.params.push_back(number<T>());
    in.arguments = {T(0.05)};
    return in;
  }

  bool specials = true;

 private:
  std::mt19937 random_;
};

}  // namespace slope::test
