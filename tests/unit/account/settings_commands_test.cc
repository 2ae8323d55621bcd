#include "server/account/settings_commands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "server/account/failure.h"
#include "tests/testing/account_room.h"
#include "tests/testing/users.h"

namespace unipresence {
namespace {

using testing::AccountRoom;
using testing::UniqueAccount;
using Stored = absl::StatusOr<StoredUser>;

std::optional<AccountProblem> ProblemIn(const absl::Status& status) {
  return ProblemAs<AccountProblem>(status);
}

class SettingsCommandsTest : public ::testing::Test {
 protected:
  SettingsCommandsTest() {
    room_.AddUser(UniqueAccount("alice", "101"));
    User dave = UniqueAccount("dave", "104");
    dave.line_type = LineType::kSip;
    dave.lines.pop_back();
    room_.AddUser(dave);
  }

  static SettingsCommands::Done Told(std::function<void(Stored)> done) {
    return [done = std::move(done)](Core&, Stored stored) { done(std::move(stored)); };
  }
  Stored Select(const std::string& user, LineKind device) {
    return room_.Run<Stored>([&](std::function<void(Stored)> done) {
      settings_.SelectDevice(user, device, Told(std::move(done)));
    });
  }
  Stored Forward(const std::string& user, SettingsCommands::Edit edit) {
    return room_.Run<Stored>([&](std::function<void(Stored)> done) {
      settings_.ChangeForwarding(user, std::move(edit), Told(std::move(done)));
    });
  }
  static SettingsCommands::Edit BusyTo(std::string destination, bool enabled = true) {
    return [destination, enabled](const StoredUser&, Forwardings& forwardings, bool&) {
      forwardings[ForwardingCondition::kBusy] = {.destination = destination, .enabled = enabled};
      return absl::OkStatus();
    };
  }

  AccountRoom room_;
  SettingsCommands settings_{room_.context()};
};

TEST_F(SettingsCommandsTest, ASelectionIsStoredThenInForceThenTold) {
  const Stored stored = Select("alice", LineKind::kDeskphone);
  ASSERT_TRUE(stored.ok()) << stored.status();
  EXPECT_EQ(stored->settings.selected_device, LineKind::kDeskphone);
  EXPECT_EQ(room_.Stored("alice").settings.selected_device, LineKind::kDeskphone);
  EXPECT_EQ(room_.PresenceOf("alice").selected_device, LineKind::kDeskphone);
}

TEST_F(SettingsCommandsTest, WhatCannotBeSelectedIsAProblemAndChangesNothing) {
  EXPECT_EQ(ProblemIn(Select("nobody", LineKind::kDeskphone).status()),
            AccountProblem::kUserNotFound);
  EXPECT_EQ(ProblemIn(Select("dave", LineKind::kWebrtc).status()),
            AccountProblem::kLineNotAssigned);
  EXPECT_EQ(room_.Stored("dave").settings.selected_device, std::nullopt);
}

TEST_F(SettingsCommandsTest, ForwardsAreCheckedWhereTheyChange) {
  const struct {
    const char* row;
    std::string destination;
    bool enabled;
    std::optional<AccountProblem> problem;
  } kRows[] = {
      {"a number", "2000", true, std::nullopt},
      {"kept for later", "2001", false, std::nullopt},
      {"enabled, without one", "", true, AccountProblem::kFieldRequired},
      {"no number", "20 00", true, AccountProblem::kDestinationInvalid},
      {"the own number", "101", true, AccountProblem::kDestinationInvalid},
      {"the own number, disabled", "101", false, AccountProblem::kDestinationInvalid},
  };
  for (const auto& row : kRows) {
    const Forwardings before = room_.Stored("alice").settings.forwardings;
    const Stored stored = Forward("alice", BusyTo(row.destination, row.enabled));
    EXPECT_EQ(ProblemIn(stored.status()), row.problem) << row.row;
    if (stored.ok()) continue;
    EXPECT_EQ(room_.Stored("alice").settings.forwardings, before) << row.row;
  }
}

TEST_F(SettingsCommandsTest, AnErrorOfTheEditIsToldAsItIs) {
  const Stored stored = Forward("alice", [](const StoredUser&, Forwardings&, bool& do_not_disturb) {
    do_not_disturb = true;
    return Failure(AccountProblem::kOverloaded, "not now");
  });
  EXPECT_EQ(ProblemIn(stored.status()), AccountProblem::kOverloaded);
  EXPECT_FALSE(room_.Stored("alice").settings.do_not_disturb);
}

TEST_F(SettingsCommandsTest, WhatAPhoneChangedIsAdopted) {
  const auto adopt = [&](PhoneSetting setting) {
    return room_.Run<absl::Status>([&](std::function<void(absl::Status)> done) {
      settings_.Adopt(std::move(setting), std::move(done));
    });
  };
  EXPECT_TRUE(adopt({.user = "alice", .value = PhoneSelection{LineKind::kDeskphone}}).ok());
  EXPECT_TRUE(adopt({.user = "alice", .value = PhoneDoNotDisturb{true}}).ok());
  EXPECT_TRUE(
      adopt({.user = "alice", .value = PhoneForward{ForwardingCondition::kBusy, "2000"}}).ok());
  UserSettings settings = room_.Stored("alice").settings;
  EXPECT_EQ(settings.selected_device, LineKind::kDeskphone);
  EXPECT_TRUE(settings.do_not_disturb);
  EXPECT_EQ(settings.forwardings[ForwardingCondition::kBusy],
            (unipresence::Forward{.destination = "2000", .enabled = true}));
  // Without a number it is switched off, and the number stays.
  EXPECT_TRUE(adopt({.user = "alice", .value = PhoneForward{ForwardingCondition::kBusy, ""}}).ok());
  settings = room_.Stored("alice").settings;
  EXPECT_EQ(settings.forwardings[ForwardingCondition::kBusy],
            (unipresence::Forward{.destination = "2000", .enabled = false}));
  EXPECT_EQ(ProblemIn(adopt({.user = "nobody", .value = PhoneDoNotDisturb{true}})),
            AccountProblem::kUserNotFound);
}

TEST_F(SettingsCommandsTest, AUserWhoWasDeletedMeanwhileIsNotFound) {
  std::optional<Stored> stored;
  settings_.SelectDevice("alice", LineKind::kDeskphone,
                         [&](Core&, Stored got) { stored = std::move(got); });
  ASSERT_TRUE(room_.engine().RemoveUser("alice").ok());
  while (!stored) room_.RunNext();
  EXPECT_EQ(ProblemIn(stored->status()), AccountProblem::kUserNotFound);
}

// A store that refuses answers at once, on the thread of the caller: the pipeline's often.
TEST(SettingsCommandsFullTest, NothingIsToldWithinTheCall) {
  AccountRoom room({}, {.queue_capacity = 0});
  SettingsCommands settings(room.context());
  std::optional<Stored> stored;
  settings.SelectDevice("alice", LineKind::kDeskphone,
                        [&](Core&, Stored got) { stored = std::move(got); });
  EXPECT_FALSE(stored);
  room.RunNext();
  ASSERT_TRUE(stored);
  EXPECT_EQ(ProblemIn(stored->status()), AccountProblem::kStoreUnavailable);
}

TEST(SettingsCommandsOrderTest, TheLastCommitIsTheLastInForce) {
  AccountRoom room;
  room.AddUser(UniqueAccount("alice", "101"));
  SettingsCommands settings(room.context());
  constexpr int kCommands = 20;
  int told = 0;
  for (int i = 0; i < kCommands; ++i) {
    const LineKind device = i % 2 == 0 ? LineKind::kWebrtc : LineKind::kDeskphone;
    settings.SelectDevice("alice", device, [&, i, device](Core&, Stored stored) {
      EXPECT_EQ(told++, i);
      ASSERT_TRUE(stored.ok());
      EXPECT_EQ(stored->settings.selected_device, device) << i;
      EXPECT_EQ(room.PresenceOf("alice").selected_device, device) << i;
    });
  }
  while (told < kCommands) room.RunNext();
  EXPECT_EQ(room.PresenceOf("alice").selected_device, LineKind::kDeskphone);
  EXPECT_EQ(room.Stored("alice").settings.selected_device, LineKind::kDeskphone);
}

}  // namespace
}  // namespace unipresence
