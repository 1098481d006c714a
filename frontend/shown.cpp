// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// An expression as it is written, for messages: in one line, shortened where it is long.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/text.h"
#include "frontend/lowering.h"

namespace slope {

using ast::Kind;

namespace {

constexpr int most_depth = 8;           // deeper parts are "…"
constexpr std::size_t most_shown = 60;  // bytes

class Writer {
 public:
  explicit Writer(const ast::Ast& tree) : tree_(tree) {}

  // `tight`: an operator stands beside it, so that a sum needs its parentheses back.
  std::string write(ast::NodeId id, int depth, bool tight = false) const {
    if (depth > most_depth) return "…";
    const ast::Node& node = tree_[id];
    auto child = [&](std::size_t i, bool beside = false) {
      return write(tree_.child(id, i), depth + 1, beside);
    };
    auto list = [&](std::size_t from) {
      std::vector<std::string> parts;
      for (std::size_t i = from; i < tree_.children(id).size(); ++i) parts.push_back(child(i));
      return fmt::format("{}", fmt::join(parts, ", "));
    };
    auto grouped = [&](const std::string& text) { return tight ? "(" + text + ")" : text; };
    switch (node.kind) {
      case Kind::string: return "\"" + node.text + "\"";
      case Kind::unary: return grouped(node.text + (node.text == "not" ? " " : "") + child(0, true));
      case Kind::binary: {
        bool close = node.text == "^" || node.text == "*" || node.text == "/";
        return grouped(child(0, true) + (close ? node.text : " " + node.text + " ") + child(1, true));
      }
      case Kind::conditional:
        return grouped(fmt::format("if {} then {} else {}", child(0), child(1), child(2)));
      case Kind::call: return fmt::format("{}({})", child(0), list(1));
      case Kind::argument: return fmt::format("{}={}", node.text, child(0));
      case Kind::index: return fmt::format("{}[{}]", child(0, true), list(1));
      case Kind::slice:
        return child(0) + ":" + child(1) +
               (tree_[tree_.child(id, 2)].kind == Kind::nothing ? "" : ":" + child(2));
      case Kind::nothing: return "";
      case Kind::ellipsis: return "...";
      case Kind::member: return fmt::format("{}.{}", child(0, true), node.text);
      case Kind::list: return "[" + list(0) + "]";
      case Kind::tuple: return "(" + list(0) + ")";
      case Kind::start: return child(0);
      case Kind::number:
      case Kind::truth:
      case Kind::name: return node.text;
      default: return "…";
    }
  }

 private:
  const ast::Ast& tree_;
};

}  // namespace

std::string Lowering::shown(ast::NodeId id) const {
  if (!id.valid()) return "…";
  return escaped(Writer(ast()).write(id, 0), most_shown);
}

}  // namespace slope
