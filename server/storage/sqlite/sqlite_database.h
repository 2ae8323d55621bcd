#ifndef UNIPRESENCE_SERVER_STORAGE_SQLITE_SQLITE_DATABASE_H_
#define UNIPRESENCE_SERVER_STORAGE_SQLITE_SQLITE_DATABASE_H_

// A connection to SQLite with statements that clean up after themselves and errors as absl::Status.
//
//   SqliteStatement statement = database.Prepare("SELECT device FROM lines WHERE user_number = ?");
//   statement.Bind(1, number);
//   while (true) {
//     UNIPRESENCE_ASSIGN_OR_RETURN(const bool row, statement.Step());
//     if (!row) break;
//     use(statement.Text(0));
//   }
//
// SQL may call is_valid_text(text...) and valid_text(text): aggregator/base/valid_text.h.
//
// Codes of all errors: see StatusOfSqlite. Thread: one at a time.

#include <sqlite3.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/storage/file_identity.h"

namespace unipresence {

class SqliteDatabase;

// One run of a prepared statement. Destroy it before the same SQL is prepared again. An error of
// the preparation or of a Bind shows at the first Step.
class SqliteStatement {
 public:
  SqliteStatement(SqliteStatement&& other) noexcept;
  SqliteStatement& operator=(SqliteStatement&&) = delete;
  ~SqliteStatement();

  // `index` counts from 1. Texts and blobs must stay valid until the last Step.
  SqliteStatement& Bind(int index, std::string_view text);
  SqliteStatement& Bind(int index, std::int64_t value);
  SqliteStatement& BindBlob(int index, std::span<const std::uint8_t> bytes);

  // True: there is a row to read; false: done.
  absl::StatusOr<bool> Step();
  // Steps to the end; for statements without rows, or whose rows do not matter.
  absl::Status Run();

  // Of the current row, `column` from 0; views are valid until the next Step.
  std::string_view Text(int column) const;
  std::int64_t Int(int column) const;
  std::span<const std::uint8_t> Blob(int column) const;
  bool IsNull(int column) const;

 private:
  friend class SqliteDatabase;
  SqliteStatement(SqliteDatabase* database, sqlite3_stmt* statement, absl::Status error)
      : database_(database), statement_(statement), error_(std::move(error)) {}
  void Note(int code);

  SqliteDatabase* database_;
  sqlite3_stmt* statement_;  // owned by the database's cache
  absl::Status error_;
};

class SqliteDatabase {
 public:
  struct Options {
    std::string path;
    std::chrono::milliseconds busy_timeout{5000};
    // A file that another connection of this process has open for writing. InTransaction then gives
    // all its statements one state of the file.
    bool read_only = false;
  };

  // Opens or creates the file with the settings that durability needs. An empty file counts as one
  // to be created; DATA_LOSS if a log lies beside it, because SQLite would delete that.
  static absl::StatusOr<std::unique_ptr<SqliteDatabase>> Open(const Options& options);
  ~SqliteDatabase();
  SqliteDatabase(const SqliteDatabase&) = delete;
  SqliteDatabase& operator=(const SqliteDatabase&) = delete;

  // `sql` is one statement. It is compiled once per text and kept.
  SqliteStatement Prepare(std::string_view sql);
  // Runs statements without parameters, separated by semicolons.
  absl::Status Execute(const std::string& sql);
  // Rows that the newest INSERT, UPDATE or DELETE changed itself.
  std::int64_t Changes() const;
  std::int64_t LastInsertRowId() const;

  // Looks at every page: DATA_LOSS tells what is wrong first. A change within a text or a number
  // is seen only where an index holds the value too, and only in a file of at most
  // kMaxThoroughBytes; in larger ones the indexes are not compared.
  absl::Status CheckIntegrity();
  static constexpr std::int64_t kMaxThoroughBytes = std::int64_t{256} << 20;
  // The file was empty or did not exist when it was opened.
  bool is_new() const { return is_new_; }
  // Of the file, its log included.
  absl::StatusOr<std::int64_t> Bytes();

  // UNAVAILABLE if the paths of the file and its companions are not the opened files any more: what
  // is committed then is gone with the next start. Asked before each commit of InTransaction. Any
  // thread, beside whatever the connection does.
  absl::Status CheckFiles() const;
  // The same if one of them is shorter than after the last transaction. Asked before the next one.
  // SQLite itself makes them shorter in a transaction of ours, or at the order of another
  // connection, which it tells.
  absl::Status CheckSizes();

  // Runs `body` in a transaction: its changes are durable when this returns OK. An error of `body`
  // undoes them and is returned. Within another transaction it is a part of that one: an error
  // undoes the part alone, and nothing is durable before the outermost commit.
  absl::Status InTransaction(absl::FunctionRef<absl::Status()> body);

  const std::string& path() const { return path_; }

 private:
  friend class SqliteStatement;
  SqliteDatabase(const Options& options, sqlite3* handle)
      : path_(options.path), read_only_(options.read_only), handle_(handle) {}

  void NoteSizes();
  // What other connections committed or cleaned up, by a number that changes with it.
  std::int64_t DataVersion();
  absl::Status Configure(const Options& options);
  absl::Status KeepDurably();
  absl::Status RememberFiles();
  // That a file is not what it was, and what to do.
  absl::Status Lost(const absl::Status& status) const;
  // Not OK once the database has undone, by itself, the transaction that is being run.
  absl::Status CheckTransaction() const;
  absl::Status Begin();
  absl::Status End(absl::Status body);
  absl::Status Error(int code) const;

  const std::string path_;
  const bool read_only_;
  sqlite3* handle_;
  bool is_new_ = false;
  std::vector<FileIdentity> files_;  // that were opened
  // When their sizes were noted.
  std::int64_t noted_changes_ = -1;
  std::int64_t noted_data_version_ = 0;
  int depth_ = 0;        // nested transactions
  absl::Status undone_;  // why the database undid the transaction
  absl::flat_hash_map<std::string, sqlite3_stmt*> statements_;
};

// What can be done about a damaged file, for the messages of DATA_LOSS.
inline constexpr std::string_view kDamagedRemedy =
    "restore a backup; or save what can be read by `sqlite3 FILE .recover | sqlite3 NEW_FILE`; or "
    "move the file away to start anew";

// The status for an SQLite result code.
//   BUSY, LOCKED, READONLY, CANTOPEN, IOERR, PERM, AUTH  UNAVAILABLE
//   FULL, NOMEM                                          RESOURCE_EXHAUSTED
//   CORRUPT, NOTADB                                      DATA_LOSS
//   CONSTRAINT_UNIQUE, CONSTRAINT_PRIMARYKEY             ALREADY_EXISTS
//   TOOBIG                                               INVALID_ARGUMENT
//   anything else                                        INTERNAL
absl::Status StatusOfSqlite(int code, std::string_view path, std::string_view message);

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_STORAGE_SQLITE_SQLITE_DATABASE_H_
