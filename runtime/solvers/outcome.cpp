// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/solvers/outcome.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/text.h"
#include "runtime/parameters.h"

namespace slope {

namespace {

std::string element_label(const Model& model, std::int64_t element) {
  const Parameter& param = param_at(model, element);
  return element_name(param.name, param.axes, element - param.offset);
}

// The derivative of the bounded value k by the unbounded number (graph/bounds.h).
double bounded_slope(const Bounds& bounds, double k) {
  bool below = std::isfinite(bounds.low), above = std::isfinite(bounds.high);
  if (below && above) return (k - bounds.low) * (bounds.high - k) / (bounds.high - bounds.low);
  return below ? k - bounds.low : k - bounds.high;
}

class Outcome {
 public:
  Outcome(const Model& model, const Training& training, const SolverRun& run, std::span<const double> began,
          Diagnostics& diagnostics)
      : model_(model), training_(training), run_(run), began_(began), diagnostics_(diagnostics) {}

  void report() {
    switch (run_.end) {
      case SolverEnd::unbounded: return unbounded();
      case SolverEnd::interrupted: return;
      case SolverEnd::limit: limit(); break;
      case SolverEnd::unproven: unproven(); break;
      case SolverEnd::converged: break;
    }
    at_bounds();
    if (run_.verdict.endless || run_.verdict.vanished) return;  // more than enough said
    std::vector<std::int64_t> still = unmoved();
    not_moved(still);
    std::vector<std::int64_t> redundant;
    for (std::int64_t element : run_.redundant)
      if (std::find(still.begin(), still.end(), element) == still.end()) redundant.push_back(element);
    undetermined(redundant);
  }

 private:
  const std::string& name() const { return training_.optimizer.name; }

  void unbounded() {
    Diagnostic& d = diagnostics_.error(Code::diverged, training_.span,
                                       "the loss has no minimum: it falls without bound in some direction");
    d.helps.push_back("hold the parameters by a term such as + 1e-3*sum(w^2)");
  }

  // Of a loss with absolute values in it (bent.cpp).
  void unproven_bent() {
    bool negative = run_.stopped_by == "negative weight";
    Diagnostic& d = diagnostics_.error(
        Code::not_converged, training_.span,
        negative ? fmt::format("`{}` needs absolute values with weights that are not negative", name())
                 : fmt::format("`{}` could not prove that its last point is a minimum", name()));
    d.notes.push_back(negative
                          ? "a negative weight turns a kink upside down: the loss falls to both sides of it"
                          : "the parameters reached so far are the result");
    d.helps.push_back(negative ? "look for negative numbers in the column of weights"
                               : "start elsewhere, or read the columns `standardized`");
  }

  void limit() {
    if (run_.stopped_by == "no proof" || run_.stopped_by == "negative weight") return unproven_bent();
    Diagnostic& d =
        diagnostics_.error(Code::not_converged, training_.span,
                           fmt::format("`{}` made {} step{}, its limit, before its stopping test was met",
                                       name(), training_.steps, training_.steps == 1 ? "" : "s"));
    d.notes.push_back("the parameters reached so far are the result");
    derivatives(d);
    d.helps.push_back(fmt::format("give more steps, or a tolerance: `train optimizer={} steps={}`", name(),
                                  10 * std::max<std::int64_t>(training_.steps, 1)));
  }

  void unproven() {
    const Verdict& verdict = run_.verdict;
    bool named = verdict.worst >= 0;
    std::string worst = named ? element_label(model_, verdict.worst) : "";
    if (verdict.endless || verdict.vanished) {
      Diagnostic& d = diagnostics_.error(
          Code::not_converged, training_.span,
          verdict.endless ? fmt::format("the loss has no minimum that was found: it goes on falling{}",
                                        named ? fmt::format(", however far `{}` goes", worst) : "")
                          : "the loss depends on no parameter where the search ended");
      d.notes.push_back(
          "classes that a formula separates without a fault, and rates that are 0 in a group, have no best "
          "parameters: larger ones always fit better");
      derivatives(d);
      d.helps.push_back(
          "add a term such as 1e-3*sum(w^2) to the loss, or leave out the column that separates");
      return;
    }
    Diagnostic& d = diagnostics_.error(
        Code::not_converged, training_.span,
        fmt::format("`{}` ended where it found no lower loss, but that is no minimum", name()));
    derivatives(d);
    d.notes.push_back("other starts were tried; the lowest point is the result");
    d.helps.push_back(name() == "lbfgs"
                          ? "try `optimizer=newton`, another start, or columns that are `standardized`"
                          : "try another start, or bounds that keep the parameters where the "
                            "loss has a value: `param w in (0, inf) = 1`");
  }

  void derivatives(Diagnostic& d) const {
    const Verdict& verdict = run_.verdict;
    if (!verdict.tested) return;
    d.notes.push_back(fmt::format("the loss is {} there, {}", shortest(verdict.loss),
                                  largest_derivatives(model_, run_.params, verdict.gradient, verdict.sizes)));
  }

  void at_bounds() {
    const std::vector<std::int64_t>& elements = run_.verdict.at_bound;
    if (elements.empty()) return;
    Diagnostic& d = diagnostics_.warning(
        Code::redundant_parameters, training_.span,
        fmt::format("the loss falls until {} reach{} a bound", listed_elements(model_, elements),
                    elements.size() == 1 ? "es" : ""));
    d.helps.push_back("widen the bounds, or hold the value as a `const`");
  }

  // Where they began, to the bit, though nothing holds them there but that nothing depends on them.
  std::vector<std::int64_t> unmoved() const {
    std::vector<std::int64_t> out;
    const Verdict& verdict = run_.verdict;
    if (!verdict.tested || run_.steps == 0 || run_.left) return out;
    // Where all residuals are 0 no derivative has a term.
    if (std::all_of(verdict.sizes.begin(), verdict.sizes.end(), [](double size) { return size == 0; }))
      return out;
    for (std::size_t i = 0; i < run_.params.size(); ++i)
      if (run_.params[i] == began_[i] && verdict.gradient[i] == 0 && verdict.sizes[i] == 0 &&
          is_redundant(static_cast<std::int64_t>(i)))
        out.push_back(static_cast<std::int64_t>(i));
    return out;
  }
  bool is_redundant(std::int64_t element) const {
    return std::find(run_.redundant.begin(), run_.redundant.end(), element) != run_.redundant.end();
  }

  void not_moved(const std::vector<std::int64_t>& elements) {
    if (elements.empty()) return;
    bool one = elements.size() == 1;
    Diagnostic& d =
        diagnostics_.warning(Code::zero_gradient, training_.span,
                             fmt::format("{} {} where {} started: the loss does not depend on {} there",
                                         listed_elements(model_, elements), one ? "is" : "are",
                                         one ? "it" : "they", one ? "it" : "them"));
    d.helps.push_back("give a start from which the loss changes, of the size that the parameter should have");
  }

  void undetermined(const std::vector<std::int64_t>& elements) {
    if (elements.empty()) return;
    bool one = elements.size() == 1;
    // Plain steps leave such parameters somewhere, as they do all others: that is no reason to warn.
    auto say = training_.optimizer.solver ? &Diagnostics::warning : &Diagnostics::note;
    Diagnostic& d = (diagnostics_.*say)(
        Code::redundant_parameters, training_.span,
        fmt::format("the loss does not determine {}: other values, with others of the rest, fit as well",
                    listed_elements(model_, elements)));
    d.notes.push_back(
        run_.nearest ? "the result is the minimum nearest to the start"
        : run_.left  ? fmt::format("{} where {} started", one ? "it stays" : "they stay", one ? "it" : "they")
                     : "the result is one of many that fit as well");
    d.helps.push_back(
        fmt::format("leave {} out, or add a term such as 1e-6*sum(w^2) to the loss", one ? "it" : "some"));
  }

  const Model& model_;
  const Training& training_;
  const SolverRun& run_;
  std::span<const double> began_;
  Diagnostics& diagnostics_;
};

}  // namespace

std::string listed_elements(const Model& model, std::span<const std::int64_t> elements) {
  constexpr std::size_t most = 10;
  std::vector<std::string> names;
  for (std::int64_t element : elements.first(std::min(elements.size(), most)))
    names.push_back("`" + element_label(model, element) + "`");
  if (elements.size() > most) names.push_back(fmt::format("{} more", elements.size() - most));
  return listed(names);
}

std::vector<double> gradient_in_units(const Model& model, std::span<const double> params,
                                      std::span<const double> gradient) {
  if (gradient.empty()) return {};
  std::vector<double> out(gradient.begin(), gradient.end()), values = in_units(model, params);
  for (const Parameter& param : model.params)
    for (std::size_t i = 0; param.bounds && i < param.start.size(); ++i) {
      std::size_t at = static_cast<std::size_t>(param.offset) + i;
      double slope = bounded_slope(*param.bounds, values[at]);
      out[at] = slope != 0 ? out[at] / slope : std::numeric_limits<double>::quiet_NaN();  // on the bound
    }
  return out;
}

std::string largest_derivatives(const Model& model, std::span<const double> params,
                                std::span<const double> gradient, std::span<const double> sizes) {
  constexpr std::size_t most = 3;
  std::vector<double> units = gradient_in_units(model, params, gradient);
  std::vector<std::size_t> order(gradient.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  auto beside = [&](std::size_t i) { return sizes[i] > 0 ? std::fabs(gradient[i]) / sizes[i] : 0; };
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return beside(a) > beside(b); });
  std::vector<std::string> names;
  for (std::size_t i : order)
    if (names.size() < most && gradient[i] != 0 && std::isfinite(units[i]))
      names.push_back(fmt::format("d loss / d {} = {:.6g}",
                                  element_label(model, static_cast<std::int64_t>(i)), units[i]));
  return names.empty() ? "every derivative 0" : listed(names);
}

void report_outcome(const Model& model, const Training& training, const SolverRun& run,
                    std::span<const double> began, Diagnostics& diagnostics) {
  Outcome(model, training, run, began, diagnostics).report();
}

}  // namespace slope
