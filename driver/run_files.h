// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The files that a command reads and those that it writes, each known by what it is, however its path is
// spelled. Asked before the first of them is opened to be written: what is written replaces no file that is
// read, and no other that is written.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/diagnostic.h"
#include "base/os.h"
#include "driver/arguments.h"
#include "runtime/session.h"

namespace slope {

class RunFiles {
 public:
  // `role`: what the file is, as in "the data", "the log". A path "" is none.
  void reads(const std::string& path, std::string role);
  void writes(const std::string& path, std::string role);

  // What the command line says is read: the model, its data, states.
  void reads_of(const Arguments& arguments);
  // What the model itself names, too: data, files for validation, files that it uses.
  void reads_of(const Session& session);

  // False, with Code::usage and both roles, for an output that is an input or another output.
  bool check(Diagnostics& diagnostics) const;

 private:
  struct File {
    std::string path, role;
    std::optional<os::FileIdentity> identity;
    bool is(const File& other) const;
  };
  static File known(const std::string& path, std::string role);
  std::vector<File> inputs_, outputs_;
};

// Of a command with one output: `role` is what it writes there.
bool check_output(const Arguments& arguments, Session& session, const std::string& path,
                  const std::string& role);

}  // namespace slope
