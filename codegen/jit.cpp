// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// From a module to code in this process: LLVM's code generator to an object in memory, ORC's LLJIT to link
// it. No IR pass pipeline runs: the emitter leaves nothing for it to do (docs/decisions.md).
#include <fmt/format.h>
#include <llvm/ExecutionEngine/Orc/CompileUtils.h>
#include <llvm/ExecutionEngine/Orc/LLJIT.h>
#include <llvm/ExecutionEngine/Orc/RTDyldObjectLinkingLayer.h>
#include <llvm/ExecutionEngine/SectionMemoryManager.h>
#include <llvm/MC/MCSubtargetInfo.h>
#include <llvm/Support/MemoryBuffer.h>
#include <llvm/TargetParser/Host.h>

#include <chrono>
#include <cmath>

#include "base/ending.h"
#include "codegen/interpret.h"
#include "codegen/target.h"

namespace slope {

struct Program::Loaded {
  std::unique_ptr<llvm::orc::LLJIT> jit;
  std::unordered_map<std::string, Function> functions;
  std::vector<Kernel> interpreted;  // where there is no code
  std::vector<Storage> storages;
  Seconds seconds;
};

Program::Program() : loaded_(std::make_unique<Loaded>()) {}
Program::Program(Program&&) noexcept = default;
Program& Program::operator=(Program&&) noexcept = default;
Program::~Program() = default;
Program::Seconds Program::seconds() const { return loaded_->seconds; }

namespace {

using namespace llvm::orc;

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

template <class T>
T expect(llvm::Expected<T> value, const char* what) {
  if (!value) internal_error(fmt::format("{}: {}", what, llvm::toString(value.takeError())));
  return std::move(*value);
}
void expect(llvm::Error error, const char* what) {
  if (error) internal_error(fmt::format("{}: {}", what, llvm::toString(std::move(error))));
}

std::unique_ptr<LLJIT> make_jit(const llvm::TargetMachine& machine) {
  LLJITBuilder builder;
  JITTargetMachineBuilder target(machine.getTargetTriple());
  builder.setJITTargetMachineBuilder(std::move(target)).setDataLayout(machine.createDataLayout());
  builder.setPlatformSetUp(setUpInactivePlatform).setLinkProcessSymbolsByDefault(false);
  builder.setObjectLinkingLayerCreator([](ExecutionSession& session, const llvm::Triple&) {
    return std::make_unique<RTDyldObjectLinkingLayer>(
        session, [] { return std::make_unique<llvm::SectionMemoryManager>(); });
  });
  return expect(builder.create(), "LLJIT cannot start");
}

// What generated code may call: where the CPU has no FMA or no memory instruction for it, the library does
// it.
void define_library(LLJIT& jit) {
  SymbolMap symbols;
  auto add = [&](const char* name, auto* function) {
    symbols[jit.mangleAndIntern(name)] = {ExecutorAddr::fromPtr(function),
                                          llvm::JITSymbolFlags::Exported | llvm::JITSymbolFlags::Callable};
  };
  add("fma", static_cast<double (*)(double, double, double)>(&std::fma));
  add("fmaf", static_cast<float (*)(float, float, float)>(&std::fma));
  add("nearbyint", static_cast<double (*)(double)>(&std::nearbyint));
  add("nearbyintf", static_cast<float (*)(float)>(&std::nearbyint));
  expect(jit.getMainJITDylib().define(absoluteSymbols(std::move(symbols))), "the library cannot be defined");
}

// A feature that the code may use and this machine lacks, or "": arithmetic and vectors; what else a CPU has
// (crypto, tracing) generated code never touches.
std::string missing_feature(const llvm::TargetMachine& machine) {
  constexpr llvm::StringRef used[] = {"sse4.2",  "popcnt",   "avx",      "avx2",     "fma",
                                      "f16c",    "bmi",      "bmi2",     "lzcnt",    "movbe",
                                      "avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"};
  auto host = llvm::sys::getHostCPUFeatures();
  for (llvm::StringRef feature : used)
    if (!host.lookup(feature) && machine.getMCSubtargetInfo()->checkFeatures(("+" + feature).str()))
      return feature.str();
  return "";
}

}  // namespace

std::optional<Program> Program::compile(std::span<const Kernel> kernels, const CompileOptions& options,
                                        Diagnostics& diagnostics) {
  Activity compiling("compiling");
  double start = now();
  auto machine = target_machine(kernels, options, diagnostics);
  if (!machine) return {};
  if (std::string missing = options.cpu == "native" ? "" : missing_feature(*machine); !missing.empty()) {
    diagnostics
        .error(Code::usage, fmt::format("this machine cannot run code for the CPU `{}`: it has no {}",
                                        options.cpu, missing))
        .helps.push_back("`slope show asm` prints it all the same");
    return {};
  }
  if (!can_run_generated_code()) {
    Program program;
    program.interpret(kernels, options, diagnostics);
    return program;
  }
  EmittedModule emitted = emit_module(kernels, options, *machine);
  auto object = expect(SimpleCompiler(*machine)(*emitted.module), "code generation failed");
  double compiled = now();

  Program program;
  program.loaded_->jit = make_jit(*machine);
  LLJIT& jit = *program.loaded_->jit;
  define_library(jit);
  expect(jit.addObjectFile(std::move(object)), "the object cannot be linked");
  for (const Kernel& kernel : kernels) {
    ExecutorAddr address = expect(jit.lookup(kernel.name), "a function is missing");
    program.loaded_->functions.insert_or_assign(kernel.name, Function(address.toPtr<Function::Code>()));
  }
  program.loaded_->seconds = {compiled - start, now() - compiled};
  return program;
}

void Program::interpret(std::span<const Kernel> kernels, const CompileOptions& options,
                        Diagnostics& diagnostics) {
  diagnostics.add(
      {.severity = Severity::warning,
       .code = Code::interpreted,
       .message = "the system refuses to make memory executable: the model is interpreted, slowly",
       .span = {},
       .position = {},
       .label = {}});
  loaded_->interpreted.assign(kernels.begin(), kernels.end());
  loaded_->storages = options.storages;
  for (const Kernel& kernel : loaded_->interpreted)
    loaded_->functions.insert_or_assign(kernel.name, Function(kernel, loaded_->storages));
}

void Program::Function::interpreted(const Run& run) const { slope::interpret(*kernel_, storages_, run); }

Program::Function Program::function(std::string_view name) const {
  auto found = loaded_->functions.find(std::string(name));
  if (found == loaded_->functions.end()) internal_error(fmt::format("no function `{}` was compiled", name));
  return found->second;
}

}  // namespace slope
