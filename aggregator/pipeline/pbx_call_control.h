#ifndef UNIPRESENCE_AGGREGATOR_PIPELINE_PBX_CALL_CONTROL_H_
#define UNIPRESENCE_AGGREGATOR_PIPELINE_PBX_CALL_CONTROL_H_

// CallControl over AMI: what the trackers of the links know of calls, and the actions that change
// them (pbx/call_actions.h).
//
// A call that was placed is answered when its Newchannel comes, or an OriginateResponse that says
// Failure. It is placed once: Asterisk refuses a ChannelId that lives, and PlacedCalls remembers
// the rest.
//
// Thread: the pipeline's.

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "aggregator/ami/session.h"
#include "aggregator/base/clock.h"
#include "aggregator/engine/pbx_table.h"
#include "aggregator/engine/presence_source.h"
#include "aggregator/engine/routing_backlog.h"
#include "aggregator/pbx/tracker.h"
#include "aggregator/pipeline/call_control.h"
#include "aggregator/pipeline/placed_calls.h"

namespace unipresence {

class PbxCallControl final : public CallControl {
 public:
  // Actions in flight per PBX at most; more are refused (kBusy).
  static constexpr int kMaxActions = 64;
  // How long the own phone rings for a placed call.
  static constexpr std::chrono::seconds kOwnPhoneRings{30};
  // How long a call that the PBX accepted may take to appear before it is told as it should be.
  static constexpr std::chrono::seconds kAppearsWithin{2};

  // All must outlive it. The epoch of `presences` makes the channel ids of this server start unlike
  // those of others.
  PbxCallControl(const PresenceSource& presences, RoutingBacklog& routings, const PbxTable& pbxs,
                 const Clock& clock);
  ~PbxCallControl() override;

  // The link of a PBX; its parts must outlive the calls of the other methods.
  void AddLink(PbxIndex pbx, ami::Session& session, pbx::Tracker& tracker);
  // At the end of each read of that link, before the tracker forgets what the read told.
  void OnRead(PbxIndex pbx);
  // The link state is another one now.
  void OnLinkChanged(PbxIndex pbx);
  // Now and then.
  void OnTick();

  // CallControl.
  absl::StatusOr<LiveCalls> List(std::string_view user) const override;
  void SetListener(std::function<void(const std::string& user)> changed) override;
  void Watch(const std::string& user) override;
  void Unwatch(const std::string& user) override;
  void Refresh(const std::string& user) override;
  void CheckDestination(std::string_view user, std::string_view destination, Done done) override;
  void Place(PlaceCallOrder order, CallDone done) override;
  void HangUp(std::string_view user, std::string_view call, Done done) override;
  void Transfer(std::string_view user, std::string_view call, std::string_view destination,
                Done done) override;
  void StartAttendedTransfer(std::string_view user, std::string_view call,
                             std::string_view destination, TransferDone done) override;
  void CompleteAttendedTransfer(std::string_view user, std::string_view call, Done done) override;
  void CancelAttendedTransfer(std::string_view user, std::string_view call, CallDone done) override;

 private:
  struct Link {
    PbxIndex pbx = 0;
    ami::Session* session = nullptr;
    pbx::Tracker* tracker = nullptr;
    int actions = 0;  // in flight
  };
  struct Line {
    LineKind kind{};
    std::string pbx{};
    std::string device{};
    DeviceState state = DeviceState::kUnknown;
    Link* link = nullptr;  // null if the PBX is not configured
  };
  // One of a user's calls, with what commands need.
  struct Found {
    LiveCall call{};
    Link* link = nullptr;
    std::string uniqueid{};
    std::string peer_uniqueid{};  // the one other channel of its bridge, or empty
    bool consultation = false;    // the second call of an attended transfer
  };
  // An attended transfer that was begun here: the user's one channel is two calls.
  struct Consultation {
    PbxIndex pbx = 0;
    std::string held{};  // Uniqueid of the other party's channel
    CallParty held_party{};
    std::string destination{};
    WallTimeMicros start_time = 0;
    WallTimeMicros answer_time = 0;
    bool left = false;  // the two were seen apart
  };
  // An Originate whose channel has not shown yet.
  struct Pending {
    PbxIndex pbx = 0;
    std::string user{};
    std::string request_id{};
    LiveCall call{};                                // as it should be
    MonotonicTime deadline = MonotonicTime::max();  // once it is accepted
    CallDone done{};
  };
  using Reply = absl::StatusOr<ami::ActionReply>;
  struct Watched {
    int count = 0;
    std::vector<std::string> devices{};  // keys of watched_devices_
  };

  // How often what is known of ended calls is dropped.
  static constexpr std::chrono::seconds kSweepPeriod{10};

  static std::string IdOf(std::string_view pbx, std::string_view uniqueid);
  static std::string DeviceKey(PbxIndex pbx, std::string_view device);

  // kUserNotFound.
  absl::StatusOr<std::vector<Line>> LinesOf(std::string_view user) const;
  Link* LinkOf(std::string_view pbx) const;
  bool Synced(const Link& link) const;
  absl::Status Unavailable(const Link& link) const;
  // The user's calls with what commands need, oldest first.
  std::vector<Found> FindAll(const std::vector<Line>& lines) const;
  void AddCall(const Line& line, const pbx::CallView& view, std::vector<Found>& found) const;
  // A call of the user's deskphone on a PBX that is heard: kUserNotFound, kCallNotFound,
  // kCallState, kPbxUnavailable.
  absl::StatusOr<Found> FindOwn(std::string_view user, std::string_view call) const;
  // The user's dialplan context.
  std::string ContextOf(std::string_view user, const Link& link);

  // Sends; `done` gets the answer, or the error at once.
  void Send(Link& link, const ami::ActionBuilder& action,
            absl::AnyInvocable<void(const Reply&) &&> done);
  // The same for actions of which only success matters.
  void Command(Link& link, const ami::ActionBuilder& action, Done done);
  // The same for actions that follow each other: `done` is told of the last one.
  void CommandLast(Link& link, std::span<const ami::ActionBuilder> actions, Done done);
  absl::Status StatusOf(const Link& link, std::string_view action, const Reply& reply) const;
  void CheckExtension(Link& link, std::string_view context, std::string_view number, Done done);

  // What a repeated request is told.
  absl::StatusOr<LiveCall> AnswerAgain(std::string_view user,
                                       const PlacedCalls::Entry& entry) const;
  absl::Status Unreachable(LineKind kind, std::string_view device) const;
  void Originate(Link& link, const PlaceCallOrder& order, Pending pending);
  void FinishPlaced(Pending pending, const absl::StatusOr<LiveCall>& answer, bool keep);
  void UpdatePending(Link& link);
  // Of that consultation's own channel: false if the transfer is over.
  bool UpdateConsultation(const Link& link, const std::string& own, Consultation& consultation);
  void UpdateConsultations(Link& link);
  // Trackers collect changes while somebody needs them.
  void CollectChanges();

  // Whether a transfer of it can begin: kCallState.
  absl::Status Transferable(const Found& found) const;
  // FindOwn for a call whose attended transfer was begun.
  absl::StatusOr<Found> FindTransfer(std::string_view user, std::string_view call) const;
  // Whether the destination is reached both from the user's context and for a consultation.
  void CheckConsultation(Link& link, std::string_view context, std::string_view destination,
                         Done done);
  void RedirectToConsult(const Found& found, std::string_view context, std::string destination,
                         TransferDone done);
  absl::StatusOr<AttendedTransfer> TransferOf(const Found& found) const;
  void ForgetDevices(const std::string& user, Watched& watched);
  void NotifyDevice(PbxIndex pbx, std::string_view device,
                    absl::flat_hash_set<std::string>& users) const;

  const PresenceSource& presences_;
  RoutingBacklog& routings_;
  const PbxTable& pbxs_;
  const Clock& clock_;
  const std::string id_prefix_;
  std::uint64_t next_id_ = 1;
  std::vector<std::unique_ptr<Link>> links_;
  std::function<void(const std::string&)> changed_;
  absl::flat_hash_map<std::string, Watched> watched_;  // by user
  absl::flat_hash_map<std::string, absl::flat_hash_set<std::string>> watched_devices_;
  absl::flat_hash_map<std::string, Consultation> consultations_;  // by the own channel's Uniqueid
  // Own channels whose attended transfer the PBX has not begun yet.
  absl::flat_hash_set<std::string> starting_;
  absl::flat_hash_map<std::string, std::string> dialled_;  // placed, by Uniqueid
  absl::flat_hash_map<std::string, Pending> pending_;      // by Uniqueid
  PlacedCalls placed_;
  MonotonicTime next_sweep_{};
  bool collecting_ = false;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_PIPELINE_PBX_CALL_CONTROL_H_
