// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The logarithm to base 2, below 1.7 ulp; exact for powers of two.
#pragma once
#include "graph/math/log.h"

namespace slope::math {

inline constexpr LogTable log2_table_double = {
    {0x1.6432f8e34ea2ap+0, 0x1.555008e3affbbp+0, 0x1.47abcdfb2be50p+0, 0x1.3b157b04c0142p+0,
     0x1.2f65f7473e739p+0, 0x1.2492b581e2c63p+0, 0x1.1a7d61ad4279dp+0, 0x1.110e3f44187d0p+0,
     0x1.0848072a93b26p+0, 0x1.0000000000000p+0, 0x1.e1f042c25517dp-1, 0x1.c71c5978b534fp-1,
     0x1.af205654aa75cp-1, 0x1.998d2a96274c5p-1, 0x1.861d581ce79b0p-1, 0x1.74671bfc4d6bap-1},
    {-0x1.e7fa20ec8915bp-2, -0x1.a8e8a81c784a2p-2, -0x1.6ca6b456ab20ep-2, -0x1.32c850a5d81fep-2,
     -0x1.f5e6d8ede8b86p-3, -0x1.8a8dc706fd352p-3, -0x1.22eda364a6c76p-3, -0x1.7d2345097b290p-4,
     -0x1.7843fed10f371p-5, 0x0.0p+0, 0x1.658f200d4c51cp-4, 0x1.5c02416c6493cp-3, 0x1.fbf8d1ac1db20p-3,
     0x1.49d45db66e489p-2, 0x1.91a8dcdfc53afp-2, 0x1.d64d7f46b9a29p-2}};
inline constexpr LogTable log2_table_float = {
    {0x1.6423fap+0, 0x1.555938p+0, 0x1.47a958p+0, 0x1.3b18b6p+0, 0x1.2f5f44p+0, 0x1.248e60p+0, 0x1.1a770ep+0,
     0x1.1114fep+0, 0x1.080b84p+0, 0x1.000000p+0, 0x1.e1dd32p-1, 0x1.c72046p-1, 0x1.af1c80p-1, 0x1.999da4p-1,
     0x1.861442p-1, 0x1.745826p-1},
    {-0x1.e7bbeep-2, -0x1.a91068p-2, -0x1.6c9b9cp-2, -0x1.32d776p-2, -0x1.f5a598p-3, -0x1.8a6202p-3,
     -0x1.22ab76p-3, -0x1.7db53cp-4, -0x1.6db0b2p-5, 0x0.0p+0, 0x1.6678eap-4, 0x1.5be8c8p-3, 0x1.fc131ep-3,
     0x1.4998f2p-2, 0x1.91cb46p-2, 0x1.d688dap-2}};
template <class A>
inline constexpr const LogTable& log2_table = is_double<A> ? log2_table_double : log2_table_float;
// log2(1+f) = f/ln2 + f^2*q(f) there: minimax q, error 2^-56.3 and 2^-31.4 of the value.
inline constexpr double log2_double[] = {-0.7213475204444771, 0.4808983469629852,  -0.3606737602847553,
                                         0.2885390082181454,  -0.2404489423580421, 0.2060991226252511,
                                         -0.1806532920051676, 0.16055861439409105};
inline constexpr double log2_float[] = {-0.721347451210022, 0.48089829087257385, -0.36096614599227905,
                                        0.28874969482421875};

// k and 1/ln2 times f come last; of a double the rest of 1/ln2 before them.
template <class A>
A log2_of_parts(const BinaryParts<A>& parts) {
  TableLog<A> t = look_up(log2_table<A>, parts);
  A f = t.f;
  A inverse = constant<A>(0x1.71547652b82fep+0);
  if constexpr (is_double<A>) {
    A f2 = f * f;
    A tail = fma(f, constant<A>(0x1.777d0ffda0d24p-56), f2 * polynomial(log2_double, f, f2));
    return (parts.k + t.value) + fma(f, inverse, tail);
  } else {
    A slope = fma(f, horner(log2_float, f), inverse);
    return fma(f, slope, fma(parts.k, constant<A>(0x1p-23), t.value));
  }
}

template <class A>
A log2(A x) {
  return log_anywhere(x, [](const BinaryParts<A>& parts) { return log2_of_parts(parts); });
}

}  // namespace slope::math
