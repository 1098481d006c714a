// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "codegen/interpret.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

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

template <class T>
void interpret_as(const Kernel& kernel, std::span<const Storage> storages, const Run& run) {
  const Graph& graph = *kernel.graph;
  auto rows = static_cast<std::size_t>(run.rows);
  Inputs<T> inputs;
  inputs.rows = run.rows;
  auto hold = [](auto& list, int index) -> auto& {
    auto at = static_cast<std::size_t>(index);
    if (list.size() <= at) list.resize(at + 1);
    return list[at];
  };
  for (std::size_t i = 0; i < graph.size(); ++i) {
    const Node& node = graph[NodeId(static_cast<std::int64_t>(i))];
    auto index = static_cast<std::size_t>(node.index);
    if (node.kind == NodeKind::data) {
      std::vector<T>& column = hold(inputs.columns, node.index);
      if (column.empty()) column = widened<T>(storages[index], run.columns[index], rows);
    }
    if (node.kind == NodeKind::param)
      hold(inputs.params, node.index) = static_cast<const T*>(run.params)[index];
    if (node.kind == NodeKind::argument)
      hold(inputs.arguments, node.index) = static_cast<const T*>(run.arguments)[index];
  }
  std::vector<NodeId> roots;
  for (const Store& store : kernel.stores) roots.push_back(store.value);
  std::vector<std::vector<T>> values = evaluate<T>(graph, roots, inputs);
  for (std::size_t i = 0; i < values.size(); ++i) {
    auto index = static_cast<std::size_t>(kernel.stores[i].index);
    switch (kernel.stores[i].to) {
      case Store::To::output: static_cast<T*>(run.outputs)[index] = values[i][0]; break;
      case Store::To::param: static_cast<T*>(run.params)[index] = values[i][0]; break;
      case Store::To::row_output:
        std::memcpy(run.row_outputs[index], values[i].data(), values[i].size() * sizeof(T));
        break;
    }
  }
}

}  // namespace

void interpret(const Kernel& kernel, std::span<const Storage> storages, const Run& run) {
  if (kernel.graph->precision() == Precision::f32) interpret_as<float>(kernel, storages, run);
  else interpret_as<double>(kernel, storages, run);
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
