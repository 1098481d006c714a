// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Cross-validation: the rows are dealt to K folds, each of which judges a run of all train statements on the
// other rows. The fit on all rows, which is the result, is made as without it.
#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "runtime/session.h"
#include "runtime/train.h"

namespace slope {

// The rows of a fold, counted from 0, in ascending order: the i-th in the order that shuffled() gives for the
// seed is of fold i mod K. So every row is in one fold, and their sizes differ by one at most.
std::vector<std::int64_t> rows_of_fold(std::int64_t rows, const Folds& folds, std::int64_t fold);

// False, with Code::bad_option_value, where the model has no data or fewer rows than folds.
bool check_folds(Session& session, std::int64_t rows);

struct CrossValidation {
  // Of each fold the loss and the metrics on its rows, at what the run on the others left. NaN where that
  // never had a finite loss.
  std::vector<std::vector<double>> folds;
  // What its errors and warnings were, each kind once, with the folds that it came up in.
  Diagnostics said;

  // Over the folds, of the loss (0) or the metric of this number and 1; the standard deviation divides by
  // their count − 1.
  double mean(std::size_t value) const;
  double deviation(std::size_t value) const;
  std::vector<double> of_folds(std::size_t value) const;
};

// Standardized columns take another storage for each set of rows that they are standardized by; from here on
// they are in one that serves all. Before the program is compiled.
void store_for_folds(const Model& model, Dataset& data);

// `all`: the run on all rows, which shares its code with the folds'; each begins at `start`. Standardized
// columns are standardized by the rows that are trained on; labels and sizes are those of all rows. `told`
// is called after each fold.
CrossValidation cross_validate(const Session& session, const Trainer& all, const Place& start,
                               const std::function<void(std::int64_t fold, std::span<const double>)>& told);

}  // namespace slope
