// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One step of the first model: the whole training loop against a loop around a hand-written step.
#include "bench/fixture.h"
#include "bench/peer.h"

using namespace slope;
using namespace slope::bench;

namespace {

template <class T, class Step>
std::vector<double> train_by_hand(const Fixture& fixture, std::int64_t rows, std::int64_t steps, T rate,
                                  Step step) {
  T params[] = {0, -1}, loss = 0;
  auto x = static_cast<const T*>(fixture.column(0)), y = static_cast<const T*>(fixture.column(1));
  for (std::int64_t k = 0; k < steps; ++k) step(x, y, rows, params, rate, &loss);
  return {static_cast<double>(params[0]), static_cast<double>(params[1])};
}

template <class T>
void run(std::int64_t rows) {
  constexpr bool single = sizeof(T) == 4;
  // So slow a descent that every step is the best so far: the loop has its full work.
  constexpr std::int64_t steps = 20'000;
  constexpr T rate = static_cast<T>(1e-5);
  Fixture fixture(line_model(steps, "0.00001"), single ? Precision::f32 : Precision::f64, line_points(rows));
  fixture.compile();
  std::string name = fmt::format("step, {} rows, {}", rows, single ? "f32" : "f64");
  std::vector<double> found = fixture.train().params;
  auto preferred = [&](auto... a) { peer_preferred::line_step(a...); };
  auto wide = [&](auto... a) { peer_wide::line_step(a...); };
  for (const auto& expected : {train_by_hand<T>(fixture, rows, steps, rate, preferred),
                               train_by_hand<T>(fixture, rows, steps, rate, wide)})
    for (std::size_t i = 0; i < 2; ++i) require_close(found[i], expected[i], single ? 2e-4 : 1e-10, name);
  auto times = take_turns(
      201, {[&] { return fixture.train().train_seconds; },
            [&] { return timed([&] { train_by_hand<T>(fixture, rows, steps, rate, preferred); }); },
            [&] { return timed([&] { train_by_hand<T>(fixture, rows, steps, rate, wide); }); }});
  double slope = times[0] / steps, peer = std::min(times[1], times[2]) / steps;
  row(name, fmt::format("{:.1f} ns", slope * 1e9), fmt::format("{:.1f} ns", peer * 1e9),
      fmt::format("{:.2f}", slope / peer), verdict(slope / peer, "<=", 2));
}

}  // namespace

int main() {
  for (std::int64_t rows : {100, 201}) {
    run<double>(rows);
    run<float>(rows);
  }
}
