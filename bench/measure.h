// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How the benchmarks measure: contestants take turns (A B A B), each turn is a sample, medians are compared.
// A row of the table on standard output is `| what | slope | peer | ratio | target |`.
#pragma once
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <initializer_list>
#include <string>
#include <vector>

#include "runtime/session.h"

namespace slope::bench {

inline double median(std::vector<double> x) {
  std::sort(x.begin(), x.end());
  return x[x.size() / 2];
}

// Each contestant returns what one turn measured, seconds for example; the medians, in their order.
inline std::vector<double> take_turns(int turns, std::initializer_list<std::function<double()>> contestants) {
  std::vector<std::vector<double>> samples(contestants.size());
  for (int turn = 0; turn <= turns; ++turn) {
    std::size_t i = 0;
    for (const auto& contestant : contestants) {
      double seconds = contestant();
      if (turn > 0) samples[i].push_back(seconds);  // the first turn warms up
      ++i;
    }
  }
  std::vector<double> out;
  for (auto& s : samples) out.push_back(median(s));
  return out;
}

template <class F>
double timed(F f) {
  double start = seconds_now();
  f();
  return seconds_now() - start;
}

[[noreturn]] inline void fail(const std::string& why) {
  fmt::print(stderr, "bench: {}\n", why);
  std::exit(1);
}

// Before anything is timed: both sides compute the same.
inline void require_close(double found, double expected, double tolerance, const std::string& what) {
  double difference = std::abs(found - expected);
  if (!(difference <= tolerance * std::max(std::abs(expected), 1e-300)))
    fail(fmt::format("{}: Slope has {:.17g}, the peer {:.17g}", what, found, expected));
}

inline void row(const std::string& what, const std::string& slope, const std::string& peer,
                const std::string& ratio, const std::string& target) {
  fmt::print("| {} | {} | {} | {} | {} |\n", what, slope, peer, ratio, target);
  std::fflush(stdout);
}
inline std::string verdict(double found, const char* relation, double target, const char* unit = "") {
  bool met = relation[0] == '<' ? found <= target : found >= target;
  return fmt::format("{} {:.2f}{}{}", relation, target, unit, met ? "" : " (missed)");
}

}  // namespace slope::bench
