// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A graph as text.
#include "graph/print.h"

#include <fmt/format.h>

#include <catch2/catch.hpp>

using namespace slope;

namespace {

// "line 4", or "line 4, 6": the spans of these tests begin at their line's number.
std::string lines(std::span<const Span> spans) {
  std::string out;
  for (Span span : spans) out += fmt::format("{}{}", out.empty() ? "line " : ", ", span.begin);
  return out;
}

const PrintNames names{{"x", "y"}, {"w"}, lines};

}  // namespace

TEST_CASE("print: a graph with places") {
  Graph g;
  NodeId x = g.data(0), y = g.data(1), w = g.param(0), b = g.param(1);
  NodeId prediction, difference;
  {
    Graph::Origin at(g, Span{1, 1});
    prediction = g.apply<op::Add>(g.apply<op::Mul>(w, x), b);
    g.name(prediction, "prediction");
  }
  {
    Graph::Origin at(g, Span{3, 3});
    difference = g.apply<op::Sub>(prediction, y);
  }
  Graph::Origin at(g, Span{4, 4});
  NodeId rows = g.row_count(), tenth = g.constant(0.1);
  NodeId loss = g.apply<op::Div>(g.reduce(Reduction::sum, g.apply<op::Mul>(difference, difference)), rows);
  NodeId large = g.apply<op::Greater>(loss, tenth);
  g.apply<op::Exp>(loss);  // needed by nobody
  {
    Graph::Origin again(g, Span{6, 6});
    g.apply<op::Sub>(prediction, y);
  }
  std::vector<NodeId> roots{loss, large};
  CHECK(print(g, roots, names) ==
        "%5    = mul w, x                     [rows]     ; line 1\n"
        "%7    = add %5, param1               [rows]  prediction  ; line 1\n"
        "%8    = sub %7, y                    [rows]     ; line 3, 6\n"
        "%11   = mul %8, %8                   [rows]     ; line 4\n"
        "%12   = sum %11 over rows            []         ; line 4\n"
        "%13   = div %12, rows                []         ; line 4\n"
        "%14   = greater %13, 0.1             truth []   ; line 4\n");
}

TEST_CASE("print: operands") {
  Graph g(Precision::f32);
  auto text = [&](NodeId id) { return operand(g, id, names); };
  CHECK(text(g.constant(0.1)) == "0.1");  // the shortest text of the float
  CHECK(text(g.constant(-2)) == "-2");
  CHECK(text(g.constant(-0.0)) == "-0");
  CHECK(text(g.truth(true)) == "true");
  CHECK(text(g.truth(false)) == "false");
  CHECK(text(g.data(1)) == "y");
  CHECK(text(g.data(2)) == "column2");
  CHECK(text(g.param(0)) == "w");
  CHECK(text(g.broadcast(g.param(0))) == "w");
  CHECK(text(g.argument(RunArgument::rate)) == "rate");
  CHECK(text(g.row_count()) == "rows");
  NodeId sum = g.reduce(Reduction::max, g.data(0));
  CHECK(text(sum) == fmt::format("%{}", sum.value));
  CHECK(expression(g, sum, names) == "max x over rows");
  NodeId less = g.apply<op::Less>(g.data(0), g.data(1));
  NodeId choice = g.apply<op::Select>(less, g.data(0), g.constant(1));
  CHECK(expression(g, choice, names) == fmt::format("select %{}, x, 1", less.value));
  CHECK(expression(g, g.param(0), names) == "w");
}

TEST_CASE("print: inlined nodes have a line where they are roots or have names") {
  Graph g;
  NodeId w = g.param(0), c = g.constant(3);
  g.name(w, "weight");
  std::vector<NodeId> roots{c, g.apply<op::Mul>(w, c)};
  CHECK(print(g, roots, {}) ==
        "%0    = param0                       []  weight\n"
        "%1    = 3                            []\n"
        "%2    = mul param0, 3                []\n");
}

TEST_CASE("print: places stand in column 48 or behind the text") {
  CHECK(with_place("a", "") == "a");
  CHECK(with_place("a", "line 1") == "a" + std::string(47, ' ') + "; line 1");
  CHECK(with_place("²", "line 1") == "²" + std::string(47, ' ') + "; line 1");
  CHECK(with_place(std::string(47, 'a'), "b") == std::string(47, 'a') + " ; b");
  CHECK(with_place(std::string(48, 'a'), "b") == std::string(48, 'a') + "  ; b");
}
