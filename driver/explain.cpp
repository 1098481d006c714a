// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// slope explain: the model written out, what kind of problem it is, and its derivatives as mathematics.
#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/os.h"
#include "base/pages.h"
#include "base/text.h"
#include "codegen/block_plan.h"
#include "driver/output.h"
#include "driver/run_files.h"
#include "graph/loss_class.h"
#include "runtime/derivation.h"
#include "runtime/written_out.h"

namespace slope {

namespace {

// Cells are wanted for the numbers of a derivation only; whatever is wrong with them is then said.
std::optional<Dataset> read_data(Session& s) {
  if (!s.has_data()) return s.model().columns.empty() ? std::optional(Dataset{}) : std::nullopt;
  return read_columns(s.model(), *s.opened, columns_read(s.model().graph, s.model().columns.size()), false,
                      s.diagnostics);
}

std::string derivation_text(const Arguments& a, Session& s) {
  auto data = read_data(s);
  if (s.diagnostics.has_errors()) return {};
  bool rows = data && !s.model().columns.empty();
  if (rows && (a.row < 1 || a.row > data->rows)) {
    s.diagnostics.error(Code::usage, fmt::format("--row {}: the data have rows 1 to {}", a.row, data->rows));
    return {};
  }
  return derivation(*s.lowered, data, a.row - 1, print_names(s.model(), s.sources));
}

std::string count(std::size_t n, std::string_view what) {
  return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s");
}

// How many rows the data have; nothing where they cannot be read, which is for training to say.
std::optional<std::int64_t> rows(Session& s) {
  if (!s.has_data()) return {};
  Diagnostics unsaid;
  auto data = read_columns(s.model(), *s.opened, columns_read(s.model().graph, s.model().columns.size()),
                           false, unsaid);
  return data ? std::optional(data->rows) : std::nullopt;
}

// Comments below the program: its class, its size, its derivatives.
std::string remarks(Session& s) {
  const Model& model = s.model();
  std::string out =
      fmt::format("\n# {}: {}", to_string(classify(model.graph, model.loss)), parameter_count(model));
  if (!model.columns.empty()) out += ", " + count(model.columns.size(), "column");
  if (auto n = rows(s)) out += fmt::format(", {} row{}", *n, *n == 1 ? "" : "s");
  out += "\n";
  if (has_axes(model.graph))
    return out + "#   its derivatives are those of vectors and matrices: `slope show gradient`\n";
  PrintNames names = formula_names(model, s.sources);
  std::vector<FormulaRoot> roots = formula_roots(*s.lowered);
  names.places = {};
  std::string text = formula_text(s.model().graph, formulas(s.model().graph, roots, names), names);
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = text.find('\n', at);
    out += "#   " + text.substr(at, end - at) + "\n";
    at = end + 1;
  }
  return out;
}

std::string latex(Session& s) {
  std::vector<FormulaRoot> roots = formula_roots(*s.lowered);
  PrintNames names = formula_names(s.model(), s.sources);
  return formula_latex(s.model().graph, formulas(s.model().graph, roots, names));
}

// Nothing after an error.
std::string explanation(const Arguments& a, Session& s, const std::string& folder) {
  if ((a.latex || a.derive) && !check_formulas(s)) return {};
  if (a.latex) return latex(s);
  if (a.derive) return derivation_text(a, s);
  return written_out(s, folder) + remarks(s);
}

}  // namespace

int run_explain(const Arguments& a) {
  if (a.list || (!a.text && is_code(a.model))) return run_explain_code(a);
  Session s = open_session(a);
  // Where the program is going to stand: beside the model, if nothing else is said.
  std::string folder =
      a.output.empty() ? s.request.folder : std::filesystem::path(a.output).parent_path().string();
  std::string text;
  if (!s.diagnostics.has_errors() && prepare(s, DataNeed::if_there) &&
      check_output(a, s, a.output, "the explanation"))
    text = explanation(a, s, folder);
  if (s.diagnostics.has_errors()) return finish(a, s, nullptr, s.diagnostics.exit_code());
  return finish_text(a, s, "explanation", text);
}

}  // namespace slope
