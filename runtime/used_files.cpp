// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/used_files.h"

#include <fmt/format.h>

#include <filesystem>
#include <map>

#include "base/os.h"
#include "base/text.h"

namespace slope {

namespace {

constexpr std::size_t most_files = 256;
constexpr std::size_t most_bytes = 16 << 20;  // of one: what the parser takes

class Loader {
 public:
  Loader(std::string folder, Sources& sources, std::deque<ast::Ast>& trees, Diagnostics& diagnostics)
      : sources_(sources), trees_(trees), diagnostics_(diagnostics), folders_{std::move(folder)} {}

  // What the tree of a file names, and what that names.
  void uses_of(const ast::Ast& tree, std::uint32_t file) {
    for (ast::NodeId id : tree.children(tree.root()))
      if (tree[id].kind == ast::Kind::use) out_.try_emplace({file, tree[id].text}, one(tree[id].text, file));
  }

  UsedFiles take() { return std::move(out_); }

 private:
  UsedFile one(const std::string& written, std::uint32_t by) {
    std::filesystem::path path = std::filesystem::path(folders_[by]) / written;
    std::string name = path.lexically_normal().string();
    auto [found, fresh] = loaded_.try_emplace(name);
    if (!fresh) return found->second;
    found->second = {nullptr, fmt::format("`{}` uses itself", escaped(name)), true};  // until it is read
    UsedFile file = read(name, path.parent_path().string());
    loaded_[name] = file;
    return file;
  }

  UsedFile read(const std::string& name, const std::string& folder) {
    if (sources_.files.size() > most_files)
      return {nullptr, fmt::format("more than {} files are used", most_files), false, true};
    os::Bytes bytes;
    if (os::Status fault = os::read_file(name, most_bytes, bytes))
      return {nullptr, fault->message(), false, fault->too_large};
    auto number = static_cast<std::uint32_t>(sources_.files.size());
    sources_.files.emplace_back(name, std::string(bytes.view()));
    folders_.resize(number);
    folders_.push_back(folder);
    trees_.push_back(parse(sources_.files.back(), diagnostics_, number));
    const ast::Ast& tree = trees_.back();
    uses_of(tree, number);
    return {&tree, ""};
  }

  Sources& sources_;
  std::deque<ast::Ast>& trees_;
  Diagnostics& diagnostics_;
  std::vector<std::string> folders_;  // by file
  std::map<std::string, UsedFile> loaded_;
  UsedFiles out_;
};

}  // namespace

UsedFiles load_used_files(const ast::Ast& model, const std::string& folder, Sources& sources,
                          std::deque<ast::Ast>& trees, Diagnostics& diagnostics) {
  Loader loader(folder, sources, trees, diagnostics);
  loader.uses_of(model, 0);
  return loader.take();
}

}  // namespace slope
