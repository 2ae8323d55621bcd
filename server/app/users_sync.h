#ifndef UNIPRESENCE_SERVER_APP_USERS_SYNC_H_
#define UNIPRESENCE_SERVER_APP_USERS_SYNC_H_

// The users file and the store: what the file says that the store does not.
//
//   new users        are added; a password in plain is left to password_backlog.h
//   known users      whose entry differs: the difference is told and not taken, or, if the file
//                    wins, taken. What a user or a phone sets (the selection, forwards, do not
//                    disturb) is in no file and never touched. An entry without password and
//                    password_hash says nothing of the password.
//   deleted users    stay deleted; if the file wins, they come back
//   users of an earlier file that it has no more are told of and never deleted: an empty or cut
//                    file would take everybody's phone away
//
// Users may exchange what is unique (numbers, usernames, devices, boxes), two of them or in a ring,
// and hand over the administration; the last administrator who can log in stays one, whatever the
// file says.
//
// A password_hash is taken whoever wins where the store has none yet because the password of an
// earlier file was not hashed in time: nobody has chosen anything, and nobody could log in.

#include <cstdint>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "server/config/users_file.h"
#include "server/storage/store.h"

namespace unipresence {

// A password of the file that takes time to look at.
struct PasswordTask {
  std::string user;           // id
  std::string password;       // in plain
  std::string held;           // the hash in the store, to compare with; kPasswordPending: hash it
  bool take = true;           // it replaces another one; false: that it differs is told
  std::uint64_t reading = 0;  // of the file (TakenUsersFile)
};

struct UsersSync {
  std::vector<PasswordTask> passwords;
  std::vector<std::string> lines;  // for the log; of each kind the first kUsersNamed and a count
};

inline constexpr std::size_t kUsersNamed = 20;
// Passwords of known users that are compared with a file that does not win, at 64 ms each.
inline constexpr std::size_t kMaxCompared = 100;

// A part of a command. `file` is its name for the log, `digest` what the store remembers of it,
// with everything that the log says of differences; those of passwords are added as they are found
// (password_backlog.h). Complete it is only when the passwords are done as well: CompleteUsersFile.
// What of the file cannot be taken (a number of somebody else, say) is told; the rest is.
// CANCELLED: `stop` was requested; or the store's codes. Then nothing is changed.
absl::StatusOr<UsersSync> SyncUsers(Transaction& store, std::span<const config::UserSeed> seeds,
                                    std::string_view file, std::string_view digest, bool file_wins,
                                    std::stop_token stop = {});

// The passwords of that reading are done. Does nothing if there was another one since.
absl::Status CompleteUsersFile(Transaction& store, std::uint64_t reading);

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_APP_USERS_SYNC_H_
