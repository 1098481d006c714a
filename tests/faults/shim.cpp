// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Preloaded into the program under test: counts its calls to the system and lets one of them fail.
//
//   SLOPE_FAULT_CALLS   which calls count: "files" (on files named by a relative path, and standard output),
//                       "cache" (on files in $XDG_CACHE_HOME), "memory" (malloc and its kin), "code" (making
//                       memory executable)
//   SLOPE_FAULT         N:WHAT for the Nth call, from 1 on; N+:WHAT for it and all that follow. WHAT is the
//                       number of an errno, or "short" (a read or write handles one byte, else nothing
//                       happens), or "before", "after": the process is killed before or after the call
//   SLOPE_FAULT_TRACE   a file; each call becomes a line `NAME PATH`, a call that is made to fail begins with
//                       `!`. Of the many requests for memory only their number, as `total N`
//   SLOPE_FAULT_ARITHMETIC  set: from the start denormals count as 0 and results are rounded up, as a library
//                       may leave it
//
// Only the program itself is counted: what the C library calls inside of itself never passes here.
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <immintrin.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

extern "C" {
// The C library's own, for when ours are called before dlsym works.
void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void* __libc_memalign(size_t, size_t);
}

namespace {

enum class Calls { none, files, cache, memory, code };
enum class What { error, partial, kill_before, kill_after };

Calls calls = Calls::none;
What what = What::error;
long first = 0, last = 0;  // the calls that fail; first 0: none
int error = 0;
int trace = -1;
const char* cache = "";
std::atomic<long> count{0};

constexpr int most_files = 256;
char names[most_files][256];  // of descriptors; "" where the file does not count

void set_up() {
  if (std::getenv("SLOPE_FAULT_ARITHMETIC")) _mm_setcsr(_mm_getcsr() | 0xC040);
  const char *which = std::getenv("SLOPE_FAULT_CALLS"), *fault = std::getenv("SLOPE_FAULT"),
             *file = std::getenv("SLOPE_FAULT_TRACE");
  if (!which) return;
  if (file) {
    int opened = static_cast<int>(::syscall(SYS_openat, AT_FDCWD, file, O_WRONLY | O_CREAT | O_APPEND, 0600));
    trace = ::fcntl(opened, F_DUPFD_CLOEXEC, 200);  // out of the way of the program's own
    ::syscall(SYS_close, opened);
  }
  if (const char* folder = std::getenv("XDG_CACHE_HOME")) cache = folder;
  if (fault) {
    char* end = nullptr;
    first = last = std::strtol(fault, &end, 10);
    if (*end == '+') last = __LONG_MAX__, ++end;
    if (*end == ':') ++end;
    error = std::atoi(end);
    if (std::strcmp(end, "short") == 0) what = What::partial;
    if (std::strcmp(end, "before") == 0) what = What::kill_before;
    if (std::strcmp(end, "after") == 0) what = What::kill_after;
  }
  calls = std::strcmp(which, "memory") == 0  ? Calls::memory
          : std::strcmp(which, "code") == 0  ? Calls::code
          : std::strcmp(which, "cache") == 0 ? Calls::cache
                                             : Calls::files;
  if (calls == Calls::files) std::strcpy(names[1], "standard output");
}
[[gnu::constructor]] void start() { set_up(); }

void write_trace(bool fails, const char* name, const char* path) {
  char line[512];
  int length = std::snprintf(line, sizeof line, "%s%s %s\n", fails ? "!" : "", name, path);
  if (trace >= 0) ::syscall(SYS_write, trace, line, length);
}

[[gnu::destructor]] void finish() {
  if (calls == Calls::memory) {
    calls = Calls::none;
    char number[24];
    std::snprintf(number, sizeof number, "%ld", count.load());
    write_trace(false, "total", number);
  }
}

void die() { ::syscall(SYS_kill, ::getpid(), SIGKILL); }

bool counts(int file) {
  return (calls == Calls::files || calls == Calls::cache) && file >= 0 && file < most_files && names[file][0];
}
// A path from this folder on.
bool counts(const char* path, int folder = AT_FDCWD) {
  if (!path) return false;
  if (path[0] != '/' && folder != AT_FDCWD) return counts(folder);
  if (calls == Calls::cache) return *cache && std::strncmp(path, cache, std::strlen(cache)) == 0;
  return calls == Calls::files && path[0] != '/';
}

// Counts a call; whether it is the one.
bool hit(const char* name, const char* path) {
  long n = ++count;
  bool fails = first > 0 && n >= first && n <= last;
  if (calls != Calls::memory || fails) write_trace(fails, name, path);
  if (fails && what == What::kill_before) die();
  return fails;
}

// One call: `real` makes it.
template <class Result, class Real>
Result call(bool counted, const char* name, const char* path, Result failed, Real real) {
  if (!counted) return real();
  bool fails = hit(name, path);
  if (fails && what == What::error) {
    errno = error;
    return failed;
  }
  Result result = real();
  int kept = errno;
  if (fails && what == What::kill_after) die();
  errno = kept;
  return result;
}

template <class F>
F* next(const char* name) {
  return reinterpret_cast<F*>(::dlsym(RTLD_NEXT, name));
}
#define REAL(name) static auto* real = next<decltype(::name)>(#name)

void set_name(int file, const char* path) {
  if (file >= 0 && file < most_files) std::snprintf(names[file], sizeof names[file], "%s", path);
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  mode_t mode = 0;
  if (flags & O_CREAT) {
    va_list list;
    va_start(list, flags);
    mode = va_arg(list, mode_t);
    va_end(list);
  }
  bool counted = counts(path);
  int file = call(counted, flags & O_CREAT ? "create" : "open", path, -1,
                  [&] { return static_cast<int>(::syscall(SYS_openat, AT_FDCWD, path, flags, mode)); });
  if (counted) set_name(file, path);
  return file;
}
int openat(int folder, const char* path, int flags, ...) {
  mode_t mode = 0;
  if (flags & O_CREAT) {
    va_list list;
    va_start(list, flags);
    mode = va_arg(list, mode_t);
    va_end(list);
  }
  bool counted = counts(path, folder);
  int file = call(counted, flags & O_CREAT ? "create" : "open", path, -1,
                  [&] { return static_cast<int>(::syscall(SYS_openat, folder, path, flags, mode)); });
  if (counted) set_name(file, path);
  return file;
}
DIR* opendir(const char* path) {
  REAL(opendir);
  return call(counts(path), "opendir", path, static_cast<DIR*>(nullptr), [&] { return real(path); });
}
ssize_t read(int file, void* bytes, size_t size) {
  bool counted = counts(file);
  if (counted && what == What::partial && first == count + 1 && size > 1) size = 1;
  return call(counted, "read", counted ? names[file] : "", ssize_t{-1},
              [&] { return static_cast<ssize_t>(::syscall(SYS_read, file, bytes, size)); });
}
ssize_t write(int file, const void* bytes, size_t size) {
  bool counted = counts(file);
  if (counted && what == What::partial && first == count + 1 && size > 1) size = 1;
  return call(counted, "write", counted ? names[file] : "", ssize_t{-1},
              [&] { return static_cast<ssize_t>(::syscall(SYS_write, file, bytes, size)); });
}
// The descriptor is closed even where it fails, as Linux does.
int close(int file) {
  bool counted = counts(file);
  char path[256] = "";
  if (counted) {
    std::strcpy(path, names[file]);
    names[file][0] = 0;
  }
  auto real = [&] { return static_cast<int>(::syscall(SYS_close, file)); };
  bool done = false;
  int result = call(counted, "close", path, -1, [&] {
    done = true;
    return real();
  });
  int kept = errno;
  if (!done) real();
  errno = kept;
  return result;
}
int fsync(int file) {
  bool counted = counts(file);
  return call(counted, "fsync", counted ? names[file] : "", -1,
              [&] { return static_cast<int>(::syscall(SYS_fsync, file)); });
}
int ftruncate(int file, off_t size) {
  bool counted = counts(file);
  return call(counted, "ftruncate", counted ? names[file] : "", -1,
              [&] { return static_cast<int>(::syscall(SYS_ftruncate, file, size)); });
}
int fchmod(int file, mode_t mode) noexcept {
  bool counted = counts(file);
  return call(counted, "fchmod", counted ? names[file] : "", -1,
              [&] { return static_cast<int>(::syscall(SYS_fchmod, file, mode)); });
}
int flock(int file, int operation) noexcept {
  bool counted = counts(file);
  return call(counted, "flock", counted ? names[file] : "", -1,
              [&] { return static_cast<int>(::syscall(SYS_flock, file, operation)); });
}
int fcntl(int file, int command, ...) {
  va_list list;
  va_start(list, command);
  long argument = va_arg(list, long);
  va_end(list);
  auto real = [&] { return static_cast<int>(::syscall(SYS_fcntl, file, command, argument)); };
  bool duplicates = command == F_DUPFD_CLOEXEC && counts(file);
  int result = call(duplicates, "dup", duplicates ? names[file] : "", -1, real);
  if (duplicates) set_name(result, names[file]);
  return result;
}
int rename(const char* from, const char* to) noexcept {
  return call(counts(to), "rename", to, -1,
              [&] { return static_cast<int>(::syscall(SYS_rename, from, to)); });
}
int renameat(int from_folder, const char* from, int to_folder, const char* to) noexcept {
  return call(counts(to, to_folder), "rename", to, -1, [&] {
    return static_cast<int>(::syscall(SYS_renameat2, from_folder, from, to_folder, to, 0));
  });
}
int mkdir(const char* path, mode_t mode) noexcept {
  return call(counts(path), "mkdir", path, -1,
              [&] { return static_cast<int>(::syscall(SYS_mkdirat, AT_FDCWD, path, mode)); });
}
int unlink(const char* path) noexcept {
  return call(counts(path), "unlink", path, -1,
              [&] { return static_cast<int>(::syscall(SYS_unlinkat, AT_FDCWD, path, 0)); });
}
int unlinkat(int folder, const char* path, int flags) noexcept {
  return call(counts(path, folder), "unlink", path, -1,
              [&] { return static_cast<int>(::syscall(SYS_unlinkat, folder, path, flags)); });
}
ssize_t readlink(const char* path, char* bytes, size_t size) noexcept {
  return call(counts(path), "readlink", path, ssize_t{-1},
              [&] { return static_cast<ssize_t>(::syscall(SYS_readlinkat, AT_FDCWD, path, bytes, size)); });
}
int faccessat(int folder, const char* path, int mode, int flags) noexcept {
  REAL(faccessat);
  return call(counts(path, folder), "access", path, -1, [&] { return real(folder, path, mode, flags); });
}
int stat(const char* path, struct stat* info) noexcept {
  REAL(stat);
  return call(counts(path), "stat", path, -1, [&] { return real(path, info); });
}
int fstatat(int folder, const char* path, struct stat* info, int flags) noexcept {
  REAL(fstatat);
  return call(counts(path, folder), "stat", path, -1, [&] { return real(folder, path, info, flags); });
}
int lstat(const char* path, struct stat* info) noexcept {
  REAL(lstat);
  return call(counts(path), "lstat", path, -1, [&] { return real(path, info); });
}
int fstat(int file, struct stat* info) noexcept {
  REAL(fstat);
  bool counted = counts(file);
  return call(counted, "fstat", counted ? names[file] : "", -1, [&] { return real(file, info); });
}

void* mmap(void* at, size_t size, int protection, int flags, int file, off_t offset) noexcept {
  bool counted = calls == Calls::code && (protection & PROT_EXEC) != 0;
  return call(counted, "mmap", "", MAP_FAILED, [&] {
    return reinterpret_cast<void*>(::syscall(SYS_mmap, at, size, protection, flags, file, offset));
  });
}
int mprotect(void* at, size_t size, int protection) noexcept {
  bool counted = calls == Calls::code && (protection & PROT_EXEC) != 0;
  return call(counted, "mprotect", "", -1,
              [&] { return static_cast<int>(::syscall(SYS_mprotect, at, size, protection)); });
}

void* malloc(size_t size) noexcept {
  return call(calls == Calls::memory, "malloc", "", static_cast<void*>(nullptr),
              [&] { return __libc_malloc(size); });
}
void* calloc(size_t number, size_t size) noexcept {
  return call(calls == Calls::memory, "calloc", "", static_cast<void*>(nullptr),
              [&] { return __libc_calloc(number, size); });
}
void* realloc(void* old, size_t size) noexcept {
  return call(calls == Calls::memory, "realloc", "", static_cast<void*>(nullptr),
              [&] { return __libc_realloc(old, size); });
}
void* aligned_alloc(size_t alignment, size_t size) noexcept {
  return call(calls == Calls::memory, "aligned_alloc", "", static_cast<void*>(nullptr),
              [&] { return __libc_memalign(alignment, size); });
}

}  // extern "C"
