// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "driver/resume_command.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace slope {

namespace {

// As one word of a shell. What a terminal must not be given is escaped, whatever that makes of the word.
std::string word(const std::string& text) {
  constexpr std::string_view plain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=.,:/@%";
  if (!text.empty() && text.find_first_not_of(plain) == std::string::npos) return text;
  std::string quoted = "'";
  for (char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return escaped(quoted + "'");
}

}  // namespace

std::string resume_command(const Arguments& a, const std::string& state) {
  std::string out = "slope train";
  auto add = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) out += fmt::format(" {} {}", name, word(value));
  };
  if (a.text) add("-e", *a.text);
  else out += " " + word(a.model.starts_with('-') && a.model != "-" ? "./" + a.model : a.model);
  for (const std::string& data : a.data) add("--data", data);
  for (const auto& [name, value] : a.sets) add("--set", name + "=" + value);
  for (auto [name, value] : a.options) {
    std::replace(name.begin(), name.end(), '_', '-');
    add("--" + name, value);
  }
  add("--precision", a.precision);
  add("--save", a.save);
  if (a.save_every) add("--save-every", std::to_string(*a.save_every));
  add("--log", a.log);
  add("--resume", state);
  return out;
}

}  // namespace slope
