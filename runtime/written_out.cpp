// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/written_out.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/text.h"

namespace slope {

using ast::Kind;

namespace {

// A text of the language: the escapes that it knows.
std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c == '\t' ? "\\t" : c == '\n' ? "\\n" : std::string(1, c);
  }
  return out + "\"";
}

class Writer {
 public:
  Writer(const Session& s, std::string folder)
      : s_(s), model_(s.model()), tree_(s.tree), folder_(std::move(folder)) {}

  std::string run() {
    line(fmt::format("precision {}", to_string(model_.graph.precision())));
    line(fmt::format("seed {}", model_.seed.value_or(0)));
    if (!has_statement(Kind::data) && !model_.columns.empty()) data(0);
    short_params();
    for (ast::NodeId id : tree_.children(tree_.root())) statement(id);
    if (!has_statement(Kind::train)) train(0);
    return std::move(out_);
  }

 private:
  void line(std::string_view text) { out_.append(text).append("\n"); }

  bool has_statement(Kind kind) const {
    auto statements = tree_.children(tree_.root());
    return std::any_of(statements.begin(), statements.end(),
                       [&](ast::NodeId id) { return tree_[id].kind == kind; });
  }

  void statement(ast::NodeId id) {
    switch (tree_[id].kind) {
      case Kind::precision:
      case Kind::seed: return;
      case Kind::data: return data(sources_++);
      case Kind::params: return params(id);
      case Kind::consts: return constants(id);
      case Kind::train: return train(trainings_++);
      case Kind::define:
      case Kind::metric:
      case Kind::report: return value(id);
      default: return line(source_text(tree_[id].span));
    }
  }

  std::string source_text(Span span) const { return std::string(s_.sources.files[0].text(span)); }

  std::string number(double value) const {
    return model_.graph.precision() == Precision::f32 ? shortest(static_cast<float>(value)) : shortest(value);
  }

  // --- data ---
  // The name under which the assumed target is a column: its header need be no name.
  std::string target_name() const {
    const std::string& target = model_.assumed.target;
    if (has_statement(Kind::data)) return target;
    for (const DataColumn& column : model_.columns)
      if (column.header == target) return column.name;
    return target;
  }

  void data(std::size_t source) {
    std::vector<std::string> columns;
    for (const DataColumn& column : model_.columns)
      if (column.source == source)
        columns.push_back(column.header == column.name ? column.name
                                                       : column.name + " " + in_quotes(column.header));
    line(fmt::format("data {}{}", fmt::join(columns, ", "), clauses(source)));
  }

  // A path as the program will find it: relative to the folder that it stands in.
  std::string from_folder(const std::string& path) const {
    namespace fs = std::filesystem;
    std::error_code fault;
    if (path == "-" || fs::path(path).is_absolute()) return path;
    fs::path relative = fs::proximate(path, folder_.empty() ? fs::path(".") : fs::path(folder_), fault);
    return fault ? path : relative.string();
  }

  std::string clauses(std::size_t source) const {
    const DataSource& data = model_.sources[source];
    std::string out, path = data.path;
    if (s_.opened) path = from_folder(s_.opened->files[s_.opened->file_of[source]].path());
    if (!path.empty() && path != "-") out += " from " + in_quotes(path);
    if (data.separator) out += fmt::format(" sep={}", in_quotes(std::string(1, *data.separator)));
    if (data.drop_missing) out += " missing=drop";
    return out;
  }

  // --- parameters and constants ---
  void short_params() {
    for (const std::string& name : model_.assumed.params) line(fmt::format("param {} = 0", name));
  }

  void params(ast::NodeId id) {
    std::vector<std::string> items;
    for (ast::NodeId item : tree_.children(id))
      for (const Parameter& param : model_.params)
        if (param.name == tree_[item].text)
          items.push_back(fmt::format("{} = {}", param.name, number(param.start)));
    line(fmt::format("param {}", fmt::join(items, ", ")));
  }

  void constants(ast::NodeId id) {
    std::vector<std::string> items;
    for (ast::NodeId item : tree_.children(id)) {
      const std::string& name = tree_[item].text;
      std::string value = source_text(tree_[tree_.child(item, 0)].span);
      for (const auto& [set, given] : s_.request.settings.sets)
        if (set == name) value = given;
      items.push_back(fmt::format("{} = {}", name, value));
    }
    line(fmt::format("const {}", fmt::join(items, ", ")));
  }

  // --- what may be given as a function of (predict, target) ---
  void value(ast::NodeId id) {
    std::string text = source_text(tree_[id].span);
    const ast::Node& node = tree_[id];
    auto called = std::find_if(model_.called.begin(), model_.called.end(),
                               [&](Span c) { return node.span.begin <= c.begin && c.end <= node.span.end; });
    if (called != model_.called.end()) {
      std::string keyword = node.kind == Kind::define   ? ""
                            : node.kind == Kind::metric ? "metric "
                                                        : "report ";
      text = fmt::format("{}{} = {}(predict, {})", keyword, node.text, source_text(*called), target_name());
      if (!predict_stands_) return waiting_.push_back(text);
    }
    line(text);
    if (node.kind != Kind::define || node.text != "predict") return;
    predict_stands_ = true;
    for (const std::string& later : std::exchange(waiting_, {})) line(later);
  }

  // --- training ---
  void train(std::size_t number_of) {
    const Training& t = model_.trainings[number_of];
    std::string hyper;
    for (const auto& [name, value] : t.optimizer.hyper)
      hyper += fmt::format("{}{}={}", hyper.empty() ? "(" : ", ", name, shortest(value));
    std::string text =
        fmt::format("train optimizer={}{} {}={} rate={}", t.optimizer.name, hyper.empty() ? "" : hyper + ")",
                    t.epochs ? "epochs" : "steps", t.steps, shortest(t.rate));
    if (t.report) text += fmt::format(" report={}", *t.report);
    line(text);
  }

  const Session& s_;
  const Model& model_;
  const ast::Ast& tree_;
  std::string folder_;
  std::string out_;
  std::size_t sources_ = 0, trainings_ = 0;
  bool predict_stands_ = false;
  std::vector<std::string> waiting_;  // what calls `predict` and stood above it
};

}  // namespace

std::string written_out(const Session& session, const std::string& folder) {
  return Writer(session, folder).run();
}

}  // namespace slope
