// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The logarithm to base 10, below 1.8 ulp.
#pragma once
#include "graph/math/log.h"

namespace slope::math {

inline constexpr LogTable log10_table_double = {
    {0x1.642e651006e77p+0, 0x1.555716029cbc7p+0, 0x1.47a7c7fb50501p+0, 0x1.3b0a35518ebe1p+0,
     0x1.2f68ce837d6efp+0, 0x1.248c0b87f943fp+0, 0x1.1a7dd6c03c495p+0, 0x1.11089b94be470p+0,
     0x1.083efe5d2c6c4p+0, 0x1.0000000000000p+0, 0x1.e1e8e1041e112p-1, 0x1.c72a66fd13aafp-1,
     0x1.af22adf043babp-1, 0x1.99a5356463c9cp-1, 0x1.861658979e980p-1, 0x1.74610dfbd0c99p-1},
    {-0x1.25bf2f7855f27p-3, -0x1.ffc8e5013629ep-4, -0x1.b6ff9b05c5fc8p-4, -0x1.71278081d301cp-4,
     -0x1.2e3d721bee36bp-4, -0x1.dac6094d74cffp-5, -0x1.5e55c5a632799p-5, -0x1.ca5c8de17cbf9p-6,
     -0x1.c32b223bdb586p-7, 0x0.0p+0, 0x1.aef84388ebfd2p-6, 0x1.a29d822ff088fp-5, 0x1.31cab5d35d45cp-4,
     0x1.8cbf19eaf74fep-4, 0x1.e3c5623600e56p-4, 0x1.1b34fa3750d79p-3}};
inline constexpr LogTable log10_table_float = {
    {0x1.642f80p+0, 0x1.5553c8p+0, 0x1.47aa98p+0, 0x1.3b164ap+0, 0x1.2f69cep+0, 0x1.249496p+0, 0x1.1a81bep+0,
     0x1.1109fap+0, 0x1.081716p+0, 0x1.000000p+0, 0x1.e1e656p-1, 0x1.c71430p-1, 0x1.af2afcp-1, 0x1.999870p-1,
     0x1.86156ep-1, 0x1.745beep-1},
    {-0x1.25c1f2p-3, -0x1.ffb7acp-4, -0x1.b70ee0p-4, -0x1.716bb6p-4, -0x1.2e434cp-4, -0x1.db2de6p-5,
     -0x1.5e86eep-5, -0x1.ca803ap-6, -0x1.bac546p-7, 0x0.0p+0, 0x1.af1dd0p-6, 0x1.a34b2ap-5, 0x1.31a872p-4,
     0x1.8cf690p-4, 0x1.e3c990p-4, 0x1.1b4138p-3}};
template <class A>
inline constexpr const LogTable& log10_table = is_double<A> ? log10_table_double : log10_table_float;
// log10(1+f) = f/ln10 + f^2*q(f) there: minimax q, error 2^-56.3 and 2^-30.8 of the value.
inline constexpr double log10_double[] = {-0.21714724095162455, 0.14476482730108317,  -0.10857362049463168,
                                          0.08685889639279774,  -0.07238234407545029, 0.06204201799022967,
                                          -0.05438205970899953, 0.04833295899486806};
inline constexpr double log10_float[] = {-0.21714721620082855, 0.14476481080055237, -0.10866163671016693,
                                         0.08692231774330139};

// k*log10(2) and f/ln10 come last, the rests of both constants before them (of a float that of log10(2)
// only).
template <class A>
A log10_of_parts(const BinaryParts<A>& parts) {
  TableLog<A> t = look_up(log10_table<A>, parts);
  A f = t.f;
  A inverse = constant<A>(0x1.bcb7b1526e50ep-2);
  A step = of_exponent<A>(0x1.34413509f79ffp-2, 0x1.344136p-2);
  A rest = of_exponent<A>(-0x1.9dc1da994fd21p-59, -0x1.ec10cp-27);
  if constexpr (is_double<A>) {
    A f2 = f * f;
    A low = fma(f2, polynomial(log10_double, f, f2), parts.k * rest);
    A tail = fma(f, constant<A>(0x1.95355baaafad3p-57), low);
    return fma(parts.k, step, t.value) + fma(f, inverse, tail);
  } else {
    A slope = fma(f, horner(log10_float, f), inverse);
    return fma(f, slope, fma(parts.k, step, fma(parts.k, rest, t.value)));
  }
}

template <class A>
A log10(A x) {
  return log_anywhere(x, [](const BinaryParts<A>& parts) { return log10_of_parts(parts); });
}

}  // namespace slope::math
