#include "server/app/users_sync.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "aggregator/base/status_macros.h"
#include "tests/testing/recording_changes.h"
#include "tests/testing/sync_sqlite_store.h"
#include "tests/testing/temp_folder.h"
#include "tests/testing/users.h"

namespace unipresence {
namespace {

using config::UserSeed;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::SyncSqliteStore;
using testing::UniqueAccount;

UserSeed Seed(const std::string& id, const std::string& exten, Role role = Role::kUser) {
  UserSeed seed{.user = UniqueAccount(id, exten), .password = {}, .password_hash = "hash of " + id};
  seed.user.role = role;
  return seed;
}

void GiveBox(User& user, const std::string& number) {
  user.voicemail = Voicemail{.name = {}, .number = number, .password = {}, .email = {}};
}

class UsersSyncTest : public ::testing::Test {
 protected:
  UsersSyncTest() { OpenNew(); }

  // Another store, of no users.
  void OpenNew() {
    const std::string path = folder_.File(fmt::format("{}.db", ++stores_));
    store_ = SyncSqliteStore::Open({.path = path}).value();
    store_->store().Follow(changes_);
  }
  absl::StatusOr<UsersSync> TrySync(const std::vector<UserSeed>& seeds, bool file_wins,
                                    std::stop_token stop = {}) {
    UsersSync sync;
    changes_.changes.clear();
    const absl::Status status =
        store_->store().SubmitAndWait([&](Transaction& transaction) -> absl::Status {
          UNIPRESENCE_ASSIGN_OR_RETURN(
              sync, SyncUsers(transaction, seeds, "users.yaml", "digest", file_wins, stop));
          return absl::OkStatus();
        });
    if (!status.ok()) return status;
    return sync;
  }
  UsersSync Sync(const std::vector<UserSeed>& seeds, bool file_wins = true) {
    absl::StatusOr<UsersSync> sync = TrySync(seeds, file_wins);
    EXPECT_TRUE(sync.ok()) << sync.status();
    return sync.ok() ? *std::move(sync) : UsersSync();
  }
  // What the store remembers of the file.
  TakenUsersFile Taken() { return store_->GetUsersFile().value().value(); }
  // Another sync has nothing to do.
  void ExpectDone(const std::vector<UserSeed>& seeds) {
    for (const UserSeed& seed : seeds) {
      const StoredUser stored = Get(seed.user.id);
      EXPECT_TRUE(stored.user == seed.user) << seed.user.id;
      EXPECT_EQ(stored.password_hash, seed.password_hash);
    }
    const UsersSync again = Sync(seeds);
    EXPECT_THAT(changes_.changes, IsEmpty());
    EXPECT_THAT(again.lines, ElementsAre(HasSubstr("0 users added, 0 changed")));
    EXPECT_TRUE(Taken().complete);
    EXPECT_FALSE(Taken().refused || Taken().users_changed);
  }
  StoredUser Get(const std::string& id) {
    absl::StatusOr<StoredUser> user = store_->GetUser(id);
    EXPECT_TRUE(user.ok()) << user.status();
    return user.ok() ? *std::move(user) : StoredUser();
  }
  // Everything that is stored of users.
  std::string All() {
    std::string text;
    EXPECT_TRUE(store_
                    ->ForEachUser([&](const StoredUser& it) {
                      text += fmt::format("{} {} {} {} {} {}\n", it.user.id, it.user.exten,
                                          it.user.username, ToString(it.user.role),
                                          it.password_hash, it.version);
                    })
                    .ok());
    return text;
  }
  // Whom the last sync has changed, as followers of the store are told.
  std::vector<ChangedUser> Changed() {
    EXPECT_LE(changes_.changes.size(), 1u);
    return changes_.changes.empty() ? std::vector<ChangedUser>() : changes_.changes[0].users;
  }
  std::vector<std::string> Changed(const UsersSync&) { return changes_.ids(); }

  testing::TempFolder folder_;
  int stores_ = 0;
  testing::RecordingChanges changes_;
  std::unique_ptr<SyncSqliteStore> store_;
};

// --- What is told and what is taken ---

TEST_F(UsersSyncTest, NewUsersAreAddedAndDifferencesOfKnownOnesAreTold) {
  std::vector<UserSeed> seeds = {Seed("alice", "1001"), Seed("bob", "1002")};
  EXPECT_THAT(Sync(seeds, false).lines, ElementsAre(HasSubstr("2 users added")));
  const std::string before = All();
  seeds[0].user.display_name = "Alice Renamed";
  seeds[0].password_hash = "another hash";
  const UsersSync sync = Sync(seeds, false);
  EXPECT_THAT(sync.lines,
              Contains(AllOf(HasSubstr("alice: display_name: "),
                             HasSubstr("password_hash: another one"), HasSubstr("(not taken)"))));
  EXPECT_THAT(sync.lines, Contains(HasSubstr("`unipresence users update`")));
  EXPECT_EQ(All(), before);
  EXPECT_THAT(Changed(Sync(seeds)), ElementsAre("alice"));
  ExpectDone(seeds);
}

TEST_F(UsersSyncTest, UsersWhoAreGoneAreToldAndKept) {
  Sync({Seed("alice", "1001"), Seed("bob", "1002")});
  EXPECT_THAT(Sync({Seed("alice", "1001")}).lines,
              Contains(HasSubstr("`unipresence users delete bob` deletes")));
  EXPECT_TRUE(store_->GetUser("bob").ok());
}

TEST_F(UsersSyncTest, DeletedUsersComeBackOnlyIfTheFileWins) {
  const std::vector<UserSeed> seeds = {Seed("alice", "1001")};
  Sync(seeds);
  ASSERT_TRUE(store_->DeleteUser("alice").ok());
  EXPECT_THAT(Sync(seeds, false).lines, Contains(HasSubstr("1 of its users were deleted")));
  EXPECT_FALSE(store_->GetUser("alice").ok());
  EXPECT_THAT(Changed(Sync(seeds, true)), ElementsAre("alice"));
}

// --- Passwords ---

TEST_F(UsersSyncTest, APendingPasswordGivesWayToAHashWhoeverWins) {
  for (const bool file_wins : {false, true}) {
    OpenNew();
    UserSeed alice = Seed("alice", "1001");
    alice.password_hash.clear();
    alice.password = "a plain password";
    EXPECT_EQ(Sync({alice}, file_wins).passwords.size(), 1u);
    ASSERT_EQ(Get("alice").password_hash, kPasswordPending);
    alice.password.clear();
    alice.password_hash = "its hash";
    alice.user.display_name = "Renamed";
    const UsersSync sync = Sync({alice}, file_wins);
    EXPECT_EQ(Get("alice").password_hash, "its hash");
    EXPECT_THAT(sync.lines, Contains(HasSubstr("alice: password_hash: taken")));
    EXPECT_EQ(Get("alice").user.display_name, file_wins ? "Renamed" : "User alice");
    // From now on it is a password like others.
    alice.password_hash = "another hash";
    Sync({alice}, file_wins);
    EXPECT_EQ(Get("alice").password_hash, file_wins ? "another hash" : "its hash");
  }
}

TEST_F(UsersSyncTest, APendingPasswordGivesWayEvenIfTheRestOfTheUserIsRefused) {
  UserSeed alice = Seed("alice", "1001");
  alice.password_hash.clear();
  alice.password = "a plain password";
  Sync({alice, Seed("bob", "1002")});
  alice.password.clear();
  alice.password_hash = "its hash";
  alice.user.exten = "1002";
  EXPECT_THAT(Sync({alice}).lines, Contains(HasSubstr("alice: not taken: exten '1002'")));
  EXPECT_EQ(Get("alice").password_hash, "its hash");
  EXPECT_EQ(Get("alice").user.exten, "1001");
}

TEST_F(UsersSyncTest, APendingPasswordThatIsGoneIsTold) {
  UserSeed alice = Seed("alice", "1001");
  alice.password_hash.clear();
  alice.password = "a plain password";
  Sync({alice}, false);
  alice.password = "another password";
  ASSERT_EQ(Sync({alice}, false).passwords.size(), 1u);
  EXPECT_TRUE(Sync({alice}, false).passwords[0].take) << "the newest file counts";
  alice.password.clear();
  EXPECT_THAT(Sync({alice}, false).lines, Contains(AllOf(HasSubstr("alice: cannot log in"),
                                                         HasSubstr("`unipresence users update`"))));
}

TEST_F(UsersSyncTest, WhoHasNoPasswordHereGetsNoneOfAFileThatDoesNotWin) {
  UserSeed alice = Seed("alice", "1001");
  alice.password_hash.clear();
  Sync({alice}, false);
  alice.password = "a plain password";
  const UsersSync sync = Sync({alice}, false);
  EXPECT_THAT(sync.passwords, IsEmpty());
  EXPECT_THAT(sync.lines, Contains(HasSubstr("alice: password: another one (not taken)")));
  EXPECT_EQ(Sync({alice}, true).passwords.size(), 1u);
}

// --- Exchanges ---

// What is unique, with a value for each user of a ring.
struct Unique {
  std::string name;
  void (*give)(User& user, int value);
};
const Unique kUnique[] = {
    {"number", [](User& user, int value) { user.exten = fmt::format("{}", 1000 + value); }},
    {"username", [](User& user, int value) { user.username = fmt::format("name{}", value); }},
    {"device",
     [](User& user, int value) {
       for (Line& line : user.lines) {
         line.device = fmt::format("PJSIP/phone{}_{}", value, ToString(line.kind));
       }
     }},
    {"mailbox", [](User& user, int value) { GiveBox(user, fmt::format("{}", 1000 + value)); }},
    {"all",
     [](User& user, int value) {
       for (int i = 0; i < 4; ++i) kUnique[i].give(user, value);
     }},
};

TEST_F(UsersSyncTest, UsersExchangeWhatIsUnique) {
  for (const Unique& unique : kUnique) {
    for (const int size : {2, 3, 7}) {
      OpenNew();
      std::vector<UserSeed> seeds = {Seed("root", "999", Role::kAdministrator)};
      for (int i = 0; i < size; ++i) {
        UserSeed seed = Seed(fmt::format("u{}", i), fmt::format("{}", 2000 + i));
        unique.give(seed.user, i);
        seeds.push_back(seed);
      }
      Sync(seeds);
      ASSERT_TRUE(store_->SetSelectedDevice("u0", LineKind::kDeskphone).ok());
      for (int i = 0; i < size; ++i) {
        unique.give(seeds[static_cast<std::size_t>(i) + 1].user, (i + 1) % size);
      }
      const UsersSync sync = Sync(seeds);
      const std::vector<ChangedUser> changed = Changed();
      EXPECT_EQ(changed.size(), static_cast<std::size_t>(size)) << unique.name;
      // In one step, for in no order can they be applied one by one.
      for (const ChangedUser& user : changed) {
        EXPECT_EQ(user.with_previous, &user != &changed.front()) << unique.name;
      }
      EXPECT_THAT(sync.lines, Not(Contains(HasSubstr("not taken")))) << unique.name;
      EXPECT_EQ(Get("u0").settings.selected_device, LineKind::kDeskphone) << unique.name;
      ExpectDone(seeds);
    }
  }
}

TEST_F(UsersSyncTest, SomebodyOutsideKeepsOnlyThoseBackWhoDependOnHim) {
  Sync({Seed("a", "1"), Seed("b", "2"), Seed("c", "3"), Seed("d", "4"), Seed("kept", "9"),
        Seed("x", "7"), Seed("y", "8")});
  // a -> b -> c -> what somebody has who is in the file no more; d and the new one depend on them.
  const std::vector<UserSeed> seeds = {Seed("a", "2"), Seed("b", "3"),   Seed("c", "9"),
                                       Seed("d", "1"), Seed("new", "4"), Seed("x", "8"),
                                       Seed("y", "7")};
  const UsersSync sync = Sync(seeds);
  EXPECT_THAT(Changed(sync), ElementsAre("x", "y"));
  for (const std::string id : {"a", "b", "c", "d", "new"}) {
    EXPECT_THAT(sync.lines, Contains(HasSubstr(id + ": not taken: exten '")));
  }
  EXPECT_THAT(sync.lines, Contains(HasSubstr("c: not taken: exten '9': user 'kept' has it")));
  EXPECT_EQ(Get("a").user.exten, "1");
  EXPECT_EQ(Get("d").user.exten, "4");
  EXPECT_EQ(Get("a").version, 1u) << "who stays is not touched";
  EXPECT_TRUE(Taken().refused);
  EXPECT_FALSE(Taken().users_changed);
  EXPECT_FALSE(store_->GetUser("new").ok());
  EXPECT_EQ(Get("x").user.exten, "8");
}

TEST_F(UsersSyncTest, AChainIsTakenInAnyOrder) {
  std::vector<UserSeed> seeds;
  for (int i = 0; i < 50; ++i) {
    seeds.push_back(Seed(fmt::format("u{}", i), fmt::format("{}", 2000 + i)));
  }
  Sync(seeds);
  for (const bool up : {true, false}) {
    for (UserSeed& seed : seeds) {
      seed.user.exten = fmt::format("{}", std::stoi(seed.user.exten) + (up ? 1 : -1));
    }
    // One who is new takes what the chain leaves.
    seeds.push_back(Seed(up ? "first" : "last", up ? "2000" : "2050"));
    std::vector<UserSeed> shuffled = seeds;
    std::shuffle(shuffled.begin(), shuffled.end(), std::mt19937(up));
    EXPECT_THAT(Sync(shuffled).lines, Not(Contains(HasSubstr("not taken"))));
    ExpectDone(seeds);
  }
}

TEST_F(UsersSyncTest, ANameLikeThoseAsideIsNoHarm) {
  UserSeed odd = Seed("odd", "3");
  odd.user.username = "unipresence-aside-0";
  Sync({Seed("a", "1"), Seed("b", "2"), odd});
  const std::string before = All();
  EXPECT_THAT(Sync({Seed("a", "2"), Seed("b", "1"), odd}).lines,
              Contains(HasSubstr("a: not taken: exten '2': user 'b' has it")));
  EXPECT_EQ(All(), before);
}

// Against what a person would say: everybody whom the file can give what it says gets it.
TEST_F(UsersSyncTest, RandomExchangesTakeWhatCanBeTakenAndLeaveTheRestAsItWas) {
  std::mt19937 random(5);
  for (int round = 0; round < 60; ++round) {
    OpenNew();
    std::vector<UserSeed> seeds;
    std::map<std::string, std::string> had;  // number -> user
    for (int i = 0; i < 8; ++i) {
      seeds.push_back(Seed(fmt::format("u{}", i), fmt::format("{}", i)));
      had[seeds.back().user.exten] = seeds.back().user.id;
    }
    Sync(seeds);
    // The last two are gone from the file and keep their numbers.
    seeds.resize(6);
    std::vector<int> numbers = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    std::shuffle(numbers.begin(), numbers.end(), random);
    for (std::size_t i = 0; i < seeds.size(); ++i) {
      seeds[i].user.exten = fmt::format("{}", numbers[i]);
    }
    // Who is kept back: by those who stay, until nothing changes.
    std::set<std::string> stay = {"u6", "u7"};
    for (std::size_t before = 0; before != stay.size();) {
      before = stay.size();
      for (const UserSeed& seed : seeds) {
        const auto owner = had.find(seed.user.exten);
        if (owner != had.end() && owner->second != seed.user.id && stay.contains(owner->second)) {
          stay.insert(seed.user.id);
        }
      }
    }
    Sync(seeds);
    for (std::size_t i = 0; i < seeds.size(); ++i) {
      const std::string& id = seeds[i].user.id;
      EXPECT_EQ(Get(id).user.exten, stay.contains(id) ? fmt::format("{}", i) : seeds[i].user.exten)
          << "round " << round << " " << id;
    }
  }
}

// --- Administration ---

TEST_F(UsersSyncTest, AdministrationIsHandedOverInEitherOrder) {
  for (const bool new_one_first : {false, true}) {
    OpenNew();
    Sync({Seed("alice", "1001", Role::kAdministrator), Seed("bob", "1002")});
    std::vector<UserSeed> seeds = {Seed("alice", "1001"),
                                   Seed("bob", "1002", Role::kAdministrator)};
    if (new_one_first) std::swap(seeds[0], seeds[1]);
    const UsersSync sync = Sync(seeds);
    EXPECT_THAT(sync.lines, Not(Contains(HasSubstr("not taken"))));
    for (const ChangedUser& user : Changed()) EXPECT_TRUE(user.action.sessions_ended);
    ExpectDone(seeds);
  }
}

TEST_F(UsersSyncTest, AdministrationIsHandedOverWithTheNumber) {
  Sync({Seed("alice", "1001", Role::kAdministrator), Seed("bob", "1002")});
  const std::vector<UserSeed> seeds = {Seed("alice", "1002"),
                                       Seed("bob", "1001", Role::kAdministrator)};
  EXPECT_THAT(Sync(seeds).lines, Not(Contains(HasSubstr("not taken"))));
  ExpectDone(seeds);
}

TEST_F(UsersSyncTest, AdministrationIsHandedOverToOneWhoIsNew) {
  Sync({Seed("alice", "1001", Role::kAdministrator)});
  const std::vector<UserSeed> seeds = {Seed("alice", "1002"),
                                       Seed("bob", "1001", Role::kAdministrator)};
  EXPECT_THAT(Sync(seeds).lines, Not(Contains(HasSubstr("not taken"))));
  ExpectDone(seeds);
}

TEST_F(UsersSyncTest, SomebodyAdministersWhateverTheFileSays) {
  const std::vector<UserSeed> before = {Seed("alice", "1", Role::kAdministrator), Seed("bob", "2"),
                                        Seed("carol", "3"), Seed("kept", "9")};
  // Nobody, somebody who cannot log in, somebody who is kept back directly or in turn.
  UserSeed locked = Seed("bob", "2", Role::kAdministrator);
  locked.password_hash.clear();
  const std::vector<std::vector<UserSeed>> files = {
      {Seed("alice", "1"), Seed("bob", "2")},
      {Seed("alice", "2"), Seed("bob", "9", Role::kAdministrator)},
      {Seed("alice", "1"), Seed("bob", "9", Role::kAdministrator)},
      {Seed("alice", "9"), Seed("bob", "1", Role::kAdministrator)},
      {Seed("alice", "1"), Seed("new", "9", Role::kAdministrator)},
      {Seed("alice", "1"), Seed("bob", "3", Role::kAdministrator), Seed("carol", "9")},
      {Seed("alice", "1"), Seed("new", "3", Role::kAdministrator), Seed("carol", "9")},
  };
  for (std::size_t i = 0; i < files.size(); ++i) {
    OpenNew();
    Sync(before);
    const std::string all = All();
    const UsersSync sync = Sync(files[i]);
    EXPECT_EQ(All(), all) << i;
    EXPECT_GT(store_->CountLogins(Role::kAdministrator).value(), 0u) << i;
    EXPECT_THAT(sync.lines, Contains(HasSubstr("alice: not taken"))) << i;
  }
  OpenNew();
  std::vector<UserSeed> no_password = before;
  no_password[1].password_hash.clear();
  Sync(no_password);
  Sync({Seed("alice", "1"), locked});
  EXPECT_EQ(Get("alice").user.role, Role::kAdministrator);
}

// --- Stopping ---

TEST_F(UsersSyncTest, AStopLeavesEverythingAsItWas) {
  Sync({Seed("alice", "1001")});
  const std::string before = All();
  std::stop_source stop;
  stop.request_stop();
  const TakenUsersFile taken = Taken();
  const auto sync = TrySync({Seed("alice", "5"), Seed("b", "6")}, true, stop.get_token());
  EXPECT_TRUE(absl::IsCancelled(sync.status())) << sync.status();
  EXPECT_EQ(All(), before);
  EXPECT_EQ(Taken(), taken);
}

}  // namespace
}  // namespace unipresence
