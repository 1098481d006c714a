// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "graph/print.h"

#include <fmt/format.h>

#include <map>

#include "base/text.h"
#include "graph/simplify.h"

namespace slope {

namespace {

std::string constant_text(const Graph& graph, const Node& node) {
  if (node.type == Type::truth) return node.value != 0 ? "true" : "false";
  return graph.precision() == Precision::f32 ? shortest(static_cast<float>(node.value))
                                             : shortest(node.value);
}

std::string name_or(const std::vector<std::string>& names, int index, const char* kind) {
  auto i = static_cast<std::size_t>(index);
  return i < names.size() ? names[i] : fmt::format("{}{}", kind, index);
}

}  // namespace

std::string with_place(std::string text, std::string_view place) {
  if (place.empty()) return text;
  constexpr std::size_t column = 48;
  std::size_t width = static_cast<std::size_t>(display_width(text));
  text.append(width < column ? column - width : 2, ' ');
  return text.append("; ").append(place);
}

std::string operand(const Graph& graph, NodeId id, const PrintNames& names) {
  const Node& node = graph[id];
  switch (node.kind) {
    case NodeKind::constant: return constant_text(graph, node);
    case NodeKind::data: return name_or(names.columns, node.index, "column");
    case NodeKind::param: return name_or(names.params, node.index, "param");
    case NodeKind::argument: return "rate";
    case NodeKind::row_count: return "rows";
    case NodeKind::broadcast: return operand(graph, node.operands[0], names);
    default: return fmt::format("%{}", id.value);
  }
}

std::string expression(const Graph& graph, NodeId id, const PrintNames& names) {
  const Node& node = graph[id];
  std::string out(node.kind == NodeKind::reduce          ? to_string(node.reduction)
                  : node.kind == NodeKind::scalar        ? info(node.op).name
                  : node.kind == NodeKind::tap           ? "tap"
                  : node.kind == NodeKind::stop_gradient ? "stop_gradient"
                                                         : "");
  std::string_view separator = " ";
  for (NodeId input : node.inputs()) {
    out.append(separator).append(operand(graph, input, names));
    separator = ", ";
  }
  if (node.kind == NodeKind::reduce) out += " over rows";
  return node.arity() == 0 ? operand(graph, id, names) : out;
}

std::string print(const Graph& graph, std::span<const NodeId> roots, const PrintNames& names) {
  std::string out;
  std::vector<bool> needed = live(graph, roots);
  std::vector<bool> root(graph.size());
  for (NodeId id : roots) root[id.index()] = true;
  for (std::size_t i = 0; i < graph.size(); ++i) {
    NodeId id(static_cast<std::int64_t>(i));
    const Node& node = graph[id];
    bool inlined = node.kind < NodeKind::scalar || node.kind == NodeKind::broadcast;
    if (!needed[i] || (inlined && !root[i] && graph.name(id).empty())) continue;
    std::string line = inlined ? operand(graph, id, names) : expression(graph, id, names);
    line = fmt::format("%{:<4} = {:<28} {}{}", i, line, node.type == Type::truth ? "truth " : "",
                       to_string(graph.shapes()[node.shape]));
    if (auto name = graph.name(id); !name.empty()) line += fmt::format("  {}", name);
    out += with_place(line, names.places ? names.places(graph.origins(id)) : "") + "\n";
  }
  return out;
}

std::string print_rewrites(const Graph& graph, const PrintNames& names) {
  std::map<std::uint16_t, std::vector<Span>> places;
  for (const Graph::Rewrite& rewrite : graph.rewrites()) places[rewrite.rule].push_back(rewrite.place);
  std::string out;
  for (const auto& [rule, spans] : places) {
    std::string line = fmt::format("{:>6}  {}", spans.size(), rewrite_name(rule));
    out += with_place(line, names.places ? names.places(spans) : "") + "\n";
  }
  return out.empty() ? "nothing was simplified\n" : out;
}

}  // namespace slope
