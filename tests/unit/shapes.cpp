// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Values with axes, from the text to the interpreter: expected numbers are computed by hand (the comment says
// how where it is not plain), derivatives are compared with differences.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <string>
#include <vector>

#include "frontend/lower.h"
#include "graph/evaluate.h"
#include "graph/gradient.h"
#include "graph/verify.h"

using namespace slope;

namespace {

using Numbers = std::vector<double>;

const std::vector<std::string> header{"a", "b", "c", "d", "y"};
// Two rows of (a, b, c, d, y).
const double table[2][5] = {{1, 2, 3, 4, 5}, {-1, 0.5, 2, -3, 7}};

struct Result {
  std::string shape;
  Numbers values;
};

Inputs<double> inputs_of(const Model& model) {
  Inputs<double> in;
  in.rows = 2;
  in.arguments = {0};
  for (const DataColumn& column : model.columns) {
    Numbers values;
    for (const auto& row : table)
      for (const std::string& name : column.headers)
        values.push_back(row[std::find(header.begin(), header.end(), name) - header.begin()]);
    in.columns.push_back(values);
  }
  for (const Parameter& p : model.params) {
    in.param_offsets.push_back(p.offset);
    in.params.insert(in.params.end(), p.start.begin(), p.start.end());
  }
  return in;
}

std::optional<Lowered> lowered(const std::string& text, Diagnostics& diagnostics) {
  LowerSettings settings;
  settings.headers = {header, header, header};
  ast::Ast tree = parse(Source("m.slope", text), diagnostics);
  return lower(tree, settings, diagnostics);
}

// The expression's value at the start; `x` is the vector (a, b, c) a row, `y` and `d` are numbers a row.
Result value(const std::string& expression, const std::string& before = "") {
  Diagnostics diagnostics;
  std::string text =
      "data x from \"t.csv\" columns a..c\ndata y, d from \"t.csv\"\nparam w = [2, -1, 0.5]\n" + before +
      "\npredict = " + expression + "\nloss = sum(w^2)\n";
  auto result = lowered(text, diagnostics);
  INFO(text << (diagnostics.all().empty() ? "" : diagnostics.all()[0].message));
  REQUIRE(result);
  const Model& model = result->model();
  REQUIRE(verify(model.graph) == "");
  return {to_string(model.graph.shape(model.predict)),
          evaluate<double>(model.graph, std::span(&model.predict, 1), inputs_of(model))[0]};
}

// The first error: "S0302 message".
std::string fault(const std::string& expression, const std::string& before = "") {
  Diagnostics diagnostics;
  lowered("data x from \"t.csv\" columns a..c\ndata y, d from \"t.csv\"\nparam w = [2, -1, 0.5]\n" + before +
              "\nv = " + expression + "\nloss = sum(w^2)\n",
          diagnostics);
  for (const Diagnostic& d : diagnostics.all())
    if (d.severity == Severity::error) return to_string(d.code) + " " + d.message;
  return "";
}

void check(const std::string& expression, const std::string& shape, const Numbers& values,
           const std::string& before = "") {
  Result result = value(expression, before);
  INFO(expression);
  CHECK(result.shape == shape);
  REQUIRE(result.values.size() == values.size());
  for (std::size_t i = 0; i < values.size(); ++i) CHECK(result.values[i] == Approx(values[i]).margin(1e-15));
}

}  // namespace

TEST_CASE("columns, parameters and constants have shapes") {
  check("x", "[rows, 3]", {1, 2, 3, -1, 0.5, 2});
  check("m", "[rows, 2, 2]", {1, 2, 3, 4, -1, 0.5, 2, -3}, "data m[2, 2] from \"t.csv\" columns a, b, c, d");
  check("p", "[2, 3]", {1, 2, 3, 1, 2, 3}, "param p[2, 3] = [1, 2, 3]");
  check("p", "[2]", {7, 7}, "const n = 2\nparam p[n] = 7");
  check("k + p", "[2, 2]", {2, 3, 4, 5}, "const k = [[1, 2], [3, 4]]\nparam p[1] = 1");
  check("p", "[3, 2]", {0, 0, 0, 0, 0, 0}, "param p[last(x), 4/2] = 0");
  CHECK(fault("1", "param p[0] = 0") == "S0401 a size must be at least 1, this is 0");
  CHECK(fault("1", "param p[-3] = 0") == "S0401 a size must be at least 1, this is -3");
  CHECK(fault("1", "param p[1.5] = 0") == "S0205 a size must be a whole number, this is 1.5");
  CHECK(fault("1", "param p[y] = 0").starts_with("S0214"));
  CHECK(fault("1", "param p[2] = [1, 2, 3]").starts_with("S0302"));
  CHECK(fault("1", "param p[65536, 65536] = 0").starts_with("S0703"));
  CHECK(fault("1", "param p[9e15, 9e15, 9e15] = 0").starts_with("S0703"));
  CHECK(fault("zeros(9e15)").starts_with("S0703"));
  CHECK(fault("reshape(p, [65536, 1]) + reshape(p, [1, 65536])", "param p[65536] = 0").starts_with("S0703"));
  CHECK(fault("1", "data m[2, 2] from \"t.csv\" columns a..c").starts_with("S0302"));
  CHECK(fault("1", "data m from \"t.csv\" columns c..a").starts_with("S0501"));
  CHECK(fault("1", "data m from \"t.csv\" columns a..z").starts_with("S0501"));
}

TEST_CASE("operations broadcast as NumPy does, rows with rows") {
  check("x*w", "[rows, 3]", {2, -2, 1.5, -2, -0.5, 1});
  check("reshape(y, [1]) + x", "[rows, 3]", {6, 7, 8, 6, 7.5, 9});
  check("y + w", "[rows, 3]", {7, 4, 5.5, 9, 6, 7.5});
  check("[1, 2] + [[10], [20]]", "[2, 2]", {11, 12, 21, 22});
  check("if x > w then x else 0", "[rows, 3]", {0, 2, 3, 0, 0.5, 2});
  check("-w^2", "[3]", {-4, -1, -0.25});
  check("max(x, 1, w)", "[rows, 3]", {2, 2, 3, 2, 1, 2});
  CHECK(fault("x + [1, 2]") ==
        "S0302 shapes do not line up in `x + [1, 2]`: the last axis is 3 in one and 2 in the other");
  CHECK(fault("max(w, [1, 2])").starts_with("S0302"));
  CHECK(fault("if w > 0 then [1, 2] else 0").starts_with("S0302"));
  CHECK(fault("w > 0 and [true, false]").starts_with("S0302"));
}

TEST_CASE("the matrix product is NumPy's matmul on the axes of a row") {
  std::string m = "param M[3, 2] = [[1, 2], [3, 4], [5, 6]]";
  check("x @ w", "[rows]", {2 - 2 + 1.5, -2 - 0.5 + 1});
  check("x @ M", "[rows, 2]", {22, 28, 10.5, 12}, m);
  check("M.T @ x", "[rows, 2]", {22, 28, 10.5, 12}, m);
  check("M.T @ M", "[2, 2]", {35, 44, 44, 56}, m);
  check("[[1, 2], [3, 4]] @ [1, 1]", "[2]", {3, 7});
  // (2, 1, 2) @ (3, 2, 1) is (the axes in front broadcast) … here [2, 1, 2] @ [2, 1] is [2, 1, 1].
  check("B @ C", "[2, 1, 1]", {1 * 1 + 2 * 2, 3 * 1 + 4 * 2},
        "const B = [[[1, 2]], [[3, 4]]], C = [[1], [2]]");
  check("B @ D", "[2, 1, 1]", {1 * 10 + 2 * 20, 3 * 10 + 4 * 20},
        "param B = [[[1, 2]], [[3, 4]]], D = [[[10], [20]]]");
  check("q @ k.T", "[rows, 1, 1]", {1 + 4 + 9, 1 + 0.25 + 4}, "q = [x]\nk = [x]");
  CHECK(
      fault("x @ M", "param M[4, 2] = 0") ==
      "S0302 shapes do not line up in `x @ M`: the last axis of the left is 3, the last axis but one of the "
      "right 4");
  CHECK(fault("x @ y").starts_with("S0302"));
  CHECK(fault("w.T").starts_with("S0302"));
}

TEST_CASE("lists stack, indices and slices take") {
  check("[y, y^2]", "[rows, 2]", {5, 25, 7, 49});
  check("[w, 2*w]", "[2, 3]", {2, -1, 0.5, 4, -2, 1});
  check("[y, 1]", "[rows, 2]", {5, 1, 7, 1});
  check("[[y, d], [d, y]]", "[rows, 2, 2]", {5, 4, 4, 5, 7, -3, -3, 7});
  check("x[0]", "[rows]", {1, -1});
  check("x[-1]", "[rows]", {3, 2});
  check("x[1:]", "[rows, 2]", {2, 3, 0.5, 2});
  check("w[::2]", "[2]", {2, 0.5});
  check("w[::-1]", "[3]", {0.5, -1, 2});
  check("w[-1:0:-1]", "[2]", {0.5, -1});
  check("[[1, 2], [3, 4]][..., 0]", "[2]", {1, 3});
  check("[[1, 2], [3, 4]][1]", "[2]", {3, 4});
  check("w[[2, 0]]", "[2]", {0.5, 2});
  check("x[iota(2)]", "[rows, 2]", {1, 2, -1, 0.5});
  check("w[argmax(x)]", "[rows]", {0.5, 0.5});
  check("last(x) + shape(M)[0]", "[]", {5}, "param M[2, 7] = 0");
  check("p", "[2]", {1, 1}, "const k = [3, 2]\nparam p[k[1]] = 1");
  CHECK(fault("w[3]") == "S0302 the index 3 is beyond `w`, whose axis here has 3 elements");
  CHECK(fault("w[-4]").starts_with("S0302"));
  CHECK(fault("w[0:4]").starts_with("S0302"));
  CHECK(fault("w[2:2]").starts_with("S0302"));
  CHECK(fault("w[3:]").starts_with("S0302"));
  CHECK(fault("w[::0]").starts_with("S0401"));
  CHECK(fault("y[0]") == "S0302 `y` is a number a row: it has no axes, not 1");
  CHECK(fault("w[y]").starts_with("S0205"));
  CHECK(fault("w[0.5]").starts_with("S0205"));
  CHECK(fault("w[[0, 3]]").starts_with("S0302"));
  CHECK(fault("[1, 2][argmax(x)]").starts_with("S0302"));
  // Lists that index together, as NumPy's: broadcast together, in the place of their axes.
  std::string t = "param T = [[[1, 2], [3, 4], [5, 6]], [[7, 8], [9, 10], [11, 12]]]";
  check("T[[0, 1], [2, 0]]", "[2, 2]", {5, 6, 7, 8}, t);
  check("T[[[0], [1]], [2, 0], 1]", "[2, 2]", {6, 2, 12, 8}, t);
  check("T[:, [0, -1], [1, 0]]", "[2, 2]", {2, 5, 8, 11}, t);
  check("T[[0, 1, 1], [2, 0, -3], [1, 0, 1]]", "[3]", {6, 7, 8}, t);
  check("T[[0, 1], 1, [1, 0]]", "[2]", {4, 9}, t);
  check("T[[1, 0], [1, 2], ::-1]", "[2, 2]", {10, 9, 6, 5}, t);
  check("T[iota(2), argmax(x)]", "[rows, 2, 2]", {5, 6, 11, 12, 5, 6, 11, 12}, t);
  CHECK(fault("T[[0, 1], :, [1, 0]]", t).starts_with("S0204 between two lists of indices"));
  CHECK(fault("T[[0, 1], ..., [1, 0]]", t).starts_with("S0204"));
  CHECK(fault("T[[0, 2], [1, 0]]", t).starts_with("S0302 the index 2 is beyond `T`"));
  CHECK(fault("T[[0, 1], [1, 0, 2]]", t).starts_with("S0302"));
  CHECK(fault("T[argmax(x), [1, 0, 2]]", t).starts_with("S0302 these indices go up to 2"));
  CHECK(fault("(A + B)[argmax(x), argmax(x)]", "precision f32\nparam A[5000, 1] = 0, B[1, 4000] = 0")
            .starts_with("S0703"));
  CHECK(fault("T[argmax(x[0:2]), y]", t).starts_with("S0205"));
  CHECK(fault("[w, 1]").starts_with("S0302"));
  CHECK(fault("w + []").starts_with("S0205"));
}

TEST_CASE("reductions take everything, or the axes that are named") {
  std::string m = "param M = [[1, 2, 3], [4, 5, 12]]";
  check("sum(M)", "[]", {27}, m);
  check("sum(M, axis=0)", "[3]", {5, 7, 15}, m);
  check("sum(M, axis=-1)", "[2]", {6, 21}, m);
  check("sum(M, axis=(0, 1))", "[]", {27}, m);
  check("sum(M, axis=1, keep=true)", "[2, 1]", {6, 21}, m);
  check("mean(M, axis=1)", "[2]", {2, 7}, m);
  check("var(M, axis=1)", "[2]", {2.0 / 3, (9 + 4 + 25) / 3.0}, m);
  check("std([1, 3])", "[]", {1});
  check("prod(M, axis=0)", "[3]", {4, 10, 36}, m);
  check("max(x, axis=-1)", "[rows]", {3, 2});
  check("min(M)", "[]", {1}, m);
  check("argmax(x)", "[rows]", {2, 2});
  check("argmin(M, axis=0)", "[3]", {0, 0, 0}, m);
  check("if any(M > 4, axis=1) then 1 else 0", "[2]", {0, 1}, m);
  check("if all(M > 0) then 1 else 0", "[]", {1}, m);
  check("mean([1, 2, 6], weights=[1, 1, 2])", "[]", {3.75});
  check("mean(M, weights=[1, 0, 1], axis=1)", "[2]", {2, 8}, m);
  CHECK(fault("sum(w, axis=1)") == "S0302 `sum` has no axis 1: this is [3], its one axis is 0");
  CHECK(fault("sum(y, axis=0)").starts_with("S0302"));
  CHECK(fault("sum(w, axis=(0, -1))").starts_with("S0204"));
  CHECK(fault("argmax(y)").starts_with("S0302"));
  CHECK(fault("mean(w, weights=[1, 2])").starts_with("S0302"));
  CHECK(fault("any(w)").starts_with("S0205"));
}

TEST_CASE("softmax and its kind are along the last axis, or another") {
  double e = std::exp(1.0), s = 1 + e;
  check("softmax([0, 1])", "[2]", {1 / s, e / s});
  check("logsumexp(x)", "[rows]",
        {std::log(std::exp(1) + std::exp(2) + std::exp(3)),
         std::log(std::exp(-1) + std::exp(0.5) + std::exp(2))});
  check("softmax(M, axis=0)", "[2, 2]", {1 / s, 0.5, e / s, 0.5}, "param M = [[0, 3], [1, 3]]");
  check("log_softmax([1000, 1000])", "[2]", {-std::log(2.0), -std::log(2.0)});
}

TEST_CASE("functions of structure") {
  std::string m = "param M = [[1, 2, 3], [4, 5, 6]]";
  check("reshape(M, [3, -1])", "[3, 2]", {1, 2, 3, 4, 5, 6}, m);
  check("reshape(x[0:1], [])", "[rows]", {1, -1});
  check("permute(M, [1, 0])", "[3, 2]", {1, 4, 2, 5, 3, 6}, m);
  check("concat(x, w)", "[rows, 6]", {1, 2, 3, 2, -1, 0.5, -1, 0.5, 2, 2, -1, 0.5});
  check("concat(M, [[7, 8, 9]], axis=0)", "[3, 3]", {1, 2, 3, 4, 5, 6, 7, 8, 9}, m);
  check("stack(w, 2*w)", "[3, 2]", {2, 4, -1, -2, 0.5, 1});
  check("stack(y, d)", "[rows, 2]", {5, 4, 7, -3});
  check("pad(w, [1, 2], value=9)", "[6]", {9, 2, -1, 0.5, 9, 9});
  check("pad([[1]], [[0, 1], [1, 0]])", "[2, 2]", {0, 1, 0, 0});
  check("flip(M, axis=1)", "[2, 3]", {3, 2, 1, 6, 5, 4}, m);
  check("flip(w)", "[3]", {0.5, -1, 2});
  check("zeros([1, 2]) + ones(2)", "[1, 2]", {1, 1});
  check("iota(4)", "[4]", {0, 1, 2, 3});
  check("one_hot(argmax(x), 3)", "[rows, 3]", {0, 0, 1, 0, 0, 1});
  check("one_hot([1, 0], 2)", "[2, 2]", {0, 1, 1, 0});
  check("take(M, [2, 0], axis=1)", "[2, 2]", {3, 1, 6, 4}, m);
  check("einsum(\"ij,j->i\", M, w)", "[2]", {1.5, 6}, m);
  check("einsum(\"ij->j\", M)", "[3]", {5, 7, 9}, m);
  check("einsum(\"ij->ji\", M)", "[3, 2]", {1, 4, 2, 5, 3, 6}, m);
  check("einsum(\"i,i\", x, w)", "[rows]", {1.5, -1.5});
  std::string square = "param S = [[1, 2], [3, 4]], B = [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]";
  check("einsum(\"ii->i\", S)", "[2]", {1, 4}, square);
  check("einsum(\"ii->\", S)", "[]", {5}, square);
  check("einsum(\"ii\", S)", "[]", {5}, square);
  check("einsum(\"iji->j\", B)", "[2]", {7, 11}, square);
  check("einsum(\"iii->i\", B)", "[2]", {1, 8}, square);
  check("einsum(\"bij,bjj->bi\", B, B)", "[2, 2]", {9, 19, 73, 99}, square);
  check("einsum(\"ii,i->i\", S, x[0:2])", "[rows, 2]", {1, 8, -1, 2}, square);
  CHECK(fault("einsum(\"ii->i\", M)", m).starts_with("S0302"));
  check("einsum(\"i,ij,j->\", [1, 2], M, w)", "[]", {13.5}, m);
  // 2×2 windows of a 2×3 picture with one channel.
  check("windows(reshape(M, [2, 3, 1]), 2)", "[1, 2, 2, 2, 1]", {1, 2, 4, 5, 2, 3, 5, 6}, m);
  check("sum(windows(reshape(w, [3, 1]), 2, 2, \"same\"), axis=1)", "[2, 1]", {1, 0.5});
  check("max_pool(reshape(M, [2, 3, 1]), (2, 1))", "[1, 3, 1]", {4, 5, 6}, m);
  CHECK(fault("reshape(w, [2, 2])").starts_with("S0302"));
  CHECK(fault("reshape(w, [-1, 2])").starts_with("S0302"));
  CHECK(fault("reshape(w, [0])").starts_with("S0401"));
  CHECK(fault("permute(w, [0, 0])").starts_with("S0204"));
  CHECK(fault("concat(w, [[1]])").starts_with("S0302"));
  CHECK(fault("stack(w, 1)").starts_with("S0302"));
  CHECK(fault("pad(w, -1)").starts_with("S0302"));
  CHECK(fault("one_hot([2], 2)").starts_with("S0302"));
  CHECK(fault("one_hot(y, 2)").starts_with("S0205"));
  CHECK(fault("take(w, [3])").starts_with("S0302"));
  CHECK(fault("einsum(\"ij\", w)").starts_with("S0302"));
  CHECK(fault("einsum(\"i,i->j\", w, w)").starts_with("S0401"));
  CHECK(fault("einsum(\"i,i\", w, [1, 2])").starts_with("S0302"));
  CHECK(fault("windows(w, 2)").starts_with("S0302"));
  CHECK(fault("windows(reshape(w, [3, 1]), 4)").starts_with("S0302"));
  CHECK(fault("iota(-1)").starts_with("S0401"));
}

TEST_CASE("a loss is one number, prediction and target have one shape") {
  auto said = [](const std::string& predict, const std::string& objective) {
    Diagnostics diagnostics;
    auto result = lowered(
        "data x from \"t.csv\" columns a..c\ndata y from \"t.csv\"\nparam w[3, 1] = 0\npredict = " + predict +
            "\nloss = " + objective + "\n",
        diagnostics);
    for (const Diagnostic& d : diagnostics.all())
      if (d.severity == Severity::error) return to_string(d.code) + " " + d.message;
    return std::string();
  };
  CHECK(said("x @ w", "mse") ==
        "S0302 the prediction is [rows, 1], the target a number a row: a row of both must have one shape");
  CHECK(said("x @ w", "mse(predict, y)").starts_with("S0302"));
  CHECK(said("x @ w", "mae(predict, y)").starts_with("S0302"));
  CHECK(said("(x @ w)[0]", "mse(predict, [y])").starts_with("S0302"));
  CHECK(said("x @ w", "mse(predict, [y])").empty());
  CHECK(said("[y, 1]", "reshape").starts_with("S02"));
  CHECK(said("x", "atan2").starts_with("S0"));
  CHECK(said("x", "atan2(predict, w)") == "S0301 the loss is [rows, 3, 3], not one number");
  CHECK(said("(x @ w)[0]", "mse").empty());
  CHECK(said("(x @ w)[0]", "w") == "S0301 the loss is [3, 1], not one number");
  CHECK(said("(x @ w)[0]", "mean(x @ w, axis=rows)") == "S0301 the loss is [1], not one number");
  CHECK(said("x @ w + mean(x @ w)", "mse(predict, [y])").starts_with("S0303"));
  CHECK(said("x @ w + sum(x)", "mse(predict, [y])").starts_with("S0303"));
  CHECK(said("x @ w + sum(x, axis=-1)", "mse(predict, [y])").empty());
}

TEST_CASE("the gradient of a small network is that of differences") {
  Diagnostics diagnostics;
  auto result = lowered(R"(
data x from "t.csv" columns a..c
data y from "t.csv"
param W[3, 4] = [0.1, -0.2, 0.3, 0.4], b[4] = 0.1, v = [1, -1, 0.5, 2], c = 0
predict = tanh(x/4 @ W + b) @ v + c
loss = mse(predict, y) + 0.01*sum(W^2)
)",
                        diagnostics);
  REQUIRE(result);
  Model& model = result->model();
  std::vector<NodeId> params;
  for (std::size_t i = 0; i < model.params.size(); ++i)
    params.push_back(
        model.graph.param(static_cast<int>(i), model.graph.intern({false, model.params[i].axes})));
  std::vector<NodeId> gradients = differentiate(model.graph, model.loss, params);
  Inputs<double> in = inputs_of(model);
  auto loss = [&] { return evaluate<double>(model.graph, std::span(&model.loss, 1), in)[0][0]; };
  REQUIRE(model.param_elements() == 12 + 4 + 4 + 1);
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    Numbers gradient = evaluate<double>(model.graph, std::span(&gradients[i], 1), in)[0];
    REQUIRE(gradient.size() == model.params[i].start.size());
    for (std::size_t k = 0; k < gradient.size(); ++k) {
      double& at = in.params[static_cast<std::size_t>(model.params[i].offset) + k];
      double before = at, h = 1e-6;
      at = before + h;
      double up = loss();
      at = before - h;
      double down = loss();
      at = before;
      CHECK(gradient[k] == Approx((up - down) / (2 * h)).epsilon(1e-6).margin(1e-8));
    }
  }
}

TEST_CASE("grad(y, x) has the shape of x") {
  check("grad(sum(w^3), w)", "[3]", {12, 3, 0.75});
  check("grad(u^2 @ w, u)", "[rows, 3]", {4, -4, 3, -4, -1, 2}, "u = x");
  check("grad(M @ w, M)", "[2, 3]", {2, -1, 0.5, 2, -1, 0.5}, "param M[2, 3] = 1");
  check("grad(sum(y), w)", "[3]", {0, 0, 0});
}
