// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "base/os.h"

#include <dirent.h>
#include <fcntl.h>
#include <link.h>
#include <poll.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

#include "base/hash.h"
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
  return {std::move(operation), path, words(errno), false, errno == ENOENT};
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
  int release() { return std::exchange(number_, -1); }
  void reset(int number) {
    if (number_ > 2) ::close(number_);
    number_ = number;
  }
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
  if (S_ISLNK(mode)) return "has become a symbolic link";
  if (S_ISDIR(mode)) return "is a directory";
  if (S_ISFIFO(mode)) return "is a pipe, not a regular file";
  if (S_ISSOCK(mode)) return "is a socket, not a regular file";
  return "is a device, not a regular file";
}

constexpr const char* pipe_hint = " (pipes are read as standard input, `-`)";
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
  if (expected > 0 && size != expected) return Error{"read", path, "the file changed while it was read"};
  bytes.resize(size);
  return {};
}

std::string folder_of(const std::string& path) {
  std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// The place where links lead.
Status follow_links(std::string& path) {
  for (int hops = 0; hops < 40; ++hops) {
    struct stat info;
    if (retried("lstat", [&] { return ::lstat(path.c_str(), &info); }) != 0)
      return errno == ENOENT ? Status{} : failure("write", path);
    if (!S_ISLNK(info.st_mode)) return {};
    char target[4096];
    ssize_t length = retried("readlink", [&] { return ::readlink(path.c_str(), target, sizeof target); });
    if (length < 0) return failure("read the link", path);
    std::string to(target, static_cast<std::size_t>(length));
    path = to.starts_with("/") ? to : folder_of(path) + "/" + to;
  }
  errno = ELOOP;
  return failure("write", path);
}

}  // namespace

// Where a file is written. Everything is done in the folder that was opened, wherever its path leads by then.
struct Place {
  std::string path;  // as it was given, for messages
  std::string folder, name;
  Descriptor opened{-1};
  bool can_sync = true;  // not a folder that may be written but not listed
  // The file that is replaced, as it is now.
  bool replaces = false;
  struct stat info;

  int number() const { return opened.number(); }
};

namespace {

// `path` is for messages, `target` what is behind its links.
void name_place(const std::string& path, const std::string& target, Place& place) {
  place.path = path;
  place.folder = folder_of(target);
  place.name = target.substr(target.rfind('/') + 1);
}

Status open_folder(Place& place) {
  auto open_with = [&](int flags) {
    return retried("open", [&] { return ::open(place.folder.c_str(), flags | O_DIRECTORY | O_CLOEXEC); });
  };
  place.opened.reset(open_with(O_RDONLY));
  place.can_sync = place.opened.valid() || errno != EACCES;
  if (!place.can_sync) place.opened.reset(open_with(O_PATH));
  if (!place.opened.valid()) return failure("create a file beside", place.path);
  return {};
}

// What would be refused: only regular, writable files are replaced.
Status look_at_target(Place& place) {
  place.replaces = retried("stat", [&] {
                     return ::fstatat(place.number(), place.name.c_str(), &place.info, AT_SYMLINK_NOFOLLOW);
                   }) == 0;
  if (!place.replaces) return errno == ENOENT ? Status{} : failure("write", place.path);
  if (!S_ISREG(place.info.st_mode)) return Error{"write", place.path, kind_of(place.info.st_mode)};
  // Renaming needs no right to the file itself, but a file made read-only is meant to stay.
  auto may_write = [&] { return ::faccessat(place.number(), place.name.c_str(), W_OK, AT_EACCESS); };
  if (retried("access", may_write) != 0) return failure("write", place.path);
  return {};
}

Status find_place(const std::string& path, Place& place) {
  std::string target = path;
  if (Status error = follow_links(target)) return error;
  name_place(path, target, place);
  if (place.name.empty()) {  // "", "folder/"
    errno = path.empty() ? ENOENT : EISDIR;
    return failure("write", path);
  }
  if (Status error = open_folder(place)) return error;
  return look_at_target(place);
}

// A file in the folder that is to go when the program ends, however it does: one that is being written, one
// that holds a lock. For signal handlers, so of fixed size.
struct Pending {
  volatile std::sig_atomic_t is_there = 0;
  int folder = -1;
  char name[64] = "";

  void set(int in_folder, const std::string& file) {
    folder = in_folder;
    std::memcpy(name, file.c_str(), std::min(file.size() + 1, sizeof name - 1));
    is_there = 1;
  }
  void remove() const {
    if (is_there) ::unlinkat(folder, name, 0);
  }
};
Pending pending_file, pending_lock;

// Removes the temporary file unless it has been renamed.
struct Temporary {
  std::string name;
  int folder = -1;
  // First of all without asking for memory: there may be none.
  void made(int in_folder, std::string file) {
    folder = in_folder;
    pending_file.set(folder, file);
    name = std::move(file);
  }
  void renamed() {
    pending_file.is_there = 0;
    name.clear();
  }
  ~Temporary() {
    if (!name.empty()) ::unlinkat(folder, name.c_str(), 0);
    pending_file.is_there = 0;
  }
};

constexpr std::string_view temporary_prefix = ".slope-", temporary_suffix = ".tmp";

bool is_temporary_name(std::string_view name) {
  if (!name.starts_with(temporary_prefix) || !name.ends_with(temporary_suffix) ||
      name.size() <= temporary_prefix.size() + temporary_suffix.size())
    return false;
  name.remove_prefix(temporary_prefix.size());
  name.remove_suffix(temporary_suffix.size());
  return name.find_first_not_of("0123456789-") == std::string_view::npos;
}

// Who writes a temporary file holds a lock on it, which the system drops when the process ends, however it
// ends: what can be locked belongs to nobody.
void sweep(int folder, const std::string& name) {
  Descriptor file(::openat(folder, name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat info;
  if (file.valid() && ::fstat(file.number(), &info) == 0 && S_ISREG(info.st_mode) &&
      ::flock(file.number(), LOCK_EX | LOCK_NB) == 0)
    ::unlinkat(folder, name.c_str(), 0);
}

// Removes what killed processes left behind. Once a folder and process, and not for ever in a folder that is
// full: this is tidiness, the files do no harm.
void sweep_folder(int folder, const std::string& path) {
  static std::mutex mutex;
  static std::set<std::string> swept;
  {
    std::lock_guard lock(mutex);
    if (!swept.insert(path).second) return;
  }
  constexpr int most_entries = 10'000;
  int listed = ::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* opened = listed < 0 ? nullptr : ::fdopendir(listed);
  if (!opened) {
    if (listed >= 0) ::close(listed);
    return;
  }
  std::vector<std::string> found;
  for (int i = 0; i < most_entries; ++i) {
    dirent* entry = ::readdir(opened);
    if (!entry) break;
    if (is_temporary_name(entry->d_name)) found.push_back(entry->d_name);
  }
  for (const std::string& name : found) sweep(folder, name);
  ::closedir(opened);
}

// False where a sweeping process came between the making of the file and this lock: the file has no name any
// more, or soon will have none.
bool lock_temporary(int number) {
  struct stat info;
  if (::flock(number, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) return false;
  return ::fstat(number, &info) != 0 || info.st_nlink > 0;
}

// Other processes may make files beside the same target: O_EXCL gives each its own.
int create_beside(const Place& place, mode_t mode, Temporary& temporary) {
  static std::atomic<unsigned> counter{0};
  std::string start = std::string(temporary_prefix) + std::to_string(::getpid()) + "-";
  for (int attempt = 0; attempt < 100; ++attempt) {
    std::string name = start + std::to_string(counter++) + std::string(temporary_suffix);
    int number = retried("open", [&] {
      return ::openat(place.number(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                      mode);
    });
    if (number < 0 && errno == EEXIST) continue;
    if (number >= 0 && !lock_temporary(number)) {
      ::close(number);
      continue;
    }
    if (number >= 0) temporary.made(place.number(), std::move(name));
    return number;
  }
  errno = EEXIST;
  return -1;
}

// Some file systems cannot sync folders.
Status sync_folder(const Place& place) {
  if (place.can_sync && retried("fsync", [&] { return ::fsync(place.number()); }) != 0 && errno != EINVAL &&
      errno != ENOTSUP)
    return failure("sync the folder", place.folder);
  return {};
}

struct Manner {
  bool sync;
  const mode_t* mode;  // to set; null: what the process gives new files
};

// The bytes in a file beside the target, renamed over it.
Status replace(const Place& place, std::string_view bytes, Manner manner) {
  Temporary temporary;  // before the descriptor: removed after it is closed
  Descriptor file(create_beside(place, manner.mode ? 0600 : 0666, temporary));
  if (!file.valid()) return failure("create a file beside", place.path);
  Descriptor lock(::fcntl(file.number(), F_DUPFD_CLOEXEC, 3));  // holds the lock until after the renaming
  if (manner.mode && retried("fchmod", [&] { return ::fchmod(file.number(), *manner.mode); }) != 0)
    return failure("set the mode of", place.path);
  if (Status error = write_all(file.number(), bytes, place.path)) return error;
  // A failed fsync is not repeated: the kernel may have dropped the pages, and the second call would succeed.
  if (manner.sync && retried("fsync", [&] { return ::fsync(file.number()); }) != 0)
    return failure("sync", place.path);
  if (!file.close()) return failure("close", place.path);
  auto rename = [&] {
    return ::renameat(place.number(), temporary.name.c_str(), place.number(), place.name.c_str());
  };
  if (retried("rename", rename) != 0) return failure("rename to", place.path);
  temporary.renamed();
  return {};
}

// All or nothing, see write_file.
Status write_at(Place& place, std::string_view bytes) {
  if (Status error = look_at_target(place)) return error;
  sweep_folder(place.number(), place.folder);
  mode_t mode = place.replaces ? place.info.st_mode & 07777 : 0;
  if (Status error = replace(place, bytes, {.sync = true, .mode = place.replaces ? &mode : nullptr}))
    return error;
  return sync_folder(place);
}

}  // namespace

std::string Error::message() const { return "cannot " + operation + " `" + escaped(path) + "`: " + reason; }

bool Bytes::grow(std::size_t capacity) {
  if (capacity <= capacity_ && data_) return true;
  auto* larger = static_cast<char*>(std::realloc(data_.get(), capacity + padding));
  if (!larger) return false;
  static_cast<void>(data_.release());
  data_.reset(larger);
  prefer_large_pages(larger, capacity);
  capacity_ = capacity;  // what follows size() is zeroed by resize(), once the bytes are there
  return true;
}

void Bytes::resize(std::size_t size) {
  size_ = size;
  std::memset(data_.get() + size, 0, padding);
}

void prefer_large_pages(void* memory, std::size_t size) {
#ifdef MADV_HUGEPAGE
  constexpr std::size_t large = std::size_t{2} << 20;
  if (size < 2 * large) return;
  auto start = (reinterpret_cast<std::uintptr_t>(memory) + large - 1) / large * large;
  auto end = (reinterpret_cast<std::uintptr_t>(memory) + size) / large * large;
  ::madvise(reinterpret_cast<void*>(start), end - start, MADV_HUGEPAGE);
#else
  static_cast<void>(memory), static_cast<void>(size);
#endif
}

std::size_t memory_limit() {
  long pages = ::sysconf(_SC_PHYS_PAGES), size = ::sysconf(_SC_PAGESIZE);
  std::size_t memory = pages > 0 && size > 0
                           ? static_cast<std::size_t>(pages) * static_cast<std::size_t>(size)
                           : std::size_t{1} << 40;
  rlimit space{};
  bool limited = ::getrlimit(RLIMIT_AS, &space) == 0 && space.rlim_cur != RLIM_INFINITY;
  return limited ? std::min<std::size_t>(memory, space.rlim_cur) : memory;
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
  // Of a pipe nobody knows whether anybody will ever write to it, unless the shell has opened it for us.
  bool given = standard_input || (S_ISFIFO(info.st_mode) && path.starts_with("/dev/fd/"));
  if (!S_ISREG(info.st_mode) && (!given || S_ISDIR(info.st_mode)))
    return Error{"read", name,
                 std::string(kind_of(info.st_mode)) + (S_ISFIFO(info.st_mode) ? pipe_hint : "")};
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
  Place place;
  if (Status error = find_place(path, place)) return error;
  return write_at(place, bytes);
}

std::int64_t other_names(const std::string& path) {
  struct stat info;
  bool known = retried("stat", [&] { return ::stat(path.c_str(), &info); }) == 0;
  return known && S_ISREG(info.st_mode) ? static_cast<std::int64_t>(info.st_nlink) - 1 : 0;
}

std::optional<FileIdentity> identity_of(const std::string& path) {
  struct stat info;
  auto of = [&](std::string name) {
    return FileIdentity{static_cast<std::uint64_t>(info.st_dev), static_cast<std::uint64_t>(info.st_ino),
                        std::move(name)};
  };
  bool there =
      retried("stat", [&] { return path == "-" ? ::fstat(0, &info) : ::stat(path.c_str(), &info); }) == 0;
  if (there) return S_ISREG(info.st_mode) ? std::optional(of("")) : std::nullopt;
  std::string target = path;
  if (errno != ENOENT || follow_links(target)) return {};
  std::string name = target.substr(target.rfind('/') + 1);
  bool folder = retried("stat", [&] { return ::stat(folder_of(target).c_str(), &info); }) == 0;
  return folder && !name.empty() ? std::optional(of(std::move(name))) : std::nullopt;
}

Output::Output() = default;
Output::~Output() {
  if (lock_ < 0) return;
  pending_lock.remove();
  pending_lock.is_there = 0;
  ::close(lock_);
}

// The lock is on a file that has the form of a temporary one: who sweeps the folder takes away those of
// processes that have ended, and leaves those that are locked.
Status Output::open(const std::string& path) {
  place_ = std::make_unique<Place>();
  if (Status error = find_place(path, *place_)) return error;
  auto may_create = [&] { return ::faccessat(place_->number(), ".", W_OK | X_OK, AT_EACCESS); };
  if (retried("access", may_create) != 0) return failure("create a file beside", path);
  Hash hash;
  hash.add(place_->name);
  std::string name =
      std::string(temporary_prefix) + std::to_string(hash.value()) + std::string(temporary_suffix);
  for (int attempt = 0; attempt < 5; ++attempt) {
    Descriptor file(retried("open", [&] {
      return ::openat(place_->number(), name.c_str(), O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    }));
    if (!file.valid()) return failure("create a file beside", path);
    if (lock_temporary(file.number())) {
      pending_lock.set(place_->number(), name);
      lock_ = file.release();
      return {};
    }
    ::poll(nullptr, 0, 10);  // it may only have been swept
  }
  return Error{"write", path, "another slope is writing it"};
}

Status Output::write(std::string_view bytes) { return write_at(*place_, bytes); }

namespace {

// Why others than this user could have written what is there; null where they could not.
const char* not_private(const struct stat& info) {
  if (info.st_uid != ::geteuid()) return "belongs to another user";
  if (info.st_mode & (S_IWGRP | S_IWOTH)) return "other users can write to it";
  return nullptr;
}

}  // namespace

Status read_private_file(const std::string& path, std::size_t limit, Bytes& bytes) {
  Descriptor file(retried("open", [&] {
    return ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW);
  }));
  if (!file.valid()) return failure("open", path);
  struct stat info;
  if (retried("stat", [&] { return ::fstat(file.number(), &info); }) != 0) return failure("open", path);
  if (!S_ISREG(info.st_mode)) return Error{"read", path, kind_of(info.st_mode)};
  if (const char* fault = not_private(info)) return Error{"read", path, fault};
  return read_all(file.number(), path, limit, static_cast<std::size_t>(info.st_size), bytes);
}

Status write_private_file(const std::string& path, std::string_view bytes) {
  constexpr mode_t mode = 0600;
  Place place;
  name_place(path, path, place);
  if (Status error = open_folder(place)) return error;
  return replace(place, bytes, {.sync = false, .mode = &mode});
}

namespace {

Status make_folders(const std::string& path) {
  struct stat info;
  if (retried("stat", [&] { return ::stat(path.c_str(), &info); }) == 0) return {};
  if (errno != ENOENT) return failure("create the folder", path);
  std::string above = folder_of(path);
  if (Status error = make_folders(above)) return error;
  if (::geteuid() == 0 && ::stat(above.c_str(), &info) == 0 && info.st_uid != 0)
    return Error{"create the folder", path, "the folder above it belongs to another user"};
  bool made = retried("mkdir", [&] { return ::mkdir(path.c_str(), 0700); }) == 0 || errno == EEXIST;
  return made ? Status{} : failure("create the folder", path);
}

}  // namespace

Status check_private_folder(const std::string& path) {
  struct stat info;
  if (retried("stat", [&] { return ::stat(path.c_str(), &info); }) != 0) return failure("use", path);
  if (!S_ISDIR(info.st_mode)) return Error{"use", path, "it is no folder"};
  const char* fault = not_private(info);
  return fault ? Status(Error{"use", path, fault}) : Status{};
}

Status make_private_folder(const std::string& path) {
  if (Status error = make_folders(path)) return error;
  return check_private_folder(path);
}

Status list_files(const std::string& folder, std::vector<FileFacts>& files) {
  std::unique_ptr<DIR, int (*)(DIR*)> opened(faulty("opendir") ? nullptr : ::opendir(folder.c_str()),
                                             ::closedir);
  if (!opened) return errno == ENOENT || errno == ENOTDIR ? Status{} : failure("list", folder);
  sweep_folder(::dirfd(opened.get()), folder);
  while (dirent* entry = ::readdir(opened.get())) {
    struct stat info;
    if (::fstatat(::dirfd(opened.get()), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0) continue;  // gone
    if (!S_ISREG(info.st_mode)) continue;
    auto nanoseconds = [](const timespec& t) { return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec; };
    files.push_back({entry->d_name, static_cast<std::uint64_t>(info.st_size),
                     std::max(nanoseconds(info.st_mtim), nanoseconds(info.st_atim))});
  }
  return {};
}

Status remove_file(const std::string& path) {
  if (retried("unlink", [&] { return ::unlink(path.c_str()); }) == 0 || errno == ENOENT) return {};
  return failure("remove", path);
}

namespace {

struct BuildIdSearch {
  std::uintptr_t code;
  std::string id;
};

bool holds(const dl_phdr_info& object, std::uintptr_t code) {
  for (int i = 0; i < object.dlpi_phnum; ++i) {
    const ElfW(Phdr)& part = object.dlpi_phdr[i];
    std::uintptr_t begin = object.dlpi_addr + part.p_vaddr;
    if (part.p_type == PT_LOAD && code >= begin && code - begin < part.p_memsz) return true;
  }
  return false;
}

// The descriptor of the note NT_GNU_BUILD_ID of the owner "GNU" in a run of notes, or "".
std::string_view find_build_id(std::string_view notes) {
  auto padded = [](std::size_t n) { return (n + 3) / 4 * 4; };
  ElfW(Nhdr) note;
  while (notes.size() >= sizeof note) {
    std::memcpy(&note, notes.data(), sizeof note);
    notes.remove_prefix(sizeof note);
    std::size_t name = padded(note.n_namesz), descriptor = padded(note.n_descsz);
    if (name + descriptor > notes.size()) return "";
    if (note.n_type == NT_GNU_BUILD_ID && notes.substr(0, note.n_namesz) == std::string_view("GNU", 4))
      return notes.substr(name, note.n_descsz);
    notes.remove_prefix(name + descriptor);
  }
  return "";
}

int look_into(dl_phdr_info* object, std::size_t, void* argument) {
  auto& search = *static_cast<BuildIdSearch*>(argument);
  if (!holds(*object, search.code)) return 0;
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const ElfW(Phdr)& part = object->dlpi_phdr[i];
    if (part.p_type != PT_NOTE || part.p_align > 4) continue;  // notes aligned to 8 are padded otherwise
    std::string_view notes(reinterpret_cast<const char*>(object->dlpi_addr + part.p_vaddr), part.p_memsz);
    for (char c : find_build_id(notes)) {
      auto byte = static_cast<unsigned char>(c);
      search.id += "0123456789abcdef"[byte >> 4];
      search.id += "0123456789abcdef"[byte & 15];
    }
  }
  return 1;
}

}  // namespace

std::string build_id(const void* code) {
  BuildIdSearch search{reinterpret_cast<std::uintptr_t>(code), ""};
  ::dl_iterate_phdr(look_into, &search);
  return search.id;
}

void remove_pending() {
  pending_file.remove();
  pending_lock.remove();
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

int terminal_width(int descriptor) {
  winsize size{};
  return ::ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

bool is_foreground(int descriptor) { return ::tcgetpgrp(descriptor) == ::getpgrp(); }

bool is_utf8_locale() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"})
    if (const char* value = std::getenv(name); value && *value) {
      std::string text = value;
      std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
      return text.find("utf-8") != std::string::npos || text.find("utf8") != std::string::npos;
    }
  return false;
}

LineFile::~LineFile() { close(); }

Status LineFile::open(const std::string& path, std::size_t keep) {
  path_ = path;
  descriptor_ = retried("open", [&] {
    return ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0666);
  });
  if (descriptor_ < 0) return failure("open", path);
  ::fcntl(descriptor_, F_SETFL, O_APPEND);  // without O_NONBLOCK, which only kept a pipe from waiting
  struct stat info;
  if (retried("stat", [&] { return ::fstat(descriptor_, &info); }) != 0) return failure("open", path);
  if (!S_ISREG(info.st_mode)) return {};
  // Some file systems have no locks.
  if (retried("flock", [&] { return ::flock(descriptor_, LOCK_EX | LOCK_NB); }) != 0 && errno == EWOULDBLOCK)
    return Error{"write", path, "another slope is writing it"};
  if (static_cast<std::size_t>(info.st_size) <= keep) return {};
  if (retried("ftruncate", [&] { return ::ftruncate(descriptor_, static_cast<off_t>(keep)); }) != 0)
    return failure("shorten", path);
  return {};
}

Status LineFile::append(std::string_view line) { return write_all(descriptor_, line, path_); }

void LineFile::close() {
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
}

Size terminal_size(int descriptor) {
  winsize size{};
  if (::ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return {};
  return {size.ws_col, size.ws_row};
}

void set_fault_hook(FaultHook hook) { fault_hook = hook; }

}  // namespace slope::os
