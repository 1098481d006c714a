// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/pipeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <span>

#include "base/ending.h"
#include "base/text.h"
#include "codegen/schedule.h"
#include "graph/gradient.h"
#include "graph/rebuild.h"
#include "graph/verify.h"
#include "runtime/parameters.h"
#include "runtime/solvers/graphs.h"

namespace slope {

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

Stopwatch::Stopwatch(Times& times, std::string name)
    : times_(times), name_(std::move(name)), start_(seconds_now()) {}
Stopwatch::~Stopwatch() { times_[name_] += seconds_now() - start_; }

// --- data: which file, what header ---
namespace {

bool declares(const DataSource& source, const std::string& name) {
  return std::find(source.names.begin(), source.names.end(), name) != source.names.end();
}

// The file that the command line gives for a statement, or "": that of one of its names, else the one for
// all.
std::string given_file(const Request& request, const std::vector<DataSource>& sources,
                       const DataSource& source) {
  std::string file;
  for (const std::string& given : request.data) {
    std::size_t equals = given.find('=');
    std::string name = given.substr(0, equals == std::string::npos ? 0 : equals);
    if (declares(source, name)) return given.substr(equals + 1);
    bool of_another =
        std::any_of(sources.begin(), sources.end(), [&](const DataSource& s) { return declares(s, name); });
    if (!of_another) file = given;
  }
  return file;
}

// "NAME=F" whose NAME no statement declares is the path of a file whose name has an equals sign in it, if
// there is one.
void check_names(const std::vector<DataSource>& sources, const Request& request, Diagnostics& diagnostics) {
  std::vector<std::string> names;
  for (const DataSource& source : sources)
    names.insert(names.end(), source.names.begin(), source.names.end());
  for (const std::string& given : request.data) {
    std::size_t equals = given.find('=');
    if (equals == std::string::npos || equals == 0 || given.find('/') < equals) continue;
    std::string name = given.substr(0, equals);
    if (sources.empty() || std::find(names.begin(), names.end(), name) != names.end()) continue;
    Diagnostic& d = diagnostics.error(
        Code::usage, fmt::format("--data {}: no `data` statement declares `{}`", given, name));
    if (std::string near = nearest(name, names); !near.empty())
      d.helps.push_back(fmt::format("did you mean `{}`?", near));
  }
}

std::string in_folder(const std::string& folder, const std::string& path) {
  return folder.empty() || path.starts_with("/") ? path : folder + "/" + path;
}

}  // namespace

std::vector<std::vector<std::string>> Opened::headers() const {
  std::vector<std::vector<std::string>> out;
  for (std::size_t file : file_of) out.push_back(files[file].header());
  return out;
}

std::vector<std::optional<std::vector<std::int64_t>>> Opened::arrays() const {
  std::vector<std::optional<std::vector<std::int64_t>>> out;
  for (std::size_t file : file_of) out.push_back(files[file].array());
  return out;
}

namespace {
void array_without_names(const DataFile& file, Diagnostics& diagnostics) {
  Diagnostic d;
  d.code = Code::bad_data_file;
  d.position = FilePosition{file.path()};
  d.message = "the file holds one array, which has no names";
  d.helps.push_back(fmt::format("name it in the model: `data x{} from \"FILE\"`", shape_text(*file.array())));
  diagnostics.add(std::move(d));
}
}  // namespace

std::vector<std::string> data_paths(const ast::Ast& ast, const Request& request) {
  Diagnostics unsaid;
  std::vector<std::string> paths;
  for (const DataSource& source : data_sources(ast, unsaid))
    if (!source.path.empty()) paths.push_back(in_folder(request.folder, source.path));
  for (const std::string& given : request.data) {  // FILE, or NAME=FILE
    paths.push_back(given);
    if (std::size_t equals = given.find('='); equals != std::string::npos)
      paths.push_back(given.substr(equals + 1));
  }
  return paths;
}

DataOptions data_options(const DataSource& source, const Request& request) {
  using Rows = Missing::Rows;
  DataOptions options{
      .separator = source.separator, .missing = Missing(source.missing), .comment = source.comment};
  options.missing.rows = request.keep_missing  ? Rows::kept
                         : source.drop_missing ? Rows::dropped
                                               : Rows::refused;
  return options;
}

std::optional<Opened> open_data(const ast::Ast& ast, const Request& request, Diagnostics& diagnostics) {
  Opened opened;
  Diagnostics told;  // faults of the statements are told with the model's
  opened.sources = data_sources(ast, told);
  check_names(opened.sources, request, diagnostics);
  if (told.has_errors() || diagnostics.has_errors()) return {};
  bool short_form = opened.sources.empty();
  if (short_form && !request.data.empty()) opened.sources.push_back({});
  std::vector<std::string> paths;
  for (DataSource& source : opened.sources) {
    std::string given = given_file(request, opened.sources, source);
    paths.push_back(!given.empty()        ? given
                    : source.path.empty() ? ""
                                          : in_folder(request.folder, source.path));
    if (!paths.back().empty()) continue;
    diagnostics.error(Code::no_data, source.span, "no file is known for these columns")
        .helps.push_back("write `from \"FILE\"` after them, or give --data FILE");
    return {};
  }
  for (std::size_t s = 0; s < paths.size(); ++s) {
    // A file is opened once: a row that one statement leaves out is left out for the others too.
    auto same = [&](std::size_t other) {
      return paths[other] == paths[s] && opened.sources[other].reads_as(opened.sources[s]);
    };
    std::size_t first = 0;
    while (!same(first)) ++first;
    if (first < s) {
      opened.file_of.push_back(opened.file_of[first]);
      continue;
    }
    DataSource joined = opened.sources[s];
    for (std::size_t other = s; other < paths.size(); ++other)
      if (same(other)) joined.drop_missing |= opened.sources[other].drop_missing;
    Diagnostics faults;
    auto file = DataFile::open(paths[s], data_options(joined, request), faults);
    bool named = given_file(request, opened.sources, opened.sources[s]).empty();
    for (Diagnostic d : faults.all()) {
      if (!d.position && named) d.span = opened.sources[s].span;  // the statement that names the file
      diagnostics.add(std::move(d));
    }
    if (!file) return {};
    if (file->array() && short_form) {
      array_without_names(*file, diagnostics);
      return {};
    }
    opened.file_of.push_back(opened.files.size());
    opened.files.push_back(std::move(*file));
  }
  return opened;
}

// --- graphs ---
namespace {

NodeId param_node(Model& model, std::size_t index) {
  ShapeId shape = model.graph.intern({false, model.params[index].axes});
  return model.graph.param(static_cast<int>(index), shape);
}

struct Gradients {
  std::vector<int> trained;
  std::vector<NodeId> nodes;
};

Gradients gradients_of(Model& model, NodeId loss) {
  std::vector<NodeId> params;
  for (std::size_t i = 0; i < model.params.size(); ++i) params.push_back(param_node(model, i));
  std::vector<NodeId> derivatives = differentiate(model.graph, loss, params);
  Gradients out;
  for (std::size_t i = 0; i < params.size(); ++i) {
    if (!derivatives[i].valid()) continue;
    out.trained.push_back(static_cast<int>(i));
    out.nodes.push_back(derivatives[i]);
  }
  check(model.graph);
  return out;
}

// The roots are the loss, the gradients and, but for a solver's, the updates and what states become.
void finish_step(StepGraph& step, const Graph& graph, std::span<const NodeId> roots) {
  step.fused = fuse(graph, roots);
  check(step.fused.graph);
  std::span<const NodeId> fused(step.fused.roots);
  step.loss = fused[0];
  std::span<const NodeId> rest = fused.subspan(1);
  step.gradients.assign(rest.begin(), rest.begin() + std::ssize(step.trained));
  if (step.solver) return;
  rest = rest.subspan(step.trained.size()).first(step.trained.size());
  step.updates.assign(rest.begin(), rest.end());
}

// if condition then a else b, of shapes that fit
NodeId choose(Graph& g, NodeId condition, NodeId a, NodeId b) { return g.apply<op::Select>(condition, a, b); }

// Every element into [−limit, limit]; NaN stays.
NodeId clipped(Graph& g, NodeId x, double limit) {
  NodeId high = g.constant(limit), low = g.constant(-limit);
  NodeId below = choose(g, g.apply<op::Less>(x, low), low, x);
  return choose(g, g.apply<op::Greater>(x, high), high, below);
}

// √Σx² over all elements of all of them.
NodeId norm(Graph& g, std::span<const NodeId> values) {
  NodeId total;
  for (NodeId x : values) {
    NodeId square = g.apply<op::Mul>(x, x);
    Axes all(g.shape(x).axes.size());
    for (std::size_t k = 0; k < all.size(); ++k) all[k] = static_cast<std::int64_t>(k);
    NodeId part = all.empty() ? square : g.reduce(Reduction::sum, square, all);
    total = total.valid() ? g.apply<op::Add>(total, part) : part;
  }
  return g.apply<op::Sqrt>(total);
}

// The gradients as the optimizer is given them (GradientTerms).
std::vector<NodeId> with_terms(Graph& g, const GradientTerms& terms, std::span<const NodeId> params,
                               std::vector<NodeId> gradients) {
  if (terms.l2 > 0)
    for (std::size_t i = 0; i < params.size(); ++i)
      gradients[i] = g.apply<op::Add>(gradients[i], g.apply<op::Mul>(g.constant(terms.l2), params[i]));
  if (terms.clip_value > 0)
    for (NodeId& gradient : gradients) gradient = clipped(g, gradient, terms.clip_value);
  if (terms.clip_norm > 0) {
    NodeId length = norm(g, gradients), limit = g.constant(terms.clip_norm);
    NodeId longer = g.apply<op::Greater>(length, limit), scale = g.apply<op::Div>(limit, length);
    for (NodeId& gradient : gradients)
      gradient = choose(g, longer, g.apply<op::Mul>(gradient, scale), gradient);
  }
  return gradients;
}

// The average of a parameter over the steps, among the model's states.
int average_state(Model& model, int param) {
  const Parameter& of = model.params[static_cast<std::size_t>(param)];
  std::string name = "slope/ema/" + of.name;
  for (std::size_t i = model.own_states; i < model.states.size(); ++i)
    if (model.states[i].name == name) return static_cast<int>(i);
  return model.add_state(StateVariable{{name, std::vector<double>(of.start.size()), {}, of.axes}, {}});
}

// a ← ema·a + (1 − ema)·w
StepGraph::Next average(Model& model, double ema, int param, NodeId w) {
  Graph& g = model.graph;
  int index = average_state(model, param);
  NodeId a = g.state(index, g.intern({false, model.params[static_cast<std::size_t>(param)].axes}));
  NodeId kept = g.apply<op::Mul>(g.constant(ema), a), added = g.apply<op::Mul>(g.constant(1 - ema), w);
  return {index, g.apply<op::Add>(kept, added)};
}

std::optional<StepGraph> step_graph(Lowered& lowered, const Gradients& gradients, const Training& training,
                                    Diagnostics& diagnostics) {
  Model& model = lowered.model();
  Graph& graph = model.graph;
  StepGraph step;
  step.optimizer = training.optimizer;
  step.terms = training.terms;
  step.factor = training.decay.factor;
  step.trained = gradients.trained;
  std::vector<NodeId> roots{model.loss};
  roots.insert(roots.end(), gradients.nodes.begin(), gradients.nodes.end());
  if (training.optimizer.solver) {
    step.solver = solver_graphs(model, training, step.trained, diagnostics);
    step.gradient_descent = false;
    if (!step.solver) return {};
    finish_step(step, graph, roots);
    return step;
  }
  std::vector<StepGraph::Next> nexts;
  for (std::size_t i = 0; i < model.own_states; ++i)
    if (model.states[i].next.valid()) nexts.push_back({static_cast<int>(i), model.states[i].next});
  Graph::Origin origin(graph, training.span);
  NodeId rate = graph.argument(RunArgument::rate);
  if (step.factor.valid()) rate = graph.apply<op::Mul>(rate, step.factor);
  std::vector<NodeId> params;
  for (int index : gradients.trained) params.push_back(param_node(model, static_cast<std::size_t>(index)));
  std::vector<NodeId> given = with_terms(graph, training.terms, params, gradients.nodes);
  for (std::size_t i = 0; i < params.size(); ++i) {
    NodeId param = params[i];
    if (training.terms.weight_decay > 0) {
      NodeId part = graph.apply<op::Mul>(rate, graph.constant(training.terms.weight_decay));
      param = graph.apply<op::Sub>(param, graph.apply<op::Mul>(part, param));
    }
    auto update =
        lowered.update(training.optimizer, params[i], param, given[i], rate, training.span, diagnostics);
    if (!update) return {};
    NodeId move = graph.apply<op::Mul>(graph.argument(RunArgument::rate), gradients.nodes[i]);
    step.gradient_descent &= update->value == graph.apply<op::Sub>(params[i], move);
    roots.push_back(update->value);
    for (OptimizerSlot& slot : update->slots) {
      auto same = [&](const OptimizerSlot& known) { return known.state == slot.state; };
      if (std::any_of(step.slots.begin(), step.slots.end(), same)) continue;
      nexts.push_back({slot.state, slot.next});
      step.slots.push_back(std::move(slot));
    }
    if (training.terms.ema > 0) {
      nexts.push_back(average(model, training.terms.ema, step.trained[i], update->value));
      step.averages.push_back({step.trained[i], nexts.back().state});
    }
  }
  for (const StepGraph::Next& next : nexts) roots.push_back(next.value);
  finish_step(step, model.graph, roots);
  auto behind = step.fused.roots.end() - std::ssize(nexts);
  for (const StepGraph::Next& next : nexts) step.nexts.push_back({next.state, *behind++});
  return step;
}

}  // namespace

std::optional<std::vector<StepGraph>> step_graphs(Lowered& lowered, Diagnostics& diagnostics) {
  Activity differentiating("differentiating the loss");
  if (!check_size(lowered.model().graph, lowered.model().loss, diagnostics)) return {};
  Gradients gradients = gradients_of(lowered.model(), lowered.model().loss);
  std::vector<StepGraph> steps;
  for (const Training& training : lowered.model().trainings) {
    auto same = [&](const StepGraph& step) { return step.serves(training); };
    auto made = std::find_if(steps.begin(), steps.end(), same);
    if (made == steps.end()) {
      auto step = step_graph(lowered, gradients, training, diagnostics);
      if (!step) return {};
      made = steps.insert(steps.end(), std::move(*step));
    }
    if (!training.rate_auto || made->curvature) continue;
    made->curvature = curvature_graphs(lowered.model(), training, made->trained, diagnostics);
    if (!made->curvature) return {};
  }
  return steps;
}

GradientGraph gradient_graph(Lowered& lowered) {
  Model& model = lowered.model();
  Gradients gradients = gradients_of(model, model.loss);
  GradientGraph out{{model.loss}};
  for (std::size_t i = 0; i < gradients.nodes.size(); ++i) {
    model.graph.name(
        gradients.nodes[i],
        "d loss / d " + param_label(model.params[static_cast<std::size_t>(gradients.trained[i])]));
    out.roots.push_back(gradients.nodes[i]);
  }
  return out;
}

std::vector<FormulaRoot> formula_roots(Lowered& lowered) {
  Model& model = lowered.model();
  std::unordered_map<NodeId, NodeId> by;
  for (std::size_t i = 0; i < model.params.size(); ++i)
    if (const auto& bounds = model.params[i].bounds) {
      NodeId param = param_node(model, i);
      by[bounded(model.graph, param, *bounds)] = param;
    }
  std::vector<NodeId> values{model.loss, model.predict.valid() ? model.predict : model.loss};
  if (!by.empty()) values = replace(model.graph, values, by);
  Gradients gradients = gradients_of(model, values[0]);
  std::vector<FormulaRoot> roots;
  if (model.predict.valid()) roots.push_back({"predict", values[1]});
  roots.push_back({"loss", values[0]});
  for (std::size_t i = 0; i < gradients.nodes.size(); ++i)
    roots.push_back({model.params[static_cast<std::size_t>(gradients.trained[i])].name, gradients.nodes[i],
                     FormulaRoot::Is::derivative});
  return roots;
}

Fused evaluation_graph(const Model& model) {
  std::vector<NodeId> roots{model.loss};
  for (const NamedValue& metric : model.metrics) roots.push_back(metric.value);
  for (const NamedValue& report : model.reports) roots.push_back(report.value);
  return fuse(model.graph, roots);
}

Fused prediction_graph(const Model& model) { return fuse(model.graph, std::span(&model.predict, 1)); }

bool check_size(const Graph& graph, NodeId root, Diagnostics& diagnostics) {
  std::vector<bool> needed = live(graph, std::span(&root, 1));
  std::size_t n = 0;
  for (std::size_t i = 0; i < needed.size(); ++i)
    n += needed[i] && graph[NodeId(static_cast<std::int64_t>(i))].kind == NodeKind::scalar;
  if (n <= most_operations) return true;
  diagnostics.error(Code::too_many_operations,
                    fmt::format("the model needs {} operations a row; {} is the limit", n, most_operations));
  return false;
}

bool check_numbers_only(const Graph& graph, std::span<const NodeId> roots, std::string_view what,
                        Diagnostics& diagnostics) {
  std::vector<bool> needed = live(graph, roots);
  bool arrays = false;
  std::optional<Span> place;  // the first that is known: columns have none
  for (std::size_t i = 0; i < needed.size() && !place; ++i) {
    NodeId id(static_cast<std::int64_t>(i));
    if (!needed[i] || graph.shape(id).axes.empty()) continue;
    arrays = true;
    if (!graph.origins(id).empty()) place = graph.origins(id)[0];
  }
  if (!arrays) return true;
  Diagnostic& d =
      diagnostics.error(Code::not_yet, fmt::format("{} vectors and matrices cannot be made yet", what));
  d.span = place;
  d.notes.push_back("this version makes them of models in which every value is a number, or one a row");
  return false;
}

// --- kernels ---
namespace {

// How many outputs there are with this one, which begins at its index.
std::int64_t end_of(const Kernel& kernel, const Store& output) {
  return output.index + elements(kernel.graph->shape(output.value));
}

// Behind the outputs that are there.
void append_output(Kernel& kernel, NodeId value) {
  std::int64_t begin = kernel.stores.empty() ? 0 : end_of(kernel, kernel.stores.back());
  kernel.stores.push_back({value, Store::To::output, static_cast<int>(begin)});
}

}  // namespace

std::size_t output_count(const Kernel& kernel) {
  std::int64_t count = 0;
  for (const Store& store : kernel.stores)
    if (store.to == Store::To::output) count = std::max(count, end_of(kernel, store));
  return static_cast<std::size_t>(count);
}

Kernel step_kernel(const StepGraph& step, std::size_t number) {
  Kernel kernel{number == 0 ? "step" : fmt::format("step_{}", number + 1), &step.fused.graph, {}};
  append_output(kernel, step.loss);
  for (NodeId gradient : step.gradients) append_output(kernel, gradient);
  for (std::size_t i = 0; i < step.updates.size(); ++i)
    kernel.stores.push_back({step.updates[i], Store::To::param, step.trained[i]});
  for (const StepGraph::Next& next : step.nexts)
    kernel.stores.push_back({next.value, Store::To::state, next.state});
  return kernel;
}

Kernel evaluation_kernel(const Fused& fused) {
  Kernel kernel{"evaluate", &fused.graph, {}};
  for (NodeId root : fused.roots) append_output(kernel, root);
  return kernel;
}

Kernel prediction_kernel(const Fused& fused) {
  bool rows = fused.graph.has_rows(fused.roots[0]);
  return {"predict", &fused.graph, {{fused.roots[0], rows ? Store::To::row_output : Store::To::output, 0}}};
}

CompileOptions layout(const Model& model, const Dataset& data) {
  CompileOptions options;
  options.param_offsets = param_offsets(model);
  // Behind the parameters may lie a vector of as many parts (SolverGraphs::product).
  for (std::size_t i = 0, n = options.param_offsets.size(); i < n; ++i)
    options.param_offsets.push_back(model.param_elements() + options.param_offsets[i]);
  options.state_offsets = state_offsets(model);
  options.storages = data.storages;
  return options;
}

CompileOptions compile_options(const Request& request, const Model& model, const Dataset& data) {
  CompileOptions options = layout(model, data);
  options.cpu = request.cpu;
  options.cache = request.cache;
  return options;
}

std::string param_label(const Parameter& param) {
  return param.bounds ? fmt::format("unbounded({})", param.name) : param.name;
}

PrintNames formula_names(const Model& model, const Sources& sources) {
  PrintNames names = print_names(model, sources);
  for (std::size_t i = 0; i < model.params.size(); ++i) names.params[i] = model.params[i].name;
  return names;
}

PrintNames print_names(const Model& model, const Sources& sources) {
  PrintNames names;
  for (const DataColumn& column : model.columns) names.columns.push_back(column.name);
  for (const Parameter& param : model.params) names.params.push_back(param_label(param));
  for (const StateVariable& state : model.states) names.states.push_back(state.name);
  names.places = [&sources](std::span<const Span> origins) {
    std::set<int> lines;
    for (Span span : origins)
      if (const Source* source = sources.find(span.file)) lines.insert(source->position(span.begin).line);
    std::string out;
    for (int line : lines) out += out.empty() ? fmt::format("line {}", line) : fmt::format(", {}", line);
    return out;
  };
  return names;
}

}  // namespace slope
