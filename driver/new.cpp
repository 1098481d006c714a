// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// slope new: a first model for a data file.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/os.h"
#include "base/text.h"
#include "driver/output.h"
#include "driver/run_files.h"
#include "runtime/starter.h"

namespace slope {

namespace {

namespace fs = std::filesystem;

struct Names {
  std::string data, model;
};

// Which word is which: what ends in .slope, or is -, is the model.
std::optional<Names> names_of(const Arguments& a, Diagnostics& diagnostics) {
  std::vector<std::string> data = a.data, models;
  for (const std::string& word : a.files)
    (word == "-" || word.ends_with(".slope") ? models : data).push_back(word);
  auto wrong = [&](std::string message, std::string help) {
    diagnostics.error(Code::usage, std::move(message)).helps.push_back(std::move(help));
    return std::nullopt;
  };
  if (data.empty()) return wrong("a data file is needed", "slope new points.csv");
  if (data.size() > 1)
    return wrong(fmt::format("there are two data files: `{}` and `{}`", escaped(data[0]), escaped(data[1])),
                 "the model's name ends in .slope");
  if (models.size() > 1)
    return wrong(fmt::format("there are two models: `{}` and `{}`", escaped(models[0]), escaped(models[1])),
                 "slope new points.csv line.slope");
  if (data[0] == "-")
    return wrong("the model has to name its data: standard input has no name",
                 "write the data to a file first");
  if (models.empty()) models.push_back(fs::path(data[0]).filename().replace_extension(".slope").string());
  return Names{data[0], models[0]};
}

// The data as the model names them: seen from its folder.
std::string seen_from(const std::string& model, const std::string& data) {
  fs::path folder = model == "-" ? fs::path() : fs::path(model).parent_path(), path(data);
  if (folder.empty() || path.is_absolute()) return data;
  std::error_code failed;
  fs::path relative = fs::relative(path, folder, failed);
  return failed || relative.empty() ? fs::absolute(path).string() : relative.string();
}

bool may_write(const Arguments& a, const Names& names, Diagnostics& diagnostics) {
  std::error_code ignored;
  if (names.model == "-") return true;
  RunFiles files;
  files.reads(names.data, "the data");
  files.writes(names.model, "the model");
  if (!files.check(diagnostics)) return false;
  if (a.force || fs::symlink_status(names.model, ignored).type() == fs::file_type::not_found) return true;
  diagnostics.error(Code::cannot_write, fmt::format("`{}` is there already", escaped(names.model)))
      .helps.push_back(
          "give another name, as in `slope new DATA.csv NAME.slope`, or write over it with --force");
  return false;
}

// As a word of a shell's command line.
std::string shell_word(const std::string& path) {
  std::string word = path.starts_with('-') ? "./" + path : path, out = "'";
  auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("_-./+,@").find(c) != std::string_view::npos;
  };
  if (std::all_of(word.begin(), word.end(), plain)) return word;
  for (char c : word) out += c == '\'' ? "'\\''" : std::string(1, c);
  return escaped(out + "'");
}

std::string next_text(const Names& names, const Starter& starter) {
  std::string from = starter.features.size() > 3 ? fmt::format("{} columns", starter.features.size())
                                                 : listed(starter.features);
  std::string word = shell_word(names.model);
  return fmt::format(
      "wrote {}: {} from {}, {} rows\n"
      "next:  slope train {}    # fit it\n"
      "       slope plot {}     # look at the fit\n"
      "       slope explain {}  # what it means\n",
      escaped(names.model), escaped(starter.target), escaped(from), starter.rows, word, word, word);
}

bool write_starter(const Arguments& a, Diagnostics& diagnostics) {
  auto names = names_of(a, diagnostics);
  if (!names || !may_write(a, *names, diagnostics)) return false;
  bool shown = names->model == "-";
  auto starter = starter_model(names->data, seen_from(names->model, names->data), diagnostics);
  if (!starter) return false;
  if (shown) return print(starter->text, diagnostics);
  if (os::Status failed = os::write_file(names->model, starter->text)) {
    diagnostics.error(Code::cannot_write, failed->message());
    return false;
  }
  return print(next_text(*names, *starter), diagnostics);
}

}  // namespace

int run_new(const Arguments& a) {
  Diagnostics diagnostics;
  write_starter(a, diagnostics);
  print_error(render_all(diagnostics, {}, use_color(a)));
  return diagnostics.exit_code();
}

}  // namespace slope
