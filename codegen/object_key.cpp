// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "codegen/object_key.h"

#include <bit>
#include <concepts>

namespace slope {

namespace {

// Each value is written with its length, or has a fixed one, so that no two lists of values look alike.
class Writer {
 public:
  std::string bytes;

  template <class T>
    requires std::integral<T> || std::is_enum_v<T>
  void add(T value) {
    bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void add(double value) { add(std::bit_cast<std::uint64_t>(value)); }
  void add(NodeId id) { add(id.value); }
  void add(std::string_view text) {
    add(text.size());
    bytes.append(text);
  }
  template <class T>
  void add_all(const T& list) {
    add(list.size());
    for (const auto& item : list) add(item);
  }
  template <class... T>
  void add(const T&... values)
    requires(sizeof...(T) > 1)
  {
    (add(values), ...);
  }

  void add(const Shape& shape) {
    const auto& [rows, axes] = shape;
    add(rows);
    add_all(axes);
  }

  void add(const Graph& graph) {
    add(graph.precision(), graph.size());
    for (std::size_t i = 0; i < graph.size(); ++i) {
      const Node& node = graph[NodeId(static_cast<std::int64_t>(i))];
      const auto& [kind, type, op, reduction, shape, index, numbers, operands, value] = node;
      add(kind, type, op, reduction, graph.shapes()[shape], index, value);
      if (numbers.valid()) add_all(graph.numbers(node));
      if (kind == NodeKind::array) add_all(graph.values(node));
      for (NodeId operand : operands) add(operand);
    }
  }

  void add(const Store& store) {
    const auto& [value, to, index] = store;
    add(value, to, index);
  }

  void add(const Kernel& kernel) {
    const auto& [name, graph, stores] = kernel;
    add(std::string_view(name), *graph);
    add_all(stores);
  }

  void add(const CompileOptions& options) {
    // The places are in listings only, and where the cache lies is in nothing.
    const auto& [storages, param_offsets, state_offsets, cpu, places, paged_above, cache] = options;
    add_all(storages);
    add_all(param_offsets);
    add_all(state_offsets);
    add(std::string_view(cpu), paged_above);
  }
};

}  // namespace

std::string object_key(std::span<const Kernel> kernels, const CompileOptions& options,
                       std::string_view host) {
  Writer writer;
  writer.add(host);
  writer.add(options);
  writer.add_all(kernels);
  return std::move(writer.bytes);
}

}  // namespace slope
