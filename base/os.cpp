// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "base/os.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "base/text.h"

namespace slope::os {

namespace {

FaultHook fault_hook = nullptr;

// True when the test wants this call to fail; errno is set.
bool faulty(std::string_view call, std::size_t* size = nullptr) {
  int fault = fault_hook ? fault_hook(call) : 0;
  if (fault < 0 && size) *size = std::min<std::size_t>(*size, 1);
  if (fault > 0) errno = fault;
  return fault > 0;
}

// Repeats an interrupted call. Not for close: Linux has closed the descriptor even then.
template <class Call>
auto retried(std::string_view name, Call call) {
  for (;;) {
    auto result = faulty(name) ? -1 : call();
    if (result != -1 || errno != EINTR) return result;
  }
}

std::string words(int error) {
  char buffer[256] = "";
  // The GNU form returns the text, which may lie outside the buffer.
  return strerror_r(error, buffer, sizeof buffer);
}

Error failure(std::string operation, const std::string& path) {
  return {std::move(operation), path, words(errno)};
}

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ > 2) ::close(number_);
  }
  int number() const { return number_; }
  bool valid() const { return number_ >= 0; }
  // A failing close may be the first sign of data lost on a network file system.
  bool close() {
    bool failed = faulty("close");
    int error = errno;
    int result = ::close(std::exchange(number_, -1));
    if (failed) errno = error;
    return !failed && (result == 0 || errno == EINTR);
  }

 private:
  int number_;
};

const char* kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "is a directory";
  if (S_ISFIFO(mode)) return "is a pipe, not a regular file";
  if (S_ISSOCK(mode)) return "is a socket, not a regular file";
  return "is a device, not a regular file";
}

constexpr std::size_t most_at_once = std::size_t{1} << 30;  // Linux transfers at most 2 GiB a call

Status read_all(int descriptor, const std::string& path, std::size_t limit, std::size_t expected,
                Bytes& bytes) {
  auto too_large = [&] {
    return Error{"read", path, "is larger than the limit of " + std::to_string(limit) + " bytes", true};
  };
  if (expected > limit) return too_large();
  // One byte more than expected, so that the end is seen without growing.
  if (!bytes.grow(expected + 1)) return Error{"read", path, "out of memory", true};
  std::size_t size = 0;
  for (;;) {
    if (size == bytes.capacity() && !bytes.grow(size * 2 + 65536))
      return Error{"read", path, "out of memory", true};
    std::size_t part = std::min(bytes.capacity() - size, most_at_once);
    ssize_t got = faulty("read", &part) ? -1 : ::read(descriptor, bytes.data() + size, part);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) {
      pollfd wait{descriptor, POLLIN, 0};
      ::poll(&wait, 1, -1);
      continue;
    }
    if (got < 0) return failure("read", path);
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
    if (size > limit) return too_large();
  }
  if (size < expected) return Error{"read", path, "the file became shorter while it was read"};
  bytes.resize(size);
  return {};
}

// The folder that holds `path`, and the place where links lead.
std::string folder_of(const std::string& path) {
  std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Status follow_links(std::string& path) {
  for (int hops = 0; hops < 40; ++hops) {
    struct stat info;
    if (::lstat(path.c_str(), &info) != 0 || !S_ISLNK(info.st_mode)) return {};
    char target[4096];
    ssize_t length = retried("readlink", [&] { return ::readlink(path.c_str(), target, sizeof target); });
    if (length < 0) return failure("read the link", path);
    std::string to(target, static_cast<std::size_t>(length));
    path = to.starts_with("/") ? to : folder_of(path) + "/" + to;
  }
  errno = ELOOP;
  return failure("write", path);
}

// Removes the temporary file unless it has been renamed.
struct Temporary {
  std::string path;
  ~Temporary() {
    if (!path.empty()) ::unlink(path.c_str());
  }
};

// The name tells the process, so that what a killed one left behind can be recognised.
int create_beside(const std::string& target, mode_t mode, Temporary& temporary) {
  static std::atomic<unsigned> counter{0};
  for (int attempt = 0; attempt < 100; ++attempt) {
    std::string name = folder_of(target) + "/.slope-" + std::to_string(::getpid()) + "-" +
                       std::to_string(counter++) + ".tmp";
    int number = retried("open", [&] {
      return ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    });
    if (number >= 0) temporary.path = name;
    if (number >= 0 || errno != EEXIST) return number;
  }
  return -1;
}

Status sync_folder(const std::string& path) {
  std::string folder = folder_of(path);
  Descriptor opened(
      retried("open", [&] { return ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
  // A folder that may be written but not listed cannot be synced; neither can those of some file systems.
  if (!opened.valid()) return errno == EACCES ? Status{} : failure("open the folder", folder);
  if (retried("fsync", [&] { return ::fsync(opened.number()); }) != 0 && errno != EINVAL && errno != ENOTSUP)
    return failure("sync the folder", folder);
  return {};
}

}  // namespace

std::string Error::message() const { return "cannot " + operation + " `" + escaped(path) + "`: " + reason; }

bool Bytes::grow(std::size_t capacity) {
  if (capacity <= capacity_ && data_) return true;
  auto* larger = static_cast<char*>(std::realloc(data_.get(), capacity + padding));
  if (!larger) return false;
  static_cast<void>(data_.release());
  data_.reset(larger);
  capacity_ = capacity;  // what follows size() is zeroed by resize(), once the bytes are there
  return true;
}

void Bytes::resize(std::size_t size) {
  size_ = size;
  std::memset(data_.get() + size, 0, padding);
}

std::size_t memory_limit() {
  long pages = ::sysconf(_SC_PHYS_PAGES), size = ::sysconf(_SC_PAGESIZE);
  return pages > 0 && size > 0 ? static_cast<std::size_t>(pages) * static_cast<std::size_t>(size)
                               : std::size_t{1} << 40;
}

Status read_file(const std::string& path, std::size_t limit, Bytes& bytes) {
  bool standard_input = path == "-";
  // Without O_NONBLOCK the opening of a named pipe waits for a writer, perhaps for ever.
  Descriptor file(standard_input ? 0 : retried("open", [&] {
    return ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  }));
  std::string name = standard_input ? "standard input" : path;
  if (!file.valid()) return failure("open", name);
  struct stat info;
  if (retried("stat", [&] { return ::fstat(file.number(), &info); }) != 0) return failure("open", name);
  bool device = !S_ISREG(info.st_mode) && !S_ISFIFO(info.st_mode);
  if (device && (!standard_input || S_ISDIR(info.st_mode))) return Error{"read", name, kind_of(info.st_mode)};
  if (!standard_input) ::fcntl(file.number(), F_SETFL, 0);
  std::size_t expected =
      S_ISREG(info.st_mode) && info.st_size > 0 ? static_cast<std::size_t>(info.st_size) : 0;
  // Standard input may have been read by others up to some place.
  if (standard_input) expected = 0;
  return read_all(file.number(), name, limit, expected, bytes);
}

Status write_all(int descriptor, std::string_view bytes, const std::string& name) {
  while (!bytes.empty()) {
    std::size_t part = std::min(bytes.size(), most_at_once);
    ssize_t put = faulty("write", &part) ? -1 : ::write(descriptor, bytes.data(), part);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0 && errno == EAGAIN) {
      pollfd wait{descriptor, POLLOUT, 0};
      ::poll(&wait, 1, -1);
      continue;
    }
    if (put == 0) errno = EIO;
    if (put <= 0) return failure("write", name);
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return {};
}

Status write_file(const std::string& path, std::string_view bytes) {
  std::string target = path;
  if (Status error = follow_links(target)) return error;
  struct stat info;
  bool replaces = retried("stat", [&] { return ::stat(target.c_str(), &info); }) == 0;
  if (!replaces && errno != ENOENT) return failure("write", path);
  if (replaces && !S_ISREG(info.st_mode)) return Error{"write", path, kind_of(info.st_mode)};
  // Renaming needs no right to the file itself, but a file made read-only is meant to stay.
  if (replaces && ::faccessat(AT_FDCWD, target.c_str(), W_OK, AT_EACCESS) != 0) return failure("write", path);

  Temporary temporary;  // before the descriptor: removed after it is closed
  Descriptor file(create_beside(target, replaces ? 0600 : 0666, temporary));
  if (!file.valid()) return failure("create a file beside", path);
  if (replaces && retried("fchmod", [&] { return ::fchmod(file.number(), info.st_mode & 07777); }) != 0)
    return failure("set the mode of", path);
  if (Status error = write_all(file.number(), bytes, path)) return error;
  // A failed fsync is not repeated: the kernel may have dropped the pages, and the second call would succeed.
  if (faulty("fsync") || ::fsync(file.number()) != 0) return failure("sync", path);
  if (!file.close()) return failure("close", path);
  if (retried("rename", [&] { return ::rename(temporary.path.c_str(), target.c_str()); }) != 0)
    return failure("rename to", path);
  temporary.path.clear();
  return sync_folder(target);
}

int with_large_stack(int (*function)(void*), void* argument) {
  struct Call {
    int (*function)(void*);
    void* argument;
    int result = 0;
  } call{function, argument};
  auto entry = [](void* p) -> void* {
    auto& c = *static_cast<Call*>(p);
    c.result = c.function(c.argument);
    return nullptr;
  };
  pthread_attr_t attributes;
  pthread_t thread;
  bool ready = pthread_attr_init(&attributes) == 0;
  bool started = ready && pthread_attr_setstacksize(&attributes, std::size_t{64} << 20) == 0 &&
                 pthread_create(&thread, &attributes, entry, &call) == 0;
  if (ready) pthread_attr_destroy(&attributes);
  if (!started) return function(argument);  // no thread can be had
  pthread_join(thread, nullptr);
  return call.result;
}

bool is_terminal(int descriptor) { return ::isatty(descriptor) == 1; }

Size terminal_size(int descriptor) {
  winsize size{};
  if (::ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return {};
  return {size.ws_col, size.ws_row};
}

void set_fault_hook(FaultHook hook) { fault_hook = hook; }

}  // namespace slope::os
