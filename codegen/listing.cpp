// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Listings for people: every instruction with the place in the model it comes from. In LLVM IR the place is a
// comment that the printer asks for. Through the code generator it travels as a debug location whose line is
// an index into a table of places; the `.loc` lines of the assembly are turned back into comments.
#include <fmt/format.h>
#include <llvm/ADT/StringExtras.h>
#include <llvm/IR/AssemblyAnnotationWriter.h>
#include <llvm/IR/DIBuilder.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/LegacyPassManager.h>
#include <llvm/Support/FormattedStream.h>
#include <llvm/Support/raw_ostream.h>

#include <map>

#include "codegen/target.h"
#include "graph/print.h"

namespace slope {

namespace {

using Places = std::unordered_map<const llvm::Value*, std::string>;

// What to say beside each instruction.
Places places_of(const EmittedModule& emitted, std::span<const Kernel> kernels,
                 const CompileOptions& options) {
  Places places;
  for (const Kernel& kernel : kernels)
    for (const llvm::Instruction& i : llvm::instructions(*emitted.module->getFunction(kernel.name)))
      if (auto node = emitted.nodes.find(&i); node != emitted.nodes.end() && options.places)
        places[&i] = options.places(kernel.graph->origins(node->second));
  return places;
}

class Annotator final : public llvm::AssemblyAnnotationWriter {
 public:
  explicit Annotator(const Places& places) : places_(places) {}
  void printInfoComment(const llvm::Value& value, llvm::formatted_raw_ostream& out) override {
    auto place = places_.find(&value);
    if (place != places_.end() && !place->second.empty()) out.PadToColumn(72) << "; " << place->second;
  }

 private:
  const Places& places_;
};

// Gives every instruction a debug location whose line is the index of its place in the result.
std::vector<std::string> locate(llvm::Module& module, const Places& places) {
  std::vector<std::string> table{""};
  std::map<std::string, unsigned> index{{"", 0}};
  llvm::DIBuilder debug(module);
  llvm::DIFile* file = debug.createFile("model", "");
  debug.createCompileUnit(llvm::dwarf::DW_LANG_C, file, "slope", true, "", 0);
  auto* type = debug.createSubroutineType(debug.getOrCreateTypeArray({}));
  module.addModuleFlag(llvm::Module::Warning, "Debug Info Version", llvm::DEBUG_METADATA_VERSION);
  for (llvm::Function& function : module) {
    if (function.isDeclaration()) continue;
    auto* scope = debug.createFunction(file, function.getName(), "", file, 1, type, 1, llvm::DINode::FlagZero,
                                       llvm::DISubprogram::SPFlagDefinition);
    function.setSubprogram(scope);
    for (llvm::Instruction& i : llvm::instructions(function)) {
      auto place = places.find(&i);
      const std::string& text = place == places.end() ? table[0] : place->second;
      auto [found, fresh] = index.try_emplace(text, static_cast<unsigned>(table.size()));
      if (fresh) table.push_back(text);
      i.setDebugLoc(llvm::DILocation::get(module.getContext(), found->second, 0, scope));
    }
  }
  debug.finalize();
  return table;
}

bool is_noise(llvm::StringRef line) {
  for (const char* start :
       {".file", ".cfi", ".ident", ".addrsig", ".Lfunc", ".Ltmp", ".type", ".size", ".p2align", ".loc"})
    if (line.starts_with(start)) return true;
  return false;
}

std::string with_comments(llvm::StringRef assembly, const std::vector<std::string>& table) {
  std::string out, place;
  for (llvm::StringRef line : llvm::split(assembly, '\n')) {
    llvm::StringRef word = line.ltrim();
    if (word.starts_with(".section") && word.contains(".debug")) break;
    if (word.starts_with(".loc")) {
      unsigned entry = 0;
      word.split('\t').second.split(' ').second.split(' ').first.getAsInteger(10, entry);
      place = entry < table.size() ? table[entry] : "";
    }
    if (is_noise(word)) continue;
    bool instruction = line.starts_with("\t") && !word.starts_with(".");
    std::string text;
    for (char c : line.split("#").first.rtrim())
      text += c == '\t' ? std::string(text.empty() ? "    " : " ") : std::string(1, c);
    if (text.empty()) continue;
    if (instruction && !place.empty())
      text += std::string(text.size() < 64 ? 64 - text.size() : 1, ' ') + "# " + place;
    out += text + "\n";
  }
  return out;
}

}  // namespace

std::optional<std::string> list(Listing listing, std::span<const Kernel> kernels,
                                const CompileOptions& options, Diagnostics& diagnostics) {
  auto machine = target_machine(kernels, options, diagnostics);
  if (!machine) return {};
  EmittedModule emitted = emit_module(kernels, options, *machine);
  Places places = places_of(emitted, kernels, options);
  if (listing == Listing::llvm) {
    std::string text;
    llvm::raw_string_ostream stream(text);
    Annotator annotator(places);
    emitted.module->print(stream, &annotator);
    return text;
  }
  std::vector<std::string> table = locate(*emitted.module, places);
  llvm::SmallString<0> assembly;
  llvm::raw_svector_ostream stream(assembly);
  llvm::legacy::PassManager passes;
  if (machine->addPassesToEmitFile(passes, stream, nullptr, llvm::CodeGenFileType::AssemblyFile))
    internal_error("LLVM cannot print assembly for this machine");
  passes.run(*emitted.module);
  return with_comments(assembly, table);
}

}  // namespace slope
