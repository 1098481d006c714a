// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `use "layers.slope"`: the functions and constants of another file. Like the prelude they see what stands
// above them in their own file, never the model's names.
#include <fmt/format.h>

#include "frontend/layers.h"
#include "frontend/lowering.h"

namespace slope {

using ast::Kind;

void Lowering::use(ast::NodeId id) {
  const ast::Node& node = ast()[id];
  auto file = settings_.used.find({node.span.file, node.text});
  if (file == settings_.used.end() || !file->second.tree) {
    UsedFile none{nullptr, fmt::format("`{}` was not read", node.text)};
    const UsedFile& why = file == settings_.used.end() ? none : file->second;
    Code code = why.circle ? Code::recursion : why.too_large ? Code::too_large : Code::cannot_open;
    error(code, node.span, why.fault);
    uses_files_ = true;
    return;
  }
  const ast::Ast& tree = *file->second.tree;
  const Scope& names = used_scope(tree);
  for (ast::NodeId part : tree.children(tree.root())) {
    std::vector<ast::NodeId> named{part};
    if (tree[part].kind == Kind::consts) named.assign(tree.children(part).begin(), tree.children(part).end());
    for (ast::NodeId item : named)
      if (auto found = names.names.find(tree[item].text); found != names.names.end()) {
        auto here = scope_->names.find(tree[item].text);
        bool same = here != scope_->names.end() && here->second.span == found->second.span;
        if (!same) bind(tree[item].text, found->second);
      }
  }
}

// The names of a used file, which is evaluated once.
const Scope& Lowering::used_scope(const ast::Ast& tree) {
  auto [found, fresh] = used_scopes_.try_emplace(&tree);
  Scope& scope = found->second;
  if (!fresh) return scope;
  scope.parent = &prelude_scope_;
  const ast::Ast* outer_ast = std::exchange(ast_, &tree);
  Scope* outer_scope = std::exchange(scope_, &scope);
  for (ast::NodeId id : tree.children(tree.root())) {
    Kind kind = tree[id].kind;
    if (kind == Kind::def || kind == Kind::consts || kind == Kind::use || kind == Kind::error) statement(id);
    else
      error(Code::misplaced_form, tree[id].span,
            "a file that is used holds `def`, `const` and `use`, nothing else")
          .helps.push_back("move this line into the model");
  }
  for (auto& [name, binding] : scope.names) binding.used = true;
  ast_ = outer_ast;
  scope_ = outer_scope;
  return scope;
}

// The trees whose text is the user's.
std::vector<const ast::Ast*> Lowering::users_trees() const {
  std::vector<const ast::Ast*> trees{&model_ast_};
  for (const auto& [place, file] : settings_.used)
    if (file.tree) trees.push_back(file.tree);
  return trees;
}

}  // namespace slope
