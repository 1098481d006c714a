// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Compile time over generated models, and how it grows. The `peer` column is the time before code generation.
#include "bench/fixture.h"

using namespace slope;
using namespace slope::bench;

namespace {

struct Compiled {
  std::size_t operations;
  double front, codegen;
};

Compiled measure(const std::string& text, int repeats) {
  Compiled out{};
  std::vector<double> front, codegen;
  for (int i = 0; i < repeats; ++i) {
    double start = seconds_now();
    Fixture fixture(text, Precision::f64, {{1.5, 2}, {2.5, 3}});
    double lowered = seconds_now();
    fixture.compile();
    front.push_back(lowered - start);
    codegen.push_back(seconds_now() - lowered);
    out.operations = fixture.step_operations();
  }
  out.front = median(front);
  out.codegen = median(codegen);
  return out;
}

// Definition upon definition: 7 operations or so each, gradient and all.
std::string chain(std::size_t lines) {
  std::string text = "data x, y from \"points.csv\"\nparam w = 0.5\nparam b = -1\na0 = w*x + b\n";
  for (std::size_t i = 1; i <= lines; ++i) text += fmt::format("a{} = a{}*w + x*{}\n", i, i - 1, i);
  return text + fmt::format("predict = a{}\nloss = mse(predict, y)\ntrain steps=1\n", lines);
}

// One expression w + w*x + w*x + …
std::string flat(std::size_t terms) {
  std::string text = "data x, y from \"points.csv\"\nparam w = 0.5\npredict = w";
  for (std::size_t i = 1; i < terms; ++i) text += fmt::format(" +{}w*x", i % 50 == 0 ? "\n" : "");
  return text + "\nloss = mse(predict, y)\ntrain steps=1\n";
}

void report(const std::string& name, const Compiled& c, const std::string& ratio, const std::string& target) {
  row(fmt::format("{}: {} operations, {}", name, c.operations,
                  c.operations > optimized_operations ? "O0" : "O2"),
      fmt::format("{:.1f} ms", (c.front + c.codegen) * 1e3), fmt::format("{:.1f} ms", c.front * 1e3), ratio,
      target);
}

// A model with more operations than the limit must be refused, and soon.
void refusal(const std::string& name, const std::string& text) {
  Session session(Request{.source = Source("bench", text), .folder = {}, .data = {}, .settings = {}});
  session.request.settings.headers = {{"x", "y"}};
  bool refused = false;
  double seconds = timed([&] {
    refused = !prepare(session, DataNeed::if_there) || !step_graphs(*session.lowered, session.diagnostics);
  });
  if (!refused) fail(name + " was not refused");
  const std::string& message = session.diagnostics.all()[0].message;
  row(fmt::format("{}: refused ({})", name, message), fmt::format("{:.1f} ms", seconds * 1e3), "", "", "");
}

}  // namespace

int main() {
  double per_line = static_cast<double>(measure(chain(1000), 1).operations) / 1000;
  double before = 0;
  for (std::size_t operations : {100, 1000, 2000, 3900, 4100, 8000, 16000, 32000, 64000}) {
    static std::size_t last = 0;
    Compiled c = measure(chain(static_cast<std::size_t>(static_cast<double>(operations) / per_line)),
                         operations < 1500 ? 5 : 1);
    double total = c.front + c.codegen,
           doublings = last ? std::log2(static_cast<double>(c.operations) / static_cast<double>(last)) : 0;
    bool comparable = doublings > 0.5;
    double growth = comparable ? std::pow(total / before, 1 / doublings) : 0;
    report("compile", c, comparable ? fmt::format("{:.2f} a doubling", growth) : "",
           comparable ? verdict(growth, "<=", 2.2) : "");
    before = total;
    last = c.operations;
  }
  report("compile a flat sum of 10,000 terms", measure(flat(10'000), 1), "", "");
  report("compile a flat sum of 100,000 terms", measure(flat(100'000), 1), "", "");
  refusal("a flat sum of 200,000 terms", flat(200'000));
}
