// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Runs a fused graph's roots through the code generator, with the interpreter's inputs.
#pragma once
#include <cstdlib>
#include <memory>
#include <vector>

#include "codegen/interpret.h"
#include "codegen/program.h"
#include "graph/evaluate.h"
#include "graph/fuse.h"

namespace slope::test {

// 64-byte aligned, room for whole vectors of 64.
template <class T>
class Aligned {
 public:
  explicit Aligned(std::size_t n)
      : data_(static_cast<T*>(std::aligned_alloc(64, (n / 64 + 1) * 64 * sizeof(T)))) {
    for (std::size_t i = 0; i < (n / 64 + 1) * 64; ++i) data_.get()[i] = T(0);
  }
  T* get() { return data_.get(); }

 private:
  struct Free {
    void operator()(T* p) const { std::free(p); }
  };
  std::unique_ptr<T, Free> data_;
};

template <class T>
class Compiled {
 public:
  Compiled(const Fused& fused, const std::string& cpu = "native", std::vector<Storage> storages = {},
           std::size_t paged_above = optimized_operations, std::vector<std::int64_t> param_offsets = {},
           std::vector<std::int64_t> state_offsets = {}) {
    kernel_.name = "kernel";
    kernel_.graph = &fused.graph;
    for (std::size_t i = 0; i < fused.roots.size(); ++i) {
      bool rows = fused.graph.has_rows(fused.roots[i]);
      counts_.push_back(static_cast<std::size_t>(elements(fused.graph.shape(fused.roots[i]))));
      kernel_.stores.push_back({fused.roots[i], rows ? Store::To::row_output : Store::To::output,
                                static_cast<int>(rows ? i : numbers_)});
      if (!rows) numbers_ += counts_.back();
    }
    options_.param_offsets = std::move(param_offsets);
    options_.state_offsets = std::move(state_offsets);
    options_.storages = std::move(storages);
    options_.storages.resize(16, sizeof(T) == 8 ? Storage::f64 : Storage::f32);
    options_.cpu = cpu;
    options_.paged_above = paged_above;
    Diagnostics diagnostics;
    program_ = Program::compile(std::span(&kernel_, 1), options_, diagnostics);
  }

  // From here on as where the system lets no generated code run (codegen/interpret.h).
  void interpret() { interpreted_ = true; }

  std::vector<std::vector<T>> run(const Inputs<T>& in) {
    std::vector<Aligned<T>> columns;
    std::vector<const void*> pointers;
    for (const auto& column : in.columns) {
      columns.emplace_back(column.size() + 64);
      std::copy(column.begin(), column.end(), columns.back().get());
      pointers.push_back(columns.back().get());
    }
    return run(in, pointers);
  }

  // With columns in other storages.
  std::vector<std::vector<T>> run(const Inputs<T>& in, const std::vector<const void*>& column_pointers) {
    auto rows = static_cast<std::size_t>(in.rows);
    std::vector<Aligned<T>> outputs;
    std::vector<void*> output_pointers;
    for (std::size_t i = 0; i < kernel_.stores.size(); ++i) {
      outputs.emplace_back(rows * counts_[i]);
      output_pointers.push_back(outputs.back().get());
    }
    std::vector<T> params = in.params, numbers(numbers_), scratch(scratch_size(kernel_, in.rows));
    params.resize(params.size() + 64);
    std::vector<T> states = in.states;
    states.resize(states.size() + 64);
    std::vector<std::int64_t> row_numbers = in.row_numbers;
    row_numbers.resize(row_numbers.size() + 64);
    Run run{column_pointers.data(),
            params.data(),
            in.arguments.data(),
            numbers.data(),
            output_pointers.data(),
            scratch.data(),
            in.rows,
            states.data(),
            in.seed,
            in.step,
            in.row_numbers.empty() ? nullptr : row_numbers.data()};
    if (interpreted_) slope::interpret(kernel_, options_, run);
    else program_->function("kernel")(&run);
    std::vector<std::vector<T>> result;
    for (std::size_t i = 0; i < kernel_.stores.size(); ++i) {
      const T* from = kernel_.stores[i].to == Store::To::output ? numbers.data() + kernel_.stores[i].index
                                                                : outputs[i].get();
      result.emplace_back(from, from + (from == outputs[i].get() ? rows : 1) * counts_[i]);
    }
    return result;
  }

 private:
  Kernel kernel_;
  CompileOptions options_;
  bool interpreted_ = false;
  std::vector<std::size_t> counts_;  // elements of each root, in a row
  std::size_t numbers_ = 0;          // of the roots without rows together
  std::optional<Program> program_;
};

// Equal bits, or NaN both.
template <class T>
bool same(T a, T b) {
  if (a != a || b != b) return a != a && b != b;
  return math::bits(a) == math::bits(b);
}

}  // namespace slope::test
