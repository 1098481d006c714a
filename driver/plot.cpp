// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// slope plot: the picture of a fit at saved weights.
#include <fmt/format.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/os.h"
#include "base/text.h"
#include "driver/output.h"
#include "driver/run_files.h"
#include "plot/svg.h"
#include "plot/terminal.h"
#include "runtime/picture.h"

namespace slope {

namespace {

// The font of the Linux console has no braille.
bool shows_braille() {
  const char* terminal = std::getenv("TERM");
  bool console = os::is_terminal(1) && terminal && std::string_view(terminal) == "linux";
  return os::is_utf8_locale() && !console;
}

std::string for_terminal(const Arguments& a, const plot::Figure& figure) {
  os::Size size = os::terminal_size(1);
  // The prompt has a line too.
  return plot::terminal(figure, {size.columns, size.lines - 1, use_color(a, 1), shows_braille()});
}

}  // namespace

int run_plot(const Arguments& given) {
  Arguments a = given;
  a.weights = weights_path(a);
  Session s = open_session(a);
  auto failed = [&] { return finish(a, s, nullptr, s.diagnostics.exit_code()); };
  if (a.weights.empty())
    s.diagnostics.error(Code::usage, "--weights FILE is needed: the state that `slope train` saved");
  if (s.diagnostics.has_errors()) return failed();
  auto params = prepare_at(s, a.weights, Use::prediction);
  if (!params || !check_output(a, s, a.output, "the picture")) return failed();
  std::int64_t rows = 0;
  auto figure = picture(s, *params, {}, rows);
  if (!figure) return failed();
  bool written = a.output.empty() ? print(for_terminal(a, *figure), s.diagnostics)
                                  : write_result(s, a.output, plot::svg(*figure));
  bool file = !is_standard_output(a.output);
  if (written && file && !a.json && !a.quiet) print_error(fmt::format("drawn {}\n", escaped(a.output)));
  if (!written || !a.json) return finish(a, s, nullptr, s.diagnostics.exit_code());
  Json json{{"slope", 1},
            {"model", escaped(s.request.source.name())},
            {"status", "finished"},
            {"rows", rows},
            {"plot", escaped(a.output)},
            {"diagnostics", diagnostics_json(s.diagnostics, s.sources)}};
  return finish(a, s, &json, exit_code::done);
}

}  // namespace slope
