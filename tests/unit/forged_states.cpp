// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// States that slope wrote, each fact in their metadata taken away or replaced, with a right checksum: refused, or
// what they are used for is what it was.
#include <catch2/catch.hpp>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>

#include "runtime/state.h"
#include "tests/unit/folder.h"
#include "tests/unit/process.h"

using namespace slope;
using test::Process;

namespace {

struct Ended {
  int exit = 0;
  std::string printed;
};
Ended run(const Folder& folder, std::vector<std::string> words) {
  Process process(folder.path("."), std::move(words));
  Ended ended{process.end(), {}};
  ended.printed = process.printed();
  return ended;
}

// What a reader might take for something else.
const std::vector<std::string> junk{"",   "junk", "0",    "-1",     "1.5",        "99999999999999999999", "null",
                                    "[]", "{}",   "[{}]", "[null]", "\"x\"\n\ny", "x\n\xC3\xBF"};

class Forger {
 public:
  Forger(std::string model, std::string data) {
    folder.write("m.slope", model);
    folder.write("p.csv", data);
    Ended trained = run(folder, {"train", "m.slope", "--quiet", "--data", "p.csv", "--save", "s"});
    INFO(trained.printed);
    REQUIRE(trained.exit == 0);
    Diagnostics d;
    state = load(folder.path("s"), d);
    REQUIRE(state);
  }

  void check(const State& forged) const {
    Diagnostics d;
    REQUIRE(save(forged, folder.path("forged"), d));
    for (const std::vector<std::string>& words : uses("forged")) {
      std::vector<std::string> sound = words;
      for (std::string& word : sound)
        if (word == "forged") word = "s";
      Ended with = run(folder, words);
      INFO(words[0] << " is exit " << with.exit << "\n" << with.printed);
      // Messages may differ, results may not; a target that only the state names may be none of the data.
      bool same = with.exit == 0 && result(with) == result(run(folder, sound));
      bool no_column = with.exit == 3 && with.printed.find("S0501") != std::string::npos;
      bool refused = with.exit == 7 || same || no_column;
      CHECK(refused);
    }
  }

  Folder folder;
  std::optional<State> state;

 private:
  static std::vector<std::vector<std::string>> uses(const std::string& file) {
    return {{"train", "m.slope", "--data", "p.csv", "--resume", file, "--steps", "9", "--no-save", "--json"},
            {"predict", "m.slope", "--data", "p.csv", "--weights", file, "--json"},
            {"eval", "m.slope", "--data", "p.csv", "--weights", file, "--json"}};
  }
  static std::string result(const Ended& ended) {
    auto json = nlohmann::json::parse(ended.printed, nullptr, false);
    if (!json.is_object()) return ended.printed;
    json.erase("diagnostics");
    json.erase("time");
    return json.dump();
  }
};

const char* columns = "data x standardized from \"p.csv\"\ndata c : class, i : index, y from \"p.csv\"\n";
const std::string table = "x,c,i,y\n0,a,0,1\n1,b,2,3\n2,a,1,5\n4,b,0,8\n";

}  // namespace

TEST_CASE("a fact that is taken away from a state, or replaced, is refused or means nothing", "[state][forged]") {
  auto [model, data] = GENERATE(table<std::string, std::string>(
      {{"predict = w*x + b\nloss = mse\n", "x,y\n0,1\n1,3\n2,5\n3,7\n"},
       {std::string(columns) + "param w = 0, u[classes(c)] = 0, v[classes(i)] = 0\npredict = w*x + u[c] + v[i]\n"
                               "loss = mse(predict, y)\ntrain steps=6 batch=2 optimizer=adam patience=9\n",
        ::table}}));
  Forger forger(model, data);
  for (const auto& [key, value] : forger.state->metadata) {
    State forged = *forger.state;
    forged.metadata.erase(key);
    INFO("without " << key);
    forger.check(forged);
  }
  for (const auto& [key, value] : forger.state->metadata)
    for (const std::string& text : junk) {
      State forged = *forger.state;
      forged.metadata[key] = text;
      INFO(key << " is " << text);
      forger.check(forged);
    }
}

TEST_CASE("so is every value in the facts of the statements, of the passes and of the columns", "[state][forged]") {
  Forger forger(std::string(columns) +
                    "param w = 0, u[classes(c)] = 0, v[classes(i)] = 0\npredict = w*x + u[c] + v[i]\n"
                    "loss = mse(predict, y)\ntrain steps=6 batch=2 optimizer=adam patience=9\n",
                table);
  for (const char* key : {"slope/runs", "slope/watch", "slope/facts"}) {
    auto facts = nlohmann::ordered_json::parse(forger.state->metadata.at(key));
    for (const auto& [path, value] : facts.flatten().items())
      for (const char* text : {"\"junk\"", "-1", "1.5", "[]", "{}", "null", "true", "1e300"}) {
        auto changed = facts;
        changed[nlohmann::ordered_json::json_pointer(path)] = nlohmann::ordered_json::parse(text);
        State forged = *forger.state;
        forged.metadata[key] = changed.dump();
        INFO(key << " with " << path << " = " << text);
        Diagnostics d;
        REQUIRE(save(forged, forger.folder.path("forged"), d));
        for (const char* use : {"train", "eval"}) {
          std::vector<std::string> words{use, "m.slope", use[0] == 't' ? "--resume" : "--weights", "forged"};
          if (use[0] == 't') words.insert(words.end(), {"--no-save", "--quiet"});
          Ended ended = run(forger.folder, words);
          INFO(use << "\n" << ended.printed);
          bool sound = ended.exit == 0 || ended.exit == 3 || ended.exit == 7;
          CHECK(sound);
        }
      }
  }
}

TEST_CASE("so is every tensor: away, of another shape, or no number", "[state][forged]") {
  Forger forger(std::string(columns) +
                    "param w in (0, 9) = 1, u[classes(c)] = 0, v[classes(i)] = 0\nstate m[2] = [1, 2]\nm := m/2\n"
                    "predict = w*x + u[c] + v[i]\nloss = mse(predict, y)\n"
                    "train steps=6 batch=2 optimizer=adam patience=9 ema=0.9\n",
                table);
  double nan = std::numeric_limits<double>::quiet_NaN();
  for (std::size_t i = 0; i < forger.state->tensors.size(); ++i)
    for (int how : {0, 1, 2, 3}) {
      State forged = *forger.state;
      Tensor& tensor = forged.tensors[i];
      INFO(tensor.name << " " << how);
      if (how == 0) forged.tensors.erase(forged.tensors.begin() + static_cast<std::ptrdiff_t>(i));
      else if (how == 1) tensor.shape.push_back(2), tensor.values.resize(2 * tensor.values.size());
      else if (how == 2) tensor.values.assign(tensor.values.size(), nan);
      else tensor.shape = {0}, tensor.values.clear();
      Diagnostics d;
      REQUIRE(save(forged, forger.folder.path("forged"), d));
      for (const char* use : {"train", "eval"}) {
        std::vector<std::string> words{use, "m.slope", use[0] == 't' ? "--resume" : "--weights", "forged"};
        if (use[0] == 't') words.insert(words.end(), {"--no-save", "--quiet", "--steps", "9"});
        Ended ended = run(forger.folder, words);
        INFO(use << "\n" << ended.printed);
        bool sound = ended.exit == 0 || ended.exit == 4 || ended.exit == 7;
        CHECK(sound);
      }
    }
}
