// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/loss_curve.h"

#include <catch2/catch.hpp>
#include <set>

using namespace slope;

namespace {

// The steps kept of a run from `first` to `last`, and how many were asked for.
struct Kept {
  std::set<std::int64_t> steps;
  std::int64_t calls = 0;
};
Kept kept(std::int64_t first, std::int64_t last) {
  LossCurve curve;
  Kept out;
  for (std::int64_t step = first; step < last; ++out.calls) {
    std::int64_t next = curve.add(step, 1.0 / static_cast<double>(step + 1));
    REQUIRE(next > step);
    step = next;
  }
  curve.add(last, 0);
  for (LossPoint p : curve.points()) {
    out.steps.insert(p.step);
    CHECK(p.loss == (p.step == last ? 0 : 1.0 / static_cast<double>(p.step + 1)));
  }
  CHECK(out.steps.size() == curve.points().size());
  return out;
}

}  // namespace

TEST_CASE("a short run has every step on its loss curve", "[loss_curve]") {
  Kept all = kept(0, 400);
  CHECK(all.steps.size() == 401);
  CHECK(kept(7, 1990).steps.size() == 1984);
}

TEST_CASE("a long run has few points, the early steps among them and no gap", "[loss_curve]") {
  for (std::int64_t last : {2'001LL, 5'000LL, 123'457LL, 4'000'000LL, 1'000'000'000'000LL}) {
    Kept some = kept(0, last);
    CAPTURE(last, some.steps.size(), some.calls);
    CHECK(some.steps.size() <= LossCurve::most);
    CHECK(some.steps.size() >= LossCurve::most / 2);
    CHECK(some.calls < 100'000);
    CHECK(*some.steps.rbegin() == last);
    for (std::int64_t step = 0; step <= 64; ++step) CHECK(some.steps.contains(step));
    for (auto at = some.steps.begin(); std::next(at) != some.steps.end(); ++at)
      CHECK(*std::next(at) - *at <= std::min(std::max<std::int64_t>(*at / 32, 1), last / 400 + 1));
  }
}

TEST_CASE("a run resumed far from its start", "[loss_curve]") {
  Kept some = kept(1'000'000'007, 1'000'100'000);
  CHECK(*some.steps.begin() == 1'000'000'007);
  CHECK(some.steps.size() >= LossCurve::most / 3);
  CHECK(some.steps.size() <= LossCurve::most);
}
