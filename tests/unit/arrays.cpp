// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Models with vectors and matrices through data, training, states and predictions. The graphs are made here
// by hand.
#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <csignal>
#include <cstring>
#include <functional>
#include <nlohmann/json.hpp>

#include "codegen/schedule.h"
#include "driver/values.h"
#include "runtime/explain.h"
#include "runtime/inputs.h"
#include "runtime/parameters.h"
#include "runtime/run_state.h"
#include "tests/unit/compiled.h"
#include "tests/unit/folder.h"
#include "tests/unit/training_run.h"

using namespace slope;

namespace {

using Axes = std::vector<std::int64_t>;

// One `slope train` in this process, of a model that `build` makes in place of the text's. The text says
// precision, file and train statements.
class ArrayRun {
 public:
  ArrayRun(const Folder& folder, const std::string& text, const std::function<void(Model&)>& build)
      : folder_(folder),
        session_(Request{
            .source = Source("m.slope", text), .folder = folder.path("."), .data = {}, .settings = {}}) {
    REQUIRE(prepare(session_));
    Model& m = session_.lowered->model();
    m.graph = Graph(m.graph.precision());
    m.params.clear();
    m.columns.clear();
    m.metrics.clear();
    m.predict = {};
    build(m);
  }

  Session& session() { return session_; }
  Model& model() { return session_.lowered->model(); }
  const Dataset& data() const { return data_; }
  const std::vector<StepGraph>& steps() const { return *steps_; }

  bool read() {
    auto data = read_columns(model(), *session_.opened, std::vector<bool>(model().columns.size(), true), true,
                             session_.diagnostics);
    if (data) data_ = std::move(*data);
    return data.has_value();
  }
  void compile() {
    Session& s = session_;
    steps_ = step_graphs(*s.lowered, s.diagnostics);
    REQUIRE(steps_);
    evaluation_ = evaluation_graph(model());
    REQUIRE(read());
    facts_ = run_facts(session_, *steps_, data_);
    program_ = Program::compile(training_kernels(model(), *steps_, evaluation_),
                                compile_options(s.request, model(), data_), s.diagnostics);
    REQUIRE(program_);
  }
  std::vector<double> predictions(const std::vector<double>& params) {
    Fused fused = prediction_graph(model());
    Kernel kernel = prediction_kernel(fused);
    auto program = Program::compile(std::span(&kernel, 1), compile_options(session_.request, model(), data_),
                                    session_.diagnostics);
    REQUIRE(program);
    return predict_at(model(), fused, data_, *program, params);
  }

  // Stops after so many steps of the run (−1: never); goes on from a state file where one is given. The state
  // is then in the file `to`.
  Fit train(const std::string& to, std::int64_t stop = -1, const std::string& from = "") {
    Session& s = session_;
    Place place = place_in(folder_, s, facts_, from);
    Listener listener;
    listener.save_every = 1;
    listener.save = [&](const Place& now) {
      if (now.steps() == stop) stop_signal = SIGINT;
    };
    stop_signal = stop == place.steps() ? SIGINT : 0;
    Trainer trainer{s.model(), *steps_, evaluation_, data_, *program_};
    Fit fit = slope::train(trainer, place, listener, s.diagnostics);
    stop_signal = 0;
    Diagnostics d;
    REQUIRE(save(make_state(s, facts_, fit), folder_.path(to), d));
    return fit;
  }

 private:
  const Folder& folder_;
  Session session_;
  std::optional<std::vector<StepGraph>> steps_;
  Fused evaluation_;
  Dataset data_;
  RunFacts facts_;
  std::optional<Program> program_;
};

NodeId mean_square(Graph& g, NodeId x) {
  NodeId square = g.apply<op::Mul>(x, x);
  return g.apply<op::Div>(g.reduce(Reduction::sum, square), g.row_count());
}

// predict = x·w + b over a block x of two columns, with b before w so that w begins behind it.
void regression(Model& m) {
  Graph& g = m.graph;
  ShapeId pair = g.intern({false, {2}});
  m.columns = {{"x", {"p", "q"}, 0, {}, {2}}, {"y", {"y"}, 0, {}}};
  m.add({"b", {-1}, {}});
  m.add({"w", {0.3, -0.2}, {}, {2}});
  NodeId product =
      g.contract(g.data(0, g.intern({true, {2}})), g.param(1, pair), Axes{0}, Axes{0}, Axes{}, true);
  m.predict = g.apply<op::Add>(product, g.broadcast(g.param(0)));
  m.loss = mean_square(g, g.apply<op::Sub>(m.predict, g.data(1)));
}

std::string text_of(const std::string& precision, const std::string& trainings) {
  return "precision " + precision + "\ndata y from \"p.csv\"\nparam b = -1\nloss = sum((y - b)^2)\n" +
         trainings;
}

constexpr const char* rows = "y,p,unused,q\n1.1,0,7,3\n3.3,1,7,-2\n4.7,2,7,0.5\n7.2,3,7,1\n-2,-4,7,2.25\n";

std::vector<std::string> messages(const Diagnostics& diagnostics) {
  std::vector<std::string> out;
  for (const Diagnostic& d : diagnostics.all()) {
    out.push_back(d.message);
    out.insert(out.end(), d.notes.begin(), d.notes.end());
    out.insert(out.end(), d.helps.begin(), d.helps.end());
  }
  return out;
}

template <class T>
std::vector<double> interpreted(ArrayRun& run, std::int64_t steps) {
  std::vector<double> params = starts(run.model());
  for (double& p : params) p = static_cast<T>(p);
  const StepGraph& step = run.steps()[0];
  for (std::int64_t k = 0; k < steps; ++k) {
    auto in = interpreter_inputs<T>(run.model(), run.data(), params, all_rows(run.data()));
    auto updates = evaluate<T>(step.fused.graph, step.updates, in);
    for (std::size_t i = 0; i < updates.size(); ++i) {
      const Parameter& param = run.model().params[static_cast<std::size_t>(step.trained[i])];
      std::copy(updates[i].begin(), updates[i].end(), params.begin() + param.offset);
    }
  }
  return params;
}

}  // namespace

TEST_CASE("columns side by side are in the narrowest storage that holds all exactly", "[arrays]") {
  struct Case {
    std::vector<double> a, b;
    Storage storage;
  };
  Case c = GENERATE(Case{{0, 255}, {1, 2}, Storage::u8}, Case{{0, 255}, {-1, 2}, Storage::i16},
                    Case{{0, 70000}, {-1, 2}, Storage::i32}, Case{{0, 0.5}, {-1, 2}, Storage::f32},
                    Case{{0, 0.5}, {16777216, 2}, Storage::f32}, Case{{0, 0.5}, {16777217, 2}, Storage::f64},
                    Case{{0.1, 0.5}, {1, 2}, Storage::f64}, Case{{-0.0, 1}, {70000, 2}, Storage::f32});
  std::vector<Column> parts;
  parts.push_back(make_column("a", c.a, false));
  parts.push_back(make_column("b", c.b, false));
  Column block = side_by_side("x", parts);
  CHECK(block.storage() == c.storage);
  REQUIRE(block.rows() == 2);
  REQUIRE(block.elements() == 2);
  for (std::int64_t row : {0, 1}) {
    auto i = static_cast<std::size_t>(row);
    CHECK(bits({block.at(row, 0), block.at(row, 1)}) == bits({c.a[i], c.b[i]}));
  }
  // Behind the four cells 64 and more may be read.
  const char* bytes = static_cast<const char*>(block.data());
  for (std::size_t i = 4 * size_of(c.storage); i < 68 * size_of(c.storage); ++i) REQUIRE(bytes[i] == 0);
  CHECK(bits({block.copy().at(1, 1)}) == bits({c.b[1]}));
}

TEST_CASE("many columns side by side keep their order over many rows", "[arrays]") {
  std::vector<Column> parts;
  for (std::int64_t k = 0; k < 70; ++k) {
    std::vector<double> values;
    for (std::int64_t row = 0; row < 130; ++row) values.push_back(static_cast<double>(1000 * k + row));
    parts.push_back(make_column("c", values, false));
  }
  Column block = side_by_side("x", parts);
  for (std::int64_t row = 0; row < 130; ++row)
    for (std::int64_t k = 0; k < 70; ++k) REQUIRE(block.at(row, k) == static_cast<double>(1000 * k + row));
}

TEST_CASE("a regression over a block of columns equals the interpreter and the model of numbers",
          "[arrays]") {
  Folder folder;
  folder.write("p.csv", rows);
  std::string train = "train steps=50 rate=0.02\n";
  std::string precision = GENERATE("f32", "f64");
  ArrayRun run(folder, text_of(precision, train), regression);
  run.compile();
  Fit fit = run.train("state");
  REQUIRE(fit.status == Status::finished);
  REQUIRE(fit.params.size() == 3);
  CHECK(bits(fit.params) ==
        bits(precision == "f32" ? interpreted<float>(run, 50) : interpreted<double>(run, 50)));

  Session numbers(
      Request{.source = Source("n.slope", "precision " + precision +
                                              "\ndata y, p, q from \"p.csv\"\nparam b = -1, u = 0.3, v "
                                              "= -0.2\npredict = p*u + q*v + b\n"
                                              "loss = mse(predict, y)\n" +
                                              train),
              .folder = folder.path("."),
              .data = {},
              .settings = {}});
  REQUIRE(prepare(numbers));
  auto steps = step_graphs(*numbers.lowered, numbers.diagnostics);
  REQUIRE(steps);
  Fused evaluation = evaluation_graph(numbers.model());
  auto data = read_columns(numbers.model(), *numbers.opened, {true, true, true}, true, numbers.diagnostics);
  REQUIRE(data);
  auto program =
      Program::compile(training_kernels(numbers.model(), *steps, evaluation),
                       compile_options(numbers.request, numbers.model(), *data), numbers.diagnostics);
  REQUIRE(program);
  Trainer trainer{numbers.model(), *steps, evaluation, *data, *program};
  Fit expected = slope::train(trainer, Place{{}, starts(numbers.model()), {}}, {}, numbers.diagnostics);
  double tolerance = precision == "f32" ? 1e-5 : 1e-13;
  for (std::size_t i = 0; i < 3; ++i) CHECK(fit.params[i] == Approx(expected.params[i]).epsilon(tolerance));
  CHECK(fit.loss == Approx(expected.loss).epsilon(100 * tolerance));
}

TEST_CASE("a run with arrays that was stopped after any step goes on to the same state", "[arrays][resume]") {
  Folder folder;
  folder.write("p.csv", rows);
  std::string precision = GENERATE("f32", "f64");
  std::string trainings =
      GENERATE("train steps=9 rate=0.05\n", "train steps=6 rate=0.15\ntrain steps=5 rate=0.02\n",
               "train steps=4 rate=0.05\ntrain steps=400 rate=30\n");
  std::string text = text_of(precision, trainings);
  ArrayRun straight(folder, text, regression);
  straight.compile();
  Fit whole = straight.train("whole");
  CHECK((whole.status == Status::diverged) == (trainings.find("30") != std::string::npos));
  std::int64_t last = std::min<std::int64_t>(whole.steps, 12);
  for (std::int64_t stop = 0; stop < last; ++stop) {
    ArrayRun before(folder, text, regression), after(folder, text, regression);
    before.compile();
    after.compile();
    REQUIRE(before.train("part", stop).status == Status::interrupted);
    after.train("resumed", -1, "part");
    INFO(precision << " " << trainings << stop);
    CHECK(Folder::read(folder.path("resumed")) == Folder::read(folder.path("whole")));
  }
}

TEST_CASE("a state has one tensor for each parameter, in its shape", "[arrays][state]") {
  Folder folder;
  folder.write("p.csv", rows);
  std::string trainings = GENERATE("train steps=3 rate=0.05\n", "train steps=300 rate=30\n");
  ArrayRun run(folder, text_of("f64", trainings), regression);
  run.compile();
  Fit fit = run.train("s");
  Diagnostics d;
  auto state = load(folder.path("s"), d);
  REQUIRE(state);
  for (const char* prefix : {"", "slope/best/", "slope/last/"}) {
    const Tensor* w = state->find(std::string(prefix) + "w");
    if (fit.status != Status::diverged && std::string(prefix) == "slope/last/") {
      CHECK(!w);
      continue;
    }
    REQUIRE(w);
    CHECK(w->shape == Axes{2});
    CHECK(state->find(std::string(prefix) + "b")->shape.empty());
  }
  CHECK(bits(state->find("w")->values) == bits({fit.params[1], fit.params[2]}));
  auto weights = take_weights(run.session(), *state, "s", d);
  REQUIRE(weights);
  CHECK(bits(*weights) == bits(fit.params));
}

TEST_CASE("parameters of another shape are no weights, and no start", "[arrays][state]") {
  Folder folder;
  folder.write("p.csv", rows);
  ArrayRun run(folder, text_of("f64", "train steps=1\n"), regression);
  State state;
  struct Case {
    Axes shape;
    std::string said;
  };
  auto [shape, said] = GENERATE(Case{{3}, "[3]"}, Case{{2, 1}, "[2, 1]"}, Case{{}, "a number"});
  std::int64_t count = 1;
  for (std::int64_t axis : shape) count *= axis;
  state.tensors = {{"b", false, {}, {5}},
                   {"w", false, shape, std::vector<double>(static_cast<std::size_t>(count), 7)}};
  Diagnostics d;
  CHECK(!take_weights(run.session(), state, "s", d));
  CHECK(d.exit_code() == exit_code::state);
  REQUIRE(d.all()[0].notes.size() == 1);
  CHECK(d.all()[0].notes[0] == "the parameter `w` is " + said + " in it and [2] in the model");
  Diagnostics notes;
  CHECK(!take_start(run.session(), state, "s", notes));
  CHECK(notes.exit_code() == exit_code::state);
  REQUIRE(notes.all()[0].notes.size() == 1);
  CHECK(notes.all()[0].notes[0] == "`w` is " + said + " in it and [2] in the model");
  state.tensors[1] = {"w", false, {2}, {8, 9}};
  CHECK(take_start(run.session(), state, "s", notes) == std::vector<double>{5, 8, 9});
}

TEST_CASE("a block of columns: missing headers, missing cells", "[arrays][data]") {
  Folder folder;
  auto build = [](std::vector<std::string> headers, Model& m) {
    regression(m);
    m.columns[0].headers = std::move(headers);
  };
  SECTION("a header") {
    folder.write("p.csv", rows);
    ArrayRun run(folder, text_of("f64", "train steps=1\n"), [&](Model& m) { build({"unsued", "r"}, m); });
    CHECK(!run.read());
    auto said = messages(run.session().diagnostics);
    REQUIRE(said.size() >= 2);
    CHECK(said[0].ends_with("p.csv has no column `unsued`"));
    CHECK(said[1] == "2 of the 2 columns of `x` are missing");
    CHECK(run.session().diagnostics.all()[0].code == Code::no_such_column);
    CHECK(std::count(said.begin(), said.end(), "did you mean `unused`?") == 1);
  }
  SECTION("a cell") {
    folder.write("p.csv", "y,p,unused,q\n1,2,,4\n5,6,,NA\n9,10,,12\n");
    ArrayRun run(folder, text_of("f64", "train steps=1\n"), regression);
    CHECK(!run.read());
    CHECK(run.session().diagnostics.all()[0].code == Code::missing_cell);
    ArrayRun dropping(
        folder, "data y from \"p.csv\" missing=drop\nparam b = 0\nloss = sum((y - b)^2)\ntrain steps=1\n",
        regression);
    REQUIRE(dropping.read());
    CHECK(dropping.data().rows == 2);
    CHECK(dropping.data().dropped == 1);
    const Column& x = dropping.data().columns[0];
    CHECK(std::vector{x.at(0, 0), x.at(0, 1), x.at(1, 0), x.at(1, 1)} == std::vector<double>{2, 4, 10, 12});
  }
}

TEST_CASE("other cells of a block are other data", "[arrays][resume]") {
  Folder folder;
  auto hash = [&](const std::string& cell) {
    folder.write("p.csv", "y,p,q\n1,2,3\n4,5," + cell + "\n");
    ArrayRun run(folder, text_of("f64", "train steps=1\n"), regression);
    run.compile();
    return run_facts(run.session(), run.steps(), run.data()).data;
  };
  CHECK(hash("6") == hash("6"));
  CHECK(hash("6") != hash("7"));
}

TEST_CASE("code of numbers alone finds parameters behind arrays", "[arrays]") {
  Graph g;
  NodeId a = g.param(1), b = g.param(2), x = g.data(0);
  std::vector<NodeId> roots{g.apply<op::Sub>(a, b), g.apply<op::Mul>(x, g.broadcast(b))};
  Fused fused = fuse(g, roots);
  Inputs<double> in;
  in.columns = {{1, 2, 3}};
  in.rows = 3;
  in.params = {10, 20, 30, 40, 50};
  in.param_offsets = {0, 3, 4};
  auto expected = evaluate<double>(fused.graph, fused.roots, in);
  CHECK(expected == std::vector<std::vector<double>>{{-10}, {50, 100, 150}});
  std::size_t paged_above = GENERATE(std::size_t{0}, optimized_operations);
  slope::test::Compiled<double> compiled(fused, "native", {}, paged_above, in.param_offsets);
  CHECK(compiled.run(in) == expected);
}

TEST_CASE("updates of numbers behind arrays go to their places", "[arrays]") {
  Graph g;
  NodeId doubled = g.apply<op::Add>(g.param(1), g.param(1));
  Fused fused = fuse(g, std::span(&doubled, 1));
  Kernel kernel{"update", &fused.graph, {{fused.roots[0], Store::To::param, 1}}};
  CompileOptions options;
  options.param_offsets = {0, 3};
  options.paged_above = GENERATE(std::size_t{0}, optimized_operations);
  Diagnostics d;
  auto program = Program::compile(std::span(&kernel, 1), options, d);
  REQUIRE(program);
  std::vector<double> params(68), scratch(scratch_size(kernel, 0));
  params[1] = 5, params[3] = 7;
  double rate = 0;
  Run run{nullptr, params.data(), &rate, nullptr, nullptr, scratch.data(), 0};
  program->function("update")(&run);
  CHECK(params[1] == 5);
  CHECK(params[3] == 14);
}

TEST_CASE("predictions of vectors lie row after row", "[arrays]") {
  Folder folder;
  folder.write("p.csv", rows);
  std::string precision = GENERATE("f32", "f64");
  ArrayRun run(folder, text_of(precision, "train steps=1\n"), [](Model& m) {
    regression(m);
    Graph& g = m.graph;
    NodeId x = g.data(0, g.intern({true, {2}})), w = g.param(1, g.intern({false, {2}}));
    m.predict = g.apply<op::Mul>(x, w);
  });
  REQUIRE(run.read());
  std::vector<double> params{1, 2, -4};
  CHECK(run.predictions(params) == std::vector<double>{0, -12, 2, 8, 4, -2, 6, -4, -8, -9});
  run.model().predict = run.model().graph.param(1, run.model().graph.intern({false, {2}}));
  CHECK(run.predictions(params) == std::vector<double>{2, -4});
}

TEST_CASE("what is not finite is told with its element", "[arrays]") {
  Folder folder;
  folder.write("p.csv", rows);
  ArrayRun run(folder, text_of("f64", "train steps=1\n"), [](Model& m) {
    regression(m);
    Graph& g = m.graph;
    NodeId log = g.apply<op::Log>(g.data(0, g.intern({true, {2}})));
    m.loss = g.reduce(Reduction::sum, g.reduce(Reduction::sum, log, Axes{0}));
  });
  REQUIRE(run.read());
  auto found = first_not_finite(run.model(), run.model().graph, std::span(&run.model().loss, 1), run.data(),
                                {0, 1, 2});
  REQUIRE(found);
  CHECK(found->text == "log of 0 = -inf at [0] in row 1 of the data");
  found = first_not_finite(run.model(), run.model().graph, std::span(&run.model().loss, 1), run.data(),
                           {0, 1, 2});
  run.model().columns[0].headers = {"y", "q"};
  REQUIRE(run.read());
  found = first_not_finite(run.model(), run.model().graph, std::span(&run.model().loss, 1), run.data(),
                           {0, 1, 2});
  REQUIRE(found);
  CHECK(found->text == "log of -2 = nan at [1] in row 2 of the data");
}

TEST_CASE("a gradient of arrays is 0 when every element is", "[arrays]") {
  Folder folder;
  folder.write("p.csv", rows);
  double second = GENERATE(0.0, 1e-300);
  ArrayRun run(folder, text_of("f64", "train steps=1\n"), [&](Model& m) {
    Graph& g = m.graph;
    m.columns = {{"y", {"y"}, 0, {}}};
    m.add({"v", {0, second, 0}, {}, {3}});
    NodeId v = g.param(0, g.intern({false, {3}}));
    m.loss = g.reduce(Reduction::sum, g.apply<op::Mul>(v, v), Axes{0});
  });
  run.compile();
  run.session().diagnostics = {};
  run.train("s");
  auto said = messages(run.session().diagnostics);
  bool warned = std::count(said.begin(), said.end(),
                           "start the parameters elsewhere, for example `param v[3] = 1`") == 1;
  CHECK(warned == (second == 0));
}

TEST_CASE("a loss without bound names the element that grows", "[arrays]") {
  Folder folder;
  folder.write("p.csv", rows);
  ArrayRun run(folder, text_of("f32", "train steps=400 rate=1\n"), [&](Model& m) {
    Graph& g = m.graph;
    m.columns = {{"y", {"y"}, 0, {}}};
    m.add({"a", {0}, {}});
    m.add({"v", {0, 0, 1, 0}, {}, {2, 2}});
    NodeId v = g.param(1, g.intern({false, {2, 2}}));
    NodeId squares =
        g.reduce(Reduction::sum, g.reduce(Reduction::sum, g.apply<op::Mul>(v, v), Axes{1}), Axes{0});
    m.loss = g.apply<op::Neg>(g.apply<op::Add>(squares, g.param(0)));
  });
  run.compile();
  Fit fit = run.train("s");
  CHECK(fit.status == Status::diverged);
  auto said = messages(run.session().diagnostics);
  auto has = [&](std::string_view part) {
    return std::any_of(said.begin(), said.end(),
                       [&](const std::string& m) { return m.find(part) != m.npos; });
  };
  CHECK(has("as `v[1, 0]` grows"));
  CHECK(has("+ 1e-3*sum(v^2)"));
}

TEST_CASE("elements of parameters have names and places", "[arrays]") {
  Model m;
  m.add({"a", {1}, {}});
  m.add({"W", {1, 2, 3, 4, 5, 6}, {}, {2, 3}});
  m.add({"none", {}, {}, {0}});
  m.add({"v", {7}, {}, {1}});
  CHECK(m.param_elements() == 8);
  CHECK(param_offsets(m) == std::vector<std::int64_t>{0, 1, 7, 7});
  CHECK(element_names(m) == std::vector<std::string>{"a", "W[0, 0]", "W[0, 1]", "W[0, 2]", "W[1, 0]",
                                                     "W[1, 1]", "W[1, 2]", "v[0]"});
  CHECK(param_at(m, 0).name == "a");
  CHECK(param_at(m, 1).name == "W");
  CHECK(param_at(m, 6).name == "W");
  CHECK(param_at(m, 7).name == "v");
  CHECK(starts(m) == std::vector<double>{1, 1, 2, 3, 4, 5, 6, 7});
  Model numbers;
  numbers.add({"a", {1}, {}});
  numbers.add({"b", {1}, {}});
  CHECK(param_offsets(numbers).empty());
}

TEST_CASE("arrays as text and in JSON", "[arrays]") {
  Model m;
  m.graph = Graph(Precision::f32);
  m.add({"b", {0.5}, {}});
  m.add({"w", {0, 0, 0}, {}, {3}});
  m.add({"W", {0, 0, 0, 0}, {}, {2, 2}});
  m.add({"large", std::vector<double>(80), {}, {8, 10}});
  m.add({"none", {}, {}, {0, 2}});
  std::vector<double> params{0.1f, 1.5, 2.25, -3, 1, 2, 3, 4};
  params.insert(params.end(), 80, 0);
  params[20] = -3, params[50] = 4;
  CHECK(parameters_json(m, params, false).dump() ==
        R"({"b":0.1,"w":[1.5,2.25,-3.0],"W":[[1.0,2.0],[3.0,4.0]],)"
        R"("large":{"shape":[8,10],"dtype":"f32","norm":5.0},"none":[]})");
  Json full = parameters_json(m, params, true)["large"];
  REQUIRE(full.size() == 8);
  REQUIRE(full[1].size() == 10);
  CHECK(full[1][2] == -3);  // the thirteenth of them
  CHECK(full[4][2] == 4);
  auto text = [&](std::size_t i) {
    NamedText t = parameter_text(m.params[i], params, Precision::f32);
    return t.name + "|" + t.rest;
  };
  CHECK(text(0) == "b| = 0.1");
  CHECK(text(1) == "w| = [1.5, 2.25, -3]");
  CHECK(text(2) == "W| = [[1, 2], [3, 4]]");
  CHECK(text(3) == "large[8, 10]|   norm 5");
  CHECK(text(4) == "none| = []");
  CHECK(norm(std::vector<double>{3e200, -4e200}) == Approx(5e200));
  CHECK(std::isnan(norm(std::vector<double>{1, std::nan("")})));
}

TEST_CASE("parameters are counted with their numbers", "[arrays]") {
  Model m;
  m.add({"b", {0}, {}});
  CHECK(parameter_count(m) == "1 parameter");
  m.add({"W", {0, 0, 0, 0}, {}, {2, 2}});
  CHECK(parameter_count(m) == "2 parameters of 5 numbers");
}

TEST_CASE("what is only made of numbers says so where an array is", "[arrays]") {
  Graph g;
  NodeId x = g.data(0, g.intern({true, {2}}));
  Span place{0, 7, 9};
  NodeId log;
  {
    Graph::Origin origin(g, place);
    log = g.apply<op::Log>(x);
  }
  Diagnostics d;
  NodeId number = g.data(1);
  CHECK(check_numbers_only(g, std::span(&number, 1), "formulas with", d));
  CHECK(d.all().empty());
  CHECK(!check_numbers_only(g, std::span(&log, 1), "formulas with", d));
  REQUIRE(d.errors() == 1);
  CHECK(d.all()[0].code == Code::not_yet);
  CHECK(d.all()[0].message == "formulas with vectors and matrices cannot be made yet");
  CHECK(d.all()[0].span == place);
}

TEST_CASE("predictions have a column for each element", "[arrays]") {
  CHECK(prediction_columns({}) == std::vector<std::string>{"predict"});
  CHECK(prediction_columns(Axes{3}) == std::vector<std::string>{"predict_0", "predict_1", "predict_2"});
  CHECK(prediction_columns(Axes{2, 2}) ==
        std::vector<std::string>{"predict_0_0", "predict_0_1", "predict_1_0", "predict_1_1"});
}

TEST_CASE("kernels of arrays are printed with their shapes", "[arrays]") {
  Folder folder;
  folder.write("p.csv", rows);
  ArrayRun run(folder, text_of("f64", "train steps=1\n"), regression);
  run.compile();
  const StepGraph& step = run.steps()[0];
  std::vector<NodeId> roots{step.loss};
  roots.insert(roots.end(), step.updates.begin(), step.updates.end());
  std::string text = print(schedule(step.fused.graph, roots), step.fused.graph,
                           print_names(run.model(), run.session().sources));
  INFO(text);
  CHECK(text.find("load x  [rows, 2]") != std::string::npos);
  CHECK(text.find("broadcast") == std::string::npos);
  CHECK(text.find("contract x, w by a,a->\n") != std::string::npos);
  CHECK(text.find(" over rows  [2]") != std::string::npos);
  CHECK(text.find("  [2]\n") != std::string::npos);
}
