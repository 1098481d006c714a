// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/gzip.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <limits>

namespace slope {

namespace {

constexpr std::size_t most_ratio = 1032;  // of unpacked to packed bytes: deflate codes 258 bytes in two bits

os::Error unreadable(const std::string& path, std::string reason) {
  return {"read", path, "compressed with gzip, but " + std::move(reason)};
}
os::Error out_of_memory(const std::string& path) { return {"unpack", path, "out of memory", true}; }

// zlib counts in 32 bits.
uInt part_of(std::size_t size) {
  return static_cast<uInt>(std::min<std::size_t>(size, std::numeric_limits<uInt>::max()));
}

class Inflater {
 public:
  Inflater(std::string_view packed, const std::string& path) : left_(packed), path_(path) {
    // 16: the gzip format and nothing else; it checks the sums that members end with.
    ready_ = inflateInit2(&stream_, 15 + 16) == Z_OK;
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater() { inflateEnd(&stream_); }

  bool done() const { return done_; }
  // Unpacks up to `room` bytes; `got` is how many.
  os::Status read(char* to, std::size_t room, std::size_t& got) {
    got = 0;
    if (!ready_) return out_of_memory(path_);
    stream_.next_out = reinterpret_cast<Bytef*>(to);
    stream_.avail_out = part_of(room);
    const std::size_t asked = stream_.avail_out;
    while (stream_.avail_out > 0 && !done_)
      if (os::Status error = step()) return error;
    got = asked - stream_.avail_out;
    return {};
  }

 private:
  os::Status step() {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(left_.data()));
    const std::size_t given = stream_.avail_in = part_of(left_.size());
    int result = inflate(&stream_, Z_NO_FLUSH);
    left_.remove_prefix(given - stream_.avail_in);
    if (result == Z_STREAM_END) return next_member();
    if (result == Z_BUF_ERROR || (result == Z_OK && left_.empty() && stream_.avail_out > 0))
      return unreadable(path_, "it ends in the middle: the file was cut off");
    if (result == Z_MEM_ERROR) return out_of_memory(path_);
    if (result != Z_OK) return unreadable(path_, "it is damaged");
    return {};
  }
  os::Status next_member() {
    done_ = left_.find_first_not_of('\0') == std::string_view::npos;
    if (!done_ && !is_gzip(left_)) return unreadable(path_, "something else follows the compressed data");
    inflateReset(&stream_);
    return {};
  }

  z_stream stream_{};
  std::string_view left_;
  const std::string& path_;
  bool ready_ = false, done_ = false;
};

os::Error too_large(const std::string& path, std::size_t limit) {
  return {"unpack", path, "it holds more than the limit of " + std::to_string(limit) + " bytes", true};
}

// How much there is, for what may hold more than memory does.
os::Status check_size(std::string_view packed, const std::string& path, std::size_t limit) {
  Inflater inflater(packed, path);
  std::array<char, 1 << 16> ignored;
  for (std::size_t size = 0, got = 0; !inflater.done(); size += got) {
    if (os::Status error = inflater.read(ignored.data(), ignored.size(), got)) return error;
    if (got > limit - size) return too_large(path, limit);
  }
  return {};
}

}  // namespace

bool is_gzip(std::string_view bytes) { return bytes.starts_with("\x1F\x8B"); }

os::Status unpack_gzip(std::string_view packed, const std::string& path, std::size_t limit,
                       os::Bytes& bytes) {
  if (packed.size() > limit / most_ratio)
    if (os::Status error = check_size(packed, path, limit)) return error;
  Inflater inflater(packed, path);
  std::size_t size = 0, got = 0;
  for (std::size_t room = 4 * packed.size() + 4096; !inflater.done(); room = 2 * size) {
    if (!bytes.grow(room)) return out_of_memory(path);
    for (; size < room && !inflater.done(); size += got)
      if (os::Status error = inflater.read(bytes.data() + size, room - size, got)) return error;
  }
  bytes.resize(size);
  return {};
}

}  // namespace slope
