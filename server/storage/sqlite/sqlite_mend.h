#ifndef UNIPRESENCE_SERVER_STORAGE_SQLITE_SQLITE_MEND_H_
#define UNIPRESENCE_SERVER_STORAGE_SQLITE_SQLITE_MEND_H_

// Rows whose texts are not valid (aggregator/base/valid_text.h): written by an earlier version, or
// by somebody else. What reads rows may trust them afterwards.

#include <vector>

#include "absl/status/statusor.h"
#include "aggregator/base/clock.h"
#include "server/storage/sqlite/sqlite_database.h"
#include "server/storage/store_options.h"

namespace unipresence {

// Replaces them on disk, all in one transaction, by what ValidText makes of them; a mended user has
// a new version. Where two rows would become the same and must not, the later gets "-" and the
// user's row number behind it. Reads every row: a million users take about a second.
absl::StatusOr<std::vector<MendedUser>> MendTexts(SqliteDatabase& database, const Clock& clock);

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_STORAGE_SQLITE_SQLITE_MEND_H_
