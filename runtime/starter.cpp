// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/starter.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <set>

#include "base/text.h"
#include "frontend/ast.h"
#include "runtime/column_facts.h"
#include "runtime/session.h"
#include "runtime/stability.h"

namespace slope {

namespace {

constexpr std::size_t most_features = 40;  // the bound is computed for models of up to 50 parameters
constexpr double well_conditioned = 100;   // λmax/λmin that gradient descent still makes short work of
constexpr std::size_t text_columns = 80, comment_column = 36;

// --- names ---

// A text of the language, or nothing where it cannot be written as one.
std::optional<std::string> quoted(std::string_view text) {
  std::string out = "\"";
  for (std::size_t at = 0; at < text.size();) {
    CodePoint c = decode(text, at);
    auto length = static_cast<std::size_t>(c.length);
    bool malformed = c.value == 0xFFFFFFFF, control = c.value < 0x20 || c.value == 0x7F;
    if (c.value == '\n') out += "\\n";
    else if (c.value == '\t') out += "\\t";
    else if (malformed || control) return {};
    else out += (c.value == '"' || c.value == '\\' ? "\\" : "") + std::string(text.substr(at, length));
    at += length;
  }
  return out + "\"";
}

// Words that read as something else where a column's name may stand.
constexpr std::string_view clause_words[] = {"from", "columns", "standardized", "missing",
                                             "sep",  "comment", "in",           "predict"};

// What the model that is made defines itself.
constexpr std::string_view own_names[] = {"predict", "loss"};

// A name that a model may define without hiding anything.
bool is_free(const std::string& name) {
  auto is_one_of = [&](const auto& words) {
    return std::find(std::begin(words), std::end(words), name) != std::end(words);
  };
  if (is_one_of(clause_words) || is_one_of(own_names)) return false;
  Diagnostics diagnostics;
  ast::Ast tree = parse(Source("", fmt::format("param {0} = 0\nloss = {0}^2", name)), diagnostics);
  if (diagnostics.has_errors()) return false;
  lower(tree, {}, diagnostics);
  return diagnostics.all().empty();
}

// A letter of any script or a digit.
bool in_names(std::string_view letter) {
  if (letter.size() > 1) return is_free("a" + std::string(letter));
  char c = letter[0];
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// Names that are taken: each is given once.
class Names {
 public:
  // The name, or with a number behind it where it is taken.
  std::string fresh(const std::string& wanted) {
    std::string name = wanted;
    for (int i = 2; taken_.contains(name) || !is_free(name); ++i) name = fmt::format("{}_{}", wanted, i);
    taken_.insert(name);
    return name;
  }
  // For the column of this header: the header where it is a name, else what is left of it.
  std::string column(const std::string& header, std::size_t number) {
    std::string name;
    for (std::size_t at = 0; at < header.size();) {
      auto length = static_cast<std::size_t>(decode(header, at).length);
      std::string_view letter = std::string_view(header).substr(at, length);
      if (in_names(letter)) name += letter;
      else if (!name.empty() && name.back() != '_') name += '_';
      at += length;
    }
    if (name != header)
      while (name.ends_with('_')) name.pop_back();
    if (!name.empty() && name[0] >= '0' && name[0] <= '9') name = "x" + name;
    // With a number behind it a reserved word is fine; a mark that needs a letter before it is not.
    if (name.empty() || !is_free(name + "_2")) name = fmt::format("column_{}", number);
    return fresh(name);
  }

 private:
  std::set<std::string> taken_;
};

// --- which columns ---

struct Feature {
  std::string header, name;
  ColumnFacts facts;
  std::string param, scaled;  // w_area, and area_z where it is scaled
};

struct Plan {
  std::string from;
  char separator = ',';
  bool drop_missing = false;
  std::vector<Feature> features;
  Feature target;
  std::vector<std::string> left_out;  // "`city`: text"
  std::string intercept, logit;
  bool zero_or_one() const { return target.facts.zero_or_one; }
};

// Why a column is not used, or "".
std::string why_not(const std::string& header, const ColumnFacts& facts, std::size_t times) {
  if (header.empty()) return "no name";
  if (!quoted(header)) return "a name that cannot be written";
  if (times > 1) return "several columns have this name";
  if (facts.others > 0) return "text";
  if (facts.numbers == 0) return "no numbers";
  if (!facts.finite) return "infinite numbers";
  if (facts.missing > facts.numbers) return "most cells are empty";
  if (facts.least == facts.greatest) return "the same number in every row";
  if (!std::isfinite(facts.deviation) || facts.deviation == 0) return "numbers too large or too close";
  return "";
}

std::optional<Plan> plan(const DataFile& file, char separator, Diagnostics& diagnostics) {
  Plan out;
  out.separator = separator;
  std::vector<ColumnFacts> facts = column_facts(file, file.separator());
  const std::vector<std::string>& header = file.header();
  std::map<std::string, std::size_t> times;
  for (const std::string& name : header) ++times[name];
  std::vector<std::size_t> used;
  for (std::size_t i = 0; i < header.size(); ++i) {
    std::string reason = why_not(header[i], facts[i], times[header[i]]);
    std::string told =
        header[i].empty() ? "one without a name" : fmt::format("`{}` ({})", escaped(header[i], 40), reason);
    if (reason.empty()) used.push_back(i);
    else if (std::find(out.left_out.begin(), out.left_out.end(), told) == out.left_out.end())
      out.left_out.push_back(told);
  }
  if (used.size() < 2) {
    Diagnostic d;
    d.code = Code::bad_data_file;
    d.position = FilePosition{file.path()};
    d.message = fmt::format("there is {} column of numbers: a model predicts one from others",
                            used.empty() ? "no" : "only one");
    if (!out.left_out.empty()) d.notes.push_back("left out: " + listed(out.left_out));
    diagnostics.add(d);
    return {};
  }
  if (std::size_t features = used.size() - 1; features > most_features) {
    out.left_out.push_back(fmt::format("{} more columns of numbers", features - most_features));
    used.erase(used.begin() + most_features, used.end() - 1);
  }
  Names names;
  for (std::size_t i : used) {
    out.drop_missing |= facts[i].missing > 0;
    out.features.push_back({header[i], names.column(header[i], i + 1), facts[i], "", ""});
  }
  out.target = out.features.back();
  out.features.pop_back();
  for (Feature& f : out.features) {
    f.param = names.fresh(out.features.size() == 1 ? "w" : "w_" + f.name);
    f.scaled = names.fresh(f.name + "_z");
  }
  out.intercept = names.fresh(out.features.size() == 1 ? "b" : "intercept");
  out.logit = names.fresh("logit");
  return out;
}

// --- the text ---

// The text with a comment beside it, or above it where the line has no room.
std::string line(const std::string& text, const std::string& comment = "") {
  if (comment.empty()) return text + "\n";
  auto width = static_cast<std::size_t>(display_width(text));
  std::size_t column = std::max(width + 2, comment_column);
  if (column + 2 + static_cast<std::size_t>(display_width(comment)) > text_columns)
    return fmt::format("# {}\n{}\n", comment, text);
  return fmt::format("{}{}# {}\n", text, std::string(column - width, ' '), comment);
}

// Parts behind one another, `between` ending each line that is full.
std::string in_lines(const std::string& start, const std::vector<std::string>& parts,
                     std::string_view between, std::size_t indent) {
  std::string out = start;
  auto used = static_cast<std::size_t>(display_width(start));
  for (std::size_t i = 0; i < parts.size(); ++i) {
    std::string part = parts[i] + (i + 1 < parts.size() ? std::string(between) : "");
    auto width = static_cast<std::size_t>(display_width(part));
    if (i > 0 && used + 1 + width > text_columns) {
      out += "\n" + std::string(indent, ' ');
      used = indent;
    } else {
      out += ' ', ++used;
    }
    out += part;
    used += width;
  }
  return out;
}

std::string comment_lines(const std::string& text) {
  std::vector<std::string> words;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = std::min(text.find(' ', at), text.size());
    words.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  std::string out = in_lines("#", words, "", 2);
  for (std::size_t at = 0; (at = out.find("\n  ", at)) != std::string::npos;) out.replace(at, 3, "\n# ");
  return out + "\n";
}

std::string data_statement(const Plan& p) {
  std::vector<std::string> columns;
  for (const Feature& f : p.features) columns.push_back(f.name);
  columns.push_back(p.target.name);
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const Feature& f = i < p.features.size() ? p.features[i] : p.target;
    if (f.header != f.name) columns[i] += " " + *quoted(f.header);
  }
  std::string from = fmt::format("from {}", *quoted(p.from));
  if (p.separator != ',') from += fmt::format(" sep={}", *quoted(std::string(1, p.separator)));
  if (p.drop_missing) from += " missing=drop";
  columns.back() += " " + from;
  return in_lines("data", columns, ",", 5);
}

// A number of as many digits as matter beside the spread of its column.
std::string rounded(double value, int digits) {
  return shortest(std::strtod(fmt::format("{:.{}g}", value, std::clamp(digits, 1, 17)).c_str(), nullptr));
}

struct Scale {
  std::string mean, deviation;
};
Scale scale_of(const ColumnFacts& facts) {
  auto exponent = [](double x) { return x == 0 ? -400 : static_cast<int>(std::floor(std::log10(x))); };
  int digits = exponent(std::fabs(facts.mean)) - exponent(facts.deviation) + 2;
  return {digits < 1 ? "0" : rounded(facts.mean, digits), rounded(facts.deviation, 2)};
}

// "area_z = (area - 120)/35"
std::string scaling(const Feature& f) {
  Scale scale = scale_of(f.facts);
  std::string shifted = scale.mean == "0"             ? f.name
                        : scale.mean.starts_with('-') ? fmt::format("({} + {})", f.name, scale.mean.substr(1))
                                                      : fmt::format("({} - {})", f.name, scale.mean);
  return fmt::format("{} = {}{}", f.scaled, shifted, scale.deviation == "1" ? "" : "/" + scale.deviation);
}

struct Run {
  std::string rate = "0.01", comment;
  std::int64_t steps = 1000;
};

std::string head_text(const Plan& p) {
  std::string out =
      comment_lines(fmt::format("A first model of `{}` in {}, by `slope new`. Change it as you like.",
                                escaped(p.target.header), escaped(p.from)));
  if (!p.left_out.empty()) {
    std::size_t shown = std::min<std::size_t>(p.left_out.size(), 12);
    std::vector<std::string> some(p.left_out.begin(),
                                  p.left_out.begin() + static_cast<std::ptrdiff_t>(shown));
    if (shown < p.left_out.size()) some.push_back(fmt::format("{} more", p.left_out.size() - shown));
    out += comment_lines("Columns that it does not use: " + listed(some) + ".");
  }
  out += "\n# The columns, by the names in the file's header.\n";
  if (p.drop_missing) out += "# missing=drop leaves out rows with an empty cell.\n";
  return out + data_statement(p) + "\n";
}

std::string params_text(const Plan& p) {
  std::string out = "\n" + line("param " + p.intercept + " = 0", "what training finds, and where it starts");
  for (const Feature& f : p.features) out += line("param " + f.param + " = 0");
  return out;
}

std::string scalings_text(const Plan& p) {
  std::string out =
      "\n" + comment_lines(
                 "Gradient descent is slow where one column is much larger than another: each is "
                 "shifted by its mean and divided by its spread.");
  for (const Feature& f : p.features) out += line(scaling(f));
  return out;
}

std::string formula_text(const Plan& p, bool scaled) {
  std::vector<std::string> terms{p.intercept + " +"};
  for (const Feature& f : p.features)
    terms.push_back(fmt::format("{}*{} +", f.param, scaled ? f.scaled : f.name));
  terms.back().erase(terms.back().size() - 2);
  const std::string& y = p.target.name;
  if (!p.zero_or_one())
    return "\n" + line(in_lines("predict =", terms, "", 10), p.features.size() == 1 ? "for one row" : "") +
           line(fmt::format("loss    = mse(predict, {})", y), "the mean squared error, made small") +
           line(fmt::format("metric r2 = r2(predict, {})", y), "1 is a perfect fit, 0 that of the mean");
  return "\n" + comment_lines("The logarithm of the odds: above 0 the row is rather a 1.") +
         line(in_lines(p.logit + " =", terms, "", 8)) +
         line(fmt::format("predict = sigmoid({})", p.logit), "the probability of a 1") +
         line(fmt::format("loss    = binary_cross_entropy({}, {})", p.logit, y)) +
         line(fmt::format("metric accuracy = mean(({} > 0) == ({} == 1))", p.logit, y));
}

std::string reports_text(const Plan& p) {
  std::string out = fmt::format("\n# What one more of a column adds{}, in its own unit.\n",
                                p.zero_or_one() ? " to the logarithm of the odds" : "");
  for (const Feature& f : p.features)
    out += line(fmt::format("report {} = {}/{}", f.name, f.param, scale_of(f.facts).deviation));
  return out;
}

std::string text_of(const Plan& p, bool scaled, const Run& run) {
  std::string out = head_text(p) + params_text(p);
  if (scaled) out += scalings_text(p);
  out += formula_text(p, scaled);
  if (scaled) out += reports_text(p);
  if (!run.comment.empty()) out += "\n" + comment_lines(run.comment);
  return out + (run.comment.empty() ? "\n" : "") +
         fmt::format("train steps={} rate={}\n", run.steps, run.rate);
}

// --- rate and steps ---

// A model on trial: its curvature at the start, and how many rows it has.
struct Trial {
  std::optional<Stability> stability;
  std::int64_t rows = 0;
};

std::optional<Trial> try_model(const Plan& p, bool scaled, const std::string& data,
                               Diagnostics& diagnostics) {
  Request request{
      .source = Source("<model>", text_of(p, scaled, {})), .folder = {}, .data = {data}, .settings = {}};
  Session s(std::move(request));
  std::optional<Dataset> set;
  std::optional<std::vector<StepGraph>> steps;
  if (prepare(s)) steps = step_graphs(*s.lowered, s.diagnostics);
  if (steps)
    set = read_columns(s.model(), *s.opened, columns_read((*steps)[0].fused.graph, s.model().columns.size()),
                       true, s.diagnostics);
  for (Diagnostic d : s.diagnostics.all()) {
    if (d.severity != Severity::error) continue;
    if (!d.position) internal_error("the model that was made is wrong: " + d.message);
    diagnostics.add(std::move(d));
  }
  if (!set) return {};
  std::vector<double> start(s.model().params.size());
  return Trial{stability_at(s.model(), (*steps)[0], *set, start), set->rows};
}

// 1, 2 or 5 times a power of ten, not below the number.
std::int64_t round_up(double number) {
  std::int64_t unit = 1;
  for (;; unit *= 10)
    for (int digit : {1, 2, 5})
      if (static_cast<double>(digit * unit) >= number) return digit * unit;
}

// Steps of 1/λmax that bring the part of the error along the flattest direction down to a millionth, within
// what a short run can do. Where the curvature was too much to compute: scaled columns have (nearly) the
// variance 1, so that λmax is at most the trace, 2 for each parameter of mse and 1/4 of cross-entropy; the
// roundings of the scale change it by less than a fifth.
Run plan_run(const Plan& p, const Trial& trial) {
  Run run;
  double params = static_cast<double>(p.features.size() + 1), rows = static_cast<double>(trial.rows);
  double wanted = 1000;
  if (trial.stability) {
    run.rate = good_rate(*trial.stability);
    double flattest = std::max(trial.stability->smallest, 1e-12 * trial.stability->largest);
    wanted = std::log(1e6) / (std::strtod(run.rate.c_str(), nullptr) * flattest);
    run.comment = fmt::format("Each step goes down the gradient; a rate above {:.2g} overshoots.",
                              trial.stability->bound());
  } else {
    run.rate = rounded(0.8 / ((p.zero_or_one() ? 0.25 : 2) * params), 2);
  }
  if (p.zero_or_one()) wanted *= 4;  // the loss flattens towards its minimum
  double most = std::clamp(1e10 / (rows * params), 200.0, 20000.0);
  if (wanted > 20000)
    run.comment +=
        " Some columns nearly repeat others, so that it takes long until all parameters are settled.";
  run.steps = round_up(std::clamp(wanted, 200.0, most));
  return run;
}

bool converges_fast(const Trial& trial) {
  const auto& s = trial.stability;
  return s && s->smallest > 0 && s->largest < well_conditioned * s->smallest;
}

// A file in one column whose header has another separator in it is read with that.
std::optional<std::pair<DataFile, char>> open_with_separator(const std::string& path,
                                                             Diagnostics& diagnostics) {
  char separator = ',';
  auto file = DataFile::open(path, {}, diagnostics);
  if (!file) return {};
  for (char c : {';', '\t', '|'})
    if (separator == ',' && file->header().size() == 1 && file->header()[0].find(c) != std::string::npos)
      separator = c;
  if (separator != ',') file = DataFile::open(path, {.separator = separator}, diagnostics);
  if (!file) return {};
  return std::pair{std::move(*file), separator};
}

bool is_number(const std::string& text) {
  char* end = nullptr;
  std::strtod(text.c_str(), &end);
  return !text.empty() && *end == '\0';
}

}  // namespace

std::optional<Starter> starter_model(const std::string& data, const std::string& from,
                                     Diagnostics& diagnostics) {
  auto opened = open_with_separator(data, diagnostics);
  if (!opened) return {};
  const auto& [file, separator] = *opened;
  auto fail = [&](Code code, std::string message, std::string help) {
    Diagnostic d;
    d.code = code;
    d.position = FilePosition{file.path()};
    d.message = std::move(message);
    if (!help.empty()) d.helps.push_back(std::move(help));
    diagnostics.add(d);
    return std::nullopt;
  };
  if (file.array())
    return fail(Code::bad_data_file,
                "a first model is made of a CSV file; this one holds an array without names",
                "name it in a model: `data x from \"FILE\"`");
  if (file.lines().size() < 2) return fail(Code::no_rows, "there are no rows below the header", "");
  const std::vector<std::string>& header = file.header();
  if (std::all_of(header.begin(), header.end(), is_number))
    return fail(Code::bad_header, "the first line holds numbers, not the names of the columns",
                "put a line with names above it, such as x,y");
  if (!quoted(from))
    return fail(Code::usage, "the file's name cannot be written in a model", "rename the file");
  auto p = plan(file, separator, diagnostics);
  if (!p) return {};
  p->from = from;
  bool scaled = false;
  auto trial = try_model(*p, scaled, data, diagnostics);
  if (trial && !converges_fast(*trial)) {
    scaled = true;
    trial = try_model(*p, scaled, data, diagnostics);
  }
  if (!trial) return {};
  Starter out{text_of(*p, scaled, plan_run(*p, *trial)), p->target.header, {}, trial->rows};
  for (const Feature& f : p->features) out.features.push_back(f.header);
  return out;
}

}  // namespace slope
