// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The logarithm to base 10, below 1.6 ulp.
#pragma once
#include "graph/math/log.h"

namespace slope::math {

inline constexpr LogTable log10_table = {
    {0x1.642e651006e77p+0, 0x1.555716029cbc7p+0, 0x1.47a7c7fb50501p+0, 0x1.3b0a35518ebe1p+0,
     0x1.2f68ce837d6efp+0, 0x1.248c0b87f943fp+0, 0x1.1a7dd6c03c495p+0, 0x1.11089b94be470p+0,
     0x1.083efe5d2c6c4p+0, 0x1.0000000000000p+0, 0x1.e1e8e1041e112p-1, 0x1.c72a66fd13aafp-1,
     0x1.af22adf043babp-1, 0x1.99a5356463c9cp-1, 0x1.861658979e980p-1, 0x1.74610dfbd0c99p-1},
    {-0x1.25bf2f7855f27p-3, -0x1.ffc8e5013629ep-4, -0x1.b6ff9b05c5fc8p-4, -0x1.71278081d301cp-4,
     -0x1.2e3d721bee36bp-4, -0x1.dac6094d74cffp-5, -0x1.5e55c5a632799p-5, -0x1.ca5c8de17cbf9p-6,
     -0x1.c32b223bdb586p-7, 0x0.0p+0, 0x1.aef84388ebfd2p-6, 0x1.a29d822ff088fp-5, 0x1.31cab5d35d45cp-4,
     0x1.8cbf19eaf74fep-4, 0x1.e3c5623600e56p-4, 0x1.1b34fa3750d79p-3}};
// log10(1+f) = f/ln10 + f^2*q(f): minimax q. double: on the table's range, error 2^-56.3 of the value; float:
// on sqrt(1/2) <= 1+f <= sqrt2, error 2^-27.3.
inline constexpr double log10_double[] = {-0.21714724095162455, 0.14476482730108317,  -0.10857362049463168,
                                          0.08685889639279774,  -0.07238234407545029, 0.06204201799022967,
                                          -0.05438205970899953, 0.04833295899486806};
inline constexpr double log10_float[] = {-0.21714718639850616,  0.14476478099822998,  -0.1085805669426918,
                                         0.08686799556016922,   -0.07213101536035538, 0.061579033732414246,
                                         -0.057512372732162476, 0.056123871356248856, -0.0332074910402298};

// k*log10(2) and f/ln10 come last, the rests of both constants before them (of a float that of log10(2)
// only).
template <class A>
A log10(A x) {
  return log_anywhere(x, [](const BinaryParts<A>& parts) {
    A inverse = constant<A>(0x1.bcb7b1526e50ep-2);
    A step = of_exponent<A>(0x1.34413509f79ffp-2, 0x1.344136p-2);
    A low = parts.k * of_exponent<A>(-0x1.9dc1da994fd21p-59, -0x1.ec10cp-27);
    if constexpr (is_double<A>) {
      TableLog<A> t = look_up(log10_table, parts);
      A f2 = t.f * t.f;
      A tail = fma(t.f, constant<A>(0x1.95355baaafad3p-57), fma(f2, polynomial(log10_double, t.f, f2), low));
      return fma(parts.k, step, t.value) + fma(t.f, inverse, tail);
    } else {
      A f = parts.m - constant<A>(1.0);
      A f2 = f * f;
      return fma(parts.k, step, fma(f, inverse, fma(f2, polynomial(log10_float, f, f2), low)));
    }
  });
}

}  // namespace slope::math
