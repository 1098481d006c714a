// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/gradient_check.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>

#include "graph/gradient.h"
#include "runtime/rounding_errors.h"

namespace slope {

std::string_view to_string(DerivativeStatus status) {
  constexpr std::string_view names[] = {"right", "exact", "unclear", "kink", "wrong"};
  return names[static_cast<std::size_t>(status)];
}

namespace {

constexpr int most_steps = 36, random_points = 3, random_directions = 3;
constexpr double largest_step = 64;  // times the parameter's size; each next step is a quarter
// R counts as clear of the rounding errors above this many times their bound: a remainder of order 2 is then
// still four times the bound at the next step.
constexpr double clear = 64;
// Over so many steps a remainder of order 1 must be seen.
constexpr int fewest_steps = 3;

bool is_extremum(Reduction r) { return r == Reduction::max || r == Reduction::min; }

// The graph with the same ids, where the values under stop_gradient are inputs of their own, columns or
// parameters behind the model's: what its derivatives take as given is then given.
struct Stopped {
  Graph graph;
  std::vector<NodeId> nodes;

  // Of those that the loss and its derivatives need: for others there may be no data.
  Stopped(const Graph& from, std::span<const NodeId> roots, std::size_t columns, std::size_t params)
      : graph(Graph::like(from)) {
    std::vector<bool> needed = live(from, roots);
    for (std::size_t i = 0; i < from.size(); ++i) {
      NodeId id(static_cast<std::int64_t>(i));
      Node node = from[id];
      if (needed[i] && node.kind == NodeKind::stop_gradient) {
        bool rows = from.has_rows(id);
        auto index = static_cast<std::int32_t>(rows ? columns++ : params++);
        node = {.kind = rows ? NodeKind::data : NodeKind::param, .shape = node.shape, .index = index};
        nodes.push_back(id);
      }
      graph.make(node);
    }
  }
};

std::vector<NodeId> roots_of(const GradientProblem& problem) {
  std::vector<NodeId> roots{problem.loss};
  for (NodeId id : problem.gradient)
    if (id.valid()) roots.push_back(id);
  return roots;
}

// The remainder along one direction at one step.
struct Remainder {
  double step = 0, value = 0, floor = 0;  // floor: of the rounding errors
  double off = 0, off_one_sided = 0;      // how far g·d is off, by the differences to both sides and to one
  bool above = true;                      // the one side
  bool is_clear() const { return value > clear * floor; }
};

struct Line {
  std::vector<Remainder> remainders;  // from the largest step to the smallest
  double derivative = 0;              // g·d
};

// What the remainders of one line say.
struct Verdict {
  DerivativeCheck check;
  bool mismatch = false;
  double step = 0;  // where the mismatch shows; 0 where the derivative is not finite
};

double order_between(const Remainder& a, const Remainder& b) {
  return std::log(a.value / std::max(b.value, b.floor)) / std::log(a.step / b.step);
}

// The mean order of the last `count` pairs that end at the pair of `last`, as long as they agree.
double mean_order(const std::vector<Remainder>& r, std::size_t last) {
  double order = order_between(r[last], r[last + 1]);
  std::size_t first = last;
  while (first > 0 && std::fabs(order_between(r[first - 1], r[first]) - order) < 0.1) --first;
  return order_between(r[first], r[last + 1]);
}

// Whether R falls with one order, no lower than that of a right derivative, up to the pair of `last`.
bool steady(const std::vector<Remainder>& r, std::size_t last) {
  double order = order_between(r[last], r[last + 1]);
  return order >= 1.5 && std::fabs(order_between(r[last - 1], r[last]) - order) < 0.2;
}

// Whether the pair of `last` shows the limit of small steps, with order 1: R has been falling so over some
// steps, and the loss's own slope over a step has settled. It has not where the loss varies over shorter
// steps only, as a tanh does that is steep at p and flat further on: there the slope grows as the step
// shrinks.
bool limit_of_order_1(const Line& line, std::size_t last) {
  const std::vector<Remainder>& r = line.remainders;
  int steps = 0;
  for (std::size_t k = last + 1; k-- > 0 && std::fabs(order_between(r[k], r[k + 1]) - 1) < 0.25;) ++steps;
  double before = std::fabs(line.derivative + r[last].off_one_sided),
         after = std::fabs(line.derivative + r[last + 1].off_one_sided);
  bool grows = r[last].above == r[last + 1].above && after > 2 * before &&
               after * r[last + 1].step > 4 * r[last + 1].floor;
  return steps >= fewest_steps && !grows;
}

// Whether R stays what it is down to steps of the size of p's own rounding: the loss jumps at p.
bool jumps(const Line& line, std::size_t last) {
  const std::vector<Remainder>& r = line.remainders;
  int steps = 0;
  for (std::size_t k = last + 1; k-- > 0 && std::fabs(order_between(r[k], r[k + 1])) < 0.25;) ++steps;
  return steps >= fewest_steps && r[last + 1].step < 0x1p-40;
}

// Whether the rounding errors leave the derivative open, of which at least `off` is not known.
bool open_by_rounding(const DerivativeCheck& check, double derivative, double off) {
  if (off <= 0.01 * derivative || derivative == 0) return false;
  // A derivative that is 0 as far as can be told, as at a minimum: where the remainder is that of a
  // curvature.
  bool zero = off >= derivative && check.order && *check.order < 4.5;
  return !zero;
}

Verdict judge(const Line& line) {
  const std::vector<Remainder>& r = line.remainders;
  Verdict out;
  if (!std::isfinite(line.derivative)) {
    out.mismatch = true;
    return out;
  }
  double derivative = std::fabs(line.derivative), off = std::numeric_limits<double>::infinity();
  for (const Remainder& x : r) off = std::min(off, std::fabs(x.off) + x.floor / x.step);
  std::optional<std::size_t> last;  // the pair of the smallest steps whose first is clear
  for (std::size_t k = 0; k + 1 < r.size(); ++k)
    if (r[k].is_clear()) last = k;
  bool slow = false;
  if (last && r[*last + 1].value > 4 * r[*last + 1].floor) {
    out.check.order = mean_order(r, *last);
    slow = order_between(r[*last], r[*last + 1]) < 1.5;
    out.mismatch = slow && (limit_of_order_1(line, *last) || jumps(line, *last));
  } else if (last && *last >= 2 && steady(r, *last - 1)) {
    out.check.order = mean_order(r, *last - 1);  // the next step has no remainder to be seen
  } else {
    // R vanishes from one step to the next, or was never there: the loss is straight around p.
    out.check.status = DerivativeStatus::exact;
  }
  if (out.mismatch) {
    const Remainder& x = r[*last + 1];
    out.step = x.step;
    out.check.mismatch =
        std::fabs(x.off_one_sided) / std::max(derivative, std::fabs(line.derivative + x.off_one_sided));
    return out;
  }
  if (derivative > off) out.check.mismatch = off / derivative;
  bool early = slow && off > 1e-4 * derivative;  // the rounding errors came before the limit of small steps
  if (r.empty() || early || open_by_rounding(out.check, derivative, off))
    out.check.status = DerivativeStatus::unclear;
  return out;
}

class Checker {
 public:
  Checker(const GradientProblem& problem, const Inputs<double>& inputs)
      : problem_(problem),
        stopped_(problem.graph, roots_of(problem), inputs.columns.size(), problem.gradient.size()),
        inputs_(inputs),
        columns_(inputs.columns.size()),
        start_(inputs.params),
        params_(problem.gradient.size()),
        count_(inputs.params.size()) {
    std::vector<std::int64_t>& offsets = inputs_.param_offsets;
    if (offsets.empty())
      for (std::size_t i = 0; i < params_; ++i) offsets.push_back(static_cast<std::int64_t>(i));
    for (std::int64_t offset : offsets) begins_.push_back(static_cast<std::size_t>(offset));
    begins_.push_back(count_);
    std::int64_t behind = static_cast<std::int64_t>(count_);
    for (NodeId id : stopped_.nodes)
      if (!problem.graph.has_rows(id)) {
        offsets.push_back(behind);
        behind += elements(problem.graph.shape(id));
      }
    for (NodeId id : problem.gradient)
      if (id.valid()) roots_.push_back(id);
    const Graph& graph = stopped_.graph;
    depends_.resize(graph.size());
    for (std::size_t i = 0; i < graph.size(); ++i) {
      const Node& node = graph[NodeId(static_cast<std::int64_t>(i))];
      depends_[i] = node.kind == NodeKind::param && static_cast<std::size_t>(node.index) < params_;
      for (NodeId input : node.inputs()) depends_[i] = depends_[i] || depends_[input.index()];
    }
  }

  GradientCheck run() {
    GradientCheck out;
    std::vector<std::vector<Verdict>> verdicts(params_ +
                                               1);  // by parameter, the last of the directions; by point
    std::vector<std::vector<std::optional<Culprit>>> culprits(params_ + 1);
    for (int point = 0; point <= random_points; ++point) {
      if (point > 0 && !move_to_random_point()) continue;
      look_at_point();
      ++out.points;
      for (std::size_t i = 0; i <= params_; ++i) {
        auto [verdict, direction] = i < params_ ? along_param(i) : along_random_directions();
        culprits[i].push_back(verdict.mismatch ? locate(direction, verdict.step) : std::nullopt);
        verdicts[i].push_back(std::move(verdict));
      }
    }
    for (std::size_t i = 0; i < params_; ++i) out.params.push_back(summary(verdicts[i], culprits[i]));
    out.directions = summary(verdicts[params_], culprits[params_]);
    return out;
  }

 private:
  using Direction = std::vector<double>;  // by element, in the parameters' own units

  double loss_at(const std::vector<double>& params) {
    set_params(params);
    return evaluate<double>(stopped_.graph, std::span(&problem_.loss, 1), inputs_)[0][0];
  }

  void set_params(const std::vector<double>& params) {
    inputs_.params = params;
    inputs_.params.insert(inputs_.params.end(), stopped_numbers_.begin(), stopped_numbers_.end());
  }

  // What stands under stop_gradient, as it is at this point.
  void give_stopped_values(const std::vector<double>& params) {
    if (stopped_.nodes.empty()) return;
    stopped_numbers_.clear();
    inputs_.columns.resize(columns_);
    inputs_.params = params;
    std::vector<std::vector<double>> found = evaluate<double>(problem_.graph, stopped_.nodes, inputs_);
    for (std::size_t k = 0; k < found.size(); ++k)
      if (problem_.graph.has_rows(stopped_.nodes[k])) inputs_.columns.push_back(std::move(found[k]));
      else stopped_numbers_.insert(stopped_numbers_.end(), found[k].begin(), found[k].end());
  }

  double size_of(std::size_t i) const { return point_[i] == 0 ? 1 : std::fabs(point_[i]); }
  double normal() { return std::normal_distribution<double>()(random_); }

  // A tenth of each number's size away from the start, or less where the loss is not finite there.
  bool move_to_random_point() {
    point_ = start_;
    Direction away;
    for (std::size_t i = 0; i < count_; ++i) away.push_back(0.1 * normal() * size_of(i));
    for (int halvings = 0; halvings < 20; ++halvings) {
      for (std::size_t i = 0; i < count_; ++i) point_[i] = start_[i] + std::ldexp(away[i], -halvings);
      give_stopped_values(point_);
      if (std::isfinite(loss_at(point_))) return true;
    }
    return false;
  }

  // Loss, gradient and their rounding errors.
  void look_at_point() {
    if (point_.empty()) {
      point_ = start_;
      give_stopped_values(point_);
    }
    set_params(point_);
    {
      Values values(stopped_.graph, std::span(&problem_.loss, 1), inputs_);
      loss_ = values.of(problem_.loss)[0];
      loss_error_ = rounding_errors(values, std::span(&problem_.loss, 1), 0)[0][0];
    }
    const Graph& graph = problem_.graph;
    gradient_.assign(count_, 0);
    gradient_error_.assign(count_, 0);
    Values values(graph, roots_, inputs_);
    std::vector<std::vector<double>> errors =
        rounding_errors(values, roots_, graph.precision() == Precision::f32 ? 0x1p-24 : roundoff);
    for (std::size_t i = 0, k = 0; i < params_; ++i) {
      if (!problem_.gradient[i].valid()) continue;
      std::ranges::copy(values.of(problem_.gradient[i]), gradient_.begin() + begin_of(i));
      std::ranges::copy(errors[k++], gradient_error_.begin() + begin_of(i));
    }
    if (graph.precision() == Precision::f64) believe_drawn_errors();
    // Where a partial derivative is infinite nothing of first order is known.
    auto known = [](double value, double error) {
      return std::isfinite(error) ? error : clear * roundoff * std::fabs(value);
    };
    loss_error_ = known(loss_, loss_error_);
    for (std::size_t i = 0; i < count_; ++i) gradient_error_[i] = known(gradient_[i], gradient_error_[i]);
  }

  std::ptrdiff_t begin_of(std::size_t param) const { return static_cast<std::ptrdiff_t>(begins_[param]); }

  // Along a long chain of operations the analysis, in which no error ever cancels another, grows beyond all
  // measure. Where it leaves less than seven digits, what errors drawn by chance do, fourfold, is believed.
  void believe_drawn_errors() {
    double slopes = 0;
    for (std::size_t i = 0; i < count_; ++i) slopes += std::fabs(gradient_[i]) * size_of(i);
    auto says_little = [](double error, double scale) { return !(error < 1e-7 * scale); };
    bool any = says_little(loss_error_, std::fabs(loss_));
    for (std::size_t i = 0; i < count_; ++i)
      any = any || says_little(gradient_error_[i] * size_of(i), slopes);
    if (!any) return;
    std::vector<NodeId> roots = roots_;
    roots.push_back(problem_.loss);
    set_params(point_);
    auto drawn = drawn_rounding_errors(problem_.graph, roots, inputs_);
    auto lower = [&](double size, double scale, double& error, double other) {
      if (says_little(error * size, scale) && std::isfinite(other) && !(error < 4 * other)) error = 4 * other;
    };
    lower(1, std::fabs(loss_), loss_error_, drawn.back()[0]);
    for (std::size_t i = 0, k = 0; i < params_; ++i) {
      if (!problem_.gradient[i].valid()) continue;
      for (std::size_t e = 0; e < drawn[k].size(); ++e)
        lower(size_of(begins_[i] + e), slopes, gradient_error_[begins_[i] + e], drawn[k][e]);
      ++k;
    }
  }

  // p + h·d as it can be represented, and the step that was really made.
  std::pair<std::vector<double>, Direction> moved(const Direction& d, double h) const {
    std::vector<double> params = point_;
    Direction made(count_);
    for (std::size_t i = 0; i < count_; ++i) {
      params[i] += h * d[i];
      made[i] = params[i] - point_[i];
    }
    return {params, made};
  }

  double along(const Direction& d) const {
    double sum = 0;
    for (std::size_t i = 0; i < count_; ++i)
      if (d[i] != 0) sum += gradient_[i] * d[i];
    return sum;
  }

  // Both sides at one step: a kink may show on one of them only. At the edge of the loss's domain the side
  // where it is finite; no value where there is none.
  std::optional<Remainder> remainder(const Direction& d, double h) {
    auto [above, up] = moved(d, h);
    auto [below, down] = moved(d, -h);
    double higher = loss_at(above), lower = loss_at(below), said_up = along(up), said_down = along(down);
    double rest_up = higher - loss_ - said_up, rest_down = lower - loss_ - said_down;
    bool finite_up = std::isfinite(rest_up), finite_down = std::isfinite(rest_down);
    if (!finite_up && !finite_down) return {};
    bool takes_up = finite_up && (!finite_down || std::fabs(rest_up) >= std::fabs(rest_down));
    Remainder r;
    r.step = h;
    r.above = takes_up;
    r.value = std::fabs(takes_up ? rest_up : rest_down);
    r.off_one_sided = (takes_up ? rest_up : -rest_down) / h;
    // The steps that were made are not quite ±h·d, but g's part in both differences is known.
    r.off = finite_up && finite_down ? (rest_up - rest_down) / (2 * h) : r.off_one_sided;
    double error = 0;
    for (std::size_t i = 0; i < count_; ++i)
      error += gradient_error_[i] * std::max(std::fabs(up[i]), std::fabs(down[i]));
    double largest = std::fabs(loss_);
    if (finite_up) largest = std::max({largest, std::fabs(higher), std::fabs(said_up)});
    if (finite_down) largest = std::max({largest, std::fabs(lower), std::fabs(said_down)});
    r.floor = 2 * loss_error_ + error + 8 * roundoff * largest + std::numeric_limits<double>::min();
    return r;
  }

  Line line(const Direction& d) {
    Line out;
    out.derivative = along(d);
    if (!std::isfinite(out.derivative)) return out;
    int at_floor = 0;
    double h = largest_step;
    // Once R is within the rounding errors it stays there: a wrong derivative's falls no faster than h.
    for (int k = 0; k < most_steps && at_floor < 3; ++k, h /= 4) {
      auto r = remainder(d, h);
      if (!r) {
        out.remainders.clear();
        continue;
      }
      bool moves = moved(d, h).first != point_;
      if (!moves) break;
      at_floor = r->value <= r->floor ? at_floor + 1 : 0;
      out.remainders.push_back(*r);
    }
    return out;
  }

  // A number's own direction; a random one of all elements of a parameter that has more.
  std::pair<Verdict, Direction> along_param(std::size_t i) {
    Direction d = begins_[i] + 1 == begins_[i + 1] ? of_number(begins_[i])
                                                   : random_direction(begins_[i], begins_[i + 1]);
    return {judge(line(d)), d};
  }

  Direction of_number(std::size_t at) const {
    Direction d(count_, 0);
    d[at] = size_of(at);
    return d;
  }

  // Through the elements from `begin` up to `end`, as long as one of them.
  Direction random_direction(std::size_t begin, std::size_t end) {
    Direction d(count_, 0);
    double length = 0;
    for (std::size_t i = begin; i < end; ++i) d[i] = normal();
    for (double x : d) length += x * x;
    for (std::size_t i = begin; i < end; ++i) d[i] *= size_of(i) / std::sqrt(length);
    return d;
  }

  // The worst of them.
  std::pair<Verdict, Direction> along_random_directions() {
    std::pair<Verdict, Direction> worst;
    for (int k = 0; k < random_directions; ++k) {
      Direction d = random_direction(0, count_);
      Verdict verdict = judge(line(d));
      auto badness = [](const Verdict& v) {
        return std::pair(v.mismatch, v.check.status == DerivativeStatus::unclear);
      };
      bool lower = badness(verdict) == badness(worst.first) && verdict.check.order &&
                   (!worst.first.check.order || *verdict.check.order < *worst.first.check.order);
      if (k == 0 || badness(verdict) > badness(worst.first) || lower) worst = {verdict, d};
    }
    return worst;
  }

  // --- which operation is the reason ---

  // The first operation, operands before users, whose own remainder, at the operands that it has along the
  // line, falls slower than order 1.5; without a step, whose partial derivative is not finite.
  std::optional<Culprit> locate(const Direction& d, double step) {
    const Graph& graph = stopped_.graph;
    set_params(point_);
    std::span<const NodeId> root(&problem_.loss, 1);
    Values here(graph, root, inputs_);
    if (step == 0) return not_finite(here);
    // At the smallest step at which an operation's own remainder stands clear of its rounding.
    for (int tries = 0; tries < 4; ++tries, step *= 4)
      for (double sign : {1.0, -1.0}) {
        set_params(moved(d, sign * step).first);
        Values near(graph, root, inputs_);
        set_params(moved(d, sign * 4 * step).first);
        Values far(graph, root, inputs_);
        for (NodeId id : here.nodes())
          if (auto culprit = at_node(id, here, near, far)) return culprit;
      }
    return {};
  }

  bool checked(NodeId id) const {
    const Node& node = stopped_.graph[id];
    return depends_[id.index()] && node.type == Type::real &&
           (node.kind == NodeKind::scalar || (node.kind == NodeKind::reduce && is_extremum(node.reduction)));
  }

  // The first operation with a partial derivative that is not finite; else the first value that is not.
  std::optional<Culprit> not_finite(const Values& here) const {
    std::optional<Culprit> value;
    for (NodeId id : here.nodes()) {
      const Node& node = stopped_.graph[id];
      if (!checked(id) || node.kind != NodeKind::scalar) continue;
      for (std::size_t at = 0; at < here.of(id).size(); ++at) {
        double y = here.of(id)[at];
        if (!std::isfinite(y)) {  // perhaps in a branch that is not taken
          if (!value) value = culprit(id, at, here, {});
          continue;
        }
        std::array<double, 3> x = here.operands(id, at), p = partials(node.op, x.data(), y);
        for (std::size_t k = 0; k < node.inputs().size(); ++k)
          if (depends_[node.operands[k].index()] && !std::isfinite(p[k]) && std::isfinite(x[k]))
            return culprit(id, at, here, {});
      }
    }
    return value;
  }

  std::optional<Culprit> at_node(NodeId id, const Values& here, const Values& near, const Values& far) const {
    if (!checked(id)) return {};
    std::vector<Rest> small = remainders_of(id, here, near);
    auto shows = [](const Rest& rest) { return rest.value > clear * rest.noise; };
    if (std::none_of(small.begin(), small.end(), shows)) return {};
    std::vector<Rest> large = remainders_of(id, here, far);
    for (std::size_t at = 0; at < small.size(); ++at)
      if (shows(small[at]) && large[at].value < 8 * small[at].value)
        return culprit(id, at, here, near);  // 4^1.5
    return {};
  }

  // The remainder of one node at an element, and how large rounding errors may make it.
  struct Rest {
    double value = 0, noise = 0;
  };
  std::vector<Rest> remainders_of(NodeId id, const Values& a, const Values& b) const {
    if (stopped_.graph[id].kind == NodeKind::reduce) return extremum_remainders(id, a, b);
    std::vector<Rest> out;
    for (std::size_t at = 0; at < a.of(id).size(); ++at) out.push_back(op_remainder(id, at, a, b));
    return out;
  }

  Rest op_remainder(NodeId id, std::size_t at, const Values& a, const Values& b) const {
    const Node& node = stopped_.graph[id];
    std::array<double, 3> x = a.operands(id, at), y = b.operands(id, at);
    std::array<double, 3> p = partials(node.op, x.data(), a.of(id)[at]);
    double rest = b.of(id)[at] - a.of(id)[at],
           noise = roundoff * (std::fabs(a.of(id)[at]) + std::fabs(b.of(id)[at]));
    for (std::size_t k = 0; k < node.inputs().size(); ++k) {
      if (p[k] == 0 || info(node.op).operands[k] == Type::truth) continue;
      rest -= p[k] * (y[k] - x[k]);
      noise += 2 * roundoff * std::fabs(p[k] * (y[k] - x[k]));
    }
    return {std::fabs(rest), noise};
  }

  // Of max and min along an axis or over rows, whose derivative the elements that equal it share.
  std::vector<Rest> extremum_remainders(NodeId id, const Values& a, const Values& b) const {
    NodeId of = stopped_.graph[id].operands[0];
    const std::vector<double>&x = a.of(of), &y = b.of(of), &from = a.of(id), &to = b.of(id);
    std::vector<std::size_t> where = reduced_to(stopped_.graph, id, a.rows());
    std::vector<double> moves(from.size()), hits(from.size());
    for (std::size_t i = 0; i < x.size(); ++i)
      if (x[i] == from[where[i]]) moves[where[i]] += y[i] - x[i], ++hits[where[i]];
    std::vector<Rest> out;
    for (std::size_t at = 0; at < from.size(); ++at)
      out.push_back({std::fabs(to[at] - from[at] - moves[at] / hits[at]),
                     4 * roundoff * (std::fabs(from[at]) + std::fabs(to[at]))});
    return out;
  }

  Culprit culprit(NodeId id, std::size_t at, const Values& here,
                  std::optional<std::reference_wrapper<const Values>> near) const {
    const Graph& graph = stopped_.graph;
    Culprit out;
    out.node = id;
    if (graph.has_rows(id)) out.row = static_cast<std::int64_t>(at) / elements(graph.shape(id));
    const Node& node = graph[id];
    if (node.kind == NodeKind::reduce) {
      out.operands = {here.of(id)[at]};
      return out;
    }
    NodeId told = id;
    if (node.op == id_of<op::Select>() && near) told = deciding(node.operands[0], at, here, *near);
    if (told != id) out.decides = told;
    std::array<double, 3> x = here.operands(told, std::min(at, here.of(told).size() - 1));
    out.operands.assign(x.begin(), x.begin() + graph[told].arity());
    return out;
  }

  // The comparison whose answer changes the condition.
  NodeId deciding(NodeId condition, std::size_t at, const Values& here, const Values& near) const {
    const Graph& graph = stopped_.graph;
    while (true) {
      const Node& node = graph[condition];
      NodeId changes;
      for (NodeId input : node.inputs())
        if (graph[input].type == Type::truth && here.of(input)[std::min(at, here.of(input).size() - 1)] !=
                                                    near.of(input)[std::min(at, here.of(input).size() - 1)])
          changes = input;
      if (!changes.valid()) return condition;
      condition = changes;
    }
  }

  static DerivativeCheck summary(const std::vector<Verdict>& verdicts,
                                 const std::vector<std::optional<Culprit>>& culprits) {
    std::size_t mismatches = 0, unclear = 0;
    std::optional<std::size_t> first, unexplained;
    for (std::size_t i = 0; i < verdicts.size(); ++i) {
      unclear += verdicts[i].check.status == DerivativeStatus::unclear;
      if (!verdicts[i].mismatch) continue;
      ++mismatches;
      if (!first) first = i;
      if (!culprits[i] && !unexplained) unexplained = i;
    }
    if (!first) return verdicts[0].check;
    bool wrong = mismatches + unclear == verdicts.size() || unexplained;
    std::size_t shown = wrong && unexplained ? *unexplained : wrong ? verdicts.size() - 1 : *first;
    DerivativeCheck out = verdicts[shown].check;
    out.status = wrong ? DerivativeStatus::wrong : DerivativeStatus::kink;
    out.culprit = culprits[shown];
    return out;
  }

  const GradientProblem& problem_;
  Stopped stopped_;
  Inputs<double> inputs_;  // with what is stopped, behind the model's own
  std::size_t columns_;    // of the model
  std::vector<double> stopped_numbers_;
  std::vector<double> start_, point_;
  std::size_t params_, count_;       // and their elements
  std::vector<std::size_t> begins_;  // of each parameter's elements; behind them count_
  std::vector<NodeId> roots_;        // the gradients that there are
  std::vector<bool> depends_;        // on a parameter, by node
  std::mt19937 random_{1};
  double loss_ = 0, loss_error_ = 0;
  std::vector<double> gradient_, gradient_error_;
};

}  // namespace

namespace {
// How many numbers a contraction multiplies for a row.
double products(const Graph& graph, NodeId contraction) {
  const Node& node = graph[contraction];
  Graph::Labels labels = graph.labels(node);
  const Axes &a = graph.shape(node.operands[0]).axes, &b = graph.shape(node.operands[1]).axes;
  double count = 1;
  for (std::int64_t n : a) count *= static_cast<double>(n);
  for (std::size_t k = 0; k < b.size(); ++k)
    if (std::find(labels.a.begin(), labels.a.end(), labels.b[k]) == labels.a.end())
      count *= static_cast<double>(b[k]);
  return count;
}

// Operations for a row: one an element, of a contraction those of its sums.
double work(const Graph& graph, std::span<const NodeId> roots) {
  std::vector<bool> needed = live(graph, roots);
  double sum = 0;
  for (std::size_t i = 0; i < needed.size(); ++i) {
    if (!needed[i]) continue;
    NodeId id(static_cast<std::int64_t>(i));
    double of_node = static_cast<double>(elements(graph.shape(id)));
    for (NodeId input : graph[id].inputs())
      of_node = std::max(of_node, static_cast<double>(elements(graph.shape(input))));
    if (graph[id].kind == NodeKind::contract) of_node = products(graph, id);
    sum += of_node;
  }
  return sum;
}
}  // namespace

GradientProblem slope_problem(Graph& graph, const GradientProblem& first) {
  NodeId slope = graph.constant(0);
  std::vector<NodeId> params;
  std::int64_t element = 0;
  for (std::size_t i = 0; i < first.gradient.size(); ++i) {
    NodeId g = first.gradient[i];
    if (!g.valid()) continue;
    Axes shape = graph.shape(g).axes, all(shape.size());
    std::iota(all.begin(), all.end(), 0);
    params.push_back(graph.param(static_cast<int>(i), graph[g].shape));
    std::vector<double> along(static_cast<std::size_t>(elements(graph.shape(g))));
    // Of one sign and no two alike: symmetric parts of the Hessian do not cancel.
    for (double& x : along) x = 0.5 + std::fmod(0.618034 * static_cast<double>(++element), 1);
    NodeId direction = shape.empty() ? graph.constant(along[0]) : graph.array(std::move(along), shape);
    slope =
        graph.apply<op::Add>(slope, graph.reduce(Reduction::sum, graph.apply<op::Mul>(g, direction), all));
  }
  GradientProblem out{graph, slope, std::vector<NodeId>(first.gradient.size())};
  std::vector<NodeId> rows = differentiate(graph, slope, params);
  for (std::size_t i = 0, k = 0; i < first.gradient.size(); ++i)
    if (first.gradient[i].valid()) out.gradient[i] = rows[k++];
  return out;
}

std::int64_t most_rows_to_check(const GradientProblem& problem) {
  constexpr double operations = 2e8, at_once = 4e6;
  const Graph& graph = problem.graph;
  std::vector<NodeId> all{problem.loss};
  for (NodeId id : problem.gradient)
    if (id.valid()) all.push_back(id);
  double lines = (random_points + 1) * (static_cast<double>(problem.gradient.size()) + random_directions);
  double evaluations = lines * most_steps * 2;
  double most = std::min(operations / (evaluations * work(graph, std::span(&problem.loss, 1))),
                         at_once / work(graph, all));
  return std::max<std::int64_t>(4, static_cast<std::int64_t>(most));
}

GradientCheck check_gradient(const GradientProblem& problem, const Inputs<double>& inputs) {
  return Checker(problem, inputs).run();
}

}  // namespace slope
