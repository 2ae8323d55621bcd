#include "aggregator/pbx/mailbox_counts.h"

#include <charconv>

namespace unipresence::pbx {
namespace {

std::optional<std::uint32_t> Count(std::string_view text) {
  std::uint32_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return count;
}

// "New" in an event, "NewMessages" in an answer.
std::string_view Either(const ami::Message& message, std::string_view event_name,
                        std::string_view answer_name) {
  const std::string_view text = message.Get(event_name);
  return text.empty() ? message.Get(answer_name) : text;
}

}  // namespace

std::optional<MailboxChange> ParseMailboxCounts(const ami::Message& message, CauseKind cause) {
  const std::string_view mailbox = message.Get("Mailbox");
  const auto new_messages = Count(Either(message, "New", "NewMessages"));
  const auto old_messages = Count(Either(message, "Old", "OldMessages"));
  if (mailbox.empty() || !new_messages || !old_messages) return std::nullopt;
  const std::uint32_t urgent = Count(message.Get("UrgMessages")).value_or(0);
  return MailboxChange{
      .cause = cause, .counts = {*new_messages + urgent, *old_messages}, .mailbox = mailbox};
}

ami::ActionBuilder MailboxCountAction(std::string_view mailbox) {
  ami::ActionBuilder action("MailboxCount");
  action.Header("Mailbox", mailbox);
  return action;
}

}  // namespace unipresence::pbx
