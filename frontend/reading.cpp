// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "frontend/reading.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "base/text.h"
#include "frontend/unicode.h"

namespace slope::grammar {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

char at_or_nul(std::string_view text, std::size_t at) { return at < text.size() ? text[at] : '\0'; }

}  // namespace

// ---- tokens ----

bool ends_line(char c) { return c == '\n' || c == '\r'; }

bool begins_line(std::string_view text, Offset at) {
  while (at > 0 && (text[at - 1] == ' ' || text[at - 1] == '\t')) --at;
  return at == 0 || ends_line(text[at - 1]);
}

Offset blanks_end(std::string_view text, Offset at, bool newlines) {
  while (at < text.size()) {
    char c = text[at];
    if (c == ' ' || c == '\t' || (newlines && ends_line(c))) ++at;
    else if (c == '#') at = static_cast<Offset>(std::min(text.find_first_of("\n\r", at), text.size()));
    else break;
  }
  return at;
}

Offset word_end(std::string_view text, Offset at) {
  for (bool first = true; at < text.size(); first = false) {
    CodePoint c = decode(text, at);
    if (!(first ? is_letter(c.value) : is_word_part(c.value))) break;
    at += static_cast<Offset>(c.length);
  }
  return at;
}

Offset token_end(std::string_view text, Offset at) {
  if (at >= text.size()) return at;
  if (Offset end = word_end(text, at); end > at) return end;
  if (Offset end = read_numeral(text, at).end; end > at) return end;
  if (text[at] == '"') return read_quoted(text, at).end;
  for (std::string_view op : {"...", "..", ":=", "<=", ">=", "==", "!="})
    if (text.substr(at).starts_with(op)) return at + static_cast<Offset>(op.size());
  return at + static_cast<Offset>(decode(text, at).length);
}

bool is_keyword(std::string_view word) {
  constexpr std::string_view others[] = {"scan", "if", "then", "else", "and", "or", "not", "true", "false"};
  return std::ranges::find(others, word) != std::end(others) || is_statement_keyword(word);
}

const std::vector<std::string>& statement_keywords() {
  static const std::vector<std::string> words = {"data",   "param", "const",     "def",  "state", "metric",
                                                 "report", "train", "precision", "seed", "use"};
  return words;
}

bool is_statement_keyword(std::string_view word) {
  return std::ranges::find(statement_keywords(), word) != statement_keywords().end();
}

bool is_top_only(std::string_view word) {
  constexpr std::string_view words[] = {"data", "metric", "report", "train", "precision", "seed", "use"};
  return std::ranges::find(words, word) != std::end(words);
}

bool defines(std::string_view text, Offset at) {
  char c = at_or_nul(text, at), next = at_or_nul(text, at + 1);
  if (c == '=') return next != '=' && next != '<' && next != '>';
  return c == '~' || (c == ':' && next == '=');
}

namespace {

// Moves `at` over digits with single underscores between them; true if there was one.
bool take_digits(std::string_view text, Offset& at, std::string& digits) {
  Offset begin = at;
  for (;;) {
    bool joined = at > begin && at_or_nul(text, at) == '_' && is_digit(at_or_nul(text, at + 1));
    if (joined) ++at;
    if (!is_digit(at_or_nul(text, at))) return at > begin;
    digits += text[at++];
  }
}

void take_exponent(std::string_view text, Offset& at, std::string& digits) {
  if ((at_or_nul(text, at) | 32) != 'e') return;
  Offset end = at + 1;
  std::string exponent = "e";
  if (char sign = at_or_nul(text, end); sign == '+' || sign == '-') exponent += text[end++];
  if (!take_digits(text, end, exponent)) return;  // then the `e` is what may not follow a number
  at = end;
  digits += exponent;
}

bool may_not_follow_number(std::string_view text, Offset at) {
  return at < text.size() && (text[at] == '.' || is_word_part(decode(text, at).value));
}

Offset end_of_bad_number(std::string_view text, Offset at) {
  while (may_not_follow_number(text, at)) {
    bool exponent = (text[at] | 32) == 'e';
    at += static_cast<Offset>(decode(text, at).length);
    if (exponent && (at_or_nul(text, at) == '+' || at_or_nul(text, at) == '-') &&
        !is_letter(decode(text, at + 1).value))
      ++at;
  }
  return at;
}

// from_chars says "out of range" for both ends of the range: tell them apart by the exponent of the first
// digit.
double beyond_range(const std::string& digits) {
  std::size_t e = std::min(digits.find('e'), digits.size());
  std::size_t point = std::min(digits.find('.'), e), first = digits.find_first_of("123456789");
  long exponent = 0;
  if (e < digits.size()) {
    bool negative = digits[e + 1] == '-';
    for (char c : digits.substr(e + 1))
      if (is_digit(c)) exponent = std::min(exponent * 10 + (c - '0'), 1'000'000'000L);
    if (negative) exponent = -exponent;
  }
  exponent += static_cast<long>(point) - static_cast<long>(first);
  return exponent > 0 ? std::numeric_limits<double>::infinity() : 0;
}

double value_of(const std::string& digits) {
  double value = 0;
  auto result = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return result.ec == std::errc::result_out_of_range ? beyond_range(digits) : value;
}

}  // namespace

Numeral read_numeral(std::string_view text, Offset at) {
  Numeral number;
  number.end = at;
  bool point_first = at_or_nul(text, at) == '.' && is_digit(at_or_nul(text, at + 1));
  if (!is_digit(at_or_nul(text, at)) && !point_first) return number;
  take_digits(text, number.end, number.digits);
  bool dots = at_or_nul(text, number.end + 1) == '.';
  if (at_or_nul(text, number.end) == '.' && !dots) {
    number.digits += text[number.end++];
    take_digits(text, number.end, number.digits);
  }
  take_exponent(text, number.end, number.digits);
  number.bad = may_not_follow_number(text, number.end);
  if (number.bad) number.end = end_of_bad_number(text, number.end);
  else number.value = value_of(number.digits);
  return number;
}

}  // namespace slope::grammar

std::optional<double> slope::read_number(std::string_view text) {
  grammar::Numeral number = grammar::read_numeral(text, 0);
  bool whole_text = !text.empty() && number.end == text.size() && !number.bad;
  return whole_text ? std::optional(number.value) : std::nullopt;
}

namespace slope::grammar {

Quoted read_quoted(std::string_view text, Offset at) {
  Quoted quoted;
  Offset i = at + 1;
  for (; i < text.size() && !ends_line(text[i]) && text[i] != '"'; ++i) {
    if (text[i] != '\\') {
      quoted.characters += text[i];
      continue;
    }
    char next = at_or_nul(text, i + 1);
    if (next == '"' || next == '\\') quoted.characters += next;
    else if (next == 'n') quoted.characters += '\n';
    else if (next == 't') quoted.characters += '\t';
    else {
      if (!quoted.bad_escape) quoted.bad_escape = i;
      continue;
    }
    ++i;
  }
  quoted.closed = at_or_nul(text, i) == '"';
  quoted.end = quoted.closed ? i + 1 : i;
  return quoted;
}

// ---- what has been read ----

Offset Reading::skip(Offset at) {
  bool newlines = newline_is_blank();
  if (skipped_.from != at || skipped_.newlines != newlines || skipped_.from > skipped_.to)
    skipped_ = {at, blanks_end(text, at, newlines), newlines};
  return skipped_.to;
}

Offset Reading::skip_lines(Offset at) {
  if (skipped_.from != at || !skipped_.newlines || skipped_.from > skipped_.to)
    skipped_ = {at, blanks_end(text, at, true), true};
  return skipped_.to;
}

void Reading::begin_node(ast::Kind kind, Offset at) {
  Frame frame;
  frame.node.kind = kind;
  frame.node.span = frame.node.name = span(at, at);
  frame.first_value = values.size();
  frames.push_back(std::move(frame));
}

void Reading::begin_wrap(ast::Kind kind) {
  begin_node(kind, values.back().begin);
  frames.back().first_value = values.size() - 1;
}

void Reading::end_node() {
  Frame frame = std::move(frames.back());
  frames.pop_back();
  ast::Node& node = frame.node;
  bool named = node.name.end > node.name.begin;
  node.span.end = node.kind == ast::Kind::nothing ? node.span.begin : std::max(node.span.begin, last.end);
  if (!named) node.name = node.span;
  if (node.kind == ast::Kind::block) give_value(node, frame.first_value);
  Offset begin = node.span.begin;
  add(std::move(node), frame.first_value, begin);
}

// A block has a value in every tree: where none is written an error stands for it, of which check_syntax
// tells.
void Reading::give_value(const ast::Node& block, std::size_t first_value) {
  if (values.size() > first_value) {
    ast::Kind last_kind = nodes[values.back().id.index()].kind;
    if (is_expression(last_kind) || last_kind == ast::Kind::error) return;
  }
  push_error(place_of_value(block), "");
}

void Reading::add(ast::Node node, std::size_t first_value, Offset begin) {
  node.first = static_cast<std::uint32_t>(edges.size());
  node.count = static_cast<std::uint32_t>(values.size() - first_value);
  for (std::size_t i = first_value; i < values.size(); ++i) edges.push_back(values[i].id);
  values.resize(first_value);
  Offset end = node.span.end;
  nodes.push_back(std::move(node));
  values.push_back({ast::NodeId(static_cast<std::int64_t>(nodes.size()) - 1), begin, end});
}

void Reading::make_infix(Span op) {
  ast::Node node;
  node.kind = ast::Kind::binary;
  node.text = text_of(op);
  node.name = op;
  std::size_t left = values.size() - 2;
  node.span = span(values[left].begin, last.end);
  add(std::move(node), left, values[left].begin);
}

void Reading::make_tuple(std::size_t first, Offset begin) {
  ast::Node node;
  node.kind = ast::Kind::tuple;
  node.span = node.name = span(begin, last.end);
  add(std::move(node), first, begin);
}

void Reading::push_empty_model() {
  ast::Node node;
  node.kind = ast::Kind::model;
  node.span = node.name = span(0, 0);
  add(std::move(node), 0, 0);
}

void Reading::push_error(Span where, std::string names) {
  ast::Node node;
  node.kind = ast::Kind::error;
  node.span = node.name = where;
  node.text = std::move(names);
  add(std::move(node), values.size(), where.begin);
}

Mark Reading::mark(Offset begin) {
  Mark here{nodes.size(),    edges.size(), values.size(), frames.size(),
            brackets.size(), depth,        begin,         statement};
  statement = begin;
  return here;
}

void Reading::go_back(const Mark& mark) {
  nodes.resize(mark.nodes);
  edges.resize(mark.edges);
  values.resize(mark.values);
  frames.resize(mark.frames);
  brackets.resize(mark.brackets);
  depth = mark.depth;
  leave(mark);
}

}  // namespace slope::grammar
