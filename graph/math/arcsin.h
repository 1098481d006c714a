// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// asin and acos, below 1.2 ulp. NaN outside of [-1, 1].
#pragma once
#include "graph/math/pieces.h"

namespace slope::math {

// asin s = s + s^3*p(s^2) on |s| <= 1/2: minimax p, error 2^-58.8 and 2^-27.6 of the value.
inline constexpr double asin_double[] = {0.16666666666666763,  0.07499999999970251,  0.044642857175131466,
                                         0.030381942683123518, 0.022372215673380217, 0.01735159987248315,
                                         0.013980963911131215, 0.011397757056154282, 0.010786629600255228,
                                         0.003682679288897819, 0.021764348318671238, -0.021078456834056465,
                                         0.032677600152728664};
inline constexpr double asin_float[] = {0.16666753590106964, 0.07495250552892685, 0.04547621309757233,
                                        0.024151388555765152, 0.0422128364443779};

// asin |x| = s + tail for |x| <= 1/2; beyond, where s = sqrt((1 - |x|)/2), asin |x| = pi/2 - 2*(s + tail),
// and acos likewise. The quotient under the root is exact.
template <class A>
struct HalfAngle {
  mask_t<A> beyond;
  A s, tail;
};
template <class A>
HalfAngle<A> half_angle(A x) {
  A size = abs(x);
  A half = constant<A>(0.5);
  mask_t<A> beyond = size > half;
  A z = select(beyond, fma(-half, size, half), size * size);
  A s = select(beyond, sqrt(z), size);
  A p = z;
  if constexpr (is_double<A>) p = polynomial(asin_double, z, z * z);
  else p = polynomial(asin_float, z, z * z);
  return {beyond, s, s * z * p};
}

template <class A>
A asin(A x) {
  HalfAngle<A> angle = half_angle(x);
  A two = constant<A>(2.0);
  A head = constant<A>(0x1.921fb54442d18p+0, 0x1.921fb6p+0);
  A rest = constant<A>(0x1.1a62633145c07p-54, -0x1.777a5cp-25);
  Pair<A> sum = fast_two_sum(head, -two * angle.s);
  A far = sum.hi + (sum.lo + fma(-two, angle.tail, rest));
  return copysign(select(angle.beyond, far, angle.s + angle.tail), x);
}

// acos x is pi/2 - asin x within 1/2; beyond, with the sign of x on s and the tail, 2*(s + tail) above and
// pi + 2*(s + tail) below.
template <class A>
A acos(A x) {
  HalfAngle<A> angle = half_angle(x);
  A s = copysign(angle.s, x);
  A tail = flip_sign(angle.tail, bits(x));
  A factor = select(angle.beyond, constant<A>(2.0), constant<A>(-1.0));
  A zero = constant<A>(0.0);
  A half = constant<A>(0x1.921fb54442d18p+0, 0x1.921fb6p+0);
  A head = select(angle.beyond, select(x < zero, half + half, zero), half);
  Pair<A> sum = fast_two_sum(head, factor * s);
  A rest = head * constant<A>(0x1.1a62633145c07p-54 / 0x1.921fb54442d18p+0, -0x1.777a5cp-25 / 0x1.921fb6p+0);
  return sum.hi + (sum.lo + fma(factor, tail, rest));
}

}  // namespace slope::math
