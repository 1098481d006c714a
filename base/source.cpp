// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "base/source.h"

#include <algorithm>

namespace slope {

Source::Source(std::string name, std::string text) : name_(std::move(name)), text_(std::move(text)) {
  if (text_.starts_with("\xEF\xBB\xBF")) text_.erase(0, 3);
  starts_.push_back(0);
  for (std::size_t i = 0; i < text_.size(); ++i) {
    bool ends_line =
        text_[i] == '\n' || (text_[i] == '\r' && !(i + 1 < text_.size() && text_[i + 1] == '\n'));
    if (ends_line) starts_.push_back(static_cast<std::uint32_t>(i + 1));
  }
}

std::string_view Source::text(Span span) const {
  std::size_t begin = std::min<std::size_t>(span.begin, text_.size());
  std::size_t end = std::clamp<std::size_t>(span.end, begin, text_.size());
  return std::string_view(text_).substr(begin, end - begin);
}

Position Source::position(std::uint32_t offset) const {
  auto next = std::upper_bound(starts_.begin(), starts_.end(), offset);
  auto line = next - starts_.begin();
  return {static_cast<int>(line), static_cast<int>(offset - *(next - 1)) + 1};
}

std::string_view Source::line(int line) const {
  if (line < 1 || line > lines()) return {};
  std::size_t begin = starts_[static_cast<std::size_t>(line - 1)];
  std::size_t end = line < lines() ? starts_[static_cast<std::size_t>(line)] : text_.size();
  while (end > begin && (text_[end - 1] == '\n' || text_[end - 1] == '\r')) --end;
  return std::string_view(text_).substr(begin, end - begin);
}

}  // namespace slope
