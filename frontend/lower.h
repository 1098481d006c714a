// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// From the tree to the graph: names are resolved, functions inlined, constants computed, every value checked.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/diagnostic.h"
#include "frontend/ast.h"
#include "graph/bounds.h"
#include "graph/graph.h"

namespace slope {

// A `data` statement, or the given file where the short form has none.
struct DataSource {
  std::string path;               // as written after `from`; "" where there is none
  Span span;                      // of the statement
  std::optional<char> separator;  // where the statement says one
  bool drop_missing = false;
  std::vector<std::string> names;         // that it declares
  std::vector<std::string> missing = {};  // what counts as missing; {}: the usual
  std::optional<char> comment = {};       // what begins a line that does not count
  // One reading of a file serves both.
  bool reads_as(const DataSource& other) const {
    return separator == other.separator && missing == other.missing && comment == other.comment;
  }
};
// Of the tree alone, before any file is opened. Errors about the clauses are reported here.
std::vector<DataSource> data_sources(const ast::Ast& ast, Diagnostics& diagnostics);

enum class ColumnType : std::uint8_t { number, label, index };  // label: a class column

struct DataColumn {
  std::string name;                  // in the model
  std::vector<std::string> headers;  // in the file: one for each element of a row, row-major
  std::size_t source = 0;
  Span span;
  std::vector<std::int64_t> axes = {};  // of the value in a row; {}: a number
  ColumnType type = ColumnType::number;
  std::int64_t classes = 0;              // of the others: its cells are integers from 0 to classes − 1
  std::vector<std::string> labels = {};  // of a class column, by code; {}: not known, without data
  bool labels_by_value = false;          // they stand for numbers, however a file writes these
  bool array = false;                    // the file holds one array, which is this column
  bool standardized = false;
  std::vector<double> mean = {}, deviation = {};  // of each element; {}: those of the rows that are read
};

// A column as the tree alone declares it: whose labels or sizes have to be read before it is lowered.
struct DeclaredColumn {
  std::string name;
  ColumnType type = ColumnType::number;
  bool sized = false;  // `class(K)`, `index(N)`
  bool standardized = false;
  std::vector<std::string> headers;  // {}: its clause does not fit the file's header, which lower() reports
  std::size_t source = 0;
  Span span;
};
// `headers`: of each data source, as LowerSettings has them.
std::vector<DeclaredColumn> declared_columns(const ast::Ast& ast,
                                             std::span<const std::vector<std::string>> headers);

// What the data say of a column beyond its header.
struct Facts {
  std::string column;                             // its name in the model
  std::vector<std::string> labels = {};           // of a class column, in any order
  bool labels_by_value = false;                   // of a state: these are numbers, not texts
  std::int64_t size = 0;                          // of an index column: its greatest index and 1
  std::vector<double> mean = {}, deviation = {};  // of a standardized one, element by element
};
struct Parameter {
  std::string name;
  std::vector<double> start;  // element by element, row-major; with bounds of the unbounded numbers
  Span span;
  std::vector<std::int64_t> axes = {};
  std::int64_t offset = 0;  // of its first element among those of all parameters
  // The graph's parameter is an unbounded number then, the name stands for its bounded value.
  std::optional<Bounds> bounds = {};
};
// What is kept from step to step: no gradient. `offset` counts among the elements of all states.
struct StateVariable : Parameter {
  NodeId next;  // of the model's own: what a training step makes of it; invalid: it stays
};
struct NamedValue {
  std::string name;
  NodeId value;
  Span span;
};

// What the short form decided; kept in the state so that nothing is decided again.
struct Assumed {
  std::vector<std::string> columns, params;
  std::string target;
  bool empty() const { return columns.empty() && params.empty() && target.empty(); }
};

struct Hyper {
  std::string name;
  double value = 0;
  bool truth = false;  // `value` is 0 or 1 for false or true
  friend bool operator==(const Hyper&, const Hyper&) = default;
};
// A function with its hyper-parameters fixed; or one of the optimizers with a stopping test (lbfgs, newton,
// lm, exact), which are no functions of the language (runtime/solvers/solve.h).
struct Optimizer {
  std::string name = "sgd";
  std::vector<Hyper> hyper;
  bool solver = false;
  friend bool operator==(const Optimizer&, const Optimizer&) = default;
};

// What is done to the gradients before the optimizer has them, and beside its update. 0: nothing.
struct GradientTerms {
  double l2 = 0;            // adds l2·w to the gradient by w, as a penalty l2/2·Σw² does
  double clip_value = 0;    // then each element is brought into [−clip_value, clip_value],
  double clip_norm = 0;     // then all are scaled together, so that their norm is at most this
  double weight_decay = 0;  // the optimizer is given w − rate·weight_decay·w
  // An average a of each parameter w (of the unbounded number, where it has bounds) is kept, which begins at
  // where the statement does: a ← ema·a + (1 − ema)·w with the w that a step leaves. It is the result.
  double ema = 0;
  friend bool operator==(const GradientTerms&, const GradientTerms&) = default;
};

// The rate from step to step (runtime/schedule.h has the formulas).
struct Decay {
  std::string name = "constant";
  std::vector<std::pair<std::string, double>> arguments = {};  // given, or a default that is a number
  NodeId factor = {};  // of a function of the model: its value, of RunArgument::step and ::steps
  std::optional<double> argument(std::string_view of) const;
  friend bool operator==(const Decay&, const Decay&) = default;
};

// Rows by which the training is judged and which it does not see, in every statement the same.
struct Validation {
  double fraction = 0;            // of the rows; or
  std::string file = {};          // the rows of this file,
  std::optional<Span> span = {};  // none: from the command line, and relative to the current folder
  std::int64_t seed = 0;          // by which the rows of the fraction are drawn
};

// Parts of the rows for cross-validation, in every statement the same (runtime/folds.h).
struct Folds {
  std::int64_t count = 0;
  std::optional<Span> span = {};  // none: from the command line
  std::int64_t seed = 0;          // by which rows are dealt to them
};

struct Training {
  Span span;
  Optimizer optimizer;
  GradientTerms terms;
  std::int64_t steps = 1000;           // updates; where epochs are given, right after settle_trainings()
  std::optional<std::int64_t> epochs;  // passes over the rows
  double rate = 0.01;
  bool rate_auto = false;  // the rate is found where the statement begins (runtime/solvers/auto_rate.h)
  Decay decay;
  std::int64_t warmup = 0;                    // steps
  std::optional<std::int64_t> batch;          // rows of a step; all of them without
  bool shuffle = true;                        // where a batch has fewer rows than there are
  std::optional<std::int64_t> patience = {};  // epochs
  double min_delta = 0;
  std::optional<std::int64_t> report;
  std::optional<double> tolerance;  // of an optimizer with a stopping test
  std::int64_t seed = 0;            // of this statement's shuffling
  // Of one pass, known with the data: settle_trainings() in runtime/batches.h.
  std::int64_t epoch_steps = 1;
  bool batches() const { return epoch_steps > 1; }
};

// A state of an optimizer, for one parameter or for all.
struct OptimizerSlot {
  int state = 0;              // among the model's states, where other optimizers may use it too
  std::vector<double> start;  // element by element
  NodeId next;
};
// One step of one parameter.
struct Update {
  NodeId value;
  std::vector<OptimizerSlot> slots;
};

struct Model {
  Graph graph;
  std::vector<DataSource> sources;
  std::vector<DataColumn> columns;
  std::vector<Parameter> params;
  std::int64_t param_elements() const;  // of all parameters together
  void add(Parameter param);            // behind those that are there: sets its offset
  // Their elements lie behind those of the parameters: first the model's own, then those of optimizers, which
  // Lowered::update adds.
  std::vector<StateVariable> states;
  std::size_t own_states = 0;
  std::int64_t state_elements() const;  // of all of them
  std::int64_t own_elements() const;    // of the parameters and the model's own states
  int add_state(StateVariable state);   // sets its offset; its index
  NodeId loss;
  NodeId predict;  // invalid where the model has none
  NodeId truth;    // the same; what a plot shows beside the prediction
  std::vector<NamedValue> metrics, reports;
  std::vector<Training> trainings;  // at least one
  std::optional<Validation> validation;
  std::optional<Folds> folds;
  std::optional<std::int64_t> seed;  // of --seed or the `seed` statement
  Assumed assumed;
  std::vector<Span> called;    // a loss, metric or report given as a function f: f(predict, assumed.target)
  bool uses_training = false;  // the word `training`, a state or a draw: prediction has another graph
  bool random = false;         // it has random draws
  // Whether a step is more than a function of parameters and data: for first-order optimizers only.
  bool keeps_or_draws() const { return own_states > 0 || random; }
};

// A file that `use` names: its tree, or why there is none.
struct UsedFile {
  const ast::Ast* tree = nullptr;
  std::string fault = {};
  bool circle = false;     // it is named by itself, or by a file that it names
  bool too_large = false;  // it, or what is used together, exceeds a limit
};
// By the file that names it (Span::file) and what is written there.
using UsedFiles = std::map<std::pair<std::uint32_t, std::string>, UsedFile>;

struct LowerSettings {
  std::vector<std::vector<std::string>> headers;  // of each data source, where its file is known
  std::vector<std::optional<std::vector<std::int64_t>>>
      arrays;  // the same; where the file is one array without names: the axes of a row
  // Of the data or of a state; a column that is not among them has a fault that was told. Without: no data.
  std::optional<std::vector<Facts>> facts;
  std::optional<Precision> precision;                     // of the command line
  std::vector<std::pair<std::string, std::string>> sets;  // --set NAME=VALUE
  std::vector<std::pair<std::string, std::string>>
      options;                     // --rate 0.1: option of every train statement, its text
  std::optional<Assumed> assumed;  // of a state: decide nothing, take this
  UsedFiles used = {};
  bool training = true;  // the value of the word `training`
};

// Holds what update() needs of the environment: the tree must live as long.
class Lowered {
 public:
  Model& model();
  const Model& model() const;

  // One parameter's step by the optimizer's function, whose states become states of the model. Nothing after
  // an error.
  // `value`: what it is updated from, the parameter or what an option makes of it.
  std::optional<Update> update(const Optimizer& optimizer, NodeId param, NodeId value, NodeId gradient,
                               NodeId rate, Span span, Diagnostics& diagnostics);

  Lowered(Lowered&&) noexcept;
  Lowered& operator=(Lowered&&) noexcept;
  ~Lowered();

 private:
  friend class Lowering;
  friend std::optional<Lowered> lower(const ast::Ast&, const LowerSettings&, Diagnostics&);
  Lowered();
  std::unique_ptr<class Lowering> lowering_;
};

std::optional<Lowered> lower(const ast::Ast& ast, const LowerSettings& settings, Diagnostics& diagnostics);

// The prelude's text (frontend/prelude.slope), and its tree, parsed once.
extern const std::string_view prelude_text;
const ast::Ast& prelude();

}  // namespace slope
