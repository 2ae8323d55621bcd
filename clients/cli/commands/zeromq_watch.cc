// watch --zeromq.

#include <fmt/format.h>

#include <chrono>
#include <string>

#include "aggregator/base/status_macros.h"
#include "aggregator/publish/codec.h"
#include "clients/cli/commands/commands.h"
#include "clients/cli/commands/watch_writer.h"
#include "clients/cli/interrupt_source.h"
#include "clients/cpp/follower.h"

namespace unipresence::cli {
namespace {

void SetTime(WallTimeMicros micros, google::protobuf::Timestamp& time) {
  time.set_seconds(micros / 1'000'000);
  time.set_nanos(static_cast<std::int32_t>(micros % 1'000'000) * 1'000);
}

void SetLine(const publish::LineValue& value, v1::LinePresence& line) {
  if (value.kind) line.set_kind(publish::ToProto(*value.kind));
  line.set_device(value.device);
  line.set_state(publish::ToProto(value.state));
  line.set_holding(value.holding);
  line.set_held(value.held);
  line.set_pbx(value.pbx);
}

// The value that a follower holds in the message that all else prints.
void SetPresence(const publish::PresenceValue& value, v1::Presence& presence) {
  presence.set_user(value.user);
  presence.set_state(publish::ToProto(value.state));
  presence.set_hint(static_cast<std::uint32_t>(HintNumber(value.state)));
  if (value.device_in_use) presence.set_device_in_use(publish::ToProto(*value.device_in_use));
  if (value.rule) presence.set_rule(publish::ToProto(*value.rule));
  if (value.selected_device) presence.set_selected_device(publish::ToProto(*value.selected_device));
  presence.set_logged_in(value.logged_in);
  presence.set_emitting(value.emitting);
  presence.set_do_not_disturb(value.do_not_disturb);
  presence.set_stale(value.stale);
  for (const publish::LineValue& line : value.lines) SetLine(line, *presence.add_lines());
  for (ForwardingCondition condition : kForwardingConditions) {
    if (value.active_forwardings.Contains(condition)) {
      presence.add_active_forwardings(publish::ToProto(condition));
    }
  }
  presence.set_revision(value.revision);
  SetTime(value.update_time, *presence.mutable_update_time());
}

class Listener : public client::FollowListener {
 public:
  Listener(CommandContext& context, bool all_changes) : writer_(context, nullptr, all_changes) {}

  void OnPresence(const publish::PresenceValue& presence,
                  const publish::ReplicaChange& change) override {
    v1::PresenceUpdate update;
    SetPresence(presence, *update.mutable_presence());
    Write(change, update);
  }

  void OnRemoved(std::string_view user, const publish::ReplicaChange& change) override {
    v1::PresenceUpdate update;
    update.mutable_removed()->set_user(std::string(user));
    Write(change, update);
  }

  void OnReset() override { writer_.Reset(); }

  void OnCurrent() override {
    current_ = true;
    writer_.Current();
  }

  void OnGap(client::GapReason reason) override {
    current_ = false;
    writer_.Interrupted("GAP", client::ToString(reason));
  }

 private:
  void Write(const publish::ReplicaChange& change, v1::PresenceUpdate& update) {
    // Until the follower is current it is told values of the snapshot.
    const std::optional<v1::Cause> cause = change.cause();
    update.set_refresh(!current_ && !cause);
    if (change.previous_state) update.set_previous_state(publish::ToProto(*change.previous_state));
    if (cause) *update.mutable_cause() = *cause;
    writer_.Update(update);
  }

  WatchWriter writer_;
  bool current_ = false;
};

}  // namespace

absl::Status RunZeromqWatch(const WatchOptions& options, CommandContext& context) {
  const ClosedOutputInterrupt closed(context.out(), context.interrupt());
  Listener listener(context, options.all_changes);
  client::FollowerOptions follow;
  follow.publish_address = options.zeromq_publish;
  follow.snapshot_address = options.zeromq_snapshot;
  follow.follow.users = options.users;
  client::Follower follower(std::move(follow), listener);
  UNIPRESENCE_RETURN_IF_ERROR(follower.Open());
  while (!context.interrupt().raised() && !context.out().closed()) {
    follower.Poll(std::chrono::milliseconds(200));
  }
  return absl::OkStatus();
}

}  // namespace unipresence::cli
