#ifndef UNIPRESENCE_AGGREGATOR_PIPELINE_MAILBOX_READER_H_
#define UNIPRESENCE_AGGREGATOR_PIPELINE_MAILBOX_READER_H_

// Asks one Asterisk for the message counts of every voicemail box that a user on it has: a round
// after each sequence of lists. There is no list action for them, so it is one MailboxCount for
// each box, a few in flight: Asterisk answers actions in order, and each costs it a look at the
// disk, which others' actions wait for.
//
// Thread: the pipeline's.

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "aggregator/ami/message.h"
#include "aggregator/ami/session.h"
#include "aggregator/base/probe.h"
#include "aggregator/engine/mailboxes.h"

namespace unipresence {

class MailboxReader {
 public:
  static constexpr int kMaxInFlight = 16;

  // `on_answer` gets each count; the answer is valid until the read ends. All must outlive it.
  MailboxReader(ami::Session& session, const Mailboxes& mailboxes, PbxIndex pbx,
                std::function<void(const ami::Message& answer)> on_answer)
      : session_(session), mailboxes_(mailboxes), pbx_(pbx), on_answer_(std::move(on_answer)) {}

  // Begins a round; one that runs begins anew.
  void Start();
  // Sends what may be sent: call after each read and at each tick.
  void Continue();
  // The link is gone; what is in flight is answered by then.
  void Stop();

  bool running() const { return running_; }
  // Rounds that came to their end, since the start.
  std::uint64_t rounds() const { return rounds_; }
  // Boxes whose counts Asterisk did not tell, since the start, and why the first of this round;
  // empty while there is none.
  std::uint64_t refused() const { return refused_; }
  const std::string& error() const { return error_; }

 private:
  void FindNames();
  void Refuse(std::string_view why);
  void OnReply(const absl::StatusOr<ami::ActionReply>& reply);

  ami::Session& session_;
  const Mailboxes& mailboxes_;
  const PbxIndex pbx_;
  const std::function<void(const ami::Message&)> on_answer_;
  bool running_ = false;
  bool at_end_ = false;  // all names of the round were found
  std::uint64_t cursor_ = 0;
  std::deque<std::string> names_;  // to be asked about
  int in_flight_ = 0;
  std::uint64_t refused_ = 0;
  std::uint64_t rounds_ = 0;
  std::string error_;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_PIPELINE_MAILBOX_READER_H_
