#ifndef UNIPRESENCE_AGGREGATOR_PIPELINE_CALL_CONTROL_H_
#define UNIPRESENCE_AGGREGATOR_PIPELINE_CALL_CONTROL_H_

// The live calls of users, and control of their deskphones. The port through which the server
// reaches what PbxCallControl does with the PBXs.
//
//   core.calls->CheckDestination(user, "2000", [](absl::Status status) { ... });
//   const absl::StatusOr<LiveCalls> live = core.calls->List(user);
//
// Commands are asynchronous: `done` is called once, on the pipeline thread, at once or when the PBX
// has answered. What becomes of a call afterwards is told by Watch. Errors carry a CallProblem; the
// message names the value and the remedy:
//   NOT_FOUND            kUserNotFound; kCallNotFound: it has ended, or it is another user's
//   PERMISSION_DENIED    kDestinationForbidden: the user's context does not reach it
//   FAILED_PRECONDITION  kNoDeskphone, kDeskphoneUnreachable, kCallState
//   UNAVAILABLE          kPbxUnavailable: the link is down, or the PBX does not answer; of a
//                        command that was sent already it is not known whether the PBX obeyed
//   RESOURCE_EXHAUSTED   kBusy: too many commands wait for that PBX
// Destinations must be valid (ValidateDestination): they are not looked at again.
//
// Thread: the pipeline's, for every method.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "aggregator/model/call.h"

namespace unipresence {

// What the error of a CallControl is about, for programs: a payload of the status.
enum class CallProblem : std::uint8_t {
  kUserNotFound,
  kCallNotFound,
  kDestinationForbidden,
  kNoDeskphone,
  kDeskphoneUnreachable,
  kCallState,
  kPbxUnavailable,
  kBusy,
};

inline constexpr int kCallProblemCount = static_cast<int>(CallProblem::kBusy) + 1;

absl::Status CallError(CallProblem problem, std::string_view message);
// nullopt if the status carries none.
std::optional<CallProblem> CallProblemOf(const absl::Status& status);

// The calls of a user at one moment.
struct LiveCalls {
  std::vector<LiveCall> calls{};  // oldest first
  bool stale = false;             // a PBX of the user is not heard: the last known ones
};

// A call to place.
struct PlaceCallOrder {
  std::string user{};
  std::string destination{};
  // Repeated by the user with the same one (not empty) it does not dial again, but gives the first
  // answer. Remembered for some minutes, and longer than the call lives.
  std::string request_id{};
};

// The two calls of an attended transfer.
struct AttendedTransfer {
  LiveCall call{};          // to transfer, on hold
  LiveCall consultation{};  // to the destination
};

class CallControl {
 public:
  using Done = absl::AnyInvocable<void(absl::Status) &&>;
  using CallDone = absl::AnyInvocable<void(absl::StatusOr<LiveCall>) &&>;
  using TransferDone = absl::AnyInvocable<void(absl::StatusOr<AttendedTransfer>) &&>;

  virtual ~CallControl() = default;

  // kUserNotFound.
  virtual absl::StatusOr<LiveCalls> List(std::string_view user) const = 0;

  // `changed(user)` is called after each read in which the calls of a watched user, or whether they
  // are stale, may have changed. A user is watched as often as Watch was called less Unwatch.
  virtual void SetListener(std::function<void(const std::string& user)> changed) = 0;
  // The user's lines are taken as they are now: call Refresh when they may have changed.
  virtual void Watch(const std::string& user) = 0;
  virtual void Unwatch(const std::string& user) = 0;
  virtual void Refresh(const std::string& user) = 0;

  // Whether the number can be dialled in the user's context, which the PBX decides by its dialplan.
  // Of use for forwardings too. kUserNotFound, kDestinationForbidden, kPbxUnavailable, kBusy.
  virtual void CheckDestination(std::string_view user, std::string_view destination, Done done) = 0;

  // The deskphone rings, and when it is picked up the destination is called. Answered as soon as
  // the PBX has made the call.
  virtual void Place(PlaceCallOrder order, CallDone done) = 0;
  // Refuses a ringing call, ends any other.
  virtual void HangUp(std::string_view user, std::string_view call, Done done) = 0;
  virtual void Transfer(std::string_view user, std::string_view call, std::string_view destination,
                        Done done) = 0;
  virtual void StartAttendedTransfer(std::string_view user, std::string_view call,
                                     std::string_view destination, TransferDone done) = 0;
  virtual void CompleteAttendedTransfer(std::string_view user, std::string_view call,
                                        Done done) = 0;
  virtual void CancelAttendedTransfer(std::string_view user, std::string_view call,
                                      CallDone done) = 0;
};

// Of a server that has no PBX to ask: nobody's calls are known, and every command ends with
// kPbxUnavailable. Lives until the process ends.
CallControl& NoCallControl();

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_PIPELINE_CALL_CONTROL_H_
