// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/written_out.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <set>
#include <system_error>
#include <utility>
#include <vector>

#include "base/text.h"
#include "frontend/labels.h"
#include "runtime/parameters.h"
#include "runtime/validation.h"

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

// Where a text gets longer, and by what.
struct Insertion {
  std::uint32_t at;
  std::string text;
};

// Every call of a function of the prelude with the defaults that it leaves to it: huber(p, y) becomes
// huber(p, y, delta=1, weights=1). A default that depends on other arguments stays unsaid, and so does that
// of a name which the model uses for anything of its own.
class Defaults {
 public:
  explicit Defaults(const ast::Ast& tree) : tree_(tree) {
    for (std::size_t i = 0; i < tree.size(); ++i) {
      const ast::Node& node = tree[ast::NodeId(static_cast<std::int64_t>(i))];
      if (ast::binds(node.kind)) own_.insert(node.text);
    }
    for (std::size_t i = 0; i < tree.size(); ++i)
      if (tree[ast::NodeId(static_cast<std::int64_t>(i))].kind == Kind::call)
        add_call(ast::NodeId(static_cast<std::int64_t>(i)));
    std::sort(insertions_.begin(), insertions_.end(),
              [](const Insertion& a, const Insertion& b) { return a.at < b.at; });
  }

  // ", delta=1, weights=1" where `given` arguments come by position and others by name.
  std::string text(const std::string& function, std::size_t given,
                   const std::set<std::string>& by_name = {}) const {
    std::string out;
    if (own_.contains(function)) return out;
    for (ast::NodeId formal : formals(function)) {
      const ast::Node& node = prelude()[formal];
      if (given > 0) --given;
      else if (!by_name.contains(node.text) && !prelude().children(formal).empty())
        if (ast::NodeId value = prelude().child(formal, 0); stands_alone(value)) {
          Span span = prelude()[value].span;
          out += fmt::format(", {}={}", node.text, prelude_text.substr(span.begin, span.end - span.begin));
        }
    }
    return out;
  }

  // A part of the program with the defaults of its calls.
  std::string filled_in(std::string_view program, Span part) const {
    std::string out(program.substr(part.begin, part.end - part.begin));
    auto before = [](const Insertion& insertion, std::uint32_t at) { return insertion.at < at; };
    auto first = std::lower_bound(insertions_.begin(), insertions_.end(), part.begin, before),
         last = std::lower_bound(first, insertions_.end(), part.end, before);
    while (last != first) {
      --last;
      out.insert(last->at - part.begin, last->text);
    }
    return out;
  }

 private:
  static std::span<const ast::NodeId> formals(const std::string& function) {
    const ast::Ast& tree = prelude();
    for (ast::NodeId id : tree.children(tree.root()))
      if (tree[id].kind == Kind::def && tree[id].text == function)
        return tree.children(id).first(tree.children(id).size() - 1);
    return {};
  }

  void add_call(ast::NodeId id) {
    std::size_t given = 0;
    std::set<std::string> by_name;
    for (ast::NodeId part : tree_.children(id).subspan(1))
      if (tree_[part].kind == Kind::argument) by_name.insert(tree_[part].text);
      else ++given;
    std::string more = text(tree_[tree_.child(id, 0)].text, given, by_name);
    if (!more.empty()) insertions_.push_back({tree_[id].span.end - 1, more});  // before the parenthesis
  }

  static bool stands_alone(ast::NodeId value) {
    const ast::Node& node = prelude()[value];
    if (node.kind == Kind::unary) return stands_alone(prelude().child(value, 0));
    return node.kind == Kind::number || node.kind == Kind::truth || node.kind == Kind::name;
  }

  const ast::Ast& tree_;
  std::set<std::string> own_;
  std::vector<Insertion> insertions_;
};

class Writer {
 public:
  Writer(const Session& s, std::string folder)
      : s_(s), model_(s.model()), tree_(s.tree), defaults_(s.tree), folder_(std::move(folder)) {}

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

  std::string source_text(Span span) const { return defaults_.filled_in(s_.sources.files[0].text(), span); }

  std::string number(double value) const {
    return model_.graph.precision() == Precision::f32 ? shortest(static_cast<float>(value)) : shortest(value);
  }

  // --- data ---
  // The name under which the assumed target is a column: its header need be no name.
  std::string target_name() const {
    const std::string& target = model_.assumed.target;
    if (has_statement(Kind::data)) return target;
    for (const DataColumn& column : model_.columns)
      if (column.headers[0] == target) return column.name;
    return target;
  }

  void data(std::size_t source) {
    std::vector<std::string> columns;
    std::string block;  // the columns of the one name that has a shape
    bool standardized = false;
    for (const DataColumn& column : model_.columns) {
      if (column.source != source) continue;
      standardized = standardized || column.standardized;
      std::string name = column.name;
      if (!column.axes.empty()) name += shape_text(column.axes);
      if (!column.axes.empty() && !column.array) {
        std::vector<std::string> headers;
        for (const std::string& header : column.headers) headers.push_back(in_quotes(header));
        block = fmt::format(" columns {}", fmt::join(headers, ", "));
      } else if (!column.array && column.headers[0] != column.name) {
        name += " " + in_quotes(column.headers[0]);
      }
      columns.push_back(name + type_text(column));
    }
    line(fmt::format("data {}{}{}{}", fmt::join(columns, ", "), block, clauses(source),
                     standardized ? " standardized" : ""));
  }

  // The size that was found is written; that of labels only where they are their own codes.
  static std::string type_text(const DataColumn& column) {
    if (column.type == ColumnType::index) return fmt::format(" : index({})", column.classes);
    if (column.type == ColumnType::number) return "";
    bool sized = column.labels.empty() || column.labels == code_labels(column.classes);
    return sized ? fmt::format(" : class({})", column.classes) : " : class";
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
    if (!data.missing.empty())
      out += " missing=" + in_quotes(fmt::format("{}", fmt::join(data.missing, ",")));
    if (data.drop_missing) out += " missing=drop";
    if (data.comment) out += fmt::format(" comment={}", in_quotes(std::string(1, *data.comment)));
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
          items.push_back(param.axes.empty() && !param.bounds
                              ? fmt::format("{} = {}", param.name, number(param.start[0]))
                              : source_text(tree_[item].span));
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
      std::string function = source_text(*called);
      // `metric m = loss` goes on meaning the loss, which is a number now.
      if (function != "loss")
        text = fmt::format("{}{} = {}(predict, {}{})", keyword, node.text, function, target_name(),
                           defaults_.text(function, 2));
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
    std::set<std::string> by_name;
    for (const auto& [name, value, truth] : t.optimizer.hyper) {
      hyper += fmt::format(", {}={}", name, !truth ? shortest(value) : value != 0 ? "true" : "false");
      by_name.insert(name);
    }
    if (!t.optimizer.solver)
      hyper += defaults_.text(t.optimizer.name, 3, by_name);  // behind parameter, gradient and rate
    if (!hyper.empty()) hyper = "(" + hyper.substr(2) + ")";
    std::string text = fmt::format("train optimizer={}{} {}={}", t.optimizer.name, hyper,
                                   t.epochs ? "epochs" : "steps", t.epochs.value_or(t.steps));
    if (!t.optimizer.solver)
      text += " rate=" + (t.rate_auto ? "auto" : shortest(t.rate)) + training_options(t);
    else text += rows_held_out();
    if (t.tolerance) text += fmt::format(" tolerance={}", shortest(*t.tolerance));
    if (t.report) text += fmt::format(" report={}", *t.report);
    line(text);
  }

  std::string rows_held_out() const {
    std::string out;
    if (const auto& held = model_.validation)
      out =
          " validation=" + (held->file.empty() ? shortest(held->fraction)
                                               : in_quotes(from_folder(validation_path(s_.request, *held))));
    if (model_.folds) out += fmt::format(" folds={}", model_.folds->count);
    return out;
  }

  // Those without which nothing would be done otherwise are left out.
  std::string training_options(const Training& t) const {
    std::string out;
    auto add = [&](std::string_view name, const std::string& value) {
      out += fmt::format(" {}={}", name, value);
    };
    auto add_number = [&](std::string_view name, double value) {
      if (value != 0) add(name, shortest(value));
    };
    if (t.batch) out += fmt::format(" batch={} shuffle={}", *t.batch, t.shuffle);
    if (t.decay.name != "constant" || t.decay.factor.valid()) {
      std::string arguments;
      for (const auto& [name, value] : t.decay.arguments)
        arguments += fmt::format("{}{}={}", arguments.empty() ? "" : ", ", name, shortest(value));
      add("decay", t.decay.name + (arguments.empty() ? "" : "(" + arguments + ")"));
    }
    add_number("warmup", static_cast<double>(t.warmup));
    add_number("l2", t.terms.l2);
    add_number("clip_value", t.terms.clip_value);
    add_number("clip_norm", t.terms.clip_norm);
    add_number("weight_decay", t.terms.weight_decay);
    add_number("ema", t.terms.ema);
    out += rows_held_out();
    if (t.patience) out += fmt::format(" patience={} min_delta={}", *t.patience, shortest(t.min_delta));
    if (t.seed != model_.seed.value_or(0)) out += fmt::format(" seed={}", t.seed);
    return out;
  }

  const Session& s_;
  const Model& model_;
  const ast::Ast& tree_;
  Defaults defaults_;
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
