#include "aggregator/pipeline/pbx_complaints.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "aggregator/pbx/manager_rights.h"
#include "tests/testing/log_capture.h"

namespace unipresence {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kRights[] = "read = system";

TEST(PbxComplaintsTest, EachIsSaidOnceUntilItChangesOrIsMended) {
  PbxComplaints complaints("main");
  testing::LogCapture log;
  complaints.Raise("CoreShowChannels", pbx::kPermissionDenied, kRights);
  EXPECT_EQ(log.Take(),
            "warning: pbx main: CoreShowChannels: Permission denied; give the manager account "
            "read = system\n");
  for (int i = 0; i < 10; ++i) {
    complaints.Raise("CoreShowChannels", pbx::kPermissionDenied, kRights);
    complaints.Resolve("DeviceStateList");
  }
  EXPECT_EQ(log.Take(), "");
  EXPECT_THAT(complaints.Standing(), ElementsAre("CoreShowChannels: Permission denied"));
  complaints.Raise("CoreShowChannels", "Invalid/unknown command: CoreShowChannels.", kRights);
  // The rights are not the remedy.
  EXPECT_EQ(log.Take(),
            "warning: pbx main: CoreShowChannels: Invalid/unknown command: CoreShowChannels.\n");
  complaints.Resolve("CoreShowChannels");
  EXPECT_EQ(log.Take(),
            "info: pbx main: CoreShowChannels is told again, it was: Invalid/unknown command: "
            "CoreShowChannels.\n");
  EXPECT_THAT(complaints.Standing(), IsEmpty());
  complaints.Raise("CoreShowChannels", pbx::kPermissionDenied, kRights);
  EXPECT_NE(log.Take(), "");
}

TEST(PbxComplaintsTest, OtherNumbersAreNoOtherReason) {
  PbxComplaints complaints("main");
  testing::LogCapture log;
  complaints.Raise("Status", "5 of 6 items came", kRights);
  EXPECT_NE(log.Take(), "");
  complaints.Raise("Status", "17 of 20 items came", kRights);
  EXPECT_EQ(log.Take(), "");
  EXPECT_THAT(complaints.Standing(), ElementsAre("Status: 17 of 20 items came"));
}

TEST(PbxComplaintsTest, AReasonOfNoWordsIsSaidAsWell) {
  for (const char* why : {"", "17"}) {
    PbxComplaints complaints("main");
    testing::LogCapture log;
    complaints.Raise("Status", why, kRights);
    EXPECT_NE(log.Take(), "") << why;
    complaints.Raise("Status", why, kRights);
    EXPECT_EQ(log.Take(), "") << why;
  }
}

TEST(PbxComplaintsTest, WhatIsNotAskedForStandsNoLongerAndIsNoNewsAgain) {
  PbxComplaints complaints("main");
  testing::LogCapture log;
  complaints.Raise("Status", pbx::kPermissionDenied, kRights);
  EXPECT_NE(log.Take(), "");
  complaints.Rest("Status");
  EXPECT_THAT(complaints.Standing(), IsEmpty());
  complaints.Raise("Status", pbx::kPermissionDenied, kRights);
  EXPECT_THAT(complaints.Standing(), ElementsAre("Status: Permission denied"));
  EXPECT_EQ(log.Take(), "");
}

}  // namespace
}  // namespace unipresence
