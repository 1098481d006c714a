// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Where reading goes on after a statement that cannot be read, and what is kept of it. The statement's end
// is found by its brackets and by the lines that begin another statement, never by the grammar.
#include <algorithm>

#include "base/text.h"
#include "frontend/reading.h"

namespace slope::grammar {

namespace {

// The blanks before `at` if only those stand between it and the start of its line, else 0.
Offset indentation(std::string_view text, Offset at) {
  Offset begin = at;
  while (begin > 0 && (text[begin - 1] == ' ' || text[begin - 1] == '\t')) --begin;
  return begin == 0 || ends_line(text[begin - 1]) ? at - begin : 0;
}
bool begins_statement(std::string_view text, Offset at, bool in_block) {
  Offset end = word_end(text, at);
  std::string_view word = text.substr(at, end - at);
  if (word.empty()) return false;
  if (is_keyword(word)) return in_block ? is_top_only(word) : is_statement_keyword(word);
  return !in_block && defines(text, blanks_end(text, end, false));
}

// Walks over a statement by its brackets alone.
class Walk {
 public:
  Walk(std::string_view text, Offset begin, Offset error, bool in_block)
      : text_(text), at_(begin), error_(error), indent_(indentation(text, begin)), in_block_(in_block) {}

  // The end of the statement that has the error: a newline, `;`, `}` or the end of the text.
  Offset end() {
    while (at_ < text_.size() && !ends_here()) step();
    return at_;
  }

 private:
  bool has_brace() const { return braces_ > 0; }

  bool ends_here() {
    char c = text_[at_];
    if (c == '}') return in_block_ && !has_brace();
    if (c == ';') return !has_brace() && at_ >= error_;
    if (!ends_line(c)) return false;
    if (open_.empty() && at_ >= error_) return true;
    Offset next = blanks_end(text_, at_, true);
    return indentation(text_, next) <= indent_ && begins_statement(text_, next, has_brace());
  }

  void step() {
    char c = text_[at_];
    if (c == '#') at_ = blanks_end(text_, at_, false);
    else if (c == '"') at_ = read_quoted(text_, at_).end;
    else if (ends_line(c)) at_ = blanks_before_line(at_);
    else {
      bracket(c);
      ++at_;
    }
  }

  // To the last newline of a run of blank lines, so that a long run is looked through once.
  Offset blanks_before_line(Offset at) const {
    Offset next = blanks_end(text_, at, true);
    return next > at ? std::max(at + 1, next - indentation(text_, next)) : at + 1;
  }

  void bracket(char c) {
    if (c == '(' || c == '[' || c == '{') open_.push_back(c);
    if (c == '{') ++braces_;
    bool round = c == ')' || c == ']';
    if (round && !open_.empty() && open_.back() != '{') open_.pop_back();
    if (c == '}' && has_brace()) close_brace();
  }

  void close_brace() {
    while (open_.back() != '{') open_.pop_back();
    open_.pop_back();
    --braces_;
  }

  std::string_view text_;
  Offset at_, error_, indent_;
  bool in_block_;
  std::string open_;
  int braces_ = 0;
};

bool declares(std::string_view keyword) {
  return keyword == "data" || keyword == "param" || keyword == "const" || keyword == "state" ||
         keyword == "def";
}

// The first name of a declaration and those behind commas that no bracket holds: `a b` of `a = f(x, y), b
// =`.
std::string declared_names(std::string_view text) {
  std::string names;
  int depth = 0;
  bool wanted = true;
  for (Offset at = blanks_end(text, 0, true); at < text.size(); at = blanks_end(text, at, true)) {
    Offset end = token_end(text, at);
    std::string_view token = text.substr(at, end - at);
    if (token == "from" || token == "columns") break;
    if (wanted && word_end(text, at) == end && !is_keyword(token))
      (names += names.empty() ? "" : " ") += token;
    if (token == "(" || token == "[" || token == "{") ++depth;
    if (token == ")" || token == "]" || token == "}") --depth;
    wanted = depth == 0 && token == ",";
    at = end;
  }
  return names;
}

// What a failed statement would have defined, so that the uses of those names are no errors too.
std::string names_of(std::string_view statement) {
  Offset end = word_end(statement, 0);
  std::string_view word = statement.substr(0, end), rest = statement.substr(end);
  if (declares(word)) return declared_names(rest);
  if (is_keyword(word)) return "";
  Offset next = blanks_end(statement, end, false);
  if (statement.substr(next).starts_with("=") || defines(statement, next)) return std::string(word);
  return declares(nearest(word, statement_keywords())) ? declared_names(rest) : "";
}

}  // namespace

bool ends_outer_statement(Reading& reading, const Mark& mark, Offset where, const std::string& expected) {
  if (mark.brackets == 0) return false;
  if (reading.stopped || (reading.failure && reading.failure->code == Code::too_deep)) return true;
  if (blanks_end(reading.text, where, true) < reading.text.size()) return false;
  if (!reading.failure) reading.failure = explain(reading, mark, where, expected);
  return true;
}

Offset recover(Reading& reading, const Mark& mark, Offset where, const std::string& expected) {
  std::optional<Diagnostic> why =
      reading.failure ? std::move(reading.failure) : explain(reading, mark, where, expected);
  reading.failure.reset();
  bool told = why && why->code == Code::unclosed && reading.told_unclosed == where;
  if (why && why->code == Code::unclosed) reading.told_unclosed = where;
  if (why && !told) reading.diagnostics.push_back(std::move(*why));
  Offset next = Walk(reading.text, mark.begin, where, mark.brackets > 0).end();
  Offset end = next;
  while (end > mark.begin && (reading.text[end - 1] == ' ' || reading.text[end - 1] == '\t')) --end;
  reading.go_back(mark);
  reading.push_error(reading.span(mark.begin, end),
                     names_of(reading.text.substr(mark.begin, end - mark.begin)));
  return next;
}

std::optional<Diagnostic> unclosed_block(const Reading& reading, Offset at) {
  const Bracket& bracket = reading.brackets.back();
  if (!begins_statement(reading.text, at, true) || !begins_line(reading.text, at)) return {};
  if (indentation(reading.text, at) > indentation(reading.text, bracket.statement)) return {};
  return unclosed(reading, bracket, at);
}

}  // namespace slope::grammar
