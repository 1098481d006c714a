// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Private to the parser (grammar, reading, recovery, syntax_error, check_syntax): the text, what has been
// read of it, and what the tokens look like. The grammar's rules have no attributes; each leaves its node
// on a stack of values, and the rule around it takes what lies above the place where it began.
#pragma once
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostic.h"
#include "base/source.h"
#include "frontend/ast.h"

namespace slope::grammar {

using Offset = std::uint32_t;

// Tokens. Each function looks at `text` from `at` on and gives where the token ends, or `at` where there is
// none.
Offset blanks_end(std::string_view text, Offset at,
                  bool newlines);  // blanks and comments; newlines too, or not
Offset word_end(std::string_view text, Offset at);
Offset token_end(std::string_view text,
                 Offset at);  // of any token; one character where the language has none
bool is_keyword(std::string_view word);
bool is_statement_keyword(std::string_view word);
bool is_top_only(std::string_view word);  // begins a statement that stands at the top only
const std::vector<std::string>& statement_keywords();
// `=`, `:=` or `~`, but not `==`, `=<` or `=>`: what makes the name before it a definition.
bool defines(std::string_view text, Offset at);
bool ends_line(char c);
bool begins_line(std::string_view text, Offset at);  // only blanks stand between the line's start and `at`

struct Numeral {
  Offset end = 0;
  std::string digits;  // without "_"
  double value = 0;    // infinite where it is too large
  bool bad = false;    // followed by what no number may be followed by; `end` is behind that
};
Numeral read_numeral(std::string_view text, Offset at);

struct Quoted {
  Offset end = 0;
  std::string characters;
  bool closed = false;
  std::optional<Offset> bad_escape;
};
Quoted read_quoted(std::string_view text, Offset at);

// A node on the stack, with the parentheses around it.
struct Value {
  ast::NodeId id;
  Offset begin = 0, end = 0;
};

struct Bracket {
  char open = 0;
  Offset at = 0;
  Offset statement = 0;  // where the statement around it begins
};

// A node whose end is not read yet.
struct Frame {
  ast::Node node;
  std::size_t first_value = 0;
};

// Where a statement began: what a failing one goes back to.
struct Mark {
  std::size_t nodes = 0, edges = 0, values = 0, frames = 0, brackets = 0;
  int depth = 0;
  Offset begin = 0;            // of this statement
  Offset outer_statement = 0;  // of the one around it
};

inline constexpr int depth_limit = 256;
inline constexpr std::size_t text_limit = 16 << 20, node_limit = 4 << 20;  // bytes; nodes: about 0.5 GB

struct Reading {
  Reading(const Source& from, std::uint32_t index) : text(from.text()), source(&from), file(index) {}

  std::string_view text;
  const Source* source;
  std::uint32_t file;

  std::deque<ast::Node> nodes;  // `first` and `count` refer to `edges`
  std::vector<ast::NodeId> edges;
  std::vector<Value> values;
  std::vector<Frame> frames;
  std::vector<Bracket> brackets;
  int depth = 0;
  Offset statement = 0;         // where the innermost statement being read begins
  Span last, before_last;       // the tokens read last
  bool trailing_comma = false;  // the list just read ended with one

  std::vector<Diagnostic> diagnostics;
  std::optional<Offset>
      told_unclosed;                  // where a bracket was found missing; those around it are not told there
  bool stopped = false;               // a limit is exceeded: what follows is not read
  std::optional<Diagnostic> failure;  // set by a token that knows better than "expected …" what is wrong

  bool newline_is_blank() const { return !brackets.empty() && brackets.back().open != '{'; }
  Offset skip(Offset at);
  Offset skip_lines(Offset at);
  Span span(Offset begin, Offset end) const { return {begin, end, file}; }
  std::string_view text_of(Span s) const { return text.substr(s.begin, s.end - s.begin); }
  void take(Offset begin, Offset end) {
    before_last = last;
    last = span(begin, end);
  }
  void open(char bracket, Offset at) { brackets.push_back({bracket, at, statement}); }

  void begin_node(ast::Kind kind, Offset at);
  void begin_wrap(ast::Kind kind);  // the value on top becomes the first child
  void end_node();
  void drop_node() { frames.pop_back(); }
  void make_infix(Span op);                          // of the two values on top
  void make_tuple(std::size_t first, Offset begin);  // of the values from `first` on
  void push_empty_model();
  void push_error(Span where, std::string names);
  void give_value(const ast::Node& block, std::size_t first_value);

  Mark mark(Offset begin);
  void go_back(const Mark& mark);
  void leave(const Mark& mark) { statement = mark.outer_statement; }

 private:
  void add(ast::Node node, std::size_t first_value, Offset begin);
  struct Skipped {
    Offset from = 1, to = 0;
    bool newlines = false;
  } skipped_;  // a dozen rules look at one place; a long comment there is walked once
};

// ---- recovery.cpp ----

// A statement that cannot be read: says why, leaves an error node, gives where reading goes on.
Offset recover(Reading& reading, const Mark& mark, Offset where, const std::string& expected);
// Whether an error in a block is one of everything around it: too deep, or the text is over. Its message is
// kept.
bool ends_outer_statement(Reading& reading, const Mark& mark, Offset where, const std::string& expected);
// An opening `{` whose block the statement at `at` shows to be over, though no `}` closed it.
std::optional<Diagnostic> unclosed_block(const Reading& reading, Offset at);

// ---- syntax_error.cpp ----

inline constexpr const char* end_of_statement_text = "an operator or the end of the statement";

Diagnostic diagnostic(Code code, Span span, std::string message);
// What to say of a place where `expected` is not what stands there; nothing where that is said already.
std::optional<Diagnostic> explain(const Reading& reading, const Mark& mark, Offset where,
                                  const std::string& expected);
Diagnostic unclosed(const Reading& reading, const Bracket& bracket, Offset at);
Diagnostic explain_number(const Reading& reading, Offset begin, const Numeral& number);
Diagnostic explain_text(const Reading& reading, Offset begin, const Quoted& quoted);
Diagnostic second_comparison(const Reading& reading, Offset begin);
Diagnostic too_deep(const Reading& reading);
Diagnostic too_many_nodes(Reading& reading);
bool check_size(Reading& reading);
// Bytes that no place of a text may hold. False if there are so many that this is no text at all.
bool check_characters(Reading& reading);

// ---- check_syntax.cpp ----

bool is_expression(ast::Kind kind);
// The place of a block's value where none is written: its closing brace.
Span place_of_value(const ast::Node& block);

// Forms that the grammar lets through for the sake of better messages.
void check_syntax(const ast::Ast& tree, std::vector<Diagnostic>& out);

}  // namespace slope::grammar
