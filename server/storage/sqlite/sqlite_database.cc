#include "server/storage/sqlite/sqlite_database.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "aggregator/base/status_macros.h"
#include "aggregator/base/strings.h"
#include "aggregator/base/valid_text.h"

namespace unipresence {
namespace {

// What SQLite says of a damaged file quotes its bytes.
std::string Printable(std::string_view text) {
  std::string printable(text);
  for (char& c : printable) {
    if (c == '\n') c = ' ';
    if (c < 0x20 || c > 0x7e) c = '?';
  }
  return printable;
}

std::int64_t SizeOf(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? std::int64_t{status.st_size} : 0;
}

// What SQLite would not refuse itself. It deletes the log of an empty file: ours is never empty
// once it has a log, so somebody has truncated or deleted it, and the log may be all that is left.
// It writes over a file that is shorter than its header.
absl::Status CheckBeforeOpening(const std::string& path) {
  constexpr std::int64_t kHeaderBytes = 100;
  const std::int64_t size = SizeOf(path);
  if (size > 0 && size < kHeaderBytes) {
    return absl::DataLossError(
        fmt::format("store '{}': its {} bytes are no database; {}", path, size, kDamagedRemedy));
  }
  const std::string log = path + "-wal";
  if (size > 0 || SizeOf(log) == 0) return absl::OkStatus();
  return absl::DataLossError(fmt::format(
      "store '{}': missing or empty, but its log '{}' is there; put the file back beside "
      "it, or restore a backup and delete the log, or move the log away to start anew",
      path, log));
}

// SQLite would create the file readable by everyone whom the umask allows; its companions (-wal,
// -shm) take over the mode of the file.
absl::Status CreatePrivately(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) {
    return absl::UnavailableError(fmt::format(
        "store '{}': cannot be opened for writing: {}; check that its folder exists and "
        "belongs to the server's account",
        path, std::strerror(errno)));
  }
  ::close(descriptor);
  return absl::OkStatus();
}

std::string_view TextOf(sqlite3_value* value) {
  const auto* const text = reinterpret_cast<const char*>(sqlite3_value_text(value));
  if (text == nullptr) return {};
  return {text, static_cast<std::size_t>(sqlite3_value_bytes(value))};
}

void IsValidTextFunction(sqlite3_context* context, int count, sqlite3_value** values) {
  const bool valid = std::all_of(values, values + count,
                                 [](sqlite3_value* value) { return IsValidText(TextOf(value)); });
  sqlite3_result_int(context, valid ? 1 : 0);
}

void ValidTextFunction(sqlite3_context* context, int, sqlite3_value** values) {
  const std::string text = ValidText(TextOf(values[0]));
  sqlite3_result_text(context, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
}

}  // namespace

absl::Status StatusOfSqlite(int code, std::string_view path, std::string_view message) {
  const auto text = [&](std::string_view remedy) {
    return fmt::format("store '{}': {} ({} {}){}{}", path, Printable(message), sqlite3_errstr(code),
                       code, remedy.empty() ? "" : "; ", remedy);
  };
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return absl::UnavailableError(text("another process holds it; retry"));
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return absl::UnavailableError(text("check owner and mode of the file and of its folder"));
    case SQLITE_IOERR:
      return absl::UnavailableError(text("check the disk"));
    case SQLITE_FULL:
      return absl::ResourceExhaustedError(text("make room on the disk"));
    case SQLITE_NOMEM:
      return absl::ResourceExhaustedError(text("not enough memory"));
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return absl::DataLossError(text(kDamagedRemedy));
    case SQLITE_TOOBIG:
      return absl::InvalidArgumentError(text("the value is too long"));
    case SQLITE_CONSTRAINT:
      switch (code) {
        case SQLITE_CONSTRAINT_UNIQUE:
        case SQLITE_CONSTRAINT_PRIMARYKEY:
          return absl::AlreadyExistsError(text(""));
        default:
          return absl::InternalError(text(""));
      }
    default:
      return absl::InternalError(text(""));
  }
}

absl::StatusOr<std::unique_ptr<SqliteDatabase>> SqliteDatabase::Open(const Options& options) {
  if (!options.read_only) {
    UNIPRESENCE_RETURN_IF_ERROR(CheckBeforeOpening(options.path));
    UNIPRESENCE_RETURN_IF_ERROR(CreatePrivately(options.path));
  }
  const bool is_new = SizeOf(options.path) == 0;
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(
      options.path.c_str(), &handle,
      (options.read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE) |
          SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
      nullptr);
  std::unique_ptr<SqliteDatabase> database(new SqliteDatabase(options, handle));
  database->is_new_ = is_new;
  if (code != SQLITE_OK) return database->Error(code);
  UNIPRESENCE_RETURN_IF_ERROR(database->Configure(options));
  return database;
}

SqliteDatabase::~SqliteDatabase() {
  for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close_v2(handle_);
}

absl::Status SqliteDatabase::Configure(const Options& options) {
  constexpr int kFlags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY;
  sqlite3_create_function_v2(handle_, "is_valid_text", -1, kFlags, nullptr, &IsValidTextFunction,
                             nullptr, nullptr, nullptr);
  sqlite3_create_function_v2(handle_, "valid_text", 1, kFlags, nullptr, &ValidTextFunction, nullptr,
                             nullptr, nullptr);
  sqlite3_busy_timeout(handle_, static_cast<int>(options.busy_timeout.count()));
  // Against a file that somebody else prepared: no functions with side effects from its schema, no
  // writes to the schema itself.
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  // 16 MiB of cache keep the upper pages of the indexes of a million users.
  UNIPRESENCE_RETURN_IF_ERROR(Execute("PRAGMA cache_size = -16384"));
  return read_only_ ? absl::OkStatus() : KeepDurably();
}

absl::Status SqliteDatabase::KeepDurably() {
  {
    SqliteStatement statement = Prepare("PRAGMA journal_mode = WAL");
    UNIPRESENCE_ASSIGN_OR_RETURN(const bool row, statement.Step());
    const std::string mode(row ? statement.Text(0) : "none");
    if (mode != "wal") {
      return absl::UnavailableError(fmt::format(
          "store '{}': no write-ahead log here (journal mode {}); use a local disk", path_, mode));
    }
  }
  UNIPRESENCE_RETURN_IF_ERROR(RememberFiles());
  // The size limit cuts the log back after a bulk load.
  return Execute(
      "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA journal_size_limit = 67108864");
}

// The log and its index are opened by the first read and stay open.
absl::Status SqliteDatabase::RememberFiles() {
  UNIPRESENCE_RETURN_IF_ERROR(Execute("SELECT count(*) FROM sqlite_schema"));
  // SQLite puts them beside the file itself, also where the path is a symbolic link.
  const std::string file = sqlite3_db_filename(handle_, "main");
  for (const std::string& path : {path_, file + "-wal", file + "-shm"}) {
    UNIPRESENCE_ASSIGN_OR_RETURN(FileIdentity identity, FileIdentity::Of(path));
    files_.push_back(std::move(identity));
  }
  return absl::OkStatus();
}

absl::Status SqliteDatabase::Lost(const absl::Status& status) const {
  return absl::UnavailableError(fmt::format(
      "store '{}': {} while the server runs, so what is changed now would be lost at its next "
      "start; put the file back, or stop the server, restore a backup and start it again",
      path_, FromAbsl(status.message())));
}

absl::Status SqliteDatabase::CheckFiles() const {
  for (const FileIdentity& file : files_) {
    if (const absl::Status status = file.Check(); !status.ok()) return Lost(status);
  }
  return absl::OkStatus();
}

std::int64_t SqliteDatabase::DataVersion() {
  SqliteStatement statement = Prepare("PRAGMA data_version");
  const auto row = statement.Step();
  return row.ok() && *row ? statement.Int(0) : 0;
}

void SqliteDatabase::NoteSizes() {
  if (files_.empty()) return;
  for (FileIdentity& file : files_) file.NoteSize();
  noted_changes_ = sqlite3_total_changes64(handle_);
  noted_data_version_ = DataVersion();
}

absl::Status SqliteDatabase::CheckSizes() {
  // A statement outside of a transaction was one by itself.
  if (noted_changes_ != sqlite3_total_changes64(handle_)) return absl::OkStatus();
  for (const FileIdentity& file : files_) {
    const absl::Status status = file.CheckSize();
    if (!status.ok() && DataVersion() == noted_data_version_) return Lost(status);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::int64_t> SqliteDatabase::Bytes() {
  SqliteStatement statement =
      Prepare("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size");
  UNIPRESENCE_ASSIGN_OR_RETURN(const bool row, statement.Step());
  return row ? statement.Int(0) : 0;
}

absl::Status SqliteDatabase::CheckIntegrity() {
  UNIPRESENCE_ASSIGN_OR_RETURN(const std::int64_t bytes, Bytes());
  SqliteStatement statement =
      Prepare(bytes <= kMaxThoroughBytes ? "PRAGMA integrity_check(1)" : "PRAGMA quick_check(1)");
  UNIPRESENCE_ASSIGN_OR_RETURN(const bool row, statement.Step());
  if (row && statement.Text(0) == "ok") return absl::OkStatus();
  const std::string what = Printable(row ? statement.Text(0) : "no answer to the check");
  return absl::DataLossError(
      fmt::format("store '{}': damaged: {}; {}", path_, what, kDamagedRemedy));
}

SqliteStatement SqliteDatabase::Prepare(std::string_view sql) {
  auto found = statements_.find(ToAbsl(sql));
  if (found == statements_.end()) {
    sqlite3_stmt* statement = nullptr;
    const int code = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    if (code != SQLITE_OK) return SqliteStatement(this, nullptr, Error(code));
    found = statements_.emplace(std::string(sql), statement).first;
  }
  if (sqlite3_stmt_busy(found->second) != 0) {
    std::fprintf(stderr, "statement in use twice: %s\n", found->first.c_str());
    std::abort();
  }
  return SqliteStatement(this, found->second, absl::OkStatus());
}

absl::Status SqliteDatabase::Execute(const std::string& sql) {
  UNIPRESENCE_RETURN_IF_ERROR(CheckTransaction());
  const int code = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
  if (code == SQLITE_OK) return absl::OkStatus();
  absl::Status error = Error(code);
  if (depth_ > 0 && sqlite3_get_autocommit(handle_) != 0) undone_ = error;
  return error;
}

std::int64_t SqliteDatabase::Changes() const { return sqlite3_changes64(handle_); }
std::int64_t SqliteDatabase::LastInsertRowId() const { return sqlite3_last_insert_rowid(handle_); }

absl::Status SqliteDatabase::Error(int code) const {
  return StatusOfSqlite(code, path_, handle_ == nullptr ? "cannot open" : sqlite3_errmsg(handle_));
}

// A full disk, an I/O error or lack of memory can make SQLite roll back the whole transaction. What
// is executed after that would commit by itself, one statement at a time: it must fail instead.
absl::Status SqliteDatabase::CheckTransaction() const { return undone_; }

absl::Status SqliteDatabase::Begin() {
  if (depth_ == 0) {
    UNIPRESENCE_RETURN_IF_ERROR(CheckSizes());
    UNIPRESENCE_RETURN_IF_ERROR(Prepare(read_only_ ? "BEGIN" : "BEGIN IMMEDIATE").Run());
  } else {
    UNIPRESENCE_RETURN_IF_ERROR(Execute(fmt::format("SAVEPOINT level_{}", depth_)));
  }
  ++depth_;
  return absl::OkStatus();
}

absl::Status SqliteDatabase::End(absl::Status body) {
  --depth_;
  if (!undone_.ok()) {
    absl::Status undone = undone_;
    if (depth_ == 0) undone_ = absl::OkStatus();
    return body.ok() ? undone : body;
  }
  if (depth_ > 0) {
    if (!body.ok()) {
      UNIPRESENCE_RETURN_IF_ERROR(Execute(fmt::format("ROLLBACK TO level_{}", depth_)));
    }
    UNIPRESENCE_RETURN_IF_ERROR(Execute(fmt::format("RELEASE level_{}", depth_)));
    return body;
  }
  // Whatever the body did: "it is so already" would be lost as well.
  if (body.ok()) body = CheckFiles();
  if (body.ok()) body = Prepare("COMMIT").Run();
  // A COMMIT that failed for want of a lock leaves the transaction open.
  if (!body.ok() && sqlite3_get_autocommit(handle_) == 0) {
    if (absl::Status status = Prepare("ROLLBACK").Run(); !status.ok()) return status;
  }
  return body;
}

absl::Status SqliteDatabase::InTransaction(absl::FunctionRef<absl::Status()> body) {
  UNIPRESENCE_RETURN_IF_ERROR(CheckTransaction());
  UNIPRESENCE_RETURN_IF_ERROR(Begin());
  absl::Status status = End(body());
  if (depth_ == 0) NoteSizes();
  return status;
}

}  // namespace unipresence
