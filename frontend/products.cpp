// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Sums of products: `@`, and `einsum`, which names the axes. Faults of their shapes are said here.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/text.h"
#include "frontend/lowering.h"

namespace slope {

using ast::Kind;
using Is = Value::Is;

namespace {

// The labels of each operand and of the result, or what is wrong with the text.
struct EinsumLabels {
  std::vector<std::string> in{""};
  std::string out, fault;
};

EinsumLabels read_labels(const std::string& written) {
  EinsumLabels labels;
  std::string text, all;
  for (char c : written)
    if (c != ' ') text += c;
  auto with = [&](std::string fault) {
    labels.fault = std::move(fault);
    return labels;
  };
  std::size_t arrow = text.find("->");
  for (char c : text.substr(0, arrow)) {
    if (c == ',') labels.in.emplace_back();
    else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) labels.in.back() += c, all += c;
    else return with("the labels of `einsum` are letters");
  }
  if (arrow == std::string::npos) {
    for (char c : all)
      if (std::count(all.begin(), all.end(), c) == 1) labels.out += c;
    std::sort(labels.out.begin(), labels.out.end());
  } else {
    labels.out = text.substr(arrow + 2);
  }
  for (char c : labels.out) {
    if (all.find(c) == std::string::npos)
      return with(fmt::format("no operand has the axis of the result {}", escaped(std::string(1, c))));
    if (std::count(labels.out.begin(), labels.out.end(), c) > 1)
      return with(fmt::format("the result has `{}` twice", c));
  }
  return labels;
}

// Of two axes with one label the diagonal, as the last axis: of both as one, each n + 1-th element.
NodeId diagonals(Graph& g, NodeId x, std::string& labels) {
  for (std::size_t b = 0; b < labels.size(); ++b) {
    std::size_t a = labels.find(labels[b]);
    if (a == b) continue;
    Axes order, axes;
    std::string left;
    std::int64_t n = g.shape(x).axes[a];
    for (std::size_t k = 0; k < labels.size(); ++k) {
      if (k == a || k == b) continue;
      order.push_back(static_cast<std::int64_t>(k));
      axes.push_back(g.shape(x).axes[k]);
      left += labels[k];
    }
    order.insert(order.end(), {static_cast<std::int64_t>(a), static_cast<std::int64_t>(b)});
    axes.push_back(n * n);
    x = g.reshape(g.permute(x, order), axes);
    std::vector<Graph::Along> along;
    for (std::size_t k = 0; k + 1 < axes.size(); ++k) along.push_back({0, 1, axes[k]});
    along.push_back({0, n + 1, n});
    x = g.slice(x, along);
    labels = left + labels[b];
    b = 0;
  }
  return x;
}

// From the left, two at a time; what nothing further needs is summed on the way.
NodeId contracted(Graph& g, std::span<const NodeId> operands, EinsumLabels names) {
  auto numbers = [](const std::string& labels) { return Axes(labels.begin(), labels.end()); };
  std::vector<NodeId> nodes;
  for (std::size_t k = 0; k < operands.size(); ++k) nodes.push_back(diagonals(g, operands[k], names.in[k]));
  NodeId value = g.to_real(nodes[0]);
  std::string labels = names.in[0];
  for (std::size_t k = 1; k < nodes.size(); ++k) {
    std::string later = names.out, kept;
    for (std::size_t other = k + 1; other < names.in.size(); ++other) later += names.in[other];
    for (char c : labels + names.in[k])
      if (later.find(c) != std::string::npos && kept.find(c) == std::string::npos) kept += c;
    if (k + 1 == nodes.size()) kept = names.out;
    value = g.contract(value, nodes[k], numbers(labels), numbers(names.in[k]), numbers(kept),
                       g.has_rows(value) || g.has_rows(nodes[k]));
    labels = kept;
  }
  Axes summed, order;
  std::string left;
  for (std::size_t axis = 0; axis < labels.size(); ++axis)
    if (names.out.find(labels[axis]) == std::string::npos) summed.push_back(static_cast<std::int64_t>(axis));
    else left += labels[axis];
  value = g.reduce(Reduction::sum, value, summed);
  for (char c : names.out) order.push_back(static_cast<std::int64_t>(left.find(c)));
  return g.permute(value, order);
}

}  // namespace

// NumPy's matmul: the last axis of a with the last but one of b (or its only one); axes before them line up.
Value Lowering::product(const Value& a, const Value& b, ast::NodeId whole) {
  Shape left = shape_of(a), right = shape_of(b);
  WrittenOperand both[] = {{a, ast().child(whole, 0)}, {b, ast().child(whole, 1)}};
  if (left.axes.empty() || right.axes.empty()) {
    bool first = left.axes.empty();
    shape_error(whole, fmt::format("`@` takes vectors and matrices, not {}", in_words(first ? left : right)),
                both)
        .helps.push_back("`*` multiplies by a number");
    return {};
  }
  std::size_t m = left.axes.size(), n = right.axes.size(), inner = n == 1 ? 0 : n - 2;
  if (left.axes.back() != right.axes[inner]) {
    std::int64_t k = left.axes.back();
    Diagnostic& d = shape_error(whole,
                                fmt::format("the last axis of the left is {}, {} of the right {}", k,
                                            n == 1 ? "the axis" : "the last axis but one", right.axes[inner]),
                                both);
    const ast::Node& name = ast()[ast().child(whole, 1)];
    Binding* binding = name.kind == Kind::name ? lookup(name.text) : nullptr;
    const ast::Node& given = ast()[ast().child(whole, 0)];
    if (binding && binding->is_parameter && n <= 2) {
      std::string rest = n == 2 ? fmt::format(", {}", right.axes[1]) : "";
      d.helps.push_back(given.kind == Kind::name
                            ? fmt::format("`param {}[last({}){}] = …` takes the size from {}", name.text,
                                          given.text, rest, given.text)
                            : fmt::format("`param {}[{}{}] = …` would fit", name.text, k, rest));
    } else if (m >= 2 && n >= 2 && right.axes.back() == k) {
      d.helps.push_back(fmt::format("the transpose would fit: `{}.T`", shown(ast().child(whole, 1))));
    }
    return {};
  }
  // Axes in front, from the right; one of 1 goes with any and is left out there.
  std::size_t front_a = m < 2 ? 0 : m - 2, front_b = n < 2 ? 0 : n - 2, front = std::max(front_a, front_b);
  Axes kept_a, kept_b, labels_a, labels_b, labels_out;
  for (std::size_t k = front; k-- > 0;) {  // k: how far from the right
    auto label = static_cast<std::int64_t>(k);
    bool has_a = k < front_a, has_b = k < front_b;
    std::int64_t na = has_a ? left.axes[front_a - 1 - k] : 1, nb = has_b ? right.axes[front_b - 1 - k] : 1;
    if (na != nb && na != 1 && nb != 1) {
      shape_error(whole, fmt::format("in front of the matrices one has {}, the other {}", na, nb), both);
      return {};
    }
    labels_out.push_back(label);
    if (has_a && (na == nb || na != 1 || !has_b)) labels_a.push_back(label), kept_a.push_back(na);
    if (has_b && (na == nb || nb != 1 || !has_a)) labels_b.push_back(label), kept_b.push_back(nb);
  }
  std::int64_t i = static_cast<std::int64_t>(front), j = i + 1, sum = i + 2;
  if (m > 1) labels_a.push_back(i), kept_a.push_back(left.axes[m - 2]), labels_out.push_back(i);
  labels_a.push_back(sum), kept_a.push_back(left.axes.back());
  labels_b.push_back(sum), kept_b.push_back(right.axes[inner]);
  if (n > 1) labels_b.push_back(j), kept_b.push_back(right.axes.back()), labels_out.push_back(j);
  Value operands[] = {a, b};
  return build(operands, ast()[whole].span, [&](Graph& g, std::span<const NodeId> in) {
    return g.contract(g.reshape(in[0], kept_a), g.reshape(in[1], kept_b), labels_a, labels_b, labels_out,
                      left.rows || right.rows);
  });
}

// einsum("ij,jk->ik", A, B), from the left two operands at a time. Labels name the axes of one row.
Value Lowering::einsum(const std::vector<Argument>& arguments, Span span, ast::NodeId whole) {
  if (arguments.size() < 2 || arguments[0].value.is != Is::text) {
    wrong_arguments(*built_in("einsum"), span, "`einsum` takes a text and the values that it names");
    return {};
  }
  auto labels = read_labels(arguments[0].value.text);
  if (labels.fault.empty() && labels.in.size() != arguments.size() - 1)
    labels.fault = fmt::format("the text names {} value{}, {} {} given", labels.in.size(),
                               labels.in.size() == 1 ? "" : "s", arguments.size() - 1,
                               arguments.size() == 2 ? "is" : "are");
  if (!labels.fault.empty()) {
    error(Code::bad_option_value, arguments[0].span, labels.fault)
        .notes.push_back("it is written like \"ij,jk->ik\": a letter for each axis, rows have none");
    return {};
  }
  std::vector<Value> operands;
  std::vector<WrittenOperand> written;
  for (const Argument& argument : std::span(arguments).subspan(1)) {
    if (!argument.name.empty()) {
      wrong_arguments(*built_in("einsum"), argument.span,
                      fmt::format("`einsum` has no argument `{}`", argument.name));
      return {};
    }
    if (!numeric(argument.value, argument.span, "`einsum`")) return {};
    operands.push_back(argument.value);
    written.push_back({argument.value, argument.node});
  }
  if (!labels_fit(labels.in, written, whole)) return {};
  return build(operands, span,
               [&](Graph& g, std::span<const NodeId> nodes) { return contracted(g, nodes, labels); });
}

// Whether each value has the axes that the text names, of one length for each label.
bool Lowering::labels_fit(const std::vector<std::string>& in, std::span<const WrittenOperand> written,
                          ast::NodeId whole) {
  std::map<char, std::int64_t> lengths;
  for (std::size_t k = 0; k < in.size(); ++k) {
    Shape shape = shape_of(written[k].value);
    if (in[k].size() != shape.axes.size()) {
      shape_error(
          whole,
          fmt::format("\"{}\" names {} axes, the value has {}", in[k], in[k].size(), shape.axes.size()),
          written);
      return false;
    }
    for (std::size_t axis = 0; axis < in[k].size(); ++axis) {
      char c = in[k][axis];
      auto [found, fresh] = lengths.try_emplace(c, shape.axes[axis]);
      if (fresh || found->second == shape.axes[axis]) continue;
      shape_error(
          whole, fmt::format("`{}` is {} in one place and {} in another", c, found->second, shape.axes[axis]),
          written);
      return false;
    }
  }
  return true;
}

}  // namespace slope
