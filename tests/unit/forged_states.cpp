// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// States that slope wrote, each fact in them taken away or replaced, with a right checksum: refused, or what
// they are used for is what it was.
#include <catch2/catch.hpp>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/unit/process.h"
#include "tests/unit/training_run.h"

using namespace slope;

namespace {

using Json = nlohmann::ordered_json;

// What a run would go on with, and what a prediction would be made with.
struct Used {
  int exit = 0;
  std::string said;
  std::vector<std::uint64_t> weights, params, kept, best, watch;
  std::int64_t steps = 0;
  bool same_as(const Used& other) const {
    return weights == other.weights && params == other.params && kept == other.kept && best == other.best &&
           watch == other.watch && steps == other.steps;
  }
};

class Forger {
 public:
  Forger(const std::string& model, const std::string& data) : text(model) {
    folder.write("p.csv", data);
    REQUIRE(prepare(session));
    folder.write("m.slope", text);
    test::Process train(folder.path("."), {"train", "m.slope", "--quiet", "--steps", "3", "--save", "s"});
    INFO(train.printed());
    REQUIRE(train.end() == 0);
    Diagnostics d;
    state = load(folder.path("s"), d);
    REQUIRE(state);
    sound = use(*state);
    INFO(sound.said);
    REQUIRE(sound.exit == 0);
  }

  Used use(const State& forged) const {
    Session s(request());
    Used used;
    auto end = [&] {
      used.said = render_all(s.diagnostics, s.sources);
      used.exit = s.diagnostics.has_errors() ? s.diagnostics.exit_code() : 0;
      return used;
    };
    if (!take_decisions(s.request.settings, forged, "s", s.diagnostics) || !prepare(s)) return end();
    auto weights = take_weights(s, forged, "s", s.diagnostics);
    if (!weights) return end();
    used.weights = bits(*weights);
    auto steps = step_graphs(*s.lowered, s.diagnostics);
    auto data = read_columns(s.model(), *s.opened, std::vector<bool>(s.model().columns.size(), true), true,
                             s.diagnostics);
    if (!steps || !data || !settle_trainings(s.lowered->model(), data->rows, s.diagnostics)) return end();
    auto place = take_place(s, run_facts(s, *steps, *data), forged, "s", s.diagnostics);
    if (!place) return end();
    used.params = bits(place->params);
    used.kept = bits(place->kept);
    used.best = bits(place->best);
    used.watch = bits({place->watch.sum, static_cast<double>(place->watch.rows), place->watch.last,
                       place->watch.reference, static_cast<double>(place->watch.waits), place->kept_loss});
    used.steps = place->steps();
    return end();
  }

  void check(const State& forged) const {
    Used used = use(forged);
    INFO("exit " << used.exit << "\n" << used.said);
    // A target that only the state names may be a column that these data lack.
    bool no_column = used.exit == 3 && used.said.find("S0501") != std::string::npos;
    bool refused = used.exit == 7 || no_column || (used.exit == 0 && used.same_as(sound));
    CHECK(refused);
  }

  std::string text;
  Folder folder;
  Session session{request()};
  std::optional<State> state;
  Used sound;

 private:
  Request request() const {
    return {.source = Source("m.slope", text), .folder = folder.path("."), .data = {}, .settings = {}};
  }
};

// What a reader might take for something else.
const char* const junk[] = {"",   "junk", "0",    "-1",     "1.5",        "99999999999999999999", "null",
                            "[]", "{}",   "[{}]", "[null]", "\"x\"\n\ny", "x\n\xC3\xBF"};

const std::string columns =
    "data x standardized from \"p.csv\"\ndata c : class, i : index, y from \"p.csv\"\n"
    "param w in (0, 9) = 1, u[classes(c)] = 0, v[classes(i)] = 0\nstate m[2] = [1, 2]\nm := m/2\n"
    "predict = w*x + u[c] + v[i]\n";
const std::string training = "train steps=6 batch=2 optimizer=adam patience=9 ema=0.9\n";
const std::string cells = "x,c,i,y\n0,a,0,1\n1,b,2,3\n2,a,1,5\n4,b,0,8\n";

}  // namespace

TEST_CASE("a fact that is taken away from a state, or replaced, is refused or means nothing", "[forged]") {
  std::string loss = GENERATE("loss = mse\n", "loss = mse(predict, y)\n");
  Forger forger(columns + loss + training, cells);
  for (const auto& [key, value] : forger.state->metadata) {
    State forged = *forger.state;
    forged.metadata.erase(key);
    INFO("without " << key);
    forger.check(forged);
    for (const char* text : junk) {
      INFO(key << " is " << text);
      forged.metadata[key] = text;
      forger.check(forged);
    }
  }
}

TEST_CASE("no value in the facts of statements, passes and columns is taken on trust", "[forged]") {
  Forger forger(columns + "loss = mse(predict, y)\n" + training, cells);
  for (const char* key : {"slope/runs", "slope/watch", "slope/facts"}) {
    const Json facts = Json::parse(forger.state->metadata.at(key)), values = facts.flatten();
    for (const auto& [path, value] : values.items())
      for (const char* text :
           {"\"junk\"", "-1", "1.5", "[]", "{}", "null", "true", "1e300", "9007199254740993"}) {
        Json changed = facts;
        changed[Json::json_pointer(path)] = Json::parse(text);
        State forged = *forger.state;
        forged.metadata[key] = changed.dump();
        INFO(key << " with " << path << " = " << text);
        Used used = forger.use(forged);
        INFO("exit " << used.exit << "\n" << used.said);
        bool sound =
            used.exit == 0 || used.exit == 3 || used.exit == 7;  // 3: these are no labels of the data
        CHECK(sound);
      }
  }
}

TEST_CASE("a tensor that is away, of another shape or no number is no fault of the program", "[forged]") {
  Forger forger(columns + "loss = mse(predict, y)\n" + training, cells);
  for (std::size_t i = 0; i < forger.state->tensors.size(); ++i)
    for (int how : {0, 1, 2, 3}) {
      State forged = *forger.state;
      Tensor& tensor = forged.tensors[i];
      INFO(tensor.name << " " << how);
      if (how == 0) forged.tensors.erase(forged.tensors.begin() + static_cast<std::ptrdiff_t>(i));
      else if (how == 1) tensor.shape.push_back(2), tensor.values.resize(2 * tensor.values.size());
      else if (how == 2) tensor.values.assign(tensor.values.size(), std::numeric_limits<double>::quiet_NaN());
      else tensor.shape = {0}, tensor.values.clear();
      Used used = forger.use(forged);
      INFO("exit " << used.exit << "\n" << used.said);
      bool sound = used.exit == 0 || used.exit == 7;
      CHECK(sound);
    }
}
