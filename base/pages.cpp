// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "base/pages.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <iterator>

namespace slope {

namespace {

constexpr std::string_view heading = "\n## ";

// Digits beyond those of any code mean the largest number.
int number_of(std::string_view word) {
  int number = 0;
  auto read = std::from_chars(word.data() + 1, word.data() + word.size(), number);
  return read.ec == std::errc() ? number : INT32_MAX;
}

}  // namespace

std::string_view page(Code code, std::string_view text) {
  std::size_t begin = text.find(std::string(heading) + to_string(code) + ":");
  if (begin == std::string_view::npos) return {};
  begin = text.find('\n', begin + 1) + 1;
  text = text.substr(begin, text.find(heading, begin) - begin);
  text.remove_prefix(std::min(text.find_first_not_of('\n'), text.size()));
  return text;
}

std::string plain(std::string_view markdown) {
  std::string out;
  bool fenced = false;
  for (std::size_t at = 0; at < markdown.size();) {
    std::size_t end = std::min(markdown.find('\n', at), markdown.size());
    std::string_view line = markdown.substr(at, end - at);
    at = end + 1;
    if (line.starts_with("```")) {
      fenced = !fenced;
      continue;
    }
    if (fenced && !line.empty()) out += "    ";
    (out += line) += '\n';
  }
  return out;
}

bool is_code(std::string_view word) {
  return word.size() > 1 && (word[0] == 'S' || word[0] == 's') &&
         word.find_first_not_of("0123456789", 1) == std::string_view::npos;
}

std::optional<Code> find_code(std::string_view word) {
  for (const CodeEntry& e : code_table)
    if (is_code(word) && word.substr(1) == std::string_view(to_string(e.code)).substr(1)) return e.code;
  return {};
}

Code nearest_code(std::string_view word) {
  int number = number_of(word);
  auto distance = [&](const CodeEntry& e) { return std::abs(static_cast<int>(e.code) - number); };
  return std::min_element(std::begin(code_table), std::end(code_table),
                          [&](const CodeEntry& a, const CodeEntry& b) { return distance(a) < distance(b); })
      ->code;
}

}  // namespace slope
