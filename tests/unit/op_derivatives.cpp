// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Every op of the table, by the table: its partial derivatives against its value on 113-bit numbers, where
// differences have digits to spare; then the partials as graph, to the third order. A new op is tested here
// without a line of test.
#include <catch2/catch.hpp>
#include <limits>
#include <sstream>
#include <string>
#include <utility>

#include "graph/verify.h"
#include "tests/unit/known_losses.h"
#include "tests/unit/op_gradients.h"
#include "tests/unit/op_samples.h"

using namespace slope;
using namespace slope::test;

namespace {

bool is_real(OpId op, std::size_t k) {
  bool index = info(op).indexed && k == 0;
  return k < static_cast<std::size_t>(info(op).arity) && info(op).operands[k] == Type::real && !index;
}

// In hexadecimal, exactly.
std::string text(double x) {
  std::ostringstream out;
  out << std::hexfloat << x;
  return out.str();
}
std::string text(const Point<Quad>& x) {
  std::string out = "at";
  for (Quad q : x) out += " " + text(static_cast<double>(q));
  return out;
}

Point<Quad> moved(Point<Quad> x, std::size_t k, Quad h) {
  x[k] = x[k] + h;
  return x;
}

Quad power_of_two(int e) { return Quad::of(ldexpq(1, e)); }

// What is left of f at x ± 2^-e along operand k beyond its value and its partial's share: the larger of both.
Quad remainder(OpId op, const Point<Quad>& x, std::size_t k, int e) {
  Quad y = value_of<Quad>(op, x), partial = partials_of<Quad>(op, x)[k], largest = 0;
  for (double side : {1.0, -1.0}) {
    Quad h = side * power_of_two(-e);
    Quad rest = abs(value_of<Quad>(op, moved(x, k, h)) - y - h * partial);
    if (!(rest <= largest)) largest = rest;
  }
  return largest;
}

// The derivative of f at 0 by central differences, extrapolated from steps h and h/2 to an error of h⁴.
template <class F>
Quad difference(F f, Quad h) {
  auto central = [&](Quad step) { return (f(step) - f(-step)) / (2.0 * step); };
  return (4.0 * central(0.5 * h) - central(h)) / 3.0;
}

// The same with the best of steps from 2^-8 to 2^-56 of x's size, none so long that it could skip a period
// or land on whole numbers only. The error is what neighbours differ by and what f's own rounding makes of
// it; a step whose sides differ, at a kink, tells nothing.
struct Estimate {
  Quad value, error;
};
template <class F>
Estimate best_difference(F f, Quad x) {
  constexpr double none = std::numeric_limits<double>::quiet_NaN();
  Estimate best{none, none};
  Quad y = f(Quad(0)), last = none;
  for (int e = 8; e <= 56; e += 8) {
    Quad h = (x == 0 ? 1 : abs(x)) * power_of_two(-e), value = difference(f, h);
    bool kink = !(abs(f(h) + f(-h) - 2.0 * y) <= abs(f(h) - f(-h)) * 0.125);
    Quad error = abs(value - last) + abs(y) / h * power_of_two(-110);
    if (!kink && h < 0.125 && !(error >= best.error)) best = {value, error};
    last = kink ? none : value;
  }
  return best;
}

bool nearly_equal(double a, double b) {
  return same_number(a, b) || std::fabs(a - b) <= 1e-9 * std::max(1.0, std::fabs(b));
}

// Reports the first of an op's faults.
class Faults {
 public:
  void check(bool good, double found, Quad expected) {
    if (!good && count_++ == 0) CHECK(found == static_cast<double>(expected));
  }

 private:
  int count_ = 0;
};

// Each found[i] against expected(points[i]).
template <class Same, class Expected>
void compare(const std::string& what, const std::vector<double>& found,
             const std::vector<Point<double>>& points, Same same, Expected expected) {
  Faults faults;
  for (std::size_t i = 0; i < points.size(); ++i) {
    INFO(what << ' ' << text(exactly(points[i])));
    auto exact = static_cast<double>(expected(points[i]));
    faults.check(same(found[i], exact), found[i], exact);
  }
}

std::string name_of(OpId op, std::initializer_list<std::size_t> operands) {
  std::string out(info(op).name);
  for (std::size_t k : operands) out += ", operand " + std::to_string(k);
  return out;
}

}  // namespace

// |f(x + h) − f(x) − h·f'(x)| must fall as h² (or faster, or be nothing); a wrong partial leaves a term in h.
// From h = 2^-4 to 2^-20 in all, but for a few points beside a kink or the domain's end, and at every halving
// from 2^-15 on.
TEST_CASE("ops: the partials leave a Taylor remainder of second order", "[ops]") {
  constexpr int count = 200, coarse = 4, fine = 15, last = 20;
  for_every_op([](OpId op) {
    Samples samples(op);
    Faults faults;
    int fallen = 0, asked = 0;
    for (int i = 0; i < count; ++i) {
      Point<Quad> x = exactly(samples.in_domain());
      Quad nothing = (abs(value_of<Quad>(op, x)) + 1.0) * power_of_two(-104);
      for (std::size_t k = 0; k < 3; ++k) {
        if (!is_real(op, k)) continue;
        INFO(name_of(op, {k}) << ' ' << text(x));
        Quad rest = remainder(op, x, k, fine), before;
        for (int e = fine + 1; e <= last; ++e) {
          before = std::exchange(rest, remainder(op, x, k, e));
          faults.check(rest <= before * 0.27 || rest <= nothing, static_cast<double>(rest / before), 0.25);
        }
        ++asked;
        fallen +=
            rest <= remainder(op, x, k, coarse) * power_of_two(2 - 2 * (last - coarse)) || rest <= nothing;
      }
    }
    INFO(info(op).name << ": " << fallen << " of " << asked);
    CHECK(fallen * 10 >= asked * 9);
  });
}

// At any finite operands, wherever differences of some step agree with each other to 24 bits (or with 0).
TEST_CASE("ops: the partials are the differences of the value everywhere", "[ops]") {
  for_every_op([](OpId op) {
    if (info(op).result == Type::truth) return;
    Samples samples(op);
    Faults faults;
    int checked = 0, asked = 0;
    for (int i = 0; i < 900; ++i) {
      Point<Quad> x = exactly(i % 3 ? samples.anywhere<double>() : samples.in_domain());
      Point<Quad> partial = partials_of<Quad>(op, x);
      for (std::size_t k = 0; k < 3; ++k) {
        if (!is_real(op, k) || isinfq(x[0].v) || isinfq(x[1].v) || isinfq(x[2].v)) continue;
        ++asked;
        auto value = [&](Quad h) { return value_of<Quad>(op, moved(x, k, h)); };
        Estimate expected = best_difference(value, x[k]);
        Quad size = abs(expected.value), flat = abs(value(0) / x[k]) * power_of_two(-50);
        bool telling = size > 0 || flat > 0;  // 0 at every step may be a period that divides them all
        if (!telling || !(expected.error <= (size > flat ? size : flat) * power_of_two(-24))) continue;
        ++checked;
        INFO(name_of(op, {k}) << ' ' << text(x));
        bool same = abs(partial[k] - expected.value) <= size * power_of_two(-20) + 4.0 * expected.error;
        faults.check(same, static_cast<double>(partial[k]), expected.value);
      }
    }
    INFO(info(op).name << ": " << checked << " of " << asked);
    CHECK(checked * 3 >= asked);
  });
}

namespace {

// Right to 1000 epsilons; where the exact partial lies near or beyond the ends of the range, there too.
template <class T>
bool partial_holds(OpId op, T found, Quad exact) {
  if (isnanq(exact.v)) return std::isnan(found);
  Quad size = abs(exact), value = static_cast<double>(found);
  if (size < smallest_partial<T>) return abs(value) <= 2.0 * smallest_partial<T>;
  if (size > largest_partial<T>) return abs(value) >= 0.5 * largest_partial<T> && sign(value) == sign(exact);
  return partial_error(op, found, exact) <= 1000;
}

}  // namespace

TEMPLATE_TEST_CASE("ops: the partials lose nothing that the format holds", "[ops]", float, double) {
  using T = TestType;
  std::vector<int> needed(std::size(known_losses<T>));
  auto known = [&](OpId op, std::size_t k, const Point<T>& x) {
    const Loss<T>* loss = known_loss(op, k, x);
    return loss && ++needed[static_cast<std::size_t>(loss - known_losses<T>)] > 0;
  };
  for_every_op([&](OpId op) {
    OpGradients gradients(op, sizeof(T) == 8 ? Precision::f64 : Precision::f32);
    OpGradients::Ids first = gradients.gradient(gradients.value);
    Samples samples(op);
    std::vector<Point<T>> points;
    Faults faults;
    for (int i = 0; i < 10'000; ++i) points.push_back(samples.anywhere<T>());
    for (std::size_t k = 0; k < 3; ++k) {
      if (!is_real(op, k)) continue;
      std::vector<T> found = gradients.at(first[k], points);
      for (std::size_t i = 0; i < points.size(); ++i) {
        Quad exact = partials_of<Quad>(op, exactly(points[i]))[k];
        bool good = partial_holds(op, found[i], exact) || known(op, k, points[i]);
        INFO(name_of(op, {k}) << ' ' << text(exactly(points[i])));
        faults.check(good, static_cast<double>(found[i]), exact);
      }
    }
  });
  for (std::size_t i = 0; i < needed.size(); ++i) {
    INFO(info(known_losses<T>[i].op).name << ": " << known_losses<T>[i].reason);
    CHECK(needed[i] > 0);
  }
}

TEST_CASE("ops: the derivatives of erf and erfc keep their digits where x² has many", "[ops]") {
  std::vector<Point<double>> points;
  for (int i = 0; i < 2000; ++i) points.push_back({0.013 * i, 0, 0});
  for (OpId op : {id_of<op::Erf>(), id_of<op::Erfc>()}) {
    OpGradients gradients(op);
    std::vector<double> found = gradients.at(gradients.gradient(gradients.value)[0], points);
    double worst = 0;
    for (std::size_t i = 0; i < points.size(); ++i)
      worst = std::max(worst, partial_error(op, found[i], partials_of<Quad>(op, exactly(points[i]))[0]));
    CHECK(worst < 2);
  }
}

TEST_CASE("ops: second and third derivatives by graph are the differences of the partials", "[ops]") {
  for_every_op([](OpId op) {
    OpGradients gradients(op);
    OpGradients::Ids first = gradients.gradient(gradients.value);
    Samples samples(op);
    std::vector<Point<double>> points;
    for (int i = 0; i < 50; ++i) points.push_back(samples.in_domain());
    auto along = [](std::size_t k, auto f) {  // f's derivative by operand k, as a function
      return [=](const Point<Quad>& x) {
        return difference([&](Quad h) { return f(moved(x, k, h)); }, power_of_two(-14));
      };
    };
    auto check = [&](std::initializer_list<std::size_t> operands, NodeId id, auto expected) {
      compare(name_of(op, operands), gradients.at(id, points), points, nearly_equal,
              [&](const Point<double>& x) { return expected(exactly(x)); });
    };
    for (std::size_t k = 0; k < 3; ++k) {
      OpGradients::Ids second = gradients.gradient(first[k]);
      for (std::size_t j = 0; j < 3; ++j) {
        if (!is_real(op, k) || !is_real(op, j)) continue;
        auto partial = [=](const Point<Quad>& x) { return partials_of<Quad>(op, x)[k]; };
        check({k, j}, second[j], along(j, partial));
        OpGradients::Ids third = gradients.gradient(second[j]);
        for (std::size_t l = 0; l < 3; ++l)
          if (is_real(op, l)) check({k, j, l}, third[l], along(l, along(j, partial)));
      }
    }
    REQUIRE(verify(gradients.graph) == "");
  });
}

TEST_CASE("ops: the partial as graph equals the partial on numbers", "[ops]") {
  for_every_op([](OpId op) {
    OpGradients gradients(op);
    OpGradients::Ids first = gradients.gradient(gradients.value);
    std::vector<Point<double>> points;
    for_special_operands<double>(op, [&](const Point<double>& x) { points.push_back(x); });
    Samples samples(op);
    for (int i = 0; i < 1000; ++i) points.push_back(i % 2 ? samples.in_domain() : samples.anywhere<double>());
    for (std::size_t k = 0; k < static_cast<std::size_t>(info(op).arity); ++k)
      compare(name_of(op, {k}), gradients.at(first[k], points), points, same_number<double>,
              [&](const Point<double>& x) { return partials_of<double>(op, x)[k]; });
  });
}

TEST_CASE("ops: truth has no derivative", "[ops]") {
  for_every_op([](OpId op) {
    OpGradients gradients(op);
    OpGradients::Ids first = gradients.gradient(gradients.value);
    for (std::size_t k = 0; k < static_cast<std::size_t>(info(op).arity); ++k)
      if (info(op).result == Type::truth || info(op).operands[k] == Type::truth) {
        INFO("op " << info(op).name);
        CHECK_FALSE(first[k].valid());
        for_special_operands<double>(
            op, [&](const Point<double>& x) { CHECK(partials_of<double>(op, x)[k] == 0); });
      }
  });
}
