#ifndef UNIPRESENCE_TESTS_TESTING_RECORDING_SINK_H_
#define UNIPRESENCE_TESTS_TESTING_RECORDING_SINK_H_

// An UpdateSink that keeps copies of what it was given. Not thread-safe.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "aggregator/engine/update_sink.h"

namespace unipresence::testing {

struct RecordedUpdate {
  std::string user;
  std::uint64_t sequence = 0;
  std::uint64_t revision = 0;
  bool removed = false;
  PresenceState state = PresenceState::kUnknown;
  PresenceState previous = PresenceState::kUnknown;
  Rule rule = Rule::kLoggedOut;
  LineKind device_in_use = LineKind::kDeskphone;
  bool stale = false;
  bool emitting = false;
  bool logged_in = false;
  bool do_not_disturb = false;
  std::vector<DeviceState> line_states;
  CauseKind cause = CauseKind::kServerStart;
  std::string cause_pbx;
  std::string cause_device;
};

struct RecordedMailbox {
  std::string user;
  std::string mailbox;
  std::string pbx;
  MailboxCounts counts;
  bool stale = false;
  WallTimeMicros update_time = 0;
  std::uint64_t sequence = 0;

  explicit RecordedMailbox(const Mailbox& box)
      : user(box.user),
        mailbox(box.mailbox),
        pbx(box.pbx),
        counts(box.counts),
        stale(box.stale),
        update_time(box.update_time),
        sequence(box.sequence) {}
};

class RecordingSink final : public UpdateSink {
 public:
  void OnUpdate(const PresenceUpdate& update) override {
    const Presence& presence = update.presence;
    RecordedUpdate record{.user = std::string(presence.user),
                          .sequence = update.sequence,
                          .revision = presence.revision,
                          .removed = update.removed,
                          .state = presence.state,
                          .previous = update.previous_state,
                          .rule = presence.rule,
                          .device_in_use = presence.device_in_use,
                          .stale = presence.stale,
                          .emitting = presence.emitting,
                          .logged_in = presence.logged_in,
                          .do_not_disturb = presence.do_not_disturb,
                          .line_states = {},
                          .cause = update.cause.kind,
                          .cause_pbx = std::string(update.cause.pbx),
                          .cause_device = std::string(update.cause.device)};
    for (const LinePresence& line : presence.lines) record.line_states.push_back(line.state);
    updates.push_back(std::move(record));
  }
  void OnMailbox(const Mailbox& mailbox) override { mailboxes.emplace_back(mailbox); }
  void Flush() override { ++flushes; }

  std::vector<RecordedUpdate> updates;
  std::vector<RecordedMailbox> mailboxes;
  int flushes = 0;
};

}  // namespace unipresence::testing

#endif  // UNIPRESENCE_TESTS_TESTING_RECORDING_SINK_H_
