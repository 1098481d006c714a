// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The curve over one column is the compiled prediction on a grid: a data set of its own with that column
// only.
#include "runtime/picture.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>

#include "base/text.h"
#include "runtime/parameters.h"

namespace slope {

namespace {

constexpr std::size_t most_points = 4000;   // drawn of one series: 150 KB
constexpr std::int64_t grid_points = 2001;  // about three to a unit of the picture
constexpr std::size_t most_params = 6;      // elements in the caption

// What a value needs.
struct Needs {
  bool params = false, reductions = false;
  std::vector<int> columns;
};
Needs needs(const Model& model, NodeId root) {
  Needs out;
  std::vector<bool> live_nodes = live(model.graph, std::span(&root, 1));
  for (std::size_t i = 0; i < live_nodes.size(); ++i) {
    if (!live_nodes[i]) continue;
    const Node& node = model.graph[NodeId(static_cast<std::int64_t>(i))];
    out.params |= node.kind == NodeKind::param || node.kind == NodeKind::state || node.kind == NodeKind::draw;
    out.reductions |= node.kind == NodeKind::reduce || node.kind == NodeKind::row_count;
    if (node.kind == NodeKind::data) out.columns.push_back(node.index);
  }
  std::sort(out.columns.begin(), out.columns.end());
  out.columns.erase(std::unique(out.columns.begin(), out.columns.end()), out.columns.end());
  return out;
}

NodeId without_broadcast(const Graph& graph, NodeId id) {
  return graph[id].kind == NodeKind::broadcast ? graph[id].operands[0] : id;
}

class Picture {
 public:
  Picture(Session& session, const std::vector<double>& params) : s_(session), params_(params) {}

  std::optional<plot::Figure> draw(std::span<const LossPoint> history, std::int64_t& rows) {
    caption_params();
    if (comparable() && s_.has_data() && !fit_panels()) return {};
    rows = data_.rows;
    if (history.size() > 1) loss_panel(history);
    if (figure_.panels.empty()) {
      nothing();
      return {};
    }
    caption_rows();
    std::string name = std::filesystem::path(s_.request.source.name()).filename().string();
    figure_.title = name.starts_with("<") ? "fitted model" : name;
    return std::move(figure_);
  }

 private:
  const Model& model() const { return s_.outside_model(); }
  Precision precision() const { return model().graph.precision(); }

  bool is_array(NodeId id) const { return id.valid() && !model().graph.shape(id).axes.empty(); }
  // A prediction, and what it is compared with, are numbers: what can be drawn as points.
  bool comparable() const {
    return model().predict.valid() && !is_array(model().predict) && !is_array(target_of(model()));
  }

  void nothing() {
    if (!model().predict.valid())
      s_.diagnostics.error(Code::unknown_name, "the model has no `predict`: there is nothing to plot")
          .helps.push_back("define it, for example `predict = w*x + b`");
    else if (!comparable())
      s_.diagnostics.error(Code::not_yet, "predictions of vectors and matrices cannot be plotted yet")
          .helps.push_back("`slope train --plot FILE.svg` draws the loss curve");
    else s_.diagnostics.error(Code::no_data, "the model has no data: there is nothing to plot");
  }

  // False after an error.
  bool fit_panels() {
    NodeId target = target_of(model()), predict = model().predict, truth = true_value();
    std::vector<int> features = needs(model(), predict).columns;
    bool several = features.size() > 1 || (features.size() == 1 && of_array(features[0]));
    if (!target.valid() && (several || features.empty())) {
      s_.diagnostics.error(Code::no_target, "it is not clear what the prediction is to be compared with")
          .helps.push_back("name it in the loss, for example `loss = mse(predict, y)`");
      return false;
    }
    std::vector<bool> wanted(model().columns.size());
    for (NodeId node : {target, predict, truth})
      if (node.valid())
        for (int column : needs(model(), node).columns) wanted[static_cast<std::size_t>(column)] = true;
    auto data = read_columns(model(), *s_.opened, wanted, false, s_.diagnostics);
    if (!data) return false;
    data_ = std::move(*data);
    auto predicted = values(predict, data_);
    if (!predicted) return false;
    std::optional<std::vector<double>> targets;
    if (target.valid() && !(targets = values(target, data_))) return false;
    std::string target_name = target.valid() ? name_of(target) : "";
    bool drawn = several ? comparison_panel(*predicted, *targets, target_name)
                         : curve_panel(features, targets, target_name, *predicted, truth);
    if (!drawn) return false;
    if (targets) residual_panel(*predicted, *targets, target_name);
    return true;
  }

  NodeId true_value() {
    NodeId truth = model().truth;
    if (truth.valid()) return needs(model(), truth).params || is_array(truth) ? NodeId() : truth;
    Model& writable = s_.outside ? s_.outside->model() : s_.lowered->model();
    for (std::size_t i = 0; i < model().columns.size(); ++i)
      if (model().columns[i].name == "truth" && !of_array(static_cast<int>(i)))
        return writable.graph.data(static_cast<int>(i));
    return {};
  }

  bool of_array(int column) const { return !model().columns[static_cast<std::size_t>(column)].axes.empty(); }

  std::string name_of(NodeId node) const {
    const Node& n = model().graph[node];
    if (n.kind == NodeKind::data) return model().columns[static_cast<std::size_t>(n.index)].name;
    std::string_view name = model().graph.name(node);
    return name.empty() ? "target" : std::string(name);
  }

  // One number for each of the rows.
  std::optional<std::vector<double>> values(NodeId root, const Dataset& data) {
    if (!check_size(model().graph, root, s_.diagnostics)) return {};
    Fused fused = fuse(model().graph, std::span(&root, 1));
    std::vector<Kernel> kernels{prediction_kernel(fused)};
    auto program = compile(s_, kernels, data);
    if (!program) return {};
    std::vector<double> out = predict_at(model(), fused, data, *program, params_);
    if (!model().graph.has_rows(root)) out.assign(static_cast<std::size_t>(data.rows), out[0]);
    return out;
  }

  // Rows on which only this column is known; its cells are the points of the axis.
  Dataset grid(int feature, double lo, double hi) const {
    Dataset data;
    data.rows = grid_points;
    data.columns.resize(model().columns.size());
    Column x(model().columns[static_cast<std::size_t>(feature)].name,
             precision() == Precision::f32 ? Storage::f32 : Storage::f64, grid_points);
    for (std::int64_t i = 0; i < grid_points; ++i) {
      double t = static_cast<double>(i) / static_cast<double>(grid_points - 1);
      double value = lo * (1 - t) + hi * t;
      if (precision() == Precision::f32) static_cast<float*>(x.data())[i] = static_cast<float>(value);
      else static_cast<double*>(x.data())[i] = value;
    }
    data.columns[static_cast<std::size_t>(feature)] = std::move(x);
    for (const Column& column : data.columns) {
      data.pointers.push_back(column.data());
      data.storages.push_back(column.storage());
    }
    return data;
  }

  static plot::Series line(plot::Role role, std::string name, std::span<const double> x,
                           std::span<const double> y) {
    plot::Series out{role, plot::Mark::line, std::move(name), {}};
    for (std::size_t i = 0; i < x.size(); ++i) out.points.push_back({x[i], y[i]});
    return out;
  }

  // The finite points, thinned; those left out are counted for the caption.
  plot::Series points(std::string name, std::span<const double> x, std::span<const double> y) {
    std::vector<plot::Point> all;
    for (std::size_t i = 0; i < x.size(); ++i)
      if (std::isfinite(x[i]) && std::isfinite(y[i])) all.push_back({x[i], y[i]});
    hidden_ = std::max(hidden_, x.size() - all.size());
    plot::Series out{plot::Role::data, plot::Mark::points, std::move(name), {}};
    for (std::size_t i : plot::thinned(all, most_points)) out.points.push_back(all[i]);
    if (out.points.size() < all.size()) drawn_ = std::max(drawn_, out.points.size());
    return out;
  }

  // The number of the row where the prediction reads no column.
  std::vector<double> positions(const std::vector<int>& features) const {
    std::vector<double> x;
    for (std::int64_t row = 0; row < data_.rows; ++row)
      x.push_back(features.empty() ? static_cast<double>(row + 1)
                                   : data_.columns[static_cast<std::size_t>(features[0])].at(row));
    return x;
  }

  bool curve_panel(const std::vector<int>& features, const std::optional<std::vector<double>>& targets,
                   const std::string& target, const std::vector<double>& predicted, NodeId truth) {
    std::vector<double> x = positions(features);
    std::string x_name =
        features.empty() ? "row" : model().columns[static_cast<std::size_t>(features[0])].name;
    plot::Panel panel{plot::axis_over(x_name, x), {}, {}};
    if (targets) panel.series.push_back(points(target, x, *targets));
    if (truth.valid() && !add_curve(panel, plot::Role::truth, "truth", truth, features, x, nullptr))
      return false;
    if (!add_curve(panel, plot::Role::fit, "predict", model().predict, features, x, &predicted)) return false;
    set_height(panel, targets ? target : "predict");
    figure_.panels.push_back(std::move(panel));
    figure_.description =
        fmt::format("{}{} and the prediction{} over {}", targets ? "The data's " : "",
                    targets ? target : "the model", truth.valid() ? " and the true curve" : "", x_name);
    return true;
  }

  // On the grid where the value reads nothing but the column; else through the rows in the order of x.
  bool add_curve(plot::Panel& panel, plot::Role role, const char* name, NodeId value,
                 const std::vector<int>& features, const std::vector<double>& x,
                 const std::vector<double>* known) {
    Needs need = needs(model(), value);
    if (!features.empty() && !need.reductions && (need.columns.empty() || need.columns == features)) {
      auto [lo, hi] = ends(panel.x, x);
      Dataset data = grid(features[0], lo, hi);
      auto y = values(value, data);
      if (!y) return false;
      std::vector<double> at;
      for (std::int64_t i = 0; i < data.rows; ++i)
        at.push_back(data.columns[static_cast<std::size_t>(features[0])].at(i));
      panel.series.push_back(line(role, name, at, *y));
      return true;
    }
    auto y = known ? *known : values(value, data_);
    if (!y) return false;
    std::vector<plot::Point> all;
    for (std::size_t i = 0; i < x.size(); ++i) all.push_back({x[i], (*y)[i]});
    std::stable_sort(all.begin(), all.end(), [](plot::Point a, plot::Point b) { return a.x < b.x; });
    plot::Series series{role, plot::Mark::line, name, {}};
    for (std::size_t i : plot::thinned(all, most_points)) series.points.push_back(all[i]);
    panel.series.push_back(std::move(series));
    return true;
  }

  // From the least to the largest x; the whole axis where these are one.
  static std::pair<double, double> ends(const plot::Axis& axis, const std::vector<double>& x) {
    double lo = axis.hi, hi = axis.lo;
    for (double value : x)
      if (std::isfinite(value)) lo = std::min(lo, value), hi = std::max(hi, value);
    return lo < hi ? std::pair{lo, hi} : std::pair{axis.lo, axis.hi};
  }

  // The points decide how high a panel reaches. A curve may go beyond them by a quarter of that and is cut
  // there, unless nothing of it would be left.
  static void set_height(plot::Panel& panel, const std::string& label) {
    auto heights = [](const plot::Series& series) {
      std::vector<double> out;
      for (plot::Point p : series.points) out.push_back(p.y);
      return out;
    };
    std::vector<double> all;
    for (const plot::Series& series : panel.series)
      if (series.mark == plot::Mark::points) all = heights(series);
    plot::Axis inner = plot::axis_over(label, all);
    double more = all.empty() ? 0 : inner.hi / 4 - inner.lo / 4;
    auto inside = [&](double y) { return y >= inner.lo - more && y <= inner.hi + more; };
    for (const plot::Series& series : panel.series) {
      if (series.mark == plot::Mark::points) continue;
      std::vector<double> curve = heights(series);
      if (more > 0 && std::any_of(curve.begin(), curve.end(), inside))
        for (double& y : curve) y = std::clamp(y, inner.lo - more, inner.hi + more);
      all.insert(all.end(), curve.begin(), curve.end());
    }
    panel.y = plot::axis_over(label, all);
  }

  bool comparison_panel(const std::vector<double>& predicted, const std::vector<double>& targets,
                        const std::string& target) {
    std::vector<double> both = targets;
    both.insert(both.end(), predicted.begin(), predicted.end());
    plot::Panel panel{plot::axis_over(target, both), plot::axis_over("predict", both), {}};
    panel.series.push_back(points("rows", targets, predicted));
    std::vector<double> diagonal{panel.x.lo, panel.x.hi};
    panel.series.push_back(line(plot::Role::fit, "predict = " + target, diagonal, diagonal));
    figure_.panels.push_back(std::move(panel));
    figure_.description =
        fmt::format("The prediction against {}, with the line where they are equal", target);
    return true;
  }

  void residual_panel(const std::vector<double>& predicted, const std::vector<double>& targets,
                      const std::string& target) {
    std::vector<double> residuals;
    for (std::size_t i = 0; i < targets.size(); ++i) residuals.push_back(targets[i] - predicted[i]);
    std::vector<double> with_zero = residuals;
    with_zero.push_back(0);
    plot::Panel panel{
        plot::axis_over("predict", predicted), plot::axis_over(target + " − predict", with_zero), {}};
    panel.series.push_back(
        line(plot::Role::reference, "", std::vector{panel.x.lo, panel.x.hi}, std::vector{0.0, 0.0}));
    panel.series.push_back(points("", predicted, residuals));
    figure_.panels.push_back(std::move(panel));
    figure_.description += "; the residuals against the prediction";
  }

  // Before the residuals. A logarithmic axis where the loss falls by more than two decades; steps so where it
  // has done most of its way in the first tenth of them.
  void loss_panel(std::span<const LossPoint> history) {
    std::vector<double> steps, losses;
    for (LossPoint p : history) {
      steps.push_back(static_cast<double>(p.step));
      losses.push_back(p.loss);
    }
    double least = std::numeric_limits<double>::infinity(), most = -least;
    for (double loss : losses) {
      if (loss == 0) continue;  // where it falls to 0 the line ends
      least = std::min(least, loss);
      most = std::max(most, loss);
    }
    bool log_loss = least > 0 && std::isfinite(most) && most / least > 100;
    auto height = [&](double loss) { return log_loss ? std::log10(std::max(loss, least)) : loss; };
    double lowest = height(*std::min_element(losses.begin(), losses.end()));
    double last = steps.back(), done = 0;
    for (std::size_t i = 0; i < steps.size(); ++i)
      if (steps[i] <= last / 10) done = height(losses[0]) - height(losses[i]);
    bool early = last >= 20 && steps[0] == 0 && done > 0.8 * (height(losses[0]) - lowest);
    plot::Panel panel{plot::axis_over("step", steps, early ? plot::Scale::steps : plot::Scale::linear),
                      plot::axis_over("loss", losses, log_loss ? plot::Scale::log : plot::Scale::linear),
                      {line(plot::Role::loss, "", steps, losses)}};
    figure_.panels.insert(figure_.panels.begin() + (figure_.panels.empty() ? 0 : 1), std::move(panel));
    figure_.description += figure_.description.empty() ? "The loss by step" : "; the loss by step";
  }

  void caption_params() {
    std::vector<double> units = in_units(model(), params_);
    std::size_t shown = 0;
    for (const Parameter& param : model().params)
      for (std::size_t i = 0; i < param.start.size() && shown < most_params; ++i, ++shown)
        figure_.caption.push_back(fmt::format(
            "{} = {}{:.4g}", escaped(element_name(param.name, param.axes, static_cast<std::int64_t>(i)), 40),
            units[shown] < 0 ? "−" : "", std::fabs(units[shown])));
    if (params_.size() > shown)
      figure_.caption.push_back(fmt::format("{} more parameters", params_.size() - shown));
  }

  void caption_rows() {
    auto rows = [](auto n) { return n == 1 ? std::string("1 row") : fmt::format("{} rows", n); };
    if (!s_.has_data() || data_.columns.empty()) return;
    std::string text = rows(data_.rows);
    if (drawn_ > 0) text += fmt::format(", {} of them drawn", drawn_);
    figure_.caption.push_back(text);
    if (data_.dropped > 0) figure_.caption.push_back(rows(data_.dropped) + " left out for a missing cell");
    if (hidden_ > 0) figure_.caption.push_back(rows(hidden_) + " not in every panel: infinite or undefined");
  }

  Session& s_;
  const std::vector<double>& params_;
  plot::Figure figure_;
  Dataset data_;
  std::size_t hidden_ = 0, drawn_ = 0;
};

}  // namespace

NodeId target_of(const Model& model) {
  const Graph& graph = model.graph;
  if (!model.predict.valid() || !model.loss.valid()) return {};
  std::vector<bool> in_loss = live(graph, std::span(&model.loss, 1));
  for (std::size_t i = 0; i < in_loss.size(); ++i) {
    const Node& node = graph[NodeId(static_cast<std::int64_t>(i))];
    if (!in_loss[i] || node.kind != NodeKind::scalar || info(node.op).name != "sub") continue;
    for (int side : {0, 1}) {
      NodeId other = node.operands[static_cast<std::size_t>(1 - side)];
      if (without_broadcast(graph, node.operands[static_cast<std::size_t>(side)]) != model.predict) continue;
      Needs need = needs(model, other);
      if (!need.params && !need.reductions && !need.columns.empty()) return other;
    }
  }
  std::vector<int> left, of_predict = needs(model, model.predict).columns;
  for (int column : needs(model, model.loss).columns)
    if (!std::binary_search(of_predict.begin(), of_predict.end(), column)) left.push_back(column);
  if (left.size() != 1) return {};
  for (std::size_t i = 0; i < graph.size(); ++i)
    if (graph[NodeId(static_cast<std::int64_t>(i))].kind == NodeKind::data &&
        graph[NodeId(static_cast<std::int64_t>(i))].index == left[0])
      return NodeId(static_cast<std::int64_t>(i));
  return {};
}

std::optional<plot::Figure> picture(Session& session, const std::vector<double>& params,
                                    std::span<const LossPoint> history, std::int64_t& rows) {
  return Picture(session, params).draw(history, rows);
}

}  // namespace slope
