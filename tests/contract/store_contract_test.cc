// What every Store promises (server/storage/store.h and its ports), run against each kind of store
// and, for files, against each schema version that an earlier program may have left behind.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "aggregator/base/strings.h"
#include "server/storage/conflict.h"
#include "server/storage/open_store.h"
#include "server/storage/sqlite/sqlite_database.h"
#include "server/storage/sqlite/sqlite_migrations.h"
#include "tests/testing/answer.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/recording_changes.h"
#include "tests/testing/sync_store.h"
#include "tests/testing/temp_folder.h"
#include "tests/testing/users.h"

namespace unipresence {
namespace {

using ::testing::AllOf;
using testing::Answer;
using ::testing::ElementsAre;
using testing::FakeClock;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::Moment;
using testing::RecordingChanges;
using ::testing::SizeIs;
using testing::SyncStore;
using testing::TempFolder;
using testing::UniqueAccount;

// --- The stores ---

// What a test needs of a store beside Store itself.
class Subject {
 public:
  virtual ~Subject() = default;
  // Closes it and opens it again, as a restart does. False where nothing can survive that.
  virtual bool Reopen() = 0;
  // Opens it with these options.
  virtual void OpenWith(StoreOptions options) = 0;
  Store& port() { return *port_; }
  SyncStore& store() { return *store_; }
  FakeClock clock;

 protected:
  void Open(StoreOptions options) {
    port_.reset();
    options.clock = &clock;
    port_ = OpenStore(std::move(options)).value();
    store_.emplace(*port_);
  }

 private:
  std::unique_ptr<Store> port_;
  std::optional<SyncStore> store_;
};

class Memory final : public Subject {
 public:
  Memory() { OpenWith({}); }
  bool Reopen() override { return false; }
  void OpenWith(StoreOptions options) override {
    options.path = ":memory:";
    Open(std::move(options));
  }
};

class SqliteFile final : public Subject {
 public:
  // A file that a program of that schema version made; 0 = no file yet.
  explicit SqliteFile(std::size_t version) {
    if (version > 0) {
      auto database = SqliteDatabase::Open({.path = folder_.File("store.db")}).value();
      EXPECT_TRUE(MigrateSqlite(*database, SqliteMigrations().first(version), clock).ok());
    }
    OpenWith({});
  }
  bool Reopen() override {
    OpenWith({});
    return true;
  }
  void OpenWith(StoreOptions options) override {
    options.path = folder_.File("store.db");
    Open(std::move(options));
  }

 private:
  TempFolder folder_;
};

struct Kind {
  std::string name;
  std::function<std::unique_ptr<Subject>()> make;
};

std::vector<Kind> AllKinds() {
  std::vector<Kind> kinds = {{"Memory", [] { return std::make_unique<Memory>(); }}};
  for (std::size_t version = 0; version <= SqliteMigrations().size(); ++version) {
    kinds.push_back({version == 0 ? "SqliteFile" : fmt::format("SqliteFileOfVersion{}", version),
                     [version] { return std::make_unique<SqliteFile>(version); }});
  }
  return kinds;
}

class StoreContractTest : public ::testing::TestWithParam<Kind> {
 protected:
  StoreContractTest() : subject_(GetParam().make()) {}

  SyncStore& store() { return subject_->store(); }
  FakeClock& clock() { return subject_->clock; }
  void Create(const User& user) {
    const absl::Status status = store().CreateUser({user, "$hash"});
    ASSERT_TRUE(status.ok()) << status;
  }
  std::vector<std::string> AllIds() {
    std::vector<std::string> ids;
    EXPECT_TRUE(store().ForEachUser([&](const StoredUser& u) { ids.push_back(u.user.id); }).ok());
    return ids;
  }
  StoredSession SessionOf(const std::string& user, std::uint8_t n) {
    StoredSession session;
    session.key.fill(n);
    session.id = fmt::format("session{}", n);
    session.user = user;
    session.kind = n % 2 == 0 ? SessionKind::kAssistant : SessionKind::kClient;
    session.create_time = 1000 + n;
    session.client_name = "wallboard 2.1";
    session.peer = "ipv4:192.0.2.7:50123";
    return session;
  }

  std::unique_ptr<Subject> subject_;
};

INSTANTIATE_TEST_SUITE_P(, StoreContractTest, ::testing::ValuesIn(AllKinds()),
                         [](const auto& info) { return info.param.name; });

// For what only a store that outlives its object can promise.
class DurableStoreContractTest : public StoreContractTest {};

INSTANTIATE_TEST_SUITE_P(, DurableStoreContractTest, ::testing::ValuesIn([] {
                           std::vector<Kind> kinds = AllKinds();
                           std::erase_if(kinds,
                                         [](const Kind& kind) { return kind.name == "Memory"; });
                           return kinds;
                         }()),
                         [](const auto& info) { return info.param.name; });

absl::StatusCode CodeOf(const absl::Status& status) { return status.code(); }

// One that is off keeps its destination.
Forwardings SomeForwardings() {
  Forwardings forwardings;
  forwardings[ForwardingCondition::kUnconditional] = {"+33123456789", false};
  forwardings[ForwardingCondition::kNoAnswer] = {"2000", true};
  return forwardings;
}

// --- Users ---

TEST_P(StoreContractTest, ReadsBackWhatWasCreated) {
  User alice = UniqueAccount("alice", "1001");
  alice.display_name = "Alice \xc3\x89. O'Neil \"x\" %";
  alice.role = Role::kAdministrator;
  alice.ring_seconds = 45;
  alice.voicemail = {.name = "Alice \xc3\x89. O'Neil",
                     .number = "1001",
                     .context = "sales",
                     .password = "12#4",
                     .email = "alice@example.org"};
  alice.lines[0].sip_username = "alice";
  alice.lines[0].sip_secret = "swordfish%&x";
  Create(alice);

  const auto got = store().GetUser("alice");
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(got->user, alice);
  EXPECT_EQ(got->password_hash, "$hash");
  EXPECT_EQ(got->settings, UserSettings());
  EXPECT_EQ(got->origin, UserOrigin::kProvisioned);
  EXPECT_EQ(got->create_time, clock().WallNow());
  EXPECT_EQ(got->update_time, clock().WallNow());
  EXPECT_EQ(got->version, 1u);
}

TEST_P(StoreContractTest, KeepsTheOrderOfLines) {
  User user = UniqueAccount("alice", "1001");
  std::swap(user.lines[0], user.lines[1]);
  Create(user);
  EXPECT_EQ(store().GetUser("alice")->user.lines, user.lines);
}

TEST_P(StoreContractTest, AnUnknownUserIsNotFoundByEveryMethod) {
  Create(UniqueAccount("alice", "1001"));
  const std::vector<absl::Status> statuses = {
      store().GetUser("bob").status(),
      store().GetUserByUsername("bob").status(),
      store().UpdateUser(UniqueAccount("bob", "1002")),
      store().SetPasswordHash("bob", "x"),
      store().DeleteUser("bob"),
      store().SetSelectedDevice("bob", LineKind::kWebrtc),
      store().SetDoNotDisturb("bob", true),
      store().SetForwardings("bob", {}),
      store().SaveSession(SessionOf("bob", 1)),
  };
  for (const absl::Status& status : statuses) {
    EXPECT_EQ(CodeOf(status), absl::StatusCode::kNotFound) << status;
    EXPECT_THAT(status.ToString(), HasSubstr("bob"));
  }
  EXPECT_THAT(AllIds(), ElementsAre("alice"));
}

TEST_P(StoreContractTest, RefusesAUserThatIsInvalidByItself) {
  User user = UniqueAccount("alice", "1001");
  user.lines.pop_back();
  EXPECT_EQ(CodeOf(store().CreateUser({user, ""})), absl::StatusCode::kInvalidArgument);
  Create(UniqueAccount("alice", "1001"));
  EXPECT_EQ(CodeOf(store().UpdateUser(user)), absl::StatusCode::kInvalidArgument);
}

TEST_P(StoreContractTest, FindsUsernamesWithoutRegardToCase) {
  User user = UniqueAccount("alice", "1001");
  user.username = "Alice.Martin";
  Create(user);
  ASSERT_TRUE(store().GetUserByUsername("aLICE.mARTIN").ok());
  EXPECT_EQ(store().GetUserByUsername("alice.martin")->user.id, "alice");
  EXPECT_EQ(CodeOf(store().GetUser("ALICE").status()), absl::StatusCode::kNotFound);
}

// Each unique value, by name: how a second user takes it, and what the refusal says.
struct Taken {
  std::string name;
  std::function<void(User&)> take;
  Conflict conflict;
};

std::vector<Taken> AllTaken() {
  using Field = Conflict::Field;
  return {
      {"username", [](User& u) { u.username = "ALICE"; }, {Field::kUsername, "ALICE", "", "alice"}},
      {"exten", [](User& u) { u.exten = "1001"; }, {Field::kExten, "1001", "default", "alice"}},
      {"deskphone",
       [](User& u) { u.lines[0].device = "PJSIP/alice"; },
       {Field::kDevice, "PJSIP/alice", "main", "alice"}},
      {"webrtc",
       [](User& u) { u.lines[1].device = "PJSIP/alice_w"; },
       {Field::kDevice, "PJSIP/alice_w", "main", "alice"}},
      {"device as the other kind",
       [](User& u) { u.lines[1].device = "PJSIP/alice"; },
       {Field::kDevice, "PJSIP/alice", "main", "alice"}},
      {"technology in another case",
       [](User& u) { u.lines[0].device = "pjsip/alice"; },
       {Field::kDevice, "pjsip/alice", "main", "alice"}},
      {"voicemail box",
       [](User& u) { u.voicemail = {.number = "1001"}; },
       {Field::kMailbox, "1001", "default", "alice"}},
  };
}

// Of whom AllTaken takes.
User AliceWithABox() {
  User alice = UniqueAccount("alice", "1001");
  alice.voicemail = {.number = "1001"};
  return alice;
}

TEST_P(StoreContractTest, CreatingWhatIsTakenTellsWhatAndWhoseAndChangesNothing) {
  Create(AliceWithABox());
  for (const Taken& taken : AllTaken()) {
    SCOPED_TRACE(taken.name);
    User bob = UniqueAccount("bob", "1002");
    taken.take(bob);
    const absl::Status status = store().CreateUser({bob, ""});
    EXPECT_EQ(CodeOf(status), absl::StatusCode::kAlreadyExists) << status;
    EXPECT_EQ(ConflictOf(status), taken.conflict) << status;
    EXPECT_THAT(status.ToString(),
                AllOf(HasSubstr(taken.conflict.value), HasSubstr(taken.conflict.owner)));
    EXPECT_THAT(AllIds(), ElementsAre("alice"));
  }
  const absl::Status status = store().CreateUser({UniqueAccount("alice", "1009"), ""});
  EXPECT_EQ(ConflictOf(status), (Conflict{Conflict::Field::kId, "alice", "", "alice"})) << status;
}

TEST_P(StoreContractTest, UpdatingToWhatIsTakenTellsWhatAndWhoseAndChangesNothing) {
  Create(AliceWithABox());
  Create(UniqueAccount("bob", "1002"));
  const StoredUser before = store().GetUser("bob").value();
  clock().Advance(std::chrono::seconds(1));
  for (const Taken& taken : AllTaken()) {
    SCOPED_TRACE(taken.name);
    User bob = before.user;
    bob.display_name = "changed";
    taken.take(bob);
    const absl::Status status = store().UpdateUser(bob);
    EXPECT_EQ(ConflictOf(status), taken.conflict) << status;
    EXPECT_EQ(store().GetUser("bob").value(), before);
  }
}

TEST_P(StoreContractTest, OneDeviceInBothLinesOfAUserIsAConflictWithItself) {
  User alice = UniqueAccount("alice", "1001");
  alice.lines[1].device = alice.lines[0].device;
  const absl::Status status = store().CreateUser({alice, ""});
  EXPECT_EQ(ConflictOf(status),
            (Conflict{Conflict::Field::kDevice, "PJSIP/alice", "main", "alice"}))
      << status;
}

TEST_P(StoreContractTest, DevicesAreKeptAsAsteriskWritesThem) {
  User alice = UniqueAccount("alice", "1001");
  alice.lines[0].device = "pjsip/alice";
  Create(alice);
  EXPECT_EQ(store().GetUser("alice")->user.lines[0].device, "PJSIP/alice");
  alice.lines[0].device = "PJSIP/Alice";  // another endpoint
  ASSERT_TRUE(store().UpdateUser(alice).ok());
  EXPECT_EQ(store().GetUser("alice")->user.lines[0].device, "PJSIP/Alice");
  User bob = UniqueAccount("bob", "1002");
  bob.lines[0].device = "Pjsip/alice";
  Create(bob);
  EXPECT_EQ(store().GetUser("bob")->user.lines[0].device, "PJSIP/alice");
}

TEST_P(StoreContractTest, NumbersAreUniqueInTheirContextAndDevicesOnTheirPbxOnly) {
  Create(UniqueAccount("alice", "1001"));
  User bob = UniqueAccount("bob", "1001");
  bob.context = "branch";
  bob.lines = {{LineKind::kDeskphone, "branch", "PJSIP/alice"},
               {LineKind::kWebrtc, "branch", "PJSIP/alice_w"}};
  Create(bob);
}

TEST_P(StoreContractTest, BoxesAreUniqueInTheirContextOnly) {
  Create(AliceWithABox());
  User bob = UniqueAccount("bob", "1002");
  bob.voicemail = {.number = "1001", .context = "branch"};
  Create(bob);
}

TEST_P(StoreContractTest, ABoxCanBeGivenChangedAndTakenAway) {
  Create(UniqueAccount("alice", "1001"));
  User alice = UniqueAccount("alice", "1001");
  alice.voicemail = {.number = "7"};
  ASSERT_TRUE(store().UpdateUser(alice).ok());
  EXPECT_EQ(store().GetUser("alice")->user, alice);
  alice.voicemail->email = "alice@example.org";
  ASSERT_TRUE(store().UpdateUser(alice).ok());
  EXPECT_EQ(store().GetUser("alice")->user, alice);
  alice.voicemail.reset();
  ASSERT_TRUE(store().UpdateUser(alice).ok());
  EXPECT_EQ(store().GetUser("alice")->user, alice);
  User bob = UniqueAccount("bob", "1002");
  bob.voicemail = {.number = "7"};
  Create(bob);
}

TEST_P(StoreContractTest, UpdateReplacesTheUserAndKeepsTheRest) {
  Create(UniqueAccount("alice", "1001"));
  ASSERT_TRUE(store().SetSelectedDevice("alice", LineKind::kDeskphone).ok());
  ASSERT_TRUE(store().SaveSession(SessionOf("alice", 1)).ok());
  const StoredUser before = store().GetUser("alice").value();
  clock().Advance(std::chrono::seconds(5));

  User changed = UniqueAccount("alice", "2001");
  changed.display_name = "Alice";
  changed.username = "am";
  changed.role = Role::kAdministrator;
  changed.line_type = LineType::kSip;
  changed.lines = {{LineKind::kDeskphone, "other", "SIP/7", "seven", "secret-of-7"}};
  changed.ring_seconds = 5;
  const absl::Status status = store().UpdateUser(changed);
  ASSERT_TRUE(status.ok()) << status;

  StoredUser expected = before;
  expected.user = changed;
  expected.version = 2;
  expected.update_time = clock().WallNow();
  EXPECT_EQ(store().GetUser("alice").value(), expected);
  EXPECT_THAT(store().ListSessions().value(), SizeIs(1));
  Create(UniqueAccount("bob", "1001"));  // what alice gave up is free
}

TEST_P(StoreContractTest, AnUpdateWithoutAChangeIsNone) {
  Create(UniqueAccount("alice", "1001"));
  const StoredUser before = store().GetUser("alice").value();
  clock().Advance(std::chrono::seconds(5));
  EXPECT_TRUE(store().UpdateUser(before.user).ok());
  EXPECT_EQ(store().GetUser("alice").value(), before);
}

TEST_P(StoreContractTest, TwoUsersCannotSwapTheirNumbersOneByOne) {
  Create(UniqueAccount("alice", "1001"));
  Create(UniqueAccount("bob", "1002"));
  EXPECT_EQ(CodeOf(store().UpdateUser(UniqueAccount("alice", "1002"))),
            absl::StatusCode::kAlreadyExists);
  const absl::Status status = store().InTransaction([&]() -> absl::Status {
    for (const auto& [id, exten] :
         {std::pair("alice", "1003"), std::pair("bob", "1001"), std::pair("alice", "1002")}) {
      if (auto s = store().UpdateUser(UniqueAccount(id, exten)); !s.ok()) return s;
    }
    return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(store().GetUser("bob")->user.exten, "1001");
}

TEST_P(StoreContractTest, ASelectionIsForgottenWithItsLine) {
  Create(UniqueAccount("alice", "1001"));
  ASSERT_TRUE(store().SetSelectedDevice("alice", LineKind::kWebrtc).ok());
  ASSERT_TRUE(store().SetDoNotDisturb("alice", true).ok());
  User sip = UniqueAccount("alice", "1001");
  sip.line_type = LineType::kSip;
  sip.lines.pop_back();
  ASSERT_TRUE(store().UpdateUser(sip).ok());
  EXPECT_EQ(store().GetUser("alice")->settings, (UserSettings{.do_not_disturb = true,
                                                              .forwarding_time = clock().WallNow(),
                                                              .forwarding_version = 1}));
}

TEST_P(StoreContractTest, APasswordChangeCountsAsAChangeOfTheUser) {
  Create(UniqueAccount("alice", "1001"));
  clock().Advance(std::chrono::seconds(5));
  ASSERT_TRUE(store().SetPasswordHash("alice", "$other").ok());
  const auto got = store().GetUser("alice").value();
  EXPECT_EQ(got.password_hash, "$other");
  EXPECT_EQ(got.version, 2u);
  EXPECT_EQ(got.update_time, clock().WallNow());
}

TEST_P(StoreContractTest, DeletionTakesLinesSettingsAndSessionsAlong) {
  Create(AliceWithABox());
  Create(UniqueAccount("bob", "1002"));
  ASSERT_TRUE(store().SetSelectedDevice("alice", LineKind::kDeskphone).ok());
  ASSERT_TRUE(store().SetForwardings("alice", SomeForwardings()).ok());
  ASSERT_TRUE(store().SaveSession(SessionOf("alice", 1)).ok());
  ASSERT_TRUE(store().SaveSession(SessionOf("bob", 2)).ok());
  ASSERT_TRUE(store().DeleteUser("alice").ok());

  EXPECT_THAT(AllIds(), ElementsAre("bob"));
  EXPECT_THAT(store().ListSessions().value(), ElementsAre(SessionOf("bob", 2)));
  EXPECT_EQ(CodeOf(store().DeleteUser("alice")), absl::StatusCode::kNotFound);
  Create(AliceWithABox());
  EXPECT_EQ(store().GetUser("alice")->settings, UserSettings());
}

TEST_P(StoreContractTest, PagesListEveryUserOnceById) {
  std::vector<std::string> expected;
  for (int i : {3, 1, 4, 0, 5, 9, 2, 6}) Create(UniqueAccount(i));
  for (int i : {0, 1, 2, 3, 4, 5, 6, 9}) expected.push_back(fmt::format("user{}", i));
  for (const std::size_t limit : {1u, 3u, 8u, 100u}) {
    std::vector<std::string> ids;
    std::string after;
    while (true) {
      const auto page = store().ListUsers(after, limit);
      ASSERT_TRUE(page.ok()) << page.status();
      ASSERT_LE(page->size(), limit);
      for (const StoredUser& user : *page) {
        EXPECT_THAT(user.user.lines, SizeIs(2));
        ids.push_back(user.user.id);
      }
      if (page->size() < limit) break;
      after = page->back().user.id;
    }
    EXPECT_EQ(ids, expected) << "limit " << limit;
  }
}

TEST_P(StoreContractTest, TheBulkWalkSeesWhatSingleReadsSee) {
  for (int i = 0; i < 20; ++i) {
    User user = UniqueAccount(19 - i);
    if (i % 3 == 0) {
      user.line_type = LineType::kSip;
      user.lines.pop_back();
    }
    if (i % 4 == 1) user.voicemail = {.number = fmt::format("{}", i), .email = "a@example.org"};
    Create(user);
    if (i % 4 == 0) {
      ASSERT_TRUE(store().SetDoNotDisturb(user.id, true).ok());
    }
    if (i % 6 == 0) {
      ASSERT_TRUE(store().SetForwardings(user.id, SomeForwardings()).ok());
    }
    if (i % 5 == 0) {
      ASSERT_TRUE(store().SetSelectedDevice(user.id, LineKind::kDeskphone).ok());
    }
  }
  ASSERT_TRUE(store().DeleteUser("user7").ok());
  std::vector<StoredUser> walked;
  ASSERT_TRUE(store().ForEachUser([&](const StoredUser& u) { walked.push_back(u); }).ok());
  ASSERT_THAT(walked, SizeIs(19));
  EXPECT_EQ(walked.front().user.id, "user19");
  for (const StoredUser& user : walked) EXPECT_EQ(store().GetUser(user.user.id).value(), user);
}

TEST_P(StoreContractTest, CountsUsersByRole) {
  EXPECT_EQ(store().CountUsers(std::nullopt).value(), 0u);
  User admin = UniqueAccount("root", "1");
  admin.role = Role::kAdministrator;
  Create(admin);
  Create(UniqueAccount("alice", "1001"));
  Create(UniqueAccount("bob", "1002"));
  EXPECT_EQ(store().CountUsers(std::nullopt).value(), 3u);
  EXPECT_EQ(store().CountUsers(Role::kAdministrator).value(), 1u);
  EXPECT_EQ(store().CountUsers(Role::kUser).value(), 2u);
}

TEST_P(StoreContractTest, CountsWhoCanLogInByRole) {
  User admin = UniqueAccount("root", "1");
  admin.role = Role::kAdministrator;
  Create(admin);
  for (const std::string_view hash : {"", "$hash", "", kPasswordPending.data()}) {
    ASSERT_TRUE(store().SetPasswordHash("root", hash).ok());
    EXPECT_EQ(store().CountLogins(Role::kAdministrator).value(), hash == "$hash" ? 1u : 0u) << hash;
  }
  EXPECT_EQ(store().CountLogins(Role::kUser).value(), 0u);
}

// --- Users of a file ---

TEST_P(StoreContractTest, ASeedAddsWhatIsNew) {
  const std::vector<NewUser> seed = {{UniqueAccount("alice", "1001"), "$a"},
                                     {UniqueAccount("bob", "1002"), "$b"}};
  const auto report = store().SeedUsers(seed);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->added, 2u);
  EXPECT_EQ(report->left_alone, 0u);
  EXPECT_THAT(report->refused, IsEmpty());
  EXPECT_EQ(store().GetUser("bob")->origin, UserOrigin::kSeed);
  EXPECT_EQ(store().GetUser("bob")->password_hash, "$b");
}

TEST_P(StoreContractTest, ASeedNeverOverwritesWhatWasChangedSince) {
  const std::vector<NewUser> seed = {{UniqueAccount("alice", "1001"), "$a"},
                                     {UniqueAccount("bob", "1002"), "$b"},
                                     {UniqueAccount("carol", "1003"), "$c"}};
  ASSERT_TRUE(store().SeedUsers(seed).ok());
  User changed = seed[0].user;
  changed.display_name = "Alice of sales";
  ASSERT_TRUE(store().UpdateUser(changed).ok());
  ASSERT_TRUE(store().SetPasswordHash("alice", "$new").ok());
  ASSERT_TRUE(store().DeleteUser("bob").ok());

  const std::vector<std::string> ids = {"dave", "alice", "bob", "carol", "erin"};
  EXPECT_THAT(store().UnseededIds(ids).value(), ElementsAre("dave", "erin"));

  subject_->Reopen();
  std::vector<NewUser> again = seed;
  again[2].user.display_name = "the file changed";
  again.push_back({UniqueAccount("dave", "1004"), "$d"});
  const auto report = store().SeedUsers(again);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->added, 1u);
  EXPECT_EQ(report->left_alone, 3u);
  EXPECT_THAT(AllIds(), ElementsAre("alice", "carol", "dave"));
  EXPECT_EQ(store().GetUser("alice")->user.display_name, "Alice of sales");
  EXPECT_EQ(store().GetUser("alice")->password_hash, "$new");
  EXPECT_EQ(store().GetUser("carol")->user.display_name, "User carol");
}

TEST_P(StoreContractTest, ADeletedUserThatIsCreatedAgainStaysAndCanBeDeletedAgain) {
  const std::vector<NewUser> seed = {{UniqueAccount("alice", "1001"), ""}};
  ASSERT_TRUE(store().SeedUsers(seed).ok());
  ASSERT_TRUE(store().DeleteUser("alice").ok());
  Create(UniqueAccount("alice", "1009"));
  EXPECT_EQ(store().SeedUsers(seed)->left_alone, 1u);
  EXPECT_EQ(store().GetUser("alice")->user.exten, "1009");
  ASSERT_TRUE(store().DeleteUser("alice").ok());
  EXPECT_EQ(store().SeedUsers(seed)->left_alone, 1u);
  EXPECT_THAT(AllIds(), IsEmpty());
}

TEST_P(StoreContractTest, ASeedThatCollidesIsRefusedAloneAndReported) {
  Create(UniqueAccount("alice", "1001"));
  const std::vector<NewUser> seed = {{UniqueAccount("bob", "1001"), ""},
                                     {UniqueAccount("carol", "1003"), ""}};
  const auto report = store().SeedUsers(seed);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->added, 1u);
  ASSERT_THAT(report->refused, SizeIs(1));
  EXPECT_EQ(ConflictOf(report->refused[0]),
            (Conflict{Conflict::Field::kExten, "1001", "default", "alice"}));
  EXPECT_THAT(AllIds(), ElementsAre("alice", "carol"));
}

TEST_P(StoreContractTest, AnInvalidSeedAddsNothing) {
  std::vector<NewUser> seed = {{UniqueAccount("alice", "1001"), ""},
                               {UniqueAccount("bob", "1002"), ""}};
  seed[1].user.exten = "";
  EXPECT_EQ(CodeOf(store().SeedUsers(seed).status()), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(AllIds(), IsEmpty());
}

// --- Settings ---

TEST_P(StoreContractTest, ASelectionKeepsTheTimeOfTheChoice) {
  Create(UniqueAccount("alice", "1001"));
  ASSERT_TRUE(store().SetSelectedDevice("alice", LineKind::kWebrtc).ok());
  const WallTimeMicros chosen = clock().WallNow();
  clock().Advance(std::chrono::seconds(9));
  ASSERT_TRUE(store().SetSelectedDevice("alice", LineKind::kWebrtc).ok());
  EXPECT_EQ(store().GetUser("alice")->settings, (UserSettings{LineKind::kWebrtc, chosen, false}));
  ASSERT_TRUE(store().SetSelectedDevice("alice", LineKind::kDeskphone).ok());
  EXPECT_EQ(store().GetUser("alice")->settings,
            (UserSettings{LineKind::kDeskphone, clock().WallNow(), false}));
  EXPECT_EQ(store().GetUser("alice")->version, 1u);
}

TEST_P(StoreContractTest, SelectionAndDoNotDisturbDoNotDisturbEachOther) {
  Create(UniqueAccount("alice", "1001"));
  Create(UniqueAccount("bob", "1002"));
  ASSERT_TRUE(store().SetDoNotDisturb("alice", true).ok());
  const WallTimeMicros begin = clock().WallNow();
  EXPECT_EQ(
      store().GetUser("alice")->settings,
      (UserSettings{.do_not_disturb = true, .forwarding_time = begin, .forwarding_version = 1}));
  clock().Advance(std::chrono::seconds(1));
  ASSERT_TRUE(store().SetSelectedDevice("alice", LineKind::kWebrtc).ok());
  const WallTimeMicros chosen = clock().WallNow();
  clock().Advance(std::chrono::seconds(1));
  ASSERT_TRUE(store().SetDoNotDisturb("alice", false).ok());
  EXPECT_EQ(store().GetUser("alice")->settings, (UserSettings{.selected_device = LineKind::kWebrtc,
                                                              .select_time = chosen,
                                                              .forwarding_time = clock().WallNow(),
                                                              .forwarding_version = 2}));
  EXPECT_EQ(store().GetUser("bob")->settings, UserSettings());
}

TEST_P(StoreContractTest, ALineThatIsNotThereCannotBeSelected) {
  User user = UniqueAccount("alice", "1001");
  user.line_type = LineType::kSip;
  user.lines.pop_back();
  Create(user);
  const absl::Status status = store().SetSelectedDevice("alice", LineKind::kWebrtc);
  EXPECT_EQ(CodeOf(status), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(status.ToString(), AllOf(HasSubstr("alice"), HasSubstr("WEBRTC")));
  EXPECT_EQ(store().GetUser("alice")->settings, UserSettings());
}

TEST_P(StoreContractTest, ForwardingsAreReplacedAsAWholeAndCountedWithDoNotDisturb) {
  Create(UniqueAccount("alice", "1001"));
  Create(UniqueAccount("bob", "1002"));
  ASSERT_TRUE(store().SetForwardings("alice", SomeForwardings()).ok());
  EXPECT_EQ(store().GetUser("alice")->settings, (UserSettings{.forwardings = SomeForwardings(),
                                                              .forwarding_time = clock().WallNow(),
                                                              .forwarding_version = 1}));
  EXPECT_EQ(store().GetUser("bob")->settings, UserSettings());
  clock().Advance(std::chrono::seconds(1));
  ASSERT_TRUE(store().SetDoNotDisturb("alice", true).ok());
  Forwardings busy_only;
  busy_only[ForwardingCondition::kBusy] = {"+33*1#", true};
  ASSERT_TRUE(store().SetForwardings("alice", busy_only).ok());
  EXPECT_EQ(store().GetUser("alice")->settings, (UserSettings{.do_not_disturb = true,
                                                              .forwardings = busy_only,
                                                              .forwarding_time = clock().WallNow(),
                                                              .forwarding_version = 3}));
  EXPECT_EQ(store().GetUser("alice")->version, 1u);
}

TEST_P(StoreContractTest, SettingWhatIsSetChangesNothing) {
  Create(UniqueAccount("alice", "1001"));
  ASSERT_TRUE(store().SetDoNotDisturb("alice", false).ok());
  ASSERT_TRUE(store().SetForwardings("alice", {}).ok());
  EXPECT_EQ(store().GetUser("alice")->settings, UserSettings());
  ASSERT_TRUE(store().SetForwardings("alice", SomeForwardings()).ok());
  ASSERT_TRUE(store().SetDoNotDisturb("alice", true).ok());
  const UserSettings before = store().GetUser("alice")->settings;
  clock().Advance(std::chrono::seconds(1));
  ASSERT_TRUE(store().SetForwardings("alice", SomeForwardings()).ok());
  ASSERT_TRUE(store().SetDoNotDisturb("alice", true).ok());
  EXPECT_EQ(store().GetUser("alice")->settings, before);
}

TEST_P(StoreContractTest, InvalidForwardingsAreRefusedWithTheirCondition) {
  Create(UniqueAccount("alice", "1001"));
  ASSERT_TRUE(store().SetForwardings("alice", SomeForwardings()).ok());
  const UserSettings before = store().GetUser("alice")->settings;
  const std::vector<std::pair<ForwardingCondition, Forward>> rows = {
      {ForwardingCondition::kUnconditional, {"", true}},
      {ForwardingCondition::kBusy, {"12 34", true}},
      {ForwardingCondition::kNoAnswer, {"2000&PJSIP/x", false}},
  };
  for (const auto& [condition, forward] : rows) {
    Forwardings forwardings = SomeForwardings();
    forwardings[condition] = forward;
    const absl::Status status = store().SetForwardings("alice", forwardings);
    EXPECT_EQ(CodeOf(status), absl::StatusCode::kInvalidArgument) << status;
    EXPECT_THAT(status.ToString(),
                AllOf(HasSubstr(std::string(ToString(condition))), HasSubstr(forward.destination)));
    EXPECT_EQ(store().GetUser("alice")->settings, before);
  }
}

// --- Sessions ---

TEST_P(StoreContractTest, ListsSessionsOldestFirst) {
  Create(UniqueAccount("alice", "1001"));
  Create(UniqueAccount("bob", "1002"));
  for (const std::uint8_t n : std::vector<std::uint8_t>{3, 1, 2}) {
    ASSERT_TRUE(store().SaveSession(SessionOf(n == 2 ? "bob" : "alice", n)).ok());
  }
  EXPECT_THAT(store().ListSessions().value(),
              ElementsAre(SessionOf("alice", 1), SessionOf("bob", 2), SessionOf("alice", 3)));
}

TEST_P(StoreContractTest, KeyAndIdOfASessionAreUnique) {
  Create(UniqueAccount("alice", "1001"));
  ASSERT_TRUE(store().SaveSession(SessionOf("alice", 1)).ok());
  StoredSession same_key = SessionOf("alice", 1);
  same_key.id = "other";
  StoredSession same_id = SessionOf("alice", 2);
  same_id.id = "session1";
  EXPECT_EQ(CodeOf(store().SaveSession(same_key)), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(CodeOf(store().SaveSession(same_id)), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(store().ListSessions().value(), SizeIs(1));
}

TEST_P(StoreContractTest, DeletesSessionsByIdAndByUser) {
  Create(UniqueAccount("alice", "1001"));
  Create(UniqueAccount("bob", "1002"));
  for (std::uint8_t n = 1; n <= 6; ++n) {
    ASSERT_TRUE(store().SaveSession(SessionOf(n == 6 ? "bob" : "alice", n)).ok());
  }
  EXPECT_TRUE(store().DeleteSession("session1").ok());
  EXPECT_EQ(CodeOf(store().DeleteSession("session1")), absl::StatusCode::kNotFound);
  const std::vector<std::string> expired = {"session2", "session1", "session3", "nobody"};
  EXPECT_EQ(store().DeleteSessions(expired).value(), 2u);
  EXPECT_EQ(store().DeleteSessionsOfUser("alice").value(), 2u);
  EXPECT_EQ(store().DeleteSessionsOfUser("alice").value(), 0u);
  EXPECT_EQ(store().DeleteSessionsOfUser("stranger").value(), 0u);
  EXPECT_THAT(store().ListSessions().value(), ElementsAre(SessionOf("bob", 6)));
}

// --- Queries ---

class StoreQueryTest : public StoreContractTest {
 protected:
  StoreQueryTest() {
    const auto add = [&](int i, const auto& change) {
      User user = UniqueAccount(i);
      change(user);
      Create(user);
    };
    add(3, [](User& u) { u.display_name = "Zoe 50%_Martin"; });
    add(1, [](User& u) { u.role = Role::kAdministrator; });
    add(2, [](User& u) {
      u.lines[0].pbx = "branch";
      u.display_name = "\xc3\x89milie";
    });
    add(4, [](User& u) {
      u.role = Role::kAdministrator;
      u.lines[1].pbx = "branch";
    });
  }
  std::vector<std::string> Found(const UserFilter& filter) {
    std::vector<std::string> ids;
    EXPECT_TRUE(
        store().ForEachUser(filter, [&](const StoredUser& u) { ids.push_back(u.user.id); }).ok());
    std::sort(ids.begin(), ids.end());
    // The pages of a listing say the same.
    std::vector<std::string> listed;
    std::string after;
    do {
      const UserPage page = store().ListPage(filter, {.after = after, .limit = 2}).value();
      for (const StoredUser& user : page.users) listed.push_back(user.user.id);
      after = page.next;
    } while (!after.empty());
    EXPECT_EQ(listed, ids);
    return ids;
  }
};

INSTANTIATE_TEST_SUITE_P(, StoreQueryTest, ::testing::ValuesIn(AllKinds()),
                         [](const auto& info) { return info.param.name; });

TEST_P(StoreQueryTest, FiltersByEachAndByAllOfThem) {
  EXPECT_THAT(Found({}), ElementsAre("user1", "user2", "user3", "user4"));
  EXPECT_THAT(Found({.pbx = "branch"}), ElementsAre("user2", "user4"));
  EXPECT_THAT(Found({.pbx = "main"}), SizeIs(4)) << "one line there is enough";
  EXPECT_THAT(Found({.pbx = "Main"}), IsEmpty());
  EXPECT_THAT(Found({.role = Role::kAdministrator}), ElementsAre("user1", "user4"));
  EXPECT_THAT(Found({.pbx = "branch", .role = Role::kAdministrator}), ElementsAre("user4"));
  EXPECT_THAT(Found({.text = "USER", .pbx = "branch", .role = Role::kUser}), ElementsAre("user2"));
}

TEST_P(StoreQueryTest, ATextIsLookedForInIdNameAndNumberWithoutRegardToAsciiCase) {
  EXPECT_THAT(Found({.text = "SER3"}), ElementsAre("user3"));
  EXPECT_THAT(Found({.text = "zoe"}), ElementsAre("user3"));
  EXPECT_THAT(Found({.text = "50%_m"}), ElementsAre("user3")) << "no wildcards";
  EXPECT_THAT(Found({.text = "%"}), ElementsAre("user3"));
  EXPECT_THAT(Found({.text = "\xc3\x89MIL"}), ElementsAre("user2"));
  EXPECT_THAT(Found({.text = "\xc3\xa9mil"}), IsEmpty()) << "ASCII letters only";
  EXPECT_THAT(Found({.text = UniqueAccount(4).exten}), ElementsAre("user4"));
  EXPECT_THAT(Found({.text = "branch"}), IsEmpty());
}

TEST_P(StoreQueryTest, ThePagesOfAFilterThatFewPassEndAndMissNobody) {
  for (int i = 10; i < 40; ++i) Create(UniqueAccount(i));
  for (const std::size_t scan : {1u, 3u, 17u, 34u, 100u}) {
    std::vector<std::string> ids;
    std::string after;
    int pages = 0;
    do {
      const UserPage page =
          store()
              .ListPage({.pbx = "branch"}, {.after = after, .limit = 10, .scan_limit = scan})
              .value();
      for (const StoredUser& user : page.users) ids.push_back(user.user.id);
      after = page.next;
      ASSERT_LE(++pages, 35);
    } while (!after.empty());
    EXPECT_THAT(ids, ElementsAre("user2", "user4")) << "scan " << scan;
  }
}

TEST_P(StoreQueryTest, APageEndsWithItsScanThoughNobodyPassed) {
  for (int i = 10; i < 20; ++i) Create(UniqueAccount(i));
  const UserPage page =
      store().ListPage({.pbx = "branch"}, {.after = "user1", .limit = 10, .scan_limit = 3}).value();
  EXPECT_THAT(page.users, IsEmpty());
  EXPECT_EQ(page.next, "user12") << "the third behind user1";
}

// --- The users file ---

TEST_P(StoreContractTest, WhetherUsersHaveChangedSinceTheFileIsKnown) {
  EXPECT_EQ(store().GetUsersFile().value(), std::nullopt);
  Create(UniqueAccount("alice", "1001"));
  const TakenUsersFile taken = {.digest = "d1",
                                .reading = 7,
                                .complete = true,
                                .refused = true,
                                .notes = "alice: x\nbob: \xc3\xa9"};
  TakenUsersFile changed = taken;
  changed.users_changed = true;
  const auto expect_changed = [&](bool expected, const char* by, const absl::Status& status) {
    EXPECT_TRUE(status.ok()) << by << ": " << status;
    EXPECT_EQ(store().GetUsersFile().value(), expected ? changed : taken) << by;
    EXPECT_TRUE(store().PutUsersFile(taken).ok());
  };
  expect_changed(false, "itself", store().PutUsersFile(taken));
  expect_changed(false, "a selection", store().SetSelectedDevice("alice", LineKind::kWebrtc));
  expect_changed(false, "do not disturb", store().SetDoNotDisturb("alice", true));
  expect_changed(false, "a session", store().SaveSession(SessionOf("alice", 1)));
  expect_changed(true, "a password", store().SetPasswordHash("alice", "$2"));
  expect_changed(true, "an update", store().UpdateUser(UniqueAccount("alice", "1009")));
  expect_changed(true, "a new user", store().CreateUser({UniqueAccount("bob", "1002"), ""}));
  expect_changed(true, "a deletion", store().DeleteUser("bob"));
  const std::vector<NewUser> seed = {{UniqueAccount("carol", "1003"), ""}};
  expect_changed(true, "a seed", store().SeedUsers(seed).status());
  expect_changed(false, "a seed of known users", store().SeedUsers(seed).status());
  expect_changed(false, "what was undone", store().InTransaction([&] {
    EXPECT_FALSE(store()
                     .InTransaction([&] {
                       EXPECT_TRUE(store().DeleteUser("alice").ok());
                       return absl::AbortedError("part");
                     })
                     .ok());
    return absl::OkStatus();
  }));
}

// --- What answers later ---

// Keeps the command thread, or that of the reads, busy until it is released.
template <typename Ports>
auto Block(Moment started, Moment released) {
  return [started, released](Ports) {
    started.Reach();
    released.Wait();
    return absl::OkStatus();
  };
}

TEST_P(StoreContractTest, AReadHoldsNoCommandUpAndSeesOneState) {
  Create(UniqueAccount("alice", "1001"));
  Moment started;
  Moment released;
  Answer<absl::Status> read;
  ASSERT_TRUE(subject_->port()
                  .SubmitRead(
                      [&](const Snapshot& snapshot) {
                        EXPECT_EQ(snapshot.users.Count(std::nullopt).value(), 1u);
                        started.Reach();
                        released.Wait();
                        EXPECT_EQ(snapshot.users.Count(std::nullopt).value(), 1u);
                        return absl::OkStatus();
                      },
                      read)
                  .ok());
  started.Wait();
  Create(UniqueAccount("bob", "1002"));  // committed and answered while the read goes on
  EXPECT_EQ(store().CountUsers(std::nullopt).value(), 2u);
  released.Reach();
  EXPECT_TRUE(read.Wait().ok());
}

TEST_P(StoreContractTest, ReadsDoNotWaitForACommandAndSeeNothingOfIt) {
  Moment started;
  Moment released;
  Answer<absl::Status> command;
  ASSERT_TRUE(subject_->port()
                  .Submit(
                      [&](Transaction& transaction) {
                        const absl::Status created =
                            transaction.users.Create({UniqueAccount("alice", "1001"), ""});
                        started.Reach();
                        released.Wait();
                        return created;
                      },
                      command)
                  .ok());
  started.Wait();
  Answer<absl::StatusOr<std::uint64_t>> count;
  ASSERT_TRUE(
      subject_->port()
          .CallRead<std::uint64_t>(
              [](const Snapshot& snapshot) { return snapshot.users.Count(std::nullopt); }, count)
          .ok());
  EXPECT_EQ(count.Wait().value(), 0u);
  released.Reach();
  EXPECT_TRUE(command.Wait().ok());
  EXPECT_EQ(store().CountUsers(std::nullopt).value(), 1u);
}

TEST_P(StoreContractTest, AnErrorOfAReadIsItsAnswer) {
  Answer<absl::StatusOr<StoredUser>> answer;
  ASSERT_TRUE(subject_->port()
                  .CallRead<StoredUser>(
                      [](const Snapshot& snapshot) { return snapshot.users.Get("nobody"); }, answer)
                  .ok());
  EXPECT_TRUE(absl::IsNotFound(answer.Wait().status()));
}

TEST_P(StoreContractTest, WhatIsAcceptedIsAnsweredOnceInOrderAndNeverFromWithinTheCall) {
  const std::thread::id here = std::this_thread::get_id();
  std::vector<int> answers;
  Moment started;
  Moment released;
  Store& port = subject_->port();
  ASSERT_TRUE(port.Submit(Block<Transaction&>(started, released), [](absl::Status) {}).ok());
  started.Wait();
  for (int i = 0; i < 600; ++i) {
    const absl::Status refused = port.Submit(
        [i](Transaction& transaction) {
          return i % 3 == 0 ? absl::AbortedError("on purpose")
                            : transaction.users.Create({UniqueAccount(i), ""});
        },
        [&, i](const absl::Status& status) {
          EXPECT_NE(std::this_thread::get_id(), here);
          EXPECT_EQ(status.ok(), i % 3 != 0) << status;
          answers.push_back(i);
        });
    ASSERT_TRUE(refused.ok()) << refused;
  }
  released.Reach();
  port.Stop();
  ASSERT_THAT(answers, SizeIs(600));
  EXPECT_TRUE(std::is_sorted(answers.begin(), answers.end()));
  EXPECT_EQ(store().CountUsers(std::nullopt).value(), 400u);
}

// --- Who follows the store ---

class StoreFollowerTest : public StoreContractTest {
 protected:
  StoreFollowerTest() {
    Create(UniqueAccount("alice", "1001"));
    Create(UniqueAccount("bob", "1002"));
    subject_->port().Follow(changes_);
  }
  ~StoreFollowerTest() override { subject_->port().Stop(); }

  // One command; the users it has changed.
  std::vector<ChangedUser> Change(Store::Work work) {
    changes_.changes.clear();
    Answer<absl::StatusOr<Revision>> answer;
    EXPECT_TRUE(subject_->port().SubmitChange(std::move(work), answer).ok());
    const absl::StatusOr<Revision> committed = answer.Wait();
    EXPECT_TRUE(committed.ok()) << committed.status();
    if (changes_.changes.empty()) return {};
    EXPECT_THAT(changes_.changes, SizeIs(1));
    EXPECT_EQ(changes_.changes[0].revision, *committed);
    return changes_.changes[0].users;
  }

  RecordingChanges changes_;
};

INSTANTIATE_TEST_SUITE_P(, StoreFollowerTest, ::testing::ValuesIn(AllKinds()),
                         [](const auto& info) { return info.param.name; });

TEST_P(StoreFollowerTest, WhatEachMethodDoesToAUserIsTold) {
  const User carol = UniqueAccount("carol", "1003");
  const NewUser dave{UniqueAccount("dave", "1004"), ""};
  const struct {
    const char* row;
    std::string user;
    UserAction action;
    std::function<absl::Status(Transaction&)> work;
  } kRows[] = {
      {"create",
       "carol",
       {.written = true},
       [&](auto& t) {
         return t.users.Create({carol, ""});
       }},
      {"update", "carol", {.written = true}, [&](auto& t) { return t.users.Update(carol); }},
      {"seed",
       "dave",
       {.written = true},
       [&](auto& t) {
         return t.users.Seed({&dave, 1}).status();
       }},
      {"selection",
       "alice",
       {.selected = true},
       [](auto& t) { return t.settings.SetSelectedDevice("alice", LineKind::kDeskphone); }},
      {"do not disturb",
       "alice",
       {.forwarded = true},
       [](auto& t) { return t.settings.SetDoNotDisturb("alice", true); }},
      {"forwardings",
       "alice",
       {.forwarded = true},
       [](auto& t) { return t.settings.SetForwardings("alice", Forwardings()); }},
      {"sessions of a user",
       "bob",
       {.sessions_ended = true},
       [](auto& t) { return t.sessions.DeleteOfUser("bob").status(); }},
      {"delete", "dave", {.deleted = true}, [](auto& t) { return t.users.Delete("dave"); }},
  };
  for (const auto& row : kRows) {
    const std::vector<ChangedUser> changed = Change(row.work);
    ASSERT_THAT(changed, SizeIs(1)) << row.row;
    EXPECT_EQ(changed[0].id, row.user) << row.row;
    EXPECT_EQ(changed[0].action, row.action) << row.row;
    EXPECT_FALSE(changed[0].with_previous) << row.row;
    const absl::StatusOr<StoredUser> stored = store().GetUser(row.user);
    const bool told = row.action.changes_user() && stored.ok();
    EXPECT_EQ(changed[0].now, told ? std::optional(*stored) : std::nullopt) << row.row;
  }
}

TEST_P(StoreFollowerTest, WhatChangesNothingOfAUserIsNoChange) {
  const StoredSession session = SessionOf("alice", 1);
  ASSERT_TRUE(store().SaveSession(session).ok());
  const NewUser alice{UniqueAccount("alice", "1001"), ""};
  const std::function<absl::Status(Transaction&)> kWorks[] = {
      [](auto& t) { return t.users.Get("alice").status(); },
      [](auto& t) { return t.users.SetPasswordHash("alice", "another"); },
      [&](auto& t) {
        return t.users.Seed({&alice, 1}).status();
      },
      [&](auto& t) { return t.sessions.Delete(session.id); },
      [](auto& t) { return t.sessions.DeleteEach({}).status(); },
      [](auto& t) { return t.users_file.Put({.digest = "d"}); },
      [](auto& t) { return t.CheckWritable(); },
      [](auto& t) {
        EXPECT_TRUE(absl::IsNotFound(t.settings.SetDoNotDisturb("nobody", true)));
        return absl::OkStatus();
      },
  };
  for (const auto& work : kWorks) EXPECT_THAT(Change(work), IsEmpty());
}

TEST_P(StoreFollowerTest, SessionsThatBeginAreToldUnlessTheyHaveEnded) {
  std::vector<ChangedUser> changed = Change([&](Transaction& t) {
    EXPECT_TRUE(t.users.Get("alice").ok());
    EXPECT_TRUE(t.sessions.Save(SessionOf("alice", 1)).ok());
    return t.sessions.Save(SessionOf("bob", 2));
  });
  ASSERT_THAT(changed, SizeIs(2));
  EXPECT_THAT(changed[0].begun, ElementsAre(SessionOf("alice", 1)));
  EXPECT_EQ(changed[0].action, UserAction());
  EXPECT_EQ(changed[0].id, "alice");
  EXPECT_THAT(changed[1].begun, ElementsAre(SessionOf("bob", 2)));
  changed = Change([&](Transaction& t) {
    EXPECT_TRUE(t.sessions.Save(SessionOf("alice", 3)).ok());
    EXPECT_TRUE(t.sessions.DeleteOfUser("alice").ok());
    return t.sessions.Save(SessionOf("alice", 4));
  });
  ASSERT_THAT(changed, SizeIs(1));
  EXPECT_TRUE(changed[0].action.sessions_ended);
  EXPECT_THAT(changed[0].begun, ElementsAre(SessionOf("alice", 4)));
}

TEST_P(StoreFollowerTest, EachUserIsToldOnceAsTheCommandLeftHim) {
  const std::vector<ChangedUser> changed = Change([](Transaction& t) {
    EXPECT_TRUE(t.settings.SetDoNotDisturb("bob", true).ok());
    User alice = t.users.Get("alice")->user;
    alice.display_name = "Alice A.";
    EXPECT_TRUE(t.users.Update(alice).ok());
    EXPECT_EQ(t.users.Get("alice")->password_hash, "$hash");
    // Not told, but part of what the user is then.
    EXPECT_TRUE(t.users.SetPasswordHash("alice", "another").ok());
    EXPECT_TRUE(t.users.Delete("bob").ok());
    EXPECT_TRUE(t.users.Create({UniqueAccount("bob", "1002"), ""}).ok());
    return absl::OkStatus();
  });
  ASSERT_THAT(changed, SizeIs(2));
  EXPECT_EQ(changed[0].id, "bob");
  EXPECT_EQ(changed[0].action, (UserAction{.deleted = true, .written = true, .forwarded = true}));
  ASSERT_TRUE(changed[0].now.has_value());
  EXPECT_FALSE(changed[0].now->settings.do_not_disturb);
  EXPECT_EQ(changed[1].id, "alice");
  ASSERT_TRUE(changed[1].now.has_value());
  EXPECT_EQ(changed[1].now->user.display_name, "Alice A.");
  EXPECT_EQ(changed[1].now->password_hash, "another");
}

TEST_P(StoreFollowerTest, WhatAFailedPartHasUndoneIsNotTold) {
  const std::vector<ChangedUser> changed = Change([](Transaction& t) {
    EXPECT_TRUE(t.settings.SetDoNotDisturb("alice", true).ok());
    EXPECT_FALSE(t.InPart([&]() -> absl::Status {
                    EXPECT_TRUE(t.users.Delete("bob").ok());
                    EXPECT_TRUE(t.settings.SetDoNotDisturb("alice", false).ok());
                    EXPECT_TRUE(t.users.Get("alice").ok());
                    return absl::CancelledError("only tried");
                  }).ok());
    return absl::OkStatus();
  });
  ASSERT_THAT(changed, SizeIs(1));
  EXPECT_EQ(changed[0].id, "alice");
  EXPECT_TRUE(changed[0].now.value().settings.do_not_disturb);
  changes_.changes.clear();
  EXPECT_FALSE(store()
                   .InTransaction([&] {
                     EXPECT_TRUE(store().SetDoNotDisturb("alice", false).ok());
                     return absl::CancelledError("the whole command");
                   })
                   .ok());
  EXPECT_THAT(changes_.changes, IsEmpty());
}

TEST_P(StoreFollowerTest, WhoWasChangedInOnePartStaysTogether) {
  for (const char* id : {"c", "d", "e"}) Create(UniqueAccount(id, std::string("200") + id[0]));
  const std::vector<ChangedUser> changed = Change([](Transaction& t) {
    const auto touch = [&](const char* id) { return t.settings.SetDoNotDisturb(id, true); };
    EXPECT_TRUE(touch("alice").ok());
    EXPECT_TRUE(touch("bob").ok());
    EXPECT_TRUE(t.InPart([&] { return touch("c"); }).ok());
    return t.InPart([&] {
      EXPECT_TRUE(touch("d").ok());
      return touch("e");
    });
  });
  std::vector<std::pair<std::string, bool>> seen;
  for (const ChangedUser& user : changed) seen.emplace_back(user.id, user.with_previous);
  EXPECT_THAT(seen,
              ElementsAre(std::pair("alice", false), std::pair("bob", true), std::pair("c", false),
                          std::pair("d", false), std::pair("e", true)));
}

TEST_P(StoreFollowerTest, RevisionsAreInTheOrderOfCommitsAndToldBeforeTheAnswer) {
  Store& port = subject_->port();
  const Revision before = changes_.changes.empty() ? 0 : changes_.changes.back().revision;
  const std::size_t told = changes_.changes.size();
  Moment go;
  std::vector<Revision> answers;
  ASSERT_TRUE(port.Submit(
                      [go](Transaction&) {
                        go.Wait();
                        return absl::OkStatus();
                      },
                      [](absl::Status) {})
                  .ok());
  constexpr std::size_t kCommands = 20;
  for (std::size_t i = 0; i < kCommands; ++i) {
    const auto work = [i](Transaction& t) -> absl::Status {
      if (i % 4 == 3) return t.users.Get("alice").status();  // changes nothing
      if (i % 4 == 2) return t.settings.SetDoNotDisturb("nobody", true);
      return t.settings.SetDoNotDisturb("alice", i % 4 == 0);
    };
    ASSERT_TRUE(port.SubmitChange(work,
                                  [&, i](absl::StatusOr<Revision> committed) {
                                    EXPECT_EQ(committed.ok(), i % 4 != 2) << i;
                                    if (!committed.ok()) return;
                                    answers.push_back(*committed);
                                    ASSERT_FALSE(changes_.changes.empty());
                                    EXPECT_EQ(changes_.changes.back().revision, *committed) << i;
                                    // Those of the commands before are passed on.
                                    EXPECT_EQ(changes_.held, i % 4 == 3 ? 0u : 1u) << i;
                                  })
                    .ok());
  }
  go.Reach();
  port.Stop();
  ASSERT_THAT(changes_.changes, SizeIs(told + kCommands / 2));
  for (std::size_t i = told; i < changes_.changes.size(); ++i) {
    EXPECT_EQ(changes_.changes[i].revision, before + i - told + 1);
  }
  EXPECT_THAT(answers, SizeIs(kCommands * 3 / 4));
  EXPECT_TRUE(std::is_sorted(answers.begin(), answers.end()));
  EXPECT_EQ(answers.back(), changes_.changes.back().revision);
  EXPECT_GE(changes_.flushes.load(), 1);
}

TEST_P(StoreContractTest, ARefusalIsTheReturnValueAndNothingElseHappens) {
  std::vector<absl::StatusCode> told;
  std::vector<absl::StatusCode> told_of_reads;
  subject_->OpenWith(
      {.queue_capacity = 1,
       .read_queue_capacity = 1,
       .on_trouble = [&](const absl::Status& s) { told.push_back(s.code()); },
       .on_read_trouble = [&](const absl::Status& s) { told_of_reads.push_back(s.code()); }});
  Store& port = subject_->port();
  Moment started;
  Moment released;
  Moment read_started;
  const auto work = [](auto&&...) { return absl::OkStatus(); };
  const auto accepted = [](const absl::Status& status) { EXPECT_TRUE(status.ok()) << status; };
  const auto never = [](const absl::Status&) { ADD_FAILURE() << "called, though refused"; };
  ASSERT_TRUE(port.Submit(Block<Transaction&>(started, released), accepted).ok());
  ASSERT_TRUE(port.SubmitRead(Block<const Snapshot&>(read_started, released), accepted).ok());
  started.Wait();
  read_started.Wait();
  ASSERT_TRUE(port.Submit(work, accepted).ok());
  ASSERT_TRUE(port.SubmitRead(work, accepted).ok());
  EXPECT_TRUE(absl::IsResourceExhausted(port.Submit(work, never)));
  EXPECT_TRUE(absl::IsResourceExhausted(port.SubmitRead(work, never)));
  EXPECT_THAT(told, ElementsAre(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(told_of_reads, ElementsAre(absl::StatusCode::kResourceExhausted));
  // For whom it is an answer like any other.
  absl::Status answer;
  SubmitOrRefuse(port, work, [&](absl::Status status) { answer = std::move(status); });
  EXPECT_TRUE(absl::IsResourceExhausted(answer)) << answer;
  released.Reach();
  port.Stop();
  EXPECT_TRUE(absl::IsUnavailable(port.Submit(work, never)));
  EXPECT_TRUE(absl::IsUnavailable(port.SubmitRead(work, never)));
  EXPECT_EQ(port.probe().refused.value(), 5u);
  EXPECT_EQ(port.probe().reads.value(), 2u);
}

// --- The store itself ---

TEST_P(DurableStoreContractTest, EverythingSurvivesARestart) {
  Create(AliceWithABox());
  ASSERT_TRUE(store().SetSelectedDevice("alice", LineKind::kWebrtc).ok());
  ASSERT_TRUE(store().SetDoNotDisturb("alice", true).ok());
  ASSERT_TRUE(store().SetForwardings("alice", SomeForwardings()).ok());
  ASSERT_TRUE(store().SaveSession(SessionOf("alice", 1)).ok());
  const TakenUsersFile file = {.digest = "d1",
                               .reading = 7,
                               .complete = true,
                               .refused = true,
                               .notes = "alice: x\nbob: \xc3\xa9"};
  ASSERT_TRUE(store().PutUsersFile(file).ok());
  const StoredUser before = store().GetUser("alice").value();
  ASSERT_TRUE(subject_->Reopen());
  EXPECT_EQ(store().GetUser("alice").value(), before);
  EXPECT_EQ(store().GetUsersFile().value(), file);
  EXPECT_THAT(store().ListSessions().value(), ElementsAre(SessionOf("alice", 1)));
}

TEST_P(StoreContractTest, AFailedTransactionLeavesNothing) {
  const absl::Status status = store().InTransaction([&]() -> absl::Status {
    Create(UniqueAccount("alice", "1001"));
    return absl::AbortedError("changed my mind");
  });
  EXPECT_EQ(status, absl::AbortedError("changed my mind"));
  EXPECT_THAT(AllIds(), IsEmpty());
}

TEST_P(StoreContractTest, AFailedPartLeavesTheRestOfItsTransaction) {
  const absl::Status status = store().InTransaction([&] {
    Create(UniqueAccount("alice", "1001"));
    EXPECT_EQ(store().InTransaction([&] {
      Create(UniqueAccount("bob", "1002"));
      return absl::AbortedError("part");
    }),
              absl::AbortedError("part"));
    EXPECT_TRUE(store()
                    .InTransaction([&] {
                      Create(UniqueAccount("carol", "1003"));
                      return absl::OkStatus();
                    })
                    .ok());
    return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_THAT(AllIds(), ElementsAre("alice", "carol"));
}

TEST_P(StoreContractTest, AFailedTransactionTakesItsSuccessfulPartsAlong) {
  EXPECT_FALSE(store()
                   .InTransaction([&] {
                     EXPECT_TRUE(store()
                                     .InTransaction([&] {
                                       Create(UniqueAccount("alice", "1001"));
                                       return absl::OkStatus();
                                     })
                                     .ok());
                     return absl::AbortedError("whole");
                   })
                   .ok());
  EXPECT_THAT(AllIds(), IsEmpty());
}

TEST_P(StoreContractTest, IsWritable) {
  EXPECT_TRUE(store().CheckWritable().ok());
  EXPECT_TRUE(store().CheckWritable().ok());
}

}  // namespace
}  // namespace unipresence
