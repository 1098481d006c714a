// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Functions that call themselves, alone or in a circle, by the text alone: they are refused whether or not
// something calls them. A function sees what stands above it, so a circle always has a name in it that is
// defined no earlier than the function that uses it; the message stands there.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

#include "frontend/lowering.h"

namespace slope {

using ast::Kind;

namespace {

// The nodes below, in no order; no recursion, as trees may be as deep as the text is long.
template <class F>
void each_below(const ast::Ast& tree, ast::NodeId top, F f) {
  std::vector<ast::NodeId> rest(tree.children(top).begin(), tree.children(top).end());
  while (!rest.empty()) {
    ast::NodeId id = rest.back();
    rest.pop_back();
    f(id);
    rest.insert(rest.end(), tree.children(id).begin(), tree.children(id).end());
  }
}

// The functions that one block or the model defines, and which uses which.
class Calls {
 public:
  struct Use {
    std::size_t of = 0;
    Span span;
  };
  struct Function {
    std::string name;
    std::vector<Use> uses;  // by place in the text
  };

  // `means_other(name)`: the name means something else above its definition.
  template <class F>
  Calls(const ast::Ast& tree, ast::NodeId block, F means_other) {
    std::map<std::string_view, std::size_t> numbers;
    std::vector<ast::NodeId> defs;
    for (ast::NodeId id : tree.children(block))
      if (tree[id].kind == Kind::def && numbers.try_emplace(tree[id].text, defs.size()).second)
        defs.push_back(id);
    for (std::size_t i = 0; i < defs.size(); ++i) {
      std::set<std::string_view> own;
      each_below(tree, defs[i], [&](ast::NodeId id) {
        if (ast::binds(tree[id].kind)) own.insert(tree[id].text);
      });
      functions_.push_back({tree[defs[i]].text, {}});
      std::unordered_map<ast::NodeId, Span> calls;  // by callee
      each_below(tree, defs[i], [&](ast::NodeId id) {
        const ast::Node& node = tree[id];
        if (node.kind == Kind::call) calls[tree.child(id, 0)] = node.span;
        auto found = node.kind == Kind::name ? numbers.find(node.text) : numbers.end();
        if (found == numbers.end() || own.contains(node.text)) return;
        if (found->second > i && means_other(node.text)) return;
        auto call = calls.find(id);
        functions_[i].uses.push_back({found->second, call == calls.end() ? node.span : call->second});
      });
      std::ranges::sort(functions_[i].uses, {}, [](const Use& use) { return use.span.begin; });
    }
  }

  // Calls f(circle) for circles: the functions one after the other, each with the use of the next. Every
  // function of a circle is in one that is found.
  template <class F>
  void each_circle(F f) const {
    enum class Seen : std::uint8_t { no, on_the_way, done };
    std::vector<Seen> seen(functions_.size());
    for (std::size_t start = 0; start < functions_.size(); ++start) {
      std::vector<Step> way;
      if (seen[start] == Seen::no) way.push_back({start, 0});
      while (!way.empty()) {
        auto& [at, next] = way.back();
        seen[at] = Seen::on_the_way;
        if (next == functions_[at].uses.size()) {
          seen[at] = Seen::done;
          way.pop_back();
          continue;
        }
        std::size_t to = functions_[at].uses[next++].of;
        if (seen[to] == Seen::no) way.push_back({to, 0});
        else if (seen[to] == Seen::on_the_way)
          f(std::span<const Step>(std::ranges::find(way, to, &Step::function), way.end()));
      }
    }
  }
  struct Step {
    std::size_t function = 0, next_use = 0;  // behind the one that leads on
  };

  const Function& operator[](std::size_t i) const { return functions_[i]; }
  const Use& use(const Step& step) const { return functions_[step.function].uses[step.next_use - 1]; }

 private:
  std::vector<Function> functions_;
};

}  // namespace

void Lowering::check_recursion(const ast::Ast& tree) {
  std::map<std::string_view, int> bound;  // how often in the tree
  for (std::size_t i = 0; i < tree.size(); ++i) {
    const ast::Node& node = tree[ast::NodeId(static_cast<std::int64_t>(i))];
    if (ast::binds(node.kind)) ++bound[node.text];
  }
  for (std::size_t i = 0; i < tree.size(); ++i) {
    ast::NodeId block(static_cast<std::int64_t>(i));
    if (tree[block].kind != Kind::block && block != tree.root()) continue;
    Calls calls(tree, block, [&](const std::string& name) {
      bool outside = block != tree.root() && bound[name] > 1;  // it may stand above, around the block
      return outside || prelude_scope_.names.contains(name) || built_in(name);
    });
    std::set<std::uint32_t> told;
    calls.each_circle([&](std::span<const Calls::Step> circle) {
      // From the function that uses one that is defined no earlier.
      auto first = std::ranges::find_if(
          circle, [&](const Calls::Step& step) { return calls.use(step).of >= step.function; });
      if (!told.insert(calls.use(*first).span.begin).second) return;
      std::vector<Calls::Step> order(first, circle.end());
      order.insert(order.end(), circle.begin(), first);
      say_recursion(calls[order[0].function].name, calls.use(order[0]).span, [&] {
        std::vector<std::string> others;
        for (const Calls::Step& step : std::span(order).subspan(1))
          others.push_back(fmt::format("`{}`", calls[step.function].name));
        if (others.size() > 8) others.erase(others.begin() + 4, others.end() - 3), others[3] = "…";
        return others;
      }());
    });
  }
}

void Lowering::say_recursion(const std::string& function, Span span,
                             const std::vector<std::string>& through) {
  std::string way = through.empty() ? "" : fmt::format(", through {}", fmt::join(through, " and "));
  error(Code::recursion, span, fmt::format("`{}` calls itself{}", function, way))
      .helps.push_back("a function is inlined, so it cannot; a `scan` repeats a step");
}

}  // namespace slope
