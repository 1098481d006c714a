// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What optimizers with a stopping test keep in memory. Their results are tests/golden/solvers.
#include <catch2/catch.hpp>

#include "runtime/pipeline.h"
#include "runtime/solvers/graphs.h"

using namespace slope;

TEST_CASE("solvers: derivatives of more rows than memory holds are refused", "[solvers]") {
  Diagnostics diagnostics;
  ast::Ast tree = parse(Source("m.slope",
                               "data x, y from \"d.csv\"\nparam a = 1, b[3] = 0\n"
                               "loss = mse(a*x + b @ x^iota(3), y)\ntrain optimizer=lm\n"),
                        diagnostics);
  LowerSettings settings;
  settings.headers = {{"x", "y"}};
  auto lowered = lower(tree, settings, diagnostics);
  REQUIRE(lowered);
  auto steps = step_graphs(*lowered, diagnostics);
  REQUIRE(steps);
  const auto& solver = steps->at(0).solver;
  REQUIRE(solver);
  CHECK(solver->kept_of_row() == 1 + 4);  // the residual and its derivatives
  CHECK(check_memory(*solver, 1'000, {}, diagnostics));
  CHECK_FALSE(diagnostics.has_errors());
  CHECK_FALSE(check_memory(*solver, std::int64_t{1} << 50, {}, diagnostics));
  CHECK(diagnostics.exit_code() == exit_code::limit);
}
