// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The compiled functions of an optimizer with a stopping test, called at points: vectors of the numbers that
// are trained, in double. Everything is computed in one fixed order.
#pragma once
#include <Eigen/Core>
#include <cmath>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "runtime/call.h"
#include "runtime/pipeline.h"
#include "runtime/solvers/graphs.h"

namespace slope {

using Eigen::MatrixXd;
using Eigen::VectorXd;

class Evaluator {
 public:
  // `params`: all elements of all parameters; those that are not trained stay as they are.
  Evaluator(const SolverGraphs& graphs, std::size_t number, const Program& program, const Model& model,
            const Dataset& data, std::span<const double> params);

  Eigen::Index size() const { return static_cast<Eigen::Index>(elements_.size()); }
  VectorXd start() const;
  std::vector<double> all(const VectorXd& x) const;  // elements of all parameters
  std::int64_t element(Eigen::Index i) const { return elements_[static_cast<std::size_t>(i)]; }

  bool least_squares() const { return graphs_.least_squares(); }
  bool constant_hessian() const { return graphs_.constant_hessian; }
  double objective(const VectorXd& x, VectorXd& gradient);
  bool has_product() const { return graphs_.product_of.size() == counts_.size(); }
  VectorXd product(const VectorXd& x, const VectorXd& v);  // of the Hessian and v
  MatrixXd hessian(const VectorXd& x);

  // Loss and gradient beside the sizes of the terms that they are the sums of (graph/sizes.h).
  struct Parts {
    double loss = 0, terms = 0, all_terms = 0;  // Terms::linear, Terms::all
    VectorXd gradient, sizes;                   // Terms::rows
    bool finite() const {
      return std::isfinite(loss) && std::isfinite(all_terms) && gradient.allFinite() && sizes.allFinite();
    }
  };
  Parts parts(const VectorXd& x);
  // How far loss and gradient may be off by rounding at these parts' point: a bound of first order
  // (runtime/rounding_errors.h), of as many rows as it takes, in proportion to the sizes.
  struct Rounding {
    double loss = 0;
    VectorXd gradient;
  };
  Rounding rounding_errors(const VectorXd& x, const Parts& parts) const;
  const Model& model() const { return model_; }
  std::string_view method() const { return graphs_.name; }

  // The residuals at x with their derivatives, all multiplied with the roots of their scales: their sum of
  // squares, which is the loss but for a constant. NaN where a scale is negative.
  double residuals(const VectorXd& x);
  // Of the last call: the triangle of the QR decomposition of (J | r), column n being r's, made of blocks of
  // rows one after the other; and whether every derivative is finite.
  MatrixXd triangle() const;
  bool finite() const;
  std::int64_t residual_count() const;

  // The absolute values of a bent loss at x, those of all rows, then the others: their weights, arguments and
  // the derivatives of these.
  struct Bends {
    VectorXd weights, arguments;
    MatrixXd derivatives;
  };
  Bends bends(const VectorXd& x);

 private:
  struct Function {
    Function(const SolverFunction& made, const std::string& name, const Program& program,
             const Evaluator& owner);
    // `behind`: the vector behind the parameters (SolverGraphs::product).
    void call(const VectorXd& x, const Evaluator& owner, const VectorXd* behind = nullptr);
    std::span<const double> outputs() const { return memory_->outputs; }
    std::span<const double> column(int store) const;

   private:
    // Of what was not compiled.
    struct Interpreted {
      Kernel kernel;
      CompileOptions layout;
    };
    std::unique_ptr<Interpreted> interpreted_;
    Program::Function code_;
    std::vector<Column> columns_;
    std::vector<void*> pointers_;
    std::unique_ptr<Memory<double>> memory_;
  };
  template <class F>
  void each_block(F f) const;

  const SolverGraphs& graphs_;
  const Model& model_;
  const Dataset& data_;
  std::vector<double> params_;
  std::vector<std::int64_t> elements_;  // trained, among all
  std::vector<std::int64_t> counts_;    // elements of each trained parameter
  std::optional<Function> objective_, proof_, product_, rows_, fixed_, scales_, bent_rows_, bent_fixed_;
  std::vector<double> roots_;  // of the scales
};

}  // namespace slope
