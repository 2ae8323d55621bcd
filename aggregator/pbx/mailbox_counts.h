#ifndef UNIPRESENCE_AGGREGATOR_PBX_MAILBOX_COUNTS_H_
#define UNIPRESENCE_AGGREGATOR_PBX_MAILBOX_COUNTS_H_

// How Asterisk is asked for the messages of a voicemail box, and how it tells them. Pure;
// thread-safe.

#include <optional>
#include <string_view>

#include "aggregator/ami/action.h"
#include "aggregator/ami/message.h"
#include "aggregator/model/mailbox.h"

namespace unipresence::pbx {

// What a MessageWaiting event, or the answer to MailboxCount, says; nullopt without a mailbox or
// counts. The event may carry the headers of the channel that left the message: only its Mailbox
// says whose it is. It counts urgent messages as new ones, the answer counts them apart
// (apps/app_voicemail.c): here they are new. `mailbox` points into the message.
std::optional<MailboxChange> ParseMailboxCounts(const ami::Message& message, CauseKind cause);

// Asks for the counts of "1001@default"; answered by one response.
ami::ActionBuilder MailboxCountAction(std::string_view mailbox);

}  // namespace unipresence::pbx

#endif  // UNIPRESENCE_AGGREGATOR_PBX_MAILBOX_COUNTS_H_
