// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Loss and gradients of the first model over 2^24 rows: bytes of data a second.
#include "bench/fixture.h"
#include "bench/peer.h"

using namespace slope;
using namespace slope::bench;

namespace {

template <class T>
void run() {
  constexpr bool single = sizeof(T) == 4;
  constexpr std::int64_t rows = 1 << 24, steps = 2;
  Fixture fixture(line_model(steps, "0.05"), single ? Precision::f32 : Precision::f64, line_points(rows));
  fixture.compile();
  auto x = static_cast<const T*>(fixture.column(0)), y = static_cast<const T*>(fixture.column(1));
  T params[2];
  auto by_hand = [&](auto step) {
    T loss;
    params[0] = 0, params[1] = -1;
    for (std::int64_t k = 0; k < steps; ++k) step(x, y, rows, params, static_cast<T>(0.05), &loss);
  };
  auto preferred = [&](auto... a) { peer_preferred::line_step(a...); };
  auto wide = [&](auto... a) { peer_wide::line_step(a...); };
  std::string name = fmt::format("loss and gradients, 2^24 rows, {}", single ? "f32" : "f64");
  std::vector<double> found = fixture.train().params;
  by_hand(preferred);
  for (std::size_t i = 0; i < 2; ++i)
    require_close(found[i], static_cast<double>(params[i]), single ? 1e-2 : 1e-10, name);
  auto times = take_turns(
      15, {[&] { return fixture.train().train_seconds; }, [&] { return timed([&] { by_hand(preferred); }); },
           [&] { return timed([&] { by_hand(wide); }); }});
  double bytes = 2.0 * sizeof(T) * static_cast<double>(rows * steps);
  double slope = bytes / times[0], peer = bytes / std::min(times[1], times[2]);
  row(name, fmt::format("{:.1f} GB/s", slope / 1e9), fmt::format("{:.1f} GB/s", peer / 1e9),
      fmt::format("{:.2f}", slope / peer), verdict(slope / peer, ">=", 0.95));
}

}  // namespace

int main() {
  run<double>();
  run<float>();
}
