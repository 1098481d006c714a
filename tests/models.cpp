// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Programs that use all of the language, tests/models/*.slope: each compiles and trains on made-up data of
// the shape that its `data` statements say, and predicts with what was saved. Its loss and derivatives
// are the interpreter's, the latter those of central differences, unless it stops some itself.
//   models SLOPE MODEL FOLDER
// Lines at a model's top say what made-up data must respect:
//   #! rows N               so many (40)
//   #! pos NAME…            columns of positive numbers
//   #! bin NAME…            columns of 0 and 1
//   #! class NAME LABEL…    the labels of a column
//   #! index NAME N         its numbers are below N
//   #! cols NAME…           columns of a model without `data`, which are given with --data
#include <fmt/format.h>
#include <sys/wait.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "base/diagnostic.h"
#include "frontend/ast.h"
#include "graph/philox.h"
#include "model_gradient.h"

using slope::ast::Kind;
namespace ast = slope::ast;
namespace fs = std::filesystem;

namespace {

[[noreturn]] void fail(const std::string& what) {
  std::cout << what << "\n";
  std::exit(1);
}

std::string read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
void write(const fs::path& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

std::vector<std::string> words(const std::string& line) {
  std::istringstream in(line);
  std::vector<std::string> out;
  for (std::string word; in >> word;) out.push_back(word);
  return out;
}

struct Hints {
  std::int64_t rows = 40;
  std::set<std::string> positive, binary;
  std::map<std::string, std::vector<std::string>> labels;
  std::map<std::string, std::int64_t> below;
  std::vector<std::string> columns;
};

Hints hints_of(const std::string& text) {
  Hints out;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with("#!")) continue;
    std::vector<std::string> w = words(line.substr(2));
    std::vector<std::string> rest(w.begin() + 1, w.end());
    if (w[0] == "rows") out.rows = std::stoll(rest[0]);
    else if (w[0] == "pos") out.positive.insert(rest.begin(), rest.end());
    else if (w[0] == "bin") out.binary.insert(rest.begin(), rest.end());
    else if (w[0] == "class") out.labels[rest[0]].assign(rest.begin() + 1, rest.end());
    else if (w[0] == "index") out.below[rest[0]] = std::stoll(rest[1]);
    else if (w[0] == "cols") out.columns = rest;
    else fail("no hint is called " + w[0]);
  }
  return out;
}

// One column of a file: cells by row.
struct Cells {
  std::string header;
  std::function<std::string(std::int64_t row)> at;
};
struct File {
  std::vector<Cells> cells;
  std::string separator = ",";
};

double uniform(std::uint64_t key, std::int64_t row) {
  return slope::uniform_pair(key, static_cast<std::uint64_t>(row))[0];
}

class MadeUp {
 public:
  MadeUp(const ast::Ast& tree, const Hints& hints, fs::path folder)
      : tree_(tree), hints_(hints), folder_(std::move(folder)) {}

  void write_all() {
    for (ast::NodeId id : tree_.children(tree_.root())) {
      if (tree_[id].kind == Kind::data) data(id);
      if (tree_[id].kind == Kind::train) train(id);
    }
    for (const std::string& name : hints_.columns) files_["given.csv"].cells.push_back({name, numbers(name)});
    for (const auto& [name, file] : files_) write_csv(name, file, hints_.rows);
    // Rows to validate with: those of another file, of the same columns.
    if (!validation_.empty()) write_csv(validation_, files_.begin()->second, 12);
  }

 private:
  void data(ast::NodeId id) {
    std::string from;
    ast::NodeId range;
    std::string separator = ",";
    for (ast::NodeId part : tree_.children(id)) {
      const ast::Node& node = tree_[part];
      if (node.kind == Kind::from) from = node.text;
      if (node.kind == Kind::columns || node.kind == Kind::columns_range) range = part;
      if (node.kind == Kind::option && node.text == "sep") separator = tree_[tree_.child(part, 0)].text;
    }
    for (ast::NodeId part : tree_.children(id))
      if (tree_[part].kind == Kind::column) column(part, from, range, separator);
  }

  std::vector<std::int64_t> axes(ast::NodeId column) const {
    std::vector<std::int64_t> out;
    ast::NodeId shape = tree_.find(column, Kind::shape);
    if (!shape.valid()) return out;
    for (ast::NodeId size : tree_.children(shape))
      out.push_back(static_cast<std::int64_t>(tree_[size].number));
    return out;
  }

  void column(ast::NodeId id, const std::string& from, ast::NodeId range, const std::string& separator) {
    const ast::Node& node = tree_[id];
    std::vector<std::int64_t> shape = axes(id);
    std::int64_t count = 1;
    for (std::int64_t n : shape) count *= n;
    auto cells = cells_of(id);
    if (from.ends_with("ubyte")) return write_idx(from, shape, count, cells);
    if (from.ends_with(".npy")) return write_npy(from, shape, count, cells);
    File& file = files_[from];
    file.separator = separator;
    std::vector<std::string> headers;
    ast::NodeId header = tree_.find(id, Kind::string);
    if (range.valid()) {
      for (ast::NodeId part : tree_.children(range)) headers.push_back(tree_[part].text);
      // What stands between the first and the last has any name.
      for (std::int64_t k = std::ssize(headers); k < count; ++k)
        headers.insert(headers.end() - 1, fmt::format("{}_{}", node.text, k));
    } else {
      headers.push_back(header.valid() ? tree_[header].text : node.text);
    }
    for (std::size_t k = 0; k < headers.size(); ++k)
      file.cells.push_back({headers[k], k == 0 ? cells : cells_of(id, headers[k])});
  }

  // `header`: of an element behind the first.
  std::function<std::string(std::int64_t)> cells_of(ast::NodeId id, const std::string& header = "") {
    const std::string name = tree_[id].text;
    std::uint64_t key = std::hash<std::string>()(header.empty() ? name : header);
    ast::NodeId type = tree_.find(id, Kind::class_type);
    ast::NodeId index = tree_.find(id, Kind::index_type);
    auto among = [key](std::int64_t n, std::int64_t row) {
      // Each occurs, in whatever order.
      return row < n ? row : static_cast<std::int64_t>(uniform(key, row) * static_cast<double>(n));
    };
    if (type.valid()) {
      std::vector<std::string> labels{"a", "b", "c"};
      if (auto given = hints_.labels.find(name); given != hints_.labels.end()) labels = given->second;
      else if (!tree_.children(type).empty()) {
        labels.clear();
        for (int k = 0; k < static_cast<int>(tree_[tree_.child(type, 0)].number); ++k)
          labels.push_back(std::to_string(k));
      }
      return
          [=](std::int64_t row) { return labels[static_cast<std::size_t>(among(std::ssize(labels), row))]; };
    }
    if (index.valid()) {
      auto given = hints_.below.find(name);
      std::int64_t n = given == hints_.below.end() ? 5 : given->second;
      return [=](std::int64_t row) {
        return std::to_string(static_cast<std::int64_t>(uniform(key, row) * static_cast<double>(n)));
      };
    }
    return numbers(header.empty() ? name : header);
  }

  std::function<std::string(std::int64_t)> numbers(const std::string& name) const {
    std::uint64_t key = std::hash<std::string>()(name);
    bool positive = hints_.positive.contains(name), binary = hints_.binary.contains(name);
    return [=](std::int64_t row) {
      double u = uniform(key, row);
      return binary ? std::to_string(u < 0.5) : fmt::format("{:.4f}", positive ? 0.2 + 3 * u : 2 * u - 1);
    };
  }

  void train(ast::NodeId id) {
    for (ast::NodeId option : tree_.children(id))
      if (tree_[option].text == "validation" && tree_[tree_.child(option, 0)].kind == Kind::string)
        validation_ = tree_[tree_.child(option, 0)].text;
  }

  void write_csv(const std::string& name, const File& file, std::int64_t rows) const {
    std::string out;
    for (std::size_t k = 0; k < file.cells.size(); ++k)
      out += (k ? file.separator : "") + '"' + file.cells[k].header + '"';
    for (std::int64_t row = 0; row < rows; ++row)
      for (std::size_t k = 0; k < file.cells.size(); ++k)
        out += (k ? file.separator : "\n") + file.cells[k].at(row);
    write(folder_ / name, out + "\n");
  }

  void write_idx(const std::string& name, std::vector<std::int64_t> shape, std::int64_t count,
                 const std::function<std::string(std::int64_t)>& cells) const {
    shape.insert(shape.begin(), hints_.rows);
    std::string out{'\0', '\0', '\x08', static_cast<char>(shape.size())};
    for (std::int64_t n : shape)
      for (int byte = 3; byte >= 0; --byte) out += static_cast<char>(n >> (8 * byte));
    for (std::int64_t row = 0; row < hints_.rows; ++row)
      for (std::int64_t k = 0; k < count; ++k)
        out += static_cast<char>(count == 1 ? std::stoi(cells(row))
                                            : static_cast<int>(255 * uniform(7, row * count + k)));
    write(folder_ / name, out);
  }

  // f8; a header of version 1.0.
  void write_npy(const std::string& name, std::vector<std::int64_t> shape, std::int64_t count,
                 const std::function<std::string(std::int64_t)>& cells) const {
    std::string sizes = std::to_string(hints_.rows) + ",";
    for (std::int64_t n : shape) sizes += " " + std::to_string(n) + ",";
    std::string header = "{'descr': '<f8', 'fortran_order': False, 'shape': (" + sizes + "), }";
    while ((10 + header.size() + 1) % 64 != 0) header += ' ';
    header += '\n';
    std::string out("\x93NUMPY\x01\x00", 8);
    out += static_cast<char>(header.size() & 255);
    out += static_cast<char>(header.size() >> 8);
    out += header;
    for (std::int64_t row = 0; row < hints_.rows; ++row)
      for (std::int64_t k = 0; k < count; ++k) {
        double value = count == 1 ? std::stod(cells(row)) : 2 * uniform(7, row * count + k) - 1;
        out.append(reinterpret_cast<const char*>(&value), sizeof value);
      }
    write(folder_ / name, out);
  }

  const ast::Ast& tree_;
  const Hints& hints_;
  fs::path folder_;
  std::map<std::string, File> files_;
  std::string validation_;
};

struct Ran {
  int exit = 0;
  std::string out;
};
Ran run(const fs::path& folder, const std::string& command) {
  std::string line = fmt::format("cd '{}' && {} >out 2>err </dev/null", folder.string(), command);
  int status = std::system(line.c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), read(folder / "out")};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) fail("models SLOPE MODEL FOLDER");
  fs::path model = argv[2], folder = argv[3];
  fs::remove_all(folder);
  fs::create_directories(folder);
  for (const auto& other : fs::directory_iterator(model.parent_path()))
    if (other.path().stem().string().find('-') == std::string::npos) fs::copy(other.path(), folder);
  fs::copy(model, folder / "m.slope");
  const std::string text = read(model);
  slope::Diagnostics diagnostics;
  ast::Ast tree = slope::parse(slope::Source("m.slope", text), diagnostics);
  if (diagnostics.has_errors()) fail("the model does not parse");
  Hints hints = hints_of(text);
  MadeUp(tree, hints, folder).write_all();

  bool stops = text.find("stop_gradient(") != std::string::npos;
  std::string fault = stops ? "" : gradient_fault(folder.string(), hints.columns.empty() ? "" : "given.csv");
  if (!fault.empty()) fail(fault);

  std::string slope = fmt::format("'{}'", argv[1]);
  std::string data = hints.columns.empty() ? "" : " --data given.csv";
  // Few passes: this is no test of how well they fit.
  std::string few = text.find("epochs=") != std::string::npos ? " --epochs 2"
                    : text.find("steps=") != std::string::npos || text.find("train") == std::string::npos
                        ? " --steps 12"
                        : "";
  Ran trained = run(folder, fmt::format("{} train m.slope --json{}{}", slope, data, few));
  std::string said = read(folder / "err");
  auto json = nlohmann::json::parse(trained.out, nullptr, false);
  if (json.is_discarded()) fail(fmt::format("exit {}, no JSON: {}{}", trained.exit, trained.out, said));
  // A solver need not converge on made-up data.
  bool done = trained.exit == 0 || (trained.exit == 4 && json["status"] == "not_converged");
  if (!done || !json["loss"].is_number()) fail(fmt::format("exit {}: {}", trained.exit, json.dump(1)));
  if (json["parameters"].empty()) fail("no parameters");
  if (text.find("predict") == std::string::npos) return 0;
  Ran predicted = run(folder, fmt::format("{} predict m.slope{}", slope, data));
  auto lines = std::count(predicted.out.begin(), predicted.out.end(), '\n');
  if (predicted.exit != 0 || lines != hints.rows + 1)
    fail(fmt::format("predict: exit {}, {} lines\n{}", predicted.exit, lines, read(folder / "err")));
  if (predicted.out.find("nan") != std::string::npos) fail("predict: nan\n" + predicted.out);
  return 0;
}
