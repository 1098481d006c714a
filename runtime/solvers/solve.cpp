// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/solvers/solve.h"

#include <algorithm>
#include <cmath>

#include "graph/philox.h"
#include "runtime/solvers/methods.h"
#include "runtime/solvers/optimality.h"

namespace slope {

bool Search::may_step(double loss, const VectorXd& x, Stop& stop) const {
  stop.x = x;
  stop.loss = loss;
  if (steps >= options.steps) {
    stop.end = SolverEnd::limit;
    stop.by = "steps";
    return false;
  }
  if (!before_step(steps, loss, at.all(x))) {
    stop.end = SolverEnd::interrupted;
    stop.by = "interrupted";
    return false;
  }
  return true;
}

double relative_gradient(const VectorXd& gradient, const VectorXd& sizes) {
  double largest = 0;
  for (Eigen::Index i = 0; i < gradient.size(); ++i)
    if (gradient[i] != 0) largest = std::max(largest, sizes[i] > 0 ? std::fabs(gradient[i]) / sizes[i] : 1);
  return largest;
}

namespace {

// Attempts from where one stopped, and from other starts.
constexpr int most_continued = 8, most_starts = 6;

class Solving {
 public:
  Solving(const SolverGraphs& graphs, Evaluator& at, const SolverOptions& options,
          const SolverStep& before_step)
      : graphs_(graphs), at_(at), options_(options), search_{at, options, before_step, at.start()} {}

  SolverRun run() {
    const VectorXd start = search_.from;
    if (graphs_.bent()) return report_bent(solve_bent(search_));
    go_on_from(start);
    for (int other = 1; other <= most_starts && is_unproven() && !ends_; ++other) {
      VectorXd from = other_start(start, other);
      if (at_.parts(from).finite()) go_on_from(from);
    }
    return report();
  }

 private:
  struct Attempt {
    Search::Stop stop;
    Optimality optimality;
  };

  bool is_unproven() const { return best_ && !best_->optimality.proven(); }

  Search::Stop search() {
    if (graphs_.name == "exact") return solve_exactly(search_);
    if (graphs_.name == "lm") return has_roots() ? levenberg_marquardt(search_) : newton(search_);
    return graphs_.name == "newton" ? newton(search_) : lbfgs(search_);
  }

  // A square with a negative weight is no square of a number: such a loss is not searched by its residuals.
  bool has_roots() { return std::isfinite(at_.residuals(search_.from)) || !at_.has_product(); }

  // A signal does not wait for the final test.
  Evaluator::Parts untested(const Search::Stop& stop) const {
    VectorXd none = VectorXd::Zero(at_.size());
    return {stop.loss, 0, 0, none, none};
  }

  // From one start until the test is passed, or going on makes no difference.
  void go_on_from(const VectorXd& start) {
    search_.from = start;
    for (search_.attempt = 0; search_.attempt < most_continued; ++search_.attempt) {
      Attempt made{search(), {}};
      const Search::Stop& stop = made.stop;
      ends_ = stop.end == SolverEnd::interrupted || stop.end == SolverEnd::unbounded;
      // A test of the user's is all that is asked for where it was met.
      bool users = options_.tolerance && (stop.by == "tolerance" || stop.by == "gradient");
      if (stop.end == SolverEnd::interrupted) made.optimality.parts = untested(stop);
      else if (users) made.optimality.parts = at_.parts(stop.x);
      else made.optimality = examine(at_, stop.x, start, stop.promised);
      ends_ = ends_ || stop.end == SolverEnd::limit || made.optimality.proven() ||
              made.optimality.fault == Optimality::Fault::no_minimum || graphs_.name == "exact";
      bool moved = stop.x != search_.from || made.optimality.lower.has_value();
      search_.from = made.optimality.lower.value_or(stop.x);
      keep(std::move(made));
      if (ends_ || (!moved && search_.attempt > 0)) return;
    }
  }

  void keep(Attempt made) {
    bool first = !best_;
    bool lower = !first && made.optimality.parts.loss < best_->optimality.parts.loss;
    bool proof = !first && made.optimality.proven() && !best_->optimality.proven() &&
                 made.optimality.parts.loss <= best_->optimality.parts.loss;
    if (first || lower || proof) best_ = std::move(made);
  }

  // Each number moved by up to a factor of ten, or to the other side; zeros by the distance at which the loss
  // would change by its own size.
  VectorXd other_start(const VectorXd& start, int number) {
    Evaluator::Parts parts = at_.parts(start);
    VectorXd out = start;
    for (Eigen::Index i = 0; i < start.size(); ++i) {
      auto [u, w] = uniform_pair(static_cast<std::uint64_t>(number), static_cast<std::uint64_t>(i));
      double unit = parts.sizes[i] > 0 ? parts.terms / parts.sizes[i] : 0, sign = w < 0.25 ? -1 : 1;
      out[i] = start[i] != 0 ? sign * start[i] * std::pow(10.0, 2 * u - 1) : (2 * u - 1) * unit;
    }
    return out;
  }

  // Proven by its own test, or not.
  SolverRun report_bent(const Search::Stop& stop) const {
    SolverRun run;
    run.end = stop.end;
    run.stopped_by = stop.by;
    run.steps = search_.steps;
    run.params = at_.all(stop.x);
    for (Eigen::Index i : stop.redundant) run.redundant.push_back(at_.element(i));
    run.nearest = stop.nearest;
    return run;
  }

  SolverRun report() {
    const auto& [stop, optimality] = *best_;
    SolverRun run;
    run.end = stop.end;
    if (optimality.proven() && stop.end == SolverEnd::limit) run.end = SolverEnd::converged;
    if (!optimality.proven() && stop.end == SolverEnd::converged) run.end = SolverEnd::unproven;
    run.stopped_by = stop.by;
    run.steps = search_.steps;
    run.params = at_.all(stop.x);
    auto elements = [&](const std::vector<Eigen::Index>& indices) {
      std::vector<std::int64_t> out;
      for (Eigen::Index i : indices) out.push_back(at_.element(i));
      return out;
    };
    // Residuals tell more exactly than curvatures whether there are such parameters.
    bool known = stop.promised || graphs_.name == "exact";
    run.redundant = elements(known ? stop.redundant : optimality.undetermined);
    run.nearest = stop.nearest;
    run.left = stop.left;
    if (run.end == SolverEnd::interrupted) return run;
    Verdict& verdict = run.verdict;
    verdict.tested = true;
    verdict.endless = optimality.fault == Optimality::Fault::no_minimum;
    verdict.vanished = optimality.fault == Optimality::Fault::vanished;
    if (optimality.worst >= 0) verdict.worst = at_.element(optimality.worst);
    verdict.at_bound = elements(optimality.at_bound);
    verdict.gradient.resize(run.params.size());
    verdict.sizes.resize(run.params.size());
    for (Eigen::Index i = 0; i < at_.size(); ++i) {
      auto element = static_cast<std::size_t>(at_.element(i));
      verdict.gradient[element] = optimality.parts.gradient[i];
      verdict.sizes[element] = optimality.parts.sizes[i];
    }
    verdict.loss = optimality.parts.loss;
    return run;
  }

  const SolverGraphs& graphs_;
  Evaluator& at_;
  const SolverOptions& options_;
  Search search_;
  std::optional<Attempt> best_;
  bool ends_ = false;
};

}  // namespace

SolverRun solve(const SolverGraphs& graphs, std::size_t number, const Program& program, const Model& model,
                const Dataset& data, std::span<const double> params, const SolverOptions& options,
                const SolverStep& before_step) {
  Evaluator evaluator(graphs, number, program, model, data, params);
  return Solving(graphs, evaluator, options, before_step).run();
}

}  // namespace slope
