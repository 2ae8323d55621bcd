#ifndef UNIPRESENCE_SERVER_APP_USERS_READING_H_
#define UNIPRESENCE_SERVER_APP_USERS_READING_H_

// Whether the users file has to be read at all. A million users take a minute to parse and 650 MB
// of memory, and mostly the file is that of the start before: its digest is kept in the store, with
// what was not as the file says.
//
// It need not be read if everything of it has been taken, passwords included (of known users those
// that are compared at all: kMaxCompared), and nothing else could come of it now:
//   users unchanged since   the outcome would be the same
//   users changed since     a file that wins would have to win again. One that does not wins
//                           nothing back; it only adds users, and has added all of them, unless
//                           one was refused, whose number may be free now
// A password of the file that is hashed behind is no such change, unless one was refused: the last
// administrator may be kept in office only until the next one can log in.
// The digest covers whatever else decides: the program's version, the names of the PBXs, and
// whether the file wins.

#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "server/config/config.h"
#include "server/config/users_file.h"
#include "server/storage/users_file_store.h"

namespace unipresence {

struct UsersReading {
  bool needed = false;                  // false: nothing of the file has to be taken
  std::vector<config::UserSeed> users;  // if needed
  std::string digest;                   // if needed
  std::vector<std::string> lines;       // for the log, if not needed
};

// The file of the configuration; not needed without one. `taken` is what the store has of it.
// INVALID_ARGUMENT: it cannot be read, or is wrong. CANCELLED: `stop` was requested meanwhile.
absl::StatusOr<UsersReading> ReadUsersFile(const config::Config& config,
                                           const std::optional<TakenUsersFile>& taken,
                                           std::stop_token stop = {});

// The rule above, for a file of that digest.
bool IsTaken(const TakenUsersFile& taken, std::string_view digest, bool file_wins);

// Gives what was freed back to the system: the allocator keeps it otherwise. Takes the lock of each
// of its arenas, so every thread that allocates waits meanwhile: before the server serves only.
void GiveBackMemory();

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_APP_USERS_READING_H_
