// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "driver/output.h"

#include <fmt/format.h>

#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/cache.h"
#include "base/os.h"
#include "base/text.h"

namespace slope {

bool print(std::string_view text, Diagnostics& diagnostics) {
  os::Status failed = os::write_all(1, text, "standard output");
  if (!failed || errno == EPIPE) return true;  // who reads no further (a pipe to head) wants no message
  diagnostics.error(Code::cannot_write, failed->message());
  return false;
}

void print_error(std::string_view text) { (void)os::write_all(2, text, "standard error"); }

bool use_color(const Arguments& a, int descriptor) {
  if (a.color != "auto") return a.color == "always";
  const char* no_color = std::getenv("NO_COLOR");
  if (no_color && *no_color) return false;
  const char* terminal = std::getenv("TERM");
  return os::is_terminal(descriptor) && terminal && std::string_view(terminal) != "dumb";
}

Json diagnostics_json(const Diagnostics& diagnostics, const Sources& sources) {
  Json list = Json::array();
  for (const Diagnostic& d : diagnostics.all()) {
    Json item{
        {"severity", to_string(d.severity)}, {"code", to_string(d.code)}, {"message", escaped(d.message)}};
    const Source* source = d.span ? sources.find(d.span->file) : nullptr;
    if (d.position) {
      item["file"] = escaped(d.position->file);
      item["line"] = d.position->line > 0 ? Json(d.position->line) : Json(nullptr);
      item["column"] = d.position->column > 0 ? Json(d.position->column) : Json(nullptr);
    } else if (source) {
      Position at = source->position(d.span->begin);
      item["file"] = escaped(source->name());
      item["line"] = at.line;
      item["column"] = at.column;
    } else {
      item["file"] = item["line"] = item["column"] = nullptr;
    }
    if (!d.label.empty()) item["label"] = escaped(d.label);
    for (Span related : d.related)
      if (const Source* other = sources.find(related.file)) {
        Position at = other->position(related.begin);
        item["related"].push_back(
            Json{{"file", escaped(other->name())}, {"line", at.line}, {"column", at.column}});
      }
    for (const auto& [key, texts] : {std::pair{"notes", &d.notes}, std::pair{"helps", &d.helps}}) {
      if (texts->empty()) continue;
      Json lines = Json::array();
      for (const std::string& text : *texts) lines.push_back(escaped(text));
      item[key] = lines;
    }
    list.push_back(item);
  }
  return list;
}

Json failure(const std::string& model, const Diagnostics& diagnostics, const Sources& sources) {
  return Json{{"slope", 1},
              {"model", escaped(model)},
              {"status", "error"},
              {"exit", diagnostics.exit_code()},
              {"diagnostics", diagnostics_json(diagnostics, sources)}};
}

std::string dump(const Json& json) { return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"; }

void show_diagnostics(const Arguments& a, const Session& session) {
  Diagnostics shown;
  for (const Diagnostic& d : session.diagnostics.all())
    if (!(a.quiet && d.severity == Severity::note)) shown.add(d);
  print_error(render_all(shown, session.sources, use_color(a)));
  if (a.quiet || !os::is_terminal(2)) return;
  // For who reads it, not for what reads it.
  for (const Diagnostic& d : shown.all())
    if (d.severity == Severity::error)
      return print_error(fmt::format("`slope explain {}` tells more\n", to_string(d.code)));
}

int finish(const Arguments& a, const Session& session, const Json* result, int exit) {
  Diagnostics late;
  if (a.json) {
    print(
        dump(result ? *result : failure(session.request.source.name(), session.diagnostics, session.sources)),
        late);
  } else {
    show_diagnostics(a, session);
  }
  if (a.time && !a.json) print_error(times_text(session));
  print_error(render_all(late, session.sources, use_color(a)));
  return late.has_errors() ? late.exit_code() : exit;
}

bool is_standard_output(const std::string& path) {
  return path.empty() || path == "-" || path == "/dev/stdout";
}

int finish_text(const Arguments& a, Session& s, const std::string& stage, const std::string& text) {
  Json json{{"slope", 1}, {"model", escaped(s.request.source.name())}, {"stage", stage}};
  if (!is_standard_output(a.output)) {
    if (!write_result(s, a.output, text)) return finish(a, s, nullptr, s.diagnostics.exit_code());
    json["output"] = escaped(a.output);
  } else if (a.json) {
    json["text"] = text;
  } else {
    print(text, s.diagnostics);
  }
  json["diagnostics"] = diagnostics_json(s.diagnostics, s.sources);
  return finish(a, s, a.json ? &json : nullptr, s.diagnostics.exit_code());
}

Session open_session(const Arguments& a) {
  std::string name = a.text ? "<text>" : a.model == "-" ? "<stdin>" : a.model, text;
  os::Status failed;
  if (a.text) text = *a.text;
  else {
    os::Bytes bytes;
    failed = os::read_file(a.model, os::model_limit, bytes);
    if (!failed) text = bytes.view();
  }
  Request request{.source = Source(name, std::move(text)),
                  .folder = {},
                  .data = a.data,
                  .settings = {},
                  .cpu = a.cpu,
                  .cache = a.no_cache ? "" : user_cache_folder()};
  if (!a.text && a.model != "-") request.folder = std::filesystem::path(a.model).parent_path().string();
  request.settings.sets = a.sets;
  request.settings.options = a.options;
  if (!a.precision.empty())
    request.settings.precision = a.precision == "f32" ? Precision::f32 : Precision::f64;
  Session session(std::move(request));
  if (failed)
    session.diagnostics.error(failed->too_large ? Code::too_large : Code::cannot_open, failed->message());
  return session;
}

std::string weights_path(const Arguments& a) {
  if (!a.weights.empty() || a.text || a.model == "-") return a.weights;
  return std::filesystem::path(a.model).replace_extension(".safetensors").string();
}

std::string times_text(const Session& session) {
  Times times = session.times;
  auto taken = [&](const std::string& name) {
    auto found = times.extract(name);
    return found.empty() ? std::optional<double>() : found.mapped();
  };
  double per_step = taken("per_step").value_or(0);
  double total = taken("total").value_or(seconds_now() - session.began), rest = total;
  std::string out;
  auto line = [&](const std::string& name, double seconds) {
    bool cached = name == "codegen" && session.cached.value_or(false);
    out += fmt::format("{:>14} {:10.3f} ms {:5.1f}%{}\n", name, 1e3 * seconds,
                       total > 0 ? 100 * seconds / total : 0.0, cached ? " (cached)" : "");
    rest -= seconds;
  };
  // In the order in which they happen; then what else was measured.
  for (const char* name :
       {"frontend", "load", "differentiate", "stability", "codegen", "link", "folds", "train", "save"})
    if (auto seconds = taken(name)) line(name, *seconds);
  for (const auto& [name, seconds] : times) line(name, seconds);
  line("other", std::max(rest, 0.0));
  line("total", total);
  if (per_step > 0) out += fmt::format("{:>14} {:10.3f} µs\n", "a step", 1e6 * per_step);
  return out;
}

void warn_of_links(const std::string& path, Diagnostics& diagnostics) {
  std::int64_t others = os::other_names(path);
  if (others <= 0) return;
  Diagnostic d{.severity = Severity::warning,
               .code = Code::linked_output,
               .message = fmt::format(
                   "`{}` is replaced under this name only: it has {} (hard link{})", escaped(path),
                   others == 1 ? "another" : fmt::format("{} others", others), others == 1 ? "" : "s"),
               .span = {},
               .position = {},
               .label = {}};
  d.notes.push_back("the file keeps what it holds under " + std::string(others == 1 ? "that" : "those"));
  diagnostics.add(std::move(d));
}

bool write_result(Session& s, const std::string& path, const std::string& text) {
  if (is_standard_output(path)) return print(text, s.diagnostics);
  warn_of_links(path, s.diagnostics);
  os::Status failed = os::write_file(path, text);
  if (failed) s.diagnostics.error(Code::cannot_write, failed->message());
  return !failed;
}

}  // namespace slope
