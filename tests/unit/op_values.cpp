// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Every op of the table, by the table: its value in float and double against its value on 113-bit numbers. A
// new op is tested here without a line of test.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <iomanip>
#include <sstream>
#include <string>

#include "tests/unit/op_samples.h"

using namespace slope;
using namespace slope::test;

namespace {

template <class T>
class Worst {
 public:
  explicit Worst(OpId op) : op_(op) {}

  void take(const Point<T>& x) {
    T value = value_of<T>(op_, x);
    Quad exact = value_of<Quad>(op_, exactly(x));
    double error = ulps(value, exact);
    bool good = accurate(op_, value, exact);
    faults_ += !good;
    if ((good_ && !good) || (good_ == good && error > error_)) good_ = good, error_ = error, at_ = x;
  }

  void report() const {
    std::ostringstream text;
    text << info(op_).name << (sizeof(T) == 8 ? " in f64: " : " in f32: ") << error_ << " ulp at";
    for (int k = 0; k < info(op_).arity; ++k)
      text << ' ' << std::hexfloat << static_cast<double>(at_[static_cast<std::size_t>(k)]);
    text << ", where it is " << static_cast<double>(value_of<T>(op_, at_)) << " and should be "
         << static_cast<double>(value_of<Quad>(op_, exactly(at_)));
    if (std::getenv("SLOPE_SHOW_ULPS")) WARN(text.str());
    INFO(text.str());
    CHECK(faults_ == 0);
  }

 private:
  OpId op_;
  double error_ = 0;
  bool good_ = true;
  int faults_ = 0;
  Point<T> at_{};
};

}  // namespace

TEMPLATE_TEST_CASE("ops: the value is as near to the exact one as the op says", "[ops]", float, double) {
  using T = TestType;
  for_every_op([](OpId op) {
    Worst<T> worst(op);
    for_special_operands<T>(op, [&](const Point<T>& x) { worst.take(x); });
    if (info(op).arity == 1 && info(op).operands[0] == Type::real) {
      for (T x : dense_values<T>()) worst.take({x, 0, 0});
    } else {
      Samples samples(op);
      for (int i = 0; i < 60'000; ++i) worst.take(samples.anywhere<T>());
    }
    worst.report();
  });
}

TEST_CASE("ops: commutative ops commute to the bit, the others do not", "[ops]") {
  for_every_op([](OpId op) {
    INFO("op " << std::string(info(op).name));
    if (info(op).arity != 2) {
      CHECK_FALSE(info(op).commutative);
      return;
    }
    bool commutes = true;
    auto compare = [&]<class T>(const Point<T>& x) {
      commutes &= same_bits(value_of<T>(op, x), value_of<T>(op, {x[1], x[0], 0}));
    };
    for_special_operands<double>(op, [&](const Point<double>& x) { compare(x); });
    for_special_operands<float>(op, [&](const Point<float>& x) { compare(x); });
    CHECK(commutes == info(op).commutative);
  });
}
