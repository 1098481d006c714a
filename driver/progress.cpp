// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "driver/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cmath>
#include <csignal>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "driver/output.h"
#include "driver/progress_bar.h"
#include "runtime/parameters.h"

namespace slope {

namespace {

constexpr std::int64_t most_params = 6;  // elements; more are not shown
constexpr double between_redraws = 0.1;
constexpr double rate_window = 3;  // seconds over which the rate is averaged

constexpr std::string_view erase_line = "\r\033[K";
volatile std::sig_atomic_t on_screen = 0;

bool draws_bars() {
  const char* terminal = std::getenv("TERM");
  return os::is_terminal(2) && terminal && *terminal && std::string_view(terminal) != "dumb";
}

// One line of progress: the step or the epoch, the loss, what the rows held out say and, while they are few,
// the parameters.
std::string line_text(const Model& model, std::span<const std::string> names, const Progress& p,
                      std::span<const double> params, std::size_t width) {
  std::string line = fmt::format("{} {:>{}}  loss {:<12}", p.epoch ? "epoch" : "step",
                                 p.epoch.value_or(p.step), width, significant(p.loss));
  for (const auto& [name, value] : named_validation(model, p.validation))
    line += fmt::format("  {} {:<10}", name, significant(value));
  for (std::size_t i = 0; i < names.size(); ++i)
    line += fmt::format("  {} {:<10}", names[i], significant(params[i]));
  while (line.ends_with(' ')) line.pop_back();
  return line + "\n";
}

// The part of a log that was written before a step: whole lines of lower steps.
std::size_t log_before(std::string_view log, std::int64_t step) {
  std::size_t at = 0;
  for (;;) {
    std::size_t end = log.find('\n', at);
    if (end == std::string_view::npos) return at;
    Json line = Json::parse(log.substr(at, end - at), nullptr, false);
    if (!line.is_object() || !line.contains("step") || !line["step"].is_number_integer() ||
        line["step"] >= step)
      return at;
    at = end + 1;
  }
}

}  // namespace

void erase_bar() {
  if (on_screen) (void)!::write(2, erase_line.data(), erase_line.size());
}

ProgressView::ProgressView(const Arguments& arguments, const Model& model)
    : arguments_(arguments), model_(model), lines_(!arguments.quiet && !arguments.json) {
  if (model.param_elements() <= most_params) names_ = element_names(model);
  bar_ = lines_ && draws_bars();
  if (!bar_) return;
  utf8_ = os::is_utf8_locale();
  color_ = use_color(arguments);
}

bool ProgressView::open_log(std::int64_t first_step, Diagnostics& diagnostics) {
  if (arguments_.log.empty()) return true;
  std::size_t keep = 0;
  if (first_step > 0) {
    os::Bytes bytes;
    os::Status failed = os::read_file(arguments_.log, os::memory_limit(), bytes);
    if (failed && !failed->missing) {
      diagnostics.error(Code::cannot_open, failed->message());
      return false;
    }
    if (!failed) keep = log_before(bytes.view(), first_step);  // else it begins here
  }
  os::Status failed = log_.open(arguments_.log, keep);
  if (failed) diagnostics.error(Code::cannot_write, failed->message());
  return !failed;
}

void ProgressView::listen(Listener& listener, std::int64_t first_step) {
  if (lines_ || log_.is_open()) listener.line = [this](const Progress& p) { line(p); };
  if (bar_) listener.tick = [this](const Progress& p) { tick(p); };
  drawn_ = seconds_now();
  step_ = first_step;
}

// The few that are shown, in the model's units; none where they are too many.
std::vector<double> ProgressView::shown_params(const Progress& p) const {
  return names_.empty() ? std::vector<double>() : in_units(model_, p.params);
}

void ProgressView::line(const Progress& p) {
  if (log_.is_open()) log(p);
  // Beside a bar only the lines that were asked for.
  if (!lines_ || (bar_ && !p.asked)) return;
  erase();
  // What is still to come may grow less: a run that patience ends.
  width_ = std::max(width_, std::to_string(p.epoch ? p.epochs : p.total).size());
  print_error(line_text(model_, names_, p, shown_params(p), width_));
}

void ProgressView::tick(const Progress& p) {
  double now = seconds_now(), elapsed = now - drawn_;
  if (elapsed < between_redraws) return;
  double rate = static_cast<double>(p.step - step_) / elapsed;
  rate_ = rate_ == 0 ? rate : rate_ + (1 - std::exp(-elapsed / rate_window)) * (rate - rate_);
  drawn_ = now;
  step_ = p.step;
  if (!os::is_foreground(2)) return;
  BarState state{p.step, p.total, rate_, p.loss, {}};
  std::vector<double> params = shown_params(p);
  for (std::size_t i = 0; i < names_.size(); ++i) state.params.emplace_back(names_[i], params[i]);
  if (p.epoch) state.place = fmt::format("epoch {}/{}", *p.epoch, p.epochs);
  on_screen = 1;
  print_error(std::string(erase_line) + bar_text(state, {os::terminal_width(2), utf8_, color_}));
}

void ProgressView::log(const Progress& p) {
  Precision precision = model_.graph.precision();
  Json line{{"step", p.step}};
  if (p.epoch) line["epoch"] = *p.epoch;
  line["loss"] = number(p.loss, precision);
  for (const auto& [name, value] : named_validation(model_, p.validation))
    line[name] = number(value, precision);
  if (model_.param_elements() <= most_params) {
    Json params = Json::object();
    std::vector<double> units = in_units(model_, p.params);
    for (const Parameter& param : model_.params)
      params[param.name] = nested(elements_of(param, units), param.axes, precision);
    line["parameters"] = params;
  }
  log_failed_ = log_.append(line.dump() + "\n");
  if (log_failed_) log_.close();  // the rest would have a gap
}

void ProgressView::erase() {
  if (on_screen) print_error(erase_line);
  on_screen = 0;
}

void ProgressView::finish(const Fit& fit, Diagnostics& diagnostics) {
  erase();
  if (log_failed_) diagnostics.error(Code::cannot_write, log_failed_->message());
  if (!bar_ || fit.steps_here == 0 || !(fit.train_seconds > 0)) return;
  print_error(fmt::format("{} steps in {}, {} steps/s\n", fit.steps_here, elapsed_text(fit.train_seconds),
                          count_text(static_cast<double>(fit.steps_here) / fit.train_seconds)));
}

}  // namespace slope
