// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The error function and its complement: erf below 1.8 ulp, erfc below 1.6 ulp of its own value, however
// small.
#pragma once
#include "graph/math/erf_table.h"
#include "graph/math/exp.h"

namespace slope::math {

// float: erf x = x + x*p(x^2) on |x| <= 1, minimax p, error 2^-26.1 of the value; erfc x = e^-q(x) on
// [1, 3.95], minimax q, error of erf 2^-28.2.
inline constexpr double erf_float[] = {0.12837916612625122,   -0.3761262595653534,  0.11283600330352783,
                                       -0.026854446157813072, 0.005189536605030298, -0.0008020845707505941,
                                       7.889119297033176e-05};
inline constexpr double log_erfc_float[] = {
    -0.00018801660917233676, 1.1295783519744873,   0.6332200765609741,     0.10841837525367737,
    -0.025208134204149246,   0.004204519093036652, -0.0004413281858433038, 2.1686193576897494e-05};
// With v = r*d, |v| < 0.0235, the integral from 0 to 1 of e^(-2*v*t)*t^(2*j): that of j = 0 is 1 + v*p(v),
// minimax p, error 2^-52.1 and 2^-27.1; j = 1: 2^-36.0 and 2^-13.1; of a double j = 2, halved: 2^-21.8.
inline constexpr double erfc_step_double[] = {-1.0000000000000577,   0.6666666666667134,
                                              -0.3333333324899988,   0.1333333329692471,
                                              -0.044447507681275124, 0.012699308584334825};
inline constexpr double erfc_step_float[] = {-1.0, 0.6667276620864868, -0.3333680331707001};
inline constexpr double erfc_square_double[] = {0.3333333333334373, -0.4999999968229171, 0.399999997552497,
                                                -0.2222452337039274, 0.09524764069591106};
inline constexpr double erfc_square_float[] = {0.3334437906742096, -0.5001227259635925};
inline constexpr double erfc_fourth_double[] = {0.09999999717589787, -0.16670118508743698,
                                                0.14288271160414562};
// x*e^(x^2)*erfc x = 1/sqrt(pi) + w*p(w), w = 1/x^2, on [6, 28]: minimax p, error 2^-57.5 of the value.
inline constexpr double erfc_tail_double[] = {
    -0.28209479177384805, 0.4231421876171708, -1.057855445114127, 3.702487266142709, -16.66005837757968,
    91.51147420880777,    -586.7928811895041, 4051.20877857952,   -24958.5332860694, 91768.7945302667};

// The nearest multiple r of 1/128, the i-th of the table, and what x is further.
template <class A>
struct ErfPoint {
  bits_t<A> i;
  A r, d;
};
template <class A>
ErfPoint<A> erf_point(A size) {
  A end = constant<A>(erf_table_end);
  A inside = select(size < end, size, end);  // of a NaN too, for the lookup
  A shifter = constant<A>(magic<A> / ErfTable::per_unit);
  A shifted = inside + shifter;
  A r = shifted - shifter;
  return {bits(shifted) - bits(shifter), r, inside - r};
}

// erf x = erf r + erf' r * the integral from 0 to d of e^(-2*r*u - u^2), whose series' coefficients are
// Hermite polynomials of r. The series ends at d^7, where it is the constant of r = 0 that counts.
template <class A>
A erf_double(A size) {
  ErfPoint<A> at = erf_point(size);
  A r = at.r;
  A d = at.d;
  A r2 = r * r;
  A c2 = fma(r2, constant<A>(2.0 / 3), constant<A>(-1.0 / 3));
  A c3 = r * fma(r2, constant<A>(-1.0 / 3), constant<A>(0.5));
  A c4 = fma(fma(r2, constant<A>(2.0 / 15), constant<A>(-0.4)), r2, constant<A>(0.1));
  A c5 = r * fma(fma(r2, constant<A>(-2.0 / 45), constant<A>(2.0 / 9)), r2, constant<A>(-1.0 / 6));
  A c6 = constant<A>(-1.0 / 42);
  A series = fma(fma(fma(fma(fma(c6, d, c5), d, c4), d, c3), d, c2), d, -r);
  return fma(lookup<A>(erf_table.derivative, at.i), fma(d * d, series, d), lookup<A>(erf_table.erf, at.i));
}

// e^-x for x in [0, 25].
template <class A>
A small_exp_of_negative(A x) {
  ReducedByLn2<A> reduced = reduce_by_ln2(-x);
  A fraction = exp_minus_one_of_reduced(reduced.r, reduced.low());
  return fma(power_of_two<A>(reduced.k.low_bits), fraction, power_of_two<A>(reduced.k.low_bits));
}

template <class A>
A erf_single(A size) {
  A one = constant<A>(1.0);
  A z = size * size;
  A near = fma(size, polynomial(erf_float, z, z * z), size);
  A inside = clamp(size, 1.0, 4.0);
  A far = one - small_exp_of_negative(polynomial(log_erfc_float, inside, inside * inside));
  return select(size < one, near, far);
}

template <class A>
A erf(A x) {
  A size = abs(x);
  A value = size;
  if constexpr (is_double<A>) value = erf_double(size);
  else value = erf_single(size);
  return select(x != x, x, copysign(value, x));
}

// For doubles x in [6, 28]: e^(-x^2) times a polynomial of 1/x^2, by x. x^2 is taken exactly (its low part
// joins the reduced argument), and the quotient's remainder is divided once more.
template <class A>
A erfc_tail(A x) {
  Pair<A> square = two_product(x, x);
  ReducedByLn2<A> reduced = reduce_by_ln2(-square.hi);
  Pair<A> r = fast_two_sum(reduced.r, reduced.low() - square.lo);
  Pair<A> power = fast_two_sum(constant<A>(1.0), exp_minus_one_of_reduced(r.hi, r.lo));
  A inverse = constant<A>(1.0) / x;
  A w = inverse * inverse;
  Pair<A> factor =
      fast_two_sum(constant<A>(0x1.20dd750429b6dp-1), w * polynomial(erfc_tail_double, w, w * w));
  factor.lo = factor.lo + constant<A>(0x1.1ae3a914fed80p-57);
  Pair<A> dividend = product(power, factor);
  A quotient = dividend.hi * inverse;
  A remainder = fma(-quotient, x, dividend.hi) + dividend.lo;
  return scale(fma(remainder, inverse, quotient), reduced.k);
}

// The integral relative to erfc r: e^(-2*r*u) counts to a high order and e^(-u^2) as 1 - u^2 + u^4/2 (float:
// 1 - u^2). Beyond 28 (float: 11) erfc is 0 all the same. A NaN goes the way of the tail.
template <class A>
A erfc_of_size(A size) {
  ErfPoint<A> at = erf_point(size);
  A v = at.r * at.d;
  A v2 = v * v;
  A d2 = at.d * at.d;
  A rest = v;
  if constexpr (is_double<A>) {
    A square = fma(-d2, polynomial(erfc_fourth_double, v, v2), polynomial(erfc_square_double, v, v2));
    rest = fma(v, polynomial(erfc_step_double, v, v2), -d2 * square);
  } else {
    rest = fma(v, polynomial(erfc_step_float, v, v2), -d2 * polynomial(erfc_square_float, v, v2));
  }
  A integral = fma(at.d, rest, at.d);
  A value = fma(-lookup<A>(erf_table.derivative, at.i), integral, lookup<A>(erf_table.complement, at.i));
  mask_t<A> inside = size <= constant<A>(erf_table_end);
  return patch(!inside, value, [&] {
    A limited = clamp(size, erf_table_end, is_double<A> ? 28.0 : 11.0);
    if constexpr (is_double<A>) return erfc_tail(limited);
    else return narrow(erfc_tail(widen(limited)));
  });
}

template <class A>
A erfc(A x) {
  A value = erfc_of_size(abs(x));
  return select(x < constant<A>(0.0), constant<A>(2.0) - value, value);
}

}  // namespace slope::math
