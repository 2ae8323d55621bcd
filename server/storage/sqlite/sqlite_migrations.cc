#include "server/storage/sqlite/sqlite_migrations.h"

#include <fmt/format.h>

#include <array>
#include <map>
#include <string>
#include <utility>

#include "aggregator/base/status_macros.h"

namespace unipresence {
namespace {

// "unip": PRAGMA application_id of our files, for `file` and against opening somebody else's.
constexpr std::int64_t kApplicationId = 0x756e6970;

// users.number gives the order of creation, and lines, settings and sessions a short key: a start
// with a million users walks users and lines side by side in that order.
constexpr std::string_view kUsers = R"sql(
CREATE TABLE users (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  display_name TEXT NOT NULL,
  exten TEXT NOT NULL,
  context TEXT NOT NULL,
  line_type TEXT NOT NULL,
  username TEXT NOT NULL COLLATE NOCASE UNIQUE,
  role TEXT NOT NULL,
  password_hash TEXT NOT NULL,
  origin TEXT NOT NULL,
  create_time INTEGER NOT NULL,
  update_time INTEGER NOT NULL,
  version INTEGER NOT NULL,
  UNIQUE (context, exten)
) STRICT;

CREATE TABLE lines (
  user_number INTEGER NOT NULL REFERENCES users (number) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  kind TEXT NOT NULL,
  pbx TEXT NOT NULL,
  device TEXT NOT NULL,
  PRIMARY KEY (user_number, position),
  UNIQUE (pbx, device)
) STRICT, WITHOUT ROWID;

CREATE TABLE settings (
  user_number INTEGER PRIMARY KEY REFERENCES users (number) ON DELETE CASCADE,
  selected_device TEXT,
  select_time INTEGER NOT NULL DEFAULT 0,
  do_not_disturb INTEGER NOT NULL DEFAULT 0
) STRICT;
)sql";

constexpr std::string_view kSessions = R"sql(
CREATE TABLE sessions (
  key BLOB PRIMARY KEY NOT NULL,
  id TEXT NOT NULL UNIQUE,
  user_number INTEGER NOT NULL REFERENCES users (number) ON DELETE CASCADE,
  kind TEXT NOT NULL,
  role TEXT NOT NULL,
  create_time INTEGER NOT NULL,
  client_name TEXT NOT NULL,
  peer TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_by_user ON sessions (user_number);
)sql";

constexpr std::string_view kDeletedUsers = R"sql(
CREATE TABLE deleted_users (
  id TEXT PRIMARY KEY NOT NULL,
  delete_time INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE write_check (
  number INTEGER PRIMARY KEY CHECK (number = 1),
  time INTEGER NOT NULL
) STRICT;

INSERT INTO write_check (number, time) VALUES (1, 0);
)sql";

// What a PBX is told of a user beside number and lines. The box has a table of its own, because
// most of its columns are empty for most users.
constexpr std::string_view kCallRules = R"sql(
ALTER TABLE users ADD COLUMN ring_seconds INTEGER NOT NULL DEFAULT 30
  CHECK (ring_seconds BETWEEN 0 AND 65535);

CREATE TABLE voicemails (
  user_number INTEGER PRIMARY KEY REFERENCES users (number) ON DELETE CASCADE,
  name TEXT NOT NULL,
  number TEXT NOT NULL,
  context TEXT NOT NULL,
  password TEXT NOT NULL,
  email TEXT NOT NULL,
  UNIQUE (context, number)
) STRICT;

ALTER TABLE lines ADD COLUMN sip_username TEXT NOT NULL DEFAULT '';
ALTER TABLE lines ADD COLUMN sip_secret TEXT NOT NULL DEFAULT '';

ALTER TABLE settings ADD COLUMN unconditional_destination TEXT NOT NULL DEFAULT '';
ALTER TABLE settings ADD COLUMN unconditional_enabled INTEGER NOT NULL DEFAULT 0;
ALTER TABLE settings ADD COLUMN busy_destination TEXT NOT NULL DEFAULT '';
ALTER TABLE settings ADD COLUMN busy_enabled INTEGER NOT NULL DEFAULT 0;
ALTER TABLE settings ADD COLUMN no_answer_destination TEXT NOT NULL DEFAULT '';
ALTER TABLE settings ADD COLUMN no_answer_enabled INTEGER NOT NULL DEFAULT 0;
ALTER TABLE settings ADD COLUMN forwarding_time INTEGER NOT NULL DEFAULT 0;
ALTER TABLE settings ADD COLUMN forwarding_version INTEGER NOT NULL DEFAULT 0;
)sql";

// Devices as Asterisk writes them (CanonicalDevice), so that UNIQUE holds what is one device to
// Asterisk; two users who have one already keep it.
constexpr std::string_view kDeviceNames = R"sql(
UPDATE OR IGNORE lines SET device = technology || substr(device, length(technology) + 1)
FROM (SELECT column1 AS technology
      FROM (VALUES ('PJSIP'), ('SIP'), ('SCCP'), ('IAX2'), ('DAHDI'), ('Skinny'), ('MGCP')))
WHERE device LIKE technology || '/%';
)sql";

// How far a users file was taken. The triggers tell whether its users, their lines and boxes, are
// still those of then; they write nothing while that is known already.
constexpr std::string_view kUsersFile = R"sql(
CREATE TABLE users_file (
  number INTEGER PRIMARY KEY CHECK (number = 1),
  digest TEXT NOT NULL,
  reading INTEGER NOT NULL,
  complete INTEGER NOT NULL,
  refused INTEGER NOT NULL,
  notes TEXT NOT NULL,
  users_changed INTEGER NOT NULL
) STRICT;

CREATE TRIGGER users_file_insert AFTER INSERT ON users BEGIN
  UPDATE users_file SET users_changed = 1 WHERE users_changed = 0;
END;
CREATE TRIGGER users_file_update AFTER UPDATE ON users BEGIN
  UPDATE users_file SET users_changed = 1 WHERE users_changed = 0;
END;
CREATE TRIGGER users_file_delete AFTER DELETE ON users BEGIN
  UPDATE users_file SET users_changed = 1 WHERE users_changed = 0;
END;
CREATE TRIGGER users_file_line_insert AFTER INSERT ON lines BEGIN
  UPDATE users_file SET users_changed = 1 WHERE users_changed = 0;
END;
CREATE TRIGGER users_file_line_update AFTER UPDATE ON lines BEGIN
  UPDATE users_file SET users_changed = 1 WHERE users_changed = 0;
END;
CREATE TRIGGER users_file_line_delete AFTER DELETE ON lines BEGIN
  UPDATE users_file SET users_changed = 1 WHERE users_changed = 0;
END;
CREATE TRIGGER users_file_voicemail_insert AFTER INSERT ON voicemails BEGIN
  UPDATE users_file SET users_changed = 1 WHERE users_changed = 0;
END;
CREATE TRIGGER users_file_voicemail_update AFTER UPDATE ON voicemails BEGIN
  UPDATE users_file SET users_changed = 1 WHERE users_changed = 0;
END;
CREATE TRIGGER users_file_voicemail_delete AFTER DELETE ON voicemails BEGIN
  UPDATE users_file SET users_changed = 1 WHERE users_changed = 0;
END;
)sql";

constexpr std::array<SqliteMigration, 6> kMigrations = {{
    {"users, lines and settings", kUsers},
    {"sessions", kSessions},
    {"deleted users, write check", kDeletedUsers},
    {"ring time, voicemail, SIP accounts, forwardings", kCallRules},
    {"device names as Asterisk writes them", kDeviceNames},
    {"how far a users file was taken", kUsersFile},
}};

absl::StatusOr<std::int64_t> Number(SqliteDatabase& database, std::string_view sql) {
  SqliteStatement statement = database.Prepare(sql);
  UNIPRESENCE_ASSIGN_OR_RETURN(const bool row, statement.Step());
  return row ? statement.Int(0) : 0;
}

absl::Status Altered(const SqliteDatabase& database, std::string_view name) {
  return absl::DataLossError(
      fmt::format("store '{}': damaged: the definition of '{}' is not as it was made; {}",
                  database.path(), name, kDamagedRemedy));
}

// Name and text of each definition that the steps make, from a database of their own.
absl::StatusOr<std::map<std::string, std::string>> FreshSchema() {
  sqlite3* handle = nullptr;
  int code = sqlite3_open(":memory:", &handle);
  for (const SqliteMigration& migration : kMigrations) {
    if (code != SQLITE_OK) break;
    code = sqlite3_exec(handle, std::string(migration.sql).c_str(), nullptr, nullptr, nullptr);
  }
  std::map<std::string, std::string> schema;
  const auto add = [](void* map, int, char** row, char**) {
    (*static_cast<std::map<std::string, std::string>*>(map))[row[0]] = row[1];
    return 0;
  };
  if (code == SQLITE_OK) {
    code = sqlite3_exec(handle, "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL", add,
                        &schema, nullptr);
  }
  absl::Status status;
  if (code != SQLITE_OK) status = StatusOfSqlite(code, ":memory:", sqlite3_errmsg(handle));
  sqlite3_close(handle);
  if (!status.ok()) return status;
  return schema;
}

// 0 for a database without tables.
absl::StatusOr<std::int64_t> CurrentVersion(SqliteDatabase& database) {
  UNIPRESENCE_ASSIGN_OR_RETURN(const std::int64_t tables,
                               Number(database, "SELECT count(*) FROM sqlite_schema"));
  if (tables == 0) return 0;
  UNIPRESENCE_ASSIGN_OR_RETURN(const std::int64_t application,
                               Number(database, "PRAGMA application_id"));
  if (application != kApplicationId) {
    return absl::FailedPreconditionError(fmt::format(
        "store '{}': a database of another program (application id {:#x}); choose another "
        "store.path",
        database.path(), application));
  }
  absl::StatusOr<std::int64_t> version =
      Number(database, "SELECT max(version) FROM schema_migrations");
  if (absl::IsInternal(version.status())) return Altered(database, "schema_migrations");
  return version;
}

}  // namespace

std::span<const SqliteMigration> SqliteMigrations() { return kMigrations; }

absl::Status MigrateSqlite(SqliteDatabase& database, std::span<const SqliteMigration> migrations,
                           const Clock& clock) {
  UNIPRESENCE_ASSIGN_OR_RETURN(const std::int64_t found, CurrentVersion(database));
  const auto newest = static_cast<std::int64_t>(migrations.size());
  if (found > newest) {
    return absl::FailedPreconditionError(
        fmt::format("store '{}': its schema version {} is newer than {}, the newest this program "
                    "knows; run the newer program, or restore a backup made before the upgrade",
                    database.path(), found, newest));
  }
  if (found == newest) return absl::OkStatus();

  return database.InTransaction([&]() -> absl::Status {
    if (found == 0) {
      UNIPRESENCE_RETURN_IF_ERROR(database.Execute(
          fmt::format("PRAGMA application_id = {};"
                      "CREATE TABLE schema_migrations (version INTEGER PRIMARY KEY,"
                      " name TEXT NOT NULL, apply_time INTEGER NOT NULL) STRICT",
                      kApplicationId)));
    }
    for (std::int64_t version = found + 1; version <= newest; ++version) {
      const SqliteMigration& migration = migrations[static_cast<std::size_t>(version - 1)];
      UNIPRESENCE_RETURN_IF_ERROR(database.Execute(std::string(migration.sql)));
      UNIPRESENCE_RETURN_IF_ERROR(
          database
              .Prepare("INSERT INTO schema_migrations (version, name, apply_time) VALUES (?, ?, ?)")
              .Bind(1, version)
              .Bind(2, migration.name)
              .Bind(3, clock.WallNow())
              .Run());
    }
    return absl::OkStatus();
  });
}

absl::Status CheckSqliteSchema(SqliteDatabase& database) {
  UNIPRESENCE_ASSIGN_OR_RETURN(const auto fresh, FreshSchema());
  for (const auto& [name, sql] : fresh) {
    SqliteStatement found = database.Prepare("SELECT sql FROM sqlite_schema WHERE name = ?");
    UNIPRESENCE_ASSIGN_OR_RETURN(const bool row, found.Bind(1, name).Step());
    if (!row || found.Text(0) != sql) return Altered(database, name);
  }
  return absl::OkStatus();
}

}  // namespace unipresence
