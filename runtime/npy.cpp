// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/npy.h"

#include <fmt/format.h>

#include <bit>
#include <charconv>
#include <cstring>

#include "base/text.h"

namespace slope {

namespace {

constexpr std::string_view magic = "\x93NUMPY";
constexpr std::size_t most_axes = 32;  // as NumPy itself has it

// The dictionary's text, `{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }`, entry by entry.
class Dictionary {
 public:
  explicit Dictionary(std::string_view text) : text_(text) {}

  // The reason why it cannot be read, or "".
  std::string read(ArrayHeader& header) {
    if (!take('{')) return "it is no dictionary";
    bool order = false, type = false, shape = false;
    while (!take('}')) {
      auto key = quoted();
      if (!key || !take(':')) return "an entry has no name";
      bool* seen = *key == "descr"           ? &type
                   : *key == "fortran_order" ? &order
                   : *key == "shape"         ? &shape
                                             : nullptr;
      if (!seen) return fmt::format("it has an entry `{}`", escaped(*key, 40));
      if (std::exchange(*seen, true)) return fmt::format("`{}` stands in it twice", *key);
      std::string fault = *key == "descr"   ? read_type(header)
                          : *key == "shape" ? read_shape(header)
                                            : read_order(header);
      if (!fault.empty()) return fault;
      if (!take(',') && peek() != '}') return "a comma is missing";
    }
    if (peek()) return "something stands behind it";
    return order && type && shape ? "" : "it must have descr, fortran_order and shape";
  }

 private:
  char peek() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t')) ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool take(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  std::optional<std::string> quoted() {
    char quote = peek();
    if (quote != '\'' && quote != '"') return {};
    std::size_t end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) return {};
    std::string out(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    return out;
  }
  bool word(std::string_view wanted) {
    peek();
    if (!text_.substr(at_).starts_with(wanted)) return false;
    at_ += wanted.size();
    return true;
  }

  std::string read_order(ArrayHeader& header) {
    if (word("False")) return "";
    header.fortran_order = true;
    return word("True") ? "" : "fortran_order is neither True nor False";
  }

  // A letter for the order of the bytes, one for the kind, the size in bytes.
  std::string read_type(ArrayHeader& header) {
    if (peek() == '[') return "its elements are records of several fields: save one field of them";
    auto type = quoted();
    if (!type) return "descr is no text";
    constexpr struct {
      std::string_view name;
      Element element;
    } known[] = {{"b1", Element::boolean}, {"u1", Element::u8},  {"i1", Element::i8},  {"u2", Element::u16},
                 {"i2", Element::i16},     {"u4", Element::u32}, {"i4", Element::i32}, {"u8", Element::u64},
                 {"i8", Element::i64},     {"f4", Element::f32}, {"f8", Element::f64}};
    std::string_view rest = *type;
    char order = rest.empty() ? '\0' : rest[0];
    header.big_endian = order == '>';
    if (order == '<' || order == '>' || order == '|' || order == '=') rest.remove_prefix(1);
    for (const auto& [name, element] : known)
      if (rest == name) {
        header.element = element;
        return "";
      }
    return fmt::format("its elements are of type `{}`: f4, f8, i1 to i8, u1 to u8 and b1 are read",
                       escaped(*type, 40));
  }

  std::string read_shape(ArrayHeader& header) {
    if (!take('(')) return "shape is no tuple";
    while (!take(')')) {
      peek();
      std::int64_t n = 0;
      const char* end = text_.data() + text_.size();
      auto [stop, fault] = std::from_chars(text_.data() + at_, end, n);
      if (fault == std::errc::result_out_of_range) n = INT64_MAX;  // refused with the sizes
      else if (fault != std::errc() || n < 0) return "an axis of shape is no whole number";
      at_ = static_cast<std::size_t>(stop - text_.data());
      if (at_ < text_.size() && text_[at_] == 'L') ++at_;  // of Python 2
      header.axes.push_back(n);
      if (header.axes.size() > most_axes) return fmt::format("it has more than {} axes", most_axes);
      if (!take(',') && peek() != ')') return "shape is no tuple";
    }
    return "";
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

// Little-endian.
std::size_t read_length(std::string_view bytes) {
  std::size_t length = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) length = length << 8 | static_cast<unsigned char>(bytes[i]);
  return length;
}

}  // namespace

bool is_npy(std::string_view bytes) { return bytes.starts_with(magic); }

std::optional<ArrayHeader> read_npy_header(std::string_view bytes, const std::string& path,
                                           Diagnostics& diagnostics) {
  auto refused = [&](std::string message) {
    array_error(Code::bad_data_file, path, std::move(message), diagnostics);
    return std::nullopt;
  };
  constexpr std::size_t version_at = 6, length_at = 8;
  if (bytes.size() < length_at + 2) return refused("the file is cut short: it ends in the NumPy header");
  auto version = static_cast<unsigned char>(bytes[version_at]);
  if (version < 1 || version > 3)
    return refused(fmt::format("a NumPy array of version {}: 1 to 3 are read", version));
  std::size_t length_size = version == 1 ? 2 : 4, text_at = length_at + length_size;
  std::size_t length = bytes.size() < text_at ? SIZE_MAX : read_length(bytes.substr(length_at, length_size));
  if (length > bytes.size() - std::min(bytes.size(), text_at))
    return refused("the file is cut short: it ends in the NumPy header");
  ArrayHeader header;
  if (std::string fault = Dictionary(bytes.substr(text_at, length)).read(header); !fault.empty())
    return refused("the header of the NumPy array cannot be read: " + fault);
  header.begin = text_at + length;
  if (!check_array(header, bytes.size(), path, diagnostics)) return {};
  return header;
}

std::string npy(std::span<const double> values, std::span<const std::int64_t> axes, bool single) {
  static_assert(std::endian::native == std::endian::little);
  std::string shape;
  for (std::int64_t n : axes) shape += fmt::format("{}, ", n);
  if (axes.size() > 1) shape.resize(shape.size() - 2);
  else if (axes.size() == 1) shape.resize(shape.size() - 1);
  std::string text = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}",
                                 single ? "<f4" : "<f8", shape);
  // Blanks and a line end, so that the numbers begin at a multiple of 64 bytes.
  constexpr std::size_t before = 10, together = 64;
  text.append(together - 1 - (before + text.size()) % together, ' ').append("\n");
  std::string out(magic);
  out.append({'\x01', '\0', static_cast<char>(text.size() & 0xFF), static_cast<char>(text.size() >> 8)});
  out += text;
  std::size_t begin = out.size(), each = single ? sizeof(float) : sizeof(double);
  out.resize(begin + values.size() * each);
  for (std::size_t i = 0; i < values.size(); ++i) {
    auto number = static_cast<float>(values[i]);
    const void* from = single ? static_cast<const void*>(&number) : &values[i];
    std::memcpy(out.data() + begin + i * each, from, each);
  }
  return out;
}

}  // namespace slope
