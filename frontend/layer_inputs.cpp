// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the prelude's layers need of their inputs: a mistake is told of where the layer is called, in the
// user's words, rather than somewhere inside it.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "frontend/lowering.h"

namespace slope {

using ast::Kind;
using Is = Value::Is;

namespace {

constexpr std::size_t any = 99;

// How many axes the first arguments have, for one row.
struct LayerInput {
  std::string_view function;
  std::size_t arguments, least, most;
  std::string_view form, last;  // its axes, and what the last of them is where there is one of each
};
constexpr LayerInput layer_inputs[] = {
    {"dense", 1, 1, any, "[…, features]", "feature"},
    {"layer_norm", 1, 1, any, "[…, features]", "feature"},
    {"batch_norm", 1, 1, any, "[…, features]", "feature"},
    {"conv2d", 1, 3, 3, "[height, width, channels]", "channel"},
    {"max_pool", 1, 3, 3, "[height, width, channels]", "channel"},
    {"avg_pool", 1, 3, 3, "[height, width, channels]", "channel"},
    {"rnn", 1, 2, any, "[rounds, features]", "feature"},
    {"gru", 1, 2, any, "[rounds, features]", "feature"},
    {"lstm", 1, 2, any, "[rounds, features]", "feature"},
    {"attention", 3, 2, any, "[…, places, features]", "feature"},
};

}  // namespace

bool Lowering::layer_inputs_fit(const Function& function, const std::vector<Argument>& arguments, Span span) {
  if (function.ast != &prelude() || span.file == prelude_file) return true;
  if (function.name == "embedding") return embedding_fits(arguments);
  for (const LayerInput& layer : layer_inputs) {
    if (layer.function != function.name) continue;
    for (std::size_t k = 0; k < std::min(layer.arguments, arguments.size()); ++k) {
      const Argument& x = arguments[k];
      if (!x.name.empty() || !x.value.tensor()) return true;
      std::size_t axes = shape_of(x.value).axes.size();
      if (axes >= layer.least && axes <= layer.most) continue;
      Diagnostic& d = error(
          Code::shapes_differ, x.span,
          fmt::format("`{}` takes {}, {} is {}", layer.function, layer.form,
                      x.node.valid() ? "`" + shown(x.node) + "`" : "this", in_words(shape_of(x.value))));
      if (x.node.valid()) name_declarations(d, x.node);
      missing_axis(x, layer.least, layer.last, d);
      return false;
    }
    return layer.function != "attention" || attention_fits(arguments);
  }
  return true;
}

// The way out where one axis is missing: one feature, one channel.
void Lowering::missing_axis(const Argument& x, std::size_t least, std::string_view last, Diagnostic& d) {
  const Axes& axes = shape_of(x.value).axes;
  std::string written = x.node.valid() ? shown(x.node) : "x";
  if (x.node.valid() && !calls_.empty() && calls_.back()->ast == &model_ast_) d.related.push_back(call_site_);
  if (axes.size() > least) {
    d.notes.push_back("a model is written for one row: there is no axis for rows or batches");
  } else if (axes.empty()) {
    d.helps.push_back(least == 1 ? fmt::format("`[{}]` is a vector of one {}", written, last)
                                 : "a column of several cells has axes: `data x[24, 1] … columns a..z`");
  } else if (axes.size() + 1 < least) {
    d.helps.push_back(fmt::format("`reshape({}, […])` gives it {} axes", written, least));
  } else {
    std::string sizes = fmt::format("[{}, 1]", fmt::join(axes, ", "));
    Binding* binding =
        x.node.valid() && ast()[x.node].kind == Kind::name ? lookup(ast()[x.node].text) : nullptr;
    if (x.node.valid() && ast()[x.node].kind == Kind::call && ast()[ast().child(x.node, 0)].text == "reshape")
      written = shown(ast().child(x.node, 1));
    std::string way = fmt::format("with one {}: `reshape({}, {})`", last, written, sizes);
    if (binding && binding->column >= 0) way += fmt::format(", or read as `data {}{} …`", written, sizes);
    d.helps.push_back(way);
  }
}

// Queries and keys have one width, keys and values one length.
bool Lowering::attention_fits(const std::vector<Argument>& arguments) {
  if (arguments.size() < 3) return true;
  auto fault = [&](const Argument& a, const Argument& b, std::string message) {
    Diagnostic& d = error(Code::shapes_differ, b.span, std::move(message));
    for (const Argument* x : {&a, &b})
      if (x->node.valid()) name_declarations(d, x->node);
    return false;
  };
  auto said = [&](const Argument& x) {
    return fmt::format("{} is {}", x.node.valid() ? "`" + shown(x.node) + "`" : "one",
                       in_words(shape_of(x.value)));
  };
  const Argument &q = arguments[0], &k = arguments[1], &v = arguments[2];
  const Axes &width = shape_of(q.value).axes, &keys = shape_of(k.value).axes,
             &values = shape_of(v.value).axes;
  if (width.back() != keys.back())
    return fault(q, k,
                 fmt::format("`attention` compares queries and keys of one width: {}, {}", said(q), said(k)));
  if (keys[keys.size() - 2] != values[values.size() - 2])
    return fault(k, v, fmt::format("`attention` takes a value for every key: {}, {}", said(k), said(v)));
  return true;
}

// embedding(i, count, n): i are integers, all below count.
bool Lowering::embedding_fits(const std::vector<Argument>& arguments) {
  if (arguments.empty() || arguments[0].value.is != Is::node || !arguments[0].name.empty()) return true;
  const Argument& i = arguments[0];
  std::string written = i.node.valid() ? shown(i.node) : "i";
  if (i.value.classes == 0) {
    Diagnostic& d =
        error(Code::wrong_kind, i.span, fmt::format("`embedding` takes integers, `{}` is a float", written));
    if (i.node.valid()) name_declarations(d, i.node);
    Binding* binding =
        i.node.valid() && ast()[i.node].kind == Kind::name ? lookup(ast()[i.node].text) : nullptr;
    d.helps.push_back(
        binding && binding->column >= 0
            ? fmt::format("`data {} : index …` reads whole numbers from 0 on, `: class` labels", written)
            : "columns declared `: index` or `: class`, `argmax` and `iota` are integers");
    return false;
  }
  if (arguments.size() < 2 || arguments[1].value.is != Is::number ||
      arguments[1].value.number >= static_cast<double>(i.value.classes))
    return true;
  Diagnostic& d = error(Code::shapes_differ, arguments[1].span,
                        fmt::format("`{}` goes up to {}, the embedding has {} vectors", written,
                                    i.value.classes - 1, arguments[1].value.number));
  if (i.node.valid()) name_declarations(d, i.node);
  d.helps.push_back(fmt::format("`classes({})` is how many there are", written));
  return false;
}

}  // namespace slope
