// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A step of a small model takes tens of nanoseconds, so the loop around it does almost nothing: it keeps the
// parameters that the step began with where their loss is the lowest so far, and looks whether a line is due.
#include "runtime/train.h"

#include <fmt/format.h>

#include <cmath>
#include <cstring>

#include "base/text.h"
#include "runtime/explain.h"

namespace slope {

volatile std::sig_atomic_t stop_signal = 0, stop_waits = 0;

std::string_view to_string(Status status) {
  constexpr std::string_view names[] = {"finished", "diverged", "interrupted"};
  return names[static_cast<std::size_t>(status)];
}

namespace {

template <class T>
std::vector<double> widened(const std::vector<T>& x) {
  return {x.begin(), x.end()};
}
template <class T>
std::vector<T> narrowed(const std::vector<double>& x) {
  std::vector<T> out;
  for (double value : x) out.push_back(static_cast<T>(value));
  return out;
}

// The memory that a compiled function works on.
template <class T>
struct Memory {
  Memory(const Dataset& data, std::vector<T> start, std::size_t results, std::size_t scratch_elements)
      : params(std::move(start)),
        outputs(std::max<std::size_t>(results, 1)),
        scratch(scratch_elements),
        arguments(1) {
    run.columns = data.pointers.data();
    run.params = params.data();
    run.outputs = outputs.data();
    run.scratch = scratch.data();
    run.arguments = arguments.data();
    run.rows = data.rows;
  }
  std::vector<T> params, outputs, scratch, arguments;
  Run run;
};

bool step_evaluates(const Model& model, const Fused& evaluation) {
  return evaluation.roots.size() == 1 && !model.uses_training;
}

// When a line is due: every `interval` steps, or at doubling steps up to a tenth of the run and then ten
// times more.
class LineTimes {
 public:
  LineTimes(std::optional<std::int64_t> interval, std::int64_t steps)
      : interval_(interval.value_or(0)), steady_(std::max<std::int64_t>(steps / 10, 1)) {}
  std::int64_t after(std::int64_t step) const {
    if (interval_ > 0) return step + interval_;
    return step == 0 ? 1 : step < steady_ ? std::min(2 * step, steady_) : step + steady_;
  }

 private:
  std::int64_t interval_, steady_;
};

template <class T>
class Loop {
 public:
  Loop(const Trainer& trainer, std::vector<double> start, const std::function<void(const Progress&)>& show,
       Diagnostics& diagnostics)
      : t_(trainer),
        show_(show),
        diagnostics_(diagnostics),
        best_(start.size()),
        before_(start.size()),
        memory_(trainer.data, narrowed<T>(start), results(), scratch()) {
    for (const Training& training : t_.model.trainings) total_ += training.steps;
  }

  Fit run() {
    Fit fit;
    double began = seconds_now();
    for (const Training& training : t_.model.trainings) {
      RunReport report = one(training);
      fit.steps += report.steps;
      fit.status = report.status;
      fit.runs.push_back(report);
      if (report.status != Status::finished) break;
      // The loss that the statement reached; that of the last is the result's.
      if (fit.runs.size() < t_.model.trainings.size())
        fit.runs.back().loss = evaluate(widened(memory_.params))[0];
    }
    fit.train_seconds = seconds_now() - began;
    finish(fit);
    return fit;
  }

 private:
  std::size_t results() const {
    std::size_t most = 1;
    for (const StepGraph& step : t_.steps) most = std::max(most, step.gradients.size() + 1);
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

  RunReport one(const Training& training) {
    RunReport report{training.optimizer, 0, Status::finished, 0};
    Program::Function step = function(training.optimizer);
    memory_.arguments[0] = static_cast<T>(training.rate);
    began_ = memory_.params;
    LineTimes due(training.report, training.steps);
    std::int64_t next_line = 0, next_point = t_.history ? 0 : training.steps;
    // The rows of the step, and nothing else, touch memory in this loop.
    std::size_t bytes = before_.size() * sizeof(T);
    for (std::int64_t k = 0; k < training.steps; ++k) {
      if (stop_signal) {
        report.status = Status::interrupted;
        break;
      }
      std::memcpy(before_.data(), memory_.params.data(), bytes);
      step(&memory_.run);
      T loss = memory_.outputs[0];
      if (!std::isfinite(loss)) {
        diverged(training, done_ + k, loss);
        report.status = Status::diverged;
        break;
      }
      if (done_ + k == 0) check_gradient(training);
      if (!(loss >= best_loss_)) {
        best_loss_ = loss;
        std::memcpy(best_.data(), before_.data(), bytes);
      }
      if (k == next_line) {
        line(done_ + k, loss);
        next_line = due.after(k);
      }
      if (k == next_point) next_point = k + point(done_ + k, loss);
      ++report.steps;
    }
    done_ += report.steps;
    return report;
  }

  void line(std::int64_t step, T loss) {
    std::vector<double> params = widened(before_);
    if (show_) show_({step, total_, static_cast<double>(loss), params});
  }

  // A point of the loss curve; returns the steps to the next. Close enough together for a linear axis and for
  // a logarithmic one.
  std::int64_t point(std::int64_t step, T loss) {
    history_.push_back({step, static_cast<double>(loss)});
    return std::max<std::int64_t>(std::min(step / 32, total_ / 200), 1);
  }

  void diverged(const Training& training, std::int64_t step, T loss) {
    bool at_start = step == 0;
    std::string value = shortest(loss);
    if (at_start) {
      Diagnostic& d = diagnostics_.error(Code::not_finite_at_start, training.span,
                                         fmt::format("the loss is {} at the start", value));
      explain_not_finite(t_.model, t_.data, widened(before_), d);
      return;
    }
    Diagnostic& d =
        diagnostics_.error(Code::diverged, training.span,
                           fmt::format("the training diverged: at step {} the loss is {}", step, value));
    d.notes.push_back(
        fmt::format("the best loss before was {}; its parameters are kept", shortest(best_loss_)));
    if (std::string name = parameter_without_gradient(); !name.empty())
      d.notes.push_back(fmt::format(
          "there the loss is finite, but its derivative by `{}` is not: an operation stands where its "
          "derivative is infinite, as sqrt, std and powers do at 0",
          name));
    else if (!overshoots(training, d))
      d.helps.push_back(fmt::format("the rate {} may be too large: try rate={}", shortest(training.rate),
                                    shortest(training.rate / 10)));
  }

  // Whether the rate is above the stability bound, where that can be told: said in the diagnostic.
  bool overshoots(const Training& training, Diagnostic& d) const {
    const StepGraph* descent = gradient_descent(t_.steps);
    if (!descent || !(training.optimizer == descent->optimizer)) return false;
    std::optional<Stability> stability = t_.stability;
    if (!stability) stability = stability_at(t_.model, *descent, t_.data, widened(began_));
    return stability && explain_rate(t_.model, *stability, training.rate, d);
  }

  // The first parameter whose derivative at the best point is not finite, or "": no rate helps against that.
  std::string parameter_without_gradient() {
    const StepGraph& step = t_.steps[0];
    Memory<T> memory(t_.data, best_, results(), scratch());
    t_.program.function(step_kernel(step, 0).name)(&memory.run);
    for (std::size_t i = 0; i < step.gradients.size(); ++i)
      if (!std::isfinite(memory.outputs[i + 1]))
        return t_.model.params[static_cast<std::size_t>(step.trained[i])].name;
    return "";
  }

  // At a point where every derivative is 0 no step moves anything.
  void check_gradient(const Training& training) {
    const StepGraph& step = t_.steps[0];
    for (std::size_t i = 0; i < step.gradients.size(); ++i)
      if (memory_.outputs[i + 1] != T(0)) return;
    diagnostics_
        .warning(Code::zero_gradient, training.span,
                 "the gradient is exactly 0 at the start: training cannot move")
        .helps.push_back("start the parameters elsewhere, for example `param a = 1`");
  }

  // After divergence the best parameters are the result, else the last.
  void finish(Fit& fit) {
    fit.epochs = true;
    for (const Training& training : t_.model.trainings) fit.epochs &= training.epochs;
    fit.params = widened(memory_.params);
    fit.usable = true;
    if (fit.status == Status::diverged) {
      fit.usable = std::isfinite(best_loss_);
      if (fit.usable) fit.params = widened(best_);
      else fit.params = widened(before_);
    }
    std::vector<double> values = evaluate(fit.params);
    last_step_overflowed(fit, values[0]);
    fit.loss = values[0];
    auto metrics = static_cast<std::ptrdiff_t>(t_.model.metrics.size());
    fit.metrics.assign(values.begin() + 1, values.begin() + 1 + metrics);
    fit.reports.assign(values.begin() + 1 + metrics, values.end());
    if (!fit.runs.empty()) fit.runs.back().loss = fit.loss;
    if (show_) show_({fit.steps, total_, fit.loss, fit.params});
    // The loss outside of training may be another function.
    if (t_.history && fit.status != Status::diverged && !t_.model.uses_training)
      history_.push_back({fit.steps, fit.loss});
    fit.history = std::move(history_);
  }

  std::vector<double> evaluate(const std::vector<double>& params) {
    if (!step_evaluates(t_.model, t_.evaluation))
      return evaluate_at(t_.model, t_.evaluation, t_.data, t_.program, params);
    Kernel kernel = step_kernel(t_.steps[0], 0);
    Memory<T> memory(t_.data, narrowed<T>(params), results(), scratch_size(kernel, t_.data.rows));
    t_.program.function(kernel.name)(&memory.run);
    return {static_cast<double>(memory.outputs[0])};
  }

  // The last step may itself have left the finite numbers: nothing after it has looked yet.
  void last_step_overflowed(Fit& fit, double& loss) {
    if (fit.status == Status::diverged || (std::isfinite(loss) && all_finite(fit.params))) return;
    const Training& training = t_.model.trainings[fit.runs.empty() ? 0 : fit.runs.size() - 1];
    if (fit.steps == 0) std::memcpy(before_.data(), memory_.params.data(), before_.size() * sizeof(T));
    diverged(training, fit.steps, static_cast<T>(loss));
    fit.status = Status::diverged;
    if (!fit.runs.empty()) fit.runs.back().status = Status::diverged;
    fit.usable = fit.steps > 0 && std::isfinite(best_loss_);
    if (!fit.usable) return;
    fit.params = widened(best_);
    std::vector<double> values = evaluate(fit.params);
    loss = values[0];
  }

  static bool all_finite(const std::vector<double>& x) {
    for (double value : x)
      if (!std::isfinite(value)) return false;
    return true;
  }

  const Trainer& t_;
  const std::function<void(const Progress&)>& show_;
  Diagnostics& diagnostics_;
  std::vector<T> best_, before_, began_;  // began_: where the train statement began
  std::vector<LossPoint> history_;
  T best_loss_ = std::numeric_limits<T>::quiet_NaN();
  std::int64_t total_ = 0, done_ = 0;
  Memory<T> memory_;
};

template <class T>
std::vector<double> call_at(const Kernel& kernel, const Dataset& data, const Program& program,
                            const std::vector<double>& params) {
  bool rows = kernel.stores[0].to == Store::To::row_output;
  Memory<T> memory(data, narrowed<T>(params), kernel.stores.size(), scratch_size(kernel, data.rows));
  // Whole vectors are stored, so there is room for the last one.
  Column buffer("predict", sizeof(T) == 8 ? Storage::f64 : Storage::f32, rows ? data.rows : 0);
  void* row_outputs[] = {buffer.data()};
  memory.run.row_outputs = row_outputs;
  program.function(kernel.name)(&memory.run);
  if (!rows) return widened(memory.outputs);
  const T* values = static_cast<const T*>(buffer.data());
  return {values, values + data.rows};
}

std::vector<double> call(const Kernel& kernel, const Model& model, const Dataset& data,
                         const Program& program, const std::vector<double>& params) {
  if (model.graph.precision() == Precision::f32) return call_at<float>(kernel, data, program, params);
  return call_at<double>(kernel, data, program, params);
}

}  // namespace

std::vector<Kernel> training_kernels(const Model& model, const std::vector<StepGraph>& steps,
                                     const Fused& evaluation) {
  std::vector<Kernel> kernels;
  for (std::size_t i = 0; i < steps.size(); ++i) kernels.push_back(step_kernel(steps[i], i));
  if (!step_evaluates(model, evaluation)) kernels.push_back(evaluation_kernel(evaluation));
  return kernels;
}

Fit train(const Trainer& trainer, std::vector<double> start, const std::function<void(const Progress&)>& show,
          Diagnostics& diagnostics) {
  if (trainer.model.graph.precision() == Precision::f32)
    return Loop<float>(trainer, std::move(start), show, diagnostics).run();
  return Loop<double>(trainer, std::move(start), show, diagnostics).run();
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
