// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Compiled once for each PEER of peer.h; with the flags of bench/CMakeLists.txt, not those of the project.
#include "bench/peer.h"

#include <cmath>

namespace PEER {

template <class T>
static inline void step(const T* __restrict x, const T* __restrict y, std::int64_t rows, T* params, T rate,
                        T* loss) {
  T w = params[0], b = params[1], squares = 0, dw = 0, db = 0;
  for (std::int64_t i = 0; i < rows; ++i) {
    T residual = w * x[i] + b - y[i];
    squares += residual * residual;
    dw += residual * x[i];
    db += residual;
  }
  T scale = 1 / static_cast<T>(rows);
  *loss = squares * scale;
  params[0] = w - rate * 2 * scale * dw;
  params[1] = b - rate * 2 * scale * db;
}
void line_step(const double* x, const double* y, std::int64_t rows, double* params, double rate,
               double* loss) {
  step(x, y, rows, params, rate, loss);
}
void line_step(const float* x, const float* y, std::int64_t rows, float* params, float rate, float* loss) {
  step(x, y, rows, params, rate, loss);
}

#define SLOPE_BENCH_MAP(name)                                                   \
  void name(const double* __restrict x, double* __restrict y, std::int64_t n) { \
    for (std::int64_t i = 0; i < n; ++i) y[i] = std::name(x[i]);                \
  }                                                                             \
  void name(const float* __restrict x, float* __restrict y, std::int64_t n) {   \
    for (std::int64_t i = 0; i < n; ++i) y[i] = std::name(x[i]);                \
  }
SLOPE_BENCH_MAP(exp)
SLOPE_BENCH_MAP(expm1)
SLOPE_BENCH_MAP(log)
SLOPE_BENCH_MAP(log2)
SLOPE_BENCH_MAP(log10)
SLOPE_BENCH_MAP(log1p)
SLOPE_BENCH_MAP(sin)
SLOPE_BENCH_MAP(cos)
SLOPE_BENCH_MAP(tan)
SLOPE_BENCH_MAP(sinh)
SLOPE_BENCH_MAP(cosh)
SLOPE_BENCH_MAP(tanh)
SLOPE_BENCH_MAP(asin)
SLOPE_BENCH_MAP(acos)
SLOPE_BENCH_MAP(atan)
SLOPE_BENCH_MAP(erf)
SLOPE_BENCH_MAP(erfc)

void pow(const double* __restrict x, double* __restrict y, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) y[i] = std::pow(x[i], x[i]);
}
void pow(const float* __restrict x, float* __restrict y, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) y[i] = std::pow(x[i], x[i]);
}

}  // namespace PEER
