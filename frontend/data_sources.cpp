// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The data statements of a tree, before any file is opened: which file, how its cells are separated.
#include <fmt/format.h>

#include "base/text.h"
#include "frontend/lower.h"

namespace slope {

using ast::Kind;

namespace {

// The one-letter text that `sep=` takes.
void separator_clause(const ast::Ast& ast, ast::NodeId option, DataSource& source, Diagnostics& diagnostics) {
  const ast::Node& value = ast[ast.child(option, 0)];
  if (value.kind != Kind::string || value.text.size() != 1)
    diagnostics.error(Code::bad_option_value, value.span, "`sep` takes one character in quotes")
        .helps.push_back("for example sep=\";\"");
  else source.separator = value.text[0];
}

void missing_clause(const ast::Ast& ast, ast::NodeId option, DataSource& source, Diagnostics& diagnostics) {
  const ast::Node& value = ast[ast.child(option, 0)];
  if (value.kind != Kind::name || value.text != "drop")
    diagnostics.error(Code::bad_option_value, value.span, "`missing` takes only `drop`")
        .helps.push_back("without it, a missing cell is an error");
  else source.drop_missing = true;
}

void read_clause(const ast::Ast& ast, ast::NodeId clause, DataSource& source, Diagnostics& diagnostics) {
  const ast::Node& node = ast[clause];
  if (node.kind == Kind::from) source.path = node.text;
  if (node.kind != Kind::option) return;
  if (node.text == "sep") return separator_clause(ast, clause, source, diagnostics);
  if (node.text == "missing") return missing_clause(ast, clause, source, diagnostics);
  std::vector<std::string> known{"sep", "missing"};
  Diagnostic& d =
      diagnostics.error(Code::unknown_option, node.name, fmt::format("`data` has no option `{}`", node.text));
  if (std::string near = nearest(node.text, known); !near.empty())
    d.helps.push_back(fmt::format("did you mean `{}`?", near));
  else d.helps.push_back("it takes from, columns, standardized, missing=drop and sep=\";\"");
}

}  // namespace

std::vector<DataSource> data_sources(const ast::Ast& ast, Diagnostics& diagnostics) {
  std::vector<DataSource> sources;
  for (ast::NodeId id : ast.children(ast.root())) {
    if (ast[id].kind != Kind::data) continue;
    DataSource source;
    source.span = ast[id].span;
    for (ast::NodeId part : ast.children(id)) {
      if (ast[part].kind == Kind::column) source.names.push_back(ast[part].text);
      else read_clause(ast, part, source, diagnostics);
    }
    sources.push_back(std::move(source));
  }
  return sources;
}

}  // namespace slope
