// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What an optimizer with a stopping test computes, as graphs: the loss and its gradient, the product of the
// Hessian with a vector, and, where the loss is a sum of squares, the residuals and their derivatives row by
// row. All in double, for models of single precision too.
//
// A row's derivatives by a parameter are those of the sum of all residuals by a copy of the parameter in
// every row. The product of the Hessian H and a vector v is the derivative of the gradient's product with v
// (Pearlmutter, Fast exact multiplication by the Hessian, Neural Computation 6, 1994).
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostic.h"
#include "codegen/program.h"
#include "frontend/lower.h"
#include "graph/fuse.h"

namespace slope {

// The final test looks at all curvatures of so many numbers.
inline constexpr std::int64_t most_curvature_elements = 200;

// Of one function: what it leaves where.
struct SolverFunction {
  Fused fused;
  std::vector<Store> stores;
  Kernel kernel(const std::string& name) const { return {name, &fused.graph, stores}; }
};

// One element of a residual and its derivatives, by trained parameter: indices of stores; −1 for none (0).
struct ResidualPart {
  int value = 0;
  std::vector<int> by_param;
  int scale = 0;  // the output of `scales` that its square is multiplied with
};

struct SolverGraphs {
  std::string name;           // of the optimizer
  std::vector<int> trained;   // parameters
  std::int64_t elements = 0;  // of them all together
  // Roots: the loss, then the gradients by trained parameter. Empty where only the product is wanted.
  SolverFunction objective;
  // What the final test reads (runtime/solvers/optimality.h). Roots: the loss, its terms as Terms::linear and
  // as Terms::all, then the gradients by trained parameter, then their terms as Terms::rows. Empty as
  // `objective`.
  SolverFunction proof;
  // Roots: H·v by trained parameter (−1: 0). v's parts are parameters behind those of the model. Nothing
  // where no method needs it and it has more than most_curvature_elements.
  std::optional<SolverFunction> product;
  std::vector<int> product_of;
  bool constant_hessian = false;
  // The residuals with rows; those without; the scales of both. Nothing where there are none.
  std::optional<SolverFunction> rows, fixed, scales;
  std::vector<ResidualPart> row_parts, fixed_parts;

  // A loss with absolute values, loss = smooth + Σ weight·|argument|: `objective` and `product` are of the
  // smooth part then. Parts have the weight's output or column as their scale.
  std::optional<SolverFunction> bent_rows, bent_fixed;
  std::vector<ResidualPart> bent_row_parts, bent_fixed_parts;

  bool least_squares() const { return scales.has_value(); }
  bool bent() const { return bent_rows || bent_fixed; }
  // What is compiled for data of so many rows: what is called once or twice on few is interpreted instead.
  std::vector<Kernel> kernels(std::size_t number, std::int64_t rows) const;
  // Numbers that are kept of a row, for all rows at once: its residuals and their derivatives, or its
  // absolute values and theirs, a few times.
  std::int64_t kept_of_row() const;
  // "objective", "proof", "product", "rows", "fixed", "scales", "bent_rows" … as functions are called in the
  // program.
  static std::string kernel_name(std::string_view what, std::size_t number);
};

// For the optimizer of this train statement. Nothing, with a diagnostic, where the loss is not of its kind or
// the model too large for it.
std::shared_ptr<const SolverGraphs> solver_graphs(const Model& model, const Training& training,
                                                  const std::vector<int>& trained, Diagnostics& diagnostics);

// The product of the Hessian and a vector alone, for `rate=auto`. Nothing, with Code::no_rate, where the loss
// is not the same at every step.
std::shared_ptr<const SolverGraphs> curvature_graphs(const Model& model, const Training& training,
                                                     const std::vector<int>& trained,
                                                     Diagnostics& diagnostics);

// What the final test needs (proof, product), for a training by plain steps.
std::shared_ptr<const SolverGraphs> proof_graphs(const Model& model, const Training& training,
                                                 const std::vector<int>& trained);

// False, with Code::too_large, where what is kept of so many rows is surely more than memory.
bool check_memory(const SolverGraphs& graphs, std::int64_t rows, Span span, Diagnostics& diagnostics);

}  // namespace slope
