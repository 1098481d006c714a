// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The data statements of a tree, before any file is opened: which file, how its cells are separated.
#include <fmt/format.h>

#include <algorithm>

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

// `missing=drop`, `missing="NA,-999"`; a statement may have both.
void missing_clause(const ast::Ast& ast, ast::NodeId option, DataSource& source, Diagnostics& diagnostics) {
  const ast::Node& value = ast[ast.child(option, 0)];
  if (value.kind == Kind::name && value.text == "drop") {
    source.drop_missing = true;
    return;
  }
  if (value.kind == Kind::string)
    for (std::size_t at = 0; at <= value.text.size();) {
      std::size_t end = std::min(value.text.find(',', at), value.text.size());
      if (end > at) source.missing.push_back(value.text.substr(at, end - at));
      at = end + 1;
    }
  if (source.missing.empty())
    diagnostics
        .error(Code::bad_option_value, value.span,
               "`missing` takes `drop`, or in quotes what counts as missing: \"NA,-999\"")
        .helps.push_back("without `drop`, a missing cell is an error");
}

void comment_clause(const ast::Ast& ast, ast::NodeId option, DataSource& source, Diagnostics& diagnostics) {
  const ast::Node& value = ast[ast.child(option, 0)];
  if (value.kind != Kind::string || value.text.size() != 1)
    diagnostics.error(Code::bad_option_value, value.span, "`comment` takes one character in quotes")
        .helps.push_back("for example comment=\"#\"");
  else source.comment = value.text[0];
}

void read_clause(const ast::Ast& ast, ast::NodeId clause, DataSource& source, Diagnostics& diagnostics) {
  const ast::Node& node = ast[clause];
  if (node.kind == Kind::from) source.path = node.text;
  if (node.kind != Kind::option) return;
  if (node.text == "sep") return separator_clause(ast, clause, source, diagnostics);
  if (node.text == "missing") return missing_clause(ast, clause, source, diagnostics);
  if (node.text == "comment") return comment_clause(ast, clause, source, diagnostics);
  std::vector<std::string> known{"sep", "missing", "comment"};
  Diagnostic& d =
      diagnostics.error(Code::unknown_option, node.name, fmt::format("`data` has no option `{}`", node.text));
  if (std::string near = nearest(node.text, known); !near.empty())
    d.helps.push_back(fmt::format("did you mean `{}`?", near));
  else d.helps.push_back("it takes from, columns, standardized, missing=drop, sep=\";\" and comment=\"#\"");
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
