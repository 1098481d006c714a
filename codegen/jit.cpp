// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// From kernels to code in this process: an object of an earlier run where the cache has it, else LLVM's code
// generator makes one in memory; then LLVM's RuntimeDyld links it. No IR pass pipeline runs: the emitter
// leaves nothing for it to do. Not ORC, which is for code that is made while it runs (docs/decisions.md).
#include <fmt/format.h>
#include <llvm/ADT/SmallVector.h>
#include <llvm/ExecutionEngine/RuntimeDyld.h>
#include <llvm/ExecutionEngine/SectionMemoryManager.h>
#include <llvm/IR/LegacyPassManager.h>
#include <llvm/MC/MCContext.h>
#include <llvm/MC/MCSubtargetInfo.h>
#include <llvm/Object/ObjectFile.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/TargetParser/Host.h>

#include <chrono>
#include <cmath>

#include "base/cache.h"
#include "base/ending.h"
#include "codegen/interpret.h"
#include "codegen/object_key.h"
#include "codegen/target.h"

namespace slope {

namespace {

// Where the code lies, and what it may call: where the CPU has no FMA or no instruction for it, the library
// does it; statistics of the order of values. Nothing else of this process can be reached.
class Memory final : public llvm::SectionMemoryManager {
 public:
  std::uint64_t getSymbolAddress(const std::string& name) override {
    auto address = [](auto* function) { return reinterpret_cast<std::uint64_t>(function); };
    if (name == "fma") return address(static_cast<double (*)(double, double, double)>(&std::fma));
    if (name == "fmaf") return address(static_cast<float (*)(float, float, float)>(&std::fma));
    if (name == "nearbyint") return address(static_cast<double (*)(double)>(&std::nearbyint));
    if (name == order_symbol<float>) return address(&order_statistic_of<float>);
    if (name == order_symbol<double>) return address(&order_statistic_of<double>);
    if (name == "nearbyintf") return address(static_cast<float (*)(float)>(&std::nearbyint));
    return 0;
  }
};

}  // namespace

struct Program::Loaded {
  Memory memory;
  std::unordered_map<std::string, Function> functions;
  std::vector<Kernel> interpreted;  // where there is no code
  CompileOptions options;
  Making making;
};

Program::Program() : loaded_(std::make_unique<Loaded>()) {}
Program::Program(Program&&) noexcept = default;
Program& Program::operator=(Program&&) noexcept = default;
Program::~Program() = default;
const Program::Making& Program::making() const { return loaded_->making; }

namespace {

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
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

// For code that this machine can run; null and a diagnostic where there is none.
std::unique_ptr<llvm::TargetMachine> runnable_machine(std::span<const Kernel> kernels,
                                                      const CompileOptions& options,
                                                      Diagnostics& diagnostics) {
  auto machine = target_machine(kernels, options, diagnostics);
  if (!machine) return {};
  if (std::string missing = options.cpu == "native" ? "" : missing_feature(*machine); !missing.empty()) {
    diagnostics
        .error(Code::usage, fmt::format("this machine cannot run code for the CPU `{}`: it has no {}",
                                        options.cpu, missing))
        .helps.push_back("`slope show asm` prints it all the same");
    return {};
  }
  return machine;
}

using Object = llvm::SmallVector<char, 0>;

Object make_object(std::span<const Kernel> kernels, const CompileOptions& options,
                   llvm::TargetMachine& machine) {
  EmittedModule emitted = emit_module(kernels, options, machine);
  Object object;
  llvm::raw_svector_ostream stream(object);
  llvm::legacy::PassManager passes;
  llvm::MCContext* context = nullptr;
  if (machine.addPassesToEmitMC(passes, context, stream))
    internal_error("LLVM cannot make machine code for this machine");
  passes.run(*emitted.module);
  return object;
}

// Links an object into this process and finds the kernels' functions; what went wrong, or "". The object is
// copied.
std::string link(llvm::StringRef object, std::span<const Kernel> kernels, Memory& memory,
                 std::unordered_map<std::string, Program::Function>& functions) {
  auto parsed = llvm::object::ObjectFile::createObjectFile(llvm::MemoryBufferRef(object, "slope"));
  if (!parsed) return llvm::toString(parsed.takeError());
  llvm::RuntimeDyld linker(memory, memory);
  auto loaded = linker.loadObject(**parsed);
  if (!linker.hasError()) linker.resolveRelocations();
  if (linker.hasError()) return linker.getErrorString().str();
  std::string fault;
  if (memory.finalizeMemory(&fault)) return fault;
  for (const Kernel& kernel : kernels) {
    std::uint64_t address = linker.getSymbol(kernel.name).getAddress();
    if (address == 0) return fmt::format("it has no function `{}`", kernel.name);
    functions.insert_or_assign(kernel.name,
                               Program::Function(reinterpret_cast<Program::Function::Code>(address)));
  }
  return "";
}

}  // namespace

std::optional<Program> Program::compile(std::span<const Kernel> kernels, const CompileOptions& options,
                                        Diagnostics& diagnostics) {
  Activity compiling("compiling");
  double start = now();
  std::string host = options.cache.empty() ? "" : host_facts();
  Cache cache(host.empty() ? "" : options.cache);
  std::string key = cache.in_use() ? object_key(kernels, options, host) : "";
  if (auto found = cache.find(key)) {
    double read = now();
    Program program;
    Loaded& to = *program.loaded_;
    if (link(found->value, kernels, to.memory, to.functions).empty()) {
      to.making = {.codegen_seconds = read - start, .link_seconds = now() - read, .cached = true};
      return program;
    }
  }
  // An object that was found and may not be executed comes here too.
  auto machine = runnable_machine(kernels, options, diagnostics);
  if (!machine) return {};
  Program program;
  if (!can_run_generated_code()) {
    program.interpret(kernels, options, diagnostics);
    return program;
  }
  Object object = make_object(kernels, options, *machine);
  double compiled = now();
  Loaded& to = *program.loaded_;
  llvm::StringRef bytes(object.data(), object.size());
  if (std::string fault = link(bytes, kernels, to.memory, to.functions); !fault.empty())
    internal_error("the object cannot be linked: " + fault);
  to.making = {.codegen_seconds = compiled - start, .link_seconds = now() - compiled};
  if (os::Status failed = cache.keep(key, bytes)) to.making.not_kept = failed->message();
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
  loaded_->making.interpreted = true;
  loaded_->interpreted.assign(kernels.begin(), kernels.end());
  loaded_->options = options;
  for (const Kernel& kernel : loaded_->interpreted)
    loaded_->functions.insert_or_assign(kernel.name, Function(kernel, loaded_->options));
}

void Program::Function::interpreted(const Run& run) const { slope::interpret(*kernel_, *options_, run); }

Program::Function Program::function(std::string_view name) const {
  auto found = loaded_->functions.find(std::string(name));
  if (found == loaded_->functions.end()) internal_error(fmt::format("no function `{}` was compiled", name));
  return found->second;
}

bool Program::has(std::string_view name) const { return loaded_->functions.contains(std::string(name)); }

}  // namespace slope
