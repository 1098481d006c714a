// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Whether a gradient is the derivative of its loss, by the order of the Taylor remainder: along a direction d
//   R(h) = |loss(p + h·d) − loss(p) − h·g·d|
// falls as h² where g is right and as h where it is not. No step has to be chosen: h runs from 2^6 to 2^-64
// of the parameters' sizes, and the order is read off the smallest steps at which R stands clear of the
// rounding errors, whose size a running error analysis tells (runtime/rounding_errors.h). Each parameter is a
// direction of its own, a random one of its elements where it has more than one, so a wrong derivative is
// attributed; three random directions go through all of them. All of it at the start and at three random
// points around it: a mismatch at the start alone is a kink there (a derivative that does not exist), one at
// every point is wrong. The interpreter computes in double, for graphs of single precision too; their
// gradient then holds constants that were rounded to single precision, which the error analysis knows. What
// stands under stop_gradient is held at its value of the point: so the derivative is meant.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "graph/evaluate.h"

namespace slope {

enum class DerivativeStatus : std::uint8_t {
  right,    // R falls at least with order 1.5 down to the rounding errors
  exact,    // R is at the size of the rounding errors near the point: the loss is linear there
  unclear,  // rounding errors hide more than 1 % of the derivative
  kink,     // an operation has no derivative at a point; elsewhere it is right
  wrong,    // R falls with order 1 at every point, or at one for no reason that an operation shows
};
std::string_view to_string(DerivativeStatus status);

// An operation that its own partial derivatives do not describe, at one point.
struct Culprit {
  NodeId node;  // a scalar op, or max or min over rows or an axis
  // What it was given there; of the operation that decides, where a condition changes (`decides`).
  NodeId decides;  // invalid: the node itself
  std::vector<double> operands;
  std::optional<std::int64_t> row;  // of the inputs, where the node has rows
};

struct DerivativeCheck {
  DerivativeStatus status = DerivativeStatus::right;
  std::optional<double> order;  // none where R does not stand clear of the rounding errors, or is not finite
  // How far the derivative may be off, relative to itself; none where it is 0 as far as the rounding errors
  // tell.
  std::optional<double> mismatch;
  std::optional<Culprit> culprit;  // of kink and wrong, where one operation is the reason
};

struct GradientCheck {
  std::vector<DerivativeCheck> params;  // by index of param
  DerivativeCheck directions;           // the worst of the random directions
  int points = 0;                       // where loss and gradient were checked, the start among them
};

struct GradientProblem {
  const Graph& graph;
  NodeId loss;
  std::vector<NodeId> gradient;  // by index of param; invalid: identically 0
};
// The same question of second derivatives: its loss is the slope of the first one's along a fixed direction
// that goes through all parameters, its gradient the product of the Hessian with that direction.
GradientProblem slope_problem(Graph& graph, const GradientProblem& first);

// How many rows can be checked in about two seconds, at least 4.
std::int64_t most_rows_to_check(const GradientProblem& problem);

// Around inputs.params, where the loss must be finite. The random numbers are the same at every call.
GradientCheck check_gradient(const GradientProblem& problem, const Inputs<double>& inputs);

}  // namespace slope
