// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "driver/run_files.h"

#include <fmt/format.h>

#include <deque>

#include "base/text.h"
#include "driver/output.h"
#include "runtime/used_files.h"
#include "runtime/validation.h"

namespace slope {

RunFiles::File RunFiles::known(const std::string& path, std::string role) {
  return {path, std::move(role), os::identity_of(path)};
}

// Devices and pipes have no identity, and are nothing that could be overwritten.
bool RunFiles::File::is(const File& other) const { return identity && identity == other.identity; }

void RunFiles::reads(const std::string& path, std::string role) {
  if (!path.empty()) inputs_.push_back(known(path, std::move(role)));
}

void RunFiles::writes(const std::string& path, std::string role) {
  if (!is_standard_output(path)) outputs_.push_back(known(path, std::move(role)));
}

void RunFiles::reads_of(const Arguments& a) {
  if (!a.text) reads(a.model, "the model");
  reads(a.weights, "the weights");
  reads(a.resume, "the state of --resume");
  reads(a.init, "the state of --init");
}

void RunFiles::reads_of(const Session& s) {
  for (const std::string& path : data_paths(s.tree, s.request)) reads(path, "the data");
  if (s.lowered && s.model().validation)
    reads(validation_path(s.request, *s.model().validation), "the data for validation");
  Sources sources = s.sources;
  if (!s.lowered) {  // of a tree alone they are not known yet
    std::deque<ast::Ast> trees;
    Diagnostics unsaid;
    load_used_files(s.tree, s.request.folder, sources, trees, unsaid);
  }
  for (std::size_t i = 1; i < sources.files.size(); ++i)
    reads(sources.files[i].name(), "a file that the model uses");
}

bool RunFiles::check(Diagnostics& diagnostics) const {
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    const File& output = outputs_[i];
    for (const File& input : inputs_)
      if (output.is(input)) {
        Diagnostic& d =
            diagnostics.error(Code::usage, fmt::format("`{}` is {}: it would be overwritten by {}",
                                                       escaped(output.path), input.role, output.role));
        if (input.path != output.path)
          d.notes.push_back(fmt::format("it is the same file as `{}`", escaped(input.path)));
        return false;
      }
    for (std::size_t k = 0; k < i; ++k)
      if (output.is(outputs_[k])) {
        Diagnostic& d = diagnostics.error(
            Code::usage, fmt::format("`{}` cannot be both {} and {}", escaped(outputs_[k].path),
                                     outputs_[k].role, output.role));
        if (outputs_[k].path != output.path)
          d.notes.push_back(fmt::format("it is the same file as `{}`", escaped(output.path)));
        return false;
      }
  }
  return true;
}

bool check_output(const Arguments& a, Session& s, const std::string& path, const std::string& role) {
  RunFiles files;
  files.reads_of(a);
  files.reads_of(s);
  files.writes(path, role);
  return files.check(s.diagnostics);
}

}  // namespace slope
