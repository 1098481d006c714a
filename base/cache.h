// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Bytes under keys, kept in a folder of the user from one run of the program to the next. Everything in it
// can be made again: whatever goes wrong is a value that is not there, never an error of the run.
//
// An entry is a file of its own whose name is the hash of the key. It holds the key in full, so that two keys
// with one hash do no harm, and a checksum; it is written whole, under another name first. So any number of
// processes may use one folder, and an entry that is cut short, altered or of another version is passed over
// and written anew. Entries may be code that is executed: only files that this user alone could write are
// read.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/os.h"

namespace slope {

class Cache {
 public:
  struct Limits {
    std::uint64_t bytes = std::uint64_t{256} << 20;  // of all entries
    std::size_t entries = 4096;
    unsigned writes = 16;  // the folder is looked through after one write in so many
  };
  // In this folder, which is made when there is something to keep; "" finds and keeps nothing.
  explicit Cache(std::string folder) : Cache(std::move(folder), Limits()) {}
  Cache(std::string folder, Limits limits) : folder_(std::move(folder)), limits_(limits) {}
  bool in_use() const { return !folder_.empty(); }

  struct Found {
    os::Bytes file;
    std::string_view value;  // in it, aligned to 16 bytes
  };
  std::optional<Found> find(std::string_view key) const;
  // Of a value larger than an eighth of the limit nothing is kept. Now and then drops what was not used for
  // the longest time, where the limits are exceeded.
  os::Status keep(std::string_view key, std::string_view value) const;

  struct Contents {
    std::size_t entries = 0;
    std::uint64_t bytes = 0;
  };
  os::Status count(Contents& contents) const;
  // Removes all entries, and nothing else that lies in the folder.
  os::Status clean(Contents& removed) const;

  // Where the entry of a key lies.
  std::string path(std::string_view key) const;

 private:
  os::Status entries(std::vector<os::FileFacts>& files) const;
  os::Status trim() const;

  std::string folder_;
  Limits limits_;
};

// $XDG_CACHE_HOME/slope, else ~/.cache/slope; "" where the environment names neither by a full path.
std::string user_cache_folder();

}  // namespace slope
