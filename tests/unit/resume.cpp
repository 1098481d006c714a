// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A run that was interrupted anywhere and resumed is the run that was never stopped, to the bit.
#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <csignal>

#include "runtime/run_state.h"
#include "tests/unit/folder.h"

using namespace slope;

namespace {

struct Line {
  std::int64_t step;
  std::uint64_t loss;
  friend bool operator==(const Line&, const Line&) = default;
};

std::vector<std::uint64_t> bits(const std::vector<double>& values) {
  std::vector<std::uint64_t> out;
  for (double value : values) out.push_back(std::bit_cast<std::uint64_t>(value));
  return out;
}

// One `slope train` in this process.
class TrainingRun {
 public:
  TrainingRun(const Folder& folder, const std::string& text,
              std::vector<std::pair<std::string, std::string>> options = {})
      : folder_(folder), session_(request(folder, text, std::move(options))) {
    Session& s = session_;
    REQUIRE(prepare(s));
    steps_ = step_graphs(*s.lowered, s.diagnostics);
    REQUIRE(steps_);
    evaluation_ = evaluation_graph(s.outside_model());
    auto data = read_columns(s.model(), *s.opened, std::vector<bool>(s.model().columns.size(), true), true,
                             s.diagnostics);
    REQUIRE(data);
    data_ = std::move(*data);
    facts_ = run_facts(s.model(), *steps_, data_);
    program_ = Program::compile(training_kernels(s.model(), *steps_, evaluation_),
                                compile_options(s.request, s.model(), data_), s.diagnostics);
    REQUIRE(program_);
  }

  std::int64_t keep = -1;  // the state after so many steps is kept in the file "kept"

  // Stops after so many steps of the run (−1: never), as a signal would; goes on from a state file where one
  // is given. The state is then in the file `to`.
  Fit train(const std::string& to, std::int64_t stop = -1, const std::string& from = "") {
    Session& s = session_;
    Place place{{}, take_start(s, nullptr, "", s.diagnostics), {}};
    if (!from.empty()) {
      auto state = load(folder_.path(from), s.diagnostics);
      REQUIRE(state);
      auto found = take_place(s, facts_, *state, from, s.diagnostics);
      REQUIRE(found);
      place = *found;
    }
    Listener listener;
    listener.line = [&](const Progress& p) {
      lines.push_back({p.step, std::bit_cast<std::uint64_t>(p.loss)});
    };
    listener.save_every = 1;
    listener.save = [&](const Place& now) {
      if (now.steps() == stop) stop_signal = SIGINT;
      if (now.steps() != keep) return;
      Diagnostics d;
      REQUIRE(save(make_state(s, facts_, now), folder_.path("kept"), d));
    };
    stop_signal = stop == place.steps() ? SIGINT : 0;
    Trainer trainer{s.model(), *steps_, evaluation_, data_, *program_};
    Fit fit = slope::train(trainer, place, listener, s.diagnostics);
    stop_signal = 0;
    Diagnostics d;
    REQUIRE(save(make_state(s, facts_, fit), folder_.path(to), d));
    return fit;
  }

  std::vector<Line> lines;

 private:
  static Request request(const Folder& folder, const std::string& text,
                         std::vector<std::pair<std::string, std::string>> options) {
    Request request{
        .source = Source("m.slope", text), .folder = folder.path("."), .data = {}, .settings = {}};
    request.settings.options = std::move(options);
    return request;
  }

  const Folder& folder_;
  Session session_;
  std::optional<std::vector<StepGraph>> steps_;
  Fused evaluation_;
  Dataset data_;
  RunFacts facts_;
  std::optional<Program> program_;
};

void check_same(const Fit& a, const Fit& b) {
  CHECK(a.status == b.status);
  CHECK(a.steps == b.steps);
  CHECK(bits(a.params) == bits(b.params));
  CHECK(bits({a.loss}) == bits({b.loss}));
  CHECK(bits(a.metrics) == bits(b.metrics));
  REQUIRE(a.runs.size() == b.runs.size());
  for (std::size_t i = 0; i < a.runs.size(); ++i) {
    CHECK(a.runs[i].optimizer == b.runs[i].optimizer);
    CHECK(a.runs[i].steps == b.runs[i].steps);
    CHECK(a.runs[i].status == b.runs[i].status);
    CHECK(bits({a.runs[i].loss}) == bits({b.runs[i].loss}));
  }
}

constexpr const char* statements = R"(
data x, y from "p.csv"
param w = 0.3, b = -1
def halfway(w, g, rate, part=2) = w - rate/part*g
predict = w*x + b
loss = mse(predict, y)
metric worst = max(abs(predict - y))
)";

// A model whose steps depend on more than its parameters.
constexpr const char* with_states = R"(
data x, y from "p.csv"
param w = [0.3, 0.1], b = -1
state mean_b = 0
state seen[2] = [0, 1]
u ~ normal(0, 0.1, like=x)
h = dropout(stack(x, x^2), 0.3)
mean_b := 0.9*mean_b + 0.1*b
seen := seen + mean(h, axis=rows)
predict = h @ w + (if training then b + u else mean_b)
loss = mse(predict, y)
metric first = seen[0]
)";

}  // namespace

TEST_CASE("a run interrupted after any step and resumed equals the run that was not", "[resume]") {
  std::string precision = GENERATE("f32", "f64");
  // The first overshoots and comes back, so that the best parameters are not always the last.
  std::string trainings = GENERATE(as<std::string>{}, "train steps=7 rate=0.1 report=2\n",
                                   "train steps=12 rate=0.29\n"
                                   "train steps=5 optimizer=halfway(part=3) rate=0.2\n"
                                   "train steps=6 rate=0.01 report=4\n",
                                   "train steps=5 rate=0.05\ntrain steps=0\ntrain steps=500 rate=3\n");
  std::string text = "precision " + precision + statements + trainings;
  Folder folder;
  folder.write("p.csv", "x,y\n0,1.1\n1,3.3\n2,4.7\n3,7.2\n");
  TrainingRun straight(folder, text);
  Fit whole = straight.train("whole");
  CHECK((whole.status == Status::diverged) == (trainings.find("rate=3\n") != std::string::npos));
  std::string expected = Folder::read(folder.path("whole"));
  std::int64_t last =
      whole.status == Status::diverged ? std::min<std::int64_t>(whole.steps, 15) : whole.steps;
  for (std::int64_t stop = 0; stop < last; ++stop) {
    INFO(precision << " " << trainings << stop);
    TrainingRun before(folder, text), after(folder, text);
    before.keep = stop;
    Fit part = before.train("part", stop);
    REQUIRE(part.status == Status::interrupted);
    REQUIRE(part.steps == stop);
    Fit resumed = after.train("resumed", -1, "part");
    CHECK(resumed.steps_here == whole.steps - stop);
    check_same(resumed, whole);
    CHECK(Folder::read(folder.path("resumed")) == expected);
    // The lines of both are those of the whole, but for the last of the part, which tells where it stopped.
    before.lines.pop_back();
    before.lines.insert(before.lines.end(), after.lines.begin(), after.lines.end());
    CHECK(before.lines == straight.lines);
    if (stop == 0) continue;
    // So does what --save-every wrote there, without an interruption.
    TrainingRun from_checkpoint(folder, text);
    check_same(from_checkpoint.train("resumed", -1, "kept"), whole);
    CHECK(Folder::read(folder.path("resumed")) == expected);
  }
}

TEST_CASE("a resumed run has the states and draws of the one that was not stopped", "[resume]") {
  std::string precision = GENERATE("f32", "f64"), model = GENERATE(statements, with_states);
  std::string text = "precision " + precision + model +
                     "train steps=5 rate=0.1 optimizer=adam(amsgrad=true)\n"
                     "train steps=3 rate=0.05 optimizer=adam(amsgrad=true)\n"
                     "train steps=0 optimizer=momentum\n"
                     "train steps=3 rate=0.01 optimizer=adam(amsgrad=true)\n"
                     "train steps=4 rate=0.01 optimizer=nesterov\n";
  Folder folder;
  folder.write("p.csv", "x,y\n0,1.1\n1,3.3\n2,4.7\n3,7.2\n");
  Fit whole = TrainingRun(folder, text).train("whole");
  REQUIRE(whole.status == Status::finished);
  for (std::int64_t stop = 0; stop < whole.steps; ++stop) {
    INFO(text << stop);
    TrainingRun before(folder, text);
    before.keep = stop;
    before.train("part", stop);
    check_same(TrainingRun(folder, text).train("resumed", -1, "part"), whole);
    CHECK(Folder::read(folder.path("resumed")) == Folder::read(folder.path("whole")));
    if (stop == 0) continue;
    TrainingRun(folder, text).train("resumed", -1, "kept");
    CHECK(Folder::read(folder.path("resumed")) == Folder::read(folder.path("whole")));
  }
}

TEST_CASE("a resumed run goes on to a larger number of steps", "[resume]") {
  std::string text = std::string(statements) + "train steps=10 rate=0.1\n";
  Folder folder;
  folder.write("p.csv", "x,y\n0,1.1\n1,3.3\n2,4.7\n");
  TrainingRun(folder, text).train("ten");
  Fit longer = TrainingRun(folder, text, {{"steps", "25"}}).train("longer");
  Fit resumed = TrainingRun(folder, text, {{"steps", "25"}}).train("resumed", -1, "ten");
  CHECK(resumed.steps_here == 15);
  check_same(resumed, longer);
  CHECK(Folder::read(folder.path("resumed")) == Folder::read(folder.path("longer")));
  Fit again = TrainingRun(folder, text).train("again", -1, "longer");
  CHECK(again.steps_here == 0);
  CHECK(bits(again.params) == bits(longer.params));
}

TEST_CASE("with more steps for each of two statements, the one under way gets the rest", "[resume]") {
  std::string text = std::string(statements) + "train steps=10 rate=0.1\ntrain steps=10 rate=0.01\n";
  Folder folder;
  folder.write("p.csv", "x,y\n0,1.1\n1,3.3\n2,4.7\n");
  TrainingRun(folder, text).train("first", 4);
  check_same(TrainingRun(folder, text, {{"steps", "12"}}).train("resumed", -1, "first"),
             TrainingRun(folder, text, {{"steps", "12"}}).train("longer"));
  TrainingRun(folder, text).train("second", 14);
  Fit fit = TrainingRun(folder, text, {{"steps", "12"}}).train("resumed", -1, "second");
  CHECK(fit.steps == 24);
  CHECK(fit.runs[0].steps == 10);
  CHECK(fit.runs[1].steps == 14);
}

// The methods with a stopping test keep no memory of their steps: a resumed one goes on from its parameters.
TEST_CASE("a method with a stopping test that was interrupted goes on to its minimum", "[resume]") {
  std::string optimizer = GENERATE("lbfgs", "newton", "lm");
  Folder folder;
  folder.write("p.csv", "x,y\n0,1\n1,3\n2,5\n3,4\n4,9\n");
  std::string text = R"(
data x, y from "p.csv"
param a in (0, inf) = 1
param b[2] = [0, 0.1]
loss = mse(a*exp(b[1]*x) + b[0], y) + 1e-3*sum(b^2)
train optimizer=)" + optimizer;
  Fit whole = TrainingRun(folder, text).train("whole.safetensors");
  CHECK(whole.status == Status::converged);
  REQUIRE(whole.steps > 4);

  TrainingRun cut(folder, text);
  Fit part = cut.train("cut.safetensors", 3);
  CHECK(part.status == Status::interrupted);
  CHECK(part.steps == 3);
  REQUIRE(part.runs.size() == 1);
  CHECK(part.runs[0].stopped_by == "interrupted");

  TrainingRun rest(folder, text);
  Fit fit = rest.train("rest.safetensors", -1, "cut.safetensors");
  CHECK(fit.status == Status::converged);
  CHECK(fit.steps_here == fit.steps - 3);
  CHECK(rest.lines.front().step == 4);  // the next that is due
  REQUIRE(fit.params.size() == whole.params.size());
  for (std::size_t i = 0; i < fit.params.size(); ++i)
    CHECK(std::fabs(fit.params[i] - whole.params[i]) < 1e-8 * std::max(1.0, std::fabs(whole.params[i])));

  Fit again = TrainingRun(folder, text).train("again.safetensors", -1, "rest.safetensors");
  CHECK(again.status == Status::converged);
  CHECK(again.steps_here == 0);
  CHECK(bits(again.params) == bits(fit.params));
}
