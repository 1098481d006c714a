// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// slope explain CODE and slope explain --list: what the codes of the messages mean.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/pages.h"
#include "base/text.h"
#include "driver/output.h"

namespace slope {

namespace {

Json entry_json(const CodeEntry& e) {
  return {{"code", to_string(e.code)}, {"name", e.name}, {"exit", e.exit}, {"title", e.title}};
}

// "exit 3", or what takes its place where the program goes on.
std::string consequence(const CodeEntry& e) {
  return e.exit == exit_code::done ? "no error" : fmt::format("exit {}", e.exit);
}

int print_page(const Arguments& a, Session& s, const CodeEntry& e) {
  if (a.json) {
    Json json{{"slope", 1}};
    json.update(entry_json(e));
    json["page"] = page(e.code);
    write_result(s, a.output, dump(json));
  } else {
    write_result(
        s, a.output,
        fmt::format("{}: {} ({})\n\n{}", to_string(e.code), e.title, consequence(e), plain(page(e.code))));
  }
  return s.diagnostics.exit_code();
}

int print_list(const Arguments& a, Session& s) {
  std::string text;
  Json list = Json::array();
  for (const CodeEntry& e : code_table) {
    text += fmt::format("{}  {:8}  {}\n", to_string(e.code), consequence(e), e.title);
    list.push_back(entry_json(e));
  }
  write_result(s, a.output, a.json ? dump({{"slope", 1}, {"codes", list}}) : text);
  return s.diagnostics.exit_code();
}

}  // namespace

int run_explain_code(const Arguments& a) {
  Session s(Request{.source = Source(a.model, ""), .folder = {}, .data = {}, .settings = {}, .cpu = a.cpu});
  int exit = 0;
  if (a.list) {
    exit = print_list(a, s);
  } else if (auto code = find_code(a.model)) {
    exit = print_page(a, s, entry(*code));
  } else {
    s.diagnostics.error(Code::usage, fmt::format("`{}` is no code of a message", a.model)).helps = {
        fmt::format("did you mean {}?", to_string(nearest_code(a.model))),
        "`slope explain --list` lists them"};
    return finish(a, s, nullptr, s.diagnostics.exit_code());
  }
  if (exit != exit_code::done) show_diagnostics(a, s);
  return exit;
}

}  // namespace slope
