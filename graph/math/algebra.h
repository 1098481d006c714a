// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The words in which the functions of graph/math/ are written. Three algebras speak them: float and double
// (the reference, below) and the code generator's vectors (codegen/lanes.h). The same text on each gives the
// same bits, since every word is one IEEE operation or exact.
//
// For a value type A:
//   scalar_t<A>            float or double: its precision
//   constant<A>(c)         the number c (a double) rounded to A's precision
//   + - * /  unary -  < <= > >= == !=        one IEEE operation each; comparisons give mask_t<A>
//   fma(a, b, c)  sqrt(a)  abs(a)  copysign(a, sign)  round_even(a)
//   select(mask, a, b)     a where the mask is true, else b; b and a are both evaluated, neither traps
//   mask: && || !  (not short-circuit)
//   bits_t<A>              an integer of A's width, two's complement, wrapping (the reference: by -fwrapv)
//   bits(a)  from_bits<A>(i)     the representation
//   integer<A>(c)          the integer c
//   on bits_t: + - & | ^ and shift_left(i, n), shift_right(i, n) (arithmetic), by a constant n; == < as for A
//   (a mask) select(mask, i, j)     on bits_t too
//   number<A>(i)           the integer i, |i| < 2^51, rounded to A's precision
//   widen(a)  narrow(a)    float → double, exact; double → float, rounded. wide_t<A>: the type of widen(a)
//   lookup<A>(table, i)    table[i] rounded to A's precision, table a constexpr array of double, i within it
//   lookup_low<A>(table, i)    table[i mod 16] of a table of 16; one instruction where the CPU has one
//   patch(mask, a, f)      select(mask, f(), a); f may go unevaluated where the mask is true nowhere
//   iterate(a, unfinished, step)     a = step(a) as long as unfinished(a), each lane for itself
// No word converts a number to an integer: use the magic-number trick (add 0x1.8p52, look at the bits).
#pragma once
#include <bit>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace slope::math {

// Specialised for each value type: its types, and the words whose arguments do not depend on A (a call such
// as constant<A>(0.5) finds no overload declared after the function that uses it; a member of Algebra<A> it
// does find).
template <class A>
struct Algebra;

template <class F, class I>
struct ReferenceAlgebra {
  using scalar = F;
  using mask = bool;
  using bits = I;
  using wide = double;
  static constexpr F constant(double c) { return static_cast<F>(c); }
  static constexpr I integer(std::int64_t c) { return static_cast<I>(c); }
  static constexpr F from_bits(I i) { return std::bit_cast<F>(i); }
  static constexpr F number(I i) { return static_cast<F>(i); }
  static constexpr F lookup(const double* table, std::size_t, I i) { return static_cast<F>(table[i]); }
  static constexpr F lookup_low(const double* table, I i) { return static_cast<F>(table[i & 15]); }
};
template <>
struct Algebra<double> : ReferenceAlgebra<double, std::int64_t> {};
template <>
struct Algebra<float> : ReferenceAlgebra<float, std::int32_t> {};

template <class A>
using scalar_t = typename Algebra<A>::scalar;
template <class A>
using mask_t = typename Algebra<A>::mask;
template <class A>
using bits_t = typename Algebra<A>::bits;
template <class A>
using wide_t = typename Algebra<A>::wide;
template <class A>
inline constexpr bool is_double = std::is_same_v<scalar_t<A>, double>;
template <class A>
concept Number = std::is_same_v<A, float> || std::is_same_v<A, double>;

template <class A>
constexpr A constant(double c) {
  return Algebra<A>::constant(c);
}
template <class A>
constexpr bits_t<A> integer(std::int64_t c) {
  return Algebra<A>::integer(c);
}
template <class A>
constexpr A from_bits(bits_t<A> i) {
  return Algebra<A>::from_bits(i);
}
template <class A>
constexpr A number(bits_t<A> i) {
  return Algebra<A>::number(i);
}
template <class A, std::size_t N>
constexpr A lookup(const double (&table)[N], bits_t<A> i) {
  return Algebra<A>::lookup(table, N, i);
}
template <class A>
constexpr A lookup_low(const double (&table)[16], bits_t<A> i) {
  return Algebra<A>::lookup_low(table, i);
}

template <Number A>
A fma(A a, A b, A c) {
  return std::fma(a, b, c);
}
template <Number A>
A sqrt(A a) {
  return std::sqrt(a);
}
template <Number A>
A abs(A a) {
  return std::fabs(a);
}
template <Number A>
A copysign(A a, A sign) {
  return std::copysign(a, sign);
}
template <Number A>
A round_even(A a) {
  return std::nearbyint(a);
}
template <Number A>
A select(bool mask, A a, A b) {
  return mask ? a : b;
}
template <class I>
  requires std::is_integral_v<I>
I select(bool mask, I a, I b) {
  return mask ? a : b;
}
template <Number A, class F>
A patch(bool mask, A a, F f) {
  return mask ? f() : a;
}
template <Number A, class Unfinished, class Step>
A iterate(A a, Unfinished unfinished, Step step) {
  while (unfinished(a)) a = step(a);
  return a;
}
template <Number A>
bits_t<A> bits(A a) {
  return std::bit_cast<bits_t<A>>(a);
}
template <class I>
  requires std::is_integral_v<I>
I shift_left(I i, int n) {
  return static_cast<I>(static_cast<std::make_unsigned_t<I>>(i) << n);
}
template <class I>
  requires std::is_integral_v<I>
I shift_right(I i, int n) {
  return static_cast<I>(i >> n);
}
inline double widen(float a) { return a; }
inline float narrow(double a) { return static_cast<float>(a); }

// The vocabulary in the compiler's words: what a value type must offer for the functions to be written in it.
// (patch and iterate take functions and have no place here; widen belongs to floats, narrow to doubles.)
template <class A>
concept AlgebraOf = requires(A a, mask_t<A> m, bits_t<A> i, const double (&table)[16]) {
  { constant<A>(0.5) } -> std::same_as<A>;
  { integer<A>(1) } -> std::same_as<bits_t<A>>;
  { from_bits<A>(i) } -> std::same_as<A>;
  { number<A>(i) } -> std::same_as<A>;
  { lookup<A>(table, i) } -> std::same_as<A>;
  { lookup_low<A>(table, i) } -> std::same_as<A>;
  { a + a } -> std::same_as<A>;
  { a - a } -> std::same_as<A>;
  { a* a } -> std::same_as<A>;
  { a / a } -> std::same_as<A>;
  { -a } -> std::same_as<A>;
  { a < a } -> std::same_as<mask_t<A>>;
  { a <= a } -> std::same_as<mask_t<A>>;
  { a > a } -> std::same_as<mask_t<A>>;
  { a >= a } -> std::same_as<mask_t<A>>;
  { a == a } -> std::same_as<mask_t<A>>;
  { a != a } -> std::same_as<mask_t<A>>;
  { m&& m } -> std::same_as<mask_t<A>>;
  { m || m } -> std::same_as<mask_t<A>>;
  { !m } -> std::same_as<mask_t<A>>;
  { fma(a, a, a) } -> std::same_as<A>;
  { sqrt(a) } -> std::same_as<A>;
  { abs(a) } -> std::same_as<A>;
  { copysign(a, a) } -> std::same_as<A>;
  { round_even(a) } -> std::same_as<A>;
  { select(m, a, a) } -> std::same_as<A>;
  { bits(a) } -> std::same_as<bits_t<A>>;
  { i + i } -> std::same_as<bits_t<A>>;
  { i - i } -> std::same_as<bits_t<A>>;
  { i& i } -> std::same_as<bits_t<A>>;
  { i | i } -> std::same_as<bits_t<A>>;
  { i ^ i } -> std::same_as<bits_t<A>>;
  { i == i } -> std::same_as<mask_t<A>>;
  { i < i } -> std::same_as<mask_t<A>>;
  { shift_left(i, 1) } -> std::same_as<bits_t<A>>;
  { shift_right(i, 1) } -> std::same_as<bits_t<A>>;
  { select(m, i, i) } -> std::same_as<bits_t<A>>;
};
static_assert(AlgebraOf<float> && AlgebraOf<double>);

}  // namespace slope::math
