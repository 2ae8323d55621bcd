#ifndef UNIPRESENCE_SERVER_STORAGE_USERS_FILE_STORE_H_
#define UNIPRESENCE_SERVER_STORAGE_USERS_FILE_STORE_H_

// How far a users file has been taken into the store: the port for it (store.h tells how a port is
// reached, and its general codes). Whoever takes the file decides what the words mean; the store
// adds whether its users are still those of that moment.

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace unipresence {

struct TakenUsersFile {
  std::string digest;         // of the file, and of what else decides what is taken from it
  std::uint64_t reading = 0;  // tells one reading from another; at most 2^63 - 1
  bool complete = false;      // nothing of it is left to be done, its passwords included
  bool refused = false;       // something of it could not be taken
  std::string notes;          // what it says and is not so, for people
  // A user was added, changed or deleted, or got another password, since it was put here.
  bool users_changed = false;

  friend bool operator==(const TakenUsersFile&, const TakenUsersFile&) = default;
};

class UsersFileReader {
 public:
  virtual ~UsersFileReader() = default;

  // nullopt: none was ever put.
  virtual absl::StatusOr<std::optional<TakenUsersFile>> Get() const = 0;
};

class UsersFileStore : public UsersFileReader {
 public:
  // In place of the former one, users_changed included.
  virtual absl::Status Put(const TakenUsersFile& file) = 0;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_STORAGE_USERS_FILE_STORE_H_
