// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The text of a model and places in it. A place is a byte offset; lines and columns are found only for
// printing.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace slope {

// Bytes [begin, end) of one source text. `begin == end` marks a point.
// `file` tells which text: 0 is the model, others are prelude_file or what `use` brought in.
struct Span {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  std::uint32_t file = 0;
  friend bool operator==(Span, Span) = default;
};

inline constexpr std::uint32_t prelude_file = 0xFFFFFFFF;

inline Span join(Span a, Span b) {
  return {a.begin < b.begin ? a.begin : b.begin, a.end > b.end ? a.end : b.end, a.file};
}

// 1-based. The column counts bytes from the line's start, as compilers do.
struct Position {
  int line = 1;
  int column = 1;
};

// A named text. LF, CR LF and a lone CR each end a line; a UTF-8 byte order mark at the start is dropped.
class Source {
 public:
  Source() : Source("", "") {}
  Source(std::string name, std::string text);

  const std::string& name() const { return name_; }
  std::string_view text() const { return text_; }
  std::string_view text(Span span) const;
  Position position(std::uint32_t offset) const;
  std::string_view line(int line) const;  // without its line end; empty past the last line
  int lines() const { return static_cast<int>(starts_.size()); }

 private:
  std::string name_;
  std::string text_;
  std::vector<std::uint32_t> starts_;  // of each line
};

}  // namespace slope
