// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/solvers/evaluator.h"

#include <Eigen/QR>
#include <algorithm>
#include <cmath>

#include "runtime/inputs.h"
#include "runtime/parameters.h"
#include "runtime/rounding_errors.h"
#include "runtime/train.h"

namespace slope {

namespace {

// A sum with the errors of its additions and products (Ogita, Rump, Oishi, Accurate sum and dot product, SIAM
// J. Sci. Comput. 26, 2005, algorithm 5.3): as if computed in twice the precision.
class ExactSum {
 public:
  void add_product(double a, double b) {
    double p = a * b;
    error_ += std::fma(a, b, -p);
    add(p);
  }
  void add(double x) {
    double sum = sum_ + x, part = sum - sum_;
    error_ += (sum_ - (sum - part)) + (x - part);
    sum_ = sum;
  }
  double value() const { return std::isfinite(sum_) ? sum_ + error_ : sum_; }

 private:
  double sum_ = 0, error_ = 0;
};

}  // namespace

Evaluator::Function::Function(const SolverFunction& made, const std::string& name, const Program& program,
                              const Evaluator& owner)
    : interpreted_(program.has(name) ? nullptr
                                     : new Interpreted{made.kernel(name), layout(owner.model_, owner.data_)}),
      code_(interpreted_ ? Program::Function(interpreted_->kernel, interpreted_->layout)
                         : program.function(name)) {
  Kernel kernel = made.kernel(name);
  for (const Store& store : made.stores)
    if (store.to == Store::To::row_output)
      columns_.emplace_back("", Storage::f64, owner.data_.rows,
                            elements(made.fused.graph.shape(store.value)));
  for (Column& column : columns_) pointers_.push_back(column.data());
  std::vector<double> start(2 * owner.params_.size());
  memory_ = std::make_unique<Memory<double>>(owner.model_, owner.data_, start, output_count(kernel),
                                             scratch_size(kernel, owner.data_.rows));
  memory_->run.row_outputs = pointers_.data();
}

void Evaluator::Function::call(const VectorXd& x, const Evaluator& owner, const VectorXd* behind) {
  std::size_t count = owner.params_.size();
  std::copy(owner.params_.begin(), owner.params_.end(), memory_->params.begin());
  for (std::size_t i = 0; i < owner.elements_.size(); ++i) {
    auto element = static_cast<std::size_t>(owner.elements_[i]);
    memory_->params[element] = x[static_cast<Eigen::Index>(i)];
    if (behind) memory_->params[count + element] = (*behind)[static_cast<Eigen::Index>(i)];
  }
  code_(&memory_->run);
}

std::span<const double> Evaluator::Function::column(int store) const {
  const Column& column = columns_[static_cast<std::size_t>(store)];
  return {static_cast<const double*>(column.data()), static_cast<std::size_t>(column.cells())};
}

Evaluator::Evaluator(const SolverGraphs& graphs, std::size_t number, const Program& program,
                     const Model& model, const Dataset& data, std::span<const double> params)
    : graphs_(graphs), model_(model), data_(data), params_(params.begin(), params.end()) {
  // Eigen cuts products to the sizes of the caches: fixed ones, so that sums have one order everywhere.
  Eigen::setCpuCacheSizes(32 << 10, 256 << 10, 2 << 20);
  for (int index : graphs.trained) {
    const Parameter& param = model.params[static_cast<std::size_t>(index)];
    counts_.push_back(std::ssize(param.start));
    for (std::int64_t i = 0; i < std::ssize(param.start); ++i) elements_.push_back(param.offset + i);
  }
  auto make = [&](std::string_view what, const SolverFunction& function) {
    return Function(function, SolverGraphs::kernel_name(what, number), program, *this);
  };
  if (!graphs.least_squares() && !graphs.objective.stores.empty())
    objective_ = make("objective", graphs.objective);
  if (!graphs.proof.stores.empty()) proof_ = make("proof", graphs.proof);
  if (graphs.product) product_ = make("product", *graphs.product);
  if (graphs.rows) rows_ = make("rows", *graphs.rows);
  if (graphs.fixed) fixed_ = make("fixed", *graphs.fixed);
  if (graphs.bent_rows) bent_rows_ = make("bent_rows", *graphs.bent_rows);
  if (graphs.bent_fixed) bent_fixed_ = make("bent_fixed", *graphs.bent_fixed);
  if (!graphs.scales) return;
  scales_ = make("scales", *graphs.scales);
  scales_->call(start(), *this);
  for (double scale : scales_->outputs()) roots_.push_back(std::sqrt(scale));
}

VectorXd Evaluator::start() const {
  VectorXd x(size());
  for (Eigen::Index i = 0; i < size(); ++i) x[i] = params_[static_cast<std::size_t>(element(i))];
  return x;
}

std::vector<double> Evaluator::all(const VectorXd& x) const {
  std::vector<double> out = params_;
  for (Eigen::Index i = 0; i < size(); ++i) out[static_cast<std::size_t>(element(i))] = x[i];
  return out;
}

double Evaluator::objective(const VectorXd& x, VectorXd& gradient) {
  if (!objective_) {  // of a sum of squares, whose residuals are asked for else
    Parts whole = parts(x);
    gradient = whole.gradient;
    return whole.loss;
  }
  objective_->call(x, *this);
  gradient.resize(size());
  for (Eigen::Index i = 0; i < size(); ++i)
    gradient[i] = objective_->outputs()[static_cast<std::size_t>(i) + 1];
  return objective_->outputs()[0];
}

VectorXd Evaluator::product(const VectorXd& x, const VectorXd& v) {
  VectorXd out = VectorXd::Zero(size());
  if (!product_) return out;
  product_->call(x, *this, &v);
  Eigen::Index at = 0;
  for (std::size_t p = 0; p < counts_.size(); ++p)
    for (std::int64_t i = 0; i < counts_[p]; ++i, ++at)
      if (int from = graphs_.product_of[p]; from >= 0)
        out[at] = product_->outputs()[static_cast<std::size_t>(from + i)];
  return out;
}

MatrixXd Evaluator::hessian(const VectorXd& x) {
  MatrixXd h = MatrixXd::Zero(size(), size());
  // A signal must not wait for all of them: what is missing is no number, so nothing is done with it.
  for (Eigen::Index k = 0; product_ && k < size(); ++k) {
    if (stop_signal) return MatrixXd::Constant(size(), size(), std::numeric_limits<double>::quiet_NaN());
    h.col(k) = product(x, VectorXd::Unit(size(), k));
  }
  return (h + h.transpose()) / 2;
}

Evaluator::Parts Evaluator::parts(const VectorXd& x) {
  proof_->call(x, *this);
  std::span<const double> out = proof_->outputs();
  auto n = static_cast<std::size_t>(size());
  auto vector = [&](std::size_t from) {
    return VectorXd(Eigen::Map<const VectorXd>(out.data() + from, size()));
  };
  return {out[0], out[1], out[2], vector(3), vector(3 + n)};
}

Evaluator::Rounding Evaluator::rounding_errors(const VectorXd& x, const Parts& parts) const {
  constexpr std::size_t most_numbers = 1'000'000;
  const Fused& fused = graphs_.proof.fused;
  std::size_t of_row = 1;
  for (std::size_t i = 0; i < fused.graph.size(); ++i)
    of_row += static_cast<std::size_t>(elements(fused.graph.shape(NodeId(static_cast<std::int64_t>(i)))));
  auto most = static_cast<std::int64_t>(std::max<std::size_t>(most_numbers / of_row, 1));
  std::vector<double> params = all(x);
  Values values(fused.graph, fused.roots,
                interpreter_inputs<double>(model_, data_, params, spread_rows(data_, most)));
  auto errors = slope::rounding_errors(values, fused.roots, 0);
  // The part of a size that the error is, where the size is not 0.
  auto part = [](double error, double size) { return size > 0 ? error / size : 0; };
  Rounding out{part(errors[0][0], values.of(fused.roots[2])[0]) * parts.all_terms, VectorXd(size())};
  Eigen::Index at = 0;
  for (std::size_t p = 0; p < counts_.size(); ++p) {
    std::size_t gradient = 3 + p, sizes = gradient + counts_.size();
    for (std::size_t i = 0; i < static_cast<std::size_t>(counts_[p]); ++i, ++at) {
      double error = errors[gradient][i], size = values.of(fused.roots[sizes])[i];
      // Where no row of those looked at has a term, the error itself is all that is known.
      out.gradient[at] = size > 0 ? part(error, size) * parts.sizes[at] : error;
    }
  }
  return out;
}

// Calls f(rows, block) with blocks of (J | r), scaled; `block` may be changed.
template <class F>
void Evaluator::each_block(F f) const {
  const Eigen::Index n = size(), most = std::max<Eigen::Index>(4 * (n + 1), 256);
  MatrixXd block = MatrixXd::Zero(most, n + 1);
  auto fill = [&](Eigen::Index row, const ResidualPart& part, auto number_at) {
    double root = roots_[static_cast<std::size_t>(part.scale)];
    block(row, n) = root * number_at(part.value, 0, 1);
    Eigen::Index at = 0;
    for (std::size_t p = 0; p < counts_.size(); ++p)
      for (std::int64_t i = 0; i < counts_[p]; ++i, ++at)
        block(row, at) = part.by_param[p] < 0 ? 0 : root * number_at(part.by_param[p], i, counts_[p]);
  };
  Eigen::Index used = 0;
  auto next = [&] {
    if (++used < most) return;
    f(block.topRows(used));
    used = 0;
  };
  for (std::int64_t row = 0; rows_ && row < data_.rows; ++row)
    for (const ResidualPart& part : graphs_.row_parts) {
      fill(used, part, [&](int store, std::int64_t i, std::int64_t count) {
        return rows_->column(store)[static_cast<std::size_t>(row * count + i)];
      });
      next();
    }
  for (const ResidualPart& part : graphs_.fixed_parts) {
    fill(used, part, [&](int from, std::int64_t i, std::int64_t) {
      return fixed_->outputs()[static_cast<std::size_t>(from + i)];
    });
    next();
  }
  if (used > 0) f(block.topRows(used));
}

double Evaluator::residuals(const VectorXd& x) {
  if (rows_) rows_->call(x, *this);
  if (fixed_) fixed_->call(x, *this);
  ExactSum sum;
  auto add = [&](const ResidualPart& part, double value) {
    double r = roots_[static_cast<std::size_t>(part.scale)] * value;
    sum.add_product(r, r);
  };
  for (std::int64_t row = 0; rows_ && row < data_.rows; ++row)
    for (const ResidualPart& part : graphs_.row_parts)
      add(part, rows_->column(part.value)[static_cast<std::size_t>(row)]);
  for (const ResidualPart& part : graphs_.fixed_parts)
    add(part, fixed_->outputs()[static_cast<std::size_t>(part.value)]);
  return sum.value();
}

MatrixXd Evaluator::triangle() const {
  const Eigen::Index n = size() + 1;
  MatrixXd r = MatrixXd::Zero(n, n);
  each_block([&](const auto& block) {
    MatrixXd stacked(n + block.rows(), n);
    stacked << r, block;
    r = Eigen::HouseholderQR<MatrixXd>(stacked).matrixQR().topRows(n).template triangularView<Eigen::Upper>();
  });
  return r;
}

bool Evaluator::finite() const {
  bool good = true;
  each_block([&](const auto& block) { good = good && block.allFinite(); });
  return good;
}

std::int64_t Evaluator::residual_count() const {
  return (rows_ ? data_.rows : 0) * std::ssize(graphs_.row_parts) + std::ssize(graphs_.fixed_parts);
}

Evaluator::Bends Evaluator::bends(const VectorXd& x) {
  const Eigen::Index of_rows = bent_rows_ ? data_.rows * std::ssize(graphs_.bent_row_parts) : 0;
  const Eigen::Index count = of_rows + std::ssize(graphs_.bent_fixed_parts);
  Bends out{VectorXd(count), VectorXd(count), MatrixXd::Zero(count, size())};
  Eigen::Index at = 0;
  auto fill = [&](const ResidualPart& part, auto number_at) {
    out.weights[at] = number_at(part.scale, 0, 1);
    out.arguments[at] = number_at(part.value, 0, 1);
    Eigen::Index column = 0;
    for (std::size_t p = 0; p < counts_.size(); ++p)
      for (std::int64_t i = 0; i < counts_[p]; ++i, ++column)
        if (part.by_param[p] >= 0) out.derivatives(at, column) = number_at(part.by_param[p], i, counts_[p]);
    ++at;
  };
  if (bent_rows_) bent_rows_->call(x, *this);
  for (std::int64_t row = 0; bent_rows_ && row < data_.rows; ++row)
    for (const ResidualPart& part : graphs_.bent_row_parts)
      fill(part, [&](int store, std::int64_t i, std::int64_t n) {
        return bent_rows_->column(store)[static_cast<std::size_t>(row * n + i)];
      });
  if (bent_fixed_) bent_fixed_->call(x, *this);
  for (const ResidualPart& part : graphs_.bent_fixed_parts)
    fill(part, [&](int from, std::int64_t i, std::int64_t) {
      return bent_fixed_->outputs()[static_cast<std::size_t>(from + i)];
    });
  return out;
}

}  // namespace slope
