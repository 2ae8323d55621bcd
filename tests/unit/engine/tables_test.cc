#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <vector>

#include "aggregator/engine/device_table.h"
#include "aggregator/engine/user_table.h"

namespace unipresence {
namespace {

TEST(DeviceTableTest, FindsWhatWasInternedAloneAndInBatches) {
  DeviceTable table;
  std::vector<std::string> names;
  for (int i = 0; i < 5000; ++i) {
    names.push_back("PJSIP/" + std::string(static_cast<std::size_t>(i % 40), 'x') +
                    std::to_string(i));
    EXPECT_EQ(table.Intern(1, names.back()), static_cast<DeviceIndex>(i));
  }
  EXPECT_EQ(table.Intern(1, names[17]), 17u);
  EXPECT_EQ(table.Find(2, names[17]), kNoDevice);  // the same name on another PBX
  std::vector<DeviceChange> changes;
  for (const std::string& name : names) changes.push_back({.device = name});
  changes.push_back({.device = "PJSIP/nobody"});
  std::vector<DeviceIndex> found(changes.size());
  table.Find(1, changes, found);
  for (std::size_t i = 0; i < names.size(); ++i) EXPECT_EQ(found[i], i);
  EXPECT_EQ(found.back(), kNoDevice);
}

TEST(UserTableTest, BehavesAsAMapUnderRandomAddsAndRemovals) {
  UserTable table;
  std::map<std::string, UserIndex> model;
  std::mt19937 random(1);
  for (int step = 0; step < 50000; ++step) {
    const std::string id = std::string(random() % 30, 'u') + std::to_string(random() % 3000);
    const auto it = model.find(id);
    if (it == model.end()) {
      ASSERT_EQ(table.Find(id), kNoUser);
      model[id] = table.Add(id);
    } else {
      ASSERT_EQ(table.Find(id), it->second);
      if (random() % 2 == 0) {
        table.Remove(it->second);
        model.erase(it);
      }
    }
    ASSERT_EQ(table.size(), model.size());
  }
  for (const auto& [id, index] : model) {
    EXPECT_EQ(table.Find(id), index);
    EXPECT_EQ(table[index].id.view(), id);
  }
}

TEST(UserTableTest, BlocksOfLinesAreReused) {
  UserTable table;
  const LineIndex first = table.AllocateLines(2);
  const LineIndex second = table.AllocateLines(1);
  EXPECT_NE(first, second);
  table.FreeLines(first, 2);
  EXPECT_EQ(table.AllocateLines(2), first);
}

}  // namespace
}  // namespace unipresence
