// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Every call to the operating system, in one place: interrupted and partial calls are carried on, failures
// come back as values, and tests may make any single call fail.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slope::os {

struct Error {
  std::string operation;  // "open", "read", "rename", …
  std::string path;
  std::string reason;      // the system's words, or ours ("is a directory")
  bool too_large = false;  // the file exceeds the limit the caller gave
  bool missing = false;    // there is no such file

  std::string message() const;  // "cannot open `p.csv`: No such file or directory"
};

// Nothing when all went well.
using Status = std::optional<Error>;

// The bytes of a file in memory of our own. A mapping would be cheaper by a copy, but another process that
// shortens the file would then kill us with SIGBUS, and one that writes to it would change what was already
// checked. A zero byte follows the last one, so that scanners need not compare with the end.
class Bytes {
 public:
  const char* data() const { return data_.get(); }
  std::size_t size() const { return size_; }
  std::string_view view() const { return {data_.get(), size_}; }

  bool grow(std::size_t capacity);  // keeps what is there; false when memory is short
  std::size_t capacity() const { return capacity_; }
  char* data() { return data_.get(); }
  void resize(std::size_t size);  // at most the capacity

 private:
  static constexpr std::size_t padding = 16;
  struct Free {
    void operator()(char* p) const { std::free(p); }
  };
  std::unique_ptr<char, Free> data_;
  std::size_t size_ = 0, capacity_ = 0;
};

inline constexpr std::size_t model_limit = std::size_t{64} << 20;
// For data, states and parameters: what surely does not fit, into the machine or what of it this process may
// have (ulimit -v), is refused before memory is touched.
std::size_t memory_limit();

// Asks for large pages where much memory is about to be touched: a fault for each small one takes longer than
// reading the text in it. A wish, nothing else.
void prefer_large_pages(void* memory, std::size_t size);

// The whole file; "-" is standard input, which may be anything but a directory. Others must be regular files,
// as devices and pipes may never end, or pipes the shell made, `<(…)`. A file that shrinks or grows meanwhile
// is an error.
[[nodiscard]] Status read_file(const std::string& path, std::size_t limit, Bytes& bytes);

// All or nothing: written beside the target, synced, renamed over it, the folder synced. A symbolic link is
// followed, the mode of a file that is replaced is kept. Only regular, writable files are replaced. After any
// failure before the rename the old file is untouched and the temporary one is gone. Temporary files
// (.slope-PROCESS-NUMBER.tmp) that killed processes left in the folder are removed. Of several processes that
// write one path at a time, the last to rename wins.
[[nodiscard]] Status write_file(const std::string& path, std::string_view bytes);

// How many other names (hard links) the file has, after symbolic links: they keep what it holds when it is
// replaced. 0 for a new file and what is no regular one.
std::int64_t other_names(const std::string& path);

// What a path leads to, however it is spelled: two paths of one identity are one file. A regular file is
// known by its device and inode; one that is not there yet by the folder that it would be made in and its
// name there, behind symbolic links. No value for devices, pipes and folders, and where nothing can be known;
// "-" is standard input.
struct FileIdentity {
  std::uint64_t device = 0, inode = 0;  // of the file, else of the folder
  std::string name = {};                // of a file that is not there yet
  friend bool operator==(const FileIdentity&, const FileIdentity&) = default;
};
std::optional<FileIdentity> identity_of(const std::string& path);

// A file that is written again and again, by this process alone: the folder is opened once, so that every
// write goes there wherever its path leads by then, and a lock keeps others from opening the same file here.
// The lock of a process that has ended is nobody's.
struct Place;
class Output {
 public:
  Output();
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  ~Output();
  // Refuses at once, before there is anything to write: no such folder, no permission, a directory of that
  // name, another process that has it open.
  [[nodiscard]] Status open(const std::string& path);
  // As write_file.
  [[nodiscard]] Status write(std::string_view bytes);

 private:
  std::unique_ptr<Place> place_;
  int lock_ = -1;
};

// --- files that only this user has written ---

// A regular file of this user that nobody else may write to, reached by no symbolic link in its last name:
// what is in it is the work of this user's processes. Anything else is an error.
[[nodiscard]] Status read_private_file(const std::string& path, std::size_t limit, Bytes& bytes);
// As write_file, for this user alone (mode 0600), but not synced: after a crash of the machine the file may
// hold anything. A file or link that has the name is replaced, whatever it is.
[[nodiscard]] Status write_private_file(const std::string& path, std::string_view bytes);
// A folder of this user in which nobody else may make or rename files; anything else is an error.
[[nodiscard]] Status check_private_folder(const std::string& path);
// Such a folder, made where it is missing, with those above it (mode 0700). The superuser makes none in a
// folder of somebody else, who could not write to it afterwards.
[[nodiscard]] Status make_private_folder(const std::string& path);

struct FileFacts {
  std::string name;
  std::uint64_t bytes = 0;
  std::int64_t last_used =
      0;  // nanoseconds since 1970: when it was written or, where the system notes it, read
};
// The regular files of a folder, in no order; nothing of a folder that does not exist. Temporary files that
// killed processes left are removed.
[[nodiscard]] Status list_files(const std::string& folder, std::vector<FileFacts>& files);
// Removes a file; one that is gone already is no error.
[[nodiscard]] Status remove_file(const std::string& path);

// What the linker wrote into the program or library that holds this code, another one for every other text of
// it, as hexadecimal digits; "" where it wrote none.
std::string build_id(const void* code);

// For a signal handler that ends the program: the temporary file of a write under way goes, and the lock of
// an Output.
void remove_pending();

// To an open descriptor (1: standard output); waits where it would block. `name` is for the message.
[[nodiscard]] Status write_all(int descriptor, std::string_view bytes, const std::string& name);

// Calls it on a stack of 64 MiB, whatever limit (ulimit -s) the process was started with.
int with_large_stack(int (*function)(void*), void* argument);

bool is_terminal(int descriptor);
// The columns of a terminal as it is now; 80 where it does not tell.
int terminal_width(int descriptor);
// Whether this process may draw on the terminal: a job in the background leaves it to others.
bool is_foreground(int descriptor);
// Whether the environment says that text is UTF-8.
bool is_utf8_locale();

// A text file that grows line by line, each line whole and at once. While it is open no other process opens
// it so.
class LineFile {
 public:
  LineFile() = default;
  LineFile(const LineFile&) = delete;
  LineFile& operator=(const LineFile&) = delete;
  ~LineFile();
  // Makes the file where there is none. What it holds goes, but its first `keep` bytes.
  [[nodiscard]] Status open(const std::string& path, std::size_t keep);
  bool is_open() const { return descriptor_ >= 0; }
  [[nodiscard]] Status append(std::string_view line);
  void close();

 private:
  std::string path_;
  int descriptor_ = -1;
};

struct Size {
  int columns = 80, lines = 24;
};
// Of the terminal behind the descriptor; 80 by 24 where it is none.
Size terminal_size(int descriptor);

// For tests: asked before every system call named ("open", "read", "write", "fsync", "close", "rename",
// "stat", …); an errno other than 0 makes the call fail with it, -1 makes a read or write handle one byte
// only.
using FaultHook = int (*)(std::string_view call);
void set_fault_hook(FaultHook hook);

}  // namespace slope::os
