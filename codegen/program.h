// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// From fused graphs to functions that run. No LLVM type here.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/arithmetic.h"
#include "base/diagnostic.h"
#include "codegen/storage.h"
#include "graph/graph.h"

namespace slope {

// What a compiled function reads and writes: everything that changes without changing the graph. T is the
// graph's float type. Arrays with rows are 64-byte aligned and hold a multiple of 64 elements (whole vectors
// are moved). Values with axes lie row-major, row after row; their columns and the parameters are followed by
// 64 elements more, which may be read.
struct Run {
  const void* const* columns = nullptr;  // by index of data, each in its storage
  void* params = nullptr;                // T, by CompileOptions::param_offsets
  const void* arguments = nullptr;       // T, by RunArgument
  void* outputs = nullptr;               // T, from Store::index on
  void* const* row_outputs = nullptr;    // arrays of T a row, by Store::index
  void* scratch = nullptr;               // T, scratch_size(...) of them
  std::int64_t rows = 0;
  void* states = nullptr;            // T, by CompileOptions::state_offsets; followed like the parameters
  std::uint64_t seed = 0, step = 0;  // of the random draws; outside of training the step is 0
  const std::int64_t* row_numbers =
      nullptr;  // of each row in the data; null: 0, 1, 2, …; 64 more may be read
};

// Where a function leaves the value of a node: all are written after everything is computed.
struct Store {
  enum class To : std::uint8_t { output, param, row_output, state };
  NodeId value;
  To to = To::output;
  int index = 0;
};

// One function to be made.
struct Kernel {
  std::string name;
  const Graph* graph = nullptr;  // fused
  std::vector<Store> stores;
};

// More operations than this are cut into many functions (codegen/paged.h) and compiled without optimisation.
inline constexpr std::size_t optimized_operations = 4'000;
// More than this in the loss are refused. A gradient may have a small multiple of them.
inline constexpr std::size_t most_operations = 120'000;

struct CompileOptions {
  std::vector<Storage> storages;                 // by index of data
  std::vector<std::int64_t> param_offsets = {};  // where each begins in Run::params; empty: all are numbers
  std::vector<std::int64_t> state_offsets = {};  // the same in Run::states
  std::string cpu = "native";                    // or x86-64-v3, x86-64-v4, x86-64
  // What a comment beside an instruction says of its places in the model.
  std::function<std::string(std::span<const Span>)> places = {};
  std::size_t paged_above = optimized_operations;  // tests choose the way themselves
  std::string cache = "";                          // the folder of compiled code (base/cache.h); "" for none

  // Where the parameter of this index begins.
  std::int64_t param_offset(int index) const { return offset(param_offsets, index); }
  std::int64_t state_offset(int index) const { return offset(state_offsets, index); }
  // Where a store without rows begins in its array.
  std::int64_t place(const Store& store) const {
    return store.to == Store::To::param   ? param_offset(store.index)
           : store.to == Store::To::state ? state_offset(store.index)
                                          : store.index;
  }

 private:
  static std::int64_t offset(const std::vector<std::int64_t>& offsets, int index) {
    return offsets.empty() ? index : offsets.at(static_cast<std::size_t>(index));
  }
};

// Elements of scratch that a kernel needs for so many rows.
std::size_t scratch_size(const Kernel& kernel, std::int64_t rows);

// Compiled functions, loaded into this process.
class Program {
 public:
  // One of them; valid as long as the program.
  class Function {
   public:
    using Code = void (*)(const Run*);
    explicit Function(Code code) : code_(code) {}
    Function(const Kernel& kernel, const CompileOptions& options) : kernel_(&kernel), options_(&options) {}
    void operator()(const Run* run) const {
      StandardArithmetic standard;
      if (code_) code_(run);
      else interpreted(*run);
    }

   private:
    void interpreted(const Run& run) const;
    Code code_ = nullptr;
    const Kernel* kernel_ = nullptr;
    const CompileOptions* options_ = nullptr;
  };
  // No value, and a diagnostic, for a CPU that is not known. Where the system refuses executable memory the
  // kernels are interpreted, with a warning; their graphs must live as long as the program.
  static std::optional<Program> compile(std::span<const Kernel> kernels, const CompileOptions& options,
                                        Diagnostics& diagnostics);
  Function function(std::string_view name) const;
  bool has(std::string_view name) const;
  // How it came about.
  struct Making {
    double codegen_seconds = 0, link_seconds = 0;
    bool cached = false;        // the object is of an earlier run
    bool interpreted = false;   // there is none
    std::string not_kept = "";  // why it could not be put into the cache
  };
  const Making& making() const;

  Program(Program&&) noexcept;
  Program& operator=(Program&&) noexcept;
  ~Program();

 private:
  Program();
  void interpret(std::span<const Kernel> kernels, const CompileOptions& options, Diagnostics& diagnostics);
  struct Loaded;
  std::unique_ptr<Loaded> loaded_;
};

// The LLVM IR or the assembly of the kernels, each line with its place in the model.
enum class Listing : std::uint8_t { llvm, assembly };
std::optional<std::string> list(Listing listing, std::span<const Kernel> kernels,
                                const CompileOptions& options, Diagnostics& diagnostics);

// "LLVM 19.1.7", and the CPU that `native` means here.
std::string llvm_version();
std::string native_cpu();

}  // namespace slope
