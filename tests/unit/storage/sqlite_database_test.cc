#include "server/storage/sqlite/sqlite_database.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>

#include "aggregator/base/strings.h"
#include "server/storage/store_lock.h"
#include "tests/testing/temp_folder.h"

namespace unipresence {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::TempFolder;

std::unique_ptr<SqliteDatabase> OpenFile(const TempFolder& folder) {
  return SqliteDatabase::Open(
             {.path = folder.File("a.db"), .busy_timeout = std::chrono::milliseconds(1)})
      .value();
}

std::int64_t CountRows(SqliteDatabase& database) {
  SqliteStatement statement = database.Prepare("SELECT count(*) FROM t");
  EXPECT_TRUE(statement.Step().value());
  return statement.Int(0);
}

class SqliteDatabaseTest : public ::testing::Test {
 protected:
  SqliteDatabaseTest() {
    EXPECT_TRUE(
        database_->Execute("CREATE TABLE t (n INTEGER PRIMARY KEY, v TEXT, b BLOB) STRICT").ok());
  }
  absl::Status Insert(std::int64_t n, std::string_view verb = "INSERT") {
    return database_->Prepare(std::string(verb) + " INTO t (n, v) VALUES (?, 'x')")
        .Bind(1, n)
        .Run();
  }

  TempFolder folder_;
  std::unique_ptr<SqliteDatabase> database_ = OpenFile(folder_);
};

TEST_F(SqliteDatabaseTest, BindsAndReadsValuesWhole) {
  const std::string text("a\0b\xc3\xa9", 5);
  const std::uint8_t bytes[] = {0, 255, 7};
  ASSERT_TRUE(database_->Prepare("INSERT INTO t (n, v, b) VALUES (?, ?, ?)")
                  .Bind(1, std::int64_t{-5})
                  .Bind(2, text)
                  .BindBlob(3, bytes)
                  .Run()
                  .ok());
  ASSERT_TRUE(database_->Prepare("INSERT INTO t (n, v, b) VALUES (1, ?, NULL)")
                  .Bind(1, std::string_view())
                  .Run()
                  .ok());
  SqliteStatement rows = database_->Prepare("SELECT n, v, b FROM t ORDER BY n");
  ASSERT_TRUE(rows.Step().value());
  EXPECT_EQ(rows.Int(0), -5);
  EXPECT_EQ(rows.Text(1), text);
  EXPECT_TRUE(std::ranges::equal(rows.Blob(2), bytes));
  ASSERT_TRUE(rows.Step().value());
  EXPECT_FALSE(rows.IsNull(1));
  EXPECT_EQ(rows.Text(1), "");
  EXPECT_TRUE(rows.IsNull(2));
  EXPECT_TRUE(rows.Blob(2).empty());
  EXPECT_FALSE(rows.Step().value());
}

TEST_F(SqliteDatabaseTest, AnErrorOfThePreparationShowsAtTheStep) {
  SqliteStatement statement = database_->Prepare("SELECT nonsense FROM nowhere");
  statement.Bind(1, std::int64_t{1}).Bind(2, "x");
  EXPECT_EQ(statement.Step().status().code(), absl::StatusCode::kInternal);
}

TEST_F(SqliteDatabaseTest, AnErrorOfABindShowsAtTheStep) {
  SqliteStatement statement = database_->Prepare("SELECT 1");
  EXPECT_FALSE(statement.Bind(7, "no such parameter").Step().ok());
}

TEST_F(SqliteDatabaseTest, AStatementCanRunAgainAfterAnError) {
  ASSERT_TRUE(Insert(1).ok());
  EXPECT_TRUE(absl::IsAlreadyExists(Insert(1)));
  EXPECT_TRUE(Insert(2).ok());
}

TEST_F(SqliteDatabaseTest, AWriteLockOfAnotherConnectionIsUnavailable) {
  auto other = OpenFile(folder_);
  ASSERT_TRUE(other->Execute("BEGIN IMMEDIATE").ok());
  const absl::Status status = database_->InTransaction([&] { return Insert(1); });
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  EXPECT_THAT(status.ToString(), AllOf(HasSubstr("a.db"), HasSubstr("retry")));
  ASSERT_TRUE(other->Execute("COMMIT").ok());
  EXPECT_TRUE(database_->InTransaction([&] { return Insert(1); }).ok());
}

TEST_F(SqliteDatabaseTest, AFullDiskIsResourceExhaustedAndRecovers) {
  ASSERT_TRUE(database_->Execute("PRAGMA max_page_count = 8").ok());
  const std::string large(100'000, 'x');
  const auto insert = [&](std::int64_t n) {
    return database_->InTransaction([&] {
      return database_->Prepare("INSERT INTO t (n, v) VALUES (?, ?)")
          .Bind(1, n)
          .Bind(2, large)
          .Run();
    });
  };
  const absl::Status status = insert(1);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
  EXPECT_EQ(CountRows(*database_), 0);
  ASSERT_TRUE(database_->Execute("PRAGMA max_page_count = 100000").ok());
  EXPECT_TRUE(insert(2).ok());
}

TEST_F(SqliteDatabaseTest, AFileThatIsNoDatabaseIsDataLoss) {
  const std::string path = folder_.Write("b.db", std::string(8192, 'g'));
  const auto opened = SqliteDatabase::Open({.path = path});
  EXPECT_EQ(opened.status().code(), absl::StatusCode::kDataLoss) << opened.status();
}

TEST_F(SqliteDatabaseTest, ADamagedPageIsDataLoss) {
  for (std::int64_t n = 0; n < 2000; ++n) ASSERT_TRUE(Insert(n).ok());
  database_.reset();  // moves the log into the file
  {
    std::fstream file(folder_.File("a.db"), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(2 * 4096);
    file << std::string(4096 * 3, '\xff');
  }
  database_ = OpenFile(folder_);
  SqliteStatement statement = database_->Prepare("SELECT sum(length(v)) FROM t");
  EXPECT_EQ(statement.Step().status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(SqliteDatabaseTest, AFolderThatDoesNotExistIsUnavailable) {
  const auto opened = SqliteDatabase::Open({.path = folder_.File("no/such/a.db")});
  EXPECT_EQ(opened.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(opened.status().ToString(), HasSubstr("no/such/a.db"));
}

TEST_F(SqliteDatabaseTest, FilesAreReadableByTheirOwnerOnly) {
  ASSERT_TRUE(Insert(1).ok());
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
    struct stat status {};
    ASSERT_EQ(::stat(entry.path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u) << entry.path();
    ++files;
  }
  EXPECT_GE(files, 2);  // with the write-ahead log
}

TEST_F(SqliteDatabaseTest, WhatTheDatabaseUndidByItselfFailsUpToTheOutermostTransaction) {
  ASSERT_TRUE(Insert(1).ok());
  absl::Status inner;
  absl::Status after;
  const absl::Status outer = database_->InTransaction([&] {
    EXPECT_TRUE(Insert(2).ok());
    inner = database_->InTransaction([&] { return Insert(1, "INSERT OR ROLLBACK"); });
    after = database_->InTransaction([&] { return Insert(3); });
    EXPECT_FALSE(Insert(4).ok());
    EXPECT_FALSE(database_->Execute("INSERT INTO t (n) VALUES (5)").ok());
    return absl::OkStatus();
  });
  EXPECT_TRUE(absl::IsAlreadyExists(inner)) << inner;
  EXPECT_FALSE(after.ok());
  EXPECT_FALSE(outer.ok());
  EXPECT_EQ(CountRows(*database_), 1);
  EXPECT_TRUE(database_->InTransaction([&] { return Insert(6); }).ok());
  EXPECT_EQ(CountRows(*database_), 2);
}

TEST_F(SqliteDatabaseTest, ACommitThatFailsLeavesNothingAndTheNextOneWorks) {
  ASSERT_TRUE(database_
                  ->Execute("CREATE TABLE child (n INTEGER REFERENCES t (n) DEFERRABLE INITIALLY "
                            "DEFERRED) STRICT")
                  .ok());
  EXPECT_FALSE(database_
                   ->InTransaction([&] {
                     EXPECT_TRUE(Insert(1).ok());
                     return database_->Execute("INSERT INTO child (n) VALUES (99)");
                   })
                   .ok());
  EXPECT_EQ(CountRows(*database_), 0);
  EXPECT_TRUE(database_->InTransaction([&] { return Insert(2); }).ok());
}

TEST(SqliteCodeTest, EachCodeHasItsStatus) {
  const struct {
    int code;
    absl::StatusCode status;
  } kRows[] = {
      {SQLITE_BUSY, absl::StatusCode::kUnavailable},
      {SQLITE_BUSY_SNAPSHOT, absl::StatusCode::kUnavailable},
      {SQLITE_LOCKED, absl::StatusCode::kUnavailable},
      {SQLITE_READONLY, absl::StatusCode::kUnavailable},
      {SQLITE_CANTOPEN, absl::StatusCode::kUnavailable},
      {SQLITE_PERM, absl::StatusCode::kUnavailable},
      {SQLITE_IOERR_FSYNC, absl::StatusCode::kUnavailable},
      {SQLITE_FULL, absl::StatusCode::kResourceExhausted},
      {SQLITE_NOMEM, absl::StatusCode::kResourceExhausted},
      {SQLITE_CORRUPT, absl::StatusCode::kDataLoss},
      {SQLITE_NOTADB, absl::StatusCode::kDataLoss},
      {SQLITE_CONSTRAINT_UNIQUE, absl::StatusCode::kAlreadyExists},
      {SQLITE_CONSTRAINT_PRIMARYKEY, absl::StatusCode::kAlreadyExists},
      {SQLITE_CONSTRAINT_NOTNULL, absl::StatusCode::kInternal},
      {SQLITE_CONSTRAINT_FOREIGNKEY, absl::StatusCode::kInternal},
      {SQLITE_TOOBIG, absl::StatusCode::kInvalidArgument},
      {SQLITE_MISUSE, absl::StatusCode::kInternal},
  };
  for (const auto& row : kRows) {
    const absl::Status status = StatusOfSqlite(row.code, "a.db", "why");
    EXPECT_EQ(status.code(), row.status) << row.code;
    EXPECT_THAT(status.ToString(), AllOf(HasSubstr("a.db"), HasSubstr("why")));
  }
}

TEST(StoreLockTest, IsHeldByOneAndEndsWithItsObject) {
  TempFolder folder;
  auto first = StoreLock::Take(folder.File("a.db"));
  ASSERT_TRUE(first.ok()) << first.status();
  const auto second = StoreLock::Take(folder.File("a.db"));
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(second.status().ToString(), HasSubstr("another server"));
  first->reset();
  EXPECT_TRUE(StoreLock::Take(folder.File("a.db")).ok());
  EXPECT_FALSE(StoreLock::Take(folder.File("no/such/a.db")).ok());
}

}  // namespace
}  // namespace unipresence
