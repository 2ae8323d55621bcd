#ifndef UNIPRESENCE_SERVER_ACCOUNT_LOGIN_H_
#define UNIPRESENCE_SERVER_ACCOUNT_LOGIN_H_

// Logging in, from username and password to a live session.
//
//   throttle -> store: the user -> hasher: the password -> store: the session, and WEBRTC as the
//   choice of a user who never had one -> pipeline: the session lives, the user is logged in ->
//   answer
//
// An unknown username takes the same way with a hash that nothing matches, so that neither the
// answer nor its time tells who exists. If the password or the user changed while it was verified,
// the log-in fails like one with a wrong password.
//
// A user of a users file whose password is not hashed yet waits for that first. So for the seconds
// after new users were added the time tells that they are.

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/functional/any_invocable.h"

#include "server/auth/login_throttle.h"
#include "server/auth/password_hasher.h"
#include "server/service/call.h"
#include "unipresence/v1/session.pb.h"

namespace unipresence {

// Thread-safe.
class LoginDesk {
 public:
  using WhenHashed =
      std::function<void(const std::string& user, absl::AnyInvocable<void() &&> done)>;

  // All must outlive the desk.
  // For `when_hashed` see ServicePorts.
  LoginDesk(const ServiceContext& shared, auth::PasswordHasher& hasher,
            auth::LoginThrottle& throttle, WhenHashed when_hashed)
      : shared_(shared),
        hasher_(hasher),
        throttle_(throttle),
        when_hashed_(std::move(when_hashed)) {}

  void LogIn(const v1::CreateSessionRequest& request, std::string_view peer,
             Reply<v1::CreateSessionResponse> reply);

 private:
  struct Attempt;
  using AttemptPtr = std::unique_ptr<Attempt>;

  void LookUp(AttemptPtr attempt);
  void Verify(AttemptPtr attempt, absl::StatusOr<StoredUser> user);
  void Save(AttemptPtr attempt);
  void Begin(AttemptPtr attempt, absl::Status saved);
  void Reject(AttemptPtr attempt);
  // The attempt was no guess: it does not count.
  void GiveUp(AttemptPtr attempt, const absl::Status& status);

  const ServiceContext& shared_;
  auth::PasswordHasher& hasher_;
  auth::LoginThrottle& throttle_;
  const WhenHashed when_hashed_;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_ACCOUNT_LOGIN_H_
