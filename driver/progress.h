// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How a training run is shown while it goes on, on standard error: a bar on a terminal, lines elsewhere; and
// the log, a line of JSON for each line that is due.
#pragma once
#include <string>
#include <vector>

#include "base/os.h"
#include "driver/arguments.h"
#include "runtime/train.h"

namespace slope {

class ProgressView {
 public:
  ProgressView(const Arguments& arguments, const Model& model);
  ~ProgressView() { erase(); }
  ProgressView(const ProgressView&) = delete;
  ProgressView& operator=(const ProgressView&) = delete;

  // --log: of a resumed run the lines before its step stay. False, with a diagnostic, where that fails.
  bool open_log(std::int64_t first_step, Diagnostics& diagnostics);
  // The calls of the training loop that are wanted; they refer to this view. A resumed run has done steps.
  void listen(Listener& listener, std::int64_t first_step);
  // Takes the bar away; what is written next begins at the start of a line.
  void erase();
  // On a terminal how long it took. Diagnostics: a log that could not be written.
  void finish(const Fit& fit, Diagnostics& diagnostics);

 private:
  std::vector<double> shown_params(const Progress& progress) const;
  void line(const Progress& progress);
  void tick(const Progress& progress);
  void log(const Progress& progress);

  const Arguments& arguments_;
  const Model& model_;
  std::vector<std::string> names_;  // of the elements of the parameters; none where they are too many
  bool lines_, bar_, utf8_ = false, color_ = false;
  std::size_t width_ = 0;  // of the steps or epochs in a line
  os::LineFile log_;
  os::Status log_failed_;
  // The last look at the clock, what was done by then, and the rate of the last seconds.
  double drawn_ = 0, rate_ = 0;
  std::int64_t step_ = 0;
};

// For a signal handler that ends the program: a bar on the screen goes.
void erase_bar();

}  // namespace slope
