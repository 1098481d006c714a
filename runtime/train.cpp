// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A step of a small model takes tens of nanoseconds, so the loop around it does almost nothing: it keeps the
// parameters that the step began with where their loss is the lowest so far, and compares the step's number
// with that of the next step after which there is more to do.
#include "runtime/train.h"

#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <new>

#include "base/ending.h"
#include "base/text.h"
#include "runtime/explain.h"
#include "runtime/parameters.h"
#include "runtime/solvers/solve.h"

namespace slope {

volatile std::sig_atomic_t stop_signal = 0, stop_waits = 0;

std::string_view to_string(Status status) {
  constexpr std::string_view names[] = {"finished", "diverged", "interrupted", "converged", "not_converged"};
  return names[static_cast<std::size_t>(status)];
}

namespace {

std::vector<double> widened(const auto& x) { return {x.begin(), x.end()}; }
template <class T>
std::vector<T> narrowed(const std::vector<double>& x) {
  std::vector<T> out;
  for (double value : x) out.push_back(static_cast<T>(value));
  return out;
}

// So that a vector begins where a line of the cache does.
template <class T>
struct OnLines {
  using value_type = T;
  static constexpr std::align_val_t line{64};
  T* allocate(std::size_t n) { return static_cast<T*>(::operator new(n * sizeof(T), line)); }
  void deallocate(T* p, std::size_t) { ::operator delete(p, line); }
  friend bool operator==(OnLines, OnLines) { return true; }
};

// The memory that a compiled function works on.
template <class T>
struct Memory {
  // `start`: the parameters, then states.
  Memory(const Model& model, const Dataset& data, const std::vector<T>& start, std::size_t results,
         std::size_t scratch_elements)
      : room(start.begin(), start.end()),
        outputs(std::max<std::size_t>(results, 1)),
        scratch(scratch_elements),
        arguments(1) {
    room.resize(start.size() + 64);  // may be read: Run::params
    params = std::span(room).first(start.size());
    run.columns = data.pointers.data();
    run.params = params.data();
    run.outputs = outputs.data();
    run.scratch = scratch.data();
    run.arguments = arguments.data();
    run.rows = data.rows;
    run.states = room.data() + model.param_elements();
    run.seed = static_cast<std::uint64_t>(model.seed.value_or(0));
  }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  std::vector<T, OnLines<T>> room;
  std::span<T> params;
  std::vector<T> outputs;
  std::vector<T, OnLines<T>> scratch;
  std::vector<T> arguments;
  Run run;
};

bool step_evaluates(const Model& model, const Fused& evaluation) {
  return evaluation.roots.size() == 1 && !model.uses_training;
}

constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();

// When a line is due: every `interval` steps, or at doubling steps up to a tenth of the run and then ten
// times more.
class LineTimes {
 public:
  LineTimes(std::optional<std::int64_t> interval, std::int64_t steps)
      : interval_(interval.value_or(0)), steady_(std::max<std::int64_t>(steps / 10, 1)) {}
  // The first that is not before `step`.
  std::int64_t from(std::int64_t step) const {
    if (step == 0) return 0;
    std::int64_t every = interval_ > 0 ? interval_ : steady_;
    if (interval_ > 0 || step > steady_) return (step + every - 1) / every * every;
    std::int64_t due = 1;
    while (due < step) due *= 2;
    return std::min(due, steady_);
  }

 private:
  std::int64_t interval_, steady_;
};

// After how many steps to look at the clock: about 20 ms of them. Reading it costs about as much as a small
// step, so it is not read every step.
class Ticks {
 public:
  Ticks() : last_(seconds_now()) {}
  std::int64_t after(std::int64_t step) {
    double now = seconds_now(), elapsed = now - last_;
    last_ = now;
    if (elapsed < 0.01) interval_ *= 2;
    if (elapsed > 0.04) interval_ = std::max<std::int64_t>(interval_ / 2, 1);
    return step + interval_;
  }

 private:
  double last_;
  std::int64_t interval_ = 1;
};

// The steps of a statement after which something is to be done.
struct Due {
  std::int64_t line = never, tick = never, save = never, loss = never;
  std::int64_t next() const { return std::min({line, tick, save, loss}); }
};

template <class T>
class Loop {
 public:
  Loop(const Trainer& trainer, Place from, const Listener& listener, Diagnostics& diagnostics)
      : t_(trainer),
        listener_(listener),
        diagnostics_(diagnostics),
        runs_(std::move(from.runs)),
        own_(static_cast<std::size_t>(trainer.model.own_elements())),
        best_(narrowed<T>(from.best)),
        before_(own_),
        best_loss_(static_cast<T>(from.best_loss)),
        total_(total_steps(trainer.model)),
        memory_(trainer.model, trainer.data, with_states(from.params), results(), scratch()) {
    keep_own(before_);
    best_.resize(own_);
    for (const RunReport& run : runs_) done_ += run.steps;
  }

  Fit run() {
    Fit fit;
    double began = seconds_now();
    std::int64_t before = done_, end = 0;
    std::size_t statement = 0, statements = t_.model.trainings.size();
    for (; statement + 1 < runs_.size(); ++statement)
      end += is_over(runs_[statement]) ? runs_[statement].steps : t_.model.trainings[statement].steps;
    for (; statement < statements; ++statement) {
      const Training& training = t_.model.trainings[statement];
      if (statement == runs_.size()) runs_.push_back({training.optimizer, 0, Status::finished, 0});
      end += training.steps;
      fit.status = runs_.back().status = one(training, runs_.back(), end);
      if (fit.status == Status::diverged || fit.status == Status::interrupted) break;
      if (training.optimizer.solver) end = done_;
      // The loss that the statement reached; that of the last is the result's.
      if (statement + 1 < statements) runs_.back().loss = evaluate(widened(own()))[0];
    }
    fit.train_seconds = seconds_now() - began;
    fit.steps = done_;
    fit.steps_here = done_ - before;
    finish(fit);
    return fit;
  }

 private:
  // The parameters and the model's own states, without the optimizer's.
  std::span<const T> own() const { return memory_.params.first(own_); }
  void keep_own(std::vector<T>& to) const { std::memcpy(to.data(), memory_.params.data(), own_ * sizeof(T)); }
  // With room for all states.
  std::vector<T> with_states(const std::vector<double>& params) const {
    std::vector<T> all = narrowed<T>(params);
    all.resize(static_cast<std::size_t>(t_.model.param_elements() + t_.model.state_elements()));
    return all;
  }

  std::size_t results() const {
    std::size_t most = 1;
    for (const StepGraph& step : t_.steps) most = std::max(most, output_count(step_kernel(step, 0)));
    return most;
  }
  std::size_t scratch() const {
    std::size_t most = 1;
    for (std::size_t i = 0; i < t_.steps.size(); ++i)
      most = std::max(most, scratch_size(step_kernel(t_.steps[i], i), t_.data.rows));
    return most;
  }

  Program::Function function(const Optimizer& optimizer) const {
    for (std::size_t i = 0; i < t_.steps.size(); ++i)
      if (t_.steps[i].optimizer == optimizer) return t_.program.function(step_kernel(t_.steps[i], i).name);
    internal_error("no step was compiled for an optimizer");
  }

  // An optimizer's states begin anew, unless the statement before had the same.
  void start_optimizer(const Training& training, std::size_t statement) {
    if (statement > 0 && t_.model.trainings[statement - 1].optimizer == training.optimizer) return;
    T* states = static_cast<T*>(memory_.run.states);
    for (const StepGraph& step : t_.steps)
      if (step.optimizer == training.optimizer)
        for (const OptimizerSlot& slot : step.slots)
          std::copy(slot.start.begin(), slot.start.end(),
                    states + t_.model.states[static_cast<std::size_t>(slot.state)].offset);
  }

  // Until `end` steps of the whole run are done, or something stops it.
  Status one(const Training& training, RunReport& report, std::int64_t end) {
    if (training.optimizer.solver) return solve_statement(training, report);
    Program::Function step = function(training.optimizer);
    memory_.arguments[0] = static_cast<T>(training.rate);
    if (report.steps == 0) start_optimizer(training, runs_.size() - 1);
    began_.assign(own().begin(), own().end());
    const std::int64_t before = done_ - report.steps;  // steps of earlier statements
    const std::int64_t last = end - before;
    LineTimes lines(training.report, last);
    Ticks ticks;
    Due due = first_due(lines, report.steps, before);
    std::int64_t next = due.next(), k = report.steps;
    Status status = Status::finished;
    // The rows of the step, and nothing else, touch memory in this loop.
    const std::size_t bytes = own_ * sizeof(T);
    for (; k < last; ++k) {
      if (stop_signal) {
        status = Status::interrupted;
        break;
      }
      std::memcpy(before_.data(), memory_.params.data(), bytes);
      step_under_way = before + k;
      memory_.run.step = static_cast<std::uint64_t>(before + k + 1);
      step(&memory_.run);
      T loss = memory_.outputs[0];
      if (!std::isfinite(loss)) {
        diverged(training, before + k, loss);
        status = Status::diverged;
        break;
      }
      if (before + k == 0) check_gradient(training);
      if (!(loss >= best_loss_)) {
        best_loss_ = loss;
        std::memcpy(best_.data(), before_.data(), bytes);
      }
      if (k == next) {
        report.steps = k + 1;
        pause(training, lines, ticks, due, before, loss);
        next = due.next();
      }
    }
    step_under_way = no_step;
    report.steps = k;
    done_ = before + k;
    return status;
  }

  // A statement whose optimizer has a stopping test: it calls back before each of its steps.
  Status solve_statement(const Training& training, RunReport& report) {
    if (is_over(report)) return report.status;
    const std::size_t number = number_of(training.optimizer);
    const std::int64_t before = done_ - report.steps, made = report.steps;
    began_.assign(own().begin(), own().end());
    before_ = began_;
    if (Status status = look(training, number, before + made); status != Status::finished) return status;
    LineTimes lines(training.report, training.steps);
    std::int64_t line = lines.from(made);
    step_under_way = before + made;
    auto before_step = [&](std::int64_t step, double loss, std::span<const double> params) {
      std::int64_t k = made + step;
      loss = arrive(params, loss, report, k, before);
      if (listener_.loss && before + k >= next_loss_) next_loss_ = listener_.loss(before + k, loss);
      if (listener_.line && k >= line) {
        listener_.line({before + k, total_, loss, params, training.report.has_value()});
        line = lines.from(k + 1);
      }
      bool save = listener_.save && listener_.save_every > 0 && step > 0;
      if (save && (before + k) % listener_.save_every == 0) listener_.save(place());
      step_under_way = before + k;
      return stop_signal == 0;
    };
    SolverOptions options{training.steps - made, training.tolerance};
    for (const Hyper& hyper : training.optimizer.hyper) options.history = static_cast<int>(hyper.value);
    SolverRun run = solve(*t_.steps[number].solver, number, t_.program, t_.model, t_.data, widened(own()),
                          options, before_step);
    step_under_way = no_step;
    arrive(run.params, std::numeric_limits<double>::quiet_NaN(), report, made + run.steps, before);
    report.stopped_by = run.stopped_by;
    say_redundant(training, run);
    return ended(training, run);
  }

  std::size_t number_of(const Optimizer& optimizer) const {
    for (std::size_t i = 0; i < t_.steps.size(); ++i)
      if (t_.steps[i].optimizer == optimizer) return i;
    internal_error("no step was compiled for an optimizer");
  }

  // The loss and its derivatives where a solver begins: they must be finite.
  Status look(const Training& training, std::size_t number, std::int64_t step) {
    Kernel kernel = step_kernel(t_.steps[number], number);
    t_.program.function(kernel.name)(&memory_.run);
    T loss = memory_.outputs[0];
    bool finite = std::all_of(memory_.outputs.begin(),
                              memory_.outputs.begin() + static_cast<std::ptrdiff_t>(output_count(kernel)),
                              [](T x) { return std::isfinite(x); });
    if (finite && step == 0) check_gradient(training);
    if (finite) return Status::finished;
    best_ = before_;
    best_loss_ = loss;
    diverged(training, step, loss);
    return Status::diverged;
  }

  // A solver's point, with k steps of its statement done.
  double arrive(std::span<const double> params, double loss, RunReport& report, std::int64_t k,
                std::int64_t before) {
    for (std::size_t i = 0; i < params.size(); ++i) memory_.params[i] = static_cast<T>(params[i]);
    keep_own(before_);
    if (std::isnan(loss)) loss = evaluate(widened(before_))[0];
    if (!(static_cast<T>(loss) >= best_loss_)) {
      best_loss_ = static_cast<T>(loss);
      std::copy(before_.begin(), before_.end(), best_.begin());
    }
    report.steps = k;
    done_ = before + k;
    return loss;
  }

  Status ended(const Training& training, const SolverRun& run) {
    const std::string& name = training.optimizer.name;
    switch (run.end) {
      case SolverEnd::converged: return Status::converged;
      case SolverEnd::interrupted: return Status::interrupted;
      case SolverEnd::unbounded: {
        Diagnostic& d =
            diagnostics_.error(Code::diverged, training.span,
                               "the loss has no minimum: it falls without bound in some direction");
        d.helps.push_back("hold the parameters by a term such as + 1e-3*sum(w^2)");
        return Status::diverged;
      }
      case SolverEnd::limit: break;
    }
    if (name == "exact" || &training != &t_.model.trainings.back()) return Status::not_converged;
    Diagnostic& d =
        diagnostics_.error(Code::not_converged, training.span,
                           fmt::format("`{}` made {} step{}, its limit, before its stopping test was met",
                                       name, training.steps, training.steps == 1 ? "" : "s"));
    d.notes.push_back("the parameters reached so far are the result");
    d.helps.push_back(fmt::format("give more steps, or a tolerance: `train optimizer={} steps={}`", name,
                                  10 * std::max<std::int64_t>(training.steps, 1)));
    return Status::not_converged;
  }

  void say_redundant(const Training& training, const SolverRun& run) {
    const std::vector<std::int64_t>& elements = run.redundant;
    if (elements.empty()) return;
    std::vector<std::string> names;
    for (std::int64_t element : std::span(elements).first(std::min<std::size_t>(elements.size(), 10))) {
      const Parameter& param = param_at(t_.model, element);
      names.push_back("`" + element_name(param.name, param.axes, element - param.offset) + "`");
    }
    if (elements.size() > 10) names.push_back(fmt::format("{} more", elements.size() - 10));
    bool one = names.size() == 1;
    Diagnostic& d = diagnostics_.warning(
        Code::redundant_parameters, training.span,
        fmt::format("the loss does not determine {}: other values, with others of the rest, fit as well",
                    listed(names)));
    d.notes.push_back(run.nearest ? "the result is the minimum nearest to the start"
                                  : fmt::format("{} where {} started", one ? "it stays" : "they stay",
                                                one ? "it" : "they"));
    d.helps.push_back(
        fmt::format("leave {} out, or add a term such as 1e-6*sum(w^2) to the loss", one ? "it" : "some"));
  }

  Due first_due(const LineTimes& lines, std::int64_t k, std::int64_t before) const {
    Due due;
    if (listener_.line) due.line = lines.from(k);
    if (listener_.tick) due.tick = k;
    if (listener_.loss) due.loss = std::max(k, next_loss_ - before);
    // After step k of this statement before + k + 1 steps are done.
    if (listener_.save && listener_.save_every > 0)
      due.save = ((before + k) / listener_.save_every + 1) * listener_.save_every - before - 1;
    return due;
  }

  // Between two steps of the last run begun: what is due after the first of them.
  void pause(const Training& training, const LineTimes& lines, Ticks& ticks, Due& due, std::int64_t before,
             T loss) {
    std::int64_t k = runs_.back().steps - 1;
    if (k == due.loss) {
      next_loss_ = listener_.loss(before + k, static_cast<double>(loss));
      due.loss = next_loss_ - before;
    }
    if (k != std::min({due.line, due.tick, due.save})) return;
    std::vector<double> params = widened(before_);
    Progress progress{before + k, total_, static_cast<double>(loss), params, training.report.has_value()};
    if (k == due.line) {
      listener_.line(progress);
      due.line = lines.from(k + 1);
    }
    if (k == due.tick) {
      listener_.tick(progress);
      due.tick = ticks.after(k);
    }
    if (k == due.save) {
      // Parameters that are not finite are no place to go on from; the next step reports them.
      if (all_finite(widened(memory_.params))) listener_.save(place());
      due.save += listener_.save_every;
    }
  }

  // After the last step; statements without a step are not begun.
  Place place() const {
    Place place{runs_, widened(memory_.params), {}, static_cast<double>(best_loss_)};
    while (!place.runs.empty() && place.runs.back().steps == 0) place.runs.pop_back();
    if (!std::isnan(best_loss_)) place.best = widened(best_);
    return place;
  }

  void diverged(const Training& training, std::int64_t step, T loss) {
    const Model& model = t_.model;
    std::string value = shortest(loss);
    auto culprit = [&] {
      return first_not_finite(model, model.graph, std::span(&model.loss, 1), t_.data, widened(before_));
    };
    if (step == 0) {
      Diagnostic& d = diagnostics_.error(Code::not_finite_at_start, training.span,
                                         fmt::format("the loss is {} at the start", value));
      if (auto first = culprit()) blame(d, *first);
      return;
    }
    Diagnostic& d =
        diagnostics_.error(Code::diverged, training.span,
                           fmt::format("the training diverged: at step {} the loss is {}", step, value));
    d.notes.push_back(
        fmt::format("the best loss before was {}; its parameters are kept", shortest(best_loss_)));
    if (explain_gradient(d) || overshoots(training, d)) return;
    if (loss == -std::numeric_limits<T>::infinity()) return say_unbounded(before_, d);
    // Not an overflow: an operation was taken where it has no value.
    if (std::isnan(loss))
      if (auto first = culprit(); first && std::isnan(first->value)) blame(d, *first);
    d.helps.push_back(fmt::format("the rate {} may be too large: try rate={}", shortest(training.rate),
                                  shortest(training.rate / 10)));
  }

  // A loss that goes to minus infinity has no minimum, and no rate finds one.
  void say_unbounded(std::span<const T> params, Diagnostic& d) const {
    params = params.first(static_cast<std::size_t>(t_.model.param_elements()));
    auto farthest =
        std::max_element(params.begin(), params.end(), [](T a, T b) { return std::abs(a) < std::abs(b); });
    std::int64_t element = farthest - params.begin();
    const Parameter& param = param_at(t_.model, element);
    d.notes.push_back(fmt::format(
        "the loss falls without bound as `{}` grows, here to {}: it has no minimum",
        element_name(param.name, param.axes, element - param.offset),
        shortest(static_cast<T>(in_units(t_.model, widened(params))[static_cast<std::size_t>(element)]))));
    std::string square = param.axes.empty() ? param.name + "^2" : "sum(" + param.name + "^2)";
    d.helps.push_back(fmt::format("square what is to become small, or hold `{}` by a term such as + 1e-3*{}",
                                  param.name, square));
  }

  // Whether the rate is above the stability bound, where that can be told: said in the diagnostic.
  bool overshoots(const Training& training, Diagnostic& d) const {
    const StepGraph* descent = gradient_descent(t_.steps);
    if (!descent || !(training.optimizer == descent->optimizer)) return false;
    std::optional<Stability> stability = t_.stability;
    if (!stability) stability = stability_at(t_.model, *descent, t_.data, widened(began_));
    return stability && explain_rate(t_.model, *stability, training.rate, d);
  }

  // Whether a derivative at the best point is not finite, which no rate helps against: said in the
  // diagnostic.
  bool explain_gradient(Diagnostic& d) {
    const StepGraph& step = t_.steps[0];
    Memory<T> memory(t_.model, t_.data, with_states(widened(best_)), results(), scratch());
    Kernel kernel = step_kernel(step, 0);
    t_.program.function(kernel.name)(&memory.run);
    for (std::size_t i = 0; i < step.gradients.size(); ++i) {
      const Parameter& param = t_.model.params[static_cast<std::size_t>(step.trained[i])];
      auto begin = memory.outputs.begin() + kernel.stores[i + 1].index;
      auto end = begin + std::ssize(param.start);
      auto found = std::find_if(begin, end, [](T x) { return !std::isfinite(x); });
      if (found == end) continue;
      std::string name = element_name(param.name, param.axes, found - begin);
      d.notes.push_back(fmt::format("there the loss is finite, but its derivative by `{}` is not", name));
      auto culprit = first_not_finite(t_.model, step.fused.graph, std::span(&step.gradients[i], 1), t_.data,
                                      widened(best_));
      if (culprit) blame(d, *culprit);
      bool overflow = culprit && culprit->largest > std::sqrt(std::numeric_limits<T>::max()) / 1e6;
      d.helps.push_back(
          overflow
              ? "numbers of this size overflow when they are multiplied: scale the column or the parameter"
              : "sqrt, std and powers below 1 have an infinite derivative at 0: keep their argument away "
                "from it, as in sqrt(x + 1e-6)");
      return true;
    }
    return false;
  }

  // At a point where every derivative is 0 no step moves anything.
  void check_gradient(const Training& training) {
    const StepGraph& step = t_.steps[0];
    auto count = output_count(step_kernel(step, 0));
    for (std::size_t i = 1; i < count; ++i)
      if (memory_.outputs[i] != T(0)) return;
    Diagnostic& d = diagnostics_.warning(Code::zero_gradient, training.span,
                                         "the gradient is exactly 0 at the start: training cannot move");
    const Parameter& first = t_.model.params[static_cast<std::size_t>(step.trained[0])];
    d.helps.push_back(fmt::format("start the parameters elsewhere, for example `param {}{} = 1`", first.name,
                                  first.axes.empty() ? "" : shape_text(first.axes)));
  }

  // After divergence the best parameters are the result, else the last.
  void finish(Fit& fit) {
    fit.epochs = true;
    for (const Training& training : t_.model.trainings) fit.epochs &= training.epochs;
    fit.params = widened(own());
    fit.place = place();
    fit.usable = true;
    if (fit.status == Status::diverged) {
      fit.place.params = widened(before_);
      fit.usable = std::isfinite(best_loss_);
      if (fit.usable) fit.params = widened(best_);
      else fit.params = widened(before_);
    }
    std::vector<double> values = evaluate(fit.params);
    last_step_overflowed(fit, values[0]);
    fit.loss = values[0];
    if (fit.status != Status::diverged && fit.status != Status::interrupted) check_growth(fit);
    auto metrics = static_cast<std::ptrdiff_t>(t_.model.metrics.size());
    fit.metrics.assign(values.begin() + 1, values.begin() + 1 + metrics);
    fit.reports.assign(values.begin() + 1 + metrics, values.end());
    fit.runs = runs_;
    fit.runs.back().loss = fit.loss;
    if (fit.status == Status::diverged) fit.runs.back().status = Status::diverged;
    bool asked = t_.model.trainings[fit.runs.size() - 1].report.has_value();
    if (listener_.line) listener_.line({fit.steps, total_, fit.loss, fit.params, asked});
    // A loss that is not finite has no place on the curve, and that of the best parameters not this one.
    if (listener_.loss && fit.status != Status::diverged) listener_.loss(fit.steps, fit.loss);
  }

  std::vector<double> evaluate(const std::vector<double>& params) {
    if (!step_evaluates(t_.model, t_.evaluation))
      return evaluate_at(t_.model, t_.evaluation, t_.data, t_.program, params);
    Kernel kernel = step_kernel(t_.steps[0], 0);
    Memory<T> memory(t_.model, t_.data, with_states(params), results(), scratch_size(kernel, t_.data.rows));
    t_.program.function(kernel.name)(&memory.run);
    return {static_cast<double>(memory.outputs[0])};
  }

  // The last step may itself have left the finite numbers: nothing after it has looked yet.
  void last_step_overflowed(Fit& fit, double& loss) {
    if (fit.status == Status::diverged || (std::isfinite(loss) && all_finite(fit.params))) return;
    diverged(t_.model.trainings[runs_.size() - 1], fit.steps, static_cast<T>(loss));
    fit.status = Status::diverged;
    fit.usable = fit.steps > 0 && std::isfinite(best_loss_);
    if (!fit.usable) return;
    fit.params = widened(best_);
    std::vector<double> values = evaluate(fit.params);
    loss = values[0];
  }

  // A loss so far below 0 that nothing holds it: its square is beyond the floats or nearly so.
  void check_growth(Fit& fit) {
    double limit = std::sqrt(static_cast<double>(std::numeric_limits<T>::max())) / 1e4;
    if (fit.steps_here == 0 || !(fit.loss < -limit)) return;
    Diagnostic& d = diagnostics_.error(Code::diverged, t_.model.trainings[runs_.size() - 1].span,
                                       fmt::format("the training is unbounded: after step {} the loss is {}",
                                                   fit.steps, shortest(static_cast<T>(fit.loss))));
    say_unbounded(own(), d);
    fit.status = Status::diverged;
  }

  static bool all_finite(const std::vector<double>& x) {
    for (double value : x)
      if (!std::isfinite(value)) return false;
    return true;
  }

  const Trainer& t_;
  const Listener& listener_;
  Diagnostics& diagnostics_;
  std::vector<RunReport> runs_;
  std::size_t own_;                       // elements of the parameters and the model's own states
  std::vector<T> best_, before_, began_;  // began_: where the train statement began or was resumed
  T best_loss_;
  std::int64_t total_ = 0, done_ = 0, next_loss_ = 0;
  Memory<T> memory_;
};

template <class T>
std::vector<double> call_at(const Kernel& kernel, const Model& model, const Dataset& data,
                            const Program& program, const std::vector<double>& params) {
  bool rows = kernel.stores[0].to == Store::To::row_output;
  Memory<T> memory(model, data, narrowed<T>(params), output_count(kernel), scratch_size(kernel, data.rows));
  // Whole vectors are stored, so there is room for the last one.
  Column buffer("predict", sizeof(T) == 8 ? Storage::f64 : Storage::f32, rows ? data.rows : 0,
                elements(kernel.graph->shape(kernel.stores[0].value)));
  void* row_outputs[] = {buffer.data()};
  memory.run.row_outputs = row_outputs;
  program.function(kernel.name)(&memory.run);
  if (!rows) return widened(memory.outputs);
  const T* values = static_cast<const T*>(buffer.data());
  return {values, values + buffer.cells()};
}

std::vector<double> call(const Kernel& kernel, const Model& model, const Dataset& data,
                         const Program& program, const std::vector<double>& params) {
  if (model.graph.precision() == Precision::f32) return call_at<float>(kernel, model, data, program, params);
  return call_at<double>(kernel, model, data, program, params);
}

}  // namespace

std::vector<Kernel> training_kernels(const Model& model, const std::vector<StepGraph>& steps,
                                     const Fused& evaluation) {
  std::vector<Kernel> kernels;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    kernels.push_back(step_kernel(steps[i], i));
    if (!steps[i].solver) continue;
    std::vector<Kernel> more = steps[i].solver->kernels(i);
    kernels.insert(kernels.end(), more.begin(), more.end());
  }
  if (!step_evaluates(model, evaluation)) kernels.push_back(evaluation_kernel(evaluation));
  return kernels;
}

std::int64_t Place::steps() const {
  std::int64_t steps = 0;
  for (const RunReport& run : runs) steps += run.steps;
  return steps;
}

bool is_over(const RunReport& report) { return report.status == Status::converged; }

std::int64_t total_steps(const Model& model, std::span<const RunReport> begun) {
  std::int64_t total = 0;
  for (std::size_t i = 0; i < model.trainings.size(); ++i)
    total += i < begun.size() && is_over(begun[i]) ? begun[i].steps : model.trainings[i].steps;
  return total;
}

std::int64_t total_steps(const Model& model) { return total_steps(model, {}); }

Fit train(const Trainer& trainer, Place from, const Listener& listener, Diagnostics& diagnostics) {
  Activity training("training");
  if (trainer.model.graph.precision() == Precision::f32)
    return Loop<float>(trainer, std::move(from), listener, diagnostics).run();
  return Loop<double>(trainer, std::move(from), listener, diagnostics).run();
}

std::vector<double> evaluate_at(const Model& model, const Fused& evaluation, const Dataset& data,
                                const Program& program, const std::vector<double>& params) {
  std::vector<double> values = call(evaluation_kernel(evaluation), model, data, program, params);
  values.resize(evaluation.roots.size());
  return values;
}

std::vector<double> predict_at(const Model& model, const Fused& prediction, const Dataset& data,
                               const Program& program, const std::vector<double>& params) {
  return call(prediction_kernel(prediction), model, data, program, params);
}

}  // namespace slope
