// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a C++ programmer would write by hand, compiled with -O3 -march=native -ffast-math in a file of its
// own: the compiler sees neither the number of rows nor the caller. Once with the vectors it prefers, once
// with 512 bits; the faster of the two is the peer.
#pragma once
#include <cstdint>

#define SLOPE_BENCH_PEER(space)                                                                              \
  namespace space {                                                                                          \
  void line_step(const double* x, const double* y, std::int64_t rows, double* params, double rate,           \
                 double* loss);                                                                              \
  void line_step(const float* x, const float* y, std::int64_t rows, float* params, float rate, float* loss); \
  void exp(const double* x, double* y, std::int64_t n);                                                      \
  void exp(const float* x, float* y, std::int64_t n);                                                        \
  void log(const double* x, double* y, std::int64_t n);                                                      \
  void log(const float* x, float* y, std::int64_t n);                                                        \
  void sin(const double* x, double* y, std::int64_t n);                                                      \
  void sin(const float* x, float* y, std::int64_t n);                                                        \
  void tanh(const double* x, double* y, std::int64_t n);                                                     \
  void tanh(const float* x, float* y, std::int64_t n);                                                       \
  void asin(const double* x, double* y, std::int64_t n);                                                     \
  void asin(const float* x, float* y, std::int64_t n);                                                       \
  void acos(const double* x, double* y, std::int64_t n);                                                     \
  void acos(const float* x, float* y, std::int64_t n);                                                       \
  void atan(const double* x, double* y, std::int64_t n);                                                     \
  void atan(const float* x, float* y, std::int64_t n);                                                       \
  void erf(const double* x, double* y, std::int64_t n);                                                      \
  void erf(const float* x, float* y, std::int64_t n);                                                        \
  void erfc(const double* x, double* y, std::int64_t n);                                                     \
  void erfc(const float* x, float* y, std::int64_t n);                                                       \
  }
SLOPE_BENCH_PEER(peer_preferred)
SLOPE_BENCH_PEER(peer_wide)
