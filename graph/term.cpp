// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "graph/term.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <numeric>
#include <optional>
#include <span>
#include <utility>

#include "base/text.h"

namespace slope::term {

using Kind = Term::Kind;

namespace {

Term finished(Term t) {
  auto mix = [&](std::size_t v) { t.hash = (t.hash ^ v) * 0x9E3779B97F4A7C15u + (t.hash >> 29); };
  t.hash = static_cast<std::size_t>(t.kind) + 1;
  mix(std::hash<std::string>()(t.text));
  mix(std::hash<double>()(t.value));
  mix(std::hash<double>()(t.divisor));
  mix(t.over);
  t.size = t.kind == Kind::sum || t.kind == Kind::product || t.kind == Kind::logic ? 0 : 1;
  int deepest = 0;
  for (const Term& part : t.parts) {
    mix(part.hash);
    t.rows |= part.rows && t.kind != Kind::reduction;
    t.size += part.size;
    deepest = std::max(deepest, part.depth);
  }
  t.size = std::max(t.size, 1);
  t.depth = deepest + 1;
  return t;
}

Term make(Kind kind, std::string text, std::vector<Term> parts) {
  Term t;
  t.kind = kind;
  t.text = std::move(text);
  t.parts = std::move(parts);
  return finished(std::move(t));
}

std::vector<Term> list(Term a, Term b) {
  std::vector<Term> parts;
  parts.push_back(std::move(a));
  parts.push_back(std::move(b));
  return parts;
}

Term plain_number(double value) {
  Term t;
  t.value = value;
  return finished(std::move(t));
}

double rounded(double x, Precision precision) {
  return precision == Precision::f32 ? static_cast<double>(static_cast<float>(x)) : x;
}

// --- numbers ---

// a·b as one would write it: exact, or the decimal of 15 digits (6 in f32) next to it where that is the same
// up to rounding: 0.1·3 is 0.3. No value where the product leaves the range of ordinary numbers.
bool multiplied(double a, double b, Precision precision, double& out) {
  double p = a * b;
  bool ordinary = std::isnormal(p) || (p == 0 && (a == 0 || b == 0));
  if (precision == Precision::f32 && p != 0) ordinary = ordinary && std::isnormal(static_cast<float>(p));
  if (!ordinary) return false;
  out = p;
  if (rounded(p, precision) == p && std::fma(a, b, -p) == 0) return true;
  bool single = precision == Precision::f32;
  char digits[40];
  std::snprintf(digits, sizeof digits, "%.*g", single ? 6 : 15, p);
  double decimal = std::strtod(digits, nullptr);
  if (std::fabs(decimal - p) <= (single ? 5e-7 : 9e-16) * std::fabs(p)) out = decimal;
  return true;
}

// value/divisor in lowest terms where both are whole, as one number where that is exact.
void reduce_fraction(double& value, double& divisor) {
  constexpr double whole = 9007199254740992;  // 2^53
  auto is_whole = [](double x) { return x == std::trunc(x) && std::fabs(x) < whole; };
  if (divisor < 0) value = -value, divisor = -divisor;
  if (divisor == 1 || value == 0) {
    if (value == 0) divisor = 1;
    return;
  }
  if (is_whole(value) && is_whole(divisor)) {
    auto g = static_cast<double>(
        std::gcd(static_cast<std::int64_t>(std::fabs(value)), static_cast<std::int64_t>(divisor)));
    value /= g;
    divisor /= g;
    return;
  }
  double q = value / divisor;
  if (std::isnormal(q) && std::fma(q, divisor, -value) == 0 && shortest(q).size() <= 8)
    value = q, divisor = 1;
}

// Whether the number is p/q rounded, with small p and q and no shorter decimal.
bool as_fraction(double x, Precision precision, double& p, double& q) {
  std::string digits = precision == Precision::f32 ? shortest(static_cast<float>(x)) : shortest(x);
  if (!std::isfinite(x) || digits.size() <= 8) return false;
  for (q = 3; q < 100; ++q) {
    p = std::nearbyint(x * q);
    if (p != 0 && std::fabs(p) < 1000 && rounded(p / q, precision) == x) return true;
  }
  return false;
}

// --- products ---

struct Factors {
  double value = 1, divisor = 1;
  std::vector<Term> over, under;
};

Factors factors_of(Term t) {
  Factors f;
  if (t.kind == Kind::number && std::isfinite(t.value)) {
    f.value = t.value;
  } else if (t.kind == Kind::product) {
    f.value = t.value;
    f.divisor = t.divisor;
    auto middle = t.parts.begin() + static_cast<std::ptrdiff_t>(t.over);
    f.over.assign(std::make_move_iterator(t.parts.begin()), std::make_move_iterator(middle));
    f.under.assign(std::make_move_iterator(middle), std::make_move_iterator(t.parts.end()));
  } else {
    f.over.push_back(std::move(t));
  }
  return f;
}

Term term_of(Factors f) {
  if (f.over.empty() && f.under.empty() && f.divisor == 1) return plain_number(f.value);
  if (f.value == 1 && f.divisor == 1 && f.over.size() == 1 && f.under.empty()) return std::move(f.over[0]);
  Term t;
  t.kind = Kind::product;
  t.value = f.value;
  t.divisor = f.divisor;
  t.over = f.over.size();
  t.parts = std::move(f.over);
  t.parts.insert(t.parts.end(), std::make_move_iterator(f.under.begin()),
                 std::make_move_iterator(f.under.end()));
  return finished(std::move(t));
}

const Term& base_of(const Term& t) { return t.kind == Kind::power ? t.parts[0] : t; }

// The exponent of a factor that is a base to a small whole power; 0 where it is none.
double exponent_of(const Term& t) {
  if (t.kind != Kind::power) return 1;
  const Term& e = t.parts[1];
  bool whole = e.kind == Kind::number && e.value >= 2 && e.value <= 1000 && e.value == std::trunc(e.value);
  return whole ? e.value : 0;
}

constexpr std::size_t most_compared = 64;  // long products are not searched for equal factors

void add_factor(std::vector<Term>& into, Term t) {
  double exponent = exponent_of(t);
  bool single = t.kind == Kind::number || t.kind == Kind::row_count;  // rows are cancelled one by one
  if (exponent > 0 && into.size() < most_compared && !single)
    for (Term& other : into) {
      double e = exponent_of(other);
      if (e == 0 || !same(base_of(other), base_of(t))) continue;
      Term base = other.kind == Kind::power ? std::move(other.parts[0]) : std::move(other);
      other = power(std::move(base), plain_number(e + exponent));
      return;
    }
  into.push_back(std::move(t));
}

// The number of rows is at least one: it may be cancelled.
void cancel_rows(Factors& f) {
  auto rows = [](const Term& t) { return t.kind == Kind::row_count; };
  auto a = std::find_if(f.over.begin(), f.over.end(), rows);
  auto b = std::find_if(f.under.begin(), f.under.end(), rows);
  if (a == f.over.end() || b == f.under.end()) return;
  f.over.erase(a);
  f.under.erase(b);
}

// A number joins the coefficient where that stays an ordinary number; else it stays a factor.
void scale(double& coefficient, double x, std::vector<Term>& otherwise, Precision precision) {
  if (x == 1) return;
  if (!multiplied(coefficient, x, precision, coefficient)) otherwise.push_back(plain_number(x));
}

Term multiplied(Factors a, Factors b, bool inverse, Precision precision) {
  if (inverse) {
    std::swap(b.over, b.under);
    std::swap(b.value, b.divisor);
  }
  if (b.divisor == 0) {  // x/0
    b.divisor = 1;
    a.under.push_back(plain_number(0));
  }
  scale(a.value, b.value, a.over, precision);
  scale(a.divisor, b.divisor, a.under, precision);
  reduce_fraction(a.value, a.divisor);
  for (Term& t : b.over) add_factor(a.over, std::move(t));
  for (Term& t : b.under) add_factor(a.under, std::move(t));
  cancel_rows(a);
  return term_of(std::move(a));
}

bool negative(const Term& t) {
  return (t.kind == Kind::product || t.kind == Kind::number) && std::signbit(t.value);
}

Term scaled(Term t, double by, Precision precision) {
  Factors f;
  f.value = by;
  return multiplied(std::move(f), factors_of(std::move(t)), false, precision);
}

bool divided_by_rows(const Term& t) {
  if (t.kind == Kind::product)
    return std::any_of(t.parts.begin() + static_cast<std::ptrdiff_t>(t.over), t.parts.end(),
                       [](const Term& p) { return p.kind == Kind::row_count; });
  return t.kind == Kind::sum && std::all_of(t.parts.begin(), t.parts.end(), divided_by_rows);
}

Term times_rows(Term t, Precision precision) {
  if (t.kind != Kind::sum) return product(std::move(t), row_count(), precision);
  std::vector<Term> parts;
  for (Term& part : t.parts) parts.push_back(times_rows(std::move(part), precision));
  return make(Kind::sum, "", std::move(parts));
}

// Takes coefficient and number of rows out of t; what is returned times t is what it was.
Term split_numbers(Term& t, Precision precision) {
  Factors outer;
  if (divided_by_rows(t)) {
    t = times_rows(std::move(t), precision);
    outer.under.push_back(row_count());
  }
  if (t.kind == Kind::product || t.kind == Kind::number) {
    Factors inner = factors_of(std::move(t));
    if (inner.over.empty() && inner.under.empty() && inner.value == 0) {
      t = plain_number(0);
      return term_of(std::move(outer));
    }
    outer.value = std::exchange(inner.value, 1);
    outer.divisor = std::exchange(inner.divisor, 1);
    t = term_of(std::move(inner));
  }
  return term_of(std::move(outer));
}

}  // namespace

bool same(const Term& a, const Term& b) {
  return a.hash == b.hash && a.kind == b.kind && a.rows == b.rows && a.text == b.text && a.value == b.value &&
         std::signbit(a.value) == std::signbit(b.value) && a.divisor == b.divisor && a.over == b.over &&
         std::equal(a.parts.begin(), a.parts.end(), b.parts.begin(), b.parts.end(), same);
}

Term number(double value, Precision precision) {
  Factors f;
  if (!as_fraction(value, precision, f.value, f.divisor)) return plain_number(value);
  reduce_fraction(f.value, f.divisor);
  return term_of(std::move(f));
}

Term truth(bool value) {
  Term t = make(Kind::truth, "", {});
  t.value = value;
  return finished(std::move(t));
}

Term named(std::string name, bool rows) {
  Term t = make(Kind::name, std::move(name), {});
  t.rows = rows;
  return t;
}

Term row_count() { return make(Kind::row_count, "", {}); }

namespace {

// The choice that a part of a sum is, times a number or not; null where it is none with a 0 on one side.
const Term* choice_in(const Term& t) {
  bool scaled_choice = t.kind == Kind::product && t.over == 1 && t.parts.size() == 1;
  const Term& c = scaled_choice ? t.parts[0] : t;
  bool one_sided = c.kind == Kind::conditional && c.parts[1].is_number(0) != c.parts[2].is_number(0);
  return one_sided ? &c : nullptr;
}

// (if c then x else 0) + (if c then 0 else y) → if c then x else y.
bool join_choices(Term& a, Term& b, Precision precision) {
  const Term *first = choice_in(a), *second = choice_in(b);
  if (!first || !second || !same(first->parts[0], second->parts[0])) return false;
  std::size_t taken = first->parts[1].is_number(0) ? 2 : 1;
  if (!second->parts[taken].is_number(0)) return false;
  auto branch = [&](Term& whole, const Term& choice, std::size_t at) {
    Factors f;
    if (whole.kind == Kind::product) f.value = whole.value, f.divisor = whole.divisor;
    return multiplied(std::move(f), factors_of(choice.parts[at]), false, precision);
  };
  Term x = branch(a, *first, taken), y = branch(b, *second, 3 - taken), condition = first->parts[0];
  if (taken == 2) std::swap(x, y);
  a = conditional(std::move(condition), std::move(x), std::move(y), precision);
  return true;
}

// 2·x + x → 3·x. What would leave 0·x stays: x may be infinite.
bool join_equals(Term& a, const Term& b) {
  if (a.kind == Kind::number) return false;
  auto coefficient = [](const Term& t) { return t.kind == Kind::product ? t.value : 1; };
  auto divisor = [](const Term& t) { return t.kind == Kind::product ? t.divisor : 1; };
  auto over = [](const Term& t) { return t.kind == Kind::product ? t.over : 1; };
  auto factors = [](const Term& t) {
    return t.kind == Kind::product ? std::span<const Term>(t.parts) : std::span<const Term>(&t, 1);
  };
  double total = coefficient(a) + coefficient(b);
  bool exact =
      total != 0 && total - coefficient(a) == coefficient(b) && total - coefficient(b) == coefficient(a);
  if (!exact || divisor(a) != divisor(b) || over(a) != over(b) || factors(a).empty() ||
      !std::equal(factors(a).begin(), factors(a).end(), factors(b).begin(), factors(b).end(), same))
    return false;
  Factors f = factors_of(std::move(a));
  f.value = total;
  reduce_fraction(f.value, f.divisor);
  a = term_of(std::move(f));
  return true;
}

constexpr std::size_t most_joined = 8;  // how far back in a sum the other half is looked for

}  // namespace

Term sum(Term a, Term b, Precision precision) {
  // x/rows + y/rows → (x + y)/rows, within a row: between sums over rows each keeps its own.
  if ((a.rows || b.rows) && divided_by_rows(a) && divided_by_rows(b)) {
    Term whole = sum(times_rows(std::move(a), precision), times_rows(std::move(b), precision), precision);
    return quotient(std::move(whole), row_count(), precision);
  }
  std::vector<Term> parts, more;
  if (a.kind == Kind::sum) parts = std::move(a.parts);
  else parts.push_back(std::move(a));
  if (b.kind == Kind::sum) more = std::move(b.parts);
  else more.push_back(std::move(b));
  for (Term& part : more) {
    bool joined = false;
    for (std::size_t i = parts.size(); !joined && i-- > 0 && parts.size() - i <= most_joined;)
      joined = join_equals(parts[i], part) || join_choices(parts[i], part, precision);
    if (!joined) parts.push_back(std::move(part));
  }
  return parts.size() == 1 ? std::move(parts[0]) : make(Kind::sum, "", std::move(parts));
}

// −(a + b) stays together: it is subtracted as a whole.
Term difference(Term a, Term b, Precision precision) {
  return sum(std::move(a), scaled(std::move(b), -1, precision), precision);
}

Term product(Term a, Term b, Precision precision) {
  return multiplied(factors_of(std::move(a)), factors_of(std::move(b)), false, precision);
}

Term quotient(Term a, Term b, Precision precision) {
  return multiplied(factors_of(std::move(a)), factors_of(std::move(b)), true, precision);
}

Term power(Term base, Term exponent) {
  return make(Kind::power, "", list(std::move(base), std::move(exponent)));
}

Term call(std::string function, std::vector<Term> arguments) {
  return make(Kind::call, std::move(function), std::move(arguments));
}

Term compare(std::string op, Term a, Term b) {
  return make(Kind::compare, std::move(op), list(std::move(a), std::move(b)));
}

Term logic(std::string op, Term a, Term b) {
  std::vector<Term> parts;
  for (Term* t : {&a, &b}) {
    if (t->kind == Kind::logic && t->text == op)
      parts.insert(parts.end(), std::make_move_iterator(t->parts.begin()),
                   std::make_move_iterator(t->parts.end()));
    else parts.push_back(std::move(*t));
  }
  return make(Kind::logic, std::move(op), std::move(parts));
}

Term negation(Term condition) {
  if (condition.kind == Kind::negation) return std::move(condition.parts[0]);
  std::vector<Term> parts;
  parts.push_back(std::move(condition));
  return make(Kind::negation, "", std::move(parts));
}

// A number or 1/rows that a branch is multiplied by stands in front where the other branch is 0.
Term conditional(Term condition, Term a, Term b, Precision precision) {
  if (condition.kind == Kind::negation) {
    Term inner = std::move(condition.parts[0]);
    return conditional(std::move(inner), std::move(b), std::move(a), precision);
  }
  if (condition.kind == Kind::truth) return condition.value != 0 ? std::move(a) : std::move(b);
  Term outer = plain_number(1);
  if (condition.rows && b.is_number(0)) {
    outer = split_numbers(a, precision);
  } else if (condition.rows && a.is_number(0)) {
    outer = split_numbers(b, precision);
  } else if (divided_by_rows(a) && divided_by_rows(b)) {
    a = times_rows(std::move(a), precision);
    b = times_rows(std::move(b), precision);
    outer = quotient(plain_number(1), row_count(), precision);
  }
  std::vector<Term> parts = list(std::move(condition), std::move(a));
  parts.push_back(std::move(b));
  return product(std::move(outer), make(Kind::conditional, "", std::move(parts)), precision);
}

Term split_rows(Term& x, Precision precision) {
  Term outer = split_numbers(x, precision);
  if (x.kind != Kind::product) return outer;
  Factors inner = factors_of(std::move(x)), front = factors_of(std::move(outer));
  auto move_out = [](std::vector<Term>& from, std::vector<Term>& to) {
    auto same_in_rows = [](const Term& t) { return !t.rows; };
    for (Term& t : from)
      if (same_in_rows(t)) add_factor(to, t);
    std::erase_if(from, same_in_rows);
  };
  move_out(inner.over, front.over);
  move_out(inner.under, front.under);
  x = term_of(std::move(inner));
  return term_of(std::move(front));
}

Term reduction(Reduction reduction, Term x, Precision precision) {
  if (reduction != Reduction::sum) {
    if (!x.rows) return x;
    std::vector<Term> parts;
    parts.push_back(std::move(x));
    return make(Kind::reduction, std::string(to_string(reduction)), std::move(parts));
  }
  if (!x.rows) return product(std::move(x), row_count(), precision);
  Term outer = split_rows(x, precision);
  std::vector<Term> parts;
  parts.push_back(std::move(x));
  return product(std::move(outer), make(Kind::reduction, "sum", std::move(parts)), precision);
}

// --- the form for reading ---
namespace {

struct Fact {
  const Term* condition;
  bool holds;
};

class Reader {
 public:
  explicit Reader(Precision precision) : precision_(precision) {}

  Term read(Term t) {
    switch (t.kind) {
      case Kind::product: return read_product(std::move(t));
      case Kind::conditional: return read_conditional(std::move(t));
      case Kind::reduction: return read_reduction(std::move(t));
      case Kind::sum: return read_sum(std::move(t));
      default: return read_parts(std::move(t));
    }
  }

 private:
  Term read_parts(Term t) {
    for (Term& part : t.parts) part = read(std::move(part));
    return finished(std::move(t));
  }

  // A subtracted part is never the first where another could be.
  Term read_sum(Term t) {
    std::vector<Term> parts;
    for (Term& part : t.parts) {
      Term done = read(std::move(part));
      if (done.kind == Kind::sum)
        parts.insert(parts.end(), std::make_move_iterator(done.parts.begin()),
                     std::make_move_iterator(done.parts.end()));
      else parts.push_back(std::move(done));
    }
    auto positive = std::find_if_not(parts.begin(), parts.end(), negative);
    if (positive != parts.end()) std::rotate(parts.begin(), positive, positive + 1);
    return make(Kind::sum, "", std::move(parts));
  }

  Term read_reduction(Term t) {
    // What is known of the row outside says nothing of the rows inside.
    std::vector<Fact> kept = facts_;
    std::erase_if(facts_, [](const Fact& f) { return f.condition->rows; });
    t = read_parts(std::move(t));
    facts_ = std::move(kept);
    if (t.parts[0].rows) return t;
    Term x = std::move(t.parts[0]);  // what differed from row to row is decided
    return t.text == "sum" ? product(std::move(x), row_count(), precision_) : x;
  }

  Term read_product(Term t) {
    Factors f = factors_of(std::move(t));
    for (Term& p : f.over) take_mean(p, f.under);
    Factors out;
    out.value = f.value;
    out.divisor = f.divisor;
    for (Term& p : f.over) out.over.push_back(read(std::move(p)));
    for (Term& p : f.under) out.under.push_back(read(std::move(p)));
    return with_coefficient_inside(std::move(out));
  }

  // sum(…)^n over rows^n.
  static void take_mean(Term& factor, std::vector<Term>& under) {
    auto n = static_cast<std::ptrdiff_t>(exponent_of(factor));
    Term& total = factor.kind == Kind::power ? factor.parts[0] : factor;
    auto rows = [](const Term& p) { return p.kind == Kind::row_count; };
    bool is_sum = total.kind == Kind::reduction && total.text == "sum";
    if (n == 0 || !is_sum || std::count_if(under.begin(), under.end(), rows) < n) return;
    total.text = "mean";
    for (; n > 0; --n) under.erase(std::find_if(under.begin(), under.end(), rows));
  }

  // 2·mean(e) → mean(2·e), 2·(if c then e else 0) → if c then 2·e else 0. A sign stays in front of a mean.
  Term with_coefficient_inside(Factors f) {
    bool alone = f.over.size() == 1 && f.under.empty();
    if (!alone || (f.value == 1 && f.divisor == 1)) return normalized(std::move(f));
    Term& only = f.over[0];
    if (only.kind == Kind::conditional) {
      bool first = only.parts[2].is_number(0), second = only.parts[1].is_number(0);
      if (first == second) return normalized(std::move(f));
      Term& branch = only.parts[first ? 1 : 2];
      branch = times(f.value, f.divisor, std::move(branch));
      return finished(std::move(only));
    }
    if (only.kind != Kind::reduction || (only.text != "sum" && only.text != "mean"))
      return normalized(std::move(f));
    double size = std::fabs(f.value);
    if (size == 1 && f.divisor == 1) return normalized(std::move(f));
    only.parts[0] = times(size, f.divisor, std::move(only.parts[0]));
    only = finished(std::move(only));
    f.divisor = 1;
    f.value = std::signbit(f.value) ? -1 : 1;
    return normalized(std::move(f));
  }

  // A factor may have become a product or a number.
  Term normalized(Factors f) {
    Factors coefficient;
    coefficient.value = f.value;
    coefficient.divisor = f.divisor;
    Term t = term_of(std::move(coefficient));
    for (Term& p : f.over) t = product(std::move(t), std::move(p), precision_);
    for (Term& p : f.under) t = quotient(std::move(t), std::move(p), precision_);
    return t;
  }

  Term times(double value, double divisor, Term t) {
    Factors f;
    f.value = value;
    f.divisor = divisor;
    Term out = multiplied(std::move(f), factors_of(std::move(t)), false, precision_);
    return out.kind == Kind::product ? with_coefficient_inside(factors_of(std::move(out))) : out;
  }

  Term read_conditional(Term t) {
    Term condition = read(std::move(t.parts[0]));
    if (auto known = decided(condition)) return read(std::move(t.parts[*known ? 1 : 2]));
    std::size_t before = facts_.size();
    learn(condition, true);
    Term a = read(std::move(t.parts[1]));
    facts_.resize(before);
    learn(condition, false);
    Term b = read(std::move(t.parts[2]));
    facts_.resize(before);
    if (same(a, b)) return a;
    std::vector<Term> parts = list(std::move(condition), std::move(a));
    parts.push_back(std::move(b));
    return make(Kind::conditional, "", std::move(parts));
  }

  // The conditions must outlive their branches: both live in read_conditional.
  void learn(const Term& c, bool holds) {
    facts_.push_back({&c, holds});
    if (c.kind == Kind::negation) learn(c.parts[0], !holds);
    if (c.kind == Kind::logic && (c.text == "and") == holds)
      for (const Term& part : c.parts) learn(part, holds);
  }

  std::optional<bool> decided(const Term& c) const {
    if (c.kind == Kind::truth) return c.value != 0;
    for (const Fact& fact : facts_)
      if (same(*fact.condition, c)) return fact.holds;
    if (c.kind == Kind::negation) {
      auto inner = decided(c.parts[0]);
      return inner ? std::optional(!*inner) : inner;
    }
    if (c.kind != Kind::logic) return {};
    bool conjunction = c.text == "and", all = true;
    for (const Term& part : c.parts) {
      auto known = decided(part);
      if (known && *known != conjunction) return !conjunction;
      all = all && known.has_value();
    }
    return all ? std::optional(conjunction) : std::nullopt;
  }

  Precision precision_;
  std::vector<Fact> facts_;
};

}  // namespace

Term readable(Term term, Precision precision) { return Reader(precision).read(std::move(term)); }

}  // namespace slope::term
