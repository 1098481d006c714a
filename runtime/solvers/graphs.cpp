// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/solvers/graphs.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/os.h"
#include "base/text.h"
#include "codegen/schedule.h"
#include "graph/gradient.h"
#include "graph/identity.h"
#include "graph/kinks.h"
#include "graph/rebuild.h"
#include "graph/sizes.h"
#include "graph/squares.h"
#include "graph/verify.h"
#include "runtime/solvers/bends.h"
#include "runtime/solvers/roots.h"

namespace slope {

namespace {

constexpr std::int64_t most_newton_elements = 500, most_squares_elements = 2000;

NodeId total(Graph& graph, NodeId x) {
  Axes all;
  for (std::size_t k = 0; k < graph.shape(x).axes.size(); ++k) all.push_back(static_cast<std::int64_t>(k));
  if (graph.has_rows(x)) all.push_back(rows_axis);
  return graph.reduce(Reduction::sum, x, all);
}

class Builder {
 public:
  Builder(const Model& model, const Training& training, const std::vector<int>& trained,
          Diagnostics& diagnostics)
      : model_(model),
        training_(training),
        diagnostics_(diagnostics),
        out_(std::make_shared<SolverGraphs>()) {
    Rebuilt rebuilt = in_precision(model.graph, std::span(&model.loss, 1), Precision::f64);
    graph_ = std::move(rebuilt.graph);
    loss_ = rebuilt.roots[0];
    out_->name = training.optimizer.name;
    out_->trained = trained;
    for (int index : trained) {
      params_.push_back(param(index));
      out_->elements += elements(graph_.shape(params_.back()));
    }
  }

  std::shared_ptr<const SolverGraphs> build() {
    const std::string& name = out_->name;
    if (!repeatable()) return {};
    if (name != "lm" && out_->elements <= most_newton_elements) {
      if (bent()) return fits() ? out_ : nullptr;
      if (diagnostics_.has_errors()) return {};
    }
    objective();
    proof();
    if (name == "newton" && !(few(most_newton_elements) && make_product())) return {};
    if (name == "lm" && !(few(most_squares_elements) && least_squares())) return {};
    if (name == "exact" && !exact()) return {};
    if (out_->elements <= most_curvature_elements && !out_->product) make_product();
    return fits() ? out_ : nullptr;
  }

  std::shared_ptr<const SolverGraphs> for_proof() {
    gradient_ = differentiate(graph_, loss_, params_);
    proof();
    make_product();
    return out_;
  }

  std::shared_ptr<const SolverGraphs> curvature() {
    out_->name = "rate=auto";
    if (model_.keeps_or_draws()) {
      diagnostics_
          .error(Code::no_rate, training_.span,
                 fmt::format("`rate=auto` needs a loss that is the same at every step: this model {}",
                             model_.random ? "draws random numbers" : "keeps state"))
          .helps.push_back("give the rate as a number: rate=0.01");
      return {};
    }
    gradient_ = differentiate(graph_, loss_, params_);
    make_product();
    return fits() ? out_ : nullptr;
  }

 private:
  const Parameter& parameter(int index) const { return model_.params[static_cast<std::size_t>(index)]; }
  NodeId param(int index, int behind = 0) {
    return graph_.param(index + behind, graph_.intern({false, parameter(index).axes}));
  }

  Diagnostic& refuse(std::string message) {
    return diagnostics_.error(Code::wrong_optimizer, training_.span, std::move(message));
  }

  // A test of the loss needs the same loss at every step.
  bool repeatable() {
    bool draws = false;
    for (std::size_t i = 0; i < graph_.size(); ++i)
      draws = draws || graph_[NodeId(static_cast<std::int64_t>(i))].kind == NodeKind::draw;
    if (!draws && model_.own_states == 0) return true;
    refuse(fmt::format("`{}` needs a loss that is the same at every step: this model {}", out_->name,
                       draws ? "draws random numbers" : "keeps state"))
        .helps.push_back("take `optimizer=adam` or another that makes plain steps");
    return false;
  }

  bool few(std::int64_t most) {
    if (out_->elements <= most) return true;
    refuse(fmt::format("`{}` is for at most {} numbers to be found, the model has {}", out_->name, most,
                       out_->elements))
        .helps.push_back("`optimizer=lbfgs` needs no matrix of their pairs");
    return false;
  }

  // Whether the loss is smooth but for absolute values of what is linear in the parameters: what is left
  // without them is differentiated then. Else newton refuses a loss whose minimum can lie on a kink: second
  // derivatives do not lead there.
  bool bent() {
    Kinks found = kinks(graph_, loss_, params_);
    kinks_ = found.all;
    if (kinks_.empty()) return false;
    auto falls = [&](NodeId weight) { return known_sign(graph_, weight) < 0; };
    bool convex = found.separate && std::none_of(found.terms.begin(), found.terms.end(),
                                                 [&](const BentTerm& term) { return falls(term.weight); });
    if (convex && add_bends(graph_, found.terms, params_, *out_)) {
      NodeId whole = std::exchange(loss_, found.smooth);
      objective();
      if (make_product() && (out_->constant_hessian || out_->name != "exact")) return true;
      loss_ = whole;
      out_->product.reset();
      out_->product_of.clear();
      out_->bent_rows = out_->bent_fixed = {};
    }
    bool may_end_there = std::any_of(kinks_.begin(), kinks_.end(), [&](const Kink& kink) {
      return kink.weight.valid() && !falls(kink.weight);
    });
    if (out_->name == "newton" && may_end_there) {
      Diagnostic& d =
          refuse("`newton` cannot find a minimum on a kink of what is not linear in the parameters");
      name_kinks(d);
    }
    return false;
  }

  // What bends, and where it stands in the model.
  void name_kinks(Diagnostic& d) const {
    std::vector<std::string> names;
    for (const Kink& kink : kinks_) {
      std::string name = fmt::format("`{}`", kink_name(graph_, kink.node));
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
      for (Span span : graph_.origins(kink.node))
        if (d.related.size() < 3 && std::find(d.related.begin(), d.related.end(), span) == d.related.end())
          d.related.push_back(span);
    }
    if (names.empty()) return;
    d.notes.push_back(
        fmt::format("its kinks, of {}, are not absolute values of what is linear in the parameters, added up",
                    listed(names)));
    d.helps.push_back("`optimizer=adam decay=cosine` takes steps that become small, on any loss");
  }

  void objective() {
    gradient_ = differentiate(graph_, loss_, params_);
    Roots roots(Store::To::output);
    roots.add(graph_, loss_);
    for (std::size_t i = 0; i < gradient_.size(); ++i) {
      NodeId zero = graph_.broadcast(graph_.constant(0), Shape(graph_.shape(params_[i])));
      if (!gradient_[i].valid()) gradient_[i] = zero;
      roots.add(graph_, gradient_[i]);
    }
    out_->objective = std::move(roots).function(graph_);
  }

  void proof() {
    Roots roots(Store::To::output);
    roots.add(graph_, loss_);
    for (Terms terms : {Terms::linear, Terms::all})
      roots.add(graph_, sizes(graph_, std::span(&loss_, 1), terms)[0]);
    for (NodeId g : gradient_) roots.add(graph_, g);
    for (NodeId size : sizes(graph_, gradient_, Terms::rows)) roots.add(graph_, size);
    out_->proof = std::move(roots).function(graph_);
  }

  bool make_product() {
    out_->product_of.clear();
    NodeId along = graph_.constant(0);
    auto behind = static_cast<int>(model_.params.size());
    for (std::size_t i = 0; i < params_.size(); ++i) {
      NodeId v = param(out_->trained[i], behind);
      along = graph_.apply<op::Add>(along, total(graph_, graph_.apply<op::Mul>(gradient_[i], v)));
    }
    Roots roots(Store::To::output);
    for (NodeId row : differentiate(graph_, along, params_))
      out_->product_of.push_back(row.valid() ? roots.add(graph_, row) : -1);
    out_->constant_hessian = true;
    if (roots.empty()) return true;
    out_->product = std::move(roots).function(graph_);
    out_->constant_hessian = !reads_params(out_->product->fused.graph);
    return true;
  }

  // Whether one of the model's parameters is in the graph.
  bool reads_params(const Graph& graph) const {
    for (std::size_t i = 0; i < graph.size(); ++i) {
      const Node& node = graph[NodeId(static_cast<std::int64_t>(i))];
      if (node.kind == NodeKind::param && static_cast<std::size_t>(node.index) < model_.params.size())
        return true;
    }
    return false;
  }

  bool least_squares() {
    auto terms = squares(graph_, loss_);
    if (!terms) {
      Diagnostic& d = refuse(fmt::format("`{}` needs a loss that is a sum or mean of squares", out_->name));
      d.notes.push_back("squares of the parameters may be added to it, as in mse(predict, y) + 0.1*sum(w^2)");
      d.helps.push_back("`optimizer=lbfgs` takes any smooth loss, `optimizer=newton` one of few parameters");
      return false;
    }
    if (!make_residuals(*terms)) {
      refuse(fmt::format("`{}` needs residuals that are a row's own: here one depends on the parameters "
                         "through a sum over the rows",
                         out_->name))
          .helps.push_back("`optimizer=lbfgs` takes any smooth loss");
      return false;
    }
    return true;
  }

  bool make_residuals(const std::vector<SquareTerm>& terms) {
    Roots rows(Store::To::row_output), fixed(Store::To::output), scales(Store::To::output);
    RowCopies in_rows(graph_, params_);
    for (const SquareTerm& term : terms) {
      int scale = scales.add(graph_, term.scale);
      bool with_rows = graph_.has_rows(term.residual);
      if (with_rows && mixes_rows(graph_, term.residual)) return false;
      NodeId residual = term.residual;
      if (with_rows) residual = replace(graph_, std::span(&residual, 1), in_rows.by)[0];
      for (ResidualPart& made : with_rows ? parts_of(graph_, residual, in_rows.copies, rows)
                                          : parts_of(graph_, residual, params_, fixed)) {
        made.scale = scale;
        (with_rows ? out_->row_parts : out_->fixed_parts).push_back(std::move(made));
      }
    }
    if (!rows.empty()) out_->rows = std::move(rows).function(graph_);
    if (!fixed.empty()) out_->fixed = std::move(fixed).function(graph_);
    out_->scales = std::move(scales).function(graph_);
    return true;
  }

  // Whether every derivative of the residuals is the same whatever the parameters are.
  bool linear_residuals() const {
    std::vector<NodeId> derivatives;
    auto linear = [&](const std::optional<SolverFunction>& f, const std::vector<ResidualPart>& parts) {
      if (!f) return true;
      std::vector<NodeId> roots;
      for (const ResidualPart& p : parts)
        for (int index : p.by_param)
          for (const Store& store : f->stores)
            if (index >= 0 && store.index == index) roots.push_back(store.value);
      std::vector<bool> needed = live(f->fused.graph, roots);
      for (std::size_t i = 0; i < needed.size(); ++i)
        if (needed[i] && f->fused.graph[NodeId(static_cast<std::int64_t>(i))].kind == NodeKind::param)
          return false;
      return true;
    };
    return linear(out_->rows, out_->row_parts) && linear(out_->fixed, out_->fixed_parts);
  }

  // Whether no value that depends on the parameters has a kink or a step, on which derivatives are silent.
  bool smooth() const {
    std::vector<bool> depends = depends_on_params(graph_), needed = live(graph_, std::span(&loss_, 1));
    for (std::size_t i = 0; i < needed.size(); ++i) {
      if (!needed[i] || !depends[i]) continue;
      const Node& node = graph_[NodeId(static_cast<std::int64_t>(i))];
      bool chooses = node.kind == NodeKind::arg_reduce || node.kind == NodeKind::stop_gradient ||
                     (node.kind == NodeKind::reduce && node.reduction != Reduction::sum) ||
                     node.type == Type::truth;
      if (chooses || (node.kind == NodeKind::scalar && has_kink(node.op))) return false;
    }
    return true;
  }
  static bool has_kink(OpId op) {
    for (OpId kinked : {id_of<op::Abs>(), id_of<op::Sign>(), id_of<op::Floor>(), id_of<op::Ceil>(),
                        id_of<op::Round>(), id_of<op::Mod>(), id_of<op::Max>(), id_of<op::Min>()})
      if (op == kinked) return true;
    return false;
  }

  bool exact() {
    if (!few(most_squares_elements)) return false;
    auto terms = smooth() ? squares(graph_, loss_) : std::nullopt;
    bool of_squares = terms && make_residuals(*terms);
    if (of_squares && linear_residuals()) return true;
    out_->rows = out_->fixed = out_->scales = {};
    out_->row_parts.clear();
    out_->fixed_parts.clear();
    if (smooth()) {
      if (!few(most_newton_elements)) return false;
      make_product();
      if (out_->constant_hessian) return true;
    }
    Diagnostic& d = refuse("`exact` needs a loss that is quadratic in the parameters");
    d.notes.push_back(
        "that is one whose second derivatives do not depend on them, without kinks but of what is linear in "
        "them");
    name_kinks(d);
    if (!kinks_.empty()) return false;
    d.helps.push_back(of_squares ? "`optimizer=lm` is for sums of squares of anything smooth"
                                 : "`optimizer=newton` or `optimizer=lbfgs` takes any smooth loss");
    return false;
  }

  bool fits() {
    std::size_t most = 0;
    for (const Kernel& kernel : out_->kernels(0, std::numeric_limits<std::int64_t>::max()))
      most = std::max(most, operations(*kernel.graph));
    if (most <= most_operations) return true;
    diagnostics_.error(
        Code::too_many_operations, training_.span,
        fmt::format("`{}` needs {} operations a row; {} is the limit", out_->name, most, most_operations));
    return false;
  }

  const Model& model_;
  const Training& training_;
  Diagnostics& diagnostics_;
  std::shared_ptr<SolverGraphs> out_;
  Graph graph_;
  NodeId loss_;
  std::vector<NodeId> params_, gradient_;  // trained
  std::vector<Kink> kinks_;
};

}  // namespace

std::string SolverGraphs::kernel_name(std::string_view what, std::size_t number) {
  return fmt::format("solve_{}_{}", what, number + 1);
}

namespace {
// Whether a call takes the interpreter longer than a small part of what compiling takes.
bool is_heavy(const SolverFunction& f, std::int64_t rows) {
  constexpr double most_numbers = 50'000;
  const Graph& graph = f.fused.graph;
  double numbers = 0;
  for (std::size_t i = 0; i < graph.size(); ++i) {
    NodeId id(static_cast<std::int64_t>(i));
    double of_row = static_cast<double>(elements(graph.shape(id)));
    for (NodeId input : graph[id].inputs())
      of_row = std::max(of_row, static_cast<double>(elements(graph.shape(input))));
    numbers += of_row * (graph.has_rows(id) ? static_cast<double>(rows) : 1);
  }
  return numbers > most_numbers;
}
}  // namespace

std::vector<Kernel> SolverGraphs::kernels(std::size_t number, std::int64_t rows_of_data) const {
  std::vector<Kernel> out;
  auto add = [&](std::string_view what, const SolverFunction& f) {
    out.push_back(f.kernel(kernel_name(what, number)));
  };
  if (!least_squares() && !objective.stores.empty()) add("objective", objective);
  if (!proof.stores.empty() && is_heavy(proof, rows_of_data)) add("proof", proof);
  bool called_often = name == "newton" || name == "rate=auto" || (name == "exact" && !least_squares());
  if (product && (called_often || is_heavy(*product, rows_of_data))) add("product", *product);
  if (rows) add("rows", *rows);
  if (fixed) add("fixed", *fixed);
  if (scales) add("scales", *scales);
  if (bent_rows) add("bent_rows", *bent_rows);
  if (bent_fixed) add("bent_fixed", *bent_fixed);
  return out;
}

std::int64_t SolverGraphs::kept_of_row() const {
  constexpr std::int64_t copies_of_bends = 5;
  std::int64_t count = 0;
  for (const auto* function : {&rows, &bent_rows}) {
    if (!*function) continue;
    std::int64_t own = 0;
    for (const Store& store : (*function)->stores)
      if (store.to == Store::To::row_output)
        own += slope::elements((*function)->fused.graph.shape(store.value));
    count += function == &bent_rows ? copies_of_bends * own : own;
  }
  return count;
}

bool check_memory(const SolverGraphs& graphs, std::int64_t rows, Span span, Diagnostics& diagnostics) {
  auto limit = static_cast<double>(os::memory_limit());
  double bytes = static_cast<double>(graphs.kept_of_row()) * static_cast<double>(rows) * sizeof(double);
  if (bytes <= limit) return true;
  Diagnostic& d =
      diagnostics.error(Code::too_large, span,
                        fmt::format("`{}` keeps {} numbers of each of {} rows: {:.0f} MB, more than memory",
                                    graphs.name, graphs.kept_of_row(), rows, std::ceil(bytes / 1e6)));
  d.helps.push_back(graphs.bent() ? "`optimizer=adam` keeps a few numbers for each parameter"
                                  : "`optimizer=lbfgs` keeps a few numbers for each parameter");
  return false;
}

std::shared_ptr<const SolverGraphs> curvature_graphs(const Model& model, const Training& training,
                                                     const std::vector<int>& trained,
                                                     Diagnostics& diagnostics) {
  return Builder(model, training, trained, diagnostics).curvature();
}

std::shared_ptr<const SolverGraphs> proof_graphs(const Model& model, const Training& training,
                                                 const std::vector<int>& trained) {
  Diagnostics none;
  return Builder(model, training, trained, none).for_proof();
}

std::shared_ptr<const SolverGraphs> solver_graphs(const Model& model, const Training& training,
                                                  const std::vector<int>& trained, Diagnostics& diagnostics) {
  return Builder(model, training, trained, diagnostics).build();
}

}  // namespace slope
