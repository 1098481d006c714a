// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/solvers/kink_at.h"

#include <algorithm>
#include <cmath>

#include "graph/kinks.h"
#include "graph/rebuild.h"
#include "runtime/inputs.h"
#include "runtime/rounding_errors.h"

namespace slope {

namespace {

constexpr std::int64_t block_rows = 4096;

class Search {
 public:
  Search(const Model& model, const std::vector<int>& trained) {
    Rebuilt rebuilt = in_precision(model.graph, std::span(&model.loss, 1), Precision::f64);
    graph_ = std::move(rebuilt.graph);
    std::vector<NodeId> params;
    for (int index : trained) {
      const Axes& axes = model.params[static_cast<std::size_t>(index)].axes;
      params.push_back(graph_.param(index, graph_.intern({false, axes})));
    }
    for (const Kink& kink : kinks(graph_, rebuilt.roots[0], params).all)
      if (kink.argument.valid()) kinks_.push_back(kink), arguments_.push_back(kink.argument);
  }

  bool none() const { return kinks_.empty(); }

  // Whether a value of one row depends on those of others: then all must be there.
  bool sums_rows() const {
    std::vector<bool> needed = live(graph_, arguments_);
    for (std::size_t i = 0; i < needed.size(); ++i)
      if (NodeId id(static_cast<std::int64_t>(i));
          needed[i] && (graph_.sums_rows(id) || graph_[id].kind == NodeKind::row_count))
        return true;
    return false;
  }

  std::optional<KinkAt> at(const Inputs<double>& inputs) const {
    Values values(graph_, arguments_, inputs);
    std::vector<std::vector<double>> errors = rounding_errors(values, arguments_, 0);
    for (std::size_t k = 0; k < kinks_.size(); ++k) {
      const std::vector<double>& x = values.of(arguments_[k]);
      for (std::size_t i = 0; i < x.size(); ++i) {
        if (!(std::fabs(x[i]) <= errors[k][i])) continue;
        auto places = graph_.origins(kinks_[k].node);
        auto of_row = static_cast<std::size_t>(elements(graph_.shape(arguments_[k])));
        return KinkAt{std::string(kink_name(graph_, kinks_[k].node)),
                      {places.begin(), places.end()},
                      graph_.has_rows(arguments_[k]) ? static_cast<std::int64_t>(i / of_row) : -1};
      }
    }
    return {};
  }

 private:
  Graph graph_;
  std::vector<Kink> kinks_;
  std::vector<NodeId> arguments_;
};

}  // namespace

std::optional<KinkAt> kink_at(const Model& model, const std::vector<int>& trained, const Dataset& data,
                              std::span<const double> params) {
  Search search(model, trained);
  if (search.none()) return {};
  std::vector<std::int64_t> rows = all_rows(data);
  std::int64_t block = search.sums_rows() ? std::max<std::int64_t>(data.rows, 1) : block_rows;
  for (std::int64_t first = 0; first == 0 || first < data.rows; first += block) {
    auto here = std::span(rows).subspan(static_cast<std::size_t>(first),
                                        static_cast<std::size_t>(std::min(block, data.rows - first)));
    auto found = search.at(interpreter_inputs<double>(model, data, params, here));
    if (found && found->row >= 0) found->row += first;
    if (found) return found;
  }
  return {};
}

}  // namespace slope
