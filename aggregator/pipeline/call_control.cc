#include "aggregator/pipeline/call_control.h"

#include <utility>

#include "absl/strings/cord.h"
#include "aggregator/base/strings.h"

namespace unipresence {
namespace {

constexpr char kPayload[] = "unipresence/call_problem";
constexpr char kFirst = 'a';

absl::StatusCode CodeOf(CallProblem problem) {
  switch (problem) {
    case CallProblem::kUserNotFound:
    case CallProblem::kCallNotFound:
      return absl::StatusCode::kNotFound;
    case CallProblem::kDestinationForbidden:
      return absl::StatusCode::kPermissionDenied;
    case CallProblem::kNoDeskphone:
    case CallProblem::kDeskphoneUnreachable:
    case CallProblem::kCallState:
      return absl::StatusCode::kFailedPrecondition;
    case CallProblem::kPbxUnavailable:
      return absl::StatusCode::kUnavailable;
    case CallProblem::kBusy:
      return absl::StatusCode::kResourceExhausted;
  }
  __builtin_unreachable();
}

}  // namespace

absl::Status CallError(CallProblem problem, std::string_view message) {
  absl::Status status(CodeOf(problem), ToAbsl(message));
  const char letter = static_cast<char>(kFirst + static_cast<int>(problem));
  status.SetPayload(kPayload, absl::Cord(absl::string_view(&letter, 1)));
  return status;
}

std::optional<CallProblem> CallProblemOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kPayload);
  if (!payload.has_value() || payload->size() != 1) return std::nullopt;
  return static_cast<CallProblem>((*payload)[0] - kFirst);
}

namespace {

class NoCalls final : public CallControl {
 public:
  absl::StatusOr<LiveCalls> List(std::string_view) const override { return None(); }
  void SetListener(std::function<void(const std::string& user)>) override {}
  void Watch(const std::string&) override {}
  void Unwatch(const std::string&) override {}
  void Refresh(const std::string&) override {}
  void CheckDestination(std::string_view, std::string_view, Done done) override {
    std::move(done)(None());
  }
  void Place(PlaceCallOrder, CallDone done) override { std::move(done)(None()); }
  void HangUp(std::string_view, std::string_view, Done done) override { std::move(done)(None()); }
  void Transfer(std::string_view, std::string_view, std::string_view, Done done) override {
    std::move(done)(None());
  }
  void StartAttendedTransfer(std::string_view, std::string_view, std::string_view,
                             TransferDone done) override {
    std::move(done)(None());
  }
  void CompleteAttendedTransfer(std::string_view, std::string_view, Done done) override {
    std::move(done)(None());
  }
  void CancelAttendedTransfer(std::string_view, std::string_view, CallDone done) override {
    std::move(done)(None());
  }

 private:
  static absl::Status None() {
    return CallError(CallProblem::kPbxUnavailable, "this server has no PBX to ask for calls");
  }
};

}  // namespace

CallControl& NoCallControl() {
  static NoCalls none;
  return none;
}

}  // namespace unipresence
