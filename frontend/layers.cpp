// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "frontend/layers.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/text.h"

namespace slope {

using ast::Kind;
using Is = Value::Is;

// --- the tree ---

Lowering::InLayer::InLayer(Lowering& lowering, std::string label, bool fixed, ast::NodeId site)
    : lowering_(lowering), around_(lowering.layer_) {
  if (around_->made && around_->next < around_->entries.size()) {
    const std::shared_ptr<Layer>& there = around_->entries[around_->next].layer;
    if (there && there->tree == lowering.ast_ && there->site == site && there->label == label) {
      ++around_->next;
      layer_ = there;
      layer_->next = 0;
      fresh_ = false;
    }
  }
  if (fresh_) {
    layer_ = std::make_shared<Layer>();
    layer_->label = std::move(label);
    layer_->fixed = fixed;
    layer_->tree = lowering.ast_;
    layer_->site = site;
    layer_->made = around_->made;
  }
  lowering.layer_ = layer_.get();
}

Lowering::InLayer::InLayer(Lowering& lowering, std::shared_ptr<Layer> again)
    : lowering_(lowering), around_(lowering.layer_), layer_(std::move(again)), fresh_(false) {
  layer_->next = 0;
  lowering.layer_ = layer_.get();
}

Lowering::InLayer::~InLayer() {
  lowering_.layer_ = around_;
  if (fresh_ && !layer_->entries.empty()) around_->entries.push_back({"", -1, layer_});
  layer_->made = true;
}

// --- names ---
namespace {

// What stands directly under a layer's name, in the order of evaluation.
void flatten(const Layer& layer, std::vector<const Layer::Entry*>& out) {
  for (const Layer::Entry& entry : layer.entries)
    if (entry.layer && entry.layer->takes_name) flatten(*entry.layer, out);
    else out.push_back(&entry);
}

void add_paths(const Layer& layer, const std::string& prefix, std::map<std::string, Owned>& paths) {
  std::vector<const Layer::Entry*> entries;
  flatten(layer, entries);
  std::map<std::string_view, int> occurs, number;
  std::set<std::string> taken;
  auto label = [](const Layer::Entry& entry) -> const std::string& {
    return entry.layer ? entry.layer->label : entry.label;
  };
  auto fixed = [](const Layer::Entry& entry) { return !entry.layer || entry.layer->fixed; };
  for (const Layer::Entry* entry : entries) ++occurs[label(*entry)];
  // What keeps its name is never met by a number: a function may be called `dense_1`.
  for (const Layer::Entry* entry : entries)
    if (fixed(*entry) || occurs[label(*entry)] == 1) taken.insert(label(*entry));
  for (const Layer::Entry* entry : entries) {
    std::string name = label(*entry);
    if (!fixed(*entry) && occurs[label(*entry)] > 1) {
      do name = fmt::format("{}_{}", label(*entry), ++number[label(*entry)]);
      while (!taken.insert(name).second);
    }
    if (entry->layer) add_paths(*entry->layer, prefix + name + ".", paths);
    else paths.emplace(prefix + name, Owned{entry->param, entry->state});
  }
}

}  // namespace

std::map<std::string, Owned> owned_paths(const Layer& layer) {
  std::map<std::string, Owned> paths;
  add_paths(layer, "", paths);
  return paths;
}

// The expressions of a definition's right side that may take its name, the outermost first: a call, through
// indices, the branch that a known condition takes, and the first argument of other calls.
std::vector<ast::NodeId> Lowering::heirs(ast::NodeId right) const {
  std::vector<ast::NodeId> out;
  while (true) {
    const ast::Node& node = ast()[right];
    if (node.kind == Kind::call || node.kind == Kind::scan) out.push_back(right);
    bool call = node.kind == Kind::call && ast().children(right).size() > 1;
    if (call || node.kind == Kind::index) {
      right = ast().child(right, call ? 1 : 0);
      if (ast()[right].kind == Kind::argument) right = ast().child(right, 0);
      continue;
    }
    auto taken = branches_taken_.find({ast_, right});
    if (node.kind != Kind::conditional || taken == branches_taken_.end()) return out;
    right = taken->second;
  }
}

// The right side of a definition, which gives its name to the parameters that are made there.
Value Lowering::evaluate_definition(ast::NodeId definition, ast::NodeId right, Binding& binding) {
  InLayer inside(*this, ast()[definition].text, true, definition);
  Value value = evaluate(right);
  const std::shared_ptr<Layer>& layer = inside.layer();
  if (layer->entries.empty()) return value;
  binding.layer = layer;
  for (ast::NodeId site : heirs(right)) {
    auto owns = [&](const Layer::Entry& entry) { return entry.layer && entry.layer->site == site; };
    auto heir = std::find_if(layer->entries.begin(), layer->entries.end(), owns);
    if (heir == layer->entries.end()) continue;
    heir->layer->takes_name = true;
    if (site == right && heir->layer->function) binding.call = heir->layer;
    break;
  }
  return value;
}

// When all parameters are made: their names, and with them what is drawn for their start.
void Lowering::name_parameters() {
  for (const auto& [path, owned] : owned_paths(*root_layer_)) {
    bool is_state = owned.state >= 0;
    auto index = static_cast<std::size_t>(is_state ? owned.state : owned.param);
    Parameter& named = is_state ? model.states[index] : model.params[index];
    named.name = path;
    graph().name(is_state ? state_node(owned.state) : parameter_value(owned.param).node, path);
  }
  for (const auto& [index, distribution] : drawn_starts_) {
    Parameter& param = model.params[static_cast<std::size_t>(index)];
    draw_start(param, distribution);
    enter_bounds(param, param.span);
  }
}

// --- members and calls of what is bound to a layer ---

// `hidden.W`, `u.dense_1.W`.
Value Lowering::layer_member(ast::NodeId id) {
  std::string path = ast()[id].text;
  ast::NodeId base = ast().child(id, 0);
  for (; ast()[base].kind == Kind::member; base = ast().child(base, 0)) path = ast()[base].text + "." + path;
  if (ast()[base].kind != Kind::name) return {};  // the parser has told of it
  const std::string& text = ast()[base].text;
  Binding* binding = lookup(text);
  if (!binding) return name(base);  // unknown
  binding->used = true;
  if (!binding->value.ok()) return {};
  if (!binding->layer) {
    error(Code::wrong_kind, ast()[id].span,
          fmt::format("`{}` is not bound to a layer, so it has no `.{}`", text, path))
        .helps.push_back(
            fmt::format("`{} = dense(x, n)` has the parameters `{}.W` and `{}.b`", text, text, text));
    return {};
  }
  std::map<std::string, Owned> paths = owned_paths(*binding->layer);
  if (auto found = paths.find(path); found != paths.end())
    return found->second.state >= 0 ? state_now(found->second.state) : parameter_value(found->second.param);
  Diagnostic& d = error(Code::unknown_name, ast()[id].span,
                        fmt::format("the layer `{}` has no parameter or state `{}`", text, path));
  std::vector<std::string> known;
  for (const auto& [other, owned] : paths) known.push_back(fmt::format("`{}.{}`", text, other));
  d.helps.push_back("it has " + listed(known));
  return {};
}

// `u(0)` where u is bound to a layer: the same parameters, another first argument.
Value Lowering::call_again(const Layer& layer, ast::NodeId id) {
  std::span<const ast::NodeId> parts = ast().children(id);
  const std::string& text = ast()[parts[0]].text;
  if (parts.size() != 2 || ast()[parts[1]].kind == Kind::argument) {
    error(
        Code::wrong_arguments, ast()[id].span,
        fmt::format("`{}` is a layer: called again it takes another first argument and nothing else", text));
    return {};
  }
  Value first = evaluate(parts[1]);
  if (!first.ok()) return {};
  std::vector<Argument> arguments = layer.arguments;
  arguments[0].value = std::move(first);
  arguments[0].span = ast()[parts[1]].span;
  arguments[0].node = parts[1];
  for (std::size_t i = 1; i < arguments.size(); ++i) arguments[i].node = {};  // of another place
  return call_in(std::make_shared<Layer>(layer), *layer.function, std::move(arguments), ast()[id].span, id);
}

// A layer that is evaluated again has its parameters already.
void Lowering::made_param(ast::NodeId id, Binding& binding) {
  const ast::Node& node = ast()[id];
  bool there = layer_->next < layer_->entries.size() && layer_->entries[layer_->next].param >= 0 &&
               layer_->entries[layer_->next].label == node.text;
  if (!there) {
    error(Code::wrong_kind, node.span,
          fmt::format("with this argument the layer would have another parameter `{}`", node.text))
        .notes.push_back("a layer that is called again has the parameters of its first call");
    return;
  }
  int index = layer_->entries[layer_->next++].param;
  ast::NodeId brackets = ast().find(id, Kind::shape);
  auto shape = brackets.valid() ? declared_shape(brackets) : std::nullopt;
  const Axes& axes = model.params[static_cast<std::size_t>(index)].axes;
  if (brackets.valid() && !shape) return;
  if (shape && *shape != axes) {
    error(Code::shapes_differ, node.span,
          fmt::format("with this argument `{}` would be {}, it is {}", node.text, to_string({false, *shape}),
                      to_string({false, axes})))
        .notes.push_back("a layer that is called again has the parameters of its first call");
    return;
  }
  binding.value = parameter_value(index);
}

// `repeat(x, n, f)`: f(…f(f(x))), each with parameters of its own.
Value Lowering::repeat(const std::vector<Argument>& arguments, Span span, ast::NodeId whole) {
  auto given = take_arguments("repeat", arguments, span);
  if (!given) return {};
  const Argument &x = *(*given)[0], &n = *(*given)[1], &f = *(*given)[2];
  auto count = whole_number(n.value, n.span, "how often `repeat` applies a function");
  if (!count) return {};
  if (*count < 0 || *count > most_repeats) {
    error(Code::bad_option_value, n.span,
          fmt::format("`repeat` applies a function 0 to {} times, not {}", most_repeats, *count));
    return {};
  }
  if (f.value.is != Is::function) {
    if (f.value.ok())
      error(Code::wrong_kind, f.span, "`repeat` needs a function as its third argument")
          .helps.push_back("for example `repeat(x, 3, block)` with `def block(x) = …`");
    return {};
  }
  Value value = x.value;
  for (std::int64_t i = 1; i <= *count && value.ok(); ++i) {
    InLayer inside(*this, std::to_string(i), true, whole);
    value = call(*f.value.function, {{"", std::move(value), x.span, {}}}, span, whole);
  }
  return value;
}

// --- what owns parameters, by the text alone ---
namespace {

bool mentions(const ast::Ast& tree, ast::NodeId id, const std::set<std::string, std::less<>>& owners) {
  std::vector<ast::NodeId> rest{id};
  while (!rest.empty()) {
    ast::NodeId at = rest.back();
    rest.pop_back();
    const ast::Node& node = tree[at];
    if (node.kind == Kind::params || (node.kind == Kind::name && owners.contains(node.text))) return true;
    for (ast::NodeId child : tree.children(at)) rest.push_back(child);
  }
  return false;
}

void add_owners(const ast::Ast& tree, std::set<std::string, std::less<>>& owners) {
  for (ast::NodeId id : tree.children(tree.root()))
    if (tree[id].kind == Kind::def && mentions(tree, id, owners)) owners.insert(tree[id].text);
}

}  // namespace

// Whether the model, its layers included, declares a parameter: then the short form adds none.
bool Lowering::declares_parameter() const {
  static const auto of_prelude = [] {
    std::set<std::string, std::less<>> owners;
    add_owners(prelude(), owners);
    return owners;
  }();
  std::set<std::string, std::less<>> owners = of_prelude;
  std::vector<const ast::Ast*> trees = users_trees();
  for (std::size_t i = trees.size(); i-- > 0;) add_owners(*trees[i], owners);  // the model last
  for (ast::NodeId id : model_ast_.children(model_ast_.root()))
    if (model_ast_[id].kind != Kind::def && mentions(model_ast_, id, owners)) return true;
  return false;
}

}  // namespace slope
