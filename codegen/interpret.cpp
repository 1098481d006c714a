// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "codegen/interpret.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

#include "graph/evaluate.h"

namespace slope {

namespace {

template <class Cell, class T>
std::vector<T> cells(const void* column, std::size_t rows) {
  const auto* begin = static_cast<const Cell*>(column);
  std::vector<T> out(rows);
  for (std::size_t i = 0; i < rows; ++i) out[i] = static_cast<T>(begin[i]);
  return out;
}

template <class T>
std::vector<T> widened(Storage storage, const void* column, std::size_t rows) {
  switch (storage) {
    case Storage::u8: return cells<std::uint8_t, T>(column, rows);
    case Storage::i16: return cells<std::int16_t, T>(column, rows);
    case Storage::i32: return cells<std::int32_t, T>(column, rows);
    case Storage::f32: return cells<float, T>(column, rows);
    case Storage::f64: return cells<double, T>(column, rows);
  }
  return {};
}

// `value` in a list from `at` on, which grows to hold it.
template <class T>
void put(std::vector<T>& list, std::size_t at, const T* value, std::size_t count) {
  list.resize(std::max(list.size(), at + count));
  std::copy(value, value + count, list.begin() + static_cast<std::ptrdiff_t>(at));
}

template <class T>
Inputs<T> inputs_of(const Graph& graph, const CompileOptions& options, const Run& run) {
  Inputs<T> inputs;
  inputs.rows = run.rows;
  inputs.param_offsets = options.param_offsets;
  inputs.state_offsets = options.state_offsets;
  inputs.seed = run.seed;
  inputs.step = run.step;
  if (run.row_numbers) inputs.row_numbers.assign(run.row_numbers, run.row_numbers + run.rows);
  for (std::size_t i = 0; i < graph.size(); ++i) {
    NodeId id(static_cast<std::int64_t>(i));
    const Node& node = graph[id];
    auto index = static_cast<std::size_t>(node.index);
    auto count = static_cast<std::size_t>(elements(graph.shape(id)));
    if (node.kind == NodeKind::data) {
      inputs.columns.resize(std::max(inputs.columns.size(), index + 1));
      auto rows = static_cast<std::size_t>(run.rows);
      inputs.columns[index] = widened<T>(options.storages[index], run.columns[index], rows * count);
    }
    if (node.kind == NodeKind::param) {
      auto at = static_cast<std::size_t>(options.param_offset(node.index));
      put(inputs.params, at, static_cast<const T*>(run.params) + at, count);
    }
    if (node.kind == NodeKind::state) {
      auto at = static_cast<std::size_t>(options.state_offset(node.index));
      put(inputs.states, at, static_cast<const T*>(run.states) + at, count);
    }
    if (node.kind == NodeKind::argument)
      put(inputs.arguments, index, static_cast<const T*>(run.arguments) + index, 1);
  }
  return inputs;
}

template <class T>
void interpret_as(const Kernel& kernel, const CompileOptions& options, const Run& run) {
  std::vector<NodeId> roots;
  for (const Store& store : kernel.stores) roots.push_back(store.value);
  std::vector<std::vector<T>> values =
      evaluate<T>(*kernel.graph, roots, inputs_of<T>(*kernel.graph, options, run));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const Store& store = kernel.stores[i];
    T* to = nullptr;
    switch (store.to) {
      case Store::To::output: to = static_cast<T*>(run.outputs) + store.index; break;
      case Store::To::param: to = static_cast<T*>(run.params) + options.place(store); break;
      case Store::To::state: to = static_cast<T*>(run.states) + options.place(store); break;
      case Store::To::row_output: to = static_cast<T*>(run.row_outputs[store.index]); break;
    }
    std::copy(values[i].begin(), values[i].end(), to);
  }
}

}  // namespace

void interpret(const Kernel& kernel, const CompileOptions& options, const Run& run) {
  if (kernel.graph->precision() == Precision::f32) interpret_as<float>(kernel, options, run);
  else interpret_as<double>(kernel, options, run);
}

bool can_run_generated_code() {
  auto size = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  void* page = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return false;
  bool allowed = ::mprotect(page, size, PROT_READ | PROT_EXEC) == 0;
  ::munmap(page, size);
  return allowed;
}

}  // namespace slope
