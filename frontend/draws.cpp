// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Random numbers. Starts of parameters: `~ normal(mean, sd)`, `~ uniform(lo, hi)` and the initialisers of
// networks; a number depends on the seed, the parameter's name and the element's place, on nothing else. And
// draws, `NAME ~ DIST`, new in every training step (graph/graph.h, "Random numbers").
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/hash.h"
#include "base/text.h"
#include "frontend/lowering.h"
#include "graph/philox.h"

namespace slope {

using ast::Kind;

namespace {

// How many elements of the value before, and after, one element is multiplied with: the last two axes are in
// and out, axes before them a window that both see; a vector is both.
struct Fans {
  double in = 1, out = 1;
};
Fans fans_of(const Axes& axes) {
  if (axes.empty()) return {};
  double window = 1;
  for (std::size_t k = 0; k + 2 < axes.size(); ++k) window *= static_cast<double>(axes[k]);
  double last = static_cast<double>(axes.back());
  return {window * (axes.size() > 1 ? static_cast<double>(axes[axes.size() - 2]) : last), window * last};
}

constexpr std::string_view distributions[] = {"normal", "uniform", "glorot", "he", "lecun", "orthogonal"};

// The words before the parentheses, and what stands in them.
struct Written {
  std::string name;
  std::vector<ast::NodeId> arguments;
};
Written written(const ast::Ast& tree, ast::NodeId id) {
  if (tree[id].kind != Kind::call) return {tree[id].kind == Kind::name ? tree[id].text : "", {}};
  auto parts = tree.children(id);
  return {tree[parts[0]].text, {parts.begin() + 1, parts.end()}};
}

}  // namespace

// Two numbers that make a distribution: mean and sd, or the ends. No value after an error.
std::optional<Lowering::Distribution> Lowering::distribution(ast::NodeId id, const Axes& axes) {
  Written given = written(ast(), id);
  Span span = ast()[id].span;
  Fans fans = fans_of(axes);
  bool two = given.name == "normal" || given.name == "uniform";
  if (two && given.arguments.size() == 2) {
    std::array<double, 2> numbers{};
    for (std::size_t k = 0; k < 2; ++k) {
      if (ast()[given.arguments[k]].kind == Kind::argument) break;
      auto number = constant_number(given.arguments[k], fmt::format("an argument of `{}`", given.name));
      if (!number) return {};
      numbers[k] = *number;
    }
    bool normal = given.name == "normal";
    bool fits = std::isfinite(numbers[0]) && std::isfinite(numbers[1]) &&
                (normal ? numbers[1] >= 0 : numbers[0] <= numbers[1]);
    if (fits)
      return Distribution{normal ? Distribution::Is::normal : Distribution::Is::uniform, numbers[0],
                          numbers[1]};
    error(Code::bad_option_value, span,
          normal ? "`normal(mean, sd)` needs finite numbers, the second not below 0"
                 : "`uniform(lo, hi)` needs finite numbers, the first not above the second");
    return {};
  }
  if (given.arguments.empty() && given.name == "glorot") {
    double limit = std::sqrt(6 / (fans.in + fans.out));
    return Distribution{Distribution::Is::uniform, -limit, limit};
  }
  auto normal = [](double sd) { return Distribution{Distribution::Is::normal, 0, sd}; };
  if (given.arguments.empty() && given.name == "he") return normal(std::sqrt(2 / fans.in));
  if (given.arguments.empty() && given.name == "lecun") return normal(std::sqrt(1 / fans.in));
  if (given.arguments.empty() && given.name == "orthogonal") {
    if (axes.size() >= 2) return Distribution{Distribution::Is::orthogonal, 0, 1};
    error(Code::shapes_differ, span,
          fmt::format("`orthogonal` is a start for matrices, this is {}", to_string({false, axes})));
    return {};
  }
  Diagnostic& d = error(Code::wrong_arguments, span, "this is no distribution of a start");
  std::vector<std::string> names(std::begin(distributions), std::end(distributions));
  if (std::string near = nearest(given.name, names); !near.empty() && near != given.name)
    d.helps.push_back(fmt::format("did you mean `{}`?", near));
  d.notes.push_back("they are normal(mean, sd), uniform(lo, hi), glorot, he, lecun and orthogonal");
  return {};
}

// Drawn is it when its name is known (draw_start).
std::optional<Parameter> Lowering::drawn_parameter(ast::NodeId id, ast::NodeId from) {
  const ast::Node& node = ast()[id];
  ast::NodeId brackets = ast().find(id, Kind::shape);
  auto shape = brackets.valid() ? declared_shape(brackets) : Axes{};
  if (!shape) return {};
  auto drawn = distribution(from, *shape);
  if (!drawn || !fits_memory(elements({false, *shape}), ast()[id].span, node.text)) return {};
  auto count = static_cast<std::size_t>(elements({false, *shape}));
  drawn_starts_.emplace_back(static_cast<int>(model.params.size()), *drawn);
  return Parameter{node.text, std::vector<double>(count), place(node.name), *shape};
}

namespace {

// Box and Muller's; 1 − u is never 0.
double normal_number(std::uint64_t key, std::uint64_t counter) {
  auto [u, v] = uniform_pair(key, counter);
  return std::sqrt(-2 * math::log(1 - u)) * math::cos(2 * std::numbers::pi * v);
}

}  // namespace

// Rows or columns, whichever are fewer, of normal numbers, made orthonormal one after the other (Gram and
// Schmidt's way, twice for accuracy). The last axis are the columns.
std::vector<double> Lowering::orthogonal(std::uint64_t key, const Axes& axes) const {
  auto columns = static_cast<std::size_t>(axes.back());
  std::size_t rows = static_cast<std::size_t>(elements({false, axes})) / columns;
  std::size_t count = std::min(rows, columns), length = std::max(rows, columns);
  std::vector<std::vector<double>> basis;
  auto dot = [](const std::vector<double>& a, const std::vector<double>& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
    return sum;
  };
  for (std::size_t k = 0; k < count; ++k) {
    std::vector<double> x(length);
    for (std::size_t i = 0; i < length; ++i) x[i] = normal_number(key, k * length + i);
    for (int pass = 0; pass < 2; ++pass)
      for (const std::vector<double>& other : basis) {
        double along = dot(x, other);
        for (std::size_t i = 0; i < length; ++i) x[i] -= along * other[i];
      }
    double norm = std::sqrt(dot(x, x));
    for (double& value : x) value /= norm;
    basis.push_back(std::move(x));
  }
  std::vector<double> out(rows * columns);
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t j = 0; j < columns; ++j)
      out[i * columns + j] = rows <= columns ? basis[i][j] : basis[j][i];
  return out;
}

void Lowering::draw_start(Parameter& param, const Distribution& distribution) {
  Hash key;
  key.add(static_cast<std::uint64_t>(start_seed_));
  key.add(param.name);
  auto draw = [&](std::size_t e) {
    if (distribution.is == Distribution::Is::normal)
      return distribution.a + distribution.b * normal_number(key.value(), e);
    return distribution.a + (distribution.b - distribution.a) * uniform_pair(key.value(), e)[0];
  };
  if (distribution.is == Distribution::Is::orthogonal) param.start = orthogonal(key.value(), param.axes);
  else
    for (std::size_t e = 0; e < param.start.size(); ++e) param.start[e] = draw(e);
  if (graph().precision() == Precision::f32)
    for (double& value : param.start) value = static_cast<double>(static_cast<float>(value));
}

namespace {

struct Draw {
  std::string_view name;
  std::vector<std::string_view> formals;
  std::string_view form;
};
const Draw draws[] = {{"uniform", {"lo", "hi"}, "uniform(lo, hi, like=…)"},
                      {"normal", {"mean", "sd"}, "normal(mean, sd, like=…)"},
                      {"bernoulli", {"p"}, "bernoulli(p, like=…)"}};

// What the numbers that the compiler knows must be; "" where they are.
std::string_view fault_of(const Draw& draw, std::span<const Argument> given) {
  auto known = [&](std::size_t i) { return given[i].value.known(); };
  auto number = [&](std::size_t i) { return given[i].value.number; };
  for (const Argument& argument : given)
    if (argument.value.known() && !std::isfinite(argument.value.number)) return "needs finite numbers";
  if (draw.name == "bernoulli" && known(0) && !(number(0) >= 0 && number(0) <= 1))
    return "needs a probability, from 0 to 1";
  if (draw.name == "normal" && known(1) && number(1) < 0) return "needs a standard deviation not below 0";
  if (draw.name == "uniform" && known(0) && known(1) && number(0) > number(1))
    return "needs the lower end first";
  return "";
}

}  // namespace

// The arguments of a draw in the order of its formals, the last of them `like` where it is given.
std::optional<std::vector<Argument>> Lowering::draw_arguments(ast::NodeId from,
                                                              std::span<const std::string_view> formals,
                                                              std::string_view form) {
  std::vector<std::string_view> names(formals.begin(), formals.end());
  names.push_back("like");
  std::vector<Argument> out(names.size());
  auto wrong = [&](Span span, std::string message) {
    error(Code::wrong_arguments, span, std::move(message))
        .notes.push_back(fmt::format("its form is `{}`", form));
    return std::nullopt;
  };
  std::size_t position = 0;
  for (ast::NodeId part : written(ast(), from).arguments) {
    const ast::Node& node = ast()[part];
    bool named = node.kind == Kind::argument;
    auto found = named ? std::find(names.begin(), names.end(), node.text)
                       : names.begin() + static_cast<std::ptrdiff_t>(std::min(position++, formals.size()));
    if (found == names.end()) return wrong(node.span, fmt::format("a draw has no argument `{}`", node.text));
    if (!named && *found == "like") return wrong(node.span, "one argument too many");
    Argument& argument = out[static_cast<std::size_t>(found - names.begin())];
    if (argument.node.valid()) return wrong(node.span, fmt::format("`{}` is given twice", *found));
    argument.node = named ? ast().child(part, 0) : part;
    argument.span = ast()[argument.node].span;
    argument.value = evaluate(argument.node);
    if (!argument.value.ok() || !numeric(argument.value, argument.span, "a draw")) return {};
  }
  for (std::size_t i = 0; i < formals.size(); ++i)
    if (!out[i].node.valid()) return wrong(ast()[from].span, fmt::format("`{}` is missing", formals[i]));
  if (!out.back().node.valid()) out.pop_back();
  return out;
}

// The shape of the arguments together, or that of `like`, into which they must fit.
std::optional<Shape> Lowering::draw_shape(ast::NodeId from, std::span<const Argument> arguments,
                                          std::size_t formals) {
  std::vector<WrittenOperand> operands;
  for (const Argument& argument : arguments) operands.push_back({argument.value, argument.node});
  auto common = line_up(from, operands);
  if (!common || arguments.size() == formals) return common;
  Shape like = shape_of(arguments.back().value);
  if (*common == like) return common;
  error(Code::shapes_differ, arguments.back().span,
        fmt::format("the arguments of the draw are {} together, `like` is {}", in_words(*common),
                    in_words(like)))
      .helps.push_back("leave out `like`: the shape is that of the arguments");
  return {};
}

// A new number for every element in every training step.
Value Lowering::draw(const std::string& name, ast::NodeId from) {
  std::string called = written(ast(), from).name;
  auto found =
      std::find_if(std::begin(draws), std::end(draws), [&](const Draw& d) { return d.name == called; });
  Span span = ast()[from].span;
  if (found == std::end(draws)) {
    Diagnostic& d = error(Code::wrong_arguments, span, "this is no distribution of a draw");
    d.notes.push_back("they are normal(mean, sd), uniform(lo, hi) and bernoulli(p)");
    return {};
  }
  auto arguments = draw_arguments(from, found->formals, found->form);
  if (!arguments) return {};
  std::span<const Argument> numbers = std::span(*arguments).first(found->formals.size());
  if (std::string_view fault = fault_of(*found, numbers); !fault.empty()) {
    error(Code::bad_option_value, span, fmt::format("`{}` {}", found->form, fault));
    return {};
  }
  auto shape = draw_shape(from, *arguments, numbers.size());
  if (!shape) return {};

  std::string path = owned_name(name);
  Hash key;
  if (optimizing_) key.add(optimized_name());
  key.add(path);
  model.random = true;
  if (!optimizing_) model.uses_training = true;
  Graph::Origin origin(graph(), place(span));
  ShapeId id = graph().intern(*shape);
  auto word = [&](int which) {
    slope::NodeId node = graph().draw({key.value(), which}, id);
    graph().name(node, found->name == "normal" ? fmt::format("{}.{}", path, which) : path);
    return Value::of(node);
  };
  auto is = [](const Value& value, double number) { return value.known() && value.number == number; };
  const Value& a = numbers[0].value;
  if (found->name == "bernoulli") return apply(id_of<op::Less>(), {word(0), a});
  const Value& b = numbers[1].value;
  if (found->name == "uniform") {
    if (is(a, 0) && is(b, 1)) return word(0);
    Value width = apply(id_of<op::Sub>(), {b, a});
    return apply(id_of<op::Add>(), {a, apply(id_of<op::Mul>(), {width, word(0)})});
  }
  // Box and Muller's, as for starts.
  Value logarithm = apply(id_of<op::Log>(), {apply(id_of<op::Sub>(), {Value::of(1.0), word(0)})});
  Value radius = apply(id_of<op::Sqrt>(), {apply(id_of<op::Mul>(), {Value::of(-2.0), logarithm})});
  Value angle = apply(id_of<op::Mul>(), {Value::of(2 * std::numbers::pi), word(1)});
  Value standard = apply(id_of<op::Mul>(), {radius, apply(id_of<op::Cos>(), {angle})});
  if (is(a, 0) && is(b, 1)) return standard;
  return apply(id_of<op::Add>(), {a, apply(id_of<op::Mul>(), {b, standard})});
}

}  // namespace slope
