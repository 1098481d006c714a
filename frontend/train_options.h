// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The options of `train`, by name: what the parser of statements, the command line and the warnings ask for.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace slope {

struct TrainOption {
  std::string_view name;
  std::string_view about;       // for --help, with the default
  std::string_view value = {};  // how --help names its value
};
std::span<const TrainOption> train_options();
bool is_train_option(std::string_view name);
// The schedules that `decay=` knows by name.
std::vector<std::string> decay_names();
// weight_decay as the command line spells it: weight-decay.
std::string dashed(std::string_view name);

// What stands behind `~` only.
bool is_distribution(std::string_view name);
// A name that the short form may take for a parameter.
bool is_plain_name(std::string_view name);
// The float nearest to a decimal number, rounded once.
double nearest_float(const std::string& digits);

}  // namespace slope
