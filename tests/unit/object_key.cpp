// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The key of compiled code tells apart whatever changes the code, and code from the cache gives the same
// bits.
#include "codegen/object_key.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <functional>

#include "base/cache.h"
#include "base/os.h"
#include "tests/unit/compiled.h"
#include "tests/unit/folder.h"

using namespace slope;

namespace {

// A kernel with a node of every kind that reaches the code generator, and everything about it that can
// change.
struct Subject {
  Precision precision = Precision::f64;
  double constant = 0.5;
  OpId op = id_of<op::Add>();
  Reduction reduction = Reduction::sum;
  int column = 0, param = 0;
  ShapeId shape = Shapes::number;
  Graph::Draw draw = {7, 0};
  int state = 0;
  bool swapped = false, truth = true, argument = true;
  std::string name = "step", host = "this machine";
  Store::To to = Store::To::output;
  int index = 0;
  bool stores_total = true;
  CompileOptions options{.storages = {Storage::f64, Storage::u8}};

  std::string key() const {
    Graph g(precision);
    NodeId x = g.data(column), p = g.param(param, shape), c = g.constant(constant);
    NodeId y = swapped ? g.apply<op::Sub>(x, g.broadcast(c)) : g.apply<op::Sub>(g.broadcast(c), x);
    y = g.apply(op, {y, x});
    g.draw(draw, Shapes::number);
    g.state(state, Shapes::number);
    NodeId total = g.reduce(reduction, y);
    NodeId last =
        g.make({.kind = argument ? NodeKind::argument : NodeKind::row_count, .shape = Shapes::number});
    g.make(
        {.kind = NodeKind::constant, .type = Type::truth, .shape = Shapes::number, .value = truth ? 1. : 0.});
    (void)p;
    Kernel kernel{name, &g, {{stores_total ? total : last, to, index}}};
    return object_key(std::span(&kernel, 1), options, host);
  }
};

}  // namespace

TEST_CASE("every change of what is compiled changes the key", "[cache]") {
  using Change = std::pair<const char*, std::function<void(Subject&)>>;
  const Change changes[] = {
      {"precision", [](Subject& s) { s.precision = Precision::f32; }},
      {"a constant", [](Subject& s) { s.constant = 0.25; }},
      {"a constant's last bit", [](Subject& s) { s.constant = std::nextafter(0.5, 1); }},
      {"zero", [](Subject& s) { s.constant = 0; }},
      {"the sign of zero", [](Subject& s) { s.constant = -0.0; }},
      {"op", [](Subject& s) { s.op = id_of<op::Mul>(); }},
      {"reduction", [](Subject& s) { s.reduction = Reduction::max; }},
      {"column", [](Subject& s) { s.column = 1; }},
      {"param", [](Subject& s) { s.param = 1; }},
      {"a draw", [](Subject& s) { s.draw.key = 8; }},
      {"its word", [](Subject& s) { s.draw.word = 1; }},
      {"state", [](Subject& s) { s.state = 1; }},
      {"where a state lies", [](Subject& s) { s.options.state_offsets = {2}; }},
      {"shape", [](Subject& s) { s.shape = Shapes::number_a_row; }},
      {"order of operands", [](Subject& s) { s.swapped = true; }},
      {"a truth value", [](Subject& s) { s.truth = false; }},
      {"kind", [](Subject& s) { s.argument = false; }},
      {"name", [](Subject& s) { s.name = "step_2"; }},
      {"where a value goes", [](Subject& s) { s.to = Store::To::param; }},
      {"at which index", [](Subject& s) { s.index = 1; }},
      {"which value", [](Subject& s) { s.stores_total = false; }},
      {"host", [](Subject& s) { s.host = "another"; }},
      {"cpu", [](Subject& s) { s.options.cpu = "x86-64-v3"; }},
      {"limit of one function", [](Subject& s) { s.options.paged_above = 3; }},
      {"storage of a column", [](Subject& s) { s.options.storages[0] = Storage::f32; }},
      {"storage of the other", [](Subject& s) { s.options.storages[1] = Storage::i16; }},
      {"number of columns", [](Subject& s) { s.options.storages.pop_back(); }},
  };
  std::vector<std::string> keys{Subject().key()};
  for (const auto& [what, change] : changes) {
    Subject subject;
    change(subject);
    INFO(what);
    std::string key = subject.key();
    CHECK(std::find(keys.begin(), keys.end(), key) == keys.end());
    keys.push_back(key);
  }
  Subject same;
  same.options.cache = "/elsewhere";
  same.options.places = [](std::span<const Span>) { return "line 1"; };
  CHECK(same.key() == keys[0]);
}

TEST_CASE("two kernels are not one", "[cache]") {
  Graph g;
  NodeId p = g.param(0);
  Kernel one{"a", &g, {{p, Store::To::output, 0}}}, two{"b", &g, {{p, Store::To::output, 0}}};
  std::vector<Kernel> both{one, two}, swapped{two, one};
  std::string all = object_key(both, {}, "");
  CHECK(all != object_key(std::span(&one, 1), {}, ""));
  CHECK(all != object_key(swapped, {}, ""));
}

TEST_CASE("the host facts name builds, CPU and LLVM", "[cache]") {
  std::string facts = host_facts();
  REQUIRE(facts.size() > 41);
  CHECK(facts.find_first_not_of("0123456789abcdef") >= 16);
  CHECK(facts.find(" " + llvm_version() + " ") != std::string::npos);
  CHECK(facts.find(" " + native_cpu() + " ") != std::string::npos);
  CHECK(facts.find('+') != std::string::npos);
  int on_the_stack = 0;
  CHECK(os::build_id(&on_the_stack) == "");
}

namespace {

struct Made {
  bool cached;
  double value;
};

Made compile_and_run(const std::string& cache, double constant) {
  Graph g;
  NodeId root = g.reduce(Reduction::sum, g.apply<op::Exp>(g.apply<op::Mul>(g.data(0), g.constant(constant))));
  Kernel kernel{"f", &g, {{root, Store::To::output, 0}}};
  CompileOptions options{.storages = {Storage::f64}, .cache = cache};
  Diagnostics diagnostics;
  auto program = Program::compile(std::span(&kernel, 1), options, diagnostics);
  REQUIRE(program);
  test::Aligned<double> column(100);
  for (int i = 0; i < 100; ++i) column.get()[i] = 0.01 * i;
  const void* columns[] = {column.get()};
  std::vector<double> scratch(scratch_size(kernel, 100));
  double out = 0;
  Run run{columns, nullptr, nullptr, &out, nullptr, scratch.data(), 100};
  program->function("f")(&run);
  return {program->making().cached, out};
}

}  // namespace

TEST_CASE("code from the cache gives the same bits; what cannot be linked is compiled anew", "[cache]") {
  Folder folder;
  std::string cache = folder.path("c");
  Made fresh = compile_and_run(cache, 0.5), again = compile_and_run(cache, 0.5),
       other = compile_and_run(cache, 0.25), none = compile_and_run("", 0.5);
  CHECK((!fresh.cached && again.cached && !other.cached && !none.cached));
  CHECK(test::same(fresh.value, again.value));
  CHECK(test::same(fresh.value, none.value));
  CHECK(other.value < fresh.value);

  Cache entries(cache);
  for (std::string wrong : {"", "no object"}) {
    Graph g;
    NodeId root = g.reduce(Reduction::sum, g.apply<op::Exp>(g.apply<op::Mul>(g.data(0), g.constant(0.5))));
    Kernel kernel{"f", &g, {{root, Store::To::output, 0}}};
    std::string key = object_key(std::span(&kernel, 1), {.storages = {Storage::f64}}, host_facts());
    REQUIRE(entries.find(key));
    REQUIRE(!entries.keep(key, wrong));
    Made made = compile_and_run(cache, 0.5);
    CHECK(!made.cached);
    CHECK(test::same(fresh.value, made.value));
    CHECK(compile_and_run(cache, 0.5).cached);
  }
}
