#ifndef UNIPRESENCE_SERVER_STORAGE_USER_STORE_H_
#define UNIPRESENCE_SERVER_STORAGE_USER_STORE_H_

// The users: the port for them (store.h tells how a port is reached, and its general codes).
//
// Unique are the id; the username (without regard to ASCII case); the number within its context;
// the device within its PBX; the number of the voicemail box within the box's context.
// ALREADY_EXISTS tells the value and whose it is, in words and for programs (conflict.h).
// INVALID_ARGUMENT is ValidateUser's.

#include <cstddef>
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
#include "aggregator/model/user.h"
#include "aggregator/model/user_settings.h"

namespace unipresence {

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
  UserSettings settings;
  UserOrigin origin = UserOrigin::kProvisioned;
  WallTimeMicros create_time = 0;
  WallTimeMicros update_time = 0;  // of `user` or `password_hash`; settings do not count
  std::uint64_t version = 0;       // 1 when created, + 1 with each such change; of use as an etag

  friend bool operator==(const StoredUser&, const StoredUser&) = default;
};

// What a seed did (UserStore::Seed).
struct SeedReport {
  std::size_t added = 0;
  std::size_t left_alone = 0;  // in the store already, or deleted from it
  // ALREADY_EXISTS: something of it belongs to another user by now.
  std::vector<absl::Status> refused;
};

// Which users are meant; nothing set = all of them.
struct UserFilter {
  // Is part of the id, the display name or the number, without regard to ASCII case.
  std::string text;
  std::string pbx;  // the user has a line there
  std::optional<Role> role;
};

// Where a page of a listing begins, and how long it is.
struct UserPageRequest {
  std::string_view after;   // behind the user of this id; empty = with the first
  std::size_t limit = 100;  // users; at least 1
  // Users that are looked at for it, so that a filter that few of them pass does not make a page
  // take as long as all of them.
  std::size_t scan_limit = 2000;
};

struct UserPage {
  std::vector<StoredUser> users;  // may be fewer than the limit though there is more
  std::string next;               // `after` of the next page; empty: this was the last one
};

class UserReader {
 public:
  virtual ~UserReader() = default;

  // NOT_FOUND.
  virtual absl::StatusOr<StoredUser> Get(std::string_view id) const = 0;
  virtual absl::StatusOr<StoredUser> GetByUsername(std::string_view username) const = 0;

  // A page of those users by ascending id (byte order).
  virtual absl::StatusOr<UserPage> List(const UserFilter& filter,
                                        const UserPageRequest& page) const = 0;

  // Those users in the order of creation, fast: for a million of them. The user is valid until the
  // visitor returns. The visitor must not use the store.
  virtual absl::Status ForEach(const UserFilter& filter,
                               absl::FunctionRef<void(const StoredUser&)> visit) const = 0;

  // How many users of that role there are; nullopt = of any.
  virtual absl::StatusOr<std::uint64_t> Count(std::optional<Role> role) const = 0;
  // How many of them have a password (HasPassword).
  virtual absl::StatusOr<std::uint64_t> CountLogins(Role role) const = 0;

  // Those of the ids that Seed would try to add, in their order: neither in the store nor deleted
  // from it. Ask first, so that only their passwords need to be hashed (64 ms each).
  virtual absl::StatusOr<std::vector<std::string>> Unseeded(
      std::span<const std::string> ids) const = 0;
};

class UserStore : public UserReader {
 public:
  // Adds a user with settings of nothing chosen. A deleted user's id may be used again.
  // INVALID_ARGUMENT, ALREADY_EXISTS.
  virtual absl::Status Create(const NewUser& user) = 0;

  // Replaces everything of the user with that id except password, settings and sessions. A selected
  // device whose line is gone is forgotten. To change only if nobody came between, read the user
  // and compare the version in the same command.
  // INVALID_ARGUMENT, NOT_FOUND, ALREADY_EXISTS.
  virtual absl::Status Update(const User& user) = 0;

  // NOT_FOUND. Empty = cannot log in from now on. Sessions stay.
  virtual absl::Status SetPasswordHash(std::string_view id, std::string_view password_hash) = 0;

  // Removes the user with settings and sessions. Its id is remembered, so that a seed does not
  // bring the user back. NOT_FOUND.
  virtual absl::Status Delete(std::string_view id) = 0;

  // Adds users of a file, never overwriting what was changed since an earlier seed: a user whose id
  // is in the store, or was deleted from it, is left alone, whatever the file says. One that
  // collides with another user is refused and reported; the others are added. INVALID_ARGUMENT: a
  // user is invalid by itself; then none is added.
  virtual absl::StatusOr<SeedReport> Seed(std::span<const NewUser> users) = 0;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_STORAGE_USER_STORE_H_
