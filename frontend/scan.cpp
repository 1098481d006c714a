// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `scan z in x, h = start { …; h := next; value }`: the block is evaluated once for every index of the first
// axis of its inputs, so the graph holds every round, and its derivative keeps every carried value.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "frontend/layers.h"
#include "frontend/lowering.h"

namespace slope {

using ast::Kind;
using Is = Value::Is;

// One `scan` while it is evaluated.
class Lowering::Scan {
 public:
  Scan(Lowering& lowering, ast::NodeId id) : l_(lowering), id_(id), inside_(lowering, "scan", false, id) {}

  Value run() {
    if (!read_binders()) return {};
    std::vector<Value> values;
    for (std::int64_t k = 0; k < rounds_; ++k) {
      // Of the first round the shapes of what is carried are learned.
      std::vector<Value> before = starts();
      Value value = round(k);
      while (k == 0 && value.ok() && widen(before)) {
        before = starts();
        value = round(k);
      }
      if (!value.ok() || !keeps_shapes(before)) return {};
      for (Carry& carry : carries_) carry.value = carry.next;
      values.push_back(std::move(value));
    }
    ast::NodeId last = ast().children(block_).back();
    if (!same_shapes(values, last)) return {};
    std::vector<WrittenOperand> operands;
    for (const Value& value : values) operands.push_back({value, last});
    return l_.stacked(values, operands, id_);
  }

 private:
  struct Input {
    std::string name;
    Span span;
    Value value;
  };
  struct Carry {
    std::string name;
    Span span;
    ast::NodeId start;
    Value value, next;
    bool given = false;  // its next value, in this round
  };

  const ast::Ast& ast() const { return l_.ast(); }

  bool read_binders() {
    std::span<const ast::NodeId> parts = ast().children(id_);
    block_ = parts.back();
    bool fine = true;
    std::map<std::string_view, Span> names;
    for (ast::NodeId part : parts.first(parts.size() - 1)) {
      const ast::Node& node = ast()[part];
      if (auto [found, fresh] = names.try_emplace(node.text, node.name); !fresh) {
        l_.error(Code::defined_twice, node.name, fmt::format("`{}` stands twice in one `scan`", node.text))
            .related.push_back(found->second);
        fine = false;
      }
      ast::NodeId expression = ast().child(part, 0);
      Value value = l_.evaluate(expression);
      bool usable = l_.numeric(value, ast()[expression].span, "`scan`");
      fine = fine && usable;
      if (!usable) continue;
      if (node.kind == Kind::carry) carries_.push_back({node.text, node.name, expression, value, {}});
      else fine = input(node, expression, value) && fine;
    }
    if (fine && inputs_.empty()) {
      l_.error(Code::wrong_arguments, ast()[id_].name, "this `scan` goes over nothing")
          .helps.push_back("`scan k in iota(10), …` runs its block ten times");
      return false;
    }
    return fine;
  }

  bool input(const ast::Node& node, ast::NodeId expression, const Value& value) {
    Shape shape = l_.shape_of(value);
    if (shape.axes.empty()) {
      Diagnostic& d = l_.error(Code::shapes_differ, ast()[expression].span,
                               fmt::format("`scan` goes along the first axis of `{}`, which is {}",
                                           l_.shown(expression), in_words(shape)));
      if (shape.rows) d.notes.push_back("a model is written for one row: a scan does not go over rows");
      else d.helps.push_back("`iota(n)` counts from 0 to n − 1");
      return false;
    }
    if (!inputs_.empty() && shape.axes[0] != rounds_) {
      l_.error(Code::shapes_differ, ast()[expression].span,
               fmt::format("`{}` has {} elements along its first axis, `{}` {}", node.text, shape.axes[0],
                           inputs_[0].name, rounds_))
          .notes.push_back("the inputs of a `scan` go on together");
      return false;
    }
    rounds_ = shape.axes[0];
    inputs_.push_back({node.text, node.name, value});
    return true;
  }

  std::vector<Value> starts() const {
    std::vector<Value> out;
    for (const Carry& carry : carries_) out.push_back(carry.value);
    return out;
  }

  // The block with the inputs' elements of round k; sets what is carried on.
  Value round(std::int64_t k) {
    ready_layer();
    Scope inner;
    inner.parent = l_.scope_;
    Scope* outer = std::exchange(l_.scope_, &inner);
    for (const Input& input : inputs_) bind(inner, input.name, input.span, element(input.value, k));
    for (Carry& carry : carries_) {
      bind(inner, carry.name, carry.span, carry.value);
      carry.given = false;
    }
    std::span<const ast::NodeId> lines = ast().children(block_);
    bool fine = true;
    for (ast::NodeId line : lines.first(lines.size() - 1)) {
      const ast::Node& node = ast()[line];
      bool next = node.kind == Kind::define && ast()[ast().child(line, 0)].kind == Kind::next;
      if (!next) l_.statement(line);
      else fine = set_next(inner, line) && fine;
    }
    Value value = fine ? l_.evaluate(lines.back()) : Value{};
    bool usable = fine && l_.numeric(value, ast()[lines.back()].span, "the value of a `scan`");
    l_.scope_ = outer;
    return usable && all_given() ? value : Value{};
  }

  // Parameters are made once, however often the block is evaluated.
  void ready_layer() {
    Layer& layer = *inside_.layer();
    if (evaluated_) layer.made = true;
    layer.next = 0;
    evaluated_ = true;
  }

  void bind(Scope& scope, const std::string& name, Span span, const Value& value) {
    Binding binding{l_.differentiable(name, value, span), span};
    binding.used = true;
    scope.names[name] = binding;
  }

  Value element(const Value& value, std::int64_t k) {
    Shape shape = l_.shape_of(value);
    if (value.is == Is::array && shape.axes.size() == 1) {
      double number = value.array->values[static_cast<std::size_t>(k)];
      return value.array->truth ? Value::of(number != 0) : Value::of(number);
    }
    std::vector<Graph::Along> along{{k, 1, 1}};
    for (std::size_t axis = 1; axis < shape.axes.size(); ++axis) along.push_back({0, 1, shape.axes[axis]});
    Axes left(shape.axes.begin() + 1, shape.axes.end());
    Value out = l_.build({&value, 1}, ast()[id_].span, [&](Graph& g, std::span<const slope::NodeId> in) {
      return g.reshape(g.slice(in[0], along), left);
    });
    out.classes = value.classes;
    out.labelled = value.labelled;
    return out;
  }

  bool set_next(Scope& scope, ast::NodeId line) {
    const ast::Node& node = ast()[line];
    auto carry =
        std::find_if(carries_.begin(), carries_.end(), [&](const Carry& c) { return c.name == node.text; });
    if (carry == carries_.end()) {
      Diagnostic& d =
          l_.error(Code::wrong_kind, node.name, fmt::format("`{}` is not carried by this `scan`", node.text));
      d.helps.push_back(fmt::format("name it with its start: `scan …, {} = 0 {{ … }}`", node.text));
      return false;
    }
    if (carry->given) {
      l_.error(Code::defined_twice, node.name, fmt::format("`{}` gets a second next value", node.text))
          .notes.push_back("`:=` stands once for each carried name");
      return false;
    }
    ast::NodeId right = ast().child(ast().child(line, 0), 0);
    Binding named{{}, node.name};
    Value value = l_.evaluate_definition(line, right, named);
    if (!l_.numeric(value, ast()[right].span, fmt::format("`{}`", node.text))) return false;
    carry->given = true;
    carry->next = value;
    bind(scope, carry->name, node.name, value);
    return true;
  }

  bool all_given() {
    bool fine = true;
    for (const Carry& carry : carries_) {
      if (carry.given) continue;
      l_.error(Code::wrong_arguments, carry.span, fmt::format("`{}` has no next value", carry.name))
          .helps.push_back(fmt::format("write `{} := …` in the block", carry.name));
      fine = false;
    }
    return fine;
  }

  // Broadcasts starts to the shapes of the next values; whether one became wider.
  bool widen(const std::vector<Value>& before) {
    bool wider = false;
    for (std::size_t i = 0; i < carries_.size(); ++i) {
      Carry& carry = carries_[i];
      Shape from = l_.shape_of(before[i]), to = l_.shape_of(carry.next);
      if (from == to || common_shape(from, to) != to) continue;
      carry.value = Value::of(l_.graph().broadcast(l_.graph().to_real(l_.to_node(before[i])), to));
      wider = true;
    }
    return wider;
  }

  bool keeps_shapes(const std::vector<Value>& before) {
    for (std::size_t i = 0; i < carries_.size(); ++i) {
      Shape from = l_.shape_of(before[i]), to = l_.shape_of(carries_[i].next);
      if (from == to) continue;
      l_.error(Code::shapes_differ, carries_[i].span,
               fmt::format("`{}` is {}, its next value {}", carries_[i].name, in_words(from), in_words(to)))
          .notes.push_back("what a `scan` carries keeps its shape from round to round");
      return false;
    }
    return true;
  }

  // The values of all rounds go side by side.
  bool same_shapes(std::vector<Value>& values, ast::NodeId last) {
    Shape common = l_.shape_of(values[0]);
    for (const Value& value : values) {
      Shape shape = l_.shape_of(value);
      if (shape.axes != common.axes) {
        l_.error(Code::shapes_differ, ast()[last].span,
                 fmt::format("the value of this `scan` is {} in one round and {} in another",
                             in_words(common), in_words(shape)));
        return false;
      }
    }
    return true;
  }

  Lowering& l_;
  ast::NodeId id_, block_;
  InLayer inside_;
  std::vector<Input> inputs_;
  std::vector<Carry> carries_;
  std::int64_t rounds_ = 0;
  bool evaluated_ = false;
};

Value Lowering::scan(ast::NodeId id) { return Scan(*this, id).run(); }

}  // namespace slope
