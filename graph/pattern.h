// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Expressions over stand-ins, known when the compiler is compiled: the two sides of a rule of
// graph/simplify.cpp, written as the formulas they are. x + 0.0, select(!c, x, y) and -(x - y) are patterns.
#pragma once
#include <array>
#include <cstdint>
#include <string>

#include "graph/ops.h"

namespace slope {

struct Pattern {
  enum class Kind : std::uint8_t {
    real,      // any real value: x, y, z
    truth,     // any truth value: c, d
    constant,  // any number that the compiler knows: k
    even,      // such a number that is whole and even: n
    number,    // this number, to the bit (−0 is not 0)
    known,     // true or false
    op,
  };
  struct Node {
    Kind kind = Kind::real;
    OpId op{};
    std::int8_t variable = 0;  // of real, truth, constant and even: which
    double value = 0;          // of number and known
    std::array<std::int8_t, 3> operands{};
  };
  static constexpr int most_nodes = 12, most_variables = 7;

  std::array<Node, most_nodes> nodes{};  // operands before what uses them, the root last
  int size = 0;

  constexpr Pattern() = default;
  constexpr Pattern(double number) { add({.kind = Kind::number, .value = number}); }
  constexpr Pattern(Kind kind, int variable) {
    add({.kind = kind, .variable = static_cast<std::int8_t>(variable)});
  }
  template <class... Operands>
  constexpr Pattern(OpId op, const Operands&... operands) {
    Node node{.kind = Kind::op, .op = op};
    std::size_t k = 0;
    ((node.operands[k++] = static_cast<std::int8_t>(append(operands))), ...);
    add(node);
  }
  static constexpr Pattern known(bool truth) {
    Pattern p;
    p.add({.kind = Kind::known, .value = truth ? 1.0 : 0.0});
    return p;
  }
  constexpr const Node& root() const { return nodes[static_cast<std::size_t>(size - 1)]; }

 private:
  constexpr void add(Node node) { nodes.at(static_cast<std::size_t>(size++)) = node; }
  // Another pattern's nodes behind one's own; where its root is now.
  constexpr int append(const Pattern& other) {
    int offset = size;
    for (int i = 0; i < other.size; ++i) {
      Node node = other.nodes[static_cast<std::size_t>(i)];
      for (std::int8_t& operand : node.operands) operand = static_cast<std::int8_t>(operand + offset);
      add(node);
    }
    return size - 1;
  }
};

// The pattern in the language's spelling, with k for a number that the compiler knows and n for an even one.
std::string to_string(const Pattern& pattern);

// The stand-ins, and the words in which rules are written.
namespace pattern {
inline constexpr Pattern x(Pattern::Kind::real, 0), y(Pattern::Kind::real, 1), z(Pattern::Kind::real, 2);
inline constexpr Pattern c(Pattern::Kind::truth, 3), d(Pattern::Kind::truth, 4);
inline constexpr Pattern k(Pattern::Kind::constant, 5), n(Pattern::Kind::even, 6);
inline constexpr Pattern yes = Pattern::known(true), no = Pattern::known(false);

template <class Op>
constexpr Pattern make(const auto&... operands) {
  return Pattern(id_of<Op>(), operands...);
}
constexpr Pattern operator+(const Pattern& a, const Pattern& b) { return make<op::Add>(a, b); }
constexpr Pattern operator-(const Pattern& a, const Pattern& b) { return make<op::Sub>(a, b); }
constexpr Pattern operator*(const Pattern& a, const Pattern& b) { return make<op::Mul>(a, b); }
constexpr Pattern operator/(const Pattern& a, const Pattern& b) { return make<op::Div>(a, b); }
constexpr Pattern operator-(const Pattern& a) { return make<op::Neg>(a); }
constexpr Pattern operator==(const Pattern& a, const Pattern& b) { return make<op::Equal>(a, b); }
constexpr Pattern operator!=(const Pattern& a, const Pattern& b) { return make<op::NotEqual>(a, b); }
constexpr Pattern operator<=(const Pattern& a, const Pattern& b) { return make<op::LessEqual>(a, b); }
constexpr Pattern operator&&(const Pattern& a, const Pattern& b) { return make<op::And>(a, b); }
constexpr Pattern operator||(const Pattern& a, const Pattern& b) { return make<op::Or>(a, b); }
constexpr Pattern operator!(const Pattern& a) { return make<op::Not>(a); }
constexpr Pattern select(const Pattern& a, const Pattern& b, const Pattern& e) {
  return make<op::Select>(a, b, e);
}
constexpr Pattern abs(const Pattern& a) { return make<op::Abs>(a); }
constexpr Pattern cos(const Pattern& a) { return make<op::Cos>(a); }
constexpr Pattern cosh(const Pattern& a) { return make<op::Cosh>(a); }
constexpr Pattern exp(const Pattern& a) { return make<op::Exp>(a); }
constexpr Pattern log1p(const Pattern& a) { return make<op::Log1p>(a); }
constexpr Pattern softplus(const Pattern& a) { return make<op::Softplus>(a); }
constexpr Pattern max(const Pattern& a, const Pattern& b) { return make<op::Max>(a, b); }
constexpr Pattern min(const Pattern& a, const Pattern& b) { return make<op::Min>(a, b); }
constexpr Pattern pow(const Pattern& a, const Pattern& b) { return make<op::Pow>(a, b); }
}  // namespace pattern

}  // namespace slope
