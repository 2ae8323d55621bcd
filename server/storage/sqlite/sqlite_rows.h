#ifndef UNIPRESENCE_SERVER_STORAGE_SQLITE_SQLITE_ROWS_H_
#define UNIPRESENCE_SERVER_STORAGE_SQLITE_SQLITE_ROWS_H_

// Rows of the SQLite store as records. DATA_LOSS: a column holds a word that this program does not
// know.

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/storage/session_store.h"
#include "server/storage/sqlite/sqlite_database.h"
#include "server/storage/user_store.h"

namespace unipresence {

// The columns ReadUserRow reads, in its order, of kUserTables.
inline constexpr std::string_view kUserColumns =
    "u.number, u.id, u.display_name, u.exten, u.context, u.line_type, u.username, u.role, "
    "u.password_hash, u.origin, u.create_time, u.update_time, u.version, s.selected_device, "
    "s.select_time, s.do_not_disturb, s.unconditional_destination, s.unconditional_enabled, "
    "s.busy_destination, s.busy_enabled, s.no_answer_destination, s.no_answer_enabled, "
    "s.forwarding_time, s.forwarding_version, u.ring_seconds, v.name, v.number, v.context, "
    "v.password, v.email";
inline constexpr std::string_view kUserTables =
    "users u LEFT JOIN settings s ON s.user_number = u.number"
    " LEFT JOIN voicemails v ON v.user_number = u.number";

// Everything but the lines, whose list it empties.
absl::Status ReadUserRow(const SqliteStatement& row, StoredUser& user);
inline std::int64_t UserNumber(const SqliteStatement& row) { return row.Int(0); }

// From kLineColumns of `lines`, the first of them being column `first`.
inline constexpr std::string_view kLineColumns = "kind, pbx, device, sip_username, sip_secret";
absl::StatusOr<Line> ReadLine(const SqliteStatement& row, int first);

// From the columns key, id, user id, kind, role, create_time, client_name, peer.
absl::StatusOr<StoredSession> ReadSession(const SqliteStatement& row);

// The key of a user's lines, settings and sessions. NOT_FOUND.
absl::StatusOr<std::int64_t> UserNumberOf(SqliteDatabase& database, std::string_view id);

std::string_view SessionKindWord(SessionKind kind);  // "assistant", "client"

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_STORAGE_SQLITE_SQLITE_ROWS_H_
