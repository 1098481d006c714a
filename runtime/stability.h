// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How large a rate plain gradient descent bears. Where the loss is quadratic with the Hessian H, a step takes
// the distance e from the minimum to (I − rate·H)·e: along an eigenvector of H with the eigenvalue λ it is
// multiplied by 1 − rate·λ, which shrinks it where rate < 2/λ. The bound is 2/λmax (Goodfellow, Bengio,
// Courville, Deep Learning, 2016, section 4.3; LeCun et al., Efficient BackProp, 1998). H is made by
// differentiating the gradient's graph once more and evaluated by the interpreter, in double for models of
// single precision too.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "runtime/pipeline.h"

namespace slope {

struct Stability {
  double largest = 0;             // λmax, > 0
  double smallest = 0;            // λmin; below 0 where the loss curves down somewhere
  std::vector<double> direction;  // λmax's unit eigenvector, one number a parameter of the model
  bool constant = false;          // the same everywhere, else of one point only
  double bound() const { return 2 / largest; }
  double factor(double rate) const { return 1 - rate * largest; }
};

// 1/λmax, half the bound: no step overshoots along any direction. Rounded down to two digits.
std::string good_rate(const Stability& stability);

// Where the loss is quadratic and bounded below: before the run, so only where it costs no more than reading
// the data does. No value, silently, where the Hessian is not constant, for more than 50 parameters, more
// than 20,000 operations times parameters, or more numbers to compute than 20,000 or four times the cells
// read (4 million at most).
std::optional<Stability> constant_stability(const Model& model, const StepGraph& step, const Dataset& data);

// Whether the loss is a polynomial of at most the second degree in the parameters, trained by plain gradient
// descent: else constant_stability has no value, whatever the data.
bool may_be_quadratic(const std::vector<StepGraph>& steps);

// At these parameters: to explain a run that diverged. No value for more than 50 parameters, 200,000
// operations times parameters or 20 million numbers, or where the loss does not curve up.
std::optional<Stability> stability_at(const Model& model, const StepGraph& step, const Dataset& data,
                                      std::span<const double> params);

// The step of plain gradient descent (param − rate·gradient), or none.
const StepGraph* gradient_descent(const std::vector<StepGraph>& steps);

// Whether every step goes down the same loss at the same rate, which is what the bound is about.
bool steady(const Training& training);

// Code::unstable_rate for each train statement of plain gradient descent whose rate is above the bound.
void warn_of_rates(const Model& model, const std::vector<StepGraph>& steps, const Stability& stability,
                   Diagnostics& diagnostics);

// Adds to the diagnostic of a run that diverged how its rate stands to the bound. True where the rate is
// above it: then the advice is there too.
bool explain_rate(const Model& model, const Stability& stability, double rate, Diagnostic& diagnostic);

}  // namespace slope
