// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Ticks are decimals, an integer times a power of ten, so that a label is exact and 0.1 · 3 is written 0.3.
#include "plot/axis.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>

namespace slope::plot {

namespace {

constexpr double largest = std::numeric_limits<double>::max();

// How a number is placed before it is scaled to 0 … 1. Halves, so that differences stay finite.
double place(Scale scale, double value) {
  if (scale == Scale::log) return std::log10(value);
  if (scale == Scale::steps) return value < 1 ? value : 1 + std::log10(value);
  return value / 2;
}

struct Decimal {
  std::int64_t digits = 0;
  int exponent = 0;

  double value() const {
    std::string text = fmt::format("{}e{}", digits, exponent);
    double out = 0;
    auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (fault == std::errc()) return out;
    return exponent > 0 ? std::copysign(std::numeric_limits<double>::infinity(), static_cast<double>(digits))
                        : 0;
  }
  // 0 has one form, and the digits do not end in 0.
  Decimal trimmed() const {
    Decimal d = *this;
    while (d.digits != 0 && d.digits % 10 == 0) d = {d.digits / 10, d.exponent + 1};
    return d.digits == 0 ? Decimal{} : d;
  }
  std::string sign() const { return digits < 0 ? "-" : ""; }
  std::string text() const { return std::to_string(std::abs(digits)); }

  std::string plain() const {
    Decimal d = trimmed();
    std::string out = d.text();
    if (d.exponent >= 0) return sign() + out + std::string(static_cast<std::size_t>(d.exponent), '0');
    auto decimals = static_cast<std::size_t>(-d.exponent);
    if (out.size() <= decimals) out.insert(0, decimals + 1 - out.size(), '0');
    return sign() + out.insert(out.size() - decimals, ".");
  }
  std::string scientific() const {
    Decimal d = trimmed();
    if (d.digits == 0) return "0";
    std::string out = d.text();
    int exponent10 = d.exponent + static_cast<int>(out.size()) - 1;
    if (exponent10 == 0 && out.size() == 1) return sign() + out;
    if (out.size() > 1) out.insert(1, ".");
    return fmt::format("{}{}e{}", sign(), out, exponent10);
  }
};

// Plain where no label is longer than six characters or than with an exponent.
std::vector<Tick> labelled(const std::vector<Decimal>& decimals) {
  std::size_t plain = 0, scientific = 0;
  for (const Decimal& d : decimals) {
    plain = std::max(plain, std::abs(d.exponent) > 30 ? std::size_t{99} : d.plain().size());
    scientific = std::max(scientific, d.scientific().size());
  }
  bool is_plain = plain <= 6 || plain <= scientific;
  std::vector<Tick> out;
  for (const Decimal& d : decimals)
    if (double value = d.value(); std::isfinite(value))
      out.push_back({value, is_plain ? d.plain() : d.scientific()});
  return out;
}

// The multiples of a step between lo and hi.
std::vector<Decimal> multiples(const Decimal& step, double lo, double hi) {
  std::vector<Decimal> out;
  double size = step.value(), slack = 1e-9;
  auto first = static_cast<std::int64_t>(std::ceil(lo / size - slack));
  auto last = static_cast<std::int64_t>(std::floor(hi / size + slack));
  for (std::int64_t i = first; i <= last; ++i) out.push_back({i * step.digits, step.exponent});
  return out;
}

// The finest step with at most that many; a finer one where this leaves fewer than two.
std::vector<Decimal> linear(double lo, double hi, int most) {
  double least = std::min(2 * ((hi / 2 - lo / 2) / (3 * (most + 1))), largest / 10);
  int exponent = static_cast<int>(std::floor(std::log10(least)));
  std::vector<Decimal> finer;
  for (;; ++exponent)
    for (int factor : {1, 2, 5}) {
      Decimal step{factor, exponent};
      if (step.value() < least * (1 - 1e-9)) continue;
      std::vector<Decimal> out = multiples(step, lo, hi);
      if (out.size() < 2 && finer.size() > 1) return finer;
      if (out.size() <= static_cast<std::size_t>(most)) return out;
      finer = std::move(out);
    }
}

// The least of 1, 2, 3, 5, 10, 20, 50, 100, … from n on.
int round_from(int n) {
  for (int decade = 1;; decade *= 10)
    for (int factor : {1, 2, 3, 5})
      if (factor * decade >= n && (factor != 3 || decade == 1)) return factor * decade;
}

// Powers of ten, each, or every second, third, fifth, …; over less than two of them also 2 and 5 times these.
std::vector<Decimal> logarithmic(double lo, double hi, int most) {
  int first = static_cast<int>(std::ceil(std::log10(lo) - 1e-9));
  int last = static_cast<int>(std::floor(std::log10(hi) + 1e-9));
  std::vector<Decimal> out;
  if (last <= first) {
    for (int e = first - 1; e <= last; ++e)
      for (int factor : {1, 2, 5})
        if (double v = Decimal{factor, e}.value(); v >= lo && v <= hi) out.push_back({factor, e});
    return out.size() < 2 ? linear(lo, hi, most) : out;
  }
  int stride = round_from((last - first + most) / most);
  for (int e = first; e <= last; ++e)
    if (e % stride == 0) out.push_back({1, e});
  return out;
}

}  // namespace

double Axis::at(double value) const {
  double from = place(scale, lo);
  return (place(scale, value) - from) / (place(scale, hi) - from);
}

Axis axis_over(std::string label, std::span<const double> values, Scale scale) {
  constexpr double room = 0.04, smallest = 1e-305;  // a span below this has no room for ticks
  double lo = largest, hi = -largest;
  for (double value : values)
    if (std::isfinite(value) && (value > 0 || scale != Scale::log))
      lo = std::min(lo, value), hi = std::max(hi, value);
  Axis axis{std::move(label), scale, scale == Scale::log ? 0.1 : 0.0, 1};
  if (lo > hi) return axis;
  if (scale == Scale::steps) {
    axis.hi = std::max(hi, 1.0);
  } else if (scale == Scale::log) {
    double grown = std::pow(hi / lo, room);
    if (!(grown > 1.0001 && std::isfinite(grown))) grown = 1.1;
    axis.lo = std::max(lo / grown, std::numeric_limits<double>::min());
    axis.hi = std::min(hi * grown, largest);
  } else {
    double size = std::max(std::fabs(lo), std::fabs(hi)), pad = 2 * room * (hi / 2 - lo / 2);
    if (pad <= size * 1e-13 || pad < smallest) pad = size == 0 ? 1 : std::max(size / 10, smallest);
    axis.lo = std::max(lo - pad, -largest);
    axis.hi = std::min(hi + pad, largest);
  }
  return axis;
}

std::vector<Tick> ticks(const Axis& axis, int most) {
  if (axis.scale == Scale::linear) return labelled(linear(axis.lo, axis.hi, most));
  if (axis.scale == Scale::log) return labelled(logarithmic(axis.lo, axis.hi, most));
  std::vector<Decimal> out{{0, 0}};
  if (axis.hi < 10) out.push_back({1, 0});
  else
    for (const Decimal& d : logarithmic(1, axis.hi, most)) out.push_back(d);
  return labelled(out);
}

}  // namespace slope::plot
