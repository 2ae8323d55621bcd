#ifndef UNIPRESENCE_AGGREGATOR_ENGINE_ENGINE_H_
#define UNIPRESENCE_AGGREGATOR_ENGINE_ENGINE_H_

// The single writer: tables of PBXs, devices and users, fused into presences, numbered and handed
// to a sink. Whatever changes a presence goes through one of the methods below.
//
//   Engine engine({.epoch = epoch}, clock, sink);
//   const PbxIndex pbx = engine.pbxs().Add("main", "127.0.0.1:5038");
//   engine.AddUser(user, {});
//   engine.BeginResync(pbx);
//   engine.Apply(pbx, changes_of_the_lists);
//   engine.EndResync(pbx);
//   while (engine.Sweep(1000)) {}   // publishes what the resync changed, in slices
//   engine.Apply(pbx, changes_of_one_read);
//
// Output goes out only on change, per user in the order of the causes, revision + 1 each time (a
// user that is removed and added again goes on with a higher one, which may jump). The sink's
// Flush() is called once at the end of each method that published. README.md in this folder says
// what is published, and when.
//
// Laid out for millions of users: records without pointers of their own, devices interned, look-ups
// of a batch interleaved with prefetches; tests/bench prints the bytes per user.
//
// Thread: the pipeline's, for every method.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "aggregator/base/clock.h"
#include "aggregator/base/thread_checker.h"
#include "aggregator/engine/device_table.h"
#include "aggregator/engine/engine_writer.h"
#include "aggregator/engine/mailboxes.h"
#include "aggregator/engine/pbx_table.h"
#include "aggregator/engine/presence_source.h"
#include "aggregator/engine/routing_backlog.h"
#include "aggregator/engine/routing_table.h"
#include "aggregator/engine/sink_writer.h"
#include "aggregator/engine/update_sink.h"
#include "aggregator/engine/user_directory.h"
#include "aggregator/engine/user_table.h"
#include "aggregator/fusion/fusion.h"
#include "aggregator/model/deskphone_call.h"
#include "aggregator/model/device_change.h"
#include "aggregator/model/forwarding.h"
#include "aggregator/model/presence.h"
#include "aggregator/model/user.h"

namespace unipresence {

class Engine final : public PresenceSource, public UserDirectory, public EngineWriter {
 public:
  struct Options {
    DeskphoneCall deskphone_call = DeskphoneCall::kEmitted;
    std::uint64_t epoch = 1;  // of this server start, not 0
  };

  static constexpr int kStepsKept = UserTable::kStepsKept;

  // `clock` and `sink` must outlive the engine.
  Engine(Options options, const Clock& clock, UpdateSink& sink);

  // --- PBXs -------------------------------------------------------------------------------------

  // What is kept of them. Users may name PBXs that were never added: they stay UNKNOWN and stale.
  PbxTable& pbxs() { return pbxs_; }
  const PbxTable& pbxs() const { return pbxs_; }

  // The link is gone: users with a line on it become stale (by Sweep) and keep their presence.
  void LinkLost(PbxIndex pbx, std::string_view error);
  // Lists follow: changes are applied but not published, so that only real differences are.
  void BeginResync(PbxIndex pbx, std::string_view asterisk_version);
  // The lists are complete: devices that were not in them become UNKNOWN, and Sweep publishes the
  // differences and takes the stale mark away.
  void EndResync(PbxIndex pbx);

  // Applies the changes of one read, in order. Devices that no user has are counted and dropped.
  void Apply(PbxIndex pbx, std::span<const DeviceChange> changes);

  // --- Users, sessions, selection (EngineWriter) ------------------------------------------------

  using EngineWriter::AddUser;
  absl::Status AddUser(const User& user, const UserSettings& settings, CauseKind why) override;
  absl::Status UpdateUser(const User& user) override;
  absl::Status RemoveUser(std::string_view id) override;
  absl::Status SetLoggedIn(std::string_view user, bool logged_in, CauseKind cause) override;
  absl::Status SelectDevice(std::string_view user, LineKind device) override;
  absl::Status SetDoNotDisturb(std::string_view user, bool do_not_disturb) override;
  absl::Status SetForwardings(std::string_view user, const Forwardings& forwardings) override;

  // --- What PBXs are told -----------------------------------------------------------------------

  // It follows the users and their presences.
  RoutingBacklog& routing_backlog() { return routing_backlog_; }
  const RoutingBacklog& routing_backlog() const { return routing_backlog_; }

  // --- Voicemail boxes --------------------------------------------------------------------------

  // They follow the users and the links.
  Mailboxes& mailboxes() { return mailboxes_; }
  const Mailboxes& mailboxes() const { return mailboxes_; }

  // --- Work cut into slices ---

  // Re-fuses up to `limit` users after a link was lost or synced. True while more is left: call
  // again after the next read.
  bool Sweep(std::size_t limit);
  bool HasWork() const { return sweep_left_ > 0; }

  // --- Queries (PresenceSource, UserDirectory) --------------------------------------------------

  std::uint64_t epoch() const override { return options_.epoch; }
  std::uint64_t sequence() const override { return sequence_; }
  std::uint64_t removal_sequence() const override { return removal_sequence_; }
  std::size_t user_count() const override { return users_.size(); }
  bool Read(std::string_view user, Visitor visit) const override;
  std::uint64_t Read(std::uint64_t cursor, std::size_t limit, Visitor visit) const override;
  absl::StatusOr<Explanation> Explain(std::string_view user) const override;
  std::string_view UserOfNumber(std::string_view user, std::string_view number) const override;

  // NOT_FOUND names the id.
  absl::StatusOr<Forwardings> GetForwardings(std::string_view user) const;
  // Changes for devices that no user has, since the start.
  std::uint64_t unknown_device_changes() const { return unknown_device_changes_; }
  std::size_t device_count() const { return devices_.size(); }

 private:
  struct Trigger {  // what is being applied, for causes
    CauseKind kind;
    DeviceIndex device = kNoDevice;
    DeviceState device_state = DeviceState::kUnknown;
  };

  static absl::Status NoSuchUser(std::string_view id);

  void StartSweep(CauseKind cause);

  // Steps of fetching what a change of that device will touch.
  void PrefetchLine(DeviceIndex device) const;
  void PrefetchUser(DeviceIndex device) const;
  void PrefetchOthers(DeviceIndex device) const;
  void ApplyOne(PbxIndex pbx, DeviceIndex index, const DeviceChange& change);
  // A device that the newest resync has not named is UNKNOWN; true if it was forgotten now.
  bool ForgetIfNotNamed(DeviceRecord& device);
  void SetReported(DeviceRecord& device, DeviceState state);
  bool Emits(const DeviceRecord& device) const;
  // Fuses the user anew after a change of cause kReconcile.
  void CorrectUser(PbxIndex pbx, UserIndex index, const Trigger& trigger);

  // The user has these lines from now on; those that he had are left as they are.
  void AttachLines(UserIndex index, const std::vector<Line>& lines);
  // What is known of the device of a new line: as another line of it shows it, else as the PBX said
  // last. While the PBX is away that is what the line shows.
  void RecallLine(LineRecord& line) const;
  // The `count` lines from `first` on are nobody's any more.
  void DetachLines(LineIndex first, std::size_t count);
  // Whether a subscriber sees a difference between these lines and those of the user, states apart.
  bool LinesDiffer(LineIndex first, std::size_t count, const UserRecord& user) const;
  template <typename Change>
  absl::Status ChangeUser(std::string_view id, CauseKind cause, Change change);

  // Fuses the user anew and publishes if the outcome differs from what was published last.
  void FuseUser(UserIndex index, const Trigger& trigger);
  bool StaleNow(const UserRecord& user) const;
  bool TakeLineStates(const UserRecord& user);  // true if a line differs from what was published
  // In place: returned by value, bytes that were written one by one are read back as one word, for
  // which the processor waits.
  void FillInputs(const UserRecord& user, fusion::Inputs& inputs) const;
  void Publish(UserIndex index, PresenceState previous, const Trigger& trigger);
  Cause CauseOf(const Trigger& trigger) const;
  void FillPresence(const UserRecord& user, Presence& presence) const;

  Options options_;
  SinkWriter sink_;
  mutable ThreadChecker thread_checker_;

  DeviceTable devices_;
  PbxTable pbxs_;
  UserTable users_;
  RoutingTable routings_;
  RoutingBacklog routing_backlog_;
  Mailboxes mailboxes_;
  std::uint64_t sequence_ = 0;
  std::uint64_t removal_sequence_ = 0;
  std::uint64_t unknown_device_changes_ = 0;

  // The sweep over all users that LinkLost and EndResync start: `sweep_left_` users from
  // `sweep_cursor_` on, wrapping. A new one simply starts another full round.
  std::uint64_t sweep_cursor_ = 0;
  std::uint64_t sweep_left_ = 0;
  CauseKind sweep_cause_ = CauseKind::kResync;

  PresenceUpdate update_;            // reused from one publication to the next
  mutable Presence read_buffer_;     // reused by Read
  std::vector<DeviceIndex> lookup_;  // reused by Apply
};

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_ENGINE_ENGINE_H_
