// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Data columns: which of the file's columns a name stands for, what its cells are, how many classes it has.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "frontend/labels.h"
#include "frontend/lowering.h"

namespace slope {

using ast::Kind;
using Is = Value::Is;

namespace {

std::size_t place_of(const std::vector<std::string>& headers, const std::string& name) {
  return static_cast<std::size_t>(std::ranges::find(headers, name) - headers.begin());
}

// From the header `a` to `b` of the file; nothing where they do not stand so.
std::vector<std::string> range_of(const std::vector<std::string>& headers, std::size_t a, std::size_t b) {
  if (a > b || b >= headers.size()) return {};
  return {headers.begin() + static_cast<std::ptrdiff_t>(a),
          headers.begin() + static_cast<std::ptrdiff_t>(b) + 1};
}

// The header of one name: its own, or the text behind it.
std::string header_of(const ast::Ast& tree, ast::NodeId column) {
  ast::NodeId text = tree.find(column, Kind::string);
  return text.valid() ? tree[text].text : tree[column].text;
}

ColumnType type_of(const ast::Ast& tree, ast::NodeId column) {
  if (tree.find(column, Kind::class_type).valid()) return ColumnType::label;
  return tree.find(column, Kind::index_type).valid() ? ColumnType::index : ColumnType::number;
}

// Of the nodes that a column may have to say what it holds.
ast::NodeId type_node(const ast::Ast& tree, ast::NodeId column) {
  ast::NodeId labels = tree.find(column, Kind::class_type);
  return labels.valid() ? labels : tree.find(column, Kind::index_type);
}

std::vector<std::string> declared_headers(const ast::Ast& tree, ast::NodeId statement, ast::NodeId column,
                                          const std::vector<std::string>& headers) {
  ast::NodeId names = tree.find(statement, Kind::columns), range = tree.find(statement, Kind::columns_range);
  if (range.valid())
    return range_of(headers, place_of(headers, tree[tree.child(range, 0)].text),
                    place_of(headers, tree[tree.child(range, 1)].text));
  if (!names.valid()) return {header_of(tree, column)};
  std::vector<std::string> out;
  for (ast::NodeId part : tree.children(names)) out.push_back(tree[part].text);
  return out;
}

}  // namespace

std::vector<DeclaredColumn> declared_columns(const ast::Ast& ast,
                                             std::span<const std::vector<std::string>> headers) {
  std::vector<DeclaredColumn> out;
  std::size_t source = 0;
  for (ast::NodeId statement : ast.children(ast.root())) {
    if (ast[statement].kind != Kind::data) continue;
    for (ast::NodeId part : ast.children(statement)) {
      if (ast[part].kind != Kind::column || source >= headers.size()) continue;
      ast::NodeId type = type_node(ast, part);
      bool standardized = !type.valid() && ast.find(statement, Kind::standardized).valid();
      out.push_back({ast[part].text, type_of(ast, part), type.valid() && !ast.children(type).empty(),
                     standardized, declared_headers(ast, statement, part, headers[source]), source,
                     ast[part].span});
    }
    ++source;
  }
  return out;
}

// --- the statement ---

void Lowering::data(ast::NodeId id) {
  std::size_t source = 0;
  for (ast::NodeId other : model_ast_.children(model_ast_.root())) {
    if (other == id) break;
    source += model_ast_[other].kind == Kind::data;
  }
  int names = 0;
  bool numbers = false;
  for (ast::NodeId part : ast().children(id)) {
    const ast::Node& node = ast()[part];
    if (node.kind == Kind::column) {
      ++names;
      numbers = numbers || !type_node(ast(), part).valid();
      column(part, id, source);
    }
    if (names > 1 && (node.kind == Kind::columns || node.kind == Kind::columns_range))
      error(Code::misplaced_form, node.span, "`columns` fills one name, this statement has several")
          .helps.push_back("give each name a `data` statement of its own");
    if (node.kind == Kind::standardized && !numbers)
      error(Code::misplaced_form, node.span, "only numbers can be standardized, not classes and indices")
          .helps.push_back("leave it out: the codes of classes are no amounts");
  }
}

void Lowering::column(ast::NodeId id, ast::NodeId statement, std::size_t source) {
  const ast::Node& node = ast()[id];
  DataColumn column{node.text, {header_of(ast(), id)}, source, node.span, {}};
  bool plain = true;  // what is said of another column is enough: it is no number in what follows
  if (ast::NodeId shape = ast().find(id, Kind::shape); shape.valid()) {
    auto axes = declared_shape(shape);
    plain = axes.has_value();
    column.axes = axes.value_or(Axes{});
  }
  column.array = source < settings_.arrays.size() && settings_.arrays[source];
  plain =
      plain && (column.array ? column_of_array(id, statement, column) : column_headers(statement, column));
  column.type = type_of(ast(), id);
  column.standardized =
      column.type == ColumnType::number && ast().find(statement, Kind::standardized).valid();
  if (ast::NodeId type = type_node(ast(), id); type.valid()) plain = plain && column_type(type, column);
  if (const Facts* facts = facts_of(column.name); facts && column.standardized) {
    column.mean = facts->mean;
    column.deviation = facts->deviation;
  }
  auto number = static_cast<int>(model.columns.size());
  model.columns.push_back(std::move(column));
  Binding binding{column_value(number), node.name};
  graph().name(binding.value.node, node.text);
  binding.column = number;
  if (!plain) binding.value = {};
  if (bind(node.text, binding)) column_read_.push_back(false);
  else model.columns.pop_back();
}

Value Lowering::column_value(int number) {
  const DataColumn& column = model.columns[static_cast<std::size_t>(number)];
  Value value = Value::of(graph().data(number, graph().intern({true, column.axes})));
  value.classes = column.classes;
  if (column.type == ColumnType::label) value.labelled = number;
  return value;
}

// --- which columns of the file ---

// `columns A..B`: the file's headers from A to B.
std::optional<std::vector<std::string>> Lowering::header_range(ast::NodeId range, std::size_t source) {
  if (source >= settings_.headers.size() || settings_.headers[source].empty()) {
    error(Code::no_data, ast()[range].span, "which columns these are is known only with the data")
        .helps.push_back("give their file with --data FILE, or name each: `columns a, b, c`");
    return {};
  }
  const std::vector<std::string>& headers = settings_.headers[source];
  std::size_t at[2] = {};
  for (std::size_t i = 0; i < 2; ++i) {
    const ast::Node& end = ast()[ast().child(range, i)];
    at[i] = place_of(headers, end.text);
    if (at[i] < headers.size()) continue;
    Diagnostic& d = error(Code::no_such_column, end.span,
                          fmt::format("the data have no column `{}`", escaped(end.text, 40)));
    if (std::string near = nearest(end.text, headers); !near.empty())
      d.helps.push_back(fmt::format("did you mean `{}`?", near));
    return {};
  }
  if (at[0] > at[1]) {
    error(Code::no_such_column, ast()[range].span,
          fmt::format("`{}` stands after `{}` in the data", headers[at[0]], headers[at[1]]))
        .helps.push_back("name the column first that comes first");
    return {};
  }
  return range_of(headers, at[0], at[1]);
}

// The headers of a name with axes, from the `columns` clause of its statement; without a shape it becomes a
// vector of that length.
bool Lowering::column_headers(ast::NodeId statement, DataColumn& column) {
  ast::NodeId names = ast().find(statement, Kind::columns),
              range = ast().find(statement, Kind::columns_range);
  ast::NodeId clause = names.valid() ? names : range;
  std::vector<std::string> headers = column.headers;
  if (names.valid()) {
    headers.clear();
    for (ast::NodeId part : ast().children(names)) headers.push_back(ast()[part].text);
  } else if (range.valid()) {
    auto found = header_range(range, column.source);
    if (!found) return false;
    headers = std::move(*found);
  }
  auto count = static_cast<std::int64_t>(headers.size());
  if (column.axes.empty() && clause.valid()) column.axes = {count};
  column.headers = std::move(headers);
  std::int64_t wanted = elements({false, column.axes});
  if (wanted == count) return true;
  std::string shape = to_string({false, column.axes});
  if (!clause.valid()) {
    if (column.source >= settings_.headers.size()) return true;  // the file, not known yet, may be an array
    error(Code::shapes_differ, column.span,
          fmt::format("`{}{}` takes {} columns of the file, but the statement does not say which",
                      column.name, shape, wanted))
        .helps.push_back(fmt::format("`data {}{} from \"FILE\" columns A..B`", column.name, shape));
    return false;
  }
  Diagnostic& d = error(
      Code::shapes_differ, ast()[clause].span,
      fmt::format("`{}{}` takes {} columns of the file, these are {}", column.name, shape, wanted, count));
  d.helps.push_back(fmt::format("without a shape, `data {}` is a vector of {} values", column.name, count));
  return false;
}

// A file that holds one array, rows first, for one name: of the shape declared, or without one of the file's.
bool Lowering::column_of_array(ast::NodeId id, ast::NodeId statement, DataColumn& column) {
  auto refused = [&](ast::NodeId part, std::string message, std::string help) {
    error(Code::misplaced_form, ast()[part].span, std::move(message)).helps.push_back(std::move(help));
    return false;
  };
  std::string_view what = "the file holds one array, which has no names";
  for (Kind clause : {Kind::columns, Kind::columns_range})
    if (ast::NodeId part = ast().find(statement, clause); part.valid())
      return refused(part, fmt::format("{}: `columns` chooses among those of a CSV file", what),
                     "leave it out, and choose elements with an index: `x[2:5]`");
  if (ast::NodeId header = ast().find(id, Kind::string); header.valid())
    return refused(header, fmt::format("{}: a header is that of a column of a CSV file", what),
                   "leave it out");
  for (ast::NodeId other : ast().children(statement))
    if (other != id && ast()[other].kind == Kind::column)
      return refused(id, fmt::format("{}: it is for one name, this statement has several", what),
                     "give each name a `data` statement of its own");
  const Axes& found = *settings_.arrays[column.source];
  bool shaped = ast().find(id, Kind::shape).valid();
  if (!shaped) column.axes = found;
  // Filled row by row where one side has its elements in a row; else the axes must be those of the file.
  bool same = found == column.axes || (elements({false, found}) == elements({false, column.axes}) &&
                                       std::min(found.size(), column.axes.size()) <= 1);
  if (same) return fits_limit({false, column.axes}, most_elements, ast()[id].span, "a value");
  Diagnostic& d = error(Code::shapes_differ, ast()[ast().find(id, Kind::shape)].span,
                        fmt::format("`{}` is declared as {}, a row of its file is {}", column.name,
                                    in_words({false, column.axes}), in_words({false, found})));
  d.helps.push_back(fmt::format("without a shape, `data {}` takes that of the file", column.name));
  return false;
}

// --- classes and indices ---

const Facts* Lowering::facts_of(const std::string& column) const {
  if (!settings_.facts) return nullptr;
  auto found =
      std::ranges::find_if(*settings_.facts, [&](const Facts& facts) { return facts.column == column; });
  return found == settings_.facts->end() ? nullptr : &*found;
}

// `class`, `class(K)`, `index`, `index(N)`: how many integers there are, which labels they stand for.
bool Lowering::column_type(ast::NodeId type, DataColumn& column) {
  Span span = ast()[type].span;
  bool labels = column.type == ColumnType::label;
  std::optional<std::int64_t> size;
  if (!ast().children(type).empty()) {
    ast::NodeId written = ast().child(type, 0);
    size = whole_number(evaluate(written), ast()[written].span,
                        labels ? "the number of classes" : "the size of an index");
    if (!size) return false;
    if (*size < 1) {
      error(Code::bad_option_value, ast()[written].span,
            fmt::format("a column has at least 1 {}, this is {}", labels ? "class" : "index", *size));
      return false;
    }
  }
  const Facts* facts = facts_of(column.name);
  bool needed = labels || !size;
  if (!facts && settings_.facts && needed) return false;  // its fault was told
  return labels ? column_labels(size, facts, span, column) : column_size(size, facts, span, column);
}

bool Lowering::column_labels(std::optional<std::int64_t> classes, const Facts* facts, Span type,
                             DataColumn& column) {
  if (!facts && !classes) {
    error(Code::no_data, type, fmt::format("the classes of `{}` are known only with the data", column.name))
        .helps.push_back("give the file with --data FILE, or say how many there are: `class(3)`");
    return false;
  }
  if (auto count = classes.value_or(0); count > most_classes) {
    error(Code::too_large, type, fmt::format("{} classes are more than {}", count, most_classes))
        .helps.push_back("`index(N)` takes integers, which need no labels, up to any N");
    return false;
  }
  if (facts) column.labels = sorted_labels(facts->labels);
  column.labels_by_value = facts && facts->labels_by_value;
  auto found = static_cast<std::int64_t>(column.labels.size());
  column.classes = classes.value_or(found);
  if (column.classes == 1 && facts)
    diagnostics_->warning(Code::constant_column, column.span,
                          fmt::format("the class column `{}` has one label only: {}", column.name,
                                      labels_shown(column.labels)));
  if (!facts || !classes) return true;
  if (are_codes(column.labels, *classes)) {
    column.labels = code_labels(*classes);
    column.labels_by_value = true;
    return true;
  }
  if (found == *classes) return true;
  Diagnostic& d = error(Code::bad_label, type,
                        fmt::format("`{}` has {} label{} in the data, not {}", column.name, found,
                                    found == 1 ? "" : "s", *classes));
  d.notes.push_back(fmt::format("{} {}", found == 1 ? "it is" : "they are", labels_shown(column.labels)));
  d.helps.push_back(
      fmt::format("`class` takes those that there are; with `class({})` the integers 0 to {} "
                  "are their own codes, and some may be missing",
                  *classes, *classes - 1));
  return false;
}

bool Lowering::column_size(std::optional<std::int64_t> size, const Facts* facts, Span type,
                           DataColumn& column) {
  if (!facts && !size) {
    error(Code::no_data, type, fmt::format("the size of `{}` is known only with the data", column.name))
        .helps.push_back("give the file with --data FILE, or say it: `index(1000)`");
    return false;
  }
  column.classes = size.value_or(facts ? facts->size : 0);
  // A number of f32 holds every integer up to 2^24; cells are stored in 32 bits.
  bool single = graph().precision() == Precision::f32;
  std::int64_t most = single ? std::int64_t{1} << 24 : most_elements;
  if (column.classes <= most) return true;
  Diagnostic& d =
      error(Code::too_large, type, fmt::format("an index of size {}: {} is the limit", column.classes, most));
  if (single) d.helps.push_back("`precision f64` has integers up to 2147483647");
  return false;
}

// `sex == "male"`: the text becomes the label's code.
bool Lowering::compared_with_label(std::string_view symbol, Value& a, Value& b, ast::NodeId id) {
  bool left = a.is == Is::text;
  ast::NodeId written = ast().child(id, left ? 1 : 0), text = ast().child(id, left ? 0 : 1);
  const Value& codes = left ? b : a;
  Value& label = left ? a : b;
  if (symbol != "==" && symbol != "!=") {
    if (!told_of_text(ast()[text].span))
      error(Code::wrong_kind, ast()[text].span, "a label can be compared with `==` and `!=` only");
    return false;
  }
  if (codes.labelled < 0) {
    Diagnostic& d = error(
        Code::wrong_kind, ast()[id].span,
        fmt::format("`{}` has no labels: only a class column can be compared with a text", shown(written)));
    if (codes.is == Is::node && model.graph[codes.node].kind == NodeKind::data && codes.classes == 0)
      d.helps.push_back(fmt::format("a class column is declared `data {} : class`", shown(written)));
    return false;
  }
  const DataColumn& column = model.columns[static_cast<std::size_t>(codes.labelled)];
  if (column.labels.empty()) {
    error(Code::no_data, ast()[id].span,
          fmt::format("the labels of `{}` are known only with the data", column.name))
        .helps.push_back("give the file with --data FILE");
    return false;
  }
  auto code = LabelCodes(column.labels, column.labels_by_value)(label.text);
  auto value = label_number(label.text);
  if (!code && value) code = code_of_value(column.labels, *value);  // "1" for the label 1.0
  if (code) {
    label = Value::of(static_cast<double>(*code));
    return true;
  }
  Diagnostic& d = error(Code::unknown_label, ast()[text].span,
                        fmt::format("`{}` has no label \"{}\"", column.name, escaped(label.text, 40)));
  if (std::string near = nearest(label.text, column.labels); !near.empty())
    d.helps.push_back(fmt::format("did you mean \"{}\"?", escaped(near, 40)));
  d.notes.push_back(fmt::format("its label{} {}", column.labels.size() == 1 ? " is" : "s are",
                                labels_shown(column.labels)));
  return false;
}

// `grade == 5` where the labels are 1, 2 and 5: what is compared is the code.
void Lowering::warn_of_codes(const Value& codes, const Value& number, ast::NodeId id) {
  const ast::Node& node = ast()[id];
  const DataColumn& column = model.columns[static_cast<std::size_t>(codes.labelled)];
  bool compares = node.text == "==" || node.text == "!=";
  if (!compares || column.labels.empty() || number_their_codes(column.labels)) return;
  auto same = std::ranges::find_if(column.labels,
                                   [&](const std::string& l) { return label_number(l) == number.number; });
  if (same == column.labels.end()) return;
  std::string label = escaped(*same, 40);
  Span span = place(node.span);
  if (!said_.emplace("code of a label", span.begin).second) return;
  diagnostics_
      ->warning(Code::compares_code, span,
                fmt::format("this compares the code of `{}`, from 0 to {}, with {}", column.name,
                            column.classes - 1, shortest(number.number)))
      .helps.push_back(fmt::format("the label is written in quotes: \"{}\"", label));
}

// classes(c): a number that the compiler knows.
Value Lowering::classes(const Argument& argument) {
  if (argument.value.classes > 0) return Value::of(static_cast<double>(argument.value.classes));
  error(Code::wrong_kind, argument.span, "`classes` needs a class or index column, this is a number")
      .helps.push_back("declare it as one: `data c : class from \"FILE\"`");
  return {};
}

// --- what can be said when all is read ---

// A standardized column that the loss reads and the prediction does not is the target.
void Lowering::check_columns() {
  bool known = model.loss.valid() && model.predict.valid();  // else an error that is told elsewhere
  if (diagnostics_->has_errors() || !settings_.training || !known) return;
  std::vector<bool> loss = live(model.graph, std::span(&model.loss, 1)),
                    predict = live(model.graph, std::span(&model.predict, 1));
  for (std::size_t i = 0; i < loss.size(); ++i) {
    const slope::Node& node = model.graph[NodeId(static_cast<std::int64_t>(i))];
    if (node.kind != NodeKind::data || !loss[i] || (i < predict.size() && predict[i])) continue;
    const DataColumn& column = model.columns[static_cast<std::size_t>(node.index)];
    if (column.standardized)
      diagnostics_
          ->warning(Code::standardized_target, column.span,
                    fmt::format("the target `{}` is standardized", column.name))
          .notes.push_back("loss and predictions count in its standard deviations, not in its unit");
  }
}

}  // namespace slope
