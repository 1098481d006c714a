// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// median(x) and auc(score, label): statistics of the order of all values, over the rows. They have no
// derivative, so they serve metrics and reports.
#include <fmt/format.h>

#include <algorithm>

#include "frontend/lowering.h"

namespace slope {

// The labels of auc, 0 or 1 each; invalid after an error.
NodeId Lowering::two_classes(const Argument& label) {
  if (label.value.classes == 0 || label.value.classes == 2) return graph().to_real(to_node(label.value));
  error(Code::wrong_kind, label.span,
        fmt::format("`auc` compares two classes, these labels are {}", label.value.classes))
      .helps.push_back("a comparison is one against the others: `auc(score, label == \"a\")`");
  return {};
}

Value Lowering::order_statistic(std::string_view name, const std::vector<Argument>& arguments, Span span) {
  auto given = take_arguments(name, arguments, span);
  if (!given) return {};
  const Argument& x = *(*given)[0];
  const Argument* label = name == "auc" ? (*given)[1] : nullptr;
  std::string where = fmt::format("`{}`", name);
  if (!numeric(x.value, x.span, where) || (label && !numeric(label->value, label->span, where))) return {};
  if (!label && x.value.known()) return x.value;
  if (label && !same_features(x, *label, span)) return {};
  bool rows = shape_of(x.value).rows || (label && shape_of(label->value).rows);
  if (!rows) {
    error(Code::shapes_differ, x.span, fmt::format("`{}` is over the rows, this has none", name))
        .notes.push_back("it is a statistic of what every row of the data has");
    return {};
  }
  NodeId values = graph().broadcast(graph().to_real(to_node(x.value))), labels;
  if (label) {
    labels = two_classes(*label);
    if (!labels.valid()) return {};
    labels = graph().broadcast(labels);
  }
  return Value::of(graph().order(label ? OrderStatistic::auc : OrderStatistic::median, values, labels));
}

// False, with an error at the statistic, where one is in what is differentiated or learned from.
bool Lowering::without_order(NodeId value, std::string_view what, Span span) {
  std::vector<bool> needed = live(graph(), std::span(&value, 1));
  for (std::size_t i = 0; i < needed.size(); ++i) {
    NodeId id(static_cast<std::int64_t>(i));
    const slope::Node& node = graph()[id];
    if (!needed[i] || node.kind != NodeKind::order) continue;
    std::string_view name = to_string(static_cast<OrderStatistic>(node.index));
    Diagnostic& d = error(Code::no_derivative, graph().origins(id).empty() ? span : graph().origins(id)[0],
                          fmt::format("`{}` has no derivative, so it cannot stand in {}", name, what));
    d.notes.push_back("it depends on the order of the rows' values, which a small step leaves as it is");
    d.helps.push_back(name == "auc"
                          ? "`binary_cross_entropy(score, label)` can be minimised; `metric` measures"
                          : "`mae` is least at the median, `mean` has a derivative; `metric` measures");
    return false;
  }
  return true;
}

}  // namespace slope
