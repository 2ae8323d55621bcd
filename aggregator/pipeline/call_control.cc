#include "aggregator/pipeline/call_control.h"

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

}  // namespace unipresence
