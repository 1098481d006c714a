// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// slope cache: the compiled code that is kept for the next run, and its removal.
#include "base/cache.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "driver/output.h"

namespace slope {

namespace {

std::string size_text(std::uint64_t bytes) {
  if (bytes < 1000) return fmt::format("{} bytes", bytes);
  if (bytes < 1'000'000) return fmt::format("{:.1f} kB", static_cast<double>(bytes) / 1e3);
  return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6);
}

std::string entries_text(std::size_t n) { return n == 1 ? "1 entry" : fmt::format("{} entries", n); }

}  // namespace

int run_cache(const Arguments& a) {
  Diagnostics diagnostics;
  std::string folder = user_cache_folder();
  Cache cache(folder);
  bool clean = a.action == "clean";
  Cache::Contents contents;
  os::Status failed = clean ? cache.clean(contents) : cache.count(contents);
  if (failed) diagnostics.error(clean ? Code::cannot_write : Code::cannot_open, failed->message());
  if (a.json) {
    Json json{{"slope", 1},
              {"folder", folder.empty() ? Json(nullptr) : Json(escaped(folder))},
              {clean ? "removed" : "entries", contents.entries},
              {"bytes", contents.bytes}};
    if (failed) json["exit"] = diagnostics.exit_code();
    json["diagnostics"] = diagnostics_json(diagnostics, {});
    print(dump(json), diagnostics);
    return diagnostics.exit_code();
  }
  if (clean) {
    print(fmt::format("removed {}, {}\n", entries_text(contents.entries), size_text(contents.bytes)),
          diagnostics);
  } else {
    std::string_view none = "none: neither XDG_CACHE_HOME nor HOME is the full path of a folder";
    print(fmt::format("folder   {}\nentries  {}\nsize     {}\n", folder.empty() ? none : escaped(folder),
                      contents.entries, size_text(contents.bytes)),
          diagnostics);
  }
  print_error(render_all(diagnostics, {}));
  return diagnostics.exit_code();
}

}  // namespace slope
