// What is particular to the SQLite store; what every store promises is in tests/contract.

#include "server/storage/sqlite/sqlite_store.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>

#include "server/storage/sqlite/sqlite_database.h"
#include "server/storage/sqlite/sqlite_users.h"
#include "tests/testing/sync_sqlite_store.h"
#include "tests/testing/temp_folder.h"
#include "tests/testing/users.h"

namespace unipresence {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::SyncSqliteStore;
using testing::TempFolder;
using testing::UniqueAccount;

TEST(SqliteStoreTest, ASecondServerIsKeptOff) {
  TempFolder folder;
  auto first = SyncSqliteStore::Open({.path = folder.File("a.db")});
  ASSERT_TRUE(first.ok()) << first.status();
  const auto second = SyncSqliteStore::Open({.path = folder.File("a.db")});
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable) << second.status();
  first->reset();
  EXPECT_TRUE(SyncSqliteStore::Open({.path = folder.File("a.db")}).ok());
}

TEST(SqliteStoreTest, ReadsWhileAnotherProgramHoldsTheWriteLockAndFailsToWrite) {
  TempFolder folder;
  auto store = SyncSqliteStore::Open(
                   {.path = folder.File("a.db"), .busy_timeout = std::chrono::milliseconds(1)})
                   .value();
  ASSERT_TRUE(store->CreateUser({UniqueAccount("alice", "1001"), ""}).ok());
  auto other = SqliteDatabase::Open({.path = folder.File("a.db")}).value();
  ASSERT_TRUE(other->Execute("BEGIN IMMEDIATE").ok());
  EXPECT_TRUE(store->GetUser("alice").ok());
  EXPECT_TRUE(absl::IsUnavailable(store->CheckWritable()));
  EXPECT_TRUE(absl::IsUnavailable(store->SetDoNotDisturb("alice", true)));
  ASSERT_TRUE(other->Execute("ROLLBACK").ok());
  EXPECT_TRUE(store->CheckWritable().ok());
}

TEST(SqliteStoreTest, AFullDiskRefusesTheChangeAndKeepsTheRest) {
  TempFolder folder;
  auto store = SyncSqliteStore::Open({.path = folder.File("a.db")}).value();
  ASSERT_TRUE(store->CreateUser({UniqueAccount("alice", "1001"), ""}).ok());
  ASSERT_TRUE(store->database().Execute("PRAGMA max_page_count = 1").ok());  // what it has now
  absl::Status status;
  for (int i = 0; status.ok() && i < 10'000; ++i) {
    status = store->CreateUser({UniqueAccount(i), std::string(100, 'x')});
  }
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_TRUE(store->GetUser("alice").ok());
  ASSERT_TRUE(store->database().Execute("PRAGMA max_page_count = 1000000").ok());
  EXPECT_TRUE(store->CreateUser({UniqueAccount(20'000), ""}).ok());
}

TEST(SqliteStoreTest, WordsOfANewerProgramAreDataLossAndNamed) {
  TempFolder folder;
  auto store = SyncSqliteStore::Open({.path = folder.File("a.db")}).value();
  const struct {
    std::string sql;
    std::string column;
    std::string word;
  } kRows[] = {
      {"UPDATE users SET line_type = 'hologram'", "line_type", "hologram"},
      {"UPDATE users SET role = 'wizard'", "role", "wizard"},
      {"UPDATE lines SET kind = 'MOBILE' WHERE position = 0", "kind", "MOBILE"},
      {"UPDATE settings SET selected_device = 'MOBILE'", "selected_device", "MOBILE"},
  };
  for (const auto& row : kRows) {
    (void)store->DeleteUser("alice");
    ASSERT_TRUE(store->CreateUser({UniqueAccount("alice", "1001"), ""}).ok());
    ASSERT_TRUE(store->SetSelectedDevice("alice", LineKind::kDeskphone).ok());
    ASSERT_TRUE(store->database().Execute(row.sql).ok());
    for (const absl::Status& status :
         {store->GetUser("alice").status(), store->ListUsers("", 10).status(),
          store->ForEachUser([](const StoredUser&) {})}) {
      EXPECT_TRUE(absl::IsDataLoss(status)) << row.sql << ": " << status;
      EXPECT_THAT(status.ToString(), AllOf(HasSubstr(row.column), HasSubstr(row.word)));
    }
  }
}

// However many users there are behind it.
TEST(SqliteStoreTest, APageWalksFromItsStartToTheEndOfItsScanOnly) {
  TempFolder folder;
  auto store = SyncSqliteStore::Open({.path = folder.File("a.db")}).value();
  for (const bool bounded : {true, false}) {
    std::string plan;
    SqliteStatement rows =
        store->database().Prepare("EXPLAIN QUERY PLAN " + SqliteUsers::PageSql(bounded));
    while (rows.Step().value()) plan += fmt::format("{}\n", rows.Text(3));
    EXPECT_THAT(plan, HasSubstr(bounded ? "(id>? AND id<?)" : "(id>?)"));
    EXPECT_THAT(plan, Not(HasSubstr("TEMP B-TREE"))) << "it is sorted by the index";
  }
}

TEST(SqliteStoreTest, LinesAndBoxesThatAreEditedByHandAreChangesOfUsers) {
  TempFolder folder;
  auto store = SyncSqliteStore::Open({.path = folder.File("a.db")}).value();
  ASSERT_TRUE(store->CreateUser({UniqueAccount("alice", "1001"), ""}).ok());
  for (const std::string sql :
       {"UPDATE lines SET sip_secret = 'another one'",
        "INSERT INTO lines SELECT user_number, 2, kind, 'branch', device, '', '' FROM lines LIMIT "
        "1",
        "DELETE FROM lines WHERE position = 2",
        "INSERT INTO voicemails SELECT number, '', exten, context, '', '' FROM users",
        "UPDATE voicemails SET email = 'alice@example.com'", "DELETE FROM voicemails"}) {
    ASSERT_TRUE(store->PutUsersFile({.digest = "d", .notes = {}}).ok());
    ASSERT_TRUE(store->database().Execute(sql).ok()) << sql;
    EXPECT_TRUE(store->GetUsersFile().value()->users_changed) << sql;
  }
}

TEST(SqliteStoreTest, AnImpossibleSessionIsDataLossAndNamed) {
  for (const std::string column : {"key = x'0102'", "kind = 'ghost'", "role = 'wizard'"}) {
    TempFolder folder;
    auto store = SyncSqliteStore::Open({.path = folder.File("a.db")}).value();
    ASSERT_TRUE(store->CreateUser({UniqueAccount("alice", "1001"), ""}).ok());
    StoredSession session;
    session.id = "s1";
    session.user = "alice";
    ASSERT_TRUE(store->SaveSession(session).ok());
    ASSERT_TRUE(store->database().Execute("UPDATE sessions SET " + column).ok());
    EXPECT_TRUE(absl::IsDataLoss(store->ListSessions().status())) << column;
    EXPECT_THAT(store->ListSessions().status().ToString(), HasSubstr("s1"));
  }
}

// UNIPRESENCE_STORE_USERS=1000000 measures what a large start costs.
TEST(SqliteStoreTest, SeedsAndLoadsManyUsers) {
  const char* asked = std::getenv("UNIPRESENCE_STORE_USERS");
  const int count = asked != nullptr ? std::atoi(asked) : 10'000;
  TempFolder folder;
  auto store = SyncSqliteStore::Open({.path = folder.File("a.db")}).value();
  std::vector<NewUser> seed;
  for (int i = 0; i < count; ++i) seed.push_back({UniqueAccount(i), std::string(98, 'h')});

  const auto measure = [&](const char* what, auto&& body) {
    const auto begin = std::chrono::steady_clock::now();
    body();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    fmt::print("{} {} users: {:.2f} s, {:.0f}/s\n", what, count, took.count(),
               count / took.count());
  };
  measure("seed", [&] { EXPECT_EQ(store->SeedUsers(seed)->added, seed.size()); });
  measure("seed again", [&] { EXPECT_EQ(store->SeedUsers(seed)->left_alone, seed.size()); });
  std::size_t loaded = 0;
  measure("load", [&] {
    EXPECT_TRUE(
        store->ForEachUser([&](const StoredUser& user) { loaded += user.user.lines.size(); }).ok());
  });
  EXPECT_EQ(loaded, 2 * seed.size());
}

TEST(SqliteStoreTest, TextsThatAreNotValidAreMendedOnDiskAndNamed) {
  TempFolder folder;
  {
    auto store = SyncSqliteStore::Open({.path = folder.File("a.db")}).value();
    ASSERT_TRUE(store->CreateUser({UniqueAccount("alice", "1001"), ""}).ok());
    ASSERT_TRUE(store->CreateUser({UniqueAccount("bob", "1002"), ""}).ok());
    ASSERT_TRUE(store->CreateUser({UniqueAccount("carol", "1003"), ""}).ok());
    EXPECT_TRUE(store->mended().empty());
    ASSERT_TRUE(store->database()
                    .Execute("UPDATE users SET display_name = CAST(x'536F6369E974E9' AS TEXT),"
                             " context = CAST(x'61C285' AS TEXT) WHERE id = 'alice';"
                             "UPDATE users SET id = CAST(x'E9' AS TEXT) WHERE id = 'bob';"
                             "UPDATE users SET id = CAST(x'E8' AS TEXT) WHERE id = 'carol'")
                    .ok());
  }
  {
    auto store = SyncSqliteStore::Open({.path = folder.File("a.db")}).value();
    const std::vector<MendedUser> expected = {
        {.id = "alice", .fields = {"users.display_name", "users.context"}},
        {.id = "\xEF\xBF\xBD", .fields = {"users.id"}},
        {.id = "\xEF\xBF\xBD-3", .fields = {"users.id"}}};
    EXPECT_EQ(store->mended(), expected);
    const auto alice = store->GetUser("alice");
    ASSERT_TRUE(alice.ok()) << alice.status();
    EXPECT_EQ(alice->user.display_name, "Soci\xEF\xBF\xBDt\xEF\xBF\xBD");
    EXPECT_EQ(alice->user.context, "a\xEF\xBF\xBD");
    EXPECT_EQ(alice->version, 2U);
    EXPECT_TRUE(store->GetUser("\xEF\xBF\xBD-3").ok());
  }
  EXPECT_TRUE(SyncSqliteStore::Open({.path = folder.File("a.db")}).value()->mended().empty());
}

TEST(SqliteStoreTest, ANameThatIsNotUtf8IsRefused) {
  TempFolder folder;
  auto store = SyncSqliteStore::Open({.path = folder.File("a.db")}).value();
  User alice = UniqueAccount("alice", "1001");
  for (const std::string name : {"Soci\xE9t\xE9", "a\x1b", "a\xC2\x85", "\xED\xA0\x80"}) {
    alice.display_name = name;
    EXPECT_TRUE(absl::IsInvalidArgument(store->CreateUser({alice, ""}))) << name;
  }
}

}  // namespace
}  // namespace unipresence
