// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "graph/print.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

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
    case NodeKind::array: return fmt::format("array{}", node.index);
    case NodeKind::data: return name_or(names.columns, node.index, "column");
    case NodeKind::param: return name_or(names.params, node.index, "param");
    case NodeKind::state: return name_or(names.states, node.index, "state");
    case NodeKind::argument: return std::string(to_string(static_cast<RunArgument>(node.index)));
    case NodeKind::row_count: return "rows";
    case NodeKind::broadcast: return operand(graph, node.operands[0], names);
    default: return fmt::format("%{}", id.value);
  }
}

namespace {

std::string listed_numbers(std::span<const std::int64_t> list) {
  return fmt::format("{}", fmt::join(list, ", "));
}

// What a node of structure says of axes, behind its operands.
std::string axes_text(const Graph& graph, const Node& node) {
  switch (node.kind) {
    case NodeKind::reduce: return graph.numbers(node)[0] == rows_axis ? " over rows" : " over the last axis";
    case NodeKind::arg_reduce: return " over the last axis";
    case NodeKind::permute: return fmt::format(" to {}", listed_numbers(graph.numbers(node)));
    case NodeKind::slice: {
      std::string text;
      for (const Graph::Along& a : graph.along(node))
        text += fmt::format("{}{}:{}{}", text.empty() ? "" : ", ", a.begin, a.begin + a.step * a.count,
                            a.step == 1 ? "" : fmt::format(":{}", a.step));
      return fmt::format(" [{}]", text);
    }
    case NodeKind::pad: {
      std::string text;
      for (const Graph::Along& a : graph.along(node))
        text += fmt::format("{}{}{}", text.empty() ? "" : ", ", a.begin,
                            a.step == 1 ? "" : fmt::format(" step {}", a.step));
      return fmt::format(" at {}", text);
    }
    case NodeKind::concat: return fmt::format(" along axis {}", node.index);
    case NodeKind::contract: {
      auto labels = graph.labels(node);
      auto letters = [](std::span<const std::int64_t> list) {
        std::string text;
        for (std::int64_t label : list) text += static_cast<char>('a' + label % 26);
        return text;
      };
      return fmt::format(" by {},{}->{}{}", letters(labels.a), letters(labels.b), letters(labels.out),
                         !graph.shapes()[node.shape].rows &&
                                 (graph.has_rows(node.operands[0]) || graph.has_rows(node.operands[1]))
                             ? " over rows"
                             : "");
    }
    case NodeKind::window:
    case NodeKind::window_add: {
      std::string text;
      for (const Graph::Window& w : graph.windows(node))
        text += fmt::format("{}{} stride {}", text.empty() ? "" : ", ", w.size, w.stride);
      return " of " + text;
    }
    case NodeKind::take:
    case NodeKind::scatter_add: return fmt::format(" along axis {}", node.index);
    case NodeKind::draw: {
      Graph::Draw draw = graph.drawn(node);
      return fmt::format(" {:016x} word {}", draw.key, draw.word);
    }
    default: return "";
  }
}

std::string_view word(const Node& node) {
  switch (node.kind) {
    case NodeKind::scalar: return info(node.op).name;
    case NodeKind::draw: return "draw";
    case NodeKind::broadcast: return "broadcast";
    case NodeKind::reduce: return to_string(node.reduction);
    case NodeKind::arg_reduce: return node.reduction == Reduction::max ? "argmax" : "argmin";
    case NodeKind::reshape: return "reshape";
    case NodeKind::permute: return "permute";
    case NodeKind::slice: return "slice";
    case NodeKind::pad: return "pad";
    case NodeKind::concat: return "concat";
    case NodeKind::contract: return "contract";
    case NodeKind::window: return "window";
    case NodeKind::window_add: return "window_add";
    case NodeKind::take: return "take";
    case NodeKind::scatter_add: return "scatter_add";
    case NodeKind::tap: return "tap";
    case NodeKind::stop_gradient: return "stop_gradient";
    case NodeKind::order: return to_string(static_cast<OrderStatistic>(node.index));
    default: return "";
  }
}

}  // namespace

std::string expression(const Graph& graph, NodeId id, const PrintNames& names) {
  const Node& node = graph[id];
  if (node.arity() == 0 && node.kind != NodeKind::draw) return operand(graph, id, names);
  std::string out(word(node));
  std::string_view separator = " ";
  for (NodeId input : node.inputs()) {
    out.append(separator).append(operand(graph, input, names));
    separator = ", ";
  }
  return out + axes_text(graph, node);
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
