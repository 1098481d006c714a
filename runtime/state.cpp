// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The public safetensors layout: 8 bytes little-endian length N, N bytes of JSON (padded with spaces so that
// the numbers are aligned), then the numbers of all tensors without gaps. Larger types come first, then names
// in order: the same state gives the same bytes, and every tensor is aligned.
//
// The JSON begins with `{"__metadata__":{"slope/checksum":"` and 16 hexadecimal digits: the hash of the whole
// file in which these digits are '0'. As the place is fixed, nothing has to be parsed, or trusted, before the
// check.
#include "runtime/state.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <span>

#include "base/ending.h"
#include "base/hash.h"
#include "base/os.h"
#include "base/text.h"

namespace slope {

namespace {

using Json = nlohmann::ordered_json;

static_assert(std::endian::native == std::endian::little, "numbers are copied as they lie in memory");

constexpr std::string_view metadata_key = "__metadata__", checksum_key = "slope/checksum",
                           version_key = "slope/version";
constexpr std::string_view version = "1";
constexpr std::string_view opening = R"({"__metadata__":{"slope/checksum":")";
constexpr std::size_t digits = Hash::digits, digits_at = 8 + opening.size();
constexpr std::string_view no_checksum = "0000000000000000";

std::string checksum(std::string_view file) {
  Hash hash;
  hash.add(file.substr(0, digits_at));
  hash.add(no_checksum);
  hash.add(file.substr(digits_at + digits));
  return hash.text();
}

std::size_t size_of(const Tensor& tensor) { return tensor.values.size() * (tensor.single ? 4 : 8); }

void check(const State& state) {
  std::set<std::string_view> names;
  for (const Tensor& tensor : state.tensors) {
    std::int64_t count = 1;
    for (std::int64_t extent : tensor.shape) count *= extent;
    if (count != static_cast<std::int64_t>(tensor.values.size()))
      internal_error("the values of `" + tensor.name + "` do not fill its shape");
    if (tensor.name == metadata_key || !names.insert(tensor.name).second)
      internal_error("`" + tensor.name + "` cannot be a name in a state file, or is there twice");
  }
}

std::vector<const Tensor*> in_file_order(const State& state) {
  std::vector<const Tensor*> order;
  for (const Tensor& tensor : state.tensors) order.push_back(&tensor);
  std::sort(order.begin(), order.end(), [](const Tensor* a, const Tensor* b) {
    return a->single != b->single ? b->single : a->name < b->name;
  });
  return order;
}

std::string header_of(const State& state, const std::vector<const Tensor*>& order) {
  Json metadata = Json::object();
  metadata[std::string(checksum_key)] = no_checksum;
  metadata[std::string(version_key)] = version;
  for (const auto& [key, value] : state.metadata)
    if (key != checksum_key && key != version_key) metadata[key] = value;
  Json header = Json::object();
  header[std::string(metadata_key)] = metadata;
  std::size_t offset = 0;
  for (const Tensor* tensor : order) {
    std::size_t end = offset + size_of(*tensor);
    header[tensor->name] = {
        {"dtype", tensor->single ? "F32" : "F64"}, {"shape", tensor->shape}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  // What is not UTF-8 (a path, say) would make it throw; it becomes U+FFFD.
  std::string text = header.dump(-1, ' ', false, Json::error_handler_t::replace);
  text.append((8 - text.size() % 8) % 8, ' ');
  return text;
}

void append_values(std::string& file, const Tensor& tensor) {
  if (!tensor.single) {
    file.append(reinterpret_cast<const char*>(tensor.values.data()), size_of(tensor));
    return;
  }
  for (double value : tensor.values) {
    auto single = static_cast<float>(value);
    char bytes[4];
    std::memcpy(bytes, &single, 4);
    file.append(bytes, 4);
  }
}

enum class Writer { slope, anybody };

// A type of numbers in a file, by its name there.
struct Type {
  std::string_view name;
  std::size_t bytes;
  double (*read)(const char*);
};

double read_half(const char* bytes) {
  std::uint16_t bits;
  std::memcpy(&bits, bytes, sizeof bits);
  int exponent = bits >> 10 & 31, fraction = bits & 1023;
  double size = exponent == 31  ? (fraction ? std::numeric_limits<double>::quiet_NaN()
                                            : std::numeric_limits<double>::infinity())
                : exponent == 0 ? std::ldexp(fraction, -24)
                                : std::ldexp(1024 + fraction, exponent - 25);
  return bits >> 15 ? -size : size;
}

// The upper half of a float.
double read_brain(const char* bytes) {
  std::uint16_t bits;
  std::memcpy(&bits, bytes, sizeof bits);
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

template <class T>
double read_float(const char* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

constexpr Type types[] = {{"F64", 8, read_float<double>},
                          {"F32", 4, read_float<float>},
                          {"F16", 2, read_half},
                          {"BF16", 2, read_brain}};
constexpr std::size_t own_types = 2;  // the first so many are those that slope writes

// Reads one file whose checksum, where it has one, is right. It may still have been made by hand, so nothing
// in it is taken on trust; the first thing wrong is kept in `reason`.
class Loader {
 public:
  Loader(std::string_view file, Writer writer) : file_(file), writer_(writer) {}
  std::optional<State> load();
  const std::string& reason() const { return reason_; }
  bool is_of_others() const { return of_others_; }  // and only those of slope are wanted

 private:
  bool fail(std::string reason) {
    reason_ = std::move(reason);
    return false;
  }
  bool check_frame();
  bool check_own_frame();
  bool read_length(std::uint64_t& length);
  const Type* type_of(std::string_view name) const;
  bool read_metadata(const Json& metadata, State& state);
  bool check_foreign_metadata(const Json& metadata);
  bool read_tensor(const std::string& name, const Json& entry, State& state);
  bool read_shape(const Json& shape, Tensor& tensor, std::uint64_t& count);
  bool check_no_gaps();
  struct Extent {
    std::uint64_t begin, end;
    const Type* type;  // null: not read
  };
  void read_values(Tensor& tensor, Extent extent);

  std::string_view file_, header_, data_;
  Writer writer_;
  bool of_others_ = false;
  std::vector<Extent> extents_;  // of state.tensors, in that order
  std::string reason_;
};

bool Loader::read_length(std::uint64_t& length) {
  std::memcpy(&length, file_.data(), sizeof length);
  return length <= file_.size() - 8 ||
         fail("its header claims " + std::to_string(length) + " bytes, but the file has only " +
              std::to_string(file_.size()) + "; it is cut off or damaged");
}

bool Loader::check_frame() {
  if (file_.empty()) return fail("the file is empty");
  std::string_view start = file_.substr(std::min<std::size_t>(8, file_.size()));
  if (start.substr(0, opening.size()) == opening.substr(0, start.size())) {
    writer_ = Writer::slope;
    if (!check_own_frame()) return false;
  } else if (!start.starts_with('{')) {
    return fail("it is not a safetensors file");
  } else if (writer_ == Writer::slope) {
    of_others_ = true;
    return fail("it may be a safetensors file, but it was not written by slope, or its header is damaged");
  }
  std::uint64_t length = 0;
  if (!read_length(length)) return false;
  header_ = file_.substr(8, length);
  data_ = file_.substr(8 + length);
  return true;
}

bool Loader::check_own_frame() {
  constexpr std::size_t least = digits_at + digits;
  if (file_.size() < least)
    return fail("the file is cut off after " + std::to_string(file_.size()) + " bytes");
  std::uint64_t length = 0;
  if (!read_length(length)) return false;
  if (length % 8 != 0 || length < least - 8) return fail("the length of its header is wrong");
  return file_.substr(digits_at, digits) == checksum(file_) ||
         fail("its checksum does not match its contents; it is cut off or was changed after it was written");
}

bool Loader::read_metadata(const Json& metadata, State& state) {
  if (!metadata.is_object()) return fail("its metadata are not an object");
  std::string found;
  for (const auto& [key, value] : metadata.items()) {
    if (!value.is_string()) return fail("its metadata `" + escaped(key, 40) + "` are not a text");
    if (key == version_key) found = value.get<std::string>();
    else if (key != checksum_key) state.metadata[key] = value.get<std::string>();
  }
  if (found == version) return true;
  if (found.empty()) return fail("it does not tell the version of its form");
  return fail("it is written in version " + escaped(found, 20) + " of the form, this slope reads version " +
              std::string(version) + "; a newer slope is needed");
}

// A file of ours in whose beginning a bit has flipped is no file of others.
bool Loader::check_foreign_metadata(const Json& metadata) {
  if (!metadata.is_object()) return fail("its metadata are not an object");
  for (const auto& [key, value] : metadata.items())
    if (key.starts_with("slope/"))
      return fail("it has the metadata of slope, but does not begin as its files do; it is damaged");
  return true;
}

bool Loader::read_shape(const Json& shape, Tensor& tensor, std::uint64_t& count) {
  if (!shape.is_array()) return fail("`" + escaped(tensor.name, 60) + "` has no shape");
  count = 1;
  for (const Json& extent : shape) {
    if (!extent.is_number_unsigned())
      return fail("`" + escaped(tensor.name, 60) + "` has an extent that is no count");
    auto size = extent.get<std::uint64_t>();
    // The file bounds every count: what exceeds it would overflow or exhaust memory.
    if (size > file_.size() || (size > 0 && count > file_.size() / size))
      return fail("`" + escaped(tensor.name, 60) + "` claims more numbers than the file can hold");
    count *= size;
    tensor.shape.push_back(static_cast<std::int64_t>(size));
  }
  return true;
}

bool Loader::read_tensor(const std::string& name, const Json& entry, State& state) {
  std::string quoted = "`" + escaped(name, 60) + "`";
  Tensor tensor;
  tensor.name = name;
  if (!entry.is_object() || !entry.contains("dtype") || !entry.contains("shape") ||
      !entry.contains("data_offsets"))
    return fail(quoted + " lacks a dtype, a shape or data_offsets");
  const Json &dtype = entry["dtype"], &offsets = entry["data_offsets"];
  const Type* type = dtype.is_string() ? type_of(dtype.get<std::string>()) : nullptr;
  if (!type && !(writer_ == Writer::anybody && dtype.is_string()))
    return fail(quoted + " is of type " +
                escaped(dtype.dump(-1, ' ', true, Json::error_handler_t::replace), 20) + ", not F32 or F64");
  tensor.single = type != types;
  if (!type) tensor.other_type = escaped(dtype.get<std::string>(), 20);
  std::uint64_t count = 0;
  if (!read_shape(entry["shape"], tensor, count)) return false;
  if (!offsets.is_array() || offsets.size() != 2 || !offsets[0].is_number_unsigned() ||
      !offsets[1].is_number_unsigned())
    return fail(quoted + " has no two data_offsets");
  auto begin = offsets[0].get<std::uint64_t>(), end = offsets[1].get<std::uint64_t>();
  if (begin > end || end > data_.size()) return fail(quoted + " lies outside the file");
  if (type && end - begin != count * type->bytes)
    return fail(quoted + " has a size that does not fit its shape");
  extents_.push_back({begin, end, type});
  state.tensors.push_back(std::move(tensor));
  return true;
}

const Type* Loader::type_of(std::string_view name) const {
  for (const Type& type : std::span(types).first(writer_ == Writer::slope ? own_types : std::size(types)))
    if (type.name == name) return &type;
  return nullptr;
}

bool Loader::check_no_gaps() {
  std::vector<Extent> sorted = extents_;
  std::sort(sorted.begin(), sorted.end(),
            [](Extent a, Extent b) { return a.begin != b.begin ? a.begin < b.begin : a.end < b.end; });
  std::uint64_t at = 0;
  for (Extent extent : sorted) {
    if (extent.begin != at) return fail("its tensors overlap or leave gaps");
    at = extent.end;
  }
  return at == data_.size() || fail("it has bytes that belong to no tensor");
}

// Only after the check above: as no two tensors share bytes, memory stays in proportion to the file.
void Loader::read_values(Tensor& tensor, Extent extent) {
  if (!extent.type) return;
  const char* bytes = data_.data() + extent.begin;
  std::size_t width = extent.type->bytes;
  tensor.values.resize((extent.end - extent.begin) / width);
  for (std::size_t i = 0; i < tensor.values.size(); ++i)
    tensor.values[i] = extent.type->read(bytes + width * i);
}

std::optional<State> Loader::load() {
  if (!check_frame()) return {};
  Json header = Json::parse(header_, nullptr, false);
  if (!header.is_object()) {
    fail("its header is not JSON");
    return {};
  }
  State state;
  for (const auto& [name, entry] : header.items()) {
    bool good = name != metadata_key       ? read_tensor(name, entry, state)
                : writer_ == Writer::slope ? read_metadata(entry, state)
                                           : check_foreign_metadata(entry);
    if (!good) return {};
  }
  if (!check_no_gaps()) return {};
  for (std::size_t i = 0; i < state.tensors.size(); ++i) read_values(state.tensors[i], extents_[i]);
  return state;
}

}  // namespace

const Tensor* State::find(std::string_view name) const {
  for (const Tensor& tensor : tensors)
    if (tensor.name == name) return &tensor;
  return nullptr;
}

namespace {

std::string bytes_of(const State& state) {
  check(state);
  std::vector<const Tensor*> order = in_file_order(state);
  std::string header = header_of(state, order), file;
  std::size_t total = 8 + header.size();
  for (const Tensor* tensor : order) total += size_of(*tensor);
  file.reserve(total);
  for (std::uint64_t i = 0, length = header.size(); i < 8; ++i)
    file += static_cast<char>(length >> 8 * i & 255);
  file += header;
  for (const Tensor* tensor : order) append_values(file, *tensor);
  file.replace(digits_at, digits, checksum(file));
  return file;
}

bool told(const os::Status& error, Diagnostics& diagnostics) {
  if (error) diagnostics.error(Code::cannot_write, error->message());
  return !error;
}

}  // namespace

bool save(const State& state, const std::string& path, Diagnostics& diagnostics) {
  Activity saving("saving the state");
  return told(os::write_file(path, bytes_of(state)), diagnostics);
}

bool save(const State& state, os::Output& output, Diagnostics& diagnostics) {
  Activity saving("saving the state");
  return told(output.write(bytes_of(state)), diagnostics);
}

namespace {

std::optional<State> load(const std::string& path, Writer writer, Diagnostics& diagnostics) {
  Activity loading("loading the state");
  os::Bytes bytes;
  if (os::Status error = os::read_file(path, os::memory_limit(), bytes)) {
    Diagnostic& d =
        diagnostics.error(error->too_large ? Code::too_large : Code::cannot_open, error->message());
    if (error->missing)
      d.helps.push_back("`slope train MODEL` makes such a file, beside the model or where `--save` says");
    return {};
  }
  Loader loader(bytes.view(), writer);
  std::optional<State> state = loader.load();
  if (state) return state;
  Diagnostic& d = diagnostics.error(Code::damaged_state,
                                    "cannot use the state file `" + escaped(path) + "`: " + loader.reason());
  if (loader.is_of_others())
    d.helps.push_back("`slope train MODEL --init " + escaped(path) +
                      "` starts a run from the parameters in it, by name");
  return {};
}

}  // namespace

std::optional<State> load(const std::string& path, Diagnostics& diagnostics) {
  return load(path, Writer::slope, diagnostics);
}

std::optional<State> load_numbers(const std::string& path, Diagnostics& diagnostics) {
  return load(path, Writer::anybody, diagnostics);
}

}  // namespace slope
