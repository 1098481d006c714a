// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The state of a run in one safetensors file (8 bytes little-endian length, JSON header, tensors), written
// whole or not at all. Parameters stand under their own names, everything else under "slope/…"; text facts
// (model, steps, seed, assumed names, checksum) are strings in `__metadata__`.
#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/diagnostic.h"
#include "base/os.h"

namespace slope {

struct Tensor {
  std::string name;
  bool single = false;              // F32, else F64; of a file of others F16 and BF16 too
  std::vector<std::int64_t> shape;  // {} for one number
  std::vector<double> values;       // row by row; floats are held exactly
  std::string other_type = {};      // of a file of others: a type that is not read, "I64"; no values then
};

struct State {
  std::vector<Tensor> tensors;
  std::map<std::string, std::string> metadata;

  const Tensor* find(std::string_view name) const;
};

// Temporary file in the target's folder, fsync, rename, fsync of the folder. A symbolic link is followed, the
// mode of a file that is replaced is kept. On failure the old file is whole and Code::cannot_write says why.
bool save(const State& state, const std::string& path, Diagnostics& diagnostics);
bool save(const State& state, os::Output& output, Diagnostics& diagnostics);

// Checks magic, sizes, bounds, dtypes and the checksum before anything is used: Code::damaged_state with the
// reason, Code::cannot_open where the file cannot be read.
std::optional<State> load(const std::string& path, Diagnostics& diagnostics);
// Also takes what other programs wrote (PyTorch, NumPy), which has no checksum: sizes, bounds and types are
// checked as strictly. Of such a file there are the tensors only.
std::optional<State> load_numbers(const std::string& path, Diagnostics& diagnostics);

}  // namespace slope
