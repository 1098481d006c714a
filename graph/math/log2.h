// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The logarithm to base 2, below 1.7 ulp; exact for powers of two.
#pragma once
#include "graph/math/log.h"

namespace slope::math {

inline constexpr LogTable log2_table = {
    {0x1.6432f8e34ea2ap+0, 0x1.555008e3affbbp+0, 0x1.47abcdfb2be50p+0, 0x1.3b157b04c0142p+0,
     0x1.2f65f7473e739p+0, 0x1.2492b581e2c63p+0, 0x1.1a7d61ad4279dp+0, 0x1.110e3f44187d0p+0,
     0x1.0848072a93b26p+0, 0x1.0000000000000p+0, 0x1.e1f042c25517dp-1, 0x1.c71c5978b534fp-1,
     0x1.af205654aa75cp-1, 0x1.998d2a96274c5p-1, 0x1.861d581ce79b0p-1, 0x1.74671bfc4d6bap-1},
    {-0x1.e7fa20ec8915bp-2, -0x1.a8e8a81c784a2p-2, -0x1.6ca6b456ab20ep-2, -0x1.32c850a5d81fep-2,
     -0x1.f5e6d8ede8b86p-3, -0x1.8a8dc706fd352p-3, -0x1.22eda364a6c76p-3, -0x1.7d2345097b290p-4,
     -0x1.7843fed10f371p-5, 0x0.0p+0, 0x1.658f200d4c51cp-4, 0x1.5c02416c6493cp-3, 0x1.fbf8d1ac1db20p-3,
     0x1.49d45db66e489p-2, 0x1.91a8dcdfc53afp-2, 0x1.d64d7f46b9a29p-2}};
// log2(1+f) = f/ln2 + f^2*q(f): minimax q. double: on the table's range, error 2^-56.3 of the value; float:
// on sqrt(1/2) <= 1+f <= sqrt2, error 2^-26.7.
inline constexpr double log2_double[] = {-0.7213475204444771, 0.4808983469629852,  -0.3606737602847553,
                                         0.2885390082181454,  -0.2404489423580421, 0.2060991226252511,
                                         -0.1806532920051676, 0.16055861439409105};
inline constexpr double log2_float[] = {-0.7213473320007324,  0.4808982014656067,   -0.36069682240486145,
                                        0.28856924176216125,  -0.23961403965950012, 0.20456112921237946,
                                        -0.19105195999145508, 0.18643946945667267,  -0.11031289398670197};

// k and 1/ln2 times f come last; of a double the rest of 1/ln2 before them.
template <class A>
A log2(A x) {
  return log_anywhere(x, [](const BinaryParts<A>& parts) {
    A inverse = constant<A>(0x1.71547652b82fep+0);
    if constexpr (is_double<A>) {
      TableLog<A> t = look_up(log2_table, parts);
      A f2 = t.f * t.f;
      A tail = fma(t.f, constant<A>(0x1.777d0ffda0d24p-56), f2 * polynomial(log2_double, t.f, f2));
      return (parts.k + t.value) + fma(t.f, inverse, tail);
    } else {
      A f = parts.m - constant<A>(1.0);
      A f2 = f * f;
      return fma(parts.k, constant<A>(0x1p-23), fma(f, inverse, f2 * polynomial(log2_float, f, f2)));
    }
  });
}

}  // namespace slope::math
