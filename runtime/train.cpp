// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A step of a small model takes tens of nanoseconds, so the loop around it does almost nothing: it keeps the
// parameters that the step began with where their loss is the lowest so far, and compares the step's number
// with that of the next step after which there is more to do. Where steps differ (batches, a schedule) or
// passes are judged (validation, patience) a second form of the same loop does that as well.
#include "runtime/train.h"

#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <optional>

#include "base/arithmetic.h"
#include "base/ending.h"
#include "base/text.h"
#include "runtime/batches.h"
#include "runtime/call.h"
#include "runtime/circle.h"
#include "runtime/divergence.h"
#include "runtime/explain.h"
#include "runtime/line_times.h"
#include "runtime/parameters.h"
#include "runtime/solvers/auto_rate.h"
#include "runtime/solvers/outcome.h"
#include "runtime/solvers/settled.h"
#include "runtime/solvers/solve.h"

namespace slope {

volatile std::sig_atomic_t stop_signal = 0, stop_waits = 0;

std::string_view to_string(Status status) {
  constexpr std::string_view names[] = {"finished",  "diverged",      "interrupted", "stopped_early",
                                        "converged", "not_converged", "error"};
  return names[static_cast<std::size_t>(status)];
}

namespace {

bool step_evaluates(const Model& model, const Fused& evaluation) {
  return evaluation.roots.size() == 1 && !model.uses_training && !model.validation && !model.folds;
}

// Whether its lines are those of passes.
bool counts_passes(const Training& training) { return training.epochs && training.batches(); }

// Whether the parameters after the best pass are the result, and kept.
bool keeps(const Model& model, const Training& training) {
  if (training.optimizer.solver) return false;
  return model.validation || (training.patience && (training.batches() || training.terms.ema > 0));
}

// One train statement under way.
struct Statement {
  Statement(const Training& t, Program::Function f, const Dataset& data, std::size_t number,
            std::int64_t earlier, std::int64_t steps, bool validates)
      : training(t),
        step(f),
        before(earlier),
        last(steps),
        line_steps(counts_passes(t) ? t.epoch_steps : 1),
        lines(t.report, steps / line_steps),
        schedule(t, steps) {
    if (t.batches()) batches.emplace(data, t, number);
    plain = !batches && !validates && !t.patience && t.decay.name != "plateau" && schedule.constant();
  }
  const Training& training;
  Program::Function step;
  std::int64_t before, last;  // steps of earlier statements; those that this one will have made
  std::int64_t line_steps;    // a line is due after multiples of these
  LineTimes lines;
  Ticks ticks;
  Due due;
  RateSchedule schedule;
  std::optional<Batches> batches;
  bool plain;  // every step is the same call
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
        kept_(narrowed<T>(from.kept)),
        best_loss_(static_cast<T>(from.best_loss)),
        kept_loss_(from.kept_loss),
        watch_(from.watch),
        memory_(trainer.model, trainer.data, with_states(from.params), results(), scratch(rows_at_once())) {
    keep_own(before_);
    best_.resize(own_);
    for (const RunReport& run : runs_) done_ += run.steps;
    entry_.assign(own().begin(), own().end());
  }

  Fit run() {
    Fit fit;
    double began = seconds_now();
    std::int64_t before = done_;
    std::size_t statement = runs_.empty() ? 0 : runs_.size() - 1, statements = t_.model.trainings.size();
    for (; statement < statements; ++statement) {
      const Training& training = t_.model.trainings[statement];
      if (statement == runs_.size()) begin(training);
      total_ = total_steps(t_.model, runs_);
      fit.status = runs_.back().status = one(statement);
      if (fit.status == Status::diverged || fit.status == Status::interrupted || fit.status == Status::failed)
        break;
      if (statement + 1 == statements) break;
      if (stop_signal) {  // before the next one begins: the place is still in this one
        fit.status = Status::interrupted;
        break;
      }
      // The next statement goes on from this one's result; the loss of the last is the run's.
      std::vector<T> result = narrowed<T>(result_of(training));
      std::copy(result.begin(), result.end(), memory_.params.begin());
      runs_.back().loss = evaluate(widened(own()))[0];
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
  // Of the statement under way, after its last step: what is judged and kept. Where it averages the
  // parameters (GradientTerms::ema) their averages stand for them.
  std::span<const T> judged() {
    if (averages_.empty()) return own();
    judged_.assign(own().begin(), own().end());
    for (const StepGraph::Average& average : averages_) {
      const Parameter& param = t_.model.params[static_cast<std::size_t>(average.param)];
      std::copy_n(average_of(average), param.start.size(), judged_.begin() + param.offset);
    }
    return judged_;
  }
  void keep_judged() {
    std::span<const T> now = judged();
    judged_before_.assign(now.begin(), now.end());
  }
  T* average_of(const StepGraph::Average& average) const {
    return static_cast<T*>(memory_.run.states) +
           t_.model.states[static_cast<std::size_t>(average.state)].offset;
  }
  // With room for all states.
  std::vector<T> with_states(const std::vector<double>& params) const {
    std::vector<T> all = narrowed<T>(params);
    all.resize(static_cast<std::size_t>(t_.model.param_elements() + t_.model.state_elements()));
    return all;
  }

  // Patience and schedule start anew, and so does the best pass where the last statement judged by another
  // loss.
  void begin(const Training& training) {
    bool goes_on = !runs_.empty() && keeps(t_.model, t_.model.trainings[runs_.size() - 1]);
    if (!goes_on || !keeps(t_.model, training)) {
      kept_.clear();
      kept_loss_ = Watch::unknown;
    }
    watch_ = {};
    runs_.push_back({training.optimizer, 0, Status::finished, 0});
  }

  std::size_t results() const {
    std::size_t most = 1;
    for (const StepGraph& step : t_.steps) most = std::max(most, output_count(step_kernel(step, 0)));
    return most;
  }
  std::size_t scratch(std::int64_t rows) const {
    std::size_t most = 1;
    for (std::size_t i = 0; i < t_.steps.size(); ++i)
      most = std::max(most, scratch_size(step_kernel(t_.steps[i], i), rows));
    return most;
  }
  std::int64_t rows_at_once() const {
    std::int64_t most = 0;
    for (const Training& training : t_.model.trainings)
      most = std::max(most, training.batches() ? *training.batch : t_.data.rows);
    return most;
  }

  Program::Function function(const Training& training) const {
    std::size_t number = number_of(training);
    return t_.program.function(step_kernel(t_.steps[number], number).name);
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

  // The averages begin at the parameters with which the statement does.
  void start_averages() {
    for (const StepGraph::Average& average : averages_) {
      const Parameter& param = t_.model.params[static_cast<std::size_t>(average.param)];
      std::copy_n(memory_.params.begin() + param.offset, param.start.size(), average_of(average));
    }
  }

  // Until the statement, the last begun, has made its steps or something stops it. What earlier ones lack of
  // the steps that the model gives them now, it makes too.
  Status one(std::size_t number) {
    averages_ = {};
    gradient_ = {};
    on_kinks_ = false;
    if (t_.model.trainings[number].optimizer.solver) return solve_statement(t_.model.trainings[number]);
    Training training = t_.model.trainings[number];
    RunReport& report = runs_.back();
    std::int64_t end = total_steps(t_.model, std::span(runs_).first(number)), before = done_ - report.steps;
    for (std::size_t later = number + 1; later < t_.model.trainings.size(); ++later)
      end -= t_.model.trainings[later].steps;
    bool over = report.status == Status::stopped_early || watch_.patience_ended(training);
    if (!over && report.steps < end - before && !settle_rate(training, report)) return Status::failed;
    averages_ = t_.steps[number_of(training)].averages;
    Statement s(training, function(training), t_.data, number, before, end - before,
                t_.validation != nullptr);
    memory_.arguments[0] = static_cast<T>(training.rate);
    use_all_rows();
    if (report.steps == 0) {
      start_optimizer(training, number);
      start_averages();
    }
    began_.assign(own().begin(), own().end());
    if (over) return Status::stopped_early;
    first_due(s, report.steps);
    return s.plain ? steps<true>(s, report) : steps<false>(s, report);
  }

  // `rate=auto` is found once, at the parameters with which the statement begins or, where another rate was
  // resumed, goes on; a resumed run has it.
  bool settle_rate(Training& training, RunReport& report) {
    if (!training.rate_auto) report.rate = training.rate;
    else if (std::isnan(report.rate)) {
      std::size_t number = number_of(training);
      auto rate = auto_rate(t_.steps[number], number, t_.program, t_.model, t_.data, widened(own()), training,
                            diagnostics_);
      if (!rate) return false;
      report.rate = *rate;
    }
    training.rate = report.rate;
    return true;
  }

  // A statement whose optimizer has a stopping test: it calls back before each of its steps.
  Status solve_statement(const Training& training) {
    RunReport& report = runs_.back();
    if (is_over(report.status)) return report.status;
    use_all_rows();
    const std::size_t number = number_of(training);
    const std::int64_t before = done_ - report.steps, made = report.steps;
    began_.assign(own().begin(), own().end());
    before_ = began_;
    if (Status status = look(training, number, before + made); status != Status::finished) return status;
    LineTimes lines(training.report, training.steps);
    std::int64_t line = lines.from(made), tick = made;
    Ticks ticks;
    step_under_way = before + made;
    auto before_step = [&](std::int64_t step, double loss, std::span<const double> params) {
      std::int64_t k = made + step;
      loss = arrive(params, loss, report, k, before);
      if (listener_.loss && before + k >= next_loss_) next_loss_ = listener_.loss(before + k, loss);
      Progress progress{before + k, total_, loss, params, training.report.has_value()};
      if (listener_.tick && k >= tick) {
        listener_.tick(progress);
        tick = ticks.after(k);
      }
      if (listener_.line && k >= line) {
        std::vector<double> held_out = validate(own());
        progress.validation = held_out;
        listener_.line(progress);
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
    return ended(training, run);
  }

  std::size_t number_of(const Training& training) const {
    for (std::size_t i = 0; i < t_.steps.size(); ++i)
      if (t_.steps[i].serves(training)) return i;
    internal_error("no step was compiled for a train statement");
  }

  // The loss and its derivatives where a solver begins: they must be finite.
  Status look(const Training& training, std::size_t number, std::int64_t step) {
    Kernel kernel = step_kernel(t_.steps[number], number);
    t_.program.function(kernel.name)(&memory_.run);
    T loss = memory_.outputs[0];
    bool finite = std::all_of(memory_.outputs.begin(),
                              memory_.outputs.begin() + static_cast<std::ptrdiff_t>(output_count(kernel)),
                              [](T x) { return std::isfinite(x); });
    bool bent = t_.steps[number].solver->bent();  // a gradient of 0 says nothing of it
    if (finite && step == 0 && !bent) check_gradient(training);
    if (finite) return Status::finished;
    best_ = before_;
    best_loss_ = loss;
    if (!std::isfinite(loss)) diverged(training, step, loss);
    else slope_not_finite(training, loss);
    return Status::diverged;
  }

  void slope_not_finite(const Training& training, T loss) {
    Diagnostic& d = diagnostics_.error(
        Code::not_finite_at_start, training.span,
        fmt::format("the loss is {} where the search begins, but its derivative is not finite",
                    shortest(loss)));
    if (!blame_gradient(d)) d.helps.push_back("begin at another value: there the loss has no tangent");
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
    bool last = &training == &t_.model.trainings.back();
    gradient_ = gradient_in_units(t_.model, run.params, run.verdict.gradient);
    on_kinks_ = t_.steps[number_of(training)].solver->bent();
    switch (run.end) {
      case SolverEnd::converged: break;
      case SolverEnd::interrupted: return Status::interrupted;
      case SolverEnd::unbounded:
        report_outcome(t_.model, training, run, widened(began_), diagnostics_);
        return Status::diverged;
      case SolverEnd::limit:
      case SolverEnd::unproven:
        // A statement behind it goes on from there.
        if (last || run.end == SolverEnd::unproven) break;
        return Status::not_converged;
    }
    report_outcome(t_.model, training, run, widened(began_), diagnostics_);
    return run.end == SolverEnd::converged ? Status::converged : Status::not_converged;
  }

  void use_all_rows() {
    memory_.run.columns = t_.data.pointers.data();
    memory_.run.rows = t_.data.rows;
    memory_.run.row_numbers = t_.data.row_numbers.empty() ? nullptr : t_.data.row_numbers.data();
  }

  template <bool plain>
  Status steps(Statement& s, RunReport& report) {
    const Program::Function step = s.step;
    const std::int64_t before = s.before, last = s.last;
    std::int64_t next = s.due.next(), k = report.steps;
    Status status = Status::finished;
    // The rows of the step, and nothing else, touch memory in this loop.
    const std::size_t bytes = own_ * sizeof(T);
    for (; k < last; ++k) {
      if (stop_signal) {
        status = Status::interrupted;
        break;
      }
      std::memcpy(before_.data(), memory_.params.data(), bytes);
      if constexpr (!plain) {
        if (t_.validation) keep_judged();
        prepare(s, k);
      }
      step_under_way = before + k;
      memory_.run.step = static_cast<std::uint64_t>(before + k + 1);
      step(&memory_.run);
      T loss = memory_.outputs[0];
      if (!std::isfinite(loss)) {
        diverged(s.training, before + k, loss);
        status = Status::diverged;
        break;
      }
      if (before + k == 0 && !s.batches) check_gradient(s.training);
      if constexpr (plain) {
        if (!(loss >= best_loss_)) {
          best_loss_ = loss;
          std::memcpy(best_.data(), before_.data(), bytes);
        }
      } else if (!judge(s, k, loss)) {
        status = Status::stopped_early;
      }
      if (k == next) {
        report.steps = k + 1;
        pause(s, loss);
        next = s.due.next();
      }
      if (!plain && status == Status::stopped_early) {
        ++k;
        break;
      }
    }
    step_under_way = no_step;
    report.steps = k;
    done_ = before + k;
    return status;
  }

  // The rows and the rate of a step.
  void prepare(Statement& s, std::int64_t k) {
    if (s.batches) s.batches->take(k, memory_.run);
    memory_.arguments[0] = static_cast<T>(s.schedule.rate(k) * watch_.plateau.multiple);
    if (!s.training.decay.factor.valid()) return;
    memory_.arguments[static_cast<std::size_t>(RunArgument::step)] = static_cast<T>(s.schedule.step(k));
    memory_.arguments[static_cast<std::size_t>(RunArgument::steps)] = static_cast<T>(s.schedule.steps());
  }

  void keep_best(T loss, std::span<const T> params) {
    best_loss_ = loss;
    std::copy(params.begin(), params.end(), best_.begin());
  }

  // After a step: false where patience has ended. The loss of one batch says little of its parameters, but
  // that of the first is all that is known of the start.
  bool judge(Statement& s, std::int64_t k, T loss) {
    if (s.batches ? std::isnan(best_loss_) : !(loss >= best_loss_)) keep_best(loss, before_);
    watch_.add(static_cast<double>(loss), s.batches ? memory_.run.rows : 1);
    if ((k + 1) % s.training.epoch_steps != 0) return true;
    double of_pass = watch_.end_pass();
    bool sound = all_finite(own());
    if (s.batches && sound && !(static_cast<T>(of_pass) >= best_loss_))
      keep_best(static_cast<T>(of_pass), own());
    if (t_.validation) of_pass = validate(judged())[0];
    if (keeps(t_.model, s.training) && sound && !std::isnan(of_pass) && !(of_pass >= kept_loss_)) {
      std::span<const T> result = judged();
      kept_.assign(result.begin(), result.end());
      kept_loss_ = of_pass;
    }
    watch_.judge(s.training, of_pass);
    return !watch_.patience_ended(s.training);
  }

  // Loss and metrics on the rows held out; nothing without.
  std::vector<double> validate(std::span<const T> params) {
    if (!t_.validation) return {};
    if (!held_out_) {
      Kernel kernel = evaluation_kernel(t_.evaluation);
      held_out_.emplace(t_.model, *t_.validation, with_states(widened(params)), output_count(kernel),
                        scratch_size(kernel, t_.validation->rows));
      evaluates_ = t_.program.function(kernel.name);
    }
    std::copy(params.begin(), params.end(), held_out_->params.begin());
    (*evaluates_)(&held_out_->run);
    auto count = static_cast<std::ptrdiff_t>(1 + t_.model.metrics.size());
    return {held_out_->outputs.begin(), held_out_->outputs.begin() + count};
  }

  // The first multiple of `of` that is not below k.
  static std::int64_t multiple(std::int64_t k, std::int64_t of) { return (k + of - 1) / of * of; }
  // A curve is drawn through the losses of steps or, with batches, of passes.
  static std::int64_t due_loss(const Statement& s, std::int64_t k) {
    return multiple(std::max<std::int64_t>(k, 0), s.training.epoch_steps);
  }
  static std::int64_t due_line(const Statement& s, std::int64_t k) {
    return s.lines.from((k + s.line_steps - 1) / s.line_steps) * s.line_steps;
  }

  void first_due(Statement& s, std::int64_t k) const {
    if (listener_.line) s.due.line = due_line(s, k);
    if (listener_.tick) s.due.tick = k;
    if (listener_.loss) s.due.loss = due_loss(s, std::max(k, next_loss_ - s.before));
    // After step k of this statement before + k + 1 steps are done.
    if (listener_.save && listener_.save_every > 0)
      s.due.save = ((s.before + k) / listener_.save_every + 1) * listener_.save_every - s.before - 1;
  }

  // Between two steps of the last run begun: what is due after the first of them.
  void pause(Statement& s, T loss) {
    std::int64_t k = runs_.back().steps - 1;
    double of_pass = std::isnan(watch_.last) ? static_cast<double>(loss) : watch_.last;
    if (k == s.due.loss) {
      next_loss_ = listener_.loss(s.before + k, s.batches ? of_pass : static_cast<double>(loss));
      s.due.loss = due_loss(s, std::max(k + 1, next_loss_ - s.before));
    }
    if (k != std::min({s.due.line, s.due.tick, s.due.save})) return;
    std::vector<double> params = widened(before_);
    Progress progress{s.before + k, total_, static_cast<double>(loss), params, s.training.report.has_value()};
    count_passes(s.training, s.before + k, progress);
    if (k == s.due.line) {
      if (progress.epoch) progress.loss = of_pass;
      std::vector<double> values = validate(judged_before_);
      progress.validation = values;
      listener_.line(progress);
      s.due.line = due_line(s, k + 1);
    }
    if (k == s.due.tick) {
      if (progress.epoch) progress.loss = watch_.mean();
      listener_.tick(progress);
      s.due.tick = s.ticks.after(k);
    }
    if (k == s.due.save) {
      // Parameters that are not finite are no place to go on from; the next step reports them.
      if (all_finite(own())) listener_.save(place());
      s.due.save += listener_.save_every;
    }
  }

  // After so many steps of the run.
  void count_passes(const Training& training, std::int64_t step, Progress& progress) const {
    if (!counts_passes(training)) return;
    std::int64_t earlier = 0;
    for (std::size_t i = 0; i < t_.model.trainings.size(); ++i) {
      const Training& each = t_.model.trainings[i];
      bool begun = i < runs_.size(), over = i + 1 < runs_.size();
      std::int64_t steps = over || (begun && is_over(runs_[i].status)) ? runs_[i].steps : each.steps;
      progress.epochs += (steps + each.epoch_steps - 1) / each.epoch_steps;
      if (over) earlier += runs_[i].steps / each.epoch_steps;
      if (over) step -= runs_[i].steps;
    }
    progress.epoch = earlier + step / training.epoch_steps;
  }

  // After the last step; statements without a step are not begun.
  Place place() {
    Place place{runs_,  widened(memory_.params), {},        static_cast<double>(best_loss_),
                watch_, widened(kept_),          kept_loss_};
    if (!averages_.empty()) place.averaged = widened(judged());
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
    if (blame_gradient(d) || overshoots(training, d)) return;
    if (loss == -std::numeric_limits<T>::infinity()) return say_growth(before_, d);
    // Not an overflow: an operation was taken where it has no value.
    if (std::isnan(loss))
      if (auto first = culprit(); first && std::isnan(first->value)) blame(d, *first);
    d.helps.push_back(fmt::format("the rate {} may be too large: try rate={}", shortest(training.rate),
                                  shortest(training.rate / 10)));
  }

  void say_growth(std::span<const T> params, Diagnostic& d) const {
    auto count = static_cast<std::size_t>(t_.model.param_elements());
    say_unbounded(t_.model, widened(params.first(count)), d);
  }

  // Whether the rate is above the stability bound, where that can be told: said in the diagnostic.
  bool overshoots(const Training& training, Diagnostic& d) const {
    const StepGraph* descent = gradient_descent(t_.steps);
    if (!descent || !descent->serves(training) || !steady(training)) return false;
    std::optional<Stability> stability = t_.stability;
    if (!stability) stability = stability_at(t_.model, *descent, t_.data, widened(began_));
    return stability && explain_rate(t_.model, *stability, training.rate, d);
  }

  // Whether a derivative at the best point is the reason: said in the diagnostic.
  bool blame_gradient(Diagnostic& d) {
    Memory<T> memory(t_.model, t_.data, with_states(widened(best_)), results(), scratch(t_.data.rows));
    t_.program.function(step_kernel(t_.steps[0], 0).name)(&memory.run);
    return explain_gradient(t_.model, t_.steps[0], t_.data, widened(memory.outputs), widened(best_), d);
  }

  void check_gradient(const Training& training) {
    warn_of_zero_gradient(t_.model, t_.steps[0], widened(memory_.outputs), training.span, diagnostics_);
  }

  // What the statement leaves: the parameters after its last step (or their averages), or the best where
  // passes are judged.
  std::vector<double> result_of(const Training& training) {
    if (keeps(t_.model, training) && !kept_.empty()) return widened(kept_);
    std::vector<double> last = widened(judged());
    bool watched = training.patience && !keeps(t_.model, training) && std::isfinite(best_loss_);
    if (watched && !(evaluate(last)[0] < static_cast<double>(best_loss_))) return widened(best_);
    return last;
  }
  std::vector<double> best_finite() const { return widened(kept_.empty() ? best_ : kept_); }

  // After divergence the best parameters are the result.
  void finish(Fit& fit) {
    const Training& training = t_.model.trainings[runs_.size() - 1];
    bool epochs = true;
    for (const Training& each : t_.model.trainings) epochs &= each.epochs.has_value();
    if (epochs) fit.epochs = passes(t_.model, runs_);
    fit.place = place();
    if (fit.status == Status::diverged) {
      fit.place.params = widened(before_);
      fit.usable = std::isfinite(best_loss_);
      fit.params = fit.usable ? best_finite() : widened(before_);
    } else {
      fit.params = result_of(training);
      fit.usable = fit.status != Status::failed || done_ > 0;
    }
    if (listener_.result && fit.usable) listener_.result(fit.params);
    std::vector<double> values = evaluate(fit.params);
    last_step_overflowed(fit, values);
    fit.loss = values[0];
    if (fit.status != Status::diverged && fit.status != Status::interrupted) check_growth(fit);
    bool circles = fit.status == Status::finished && check_circle(last_training(), fit);
    if (fit.status == Status::finished) judge_end(fit, values, circles);
    bool wanted = gradient_.empty() && !on_kinks_ && fit.status != Status::diverged;
    if (wanted) gradient_ = gradient_at(fit.params);
    auto metrics = static_cast<std::ptrdiff_t>(t_.model.metrics.size());
    fit.metrics.assign(values.begin() + 1, values.begin() + 1 + metrics);
    fit.reports.assign(values.begin() + 1 + metrics, values.end());
    fit.validation = validate(narrowed<T>(fit.params));
    fit.runs = runs_;
    fit.gradient = gradient_;
    fit.runs.back().loss = fit.loss;
    if (fit.status == Status::diverged) fit.runs.back().status = Status::diverged;
    if (fit.usable || fit.status != Status::failed) last_line(training, fit);
    // A loss that is not finite has no place on the curve, and that of the best parameters not this one.
    if (listener_.loss && fit.status != Status::diverged) listener_.loss(fit.steps, fit.loss);
  }

  // Of the result; where passes are counted, of the last of them.
  void last_line(const Training& training, const Fit& fit) {
    if (!listener_.line) return;
    Progress progress{fit.steps, total_, fit.loss, fit.params, training.report.has_value()};
    count_passes(training, fit.steps, progress);
    std::vector<double> values = fit.validation;
    if (progress.epoch && fit.status != Status::diverged && !std::isnan(watch_.mean())) {
      progress.loss = watch_.mean();
      progress.params = fit.place.params;
      values = validate(judged());
    }
    progress.validation = values;
    listener_.line(progress);
  }

  std::vector<double> evaluate(const std::vector<double>& params) {
    if (!step_evaluates(t_.model, t_.evaluation))
      return evaluate_at(t_.model, t_.evaluation, t_.data, t_.program, params);
    Kernel kernel = step_kernel(t_.steps[0], 0);
    Memory<T> memory(t_.model, t_.data, with_states(params), results(), scratch_size(kernel, t_.data.rows));
    t_.program.function(kernel.name)(&memory.run);
    return {static_cast<double>(memory.outputs[0])};
  }

  // In the model's units; nothing where a step is not told by all rows and the parameters alone.
  std::vector<double> gradient_at(const std::vector<double>& params) {
    bool batches = std::any_of(t_.model.trainings.begin(), t_.model.trainings.end(),
                               [](const Training& training) { return training.batches(); });
    if (batches || t_.model.uses_training || t_.model.keeps_or_draws() || t_.model.folds) return {};
    const StepGraph& step = t_.steps[0];
    Kernel kernel = step_kernel(step, 0);
    Memory<T> memory(t_.model, t_.data, with_states(params), results(), scratch_size(kernel, t_.data.rows));
    t_.program.function(kernel.name)(&memory.run);
    std::vector<double> out(static_cast<std::size_t>(t_.model.param_elements()));
    for (std::size_t i = 0; i < step.gradients.size(); ++i) {
      const Parameter& param = t_.model.params[static_cast<std::size_t>(step.trained[i])];
      std::copy_n(memory.outputs.begin() + kernel.stores[i + 1].index, param.start.size(),
                  out.begin() + param.offset);
    }
    return gradient_in_units(t_.model, params, out);
  }

  // The last statement begun, with the rate that its steps had.
  Training last_training() const {
    Training training = t_.model.trainings[runs_.size() - 1];
    if (training.rate_auto) training.rate = runs_.back().rate;
    return training;
  }

  // The last step may itself have left the finite numbers: nothing after it has looked yet.
  void last_step_overflowed(Fit& fit, std::vector<double>& values) {
    if (fit.status == Status::diverged) return;
    bool last = all_finite(own());
    if (last && std::isfinite(values[0]) && all_finite(fit.params)) return;
    double loss = last ? values[0] : evaluate(widened(own()))[0];
    diverged(last_training(), fit.steps, static_cast<T>(loss));
    fit.status = Status::diverged;
    fit.usable = fit.steps > 0 && std::isfinite(best_loss_);
    if (!fit.usable) return;
    fit.params = best_finite();
    values = evaluate(fit.params);
  }

  // A loss so far below 0 that nothing holds it: its square is beyond the floats or nearly so.
  void check_growth(Fit& fit) {
    double limit = std::sqrt(static_cast<double>(std::numeric_limits<T>::max())) / 1e4;
    if (fit.steps_here == 0 || !(fit.loss < -limit)) return;
    Diagnostic& d = diagnostics_.error(Code::diverged, t_.model.trainings[runs_.size() - 1].span,
                                       fmt::format("the training is unbounded: after step {} the loss is {}",
                                                   fit.steps, shortest(static_cast<T>(fit.loss))));
    say_growth(own(), d);
    fit.status = Status::diverged;
  }

  // A run that goes on like its last steps, for ever, has not reached what it could. Only where the next
  // steps depend on the place alone, and the loss is no new low; averages of a circle do come to rest.
  bool check_circle(const Training& training, const Fit& fit) {
    constexpr std::int64_t least_steps = 20;
    bool alike = !training.optimizer.solver && training.terms.ema == 0 && !training.batches() &&
                 !training.patience && !t_.validation && training.decay.name != "plateau" &&
                 RateSchedule(training, runs_.back().steps).constant();
    if (!alike || t_.model.keeps_or_draws() || fit.steps_here < least_steps || fit.loss < best_loss_)
      return false;
    auto params = static_cast<std::size_t>(t_.model.param_elements());
    Memory<T> memory(t_.model, t_.data, with_states(widened(memory_.params)), results(),
                     scratch(t_.data.rows));
    memory.arguments[0] = static_cast<T>(training.rate);
    memory.run.step = static_cast<std::uint64_t>(fit.steps);
    auto step = [&](std::vector<double>& place) {
      ++memory.run.step;
      function(training)(&memory.run);
      place = widened(memory.params.first(params));
      return static_cast<double>(memory.outputs[0]);
    };
    auto circle = find_circle(widened(memory_.params.first(params)), step);
    if (circle) warn_of_circle(training, *circle, best_loss_, diagnostics_);
    return circle.has_value();
  }

  // Of plain steps; where a run that goes on began is not known.
  void judge_end(Fit& fit, std::vector<double>& values, bool circles) {
    const Training training = last_training();
    constexpr std::int64_t few_steps = 20, not_many_steps = 50;  // nobody expects an end of them
    if (training.optimizer.solver || fit.steps_here < fit.steps || fit.steps < few_steps || t_.model.random ||
        t_.model.uses_training || keeps(t_.model, training))
      return;
    std::vector<double> start = widened(entry_);
    auto loss = [&](const std::vector<double>& params) { return evaluate(params)[0]; };
    auto gradient = [&] { return gradient_at(start); };
    if (!goes_down(t_.model, start, loss, gradient)) return;
    double before = loss(start);
    // Beside a loss of 0 there is rounding only.
    const double nothing = std::pow(100 * std::numeric_limits<T>::epsilon(), 2) + 1e-6 * std::fabs(before);
    double end = penalized(t_.model, fit.params, fit.loss), begin = penalized(t_.model, start, before);
    if (end > begin + nothing && fit.loss > before + nothing) return settle_rise(fit, values, start, before);
    if (circles || training.batches() || fit.steps < not_many_steps || t_.model.keeps_or_draws()) return;
    warn_unless_settled(t_.model, training, t_.steps[number_of(training)].trained, t_.program, t_.data,
                        fit.params, start, before - fit.loss, diagnostics_);
  }
  void settle_rise(Fit& fit, std::vector<double>& values, const std::vector<double>& start, double before) {
    const double end = fit.loss;
    fit.params = start;
    values = evaluate(start);
    if (!best_.empty() && std::isfinite(best_loss_)) {
      std::vector<double> best = widened(best_), there = evaluate(best);
      if (there[0] < values[0]) {
        fit.params = best;
        values = there;
      }
    }
    fit.loss = values[0];
    fit.status = runs_.back().status = Status::not_converged;
    report_rise(last_training(), before, end, fit.loss, last_training().rate, diagnostics_);
  }

  static bool all_finite(const auto& x) {
    return std::all_of(x.begin(), x.end(), [](auto value) { return std::isfinite(value); });
  }

  const Trainer& t_;
  const Listener& listener_;
  Diagnostics& diagnostics_;
  std::vector<RunReport> runs_;
  std::size_t own_;                       // elements of the parameters and the model's own states
  std::vector<T> entry_;                  // where this call of the run began
  std::vector<T> best_, before_, began_;  // began_: where the train statement began or was resumed
  std::vector<T> kept_;
  std::vector<double> gradient_;                  // Fit::gradient, of the statement under way
  bool on_kinks_ = false;                         // its result lies where there is no gradient
  std::span<const StepGraph::Average> averages_;  // of the statement under way
  std::vector<T> judged_, judged_before_;         // the latter before the step, where rows are held out
  T best_loss_;
  double kept_loss_;
  Watch watch_;
  std::int64_t total_ = 0, done_ = 0, next_loss_ = 0;
  Memory<T> memory_;
  std::optional<Memory<T>> held_out_;
  std::optional<Program::Function> evaluates_;
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
                                     const Fused& evaluation, std::int64_t rows) {
  std::vector<Kernel> kernels;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    kernels.push_back(step_kernel(steps[i], i));
    for (const auto& graphs : {steps[i].solver, steps[i].curvature}) {
      if (!graphs) continue;
      std::vector<Kernel> more = graphs->kernels(i, rows);
      kernels.insert(kernels.end(), more.begin(), more.end());
    }
  }
  if (!step_evaluates(model, evaluation)) kernels.push_back(evaluation_kernel(evaluation));
  return kernels;
}

std::int64_t Place::steps() const {
  std::int64_t steps = 0;
  for (const RunReport& run : runs) steps += run.steps;
  return steps;
}

std::int64_t total_steps(const Model& model, std::span<const RunReport> runs) {
  std::int64_t total = 0;
  for (std::size_t i = 0; i < model.trainings.size(); ++i) {
    bool ended = i < runs.size() && is_over(runs[i].status);
    total += ended ? runs[i].steps : model.trainings[i].steps;
  }
  return total;
}

std::int64_t passes(const Model& model, std::span<const RunReport> runs) {
  std::int64_t passes = 0;
  for (std::size_t i = 0; i < runs.size(); ++i) passes += runs[i].steps / model.trainings[i].epoch_steps;
  return passes;
}

Fit train(const Trainer& trainer, Place from, const Listener& listener, Diagnostics& diagnostics) {
  StandardArithmetic standard;
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
