#include "server/account/user_commands.h"

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

User Administrator(const std::string& id, const std::string& exten) {
  User user = UniqueAccount(id, exten);
  user.role = Role::kAdministrator;
  return user;
}

class UserCommandsTest : public ::testing::Test {
 protected:
  UserCommandsTest() {
    room_.AddUser(UniqueAccount("alice", "101"), "hash");
    room_.AddUser(Administrator("root", "100"), "hash");
  }

  Stored Create(const User& user) {
    return room_.Run<Stored>([&](std::function<void(Stored)> done) {
      users_.Create({.user = user, .password_hash = {}}, std::move(done));
    });
  }
  Stored Change(UserCommands::Update update) {
    return room_.Run<Stored>([&](std::function<void(Stored)> done) {
      users_.Change(std::move(update), std::move(done));
    });
  }
  absl::Status Delete(const std::string& id, absl::Status check = absl::OkStatus()) {
    return room_.Run<absl::Status>([&](std::function<void(absl::Status)> done) {
      users_.Delete(
          id, [check](const StoredUser&) { return check; }, std::move(done));
    });
  }
  static UserCommands::Update Renamed(const std::string& id, const std::string& name) {
    return {.user = id, .edit = [name](const StoredUser&, User& user) {
              user.display_name = name;
              return absl::OkStatus();
            }};
  }
  static UserCommands::Update WithRole(const std::string& id, Role role) {
    return {.user = id, .edit = [role](const StoredUser&, User& user) {
              user.role = role;
              return absl::OkStatus();
            }};
  }
  // Gives the user a session.
  void LogIn(const std::string& user) {
    StoredSession session;
    session.key.fill(static_cast<std::uint8_t>(user.front()));
    session.id = "session of " + user;
    session.user = user;
    EXPECT_TRUE(room_.InStore([&](Transaction& t) { return t.sessions.Save(session); }).ok());
    EXPECT_TRUE(room_.keeper().Begin(room_.core(), session).ok());
  }

  AccountRoom room_;
  UserCommands users_{room_.context()};
};

TEST_F(UserCommandsTest, AUserIsStoredAndKnownToTheEngine) {
  const Stored stored = Create(UniqueAccount("erin", "105"));
  ASSERT_TRUE(stored.ok()) << stored.status();
  EXPECT_EQ(stored->version, 1u);
  EXPECT_EQ(room_.PresenceOf("erin").lines.size(), 2u);
}

TEST_F(UserCommandsTest, WhatBelongsToAnotherIsTold) {
  EXPECT_EQ(ProblemIn(Create(UniqueAccount("alice", "105")).status()), AccountProblem::kUserExists);
  User user = UniqueAccount("erin", "101");
  const Stored taken = Create(user);
  EXPECT_EQ(ProblemIn(taken.status()), AccountProblem::kExtensionTaken);
  EXPECT_EQ(ProblemOf(taken.status())->values.back(),
            (std::pair<std::string, std::string>("user", "alice")));
  user.exten = "105";
  user.username = "Alice";
  EXPECT_EQ(ProblemIn(Create(user).status()), AccountProblem::kUsernameTaken);
  user.username = "erin";
  user.lines[0].device = "PJSIP/alice";
  EXPECT_EQ(ProblemIn(Create(user).status()), AccountProblem::kDeviceTaken);
  EXPECT_EQ(room_.engine().user_count(), 2u);
}

TEST_F(UserCommandsTest, AChangeOfRoleOrPasswordLogsOutAndOthersDoNot) {
  LogIn("alice");
  EXPECT_TRUE(Change(Renamed("alice", "Alice A.")).ok());
  EXPECT_EQ(room_.keeper().size(), 1u);
  EXPECT_TRUE(Change(WithRole("alice", Role::kAdministrator)).ok());
  EXPECT_EQ(room_.keeper().size(), 0u);
  LogIn("alice");
  UserCommands::Update update = Renamed("alice", "Alice A.");
  update.password_hash = "another";
  EXPECT_TRUE(Change(std::move(update)).ok());
  EXPECT_EQ(room_.keeper().size(), 0u);
  EXPECT_EQ(room_.Stored("alice").password_hash, "another");
}

TEST_F(UserCommandsTest, SomebodyAlwaysAdministers) {
  EXPECT_EQ(ProblemIn(Change(WithRole("root", Role::kUser)).status()),
            AccountProblem::kLastAdministrator);
  UserCommands::Update update = Renamed("root", "Root");
  update.password_hash = "";
  EXPECT_EQ(ProblemIn(Change(std::move(update)).status()), AccountProblem::kLastAdministrator);
  EXPECT_EQ(ProblemIn(Delete("root")), AccountProblem::kLastAdministrator);
  // Nothing of it was done.
  EXPECT_EQ(room_.Stored("root").user, Administrator("root", "100"));
  EXPECT_EQ(room_.Stored("root").password_hash, "hash");
  EXPECT_TRUE(Change(WithRole("alice", Role::kAdministrator)).ok());
  EXPECT_TRUE(Delete("root").ok());
}

TEST_F(UserCommandsTest, WhoIsDeletedIsGoneEverywhere) {
  LogIn("alice");
  EXPECT_TRUE(Delete("alice").ok());
  EXPECT_EQ(room_.keeper().size(), 0u);
  EXPECT_FALSE(room_.engine().Read("alice", [](const PresenceSource::Entry&) {}));
  EXPECT_EQ(ProblemIn(Delete("alice")), AccountProblem::kUserNotFound);
  EXPECT_EQ(ProblemIn(Change(Renamed("alice", "A")).status()), AccountProblem::kUserNotFound);
}

TEST_F(UserCommandsTest, WhatTheCallerRefusesIsNotDone) {
  const absl::Status not_now = Failure(AccountProblem::kOverloaded, "not now");
  EXPECT_EQ(Delete("alice", not_now), not_now);
  const Stored stored = Change({.user = "alice", .edit = [&](const StoredUser&, User& user) {
                                  user.display_name = "another";
                                  return not_now;
                                }});
  EXPECT_EQ(stored.status(), not_now);
  EXPECT_EQ(room_.Stored("alice").user, UniqueAccount("alice", "101"));
}

}  // namespace
}  // namespace unipresence
