// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "driver/words.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <string>
#include <string_view>

namespace slope {

namespace {

const CLI::Option* find(const CLI::App& command, std::string_view word) {
  std::string name(word.substr(0, word.find('=')));
  if (name.size() < 2 || name[0] != '-' || name == "--") return nullptr;
  return command.get_option_no_throw(name);
}

const CLI::App* command_of(const CLI::App& app, std::string_view word) {
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; }))
    if (sub->get_name() == word) return sub;
  return nullptr;
}

}  // namespace

bool check_words(const CLI::App& app, int count, char** words, Diagnostics& diagnostics) {
  const CLI::App* command = count > 1 ? command_of(app, words[1]) : nullptr;
  if (!command) return true;
  auto refuse = [&](std::string message) {
    diagnostics.error(Code::usage, std::move(message))
        .helps.push_back(fmt::format("`slope {} --help` tells more", words[1]));
    return false;
  };
  for (int i = 2; i < count; ++i) {
    std::string_view word = words[i];
    if (word == "--") break;
    const CLI::Option* option = find(*command, word);
    if (!option) continue;
    std::string name(word.substr(0, word.find('=')));
    bool joined = name.size() < word.size();
    if (option->get_items_expected_max() == 0) {
      if (joined) return refuse(fmt::format("{} takes no value: write it alone", name));
      continue;
    }
    if (option->get_items_expected_min() == 0) continue;  // its value may be left out
    std::string needs = fmt::format("{} needs a value: {} {}", name, name, option->get_type_name());
    if (joined && name.size() + 1 == word.size()) return refuse(needs);
    if (joined) continue;
    if (++i == count) return refuse(needs);
    std::string_view value = words[i];
    if (value.empty()) return refuse(needs);
    if (find(*command, value)) return refuse(fmt::format("{}, and here `{}` follows", needs, value));
  }
  return true;
}

}  // namespace slope
