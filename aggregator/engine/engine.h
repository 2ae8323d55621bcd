#ifndef UNIPRESENCE_AGGREGATOR_ENGINE_ENGINE_H_
#define UNIPRESENCE_AGGREGATOR_ENGINE_ENGINE_H_

// The single writer: tables of PBXs, devices and users, fused into presences, numbered and handed
// to a sink. Whatever changes a presence goes through one of the methods below.
//
//   Engine engine({.epoch = epoch}, clock, sink);
//   const PbxIndex pbx = engine.AddPbx("main", "127.0.0.1:5038");
//   engine.AddUser(user, {});
//   engine.BeginResync(pbx);
//   engine.Apply(pbx, changes_of_the_lists);
//   engine.EndResync(pbx);
//   while (engine.DoWork(1000)) {}   // publishes what the resync changed, in slices
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

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "aggregator/base/clock.h"
#include "aggregator/base/thread_checker.h"
#include "aggregator/engine/device_table.h"
#include "aggregator/engine/mailbox_table.h"
#include "aggregator/engine/pbx_status.h"
#include "aggregator/engine/presence_source.h"
#include "aggregator/engine/routing_queue.h"
#include "aggregator/engine/routing_table.h"
#include "aggregator/engine/update_sink.h"
#include "aggregator/engine/user_table.h"
#include "aggregator/fusion/fusion.h"
#include "aggregator/model/deskphone_call.h"
#include "aggregator/model/device_change.h"
#include "aggregator/model/forwarding.h"
#include "aggregator/model/mailbox.h"
#include "aggregator/model/presence.h"
#include "aggregator/model/routing.h"
#include "aggregator/model/user.h"

namespace unipresence {

// What a user chose, kept across restarts by the store.
struct UserSettings {
  LineKind selected_device = kFirstSelection;
  bool do_not_disturb = false;
  Forwardings forwardings;

  friend bool operator==(const UserSettings&, const UserSettings&) = default;
};

// Why a presence is what it is.
struct Explanation {
  struct Step {  // one published change
    CauseKind cause;
    std::string pbx;
    std::string device;
    DeviceState device_state;
    PresenceState state;  // of the user, after it
    Rule rule;
    WallTimeMicros time;
  };
  struct LineInput {
    LineKind kind;
    std::string pbx;
    std::string device;
    DeviceState reported;  // what Asterisk reports of the device
    DeviceState state;     // the line's state
    bool emitting;
    bool in_call;
    bool holding;
    bool held;
    bool direction_unknown;  // of one of its live calls: no list told who began it
    LinkState link;
    bool not_listed;  // the PBX, which is synced, lists the device nowhere
  };
  std::string user;
  fusion::Inputs inputs;
  fusion::Result result;
  std::vector<LineInput> lines;
  std::vector<Step> steps;  // the newest first, at most Engine::kStepsKept
  std::uint64_t revision = 0;
  bool do_not_disturb = false;
  ForwardingConditions active_forwardings;
  bool stale = false;
};

class Engine final : public PresenceSource {
 public:
  struct Options {
    DeskphoneCall deskphone_call = DeskphoneCall::kEmitted;
    std::uint64_t epoch = 1;  // of this server start, not 0
  };

  static constexpr int kStepsKept = UserTable::kStepsKept;

  // `clock` and `sink` must outlive the engine.
  Engine(Options options, const Clock& clock, UpdateSink& sink);

  // --- PBXs -------------------------------------------------------------------------------------

  // Adds a PBX, or returns the index of the one that has this name and sets its address. Users may
  // name PBXs that were never added: they stay UNKNOWN and stale.
  PbxIndex AddPbx(std::string_view name, std::string_view address);

  // The link is gone: users with a line on it become stale (by DoWork) and keep their presence.
  void LinkLost(PbxIndex pbx, std::string_view error);
  // Lists follow: changes are applied but not published, so that only real differences are.
  void BeginResync(PbxIndex pbx, std::string_view asterisk_version);
  // The lists are complete: devices that were not in them become UNKNOWN, and DoWork publishes the
  // differences and takes the stale mark away.
  void EndResync(PbxIndex pbx);

  // True once after a line was bound to a device that this PBX was not asked about: have it listed.
  bool TakeListingWanted(PbxIndex pbx);
  // The presences that changes with cause kReconcile have corrected since the last call.
  struct Corrections {
    static constexpr std::size_t kMaxUsers = 100;
    std::uint64_t count = 0;
    std::vector<std::string> users;  // ids, kMaxUsers at most
  };
  Corrections TakeCorrections(PbxIndex pbx);
  // While true, what lists change is no correction: the PBX's configuration is being changed.
  void ExpectChanges(PbxIndex pbx, bool expected) { changes_expected_[pbx] = expected; }
  // The lists of a reconcile are complete.
  void EndReconcile(PbxIndex pbx) { pbxs_[pbx].last_reconcile_time = clock_.WallNow(); }
  // What checks have had to write to the PBX again since the start; for PbxStatus.
  void SetRewrites(PbxIndex pbx, std::uint64_t rewrites) { pbxs_[pbx].rewrites = rewrites; }
  // The last error of the link, which may never have come up.
  void SetLastError(PbxIndex pbx, std::string_view error);
  // For their owner to change.
  PbxLinkFacts& facts(PbxIndex pbx) { return pbxs_[pbx].facts; }

  // Devices of users that a PBX lists nowhere, or says INVALID of: misspelt names, and endpoints
  // that were taken out of its configuration.
  struct UnlistedDevices {
    static constexpr std::size_t kMaxNames = 100;
    std::uint64_t count = 0;
    std::vector<std::string> names;  // the first kMaxNames by name
  };
  // Call it when a resync or reconcile has ended that listed all endpoints and device states, after
  // EndResync or EndReconcile. Returns those of whom it was not said before.
  UnlistedDevices FindUnlisted(PbxIndex pbx);
  // All that are so now; none while the PBX is not synced.
  UnlistedDevices Unlisted(PbxIndex pbx) const;

  // Have the PBX listed again soon, to count and mend what was missed.
  void RequestListing(PbxIndex pbx) { listing_wanted_[pbx] = true; }

  // Applies the changes of one read, in order. Devices that no user has are counted and dropped.
  void Apply(PbxIndex pbx, std::span<const DeviceChange> changes);

  const PbxStatus& pbx(PbxIndex pbx) const { return pbxs_[pbx]; }
  const std::vector<PbxStatus>& pbxs() const { return pbxs_; }
  bool AllSynced() const;

  // --- Users, sessions, selection ---------------------------------------------------------------

  // ALREADY_EXISTS names the id. The user must be valid (ValidateUser). `why` is what the first
  // value tells of itself: kServerStart for users that were there before this server.
  absl::Status AddUser(const User& user, const UserSettings& settings,
                       CauseKind why = CauseKind::kUserCreated);
  // Replaces the lines; NOT_FOUND names the id. What is known of lines that stay is kept, also
  // while their PBX is away. Published if a subscriber can see it: a new name or number is not.
  absl::Status UpdateUser(const User& user);
  absl::Status RemoveUser(std::string_view id);

  // `cause` is kLogin, kLogout or kSessionExpired. NOT_FOUND names the id.
  absl::Status SetLoggedIn(std::string_view user, bool logged_in, CauseKind cause);
  // NOT_FOUND; FAILED_PRECONDITION if the user has no line of that kind.
  absl::Status SelectDevice(std::string_view user, LineKind device);
  absl::Status SetDoNotDisturb(std::string_view user, bool do_not_disturb);

  // Replaces all of them. NOT_FOUND names the id. The destinations must be valid.
  absl::Status SetForwardings(std::string_view user, const Forwardings& forwardings);
  // NOT_FOUND names the id.
  absl::StatusOr<Forwardings> GetForwardings(std::string_view user) const;

  // --- What a PBX is told -----------------------------------------------------------------------

  // `again`: it is only told again, because a round runs; it may be what the PBX holds already.
  using RoutingVisitor = absl::FunctionRef<void(const Routing&, bool again)>;

  // Visits the next number of the PBX whose routing may have changed since it was taken last, or,
  // when none is left, the next one of a running round. Whoever changes while he waits is visited
  // once, as he is then. False if there is none now; while a round has passed over many users of
  // other PBXs only, HasRoutings() stays true: call again after the next read.
  //
  // A line that is in use on another PBX cannot be dialled from this one: there the user's line of
  // this PBX is told as the device in use.
  bool TakeRouting(PbxIndex pbx, RoutingVisitor visit);
  bool HasRoutings(PbxIndex pbx) const { return !routing_queues_[pbx].empty(); }
  // Numbers that wait: changed ones, and those left of a round.
  const RoutingQueue& routing_queue(PbxIndex pbx) const { return routing_queues_[pbx]; }
  // True while a change of the user waits to be taken for that PBX.
  bool RoutingWaits(PbxIndex pbx, std::string_view user) const;
  // Starts a round, which visits every user of the PBX again. Changes wait from the first round on.
  void RequestRoutings(PbxIndex pbx);
  // Nobody takes them any more, until the next round: changes do not wait. Removed numbers do.
  void CloseRoutings(PbxIndex pbx);
  // Visits one user; false if there is none of that id, or none of the lines is on that PBX.
  bool ReadRouting(PbxIndex pbx, std::string_view user, RoutingVisitor visit);

  // --- Voicemail boxes --------------------------------------------------------------------------

  // A user's box is on the PBX of his first line, the deskphone if he has one. It keeps its counts
  // while the link is down, marked stale until they were read again.

  // Takes what the PBX says of its boxes, in order. Those that no user has are passed over.
  void ApplyMailboxes(PbxIndex pbx, std::span<const MailboxChange> changes);

  using MailboxVisitor = absl::FunctionRef<void(const Mailbox&)>;
  // Visits the user's box; false if he has none or does not exist.
  bool ReadMailbox(std::string_view user, MailboxVisitor visit) const;
  // Passes `limit` users from `cursor` on (0 = from the start), visits the boxes on that PBX, each
  // once, and returns the next cursor, 0 at the end.
  std::uint64_t ReadMailboxes(PbxIndex pbx, std::uint64_t cursor, std::size_t limit,
                              MailboxVisitor visit) const;
  // Of the newest change of a box; 0 before the first.
  std::uint64_t mailbox_sequence() const { return mailbox_sequence_; }

  // --- Work cut into slices ---

  // Re-fuses up to `limit` users after a link was lost or synced. True while more is left: call
  // again after the next read.
  bool DoWork(std::size_t limit);
  bool HasWork() const { return sweep_left_ > 0; }

  // --- Queries ---

  std::uint64_t epoch() const override { return options_.epoch; }
  std::uint64_t sequence() const override { return sequence_; }
  std::uint64_t removal_sequence() const override { return removal_sequence_; }
  std::size_t user_count() const override { return users_.size(); }
  bool Read(std::string_view user, Visitor visit) const override;
  std::uint64_t Read(std::uint64_t cursor, std::size_t limit, Visitor visit) const override;

  // The id of the user who has this number in the context of `user`; empty if there is none. Valid
  // until a user is added or removed.
  std::string_view UserOfNumber(std::string_view user, std::string_view number) const;

  // NOT_FOUND names the id.
  absl::StatusOr<Explanation> Explain(std::string_view user) const;

  // Changes for devices that no user has, since the start.
  std::uint64_t unknown_device_changes() const { return unknown_device_changes_; }
  std::size_t device_count() const { return devices_.size(); }

 private:
  struct Trigger {  // what is being applied, for causes
    CauseKind kind;
    DeviceIndex device = kNoDevice;
    DeviceState device_state = DeviceState::kUnknown;
  };
  struct Resync {
    std::uint8_t generation = 0;     // of the newest resync; see DeviceRecord::generation
    std::uint8_t last_complete = 0;  // of the newest one that came to its end
    MonotonicTime started;
  };

  static absl::Status NoSuchUser(std::string_view id);

  PbxIndex PbxByName(std::string_view name);
  void SetLink(PbxIndex pbx, LinkState link);
  void StartSweep(CauseKind cause);

  // Steps of fetching what a change of that device will touch.
  void PrefetchLine(DeviceIndex device) const;
  void PrefetchUser(DeviceIndex device) const;
  void PrefetchOthers(DeviceIndex device) const;
  void ApplyOne(PbxIndex pbx, DeviceIndex index, const DeviceChange& change);
  // A device that the newest resync has not named is UNKNOWN; true if it was forgotten now.
  bool ForgetIfNotNamed(DeviceRecord& device);
  void SetReported(DeviceRecord& device, DeviceState state);
  void SetUnlisted(DeviceRecord& device, bool unlisted);
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
  fusion::Inputs InputsOf(const UserRecord& user) const;
  void Publish(UserIndex index, PresenceState previous, const Trigger& trigger);
  Cause CauseOf(const Trigger& trigger) const;
  void FillPresence(const UserRecord& user, Presence& presence) const;
  void FlushIfPublished();

  // The user has the box that `user` names from now on, if any.
  void SetMailbox(UserIndex index, const User& user);
  void RemoveMailbox(UserIndex index);
  // Grows with each link to the PBX.
  std::uint32_t LinkNumber(PbxIndex pbx) const;
  bool MailboxStaleNow(const MailboxRecord& record) const;
  // Publishes if the stale mark changed.
  void RefreshMailbox(UserIndex user);
  void PublishMailbox(UserIndex user, MailboxRecord& record);
  Mailbox MailboxOf(UserIndex user, const MailboxRecord& record) const;

  LineIndex FirstLineOn(const UserRecord& user, PbxIndex pbx) const;  // kNoLine if none
  // The PBXs of the user's lines are to be told.
  void MarkRouting(UserIndex index, CauseKind cause);
  // The number will be another user's, or nobody's, on all PBXs but those of the kept lines.
  void MarkNumberRemoved(UserIndex index, std::span<const Line> kept = {});
  void FillRouting(UserIndex index, PbxIndex pbx, Routing& routing) const;

  Options options_;
  const Clock& clock_;
  UpdateSink& sink_;
  mutable ThreadChecker thread_checker_;

  std::vector<PbxStatus> pbxs_;
  std::vector<Resync> resyncs_;           // by PbxIndex
  std::vector<bool> listing_wanted_;      // by PbxIndex
  std::vector<bool> changes_expected_;    // by PbxIndex
  std::vector<Corrections> corrections_;  // by PbxIndex
  std::vector<bool> unlisted_wanted_;     // by PbxIndex: FindUnlisted may find something new
  DeviceTable devices_;
  UserTable users_;
  RoutingTable routings_;
  MailboxTable mailboxes_;
  std::vector<RoutingQueue> routing_queues_;  // by PbxIndex
  std::uint64_t sequence_ = 0;
  std::uint64_t removal_sequence_ = 0;
  std::uint64_t mailbox_sequence_ = 0;
  std::uint64_t unknown_device_changes_ = 0;
  WallTimeMicros now_ = 0;  // of the read or command being applied
  bool published_ = false;  // something went to the sink since the last Flush()

  // The sweep over all users that LinkLost and EndResync start: `sweep_left_` users from
  // `sweep_cursor_` on, wrapping. A new one simply starts another full round.
  std::uint64_t sweep_cursor_ = 0;
  std::uint64_t sweep_left_ = 0;
  CauseKind sweep_cause_ = CauseKind::kResync;

  Routing routing_;                  // reused by TakeRouting
  PresenceUpdate update_;            // reused from one publication to the next
  mutable Presence read_buffer_;     // reused by Read
  std::vector<DeviceIndex> lookup_;  // reused by Apply
};

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_ENGINE_ENGINE_H_
