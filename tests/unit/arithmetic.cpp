// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Whatever arithmetic the caller's thread has been left in, results are those of IEEE 754 to the nearest, and
// the caller finds his own again.
#include <fmt/format.h>

#include <bit>
#include <catch2/catch.hpp>
#include <cfenv>

#include "base/arithmetic.h"
#include "tests/unit/compiled.h"
#include "tests/unit/training_run.h"

using namespace slope;

namespace {

// Denormals count as 0, as operands and as results; or another rounding.
class Altered {
 public:
  static constexpr unsigned flush = 0x8040, up = 0x4000, down = 0x2000, to_zero = 0x6000;

  explicit Altered(unsigned bits) : before_(_mm_getcsr()) {
    std::fegetenv(&environment_);
    if (bits == up) std::fesetround(FE_UPWARD);  // of the x87 too, as a library would
    _mm_setcsr((before_ & ~0x6000u) | bits);
  }
  ~Altered() {
    std::fesetenv(&environment_);
    _mm_setcsr(before_);
  }

 private:
  unsigned before_;
  std::fenv_t environment_;
};

unsigned control() { return _mm_getcsr() & ~0x3Fu; }

// f() as it is and in every altered arithmetic, which stays what it was.
template <class F>
void check_same(F f) {
  auto expected = f();
  for (unsigned altered :
       {Altered::flush, Altered::up, Altered::down, Altered::to_zero, Altered::flush | Altered::up}) {
    decltype(expected) found;
    unsigned before = 0, after = 0;
    {
      Altered arithmetic(altered);
      before = control();
      found = f();
      after = control();
    }
    INFO("MXCSR " << std::hex << altered);
    CHECK((found == expected));
    CHECK(after == before);
  }
}

// Of data that are denormal, or whose sums and quotients round.
Fused sums() {
  Graph g;
  NodeId x = g.data(0), w = g.param(0);
  NodeId product = g.apply<op::Mul>(x, g.broadcast(w)), root = g.apply<op::Exp>(product);
  std::vector<NodeId> roots{g.reduce(Reduction::sum, product), g.reduce(Reduction::sum, root),
                            g.apply<op::Div>(root, g.apply<op::Add>(root, g.constant(3)))};
  return fuse(g, roots);
}
Inputs<double> inputs() {
  Inputs<double> in;
  in.rows = 100;
  in.columns.resize(1);
  for (int i = 0; i < 100; ++i) in.columns[0].push_back(i % 3 ? 1e-310 * i : 0.1 * i);
  in.params = {0.7};
  return in;
}

std::vector<std::vector<std::uint64_t>> all_bits(const std::vector<std::vector<double>>& values) {
  std::vector<std::vector<std::uint64_t>> out;
  for (const auto& value : values) out.push_back(bits(value));
  return out;
}

}  // namespace

TEST_CASE("arithmetic: constants fold as ever") {
  check_same([] {
    std::vector<std::uint64_t> out;
    for (Precision precision : {Precision::f64, Precision::f32}) {
      Graph g(precision);
      NodeId a = g.constant(0.1), b = g.constant(3e-320), c = g.constant(1e-40);
      NodeId nodes[] = {a,
                        g.apply<op::Div>(a, g.constant(3)),
                        g.apply<op::Mul>(b, g.constant(5)),
                        g.apply<op::Mul>(c, g.constant(5)),
                        g.apply<op::Exp>(a),
                        g.apply<op::Sigmoid>(g.apply<op::Neg>(a)),
                        g.apply<op::Lgamma>(a)};
      for (NodeId node : nodes) out.push_back(std::bit_cast<std::uint64_t>(g[node].value));
    }
    return out;
  });
}

TEST_CASE("arithmetic: interpreter and compiled code compute as ever") {
  Fused fused = sums();
  const Inputs<double> in = inputs();
  check_same([&] { return all_bits(evaluate<double>(fused.graph, fused.roots, in)); });
  test::Compiled<double> code(fused);
  check_same([&] { return all_bits(code.run(in)); });
  CHECK((all_bits(code.run(in)) == all_bits(evaluate<double>(fused.graph, fused.roots, in))));
}

TEST_CASE("arithmetic: a model is read, prepared and trained as ever") {
  Folder folder;
  std::string data = "x,y\n";
  for (int i = 0; i < 50; ++i)
    data += fmt::format("{},{}\n", i % 2 ? 0.1 * i : 1e-310 * i, 0.3 * i + 0.01 * (i % 7));
  folder.write("p.csv", data);
  for (std::string training :
       {"train steps=20 rate=0.01", "train optimizer=adam steps=20", "train optimizer=newton",
        "train optimizer=lm", "train optimizer=exact", "train optimizer=lbfgs", "train rate=auto steps=20"}) {
    INFO(training);
    std::string model =
        "data x, y from \"p.csv\"\nparam w = 0.1, b = 1/3\npredict = w*x + b\n"
        "loss = mse(predict, y) + 1e-300*mean(x)\n" +
        training + "\n";
    check_same([&] {
      TrainingRun run(folder, model);
      return bits(run.train("out").params);
    });
  }
}
