// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "codegen/target.h"

#include <fmt/format.h>
#include <llvm/IR/LegacyPassManager.h>
#include <llvm/IR/Verifier.h>
#include <llvm/MC/MCSubtargetInfo.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Support/ErrorHandling.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/TargetParser/Host.h>
#include <llvm/TargetParser/SubtargetFeature.h>

#include <algorithm>

#include "base/ending.h"
#include "base/os.h"
#include "codegen/lanes.h"
#include "codegen/object_key.h"

namespace slope {

std::string llvm_version() { return LLVM_VERSION_STRING; }
std::string native_cpu() { return llvm::sys::getHostCPUName().str(); }

namespace {

bool any_large(std::span<const Kernel> kernels) {
  return std::any_of(kernels.begin(), kernels.end(), [](const Kernel& k) { return is_large(k); });
}

std::string native_features() {
  llvm::SubtargetFeatures features;
  for (const auto& feature : llvm::sys::getHostCPUFeatures())
    features.AddFeature(feature.first(), feature.second);
  return features.getString();
}

// LLVM would abort. It cannot be unwound either, so there is nothing else to do. Before its own constructors,
// which ask for memory.
[[gnu::constructor(101)]] void set_error_handlers() {
  llvm::install_fatal_error_handler([](void*, const char* what, bool) { internal_error(what); });
  llvm::install_bad_alloc_error_handler([](void*, const char*, bool) { out_of_memory(); });
}

}  // namespace

std::string host_facts() {
  std::string own = os::build_id(reinterpret_cast<const void*>(&host_facts));
  std::string llvm = os::build_id(reinterpret_cast<const void*>(&llvm::sys::getHostCPUName));
  if (own.empty() || llvm.empty()) return "";
  return fmt::format("{} {} LLVM {} {} {} {}", own, llvm, llvm_version(), llvm::sys::getProcessTriple(),
                     native_cpu(), native_features());
}

std::unique_ptr<llvm::TargetMachine> target_machine(std::span<const Kernel> kernels,
                                                    const CompileOptions& options, Diagnostics& diagnostics) {
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  std::string triple = llvm::sys::getProcessTriple(), error;
  const llvm::Target* target = llvm::TargetRegistry::lookupTarget(triple, error);
  if (!target) internal_error("LLVM has no code generator for " + triple + ": " + error);
  bool native = options.cpu == "native";
  std::string cpu = native ? native_cpu() : options.cpu;
  auto level = any_large(kernels) ? llvm::CodeGenOptLevel::None : llvm::CodeGenOptLevel::Default;
  std::unique_ptr<llvm::MCSubtargetInfo> known(target->createMCSubtargetInfo(triple, "", ""));
  bool valid = known->isCPUStringValid(cpu);
  if (valid) known.reset(target->createMCSubtargetInfo(triple, cpu, ""));
  if (!valid || !known->checkFeatures("+64bit")) {
    diagnostics.error(Code::usage, fmt::format("no 64-bit CPU is called `{}`", options.cpu))
        .helps.push_back("--cpu takes native, x86-64-v3, x86-64-v4 or a name that LLVM knows");
    return nullptr;
  }
  return std::unique_ptr<llvm::TargetMachine>(
      target->createTargetMachine(triple, cpu, native ? native_features() : "", llvm::TargetOptions(),
                                  llvm::Reloc::PIC_, llvm::CodeModel::Small, level, true));
}

EmittedModule emit_module(std::span<const Kernel> kernels, const CompileOptions& options,
                          const llvm::TargetMachine& machine) {
  EmittedModule out;
  out.context = std::make_unique<llvm::LLVMContext>();
  out.module = std::make_unique<llvm::Module>("slope", *out.context);
  out.module->setDataLayout(machine.createDataLayout());
  out.module->setTargetTriple(machine.getTargetTriple().str());
  if (machine.getMCSubtargetInfo()->checkFeatures("+avx512f"))
    out.module->getOrInsertNamedMetadata(codegen::permutes_sixteen);
  if (machine.getMCSubtargetInfo()->checkFeatures("+avx2"))
    out.module->getOrInsertNamedMetadata(codegen::permutes_eight_floats);
  for (const Kernel& kernel : kernels) emit(kernel, options, *out.module, out.nodes);
  for (llvm::Function& function : *out.module) {
    if (function.isDeclaration()) continue;
    function.addFnAttr("target-cpu", machine.getTargetCPU());
    function.addFnAttr("target-features", machine.getTargetFeatureString());
  }
  std::string fault;
  llvm::raw_string_ostream stream(fault);
  if (llvm::verifyModule(*out.module, &stream)) internal_error("the LLVM IR is not well-formed: " + fault);
  return out;
}

}  // namespace slope
