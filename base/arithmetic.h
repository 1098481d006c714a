// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The arithmetic that results are defined by: rounding to the nearest, denormals kept, no exception that ends
// the process. The CPU has it at the start of a process, but any library may have changed it (what is linked
// with -ffast-math does so when it is loaded), and whoever calls us may want his own back.
#pragma once
#if defined(__x86_64__)
#include <immintrin.h>
#else
#include <cfenv>
#endif

namespace slope {

// The standard arithmetic of the calling thread, and of threads begun in it, as long as this lives; then that
// of before. Cheap where nothing has to be changed: it stands around every call of compiled code.
class StandardArithmetic {
 public:
#if defined(__x86_64__)
  StandardArithmetic() : before_(_mm_getcsr()) {
    if (is_other()) _mm_setcsr(standard);
  }
  ~StandardArithmetic() {
    if (is_other()) _mm_setcsr(before_);
  }

 private:
  static constexpr unsigned standard = 0x1F80;  // MXCSR: all exceptions masked, everything else 0
  static constexpr unsigned flags = 0x3F;       // exceptions that have occurred: they change no result
  bool is_other() const { return (before_ & ~flags) != standard; }
  unsigned before_;
#else
  StandardArithmetic() {
    std::fegetenv(&before_);
    std::fesetenv(FE_DFL_ENV);
  }
  ~StandardArithmetic() { std::fesetenv(&before_); }

 private:
  std::fenv_t before_;
#endif
 public:
  StandardArithmetic(const StandardArithmetic&) = delete;
  StandardArithmetic& operator=(const StandardArithmetic&) = delete;
};

}  // namespace slope
