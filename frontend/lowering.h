// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The working state of lower(): private to frontend. The member functions stand in lower.cpp (statements),
// columns.cpp (data), check_model.cpp (the end), state.cpp, draws.cpp, expressions.cpp, functions.cpp (calls
// and built-in functions), grad.cpp (derivatives in the model), options.cpp (train statements), decays.cpp
// (their schedules), shapes.cpp (shapes, arrays of constants, what lines up), layers.cpp (who owns a
// parameter), scan.cpp, use.cpp (other files), indices.cpp, tensors.cpp (structure: lists, reshape, …),
// products.cpp (`@`, einsum), reductions.cpp, order.cpp, layer_inputs.cpp and shown.cpp.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "frontend/lower.h"

namespace slope {

struct Function;
struct Layer;
struct Scope;
struct OptimizerStates;  // state.cpp

// More than one number that the compiler knows, in f64; axes {0}: the empty list, which only says a shape.
struct Array {
  Axes axes;
  std::vector<double> values;  // row-major; truth: 0 or 1
  bool truth = false;
  std::vector<double> rounded = {};  // straight from the text in the model's precision; {}: round `values`
};

// What an expression stands for while the graph is built.
struct Value {
  // tuple: `(0, 1)` as an argument; rows: the word where an axis is named.
  enum class Is : std::uint8_t { error, number, truth, node, text, function, array, tuple, rows };
  Is is = Is::error;
  double number = 0;                   // known to the compiler, in f64; truth: 0 or 1
  const ast::Node* literal = nullptr;  // a number straight from the text: read anew in the model's precision
  NodeId node;
  std::string text;
  const Function* function = nullptr;
  std::shared_ptr<const Array> array = {};
  std::shared_ptr<const std::vector<Value>> items = {};  // of a tuple
  std::int64_t classes = 0;  // > 0: a node of integers from 0 to classes − 1, which can index
  int labelled = -1;         // the data column whose labels these integers stand for

  static Value of(double v) {
    return {.is = Is::number, .number = v, .literal = nullptr, .node = {}, .text = {}};
  }
  static Value of(bool v) {
    return {.is = Is::truth, .number = v ? 1.0 : 0.0, .literal = nullptr, .node = {}, .text = {}};
  }
  static Value of(NodeId id) { return {.is = Is::node, .literal = nullptr, .node = id, .text = {}}; }
  static Value of(Array a) {
    Value value{.is = Is::array, .literal = nullptr, .node = {}, .text = {}};
    value.array = std::make_shared<const Array>(std::move(a));
    return value;
  }
  bool ok() const { return is != Is::error; }
  bool known() const { return is == Is::number || is == Is::truth; }  // and one number
  bool constant() const { return known() || is == Is::array; }
  bool tensor() const { return constant() || is == Is::node; }
};

// A name's meaning and where it was given.
struct Binding {
  Value value;
  Span span;
  int order = 0;    // of definition: a function sees only what stands above it
  int column = -1;  // of a data column: to know whether it is read
  int state = -1;   // of a state: among the model's, in an optimizer among those of the call
  bool used = false;
  bool is_parameter = false;
  std::shared_ptr<Layer> layer = {};  // of a definition with parameters: what `.W` is looked up in
  std::shared_ptr<Layer> call = {};   // its right side as a whole is such a call: it can be made again
};

// Binding::state of what is none, and of one whose declaration has an error.
inline constexpr int no_state = -1, failed_state = -2;

struct Scope {
  const Scope* parent = nullptr;
  int order_limit = 0x7FFFFFFF;  // names of the parent defined later are not seen
  std::unordered_map<std::string, Binding> names;
};

// A function of the model, of the prelude, or built in (then `def` is invalid).
struct Function {
  std::string name;
  const ast::Ast* ast = nullptr;
  ast::NodeId def;
  Scope* scope = nullptr;  // where it was defined
  int order = 0;
  int needed = 0;  // arguments without a default, of a built-in function too
};

struct Argument {
  std::string_view name;  // "" by position
  Value value;
  Span span;
  ast::NodeId node = {};  // its expression; invalid where none was written
};

// A value in a message about shapes: as written, with its shape.
struct WrittenOperand {
  const Value& value;
  ast::NodeId node;
};

class Lowering {
 public:
  Lowering(const ast::Ast& ast, const LowerSettings& settings, Diagnostics& diagnostics);
  void run();

  Model model;
  // `whole`: the call's expression, where there is one
  Value call(const Function& function, std::vector<Argument> arguments, Span span, ast::NodeId whole = {});
  const Function* optimizer_function(const Optimizer& optimizer, Span span);
  NodeId to_node(const Value& value);
  std::optional<Update> update(const Optimizer& optimizer, slope::NodeId param, slope::NodeId from,
                               slope::NodeId gradient, slope::NodeId rate, Span span);
  void set_diagnostics(Diagnostics& diagnostics) { diagnostics_ = &diagnostics; }

 private:
  // statements (lower.cpp)
  void load_prelude();
  void statement(ast::NodeId id);
  void params(ast::NodeId id);
  void param(ast::NodeId id);
  std::optional<Parameter> declared_parameter(ast::NodeId id, ast::NodeId start, std::string_view what);

  // what is kept from step to step (state.cpp)
  std::string owned_name(const std::string& name);
  const std::string& optimized_name() const;
  void state(ast::NodeId id);
  Value own_state(Parameter start, Binding& binding);
  slope::NodeId state_node(int index);
  Value state_now(int index);
  Value optimizer_state(ast::NodeId id, Parameter start, Binding& binding);
  int slot(const std::string& name, const Axes& axes, std::size_t count);
  void next(ast::NodeId id);
  std::optional<slope::NodeId> state_value(const std::string& name, const Value& value,
                                           const Binding& binding, Span span);
  void no_such_state(ast::NodeId id);
  bool widen(OptimizerStates& states);
  std::set<std::string> read_states(const OptimizerStates& states, slope::NodeId value) const;
  std::vector<OptimizerSlot> slots(const OptimizerStates& states);
  slope::NodeId updated(const Optimizer& optimizer, slope::NodeId node, const Shape& shape, Span span);

  // data columns (columns.cpp)
  void data(ast::NodeId id);
  void column(ast::NodeId id, ast::NodeId statement, std::size_t source);
  bool column_type(ast::NodeId type, DataColumn& column);
  bool column_labels(std::optional<std::int64_t> classes, const Facts* facts, Span type, DataColumn& column);
  bool column_size(std::optional<std::int64_t> size, const Facts* facts, Span type, DataColumn& column);
  const Facts* facts_of(const std::string& column) const;
  bool column_headers(ast::NodeId statement, DataColumn& column);
  bool column_of_array(ast::NodeId id, ast::NodeId statement, DataColumn& column);
  std::optional<std::vector<std::string>> header_range(ast::NodeId range, std::size_t source);
  Value column_value(int column);
  bool compared_with_label(std::string_view symbol, Value& a, Value& b, ast::NodeId id);
  void warn_of_codes(const Value& codes, const Value& number, ast::NodeId id);
  Value classes(const Argument& argument);
  void check_columns();

  // bounds of parameters (bounds.cpp)
  std::optional<Bounds> declared_bounds(ast::NodeId id);
  void enter_bounds(Parameter& parameter, Span start);

  // random starts (draws.cpp)
  struct Distribution {
    enum class Is : std::uint8_t { uniform, normal, orthogonal } is = Is::uniform;
    double a = 0, b = 0;  // the ends of the interval, or mean and sd
  };
  std::optional<Distribution> distribution(ast::NodeId id, const Axes& axes);
  std::optional<Parameter> drawn_parameter(ast::NodeId id, ast::NodeId from);
  void draw_start(Parameter& param, const Distribution& distribution);
  std::vector<double> orthogonal(std::uint64_t key, const Axes& axes) const;
  // random draws (draws.cpp)
  Value draw(const std::string& name, ast::NodeId from);
  std::optional<std::vector<Argument>> draw_arguments(ast::NodeId from,
                                                      std::span<const std::string_view> formals,
                                                      std::string_view form);
  std::optional<Shape> draw_shape(ast::NodeId from, std::span<const Argument> arguments, std::size_t formals);
  void constants(ast::NodeId id);
  void def(ast::NodeId id);
  void define(ast::NodeId id);
  void named(ast::NodeId id, std::vector<NamedValue>& into);
  void precision_and_seed();
  void seed(ast::NodeId id);
  std::optional<std::int64_t> seed_on_line();
  static std::string fault_of_seed(double seed);
  void special(const std::string& name, Value value, ast::NodeId id);
  void finish();
  void finish_targets();
  void check_names();
  void check_loss();
  void check_predict();
  void check_order();
  void check_parameters();
  std::string only_through(const std::string& param, std::span<const slope::NodeId> ends) const;
  void point_at(Diagnostic& d, std::span<const slope::NodeId> ends) const;
  void refuse_without_derivative(std::vector<slope::NodeId> ends);
  void warn_of_random_prediction();
  void check_unused();
  void apply_sets();
  bool loss_seen() const;
  void note_definitions();
  bool defined_later(const std::string& name, Span span);
  std::vector<std::string> circle_of(const std::string& name, Span place);
  void note_uses();
  std::string definition_at(std::uint32_t place) const;
  std::string look_alike(const std::string& name, std::span<const std::string> known) const;
  bool one_number(NodeId value, Span span, const std::string& name, const std::string& shown);
  bool bind(const std::string& name, Binding binding);

  // expressions (expressions.cpp)
  Value evaluate(ast::NodeId id);
  Value evaluate_node(ast::NodeId id);
  Value name(ast::NodeId id);
  Value unary(ast::NodeId id);
  Value binary(ast::NodeId id);
  Value binary(std::string_view symbol, Value a, Value b, ast::NodeId id);
  Value conditional(ast::NodeId id);
  Value block(ast::NodeId id);
  Value unknown(const std::string& name, Span span);
  bool is_column_of_short_form(std::string_view name) const;
  Value apply(OpId op, std::initializer_list<Value> operands);
  Value apply_arrays(OpId op, std::initializer_list<Value> operands);
  Value choose(Value condition, Value a, Value b);
  bool numeric(const Value& value, Span span, std::string_view where);
  bool told_of_text(Span span) const;
  bool truth(const Value& value, Span span, std::string_view where);
  double literal_value(const ast::Node& literal);
  std::optional<double> constant_number(ast::NodeId id, std::string_view what);
  Binding* lookup(std::string_view name);
  std::vector<std::string> visible_names(bool functions) const;

  // calls (functions.cpp)
  Value call(ast::NodeId id);
  std::optional<std::vector<const Argument*>> assign(const Function& function,
                                                     std::span<const ast::NodeId> formals,
                                                     const std::vector<Argument>& arguments);
  void wrong_arguments(const Function& function, Span where, std::string message);
  Value call_def(const Function& function, const std::vector<Argument>& arguments, Span span);
  Value call_built_in(std::string_view name, const std::vector<Argument>& arguments, Span span,
                      ast::NodeId whole);
  Value call_op(OpId op, const std::vector<Argument>& arguments, Span span, ast::NodeId whole);
  Value match(const std::vector<Argument>& arguments, Span span);
  bool same_features(const Argument& p, const Argument& y, Span span);
  Value target_call(const Function& function, Span span, const std::string& defines);
  std::optional<Value> target(const Function& function, Span span, const std::string& defines);
  std::string name_for(const std::string& header) const;
  std::vector<bool> columns_of(NodeId value) const;
  std::vector<std::string> possible_targets() const;
  bool depends_on_reduction(NodeId id) const;
  std::size_t axes_reduced_with_rows(NodeId id) const;
  std::string signature(const Function& function) const;
  const Function* built_in(std::string_view name);

  // shapes, and values that the compiler knows (shapes.cpp)
  using Make = std::function<slope::NodeId(Graph&, std::span<const slope::NodeId>)>;
  Value build(std::span<const Value> operands, Span span, const Make& make);
  Shape shape_of(const Value& value) const;
  bool is_truth(const Value& value) const;
  bool fits_limit(const Shape& shape, std::int64_t most, Span span, std::string_view what);
  bool fits_memory(std::int64_t count, Span span, const std::string& name);
  std::optional<Shape> line_up(ast::NodeId whole, std::span<const WrittenOperand> operands);
  Diagnostic& shape_error(ast::NodeId whole, std::string reason, std::span<const WrittenOperand> operands);
  void name_declarations(Diagnostic& d, ast::NodeId expression);
  std::optional<std::int64_t> whole_number(const Value& value, Span span, std::string_view what);
  std::optional<Axes> whole_numbers(const Value& value, Span span, std::string_view what);
  std::optional<Axes> sizes(const Value& value, Span span, std::string_view what);
  std::optional<Axes> declared_shape(ast::NodeId shape);
  std::optional<Axes> axes_of(const Value& value, Span span, const Shape& shape, std::string_view function);
  std::optional<std::int64_t> axis_of(const Value& value, Span span, const Shape& shape,
                                      std::string_view function);
  Value constant_value(ast::NodeId id, std::string_view what);
  slope::NodeId param_node(int index);

  // loops (scan.cpp)
  class Scan;
  friend class Scan;
  Value scan(ast::NodeId id);

  // indices and slices (indices.cpp)
  struct Selection;
  Value index(ast::NodeId id);
  std::optional<std::size_t> axes_indexed(ast::NodeId id, const Shape& shape);
  std::optional<Selection> selection(ast::NodeId id, const Shape& shape);
  bool index_item(ast::NodeId item, ast::NodeId of, std::int64_t n, std::size_t axis, Selection& out);
  bool slice_item(ast::NodeId item, std::int64_t length, const std::string& base, Graph::Along& along);
  Value checked_indices(const Value& indices, std::int64_t n, Span span, const std::string& shown_table);
  Value take_together(const Value& table, const Selection& selected, std::int64_t place, ast::NodeId id);
  Value take(const Value& table, const Value& indices, std::int64_t axis, Span span,
             const std::string& shown_table);

  // structure (tensors.cpp)
  Value list(ast::NodeId id);
  Value stacked(std::span<const Value> items, std::span<const WrittenOperand> written, ast::NodeId whole);
  Value tuple(ast::NodeId id);
  Value member(ast::NodeId id);
  Value product(const Value& a, const Value& b, ast::NodeId whole);
  Value axis_argument(ast::NodeId id);
  struct Given {
    const std::vector<Argument>& arguments;
    std::vector<const Argument*> by_formal;
    const Argument* operator[](std::size_t i) const { return by_formal[i]; }
  };
  std::optional<Given> take_arguments(std::string_view name, const std::vector<Argument>& arguments,
                                      Span span);
  Value structure(std::string_view name, const std::vector<Argument>& arguments, Span span,
                  ast::NodeId whole);
  Value join(std::string_view name, const std::vector<Argument>& arguments, Span span, ast::NodeId whole);
  Value reshape(const Given& given, ast::NodeId whole);
  Value pad(const Given& given, ast::NodeId whole);
  Value windows(const Given& given, ast::NodeId whole);
  Value made_array(std::string_view name, const Argument& size, Span span);
  Value permute(const Given& given, Span span);
  Value flip(const Given& given, Span span);
  Value take(const Given& given);
  Value one_hot(const Given& given);
  Value einsum(const std::vector<Argument>& arguments, Span span, ast::NodeId whole);
  bool labels_fit(const std::vector<std::string>& in, std::span<const WrittenOperand> written,
                  ast::NodeId whole);

  // reductions (reductions.cpp)
  Value reduction(std::string_view name, const std::vector<Argument>& arguments, Span span,
                  ast::NodeId whole);
  Value arg_reduction(std::string_view name, const Argument& operand, const Argument* axis, bool keep,
                      Span span);
  std::optional<Shape> weighed(const Argument& value, const Argument& weights, ast::NodeId whole);
  Value mean(const Value& x, const Value& weights, Axes axes, bool keep, Span span);

  // what layers of the prelude need of their inputs (layer_inputs.cpp)
  bool layer_inputs_fit(const Function& function, const std::vector<Argument>& arguments, Span span);
  void missing_axis(const Argument& x, std::size_t least, std::string_view last, Diagnostic& d);
  bool attention_fits(const std::vector<Argument>& arguments);
  bool embedding_fits(const std::vector<Argument>& arguments);

  // statistics of the order of values (order.cpp)
  Value order_statistic(std::string_view name, const std::vector<Argument>& arguments, Span span);
  slope::NodeId two_classes(const Argument& label);
  bool without_order(slope::NodeId value, std::string_view what, Span span);

  // layers (layers.cpp)
  class InLayer;
  friend class InLayer;
  std::vector<ast::NodeId> heirs(ast::NodeId right) const;
  Value evaluate_definition(ast::NodeId definition, ast::NodeId right, Binding& binding);
  void name_parameters();
  Value layer_member(ast::NodeId id);
  Value call_again(const Layer& layer, ast::NodeId id);
  Value call_in(std::shared_ptr<Layer> again, const Function& function, std::vector<Argument> arguments,
                Span span, ast::NodeId whole);
  void made_param(ast::NodeId id, Binding& binding);
  Value parameter_value(int index);
  Value repeat(const std::vector<Argument>& arguments, Span span, ast::NodeId whole);
  bool declares_parameter() const;

  // functions that call themselves (recursion.cpp)
  void check_recursion(const ast::Ast& tree);
  void say_recursion(const std::string& function, Span span, const std::vector<std::string>& through);

  // files that are used (use.cpp)
  void use(ast::NodeId id);
  const Scope& used_scope(const ast::Ast& tree);
  std::vector<const ast::Ast*> users_trees() const;

  // expressions as they are written (shown.cpp)
  std::string shown(ast::NodeId id) const;

  // derivatives in the model (grad.cpp)
  void note_differentiated();
  Value differentiable(const std::string& name, const Value& value, Span span);
  Value grad(ast::NodeId call);
  void warn_of_zero(ast::NodeId x);
  Value stop_gradient(const std::vector<Argument>& arguments, Span span);

  // train statements (options.cpp)
  struct Options {
    std::optional<Optimizer> optimizer;
    std::optional<Decay> decay;
    std::optional<Validation> validation;
    std::optional<Folds> folds;
    std::optional<double> rate, l2, clip_value, clip_norm, weight_decay, ema, min_delta, tolerance;
    std::optional<std::int64_t> steps, epochs, report, seed, batch, warmup, patience;
    std::optional<bool> shuffle;
    std::optional<Span> rate_auto;
    std::set<std::string> seen;
  };
  void train(ast::NodeId id);
  void default_training();
  void add_training(Training training, Options given);
  void option(ast::NodeId id, Options& given);
  void option_value(const ast::Node& option, ast::NodeId value, Options& given);
  void optimizer_option(ast::NodeId value, Options& given);
  void check_solver_options(const Training& training, const std::set<std::string>& in_file);
  void leave_solver_options(Training& training);
  bool check_solver_hyper(const Optimizer& optimizer, ast::NodeId value);
  std::string fault_of_rate(double rate) const;
  void check_rate_auto(const Training& training, Span span);
  void number_option(const ast::Node& option, ast::NodeId value, Options& given);
  std::optional<std::string> own_range(const ast::Node& option, double number, Span span,
                                       Options& given) const;
  void shuffle_option(ast::NodeId value, Options& given);
  void validation_option(ast::NodeId value, Options& given);
  void take_validation(const Options& given);
  void take_folds(const Options& given);

  // schedules of the rate (decays.cpp)
  void decay_option(ast::NodeId value, Options& given);
  std::optional<Decay> decay_function(Decay decay, Binding& binding, ast::NodeId call, Span span);
  bool decay_arguments(ast::NodeId value, Decay& decay);
  bool check_decay(ast::NodeId value, std::string_view name);
  bool check_hyper(const Function& function, ast::NodeId value);
  bool on_command_line(const std::string& statement, const std::string& shown,
                       const std::function<void(const ast::Ast&, ast::NodeId)>& use);
  Value set_value(const std::string& name, const std::string& text);

  Span place(Span span) const;  // in the prelude: the call in the model that led there
  Diagnostic& error(Code code, Span span, std::string message);
  const ast::Ast& ast() const { return *ast_; }
  Graph& graph() { return model.graph; }

  const ast::Ast* ast_;  // of what is being read now: the model or the prelude
  const ast::Ast& model_ast_;
  const LowerSettings settings_;
  Diagnostics* diagnostics_;
  Scope prelude_scope_, model_scope_;
  std::map<const ast::Ast*, Scope> used_scopes_;
  Scope* scope_ = nullptr;
  std::vector<std::unique_ptr<Function>> functions_;
  std::map<std::string, const Function*, std::less<>> built_ins_;
  std::vector<const Function*> calls_;     // being inlined
  OptimizerStates* optimizing_ = nullptr;  // while an optimizer's function is
  std::map<std::string, int> owned_;       // names of states and draws, and how often each occurred
  bool in_metric_ = false;
  Span unwritten_;  // of a call that no expression stands for: `loss = f`
  Span call_site_;  // in the model, of the outermost call into the prelude
  std::unordered_map<std::string, Span> metric_names_, report_names_;
  std::vector<bool> column_read_;
  // A loss or metric given as a function waits until it is known which column nothing reads.
  struct Waiting {
    const Function* function;
    Span span;
    int index = -1;  // of the metric or report; −1: the loss
    bool report = false;
    std::string name;
  };
  std::vector<Waiting> waiting_;
  bool has_data_ = false, declares_params_ = false;
  Span loss_span_, predict_span_;
  std::unordered_map<std::string, Span> definitions_;     // of the whole model: what is used too early
  std::multimap<std::string, std::string> uses_;          // definition and a name in it; made when wanted
  std::map<std::uint32_t, std::string> begins_;           // where definitions begin; made with it
  std::set<std::string, std::less<>> differentiated_;     // names that stand as x in a grad(y, x)
  std::map<int, Value> tapped_parameters_;                // with bounds: what the name stands for everywhere
  std::set<std::pair<std::string, std::uint32_t>> said_;  // what and where: each is said once
  std::set<std::string> unknown_;  // names and functions that were told of: once, however often they are used
  bool uses_files_ = false;        // a file could not be read: what it would define is not known
  std::shared_ptr<Layer> root_layer_;
  // Of conditions that the compiler knew when they were last evaluated.
  std::map<std::pair<const ast::Ast*, ast::NodeId>, ast::NodeId> branches_taken_;
  Layer* layer_ = nullptr;                                  // the one that is evaluated
  std::vector<std::pair<int, Distribution>> drawn_starts_;  // by parameter: drawn when it has its name
  std::int64_t trained_ = 0;                                // numbers of parameters and states so far
  std::int64_t start_seed_ = 0;  // of random starts: --seed, else the `seed` statement's
  int order_ = 0;
  int depth_ = 0;
  std::int64_t evaluated_ = 0;
};

// `precision` and `seed` statements decide before anything else is read.
inline constexpr int most_nesting = 2000;
// Inlining calls that call two functions each doubles at every level: this many expressions and no more.
inline constexpr std::int64_t most_evaluated = 4'000'000;
// A derivative is a multiple of what it is taken of, so nested ones grow with the power of their number.
inline constexpr std::size_t most_nodes = 400'000;
// Names near an unknown one are looked up for the errors that are shown, hardly more.
inline constexpr int most_suggestions = 25;
inline constexpr std::int64_t most_repeats = 10'000;
// Elements of one value (of a row's, where it has rows); and of an array that the compiler computes itself.
inline constexpr std::int64_t most_elements = std::int64_t{1} << 31;
inline constexpr std::int64_t most_constant_elements = std::int64_t{1} << 24;
// Of a slice that takes everything.
std::vector<Graph::Along> whole_axes(const Shape& shape);
// The integers of `from` in other places are integers of the same classes.
Value of_classes(Value value, const Value& from);
// "a number", "a number a row", "[rows, 3]"
std::string in_words(const Shape& shape);

}  // namespace slope
