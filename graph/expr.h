// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The algebra that builds graph: the same words as on numbers, so that the partials of graph/ops.h read on
// both.
#pragma once
#include "graph/graph.h"

namespace slope {

struct Expr {
  Graph* graph = nullptr;
  NodeId id;
};

template <class Op>
Expr apply(Expr a) {
  return {a.graph, a.graph->apply<Op>(a.id)};
}
template <class Op>
Expr apply(Expr a, Expr b) {
  return {a.graph, a.graph->apply<Op>(a.id, b.id)};
}
template <class Op>
Expr apply(Expr a, double b) {
  return {a.graph, a.graph->apply<Op>(a.id, a.graph->constant(b))};
}
template <class Op>
Expr apply(double a, Expr b) {
  return {b.graph, b.graph->apply<Op>(b.graph->constant(a), b.id)};
}

#define SLOPE_EXPR_OPERATOR(symbol, Op)                                     \
  inline Expr operator symbol(Expr a, Expr b) { return apply<Op>(a, b); }   \
  inline Expr operator symbol(Expr a, double b) { return apply<Op>(a, b); } \
  inline Expr operator symbol(double a, Expr b) { return apply<Op>(a, b); }
SLOPE_EXPR_OPERATOR(+, op::Add)
SLOPE_EXPR_OPERATOR(-, op::Sub)
SLOPE_EXPR_OPERATOR(*, op::Mul)
SLOPE_EXPR_OPERATOR(/, op::Div)
SLOPE_EXPR_OPERATOR(<, op::Less)
SLOPE_EXPR_OPERATOR(<=, op::LessEqual)
SLOPE_EXPR_OPERATOR(>, op::Greater)
SLOPE_EXPR_OPERATOR(>=, op::GreaterEqual)
SLOPE_EXPR_OPERATOR(==, op::Equal)
SLOPE_EXPR_OPERATOR(!=, op::NotEqual)
#undef SLOPE_EXPR_OPERATOR
inline Expr operator&&(Expr a, Expr b) { return apply<op::And>(a, b); }
inline Expr operator||(Expr a, Expr b) { return apply<op::Or>(a, b); }
inline Expr operator!(Expr a) { return apply<op::Not>(a); }
inline Expr operator-(Expr a) { return apply<op::Neg>(a); }
inline Expr abs(Expr a) { return apply<op::Abs>(a); }
inline Expr sign(Expr a) { return apply<op::Sign>(a); }
inline Expr round(Expr a) { return apply<op::Round>(a); }
inline Expr exp(Expr a) { return apply<op::Exp>(a); }
inline Expr expm1(Expr a) { return apply<op::Expm1>(a); }
inline Expr log(Expr a) { return apply<op::Log>(a); }
inline Expr log1p(Expr a) { return apply<op::Log1p>(a); }
inline Expr sqrt(Expr a) { return apply<op::Sqrt>(a); }
inline Expr sin(Expr a) { return apply<op::Sin>(a); }
inline Expr cos(Expr a) { return apply<op::Cos>(a); }
inline Expr sinh(Expr a) { return apply<op::Sinh>(a); }
inline Expr cosh(Expr a) { return apply<op::Cosh>(a); }
inline Expr tanh(Expr a) { return apply<op::Tanh>(a); }
inline Expr sigmoid(Expr a) { return apply<op::Sigmoid>(a); }
inline Expr gaussian(Expr a) { return apply<op::Gaussian>(a); }
inline Expr digamma(Expr a) { return apply<op::Digamma>(a); }
inline Expr polygamma(Expr n, Expr a) { return apply<op::Polygamma>(n, a); }
inline Expr polygamma(double n, Expr a) { return apply<op::Polygamma>(n, a); }
inline Expr pow(Expr a, Expr b) { return apply<op::Pow>(a, b); }
inline Expr select(Expr c, Expr a, Expr b) { return {c.graph, c.graph->apply<op::Select>(c.id, a.id, b.id)}; }
// Between two numbers, in the algebra of `like`.
inline Expr select(Expr c, double a, double b, Expr) {
  return {c.graph, c.graph->apply<op::Select>(c.id, c.graph->constant(a), c.graph->constant(b))};
}

}  // namespace slope
