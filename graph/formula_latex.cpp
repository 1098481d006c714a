// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Terms as LaTeX. What has one value a row carries an index: i, and inside of a sum over rows the next
// letter. Nothing but amsmath is needed.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "graph/formula.h"

namespace slope {

namespace {

using Kind = Term::Kind;

enum Level { open, disjunction, conjunction, inverse, comparison, terms, factors, minus, exponent, atom };

struct Spelling {
  std::string_view name, latex;
};
// Functions that LaTeX has a word for; every other one is an \operatorname.
constexpr Spelling functions[] = {{"exp", "\\exp"},     {"log", "\\log"},          {"sin", "\\sin"},
                                  {"cos", "\\cos"},     {"tan", "\\tan"},          {"asin", "\\arcsin"},
                                  {"acos", "\\arccos"}, {"atan", "\\arctan"},      {"sinh", "\\sinh"},
                                  {"cosh", "\\cosh"},   {"tanh", "\\tanh"},        {"max", "\\max"},
                                  {"min", "\\min"},     {"lgamma", "\\log\\Gamma"}};
// Functions that are written around their argument.
struct Fence {
  std::string_view name, before, after;
};
constexpr Fence fences[] = {{"sqrt", "\\sqrt{", "}"},
                            {"abs", "\\left|", "\\right|"},
                            {"floor", "\\left\\lfloor ", "\\right\\rfloor "},
                            {"ceil", "\\left\\lceil ", "\\right\\rceil "}};
constexpr Spelling comparisons[] = {{"<", "<"},     {"<=", "\\le"}, {">", ">"},
                                    {">=", "\\ge"}, {"==", "="},    {"!=", "\\ne"}};
constexpr Spelling letters[] = {
    {"α", "alpha"},   {"β", "beta"},  {"γ", "gamma"},  {"δ", "delta"}, {"ε", "epsilon"}, {"ζ", "zeta"},
    {"η", "eta"},     {"θ", "theta"}, {"ι", "iota"},   {"κ", "kappa"}, {"λ", "lambda"},  {"μ", "mu"},
    {"ν", "nu"},      {"ξ", "xi"},    {"π", "pi"},     {"ρ", "rho"},   {"σ", "sigma"},   {"τ", "tau"},
    {"υ", "upsilon"}, {"φ", "phi"},   {"χ", "chi"},    {"ψ", "psi"},   {"ω", "omega"},   {"Γ", "Gamma"},
    {"Δ", "Delta"},   {"Θ", "Theta"}, {"Λ", "Lambda"}, {"Ξ", "Xi"},    {"Π", "Pi"},      {"Σ", "Sigma"},
    {"Υ", "Upsilon"}, {"Φ", "Phi"},   {"Ψ", "Psi"},    {"Ω", "Omega"}};

template <std::size_t N>
std::string_view spelled(const Spelling (&table)[N], std::string_view name) {
  for (const Spelling& entry : table)
    if (entry.name == name) return entry.latex;
  return {};
}

std::string index_name(int level) {
  constexpr std::string_view names = "ijklmn";
  auto at = static_cast<std::size_t>(level);
  return at < names.size() ? std::string(1, names[at]) : fmt::format("i_{{{}}}", level);
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// One word without underscores: a Greek letter, a letter, or an upright word.
std::string word(std::string_view w) {
  if (std::string_view name = spelled(letters, w); !name.empty()) return fmt::format("\\{}", name);
  for (const Spelling& entry : letters)
    if (entry.latex == w) return fmt::format("\\{}", w);
  if (w.size() <= 1 || std::all_of(w.begin(), w.end(), is_digit)) return std::string(w);
  // Letters that fonts of formulas lack stand as text.
  bool ascii = std::all_of(w.begin(), w.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  return fmt::format("\\{}{{{}}}", ascii ? "mathrm" : "text", w);
}

std::string indexed_name(std::string_view name, const std::string& index) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at <= name.size();) {
    std::size_t end = std::min(name.find('_', at), name.size());
    if (end > at) parts.emplace_back(name.substr(at, end - at));
    at = end + 1;
  }
  if (parts.empty()) parts.emplace_back("\\_");  // a name of underscores
  // b12 is b with the subscript 12.
  std::string& first = parts[0];
  std::size_t letters_end = first.size();
  while (letters_end > 0 && is_digit(first[letters_end - 1])) --letters_end;
  if (letters_end > 0 && letters_end < first.size()) {
    parts.insert(parts.begin() + 1, parts[0].substr(letters_end));
    parts[0].resize(letters_end);
  }
  std::string out = parts[0] == "\\_" ? parts[0] : word(parts[0]), below;
  for (std::size_t i = 1; i < parts.size(); ++i) below += (i > 1 ? "," : "") + word(parts[i]);
  if (!index.empty()) below += (below.empty() ? "" : ",") + index;
  return below.empty() ? out : fmt::format("{}_{{{}}}", out, below);
}

struct Piece {
  std::string text;
  Level level;
};

class LatexWriter {
 public:
  // Where rows are outside already, sums go over the second letter.
  LatexWriter(Precision precision, std::string_view loss, bool rows)
      : precision_(precision), loss_(loss), level_(rows ? 0 : -1) {}

  std::string write(const Term& t, Level least) {
    Piece p = piece(t);
    return p.level < least ? parenthesized(p.text) : p.text;
  }

 private:
  static std::string parenthesized(const std::string& text) { return "\\left(" + text + "\\right)"; }

  Piece piece(const Term& t) {
    switch (t.kind) {
      case Kind::number: return number(t.value);
      case Kind::truth: return {t.value != 0 ? "\\text{true}" : "\\text{false}", atom};
      case Kind::name:
        if (t.text == "loss") return {std::string(loss_), atom};
        return {indexed_name(t.text, t.rows ? index_name(level_) : ""), atom};
      case Kind::row_count: return {"N", atom};
      case Kind::sum: return sum(t);
      case Kind::product: return product(t, t.value);
      case Kind::power: return power(t);
      case Kind::call: return call(t);
      case Kind::reduction: return reduction(t);
      case Kind::compare:
        return {fmt::format("{} {} {}", write(t.parts[0], terms), spelled(comparisons, t.text),
                            write(t.parts[1], terms)),
                comparison};
      case Kind::logic: {
        bool both = t.text == "and";
        return {joined(t.parts, both ? " \\land " : " \\lor ", both ? inverse : conjunction),
                both ? conjunction : disjunction};
      }
      case Kind::negation: return {"\\lnot " + write(t.parts[0], atom), inverse};
      case Kind::conditional:
        return {
            fmt::format("\\begin{{cases}} {} & \\text{{if }} {} \\\\ {} & \\text{{otherwise}} \\end{{cases}}",
                        write(t.parts[1], open), write(t.parts[0], open), write(t.parts[2], open)),
            open};
    }
    return {};
  }

  Piece number(double x) const {
    if (std::isnan(x)) return {"\\mathrm{NaN}", atom};
    if (std::isinf(x)) return {x < 0 ? "-\\infty" : "\\infty", x < 0 ? minus : atom};
    std::string digits = precision_ == Precision::f32 ? shortest(static_cast<float>(x)) : shortest(x);
    std::size_t e = digits.find('e');
    if (e == std::string::npos) return {digits, std::signbit(x) ? minus : atom};
    std::string mantissa = digits.substr(0, e), power = std::to_string(std::stoi(digits.substr(e + 1)));
    std::string ten = fmt::format("10^{{{}}}", power);
    if (mantissa == "1") return {ten, exponent};
    return {mantissa == "-1" ? "-" + ten : mantissa + " \\cdot " + ten, factors};
  }

  std::string joined(const std::vector<Term>& parts, std::string_view separator, Level least) {
    std::string out;
    for (const Term& part : parts) {
      if (&part != &parts[0]) out += separator;
      out += write(part, least);
    }
    return out;
  }

  Piece sum(const Term& t) {
    std::string out;
    for (const Term& part : t.parts) {
      bool first = &part == &t.parts[0];
      bool subtracted =
          !first && std::signbit(part.value) && (part.kind == Kind::product || part.kind == Kind::number);
      if (!first) out += subtracted ? " - " : " + ";
      Piece p = !subtracted                 ? piece(part)
                : part.kind == Kind::number ? number(-part.value)
                                            : product(part, -part.value);
      out += p.level < factors ? parenthesized(p.text) : p.text;
    }
    return {out, terms};
  }

  // Factors beside each other; a dot where a digit would follow a number.
  static std::string beside(const std::vector<std::string>& parts) {
    std::string out;
    for (const std::string& part : parts) {
      bool digit = !part.empty() && (is_digit(part[0]) || part.starts_with("\\frac"));
      if (!out.empty()) out += digit ? " \\cdot " : " \\, ";
      out += part;
    }
    return out;
  }

  Piece product(const Term& t, double coefficient) {
    std::vector<std::string> over, under;
    bool sign = std::signbit(coefficient);
    double size = std::fabs(coefficient);
    if (size != 1 || t.over == 0) over.push_back(number(size).text);
    if (t.divisor != 1) under.push_back(number(t.divisor).text);
    bool fraction = t.divisor != 1 || t.over < t.parts.size();
    bool alone = over.size() + t.parts.size() + under.size() == 1;
    if (alone && t.parts.size() == 1) {
      Piece only = piece(t.parts[0]);
      if (!sign) return only;
      return {"-" + (only.level < exponent ? parenthesized(only.text) : only.text), minus};
    }
    for (std::size_t i = 0; i < t.parts.size(); ++i) {
      bool is_over = i < t.over;
      bool single = is_over ? over.empty() && t.over == 1 : under.empty() && t.parts.size() == t.over + 1;
      (is_over ? over : under).push_back(write(t.parts[i], fraction && single ? open : exponent));
    }
    std::string out = beside(over);
    if (fraction) out = fmt::format("\\frac{{{}}}{{{}}}", out, beside(under));
    return {sign ? "-" + out : out, factors};
  }

  Piece power(const Term& t) {
    const Term& base = t.parts[0];
    bool closed = base.kind == Kind::call && (base.text == "abs" || base.text == "sqrt");
    bool bare =
        base.kind == Kind::name || base.kind == Kind::number || base.kind == Kind::row_count || closed;
    std::string text = write(base, atom);
    if (!bare && piece(base).level == atom) text = parenthesized(text);
    return {fmt::format("{}^{{{}}}", text, write(t.parts[1], open)), exponent};
  }

  Piece call(const Term& t) {
    for (const Fence& fence : fences)
      if (fence.name == t.text)
        return {fmt::format("{}{}{}", fence.before, joined(t.parts, ", ", open), fence.after), atom};
    std::string_view own = spelled(functions, t.text);
    std::string name = own.empty() ? operator_name(t.text) : std::string(own);
    return {name + parenthesized(joined(t.parts, ", ", open)), atom};
  }

  static std::string operator_name(std::string_view name) {
    std::string out;
    for (char c : name) out += c == '_' ? "\\_" : std::string(1, c);
    return fmt::format("\\operatorname{{{}}}", out);
  }

  // A sum reaches over products only; it holds together as loosely as a sum itself.
  Piece reduction(const Term& t) {
    ++level_;
    std::string index = index_name(level_), body = write(t.parts[0], factors);
    --level_;
    if (t.text == "max" || t.text == "min")
      return {fmt::format("\\{}_{{1 \\le {} \\le N}} {}", t.text, index, body), minus};
    return {fmt::format("{}\\sum_{{{}=1}}^{{N}} {}", t.text == "mean" ? "\\frac{1}{N} " : "", index, body),
            minus};
  }

  Precision precision_;
  std::string_view loss_;
  int level_;  // of the index that a value with rows has here; −1: none yet
};

std::string left_side(const Formula& f, std::string_view loss) {
  if (f.derivative) return fmt::format("\\frac{{\\partial {}}}{{\\partial {}}}", loss, latex_name(f.name));
  return f.name == "loss" ? std::string(loss) : latex_name(f.name, f.value.rows);
}

}  // namespace

std::string latex_name(std::string_view name, bool rows) {
  return indexed_name(name, rows ? index_name(0) : "");
}

std::string to_latex(const Term& term, Precision precision, std::string_view loss) {
  return LatexWriter(precision, loss, term.rows).write(term, open);
}

std::string formula_latex(const Graph& graph, std::span<const Formula> formulas) {
  auto names_l = [](const Formula& f) { return f.name == "L"; };
  bool taken = std::any_of(formulas.begin(), formulas.end(), names_l);
  std::string_view loss = taken ? "\\mathrm{loss}" : "L";
  std::string out = "\\begin{align*}\n";
  for (const Formula& f : formulas)
    out += fmt::format("  {} &= {}{}\n", left_side(f, loss), to_latex(f.value, graph.precision(), loss),
                       &f == &formulas.back() ? "" : " \\\\");
  return out + "\\end{align*}\n";
}

}  // namespace slope
