#include "server/config/errors.h"

#include <fmt/format.h>

namespace unipresence::config {

void ErrorList::Add(int line, std::string_view message) {
  ++count_;
  if (listed_.size() < kMaxErrorsListed) {
    listed_.push_back(fmt::format("{}:{}: {}", file_, line, message));
  }
}

void ErrorList::Add(std::string_view message) {
  ++count_;
  if (listed_.size() < kMaxErrorsListed) listed_.emplace_back(message);
}

absl::Status ErrorList::ToStatus() const {
  if (count_ == 0) return absl::OkStatus();
  std::string text = fmt::format("{}", fmt::join(listed_, "\n"));
  if (count_ > listed_.size()) {
    text += fmt::format("\n{}: {} more errors", file_, count_ - listed_.size());
  }
  return absl::InvalidArgumentError(text);
}

}  // namespace unipresence::config
