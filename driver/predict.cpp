// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// slope predict and slope eval: a model at saved weights.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "driver/output.h"
#include "driver/run_files.h"
#include "runtime/explain.h"
#include "runtime/npy.h"
#include "runtime/number.h"

namespace slope {

namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

// The model lowered as the state's run had it, and its weights.
struct Loaded {
  Session session;
  std::vector<double> params;
  const Model& model() const { return session.outside_model(); }
};

bool load_model(const Arguments& a, Use use, Loaded& l) {
  Session& s = l.session;
  if (a.weights.empty()) {
    s.diagnostics.error(Code::usage, "--weights FILE is needed: the state that `slope train` saved");
    return false;
  }
  auto params = prepare_at(s, a.weights, use);
  if (!params) return false;
  l.params = std::move(*params);
  return true;
}

struct Ran {
  std::vector<double> values;
  Dataset data;
};

std::optional<Ran> run_kernel(Loaded& l, const Fused& fused, bool prediction) {
  Session& s = l.session;
  Ran ran;
  if (s.has_data()) {
    auto data = read_columns(l.model(), *s.opened, columns_read(fused.graph, l.model().columns.size()), false,
                             s.diagnostics);
    if (!data) return {};
    ran.data = std::move(*data);
  }
  if (!check_size(l.model().graph, prediction ? l.model().predict : l.model().loss, s.diagnostics)) return {};
  std::vector<Kernel> kernels{prediction ? prediction_kernel(fused) : evaluation_kernel(fused)};
  auto program = compile(s, kernels, ran.data);
  if (!program) return {};
  ran.values = prediction ? predict_at(l.model(), fused, ran.data, *program, l.params)
                          : evaluate_at(l.model(), fused, ran.data, *program, l.params);
  return ran;
}

bool lacks_cell(const Ran& ran, std::size_t row) {
  return std::ranges::binary_search(ran.data.missing, static_cast<std::int64_t>(row));
}

// The elements of a row; a prediction without rows stands for every row of the data.
std::span<const double> in_row(const Loaded& l, const Ran& ran, std::size_t row) {
  const Shape& shape = l.model().graph.shape(l.model().predict);
  auto count = static_cast<std::size_t>(elements(shape));
  return std::span(ran.values).subspan(shape.rows ? row * count : 0, count);
}

// How many rows the table of predictions has.
std::size_t row_count(const Loaded& l, const Ran& ran) {
  bool rows = l.model().graph.has_rows(l.model().predict);
  return static_cast<std::size_t>(rows ? ran.data.rows : std::max<std::int64_t>(ran.data.rows, 1));
}

// A text as a cell of a CSV file: in quotes where it would not be read back as it is.
std::string cell(const std::string& text, char separator) {
  bool plain = !is_missing(text) && text.find_first_of("\"\n\r") == std::string::npos &&
               text.find(separator) == std::string::npos && !text.starts_with(' ') && !text.ends_with(' ');
  if (plain) return text;
  std::string out = "\"";
  for (char c : text) out.append(c == '"' ? 2 : 1, c);
  return out + "\"";
}

// The cells of a row, each group of classes followed by the label of its largest.
std::vector<std::string> cells(std::span<const double> values, std::span<const std::string> labels,
                               Precision precision, char separator) {
  std::vector<std::string> out;
  std::size_t count = labels.empty() ? values.size() : labels.size();
  for (std::size_t first = 0; first < values.size(); first += count) {
    std::span<const double> group = values.subspan(first, count);
    for (double value : group) out.push_back(number_text(value, precision));
    if (!labels.empty()) out.push_back(cell(labels[largest_of_each(group, count)[0]], separator));
  }
  return out;
}

std::string csv(const Loaded& l, const Ran& ran, bool keep) {
  std::vector<std::string> labels = predicted_labels(l.model());
  std::vector<std::string_view> lines;
  char separator = keep && l.session.has_data() ? l.session.opened->files[0].separator() : ',';
  if (keep && l.session.has_data()) lines = l.session.opened->files[0].lines();
  std::string out;
  auto line = [&](std::size_t i, const std::vector<std::string>& row) {
    if (i < lines.size()) out.append(lines[i]).append(1, separator);
    std::string_view between = "";
    for (const std::string& text : row) {
      out.append(between).append(text);
      between = {&separator, 1};
    }
    out.append("\n");
  };
  std::vector<std::string> names = prediction_columns(l.model().graph.shape(l.model().predict).axes, labels);
  for (std::string& name : names) name = cell(name, separator);
  line(0, names);
  for (std::size_t i = 0; i < row_count(l, ran); ++i)
    line(i + 1, lacks_cell(ran, i)
                    ? std::vector<std::string>(names.size())
                    : cells(in_row(l, ran, i), labels, l.model().graph.precision(), separator));
  return out;
}

// All numbers in one array, rows first.
std::string npy_file(const Loaded& l, const Ran& ran) {
  std::vector<std::int64_t> axes = l.model().graph.shape(l.model().predict).axes;
  std::size_t rows = row_count(l, ran);
  axes.insert(axes.begin(), static_cast<std::int64_t>(rows));
  std::vector<double> values;
  for (std::size_t i = 0; i < rows; ++i) {
    std::span<const double> row = in_row(l, ran, i);
    if (lacks_cell(ran, i)) values.insert(values.end(), row.size(), not_a_number);
    else values.insert(values.end(), row.begin(), row.end());
  }
  return npy(values, axes, l.model().graph.precision() == Precision::f32);
}

std::string table(const Loaded& l, const Ran& ran, const Arguments& a) {
  return a.output.ends_with(".npy") ? npy_file(l, ran) : csv(l, ran, a.keep);
}

// The numbers as nested lists; of classes also their labels, and that of the largest in each row.
void add_predictions(const Loaded& l, const Ran& ran, Json& json) {
  const Shape& shape = l.model().graph.shape(l.model().predict);
  std::vector<std::string> labels = predicted_labels(l.model());
  Json values = Json::array(), classes = Json::array();
  bool groups = !labels.empty() && shape.axes.size() > 1;
  std::int64_t rows = shape.rows ? ran.data.rows : 1;
  for (std::int64_t i = 0; i < rows; ++i) {
    std::span<const double> row = in_row(l, ran, static_cast<std::size_t>(i));
    if (lacks_cell(ran, static_cast<std::size_t>(i))) {
      values.push_back(nullptr);
      classes.push_back(nullptr);
      continue;
    }
    values.push_back(nested(row, shape.axes, l.model().graph.precision()));
    if (labels.empty()) continue;
    Json largest = Json::array();
    for (std::size_t code : largest_of_each(row, labels.size())) largest.push_back(labels[code]);
    classes.push_back(groups ? largest : largest[0]);
  }
  json["predict"] = values;
  if (labels.empty()) return;
  json["labels"] = labels;
  json["class"] = classes;
}

void note_missing(const Dataset& data, Diagnostics& diagnostics) {
  if (data.missing.empty()) return;
  Diagnostic d;
  d.severity = Severity::note;
  d.code = Code::dropped_rows;
  d.message = fmt::format("a cell is missing in {} of {} rows, which have no prediction", data.missing.size(),
                          data.rows);
  diagnostics.add(std::move(d));
}

// In JSON not-a-number and infinity are null.
std::string_view status_of(bool finite) { return finite ? "finished" : "not_finite"; }

}  // namespace

int run_predict(const Arguments& given) {
  Arguments a = given;
  a.weights = weights_path(given);
  Loaded l{open_session(a), {}};
  Session& s = l.session;
  s.request.keep_missing = a.keep_missing;
  auto failed = [&] { return finish(a, s, nullptr, s.diagnostics.exit_code()); };
  if (s.diagnostics.has_errors() || !load_model(a, Use::prediction, l) ||
      !check_output(a, s, a.output, "the predictions"))
    return failed();
  if (a.output.ends_with(".npy") && a.keep)
    s.diagnostics.error(Code::usage, "--keep needs a .csv: a .npy file holds the predicted numbers alone");
  if (!l.model().predict.valid())
    s.diagnostics.error(Code::unknown_name, "the model has no `predict`")
        .helps.push_back("define it, for example `predict = w*x + b`");
  if (a.keep && s.has_data() && s.opened->files.size() > 1)
    s.diagnostics.error(Code::usage, "--keep needs a model whose columns are all of one file");
  if (a.keep && s.has_data() && s.opened->files[0].array())
    s.diagnostics.error(Code::usage, "--keep needs a CSV file: an array has no lines to keep");
  if (s.diagnostics.has_errors()) return failed();
  Fused fused = prediction_graph(l.model());
  auto ran = run_kernel(l, fused, true);
  if (!ran) return failed();
  if (a.keep && ran->data.dropped > 0) {
    s.diagnostics.error(Code::usage, "--keep cannot be used where rows were left out for a missing cell")
        .helps.push_back("--keep-missing keeps them, without a prediction");
    return failed();
  }
  note_missing(ran->data, s.diagnostics);
  bool finite = !warn_of_predictions(l.model(), ran->values, ran->data, l.params, s.diagnostics);
  if (a.json) {
    Json json{{"slope", 1},
              {"model", escaped(s.request.source.name())},
              {"status", status_of(finite)},
              {"rows", ran->data.rows}};
    if (a.output.empty()) add_predictions(l, *ran, json);
    else if (!write_result(s, a.output, table(l, *ran, a))) return failed();
    json["diagnostics"] = diagnostics_json(s.diagnostics, s.sources);
    return finish(a, s, &json, exit_code::done);
  }
  write_result(s, a.output, table(l, *ran, a));
  return finish(a, s, nullptr, s.diagnostics.exit_code());
}

int run_eval(const Arguments& given) {
  Arguments a = given;
  a.weights = weights_path(given);
  Loaded l{open_session(a), {}};
  Session& s = l.session;
  auto failed = [&] { return finish(a, s, nullptr, s.diagnostics.exit_code()); };
  if (s.diagnostics.has_errors() || !load_model(a, Use::evaluation, l)) return failed();
  const Model& model = l.model();
  Fused fused = evaluation_graph(model);
  auto ran = run_kernel(l, fused, false);
  if (!ran) return failed();
  std::vector<Result> results{{"loss", ran->values[0], model.loss}};
  for (std::size_t i = 0; i < model.metrics.size(); ++i)
    results.push_back({model.metrics[i].name, ran->values[i + 1], model.metrics[i].value});
  bool finite = !warn_of_results(model, results, ran->data, l.params, "the data", s.diagnostics);
  Precision precision = model.graph.precision();
  Json metrics = Json::object();
  std::string text = "loss = " + number_text(ran->values[0], precision) + "\n";
  for (std::size_t i = 0; i < model.metrics.size(); ++i) {
    metrics[model.metrics[i].name] = number(ran->values[i + 1], precision);
    text += model.metrics[i].name + " = " + number_text(ran->values[i + 1], precision) + "\n";
  }
  if (!a.json) {
    print(text, s.diagnostics);
    return finish(a, s, nullptr, s.diagnostics.exit_code());
  }
  Json json{{"slope", 1},
            {"model", escaped(s.request.source.name())},
            {"status", status_of(finite)},
            {"rows", ran->data.rows},
            {"precision", to_string(precision)},
            {"loss", number(ran->values[0], precision)},
            {"metrics", metrics},
            {"diagnostics", diagnostics_json(s.diagnostics, s.sources)}};
  return finish(a, s, &json, exit_code::done);
}

}  // namespace slope
