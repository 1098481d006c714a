// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Which rows a step of a train statement takes, in which order, and where they lie in memory.
#pragma once
#include <cstdint>
#include <vector>

#include "runtime/pipeline.h"

namespace slope {

// The numbers 0 … rows − 1 in an order that depends on the key and the number of the pass alone: the swaps of
// Fisher and Yates (Knuth's algorithm P), the i-th with the i-th number of 64 bits of Philox under that key.
std::vector<std::int64_t> shuffled(std::int64_t rows, std::uint64_t key, std::uint64_t pass);
// The key of random numbers for one purpose.
std::uint64_t key_of(std::int64_t seed, std::string_view purpose, std::uint64_t number = 0);

// What the statements leave to the data: the steps of a pass, and with it their number where epochs are
// given. Diagnostics: a batch larger than the rows, no rows to take batches of, more steps than are counted;
// a loss that sums over the rows of a batch is warned of.
bool settle_trainings(Model& model, std::int64_t rows, Diagnostics& diagnostics);

// The degree in which a value grows with the number of rows: 1 for a sum over them, 0 for a mean.
double growth_with_rows(const Graph& graph, NodeId value);

// The batches of one train statement, of a number that tells it from others of the same seed.
class Batches {
 public:
  Batches(const Dataset& data, const Training& training, std::size_t statement);
  // Points the run at the rows of a step of the statement. Valid until the next call.
  void take(std::int64_t step, Run& run);
  // How many those are.
  std::int64_t rows(std::int64_t step) const;
  std::int64_t most_rows() const { return size_; }

 private:
  const Dataset& data_;
  std::int64_t size_, steps_;  // rows of a batch, batches of a pass
  bool shuffle_;
  std::uint64_t key_;
  std::int64_t pass_ = -1;             // whose order is in order_
  std::vector<std::int64_t> order_;    // of the rows; without shuffling as they stand
  std::vector<std::int64_t> numbers_;  // of the rows of the batch, in the data
  struct Lane {                        // a column that is read
    std::size_t column;
    std::int64_t stride = 0;  // bytes from batch to batch where its rows can stay where they are
    Column buffer;            // else they are copied here
  };
  std::vector<Lane> lanes_;
  std::vector<const void*> pointers_;
};

}  // namespace slope
