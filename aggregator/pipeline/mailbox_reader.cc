#include "aggregator/pipeline/mailbox_reader.h"

#include "aggregator/ami/printable.h"
#include "aggregator/base/strings.h"
#include "aggregator/pbx/mailbox_counts.h"

namespace unipresence {
namespace {

// Users passed in one look for boxes: at most about 0.1 ms.
constexpr std::size_t kUsersPerLook = 4096;

}  // namespace

void MailboxReader::Start() {
  running_ = true;
  at_end_ = false;
  cursor_ = 0;
  names_.clear();
  error_.clear();
}

void MailboxReader::Stop() {
  running_ = false;
  names_.clear();
}

void MailboxReader::FindNames() {
  if (at_end_ || !names_.empty()) return;
  cursor_ = mailboxes_.Read(pbx_, cursor_, kUsersPerLook, [this](const Mailbox& mailbox) {
    names_.emplace_back(mailbox.mailbox);
  });
  at_end_ = cursor_ == 0;
}

void MailboxReader::Continue() {
  if (!running_) return;
  FindNames();
  while (!names_.empty() && in_flight_ < kMaxInFlight) {
    const auto sent =
        session_.Send(pbx::MailboxCountAction(names_.front()), ami::ActionKind::kSingle,
                      [this](const absl::StatusOr<ami::ActionReply>& reply) { OnReply(reply); });
    if (absl::IsInvalidArgument(sent.status())) {
      Refuse(FromAbsl(sent.status().message()));
    } else if (!sent.ok()) {
      return;  // the next read or tick tries again
    } else {
      ++in_flight_;
    }
    names_.pop_front();
  }
  running_ = !at_end_ || !names_.empty() || in_flight_ > 0;
  if (!running_) ++rounds_;
}

void MailboxReader::OnReply(const absl::StatusOr<ami::ActionReply>& reply) {
  --in_flight_;
  if (reply.ok() && reply->success) return on_answer_(reply->message);
  if (absl::IsUnavailable(reply.status())) return;
  Refuse(reply.ok() ? ami::Printable(reply->text)
                    : std::string(FromAbsl(reply.status().message())));
}

void MailboxReader::Refuse(std::string_view why) {
  ++refused_;
  if (error_.empty()) error_ = why.empty() ? "refused" : std::string(why);
}

}  // namespace unipresence
