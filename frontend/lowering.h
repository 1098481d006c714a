// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The working state of lower(): private to frontend. The member functions stand in lower.cpp (statements),
// check_model.cpp (the end), expressions.cpp, functions.cpp (calls and built-in functions), grad.cpp
// (derivatives in the model) and options.cpp (train statements).
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "frontend/lower.h"

namespace slope {

struct Function;
struct Scope;

// What an expression stands for while the graph is built.
struct Value {
  enum class Is : std::uint8_t { error, number, truth, node, text, function };
  Is is = Is::error;
  double number = 0;                   // known to the compiler, in f64; truth: 0 or 1
  const ast::Node* literal = nullptr;  // a number straight from the text: read anew in the model's precision
  NodeId node;
  std::string text;
  const Function* function = nullptr;

  static Value of(double v) {
    return {.is = Is::number, .number = v, .literal = nullptr, .node = {}, .text = {}};
  }
  static Value of(bool v) {
    return {.is = Is::truth, .number = v ? 1.0 : 0.0, .literal = nullptr, .node = {}, .text = {}};
  }
  static Value of(NodeId id) { return {.is = Is::node, .literal = nullptr, .node = id, .text = {}}; }
  bool ok() const { return is != Is::error; }
  bool known() const { return is == Is::number || is == Is::truth; }
};

// A name's meaning and where it was given.
struct Binding {
  Value value;
  Span span;
  int order = 0;    // of definition: a function sees only what stands above it
  int column = -1;  // of a data column: to know whether it is read
  bool used = false;
  bool is_parameter = false;
};

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
};

class Lowering {
 public:
  Lowering(const ast::Ast& ast, const LowerSettings& settings, Diagnostics& diagnostics);
  void run();

  Model model;
  Value call(const Function& function, std::vector<Argument> arguments, Span span);
  const Function* optimizer_function(const Optimizer& optimizer, Span span);
  NodeId to_node(const Value& value);
  void set_diagnostics(Diagnostics& diagnostics) { diagnostics_ = &diagnostics; }

 private:
  // statements (lower.cpp)
  void load_prelude();
  void statement(ast::NodeId id);
  void data(ast::NodeId id);
  void column(ast::NodeId id, std::size_t source);
  void params(ast::NodeId id);
  void param(ast::NodeId id);
  void constants(ast::NodeId id);
  void def(ast::NodeId id);
  void define(ast::NodeId id);
  void named(ast::NodeId id, std::vector<NamedValue>& into);
  void precision_and_seed();
  void special(const std::string& name, Value value, ast::NodeId id);
  void finish();
  void finish_targets();
  void check_loss();
  void check_predict();
  void check_parameters();
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
  void not_yet(Span span, std::string what);
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
  Value call_built_in(std::string_view name, const std::vector<Argument>& arguments, Span span);
  Value call_op(OpId op, const std::vector<Argument>& arguments, Span span);
  Value reduction(std::string_view name, const std::vector<Argument>& arguments, Span span);
  Value mean(Value x, const Value* weights);
  Value match(const std::vector<Argument>& arguments, Span span);
  Value target_call(const Function& function, Span span, const std::string& defines);
  std::optional<Value> target(const Function& function, Span span, const std::string& defines);
  std::string name_for(const std::string& header) const;
  std::vector<std::string> columns_not_read() const;
  bool depends_on_reduction(NodeId id) const;
  std::string signature(const Function& function) const;
  const Function* built_in(std::string_view name);

  // derivatives in the model (grad.cpp)
  void note_differentiated();
  Value differentiable(const std::string& name, const Value& value, Span span);
  Value grad(ast::NodeId call);
  void warn_of_zero(ast::NodeId x);
  Value stop_gradient(const std::vector<Argument>& arguments, Span span);

  // train statements (options.cpp)
  struct Options {
    std::optional<Optimizer> optimizer;
    std::optional<double> rate;
    std::optional<std::int64_t> steps, epochs, report, seed;
    std::set<std::string> seen;
  };
  void train(ast::NodeId id);
  void default_training();
  void add_training(Training training, Options given);
  void option(ast::NodeId id, Options& given);
  void option_value(const ast::Node& option, ast::NodeId value, Options& given);
  void optimizer_option(ast::NodeId value, Options& given);
  bool has_state(const Function& function);
  bool has_state(const Function& function, std::set<const Function*>& seen);
  bool check_hyper(const Function& function, ast::NodeId value);
  bool on_command_line(const std::string& statement, const std::string& shown,
                       const std::function<void(const ast::Ast&, ast::NodeId)>& use);
  std::optional<double> set_value(const std::string& name, const std::string& text);

  Span place(Span span) const;  // in the prelude: the call in the model that led there
  Diagnostic& error(Code code, Span span, std::string message);
  const ast::Ast& ast() const { return *ast_; }
  Graph& graph() { return model.graph; }

  const ast::Ast* ast_;  // of what is being read now: the model or the prelude
  const ast::Ast& model_ast_;
  const LowerSettings& settings_;
  Diagnostics* diagnostics_;
  Scope prelude_scope_, model_scope_;
  Scope* scope_ = nullptr;
  std::vector<std::unique_ptr<Function>> functions_;
  std::map<std::string, const Function*, std::less<>> built_ins_;
  std::vector<const Function*> calls_;  // being inlined
  Span call_site_;                      // in the model, of the outermost call into the prelude
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
  std::set<std::pair<std::string, std::uint32_t>> said_;  // what and where: each is said once
  std::set<std::string> unknown_;  // names and functions that were told of: once, however often they are used
  bool uses_files_ = false;        // a `use` stands in the model: what it would define is not known
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

}  // namespace slope
