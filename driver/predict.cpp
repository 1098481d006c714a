// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// slope predict and slope eval: a model at saved weights.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "driver/output.h"

namespace slope {

namespace {

// The model lowered as the state's run had it, and its weights.
struct Loaded {
  Session session;
  std::vector<double> params;
  const Model& model() const { return session.outside_model(); }
};

bool load_model(const Arguments& a, Loaded& l) {
  Session& s = l.session;
  if (a.weights.empty()) {
    s.diagnostics.error(Code::usage, "--weights FILE is needed: the state that `slope train` saved");
    return false;
  }
  auto params = prepare_at(s, a.weights);
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

// The elements of a row; a prediction without rows stands for every row of the data.
std::span<const double> in_row(const Loaded& l, const Ran& ran, std::size_t row) {
  const Shape& shape = l.model().graph.shape(l.model().predict);
  auto count = static_cast<std::size_t>(elements(shape));
  return std::span(ran.values).subspan(shape.rows ? row * count : 0, count);
}

std::string csv(const Loaded& l, const Ran& ran, bool keep) {
  Precision precision = l.model().graph.precision();
  const Shape& shape = l.model().graph.shape(l.model().predict);
  std::vector<std::string_view> lines;
  auto count =
      static_cast<std::size_t>(shape.rows ? ran.data.rows : std::max<std::int64_t>(ran.data.rows, 1));
  char separator = keep && l.session.has_data() ? l.session.opened->files[0].separator() : ',';
  if (keep && l.session.has_data()) lines = l.session.opened->files[0].lines();
  std::string out;
  auto line = [&](std::size_t i, const auto& cells, auto text) {
    if (i < lines.size()) out.append(lines[i]).append(1, separator);
    std::string_view between = "";
    for (const auto& cell : cells) {
      out.append(between).append(text(cell));
      between = {&separator, 1};
    }
    out.append("\n");
  };
  line(0, prediction_columns(shape.axes), [](const std::string& name) { return name; });
  for (std::size_t i = 0; i < count; ++i)
    line(i + 1, in_row(l, ran, i), [&](double value) { return number_text(value, precision); });
  return out;
}

}  // namespace

int run_predict(const Arguments& given) {
  Arguments a = given;
  a.weights = weights_path(given);
  Loaded l{open_session(a), {}};
  Session& s = l.session;
  auto failed = [&] { return finish(a, s, nullptr, s.diagnostics.exit_code()); };
  if (s.diagnostics.has_errors() || !load_model(a, l)) return failed();
  if (a.output.ends_with(".npy"))
    s.diagnostics.error(Code::usage, "predictions as .npy are not there yet: write a .csv");
  if (!l.model().predict.valid())
    s.diagnostics.error(Code::unknown_name, "the model has no `predict`")
        .helps.push_back("define it, for example `predict = w*x + b`");
  if (a.keep && s.has_data() && s.opened->files.size() > 1)
    s.diagnostics.error(Code::usage, "--keep needs a model whose columns are all of one file");
  if (s.diagnostics.has_errors()) return failed();
  Fused fused = prediction_graph(l.model());
  auto ran = run_kernel(l, fused, true);
  if (!ran) return failed();
  if (a.keep && ran->data.dropped > 0) {
    s.diagnostics.error(Code::usage, "--keep cannot be used where rows were left out for a missing cell");
    return failed();
  }
  if (a.json) {
    Json values = Json::array();
    const Shape& shape = l.model().graph.shape(l.model().predict);
    std::int64_t rows = shape.rows ? ran->data.rows : 1;
    for (std::int64_t i = 0; i < rows; ++i)
      values.push_back(
          nested(in_row(l, *ran, static_cast<std::size_t>(i)), shape.axes, l.model().graph.precision()));
    Json json{{"slope", 1},
              {"model", escaped(s.request.source.name())},
              {"status", "finished"},
              {"rows", ran->data.rows}};
    if (a.output.empty()) json["predict"] = values;
    else if (!write_result(a, s, a.output, csv(l, *ran, a.keep))) return failed();
    json["diagnostics"] = diagnostics_json(s.diagnostics, s.sources);
    return finish(a, s, &json, exit_code::done);
  }
  write_result(a, s, a.output, csv(l, *ran, a.keep));
  return finish(a, s, nullptr, s.diagnostics.exit_code());
}

int run_eval(const Arguments& given) {
  Arguments a = given;
  a.weights = weights_path(given);
  Loaded l{open_session(a), {}};
  Session& s = l.session;
  auto failed = [&] { return finish(a, s, nullptr, s.diagnostics.exit_code()); };
  if (s.diagnostics.has_errors() || !load_model(a, l)) return failed();
  const Model& model = l.model();
  Fused fused = evaluation_graph(model);
  auto ran = run_kernel(l, fused, false);
  if (!ran) return failed();
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
            {"status", "finished"},
            {"rows", ran->data.rows},
            {"precision", to_string(precision)},
            {"loss", number(ran->values[0], precision)},
            {"metrics", metrics},
            {"diagnostics", diagnostics_json(s.diagnostics, s.sources)}};
  return finish(a, s, &json, exit_code::done);
}

}  // namespace slope
