#include "tests/simulation/action_reader.h"

#include <algorithm>

namespace unipresence::simulation {
namespace {

constexpr std::size_t kLongestLine = 1024;

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

bool EqualIgnoringCase(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                            [](char x, char y) { return Lower(x) == Lower(y); });
}

void Action::Add(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return;
  std::string_view value = line.substr(colon + 1);
  value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
  headers_.emplace_back(line.substr(0, colon), value);
}

std::string_view Action::Get(std::string_view name) const {
  for (const auto& [key, value] : headers_) {
    if (EqualIgnoringCase(key, name)) return value;
  }
  return {};
}

void ActionReader::Consume(std::string_view bytes,
                           const std::function<void(const Action&)>& on_action) {
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    const std::string_view piece = bytes.substr(0, end);
    if (line_.size() + piece.size() > kLongestLine) {
      line_too_long_ = true;
    } else {
      line_.append(piece);
    }
    if (end == std::string_view::npos) return;
    bytes.remove_prefix(end + 1);
    if (!line_.empty() && line_.back() == '\r') line_.pop_back();
    if (line_too_long_) {
      action_.MarkTooLong();
    } else if (!line_.empty()) {
      action_.Add(line_);
    } else {
      const Action whole = std::exchange(action_, {});
      on_action(whole);
    }
    line_.clear();
    line_too_long_ = false;
  }
}

}  // namespace unipresence::simulation
