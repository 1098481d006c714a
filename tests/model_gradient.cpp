// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "model_gradient.h"

#include <fmt/format.h>

#include <cmath>
#include <fstream>
#include <iterator>

#include "codegen/interpret.h"
#include "graph/gradient.h"
#include "graph/philox.h"
#include "runtime/call.h"
#include "runtime/parameters.h"
#include "runtime/session.h"

using namespace slope;

namespace {

struct Check {
  Session& session;
  const Dataset& data;
  Fused fused;
  std::vector<std::size_t> checked;  // parameters, in the order of the gradients

  Kernel kernel() const {
    Kernel out{"check", &fused.graph, {}};
    std::int64_t next = 0;
    for (NodeId root : fused.roots) {
      out.stores.push_back({root, Store::To::output, static_cast<int>(next)});
      next += elements(fused.graph.shape(root));
    }
    return out;
  }
};

Check loss_and_gradients(Session& s, const Dataset& data) {
  Model& m = s.lowered->model();
  std::vector<NodeId> params, roots{m.loss};
  for (std::size_t i = 0; i < m.params.size(); ++i)
    params.push_back(m.graph.param(static_cast<int>(i), m.graph.intern({false, m.params[i].axes})));
  std::vector<NodeId> gradients = differentiate(m.graph, m.loss, params);
  std::vector<std::size_t> checked;
  for (std::size_t i = 0; i < params.size(); ++i)
    if (gradients[i].valid()) roots.push_back(gradients[i]), checked.push_back(i);
  return {s, data, fuse(m.graph, roots), std::move(checked)};
}

std::string compare(const Check& check) {
  const Model& m = check.session.model();
  Kernel kernel = check.kernel();
  CompileOptions options = compile_options(check.session.request, m, check.data);
  auto program = Program::compile(std::span(&kernel, 1), options, check.session.diagnostics);
  if (!program) return "it does not compile";
  std::vector<double> at = starts(m);
  for (std::size_t i = 0; i < static_cast<std::size_t>(m.param_elements()); ++i)
    at[i] += 0.1 * (2 * uniform_pair(11, i)[0] - 1);  // beside kinks and symmetries
  Memory<double> memory(m, check.data, at, output_count(kernel), scratch_size(kernel, check.data.rows));
  auto run = [&] {
    program->function(kernel.name)(&memory.run);
    return memory.outputs;
  };
  const std::vector<double> found = run();
  interpret(kernel, options, memory.run);
  for (std::size_t k = 0; k < found.size(); ++k)
    if (found[k] != memory.outputs[k] && (std::isfinite(found[k]) || std::isfinite(memory.outputs[k])))
      return fmt::format("compiled code gives {}, the interpreter {}", found[k], memory.outputs[k]);
  std::size_t next = 1;
  for (std::size_t i : check.checked) {
    std::size_t count = m.params[i].start.size(), begin = static_cast<std::size_t>(m.params[i].offset);
    for (std::size_t e = 0; e < count; e += std::max<std::size_t>(count / 3, 1)) {
      double& x = memory.params[begin + e];
      double kept = x, h = 1e-5 * (1 + std::fabs(x));
      x = kept + h;
      double up = run()[0];
      x = kept - h;
      double down = run()[0];
      x = kept;
      double expected = (up - down) / (2 * h), value = found[next + e];
      double allowed = 1e-5 * (1 + std::fabs(expected)) + 1e-10 * std::fabs(found[0]);
      if (!(std::fabs(value - expected) <= allowed))
        return fmt::format("the derivative by {}[{}] is {}, differences give {}", m.params[i].name, e, value,
                           expected);
    }
    next += count;
  }
  return "";
}

}  // namespace

std::string gradient_fault(const std::string& folder, const std::string& data) {
  std::ifstream in(folder + "/m.slope", std::ios::binary);
  Request request{.source = Source("m.slope", {std::istreambuf_iterator<char>(in), {}}),
                  .folder = folder,
                  .data = {},
                  .settings = {}};
  if (!data.empty()) request.data.push_back(folder + "/" + data);
  request.settings.precision = Precision::f64;
  Session session(std::move(request));
  if (!prepare(session)) return session.diagnostics.all()[0].message;
  const Model& m = session.model();
  auto columns =
      read_columns(m, *session.opened, std::vector<bool>(m.columns.size(), true), true, session.diagnostics);
  if (!columns) return "its data cannot be read";
  return compare(loss_and_gradients(session, *columns));
}
