// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// From a model's text to compiled functions and columns in memory: the table of contents of the program.
//
//   text ──parse──▶ tree ──open_data──▶ + headers ──lower──▶ graph ──step_graphs──▶ graphs with gradients and
//   updates
//        ──compile──▶ functions;   files ──read_columns──▶ columns
//
// Each arrow is a function from one value to the next; `slope show STAGE` prints what is between two of them.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/diagnostic.h"
#include "codegen/program.h"
#include "frontend/lower.h"
#include "graph/formula.h"
#include "graph/fuse.h"
#include "graph/print.h"
#include "runtime/data.h"
#include "runtime/state.h"

namespace slope {

struct SolverGraphs;  // runtime/solvers/graphs.h

// What is asked for, whatever door it came through.
struct Request {
  Source source;
  std::string folder;             // of the model: paths in its text are relative to it; "" is the current one
  std::vector<std::string> data;  // "F" for every statement, "NAME=F" for the statement of NAME
  LowerSettings settings;         // but headers and assumed names, which are found out
  std::string cpu = "native";
  std::string cache = "";     // the folder of compiled code; "" for none
  bool keep_missing = false;  // rows with a missing cell are read, and known as such (Dataset::missing)
  bool data_wanted = true;    // false: nothing but the text is looked at
};

// Seconds spent, by the name under which they are reported.
using Times = std::map<std::string, double>;
class Stopwatch {
 public:
  Stopwatch(Times& times, std::string name);
  ~Stopwatch();
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

 private:
  Times& times_;
  std::string name_;
  double start_;
};
double seconds_now();

// The tree and what the data's headers say.
struct Opened {
  std::vector<DataSource> sources;
  std::vector<DataFile> files;       // each once, also where several statements name it
  std::vector<std::size_t> file_of;  // by source
  std::vector<std::vector<std::string>> headers() const;
  std::vector<std::optional<std::vector<std::int64_t>>> arrays() const;  // as LowerSettings has them
};
// How a file is read for these statements, all of one reading.
DataOptions data_options(const DataSource& source, const Request& request);
std::optional<Opened> open_data(const ast::Ast& ast, const Request& request, Diagnostics& diagnostics);

// The data files that a model and the command line name, whether they are read in the end or not.
std::vector<std::string> data_paths(const ast::Ast& ast, const Request& request);

// The update of one step by one optimizer: loss, gradients and new parameters in one graph.
struct StepGraph {
  Optimizer optimizer;
  GradientTerms terms;
  NodeId factor;  // in the model's graph: what the rate is multiplied by; invalid for a built-in schedule
  Fused fused;
  std::vector<int> trained;                // parameters, in the order of `gradients` and `updates`
  NodeId loss;                             // in fused.graph
  std::vector<NodeId> gradients, updates;  // gradients: of the loss alone
  // What states become: the model's own and the optimizer's.
  struct Next {
    int state = 0;
    NodeId value;
  };
  std::vector<Next> nexts;
  std::vector<OptimizerSlot> slots;  // the optimizer's, each once, with its start
  struct Average {                   // GradientTerms::ema
    int param = 0, state = 0;
  };
  std::vector<Average> averages;
  bool gradient_descent = true;  // every update is param − rate·gradient, to the node
  // Of an optimizer with a stopping test, which has no updates.
  std::shared_ptr<const SolverGraphs> solver = {};
  // Where a statement that it serves has `rate=auto`: the Hessian's product with a vector.
  std::shared_ptr<const SolverGraphs> curvature = {};

  bool serves(const Training& training) const {
    return optimizer == training.optimizer && terms == training.terms && factor == training.decay.factor;
  }
};
// One for each kind of step that the train statements make.
std::optional<std::vector<StepGraph>> step_graphs(Lowered& lowered, Diagnostics& diagnostics);

// The same graph before powers and fma: what `slope show gradient` prints.
struct GradientGraph {
  std::vector<NodeId> roots;  // in the model's graph: the loss, then the gradients
};
GradientGraph gradient_graph(Lowered& lowered);
// What is written as a formula: prediction, loss and its derivatives. A parameter with bounds is its bounded
// value there, in which it is differentiated: the names are formula_names.
std::vector<FormulaRoot> formula_roots(Lowered& lowered);

// Loss, metrics and reports at given parameters, and the prediction of every row.
Fused evaluation_graph(const Model& model);
Fused prediction_graph(const Model& model);

// Which columns a graph reads.
std::vector<bool> columns_read(const Graph& graph, std::size_t columns);

struct Dataset {
  std::vector<Column> columns;  // by index of the model; empty where not read; of its axes' elements
  std::vector<const void*> pointers;
  std::vector<Storage> storages;
  std::int64_t rows = 0, dropped = 0;
  // Of standardized columns, by index of the model: with these they were read.
  std::vector<std::vector<double>> mean, deviation;
  std::vector<std::int64_t> missing = {};      // rows that are kept though a cell is missing, ascending
  std::vector<std::int64_t> row_numbers = {};  // in the data, where these are some of their rows

  void refresh();  // pointers and storages, where columns were replaced
};
// The rows of so many that count for mean and deviation of a standardized column, in ascending order: those
// of training. Without a function: all.
using CountedRows = std::function<std::vector<std::int64_t>(std::int64_t rows)>;
// Reads the wanted columns; with `check_all` the others must be in the headers too. Standardized columns take
// mean and deviation of the model where it has them, else those of the rows that count.
std::optional<Dataset> read_columns(const Model& model, const Opened& opened, const std::vector<bool>& wanted,
                                    bool check_all, Diagnostics& diagnostics,
                                    const CountedRows& counted = {});
// From then on the model reads its standardized columns, of any data, as these were read.
void keep_moments(Model& model, const Dataset& data);
// Of a short form that takes no column of its data: a header that is missing, most likely.
void warn_of_unread_data(const Model& model, const Opened& opened, Diagnostics& diagnostics);
// False, with Code::no_such_column, where the file's header lacks one of the column's.
bool check_header(const DataColumn& column, const DataFile& file, Diagnostics& diagnostics);

Kernel step_kernel(const StepGraph& step, std::size_t number);
Kernel evaluation_kernel(const Fused& fused);
Kernel prediction_kernel(const Fused& fused);
// How many numbers a kernel leaves in Run::outputs.
std::size_t output_count(const Kernel& kernel);
CompileOptions compile_options(const Request& request, const Model& model, const Dataset& data);
// Of these only where parameters, states and columns lie, which is all that interpreted functions ask for.
CompileOptions layout(const Model& model, const Dataset& data);
// False, with Code::too_many_operations, where a value takes more operations than are compiled.
bool check_size(const Graph& graph, NodeId root, Diagnostics& diagnostics);

// False, with Code::not_yet, where what the roots need has values with axes. `what`: "formulas with".
bool check_numbers_only(const Graph& graph, std::span<const NodeId> roots, std::string_view what,
                        Diagnostics& diagnostics);

// Names and places for listings.
PrintNames print_names(const Model& model, const Sources& sources);
PrintNames formula_names(const Model& model, const Sources& sources);
// What the graph's parameter of this index is called: its name, with bounds `unbounded(NAME)`.
std::string param_label(const Parameter& param);

}  // namespace slope
