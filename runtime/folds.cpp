// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/folds.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "base/text.h"
#include "runtime/batches.h"
#include "runtime/validation.h"

namespace slope {

namespace {

constexpr double unknown = std::numeric_limits<double>::quiet_NaN();

bool reads_standardized(const Model& model, const Dataset& data) {
  for (std::size_t i = 0; i < model.columns.size(); ++i)
    if (model.columns[i].standardized && data.columns[i].rows() > 0) return true;
  return false;
}

// The rows to train on and those of the fold. `own`: the model without the means of all rows.
Split parts(const Session& s, const Model& own, const Dataset& all, std::int64_t fold) {
  std::vector<std::int64_t> out = rows_of_fold(all.rows, *own.folds, fold), rest = others(out, all.rows);
  if (!reads_standardized(own, all)) return {rows_of(all, std::move(rest)), rows_of(all, std::move(out))};
  std::vector<bool> wanted;
  for (const Column& column : all.columns) wanted.push_back(column.rows() > 0);
  Diagnostics told;  // of the same cells that were read for all rows
  auto data = read_columns(own, *s.opened, wanted, false, told, [&](std::int64_t) { return rest; });
  if (!data) internal_error("rows that were read once cannot be read again");
  store_for_folds(own, *data);
  return {rows_of(*data, std::move(rest)), rows_of(*data, std::move(out))};
}

// Errors and warnings, the first of each kind with the folds that had one.
class Said {
 public:
  void add(const Diagnostics& diagnostics, std::int64_t fold) {
    for (const Diagnostic& d : diagnostics.all())
      if (d.severity != Severity::note) first_.try_emplace(d.code, d).first, folds_[d.code].insert(fold + 1);
  }
  Diagnostics all(std::int64_t count) && {
    Diagnostics out;
    for (auto& [code, d] : first_) {
      std::vector<std::string> which;
      for (std::int64_t fold : folds_[code])
        if (which.size() < 10) which.push_back(std::to_string(fold));
      if (which.size() < folds_[code].size())
        which.push_back(fmt::format("{} more", folds_[code].size() - which.size()));
      d.notes.insert(d.notes.begin(), fmt::format("this was in fold{} {} of {}", which.size() == 1 ? "" : "s",
                                                  listed(which), count));
      out.add(std::move(d));
    }
    return out;
  }

 private:
  std::map<Code, Diagnostic> first_;
  std::map<Code, std::set<std::int64_t>> folds_;
};

}  // namespace

std::vector<std::int64_t> rows_of_fold(std::int64_t rows, const Folds& folds, std::int64_t fold) {
  std::vector<std::int64_t> order = shuffled(rows, key_of(folds.seed, "folds"), 0), out;
  for (std::int64_t i = fold; i < rows; i += folds.count) out.push_back(order[static_cast<std::size_t>(i)]);
  std::sort(out.begin(), out.end());
  return out;
}

bool check_folds(Session& s, std::int64_t rows) {
  const auto& folds = s.model().folds;
  if (!folds || rows >= folds->count) return true;
  Diagnostic& d = s.diagnostics.error(
      Code::bad_option_value, !s.has_data()
                                  ? std::string("`folds` needs data, this model has none")
                                  : fmt::format("`folds` is {}, of {} row{}: each fold needs one of its own",
                                                folds->count, rows, rows == 1 ? "" : "s"));
  d.span = folds->span;
  if (s.has_data() && rows >= 2)
    d.helps.push_back(fmt::format("at most folds={}, which leaves out each row in turn", rows));
  return false;
}

double CrossValidation::mean(std::size_t value) const {
  double sum = 0;
  for (const auto& fold : folds) sum += fold[value];
  return sum / static_cast<double>(folds.size());
}

double CrossValidation::deviation(std::size_t value) const {
  double sum = 0, center = mean(value);
  for (const auto& fold : folds) sum += (fold[value] - center) * (fold[value] - center);
  return std::sqrt(sum / static_cast<double>(folds.size() - 1));
}

std::vector<double> CrossValidation::of_folds(std::size_t value) const {
  std::vector<double> out;
  for (const auto& fold : folds) out.push_back(fold[value]);
  return out;
}

void store_for_folds(const Model& model, Dataset& data) {
  Storage full = model.graph.precision() == Precision::f32 ? Storage::f32 : Storage::f64;
  for (std::size_t i = 0; i < model.columns.size(); ++i)
    if (model.columns[i].standardized && data.columns[i].rows() > 0)
      data.columns[i] = converted(data.columns[i], full);
  data.refresh();
}

CrossValidation cross_validate(const Session& s, const Trainer& all, const Place& start,
                               const std::function<void(std::int64_t, std::span<const double>)>& told) {
  CrossValidation out;
  Said said;
  Model own = s.model();
  for (DataColumn& column : own.columns) column.mean = column.deviation = {};
  const std::int64_t count = own.folds->count;
  for (std::int64_t fold = 0; fold < count; ++fold) {
    Split split = parts(s, own, all.data, fold);
    own.trainings = s.model().trainings;
    Diagnostics diagnostics, unsaid;  // what the data decide was said of all rows
    if (!settle_trainings(own, split.training.rows, unsaid)) internal_error("too few rows for a fold");
    Trainer trainer{own, all.steps, all.evaluation, split.training, all.program};
    Fit fit = train(trainer, start, {}, diagnostics);
    said.add(diagnostics, fold);
    std::vector<double> values(1 + own.metrics.size(), unknown);
    if (fit.usable) {
      values = evaluate_at(own, all.evaluation, *split.validation, all.program, fit.params);
      values.resize(1 + own.metrics.size());
    }
    out.folds.push_back(std::move(values));
    told(fold, out.folds.back());
  }
  out.said = std::move(said).all(count);
  return out;
}

}  // namespace slope
