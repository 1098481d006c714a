// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The tokens of the language and the directives that build nodes, as Spirit X3 parsers. Only grammar.cpp
// includes this. X3's own number, character and skip parsers are not used: its double_ eats signs and
// rounds wrongly, its character classes assert on bytes past 127, and its skipper cannot know whether a
// newline is a blank.
#pragma once
#include <boost/spirit/home/x3.hpp>

#include <tuple>
#include <type_traits>

#include "base/text.h"
#include "frontend/reading.h"

namespace slope::grammar {

namespace x3 = boost::spirit::x3;
using Iterator = const char*;

struct reading_tag;

template <class Context>
Reading& reading_of(const Context& context) {
  return x3::get<reading_tag>(context).get();
}

[[noreturn]] inline void fail(Reading& reading, Offset at, Diagnostic why) {
  reading.failure = std::move(why);
  boost::throw_exception(x3::expectation_failure<Iterator>(reading.text.data() + at, ""));
}

// A parser without attribute that looks at offsets of the text. Derived has `bool read(Reading&, Offset&
// at) const`, which moves `at` behind what it took, and `what()`, which follows "expected …".
template <class Derived>
struct Leaf : x3::parser<Derived> {
  using attribute_type = x3::unused_type;
  static constexpr bool has_attribute = false;

  template <class Context, class Rule, class Attribute>
  bool parse(Iterator& first, const Iterator&, const Context& context, Rule&, Attribute&) const {
    Reading& reading = reading_of(context);
    auto at = static_cast<Offset>(first - reading.text.data());
    if (!this->derived().read(reading, at)) return false;
    first = reading.text.data() + at;
    return true;
  }
};

// ---- words ----

enum class Newlines { end, after, around };  // where they are blanks beside a keyword

struct Keyword : Leaf<Keyword> {
  std::string_view word;
  Newlines newlines;
  constexpr explicit Keyword(std::string_view w, Newlines n = Newlines::end) : word(w), newlines(n) {}

  bool read(Reading& reading, Offset& at) const {
    Offset begin = newlines == Newlines::around ? reading.skip_lines(at) : reading.skip(at);
    if (!reading.text.substr(begin).starts_with(word)) return false;
    Offset end = begin + static_cast<Offset>(word.size());
    if (word_end(reading.text, begin) != end) return false;
    reading.take(begin, end);
    at = newlines == Newlines::end ? end : reading.skip_lines(end);
    return true;
  }
  std::string what() const { return "`" + std::string(word) + "`"; }
};

// A name, which becomes the text of the node around it. `any` takes keywords too; the others are taken only
// before what makes them a definition, an argument or an option.
enum class Before { anything, equals, definition };

struct Word : Leaf<Word> {
  bool any;
  Before before;
  constexpr explicit Word(bool keywords_too, Before b = Before::anything) : any(keywords_too), before(b) {}

  bool read(Reading& reading, Offset& at) const {
    Offset begin = reading.skip(at);
    Offset end = word_end(reading.text, begin);
    if (end == begin || (!any && is_keyword(reading.text.substr(begin, end - begin)))) return false;
    if (!followed(reading, end)) return false;
    reading.take(begin, end);
    ast::Node& node = reading.frames.back().node;
    node.name = reading.last;
    node.text = reading.text_of(reading.last);
    at = end;
    return true;
  }
  bool followed(Reading& reading, Offset end) const {
    if (before == Before::anything) return true;
    Offset next = reading.skip(end);
    return defines(reading.text, next) && (before == Before::definition || reading.text[next] == '=');
  }
  std::string what() const { return before == Before::equals ? "`NAME =`" : "a name"; }
};

// ---- punctuation ----

// An operator: the line goes on behind it. `!=` and its kind are safe from their beginnings by `unless`,
// the characters that must not come next.
struct Operator : Leaf<Operator> {
  std::string_view sign, unless;
  constexpr explicit Operator(std::string_view s, std::string_view u = "") : sign(s), unless(u) {}

  bool read(Reading& reading, Offset& at) const {
    Offset begin = reading.skip(at);
    if (!reading.text.substr(begin).starts_with(sign)) return false;
    Offset end = begin + static_cast<Offset>(sign.size());
    if (end < reading.text.size() && unless.find(reading.text[end]) != std::string_view::npos) return false;
    reading.take(begin, end);
    at = reading.skip_lines(end);
    return true;
  }
  std::string what() const { return "`" + std::string(sign) + "`"; }
};

// Punctuation behind which a newline is what it was before.
struct Punctuation : Leaf<Punctuation> {
  std::string_view sign;
  constexpr explicit Punctuation(std::string_view s) : sign(s) {}

  bool read(Reading& reading, Offset& at) const {
    Offset begin = reading.skip(at);
    if (!reading.text.substr(begin).starts_with(sign)) return false;
    at = begin + static_cast<Offset>(sign.size());
    reading.take(begin, at);
    return true;
  }
  std::string what() const { return "`" + std::string(sign) + "`"; }
};

// The newlines behind an opening bracket count as those inside it; before `{` they are blanks.
struct Opening : Leaf<Opening> {
  char bracket;
  constexpr explicit Opening(char b) : bracket(b) {}

  bool read(Reading& reading, Offset& at) const {
    Offset begin = bracket == '{' ? reading.skip_lines(at) : reading.skip(at);
    if (begin >= reading.text.size() || reading.text[begin] != bracket) return false;
    at = begin + 1;
    reading.take(begin, at);
    reading.open(bracket, begin);
    if (bracket == '{') reading.frames.back().node.span.begin = begin;
    return true;
  }
  std::string what() const { return std::string("`") + bracket + "`"; }
};

struct Closing : Leaf<Closing> {
  char bracket;
  const char* expected;
  constexpr Closing(char b, const char* e) : bracket(b), expected(e) {}

  bool read(Reading& reading, Offset& at) const {
    Offset begin = reading.skip(at);
    if (begin >= reading.text.size() || reading.text[begin] != bracket) return false;
    at = begin + 1;
    reading.take(begin, at);
    reading.brackets.pop_back();
    return true;
  }
  std::string what() const { return expected; }
};

// ---- numbers and texts, which become the text of the node around them ----

struct Number : Leaf<Number> {
  bool read(Reading& reading, Offset& at) const {
    Offset begin = reading.skip(at);
    Numeral number = read_numeral(reading.text, begin);
    if (number.end == begin) return false;
    if (number.bad) fail(reading, begin, explain_number(reading, begin, number));
    reading.take(begin, number.end);
    ast::Node& node = reading.frames.back().node;
    node.text = std::move(number.digits);
    node.number = number.value;
    at = number.end;
    return true;
  }
  std::string what() const { return "a number"; }
};

struct Text : Leaf<Text> {
  bool read(Reading& reading, Offset& at) const {
    Offset begin = reading.skip(at);
    if (begin >= reading.text.size() || reading.text[begin] != '"') return false;
    Quoted quoted = read_quoted(reading.text, begin);
    if (!quoted.closed || quoted.bad_escape) fail(reading, begin, explain_text(reading, begin, quoted));
    reading.take(begin, quoted.end);
    ast::Node& node = reading.frames.back().node;
    node.name = reading.last;
    node.text = std::move(quoted.characters);
    at = quoted.end;
    return true;
  }
  std::string what() const { return "a text in double quotes"; }
};

// ---- between statements ----

struct Separators : Leaf<Separators> {
  bool read(Reading& reading, Offset& at) const {
    Offset begin = at;
    for (;;) {
      at = reading.skip_lines(at);
      if (at >= reading.text.size() || reading.text[at] != ';') break;
      ++at;
    }
    return at > begin;
  }
  std::string what() const { return "the end of the statement"; }
};

struct EndOfStatement : Leaf<EndOfStatement> {
  bool read(Reading& reading, Offset& at) const {
    at = reading.skip(at);
    if (at >= reading.text.size()) return true;
    char c = reading.text[at];
    return ends_line(c) || c == ';' || (c == '}' && !reading.brackets.empty());
  }
  std::string what() const { return end_of_statement_text; }
};

struct EndOfText : Leaf<EndOfText> {
  bool read(Reading& reading, Offset& at) const {
    return reading.stopped || reading.skip_lines(at) >= reading.text.size();
  }
  std::string what() const { return "the end of the text"; }
};

struct EndOfBlock : Leaf<EndOfBlock> {
  bool read(Reading& reading, Offset& at) const {
    Offset next = reading.skip_lines(at);
    return reading.stopped || next >= reading.text.size() || reading.text[next] == '}';
  }
  std::string what() const { return "`}`"; }
};

// ---- what never matches, or always, but may know what is wrong ----

// Stands behind all statements: what begins here is none of them.
struct NoStatement : Leaf<NoStatement> {
  bool read(Reading& reading, Offset& at) const {
    boost::throw_exception(x3::expectation_failure<Iterator>(reading.text.data() + at, "a statement"));
  }
  std::string what() const { return "a statement"; }
};

struct NoSecondComparison : Leaf<NoSecondComparison> {
  bool read(Reading& reading, Offset& at) const {
    Offset begin = reading.skip(at);
    std::string_view rest = reading.text.substr(begin, 2);
    bool again = rest.starts_with('<') || rest.starts_with('>') || rest == "==" || rest == "!=";
    if (again) fail(reading, begin, second_comparison(reading, begin));
    return true;
  }
  std::string what() const { return "an operator"; }
};

struct BlockGoesOn : Leaf<BlockGoesOn> {
  bool read(Reading& reading, Offset& at) const {
    if (std::optional<Diagnostic> why = unclosed_block(reading, at)) fail(reading, at, std::move(*why));
    return true;
  }
  std::string what() const { return "`}`"; }
};

// A comma with nothing behind it makes a group of one value a tuple.
struct TrailingComma : Leaf<TrailingComma> {
  bool read(Reading& reading, Offset&) const { return reading.trailing_comma = true; }
  std::string what() const { return "`,`"; }
};

struct Become : Leaf<Become> {
  ast::Kind kind;
  constexpr explicit Become(ast::Kind k) : kind(k) {}
  bool read(Reading& reading, Offset&) const {
    reading.frames.back().node.kind = kind;
    return true;
  }
  std::string what() const { return std::string(to_string(kind)); }
};

// The token just read becomes the text of the node.
struct Signed : Leaf<Signed> {
  bool read(Reading& reading, Offset&) const {
    reading.frames.back().node.name = reading.last;
    reading.frames.back().node.text = reading.text_of(reading.last);
    return true;
  }
  std::string what() const { return "an operator"; }
};

// ---- directives ----

template <class Subject, class Derived>
struct Directive : x3::unary_parser<Subject, Derived> {
  using x3::unary_parser<Subject, Derived>::unary_parser;
  static constexpr bool is_pass_through_unary = true;
  static constexpr bool handles_container = false;
};

// Writes out `[…]` for a directive with arguments.
template <template <class> class Parser, class... Arguments>
struct Make {
  std::tuple<Arguments...> arguments;
  template <class Subject>
  constexpr auto operator[](const Subject& subject) const {
    using Parsed = typename x3::extension::as_parser<Subject>::value_type;
    return std::apply([&](const auto&... a) { return Parser<Parsed>(x3::as_parser(subject), a...); },
                      arguments);
  }
};

// What its subject leaves on the stack of values become the children of one node.
template <class Subject>
struct Node : Directive<Subject, Node<Subject>> {
  ast::Kind kind;
  bool wraps;
  constexpr Node(const Subject& s, ast::Kind k, bool w) : Directive<Subject, Node>(s), kind(k), wraps(w) {}

  template <class Context, class Rule, class Attribute>
  bool parse(Iterator& first, const Iterator& last, const Context& context, Rule& rule, Attribute& a) const {
    Reading& reading = reading_of(context);
    if (wraps) reading.begin_wrap(kind);
    else reading.begin_node(kind, reading.skip(static_cast<Offset>(first - reading.text.data())));
    bool read = this->subject.parse(first, last, context, rule, a);
    if (!read) reading.drop_node();
    else if (reading.nodes.size() < node_limit || kind == ast::Kind::model) reading.end_node();
    else fail(reading, reading.last.begin, too_many_nodes(reading));
    return read;
  }
};
constexpr auto node(ast::Kind kind) { return Make<Node, ast::Kind, bool>{{kind, false}}; }
constexpr auto wrap(ast::Kind kind) { return Make<Node, ast::Kind, bool>{{kind, true}}; }

// One level further down; the limit keeps every recursion over the tree, and this one, off the stack's end.
template <class Subject>
struct Deeper : Directive<Subject, Deeper<Subject>> {
  constexpr explicit Deeper(const Subject& s) : Directive<Subject, Deeper>(s) {}

  template <class Context, class Rule, class Attribute>
  bool parse(Iterator& first, const Iterator& last, const Context& context, Rule& rule, Attribute& a) const {
    Reading& reading = reading_of(context);
    if (reading.depth >= depth_limit) fail(reading, reading.last.begin, too_deep(reading));
    ++reading.depth;
    bool read = this->subject.parse(first, last, context, rule, a);
    --reading.depth;
    return read;
  }
  std::string what() const { return "an expression"; }
};
constexpr Make<Deeper> deeper{};

// As `*`, up to the limit of depth: `x[0][0][0]…` is a tree as deep as the chain is long.
template <class Subject>
struct Chain : Directive<Subject, Chain<Subject>> {
  constexpr explicit Chain(const Subject& s) : Directive<Subject, Chain>(s) {}

  template <class Context, class Rule, class Attribute>
  bool parse(Iterator& first, const Iterator& last, const Context& context, Rule& rule, Attribute& a) const {
    for (int count = 0; this->subject.parse(first, last, context, rule, a); ++count) {
      Reading& reading = reading_of(context);
      if (count >= depth_limit) fail(reading, reading.last.begin, too_deep(reading));
    }
    return true;
  }
};
constexpr Make<Chain> chain{};

// A plain group leaves no node, but what stands around it begins at its parenthesis.
template <class Subject>
struct Group : Directive<Subject, Group<Subject>> {
  constexpr explicit Group(const Subject& s) : Directive<Subject, Group>(s) {}

  template <class Context, class Rule, class Attribute>
  bool parse(Iterator& first, const Iterator& last, const Context& context, Rule& rule, Attribute& a) const {
    Reading& reading = reading_of(context);
    Offset begin = reading.skip(static_cast<Offset>(first - reading.text.data()));
    std::size_t below = reading.values.size();
    if (!this->subject.parse(first, last, context, rule, a)) return false;
    bool tuple = reading.values.size() > below + 1 || reading.trailing_comma;
    reading.trailing_comma = false;
    if (tuple) reading.make_tuple(below, begin);
    reading.values.back().begin = begin;
    reading.values.back().end = reading.last.end;
    return true;
  }
};
constexpr Make<Group> group{};

// `left op right`, where `left` is on the stack.
template <class Sign, class Right>
struct Infix : x3::binary_parser<Sign, Right, Infix<Sign, Right>> {
  using Both = x3::binary_parser<Sign, Right, Infix>;
  static constexpr bool has_attribute = false;
  constexpr Infix(const Sign& op, const Right& operand) : Both(op, operand) {}

  template <class Context, class Rule, class Attribute>
  bool parse(Iterator& first, const Iterator& last, const Context& context, Rule& rule, Attribute& a) const {
    if (!this->left.parse(first, last, context, rule, a)) return false;
    Reading& reading = reading_of(context);
    Span op = reading.last;
    if (!this->right.parse(first, last, context, rule, a))
      boost::throw_exception(x3::expectation_failure<Iterator>(first, "an expression"));
    reading.make_infix(op);
    return true;
  }
};
template <class Sign, class Right>
constexpr auto infix(const Sign& op, const Right& operand) {
  using Signs = typename x3::extension::as_parser<Sign>::value_type;
  using Rights = typename x3::extension::as_parser<Right>::value_type;
  return Infix<Signs, Rights>(x3::as_parser(op), x3::as_parser(operand));
}

// A statement: where its subject fails for good, the error is told and reading goes on behind the
// statement.
template <class Subject>
struct Recovering : Directive<Subject, Recovering<Subject>> {
  constexpr explicit Recovering(const Subject& s) : Directive<Subject, Recovering>(s) {}

  template <class Context, class Rule, class Attribute>
  bool parse(Iterator& first, const Iterator& last, const Context& context, Rule& rule, Attribute& a) const {
    Reading& reading = reading_of(context);
    const char* text = reading.text.data();
    Mark mark = reading.mark(reading.skip(static_cast<Offset>(first - text)));
    try {
      bool read = this->subject.parse(first, last, context, rule, a);
      reading.leave(mark);
      return read;
    } catch (const x3::expectation_failure<Iterator>& failure) {
      auto where = static_cast<Offset>(failure.where() - text);
      if (ends_outer_statement(reading, mark, where, failure.which())) throw;
      first = text + recover(reading, mark, where, failure.which());
      return true;
    }
  }
};
constexpr Make<Recovering> recovering{};

}  // namespace slope::grammar

// "expected " is followed by what a leaf calls itself, not by the mangled name of its type.
namespace boost::spirit::x3 {
template <class Parser>
struct get_info<Parser, std::void_t<decltype(std::declval<const Parser&>().what())>> {
  using result_type = std::string;
  std::string operator()(const Parser& parser) const { return parser.what(); }
};
}  // namespace boost::spirit::x3
