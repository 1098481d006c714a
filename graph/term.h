// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A formula as one writes it on paper: sums and products of any number of parts, powers, quotients,
// functions, reductions over rows, choices. Made of a graph by graph/formula.h, written by
// graph/formula_text.cpp and graph/formula_latex.cpp.
//
// The functions below keep a normal form, in which equal things look equal:
//   - a sum holds no sum; a part with a negative coefficient is what is subtracted
//   - a product is coefficient/divisor · parts[0, over) / parts[over, …); no part is a product; equal factors
//   are
//     one power; coefficient and divisor are finite, not both other than 1 without need
//   - what is the same for every row stands in front of a sum over rows
// Every rule is an identity of real numbers. Roundings differ from the graph's; nothing is cancelled that may
// be zero or infinite, but the number of rows.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace slope {

struct Term {
  enum class Kind : std::uint8_t {
    number,       // value
    truth,        // value: 0 or 1
    name,         // text: a column, a parameter, a definition
    row_count,    // the number of rows
    sum,          // of parts
    product,      // see above
    power,        // parts: base, exponent
    call,         // text(parts …)
    reduction,    // text: sum, mean, max, min; over the rows of its part
    compare,      // text: < <= > >= == !=; two parts
    logic,        // text: and, or; parts
    negation,     // not its part
    conditional,  // if, then, else
  };
  Kind kind = Kind::number;
  bool rows = false;  // one value a row
  std::string text;
  double value = 0;      // of a number; the coefficient of a product
  double divisor = 1;    // of a product
  std::size_t over = 0;  // of a product: how many parts are factors, the others divide
  std::vector<Term> parts;
  std::size_t hash = 0;  // of all of the above
  int size = 1;          // names, numbers and functions in it
  int depth = 1;

  bool is_number(double x) const { return kind == Kind::number && value == x; }
};

namespace term {

bool same(const Term& a, const Term& b);

// The precision tells which decimals are short, and what 1/3 is rounded to.
Term number(double value, Precision precision);
Term truth(bool value);
Term named(std::string name, bool rows);
Term row_count();
Term sum(Term a, Term b, Precision precision);
Term difference(Term a, Term b, Precision precision);
Term product(Term a, Term b, Precision precision);
Term quotient(Term a, Term b, Precision precision);
Term power(Term base, Term exponent);
Term call(std::string function, std::vector<Term> arguments);
Term compare(std::string op, Term a, Term b);
Term logic(std::string op, Term a, Term b);
Term negation(Term condition);
Term conditional(Term condition, Term a, Term b, Precision precision);
Term reduction(Reduction reduction, Term x, Precision precision);

// x = outer · core, where core is what differs from row to row and outer the rest; x becomes the core.
Term split_rows(Term& x, Precision precision);

// The form for reading, made once at the end: sum(…)/rows as a mean, a coefficient in the one mean, sum or
// branch that it multiplies, no condition inside a branch that already decides it.
Term readable(Term term, Precision precision);

}  // namespace term
}  // namespace slope
