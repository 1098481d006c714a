// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The command line: which command, which model, which options. Wrong use is exit 2 with what would be right.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/diagnostic.h"

namespace slope {

struct Arguments {
  std::string command;              // train predict …: a row of commands()
  std::string stage;                // of show
  std::string action;               // of cache: "" or clean
  std::string shell;                // of completion
  std::string topic;                // of help: a command, "" for all of them
  std::vector<std::string> files;   // of new: the data and the model, in any order
  std::string model;                // a file or "-"; "" with -e
  std::optional<std::string> text;  // -e
  std::vector<std::string> data;
  std::vector<std::pair<std::string, std::string>> sets, options;  // NAME and value, as texts
  std::string precision, cpu = "native", color = "auto";
  std::string save, init, resume, log, weights, output, plot;
  std::optional<std::int64_t> save_every;
  bool no_save = false, json = false, quiet = false, verbose = false, time = false, keep = false,
       keep_missing = false, full = false, no_cache = false, gradients = false, latex = false, derive = false,
       force = false, man = false, brief = false, list = false;
  std::int64_t row = 1;  // of --derive
  int threads = 1;
};

// No value: diagnostics say what is wrong.
struct Parsed {
  std::optional<Arguments> arguments;
  bool json = false;  // --json was there, whatever else is wrong
};
Parsed parse_arguments(int count, char** words, Diagnostics& diagnostics);

// Stages that are the same for every model: `slope show STAGE` takes one and reads none.
bool needs_no_model(std::string_view stage);

}  // namespace slope
