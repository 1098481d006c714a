// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What to say about a statement that cannot be read. The grammar knows the place and what it expected
// there; the text around that place tells what its writer probably meant.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "frontend/reading.h"
#include "frontend/train_options.h"
#include "frontend/unicode.h"

namespace slope::grammar {

Diagnostic diagnostic(Code code, Span span, std::string message) {
  Diagnostic d;
  d.code = code;
  d.span = span;
  d.message = std::move(message);
  return d;
}

namespace {

std::string position_of(const Reading& reading, Offset at) {
  Position place = reading.source->position(at);
  return fmt::format("{}:{}", place.line, place.column);
}

}  // namespace

Diagnostic unclosed(const Reading& reading, const Bracket& bracket, Offset at) {
  Span where = reading.span(bracket.at, bracket.at + 1);
  Diagnostic d = diagnostic(Code::unclosed, where, fmt::format("this `{}` is never closed", bracket.open));
  if (at >= reading.text.size()) d.notes.push_back("the text ends before that");
  else d.notes.push_back(fmt::format("what stands at {} cannot be inside it", position_of(reading, at)));
  return d;
}

namespace {

constexpr std::size_t longest_excerpt = 40;

Diagnostic with_help(Diagnostic d, std::string help) {
  d.helps.push_back(std::move(help));
  return d;
}

std::string quote(std::string_view text) { return "`" + escaped(text, longest_excerpt) + "`"; }

bool has_newline(std::string_view text) { return text.find_first_of("\n\r") != std::string_view::npos; }

// The place of one error: the token found there, and the one before it.
struct Place {
  const Reading& reading;
  const Mark& mark;
  const std::string& expected;
  std::string_view text;
  Offset at;
  Span found;
  std::string_view word;  // the token found
  bool has_last;          // the statement has a token before
  std::string_view last;

  Place(const Reading& r, const Mark& m, Offset where, const std::string& e)
      : reading(r), mark(m), expected(e), text(r.text), at(blanks_end(r.text, where, r.newline_is_blank())) {
    found = r.span(at, token_end(text, at));
    word = r.text_of(found);
    has_last = r.last.begin >= m.begin && r.last.end > m.begin;
    last = has_last ? r.text_of(r.last) : std::string_view();
  }

  bool at_end() const { return at >= text.size(); }
  bool ends() const { return at_end() || ends_line(text[at]) || text[at] == ';'; }
  bool starts(std::string_view sign) const { return text.substr(at).starts_with(sign); }
  bool wants(std::string_view what) const { return expected.find(what) != std::string::npos; }
  bool wants_operand() const { return wants("an expression") || wants("an argument") || wants("an index"); }
  bool at_statement() const { return expected == "a statement"; }
  bool later_line() const {
    return has_last && (at_end() || ends_line(text[at]) ||
                        has_newline(text.substr(reading.last.end, at - reading.last.end)));
  }
  const Bracket* open() const {  // the innermost one of this statement
    return reading.brackets.size() > mark.brackets ? &reading.brackets.back() : nullptr;
  }
  Offset next() const { return blanks_end(text, found.end, reading.newline_is_blank()); }
};

using Answer = std::optional<Diagnostic>;

// ---- characters ----

struct LookAlike {
  std::uint32_t first, last;
  const char* instead;
};

constexpr LookAlike look_alikes[] = {
    {0xA0, 0xA0, "a blank"},     {0xAC, 0xAC, "`not`"},       {0xB1, 0xB1, "`+` or `-`"},
    {0xB2, 0xB2, "`^2`"},        {0xB3, 0xB3, "`^3`"},        {0xB9, 0xB9, "`^1`"},
    {0xD7, 0xD7, "`*`"},         {0xF7, 0xF7, "`/`"},         {0x660, 0x669, "0 to 9"},
    {0x6F0, 0x6F9, "0 to 9"},    {0x966, 0x96F, "0 to 9"},    {0x2000, 0x200A, "a blank"},
    {0x200B, 0x200F, "nothing"}, {0x2010, 0x2015, "`-`"},     {0x2018, 0x201F, "`\"`"},
    {0x2022, 0x2022, "`*`"},     {0x2026, 0x2026, "`...`"},   {0x202F, 0x202F, "a blank"},
    {0x2044, 0x2044, "`/`"},     {0x2070, 0x2079, "`^`"},     {0x2190, 0x2190, "`=`"},
    {0x2208, 0x2208, "`in`"},    {0x220F, 0x220F, "`prod`"},  {0x2211, 0x2211, "`sum`"},
    {0x2212, 0x2212, "`-`"},     {0x2215, 0x2215, "`/`"},     {0x2217, 0x2217, "`*`"},
    {0x221A, 0x221A, "`sqrt`"},  {0x221E, 0x221E, "`inf`"},   {0x2227, 0x2227, "`and`"},
    {0x2228, 0x2228, "`or`"},    {0x223C, 0x223C, "`~`"},     {0x2254, 0x2254, "`:=`"},
    {0x2260, 0x2260, "`!=`"},    {0x2264, 0x2264, "`<=`"},    {0x2265, 0x2265, "`>=`"},
    {0x22C5, 0x22C5, "`*`"},     {0x3000, 0x3000, "a blank"}, {0xFEFF, 0xFEFF, "nothing"}};

Diagnostic bad_character(Span where, std::uint32_t c, std::string_view shown) {
  Diagnostic d =
      diagnostic(Code::bad_character, where, fmt::format("the language has no character U+{:04X}", c));
  if (!shown.empty()) d.message += " " + quote(shown);
  if (c > 0xFF00 && c < 0xFF5F) return with_help(d, fmt::format("write `{}`", static_cast<char>(c - 0xFEE0)));
  for (const LookAlike& l : look_alikes)
    if (c >= l.first && c <= l.last) return with_help(d, fmt::format("write {} instead", l.instead));
  return d;
}

bool is_control(std::uint32_t c) {
  return (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || (c >= 0x7F && c < 0xA0) || c == 0xFFFFFFFF;
}

Answer explain_character(const Place& p) {
  CodePoint c = decode(p.text, p.at);
  if (c.length == 0 || c.value < 0x80 || is_letter(c.value)) return {};
  return bad_character(p.found, c.value, p.word);
}

Answer explain_plain_character(const Place& p) {
  constexpr std::string_view none = "$?\\&|'%`!";
  if (p.at_end() || none.find(p.text[p.at]) == std::string_view::npos || p.starts("!=")) return {};
  return bad_character(p.found, static_cast<unsigned char>(p.text[p.at]), p.word);
}

// ---- other languages ----

struct Foreign {
  std::string_view sign;
  bool as_operand;  // only where an expression should begin
  const char *message, *help;
};

constexpr Foreign foreign_signs[] = {
    {"&&", false, "`&&` is no operator here", "write `and`"},
    {"&", false, "`&` is no operator here", "write `and`"},
    {"||", false, "`||` is no operator here", "write `or`"},
    {"|", true, "`|…|` is no form here", "the absolute value is `abs(x)`"},
    {"|", false, "`|` is no operator here", "write `or`"},
    {"**", false, "`**` is no operator here", "write `^` for powers"},
    {"=>", false, "`=>` is no operator here", "write `>=`"},
    {"=<", false, "`=<` is no operator here", "write `<=`"},
    {"===", false, "`===` is no operator here", "write `==`"},
    {"%", false, "`%` is no operator here", "write `mod(a, b)`"},
    {"?", false, "`?` is no operator here", "write `if c then a else b`"},
    {"'", false, "a text stands in double quotes", "write `\"…\"`"},
    {"+", true, "there is no `+` before a value", "leave the `+` out"},
    {"/", true, "`//` is no operator here", "write `floor(a/b)`"},
};

Answer explain_foreign(const Place& p) {
  auto foreign = [&](Offset length, std::string message, std::string help) {
    Span where = p.reading.span(p.at, p.at + length);
    return with_help(diagnostic(Code::foreign_operator, where, std::move(message)), std::move(help));
  };
  if (p.starts("!") && !p.starts("!=")) return foreign(1, "`!` is no operator here", "write `not`");
  for (const Foreign& f : foreign_signs) {
    if (!p.starts(f.sign) || (f.as_operand && !p.wants_operand())) continue;
    if (f.sign == "/" && p.last != "/") continue;
    return foreign(static_cast<Offset>(f.sign.size()), f.message, f.help);
  }
  if (p.word == "==" && p.wants("`=`"))
    return foreign(2, "`==` compares two values", "a definition is written with `=`");
  if (p.word == "=" && p.wants("`then`")) return foreign(1, "`=` defines a name", "write `==` to compare");
  if (p.word == "if" && p.wants("an operator"))
    return foreign(2, "`if` stands before both values", "write `if c then a else b`");
  return {};
}

// `x == 1`, `x <- 1`, `x += 1` where a statement begins.
Answer explain_foreign_definition(const Place& p) {
  struct {
    std::string_view sign;
    const char* help;
  } constexpr signs[] = {
      {"==", "a definition is written with `=`"},   {"=>", "a definition is written with `=`"},
      {"=<", "a definition is written with `=`"},   {"<-", "a definition is written with `=`"},
      {"+=", "a state is updated by `x := x + …`"}, {"-=", "a state is updated by `x := x - …`"},
      {"*=", "a state is updated by `x := x*…`"},   {"/=", "a state is updated by `x := x/…`"}};
  Offset next = p.next();
  for (auto [sign, help] : signs) {
    if (!p.text.substr(next).starts_with(sign)) continue;
    Span where = p.reading.span(next, next + 2);
    return with_help(diagnostic(Code::foreign_operator, where, fmt::format("`{}` defines no name", sign)),
                     help);
  }
  return {};
}

// ---- brackets ----

bool closes(char open, char close) { return close == (open == '(' ? ')' : open == '[' ? ']' : '}'); }

// Whether the token found, or the one before it if that is a name before `=`, begins a statement on a new
// line.
bool meets_statement(const Place& p) {
  if (is_statement_keyword(p.word)) return begins_line(p.text, p.at) || !defines(p.text, p.next());
  bool name = word_end(p.text, p.at) > p.at && !is_keyword(p.word);
  if (name && begins_line(p.text, p.at)) return defines(p.text, p.next());
  return defines(p.text, p.at) && p.has_last && begins_line(p.text, p.reading.last.begin);
}

Answer explain_bracket(const Place& p) {
  const Bracket* open = p.open();
  char c = p.at_end() ? '\0' : p.text[p.at];
  bool closing = c == ')' || c == ']' || c == '}';
  if (open) {
    bool other = closing && !closes(open->open, c);
    bool stops = open->open != '{' && (c == ';' || meets_statement(p));
    if (other || stops || p.at_end()) return unclosed(p.reading, *open, p.at);
    return {};
  }
  if (!closing || (c == '}' && !p.reading.brackets.empty())) return {};
  return diagnostic(Code::unmatched, p.found, fmt::format("unmatched `{}`: no bracket is open here", c));
}

// ---- statements ----

Diagnostic reserved(const Place& p, Span where) {
  std::string_view word = p.reading.text_of(where);
  return with_help(
      diagnostic(Code::expected, where, fmt::format("`{}` is a reserved word and cannot be a name", word)),
      fmt::format("call it `{}_`", word));
}

Answer explain_reserved(const Place& p) {
  bool wants_name = p.wants("name") || p.expected == "`,` or `)`";
  if (wants_name && is_keyword(p.word)) return reserved(p, p.found);
  bool first = p.has_last && p.reading.last.begin == p.mark.begin;
  if (first && is_keyword(p.last) && defines(p.text, p.at)) return reserved(p, p.reading.last);
  if (p.at_statement() && is_keyword(p.word) && defines(p.text, p.next())) return reserved(p, p.found);
  return {};
}

Diagnostic no_statement(const Place& p, Span where) {
  std::string_view word = p.reading.text_of(where);
  Diagnostic d = diagnostic(Code::not_a_statement, where, quote(word) + " is no statement");
  Offset next = blanks_end(p.text, where.end, false);
  if (next < p.text.size() && p.text[next] == '(')
    return with_help(d, "a function is defined by `def`, as in `def f(x) = x^2`");
  if (next < p.text.size() && p.text[next] == ':')
    return with_help(
        d, fmt::format("a definition is written with `=`: `{} = …`", escaped(word, longest_excerpt)));
  std::string near = nearest(word, statement_keywords());
  if (!near.empty()) return with_help(d, fmt::format("did you mean `{}`?", near));
  Offset name_end = word_end(p.text, next);
  if (name_end > next && defines(p.text, blanks_end(p.text, name_end, false)))
    return with_help(d, fmt::format("a definition has no word before its name: `{} = …`",
                                    escaped(p.text.substr(next, name_end - next), longest_excerpt)));
  return with_help(d, "a statement begins with a keyword, or with a name and `=`, `:=` or `~`");
}

bool is_binary_operator(std::string_view token) {
  constexpr std::string_view signs[] = {"+", "-",  "*",  "/",  "@",  "^",   "<",
                                        ">", "<=", ">=", "==", "!=", "and", "or"};
  return std::ranges::find(signs, token) != std::end(signs);
}

Answer explain_statement(const Place& p) {
  if (p.at_statement()) {
    if (is_binary_operator(p.word))
      return with_help(
          diagnostic(Code::expected, p.found, fmt::format("a line cannot begin with `{}`", p.word)),
          fmt::format("move the `{}` to the end of the line before", p.word));
    if (word_end(p.text, p.at) > p.at && !is_keyword(p.word))
      if (Answer foreign = explain_foreign_definition(p)) return foreign;
    return no_statement(p, p.found);
  }
  // In a block a line may be a value, so `parm w = 0` is found only at `w`.
  bool first_name = p.has_last && p.reading.last.begin == p.mark.begin && !is_keyword(p.last) &&
                    word_end(p.text, p.mark.begin) == p.reading.last.end;
  bool word_follows = !p.ends() && (word_end(p.text, p.at) > p.at || p.text[p.at] == '"' ||
                                    (p.text[p.at] >= '0' && p.text[p.at] <= '9'));
  if (p.expected == end_of_statement_text && first_name && word_follows)
    return no_statement(p, p.reading.last);
  return {};
}

std::string expected_text(const Place& p) {
  bool list_begins = p.last == "(" || p.last == "[" || p.last == ",";
  if (list_begins && p.wants("an operator")) return "an expression";
  if (p.expected != end_of_statement_text) return p.expected;
  std::string_view first = p.text.substr(p.mark.begin, word_end(p.text, p.mark.begin) - p.mark.begin);
  if (first == "data") return "`,`, `from`, `columns`, `standardized`, an option or the end of the statement";
  if (first == "train") return "an operator, an option (`NAME =`) or the end of the statement";
  return p.expected;
}

// `predict = w*` and on the next line `b = 1`: read as `w*b`, followed by a `=` that nothing explains.
Answer explain_swallowed_line(const Place& p) {
  Span before = p.reading.before_last;
  bool definition = p.has_last && defines(p.text, p.at) && begins_line(p.text, p.reading.last.begin);
  if (!definition || p.reading.last.begin <= p.mark.begin || before.begin < p.mark.begin) return {};
  return diagnostic(Code::expected, before,
                    "expected an expression after " + quote(p.reading.text_of(before)));
}

// `2 x`, but not `0 b = 1`, where a comma is missing.
bool is_product(const Place& p) {
  bool after_number = !p.last.empty() && p.last.find_first_not_of("0123456789.") == std::string_view::npos;
  bool word = word_end(p.text, p.at) > p.at && !is_keyword(p.word) && !defines(p.text, p.next());
  return after_number && word && p.wants("an operator") && p.expected == expected_text(p);
}

// What the statement around the place suggests.
void help_of_statement(const Place& p, Diagnostic& d) {
  std::string_view first = p.text.substr(p.mark.begin, word_end(p.text, p.mark.begin) - p.mark.begin);
  std::string name = escaped(p.last, longest_excerpt);
  if (first == "param" && p.wants("`=` or `~`") && word_end(p.last, 0) == p.last.size())
    d.helps.push_back(fmt::format("every parameter has its start: `param {} = 0`", name));
  if (first == "train" && is_train_option(p.word))
    d.helps.push_back(fmt::format("an option is written `{}=…`", p.word));
  if (p.word == "if" && p.wants_operand())
    d.helps.push_back("an `if` inside an expression stands in parentheses: `w + (if c then a else b)`");
  if (p.word == "=" && p.expected == end_of_statement_text)
    d.helps.push_back("a statement defines one name; to compare write `==`");
}

Diagnostic explain_expected(const Place& p) {
  std::string message = "expected " + expected_text(p);
  if (p.has_last) message += " after " + quote(p.last);
  // An operator takes the lines that follow it: what is wrong is the operator, not the next line.
  if (p.wants_operand() && (p.later_line() || p.at_end()) && p.has_last) {
    Diagnostic d = diagnostic(Code::expected, p.reading.last, message);
    help_of_statement(p, d);
    return d;
  }
  if (p.at_end()) message += ", found the end of the text";
  else if (ends_line(p.text[p.at])) message += ", found the end of the line";
  else message += ", found " + quote(p.word);
  Diagnostic d = diagnostic(Code::expected, p.found, message);
  if (p.at_end() || ends_line(p.text[p.at])) d.span = p.reading.span(p.at, p.at);
  const Bracket* open = p.open();
  if (open && p.wants("or `"))
    d.notes.push_back(fmt::format("the `{}` was opened at {}", open->open, position_of(p.reading, open->at)));
  help_of_statement(p, d);
  if (is_product(p)) d.helps.push_back(fmt::format("a product is written `{}*{}`", p.last, p.word));
  return d;
}

}  // namespace

std::optional<Diagnostic> explain(const Reading& reading, const Mark& mark, Offset where,
                                  const std::string& expected) {
  Place p(reading, mark, where, expected);
  if (!p.at_end() && is_control(decode(p.text, p.at).value)) return {};  // check_characters has told it
  for (auto* explanation : {explain_character, explain_foreign, explain_plain_character, explain_bracket,
                            explain_reserved, explain_statement, explain_swallowed_line})
    if (Answer answer = explanation(p)) return answer;
  return explain_expected(p);
}

bool check_size(Reading& reading) {
  if (reading.text.size() <= text_limit) return true;
  std::string message = fmt::format("a model of {} bytes; the limit is {}", reading.text.size(), text_limit);
  reading.diagnostics.push_back(diagnostic(Code::too_large, reading.span(0, 0), message));
  return false;
}

bool check_characters(Reading& reading) {
  constexpr int most = 20;
  std::string_view text = reading.text;
  int lines = 0;
  for (Offset at = 0; at < text.size();) {
    CodePoint c = decode(text, at);
    if (!is_control(c.value)) {
      at += static_cast<Offset>(c.length);
      continue;
    }
    Span where = reading.span(at, at + static_cast<Offset>(c.length));
    auto byte = static_cast<unsigned char>(text[at]);
    Diagnostic d = bad_character(where, c.value, "");
    if (c.value == 0) {
      d.message = "a byte 0: this is no text";
      d.helps = {"is it the right file? models are texts in UTF-8"};
    }
    if (c.value == 0xFFFFFFFF) d.message = fmt::format("not UTF-8: the byte 0x{:02X} at offset {}", byte, at);
    if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF"))
      d.helps = {"this looks like UTF-16; save the file as UTF-8"};
    reading.diagnostics.push_back(std::move(d));
    if (++lines == most || c.value == 0) return false;  // what follows a byte 0 is noise
    at = static_cast<Offset>(std::min(text.find_first_of("\n\r", at), text.size()));
  }
  return true;
}

// ---- what tokens say themselves ----

Diagnostic explain_number(const Reading& reading, Offset begin, const Numeral& number) {
  Span where = reading.span(begin, number.end);
  std::string_view text = reading.text_of(where);
  Diagnostic d = diagnostic(Code::bad_number, where, quote(text) + " is not a number");
  std::size_t digits = std::min(text.find_first_not_of("0123456789._"), text.size());
  std::string_view rest = text.substr(digits), whole = text.substr(0, digits);
  if (std::ranges::count(whole, '.') > 1) return with_help(d, "a number has one decimal point");
  if (text.starts_with("0x") || text.starts_with("0b"))
    return with_help(d, "numbers are written in decimal digits");
  if (rest.empty()) return with_help(d, "a single `_` may stand between two digits");
  bool exponent =
      (rest[0] | 32) == 'e' && rest.find_first_not_of("+-0123456789_.", 1) == std::string_view::npos;
  if (exponent && rest.find('.') != std::string_view::npos)
    return with_help(d, "an exponent is a whole number");
  if (exponent) return with_help(d, "an exponent needs digits, as in `1e-3`");
  if (rest.find('.') != std::string_view::npos && word_end(rest, 0) == 0)
    return with_help(d, "a number has one decimal point");
  return with_help(d, fmt::format("a product is written `{}*{}`", escaped(whole, longest_excerpt),
                                  escaped(rest, longest_excerpt)));
}

Diagnostic explain_text(const Reading& reading, Offset begin, const Quoted& quoted) {
  if (!quoted.closed) {
    Diagnostic d = diagnostic(Code::unclosed, reading.span(begin, begin + 1), "this text is never closed");
    return with_help(d, "a text ends with `\"` on the line where it begins");
  }
  Offset at = *quoted.bad_escape;
  Span where = reading.span(at, at + 1 + static_cast<Offset>(decode(reading.text, at + 1).length));
  return with_help(
      diagnostic(Code::bad_character, where, "unknown " + quote(reading.text_of(where)) + " in a text"),
      "`\\\"`, `\\\\`, `\\n` and `\\t` are known");
}

Diagnostic second_comparison(const Reading& reading, Offset begin) {
  Span where = reading.span(begin, token_end(reading.text, begin));
  return with_help(diagnostic(Code::foreign_operator, where, "comparisons do not chain"),
                   "write `a < b and b < c` for `a < b < c`");
}

Diagnostic too_deep(const Reading& reading) {
  return with_help(
      diagnostic(Code::too_deep, reading.last, fmt::format("nested deeper than {}", depth_limit)),
      "give an inner part a name on a line of its own");
}

Diagnostic too_many_nodes(Reading& reading) {
  reading.stopped = true;
  return diagnostic(Code::too_large, reading.last, "the model is too large from here on");
}

}  // namespace slope::grammar
