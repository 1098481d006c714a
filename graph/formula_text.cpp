// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Terms as Slope, with the parentheses that its precedences ask for and no other.
#include <cmath>

#include <fmt/format.h>

#include "base/text.h"
#include "graph/formula.h"

namespace slope {

namespace {

using Kind = Term::Kind;

// How tightly a text holds together, from loosest to tightest, as in the language.
enum Level { open, disjunction, conjunction, inverse, comparison, terms, factors, minus, exponent, atom };

struct Piece {
  std::string text;
  Level level;
};

class TextWriter {
 public:
  TextWriter(Precision precision, const FormulaWords& words) : precision_(precision), words_(words) {}

  std::string write(const Term& t, Level least) const {
    Piece p = piece(t);
    return p.level < least ? "(" + p.text + ")" : p.text;
  }

 private:
  Piece piece(const Term& t) const {
    switch (t.kind) {
      case Kind::number: return number(t.value);
      case Kind::truth: return {t.value != 0 ? "true" : "false", atom};
      case Kind::name: return {t.text, atom};
      case Kind::row_count: return {words_.rows, atom};
      case Kind::sum: return sum(t);
      case Kind::product: return product(t, t.value);
      case Kind::power: return {write(t.parts[0], atom) + "^" + write(t.parts[1], minus), exponent};
      case Kind::call:
      case Kind::reduction: return {t.text + "(" + joined(t.parts, ", ", open) + ")", atom};
      case Kind::compare: return {joined(t.parts, " " + t.text + " ", terms), comparison};
      case Kind::logic:
        return {joined(t.parts, " " + t.text + " ", t.text == "and" ? inverse : conjunction),
                t.text == "and" ? conjunction : disjunction};
      case Kind::negation: return {"not " + write(t.parts[0], atom), inverse};
      case Kind::conditional:
        return {fmt::format("if {} then {} else {}", write(t.parts[0], disjunction),
                            write(t.parts[1], disjunction), write(t.parts[2], open)),
                open};
    }
    return {};
  }

  Piece number(double x) const {
    if (std::isnan(x)) return {"0/0", factors};
    if (std::isinf(x)) {
      Level level = words_.infinity == "inf" ? x < 0 ? minus : atom : factors;
      return {(x < 0 ? "-" : "") + words_.infinity, level};
    }
    std::string digits = precision_ == Precision::f32 ? shortest(static_cast<float>(x)) : shortest(x);
    return {digits, std::signbit(x) ? minus : atom};
  }

  std::string joined(const std::vector<Term>& parts, std::string_view separator, Level least) const {
    std::string out;
    for (const Term& part : parts) {
      if (&part != &parts[0]) out += separator;
      out += write(part, least);
    }
    return out;
  }

  Piece sum(const Term& t) const {
    std::string out;
    for (const Term& part : t.parts) {
      bool subtracted = &part != &t.parts[0] && std::signbit(part.value) &&
                        (part.kind == Kind::product || part.kind == Kind::number);
      if (&part != &t.parts[0]) out += subtracted ? " - " : " + ";
      if (!subtracted) {
        out += write(part, factors);
        continue;
      }
      Piece p = part.kind == Kind::number ? number(-part.value) : product(part, -part.value);
      out += p.level < factors ? "(" + p.text + ")" : p.text;
    }
    return {out, terms};
  }

  Piece product(const Term& t, double coefficient) const {
    std::vector<std::string> over, under;
    bool sign = coefficient == -1 && t.over > 0;
    if ((coefficient != 1 && !sign) || t.over == 0) over.push_back(number(coefficient).text);
    if (t.divisor != 1) under.push_back(number(t.divisor).text);
    bool alone = over.empty() && t.over == 1 && t.divisor == 1 && t.parts.size() == 1;
    if (alone) {
      Piece only = piece(t.parts[0]);
      if (!sign) return only;
      return {"-" + (only.level < exponent ? "(" + only.text + ")" : only.text), minus};
    }
    for (std::size_t i = 0; i < t.parts.size(); ++i)
      (i < t.over ? over : under).push_back(write(t.parts[i], exponent));
    std::string out = fmt::format("{}{}", sign ? "-" : "", fmt::join(over, "*"));
    if (under.size() == 1) out += "/" + under[0];
    if (under.size() > 1) out += fmt::format("/({})", fmt::join(under, "*"));
    return {out, factors};
  }

  Precision precision_;
  const FormulaWords& words_;
};

}  // namespace

std::string to_text(const Term& term, Precision precision, const FormulaWords& words) {
  return TextWriter(precision, words).write(term, open);
}

std::string formula_text(const Graph& graph, std::span<const Formula> formulas, const PrintNames& names) {
  FormulaWords words = formula_words(graph, names);
  std::string out;
  for (const Formula& f : formulas) {
    std::string line = fmt::format("{} = {}", f.derivative ? "d loss/d " + f.name : f.name,
                                   to_text(f.value, graph.precision(), words));
    out += with_place(line, names.places ? names.places(graph.origins(f.node)) : "") + "\n";
  }
  return out;
}

}  // namespace slope
