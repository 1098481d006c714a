// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The error function and its complement: erf below 1.6 ulp, erfc below 2 ulp of its own value, however
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
// e^(x^2)*erfc x*(x + c) = head + w*q(w), w = 1/4 - 2*c/(x + c), c = 4 (float: 2), x >= 0 up to where erfc
// vanishes: minimax, error 2^-56.3 and 2^-26.0 of the value. The head is a sum of two. All terms have one
// sign where w is far from 0, so that hardly any rounding shows.
inline constexpr double erfc_double[] = {
    -0.3644704281861287,     0.19763287650658762,     -0.1022966098791582,    0.05026880546314857,
    -0.02328436055725832,    0.010066981756247529,    -0.0040051027511139705, 0.0014328037411306326,
    -0.00044404192379401844, 0.00010380210186478135,  -2.054338510885199e-05, -1.3688860478205152e-05,
    -8.440883268391977e-06,  -1.1119871670472493e-05, -6.010017666117321e-06, -2.05060652810045e-06,
    7.266121569704032e-08,   6.549241839388542e-07,   3.872517752389993e-07,  1.1074102353683747e-07,
    1.640113016173091e-08,   1.0172711519717588e-09};
inline constexpr double erfc_float[] = {-0.35270872712135315,  0.16019056737422943,   -0.053965769708156586,
                                        0.007209587376564741,  0.0024557237047702074, -0.004358753561973572,
                                        8.033568155951798e-05, 0.001482901512645185,  0.0005680141039192677,
                                        6.947699148440734e-05};
inline constexpr double erfc_growth_double[] = {1.246229648590088, -0.0928175151348114, 1.0072304010391235};
inline constexpr double erfc_growth_float[] = {1.094882607460022, -0.8630411028862, -0.10765770822763443};

// From the nearest multiple r of 1/128, d = x - r: erf x = erf r + erf' r * the integral from 0 to d of
// e^(-2*r*u - u^2), whose series' coefficients are Hermite polynomials of r. The series ends at d^7, where it
// is the constant of r = 0 that counts.
template <class A>
A erf_double(A size) {
  A end = constant<A>(erf_table_end);
  A inside = select(size < end, size, end);  // of a NaN too, for the lookup
  A shifter = constant<A>(magic<A> / ErfTable::per_unit);
  A shifted = inside + shifter;
  bits_t<A> i = bits(shifted) - bits(shifter);
  A r = shifted - shifter;
  A d = inside - r;
  A r2 = r * r;
  A c2 = fma(r2, constant<A>(2.0 / 3), constant<A>(-1.0 / 3));
  A c3 = r * fma(r2, constant<A>(-1.0 / 3), constant<A>(0.5));
  A c4 = fma(fma(r2, constant<A>(2.0 / 15), constant<A>(-0.4)), r2, constant<A>(0.1));
  A c5 = r * fma(fma(r2, constant<A>(-2.0 / 45), constant<A>(2.0 / 9)), r2, constant<A>(-1.0 / 6));
  A c6 = constant<A>(-1.0 / 42);
  A series = fma(fma(fma(fma(fma(c6, d, c5), d, c4), d, c3), d, c2), d, -r);
  return fma(lookup<A>(erf_table.derivative, i), fma(d * d, series, d), lookup<A>(erf_table.erf, i));
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

// e^(x^2)*erfc x for x >= 0, in a little more than the precision: t times the polynomial, whose last steps
// keep their roundings. The error of t enters by the derivative of the whole, log by log, known to 2 % (5 and
// more beyond x = 10).
template <class A>
Pair<A> scaled_erfc(A x) {
  A one = constant<A>(1.0);
  Pair<A> divisor = two_sum(x, constant<A>(4.0, 2.0));
  A t = one / divisor.hi;
  A error = fma(-t, divisor.lo, fma(-t, divisor.hi, one));
  A w = fma(constant<A>(-8.0, -4.0), t, constant<A>(0.25));
  A w2 = w * w;
  A even = w, odd = w, growth = w;
  if constexpr (is_double<A>) {
    even = half_polynomial(erfc_double, 0, w2);
    odd = half_polynomial(erfc_double, 1, w2);
    growth = polynomial(erfc_growth_double, w, w2);
  } else {
    even = half_polynomial(erfc_float, 0, w2);
    odd = half_polynomial(erfc_float, 1, w2);
    growth = polynomial(erfc_growth_float, w, w2);
  }
  A q = fma(odd, w, even);
  A q_low = fma(odd, w, even - q);
  Pair<A> p = two_product(w, q);
  Pair<A> sum = two_sum(constant<A>(0x1.49ebde7878139p-1, 0x1.494baep-1), p.hi);
  A low = fma(w, q_low, p.lo) + (sum.lo + constant<A>(-0x1.f43e6a92f9578p-56, 0x1.a7da8p-31));
  Pair<A> value = two_product(t, sum.hi);
  return {value.hi, fma(t, fma(sum.hi, error * growth, low), value.lo)};
}

// e^(-x^2), x^2 taken exactly: its low part joins the reduced argument.
template <class A>
A erfc_of_size(A x) {
  Pair<A> square = two_product(x, x);
  ReducedByLn2<A> reduced = reduce_by_ln2(-square.hi);
  Pair<A> r = fast_two_sum(reduced.r, reduced.low() - square.lo);
  Pair<A> power = fast_two_sum(constant<A>(1.0), exp_minus_one_of_reduced(r.hi, r.lo));
  Pair<A> value = product(power, scaled_erfc(x));
  return scale(value.hi + value.lo, reduced.k);
}

// Beyond 28 (float: 11) it is 0 all the same.
template <class A>
A erfc(A x) {
  A size = abs(x);
  A one = constant<A>(1.0);
  A value = erfc_of_size(is_double<A> ? clamp(size, 0.0, 28.0) : clamp(size, 0.0, 11.0));
  A near = select(size < constant<A>(0x1p-54, 0x1p-25), one, value);
  return select(x < constant<A>(0.0), constant<A>(2.0) - near, near);
}

}  // namespace slope::math
