// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Golden tests: files, commands and what they must print, in one text file NAME.test.
//
//   golden_run NAME.test ...     run these (all without a name); exit 1 where one fails, 77 where one was
//   skipped golden_run --update ...      write what the program prints into the sections that hold exact text
//   golden_run --codes           every code of base/codes.h has a golden test, and no other code is mentioned
//
// Each test has a compile cache of its own, empty at first, in $XDG_CACHE_HOME. A test is prose, then
// sections; a section begins with a line `--- WORDS` and holds the lines up to the next.
//   --- file NAME                a file with this text                --- copy PATH           a file of the
//   repository
//   --- escaped NAME             the same; \r \n \t \xHH \\ stand for these bytes, line ends do not count
//   --- run COMMAND              a shell command; `slope` is the program under test. What follows is about
//   it:
//   --- stdin                    its standard input
//   --- exit N                   its exit code (else 0; else not 0 for the last command of a test named
//   fail_…)
//   --- stdout | stderr          exactly this text                    --- contents FILE       of a file it
//   wrote
//   --- stdout contains          each line is somewhere in it         --- stdout lacks        no line is in
//   it
//   --- stdout filecheck         patterns for LLVM's FileCheck
//   --- json                     lines `path/to/value EXPECTED [TOLERANCE]` for the JSON object on standard
//   output; a
//                                number may differ by TOLERANCE times the larger of 1 and its size
//   --- loop                     lines `INSTRUCTION COUNT` for the one loop over the rows in the LLVM IR or
//   assembly on
//                                standard output; `vfmadd* 2` counts all that begin so, `call` no intrinsic
//                                of LLVM
//   --- exists FILE              --- absent FILE
//   --- needs PATH               the test is skipped where there is no such file on this machine
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "base/codes.h"

namespace fs = std::filesystem;
using Json = nlohmann::json;

namespace {

constexpr int skipped = 77;

struct Section {
  std::string words, text;
  bool is(std::string_view name) const { return words == name; }
  std::string after(std::string_view name) const {
    std::string prefix = std::string(name) + " ";
    return words.starts_with(prefix) ? words.substr(prefix.size()) : "";
  }
};

struct Test {
  fs::path path;
  std::string prose;
  std::vector<Section> sections;
};

std::string read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write(const fs::path& path, const std::string& text) {
  if (path.has_parent_path()) fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);)
    if (!line.empty()) lines.push_back(line);
  return lines;
}

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream in(line);
  return {std::istream_iterator<std::string>(in), {}};
}

Test parse(const fs::path& path) {
  Test test{path, "", {}};
  std::istringstream in(read(path));
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("--- ")) test.sections.push_back({line.substr(4), ""});
    else (test.sections.empty() ? test.prose : test.sections.back().text) += line + "\n";
  }
  return test;
}

std::string unescaped(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') continue;
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    char c = text[++i];
    if (c == 'x') {
      out += static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16));
      i += 2;
    } else {
      out += c == 'n' ? '\n' : c == 'r' ? '\r' : c == 't' ? '\t' : c;
    }
  }
  return out;
}

// One test in a folder of its own.
struct Run {
  Test& test;
  bool update;
  fs::path folder, side;  // where the commands run; what they print, beside it
  std::string out, err;
  int exit = -1;
  std::vector<std::string> faults;
  bool left_out = false;

  Run(Test& t, bool u) : test(t), update(u) {
    std::string name = (fs::temp_directory_path() / "slope-golden-XXXXXX").string();
    if (!mkdtemp(name.data())) std::exit(70);
    side = name;
    folder = side / "work";
    fs::create_directory(folder);
  }
  ~Run() {
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(folder, ignored))  // a test may have taken rights away
      fs::permissions(entry, fs::perms::owner_all, fs::perm_options::add, ignored);
    fs::remove_all(side, ignored);
  }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  void fault(const std::string& what) { faults.push_back(what); }

  void command(std::size_t at) {
    std::string input;
    for (std::size_t i = at + 1; i < test.sections.size() && !test.sections[i].words.starts_with("run "); ++i)
      if (test.sections[i].is("stdin")) input = test.sections[i].text;
    write(side / "stdin", input);
    write(side / "command", "cd '" + folder.string() + "'\nexport XDG_CACHE_HOME='" + side.string() +
                                "/cache'\n" + test.sections[at].after("run") + "\n");
    std::string q = "'" + side.string() + "/";
    int status =
        std::system(("sh " + q + "command' <" + q + "stdin' >" + q + "stdout' 2>" + q + "stderr'").c_str());
    exit = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    out = read(side / "stdout");
    err = read(side / "stderr");
  }

  // Only a test named fail_… may ask for an exit code other than 0, and its last command must fail.
  void check_exit(std::size_t at) {
    bool last = true;
    std::string wanted;
    for (std::size_t i = at + 1; i < test.sections.size(); ++i) {
      if (test.sections[i].words.starts_with("run ")) last = false;
      if (last && !test.sections[i].after("exit").empty()) wanted = test.sections[i].after("exit");
    }
    bool fails = test.path.stem().string().starts_with("fail_");
    if (!wanted.empty() && wanted != "0" && !fails)
      fault("`--- exit " + wanted + "` needs a test named fail_…");
    bool good = wanted.empty() ? (exit != 0) == (fails && last) : std::to_string(exit) == wanted;
    if (fails && last && exit == 0) good = false;
    if (!good)
      fault("exit code " + std::to_string(exit) + " of: " + test.sections[at].after("run") + "\n" + out +
            err);
  }

  void exact(Section& section, const std::string& actual) {
    if (actual == section.text) return;
    if (update) section.text = actual;
    else fault("--- " + section.words + "\nexpected:\n" + section.text + "printed:\n" + actual);
  }

  void phrases(const Section& section, const std::string& actual, bool wanted) {
    for (const std::string& line : lines_of(section.text))
      if ((actual.find(line) != std::string::npos) != wanted)
        fault((wanted ? "not in " : "found in ") + section.words.substr(0, 6) + ": " + line + "\nprinted:\n" +
              actual);
  }

  void filecheck(const Section& section, const std::string& actual) {
    if (std::string_view(SLOPE_FILECHECK).empty()) {
      left_out = true;
      return;
    }
    write(side / "patterns", section.text);
    write(side / "checked", actual);
    std::string q = "'" + side.string() + "/";
    std::string command = std::string("'") + SLOPE_FILECHECK + "' --input-file=" + q + "checked' " + q +
                          "patterns' >" + q + "report' 2>&1";
    if (std::system(command.c_str()) != 0) fault(read(side / "report"));
  }

  void json(const Section& section) {
    Json object = Json::parse(out, nullptr, false);
    if (object.is_discarded()) return fault("no JSON on standard output:\n" + out + err);
    for (const std::string& line : lines_of(section.text)) {
      std::vector<std::string> words = words_of(line);
      bool toleranced = words.size() > 2 && !Json::parse(words[1], nullptr, false).is_discarded();
      std::string rest = toleranced ? words[1] : line.substr(line.find(' ') + 1);
      Json expected = Json::parse(rest, nullptr, false);
      Json::json_pointer pointer("/" + words[0]);
      if (!object.contains(pointer)) {
        fault("the JSON has no " + words[0] + ":\n" + object.dump(2));
        continue;
      }
      const Json& actual = object[pointer];
      bool same = actual == expected;
      if (toleranced && actual.is_number()) {
        double a = actual.get<double>(), e = expected.get<double>();
        same = std::abs(a - e) <= std::stod(words[2]) * std::max(1.0, std::abs(e));
      }
      if (!same) fault(words[0] + " is " + actual.dump() + ", not " + rest);
    }
  }

  // The blocks that branch to themselves and work on vectors: the loops over the rows.
  std::vector<std::string> row_loops() const {
    std::vector<std::string> found;
    std::string label, block;
    for (const std::string& line : lines_of(out + "end:\n")) {
      std::size_t colon = line.find(':');
      if (line[0] != ' ' && line[0] != ';' && colon != std::string::npos) {
        std::size_t back = std::min(block.find("label %" + label + ","), block.find(" " + label + "\n"));
        bool vectors = block.find("load <") < back || block.find("mm0, ") < back;
        if (back != std::string::npos && vectors) found.push_back(block.substr(0, block.find('\n', back)));
        label = line.substr(0, colon);
        block.clear();
      } else {
        block += line + "\n";
      }
    }
    return found;
  }

  // `fmul` of `%31 = fmul <16 x double> …`, `vmulpd` of assembly, and of `call … @llvm.fma.v16f64(…)`: `fma`.
  static std::string instruction(const std::string& line) {
    if (std::size_t at = line.find("@llvm."); at != std::string::npos)
      return line.substr(at + 6, line.find('.', at + 6) - at - 6);
    for (const std::string& word : words_of(line))
      if (word[0] != '%' && word != "=") return word;
    return "";
  }

  void loop(const Section& section) {
    std::vector<std::string> loops = row_loops();
    if (loops.size() != 1)
      return fault(std::to_string(loops.size()) + " loops over the rows, not 1:\n" + out);
    for (const std::string& line : lines_of(section.text)) {
      std::vector<std::string> words = words_of(line);
      bool family = words[0].ends_with('*');  // vfmadd*
      std::string wanted = words[0].substr(0, words[0].size() - family);
      int count = 0;
      for (const std::string& code : lines_of(loops[0])) {
        std::string name = instruction(code);
        count += family ? name.starts_with(wanted) : name == wanted;
      }
      if (std::to_string(count) != words[1])
        fault(std::to_string(count) + " " + words[0] + " in the loop, not " + words[1] + ":\n" + loops[0]);
    }
  }

  void section(std::size_t at) {
    Section& s = test.sections[at];
    for (const auto& [stream, actual] :
         {std::pair<std::string, const std::string&>{"stdout", out}, {"stderr", err}}) {
      if (s.is(stream)) return exact(s, actual);
      if (s.is(stream + " contains")) return phrases(s, actual, true);
      if (s.is(stream + " lacks")) return phrases(s, actual, false);
      if (s.is(stream + " filecheck")) return filecheck(s, actual);
    }
    if (s.words.starts_with("run ")) {
      command(at);
      check_exit(at);
    } else if (std::string name = s.after("file"); !name.empty()) {
      write(folder / name, s.text);
    } else if (name = s.after("escaped"); !name.empty()) {
      write(folder / name, unescaped(s.text));
    } else if (name = s.after("copy"); !name.empty()) {
      fs::copy_file(fs::path(SLOPE_ROOT) / name, folder / fs::path(name).filename());
    } else if (name = s.after("contents"); !name.empty()) {
      exact(s, read(folder / name));
    } else if (name = s.after("exists"); !name.empty()) {
      if (!fs::exists(folder / name)) fault("there is no file " + name);
    } else if (name = s.after("absent"); !name.empty()) {
      if (fs::exists(folder / name)) fault("there is a file " + name);
    } else if (s.is("json")) {
      json(s);
    } else if (s.is("loop")) {
      loop(s);
    } else if (!s.is("stdin") && s.after("exit").empty() && s.after("needs").empty()) {
      fault("unknown section --- " + s.words);
    }
  }
};

int run_test(const fs::path& path, bool update) {
  Test test = parse(path);
  Run run(test, update);
  for (const Section& s : test.sections)
    if (std::string_view(SLOPE_SHIM).empty() && s.words.find("$SHIM") != std::string::npos) return skipped;
  for (const Section& s : test.sections) {
    std::string needed = s.after("needs");
    if (needed.empty() || fs::exists(needed)) continue;
    std::printf("%s: skipped, there is no %s\n", path.c_str(), needed.c_str());
    return skipped;
  }
  for (std::size_t i = 0; i < test.sections.size(); ++i) run.section(i);
  if (test.sections.empty()) run.fault("no such test, or an empty one");
  if (update) {
    std::string text = test.prose;
    for (const Section& s : test.sections) text += "--- " + s.words + "\n" + s.text;
    if (text != read(path)) {
      write(path, text);
      std::printf("updated %s\n", path.c_str());
    }
  }
  for (const std::string& fault : run.faults) std::printf("%s: %s\n", path.c_str(), fault.c_str());
  if (run.left_out) std::printf("%s: skipped, there is no FileCheck\n", path.c_str());
  return !run.faults.empty() ? 1 : run.left_out ? skipped : 0;
}

std::vector<fs::path> all_tests() {
  std::vector<fs::path> paths;
  for (const auto& entry : fs::recursive_directory_iterator(fs::path(SLOPE_ROOT) / "tests" / "golden"))
    if (entry.path().extension() == ".test") paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  return paths;
}

// Errors belong in fail_… tests, warnings in warn_…, notes in note_….
int check_codes() {
  const std::map<std::string, std::string> prefixes{
      {"error", "fail_"}, {"warning", "warn_"}, {"note", "note_"}};
  std::set<std::string> known, tested, harmless;  // harmless: never an error
  int bad = 0;
  for (const slope::CodeEntry& entry : slope::code_table) {
    known.insert(slope::to_string(entry.code));
    if (entry.exit == slope::exit_code::done) harmless.insert(slope::to_string(entry.code));
  }
  for (const fs::path& path : all_tests()) {
    for (const Section& section : parse(path).sections) {
      if (!section.is("stderr") && !section.is("stderr contains")) continue;
      for (std::size_t at = 0; (at = section.text.find("[S0", at)) != std::string::npos; ++at) {
        std::string code = section.text.substr(at + 1, 5);
        if (!known.contains(code))
          ++bad, std::printf("%s: no code %s in base/codes.h\n", path.c_str(), code.c_str());
        if (section.text.substr(0, at).ends_with("error") && harmless.contains(code))
          ++bad, std::printf("%s: %s is an error, base/codes.h gives it the exit code 0\n", path.c_str(),
                             code.c_str());
        for (const auto& [severity, prefix] : prefixes)
          if (section.is("stderr") && section.text.substr(0, at).ends_with(severity) &&
              path.filename().string().starts_with(prefix))
            tested.insert(code);
      }
    }
  }
  for (const std::string& code : known)
    if (!tested.contains(code))
      ++bad, std::printf("%s has no golden test that shows its text\n", code.c_str());
  return bad ? 1 : 0;
}

}  // namespace

int main(int count, char** words) {
  std::vector<fs::path> paths;
  bool update = false;
  for (int i = 1; i < count; ++i) {
    std::string word = words[i];
    if (word == "--codes") return check_codes();
    if (word == "--update") update = true;
    else paths.push_back(fs::absolute(word));
  }
  if (paths.empty()) paths = all_tests();
  std::string path = fs::path(SLOPE_BINARY).parent_path().string();
  if (const char* old = std::getenv("PATH")) path += std::string(":") + old;
  setenv("PATH", path.c_str(), 1);
  setenv("LC_ALL", "C", 1);
  setenv("SHIM", SLOPE_SHIM, 1);  // tests/faults/shim.cpp, or ""
  int worst = 0, failed = 0;
  for (const fs::path& test : paths) {
    int result = run_test(test, update);
    failed += result == 1;
    if (result == 1 || worst == 0) worst = result;
  }
  if (paths.size() > 1) std::printf("%zu tests, %d failed\n", paths.size(), failed);
  return worst;
}
