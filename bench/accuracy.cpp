// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The largest error of every op of the table, in f32 and f64, and of its derivatives, as the document
// docs/numbers.md:
//   bench_accuracy [--all] [OP]... > docs/numbers.md
// With --all an f32 op of one operand is tried at each of its 2^32 inputs. Machine code is what is measured.
// In f64 every value is held against 113 bits. In f32 our own f64 code is exact enough to tell which inputs
// matter; those that come near the record are measured with 113 bits, and so is every 4099th reference.
#include <cinttypes>
#include <map>
#include <set>

#include "bench/measure.h"
#include "graph/fuse.h"
#include "runtime/pipeline.h"
#include "tests/unit/known_losses.h"
#include "tests/unit/op_gradients.h"
#include "tests/unit/op_samples.h"

using namespace slope;
using namespace slope::bench;
using namespace slope::test;

namespace {

constexpr std::int64_t batch_rows = 1 << 14;
constexpr std::int64_t samples = 1 << 19;
constexpr std::uint64_t reference_checks = 4099;

// A batch of operand tuples, one column an operand.
template <class T>
struct Batch {
  std::array<Column, 3> columns;

  Batch() {
    for (Column& column : columns)
      column = Column("x", sizeof(T) == 8 ? Storage::f64 : Storage::f32, batch_rows);
  }
  T* operand(std::size_t k) { return static_cast<T*>(columns[k].data()); }
  Point<T> operator[](std::int64_t i) { return {operand(0)[i], operand(1)[i], operand(2)[i]}; }
};

// Machine code in T's precision of an op, or of a value of its graph, reading operands of type In.
template <class T, class In>
class Machine {
 public:
  explicit Machine(OpId op)
      : Machine(OpGradients(op, sizeof(T) == 8 ? Precision::f64 : Precision::f32),
                [](OpGradients& g) { return g.value; }) {}
  template <class F>
  Machine(OpGradients of_op, F value)
      : of_op_(std::move(of_op)),
        root_(value(of_op_)),
        fused_(fuse(of_op_.graph, std::span(&root_, 1))),
        kernel_(prediction_kernel(fused_)),
        out_("y", sizeof(T) == 8 ? Storage::f64 : Storage::f32, batch_rows),
        scratch_(scratch_size(kernel_, batch_rows)) {
    CompileOptions options;
    options.storages.resize(3, sizeof(In) == 8 ? Storage::f64 : Storage::f32);
    Diagnostics diagnostics;
    program_ = Program::compile(std::span(&kernel_, 1), options, diagnostics);
    if (!program_) fail("cannot compile");
  }

  const T* operator()(Batch<In>& batch) {
    const void* columns[] = {batch.operand(0), batch.operand(1), batch.operand(2)};
    void* row_outputs[] = {out_.data()};
    T none[1] = {};
    Run run{columns, none, none, none, row_outputs, scratch_.data(), batch_rows};
    program_->function(kernel_.name)(&run);
    return static_cast<const T*>(out_.data());
  }

 private:
  OpGradients of_op_;
  NodeId root_;
  Fused fused_;
  Kernel kernel_;
  Column out_;
  std::vector<T> scratch_;
  std::optional<Program> program_;
};

template <class T>
struct Record {
  double error = 0;
  Point<T> at{};
  bool within = true;  // what the op promises, everywhere

  void measure(OpId op, T value, const Point<T>& x) {
    Quad exact = value_of<Quad>(op, exactly(x));
    double found = ulps(value, exact);
    within &= accurate(op, value, exact);
    if (found > error) error = found, at = x;
  }
};

// |value − reference| in units of the last place of a float at `reference`, cheaply; NaN where the two are
// not numbers of one kind.
double estimate(float value, double reference) {
  constexpr double above = 0x1p128;
  double found = value, size = std::fabs(reference);
  if (found == reference || (value != value && reference != reference)) return 0;
  if (std::isinf(value)) {
    if (size >= above && (value > 0) == (reference > 0)) return 0;
    found = std::copysign(above, found);
  }
  std::uint64_t exponent =
      std::clamp<std::uint64_t>(std::bit_cast<std::uint64_t>(size) >> 52, 1023 - 126, 1023 + 127);
  double units_in_one = std::bit_cast<double>((2046 + 23 - exponent) << 52);
  return std::fabs(found - reference) * units_in_one;
}

// One op in f32. The reference is off by what the op promises in f64: a sliver of a float's last place.
class Single {
 public:
  explicit Single(OpId op) : op_(op), code_(op), reference_(op) {}

  void take(Batch<float>& batch) {
    const float* found = code_(batch);
    const double* expected = reference_(batch);
    double doubt = 1e-3, absolute = info(op_).accuracy.epsilons * std::numeric_limits<double>::epsilon();
    for (std::int64_t i = 0; i < batch_rows; ++i, ++count_) {
      if (count_ % reference_checks == 0) check(expected[i], batch[i]);
      bool rounded = std::bit_cast<std::uint32_t>(static_cast<float>(expected[i])) ==
                     std::bit_cast<std::uint32_t>(found[i]);
      if (rounded && record_.error > 0.501) continue;
      double error = estimate(found[i], expected[i]);
      bool other_zero = expected[i] == 0 && std::signbit(found[i]) != std::signbit(expected[i]);
      if (absolute > 0) doubt = 1e-3 + absolute * 0x1p24 / std::max(std::fabs(expected[i]), 0x1p-126);
      bool small = error <= 0x1p-20 || error + doubt <= record_.error;
      if (!small || other_zero) record_.measure(op_, found[i], batch[i]);
    }
  }
  const Record<float>& record() const { return record_; }

 private:
  void check(double reference, const Point<float>& x) {
    Quad exact = value_of<Quad>(op_, exactly(x));
    if (!accurate(op_, reference, exact))
      fail(fmt::format("{} in f64 at {:a} {:a} {:a} is not what it promises", info(op_).name, x[0], x[1],
                       x[2]));
  }

  OpId op_;
  Machine<float, float> code_;
  Machine<double, float> reference_;
  Record<float> record_;
  std::uint64_t count_ = 0;
};

// Operands of one op, a batch at a time: of a single one first the dense table.
template <class T>
class Random {
 public:
  explicit Random(OpId op) : samples_(op) {
    if (info(op).arity == 1 && info(op).operands[0] == Type::real) first_ = dense_values<T>();
  }
  void fill(Batch<T>& batch) {
    for (std::int64_t i = 0; i < batch_rows; ++i) {
      Point<T> x = next();
      for (std::size_t k = 0; k < 3; ++k) batch.operand(k)[i] = x[k];
    }
  }

 private:
  Point<T> next() {
    if (std::size_t i = count_++; i < first_.size()) return {first_[i], 0, 0};
    if (count_ % 4) return samples_.anywhere<T>();
    Point<double> x = samples_.in_domain();
    return {static_cast<T>(x[0]), static_cast<T>(x[1]), static_cast<T>(x[2])};
  }
  Samples samples_;
  std::vector<T> first_;
  std::size_t count_ = 0;
};

Record<double> measure_wide(OpId op) {
  Machine<double, double> code(op);
  Batch<double> batch;
  Random<double> random(op);
  Record<double> record;
  for (std::int64_t done = 0; done < samples; done += batch_rows) {
    random.fill(batch);
    const double* found = code(batch);
    for (std::int64_t i = 0; i < batch_rows; ++i) record.measure(op, found[i], batch[i]);
  }
  return record;
}

Record<float> measure_single(OpId op, bool all) {
  Single single(op);
  Batch<float> batch;
  Random<float> random(op);
  for (std::int64_t done = 0; done < (all ? std::int64_t(1) << 32 : samples); done += batch_rows) {
    if (!all) random.fill(batch);
    // The batches in shuffled order: errors that grow from input to input would be measured one by one.
    std::int64_t first = done / batch_rows * 0x9e3779b1 % ((std::int64_t(1) << 32) / batch_rows) * batch_rows;
    for (std::int64_t i = 0; all && i < batch_rows; ++i)
      batch.operand(0)[i] = std::bit_cast<float>(static_cast<std::uint32_t>(first + i));
    single.take(batch);
  }
  return single.record();
}

// The partial by operand k in f64: its largest error, in epsilons, away from the known losses and in each.
struct PartialRecord {
  double error = 0;
  Point<double> at{};
  void take(double found, const Point<double>& x) {
    if (found > error) error = found, at = x;
  }
};
struct PartialRecords {
  PartialRecord usual;
  std::map<const Loss<double>*, PartialRecord> lossy;
};
PartialRecords measure_partial(OpId op, std::size_t k) {
  Machine<double, double> code(OpGradients(op), [&](OpGradients& g) { return g.gradient(g.value)[k]; });
  Batch<double> batch;
  Random<double> random(op);
  PartialRecords records;
  for (std::int64_t done = 0; done < samples; done += batch_rows) {
    random.fill(batch);
    const double* found = code(batch);
    for (std::int64_t i = 0; i < batch_rows; ++i) {
      Point<double> x = batch[i];
      Quad exact = partials_of<Quad>(op, exactly(x))[k], size = abs(exact);
      if (!(size >= smallest_partial<double> && size <= largest_partial<double>)) continue;
      const Loss<double>* loss = known_loss(op, k, x);
      (loss ? records.lossy[loss] : records.usual).take(partial_error(op, found[i], exact), x);
    }
  }
  return records;
}

std::string bound(OpId op) {
  const Accuracy& a = info(op).accuracy;
  return a.epsilons > 0 ? fmt::format("{:g} or {:g} ε", a.ulps, a.epsilons) : fmt::format("{:g}", a.ulps);
}

template <class R>
std::string place(OpId op, const R& record) {
  std::string text;
  for (std::size_t k = 0; record.error > 0 && k < static_cast<std::size_t>(info(op).arity); ++k)
    text += fmt::format("{}{:a}", k ? ", " : "", record.at[k]);
  return text;
}

constexpr const char* introduction = R"(<!-- SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception -->
# How exact the functions are

The largest error found of every op of [graph/ops.h](../graph/ops.h), in units of the last place that the exact value has in
the precision (below the normal range: of the denormals'). 0.5 is what rounding alone costs. The values are those of machine
code, which has the same bits on every machine, so this table does not depend on one. The exact values come from 113-bit
arithmetic and libquadmath ([tests/unit/quad.h](../tests/unit/quad.h)).

- **f32**, **f64**: the largest error in either precision, and the operands where it is, in C's hexadecimal notation.
- **inputs**: how many were tried in f32: all 2^32 floats, or 2^19 samples. In f64 it is 2^19 samples always: operands of
  every exponent, in the usual ranges, at the edges (zeros, infinities, NaN, denormals, whole numbers, powers of two and
  their neighbours), near each other.
- **promised**: the bound that the op's struct states and the unit tests hold. *n ε* means: or an absolute error of so many
  epsilons of the precision, for a function that passes through zero where no format can follow.

Made by `./dev build release -DSLOPE_BENCH=ON && build/bench_accuracy --all > docs/numbers.md`, in half an hour; without `--all`
in half a minute, from 2^19 floats for every op.

| op | f32 | inputs | at | f64 | at | promised |
| --- | --- | --- | --- | --- | --- | --- |
)";

constexpr const char* on_derivatives = R"(
## Derivatives

The largest relative error of every partial derivative, in epsilons (2^-52): machine code in f64 at 2^19 samples as above,
against the same formula in 113 bits. For an op whose promise is also absolute, and whose derivative has zeros, the error is
relative to numbers above 1 only. Derivatives below 2^-970 or above 2^972 are left out: parts of their formulas leave the range.
Two numbers stand out: tanh's 1 − y² cancels more and more up to |x| = 4 (e^(2|x|)/8 epsilons; beyond, see below), and in
pow's p·x^(p−1) the rounding of p − 1 shows, by up to |log x| epsilons.

| op | by operand | error | at |
| --- | --- | --- | --- |
)";

bool is_real(const OpInfo& o, std::size_t k) {
  return o.result == Type::real && o.operands[k] == Type::real && !(o.indexed && k == 0);
}

bool is_number(const Graph& graph, NodeId id) {
  return graph.is_constant(graph[id].kind == NodeKind::broadcast ? graph[id].operands[0] : id);
}

// All partials but those that are numbers, and the losses below.
void print_derivatives(const std::set<std::string_view>& names) {
  fmt::print("{}", on_derivatives);
  std::string losses, exact;
  for_every_op([&](OpId op) {
    const OpInfo& o = info(op);
    if (!names.empty() && !names.contains(o.name)) return;
    for (std::size_t k = 0; k < static_cast<std::size_t>(o.arity); ++k) {
      OpGradients gradients(op);
      NodeId id = is_real(o, k) ? gradients.gradient(gradients.value)[k] : NodeId();
      if (!id.valid() || is_number(gradients.graph, id)) continue;
      PartialRecords records = measure_partial(op, k);
      if (records.usual.error == 0)
        exact += fmt::format("{}{} by {}", exact.empty() ? "" : ", ", o.name, k + 1);
      else
        fmt::print("| {} | {} | {:.4g} | {} |\n", o.name, k + 1, records.usual.error,
                   place(op, records.usual));
      for (const auto& [loss, record] : records.lossy)
        losses += fmt::format("- {} by operand {}, where {}: an error of {:.4g} at {}. Why: {}.\n", o.name,
                              k + 1, loss->region, record.error, place(op, record), loss->reason);
      std::fflush(stdout);
    }
  });
  if (!exact.empty())
    fmt::print("\nWithout any error: {}. Derivatives that are numbers are not listed.\n", exact);
  if (!losses.empty()) fmt::print("\nNot in the table, known losses:\n\n{}", losses);
}

}  // namespace

int main(int argc, char** argv) {
  std::set<std::string_view> names(argv + 1, argv + argc);
  bool all = names.erase("--all") > 0;
  const std::set<std::string_view> asked = names;
  bool some = !names.empty(), kept = true;
  std::string exact;
  fmt::print("{}", introduction);
  for_every_op([&](OpId op) {
    const OpInfo& o = info(op);
    if (some && !names.erase(o.name)) return;
    bool every_input = all && o.arity == 1 && o.operands[0] == Type::real;
    Record<float> single = measure_single(op, every_input);
    Record<double> wide = measure_wide(op);
    kept &= single.within && wide.within;
    if (single.error == 0 && wide.error == 0) {
      exact += fmt::format("{}{}", exact.empty() ? "" : ", ", o.name);
      return;
    }
    fmt::print("| {} | {:.4f} | {} | {} | {:.4f} | {} | {}{} |\n", o.name, single.error,
               every_input ? "2^32" : "2^19", place(op, single), wide.error, place(op, wide), bound(op),
               single.within && wide.within ? "" : " (missed)");
    std::fflush(stdout);
  });
  if (!exact.empty()) fmt::print("\nWithout any error: {}.\n", exact);
  print_derivatives(asked);
  for (std::string_view name : names) fail(fmt::format("no op is named {}", name));
  return kept ? 0 : 1;
}
