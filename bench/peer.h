// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a C++ programmer would write by hand, compiled with -O3 -march=native -ffast-math in a file of its
// own: the compiler sees neither the number of rows nor the caller. Once with the vectors it prefers, once
// with 512 bits; the faster of the two is the peer.
#pragma once
#include <cstdint>

#define SLOPE_BENCH_PEER_MAP(name)                       \
  void name(const double* x, double* y, std::int64_t n); \
  void name(const float* x, float* y, std::int64_t n);
#define SLOPE_BENCH_PEER(space)                                                                              \
  namespace space {                                                                                          \
  void line_step(const double* x, const double* y, std::int64_t rows, double* params, double rate,           \
                 double* loss);                                                                              \
  void line_step(const float* x, const float* y, std::int64_t rows, float* params, float rate, float* loss); \
  SLOPE_BENCH_PEER_MAP(exp)                                                                                  \
  SLOPE_BENCH_PEER_MAP(expm1)                                                                                \
  SLOPE_BENCH_PEER_MAP(log)                                                                                  \
  SLOPE_BENCH_PEER_MAP(log2)                                                                                 \
  SLOPE_BENCH_PEER_MAP(log10)                                                                                \
  SLOPE_BENCH_PEER_MAP(log1p)                                                                                \
  SLOPE_BENCH_PEER_MAP(sin)                                                                                  \
  SLOPE_BENCH_PEER_MAP(cos)                                                                                  \
  SLOPE_BENCH_PEER_MAP(tan)                                                                                  \
  SLOPE_BENCH_PEER_MAP(sinh)                                                                                 \
  SLOPE_BENCH_PEER_MAP(cosh)                                                                                 \
  SLOPE_BENCH_PEER_MAP(tanh)                                                                                 \
  SLOPE_BENCH_PEER_MAP(pow)                                                                                  \
  SLOPE_BENCH_PEER_MAP(asin)                                                                                 \
  SLOPE_BENCH_PEER_MAP(acos)                                                                                 \
  SLOPE_BENCH_PEER_MAP(atan)                                                                                 \
  SLOPE_BENCH_PEER_MAP(erf)                                                                                  \
  SLOPE_BENCH_PEER_MAP(erfc)                                                                                 \
  }
SLOPE_BENCH_PEER(peer_preferred)
SLOPE_BENCH_PEER(peer_wide)
