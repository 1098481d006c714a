// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Memory that runs out, wherever it does.
#include <nlohmann/json.hpp>
#include <set>

#include "tests/faults/program.h"

using namespace slope;
using namespace slope::test;

namespace {

// A training of which one request for memory fails, or all from it on; what it is told that the memory was
// for.
class Shortage {
 public:
  Shortage() {
    write_model(folder_);
    write_wide_data();
    REQUIRE(run(folder_, {"train", "m.slope", "--quiet", "--steps", "10"}).exit == 0);
    old_ = Folder::read(folder_.path("m.safetensors"));
    Outcome outcome = run(folder_, words_, "memory");
    REQUIRE(outcome.exit == 0);
    total_ = std::stol(outcome.calls.at(0).path);
  }
  long total() const { return total_; }

  std::string at(long request) {
    INFO("request " << request << " of " << total_);
    bool json = request % 3 == 0;
    std::vector<std::string> words = words_;
    if (json) words.push_back("--json");
    folder_.write("m.safetensors", old_);
    Outcome outcome = run(folder_, words, "memory", std::to_string(request) + (request % 2 ? ":12" : "+:12"));
    INFO(outcome.err);
    CHECK(temporary_files(folder_) == 0);
    if (!outcome.fault() || outcome.exit == 0) return "";  // the C library can do without some
    REQUIRE(outcome.exit == 6);
    ++ended_;
    bool object = json && !contains(outcome.err, "while starting");  // there --json is not yet known
    if (object) CHECK(nlohmann::json::parse(outcome.out)["exit"] == 6);
    const std::string& said = object ? outcome.out : outcome.err;
    CHECK(contains(said, "S0703"));
    const std::string words_before = "out of memory while ";
    std::size_t at = said.find(words_before);
    if (Folder::read(folder_.path("m.safetensors")) != old_)
      CHECK(run(folder_, {"eval", "m.slope", "--weights", "m.safetensors"}).exit == 0);
    if (at == std::string::npos) {  // a file for which there is no memory
      CHECK(contains(said, ": out of memory"));
      return "";
    }
    at += words_before.size();
    return said.substr(at, said.find_first_of("\n\"", at) - at);
  }
  int ended() const { return ended_; }

 private:
  // So many columns that the reading of their names asks for memory many times.
  void write_wide_data() {
    std::string text = "x,y";
    for (int c = 0; c < 300; ++c) text += ",another column " + std::to_string(c);
    for (int row = 0; row < 3; ++row) {
      text += "\n" + std::to_string(row) + "," + std::to_string(2 * row + 1);
      for (int c = 0; c < 300; ++c) text += ",0";
    }
    folder_.write("p.csv", text + "\n");
  }

  Folder folder_;
  std::vector<std::string> words_{"train", "m.slope", "--save-every", "7", "--color", "never"};
  std::string old_;
  long total_ = 0;
  int ended_ = 0;
};

}  // namespace

TEST_CASE("memory that runs out ends the program with what it was for", "[memory]") {
  Shortage shortage;
  std::set<std::string> found;
  // Between two requests for different activities there are those where one passes into the other; where both
  // are for the same, another may still lie between them, unless it is short.
  const long shortest = shortage.total() / 128;
  auto explore = [&](auto& self, long low, const std::string& below, long high,
                     const std::string& above) -> void {
    if (high - low < 2 || (below == above && high - low < shortest)) return;
    long middle = low + (high - low) / 2;
    std::string here = shortage.at(middle);
    found.insert(here);
    self(self, low, below, middle, here);
    self(self, middle, here, high, above);
  };
  explore(explore, 0, "nothing", shortage.total(), "the end");
  for (const char* activity : {"starting", "reading the model", "reading the data",
                               "differentiating the loss", "compiling", "training", "saving the state"}) {
    INFO(activity);
    CHECK(found.contains(activity));
  }
  CHECK(shortage.ended() > 50);
}
