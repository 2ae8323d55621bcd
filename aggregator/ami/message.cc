#include "aggregator/ami/message.h"

namespace unipresence::ami {
namespace {

// Offset of the CR LF at or after `from`, or of the end of a text that lacks one.
std::size_t LineEnd(std::string_view text, std::size_t from) {
  const std::size_t end = text.find("\r\n", from);
  return end == std::string_view::npos ? text.size() : end;
}

}  // namespace

bool Message::FindInText(std::string_view name, std::string_view& value) const {
  for (std::size_t begin = 0; begin < size_;) {
    const std::size_t end = LineEnd(text(), begin);
    if (Matches(begin, end, name, value)) return true;
    begin = end + 2;
  }
  return false;
}

bool Message::NextHeader(std::size_t& position, Header& header) const {
  std::size_t begin;
  std::size_t end;
  if (line_ends_ != nullptr) {
    if (position >= count_) return false;
    begin = position == 0 ? 0 : line_ends_[position - 1] - offset_ + 1;
    end = line_ends_[position] - offset_ - 1;
    ++position;
  } else {
    if (position >= size_) return false;
    begin = position;
    end = LineEnd(text(), begin);
    position = end + 2;
  }
  const std::string_view line = text().substr(begin, end - begin);
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) {
    header = {{}, line};
  } else {
    header = {line.substr(0, colon), Value(line.data() + colon + 1, line.data() + line.size())};
  }
  return true;
}

}  // namespace unipresence::ami
