// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/facts.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <numeric>

#include "frontend/labels.h"
#include "runtime/session.h"
#include "tests/unit/folder.h"

using namespace slope;

namespace {

using Values = std::vector<double>;
using Rows = std::vector<std::int64_t>;

Rows all(const Values& values) {
  Rows rows(values.size());
  std::iota(rows.begin(), rows.end(), 0);
  return rows;
}

Moments moments_of(const Values& values) { return moments(make_column("x", values, false), 0, all(values)); }

struct Prepared {
  Folder folder;
  std::optional<Session> session;
  std::optional<Dataset> data;

  Prepared(const std::string& text, const std::string& csv, const CountedRows& counted = {}) {
    folder.write("p.csv", csv);
    session.emplace(
        Request{.source = Source("m.slope", text), .folder = folder.path("."), .data = {}, .settings = {}});
    Session& s = *session;
    INFO(render_all(s.diagnostics, s.sources));
    if (!prepare(s)) return;
    data = read_columns(s.model(), *s.opened, std::vector<bool>(s.model().columns.size(), true), true,
                        s.diagnostics, counted);
  }
  Values cells(std::size_t column) const {
    REQUIRE(data);
    Values out;
    const Column& c = data->columns.at(column);
    for (std::int64_t row = 0; row < c.rows(); ++row)
      for (std::int64_t k = 0; k < c.elements(); ++k) out.push_back(c.at(row, k));
    return out;
  }
};

}  // namespace

TEST_CASE("mean and deviation of numbers of any size", "[facts]") {
  // d, 2d, 3d, 6d have mean 3d and deviation sqrt(3.5) d.
  for (double d : {1.0, 0x1p-1000, 0x1p1000, -0x1p-40}) {
    Moments m = moments_of({d, 2 * d, 3 * d, 6 * d});
    CHECK(m.mean == 3 * d);
    CHECK(m.deviation == Approx(std::sqrt(3.5) * std::abs(d)).epsilon(1e-15));
  }
  Moments large = moments_of({-1.5e308, 1.5e308});
  CHECK(large.mean == 0);
  CHECK(large.deviation == Approx(1.5e308).epsilon(1e-15));
  // NumAcc3 and 4 of NIST's collection: exactly 0.1 around a large mean. Divided by n = 1000, not n − 1.
  for (double mean : {1000000.2, 10000000.2}) {
    Values values{mean};
    for (int i = 0; i < 500; ++i) values.insert(values.end(), {mean - 0.1, mean + 0.1});
    Moments m = moments_of(values);
    CHECK(m.mean == Approx(mean).epsilon(2e-16));
    CHECK(m.deviation == Approx(0.1 * std::sqrt(1000.0 / 1001)).epsilon(3e-8));  // the input is rounded
  }
}

TEST_CASE("equal numbers have no deviation, though their mean is rounded", "[facts]") {
  for (double value : {0.1, -0.0, 1e300, 5e-324}) {
    Moments m = moments_of(Values(7, value));
    CHECK(m.mean == value);
    CHECK(m.deviation == 0);
  }
}

TEST_CASE("ten million numbers of 0.1", "[facts]") {
  Values values(10'000'000, 0.1);
  values.back() = 0.2;
  Moments m = moments_of(values);
  CHECK(m.mean == Approx(0.1 + 1e-8).epsilon(4e-16));
  CHECK(m.deviation == Approx(0.1 * std::sqrt(1e-7 - 1e-14)).epsilon(1e-12));
}

TEST_CASE("only the rows that count give mean and deviation", "[facts]") {
  Column cells = make_column("x", Values{1, 100, 3, 1000}, false);
  Moments m = moments(cells, 0, Rows{0, 2});
  CHECK(m.mean == 2);
  CHECK(m.deviation == 1);
  std::string text = "data x from \"p.csv\" standardized\nparam w = 0\nloss = mean((w*x)^2)\n";
  Prepared some(text, "x\n1\n100\n3\n1000\n", [](std::int64_t rows) {
    CHECK(rows == 4);
    return Rows{0, 2};
  });
  CHECK(some.cells(0) == Values{-1, 98, 1, 998});
  CHECK(some.data->mean.at(0) == Values{2});
}

TEST_CASE("a standardized column is rounded once to f32", "[facts]") {
  // As floats these times are one number.
  std::string text =
      "precision f32\ndata t, x from \"p.csv\" standardized\nparam w = 0\nloss = mean((w*t*x)^2)\n";
  Prepared run(text, "t,x\n1700000001,1\n1700000002,2\n1700000003,3\n1700000006,6\n");
  double d = std::sqrt(3.5);
  Values expected;
  for (double t : {-2.0, -1.0, 0.0, 3.0}) expected.push_back(static_cast<double>(static_cast<float>(t / d)));
  CHECK(run.cells(0) == expected);
  CHECK(run.cells(1) == expected);
}

TEST_CASE("codes lie in the narrowest integers, in f32 as in f64", "[facts]") {
  for (int classes : {2, 256, 257, 32768, 40000}) {
    std::string csv = "c\n";
    for (int i = classes; i-- > 0;) csv += "L" + std::to_string(100000 + i) + "\n";
    for (const char* precision : {"f32", "f64"}) {
      std::string text = std::string("precision ") + precision +
                         "\ndata c : class from \"p.csv\"\nparam w = 0\nloss = mean(w*c)\n";
      Prepared run(text, csv);
      REQUIRE(run.data);
      Storage storage = classes <= 256 ? Storage::u8 : classes <= 32768 ? Storage::i16 : Storage::i32;
      CHECK(run.data->storages[0] == storage);
      CHECK(run.cells(0).front() == classes - 1);
      CHECK(run.cells(0).back() == 0);
    }
  }
}

TEST_CASE("one column of the file as a number and as a class", "[facts]") {
  Prepared run(
      "data n \"c\", c : class, again \"c\" from \"p.csv\"\nparam w = 0\nloss = mean(w*(n + c + again))\n",
      "c\n30\n10\n20\n");
  CHECK(run.cells(0) == Values{30, 10, 20});
  CHECK(run.cells(1) == Values{2, 0, 1});
  CHECK(run.cells(2) == Values{30, 10, 20});
}

TEST_CASE("facts of a state read back as they were", "[facts]") {
  Model model;
  model.columns.push_back({"c", {"c"}, 0, {}});
  model.columns[0].type = ColumnType::label;
  model.columns[0].labels = {"a \"quoted\"", "ä\n"};
  model.columns.push_back({"i", {"i"}, 0, {}});
  model.columns[1].type = ColumnType::index;
  model.columns[1].classes = 7;
  model.columns.push_back({"x", {"x", "y"}, 0, {}});
  model.columns[2].mean = {0.1, 1e300};
  model.columns[2].deviation = {5e-324, 1.0 / 3};
  model.columns.push_back({"plain", {"plain"}, 0, {}});
  auto facts = read_facts_text(facts_text(model));
  REQUIRE(facts);
  REQUIRE(facts->size() == 3);
  CHECK((*facts)[0].labels == model.columns[0].labels);
  CHECK((*facts)[1].size == 7);
  CHECK((*facts)[2].mean == model.columns[2].mean);
  CHECK((*facts)[2].deviation == model.columns[2].deviation);
  CHECK_FALSE((*facts)[0].labels_by_value);
  CHECK(read_facts_text("")->empty());
  // As versions wrote them in which labels that all are numbers were these.
  auto old = read_facts_text("[{\"column\": \"c\", \"labels\": [\"1\", \"2\"]}]");
  REQUIRE(old);
  CHECK((*old)[0].labels_by_value);
  CHECK_FALSE((*read_facts_text("[{\"column\": \"c\", \"labels\": [\"1\", \"x\"]}]"))[0].labels_by_value);
  for (const char* damaged :
       {"{", "{}", "[1]", "[{}]", "[{\"column\": 1}]", "[{\"column\": \"c\", \"labels\": [1]}]",
        "[{\"column\": \"c\", \"labels\": []}]", "[{\"column\": \"c\", \"size\": -1}]",
        "[{\"column\": \"c\", \"size\": 1e99}]", "[{\"column\": \"c\", \"mean\": [1], \"sd\": []}]",
        "[{\"column\": \"c\", \"mean\": [\"1\"], \"sd\": [1]}]",
        "[{\"column\": \"c\", \"mean\": [1], \"sd\": [-1]}]",
        "[{\"column\": \"c\", \"texts\": [\"a\", \"a\"]}]",
        "[{\"column\": \"c\", \"size\": 1}, {\"column\": \"c\", \"size\": 2}]"})
    CHECK_FALSE(read_facts_text(damaged));
}

TEST_CASE("a label or index that is wrong is placed in the text, behind rows that were left out", "[facts]") {
  std::string text = "data c : index(2), x from \"p.csv\" missing=drop\nparam w = 0\nloss = mean(w*c*x)\n";
  Prepared run(text, "x,c\n1,0\n,9\n\n\"2\",1\n  NA, 1\n3, 5\n");
  CHECK_FALSE(run.data);
  const Diagnostic& d = run.session->diagnostics.all().at(0);
  REQUIRE(d.position);
  CHECK(d.code == Code::bad_index);
  CHECK(d.position->line == 7);
  CHECK(d.position->column == 4);
}
