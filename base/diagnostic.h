// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the user is told: where, what was found, what was expected, what to do. Collected, then rendered.
// Errors of the program itself are not diagnostics: see internal_error.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/codes.h"
#include "base/source.h"

namespace slope {

enum class Severity { error, warning, note };
std::string_view to_string(Severity severity);

// A place in a data file (or any file that is not the model): 1-based, 0 where unknown.
struct FilePosition {
  std::string file;
  int line = 0;
  int column = 0;
};

struct Diagnostic {
  Severity severity = Severity::error;
  Code code = Code::expected;
  std::string message;
  std::optional<Span> span;              // in the model's text
  std::optional<FilePosition> position;  // in another file; wins over `span` in the first line
  std::string label;                     // beside the caret
  std::vector<Span> related = {};        // shown as "= note: see line 3: …"
  std::vector<std::string> notes = {};   // "= note: …"
  std::vector<std::string> helps = {};   // "= help: …"
};

// Collects the diagnostics of one run, in the order they are found.
class Diagnostics {
 public:
  Diagnostic& add(Diagnostic diagnostic);
  Diagnostic& error(Code code, Span span, std::string message);
  Diagnostic& error(Code code,
                    std::string message);  // no place: the command line, a file that cannot be opened
  Diagnostic& warning(Code code, Span span, std::string message);
  Diagnostic& note(Code code, Span span, std::string message);

  bool has_errors() const { return errors_ > 0; }
  int errors() const { return errors_; }
  const std::vector<Diagnostic>& all() const { return all_; }
  // The exit code of the first error; 0 without one.
  int exit_code() const;

 private:
  std::vector<Diagnostic> all_;
  int errors_ = 0;
};

// The texts that spans may point into, by Span::file.
struct Sources {
  std::vector<Source> files;  // [0] is the model
  const Source* find(std::uint32_t file) const { return file < files.size() ? &files[file] : nullptr; }
};

// Text ready for a terminal; control bytes and invalid UTF-8 from the user's files are escaped.
std::string render(const Diagnostic& diagnostic, const Sources& sources, bool color = false);

// The first `most` errors, warnings and notes, and how many more there are of each.
std::string render_all(const Diagnostics& diagnostics, const Sources& sources, bool color = false,
                       int most = 20);

// A fault of the program itself: prints what happened and asks for a report, then exits with 70.
[[noreturn]] void internal_error(std::string_view what);

}  // namespace slope
