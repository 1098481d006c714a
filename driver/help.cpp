// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// slope help, -h and --help. A label stands left, what it means right of it; what is too long for the line is
// broken between words.
#include "driver/help.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "base/text.h"
#include "driver/output.h"

namespace slope {

namespace {

constexpr std::size_t columns = 80, widest_label = 24;

// The text in lines, all but the first indented.
std::string wrapped(const std::string& text, std::size_t indent) {
  std::istringstream words(text);
  std::string out;
  std::size_t used = indent;
  for (std::string word; words >> word;) {
    auto width = static_cast<std::size_t>(display_width(word));
    if (used > indent && used + 1 + width > columns) {
      out += "\n" + std::string(indent, ' ');
      used = indent;
    }
    if (used > indent) out += " ", ++used;
    out += word;
    used += width;
  }
  return out + "\n";
}

struct Row {
  std::string label, about;
};

std::string table(const std::vector<Row>& rows) {
  std::size_t widest = 0;
  for (const Row& row : rows)
    if (row.label.size() <= widest_label) widest = std::max(widest, row.label.size());
  std::size_t column = widest + 4;
  std::string out;
  for (const Row& row : rows) {
    out += "  " + row.label;
    if (row.label.size() > widest) out += "\n" + std::string(column, ' ');
    else out += std::string(column - 2 - row.label.size(), ' ');
    out += wrapped(row.about, column);
  }
  return out;
}

// "-o, --output FILE"; what has no short name stands under the long ones.
std::string label(const Option& option) {
  bool has_short = !option.names[0].starts_with("--");
  std::string out = has_short ? option.names[0] : "    " + option.names[0];
  for (std::size_t i = 1; i < option.names.size(); ++i) out += ", " + option.names[i];
  return option.takes.name.empty() ? out : out + " " + option.takes.name;
}

std::string options_text(const std::string& title, const std::vector<const Option*>& options) {
  std::vector<Row> rows;
  for (const Option* option : options) rows.push_back({label(*option), option->about});
  return rows.empty() ? "" : "\n" + title + ":\n" + table(rows);
}

// Beside one another where all of them have room, else each explanation above its line.
std::string examples_text(std::span<const Example> examples) {
  std::size_t widest = 0, longest = 0;
  for (const Example& e : examples) {
    widest = std::max(widest, e.line.size());
    longest = std::max(longest, e.about.size());
  }
  std::string out = "\nExamples:\n";
  for (const Example& e : examples)
    out += widest + longest + 6 <= columns ? fmt::format("  {:<{}}  # {}\n", e.line, widest, e.about)
                                           : fmt::format("  # {}\n  {}\n", e.about, e.line);
  return out;
}

std::string paragraphs(const std::string& text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = std::min(text.find("\n\n", at), text.size());
    out += "\n" + wrapped(text.substr(at, end - at), 0);
    at = end + 2;
  }
  return out;
}

std::string names_of(const std::vector<const Option*>& options, std::string_view between) {
  std::string out;
  for (const Option* option : options)
    out += (out.empty() ? "" : std::string(between)) + option->names.back();
  return out;
}

std::string operands_text(const Command& command) {
  std::vector<Row> rows;
  for (const Operand& operand : command.operands) {
    const std::vector<std::string>& choices = operand.takes.choices;
    rows.push_back({operand.takes.name, choices.empty()
                                            ? operand.about
                                            : fmt::format("{}: {}", operand.about, listed(choices, "or"))});
  }
  return rows.empty() ? "" : "\n" + table(rows);
}

std::string command_text(const Command& command, bool brief) {
  std::vector<const Option*> own, common, later;
  for (const Option* option : options_of(command.name))
    (option->later ? later : is_common(*option, command) ? common : own).push_back(option);
  std::string out = wrapped(fmt::format("slope {}: {}", command.name, command.about), 2);
  out += "\nUsage: " + usage(command) + "\n";
  if (!brief) out += paragraphs(command.detail);
  out += operands_text(command) + options_text("Options", own);
  if (brief && !common.empty()) out += "\n" + wrapped(fmt::format("Also: {}", names_of(common, " ")), 6);
  if (brief) return out + fmt::format("\n`slope {} --help` tells more.\n", command.name);
  out += options_text("Options of every command with a model", common);
  if (!later.empty()) out += "\n" + wrapped("Not there yet: " + names_of(later, ", "), 2);
  return out + examples_text(command.examples);
}

std::string program_text(bool brief) {
  std::string out = wrapped(std::string(summary), 0);
  out += "\nUsage: slope COMMAND [OPTION]...\n\nCommands:\n";
  std::vector<Row> rows;
  for (const Command& command : commands()) rows.push_back({command.name, command.about});
  out += table(rows) + "\nOptions:\n" +
         table({{"-h, --help", "help, short or with examples; of the command that stands before"},
                {"    --version", "versions and the CPU"}});
  if (!brief) {
    out += examples_text(first_examples()) + "\nExit codes:\n";
    rows.clear();
    for (const ExitCode& code : exit_codes()) rows.push_back({code.codes, code.about});
    out += table(rows);
  }
  return out + "\n`slope COMMAND --help` tells about a command, `slope help --man` is the manual.\n";
}

}  // namespace

std::string help_text(const Command* command, bool brief) {
  return command ? command_text(*command, brief) : program_text(brief);
}

int run_help(const Arguments& a) {
  Diagnostics diagnostics;
  print(a.man ? manual_page() : help_text(find_command(a.topic), a.brief), diagnostics);
  if (diagnostics.has_errors()) print_error(render_all(diagnostics, {}));
  return diagnostics.exit_code();
}

int run_completion(const Arguments& a) {
  Diagnostics diagnostics;
  print(a.shell == "bash"  ? bash_completion()
        : a.shell == "zsh" ? zsh_completion()
                           : fish_completion(),
        diagnostics);
  if (diagnostics.has_errors()) print_error(render_all(diagnostics, {}));
  return diagnostics.exit_code();
}

}  // namespace slope
