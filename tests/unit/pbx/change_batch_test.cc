#include "aggregator/pbx/change_batch.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace unipresence::pbx {
namespace {

TEST(ChangeBatchTest, KeepsOrderAndPointsIntoTheCallersBuffer) {
  const std::string buffer = "PJSIP/alice";
  TrackerProbe probe;
  ChangeBatch batch(probe);
  batch.Add({.state = DeviceState::kInUse, .device = {}}, buffer);
  batch.AddCopy({.kind = DeviceChange::Kind::kContact, .device = {}}, {"PJSIP/", "bob"});
  ASSERT_EQ(batch.changes().size(), 2u);
  EXPECT_EQ(batch.changes()[0].device.data(), buffer.data());
  EXPECT_EQ(batch.changes()[1].device, "PJSIP/bob");
}

TEST(ChangeBatchTest, NamesStayWhereTheyAreWhileTheBatchGrows) {
  TrackerProbe probe;
  ChangeBatch batch(probe);
  for (int round = 0; round < 3; ++round) {
    std::vector<std::string> names;
    for (int i = 0; i < 20'000; ++i) {
      names.push_back("PJSIP/" + std::to_string(i));
      batch.AddCopy({}, {"PJSIP/", std::to_string(i)});
    }
    ASSERT_EQ(batch.changes().size(), names.size());
    for (std::size_t i = 0; i < names.size(); ++i) {
      ASSERT_EQ(batch.changes()[i].device, names[i]);
    }
    batch.Clear();
    EXPECT_TRUE(batch.empty());
  }
}

TEST(ChangeBatchTest, DropsAndCountsNamesThatNoTableTakes) {
  const std::string longest(ChangeBatch::kMaxDeviceName, 'x');
  const std::string longer = longest + 'x';
  TrackerProbe probe;
  ChangeBatch batch(probe);
  batch.Add({}, longest);
  batch.AddCopy({}, {longest});
  EXPECT_EQ(probe.rejected_names.value(), 0u);
  batch.Add({}, longer);
  batch.Add({}, "");
  batch.AddCopy({}, {"x", longest});
  batch.AddCopy({}, {"", ""});
  EXPECT_EQ(probe.rejected_names.value(), 4u);
  EXPECT_EQ(batch.changes().size(), 2u);
}

}  // namespace
}  // namespace unipresence::pbx
