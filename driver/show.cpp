// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// slope show and slope version: what the compiler made of a model, without running it.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "codegen/schedule.h"
#include "driver/output.h"
#include "driver/run_files.h"
#include "graph/op_sheet.h"
#include "runtime/parameters.h"

namespace slope {

namespace {

// Storage types of the columns: of the data where they can be read, else of the model's precision.
std::vector<Storage> storages(Session& s, const Graph& graph) {
  const Model& model = s.model();
  if (s.has_data()) {
    Diagnostics ignored;
    auto data = read_columns(model, *s.opened, columns_read(graph, model.columns.size()), false, ignored);
    if (data) return data->storages;
  }
  bool single = model.graph.precision() == Precision::f32;
  return std::vector<Storage>(model.columns.size(), single ? Storage::f32 : Storage::f64);
}

std::string graph_text(Session& s) {
  const Model& model = s.model();
  std::vector<NodeId> roots{model.loss};
  if (model.predict.valid()) roots.push_back(model.predict);
  for (const auto* list : {&model.metrics, &model.reports})
    for (const NamedValue& value : *list) roots.push_back(value.value);
  return print(model.graph, roots, print_names(model, s.sources));
}

std::string gradient_text(Session& s) {
  GradientGraph gradient = gradient_graph(*s.lowered);
  return print(s.model().graph, gradient.roots, print_names(s.model(), s.sources));
}

// Of the graph and the gradient.
std::string rewrites_text(Session& s) {
  gradient_graph(*s.lowered);
  return print_rewrites(s.model().graph, print_names(s.model(), s.sources));
}

std::optional<std::string> formula_stage(Session& s) {
  if (!check_formulas(s)) return {};
  std::vector<FormulaRoot> roots = formula_roots(*s.lowered);
  PrintNames names = formula_names(s.model(), s.sources);
  return formula_text(s.model().graph, formulas(s.model().graph, roots, names), names);
}

// The stages after differentiation: kernels, LLVM, assembly.
std::optional<std::string> compiled_text(const std::string& stage, Session& s) {
  auto steps = step_graphs(*s.lowered, s.diagnostics);
  if (!steps) return {};
  PrintNames names = print_names(s.model(), s.sources);
  std::vector<Kernel> kernels;
  std::string text;
  for (std::size_t i = 0; i < steps->size(); ++i) {
    kernels.push_back(step_kernel((*steps)[i], i));
    if (stage != "kernels") continue;
    std::vector<NodeId> roots;
    for (const Store& store : kernels.back().stores) roots.push_back(store.value);
    const Graph& graph = (*steps)[i].fused.graph;
    text += fmt::format("{}{}: loss, gradients and the update by {}\n", i ? "\n" : "", kernels.back().name,
                        (*steps)[i].optimizer.name);
    text += print(schedule(graph, roots), graph, names);
  }
  if (stage == "kernels") return text;
  CompileOptions options;
  options.cpu = s.request.cpu;
  options.param_offsets = param_offsets(s.model());
  options.state_offsets = state_offsets(s.model());
  options.storages = storages(s, (*steps)[0].fused.graph);
  options.places = names.places;
  return list(stage == "llvm" ? Listing::llvm : Listing::assembly, kernels, options, s.diagnostics);
}

std::optional<std::string> stage_text(const std::string& stage, Session& s) {
  if (stage == "ast") {
    s.tree = parse(s.sources.files[0], s.diagnostics);
    return s.diagnostics.has_errors() ? std::nullopt : std::optional(ast::print(s.tree, s.sources.files[0]));
  }
  if (!prepare(s, DataNeed::if_there)) return {};
  if (stage == "graph") return graph_text(s);
  if (stage == "gradient") return gradient_text(s);
  if (stage == "rewrites") return rewrites_text(s);
  if (stage == "formula") return formula_stage(s);
  return compiled_text(stage, s);
}

}  // namespace

int run_show(const Arguments& a) {
  if (needs_no_model(a.stage)) {
    Session none{Request{.source = Source("", ""), .folder = {}, .data = {}, .settings = {}}};
    RunFiles files;
    files.reads_of(a);
    files.writes(a.output, "the listing");
    if (!files.check(none.diagnostics)) return finish(a, none, nullptr, none.diagnostics.exit_code());
    return finish_text(a, none, a.stage, a.stage == "ops" ? op_sheet() : std::string(prelude_text));
  }
  Session s = open_session(a);
  std::optional<std::string> text;
  if (!s.diagnostics.has_errors()) text = stage_text(a.stage, s);
  if (text && !check_output(a, s, a.output, "the listing")) text.reset();
  if (!text) return finish(a, s, nullptr, s.diagnostics.exit_code());
  return finish_text(a, s, a.stage, *text);
}

int run_version(const Arguments& a) {
  Diagnostics diagnostics;
  if (a.json)
    print(
        dump(Json{{"slope", 1}, {"version", SLOPE_VERSION}, {"llvm", llvm_version()}, {"cpu", native_cpu()}}),
        diagnostics);
  else
    print(fmt::format("slope {}\nLLVM {}\nCPU {}\n", SLOPE_VERSION, llvm_version(), native_cpu()),
          diagnostics);
  return diagnostics.exit_code();
}

}  // namespace slope
