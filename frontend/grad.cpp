// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Derivatives that a model writes itself: grad(y, x), and stop_gradient(x).
#include <fmt/format.h>

#include "frontend/lowering.h"
#include "graph/gradient.h"

namespace slope {

using ast::Kind;
using Is = Value::Is;

namespace {

// y and x of a call of grad, by position or by name; −1 nodes where they are not given.
struct GradArguments {
  ast::NodeId y, x;
  ast::NodeId surplus;  // an argument that grad does not have
};
GradArguments grad_arguments(const ast::Ast& tree, ast::NodeId call) {
  GradArguments out;
  for (ast::NodeId part : tree.children(call).subspan(1)) {
    const ast::Node& node = tree[part];
    bool named = node.kind == Kind::argument;
    ast::NodeId value = named ? tree.child(part, 0) : part;
    ast::NodeId& place = named            ? (node.text == "y"   ? out.y
                                             : node.text == "x" ? out.x
                                                                : out.surplus)
                         : !out.y.valid() ? out.y
                         : !out.x.valid() ? out.x
                                          : out.surplus;
    if (place.valid()) out.surplus = part;
    else place = value;
  }
  return out;
}

// `x`, or a parameter of a layer: `hidden.W`, `u.dense_1.W`.
bool names_a_value(const ast::Ast& tree, ast::NodeId x) {
  const ast::Node& node = tree[x];
  if (node.kind == Kind::name) return true;
  return node.kind == Kind::member && node.text != "T" && names_a_value(tree, tree.child(x, 0));
}

}  // namespace

// Which names are differentiated by: their values are kept apart from others that are computed the same way.
void Lowering::note_differentiated() {
  for (const ast::Ast* tree : users_trees())
    for (std::size_t i = 0; i < tree->size(); ++i) {
      ast::NodeId id(static_cast<std::int64_t>(i));
      if ((*tree)[id].kind != Kind::call || (*tree)[tree->child(id, 0)].text != "grad") continue;
      ast::NodeId x = grad_arguments(*tree, id).x;
      if (x.valid() && names_a_value(*tree, x)) differentiated_.insert((*tree)[x].text);
    }
}

// A definition's or argument's value, as a node of its own where the model differentiates by its name.
Value Lowering::differentiable(const std::string& name, const Value& value, Span span) {
  if (ast_ == &prelude() || !differentiated_.contains(name)) return value;
  bool real = value.tensor() && !is_truth(value) && value.classes == 0;
  if (!real || (value.is == Is::array && value.array->values.empty())) return value;
  Graph::Origin origin(graph(), place(span));
  return Value::of(graph().tap(to_node(value)));
}

// The derivative of the sum of all of y by what the name x stands for, with x's shape.
Value Lowering::grad(ast::NodeId call) {
  Span span = ast()[call].span;
  GradArguments given = grad_arguments(ast(), call);
  if (!given.y.valid() || !given.x.valid() || given.surplus.valid()) {
    error(Code::wrong_arguments, given.surplus.valid() ? ast()[given.surplus].span : span,
          "`grad` takes a value and the name to differentiate by")
        .notes.push_back("its form is `grad(y, x)`");
    return {};
  }
  Value y = evaluate(given.y);
  if (!names_a_value(ast(), given.x)) {
    error(Code::wrong_kind, ast()[given.x].span, "`grad` differentiates by a name, this is an expression")
        .helps.push_back("give it one: `u = …`, then use `u` in what is differentiated");
    return {};
  }
  Value x = evaluate(given.x);
  if (!y.ok() || !x.ok()) return {};
  if (!numeric(y, ast()[given.y].span, "`grad`") || !numeric(x, ast()[given.x].span, "`grad`")) return {};
  if (x.is != Is::node || graph()[x.node].type != Type::real) {
    Diagnostic& d = error(Code::wrong_kind, ast()[given.x].span,
                          fmt::format("`{}` is {}: nothing changes with it", shown(given.x),
                                      is_truth(x) ? "a truth value" : "a constant"));
    d.helps.push_back("`grad` differentiates by a parameter, a column, an argument or a definition");
    return {};
  }
  if (graph().size() > most_nodes) {
    if (said_.insert({"grad", 0}).second)
      error(Code::too_many_operations, span,
            fmt::format("the derivatives of the model have more than {} operations", most_nodes))
          .helps.push_back("each `grad` of a `grad` is several times as large as what it differentiates");
    return {};
  }
  NodeId total = graph().to_real(to_node(y));
  Axes all;
  for (std::size_t i = 0; i < graph().shape(total).axes.size(); ++i)
    all.push_back(static_cast<std::int64_t>(i));
  if (graph().has_rows(total)) all.push_back(rows_axis);
  total = graph().reduce(Reduction::sum, total, all);
  if (!without_order(total, "what is differentiated", span)) return {};
  NodeId derivative = differentiate(graph(), total, std::span(&x.node, 1))[0];
  if (!derivative.valid()) {
    warn_of_zero(given.x);
    derivative = graph().constant(0);
  }
  Shape shape = graph().shape(x.node);
  return Value::of(graph().broadcast(derivative, shape));
}

void Lowering::warn_of_zero(ast::NodeId x) {
  const ast::Node& node = ast()[x];
  Diagnostic& d = diagnostics_->warning(
      Code::no_dependence, node.span,
      fmt::format("this derivative is 0: the value does not use the name `{}`", shown(x)));
  d.notes.push_back(
      "what counts is use through that name; the same expression written again is another value");
}

Value Lowering::stop_gradient(const std::vector<Argument>& arguments, Span span) {
  if (arguments.size() != 1) {
    wrong_arguments(*built_in("stop_gradient"), span,
                    fmt::format("`stop_gradient` takes 1 argument, not {}", arguments.size()));
    return {};
  }
  const Argument& x = arguments[0];
  if (x.value.constant() || !numeric(x.value, x.span, "`stop_gradient`")) return x.value;
  return Value::of(graph().stop_gradient(x.value.node));
}

}  // namespace slope
