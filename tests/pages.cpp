// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// docs/errors.md: every code of base/codes.h has a page, and the pages tell the truth. In a fenced block
// ```slope is the file model.slope; in ```console the lines after `$ ` (and `> `) are commands for the shell,
// the others what they print. The first console block of a page must print the page's code, no error of
// another, and end with its exit code. What follows it is right: its commands, or after a model without
// commands the first ones again, must succeed without that code.
//
//   error_pages             tests all pages
//   error_pages --update    writes what the commands print into docs/errors.md
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "base/pages.h"

namespace fs = std::filesystem;

namespace {

int faults = 0;
void fault(const std::string& where, const std::string& what) {
  ++faults;
  std::printf("docs/errors.md, %s: %s\n", where.c_str(), what.c_str());
}

std::string read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
void write(const fs::path& path, const std::string& text) { std::ofstream(path, std::ios::binary) << text; }

struct Block {
  std::string kind, text;
};

// The fenced blocks of a page.
std::vector<Block> blocks_of(std::string_view markdown) {
  std::vector<Block> blocks;
  std::istringstream in{std::string(markdown)};
  bool inside = false;
  for (std::string line; std::getline(in, line);) {
    bool fence = line.starts_with("```");
    if (fence) inside = !inside;
    if (fence && inside) blocks.push_back({line.substr(3), ""});
    else if (inside) blocks.back().text += line + "\n";
  }
  return blocks;
}

struct Command {
  std::string shown, words, printed;  // as in the page, for the shell, what the page says it prints
};

std::vector<Command> commands_of(const std::string& text) {
  std::vector<Command> commands;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    bool more = line.starts_with("> ");
    if (line.starts_with("$ ")) commands.emplace_back();
    if (commands.empty()) continue;
    Command& c = commands.back();
    if (more || line.starts_with("$ ")) {
      c.shown += line + "\n";
      c.words += line.substr(2) + "\n";
    } else {
      c.printed += line + "\n";
    }
  }
  return commands;
}

// What the one command with this name does that a page uses, where no service manager runs.
constexpr const char* no_executable_memory =
    "#!/bin/sh\n"
    "while [ \"${1#-}\" != \"$1\" ]; do shift; done\n"
    "export LD_PRELOAD='" SLOPE_SHIM
    "'\n"
    "SLOPE_FAULT_CALLS=code SLOPE_FAULT=1+:13 exec \"$@\"\n";

// A page's examples in a folder of their own.
class Trial {
 public:
  Trial(slope::Code code, const std::string& points)
      : code_(slope::to_string(code)), exit_(entry(code).exit) {
    std::string name = (fs::temp_directory_path() / "slope-page-XXXXXX").string();
    if (!mkdtemp(name.data())) std::exit(70);
    side_ = name;
    fs::create_directory(folder());
    fs::create_directory(side_ / "bin");
    write(side_ / "bin" / "systemd-run", no_executable_memory);
    fs::permissions(side_ / "bin" / "systemd-run", fs::perms::owner_all);
    write(folder() / "points.csv", points);
  }
  ~Trial() {
    std::error_code ignored;
    fs::remove_all(side_, ignored);
  }
  Trial(const Trial&) = delete;
  Trial& operator=(const Trial&) = delete;

  // The blocks with what was printed.
  std::vector<Block> run(std::vector<Block> blocks) {
    std::vector<Command> wrong;
    int right = 0;
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      Block& block = blocks[i];
      bool last = i + 1 == blocks.size();
      if (block.kind == "slope") {
        write(folder() / "model.slope", block.text);
        if (last && !wrong.empty()) ++right, must_be_right(execute(wrong, nullptr));
      } else if (block.kind == "console") {
        std::vector<Command> commands = commands_of(block.text);
        std::string now;
        Outcome outcome = execute(commands, &now);
        if (now != block.text) fault(code_, "the page says\n" + block.text + "printed is\n" + now);
        block.text = now;
        if (wrong.empty()) wrong = commands, must_be_wrong(outcome);
        else ++right, must_be_right(outcome);
      }
    }
    if (wrong.empty()) fault(code_, "no wrong example");
    if (right == 0) fault(code_, "no right example");
    return blocks;
  }

 private:
  struct Outcome {
    std::string printed;
    int exit = 0;
  };

  fs::path folder() const { return side_ / "work"; }

  Outcome execute(const std::vector<Command>& commands, std::string* page) const {
    Outcome all;
    for (const Command& c : commands) {
      std::string path = "PATH='" + (side_ / "bin").string() + "':$PATH\n";
      write(side_ / "command", path + "cd '" + folder().string() + "'\n" + c.words);
      std::string quoted = "'" + side_.string() + "/";
      int status = std::system(("sh " + quoted + "command' </dev/null >" + quoted + "out' 2>&1").c_str());
      std::string printed = read(side_ / "out");
      all.exit = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
      all.printed += printed;
      if (page) *page += c.shown + printed;
    }
    return all;
  }
  bool mentions(const Outcome& o) const { return o.printed.find(code_) != std::string::npos; }
  void must_be_wrong(const Outcome& o) const {
    if (!mentions(o)) fault(code_, "the wrong example does not lead to it:\n" + o.printed);
    const std::string error = "error[";
    for (std::size_t at = 0; (at = o.printed.find(error, at)) != std::string::npos; at += error.size())
      if (o.printed.compare(at + error.size(), code_.size(), code_) != 0)
        fault(code_, "the wrong example has other errors too:\n" + o.printed);
    if (o.exit != exit_) fault(code_, "the wrong example ends with " + std::to_string(o.exit));
  }
  void must_be_right(const Outcome& o) const {
    if (mentions(o)) fault(code_, "the right example leads to it too:\n" + o.printed);
    if (o.exit != 0) fault(code_, "the right example fails:\n" + o.printed);
  }

  std::string code_;
  int exit_;
  fs::path side_;
};

std::string with_blocks(std::string_view page, const std::vector<Block>& blocks) {
  std::string out;
  std::istringstream in{std::string(page)};
  bool inside = false;
  std::size_t next = 0;
  for (std::string line; std::getline(in, line);) {
    bool fence = line.starts_with("```");
    if (fence) inside = !inside;
    if (!inside || fence) out += line + "\n";
    if (fence && inside) out += blocks[next++].text;
  }
  return out;
}

// The heading of every code, in the order of the table, and no other.
std::string heading(const slope::CodeEntry& e) {
  return "## " + slope::to_string(e.code) + ": " + std::string(e.title);
}
void check_headings(const std::string& text) {
  std::string wanted, found;
  for (const slope::CodeEntry& e : slope::code_table) wanted += heading(e) + "\n";
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("## ")) found += line + "\n";
  std::istringstream w(wanted), f(found);
  for (std::string a, b; std::getline(w, a);) {
    if (!std::getline(f, b)) b.clear();
    if (a == b) continue;
    fault("headings", "`" + a + "` expected, `" + b + "` found");
    return;
  }
  for (std::string rest; std::getline(f, rest);) fault("headings", "`" + rest + "` is too much");
}

}  // namespace

int main(int count, char** words) {
  bool update = count > 1 && std::string(words[1]) == "--update";
  fs::path path = fs::path(SLOPE_ROOT) / "docs" / "errors.md";
  std::string text = read(path), program = fs::path(SLOPE_BINARY).parent_path().string();
  if (const char* old = std::getenv("PATH")) program += std::string(":") + old;
  setenv("PATH", program.c_str(), 1);
  setenv("LC_ALL", "C", 1);
  check_headings(text);
  if (text != slope::error_pages_text) std::printf("the program was built with other pages\n");
  std::string preface = text.substr(0, text.find("\n## ") + 1), points, now = preface;
  for (const Block& block : blocks_of(preface))
    if (block.kind == "csv") points = block.text;
  for (const slope::CodeEntry& e : slope::code_table) {
    std::string page(slope::page(e.code, text));
    std::vector<Block> blocks = blocks_of(page);
    bool can_try = e.code != slope::Code::interpreted || *SLOPE_SHIM;
    if (can_try) blocks = Trial(e.code, points).run(std::move(blocks));
    now += heading(e) + "\n\n" + with_blocks(page, blocks) + "\n";
  }
  now.pop_back();
  if (update && now != text) write(path, now);
  return faults > 0;
}
