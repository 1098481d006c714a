// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the grammar lets through so that the message can name the form: a list in parentheses where none is
// of use, a text in a sum, a call of something without a name, a statement in a block that belongs to the
// top.
#include <fmt/format.h>

#include <cmath>

#include "base/text.h"
#include "frontend/reading.h"
#include "frontend/unicode.h"

namespace slope::grammar {

namespace {

using ast::Ast;
using ast::Kind;
using ast::NodeId;

bool is_comparison(std::string_view op) { return op[0] == '<' || op[0] == '>' || op == "==" || op == "!="; }

class Check {
 public:
  Check(const Ast& tree, std::vector<Diagnostic>& out)
      : tree_(tree), out_(out), parents_(tree.size()), in_scan_(tree.size()) {}

  // Children stand before their parents: from the back, each node's surroundings are known before the node.
  void run() {
    for (std::size_t i = tree_.size(); i-- > 0;) {
      NodeId id(static_cast<std::int64_t>(i));
      bool scan = in_scan_[i] || tree_[id].kind == Kind::scan;
      for (NodeId child : tree_.children(id)) {
        parents_[child.index()] = id;
        in_scan_[child.index()] = scan;
      }
      check(id);
    }
  }

 private:
  void check(NodeId id) {
    const ast::Node& node = tree_[id];
    switch (node.kind) {
      case Kind::number: number(node); break;
      case Kind::string: string(id); break;
      case Kind::tuple: tuple(id); break;
      case Kind::call: callee(id); break;
      case Kind::member: member(id); break;
      case Kind::block: block(id); break;
      default: statement(id);
    }
    if (node.kind != Kind::string && node.kind != Kind::from && node.kind != Kind::use &&
        node.kind != Kind::error)
      normal_form(node);
  }

  Diagnostic& misplaced(Span where, std::string message, std::string help) {
    out_.push_back(diagnostic(Code::misplaced_form, where, std::move(message)));
    if (!help.empty()) out_.back().helps.push_back(std::move(help));
    return out_.back();
  }

  Kind parent_kind(NodeId id) const {
    NodeId parent = parents_[id.index()];
    return parent.valid() ? tree_[parent].kind : Kind::model;
  }
  bool is_call_argument(NodeId id) const {
    Kind parent = parent_kind(id);
    return parent == Kind::argument || (parent == Kind::call && tree_.child(parents_[id.index()], 0) != id);
  }

  void number(const ast::Node& node) {
    if (std::isinf(node.number)) {
      std::string message = fmt::format("`{}` is too large for any float", escaped(node.text, 40));
      out_.push_back(diagnostic(Code::number_too_large, node.span, std::move(message)));
      return;
    }
    std::string_view mantissa = std::string_view(node.text).substr(0, node.text.find('e'));
    if (node.number != 0 || mantissa.find_first_of("123456789") == std::string_view::npos) return;
    std::string message = fmt::format("`{}` is so small that it becomes 0", escaped(node.text, 40));
    out_.push_back(diagnostic(Code::number_underflow, node.span, std::move(message)));
    out_.back().severity = Severity::warning;
  }

  void string(NodeId id) {
    Kind parent = parent_kind(id);
    bool compared = parent == Kind::binary && is_comparison(tree_[parents_[id.index()]].text);
    bool default_value = parent == Kind::start && parent_kind(parents_[id.index()]) == Kind::formal;
    bool header = parent == Kind::column || parent == Kind::columns || parent == Kind::columns_range;
    if (compared || default_value || header || parent == Kind::formal || parent == Kind::option ||
        is_call_argument(id))
      return;
    misplaced(tree_[id].span, "a text is not a value here",
              "texts are labels to compare with, headers, files, and arguments that ask for one");
  }

  void tuple(NodeId id) {
    if (is_call_argument(id)) return;
    misplaced(tree_[id].span, "a list in parentheses stands only as an argument, as in `axis=(0, 1)`",
              parent_kind(id) == Kind::tuple ? "a list of lists has brackets: `[[1, 2], [0, 0]]`"
                                             : "write `[a, b]` for a vector");
  }

  void callee(NodeId id) {
    const ast::Node& what = tree_[tree_.child(id, 0)];
    if (what.kind == Kind::name) return;
    bool product = what.kind == Kind::number;
    misplaced(what.span, "only a name can be called", product ? "write `*` for a product" : "");
  }

  // `.T` after any value; `.W` after a name, or after the path of a layer in a layer: `u.dense.W`.
  void member(NodeId id) {
    const ast::Node& node = tree_[id];
    const ast::Node& base = tree_[tree_.child(id, 0)];
    bool path = base.kind == Kind::name || (base.kind == Kind::member && base.text != "T");
    if (node.text == "T" || path) return;
    misplaced(node.name, fmt::format("`.{}` stands only after a name", escaped(node.text, 40)),
              "give the layer a name first, then `NAME.W` is its parameter; `.T` may follow any value");
  }

  void block(NodeId id) {
    std::span<const NodeId> lines = tree_.children(id);
    for (std::size_t i = 0; i + 1 < lines.size(); ++i)
      if (is_expression(tree_[lines[i]].kind)) early_value(tree_[lines[i]]);
    Span brace = place_of_value(tree_[id]);
    if (tree_[lines.back()].span != brace) return;
    out_.push_back(diagnostic(Code::expected, brace, "expected an expression before `}`"));
    out_.back().helps.push_back("the last line of a block is its value");
  }

  void early_value(const ast::Node& node) {
    std::string help = node.kind == Kind::unary && node.text == "-"
                           ? "if it belongs to the line before, move the `-` to the end of that line"
                           : "give it a name, or move it to the end";
    misplaced(node.span, "only the last line of a block is its value", std::move(help));
  }

  void statement(NodeId id) {
    const ast::Node& node = tree_[id];
    Span word{node.span.begin, node.span.begin + static_cast<Offset>(to_string(node.kind).size()),
              node.span.file};
    if (is_top_only(to_string(node.kind)) && parent_kind(id) == Kind::block)
      misplaced(word, fmt::format("`{}` stands at the top of a model only", to_string(node.kind)),
                "move it out of the block");
    if (node.kind == Kind::state && in_scan_[id.index()])
      misplaced(word, "a `scan` cannot hold a `state`",
                "carry the value: `scan …, NAME = START { NAME := … }`");
  }

  void normal_form(const ast::Node& node) {
    std::string_view text = node.text;
    for (std::size_t at = 0; at < text.size();) {
      CodePoint c = decode(text, at);
      at += static_cast<std::size_t>(c.length);
      if (!is_uncomposed(c.value)) continue;
      std::string message = fmt::format("the name `{}` is not in Unicode's normal form C: U+{:04X}",
                                        escaped(text, 40), c.value);
      out_.push_back(diagnostic(Code::bad_character, node.name, std::move(message)));
      out_.back().helps.push_back("write the letter and its mark as one character");
      return;
    }
  }

  const Ast& tree_;
  std::vector<Diagnostic>& out_;
  std::vector<NodeId> parents_;
  std::vector<bool> in_scan_;
};

}  // namespace

bool is_expression(Kind kind) {
  bool part =
      kind == Kind::argument || kind == Kind::slice || kind == Kind::nothing || kind == Kind::ellipsis;
  return kind <= Kind::scan && !part;
}

Span place_of_value(const ast::Node& block) { return {block.span.end - 1, block.span.end, block.span.file}; }

void check_syntax(const Ast& tree, std::vector<Diagnostic>& out) { Check(tree, out).run(); }

}  // namespace slope::grammar
