// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The memory that a compiled function works on.
#pragma once
#include <algorithm>
#include <new>
#include <span>
#include <vector>

#include "runtime/pipeline.h"

namespace slope {

inline std::vector<double> widened(const auto& x) { return {x.begin(), x.end()}; }
template <class T>
std::vector<T> narrowed(const std::vector<double>& x) {
  std::vector<T> out;
  for (double value : x) out.push_back(static_cast<T>(value));
  return out;
}

// So that a vector begins where a line of the cache does.
template <class T>
struct OnLines {
  using value_type = T;
  static constexpr std::align_val_t line{64};
  T* allocate(std::size_t n) { return static_cast<T*>(::operator new(n * sizeof(T), line)); }
  void deallocate(T* p, std::size_t) { ::operator delete(p, line); }
  friend bool operator==(OnLines, OnLines) { return true; }
};

// All of it for one function, or for several in turn: as much as any needs.
template <class T>
struct Memory {
  // `start`: the parameters, then states.
  Memory(const Model& model, const Dataset& data, const std::vector<T>& start, std::size_t results,
         std::size_t scratch_elements)
      : room(start.begin(), start.end()),
        outputs(std::max<std::size_t>(results, 1)),
        scratch(scratch_elements),
        arguments(run_arguments) {
    room.resize(start.size() + 64);  // may be read: Run::params
    params = std::span(room).first(start.size());
    run.columns = data.pointers.data();
    run.params = params.data();
    run.outputs = outputs.data();
    run.scratch = scratch.data();
    run.arguments = arguments.data();
    run.rows = data.rows;
    run.states = room.data() + model.param_elements();
    run.seed = static_cast<std::uint64_t>(model.seed.value_or(0));
    run.row_numbers = data.row_numbers.empty() ? nullptr : data.row_numbers.data();
  }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  std::vector<T, OnLines<T>> room;
  std::span<T> params;
  std::vector<T> outputs;
  std::vector<T, OnLines<T>> scratch;
  std::vector<T> arguments;
  Run run;
};

}  // namespace slope
