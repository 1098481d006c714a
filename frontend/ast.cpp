// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "frontend/ast.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace slope::ast {

bool binds(Kind kind) {
  switch (kind) {
    case Kind::column:
    case Kind::param:
    case Kind::constant:
    case Kind::state:
    case Kind::def:
    case Kind::formal:
    case Kind::define:
    case Kind::over:
    case Kind::carry: return true;
    default: return false;
  }
}

std::string_view to_string(Kind kind) {
  static constexpr std::string_view names[] = {
#define X(kind) #kind,
      SLOPE_AST_KINDS(X)
#undef X
  };
  return names[static_cast<std::size_t>(kind)];
}

NodeId Ast::add(Node node, std::span<const NodeId> children) {
  node.first = static_cast<std::uint32_t>(edges_.size());
  node.count = static_cast<std::uint32_t>(children.size());
  edges_.insert(edges_.end(), children.begin(), children.end());
  nodes_.push_back(std::move(node));
  return NodeId(static_cast<std::int64_t>(nodes_.size()) - 1);
}

NodeId Ast::find(NodeId id, Kind kind) const {
  for (NodeId child : children(id))
    if ((*this)[child].kind == kind) return child;
  return NodeId();
}

namespace {

struct Line {
  std::string label;
  int width = 0;
  std::uint32_t begin = 0;
};

std::string label(const Node& node, std::size_t depth) {
  // A left-deep sum of 100,000 terms would indent its first one by 200 kB.
  constexpr std::size_t deepest = 40, longest_text = 60;
  std::string out(2 * std::min(depth, deepest), ' ');
  out += to_string(node.kind);
  if (node.kind == Kind::string) out += " \"" + escaped(node.text, longest_text) + "\"";
  else if (!node.text.empty()) out += " " + escaped(node.text, longest_text);
  return out;
}

std::vector<Line> lines_of(const Ast& ast) {
  std::vector<Line> lines;
  std::vector<std::pair<NodeId, std::size_t>> waiting;  // node and depth, the next one last
  if (ast.root().valid()) waiting.emplace_back(ast.root(), 0);
  while (!waiting.empty()) {
    auto [id, depth] = waiting.back();
    waiting.pop_back();
    std::string text = label(ast[id], depth);
    int width = display_width(text);
    lines.push_back({std::move(text), width, ast[id].span.begin});
    std::span<const NodeId> children = ast.children(id);
    for (auto child = children.rbegin(); child != children.rend(); ++child)
      waiting.emplace_back(*child, depth + 1);
  }
  return lines;
}

}  // namespace

std::string print(const Ast& ast, const Source& source) {
  constexpr int widest = 60;
  std::vector<Line> lines = lines_of(ast);
  int column = 0;
  for (const Line& line : lines)
    if (line.width <= widest) column = std::max(column, line.width);
  std::string out;
  for (const Line& line : lines) {
    out += line.label;
    out.append(static_cast<std::size_t>(std::max(0, column - line.width)), ' ');
    out += fmt::format("  ; line {}\n", source.position(line.begin).line);
  }
  return out;
}

}  // namespace slope::ast
