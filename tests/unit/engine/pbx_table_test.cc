#include "aggregator/engine/pbx_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/testing/fake_clock.h"

namespace unipresence {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class PbxTableTest : public ::testing::Test {
 protected:
  // A device that a user has a line on.
  DeviceRecord& Device(const std::string& name) {
    DeviceRecord& device = devices_[devices_.Intern(main_, name)];
    device.first_line = 0;
    pbxs_.AddLine(main_, /*new_device=*/true);
    return device;
  }
  void Sync() {
    pbxs_.BeginResync(main_, "22.10.1");
    pbxs_.EndResync(main_);
  }
  // The PBX lists it now.
  void List(DeviceRecord& device) {
    device.listed = true;
    device.generation = pbxs_.generation(main_);
  }

  testing::FakeClock clock_;
  DeviceTable devices_;
  PbxTable pbxs_{devices_, clock_};
  const PbxIndex main_ = pbxs_.Add("main", "127.0.0.1:5038");
};

TEST_F(PbxTableTest, ANameIsOnePbxAndItsAddressTheNewest) {
  EXPECT_EQ(pbxs_.Intern("main"), main_);
  EXPECT_EQ(pbxs_.Add("main", "127.0.0.1:5039"), main_);
  EXPECT_EQ(pbxs_[main_].address, "127.0.0.1:5039");
  const PbxIndex other = pbxs_.Intern("other");
  EXPECT_NE(other, main_);
  EXPECT_EQ(pbxs_[other].address, "");
  EXPECT_EQ(pbxs_.size(), 2u);
}

TEST_F(PbxTableTest, OnlyPbxsWithAnAddressNeedToBeSynced) {
  pbxs_.Intern("other");
  EXPECT_FALSE(pbxs_.AllSynced());
  Sync();
  EXPECT_TRUE(pbxs_.AllSynced());
  pbxs_.Add("other", "127.0.0.1:5039");
  EXPECT_FALSE(pbxs_.AllSynced());
}

TEST_F(PbxTableTest, ALinkIsSyncedByItsListsAndLostOnce) {
  pbxs_.BeginResync(main_, "22.10.1");
  EXPECT_EQ(pbxs_[main_].link, LinkState::kSyncing);
  EXPECT_NE(pbxs_.generation(main_), pbxs_.last_complete(main_));
  clock_.Advance(std::chrono::milliseconds(7));
  pbxs_.EndResync(main_);
  EXPECT_TRUE(pbxs_.synced(main_));
  EXPECT_EQ(pbxs_.generation(main_), pbxs_.last_complete(main_));
  EXPECT_EQ(pbxs_[main_].version, "22.10.1");
  EXPECT_EQ(pbxs_[main_].resyncs, 1u);
  EXPECT_EQ(pbxs_[main_].last_resync_duration, std::chrono::milliseconds(7));

  EXPECT_TRUE(pbxs_.LinkLost(main_, "gone"));
  EXPECT_FALSE(pbxs_.LinkLost(main_, "refused")) << "it was down";
  EXPECT_EQ(pbxs_[main_].link, LinkState::kDown);
  EXPECT_EQ(pbxs_[main_].reconnects, 1u);
  EXPECT_EQ(pbxs_[main_].last_error, "refused");
}

TEST_F(PbxTableTest, AListingIsWantedOnceAndNotWhileListsFollowAnyway) {
  pbxs_.RequestListing(main_);
  EXPECT_TRUE(pbxs_.TakeListingWanted(main_));
  EXPECT_FALSE(pbxs_.TakeListingWanted(main_));
  pbxs_.AddLine(main_, /*new_device=*/false);
  EXPECT_FALSE(pbxs_.TakeListingWanted(main_));
  pbxs_.AddLine(main_, /*new_device=*/true);
  Sync();
  EXPECT_FALSE(pbxs_.TakeListingWanted(main_));
  EXPECT_EQ(pbxs_[main_].lines, 2u);
}

TEST_F(PbxTableTest, OnlyAReconcileCorrectsAndNotWhileChangesAreExpected) {
  EXPECT_FALSE(pbxs_.Corrects(main_, CauseKind::kResync));
  EXPECT_TRUE(pbxs_.Corrects(main_, CauseKind::kReconcile));
  pbxs_.ExpectChanges(main_, true);
  EXPECT_FALSE(pbxs_.Corrects(main_, CauseKind::kReconcile));
  pbxs_.ExpectChanges(main_, false);
  EXPECT_TRUE(pbxs_.Corrects(main_, CauseKind::kReconcile));
}

TEST_F(PbxTableTest, CorrectionsAreTakenOnceAndNameNobodyTwice) {
  pbxs_.AddCorrected(main_, "alice");
  pbxs_.AddCorrected(main_, "bob");
  pbxs_.AddCorrected(main_, "alice");
  const PbxTable::Corrections taken = pbxs_.TakeCorrections(main_);
  EXPECT_EQ(taken.count, 3u);
  EXPECT_THAT(taken.users, ElementsAre("alice", "bob"));
  EXPECT_EQ(pbxs_.TakeCorrections(main_).count, 0u);
}

TEST_F(PbxTableTest, CorrectionsNameNoMoreThanTheyMay) {
  for (std::size_t i = 0; i <= PbxTable::Corrections::kMaxUsers; ++i) {
    pbxs_.AddCorrected(main_, "user" + std::to_string(i));
  }
  const PbxTable::Corrections taken = pbxs_.TakeCorrections(main_);
  EXPECT_EQ(taken.count, PbxTable::Corrections::kMaxUsers + 1);
  EXPECT_EQ(taken.users.size(), PbxTable::Corrections::kMaxUsers);
}

TEST_F(PbxTableTest, UnlistedDevicesAreFoundOnceAndShownWhileSynced) {
  DeviceRecord& alice = Device("PJSIP/alice");
  Device("PJSIP/bob");
  Sync();
  List(alice);
  EXPECT_THAT(pbxs_.FindUnlisted(main_).names, ElementsAre("PJSIP/bob"));
  EXPECT_THAT(pbxs_.FindUnlisted(main_).names, IsEmpty()) << "it was said";
  EXPECT_THAT(pbxs_.Unlisted(main_).names, ElementsAre("PJSIP/bob"));
  EXPECT_EQ(pbxs_[main_].unlisted_devices, 1u);
  pbxs_.LinkLost(main_, "gone");
  EXPECT_EQ(pbxs_.Unlisted(main_).count, 0u);
}

TEST_F(PbxTableTest, OfADeviceThatIsStillToBeListedNothingIsSaid) {
  Sync();
  Device("PJSIP/alice");
  EXPECT_EQ(pbxs_.FindUnlisted(main_).count, 0u);
  EXPECT_TRUE(pbxs_.TakeListingWanted(main_));
  EXPECT_EQ(pbxs_.FindUnlisted(main_).count, 1u);
}

}  // namespace
}  // namespace unipresence
