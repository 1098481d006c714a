// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "runtime/idx.h"

namespace slope {

namespace {

std::optional<Element> element_of(char type) {
  switch (type) {
    case 0x08: return Element::u8;
    case 0x09: return Element::i8;
    case 0x0B: return Element::i16;
    case 0x0C: return Element::i32;
    case 0x0D: return Element::f32;
    case 0x0E: return Element::f64;
    default: return {};
  }
}

}  // namespace

bool is_idx(std::string_view bytes) {
  return bytes.size() >= 4 && bytes[0] == 0 && bytes[1] == 0 && element_of(bytes[2]) && bytes[3] > 0;
}

std::optional<ArrayHeader> read_idx_header(std::string_view bytes, const std::string& path,
                                           Diagnostics& diagnostics) {
  ArrayHeader header;
  header.element = element_of(bytes[2]).value();
  header.big_endian = true;
  auto axes = static_cast<std::size_t>(bytes[3]);
  header.begin = 4 + 4 * axes;
  if (bytes.size() < header.begin) {
    array_error(Code::bad_data_file, path, "the file is cut short: it ends in the IDX header", diagnostics);
    return {};
  }
  for (std::size_t axis = 0; axis < axes; ++axis) {
    std::int64_t n = 0;
    for (std::size_t i = 0; i < 4; ++i) n = n << 8 | static_cast<unsigned char>(bytes[4 + 4 * axis + i]);
    header.axes.push_back(n);
  }
  if (!check_array(header, bytes.size(), path, diagnostics)) return {};
  return header;
}

}  // namespace slope
