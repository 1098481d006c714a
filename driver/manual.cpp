// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The manual page in the man macros, section 1, in the order of man-pages(7).
#include <fmt/format.h>

#include "driver/help.h"

namespace slope {

namespace {

// Minus signs are not hyphens, and a line must not begin with a control character of roff.
std::string roff(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '\\') out += "\\e";
    else if (c == '-') out += "\\-";
    else if (c == '`') out += "\\(ga";
    else if ((c == '.' || c == '\'') && (out.empty() || out.back() == '\n')) out += std::string("\\&") + c;
    else out += c;
  }
  return out;
}

// "\fB\-o\fR, \fB\-\-output\fR \fIFILE\fR"
std::string label(const Option& option) {
  std::string out;
  for (const std::string& name : option.names)
    out += fmt::format("{}\\fB{}\\fR", out.empty() ? "" : ", ", roff(name));
  return option.takes.name.empty() ? out : fmt::format("{} \\fI{}\\fR", out, roff(option.takes.name));
}

void item(std::string& out, const std::string& tag, std::string_view text) {
  out += fmt::format(".TP\n{}\n{}\n", tag, roff(text));
}

void examples_text(std::string& out, std::span<const Example> examples) {
  bool first = true;
  for (const Example& e : examples) {
    out += fmt::format("{}.nf\n\\&    {}\n.fi\n.RS 8\n{}\n.RE\n", first ? "" : ".PP\n", roff(e.line),
                       roff(e.about));
    first = false;
  }
}

std::string sentence(std::string text) {
  if (text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text + ".";
}

void command_text(std::string& out, const Command& command) {
  out += fmt::format(".SS {}\n", roff(usage(command)));
  out += roff(sentence(command.about)) + "\n";
  if (!command.detail.empty()) out += roff(command.detail) + "\n";
  for (const Operand& operand : command.operands) {
    const Takes& value = operand.takes;
    std::string choices = value.choices.empty() ? "" : fmt::format(": {}", fmt::join(value.choices, ", "));
    item(out, fmt::format("\\fI{}\\fR", roff(value.name)), operand.about + choices);
  }
  for (const Option* option : options_of(command.name))
    if (!option->later && !is_common(*option, command)) item(out, label(*option), option->about);
  out += ".PP\nExamples:\n.PP\n";
  examples_text(out, command.examples);
}

}  // namespace

std::string manual_page() {
  std::string out = fmt::format(".\\\" Made by `slope help --man`.\n.TH SLOPE 1 {} \"slope {}\"\n",
                                SLOPE_DATE, SLOPE_VERSION);
  out += ".SH NAME\nslope \\- compile a model written as mathematics and fit it to data\n";
  out += ".SH SYNOPSIS\n.B slope\n.I COMMAND\n[\\fIOPTION\\fR]...\n.SH DESCRIPTION\n";
  out += roff(summary) + "\n";
  out +=
      "Results go to standard output, progress and messages to standard error.\n"
      "An option of the command line goes before what the model says.\n";
  out += ".SH COMMANDS\n";
  for (const Command& command : commands()) command_text(out, command);
  out += ".SH OPTIONS\nThese go with every command that takes a model.\n";
  const Command& train = *find_command("train");
  for (const Option* option : options_of(train.name))
    if (is_common(*option, train)) item(out, label(*option), option->about);
  item(out, "\\fB\\-h\\fR, \\fB\\-\\-help\\fR", "help for the command, short or with examples");
  out += ".SH EXIT STATUS\n";
  for (const ExitCode& code : exit_codes()) item(out, roff(code.codes), code.about);
  out += ".SH ENVIRONMENT\n";
  item(out, "NO_COLOR", "If it is set, messages have no color unless --color asks for it.");
  out += ".SH EXAMPLES\n";
  examples_text(out, first_examples());
  return out;
}

}  // namespace slope
