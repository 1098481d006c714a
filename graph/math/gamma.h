// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// log|Gamma(x)| and its derivatives: digamma is the first, polygamma(n, x) the one after n more. All are
// computed in double, for a float too. Errors, relative or absolute, whichever is met: digamma 1e-15, lgamma
// 3e-15, polygamma 1e-14.
#pragma once
#include "graph/math/exp.h"
#include "graph/math/log.h"

namespace slope::math {

// On z in [0, 1] with y = z - 1/2: lgamma(1 + z) = z*(z - 1)*p(y), digamma(1 + z) = (z - z0)*q(y), z0 its
// root; minimax p and q, errors 2^-55.1 and 2^-53.6 of the value.
inline constexpr double lgamma_near[] = {
    0.4831289505409809,     -0.14595989591430594,    0.06291140107456389,    -0.03130848750105418,
    0.01679709863134048,    -0.009425622444765603,   0.005446457835728868,   -0.003212074222654812,
    0.0019229164011478068,  -0.0011644113417430208,  0.0007115177477441686,  -0.00043803552253689096,
    0.00027132573834379376, -0.0001685695711858648,  0.00010528760330033742, -6.794546408004825e-05,
    4.325726875548042e-05,  -2.1471428201769708e-05, 1.2753839091675304e-05, -1.854151469920995e-05,
    1.2485758799862492e-05};
inline constexpr double digamma_near[] = {
    0.951055876031833,     -0.4236274212814607,    0.24054248424077387,    -0.14840492305384972,
    0.094988724454985,     -0.06192213327818079,   0.0407608338101805,     -0.026975796553128952,
    0.01790725249769834,   -0.011908222428693889,  0.007926943776272167,   -0.0052799068482618505,
    0.0035190143158783833, -0.002345744241301279,  0.0015565871917569657,  -0.001035165801416932,
    0.0007234782115126861, -0.0004900566005863154, 0.00022694765516944162, -0.00013750647530893725,
    0.0002599133676571159, -0.00018378071967993574};
// For x >= 4 with v = 1/x^2 (Stirling): lgamma x = (x - 1/2)*(log x - 1) + (log(2*pi) - 1)/2 + s(v)/x and
// digamma x = log x - 1/(2*x) - v*t(v); minimax s and t, absolute errors 2^-55.4 and 2^-51.5.
inline constexpr double lgamma_far[] = {
    0.08333333333333331,    -0.0027777777777249608, 0.000793650770053562,
    -0.0005952340142978452, 0.0008413931301556437,  -0.0018995207784087628,
    0.005854864459883375,   -0.018647505788482753,  0.037335216757783};
inline constexpr double digamma_far[] = {0.08333333333333302,   -0.008333333332489345, 0.00396825358958104,
                                         -0.004166600868207633, 0.007569955876363083,  -0.02079834705517418,
                                         0.07413525430729988,   -0.25870824653183805,  0.5445730759025995};
// sin(pi*d) = d*s(d^2) on |d| <= 1/2, minimax s, error 2^-52.9.
inline constexpr double sin_pi[] = {3.141592653589793,     -5.167712780049969,      2.5501640398773007,
                                    -0.5992645293189474,   0.08214588657314421,     -0.007370430506269508,
                                    0.0004662998178563369, -2.1903501176412406e-05, 7.697867782956378e-07};

// pi*cot(pi*d) = 1/d + d*c(d^2) on |d| <= 1/2, minimax c, absolute error 2^-54.1.
inline constexpr double cot_less_pole[] = {
    -3.2898681336964537, -2.164646467421699, -2.0346861240722265, -2.008154703731993, -2.001989563347465,
    -2.000479736583494,  -2.000374220892908, -1.9964700267095425, -2.036001589005877, -1.7374144459429834,
    -3.378913836365606,  3.123336724859317,  -14.948687352359794, 18.487265473957265, -18.487265483285295};

template <class A>
A sin_of_half_turns(A d) {
  A d2 = d * d;
  return d * polynomial(sin_pi, d2, d2 * d2);
}

// cot(pi*d) for d in [-1/2, 1/2].
template <class A>
A cot_of_half_turns(A d) {
  return sin_of_half_turns(constant<A>(0.5) - abs(d)) / sin_of_half_turns(d);
}

// x in [0, 4) is brought to z = x, x - 1, x - 2 or x - 3 in [0, 1], exactly: Gamma(x) is Gamma(1 + z) times
// numerator/denominator (1/x; 1; x - 1; (x - 1)*(x - 2)), whose logarithm's derivative has the same divisor.
template <class A>
struct NearUnit {
  A z;
  A factor;  // x, 1, x - 1, (x - 1)*(x - 2)
  A slope;   // its derivative
};
template <class A>
NearUnit<A> near_unit(A x) {
  A one = constant<A>(1.0);
  A two = constant<A>(2.0);
  A below1 = x - one;
  A below2 = x - two;
  mask_t<A> first = x < one;
  mask_t<A> second = x < two;
  mask_t<A> third = x < constant<A>(3.0);
  A z = select(first, x, select(second, below1, select(third, below2, x - constant<A>(3.0))));
  A factor = select(first, x, select(second, one, select(third, below1, below1 * below2)));
  A slope = select(second, select(first, one, constant<A>(0.0)), select(third, one, below1 + below2));
  return {z, factor, slope};
}

// lgamma of an x >= 0, and the same without the -log x of an x < 1.
template <class A>
struct LogGamma {
  A value, regular;
};
template <class A>
LogGamma<A> lgamma_positive(A x) {
  A one = constant<A>(1.0);
  A half = constant<A>(0.5);
  mask_t<A> far = x >= constant<A>(4.0);
  NearUnit<A> near = near_unit(x);
  A y = near.z - half;
  A regular = near.z * (near.z - one) * polynomial(lgamma_near, y, y * y);
  A logarithm = log(select(far, x, near.factor));
  A u = one / x;
  A v = u * u;
  A tail = fma(u, polynomial(lgamma_far, v, v * v), constant<A>(0x1.acfe390c97d69p-2));
  A stirling = fma(x - half, logarithm - one, tail);
  A value = regular + select(x < one, -logarithm, logarithm);
  return {select(far, stirling, value), select(far, stirling, select(x < one, regular, value))};
}

// Reflection: Gamma(x)*Gamma(-x) = -pi/(x*sin(pi*x)); of a size below 1 the x there and lgamma's -log x
// cancel.
template <class A>
A lgamma_negative(A size, LogGamma<A> positive) {
  A one = constant<A>(1.0);
  A sine = abs(sin_of_half_turns(size - round_even(size))) * constant<A>(0x1.45f306dc9c883p-2);
  A value = -(log(sine * select(size < one, one, size)) + positive.regular);
  return select(sine == constant<A>(0.0), constant<A>(infinity), value);
}

template <class A>
A lgamma(A x) {
  if constexpr (is_double<A>) {
    A size = abs(x);
    LogGamma<A> positive = lgamma_positive(size);
    A value = patch(x < constant<A>(0.0), positive.value, [&] { return lgamma_negative(size, positive); });
    return select(size == constant<A>(infinity), size, value);
  } else {
    return narrow(lgamma(widen(x)));
  }
}

// digamma of an x >= 0, and digamma(x) + 1/x, which is finite at 0, as a sum: `main` is log x from 4 on, or
// what is left of digamma below.
template <class A>
struct Digamma {
  A value, main, rest;
  mask_t<A> far;
};
template <class A>
Digamma<A> digamma_positive(A x) {
  A one = constant<A>(1.0);
  A half = constant<A>(0.5);
  mask_t<A> far = x >= constant<A>(4.0);
  mask_t<A> first = x < one;
  NearUnit<A> near = near_unit(x);
  A y = near.z - half;
  A from_root = (near.z - constant<A>(0x1.d8b618d5af8fep-2)) - constant<A>(-0x1.1e563779a1f5bp-56);
  A regular = from_root * polynomial(digamma_near, y, y * y);
  A quotient = select(far, one, near.slope) / select(far, x, near.factor);
  A v = quotient * quotient;
  A series = polynomial(digamma_far, v, v * v);
  A logarithm = log(x);
  A asymptotic = fma(-v, series, fma(-half, quotient, logarithm));
  A value = select(far, asymptotic, regular + select(first, -quotient, quotient));
  A near_rest = select(first, constant<A>(0.0), quotient + one / x);
  return {value, select(far, logarithm, regular), select(far, fma(-v, series, half * quotient), near_rest),
          far};
}

// Reflection: digamma(-x) = digamma(x) + 1/x + pi*cot(pi*x), where d is x less the nearest whole number and
// both sides can be large and cancel. So the summands are pairs: 1/d with its rounding, and log x with its
// own, x*e^(-log x) - 1 to first order.
template <class A>
A digamma_negative(A x, A d, const Digamma<A>& positive) {
  A one = constant<A>(1.0);
  A zero = constant<A>(0.0);
  A pole = one / d;
  A pole_rest = fma(-pole, d, one) * pole;
  A main_rest = select(positive.far, fma(x, exp(-positive.main), -one), zero);
  A d2 = d * d;
  Pair<A> sum = two_sum(pole, positive.main);
  A rest = fma(d, polynomial(cot_less_pole, d2, d2 * d2), positive.rest + (sum.lo + (pole_rest + main_rest)));
  A value = select(abs(pole) == constant<A>(infinity), pole, sum.hi + rest);
  return select(d == zero, constant<A>(not_a_number), value);
}

// NaN at the poles but that at 0, where the sign of the zero tells the side.
template <class A>
A digamma(A x) {
  if constexpr (is_double<A>) {
    A size = abs(x);
    Digamma<A> positive = digamma_positive(size);
    A value = patch(x < constant<A>(0.0), positive.value,
                    [&] { return digamma_negative(size, size - round_even(size), positive); });
    return select(x == constant<A>(0.0), copysign(constant<A>(infinity), -x), value);
  } else {
    return narrow(digamma(widen(x)));
  }
}

}  // namespace slope::math
