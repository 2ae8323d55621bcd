#ifndef UNIPRESENCE_SERVER_STORAGE_SESSION_STORE_H_
#define UNIPRESENCE_SERVER_STORAGE_SESSION_STORE_H_

// Sessions that survive a restart: the port for them (store.h tells how a port is reached, and its
// general codes).

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "aggregator/base/clock.h"
#include "aggregator/model/session.h"
#include "aggregator/model/user.h"

namespace unipresence {

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

class SessionReader {
 public:
  virtual ~SessionReader() = default;

  // All of them, the oldest first; of the same time by id.
  virtual absl::StatusOr<std::vector<StoredSession>> List() const = 0;
};

class SessionStore : public SessionReader {
 public:
  // NOT_FOUND: no such user. ALREADY_EXISTS: key or id is in use.
  virtual absl::Status Save(const StoredSession& session) = 0;
  // NOT_FOUND: there is none of that id; it ended before.
  virtual absl::Status Delete(std::string_view id) = 0;
  // How many of the ids there were; the others are no error (sessions that expired).
  virtual absl::StatusOr<std::size_t> DeleteEach(std::span<const std::string> ids) = 0;
  // How many the user had. An unknown user has none.
  virtual absl::StatusOr<std::size_t> DeleteOfUser(std::string_view user) = 0;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_STORAGE_SESSION_STORE_H_
