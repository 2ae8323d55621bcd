#include "server/app/config_difference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace unipresence {
namespace {

using config::Config;
using config::PbxConfig;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

PbxConfig Pbx(const std::string& name) {
  PbxConfig pbx;
  pbx.name = name;
  pbx.host = name + ".example.org";
  pbx.port = 5038;
  pbx.username = "unipresence";
  pbx.secret = "s3cret-of-" + name;
  pbx.configuration_folder = "/etc/asterisk";
  return pbx;
}

class ConfigDifferenceTest : public ::testing::Test {
 protected:
  ConfigDifferenceTest() {
    before_.pbxs = {Pbx("main"), Pbx("branch")};
    after_ = before_;
  }

  Config before_;
  Config after_;
};

TEST_F(ConfigDifferenceTest, TheSameHasNone) {
  const ConfigDifference difference = Compare(before_, after_);
  EXPECT_THAT(difference.changes, IsEmpty());
  EXPECT_THAT(difference.need_restart, IsEmpty());
  EXPECT_TRUE(difference.added.empty() && difference.changed.empty() && difference.removed.empty());
}

// Whatever a reload takes is said; whatever it does not take is said as well.
TEST_F(ConfigDifferenceTest, EachSettingIsTakenOrNeedsARestart) {
  const struct {
    std::string name;
    void (*change)(Config&);
    bool taken;
  } kRows[] = {
      {"log.level", [](Config& it) { it.log.level = config::LogLevel::kDebug; }, true},
      {"users_file", [](Config& it) { it.users_file = "other.yaml"; }, true},
      {"users_file_wins", [](Config& it) { it.users_file_wins = !it.users_file_wins; }, true},
      {"grpc.listen", [](Config& it) { it.grpc.listen += "1"; }, false},
      {"zeromq.publish", [](Config& it) { it.zeromq.publish += "1"; }, false},
      {"zeromq.snapshot", [](Config& it) { it.zeromq.snapshot += "1"; }, false},
      {"metrics.listen", [](Config& it) { it.metrics.listen += "1"; }, false},
      {"store.path", [](Config& it) { it.store.path += "1"; }, false},
      {"sessions.time_to_live_s", [](Config& it) { ++it.sessions.time_to_live_s; }, false},
      {"fusion.deskphone_call",
       [](Config& it) {
         it.fusion.deskphone_call = it.fusion.deskphone_call == DeskphoneCall::kAny
                                        ? DeskphoneCall::kEmitted
                                        : DeskphoneCall::kAny;
       },
       false},
  };
  for (const auto& row : kRows) {
    after_ = before_;
    row.change(after_);
    const ConfigDifference difference = Compare(before_, after_);
    const auto& said = row.taken ? difference.changes : difference.need_restart;
    EXPECT_THAT(said, ElementsAre(HasSubstr(row.name + ": "))) << row.name;
    EXPECT_TRUE((row.taken ? difference.need_restart : difference.changes).empty()) << row.name;
    // What was taken is no difference at the next reload, what needs a restart is one still.
    const ConfigDifference next = Compare(Merge(before_, after_), after_);
    EXPECT_EQ(next.changes.size(), 0u) << row.name;
    EXPECT_EQ(next.need_restart.size(), row.taken ? 0u : 1u) << row.name;
  }
}

TEST_F(ConfigDifferenceTest, PbxsComeGoAndChange) {
  after_.pbxs = {Pbx("main"), Pbx("third")};
  after_.pbxs[0].port = 5039;
  after_.pbxs[1].configuration_folder.clear();
  const ConfigDifference difference = Compare(before_, after_);
  ASSERT_EQ(difference.changed.size(), 1u);
  EXPECT_EQ(difference.changed[0].name, "main");
  ASSERT_EQ(difference.added.size(), 1u);
  EXPECT_EQ(difference.added[0].name, "third");
  EXPECT_THAT(difference.removed, ElementsAre("branch"));
  EXPECT_THAT(
      difference.changes,
      ElementsAre("pbx main: address: main.example.org:5038 -> main.example.org:5039",
                  "pbx third: new, at third.example.org:5038", HasSubstr("pbx branch: removed")));
}

TEST_F(ConfigDifferenceTest, SecretsAreNotTold) {
  after_.pbxs[0].secret = "another-s3cret";
  const ConfigDifference difference = Compare(before_, after_);
  EXPECT_THAT(difference.changes, ElementsAre("pbx main: another secret"));
  EXPECT_EQ(difference.changed.size(), 1u);
}

TEST_F(ConfigDifferenceTest, AFolderOfAPbxNeedsARestart) {
  after_.pbxs[0].configuration_folder = "/elsewhere";
  after_.pbxs.push_back(Pbx("third"));
  const ConfigDifference difference = Compare(before_, after_);
  EXPECT_THAT(difference.need_restart, ElementsAre(HasSubstr("pbx main: configuration_folder"),
                                                   HasSubstr("pbx third: configuration_folder")));
  EXPECT_TRUE(difference.changed.empty()) << "the link stays";
  const Config merged = Merge(before_, after_);
  EXPECT_EQ(merged.pbxs[0].configuration_folder, "/etc/asterisk");
  EXPECT_EQ(merged.pbxs[2].configuration_folder, "");
}

}  // namespace
}  // namespace unipresence
