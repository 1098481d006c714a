// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "base/cache.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "base/hash.h"

namespace slope {

namespace {

constexpr std::string_view suffix = ".entry";

// What a file begins with; then the key and the value, each from a multiple of 16 bytes on, with zeros
// between.
struct Header {
  char magic[8];
  std::uint64_t version;
  std::uint64_t key_size, value_size;
  std::uint64_t checksum;  // of the sizes, the key and the value
  std::uint64_t zero;
};
constexpr Header current{{'s', 'l', 'o', 'p', 'e', 'o', 'b', 'j'}, 1, 0, 0, 0, 0};
static_assert(sizeof(Header) == 48);

constexpr std::uint64_t padded(std::uint64_t size) { return (size + 15) / 16 * 16; }

std::uint64_t checksum(std::string_view key, std::string_view value) {
  Hash hash;
  hash.add(key);
  hash.add(value);
  return hash.value();
}

std::string hash_text(std::string_view key) {
  Hash hash;
  hash.add(key);
  return hash.text();
}

bool is_entry(std::string_view name) {
  if (name.size() != Hash::digits + suffix.size() || !name.ends_with(suffix)) return false;
  return name.substr(0, Hash::digits).find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// The value of a whole and unharmed entry of this key.
std::optional<std::string_view> value_in(std::string_view file, std::string_view key) {
  Header header;
  if (file.size() < sizeof header) return {};
  std::memcpy(&header, file.data(), sizeof header);
  if (std::memcmp(header.magic, current.magic, sizeof header.magic) != 0) return {};
  if (header.version != current.version || header.key_size != key.size()) return {};
  std::uint64_t begin = sizeof header + padded(key.size());
  if (file.size() < begin || file.size() - begin != header.value_size) return {};
  std::string_view value = file.substr(begin);
  if (file.substr(sizeof header, key.size()) != key || header.checksum != checksum(key, value)) return {};
  return value;
}

}  // namespace

std::string Cache::path(std::string_view key) const {
  return folder_ + "/" + hash_text(key) + std::string(suffix);
}

std::optional<Cache::Found> Cache::find(std::string_view key) const {
  if (!in_use() || os::check_private_folder(folder_)) return {};
  Found found;
  if (os::read_private_file(path(key), limits_.bytes, found.file)) return {};
  auto value = value_in(found.file.view(), key);
  if (!value) return {};
  found.value = *value;
  return found;
}

os::Status Cache::keep(std::string_view key, std::string_view value) const {
  if (!in_use() || value.size() > limits_.bytes / 8) return {};
  Header header = current;
  header.key_size = key.size();
  header.value_size = value.size();
  header.checksum = checksum(key, value);
  std::string file(sizeof header + padded(key.size()) + value.size(), '\0');
  std::memcpy(file.data(), &header, sizeof header);
  std::memcpy(file.data() + sizeof header, key.data(), key.size());
  std::memcpy(file.data() + sizeof header + padded(key.size()), value.data(), value.size());
  if (os::Status error = os::make_private_folder(folder_)) return error;
  if (os::Status error = os::write_private_file(path(key), file)) return error;
  // No counter is kept between runs: the keys' hashes are as good as dice.
  bool due = header.checksum % limits_.writes == 0;
  return due ? trim() : os::Status{};
}

os::Status Cache::entries(std::vector<os::FileFacts>& files) const {
  if (!in_use()) return {};
  os::Status error = os::list_files(folder_, files);
  std::erase_if(files, [](const os::FileFacts& file) { return !is_entry(file.name); });
  return error;
}

os::Status Cache::trim() const {
  std::vector<os::FileFacts> files;
  if (os::Status error = entries(files)) return error;
  std::uint64_t bytes = 0;
  for (const os::FileFacts& file : files) bytes += file.bytes;
  std::size_t left = files.size();
  if (bytes <= limits_.bytes && left <= limits_.entries) return {};
  std::sort(files.begin(), files.end(),
            [](const os::FileFacts& a, const os::FileFacts& b) { return a.last_used < b.last_used; });
  // Down to three quarters, so that the next write does not have to do it again.
  for (const os::FileFacts& file : files) {
    if (bytes <= limits_.bytes * 3 / 4 && left <= limits_.entries * 3 / 4) break;
    if (os::Status error = os::remove_file(folder_ + "/" + file.name)) return error;
    bytes -= file.bytes;
    --left;
  }
  return {};
}

os::Status Cache::count(Contents& contents) const {
  std::vector<os::FileFacts> files;
  os::Status error = entries(files);
  contents.entries = files.size();
  for (const os::FileFacts& file : files) contents.bytes += file.bytes;
  return error;
}

os::Status Cache::clean(Contents& removed) const {
  std::vector<os::FileFacts> files;
  if (os::Status error = entries(files)) return error;
  for (const os::FileFacts& file : files) {
    if (os::Status error = os::remove_file(folder_ + "/" + file.name)) return error;
    ++removed.entries;
    removed.bytes += file.bytes;
  }
  return {};
}

std::string user_cache_folder() {
  auto full_path = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value && *value == '/' ? value : "");
  };
  if (std::string folder = full_path("XDG_CACHE_HOME"); !folder.empty()) return folder + "/slope";
  std::string home = full_path("HOME");
  return home.empty() ? "" : home + "/.cache/slope";
}

}  // namespace slope
