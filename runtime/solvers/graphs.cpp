// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/solvers/graphs.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "base/os.h"
#include "base/text.h"
#include "codegen/schedule.h"
#include "graph/gradient.h"
#include "graph/rebuild.h"
#include "graph/sizes.h"
#include "graph/squares.h"
#include "graph/verify.h"

namespace slope {

namespace {

constexpr std::int64_t most_newton_elements = 500, most_squares_elements = 2000;

NodeId part(Graph& graph, NodeId flat, std::int64_t element) {
  Graph::Along one{element, 1, 1};
  return graph.reshape(graph.slice(flat, std::span(&one, 1)), {});
}

NodeId total(Graph& graph, NodeId x) {
  Axes all;
  for (std::size_t k = 0; k < graph.shape(x).axes.size(); ++k) all.push_back(static_cast<std::int64_t>(k));
  if (graph.has_rows(x)) all.push_back(rows_axis);
  return graph.reduce(Reduction::sum, x, all);
}

// Roots become stores one after the other: outputs by their elements, columns by number.
class Roots {
 public:
  explicit Roots(Store::To to) : to_(to) {}
  int add(const Graph& graph, NodeId node) {
    int index = next_;
    next_ += to_ == Store::To::output ? static_cast<int>(elements(graph.shape(node))) : 1;
    nodes_.push_back(node);
    stores_.push_back({{}, to_, index});
    return index;
  }
  SolverFunction function(const Graph& graph) && {
    SolverFunction out{fuse(graph, nodes_), std::move(stores_)};
    for (std::size_t i = 0; i < nodes_.size(); ++i) out.stores[i].value = out.fused.roots[i];
    return out;
  }
  bool empty() const { return nodes_.empty(); }

 private:
  Store::To to_;
  int next_ = 0;
  std::vector<NodeId> nodes_;
  std::vector<Store> stores_;
};

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

  void objective() {
    gradient_ = differentiate(graph_, loss_, params_);
    Roots roots(Store::To::output);
    roots.add(graph_, loss_);
    for (NodeId g : gradient_) roots.add(graph_, g);
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

  // Where it has rows, a residual must see the parameters in its own row only.
  bool mixes_rows(NodeId residual) const {
    std::vector<bool> depends = depends_on_params(graph_), needed = live(graph_, std::span(&residual, 1));
    for (std::size_t i = 0; i < needed.size(); ++i)
      if (NodeId id(static_cast<std::int64_t>(i)); needed[i] && depends[i] && graph_.sums_rows(id))
        return true;
    return false;
  }

  bool make_residuals(const std::vector<SquareTerm>& terms) {
    Roots rows(Store::To::row_output), fixed(Store::To::output), scales(Store::To::output);
    std::unordered_map<NodeId, NodeId> by;
    std::vector<NodeId> in_rows;
    for (NodeId p : params_) {
      in_rows.push_back(graph_.tap(graph_.broadcast(p)));
      by[p] = in_rows.back();
    }
    for (const SquareTerm& term : terms) {
      int scale = scales.add(graph_, term.scale);
      bool with_rows = graph_.has_rows(term.residual);
      if (with_rows && mixes_rows(term.residual)) return false;
      NodeId residual = term.residual;
      if (with_rows) residual = replace(graph_, std::span(&residual, 1), by)[0];
      std::int64_t count = elements(graph_.shape(residual));
      NodeId flat = graph_.reshape(residual, {count});
      for (std::int64_t e = 0; e < count; ++e) {
        NodeId element = part(graph_, flat, e);
        NodeId sum = with_rows ? graph_.reduce(Reduction::sum, element) : element;
        Roots& roots = with_rows ? rows : fixed;
        ResidualPart made{roots.add(graph_, element), {}, scale};
        std::vector<NodeId> derivatives = differentiate(graph_, sum, with_rows ? in_rows : params_);
        for (NodeId d : derivatives) made.by_param.push_back(d.valid() ? roots.add(graph_, d) : -1);
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
    d.notes.push_back("that is one without kinks, whose second derivatives do not depend on them");
    d.helps.push_back(of_squares ? "`optimizer=lm` is for sums of squares of anything smooth"
                                 : "`optimizer=newton` or `optimizer=lbfgs` takes any smooth loss");
    return false;
  }

  bool fits() {
    std::size_t most = 0;
    for (const Kernel& kernel : out_->kernels(0, std::numeric_limits<std::int64_t>::max())) most = std::max(most, operations(*kernel.graph));
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
  return out;
}

std::int64_t SolverGraphs::kept_of_row() const {
  std::int64_t count = 0;
  if (!rows) return count;
  for (const Store& store : rows->stores)
    if (store.to == Store::To::row_output) count += slope::elements(rows->fused.graph.shape(store.value));
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
  d.helps.push_back("`optimizer=lbfgs` keeps a few numbers for each parameter");
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
