#ifndef UNIPRESENCE_CLIENTS_CLI_SESSION_FILE_H_
#define UNIPRESENCE_CLIENTS_CLI_SESSION_FILE_H_

// The session between two commands: `login` writes it, every other command reads it, `logout`
// removes it.
//
//   {"version": 1, "server": "127.0.0.1:50051", "user": "alice", "session": "...",
//    "kind": "ASSISTANT", "token": "...", "expire_time": "2026-05-01T14:03:22.123456Z"}
//
// The token is worth the password while the session lives: the file has mode 0600 and replaces the
// former one in one step (rename), so that no command ever reads half of it. `expire_time` is that
// of the moment of writing; the session lives longer if it is kept alive.

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace unipresence::cli {

struct StoredSession {
  std::string server;  // the address it was made at: the token goes nowhere else
  std::string user;
  std::string session;  // its id
  std::string kind;     // "ASSISTANT" or "CLIENT"
  std::string token;
  std::string expire_time;  // RFC 3339

  friend bool operator==(const StoredSession&, const StoredSession&) = default;
};

// $XDG_STATE_HOME/unipresence/session.json, else ~/.local/state/unipresence/session.json (XDG Base
// Directory Specification 0.8). FAILED_PRECONDITION if neither variable is set.
absl::StatusOr<std::string> DefaultSessionFile();

// UNAUTHENTICATED: there is no such file, so nobody is logged in. INVALID_ARGUMENT: it is not one
// of ours. PERMISSION_DENIED, UNAVAILABLE: it cannot be read.
absl::StatusOr<StoredSession> ReadSessionFile(const std::string& path);

// Makes missing folders (mode 0700). The errors name the path.
absl::Status WriteSessionFile(const std::string& path, const StoredSession& session);

// Removes the file if it still holds this token: a later `login` may have replaced it. No file is
// no error.
absl::Status RemoveSessionFile(const std::string& path, const std::string& token);

}  // namespace unipresence::cli

#endif  // UNIPRESENCE_CLIENTS_CLI_SESSION_FILE_H_
