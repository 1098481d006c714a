// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Every scalar op of the language. Read this first.
//
// One struct is one op and everything the compiler knows about it:
//   signature    operand and result types: ScalarOp<Real(Real, Real)>
//   name         how it is printed; infix where it is written between its operands
//   value        what it computes, over any algebra of graph/math/algebra.h: double and float (the
//                reference), the code generator's vectors, 113-bit numbers (tests)
//   partial      the partial derivatives, one an operand, over Expr (the gradient graph) and numbers (tests);
//                the arguments are the operands and then the op's own value y
//   note         what the value and the derivatives are where one would ask: at kinks, jumps, poles, ties
//   internal     no function of the language: made by the compiler, or written with a symbol or a word
//   domain       where the generated tests sample the operands for derivatives
//   accuracy     how near value is to the exact one, everywhere
//   indexed      operand 0 is a small whole number, by which there is no derivative
//   commutative  value(a, b) and value(b, a) are the same bits
// A partial that is identically zero is `zero`: no edge, never a product with 0. `when(c, p)` is p where c
// holds and a strong zero elsewhere: nothing of the other branch leaks, not even 0·NaN. To add an op: write
// the struct, add it to AllOps at the bottom. Nothing else.
#pragma once
#include <array>
#include <concepts>
#include <cstdint>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "graph/math/arcsin.h"
#include "graph/math/arctan.h"
#include "graph/math/cosh.h"
#include "graph/math/erf.h"
#include "graph/math/exp.h"
#include "graph/math/expm1.h"
#include "graph/math/gamma.h"
#include "graph/math/gaussian.h"
#include "graph/math/log.h"
#include "graph/math/log10.h"
#include "graph/math/log1p.h"
#include "graph/math/log2.h"
#include "graph/math/mod.h"
#include "graph/math/polygamma.h"
#include "graph/math/pow.h"
#include "graph/math/rounding.h"
#include "graph/math/sigmoid.h"
#include "graph/math/sinh.h"
#include "graph/math/tan.h"
#include "graph/math/tanh.h"
#include "graph/math/trig.h"

namespace slope {

enum class Type : std::uint8_t { real, truth };
struct Real {
  static constexpr Type type = Type::real;
};
struct Truth {
  static constexpr Type type = Type::truth;
};

struct Zero {};
inline constexpr Zero zero{};
template <class C, class P>
struct When {
  C condition;
  P partial;
};
template <class C, class P>
constexpr When<C, P> when(C condition, P partial) {
  return {condition, partial};
}

struct Domain {
  double low = -3, high = 3;
};
struct Accuracy {
  double ulps = 2;      // units of the exact value's last place, or
  double epsilons = 0;  // absolute, in epsilons of the precision: of a value that passes through zero
};

template <class Signature>
struct ScalarOp;
template <class Result, class... Operands>
struct ScalarOp<Result(Operands...)> {
  static constexpr int arity = sizeof...(Operands);
  static constexpr Type result = Result::type;
  static constexpr std::array<Type, sizeof...(Operands)> operands{Operands::type...};
  static constexpr std::string_view infix = "";
  static constexpr std::string_view note = "";
  static constexpr bool commutative = false;
  static constexpr bool internal = false;
  static constexpr Domain domain{};
  static constexpr Accuracy accuracy{};
  static constexpr bool indexed = false;
};
using Unary = ScalarOp<Real(Real)>;
using Binary = ScalarOp<Real(Real, Real)>;
using Compare = ScalarOp<Truth(Real, Real)>;

namespace op {

// What the values and partials below are written with, beside the operators.
using math::abs, math::constant, math::copysign, math::fma, math::select, math::sqrt;
using math::acos, math::asin, math::atan, math::atan2, math::erf, math::erfc;
using math::ceil, math::floor, math::mod, math::round;
using math::cos, math::cosh, math::exp, math::expm1, math::log, math::log10, math::log1p, math::log2;
using math::digamma, math::lgamma, math::polygamma;
using math::gaussian, math::pow, math::sigmoid, math::sin, math::sinh, math::softplus, math::tan, math::tanh;

// The number's side of two words that Expr has too.
inline double sign(double x) { return x > 0 ? 1.0 : x < 0 ? -1.0 : x; }
inline double select(bool c, double a, double b, double) { return c ? a : b; }

struct Add : Binary {
  static constexpr std::string_view name = "add", infix = "+";
  static constexpr bool commutative = true;
  static auto value(auto a, auto b) { return a + b; }
  static auto partial(auto, auto, auto) { return std::tuple{1.0, 1.0}; }
};
struct Sub : Binary {
  static constexpr std::string_view name = "sub", infix = "-";
  static auto value(auto a, auto b) { return a - b; }
  static auto partial(auto, auto, auto) { return std::tuple{1.0, -1.0}; }
};
struct Mul : Binary {
  static constexpr std::string_view name = "mul", infix = "*";
  static constexpr bool commutative = true;
  static auto value(auto a, auto b) { return a * b; }
  static auto partial(auto a, auto b, auto) { return std::tuple{b, a}; }
};
struct Div : Binary {
  static constexpr std::string_view name = "div", infix = "/";
  static constexpr Domain domain{0.5, 3};
  static auto value(auto a, auto b) { return a / b; }
  static auto partial(auto, auto b, auto y) { return std::tuple{1.0 / b, -y / b}; }
};
struct Neg : Unary {
  static constexpr std::string_view name = "neg";
  static constexpr bool internal = true;
  static auto value(auto x) { return -x; }
  static auto partial(auto, auto) { return std::tuple{-1.0}; }
};
// a·b + c, rounded once. Made by graph/fuse.h, written by nobody.
struct Fma : ScalarOp<Real(Real, Real, Real)> {
  static constexpr std::string_view name = "fma";
  static constexpr std::string_view note = "a*b + c, rounded once; made of a product and a sum";
  static constexpr bool internal = true;
  static auto value(auto a, auto b, auto c) { return fma(a, b, c); }
  static auto partial(auto a, auto b, auto, auto) { return std::tuple{b, a, 1.0}; }
};

struct Abs : Unary {
  static constexpr std::string_view name = "abs";
  static constexpr std::string_view note = "the derivative at the kink 0 is 0";
  static auto value(auto x) { return abs(x); }
  static auto partial(auto x, auto) { return std::tuple{sign(x)}; }
};
struct Sign : Unary {
  static constexpr std::string_view name = "sign";
  static constexpr std::string_view note = "-1, 0 or 1; sign(-0) = -0; the derivative is 0, at the jump too";
  static auto value(auto x) {
    auto none = constant<decltype(x)>(0), one = constant<decltype(x)>(1);
    return select(abs(x) > none, copysign(one, x), x);
  }
  static auto partial(auto, auto) { return std::tuple{zero}; }
};
struct Max : Binary {
  static constexpr std::string_view name = "max";
  static constexpr std::string_view note =
      "of equals (-0 and 0 too) the first, and they share the derivative; NaN where either is";
  static auto value(auto a, auto b) { return select(a >= b, a, select(a < b, b, a + b)); }
  static auto partial(auto a, auto b, auto) {
    auto half = select(a == b, 0.5, 1.0, a);
    return std::tuple{when(!(a < b), half), when(!(b < a), half)};
  }
};
struct Min : Binary {
  static constexpr std::string_view name = "min";
  static constexpr std::string_view note =
      "of equals (-0 and 0 too) the first, and they share the derivative; NaN where either is";
  static auto value(auto a, auto b) { return select(a <= b, a, select(a > b, b, a + b)); }
  static auto partial(auto a, auto b, auto) {
    auto half = select(a == b, 0.5, 1.0, a);
    return std::tuple{when(!(a > b), half), when(!(b > a), half)};
  }
};

struct Floor : Unary {
  static constexpr std::string_view name = "floor";
  static constexpr std::string_view note = "the derivative is 0, at the jumps too";
  static auto value(auto x) { return floor(x); }
  static auto partial(auto, auto) { return std::tuple{zero}; }
};
struct Ceil : Unary {
  static constexpr std::string_view name = "ceil";
  static constexpr std::string_view note = "the derivative is 0, at the jumps too";
  static auto value(auto x) { return ceil(x); }
  static auto partial(auto, auto) { return std::tuple{zero}; }
};
struct Round : Unary {
  static constexpr std::string_view name = "round";
  static constexpr std::string_view note =
      "halves go to the even neighbour; the derivative is 0, at the jumps too";
  static auto value(auto x) { return round(x); }
  static auto partial(auto, auto) { return std::tuple{zero}; }
};
// x − b·⌊x/b⌋. The whole number in it is taken from the value: a rounded x/b can be the next one, as of 1 and
// 0.1.
struct Mod : Binary {
  static constexpr std::string_view name = "mod";
  static constexpr std::string_view note = "a - b*floor(a/b), exactly; it has the sign of b";
  static constexpr Domain domain{0.5, 3};
  static auto value(auto x, auto b) { return mod(x, b); }
  static auto partial(auto x, auto b, auto y) { return std::tuple{1.0, round(y / b - x / b)}; }
};

struct Exp : Unary {
  static constexpr std::string_view name = "exp";
  static auto value(auto x) { return exp(x); }
  static auto partial(auto, auto y) { return std::tuple{y}; }
};
struct Expm1 : Unary {
  static constexpr std::string_view name = "expm1";
  static auto value(auto x) { return expm1(x); }
  static auto partial(auto x, auto) { return std::tuple{exp(x)}; }
};
struct Log : Unary {
  static constexpr std::string_view name = "log";
  static constexpr std::string_view note = "-inf at 0, NaN below";
  static constexpr Domain domain{0.25, 4};
  static auto value(auto x) { return log(x); }
  static auto partial(auto x, auto) { return std::tuple{1.0 / x}; }
};
struct Log2 : Unary {
  static constexpr std::string_view name = "log2";
  static constexpr std::string_view note = "-inf at 0, NaN below";
  static constexpr Domain domain{0.25, 4};
  static auto value(auto x) { return log2(x); }
  static auto partial(auto x, auto) { return std::tuple{0x1.71547652b82fep+0 / x}; }  // 1/ln2
};
struct Log10 : Unary {
  static constexpr std::string_view name = "log10";
  static constexpr std::string_view note = "-inf at 0, NaN below";
  static constexpr Domain domain{0.25, 4};
  static auto value(auto x) { return log10(x); }
  static auto partial(auto x, auto) { return std::tuple{0x1.bcb7b1526e50ep-2 / x}; }  // 1/ln10
};
struct Log1p : Unary {
  static constexpr std::string_view name = "log1p";
  static constexpr std::string_view note = "-inf at -1, NaN below";
  static constexpr Domain domain{-0.75, 3};
  static auto value(auto x) { return log1p(x); }
  static auto partial(auto x, auto) { return std::tuple{1.0 / (1.0 + x)}; }
};
struct Sqrt : Unary {
  static constexpr std::string_view name = "sqrt";
  static constexpr std::string_view note = "the derivative at 0 is inf; NaN below";
  static constexpr Domain domain{0.25, 4};
  static auto value(auto x) { return sqrt(x); }
  static auto partial(auto, auto y) { return std::tuple{0.5 / y}; }
};
struct Sin : Unary {
  static constexpr std::string_view name = "sin";
  static auto value(auto x) { return sin(x); }
  static auto partial(auto x, auto) { return std::tuple{cos(x)}; }
};
struct Cos : Unary {
  static constexpr std::string_view name = "cos";
  static auto value(auto x) { return cos(x); }
  static auto partial(auto x, auto) { return std::tuple{-sin(x)}; }
};
struct Asin : Unary {
  static constexpr std::string_view name = "asin";
  static constexpr std::string_view note = "the derivative at -1 and 1 is inf; NaN beyond";
  static constexpr Domain domain{-0.9, 0.9};
  static auto value(auto x) { return asin(x); }
  static auto partial(auto x, auto) { return std::tuple{1.0 / sqrt((1.0 - x) * (1.0 + x))}; }
};
struct Acos : Unary {
  static constexpr std::string_view name = "acos";
  static constexpr std::string_view note = "the derivative at -1 and 1 is -inf; NaN beyond";
  static constexpr Domain domain{-0.9, 0.9};
  static auto value(auto x) { return acos(x); }
  static auto partial(auto x, auto) { return std::tuple{-1.0 / sqrt((1.0 - x) * (1.0 + x))}; }
};
struct Atan : Unary {
  static constexpr std::string_view name = "atan";
  static auto value(auto x) { return atan(x); }
  static auto partial(auto x, auto) { return std::tuple{1.0 / (1.0 + x * x)}; }
};
// The angle of the point (x, y). Of x/(x² + y²) and −y/(x² + y²) the larger coordinate is taken out, so that
// no square overflows. NaN at (0, 0).
struct Atan2 : Binary {
  static constexpr std::string_view name = "atan2";
  static constexpr std::string_view note = "the angle of the point (b, a); its derivatives at (0, 0) are NaN";
  static constexpr Domain domain{0.25, 3};
  static auto value(auto y, auto x) { return atan2(y, x); }
  static auto partial(auto y, auto x, auto) {
    auto steep = abs(y) > abs(x);
    auto q = select(steep, x / y, y / x);
    auto d = select(steep, y, x) * (1.0 + q * q);
    return std::tuple{select(steep, q / d, 1.0 / d), select(steep, -1.0 / d, -q / d)};
  }
};
struct Tan : Unary {
  static constexpr std::string_view name = "tan";
  static constexpr Domain domain{-1.4, 1.4};
  static auto value(auto x) { return tan(x); }
  static auto partial(auto, auto y) { return std::tuple{1.0 + y * y}; }
};
struct Sinh : Unary {
  static constexpr std::string_view name = "sinh";
  static auto value(auto x) { return sinh(x); }
  static auto partial(auto x, auto) { return std::tuple{cosh(x)}; }
};
struct Cosh : Unary {
  static constexpr std::string_view name = "cosh";
  static auto value(auto x) { return cosh(x); }
  static auto partial(auto x, auto) { return std::tuple{sinh(x)}; }
};
// y·(1 − y) would lose its digits where y is near 1; the value at −x is 1 − y with all of them, and of the
// same exponential (graph/fuse.h).
struct Sigmoid : Unary {
  static constexpr std::string_view name = "sigmoid";
  static constexpr std::string_view note = "1/(1 + exp(-x))";
  static constexpr Accuracy accuracy{2.5};
  static auto value(auto x) { return sigmoid(x); }
  static auto partial(auto x, auto y) { return std::tuple{y * sigmoid(-x)}; }
};
// An op since its parts, a maximum and |x|, have kinks at 0, where it has none.
struct Softplus : Unary {
  static constexpr std::string_view name = "softplus";
  static constexpr std::string_view note = "log(1 + exp(x))";
  static auto value(auto x) { return softplus(x); }
  static auto partial(auto x, auto) { return std::tuple{sigmoid(x)}; }
};
// 1 − y² cancels where |x| is large; what does not, 1/cosh² x, costs a second e^x in every training step.
struct Tanh : Unary {
  static constexpr std::string_view name = "tanh";
  static constexpr std::string_view note =
      "the derivative is right to an epsilon, but not relatively where |x| is large";
  static auto value(auto x) { return tanh(x); }
  static auto partial(auto, auto y) { return std::tuple{1.0 - y * y}; }
};
// e^(−x²) with x² exact, for the derivatives of erf and erfc.
struct Gaussian : Unary {
  static constexpr std::string_view name = "gaussian";
  static constexpr bool internal = true;
  static auto value(auto x) { return gaussian(x); }
  static auto partial(auto x, auto y) { return std::tuple{-2.0 * (x * y)}; }
};
// 2/√π · e^(−x²).
struct Erf : Unary {
  static constexpr std::string_view name = "erf";
  static auto value(auto x) { return erf(x); }
  static auto partial(auto x, auto) { return std::tuple{0x1.20dd750429b6dp+0 * gaussian(x)}; }
};
struct Erfc : Unary {
  static constexpr std::string_view name = "erfc";
  static auto value(auto x) { return erfc(x); }
  static auto partial(auto x, auto) { return std::tuple{-0x1.20dd750429b6dp+0 * gaussian(x)}; }
};
struct Lgamma : Unary {
  static constexpr std::string_view name = "lgamma";
  static constexpr std::string_view note = "log |gamma(x)|, inf at the poles 0, -1, -2, …";
  static constexpr Accuracy accuracy{45, 45};
  static constexpr Domain domain{1, 4};
  static auto value(auto x) { return lgamma(x); }
  static auto partial(auto x, auto) { return std::tuple{digamma(x)}; }
};
struct Digamma : Unary {
  static constexpr std::string_view name = "digamma";
  static constexpr std::string_view note =
      "the derivative of lgamma; NaN at the poles -1, -2, …, at 0 an infinity by the sign of the zero";
  static constexpr Accuracy accuracy{5, 5};
  static constexpr Domain domain{1, 4};
  static auto value(auto x) { return digamma(x); }
  static auto partial(auto x, auto) { return std::tuple{polygamma(1.0, x)}; }
};
// The n-th derivative of digamma at x, for the n of graph/math/polygamma.h, else NaN. Between whole n it has
// no value, so there is no derivative by n.
struct Polygamma : Binary {
  static constexpr std::string_view name = "polygamma";
  static constexpr std::string_view note =
      "the n-th derivative of digamma, n from 1 to 30 (x < 0: to 4), else NaN; none by n";
  static constexpr Accuracy accuracy{45, 45};
  static constexpr Domain domain{1, 4};
  static constexpr bool indexed = true;
  static auto value(auto n, auto x) { return polygamma(n, x); }
  static auto partial(auto n, auto x, auto) { return std::tuple{zero, polygamma(n + 1.0, x)}; }
};
// C's pow. The power rule with a strong zero at 0⁰, and none from log 0. Not at every exponent 0: the
// derivative by x is 0 there, its own by p is not. An integer exponent known to the compiler becomes products
// in graph/fuse.h.
struct Pow : Binary {
  static constexpr std::string_view name = "pow", infix = "^";
  static constexpr std::string_view note =
      "C's pow; 0^0 = 1, its derivatives there are 0, and there is none from log 0";
  static constexpr Domain domain{0.25, 3};
  static auto value(auto x, auto p) { return pow(x, p); }
  static auto partial(auto x, auto p, auto y) {
    return std::tuple{when(x != 0.0 || p != 0.0, p * pow(x, p - 1.0)), when(x != 0.0, y * log(x))};
  }
};

struct Less : Compare {
  static constexpr std::string_view name = "less", infix = "<";
  static auto value(auto a, auto b) { return a < b; }
  static auto partial(auto, auto, auto) { return std::tuple{zero, zero}; }
};
struct LessEqual : Compare {
  static constexpr std::string_view name = "less_equal", infix = "<=";
  static auto value(auto a, auto b) { return a <= b; }
  static auto partial(auto, auto, auto) { return std::tuple{zero, zero}; }
};
struct Greater : Compare {
  static constexpr std::string_view name = "greater", infix = ">";
  static auto value(auto a, auto b) { return a > b; }
  static auto partial(auto, auto, auto) { return std::tuple{zero, zero}; }
};
struct GreaterEqual : Compare {
  static constexpr std::string_view name = "greater_equal", infix = ">=";
  static auto value(auto a, auto b) { return a >= b; }
  static auto partial(auto, auto, auto) { return std::tuple{zero, zero}; }
};
struct Equal : Compare {
  static constexpr std::string_view name = "equal", infix = "==";
  static constexpr bool commutative = true;
  static auto value(auto a, auto b) { return a == b; }
  static auto partial(auto, auto, auto) { return std::tuple{zero, zero}; }
};
struct NotEqual : Compare {
  static constexpr std::string_view name = "not_equal", infix = "!=";
  static constexpr bool commutative = true;
  static auto value(auto a, auto b) { return a != b; }
  static auto partial(auto, auto, auto) { return std::tuple{zero, zero}; }
};
struct And : ScalarOp<Truth(Truth, Truth)> {
  static constexpr std::string_view name = "and", infix = "and";
  static constexpr bool commutative = true;
  static auto value(auto a, auto b) { return a && b; }
  static auto partial(auto, auto, auto) { return std::tuple{zero, zero}; }
};
struct Or : ScalarOp<Truth(Truth, Truth)> {
  static constexpr std::string_view name = "or", infix = "or";
  static constexpr bool commutative = true;
  static auto value(auto a, auto b) { return a || b; }
  static auto partial(auto, auto, auto) { return std::tuple{zero, zero}; }
};
struct Not : ScalarOp<Truth(Truth)> {
  static constexpr std::string_view name = "not";
  static constexpr bool internal = true;
  static auto value(auto a) { return !a; }
  static auto partial(auto, auto) { return std::tuple{zero}; }
};
// The branch not taken gives nothing to the gradient: a strong zero.
struct Select : ScalarOp<Real(Truth, Real, Real)> {
  static constexpr std::string_view name = "select";
  static constexpr std::string_view note = "the branch not taken gives exactly nothing to the gradient";
  static constexpr bool internal = true;
  static auto value(auto c, auto a, auto b) { return select(c, a, b); }
  static auto partial(auto c, auto, auto, auto) { return std::tuple{zero, when(c, 1.0), when(!c, 1.0)}; }
};

using AllOps = std::tuple<Add, Sub, Mul, Div, Neg, Fma, Abs, Sign, Max, Min, Floor, Ceil, Round, Mod, Exp,
                          Expm1, Log, Log2, Log10, Log1p, Sqrt, Sin, Cos, Tan, Asin, Acos, Atan, Atan2, Sinh,
                          Cosh, Tanh, Sigmoid, Softplus, Gaussian, Erf, Erfc, Lgamma, Digamma, Polygamma, Pow,
                          Less, LessEqual, Greater, GreaterEqual, Equal, NotEqual, And, Or, Not, Select>;

}  // namespace op

enum class OpId : std::uint8_t {};
inline constexpr std::size_t op_count = std::tuple_size_v<op::AllOps>;

// What of an op does not depend on the algebra.
struct OpInfo {
  std::string_view name, infix, note;
  int arity;
  bool commutative;
  bool callable;  // a function of the language
  Type result;
  std::array<Type, 3> operands;
  Domain domain;
  Accuracy accuracy;
  bool indexed;
};

// table_of([]<class Op>() { return …; }): an array indexed by OpId.
template <class F>
constexpr auto table_of(F f) {
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    return std::array { f.template operator()<std::tuple_element_t<I, op::AllOps>>()... };
  }(std::make_index_sequence<op_count>{});
}

inline constexpr auto op_table = table_of([]<class Op>() {
  std::array<Type, 3> operands{};
  for (std::size_t i = 0; i < Op::operands.size(); ++i) operands[i] = Op::operands[i];
  bool callable = !Op::internal && (Op::infix.empty() || Op::infix == "^");
  return OpInfo{Op::name,   Op::infix, Op::note,   Op::arity,    Op::commutative, callable,
                Op::result, operands,  Op::domain, Op::accuracy, Op::indexed};
});
constexpr const OpInfo& info(OpId op) { return op_table[static_cast<std::size_t>(op)]; }

template <class Op>
constexpr OpId id_of() {
  std::size_t id = 0;
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    ((std::is_same_v<Op, std::tuple_element_t<I, op::AllOps>> ? void(id = I) : void()), ...);
  }(std::make_index_sequence<op_count>{});
  return static_cast<OpId>(id);
}

// The op's own text on plain numbers: truth values are 0 and 1.
template <class T>
T evaluate_op(OpId op, const T* operands) {
  static constexpr auto table = table_of([]<class Op>() -> T (*)(const T*) {
    return [](const T* x) {
      return [&]<std::size_t... I>(std::index_sequence<I...>) {
        auto operand = [&]<std::size_t K>() {
          if constexpr (Op::operands[K] == Type::truth) return x[K] != T(0);
          else return x[K];
        };
        return static_cast<T>(Op::value(operand.template operator()<I>()...));
      }(std::make_index_sequence<Op::operands.size()>{});
    };
  });
  return table[static_cast<std::size_t>(op)](operands);
}

}  // namespace slope
