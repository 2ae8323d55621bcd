// What is answered where there is no PBX.

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "aggregator/pipeline/call_control.h"
#include "aggregator/pipeline/pbx_control.h"

namespace unipresence {
namespace {

TEST(NoPbxControlTest, EveryCommandIsAnsweredAtOnceAndNobodyIsWaitedFor) {
  PbxControl& none = NoPbxControl();
  int answers = 0;
  none.Reconcile("main", [&](const absl::StatusOr<ReconcileReport>& report) {
    EXPECT_EQ(report.status().code(), absl::StatusCode::kNotFound);
    ++answers;
  });
  none.Load("main", {}, [&](const absl::Status& status) {
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
    ++answers;
  });
  none.FindConflicts("main", {}, {}, PbxControl::Look::kAsItIs,
                     [&](const absl::StatusOr<std::vector<std::string>>& found) {
                       EXPECT_EQ(found.status().code(), absl::StatusCode::kUnavailable);
                       ++answers;
                     });
  none.WhenWritten("alice", [&] { ++answers; });
  none.AbandonReconciles();
  EXPECT_EQ(answers, 4);
}

TEST(NoCallControlTest, NobodysCallsAreKnownAndEveryCommandIsRefusedAtOnce) {
  CallControl& none = NoCallControl();
  EXPECT_EQ(CallProblemOf(none.List("alice").status()), CallProblem::kPbxUnavailable);
  int refused = 0;
  const auto refuse = [&](const absl::Status& status) {
    EXPECT_EQ(CallProblemOf(status), CallProblem::kPbxUnavailable);
    ++refused;
  };
  none.CheckDestination("alice", "2000", refuse);
  none.Place({.user = "alice"},
             [&](const absl::StatusOr<LiveCall>& call) { refuse(call.status()); });
  none.HangUp("alice", "main/1", refuse);
  none.Transfer("alice", "main/1", "2000", refuse);
  none.StartAttendedTransfer(
      "alice", "main/1", "2000",
      [&](const absl::StatusOr<AttendedTransfer>& begun) { refuse(begun.status()); });
  none.CompleteAttendedTransfer("alice", "main/1", refuse);
  none.CancelAttendedTransfer("alice", "main/1",
                              [&](const absl::StatusOr<LiveCall>& call) { refuse(call.status()); });
  none.Watch("alice");
  none.Refresh("alice");
  none.Unwatch("alice");
  EXPECT_EQ(refused, 7);
}

}  // namespace
}  // namespace unipresence
