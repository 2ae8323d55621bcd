// AstDB, phones, dialplan, demonstration: the parts of the simulated PBX that recorded streams do
// not judge.

#include <chrono>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/simulation/demo.h"
#include "tests/simulation/dialplan.h"
#include "tests/simulation/people.h"

namespace unipresence::simulation {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

TEST(AstDbTest, AKillLosesWhatWasNotCommittedYet) {
  testing::FakeClock clock;
  AstDb database(clock);
  clock.Advance(std::chrono::seconds(5));
  database.Put("family", "old", "1");
  clock.Advance(std::chrono::seconds(2));
  database.Put("family", "old", "2");
  database.Put("family", "new", "3");
  database.Delete("family", "old");
  database.Stopped(/*clean=*/false);
  EXPECT_EQ(database.Get("family", "old"), "1");
  EXPECT_EQ(database.Get("family", "new"), std::nullopt);
}

TEST(AstDbTest, ACleanStopKeepsAll) {
  testing::FakeClock clock;
  AstDb database(clock);
  database.Put("family", "key", "1");
  database.Stopped(/*clean=*/true);
  EXPECT_EQ(database.Get("family", "key"), "1");
}

TEST(AstDbTest, ATreeIsAFamilyAndNotItsNamesakes) {
  testing::FakeClock clock;
  AstDb database(clock);
  database.Put("u/c/100", "interface", "a");
  database.Put("u/c/100", "forward/busy", "b");
  database.Put("u/c/1000", "interface", "c");
  EXPECT_THAT(database.Tree("u/c/100", ""),
              ElementsAre(Pair("/u/c/100/forward/busy", "b"), Pair("/u/c/100/interface", "a")));
  EXPECT_EQ(database.DeleteTree("u/c/100", ""), 2U);
  EXPECT_EQ(database.size(), 1U);
}

TEST(PhonesTest, TheDeviceStateOfAnEmittedCallIsLate) {
  PeoplePbx people;
  people.RegisterAll();
  const ChannelId own = people.Dial("alice", "1001", /*ring=*/false);
  EXPECT_EQ(people.pbx.phones().Reported(people.Phone("alice")), DeviceState::kNotInUse);
  EXPECT_EQ(people.pbx.calls().Find(own)->state, ChannelState::kRing);
  ASSERT_TRUE(people.pbx.calls().Ring(people.Channel("bob")).ok());
  EXPECT_EQ(people.pbx.phones().Reported(people.Phone("alice")), DeviceState::kInUse);
  EXPECT_EQ(people.pbx.phones().Reported(people.Phone("bob")), DeviceState::kRinging);
}

TEST(PhonesTest, ALineThatUnregistersDuringACallStaysInUseUntilItEnds) {
  PeoplePbx people;
  people.RegisterAll();
  people.Dial("alice", "1001");
  ASSERT_TRUE(people.pbx.calls().Answer(people.Channel("bob")).ok());
  ASSERT_TRUE(people.pbx.phones().Unregister(people.Phone("alice")).ok());
  EXPECT_EQ(people.pbx.phones().Reported(people.Phone("alice")), DeviceState::kInUse);
  ASSERT_TRUE(people.pbx.calls().Hangup(people.Channel("bob")).ok());
  EXPECT_EQ(people.pbx.phones().Reported(people.Phone("alice")), DeviceState::kUnavailable);
}

TEST(PhonesTest, ARefreshedContactGivesNoEvent) {
  PeoplePbx people;
  people.pbx.phones().Register(people.Phone("alice"));
  people.recorder.Clear();
  people.pbx.phones().Register(people.Phone("alice"));
  EXPECT_EQ(people.recorder.bytes(), "");
}

class DialplanTest : public ::testing::Test {
 protected:
  void SetUp() override { people_.RegisterAll(); }
  void Put(const char* number, const char* key, const char* value) {
    people_.pbx.database().Put(std::string("unipresence/default/") + number, key, value);
  }
  // The phone that rings, or the cause of the refusal.
  std::string Rings(const char* number) {
    const Route route = FindRoute(people_.pbx.directory(), people_.pbx.phones(),
                                  people_.pbx.database(), "default", number);
    return route.phone.has_value() ? people_.pbx.directory().EndpointName(*route.phone)
                                   : std::to_string(route.cause);
  }

  PeoplePbx people_;
};

TEST_F(DialplanTest, RingsTheDeviceInUse) {
  EXPECT_EQ(Rings("1000"), "alice");
  Put("1000", "interface", "PJSIP/alice_w");
  EXPECT_EQ(Rings("1000"), "alice_w");
}

TEST_F(DialplanTest, RingsTheDeskphoneIfTheDeviceInUseIsGone) {
  Put("1000", "interface", "PJSIP/alice_w");
  ASSERT_TRUE(people_.pbx.phones().Unregister(people_.Phone("alice_w")).ok());
  EXPECT_EQ(Rings("1000"), "alice");
}

TEST_F(DialplanTest, FollowsForwardsButNotInACircle) {
  Put("1000", "forward/unconditional", "1001");
  EXPECT_EQ(Rings("1000"), "bob");
  Put("1001", "forward/unconditional", "1000");
  EXPECT_EQ(Rings("1000"), "1");
}

TEST_F(DialplanTest, RefusesWithTheRightCause) {
  EXPECT_EQ(Rings("4711"), "1");
  Put("1001", "dnd", "1");
  EXPECT_EQ(Rings("1001"), "17");
  ASSERT_TRUE(people_.pbx.phones().Unregister(people_.Phone("carol")).ok());
  EXPECT_EQ(Rings("1002"), "20");
}

TEST(DemoTest, IsTheSameForTheSameSeed) {
  std::string first;
  for (const std::uint64_t seed : {3U, 3U, 4U}) {
    PeoplePbx people(seed);
    people.RegisterAll();
    Demo demo(people.pbx, seed);
    for (int step = 0; step < 500; ++step) demo.Step();
    if (first.empty()) {
      first = people.recorder.bytes();
    } else if (seed == 3) {
      EXPECT_EQ(people.recorder.bytes(), first);
    } else {
      EXPECT_NE(people.recorder.bytes(), first);
    }
  }
}

TEST(DemoTest, NoCallIsStuck) {
  PeoplePbx people(5);
  people.RegisterAll();
  Demo demo(people.pbx, 5);
  ChannelId oldest_ever = kNoChannel;
  for (int step = 0; step < 5000; ++step) {
    demo.Step();
    const auto& channels = people.pbx.calls().channels();
    if (channels.empty()) continue;
    // The oldest channel changes again and again.
    const ChannelId oldest = channels.begin()->first;
    oldest_ever = std::max(oldest_ever, oldest);
  }
  EXPECT_GT(oldest_ever, 500U);
}

}  // namespace
}  // namespace unipresence::simulation
