// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The grammar of the language, in Boost.Spirit X3. One token decides what comes next (Word looks past a
// name for `=`, `:=`, `~`), so no rule that has built something fails softly afterwards: behind the token
// that decides stands `>`, which makes the statement an error. What can fail behind `>` is a named rule or
// a leaf: these say what was expected, where a sequence or an alternative would give the mangled name of
// its type.
#include <algorithm>
#include <functional>
#include <span>

#include "frontend/grammar_leaves.h"

namespace slope {

namespace grammar {

namespace {

using ast::Kind;
using x3::eps;

// ---- tokens ----

constexpr Word name{false}, word{true};
constexpr Word defined_name{false, Before::definition}, argument_name{false, Before::equals};
constexpr Word option_name{true, Before::equals};
constexpr Number digits{};
constexpr Text quoted{};
constexpr Operator equals{"=", "=<>"}, comma{","}, colon{":", "="}, minus{"-"}, power_sign{"^"};
constexpr Closing end_of_arguments{')', "an operator, `,` or `)`"},
    end_of_items{']', "an operator, `,` or `]`"};
constexpr Closing end_of_bounds{')', "an operator or `)`"}, end_of_formals{')', "`,` or `)`"};
constexpr Closing end_of_block{'}', "`}`"};
constexpr Signed with_sign{};
constexpr Separators separators{};
constexpr EndOfStatement end_of_statement{};

constexpr auto add_sign = Operator("+") | minus;
constexpr auto multiply_sign = Operator("*", "*") | Operator("/") | Operator("@");
constexpr auto compare_sign =
    Operator("<=") | Operator(">=") | Operator("==") | Operator("!=") | Operator("<") | Operator(">");

// ---- rules; the texts follow "expected" ----

constexpr const char* an_expression = "an expression";
const x3::rule<struct expression_id> expression{an_expression};
const x3::rule<struct disjunction_id> disjunction{an_expression};
const x3::rule<struct conjunction_id> conjunction{an_expression};
const x3::rule<struct negation_id> negation{an_expression};
const x3::rule<struct comparison_id> comparison{an_expression};
const x3::rule<struct sum_id> sum{an_expression};
const x3::rule<struct product_id> product{an_expression};
const x3::rule<struct unary_id> unary_expression{an_expression};
const x3::rule<struct power_id> power{an_expression};
const x3::rule<struct postfix_id> postfix{an_expression};
const x3::rule<struct primary_id> primary{an_expression};
const x3::rule<struct nested_id> nested{an_expression};
const x3::rule<struct call_argument_id> call_argument{"an argument"};
const x3::rule<struct item_id> item{"an index"};
const x3::rule<struct bound_id> bound{"an index"};
const x3::rule<struct binder_id> binder{"a name"};
const x3::rule<struct over_or_carry_id> over_or_carry{"`in` or `=`"};
const x3::rule<struct block_id> block{"`{`"};

const x3::rule<struct shape_id> shape{"`[`"};
const x3::rule<struct column_id> column{"a name"};
const x3::rule<struct column_type_id> column_type{"`class` or `index`"};
const x3::rule<struct clause_id> clause{"`from`, `columns`, `standardized` or an option"};
const x3::rule<struct header_id> header{"a column's name"};
const x3::rule<struct param_id> param{"a name"};
const x3::rule<struct bounds_id> bounds{"`(`"};
const x3::rule<struct start_id> start{"`=`"};
const x3::rule<struct start_or_draw_id> start_or_draw{"`=` or `~`"};
const x3::rule<struct becomes_id> becomes{"`=`, `:=` or `~`"};
const x3::rule<struct constant_id> constant{"a name"};
const x3::rule<struct formal_id> formal{"a name"};
const x3::rule<struct body_id> body{"`=` or `{`"};
const x3::rule<struct option_id> option{"an option"};
const x3::rule<struct number_id> number{"a number"};
const x3::rule<struct statement_id> statement{"a statement"};
const x3::rule<struct line_id> top_line{"a statement"};
const x3::rule<struct block_line_id> block_line{"a statement"};
const x3::rule<struct model_id> model{"a model"};

// ---- expressions, the loosest first ----

const auto expression_def =
    (node(Kind::conditional)[Keyword("if", Newlines::after) > nested > Keyword("then", Newlines::around) >
                             nested > Keyword("else", Newlines::around) > nested]) |
    disjunction;
const auto nested_def = deeper[expression];
const auto disjunction_def = conjunction >> *infix(Keyword("or", Newlines::after), conjunction);
const auto conjunction_def = negation >> *infix(Keyword("and", Newlines::after), negation);
const auto negation_def =
    node(Kind::unary)[Keyword("not", Newlines::after) >> with_sign >> x3::expect[deeper[negation]]] |
    comparison;
const auto comparison_def = sum >> -(infix(compare_sign, sum) >> NoSecondComparison());
const auto sum_def = product >> *infix(add_sign, product);
const auto product_def = unary_expression >> *infix(multiply_sign, unary_expression);
const auto unary_expression_def =
    node(Kind::unary)[minus >> with_sign >> x3::expect[deeper[unary_expression]]] | power;
const auto power_def = postfix >> -infix(power_sign, deeper[unary_expression]);

const auto call_arguments = call_argument >> *(comma >> call_argument) >> -comma;
const auto expressions = nested >> *(comma >> nested) >> -comma;

const auto postfix_def =
    primary >> chain[wrap(Kind::call)[Opening('(') >> -call_arguments > end_of_arguments] |
                     wrap(Kind::index)[Opening('[') > item > *(comma >> item) > -comma > end_of_items] |
                     wrap(Kind::member)[Punctuation(".") > word]];
const auto call_argument_def = node(Kind::argument)[argument_name > equals > nested] | nested;
const auto bound_def = nested | node(Kind::nothing)[eps];
const auto item_def =
    node(Kind::ellipsis)[Punctuation("...")] |
    node(Kind::slice)[&colon >> node(Kind::nothing)[eps] >> colon > bound >
                      ((colon > bound) | node(Kind::nothing)[eps])] |
    (nested >> -wrap(Kind::slice)[colon > bound > ((colon > bound) | node(Kind::nothing)[eps])]);
const auto primary_def =
    node(Kind::number)[digits] | node(Kind::string)[quoted] |
    node(Kind::truth)[Keyword("true") >> with_sign] | node(Kind::truth)[Keyword("false") >> with_sign] |
    node(Kind::scan)[Keyword("scan") > binder > *(comma > binder) > block] | node(Kind::name)[name] |
    group[Opening('(') > nested > *(comma >> nested) > -(comma >> TrailingComma()) > end_of_arguments] |
    node(Kind::list)[Opening('[') >> -expressions > end_of_items];
const auto binder_def = node(Kind::over)[name > over_or_carry];
const auto over_or_carry_def = (Keyword("in") > nested) | (equals >> Become(Kind::carry) > nested);
const auto block_def =
    node(Kind::block)[Opening('{') >> deeper[-separators >> *(block_line >> -separators)] > end_of_block];

// ---- statements ----

const auto shape_def = node(Kind::shape)[Opening('[') > nested > *(comma >> nested) > -comma > end_of_items];
const auto start_def = node(Kind::start)[equals > expression];
const auto start_or_draw_def = start | node(Kind::draw)[Operator("~") > expression];
const auto becomes_def = start_or_draw | node(Kind::next)[Operator(":=") > expression];
const auto number_def = node(Kind::number)[digits];

const auto in_parentheses = Opening('(') > nested > end_of_bounds;
const auto column_type_def = node(Kind::class_type)[Keyword("class") >> -in_parentheses] |
                             node(Kind::index_type)[Keyword("index") >> -in_parentheses];
const auto column_def =
    node(Kind::column)[name >> -shape >> -node(Kind::string)[quoted] >> -(colon > column_type)];
const auto header_def = node(Kind::name)[name] | node(Kind::string)[quoted];
const auto clause_def =
    node(Kind::from)[Keyword("from") > quoted] | node(Kind::standardized)[Keyword("standardized")] |
    node(Kind::columns)[Keyword("columns") > header >
                        ((Punctuation("..") >> Become(Kind::columns_range) > header) | *(comma > header))] |
    option;
const auto bounds_def =
    node(Kind::bounds)[Keyword("in") > Opening('(') > nested > comma > nested > end_of_bounds];
const auto param_def = node(Kind::param)[name >> -shape >> -bounds > start_or_draw];
const auto constant_def = node(Kind::constant)[name > equals > expression];
const auto formal_def = node(Kind::formal)[name >> -(equals > nested)];
const auto formals = formal >> *(comma >> formal) >> -comma;
const auto body_def = start | block;
const auto option_def = node(Kind::option)[option_name > equals > expression];

const auto statement_def =
    node(Kind::data)[Keyword("data") > column > *(comma > column) > *clause] |
    node(Kind::params)[Keyword("param") > param > *(comma > param)] |
    node(Kind::consts)[Keyword("const") > constant > *(comma > constant)] |
    node(Kind::state)[Keyword("state") > name > -shape > start] |
    node(Kind::def)[Keyword("def") > name > Opening('(') > -formals > end_of_formals > body] |
    node(Kind::metric)[Keyword("metric") > name > -(equals > expression)] |
    node(Kind::report)[Keyword("report") > name > -(equals > expression)] |
    node(Kind::train)[Keyword("train") > *(option >> -comma)] |
    node(Kind::precision)[Keyword("precision") > name] | node(Kind::seed)[Keyword("seed") > number] |
    node(Kind::use)[Keyword("use") > quoted] | node(Kind::define)[defined_name > becomes];
const auto top_line_def = recovering[(statement | NoStatement()) > end_of_statement];
// Any statement, and an expression anywhere: check_syntax says what does not belong.
const auto block_line_def =
    !EndOfBlock() >> BlockGoesOn() >> recovering[(statement | expression | NoStatement()) > end_of_statement];
const auto model_def = node(Kind::model)[-separators >> *(!EndOfText() >> top_line >> -separators)];

BOOST_SPIRIT_DEFINE(expression, nested, disjunction, conjunction, negation, comparison, sum, product,
                    unary_expression, power, postfix, primary, call_argument, item, bound, binder,
                    over_or_carry, block, shape, column, column_type, clause, header, param, bounds, start,
                    start_or_draw, becomes, constant, formal, body, option, number, statement, top_line,
                    block_line, model)

void read_model(Reading& reading) {
  Iterator first = reading.text.data(), last = first + reading.text.size();
  x3::parse(first, last, x3::with<reading_tag>(std::ref(reading))[model]);
}

// Errors come as they are found, and an outer statement's after those inside it: sort them by place.
void tell(Reading& reading, Diagnostics& diagnostics) {
  auto place = [](const Diagnostic& d) { return d.span ? d.span->begin : 0; };
  std::ranges::stable_sort(reading.diagnostics, {}, place);
  for (Diagnostic& d : reading.diagnostics) diagnostics.add(std::move(d));
}

ast::Ast finished(Reading& reading) {
  ast::Ast tree;
  for (; !reading.nodes.empty(); reading.nodes.pop_front()) {
    ast::Node& node = reading.nodes.front();
    auto children = std::span<const ast::NodeId>(reading.edges).subspan(node.first, node.count);
    tree.set_root(tree.add(std::move(node), children));
  }
  return tree;
}

}  // namespace

}  // namespace grammar

ast::Ast parse(const Source& source, Diagnostics& diagnostics, std::uint32_t file) {
  grammar::Reading reading(source, file);
  if (grammar::check_size(reading) && grammar::check_characters(reading)) grammar::read_model(reading);
  else reading.push_empty_model();
  ast::Ast tree = grammar::finished(reading);
  grammar::check_syntax(tree, reading.diagnostics);
  grammar::tell(reading, diagnostics);
  return tree;
}

}  // namespace slope
