#include "aggregator/pbx/mailbox_table.h"

#include <charconv>

#include "aggregator/base/strings.h"

namespace unipresence::pbx {
namespace {

// "New" in an event, "NewMessages" in an answer.
std::optional<std::uint32_t> Count(const ami::Message& message, std::string_view event_name,
                                   std::string_view answer_name) {
  std::string_view text = message.Get(event_name);
  if (text.empty()) text = message.Get(answer_name);
  std::uint32_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return count;
}

}  // namespace

bool MailboxTable::OnCounts(const ami::Message& message) {
  const std::string_view mailbox = message.Get("Mailbox");
  const auto new_messages = Count(message, "New", "NewMessages");
  const auto old_messages = Count(message, "Old", "OldMessages");
  if (mailbox.empty() || !new_messages || !old_messages) {
    ++malformed_;
    return false;
  }
  const MailboxCounts counts{*new_messages, *old_messages};
  const auto known = mailboxes_.find(ToAbsl(mailbox));
  if (known != mailboxes_.end()) {
    const bool changed = known->second != counts;
    known->second = counts;
    return changed;
  }
  if (mailboxes_.size() >= max_mailboxes_) {
    ++rejected_;
    return false;
  }
  mailboxes_.emplace(mailbox, counts);
  return true;
}

std::optional<MailboxCounts> MailboxTable::Find(std::string_view mailbox) const {
  const auto known = mailboxes_.find(ToAbsl(mailbox));
  if (known == mailboxes_.end()) return std::nullopt;
  return known->second;
}

}  // namespace unipresence::pbx
