#ifndef UNIPRESENCE_TESTS_TESTING_FAKE_CALL_CONTROL_H_
#define UNIPRESENCE_TESTS_TESTING_FAKE_CALL_CONTROL_H_

// A CallControl whose calls a test sets: it obeys at once, as a PBX would, and refuses what it has
// been told to. Thread: the one that runs commands.

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "aggregator/base/strings.h"
#include "aggregator/pipeline/call_control.h"

namespace unipresence::testing {

class FakeCallControl final : public CallControl {
 public:
  // What the PBX knows: calls of users; who is not in here does not exist.
  std::map<std::string, LiveCalls> calls;
  // Numbers that no context reaches.
  std::vector<std::string> unreachable;
  // All commands, as "place alice 1002".
  std::vector<std::string> commands;
  std::map<std::string, int> watched;
  int refreshes = 0;
  int lists = 0;

  // The calls of the user are these now.
  void Change(const std::string& user, LiveCalls live) {
    calls[user] = std::move(live);
    if (changed_ && watched[user] > 0) changed_(user);
  }

  absl::StatusOr<LiveCalls> List(std::string_view user) const override {
    ++const_cast<FakeCallControl*>(this)->lists;
    const auto found = calls.find(std::string(user));
    if (found == calls.end()) {
      return CallError(CallProblem::kUserNotFound, fmt::format("there is no user '{}'", user));
    }
    return found->second;
  }
  void SetListener(std::function<void(const std::string&)> changed) override {
    changed_ = std::move(changed);
  }
  void Watch(const std::string& user) override { ++watched[user]; }
  void Unwatch(const std::string& user) override { --watched[user]; }
  void Refresh(const std::string&) override { ++refreshes; }

  void CheckDestination(std::string_view user, std::string_view destination, Done done) override {
    commands.push_back(fmt::format("check {} {}", user, destination));
    std::move(done)(Reachable(destination));
  }
  void Place(PlaceCallOrder order, CallDone done) override {
    commands.push_back(
        fmt::format("place {} {} {}", order.user, order.destination, order.request_id));
    if (absl::Status status = Reachable(order.destination); !status.ok()) {
      return std::move(done)(status);
    }
    LiveCall call{.id = "main/placed",
                  .device = "PJSIP/" + order.user,
                  .pbx = "main",
                  .direction = CallDirection::kEmitted,
                  .other_party = {.number = order.destination, .name = {}},
                  .state = CallState::kOriginating};
    std::move(done)(std::move(call));
  }
  void HangUp(std::string_view user, std::string_view call, Done done) override {
    commands.push_back(fmt::format("hangup {} {}", user, call));
    std::move(done)(Find(user, call).status());
  }
  void Transfer(std::string_view user, std::string_view call, std::string_view destination,
                Done done) override {
    commands.push_back(fmt::format("transfer {} {} {}", user, call, destination));
    absl::Status status = Find(user, call).status();
    std::move(done)(status.ok() ? Reachable(destination) : status);
  }
  void StartAttendedTransfer(std::string_view user, std::string_view call,
                             std::string_view destination, TransferDone done) override {
    commands.push_back(fmt::format("consult {} {} {}", user, call, destination));
    absl::StatusOr<LiveCall> found = Find(user, call);
    if (!found.ok()) return std::move(done)(found.status());
    AttendedTransfer transfer{.call = *found, .consultation = *found};
    transfer.consultation.id += "/consultation";
    transfer.call.transfer_call = transfer.consultation.id;
    std::move(done)(std::move(transfer));
  }
  void CompleteAttendedTransfer(std::string_view user, std::string_view call, Done done) override {
    commands.push_back(fmt::format("complete {} {}", user, call));
    absl::Status status = Find(user, call).status();
    if (status.ok()) status = CallError(CallProblem::kCallState, "no attended transfer was begun");
    std::move(done)(status);
  }
  void CancelAttendedTransfer(std::string_view user, std::string_view call,
                              CallDone done) override {
    commands.push_back(fmt::format("cancel {} {}", user, call));
    std::move(done)(Find(user, call));
  }

 private:
  absl::StatusOr<LiveCall> Find(std::string_view user, std::string_view id) const {
    const auto found = calls.find(std::string(user));
    if (found != calls.end()) {
      for (const LiveCall& call : found->second.calls) {
        if (call.id == id) return call;
      }
    }
    return CallError(CallProblem::kCallNotFound, fmt::format("there is no call '{}'", id));
  }
  absl::Status Reachable(std::string_view number) const {
    if (std::find(unreachable.begin(), unreachable.end(), number) == unreachable.end()) {
      return absl::OkStatus();
    }
    return CallError(CallProblem::kDestinationForbidden, "the context does not reach it");
  }

  std::function<void(const std::string&)> changed_;
};

}  // namespace unipresence::testing

#endif  // UNIPRESENCE_TESTS_TESTING_FAKE_CALL_CONTROL_H_
