#include "server/storage/sqlite/sqlite_migrations.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "tests/testing/fake_clock.h"
#include "tests/testing/sync_sqlite_store.h"
#include "tests/testing/temp_folder.h"

namespace unipresence {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::FakeClock;
using ::testing::HasSubstr;
using testing::SyncSqliteStore;
using testing::TempFolder;

std::unique_ptr<SqliteDatabase> OpenFile(const TempFolder& folder) {
  return SqliteDatabase::Open({.path = folder.File("a.db")}).value();
}

std::vector<std::string> Column(SqliteDatabase& database, std::string_view sql) {
  std::vector<std::string> values;
  SqliteStatement statement = database.Prepare(sql);
  while (statement.Step().value()) values.emplace_back(statement.Text(0));
  return values;
}

// FNV-1a, 64 bits.
std::uint64_t Digest(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

// Files in the field have taken these steps: a step is never edited, a further one is appended here
// too.
TEST(SqliteMigrationsTest, ReleasedStepsAreNeverEdited) {
  const std::vector<std::uint64_t> released = {0x7abb54582909cecb, 0x58b39ef25c7916ea,
                                               0x703b5eb38a69624a, 0x484ed74bb06e601c,
                                               0xde6a97cd563283ef, 0x8b786460df7990b9};
  const auto migrations = SqliteMigrations();
  ASSERT_EQ(migrations.size(), released.size());
  for (std::size_t i = 0; i < released.size(); ++i) {
    EXPECT_EQ(Digest(migrations[i].sql), released[i])
        << "migration " << i + 1 << " changed: undo that and append a new one";
  }
}

TEST(SqliteMigrationsTest, StoredDevicesGetTheSpellingOfAsterisk) {
  TempFolder folder;
  FakeClock clock;
  auto database = OpenFile(folder);
  ASSERT_TRUE(MigrateSqlite(*database, SqliteMigrations().first(4), clock).ok());
  int number = 0;
  const auto add = [&](std::string_view pbx, std::string_view device) {
    ++number;
    EXPECT_TRUE(database
                    ->Prepare("INSERT INTO users (number, id, display_name, exten, context,"
                              " line_type, username, role, password_hash, origin, create_time,"
                              " update_time, version) VALUES (?1, 'u' || ?1, '', ?1, 'c', 'sip',"
                              " 'u' || ?1, 'user', '', 'seed', 1, 1, 1)")
                    .Bind(1, std::int64_t{number})
                    .Run()
                    .ok());
    EXPECT_TRUE(database->Prepare("INSERT INTO lines VALUES (?, 0, 'DESKPHONE', ?, ?, '', '')")
                    .Bind(1, std::int64_t{number})
                    .Bind(2, pbx)
                    .Bind(3, device)
                    .Run()
                    .ok());
  };
  for (const std::string_view device :
       {"pjsip/Bob", "PJSIP/al", "sip/al", "pjsipx/al", "Pjsip/two", "PJSIP/two", "skinny/1"}) {
    add("main", device);
  }
  add("other", "pjsip/al");
  ASSERT_TRUE(MigrateSqlite(*database, SqliteMigrations(), clock).ok());
  EXPECT_THAT(Column(*database, "SELECT device FROM lines ORDER BY user_number"),
              ElementsAre("PJSIP/Bob", "PJSIP/al", "SIP/al", "pjsipx/al", "Pjsip/two", "PJSIP/two",
                          "Skinny/1", "PJSIP/al"));
}

TEST(SqliteMigrationsTest, EveryWayToTheNewestVersionEndsInTheSameSchema) {
  const auto schema = [](std::vector<std::size_t> stops) {
    TempFolder folder;
    FakeClock clock;
    auto database = OpenFile(folder);
    for (const std::size_t stop : stops) {
      EXPECT_TRUE(MigrateSqlite(*database, SqliteMigrations().first(stop), clock).ok());
    }
    return Column(*database, "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY sql");
  };
  const std::size_t newest = SqliteMigrations().size();
  const auto at_once = schema({newest});
  EXPECT_FALSE(at_once.empty());
  std::vector<std::size_t> one_by_one;
  for (std::size_t stop = 1; stop <= newest; ++stop) one_by_one.push_back(stop);
  EXPECT_EQ(schema(one_by_one), at_once);
  EXPECT_EQ(schema({newest, newest}), at_once);
}

TEST(SqliteMigrationsTest, KeepsTheDataOfTheFirstVersion) {
  TempFolder folder;
  FakeClock clock;
  {
    auto database = OpenFile(folder);
    ASSERT_TRUE(MigrateSqlite(*database, SqliteMigrations().first(1), clock).ok());
    ASSERT_TRUE(database
                    ->Execute(R"sql(
      INSERT INTO users VALUES (7, 'alice', 'Alice', '1001', 'default', 'unique_account', 'al',
                                'administrator', '$hash', 'seed', 11, 12, 3);
      INSERT INTO lines VALUES (7, 0, 'DESKPHONE', 'main', 'PJSIP/alice'),
                               (7, 1, 'WEBRTC', 'main', 'PJSIP/alice_w');
      INSERT INTO settings VALUES (7, 'DESKPHONE', 13, 1);)sql")
                    .ok());
  }
  auto store = SyncSqliteStore::Open({.path = folder.File("a.db"), .clock = &clock});
  ASSERT_TRUE(store.ok()) << store.status();
  StoredUser expected;
  expected.user = {.id = "alice",
                   .display_name = "Alice",
                   .exten = "1001",
                   .context = "default",
                   .line_type = LineType::kUniqueAccount,
                   .username = "al",
                   .role = Role::kAdministrator,
                   .lines = {{LineKind::kDeskphone, "main", "PJSIP/alice"},
                             {LineKind::kWebrtc, "main", "PJSIP/alice_w"}}};
  expected.password_hash = "$hash";
  expected.settings = {
      .selected_device = LineKind::kDeskphone, .select_time = 13, .do_not_disturb = true};
  expected.origin = UserOrigin::kSeed;
  expected.create_time = 11;
  expected.update_time = 12;
  expected.version = 3;
  EXPECT_EQ((*store)->GetUser("alice").value(), expected);
}

TEST(SqliteMigrationsTest, WhatCameWithTheFourthVersionIsNotSetAndCanBe) {
  TempFolder folder;
  FakeClock clock;
  {
    auto database = OpenFile(folder);
    ASSERT_TRUE(MigrateSqlite(*database, SqliteMigrations().first(3), clock).ok());
    ASSERT_TRUE(database
                    ->Execute(R"sql(
      INSERT INTO users VALUES (7, 'alice', 'Alice', '1001', 'default', 'sip', 'al', 'user', '', 'seed',
                                11, 12, 3),
                               (8, 'bob', 'Bob', '1002', 'default', 'sip', 'bob', 'user', '', 'seed',
                                11, 12, 3);
      INSERT INTO lines VALUES (7, 0, 'DESKPHONE', 'main', 'PJSIP/alice'),
                               (8, 0, 'DESKPHONE', 'main', 'PJSIP/bob');
      INSERT INTO settings VALUES (7, 'DESKPHONE', 13, 1);)sql")
                    .ok());
  }
  auto store = SyncSqliteStore::Open({.path = folder.File("a.db"), .clock = &clock}).value();
  StoredUser alice = store->GetUser("alice").value();
  EXPECT_EQ(alice.user.ring_seconds, kDefaultRingSeconds);
  EXPECT_EQ(alice.user.voicemail, std::nullopt);
  EXPECT_EQ(alice.user.lines,
            (std::vector<Line>{{LineKind::kDeskphone, "main", "PJSIP/alice", "", ""}}));
  EXPECT_EQ(alice.settings, (UserSettings{.selected_device = LineKind::kDeskphone,
                                          .select_time = 13,
                                          .do_not_disturb = true}));
  EXPECT_EQ(store->GetUser("bob")->settings, UserSettings());

  alice.user.ring_seconds = 300;
  alice.user.voicemail = {.number = "1001"};
  alice.user.lines[0].sip_username = "alice";
  Forwardings forwardings;
  forwardings[ForwardingCondition::kBusy] = {"1002", true};
  ASSERT_TRUE(store->UpdateUser(alice.user).ok());
  for (const std::string user : {"alice", "bob"}) {
    ASSERT_TRUE(store->SetForwardings(user, forwardings).ok());
    EXPECT_EQ(store->GetUser(user)->settings.forwardings, forwardings);
  }
  EXPECT_EQ(store->GetUser("alice")->user, alice.user);
  EXPECT_EQ(store->GetUser("alice")->settings.selected_device, LineKind::kDeskphone);
}

TEST(SqliteMigrationsTest, RecordsTheStepsItTook) {
  TempFolder folder;
  FakeClock clock;
  auto database = OpenFile(folder);
  ASSERT_TRUE(MigrateSqlite(*database, SqliteMigrations(), clock).ok());
  std::vector<std::string> names;
  for (const SqliteMigration& migration : SqliteMigrations()) names.emplace_back(migration.name);
  EXPECT_EQ(Column(*database, "SELECT name FROM schema_migrations ORDER BY version"), names);
}

TEST(SqliteMigrationsTest, RefusesANewerSchemaAndLeavesItAlone) {
  TempFolder folder;
  FakeClock clock;
  {
    auto database = OpenFile(folder);
    std::vector<SqliteMigration> newer(SqliteMigrations().begin(), SqliteMigrations().end());
    newer.push_back({"of the future", "CREATE TABLE future (n INTEGER) STRICT;"});
    ASSERT_TRUE(MigrateSqlite(*database, newer, clock).ok());
  }
  const auto store = SyncSqliteStore::Open({.path = folder.File("a.db"), .clock = &clock});
  EXPECT_EQ(store.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(store.status().ToString(),
              AllOf(HasSubstr("a.db"), HasSubstr(fmt::format("{}", SqliteMigrations().size() + 1)),
                    HasSubstr("backup")));
}

TEST(SqliteMigrationsTest, RefusesTheDatabaseOfAnotherProgram) {
  TempFolder folder;
  ASSERT_TRUE(OpenFile(folder)->Execute("CREATE TABLE songs (title TEXT)").ok());
  const auto store = SyncSqliteStore::Open({.path = folder.File("a.db")});
  EXPECT_EQ(store.status().code(), absl::StatusCode::kFailedPrecondition) << store.status();
  EXPECT_THAT(Column(*OpenFile(folder), "SELECT name FROM sqlite_schema"), ElementsAre("songs"));
}

TEST(SqliteMigrationsTest, AStepThatFailsLeavesTheOldVersion) {
  TempFolder folder;
  FakeClock clock;
  auto database = OpenFile(folder);
  ASSERT_TRUE(MigrateSqlite(*database, SqliteMigrations().first(1), clock).ok());
  std::vector<SqliteMigration> broken(SqliteMigrations().begin(), SqliteMigrations().end());
  broken.push_back(
      {"broken", "CREATE TABLE fine (n INTEGER) STRICT; CREATE TABLE users (n INTEGER);"});
  EXPECT_FALSE(MigrateSqlite(*database, broken, clock).ok());
  EXPECT_THAT(Column(*database, "SELECT max(version) FROM schema_migrations"), ElementsAre("1"));
  EXPECT_THAT(
      Column(*database, "SELECT name FROM sqlite_schema WHERE name IN ('fine', 'sessions')"),
      ::testing::IsEmpty());
}

}  // namespace
}  // namespace unipresence
