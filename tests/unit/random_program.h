// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Random programs of the language, well typed by construction: the shape of every value is worked out here,
// apart from the compiler's own rules, so that a program refused, or of another shape, is a fault of one of
// the two. Values stay small (most are squashed), which keeps losses finite.
#pragma once
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <algorithm>
#include <cctype>
#include <cstdint>
#include <optional>
#include <random>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace slope::test {

class RandomProgram {
 public:
  explicit RandomProgram(unsigned seed) : random_(seed) { write(); }
  const std::string& text() const { return text_; }

 private:
  using Axes = std::vector<std::int64_t>;
  struct Value {
    std::string text;
    bool rows = false;
    Axes axes;
    std::int64_t below = 0;  // of an integer, which indexes axes of at least so many; 0: a real number
    std::vector<std::string> made_of = {};  // other values, directly or not

    std::int64_t rank() const { return std::ssize(axes); }
    std::int64_t size() const {
      std::int64_t n = 1;
      for (std::int64_t axis : axes) n *= axis;
      return n;
    }
    std::int64_t last() const { return axes.back(); }
  };
  using Made = std::optional<Value>;
  static constexpr std::int64_t largest = 96;  // elements of a value

  std::int64_t below(std::int64_t n) { return static_cast<std::int64_t>(random_()) % n; }
  bool chance(int of) { return below(of) == 0; }
  template <class Range>
  const auto& one_of(const Range& from) {
    return *(std::begin(from) + below(std::ssize(from)));
  }
  static std::string list(const Axes& axes) { return fmt::format("[{}]", fmt::join(axes, ", ")); }

  // A value that `fits`, rather a recent one.
  template <class Fits>
  const Value* pick(Fits&& fits) {
    std::vector<const Value*> found;
    for (const Value& value : values_)
      if (fits(value)) found.push_back(&value);
    if (found.empty()) return nullptr;
    std::int64_t back = std::min(below(std::ssize(found)), below(std::ssize(found)));
    return found[found.size() - 1 - static_cast<std::size_t>(back)];
  }
  const Value* real(std::int64_t least_rank = 0) {
    return pick([&](const Value& v) { return v.below == 0 && v.rank() >= least_rank; });
  }
  const Value* integer(std::int64_t at_most) {
    return pick([&](const Value& v) { return v.below > 0 && v.below <= at_most; });
  }

  // The axes of two values that broadcast, {} where they do not.
  static std::optional<Axes> broadcast(const Axes& a, const Axes& b) {
    Axes out(std::max(a.size(), b.size()), 1);
    for (std::size_t k = 0; k < out.size(); ++k) {
      std::int64_t n = k < a.size() ? a[a.size() - 1 - k] : 1, m = k < b.size() ? b[b.size() - 1 - k] : 1;
      if (n != m && n != 1 && m != 1) return {};
      out[out.size() - 1 - k] = std::max(n, m);
    }
    return out;
  }
  const Value* beside(const Axes& axes) {
    return pick([&](const Value& v) {
      auto both = broadcast(axes, v.axes);
      return v.below == 0 && both && Value{"", false, *both}.size() <= largest;
    });
  }
  const Value* real_of(const Axes& axes) {
    return pick([&](const Value& v) { return v.below == 0 && v.axes == axes; });
  }

  std::string param(const Axes& axes) {
    std::string name = fmt::format("p{}", ++params_);
    text_ += fmt::format("param {}{} ~ normal(0, 0.7)\n", name, axes.empty() ? "" : list(axes));
    values_.push_back({name, false, axes});
    return name;
  }

  Made unary() {
    const Value* x = real();
    static const std::vector<std::string> forms{
        "tanh({})",       "sin({})",     "sigmoid({})",      "exp(-abs({}))", "log1p({}^2)",
        "sqrt(1 + {}^2)", "atan({})",    "erf({})",          "softplus({})",  "relu({})",
        "gelu({})",       "stretch({})", "-{}^3/(1 + {}^2)", "silu({})",      "elu({}, alpha=0.5)"};
    return Value{fmt::format(fmt::runtime(one_of(forms)), x->text, x->text), x->rows, x->axes};
  }
  Made binary() {
    const Value* a = real();
    const Value* b = beside(a->axes);
    static const std::vector<std::string> forms{"{} + {}",
                                                "{} - {}",
                                                "{} * {}",
                                                "{} / (1 + {}^2)",
                                                "max({}, {})",
                                                "min({}, {})",
                                                "atan2({}, 2 + {}^2)",
                                                "hypot2({}, {})",
                                                "where({} > {}, 0.3, -1)"};
    return Value{fmt::format(fmt::runtime(one_of(forms)), a->text, b->text), a->rows || b->rows,
                 *broadcast(a->axes, b->axes)};
  }
  Made choice() {
    const Value* a = real();
    const Value* b = beside(a->axes);
    Axes both = *broadcast(a->axes, b->axes);
    const Value* c = beside(both);
    Axes all = *broadcast(both, c->axes);
    const Value* d = beside(all);
    Axes out = *broadcast(all, d->axes);
    static const std::vector<std::string> tests{"{} > {}", "{} <= {} and true", "not ({} < {})", "{} == {}"};
    std::string test = fmt::format(fmt::runtime(one_of(tests)), a->text, b->text);
    return Value{fmt::format("if {} then {} else {}", test, c->text, d->text),
                 a->rows || b->rows || c->rows || d->rows, out};
  }
  Made reduction() {
    const Value* x = real(1);
    if (!x) return {};
    std::int64_t axis = below(x->rank());
    bool keep = chance(2);
    Axes axes = x->axes;
    if (keep) axes[static_cast<std::size_t>(axis)] = 1;
    else axes.erase(axes.begin() + axis);
    static const std::vector<std::string> names{"sum", "mean", "max", "min", "prod", "var", "logsumexp"};
    const std::string& name = one_of(names);
    if (name == "logsumexp") {  // of the last axis
      axes = x->axes;
      axes.pop_back();
      return Value{fmt::format("logsumexp({})", x->text), x->rows, axes};
    }
    std::int64_t said = chance(2) ? axis - x->rank() : axis;
    return Value{fmt::format("{}({}, axis={}{})", name, x->text, said, keep ? ", keep=true" : ""), x->rows,
                 axes};
  }
  Made over_rows() {
    const Value* x = pick([](const Value& v) { return v.below == 0 && v.rows; });
    if (!x) return {};
    static const std::vector<std::string> names{"mean", "max", "min", "var"};
    return Value{fmt::format("{}({}, axis=rows)", one_of(names), x->text), false, x->axes};
  }
  Made product() {
    const Value* a = real(1);
    if (!a) return {};
    std::int64_t n = a->last();
    const Value* b = pick([&](const Value& v) {
      return v.below == 0 &&
             ((v.rank() == 1 && v.axes[0] == n) || (v.rank() >= 2 && v.axes[v.axes.size() - 2] == n));
    });
    std::string other = b && !chance(3) ? b->text : "";
    Axes right = b ? b->axes : Axes{};
    bool rows = a->rows || (b && b->rows);
    if (other.empty()) {
      std::string left = a->text;  // `a` may move when the parameter is added
      Axes kept = a->axes;
      rows = a->rows;
      right = {n, 1 + below(4)};
      other = param(right);
      return matmul(left, kept, other, right, rows);
    }
    return matmul(a->text, a->axes, other, right, rows);
  }
  static Made matmul(const std::string& a, Axes left, const std::string& b, Axes right, bool rows) {
    Axes tail;
    if (left.size() > 1) tail.push_back(left[left.size() - 2]);
    if (right.size() > 1) tail.push_back(right.back());
    Axes batch_left(left.begin(), left.end() - std::min<std::ptrdiff_t>(2, std::ssize(left)));
    Axes batch_right(right.begin(), right.end() - std::min<std::ptrdiff_t>(2, std::ssize(right)));
    auto axes = broadcast(batch_left, batch_right);
    if (!axes) return {};
    axes->insert(axes->end(), tail.begin(), tail.end());
    return Value{fmt::format("{} @ {}", a, b), rows, *axes};
  }
  Made einsum() {
    const Value* a = pick([](const Value& v) { return v.below == 0 && v.rank() == 2; });
    if (!a) return {};
    std::int64_t n = a->axes[0], m = a->axes[1];
    const Value* b = real_of({n, m});
    struct Form {
      const char* text;
      Axes axes;
    };
    std::vector<Form> forms{{"ij,ij->i", {n}},     {"ij,ij->j", {m}},     {"ij,ij->", {}},
                            {"ij,ij->ji", {m, n}}, {"ij,kj->ki", {n, n}}, {"ij,ik->kj", {m, m}}};
    const Form& form = one_of(forms);
    return Value{fmt::format("einsum(\"{}\", {}, {})", form.text, a->text, b->text), a->rows || b->rows,
                 form.axes};
  }
  Made moved() {
    const Value* x = real(1);
    if (!x) return {};
    std::int64_t rank = x->rank(), axis = below(rank);
    auto at = static_cast<std::size_t>(axis);
    std::int64_t n = x->axes[at];
    Axes axes = x->axes;
    switch (below(9)) {
      case 0: return Value{fmt::format("flip({}, axis={})", x->text, axis), x->rows, axes};
      case 1:
        if (rank < 2) return {};
        std::swap(axes[axes.size() - 1], axes[axes.size() - 2]);
        return Value{x->text + ".T", x->rows, axes};
      case 2: {
        Axes order(axes.size());
        for (std::size_t k = 0; k < order.size(); ++k) order[k] = static_cast<std::int64_t>(k);
        std::shuffle(order.begin(), order.end(), random_);
        for (std::size_t k = 0; k < order.size(); ++k) axes[k] = x->axes[static_cast<std::size_t>(order[k])];
        return Value{fmt::format("permute({}, {})", x->text, list(order)), x->rows, axes};
      }
      case 3: return Value{fmt::format("reshape({}, [-1])", x->text), x->rows, {x->size()}};
      case 4: {
        std::vector<std::string> widths(axes.size(), "[0, 0]");
        if (axes.size() == 1) return {};
        widths[at] = "[1, 2]";
        axes[at] += 3;
        return Value{fmt::format("pad({}, [{}], value=0.5)", x->text, fmt::join(widths, ", ")), x->rows,
                     axes};
      }
      case 5: {  // a slice of one axis, perhaps backwards
        std::vector<std::string> parts(axes.size(), ":");
        bool back = chance(3);
        std::int64_t from = below(n), to = from + 1 + below(n - from);
        parts[at] = back ? "::-1" : fmt::format("{}:{}", from, to);
        if (!back) axes[at] = to - from;
        return Value{fmt::format("{}[{}]", x->text, fmt::join(parts, ", ")), x->rows, axes};
      }
      case 6: {
        std::vector<std::string> parts(axes.size(), ":");
        parts[at] = fmt::format("{}", chance(2) ? below(n) : below(n) - n);
        axes.erase(axes.begin() + axis);
        return Value{fmt::format("{}[{}]", x->text, fmt::join(parts, ", ")), x->rows, axes};
      }
      case 7: {  // elements picked out, some twice
        Axes where;
        for (std::int64_t k = below(3); k >= 0; --k) where.push_back(below(n));
        axes[at] = std::ssize(where);
        return Value{fmt::format("take({}, {}, axis={})", x->text, list(where), axis), x->rows, axes};
      }
      default: return Value{fmt::format("softmax({})", x->text), x->rows, axes};
    }
  }
  Made joined() {
    const Value* a = real();
    const Value* b = real_of(a->axes);
    const Value* c = real_of(a->axes);
    bool rows = a->rows || b->rows;
    Axes axes = a->axes;
    switch (below(3)) {
      case 0:
        axes.insert(axes.begin(), 2);
        return Value{fmt::format("[{}, {}]", a->text, b->text), rows, axes};
      case 1:
        axes.push_back(3);
        return Value{fmt::format("stack({}, {}, {})", a->text, b->text, c->text), rows || c->rows, axes};
      default: {
        if (axes.empty()) return {};
        std::int64_t axis = below(a->rank());
        axes[static_cast<std::size_t>(axis)] *= 3;
        return Value{fmt::format("concat({}, {}, {}, axis={})", a->text, b->text, c->text, axis),
                     rows || c->rows, axes};
      }
    }
  }
  Made indexed() {
    const Value* x = real(1);
    if (!x) return {};
    const Value* i = integer(x->axes[0]);
    if (!i) return {};
    Axes axes = i->axes;
    axes.insert(axes.end(), x->axes.begin() + 1, x->axes.end());
    return Value{fmt::format("{}[{}]", x->text, i->text), x->rows || i->rows, axes};
  }
  Made integers() {
    if (chance(2)) {
      std::int64_t n = 1 + below(4);
      return Value{fmt::format("iota({})", n), false, {n}, n};
    }
    const Value* x = real(1);
    if (!x) return {};
    Axes axes = x->axes;
    axes.pop_back();
    return Value{fmt::format("{}({})", chance(2) ? "argmax" : "argmin", x->text), x->rows, axes, x->last()};
  }
  Made hot() {
    const Value* i = integer(6);
    if (!i) return {};
    Axes axes = i->axes;
    axes.push_back(i->below + 1);
    return Value{fmt::format("0.3 + one_hot({}, {})", i->text, i->below + 1), i->rows, axes};
  }
  Made window() {
    const Value* x = real(2);
    if (!x || x->rank() > 3) return {};
    std::int64_t size = 2;
    Axes places, inside;
    for (std::size_t k = 0; k + 1 < x->axes.size(); ++k) {
      if (x->axes[k] < size) return {};
      places.push_back(x->axes[k] - size + 1);
      inside.push_back(size);
    }
    places.insert(places.end(), inside.begin(), inside.end());
    places.push_back(x->last());
    return Value{fmt::format("windows({}, {})", x->text, size), x->rows, places};
  }
  Made layer() {
    const Value* x = real(1);
    if (!x) return {};
    std::int64_t n = 1 + below(4);
    Axes axes = x->axes;
    switch (below(6)) {
      case 0: axes.back() = n; return Value{fmt::format("dense({}, {}, tanh)", x->text, n), x->rows, axes};
      case 1: return Value{fmt::format("layer_norm({})", x->text), x->rows, axes};
      case 2: {
        if (x->rank() != 2) return {};
        static const std::vector<std::string> names{"rnn", "gru", "lstm"};
        axes.back() = n;
        return Value{fmt::format("{}({}, {})", one_of(names), x->text, n), x->rows, axes};
      }
      case 3:
        if (x->rank() != 2) return {};
        return Value{fmt::format("attention({0}, {0}, {0})", x->text), x->rows, axes};
      case 4:
        if (x->rank() != 3) return {};
        axes.back() = n;
        return Value{fmt::format("conv2d({}, {}, f=tanh)", x->text, n), x->rows, axes};
      default: {
        const Value* i = integer(5);
        if (!i) return {};
        axes = i->axes;
        axes.push_back(n);
        return Value{fmt::format("embedding({}, 5, {})", i->text, n), i->rows, axes};
      }
    }
  }
  Made loop() {
    const Value* x = real(1);
    if (!x) return {};
    Axes inner(x->axes.begin() + 1, x->axes.end());
    const Value* w = beside(inner);
    if (broadcast(inner, w->axes) != inner) return {};
    std::string name = fmt::format("h{}", ++loops_);
    return Value{fmt::format("scan z in {0}, {1} = 0.1 {{ {1} := tanh(0.5*{1} + z*{2}); {1}*z }}", x->text,
                             name, w->text),
                 x->rows || w->rows, x->axes};
  }
  // Of a value by one of those it is made of.
  Made derivative() {
    if (derivatives_ == 2) return {};
    const Value* y = pick([](const Value& v) { return v.below == 0 && !v.made_of.empty(); });
    if (!y) return {};
    const std::string& name = one_of(y->made_of);
    const Value* x = pick([&](const Value& v) { return v.below == 0 && v.text == name; });
    if (!x) return {};
    ++derivatives_;
    return Value{fmt::format("grad({}{}, {})", y->text, chance(2) ? "^2" : "", name), x->rows, x->axes};
  }

  void declare() {
    text_ =
        "data da, db[3], dc[2, 4], dd[3, 3, 2], i : index(3), k[3] : index(4)\n"
        "param u = 0.4, v[3] ~ normal(0, 0.7), m[5, 2] ~ normal(0, 0.7), n[3, 2] ~ normal(0, 0.7)\n"
        "def stretch(t) = 2*tanh(t/2)\n"
        "def hypot2(s, t) { q = s^2 + t^2; log(1 + q) }\n"
        "a = da*u\n"
        "b = db - v\n"
        "c = tanh(dc*m[:4, 0])\n"
        "d = dd*n\n";
    values_ = {{"u", false, {}},       {"v", false, {3}},  {"m", false, {5, 2}}, {"n", false, {3, 2}},
               {"db", true, {3}},      {"a", true, {}},    {"b", true, {3}},     {"c", true, {2, 4}},
               {"d", true, {3, 3, 2}}, {"i", true, {}, 3}, {"k", true, {3}, 4}};
  }
  void write() {
    declare();
    using Maker = Made (RandomProgram::*)();
    static const std::vector<Maker> makers{
        &RandomProgram::unary,    &RandomProgram::binary,    &RandomProgram::binary,
        &RandomProgram::choice,   &RandomProgram::reduction, &RandomProgram::over_rows,
        &RandomProgram::product,  &RandomProgram::einsum,    &RandomProgram::moved,
        &RandomProgram::moved,    &RandomProgram::joined,    &RandomProgram::indexed,
        &RandomProgram::integers, &RandomProgram::hot,       &RandomProgram::window,
        &RandomProgram::layer,    &RandomProgram::loop,      &RandomProgram::derivative};
    std::size_t first = values_.size();
    for (std::int64_t left = 4 + below(10); left > 0;) {
      Made made = (this->*one_of(makers))();
      if (!made || made->size() > largest) continue;
      add(std::move(*made));
      --left;
    }
    finish(first);
  }
  void add(Value made) {
    std::string name = fmt::format("x{}", ++names_);
    bool squash = made.below == 0 && !chance(3) && made.text.find("scan") == made.text.npos;
    text_ += fmt::format(fmt::runtime(squash ? "{} = tanh({})\n" : "{} = {}\n"), name, made.text);
    made.made_of = names_in(made.text);
    made.text = name;
    values_.push_back(std::move(made));
  }
  std::vector<std::string> names_in(const std::string& text) const {
    std::set<std::string> found;
    for (const Value& value : values_)
      for (std::size_t at = 0; (at = text.find(value.text, at)) != text.npos; at += value.text.size()) {
        auto letter = [&](std::size_t where) {
          return where < text.size() && std::isalnum(static_cast<unsigned char>(text[where]));
        };
        if ((at > 0 && letter(at - 1)) || letter(at + value.text.size())) continue;
        found.insert(value.text);
        found.insert(value.made_of.begin(), value.made_of.end());
      }
    return {found.begin(), found.end()};
  }
  // The loss is a mean of every value made, each squared beside another number.
  void finish(std::size_t first) {
    std::vector<std::string> terms{"u^2*mean(v^2)"};
    for (std::size_t at = first; at < values_.size(); ++at)
      if (values_[at].below == 0)
        terms.push_back(fmt::format("mean(({} - 0.{})^2)", values_[at].text, 1 + at % 9));
    text_ += fmt::format("loss = {}\n", fmt::join(terms, " + "));
  }

  std::mt19937 random_;
  std::string text_;
  std::vector<Value> values_;
  int params_ = 0, names_ = 0, loops_ = 0, derivatives_ = 0;
};

}  // namespace slope::test
