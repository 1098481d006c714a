// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Derivatives where there is more than one answer: kinks and ties as graph/graph.h says, and for every op of
// the table exactly nothing from the branch that is not taken.
#include <catch2/catch.hpp>
#include <limits>
#include <string>

#include "graph/verify.h"
#include "tests/unit/op_gradients.h"
#include "tests/unit/op_samples.h"

using namespace slope;
using namespace slope::test;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();

// The partials on numbers, which those of the graph must equal in either precision.
template <class Op>
std::pair<double, double> at(double a, double b = 0) {
  Point<double> expected = partials_of<double>(id_of<Op>(), {a, b, 0});
  OpGradients wide(id_of<Op>()), narrow(id_of<Op>(), Precision::f32);
  OpGradients::Ids in_wide = wide.gradient(wide.value), in_narrow = narrow.gradient(narrow.value);
  for (std::size_t k = 0; k < static_cast<std::size_t>(Op::arity); ++k) {
    INFO(Op::name << " at " << a << ", " << b);
    CHECK(wide.at<double>(in_wide[k], {{a, b, 0}})[0] == expected[k]);
    CHECK(narrow.at<float>(in_narrow[k], {{static_cast<float>(a), static_cast<float>(b), 0}})[0] ==
          static_cast<float>(expected[k]));
  }
  return {expected[0], expected[1]};
}

}  // namespace

TEST_CASE("ops: derivatives at the kinks", "[ops]") {
  for (double zero : {0.0, -0.0}) {
    CHECK(at<op::Abs>(zero).first == 0);
    CHECK(at<op::Sign>(zero).first == 0);
  }
  for (double x : {-1.0, 0.0, 3.0, inf}) {
    CHECK(at<op::Max>(x, x) == std::pair(0.5, 0.5));
    CHECK(at<op::Min>(x, x) == std::pair(0.5, 0.5));
  }
  CHECK(at<op::Max>(0.0, -0.0) == std::pair(0.5, 0.5));
  CHECK(at<op::Min>(-0.0, 0.0) == std::pair(0.5, 0.5));
  CHECK(at<op::Max>(2, 1) == std::pair(1.0, 0.0));
  CHECK(at<op::Min>(2, 1) == std::pair(0.0, 1.0));
  CHECK(at<op::Sqrt>(0.0).first == inf);
  CHECK(at<op::Log>(0.0).first == inf);
  CHECK(at<op::Log1p>(-1).first == inf);
}

TEST_CASE("ops: powers at zero", "[ops]") {
  CHECK(op::Pow::value(0.0, 0.0) == 1);
  CHECK(at<op::Pow>(0, 0) == std::pair(0.0, 0.0));
  CHECK(at<op::Pow>(0, 1) == std::pair(1.0, 0.0));
  CHECK(at<op::Pow>(0, 2) == std::pair(0.0, 0.0));
  CHECK(at<op::Pow>(0, 0.5) == std::pair(inf, 0.0));
  CHECK(at<op::Pow>(0, -1) == std::pair(-inf, 0.0));
}

TEST_CASE("ops: the derivative of relu is 0 at 0", "[ops]") {
  Graph g;
  NodeId x = g.param(0), zero = g.constant(0);
  NodeId relu = g.apply<op::Select>(g.apply<op::LessEqual>(x, zero), zero, x);
  NodeId slope_of_relu = differentiate(g, relu, std::span(&x, 1))[0];
  auto value = [&](double p) {
    return evaluate<double>(g, std::span(&slope_of_relu, 1), {{}, {p}, {}, 0})[0][0];
  };
  CHECK(value(0) == 0);
  CHECK(value(-0.0) == 0);
  CHECK(value(-1) == 0);
  CHECK(value(1e-300) == 1);
}

namespace {

// `if c then op(x₁·v, x₂·v, …) else z` of columns x, or with the branches exchanged, differentiated by the x
// and v, twice. v is 1: it puts a product below the op, so that infinite derivatives meet another factor.
class Branch {
 public:
  Branch(OpId op, bool taken_when, Precision precision) : taken_when_(taken_when), graph_(precision) {
    arity_ = static_cast<std::size_t>(info(op).arity);
    NodeId v = graph_.data(static_cast<int>(arity_)), c = graph_.data(static_cast<int>(arity_) + 1);
    std::vector<NodeId> operands, wrt{v};
    for (std::size_t k = 0; k < arity_; ++k) {
      wrt.push_back(graph_.data(static_cast<int>(k)));
      NodeId x = graph_.apply<op::Mul>(wrt.back(), v);
      bool truth = info(op).operands[k] == Type::truth;
      operands.push_back(truth ? graph_.apply<op::Greater>(x, graph_.constant(0.5)) : x);
    }
    NodeId branch = graph_.to_real(graph_.apply(op, operands)), other = graph_.constant(3);
    NodeId condition = graph_.apply<op::Greater>(c, graph_.constant(0.5));
    NodeId chosen = taken_when ? graph_.apply<op::Select>(condition, branch, other)
                               : graph_.apply<op::Select>(condition, other, branch);
    for (NodeId first : gradient(chosen, wrt)) gradient(first, wrt);
  }

  // The derivatives at one tuple of operands a row, the branch not taken.
  template <class T>
  std::vector<std::vector<T>> not_taken(const std::vector<Point<T>>& points) const {
    Inputs<T> in = columns_of(points, arity_);
    in.columns.emplace_back(points.size(), T(1));
    in.columns.emplace_back(points.size(), T(!taken_when_));
    return evaluate<T>(graph_, derivatives_, in);
  }

 private:
  std::vector<NodeId> gradient(NodeId y, const std::vector<NodeId>& wrt) {
    std::vector<NodeId> out;
    for (NodeId id : differentiate(graph_, graph_.reduce(Reduction::sum, graph_.broadcast(y)), wrt))
      if (id.valid()) out.push_back(id);
    derivatives_.insert(derivatives_.end(), out.begin(), out.end());
    REQUIRE(verify(graph_) == "");
    return out;
  }

  bool taken_when_;
  Graph graph_;
  std::size_t arity_;
  std::vector<NodeId> derivatives_;
};

template <class T>
void check_strong_zeros(Precision precision) {
  for_every_op([&](OpId op) {
    std::vector<Point<T>> points;
    for_special_operands<T>(op, [&](const Point<T>& x) { points.push_back(x); });
    Samples samples(op);
    for (int i = 0; i < 300; ++i) points.push_back(samples.anywhere<T>());
    for (bool taken_when : {true, false}) {
      INFO("op " << info(op).name << ", the branch " << taken_when);
      int leaks = 0;
      for (const std::vector<T>& rows : Branch(op, taken_when, precision).not_taken(points))
        for (T derivative : rows) leaks += derivative != 0;
      CHECK(leaks == 0);
    }
  });
}

}  // namespace

TEST_CASE("ops: the branch not taken gives exactly 0 to the first and second derivatives", "[ops]") {
  check_strong_zeros<double>(Precision::f64);
  check_strong_zeros<float>(Precision::f32);
}
