// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/batches.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/hash.h"
#include "base/text.h"
#include "graph/philox.h"

namespace slope {

__extension__ typedef unsigned __int128 Wide;

std::uint64_t key_of(std::int64_t seed, std::string_view purpose, std::uint64_t number) {
  Hash key;
  key.add(static_cast<std::uint64_t>(seed));
  key.add(purpose);
  key.add(number);
  return key.value();
}

std::vector<std::int64_t> shuffled(std::int64_t rows, std::uint64_t key, std::uint64_t pass) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(rows));
  std::iota(order.begin(), order.end(), 0);
  auto low = [](std::uint64_t x) { return static_cast<std::uint32_t>(x); };
  auto high = [](std::uint64_t x) { return static_cast<std::uint32_t>(x >> 32); };
  PhiloxBlock bits{};
  for (std::uint64_t i = 0; i + 1 < order.size(); ++i) {
    if (i % 2 == 0) bits = philox({low(i / 2), high(i / 2), low(pass), high(pass)}, {low(key), high(key)});
    std::uint64_t number = std::uint64_t{bits[1 + 2 * (i % 2)]} << 32 | bits[2 * (i % 2)];
    // In [0, left): the part of it that the number is of 2^64, a bias below left/2^64.
    std::uint64_t left = order.size() - i;
    auto offset = static_cast<std::uint64_t>((static_cast<Wide>(number) * left) >> 64);
    std::swap(order[i], order[i + offset]);
  }
  return order;
}

// --- what the data decide ---
namespace {

constexpr std::int64_t most_steps = std::int64_t{1} << 53;

bool settle(Training& training, std::int64_t rows, Diagnostics& diagnostics) {
  training.epoch_steps = 1;
  if (training.batch && rows == 0) {
    diagnostics.error(Code::bad_option_value, training.span, "`batch` needs data, this model has none")
        .helps.push_back("without `batch` every step takes all rows");
    return false;
  }
  // Few rows are no fault: a script may be tried on them.
  if (training.batch && *training.batch > rows) {
    diagnostics.note(
        Code::bad_option_value, training.span,
        fmt::format("`batch` is {}, of {} rows: each step takes all of them", *training.batch, rows));
    training.batch = rows;
  }
  if (training.batch) training.epoch_steps = (rows + *training.batch - 1) / *training.batch;
  if (!training.epochs) return true;
  if (*training.epochs > most_steps / training.epoch_steps) {
    diagnostics.error(Code::bad_option_value, training.span,
                      fmt::format("{} epochs of {} steps are more than {} steps", *training.epochs,
                                  training.epoch_steps, most_steps));
    return false;
  }
  training.steps = *training.epochs * training.epoch_steps;
  return true;
}

// The degree of one node in the number of rows, from its operands'. What is neither a sum nor a product is
// taken to grow as its operands do, or not at all where it is bounded or a logarithm.
double growth_of(const Graph& graph, NodeId id, const std::vector<double>& of) {
  const Node& node = graph[id];
  double a = node.arity() > 0 ? of[node.operands[0].index()] : 0, most = a;
  for (NodeId input : node.inputs()) most = std::max(most, of[input.index()]);
  bool over_rows = graph.sums_rows(id);
  switch (node.kind) {
    case NodeKind::row_count: return 1;
    case NodeKind::reduce: return a + (over_rows && node.reduction == Reduction::sum);
    case NodeKind::contract: return a + of[node.operands[1].index()] + over_rows;
    case NodeKind::scatter_add: return a + over_rows;
    case NodeKind::arg_reduce: return 0;
    case NodeKind::scalar:
      if (node.op == id_of<op::Mul>()) return a + of[node.operands[1].index()];
      if (node.op == id_of<op::Div>()) return a - of[node.operands[1].index()];
      if (node.op == id_of<op::Sqrt>()) return a / 2;
      if (node.op == id_of<op::Pow>() && graph.is_constant(node.operands[1]))
        return a * graph[node.operands[1]].value;
      for (OpId slow : {id_of<op::Log>(), id_of<op::Tanh>(), id_of<op::Erf>(), id_of<op::Sigmoid>()})
        if (node.op == slow) return 0;
      if (node.type == Type::truth) return 0;
      return most;
    default: return most;
  }
}

void warn_of_sum(const Model& model, Diagnostics& diagnostics) {
  auto batched = std::find_if(model.trainings.begin(), model.trainings.end(),
                              [](const Training& t) { return t.batches(); });
  if (batched == model.trainings.end() || !(growth_with_rows(model.graph, model.loss) > 0)) return;
  auto origins = model.graph.origins(model.loss);
  Diagnostic& d = diagnostics.warning(
      Code::sum_of_batch, origins.empty() ? batched->span : origins[0],
      fmt::format("the loss sums over rows, and a step takes {} of them at a time", *batched->batch));
  d.notes.push_back(
      "nothing is rescaled: the sum of a batch is smaller than that of all rows, the last, short "
      "batch's smaller still");
  d.helps.push_back("`mean(…)` is the same for batches of any size");
}

// A reduction over rows that goes into every row again, as the mean of batch_norm does.
NodeId spread_reduction(const Graph& graph, NodeId loss) {
  std::vector<bool> needed = live(graph, std::span(&loss, 1));
  std::vector<NodeId> reduction(needed.size());  // the first that a value without rows is made of
  for (std::size_t i = 0; i < needed.size(); ++i) {
    NodeId id(static_cast<std::int64_t>(i));
    if (!needed[i]) continue;
    for (NodeId input : graph[id].inputs()) {
      if (!reduction[input.index()].valid()) continue;
      if (graph.has_rows(id)) return reduction[input.index()];
      reduction[i] = reduction[input.index()];
    }
    if (graph.sums_rows(id)) reduction[i] = id;
  }
  return {};
}

// The next larger one whose last batch has more than one row.
std::int64_t better_batch(std::int64_t batch, std::int64_t rows) {
  std::int64_t better = batch + 1;
  while (better < rows && rows % better == 1) ++better;
  return std::min(better, rows);
}

// What a mean or a variance over one row is, is no estimate of anything.
void warn_of_single_rows(const Model& model, std::int64_t rows, Diagnostics& diagnostics) {
  NodeId reduction = spread_reduction(model.graph, model.loss);
  if (!reduction.valid()) return;
  for (const Training& training : model.trainings) {
    if (!training.batches()) continue;
    std::int64_t last = rows % *training.batch;
    bool single = *training.batch == 1 || last == 1;
    if (last == 0 && !single) continue;
    auto origins = model.graph.origins(reduction);
    Span place = origins.empty() ? training.span : origins[0];
    std::string batches = fmt::format("batches of {} of {} rows", *training.batch, rows);
    if (!single) {
      diagnostics.note(
          Code::batch_of_one, place,
          fmt::format("a reduction over rows sees {} rows in the last batch: {}", last, batches));
      continue;
    }
    Diagnostic& d =
        diagnostics.warning(Code::batch_of_one, place,
                            fmt::format("a reduction over rows sees a single row in {}: {}",
                                        *training.batch == 1 ? "every batch" : "the last batch", batches));
    d.notes.push_back("of one row the mean is the row itself and the variance 0");
    d.helps.push_back(fmt::format("take another batch: batch={} leaves {}",
                                  better_batch(*training.batch, rows),
                                  rows % better_batch(*training.batch, rows) == 0
                                      ? "no rest"
                                      : fmt::format("{}", rows % better_batch(*training.batch, rows))));
  }
}

}  // namespace

double growth_with_rows(const Graph& graph, NodeId value) {
  std::vector<bool> needed = live(graph, std::span(&value, 1));
  std::vector<double> of(needed.size());
  for (std::size_t i = 0; i < needed.size(); ++i)
    if (needed[i]) of[i] = growth_of(graph, NodeId(static_cast<std::int64_t>(i)), of);
  return of[value.index()];
}

bool settle_trainings(Model& model, std::int64_t rows, Diagnostics& diagnostics) {
  bool fine = true;
  for (Training& training : model.trainings) fine &= settle(training, rows, diagnostics);
  if (fine) warn_of_sum(model, diagnostics);
  if (fine) warn_of_single_rows(model, rows, diagnostics);
  return fine;
}

// --- the batches ---
namespace {
constexpr std::size_t read_beyond = 64;  // Run::row_numbers
}

Batches::Batches(const Dataset& data, const Training& training, std::size_t statement)
    : data_(data),
      size_(training.batch.value_or(data.rows)),
      steps_(training.epoch_steps),
      shuffle_(training.shuffle),
      key_(key_of(training.seed, "shuffle", statement)),
      numbers_(static_cast<std::size_t>(size_) + read_beyond),
      pointers_(data.pointers) {
  if (!shuffle_) {
    order_.resize(static_cast<std::size_t>(data.rows) + read_beyond);
    std::iota(order_.begin(), order_.end(), 0);
  }
  for (std::size_t i = 0; i < data.columns.size(); ++i) {
    const Column& column = data.columns[i];
    if (column.rows() == 0) continue;
    Lane lane{i, 0, {}};
    auto bytes = size_ * column.elements() * static_cast<std::int64_t>(size_of(column.storage()));
    if (!shuffle_ && bytes % 64 == 0) lane.stride = bytes;
    else lane.buffer = Column(column.name(), column.storage(), size_, column.elements());
    if (lane.stride == 0) pointers_[i] = lane.buffer.data();
    lanes_.push_back(std::move(lane));
  }
}

std::int64_t Batches::rows(std::int64_t step) const {
  return std::min(size_, data_.rows - step % steps_ * size_);
}

void Batches::take(std::int64_t step, Run& run) {
  std::int64_t pass = step / steps_, batch = step % steps_;
  if (shuffle_ && pass != pass_) {
    order_ = shuffled(data_.rows, key_, static_cast<std::uint64_t>(pass));
    order_.resize(order_.size() + read_beyond);
    pass_ = pass;
  }
  run.rows = rows(step);
  std::span<const std::int64_t> rows(order_.data() + batch * size_, static_cast<std::size_t>(run.rows));
  for (Lane& lane : lanes_) {
    const Column& column = data_.columns[lane.column];
    if (lane.stride > 0)
      pointers_[lane.column] = static_cast<const char*>(column.data()) + batch * lane.stride;
    else gather(column, rows, lane.buffer);
  }
  run.columns = pointers_.data();
  run.row_numbers = rows.data();
  if (data_.row_numbers.empty()) return;
  for (std::size_t i = 0; i < rows.size(); ++i)
    numbers_[i] = data_.row_numbers[static_cast<std::size_t>(rows[i])];
  run.row_numbers = numbers_.data();
}

}  // namespace slope
