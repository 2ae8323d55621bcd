#ifndef UNIPRESENCE_SERVER_STORAGE_STORE_H_
#define UNIPRESENCE_SERVER_STORAGE_STORE_H_

// What must survive a restart: users, what they chose, and their sessions.
//
//   UNIPRESENCE_ASSIGN_OR_RETURN(auto store, SqliteStore::Open({.path = "unipresence.db"}));
//   // At the start:
//   UNIPRESENCE_RETURN_IF_ERROR(store->ForEachUser([&](const StoredUser& user) { ... }));
//   // From then on:
//   StoreThread thread({}, *store);
//   thread.Submit(
//       [](Store& store) { return store.SetSelectedDevice("alice", LineKind::kWebrtc); },
//       [](absl::Status status) { ... });  // durable if OK
//
// Each method is atomic by itself. `InTransaction` makes several of them one.
//
// Codes. Each method names its own; any method may also return
//   UNAVAILABLE         another process holds the database, or the disk fails: retry later
//   RESOURCE_EXHAUSTED  the disk is full: nothing was changed; make room, then retry
//   DATA_LOSS           the file is damaged: restore a backup
//   INTERNAL            a defect
// An error leaves everything as it was before the call.
//
// Thread: one at a time; in the server the store thread's (store_thread.h).

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "aggregator/base/clock.h"
#include "aggregator/model/forwarding.h"
#include "aggregator/model/line.h"
#include "aggregator/model/session.h"
#include "aggregator/model/user.h"

namespace unipresence {

// What a user chose.
struct StoredSettings {
  std::optional<LineKind> selected_device;  // none before the first choice ever
  WallTimeMicros select_time = 0;           // of the newest choice; 0 before the first
  bool do_not_disturb = false;
  Forwardings forwardings{};
  // Of the newest change of do_not_disturb or forwardings; 0 before the first. The version counts
  // them; of use as an etag.
  WallTimeMicros forwarding_time = 0;
  std::uint64_t forwarding_version = 0;

  friend bool operator==(const StoredSettings&, const StoredSettings&) = default;
};

// Who brought a user into the store.
enum class UserOrigin : std::uint8_t { kProvisioned, kSeed };

std::string_view ToString(UserOrigin origin);  // "provisioned", "seed"

// In place of a hash: a users file holds the password, and it is not hashed yet. Matches none.
inline constexpr std::string_view kPasswordPending = "!pending";

// Can the user of this hash log in?
inline bool HasPassword(std::string_view password_hash) {
  return !password_hash.empty() && password_hash != kPasswordPending;
}

// A user to be added. The password arrives here as its hash only (server/auth/password.h).
struct NewUser {
  User user;
  std::string password_hash;  // empty = cannot log in

  friend bool operator==(const NewUser&, const NewUser&) = default;
};

struct StoredUser {
  User user;
  std::string password_hash;
  StoredSettings settings;
  UserOrigin origin = UserOrigin::kProvisioned;
  WallTimeMicros create_time = 0;
  WallTimeMicros update_time = 0;  // of `user` or `password_hash`; settings do not count
  std::uint64_t version = 0;       // 1 when created, + 1 with each such change; of use as an etag

  friend bool operator==(const StoredUser&, const StoredUser&) = default;
};

struct StoredSession {
  SessionKey key{};  // digest of the token; the token itself is never stored
  std::string id;    // public name
  std::string user;  // user id
  SessionKind kind = SessionKind::kAssistant;
  Role role = Role::kUser;
  WallTimeMicros create_time = 0;
  std::string client_name;  // what the client called itself
  std::string peer;         // where it connected from

  friend bool operator==(const StoredSession&, const StoredSession&) = default;
};

// What a seed did (Store::SeedUsers).
struct SeedReport {
  std::size_t added = 0;
  std::size_t left_alone = 0;  // in the store already, or deleted from it
  // ALREADY_EXISTS: something of it belongs to another user by now.
  std::vector<absl::Status> refused;
};

class Store {
 public:
  virtual ~Store() = default;

  // --- Users ---
  //
  // Unique: the id; the username (without regard to ASCII case); the number within its context; the
  // device within its PBX; the number of the voicemail box within the box's context. ALREADY_EXISTS
  // tells the value and whose it is, in words and for programs (conflict.h). INVALID_ARGUMENT is
  // ValidateUser's.

  // Adds a user with settings of nothing chosen. A deleted user's id may be used again.
  // INVALID_ARGUMENT, ALREADY_EXISTS.
  virtual absl::Status CreateUser(const NewUser& user) = 0;

  // Replaces everything of the user with that id except password, settings and sessions. A selected
  // device whose line is gone is forgotten. To change only if nobody came between, call GetUser and
  // compare the version in the same transaction or command.
  // INVALID_ARGUMENT, NOT_FOUND, ALREADY_EXISTS.
  virtual absl::Status UpdateUser(const User& user) = 0;

  // NOT_FOUND. Empty = cannot log in from now on. Sessions stay.
  virtual absl::Status SetPasswordHash(std::string_view id, std::string_view password_hash) = 0;

  // Removes the user with settings and sessions. Its id is remembered, so that a seed does not
  // bring the user back. NOT_FOUND.
  virtual absl::Status DeleteUser(std::string_view id) = 0;

  // NOT_FOUND.
  virtual absl::StatusOr<StoredUser> GetUser(std::string_view id) = 0;
  virtual absl::StatusOr<StoredUser> GetUserByUsername(std::string_view username) = 0;

  // Up to `limit` users by ascending id (byte order), from behind `after` on (empty = from the
  // first). The page token of a listing is the last id of the page before.
  virtual absl::StatusOr<std::vector<StoredUser>> ListUsers(std::string_view after,
                                                            std::size_t limit) = 0;

  // Every user, in the order of creation, fast: for start-up with a million of them. The user is
  // valid until the visitor returns. The visitor must not use the store.
  virtual absl::Status ForEachUser(absl::FunctionRef<void(const StoredUser&)> visit) = 0;

  // How many users of that role there are; nullopt = of any.
  virtual absl::StatusOr<std::uint64_t> CountUsers(std::optional<Role> role) = 0;
  // How many of them have a password (HasPassword).
  virtual absl::StatusOr<std::uint64_t> CountLogins(Role role) = 0;

  // --- Users of a file ---

  // Those of the ids that SeedUsers would try to add, in their order: neither in the store nor
  // deleted from it. Ask first, so that only their passwords need to be hashed (64 ms each).
  virtual absl::StatusOr<std::vector<std::string>> UnseededIds(
      std::span<const std::string> ids) = 0;

  // Adds users of a file, never overwriting what was changed since an earlier seed: a user whose id
  // is in the store, or was deleted from it, is left alone, whatever the file says. One that
  // collides with another user is refused and reported; the others are added. INVALID_ARGUMENT: a
  // user is invalid by itself; then none is added.
  virtual absl::StatusOr<SeedReport> SeedUsers(std::span<const NewUser> users) = 0;

  // --- Settings ---

  // NOT_FOUND. FAILED_PRECONDITION: the user has no line of that kind. Selecting what is selected
  // already succeeds and changes nothing, the time of the choice included.
  virtual absl::Status SetSelectedDevice(std::string_view user, LineKind device) = 0;
  // NOT_FOUND. Setting what is set already succeeds and changes nothing, the time included.
  virtual absl::Status SetDoNotDisturb(std::string_view user, bool do_not_disturb) = 0;
  // Replaces all of them, in the same way. To change one of them, read them by GetUser in the same
  // transaction or command. INVALID_ARGUMENT: ValidateForwardings. NOT_FOUND.
  virtual absl::Status SetForwardings(std::string_view user, const Forwardings& forwardings) = 0;

  // --- Sessions ---

  // NOT_FOUND: no such user. ALREADY_EXISTS: key or id is in use.
  virtual absl::Status SaveSession(const StoredSession& session) = 0;
  // NOT_FOUND: there is none of that id; it ended before.
  virtual absl::Status DeleteSession(std::string_view id) = 0;
  // How many of the ids there were; the others are no error (sessions that expired).
  virtual absl::StatusOr<std::size_t> DeleteSessions(std::span<const std::string> ids) = 0;
  // How many the user had. An unknown user has none.
  virtual absl::StatusOr<std::size_t> DeleteSessionsOfUser(std::string_view user) = 0;
  // All of them, the oldest first.
  virtual absl::StatusOr<std::vector<StoredSession>> ListSessions() = 0;

  // --- The store itself ---

  // Writes and commits something: OK means that the store takes writes now. For readiness; one disk
  // synchronisation.
  virtual absl::Status CheckWritable() = 0;

  // Runs `body` in a transaction: its changes are durable when this returns OK. An error of `body`
  // undoes them and is returned. Within another transaction it is a part of that one: an error
  // undoes the part alone, and nothing is durable before the outermost commit.
  virtual absl::Status InTransaction(absl::FunctionRef<absl::Status()> body) = 0;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_STORAGE_STORE_H_
