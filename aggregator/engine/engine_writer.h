#ifndef UNIPRESENCE_AGGREGATOR_ENGINE_ENGINE_WRITER_H_
#define UNIPRESENCE_AGGREGATOR_ENGINE_ENGINE_WRITER_H_

// What people and administrators change of users: the port by which committed changes reach the
// single writer. Engine implements it.
//
// Errors name the id: NOT_FOUND if there is no such user.
//
// Thread: the pipeline's.

#include <string_view>

#include "absl/status/status.h"
#include "aggregator/model/cause.h"
#include "aggregator/model/forwarding.h"
#include "aggregator/model/line.h"
#include "aggregator/model/user.h"
#include "aggregator/model/user_settings.h"

namespace unipresence {

class EngineWriter {
 public:
  virtual ~EngineWriter() = default;

  // ALREADY_EXISTS names the id. The user must be valid (ValidateUser). `why` is what the first
  // value tells of itself: kServerStart for users that were there before this server.
  virtual absl::Status AddUser(const User& user, const UserSettings& settings, CauseKind why) = 0;
  absl::Status AddUser(const User& user, const UserSettings& settings) {
    return AddUser(user, settings, CauseKind::kUserCreated);
  }
  // Replaces the lines. What is known of lines that stay is kept, also while their PBX is away.
  // Published if a subscriber can see it: a new name or number is not.
  virtual absl::Status UpdateUser(const User& user) = 0;
  virtual absl::Status RemoveUser(std::string_view id) = 0;

  // `cause` is kLogin, kLogout or kSessionExpired.
  virtual absl::Status SetLoggedIn(std::string_view user, bool logged_in, CauseKind cause) = 0;
  // FAILED_PRECONDITION if the user has no line of that kind.
  virtual absl::Status SelectDevice(std::string_view user, LineKind device) = 0;
  virtual absl::Status SetDoNotDisturb(std::string_view user, bool do_not_disturb) = 0;
  // Replaces all of them. The destinations must be valid.
  virtual absl::Status SetForwardings(std::string_view user, const Forwardings& forwardings) = 0;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_ENGINE_ENGINE_WRITER_H_
